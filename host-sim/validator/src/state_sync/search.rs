//! The search for a state: what is believed so far, what is missing, whom it is asked of.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use commonware_cryptography::ed25519::PublicKey;
use qenex_core::consensus::{Anchor, Header, Trusted};
use qenex_core::crypto::Hash;
use qenex_node::snapshot::Arriving;

use super::message::{BLOCK, CHECKPOINT, LIST, Message, PARTS, Wanted};
use crate::block::ChainBlock;
use crate::checkpoint::Collected;
use crate::epochs::Epochs;

/// How often it is asked who offers what.
const ASK_AGAIN_MS: u64 = 500;

/// How long an answer is awaited.
const PATIENCE_MS: u64 = 3_000;

/// Without any progress for so long, blocks are asked for instead.
const GIVE_UP_MS: u64 = 30_000;

/// Checkpoints or sections that are asked for at a time.
const IN_FLIGHT: usize = 8;

/// So often in a row somebody may not give what he was asked for: a state may be forgotten while it is sent, and messages are lost.
const MAX_STRIKES: usize = 2 * IN_FLIGHT;

/// When a node asks for a state, and what it knows beforehand.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// Its newest block is older than this.
    pub behind: Duration,
    /// The last header of an epoch, from somebody who is believed: a chain that those made who have long left is no longer taken for this one.
    pub trusted: Option<(u64, Hash)>,
}

/// Whether a light client has moved on.
pub enum Followed {
    Yes,
    WithoutCertificate,
}

/// A state that arrives.
pub struct Arrival {
    pub header: Header,
    pub block: Option<ChainBlock>,
    pub arriving: Option<Arriving>,
}

/// The search for a state.
pub struct Search {
    policy: Policy,
    epochs: Epochs,
    /// How many answers that offer nothing newer are enough to believe it: one of them is honest.
    enough: usize,
    /// What is believed so far.
    pub(super) trusted: Trusted,
    /// Its header, if a checkpoint led to it: a state can stand on it.
    end: Option<Header>,
    /// What others offer: epochs.
    offers: BTreeMap<PublicKey, u64>,
    /// The epoch whose state is wanted.
    target: Option<u64>,
    /// Checkpoints that arrived before those that they stand on, and who sent them.
    pub(super) waiting: BTreeMap<u64, (PublicKey, Collected)>,
    pub(super) arrival: Option<Arrival>,
    /// Whom it was asked of, and until when an answer is awaited.
    pub(super) in_flight: BTreeMap<Wanted, (PublicKey, u64)>,
    /// Who does not have what.
    pub(super) refused: BTreeSet<(PublicKey, Wanted)>,
    /// Who has not answered in time: to be asked again after the others.
    late: BTreeSet<(PublicKey, Wanted)>,
    /// How often somebody did not give what he was asked for, since he last gave something.
    strikes: BTreeMap<PublicKey, usize>,
    asked_ms: u64,
    progress_ms: u64,
    pub(super) over: bool,
}

impl Search {
    /// A search of a node that has this header, for which so many others are enough to be believed; nothing if it is not needed.
    pub fn new(policy: Policy, epochs: Epochs, tip: &Header, enough: usize, now_ms: u64) -> Option<Self> {
        let behind_ms = now_ms.saturating_sub(tip.time_ms);
        let trusted = Trusted::new(&Anchor { header: tip.clone(), trusting_period_ms: u64::MAX }).ok()?;
        (u128::from(behind_ms) > policy.behind.as_millis()).then_some(Self {
            policy,
            epochs,
            enough,
            trusted,
            end: None,
            offers: BTreeMap::new(),
            target: None,
            waiting: BTreeMap::new(),
            arrival: None,
            in_flight: BTreeMap::new(),
            refused: BTreeSet::new(),
            late: BTreeSet::new(),
            strikes: BTreeMap::new(),
            asked_ms: 0,
            progress_ms: now_ms,
            over: false,
        })
    }

    /// The epoch whose checkpoint is the next to follow.
    pub(super) fn next_epoch(&self) -> u64 {
        self.epochs.of(self.trusted.height.saturating_add(1))
    }

    pub(super) fn offered(&mut self, peer: &PublicKey, epoch: u64) {
        // Whoever offers much and gives nothing offers nothing.
        let empty = self.strikes.get(peer).is_some_and(|strikes| *strikes >= MAX_STRIKES);
        self.offers.insert(peer.clone(), if empty { 0 } else { epoch });
    }

    /// Somebody did not give what he was asked for.
    fn strike(&mut self, peer: &PublicKey) {
        let strikes = self.strikes.entry(peer.clone()).or_default();
        *strikes += 1;
        if *strikes >= MAX_STRIKES {
            self.leave(peer);
        }
    }

    /// Somebody gave what he was asked for, and it was right.
    pub(super) fn gave(&mut self, peer: &PublicKey, now_ms: u64) {
        self.strikes.remove(peer);
        self.progress_ms = now_ms;
    }

    pub(super) fn nothing(&mut self, peer: &PublicKey, wanted: Wanted) {
        if self.in_flight.get(&wanted).is_some_and(|(asked, _)| asked == peer) {
            self.in_flight.remove(&wanted);
            self.refused.insert((peer.clone(), wanted));
            self.strike(peer);
        }
    }

    /// Asks somebody no more.
    pub(super) fn leave(&mut self, peer: &PublicKey) {
        self.offers.remove(peer);
        self.in_flight.retain(|_, (asked, _)| asked != peer);
    }

    /// What to send to whom; to all where nobody is named.
    pub(super) fn turn(&mut self, now_ms: u64) -> Vec<(Option<PublicKey>, Message)> {
        let late: Vec<_> =
            self.in_flight.iter().filter(|(_, (_, until_ms))| *until_ms <= now_ms).map(|(w, _)| *w).collect();
        for wanted in late {
            if let Some((peer, _)) = self.in_flight.remove(&wanted) {
                self.late.insert((peer.clone(), wanted));
                self.strike(&peer);
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
                // All who offered have taken it back: it is asked again what there is. What has arrived is kept, in case it is the same.
                if self.in_flight.is_empty() {
                    self.target = None;
                    self.offers.clear();
                    self.refused.clear();
                    self.late.clear();
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
            && self.arrival.as_ref().is_none_or(|arrival| arrival.header != header)
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

    /// Who may have it, and is asked for the least. Whoever was late for it comes after all others.
    fn somebody(&self, wanted: Wanted) -> Option<PublicKey> {
        let offers = self.offers.iter().filter(|(_, epoch)| match wanted.section {
            CHECKPOINT => **epoch >= wanted.epoch,
            _ => **epoch == wanted.epoch,
        });
        let peers = offers.map(|(peer, _)| peer).filter(|peer| {
            let refused = (PublicKey::clone(peer), wanted);
            !self.refused.contains(&refused)
        });
        let asked = |peer: &&PublicKey| {
            let late = self.late.contains(&(PublicKey::clone(peer), wanted));
            (late, self.in_flight.values().filter(|(of, _)| of == *peer).count())
        };
        peers.min_by_key(asked).cloned()
    }

    /// Moves on by a checkpoint.
    pub(super) fn follow(&mut self, collected: &Collected) -> Result<Followed, String> {
        let epoch = self.next_epoch();
        let header = collected.header().ok_or("it has no header")?;
        if self.epochs.heights(epoch).is_none_or(|(_, last)| last != header.height) {
            return Err(format!("block {} is not the last one of its epoch", header.height));
        }
        if self.policy.trusted.is_some_and(|(of, id)| of == epoch && id != header.id()) {
            return Err(format!("epoch {epoch} does not end as this node was told"));
        }
        let next = collected.follow(&self.trusted).map_err(|error| format!("{error:?}"))?;
        // The engine begins with it, and devices follow by it.
        let Some(certified) = &collected.certified else { return Ok(Followed::WithoutCertificate) };
        let by_certificate = collected.follow_certificate(&self.trusted, certified);
        by_certificate.map_err(|error| format!("certificate: {error:?}"))?;
        self.trusted = next;
        self.end = Some(header.clone());
        self.begin_arrival();
        Ok(Followed::Yes)
    }

    pub(super) fn list(&mut self, bytes: &[u8]) -> Result<(), String> {
        let Some(arrival) = &mut self.arrival else { return Ok(()) };
        let arriving = Arriving::new(&arrival.header, bytes).map_err(|error| error.to_string())?;
        arrival.arriving = Some(arriving);
        Ok(())
    }

    pub(super) fn block(&mut self, bytes: Vec<u8>) -> Result<(), String> {
        let Some(arrival) = &mut self.arrival else { return Ok(()) };
        let block = ChainBlock::decode(Bytes::from(bytes)).map_err(|error| format!("{error:?}"))?;
        if block.header() != &arrival.header {
            return Err("it is another block".into());
        }
        arrival.block = Some(block);
        Ok(())
    }

    pub(super) fn part(&mut self, section: u32, bytes: &[u8]) -> Result<(), String> {
        let arriving = self.arrival.as_mut().and_then(|arrival| arrival.arriving.as_mut());
        let Some(arriving) = arriving else { return Ok(()) };
        let part = section.saturating_sub(PARTS) as usize;
        arriving.take(part, bytes).map_err(|error| error.to_string())
    }

    pub(super) fn is_complete(&self) -> bool {
        self.arrival.as_ref().is_some_and(|arrival| {
            let arriving = arrival.arriving.as_ref();
            arrival.block.is_some() && arriving.is_some_and(|arriving| arriving.missing().next().is_none())
        })
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;

    use commonware_cryptography::Signer as _;
    use commonware_cryptography::ed25519::PrivateKey;
    use qenex_core::id::{AccountId, ChainId};

    use super::*;

    /// Two of four lie: one is silent, one has nothing. Both offer more than there is, again and again. Soon only the honest ones are asked.
    #[test]
    #[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    fn who_offers_and_does_not_give_is_left() {
        let tip = Header {
            protocol: Header::PROTOCOL,
            chain_id: ChainId::new("QENEX-TEST").unwrap(),
            epoch: 0,
            view: 0,
            height: 0,
            parent: Hash([0; 32]),
            time_ms: 1,
            proposer: AccountId::new("SYSTEM").unwrap(),
            transaction_root: Hash([0; 32]),
            state_root: Hash([0; 32]),
            receipt_root: Hash([0; 32]),
            validators: Hash([0; 32]),
            next_validators: Hash([0; 32]),
            seal: Default::default(),
        };
        let peers: Vec<PublicKey> = (0..4).map(|seed| PrivateKey::from_seed(seed).public_key()).collect();
        let policy = Policy { behind: Duration::ZERO, trusted: None };
        let epochs = Epochs::new(NonZeroU64::new(10).unwrap());
        let mut search = Search::new(policy, epochs, &tip, 2, 1_000).unwrap();
        let mut honest = 0;
        for now_ms in (1_000..25_000).step_by(100) {
            for (to, message) in search.turn(now_ms) {
                match (to, message) {
                    (None, _) => {
                        for (index, peer) in peers.iter().enumerate() {
                            search.offered(peer, if index < 2 { 1 << 40 } else { 3 });
                        }
                    }
                    (Some(to), Message::Want(wanted)) if to == peers[1] => search.nothing(&to, wanted),
                    (Some(to), Message::Want(wanted)) if to != peers[0] => {
                        search.in_flight.remove(&wanted);
                        let (_, last) = epochs.heights(wanted.epoch).unwrap();
                        search.trusted.height = search.trusted.height.max(last);
                        search.gave(&to, now_ms);
                        honest += 1;
                    }
                    _ => {}
                }
            }
            if now_ms >= 20_000 {
                assert_ne!(search.target, Some(1 << 40), "{now_ms}");
            }
        }
        assert!(honest > 0 && !search.over);
    }
}
