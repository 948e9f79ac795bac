//! States of the ledger between nodes: a node that is far behind gets the state at the end of an epoch, and blocks from there on.
//!
//! It believes nobody. From its own newest block it follows the checkpoints of the epochs, each signed by a quorum of the set that the one before names,
//! to an epoch whose state somebody offers. The header says what the root of the state is, and so what the parts must be. What does not hold is
//! noticed as it arrives, and who sent it is blocked.

mod message;
mod search;
mod watch;

use std::io;
use std::time::Duration;

use commonware_cryptography::ed25519::PublicKey;
use commonware_macros::select_loop;
use commonware_p2p::{Blocker, Receiver, Recipients, Sender};
use commonware_runtime::{Clock, Handle, IoBuf, Spawner};
use commonware_utils::channel::oneshot;
use qenex_node::snapshot::MAX_LIST_BYTES;

use self::message::{BLOCK, CHECKPOINT, LIST, Message, Wanted};
use self::search::{Arrival, Followed};
pub use self::search::{Policy, Search};
use self::watch::{Seen, Watch};
use crate::checkpoint::{self, Collected};
use crate::checkpoints::Checkpoints;
use crate::clock::WallClock;
use crate::epochs::Epochs;
use crate::exchange::note_ends;
use crate::ledger::Shared;
use crate::snapshots::Snapshots;

/// How often what is missing is asked for.
const AGAIN: Duration = Duration::from_millis(100);

/// The longest part: some sixteen times its usual size.
const MAX_PART_BYTES: usize = 1 << 20;

/// The longest message on a chain with blocks of at most so many bytes.
pub const fn max_message_bytes(block: usize) -> usize {
    let mut most = block;
    let sizes = [checkpoint::MAX_BYTES, MAX_LIST_BYTES, MAX_PART_BYTES];
    let mut index = 0;
    while index < sizes.len() {
        if sizes[index] > most {
            most = sizes[index];
        }
        index += 1;
    }
    1 + 8 + 4 + most
}

/// What a node works with.
pub struct Station {
    /// The ledger.
    pub ledger: Shared,
    /// Its checkpoints.
    pub checkpoints: Checkpoints,
    /// Which heights an epoch has.
    pub epochs: Epochs,
    /// What it offers.
    pub snapshots: Snapshots,
    /// When it asks for a state; never where nothing is said.
    pub policy: Option<Policy>,
    /// How many others are enough to be believed: one of them is honest.
    pub enough: usize,
}

impl Station {
    /// Answers others until the network ends, or the node is left behind. Before that gets a state, if one is searched for: the channel gets word when
    /// that is over, whatever came of it.
    pub fn start<E: Spawner + Clock>(
        self,
        context: E,
        (mut sender, mut receiver): (
            impl Sender<PublicKey = PublicKey>,
            impl Receiver<PublicKey = PublicKey>,
        ),
        mut blocker: impl Blocker<PublicKey = PublicKey>,
        mut search: Option<(Search, oneshot::Sender<()>)>,
    ) -> Handle<()> {
        context.spawn(move |context| async move {
            let mut again = context.current();
            let mut watch = self.policy.map(|policy| Watch::new(policy, self.enough));
            select_loop! {
                context,
                on_stopped => {},
                message = receiver.recv() => {
                    let Ok((peer, message)) = message else { break };
                    let now_ms = WallClock::default().now_ms(&context);
                    let seekers = (search.as_mut().map(|(search, _)| search), watch.as_mut());
                    match self.take(seekers, &peer, message.as_ref(), now_ms) {
                        Ok(Answer::Nothing) => {},
                        Ok(Answer::Send(message)) => {
                            sender.send(Recipients::One(peer), IoBuf::from(message.encode()), false);
                        },
                        Ok(Answer::Block(reason)) => {
                            commonware_p2p::block!(blocker, peer, "{reason}");
                        }
                        Err(error) => {
                            tracing::error!("a state cannot be sent or kept: {error}");
                            break;
                        },
                    }
                    if search.is_some() {
                        // What has come makes room for more.
                        again = context.current();
                    }
                },
                _ = context.sleep_until(again) => {
                    let now_ms = WallClock::default().now_ms(&context);
                    if let Some((search, _)) = &mut search {
                        for (to, message) in search.turn(now_ms) {
                            let to = to.map_or(Recipients::All, Recipients::One);
                            sender.send(to, IoBuf::from(message.encode()), false);
                        }
                    }
                    if search.as_ref().is_some_and(|(search, _)| search.over)
                        && let Some((_, over)) = search.take()
                    {
                        // Whoever waited may have ended.
                        let _ = over.send(());
                    }
                    if search.is_none() && let Some(watch) = &mut watch {
                        match watch.look(self.newest(), now_ms) {
                            Seen::Well => {},
                            Seen::Ask => {
                                sender.send(Recipients::All, IoBuf::from(Message::Ask.encode()), false);
                            },
                            Seen::LeftBehind => {
                                tracing::error!(
                                    "others have forgotten the blocks that this node needs: it ends, and gets a state when it is started again, if it need not keep all blocks"
                                );
                                break;
                            },
                        }
                    }
                    again = context.current() + if search.is_some() { AGAIN } else { 100 * AGAIN };
                },
            }
        })
    }

    /// Height, epoch and time of the newest block.
    fn newest(&self) -> (u64, u64, u64) {
        let ledger = self.ledger.lock();
        let tip = ledger.tip();
        (tip.height, tip.epoch, tip.time_ms)
    }

    /// The newest state that others can use: of an epoch whose checkpoint is there.
    fn offer(&self) -> io::Result<u64> {
        for epoch in self.snapshots.epochs().into_iter().rev() {
            if self.checkpoints.done(epoch)?.is_some_and(|done| done.certified.is_some()) {
                return Ok(epoch);
            }
        }
        Ok(0)
    }

    fn have(&self, wanted: Wanted) -> io::Result<Option<Vec<u8>>> {
        match wanted.section {
            CHECKPOINT => Ok(self.checkpoints.done(wanted.epoch)?.map(|done| done.encode())),
            section => self.snapshots.section(wanted.epoch, section as usize),
        }
    }

    fn take(
        &self,
        (search, watch): (Option<&mut Search>, Option<&mut Watch>),
        peer: &PublicKey,
        bytes: &[u8],
        now_ms: u64,
    ) -> io::Result<Answer> {
        let Some(message) = Message::decode(bytes) else {
            return Ok(Answer::Block("a message is none of states".into()));
        };
        match message {
            Message::Ask => Ok(Answer::Send(Message::Offer { epoch: self.offer()? })),
            Message::Want(wanted) => Ok(Answer::Send(match self.have(wanted)? {
                Some(bytes) => Message::Have(wanted, bytes),
                None => Message::Nothing(wanted),
            })),
            Message::Offer { epoch } => {
                match (search, watch) {
                    (Some(search), _) => search.offered(peer, epoch),
                    (None, Some(watch)) => watch.offered(peer, epoch),
                    (None, None) => {}
                }
                Ok(Answer::Nothing)
            }
            Message::Nothing(wanted) => {
                if let Some(search) = search {
                    search.nothing(peer, wanted);
                }
                Ok(Answer::Nothing)
            }
            Message::Have(wanted, bytes) => match search {
                Some(search) => self.arrived(search, peer, wanted, bytes, now_ms),
                None => Ok(Answer::Nothing),
            },
        }
    }

    /// Takes what was asked for.
    fn arrived(
        &self,
        search: &mut Search,
        peer: &PublicKey,
        wanted: Wanted,
        bytes: Vec<u8>,
        now_ms: u64,
    ) -> io::Result<Answer> {
        if search.in_flight.get(&wanted).is_none_or(|(asked, _)| asked != peer) {
            return Ok(Answer::Nothing);
        }
        search.in_flight.remove(&wanted);
        let right = match wanted.section {
            CHECKPOINT => self.checkpoint(search, peer, wanted, &bytes)?,
            LIST => search.list(&bytes),
            BLOCK => search.block(bytes),
            section => search.part(section, &bytes),
        };
        if let Err(reason) = right {
            search.leave(peer);
            return Ok(Answer::Block(format!("{wanted:?}: {reason}")));
        }
        search.gave(peer, now_ms);
        if search.is_complete()
            && let Some(Arrival { header, arriving: Some(arriving), block: Some(block), .. }) =
                search.arrival.take()
            && let Some(records) = arriving.finish()
        {
            tracing::info!(height = header.height, records = records.len(), "a state has arrived");
            note_ends(&self.ledger, &self.checkpoints, self.epochs)?;
            if let Err(error) = self.ledger.install(&block, records) {
                return Err(io::Error::other(error.to_string()));
            }
            search.over = true;
        }
        Ok(Answer::Nothing)
    }

    /// Takes a checkpoint, and follows as many as there are in a row.
    fn checkpoint(
        &self,
        search: &mut Search,
        peer: &PublicKey,
        wanted: Wanted,
        bytes: &[u8],
    ) -> io::Result<Result<(), String>> {
        let Some(collected) = Collected::decode(bytes) else { return Ok(Err("it is none".into())) };
        search.waiting.insert(wanted.epoch, (peer.clone(), collected));
        let mut right = Ok(());
        while let Some((from, collected)) = search.waiting.remove(&search.next_epoch()) {
            match search.follow(&collected) {
                Ok(Followed::Yes) => self.checkpoints.put(search.trusted.epoch, collected)?,
                // Others may have the certificate.
                Ok(Followed::WithoutCertificate) => {
                    search.refused.insert((from, Wanted::checkpoint(search.next_epoch())));
                }
                Err(reason) if from == *peer => right = Err(reason),
                Err(_) => search.leave(&from),
            }
        }
        Ok(right)
    }
}

/// What a message leads to.
enum Answer {
    Nothing,
    Send(Message),
    Block(String),
}
