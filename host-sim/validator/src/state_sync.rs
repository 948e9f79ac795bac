//! States of the ledger between nodes: a node that is far behind gets the state at the end of an epoch, and blocks from there on.
//!
//! It believes nobody. From its own newest block it follows the checkpoints of the epochs, each signed by a quorum of the set that the one before names,
//! to an epoch whose state somebody offers. The header says what the root of the state is, and so what the parts must be. What does not hold is
//! noticed as it arrives, and who sent it is blocked.
//!
//! | message | bytes |
//! |---|---|
//! | what is there? | 0 |
//! | the newest state that is offered | 1, the epoch (u64; zero for none) |
//! | a checkpoint is asked for | 2, the epoch |
//! | a checkpoint | 3, the epoch, its bytes ([`crate::checkpoint`]) |
//! | a section is asked for | 4, the epoch, the section (u32; see [`crate::snapshots`]) |
//! | a section | 5, the epoch, the section, its bytes |
//! | it is not there | 6, the epoch, the section; for a checkpoint the greatest number |
//!
//! Numbers are little-endian.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::Duration;

use bytes::Bytes;
use commonware_cryptography::ed25519::PublicKey;
use commonware_macros::select_loop;
use commonware_p2p::{Blocker, Receiver, Recipients, Sender};
use commonware_runtime::{Clock, Handle, IoBuf, Spawner};
use commonware_utils::channel::oneshot;
use qenex_core::consensus::{Anchor, Header, Trusted};
use qenex_core::crypto::Hash;
use qenex_node::snapshot::{Arriving, MAX_LIST_BYTES};

use crate::block::ChainBlock;
use crate::checkpoint::{self, Collected};
use crate::checkpoints::Checkpoints;
use crate::clock::WallClock;
use crate::epochs::Epochs;
use crate::ledger::Shared;
use crate::snapshots::Snapshots;

/// How often what is missing is asked for.
const AGAIN: Duration = Duration::from_millis(100);

/// How often it is asked who offers what.
const ASK_AGAIN_MS: u64 = 500;

/// How long an answer is awaited.
const PATIENCE_MS: u64 = 3_000;

/// Without any progress for so long, blocks are asked for instead.
const GIVE_UP_MS: u64 = 30_000;

/// Checkpoints or sections that are asked for at a time.
const IN_FLIGHT: usize = 8;

/// A section of the list, and of the block; parts follow.
const LIST: u32 = 0;
const BLOCK: u32 = 1;
const PARTS: u32 = 2;

/// The section that stands for a checkpoint.
const CHECKPOINT: u32 = u32::MAX;

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

/// When a node asks for a state, and what it knows beforehand.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// Its newest block is older than this.
    pub behind: Duration,
    /// The last header of an epoch, from somebody who is believed: a chain that those made who have long left is no longer taken for this one.
    pub trusted: Option<(u64, Hash)>,
}

/// What a message asks for or brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Wanted {
    epoch: u64,
    section: u32,
}

impl Wanted {
    const fn checkpoint(epoch: u64) -> Self {
        Self { epoch, section: CHECKPOINT }
    }

    fn split(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (epoch, rest) = bytes.split_first_chunk()?;
        let (section, rest) = rest.split_first_chunk()?;
        let wanted = Self { epoch: u64::from_le_bytes(*epoch), section: u32::from_le_bytes(*section) };
        Some((wanted, rest))
    }
}

/// A message.
#[derive(Debug, PartialEq, Eq)]
enum Message {
    Ask,
    Offer { epoch: u64 },
    Want(Wanted),
    Have(Wanted, Vec<u8>),
    Nothing(Wanted),
}

impl Message {
    fn encode(&self) -> Vec<u8> {
        let (kind, wanted) = match self {
            Self::Ask => return vec![0],
            Self::Offer { epoch } => return [&[1][..], &epoch.to_le_bytes()].concat(),
            Self::Want(wanted) => (2, wanted),
            Self::Have(wanted, _) => (3, wanted),
            Self::Nothing(wanted) => (6, wanted),
        };
        let of_section = u8::from(wanted.section != CHECKPOINT) * 2;
        let mut out = vec![if kind == 6 { kind } else { kind + of_section }];
        out.extend_from_slice(&wanted.epoch.to_le_bytes());
        if kind == 6 || wanted.section != CHECKPOINT {
            out.extend_from_slice(&wanted.section.to_le_bytes());
        }
        if let Self::Have(_, bytes) = self {
            out.extend_from_slice(bytes);
        }
        out
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (kind, rest) = bytes.split_first()?;
        let epoch = || rest.split_first_chunk().map(|(epoch, rest)| (u64::from_le_bytes(*epoch), rest));
        let checkpoint = || epoch().map(|(epoch, rest)| (Wanted::checkpoint(epoch), rest));
        let section = || Wanted::split(rest).filter(|(wanted, _)| *kind == 6 || wanted.section != CHECKPOINT);
        let (message, rest) = match kind {
            0 => (Self::Ask, rest),
            1 => epoch().map(|(epoch, rest)| (Self::Offer { epoch }, rest))?,
            2 => checkpoint().map(|(wanted, rest)| (Self::Want(wanted), rest))?,
            3 => checkpoint().map(|(wanted, rest)| (Self::Have(wanted, rest.to_vec()), &[][..]))?,
            4 => section().map(|(wanted, rest)| (Self::Want(wanted), rest))?,
            5 => section().map(|(wanted, rest)| (Self::Have(wanted, rest.to_vec()), &[][..]))?,
            6 => section().map(|(wanted, rest)| (Self::Nothing(wanted), rest))?,
            _ => return None,
        };
        rest.is_empty().then_some(message)
    }
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
}

impl Station {
    /// Answers others until the network ends, and before that gets a state if the policy says so. The channel gets word when that is over, whatever
    /// came of it.
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
            select_loop! {
                context,
                on_stopped => {},
                message = receiver.recv() => {
                    let Ok((peer, message)) = message else { break };
                    let now_ms = WallClock::default().now_ms(&context);
                    let current = search.as_mut().map(|(search, _)| search);
                    match self.take(current, &peer, message.as_ref(), now_ms) {
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
                    again = context.current() + if search.is_some() { AGAIN } else { 100 * AGAIN };
                },
            }
        })
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
        search: Option<&mut Search>,
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
                if let Some(search) = search {
                    search.offered(peer, epoch);
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
        search.progress_ms = now_ms;
        if search.is_complete()
            && let Some(Arrival { header, arriving: Some(arriving), block: Some(block), .. }) =
                search.arrival.take()
            && let Some(records) = arriving.finish()
        {
            tracing::info!(height = header.height, records = records.len(), "a state has arrived");
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

/// Whether a light client has moved on.
enum Followed {
    Yes,
    WithoutCertificate,
}

/// A state that arrives.
struct Arrival {
    header: Header,
    block: Option<ChainBlock>,
    arriving: Option<Arriving>,
}

/// The search for a state.
pub struct Search {
    policy: Policy,
    epochs: Epochs,
    /// How many answers that offer nothing newer are enough to believe it: one of them is honest.
    enough: usize,
    /// What is believed so far.
    trusted: Trusted,
    /// Its header, if a certificate came with it: a state can stand on it.
    end: Option<Header>,
    /// What others offer: epochs.
    offers: BTreeMap<PublicKey, u64>,
    /// The epoch whose state is wanted.
    target: Option<u64>,
    /// Checkpoints that arrived before those that they stand on, and who sent them.
    waiting: BTreeMap<u64, (PublicKey, Collected)>,
    arrival: Option<Arrival>,
    /// Whom it was asked of, and until when an answer is awaited.
    in_flight: BTreeMap<Wanted, (PublicKey, u64)>,
    /// Who does not have what.
    refused: BTreeSet<(PublicKey, Wanted)>,
    asked_ms: u64,
    progress_ms: u64,
    over: bool,
}

impl Search {
    /// A search of a node that has this header, in a network of so many validators; nothing if it is not needed.
    pub fn new(policy: Policy, epochs: Epochs, tip: &Header, validators: usize, now_ms: u64) -> Option<Self> {
        let behind_ms = now_ms.saturating_sub(tip.time_ms);
        let trusted = Trusted::new(&Anchor { header: tip.clone(), trusting_period_ms: u64::MAX }).ok()?;
        (u128::from(behind_ms) > policy.behind.as_millis()).then_some(Self {
            policy,
            epochs,
            enough: (validators.saturating_sub(1)) / 3 + 1,
            trusted,
            end: None,
            offers: BTreeMap::new(),
            target: None,
            waiting: BTreeMap::new(),
            arrival: None,
            in_flight: BTreeMap::new(),
            refused: BTreeSet::new(),
            asked_ms: 0,
            progress_ms: now_ms,
            over: false,
        })
    }

    /// The epoch whose checkpoint is the next to follow.
    fn next_epoch(&self) -> u64 {
        self.epochs.of(self.trusted.height.saturating_add(1))
    }

    fn offered(&mut self, peer: &PublicKey, epoch: u64) {
        self.offers.insert(peer.clone(), epoch);
    }

    fn nothing(&mut self, peer: &PublicKey, wanted: Wanted) {
        if self.in_flight.get(&wanted).is_some_and(|(asked, _)| asked == peer) {
            self.in_flight.remove(&wanted);
            self.refused.insert((peer.clone(), wanted));
        }
    }

    /// Asks somebody no more.
    fn leave(&mut self, peer: &PublicKey) {
        self.offers.remove(peer);
        self.in_flight.retain(|_, (asked, _)| asked != peer);
    }

    /// What to send to whom; to all where nobody is named.
    fn turn(&mut self, now_ms: u64) -> Vec<(Option<PublicKey>, Message)> {
        let late: Vec<_> =
            self.in_flight.iter().filter(|(_, (_, until_ms))| *until_ms <= now_ms).map(|(w, _)| *w).collect();
        for wanted in late {
            if let Some((peer, _)) = self.in_flight.remove(&wanted) {
                self.refused.insert((peer, wanted));
            }
        }
        if now_ms >= self.progress_ms.saturating_add(GIVE_UP_MS) {
            tracing::warn!("no state has come, blocks are asked for");
            self.over = true;
        }
        if self.over {
            return Vec::new();
        }
        if self.target.is_none() {
            self.choose();
        }
        if self.over {
            return Vec::new();
        }
        if self.target.is_none() {
            if now_ms < self.asked_ms.saturating_add(ASK_AGAIN_MS) {
                return Vec::new();
            }
            self.asked_ms = now_ms;
            return vec![(None, Message::Ask)];
        }
        let mut messages = Vec::new();
        for wanted in self.wanted() {
            let Some(peer) = self.somebody(wanted) else {
                // All who offered have taken it back: it is asked again what there is.
                if self.in_flight.is_empty() {
                    self.target = None;
                    self.offers.clear();
                    self.refused.clear();
                    self.arrival = None;
                }
                break;
            };
            self.in_flight.insert(wanted, (peer.clone(), now_ms.saturating_add(PATIENCE_MS)));
            messages.push((Some(peer), Message::Want(wanted)));
        }
        messages
    }

    /// Takes the newest offer, or ends where enough others have none.
    fn choose(&mut self) {
        let own = self.trusted.epoch;
        let newer = |offer: &u64| *offer > own || *offer == own && self.end.is_some();
        if let Some(newest) = self.offers.values().copied().max().filter(newer) {
            tracing::info!(epoch = newest, from = own, "the state at the end of an epoch is asked for");
            self.target = Some(newest);
            self.begin_arrival();
        } else if self.offers.len() >= self.enough {
            self.over = true;
        }
    }

    /// The state after the newest header that is believed, if it is the one that is wanted.
    fn begin_arrival(&mut self) {
        if self.target == Some(self.trusted.epoch)
            && let Some(header) = self.end.clone()
        {
            self.arrival = Some(Arrival { header, block: None, arriving: None });
        }
    }

    /// What is to be asked for next.
    fn wanted(&self) -> Vec<Wanted> {
        let Some(target) = self.target else { return Vec::new() };
        let room = IN_FLIGHT.saturating_sub(self.in_flight.len());
        let is_new = |wanted: &Wanted| !self.in_flight.contains_key(wanted);
        if self.trusted.epoch < target {
            let epochs = self.next_epoch()..=target;
            let missing = epochs.filter(|epoch| !self.waiting.contains_key(epoch)).map(Wanted::checkpoint);
            // No further ahead than what is kept of those that arrive too early.
            return missing.take(IN_FLIGHT).filter(is_new).take(room).collect();
        }
        let Some(arrival) = &self.arrival else { return Vec::new() };
        let front = [(LIST, arrival.arriving.is_none()), (BLOCK, arrival.block.is_none())];
        let front = front.into_iter().filter_map(|(section, missing)| missing.then_some(section));
        let parts = arrival.arriving.iter().flat_map(Arriving::missing);
        let parts = parts.filter_map(|part| u32::try_from(part).ok()?.checked_add(PARTS));
        let sections = front.chain(parts).map(|section| Wanted { epoch: target, section });
        sections.filter(is_new).take(room).collect()
    }

    /// Who may have it, and is asked for the least.
    fn somebody(&self, wanted: Wanted) -> Option<PublicKey> {
        let asked = |peer: &&PublicKey| self.in_flight.values().filter(|(of, _)| of == *peer).count();
        let offers = self.offers.iter().filter(|(_, epoch)| match wanted.section {
            CHECKPOINT => **epoch >= wanted.epoch,
            _ => **epoch == wanted.epoch,
        });
        let peers = offers.map(|(peer, _)| peer).filter(|peer| {
            let refused = (PublicKey::clone(peer), wanted);
            !self.refused.contains(&refused)
        });
        peers.min_by_key(asked).cloned()
    }

    /// Moves on by a checkpoint.
    fn follow(&mut self, collected: &Collected) -> Result<Followed, String> {
        let epoch = self.next_epoch();
        let header = collected.header().ok_or("it has no header")?;
        if self.epochs.heights(epoch).is_none_or(|(_, last)| last != header.height) {
            return Err(format!("block {} is not the last one of its epoch", header.height));
        }
        if self.policy.trusted.is_some_and(|(of, id)| of == epoch && id != header.id()) {
            return Err(format!("epoch {epoch} does not end as this node was told"));
        }
        let next = collected.follow(&self.trusted).map_err(|error| format!("{error:?}"))?;
        match &collected.certified {
            Some(certified) => {
                let by_certificate = collected.follow_certificate(&self.trusted, certified);
                by_certificate.map_err(|error| format!("certificate: {error:?}"))?;
            }
            // The engine begins with it.
            None if self.target == Some(epoch) => return Ok(Followed::WithoutCertificate),
            None => {}
        }
        self.trusted = next;
        self.end = collected.certified.is_some().then(|| header.clone());
        self.begin_arrival();
        Ok(Followed::Yes)
    }

    fn list(&mut self, bytes: &[u8]) -> Result<(), String> {
        let Some(arrival) = &mut self.arrival else { return Ok(()) };
        let arriving = Arriving::new(&arrival.header, bytes).map_err(|error| error.to_string())?;
        arrival.arriving = Some(arriving);
        Ok(())
    }

    fn block(&mut self, bytes: Vec<u8>) -> Result<(), String> {
        let Some(arrival) = &mut self.arrival else { return Ok(()) };
        let block = ChainBlock::decode(Bytes::from(bytes)).map_err(|error| format!("{error:?}"))?;
        if block.header() != &arrival.header {
            return Err("it is another block".into());
        }
        arrival.block = Some(block);
        Ok(())
    }

    fn part(&mut self, section: u32, bytes: &[u8]) -> Result<(), String> {
        let arriving = self.arrival.as_mut().and_then(|arrival| arrival.arriving.as_mut());
        let Some(arriving) = arriving else { return Ok(()) };
        let part = section.saturating_sub(PARTS) as usize;
        arriving.take(part, bytes).map_err(|error| error.to_string())
    }

    fn is_complete(&self) -> bool {
        self.arrival.as_ref().is_some_and(|arrival| {
            let arriving = arrival.arriving.as_ref();
            arrival.block.is_some() && arriving.is_some_and(|arriving| arriving.missing().next().is_none())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_what_they_were_and_nothing_else_is_one() {
        let part = Wanted { epoch: 7, section: 3 };
        let messages = [
            Message::Ask,
            Message::Offer { epoch: 300 },
            Message::Want(Wanted::checkpoint(5)),
            Message::Have(Wanted::checkpoint(5), vec![1, 2, 3]),
            Message::Want(part),
            Message::Have(part, vec![4; 100]),
            Message::Nothing(part),
            Message::Nothing(Wanted::checkpoint(8)),
        ];
        for message in messages {
            let bytes = message.encode();
            assert_eq!(Message::decode(&bytes).as_ref(), Some(&message));
            if !matches!(message, Message::Have(..)) {
                assert_eq!(Message::decode(&[&bytes[..], &[0]].concat()), None);
                assert_eq!(Message::decode(&bytes[..bytes.len() - 1]), None);
            }
        }
        // A section that stands for a checkpoint has a message of its own.
        let section = [&[4][..], &5_u64.to_le_bytes(), &u32::MAX.to_le_bytes()].concat();
        for wrong in [&section[..], &[], &[7], &[3, 0, 0]] {
            assert_eq!(Message::decode(wrong), None);
        }
    }
}
