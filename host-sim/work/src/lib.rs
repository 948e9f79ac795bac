//! A node of a chain on which work decides: open test chains without validators.
//!
//! Blocks, execution, store, transactions and network are those of the other chains; only the choice of the chain differs. What a proof of work is
//! stands in [`qenex_core::consensus::work`].
//!
//! | module | what it is for |
//! |---|---|
//! | [`branches`] | the heaviest of the pending chains |
//! | [`journal`] | pending blocks that outlive a restart |
//! | [`ledger`] | the node as this consensus sees it |
//! | [`message`] | what nodes say to each other |
//! | [`engine`] | blocks between nodes, and the miner |
//! | [`miner`] | who looks for nonces |
#![forbid(unsafe_code)]

pub mod branches;
pub mod engine;
mod error;
pub mod journal;
pub mod ledger;
pub mod message;
pub mod miner;

pub use error::Refusal;
