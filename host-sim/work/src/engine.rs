//! Blocks between nodes, and the miner.
//!
//! Whoever mines a block sends it to all. Everybody says now and then, and whenever it changes, how heavy the chain is that it knows, and shows the newest header;
//! whoever knows a lighter one asks for what it lacks, from the block on at which the chains part. So each block that comes stands on one that is known: nobody keeps orphans. One peer is asked at a time, the one
//! that says it has most; one that does not deliver is not asked again for a while. A proof that does not hold, or a block that is not what execution yields,
//! ends the connection.

use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use commonware_cryptography::ed25519::PublicKey;
use commonware_macros::{select, select_loop};
use commonware_p2p::{Blocker, Receiver, Recipients, Sender};
use commonware_runtime::{Clock, Handle, IoBuf, Spawner};
use commonware_utils::channel::{mpsc, watch};
use qenex_core::consensus::Header;
use qenex_core::consensus::work::Work;
use qenex_core::error::Coded;
use qenex_node::block::Batch;
use qenex_node::error::NodeError;
use qenex_node::sequencer::BlockLimits;
use qenex_validator::clock::WallClock;
use qenex_validator::gossip;

use crate::error::Refusal;
use crate::ledger::Shared;
use crate::message::{Message, ask, blocks, head, max_blocks_bytes};
use crate::miner::Miner;

/// Transactions and blocks that may wait for the network.
const MAILBOX: usize = 1_024;

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// Between two times of saying what chain is known.
    pub tell: Duration,
    /// Until an answer of a peer is awaited no longer.
    pub fetch: Duration,
    /// For how long a peer is not asked that did not deliver.
    pub quiet: Duration,
    /// Between two looks whether the block that is mined should hold other transactions.
    pub refresh: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            tell: Duration::from_secs(2),
            fetch: Duration::from_secs(5),
            quiet: Duration::from_secs(30),
            refresh: Duration::from_millis(500),
        }
    }
}

/// What a node is.
pub struct Config<M, B> {
    /// What a block may hold.
    pub limits: BlockLimits,
    /// How long things may take.
    pub timing: Timing,
    /// Who looks for nonces; nobody for a node that only follows.
    pub miner: Option<M>,
    /// Whom it does not hear any more.
    pub blocker: B,
}

/// The channels of a network.
pub struct Channels<S, R> {
    /// Blocks, and what is said about them.
    pub blocks: (S, R),
    /// Transactions.
    pub transactions: (S, R),
}

impl<S, R> Channels<S, R> {
    /// How many there are.
    pub const COUNT: u64 = 2;
}

/// The longest message of any channel.
pub fn max_message_bytes(limits: BlockLimits) -> u32 {
    commonware_p2p::max_message_size(&[1 + max_blocks_bytes(limits), gossip::MAX_MESSAGE_BYTES])
}

/// A node that runs.
pub struct Running {
    /// The ledger.
    pub ledger: Shared,
    /// Transactions for the others, which this node has taken.
    pub submitted: mpsc::Sender<Batch>,
    /// Ends when a part of it does: none goes on without the others.
    pub handle: Handle<()>,
}

/// Starts a node over a ledger.
pub fn start<E, M, B, S, R>(
    context: E,
    config: Config<M, B>,
    ledger: Shared,
    channels: Channels<S, R>,
) -> Running
where
    E: Clock + Spawner,
    M: Miner,
    B: Blocker<PublicKey = PublicKey>,
    S: Sender<PublicKey = PublicKey>,
    R: Receiver<PublicKey = PublicKey>,
{
    let (submitted, to_send) = mpsc::channel(MAILBOX);
    let shared = ledger.clone();
    let handle = context.spawn(move |context| async move {
        let (mined, to_tell) = mpsc::channel(MAILBOX);
        let (heads, new_heads) = watch::channel(());
        let Config { limits, timing, miner, blocker } = config;
        let transactions = gossip::start(
            context.child("transactions"),
            ledger.clone(),
            to_send,
            channels.transactions,
            blocker.clone(),
        );
        let mut parts = vec![transactions];
        if let Some(miner) = miner {
            let context = context.child("miner");
            parts.push(mine(context, ledger.clone(), miner, timing.refresh, new_heads, mined.clone()));
        }
        let (sender, receiver) = channels.blocks;
        let talk =
            Talk { ledger, sender, blocker, limits, timing, heads, peers: BTreeMap::new(), asked: None };
        parts.push(context.child("blocks").spawn(move |context| talk.run(context, receiver, to_tell)));
        let _ = futures::future::select_all(parts).await;
        drop(mined);
        tracing::error!("a part of the node ended");
    });
    Running { ledger: shared, submitted, handle }
}

/// Mines over the head until the network ends.
fn mine<E: Clock + Spawner>(
    context: E,
    ledger: Shared,
    mut miner: impl Miner,
    refresh: Duration,
    mut heads: watch::Receiver<()>,
    mined: mpsc::Sender<Bytes>,
) -> Handle<()> {
    context.spawn(move |context| async move {
        loop {
            heads.mark_unchanged();
            let puzzle = ledger.lock().template(WallClock::default().now_ms(&context));
            let puzzle = match puzzle {
                Ok(puzzle) => puzzle,
                Err(error) => {
                    tracing::error!("no block can be made: {error}");
                    return;
                }
            };
            let mut search = pin!(miner.mine(puzzle));
            let nonce = loop {
                select! {
                    nonce = &mut search => { break Some(nonce); },
                    changed = heads.changed() => {
                        if changed.is_err() {
                            return;
                        }
                        break None;
                    },
                    _ = context.sleep(refresh) => {
                        if ledger.lock().is_outdated() {
                            break None;
                        }
                    },
                }
            };
            let Some(nonce) = nonce else { continue };
            let solved = ledger.lock().solved(&puzzle, nonce);
            match solved {
                Ok(Some(block)) => {
                    if mined.send(block).await.is_err() {
                        return;
                    }
                }
                Ok(None) => {}
                Err(Refusal::Node(error)) => {
                    tracing::error!("a block that was mined cannot be kept: {error}");
                    return;
                }
                Err(refusal) => tracing::warn!("a block that was mined is not kept: {refusal}"),
            }
        }
    })
}

/// What is known of a peer.
#[derive(Clone, Copy, Debug, Default)]
struct Peer {
    /// The work that it says it knows of.
    work: Work,
    /// Until then it is not asked.
    quiet_ms: u64,
}

struct Talk<S, B> {
    ledger: Shared,
    sender: S,
    blocker: B,
    limits: BlockLimits,
    timing: Timing,
    heads: watch::Sender<()>,
    peers: BTreeMap<PublicKey, Peer>,
    /// Who was asked, and until when an answer is awaited.
    asked: Option<(PublicKey, u64)>,
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl<S: Sender<PublicKey = PublicKey>, B: Blocker<PublicKey = PublicKey>> Talk<S, B> {
    async fn run<E: Clock + Spawner>(
        mut self,
        context: E,
        mut receiver: impl Receiver<PublicKey = PublicKey>,
        mut mined: mpsc::Receiver<Bytes>,
    ) {
        let mut again = context.current();
        select_loop! {
            context,
            on_stopped => {},
            Some(block) = mined.recv() else break => {
                let block = gossip::pack(&mut std::iter::once(block.as_ref()).peekable(), max_blocks_bytes(self.limits));
                self.send(Recipients::All, blocks(&block));
                self.tell();
            },
            message = receiver.recv() => {
                let Ok((peer, message)) = message else { break };
                if let Err(error) = self.hear(peer, message.as_ref(), WallClock::default().now_ms(&context)) {
                    tracing::error!("the ledger cannot go on: {error}");
                    break;
                }
            },
            _ = context.sleep_until(again) => {
                self.tell();
                again = context.current() + self.timing.tell;
            },
            on_end => self.ask(WallClock::default().now_ms(&context)),
        }
    }

    fn send(&mut self, to: Recipients<PublicKey>, message: Vec<u8>) {
        self.sender.send(to, IoBuf::from(message), false);
    }

    /// Says what chain is known here.
    fn tell(&mut self) {
        let message = {
            let ledger = self.ledger.lock();
            head(ledger.work(), ledger.head())
        };
        self.send(Recipients::All, message);
    }

    /// Takes a message.
    ///
    /// # Errors
    /// This node cannot go on.
    fn hear(&mut self, peer: PublicKey, message: &[u8], now_ms: u64) -> Result<(), NodeError> {
        match Message::decode(message) {
            Ok(Message::Head(work, header)) => {
                let judged = self.judge(&header);
                match judged {
                    Err(Refusal::Node(error)) => return Err(error),
                    Err(refusal) if refusal.is_fault() => self.block(peer, &refusal),
                    // What it says of the work is believed for so long as it delivers.
                    _ => self.peers.entry(peer).or_default().work = work,
                }
            }
            Ok(Message::Ask(steps)) => {
                let answer = self.ledger.lock().blocks_after(&steps, max_blocks_bytes(self.limits))?;
                self.send(Recipients::One(peer), blocks(&answer));
            }
            Ok(Message::Blocks(batch)) => self.take(peer, &batch, now_ms)?,
            Err(error) => self.block(peer, &Refusal::Decode(error)),
        }
        Ok(())
    }

    fn judge(&self, header: &Header) -> Result<(), Refusal> {
        let ledger = self.ledger.lock();
        if !ledger.knows(header.id(), header.height)? {
            ledger.judge(header)?;
        }
        Ok(())
    }

    fn block(&mut self, peer: PublicKey, refusal: &Refusal) {
        self.peers.remove(&peer);
        let code = refusal.code();
        commonware_p2p::block!(self.blocker, peer, "what it sends holds for nobody: {code}");
    }

    /// Takes blocks that somebody sent.
    fn take(&mut self, peer: PublicKey, batch: &Batch, now_ms: u64) -> Result<(), NodeError> {
        let answered = self.asked.as_ref().is_some_and(|(asked, _)| *asked == peer);
        let (mut new, mut refused) = (0, None);
        let (before, after, work) = {
            let mut ledger = self.ledger.lock();
            let before = ledger.head_id();
            for block in batch.iter() {
                match ledger.take(&Bytes::copy_from_slice(block), now_ms) {
                    Ok(is_new) => new += usize::from(is_new),
                    Err(Refusal::Node(error)) => return Err(error),
                    Err(refusal) => {
                        refused = Some(refusal);
                        break;
                    }
                }
            }
            ledger.settle()?;
            (before, ledger.head_id(), ledger.work())
        };
        if before != after {
            self.heads.send_replace(());
            self.tell();
        }
        if answered {
            self.asked = None;
            // Somebody else may have sent them meanwhile.
            if new == 0 && self.peers.get(&peer).is_some_and(|peer| peer.work > work) {
                let reason =
                    refused.as_ref().map(|refusal| refusal.code().name).unwrap_or("nothing that follows");
                tracing::warn!(?peer, reason, "a peer that says it knows a heavier chain does not deliver");
                self.quiet(peer.clone(), now_ms);
            }
        }
        match refused {
            Some(refusal) if refusal.is_fault() => self.block(peer, &refusal),
            _ => {}
        }
        Ok(())
    }

    fn quiet(&mut self, peer: PublicKey, now_ms: u64) {
        let until = now_ms.saturating_add(millis(self.timing.quiet));
        self.peers.entry(peer).or_default().quiet_ms = until;
    }

    /// Asks whoever says that it knows the heaviest chain, if that is heavier than the one known here and nobody is asked yet.
    fn ask(&mut self, now_ms: u64) {
        if let Some((peer, until_ms)) = &self.asked {
            if now_ms < *until_ms {
                return;
            }
            let peer = peer.clone();
            self.asked = None;
            self.quiet(peer, now_ms);
        }
        let (work, steps) = {
            let ledger = self.ledger.lock();
            (ledger.work(), ledger.steps())
        };
        let heavier = self.peers.iter().filter(|(_, peer)| peer.work > work && peer.quiet_ms <= now_ms);
        let Some(peer) = heavier.max_by_key(|(_, peer)| peer.work).map(|(key, _)| key.clone()) else {
            return;
        };
        self.asked = Some((peer.clone(), now_ms.saturating_add(millis(self.timing.fetch))));
        self.send(Recipients::One(peer), ask(&steps));
    }
}
