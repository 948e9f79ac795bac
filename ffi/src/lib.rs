//! The C ABI of QENEX: what `include/qenex.h` declares.
//!
//! Each module is a group of the header, in the header's order; `tests/header.rs` makes the header from them. Names and
//! types are those that C sees.
//!
//! # Promises
//! - **No allocation, no panic, no global state.** The caller owns every buffer and every state; a call keeps no pointer that
//!   it was given, unless its text says so. Any thread may call any function, as long as no other thread uses the same
//!   memory meanwhile.
//! - **Every argument is checked.** A pointer that is null or not aligned, a length that no memory has, memory that overlaps
//!   what is written, a number without a meaning, a state that was not initialised: a code, and nothing is written.
//! - **Results come all or not at all.** What a failed call would have written is as it was, but for the length of a buffer that is
//!   too small, which is then the length that is needed.
//!
//! # What a caller promises
//! A pointer that is neither null nor misaligned points to as many values of its type as the function says, which nobody
//! else changes meanwhile. That is all that the functions' `unsafe` stands for.
#![no_std]
#![deny(missing_docs)]

#[cfg(test)]
extern crate std;

pub(crate) mod flag;
pub(crate) mod memory;
pub(crate) mod state;

pub mod amm;
pub mod amount;
pub mod checkpoint;
pub mod client;
pub mod client_audit;
pub mod client_backup;
pub mod client_chain;
pub mod client_keys;
pub mod client_sign;
pub mod client_update;
pub mod cobs;
pub mod device;
pub mod hash;
pub mod key;
pub mod light;
pub mod merkle;
pub mod policy;
pub mod record;
pub mod status;
pub mod text;
pub mod transaction;
pub mod witness;
