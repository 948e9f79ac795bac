//! A node of a chain as a process.
//!
//! | module | what it is for |
//! |---|---|
//! | [`config`] | the configuration of a node |
//! | [`genesis_file`] | the genesis of a chain as a file |
//! | [`device`] | the device that votes |
//! | [`api`] | what a node answers programs |
//! | [`run`](mod@run) | a node that runs |
//! | [`testnet`] | keys, devices, genesis and configurations of a new chain |
#![forbid(unsafe_code)]

pub mod api;
pub mod config;
pub mod device;
pub mod error;
pub mod genesis_file;
pub mod run;
pub mod testnet;
