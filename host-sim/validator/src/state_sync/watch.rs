//! A node that runs and has been left behind: those who decide have forgotten the blocks that it needs. It ends, and gets a state when it is started again.

use std::collections::BTreeMap;

use commonware_cryptography::ed25519::PublicKey;

use super::search::Policy;

/// For so long a node stands still while others are elsewhere before it gives up.
const STUCK_MS: u64 = 60_000;

/// What is seen of a node's progress.
pub struct Watch {
    policy: Policy,
    /// So many others are enough to be believed: one of them is honest.
    enough: usize,
    height: u64,
    /// The newest epoch that each of the others offers, since the node stands at this height.
    offers: BTreeMap<PublicKey, u64>,
    /// Since when enough of them are further.
    left_ms: Option<u64>,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Nothing.
    Well,
    /// Ask the others where they are.
    Ask,
    /// End.
    LeftBehind,
}

impl Watch {
    /// A node for which this many others are enough.
    pub const fn new(policy: Policy, enough: usize) -> Self {
        Self { policy, enough, height: 0, offers: BTreeMap::new(), left_ms: None }
    }

    /// Takes an answer.
    pub fn offered(&mut self, peer: &PublicKey, epoch: u64) {
        self.offers.insert(peer.clone(), epoch);
    }

    /// Looks at the newest block: its height, epoch and time.
    pub fn look(&mut self, (height, epoch, time_ms): (u64, u64, u64), now_ms: u64) -> Seen {
        let behind = u128::from(now_ms.saturating_sub(time_ms)) > self.policy.behind.as_millis();
        if height != self.height || !behind {
            self.height = height;
            self.offers.clear();
            self.left_ms = None;
        }
        if !behind {
            return Seen::Well;
        }
        if self.offers.values().filter(|offer| **offer > epoch).count() < self.enough {
            return Seen::Ask;
        }
        let left_ms = *self.left_ms.get_or_insert(now_ms);
        if now_ms >= left_ms.saturating_add(STUCK_MS) { Seen::LeftBehind } else { Seen::Ask }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use commonware_cryptography::Signer as _;
    use commonware_cryptography::ed25519::PrivateKey;

    use super::*;

    #[test]
    fn only_who_stands_still_while_enough_others_are_further_is_left_behind() {
        let policy = Policy { behind: Duration::from_secs(10), trusted: None };
        let peer = |number| PrivateKey::from_seed(number).public_key();
        let old = |height| (height, 2, 1_000);
        let mut watch = Watch::new(policy, 2);
        assert_eq!(watch.look(old(5), 11_000), Seen::Well);
        assert_eq!(watch.look(old(5), 11_001), Seen::Ask);
        watch.offered(&peer(1), 4);
        watch.offered(&peer(2), 2);
        // One is further: that is not enough, however long.
        assert_eq!(watch.look(old(5), 900_000), Seen::Ask);
        watch.offered(&peer(2), 3);
        assert_eq!(watch.look(old(5), 900_000), Seen::Ask);
        assert_eq!(watch.look(old(5), 900_000 + STUCK_MS - 1), Seen::Ask);
        // A block came: it goes on.
        assert_eq!(watch.look(old(6), 900_000 + STUCK_MS), Seen::Ask);
        watch.offered(&peer(1), 4);
        watch.offered(&peer(3), 4);
        assert_eq!(watch.look(old(6), 1_000_000), Seen::Ask);
        assert_eq!(watch.look(old(6), 1_000_000 + STUCK_MS), Seen::LeftBehind);
        // Nobody is left behind who has what is new.
        assert_eq!(watch.look((7, 5, 1_060_000), 1_000_000 + STUCK_MS), Seen::Well);
    }
}
