//! The simulation: validators, clients, disks and a network in simulated time, with faults.
//!
//! Everything that happens follows from a [`Plan`](plan::Plan): the same plan gives the same run, event for event. The validators are those of
//! `qenex-validator`, over the store that a real node has, on disks that forget what they were not told to keep.
//!
//! | module | what it is for |
//! |---|---|
//! | [`plan`] | what happens in a run |
//! | [`run`](mod@run) | a run, and what is checked in it |
//! | [`shrink`](mod@shrink) | a failing run made smaller |
//! | [`world`] | the validators and the network |
//! | [`devices`] | devices that hold keys of votes |
//! | [`byzantine`] | validators that lie |
//! | [`votes`] | what a validator has signed |
//! | [`finality`] | the ends of epochs as a light client sees them |
//! | [`clients`] | transfers, and a ledger of what became of them |
//! | [`keys`] | keys, accounts and the first state |
#![forbid(unsafe_code)]

pub mod byzantine;
pub mod clients;
pub mod devices;
pub mod finality;
pub mod keys;
pub mod network;
pub mod plan;
pub mod run;
pub mod shrink;
pub mod votes;
pub mod world;
