//! The ledger: its records, their keys, and the one function that changes them.
//!
//! The state is a map from [`RecordId`] to [`Record`]. [`transition()`] judges a transaction against it and returns what
//! would change; [`access()`] names the records that it may read; [`end_block`] ends a block. Hosts apply the effects to
//! their store, devices to a witness.

mod access;
mod draft;
mod effects;
mod record;
mod reject;
mod stake;
mod transition;
mod view;

pub use access::{MAX_ACCESS, access};
pub use effects::{Effects, MAX_WRITES, Outcome, Receipt};
pub use record::{Account, AccountStatus, Asset, Balance, Pool, Record, RecordId, Shares};
pub use reject::{Reject, Rule};
pub use stake::{
    Buffer, Holder, MAX_CANDIDATES, MAX_SKIPPED, MIN_SHARES, Seat, StakePool, Staking, StakingRules, Store,
    Unbonding, Validator, end_block, found,
};
pub use transition::{Env, Signers, settle_fees, transition, transition_into};
pub use view::{Fetched, View, ViewError};
