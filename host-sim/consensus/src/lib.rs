//! The ledger's votes in Commonware's simplex engine.
//!
//! The engine orders headers; this crate is the signature scheme that it votes with. What simplex asks to have signed is
//! the core's [`Vote`](qenex_core::consensus::Vote), bytes for bytes, and it is signed and verified by the core's rules:
//! the Ed25519 of [`qenex_core::crypto::ed25519`] over the digest of the vote's id, with the purpose of votes. So a
//! device can vote behind its guard, and what the engine finalized is checked by the core's light client.
//!
//! - [`Validators`]: who may vote in an epoch: the keys of votes, in the core's order, and the keys of peers, by which the
//!   network and the engine know validators. The two keys differ, because a device signs votes only.
//! - [`VoteSigner`]: who signs: a key in memory ([`KeySigner`]) or a device ([`DeviceSigner`]).
//! - [`CheckpointSigner`]: who signs checkpoints.
//! - [`Scheme`]: the scheme of the engine.
//! - [`Certificate`]: what a quorum signed, with its signers in the core's order.
//! - [`HeaderId`]: the digest that the engine orders.
#![forbid(unsafe_code)]

mod certificate;
mod checkpoint;
mod header_id;
mod scheme;
mod signer;
mod validators;

pub use certificate::{Certificate, Signature};
pub use checkpoint::{CheckpointSigner, DeviceCheckpointSigner, KeyCheckpointSigner};
pub use header_id::HeaderId;
pub use scheme::{Scheme, proposal_of, simplex_proposal, vote_of};
pub use signer::{DeviceSigner, KeySigner, VoteSigner};
pub use validators::{Validator, Validators, VoteKey};
