//! The ledger's Merkle trees on a host.
//!
//! [`Tree`] is the state tree ([`qenex_core::merkle::state`]) in memory. It is an index over the records: for
//! each it holds the key and the hash of the value, and is rebuilt from them at start. Several roots live in it at a
//! time, which share what they have in common: [`Tree::update`] makes the tree after a block next to the one before, and
//! [`Tree::commit`] or [`Tree::discard`] later frees what is not needed. [`Tree::prove`] makes the proofs that the core checks.
//!
//! [`log`] makes the root of a transaction tree.
//!
//! Both hash several nodes at once ([`qenex_keccak`]).
#![forbid(unsafe_code)]

mod arena;
pub mod log;
mod node;
mod prove;
mod tree;
mod update;

pub use tree::{Change, Root, Tree};
