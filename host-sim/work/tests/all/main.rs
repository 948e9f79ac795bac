//! Chains that go by work: trees of branches, reorganisations, power cuts, networks in simulated time.
//!
//! QENEX_SEED is the seed of the random tests, QENEX_CASES how many cases there are.
#![allow(clippy::unwrap_used)] // a test that meets what it does not expect should stop there

mod branches;
mod crashes;
mod forks;
mod miner;
mod simulation;
mod world;
