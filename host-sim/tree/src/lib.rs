//! The ledger's Merkle trees on a host.
//!
//! [`Tree`] is the state tree ([`qenex_core::merkle::state`]) in memory. It is an index over the records and is rebuilt
//! from them at start. It holds the final state; what a block changes lies beside it in a [`Change`], so that blocks can be
//! executed over blocks that are not final. A [`State`] is the tree as seen through some changes: it yields the root, the
//! next change ([`State::update`]) and the proofs that the core checks ([`State::prove`]). [`Tree::commit`] makes a change
//! final; one that is not wanted is dropped.
//!
//! The tree is cut at a depth at which a place has two to four leaves. Above the cut, all nodes of a level stand side
//! by side (`levels.rs`); below it, a place has its leaves alone, in a row (`buckets.rs`), and their nodes are computed when they are needed.
//!
//! [`parts`] takes a tree apart and joins it again. [`log`] makes the root of a transaction tree.
//!
//! Both hash several nodes at once ([`qenex_keccak`]).
#![forbid(unsafe_code)]

mod buckets;
mod change;
mod levels;
pub mod log;
pub mod parts;
mod prove;
mod state;
mod tree;
mod update;

pub use change::Change;
pub use state::State;
pub use tree::Tree;
