//! Signatures on the host: verification in batches by the ledger's rule, and fast signing for load.
//!
//! [`Verifier`] accepts exactly what [`qenex_core::crypto::verify`] accepts, and Ed25519 several times as fast; the other schemes go to the core one by one.
//! [`LoadSigner`] makes exactly the signatures of [`qenex_core::crypto::ed25519::SecretKey`].
//!
//! # Why the answers are the same
//! The core decides by the cofactored equation 8(S·B − k·A − R) = 0 over canonical encodings, with A and R not of
//! small order and S below the group's order.
//! - The conditions on encodings and orders are checked for each signature by itself, before any batch.
//! - Multiplying by 8 takes the part of small order away from every point, so each equation is one in the group of
//!   prime order L. A sum of equations with independent random coefficients below 2^128 is zero if all are, and
//!   otherwise with a probability of 2^-128 at most. Batches without the factor 8 would depend on how parts of small
//!   order happen to add up; this one cannot.
//! - Where a sum is not zero, halves are tried, and small groups go to the core's own verification one by one.
//!
//! # What the vectors of CCTV say about this rule
//! Of the flags of that collection (see `core/tests/ed25519_cases`), `low_order_A`, `low_order_R`, `non_canonical_A`
//! and `non_canonical_R` are refused: such a key or R could stand for several messages or bytes.
//! `low_order_component_A` and `low_order_component_R` verify, and so does `low_order_residue`, because the equation
//! is cofactored; `reencoded_k` (k made from the canonical form of bytes that are not) is refused with its bytes.
#![forbid(unsafe_code)]

mod keys;
#[cfg(test)]
mod same_as_core;
mod sign;
mod verify;

pub use sign::LoadSigner;
pub use verify::{Item, Verifier};
