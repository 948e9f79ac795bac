//! Arguments of nodes and of chains of several.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// A node of a chain.
#[derive(Args, Debug)]
pub struct Node {
    /// Its configuration; `qenex testnet new` writes some.
    #[arg(long)]
    pub config: PathBuf,
}

/// Chains of several validators.
#[derive(Subcommand, Debug)]
pub enum Testnet {
    /// Write keys, devices, the genesis and a configuration for each validator.
    New(TestnetNew),
    /// Run four validators, kill some of them, bring them back.
    Run(TestnetRun),
}

/// A new chain.
#[derive(Args, Debug)]
pub struct TestnetNew {
    /// The folder of the chain, which must not be there yet.
    #[arg(long)]
    pub data: PathBuf,
    /// How many validators: 3f + 1 of them outlive f that fail.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=200))]
    pub validators: u16,
    /// How many accounts that hold something.
    #[arg(long, default_value_t = 100)]
    pub clients: u32,
    /// How many blocks an epoch has.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub epoch_blocks: u64,
    /// The first of the ports; each validator takes two.
    #[arg(long, default_value_t = 7_100)]
    pub base_port: u16,
}

/// The chain that makes and runs itself.
#[derive(Args, Debug)]
pub struct TestnetRun {
    /// The folder of the chain; one of an earlier run is replaced.
    #[arg(long, default_value = TESTNET_DATA)]
    pub data: PathBuf,
    /// The first of the ports; each of the four validators takes two.
    #[arg(long, default_value_t = 7_100)]
    pub base_port: u16,
    /// Go on after the story, until the process is told to stop.
    #[arg(long)]
    pub stay: bool,
}

/// Where a chain that makes itself is kept.
pub const TESTNET_DATA: &str = "testnet.qenex";

impl Default for TestnetRun {
    fn default() -> Self {
        Self { data: TESTNET_DATA.into(), base_port: 7_100, stay: false }
    }
}
