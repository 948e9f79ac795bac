//! A node of a chain as a process.
//!
//! | module | what it is for |
//! |---|---|
//! | [`config`] | the configuration of a node |
//! | [`backup`] | the copy of its chain elsewhere, and how it comes back |
//! | [`genesis_file`] | the genesis of a chain as a file |
//! | [`ledger`] | its ledger, in files or in a database |
//! | [`device`] | the device that votes |
//! | [`doctor`] | whether all that a node needs is there |
//! | [`run`](mod@run) | a node that runs; stake, work: by what its chain goes |
//! | [`testnet`] | keys, devices, genesis and configurations of a new chain |
#![forbid(unsafe_code)]

pub mod backup;
pub mod config;
pub mod device;
pub mod doctor;
pub mod error;
pub mod genesis_file;
pub mod ledger;
pub mod run;
mod stake;
pub mod testnet;
mod work;
