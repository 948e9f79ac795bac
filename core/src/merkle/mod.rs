//! Merkle trees: the append-only tree over a block's transactions or receipts ([`log`]), and the sparse tree over
//! all records of the ledger ([`state`]) with its multi-proofs ([`proof`], [`witness`]).

pub mod log;
pub mod proof;
pub mod state;
pub mod witness;
