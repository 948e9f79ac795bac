//! The ledger node: state, execution, blocks and their store.
//!
//! | module | what it is for |
//! |---|---|
//! | [`block`] | blocks and batches of signed transactions as bytes |
//! | [`prepare`](mod@prepare) | what can be known without the state: ids, keys, signatures |
//! | [`bucket`], [`records`] | the records in memory, in the form of checkpoints |
//! | [`overlay`] | the records that a block wrote |
//! | machine | transactions, one after the other over a state |
//! | [`execution`] | a block over the final state and pending blocks |
//! | [`chain`] | the final state and pending blocks over it |
//! | [`catch_up`] | committed blocks executed again at start |
//! | settle | a block's changes become final |
//! | [`snapshot`] | a state that travels, in parts that are checked one by one |
//! | [`sums`] | what the records must add up to |
//! | [`hashing`] | many hashes at once |
//! | [`history`] | receipts and what touched an account |
//! | [`node`] | the chain over its durable store, and recovery |
//! | [`pipeline`] | many transactions into blocks, all stages at once |
//! | [`clock`] | processor time of a thread |
//! | [`mempool`] | transactions that wait |
//! | [`sequencer`] | a proposer: waiting transactions into blocks |
//! | [`genesis`] | the first state |
#![forbid(unsafe_code)]

pub mod block;
pub mod bucket;
pub mod catch_up;
pub mod chain;
pub mod clock;
pub mod error;
pub mod execution;
pub mod genesis;
pub mod hashing;
pub mod history;
mod machine;
pub mod mempool;
pub mod node;
pub mod overlay;
pub mod pipeline;
pub mod prepare;
pub mod records;
pub mod sequencer;
mod settle;
pub mod snapshot;
pub mod sums;
