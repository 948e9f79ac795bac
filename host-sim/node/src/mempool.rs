//! Transactions that wait for a block: bounded, in nonce order within each account.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use qenex_core::id::AccountId;
use qenex_core::num::Amount;

use crate::error::MempoolError;

/// What a pool may hold.
#[derive(Clone, Copy, Debug)]
pub struct MempoolLimits {
    /// Transactions in all.
    pub transactions: usize,
    /// Bytes in all.
    pub bytes: usize,
    /// Transactions of one account.
    pub per_account: usize,
}

impl Default for MempoolLimits {
    fn default() -> Self {
        // Some blocks: who sends more than a chain decides on must not make nodes verify what will have to wait.
        Self { transactions: 32_768, bytes: 16 << 20, per_account: 1_024 }
    }
}

/// A transaction whose signatures have been verified, and what the pool asks of it.
#[derive(Clone, Debug)]
pub struct Verified {
    /// Who sends it.
    pub sender: AccountId,
    /// Its place among those of its sender.
    pub nonce: u64,
    /// What it pays.
    pub fee: Amount,
    /// The height of the last block that may hold it.
    pub last_valid_height: u64,
    /// Its canonical bytes.
    pub signed: Vec<u8>,
}

struct Waiting {
    verified: Verified,
    arrival: u64,
}

/// The pool. Higher fees go first, then earlier arrivals; within an account the nonce decides.
pub struct Mempool {
    limits: MempoolLimits,
    accounts: HashMap<AccountId, BTreeMap<u64, Waiting>>,
    /// The last height, the sender and the nonce of each.
    ends: BTreeSet<(u64, AccountId, u64)>,
    count: usize,
    bytes: usize,
    arrivals: u64,
}

impl Mempool {
    /// An empty pool.
    pub fn new(limits: MempoolLimits) -> Self {
        Self { limits, accounts: HashMap::new(), ends: BTreeSet::new(), count: 0, bytes: 0, arrivals: 0 }
    }

    /// What it takes.
    pub fn limits(&self) -> &MempoolLimits {
        &self.limits
    }

    /// How many transactions wait.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The transaction with this nonce that waits.
    pub fn get(&self, sender: AccountId, nonce: u64) -> Option<&[u8]> {
        Some(self.accounts.get(&sender)?.get(&nonce)?.verified.signed.as_slice())
    }

    /// Whether [`insert`](Self::insert) would take a transaction of so many bytes: to be asked before its signatures are verified, which costs a hundred times as much.
    ///
    /// # Errors
    /// As there.
    pub fn admits(
        &self,
        sender: AccountId,
        nonce: u64,
        bytes: usize,
        next_nonce: u64,
    ) -> Result<(), MempoolError> {
        if nonce < next_nonce {
            return Err(MempoolError::NonceUsed { expected: next_nonce, found: nonce });
        }
        let limits = &self.limits;
        if self.count >= limits.transactions || self.bytes + bytes > limits.bytes {
            return Err(MempoolError::Full { transactions: self.count, bytes: self.bytes });
        }
        match self.accounts.get(&sender) {
            Some(waiting) if waiting.contains_key(&nonce) => Err(MempoolError::NonceTaken { nonce }),
            Some(waiting) if waiting.len() >= limits.per_account => {
                Err(MempoolError::AccountFull { transactions: waiting.len() })
            }
            _ => Ok(()),
        }
    }

    /// Takes a transaction in. `next_nonce` is the sender's in the newest state.
    ///
    /// # Errors
    /// The pool is full, the nonce is used or taken, or the sender already waits with too many. Nothing is dropped.
    pub fn insert(&mut self, verified: Verified, next_nonce: u64) -> Result<(), MempoolError> {
        let Verified { sender, nonce, last_valid_height, .. } = verified;
        let bytes = verified.signed.len();
        self.admits(sender, nonce, bytes, next_nonce)?;
        self.count += 1;
        self.bytes += bytes;
        self.ends.insert((last_valid_height, sender, nonce));
        let waiting = Waiting { verified, arrival: self.arrivals };
        self.accounts.entry(sender).or_default().insert(nonce, waiting);
        self.arrivals += 1;
        Ok(())
    }

    /// Up to `most` transactions of up to `bytes` in all for a block, best first: those whose nonces follow without a gap from the state's. They
    /// stay in the pool: whether the block becomes final is not known yet.
    pub fn best(&self, most: usize, bytes: usize, next_nonce: impl Fn(AccountId) -> u64) -> Vec<&[u8]> {
        // The first executable transaction of each account, best first. Fees are compared the other way round, so that
        // the first element of the set is the best.
        let place = |sender: AccountId, nonce: u64, first: &Waiting| {
            (std::cmp::Reverse(first.verified.fee), first.arrival, sender, nonce)
        };
        let mut ready = BTreeSet::new();
        for (sender, waiting) in &self.accounts {
            let nonce = next_nonce(*sender);
            if let Some(first) = waiting.get(&nonce) {
                ready.insert(place(*sender, nonce, first));
            }
        }
        let (mut best, mut left) = (Vec::new(), bytes);
        while best.len() < most
            && let Some((_, _, sender, nonce)) = ready.pop_first()
        {
            let Some(waiting) = self.accounts.get(&sender) else { continue };
            let Some(first) = waiting.get(&nonce) else { continue };
            let signed = first.verified.signed.as_slice();
            let Some(rest) = left.checked_sub(signed.len()) else { continue };
            left = rest;
            best.push(signed);
            if let Some(next) = waiting.get(&(nonce + 1)) {
                ready.insert(place(sender, nonce + 1, next));
            }
        }
        best
    }

    /// Drops what an account can never send any more: nonces below the one that the state expects next.
    pub fn drop_used(&mut self, sender: AccountId, next_nonce: u64) {
        self.retain(sender, |nonce| nonce >= next_nonce);
    }

    /// Drops what can be in no block above this height.
    pub fn drop_expired(&mut self, height: u64) {
        while self.ends.first().is_some_and(|(last_valid_height, ..)| *last_valid_height <= height)
            && let Some((_, sender, nonce)) = self.ends.pop_first()
        {
            self.remove(sender, nonce);
        }
    }

    /// Drops one transaction, which was refused.
    pub fn remove(&mut self, sender: AccountId, nonce: u64) {
        self.retain(sender, |other| other != nonce);
    }

    fn retain(&mut self, sender: AccountId, keep: impl Fn(u64) -> bool) {
        let Some(waiting) = self.accounts.get_mut(&sender) else { return };
        let (count, bytes, ends) = (&mut self.count, &mut self.bytes, &mut self.ends);
        waiting.retain(|nonce, Waiting { verified, .. }| {
            let keep = keep(*nonce);
            if !keep {
                *count -= 1;
                *bytes -= verified.signed.len();
                ends.remove(&(verified.last_valid_height, sender, *nonce));
            }
            keep
        });
        if waiting.is_empty() {
            self.accounts.remove(&sender);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(limits: MempoolLimits, entries: &[(&str, u64, u64)]) -> (Mempool, Vec<Result<(), MempoolError>>) {
        let mut pool = Mempool::new(limits);
        let results = entries
            .iter()
            .map(|(sender, nonce, fee)| {
                let verified = Verified {
                    sender: AccountId::new(sender).unwrap(),
                    nonce: *nonce,
                    fee: Amount::from_whole(*fee),
                    // What pays more waits longer.
                    last_valid_height: 100 + fee,
                    signed: format!("{sender}{nonce}").into_bytes(),
                };
                pool.insert(verified, 1)
            })
            .collect();
        (pool, results)
    }

    #[test]
    fn order_is_fee_then_arrival_and_nonce_within_an_account() {
        let entries = [("A", 2, 9), ("A", 1, 1), ("B", 1, 5), ("C", 2, 9), ("D", 1, 5), ("B", 2, 7)];
        let (mut pool, results) = pool(MempoolLimits::default(), &entries);
        assert!(results.iter().all(Result::is_ok));
        let best = |pool: &Mempool, bytes| {
            let best = pool.best(usize::MAX, bytes, |_| 1);
            best.iter().map(|signed| String::from_utf8(signed.to_vec()).unwrap()).collect::<Vec<_>>()
        };
        // C waits: its nonce 1 is missing.
        assert_eq!(best(&pool, 100), ["B1", "B2", "D1", "A1", "A2"]);
        assert_eq!(best(&pool, 7), ["B1", "B2", "D1"]);
        pool.remove(AccountId::new("B").unwrap(), 1);
        assert_eq!(best(&pool, 100), ["D1", "A1", "A2"]);
        for sender in ["A", "B", "C", "D"] {
            pool.drop_used(AccountId::new(sender).unwrap(), 2);
        }
        assert_eq!(pool.len(), 3);
        for sender in ["A", "B", "C", "D", "E"] {
            pool.drop_used(AccountId::new(sender).unwrap(), 3);
        }
        assert!(pool.is_empty() && pool.bytes == 0);
    }

    #[test]
    fn what_no_block_may_hold_any_more_is_dropped() {
        let entries = [("A", 1, 3), ("A", 2, 1), ("A", 7, 2), ("B", 2, 1), ("C", 1, 9)];
        let (mut pool, _) = pool(MempoolLimits::default(), &entries);
        pool.drop_expired(100);
        assert_eq!(pool.len(), 5);
        pool.drop_expired(101);
        let left = [("A", 1), ("A", 7), ("C", 1)];
        let waits = |pool: &Mempool, (sender, nonce): &(&str, u64)| {
            pool.get(AccountId::new(sender).unwrap(), *nonce).is_some()
        };
        assert!(pool.len() == 3 && left.iter().all(|entry| waits(&pool, entry)));
        // What was dropped for another reason has no end left.
        pool.drop_used(AccountId::new("A").unwrap(), 8);
        pool.drop_expired(103);
        assert!(pool.len() == 1 && waits(&pool, &left[2]));
        pool.drop_expired(u64::MAX);
        assert!(pool.is_empty() && pool.bytes == 0 && pool.accounts.is_empty() && pool.ends.is_empty());
    }

    #[test]
    fn full_refuses_and_loses_nothing() {
        let limits = MempoolLimits { transactions: 3, bytes: 100, per_account: 2 };
        let (pool, results) = pool(
            limits,
            &[("A", 0, 1), ("A", 1, 1), ("A", 1, 9), ("A", 2, 1), ("A", 3, 1), ("B", 1, 1), ("C", 1, 1)],
        );
        let codes: Vec<_> = results.into_iter().map(|r| r.err()).collect();
        assert!(matches!(codes[0], Some(MempoolError::NonceUsed { expected: 1, found: 0 })));
        assert!(codes[1].is_none() && codes[3].is_none() && codes[5].is_none());
        assert!(matches!(codes[2], Some(MempoolError::NonceTaken { nonce: 1 })));
        assert!(matches!(codes[4], Some(MempoolError::AccountFull { transactions: 2 })));
        assert!(matches!(codes[6], Some(MempoolError::Full { transactions: 3, .. })));
        assert_eq!(pool.best(10, 100, |_| 1).len(), 3);
    }
}
