//! What a transaction changes and yields.

use serde::{Deserialize, Serialize};

use super::record::{Record, RecordId};
use crate::codec::{Encoded, Tag, Tagging, tagged_enum};
use crate::num::Amount;
use crate::tx::MAX_RECEIVERS;

/// The most records that one transaction writes: the sender's account and two balances, an account and a balance of each
/// receiver.
pub const MAX_WRITES: usize = 3 + 2 * MAX_RECEIVERS;

tagged_enum! {
    /// What a transaction yielded, beyond what it says itself.
    pub enum Outcome (max_len = 2 + 3 * 19) {
        /// Nothing more.
        Done = DONE,
        /// A swap: what was given, what was received.
        Swapped(amount_in: Amount, amount_out: Amount) = SWAPPED,
        /// A deposit: what was taken of the first and of the second asset, the shares received.
        Deposited(amount_a: Amount, amount_b: Amount, shares: Amount) = DEPOSITED,
        /// A withdrawal: what was received of the first and of the second asset.
        Withdrawn(amount_a: Amount, amount_b: Amount) = WITHDRAWN,
        /// Stake was bonded: the shares received.
        Delegated(shares: Amount) = DELEGATED,
        /// Stake was unbonded: how much, and the epoch from which on it can be withdrawn.
        Unbonded(amount: Amount, release_epoch: u64) = UNBONDED,
        /// Stake was withdrawn: how much.
        Released(amount: Amount) = RELEASED,
        /// A validator's stake was slashed: how much was burned.
        Slashed(amount: Amount) = SLASHED,
    }
}

/// What is proven of an executed transaction by its block's receipt root.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Receipt {
    /// The fee paid.
    pub fee: Amount,
    /// What it yielded.
    pub outcome: Outcome,
}

impl Encoded for Receipt {
    const TAGGING: Tagging = Tagging::Fixed(Tag::RECEIPT);
    const MAX_LEN: usize = 2 + 19 + Outcome::MAX_LEN;
}

/// The changes of one accepted transaction. Each record appears at most once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effects<'a> {
    /// The records after it; nothing where a record is deleted.
    pub writes: heapless::Vec<(RecordId, Option<Record<'a>>), MAX_WRITES>,
    /// What is proven of it.
    pub receipt: Receipt,
}

impl Default for Effects<'_> {
    fn default() -> Self {
        Self { writes: heapless::Vec::new(), receipt: Receipt { fee: Amount::ZERO, outcome: Outcome::Done } }
    }
}
