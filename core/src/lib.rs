//! The QENEX ledger core.
//!
//! Everything that decides about money lives here and only here: exact decimal arithmetic, the market
//! maker, the transaction format, the rules of the ledger, the Merkle trees that prove its state, and the
//! signature schemes. The same code runs in a security module, behind the C ABI and in the host's node.
//!
//! # Promises
//! - **No allocation, no panic, no float, no `unsafe`.** Every buffer has a bound that is a named constant;
//!   every failure is an error value with a stable number ([`error::TABLE`]).
//! - **Units.** Money is [`num::Amount`]: an unsigned decimal with 18 fractional digits. Fees of market makers are
//!   in basis points (`fee_bps`), times in milliseconds since the Unix epoch (`time_ms`).
//! - **Rounding is a decision.** Each division names its direction, which favours the pool or the ledger over
//!   the caller; what rounding leaves over stays where it was, so the supply of every asset is conserved.
//! - **A transition is a pure function.** [`ledger::transition`] reads through a view and returns a bounded list
//!   of effects, or an error and no effects. Nothing is changed before everything has been checked.
//! - **Bytes, then view, then value.** Bytes from outside become a value only if they are its one canonical
//!   encoding ([`codec`]); a value that exists is valid.
//!
//! # Layout
//! Each module uses only the ones above it:
//!
//! | module | what it holds |
//! |---|---|
//! | [`error`] | the table of stable codes |
//! | [`num`] | `Amount`, `Precise`, `mul_div`, square root, ratios |
//! | [`id`], [`codec`] | readable identifiers, tags, canonical encoding |
//! | [`crypto`] | hashes with domains, signature schemes, ML-DSA-87 |
//! | [`merkle`] | transaction tree, state tree, proofs, witness |
//! | [`amm`] | the constant-product market maker |
//! | [`consensus`] | block headers, votes, certificates, the vote guard, the light client |
//! | [`tx`] | the transaction model, ids, signing digests, the clear-signing summary |
//! | [`ledger`] | records, keys, the transition |
//! | [`policy`] | what a device may sign for a key |
//! | [`hsm`] | the device service: a request frame in, a response frame out |
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects, clippy::panic))]

#[cfg(test)]
extern crate std;

pub mod error;

pub mod num;

pub mod codec;
pub mod id;

pub mod crypto;

pub mod merkle;

pub mod amm;

pub mod consensus;

pub mod tx;

pub mod ledger;

pub mod policy;

pub mod hsm;
