//! Stake: who may decide on blocks, what that costs, and what it earns.
//!
//! A *candidate* stands in a slot, with stake that its operator and others have delegated to it. At the end of each epoch the candidates with
//! the most stake get the *seats* of the next one, equal ones: votes count by head. What a seat costs is the least stake
//! among them; beyond that, stake buys odds to lead a view, up to twice the price. The leader of a view proposes a block, and its
//! fees and the block's reward go to the stake behind it. A leader that is absent too often is jailed; one that gave two votes that contradict each other loses
//! a part of all stake behind it, and is barred for ever.
//!
//! Transactions on stake are judged by [`super::transition()`]; the end of a block, which no transaction asks for, is settled by
//! [`end_block`] over a [`Store`].

mod block;
mod draw;
mod record;
mod rules;

pub use block::{Buffer, Store, end_block, found};
pub use record::{Holder, Seat, StakePool, Staking, StakingRules, Unbonding, Validator};

/// How many can stand at once.
pub const MAX_CANDIDATES: u16 = 1_024;

/// The fewest units of shares that a delegation buys. Rounding loses less than one share, so never more than a millionth of what is
/// delegated, whatever the validator has done to the price of a share.
pub const MIN_SHARES: u128 = 1_000_000;

/// How many views that were skipped before a block are counted, the last ones: what a block costs to execute is bounded by it.
pub const MAX_SKIPPED: u64 = 1_024;
