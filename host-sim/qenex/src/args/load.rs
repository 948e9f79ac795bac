//! What brings its own load: `demo`, `replay` and `bench`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};
use qenex_core::id::AssetId;

use super::{DEMO_DATA, parse};

/// `demo`.
#[derive(ClapArgs, Debug)]
pub struct Demo {
    /// The directory for the chain; one that an earlier demonstration left is replaced.
    #[arg(long, default_value = DEMO_DATA)]
    pub data: PathBuf,
    /// Play the part of the process that crashes.
    #[arg(long, hide = true)]
    pub until_crash: bool,
}

/// `replay`.
#[derive(ClapArgs, Debug)]
pub struct Replay {
    /// The transfers, as CSV or Parquet, in the order in which they happen.
    pub file: PathBuf,
    /// Opening balances: a CSV of accounts (as AMLSim's nodes.csv). Without it every account opens with what it sends.
    #[arg(long)]
    pub accounts: Option<PathBuf>,
    /// Keep the chain in this directory, which must hold none yet; otherwise a temporary one is used.
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// Column of the time.
    #[arg(long)]
    pub time: Option<String>,
    /// Column of the sender; two columns separated by a comma are taken together (bank, account).
    #[arg(long)]
    pub from: Option<String>,
    /// Column of the receiver, or two.
    #[arg(long)]
    pub to: Option<String>,
    /// Column of the amount.
    #[arg(long)]
    pub amount: Option<String>,
    /// Column of the asset.
    #[arg(long)]
    pub asset: Option<String>,
    /// The asset of a file that has no such column.
    #[arg(long, default_value = "USD", value_parser = parse::<AssetId>)]
    pub default_asset: AssetId,
    /// Transfers of a block.
    #[arg(long, default_value_t = 4096, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub block: u32,
    /// The public label that keys derive from, with the account's id.
    #[arg(long, default_value = "qenex-replay")]
    pub label: String,
    /// Print each rejected line; the first ones are always in the JSON.
    #[arg(long)]
    pub show_rejected: bool,
}

/// `bench`.
#[derive(Subcommand, Debug)]
pub enum Bench {
    /// Signed, durable transfers a second, against pure verification in the same run.
    Replay {
        /// What is measured.
        #[command(flatten)]
        load: Load,
        /// Transfers of a block.
        #[arg(long, default_value_t = 8_192, value_parser = clap::value_parser!(u32).range(1..=65_536))]
        block: u32,
        /// Threads that verify; as many as there are cores otherwise.
        #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1_024))]
        workers: Option<u16>,
        /// In a database, which must be empty, in place of files: postgresql://USER@HOST/DATABASE
        #[arg(long)]
        database: Option<String>,
        /// Take signatures for verified, as a validator does with those of transactions that were in its pool
        #[arg(long)]
        verified: bool,
    },
    /// Execution alone: no signatures, tree or disk, on one core.
    Execute {
        /// What is measured.
        #[command(flatten)]
        load: Load,
    },
    /// A chain of validators on this machine: final and durable transfers a second, and how long one takes at half of that load.
    Chain {
        /// What is measured.
        #[command(flatten)]
        chain: ChainLoad,
        /// Between the times of two blocks, at least.
        #[arg(long, default_value_t = 100)]
        block_interval_ms: u64,
        /// The folder of the chain, which must not be there yet; a temporary one otherwise.
        #[arg(long)]
        data: Option<PathBuf>,
    },
    /// A node with accounts in custody, as programs ask it: its start, a swap until it is accepted, many connections and writers.
    Interface {
        /// What is measured.
        #[command(flatten)]
        load: InterfaceLoad,
    },
    /// Send the transfers that `chain` measures.
    #[command(hide = true)]
    Send {
        /// What is measured.
        #[command(flatten)]
        chain: ChainLoad,
    },
    /// `replay` and `execute` from a few accounts to many, one line for each size.
    Growth {
        /// Numbers of accounts.
        #[arg(long, value_delimiter = ',', default_values_t = [10_000, 100_000, 1_000_000, 10_000_000])]
        accounts: Vec<u32>,
        /// Transfers for each size.
        #[arg(long, default_value_t = 300_000, value_parser = clap::value_parser!(u64).range(1..=1 << 32))]
        transfers: u64,
        /// Where the chains are kept while they are measured, one after the other; a temporary directory otherwise.
        #[arg(long)]
        data: Option<PathBuf>,
    },
    /// Make the chain and the transfers that the others measure.
    #[command(hide = true)]
    Prepare {
        /// What to make.
        #[command(flatten)]
        load: Load,
    },
    /// Verify half of the signatures that `replay` measures, and nothing else.
    #[command(hide = true)]
    Verify {
        /// What to verify.
        #[command(flatten)]
        load: Load,
        /// Threads.
        #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1_024))]
        workers: u16,
        /// The second half instead of the first.
        #[arg(long)]
        second: bool,
    },
}

/// A chain of validators, and transfers for them.
#[derive(ClapArgs, Debug, Clone)]
pub struct ChainLoad {
    /// Validators.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub validators: u16,
    /// Accounts that send.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    pub clients: u32,
    /// How long each part of the measurement takes.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(2..=3_600))]
    pub seconds: u64,
    /// Transfers a second that are made beforehand: more than the chain takes.
    #[arg(long, default_value_t = 40_000)]
    pub per_second_max: u64,
    /// The first of the ports; each validator takes two.
    #[arg(long, default_value_t = 7_300)]
    pub base_port: u16,
}

/// Programs that ask a node.
#[derive(ClapArgs, Debug, Clone)]
pub struct InterfaceLoad {
    /// Swaps that are measured.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub swaps: u32,
    /// Connections that ask for the newest block every five seconds.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(0..=20_000))]
    pub connections: u32,
    /// Connections that hand in signed transfers.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(0..=2_000))]
    pub writers: u32,
    /// Connections that misbehave: heads that never end, and one after the other bodies that are too long.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(0..=2_000))]
    pub slow: u32,
    /// How long a writer pauses after each transfer.
    #[arg(long, default_value_t = 200)]
    pub pause_ms: u64,
    /// How long both are there; zero leaves them out.
    #[arg(long, default_value_t = 60)]
    pub seconds: u64,
    /// The first of the ports.
    #[arg(long, default_value_t = 7_400)]
    pub base_port: u16,
}

/// A chain of many accounts, and random transfers between them.
#[derive(ClapArgs, Debug, Clone)]
pub struct Load {
    /// Accounts.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(2..=50_000_000))]
    pub accounts: u32,
    /// Transfers.
    #[arg(long, default_value_t = 300_000, value_parser = clap::value_parser!(u64).range(1..=1 << 32))]
    pub transfers: u64,
    /// The seed of the random numbers.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Where the chain is kept while it is measured; a temporary directory otherwise.
    #[arg(long)]
    pub data: Option<PathBuf>,
}
