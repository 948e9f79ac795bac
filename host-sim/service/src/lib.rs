//! A node of a chain as a process.
//!
//! | module | what it is for |
//! |---|---|
//! | [`config`] | the configuration of a node |
//! | [`genesis_file`] | the genesis of a chain as a file |
//! | [`device`] | the device that votes |
//! | [`run`](mod@run) | a node that runs; stake, work: by what its chain goes |
//! | [`testnet`] | keys, devices, genesis and configurations of a new chain |
#![forbid(unsafe_code)]

pub mod config;
pub mod device;
pub mod error;
pub mod genesis_file;
pub mod run;
mod stake;
pub mod testnet;
mod work;
