//! What a device may sign for a key: rules that officers set, and the judgement of a transaction by them.
//!
//! A policy allows what it names and nothing else: an operation, an asset that can leave the account, a pool that is not
//! in it is refused. It judges two things. The *worst case* is what the signature allows whatever the market does until
//! the transaction expires: the whole amount, the most of a swap's input, the fee. The *execution* is what the transaction would do in
//! the state that a witness proves: what is received, what remains, whether receivers are known. Rules about the execution refuse a
//! transaction that comes without a witness.
//!
//! Units: amounts as in the ledger, basis points (`_bps`), milliseconds of block time (`_ms`), blocks, minutes of the UTC day.

mod exposure;
mod judge;
mod model;
mod sorted;
mod windows;

pub use exposure::{Exposure, MAX_EXPOSED, Spent, exposure};
pub use judge::{Case, Executed, PolicyRefusal, judge};
pub use model::{
    Approvals, AssetRule, Hours, MAX_APPROVERS, MAX_ASSETS, MAX_POOLS, MAX_RECEIVER_LIST, OpKind, OpSet,
    Policy, PolicyError, Window,
};
pub use sorted::Sorted;
pub use windows::{Counter, SLOTS, Totals, Windows};
