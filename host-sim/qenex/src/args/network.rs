//! Arguments of nodes and of chains of several.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use qenex_service::config::Overrides;

/// The configuration of a node, and what is said in place of some of it.
#[derive(Args, Debug)]
pub struct Configured {
    /// Its configuration; `qenex testnet new` writes some.
    #[arg(long)]
    pub config: PathBuf,

    /// The folder of its data, in place of what the configuration says
    #[arg(long, env = "QENEX_DATA")]
    pub data: Option<PathBuf>,

    /// The database of its ledger, in place of what the configuration says: postgresql://USER@HOST/DATABASE
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database: Option<String>,

    /// The file of the password for the database, in place of what the configuration says
    #[arg(long, env = "DATABASE_PASSWORD_FILE")]
    pub database_password_file: Option<PathBuf>,
}

impl Configured {
    /// What is said beside the file.
    pub fn overrides(&self) -> Overrides {
        let Self { data, database, database_password_file, .. } = self;
        Overrides {
            data: data.clone(),
            database: database.clone(),
            database_password_file: database_password_file.clone(),
            ..Overrides::default()
        }
    }
}

/// A node of a chain.
#[derive(Args, Debug)]
pub struct Node {
    /// Its configuration.
    #[command(flatten)]
    pub configured: Configured,

    /// Only check the configuration and the files that it names
    #[arg(long)]
    pub check: bool,

    /// Where its interface listens, in place of what the configuration says
    #[arg(long, env = "QENEX_LISTEN")]
    pub listen: Option<SocketAddr>,

    /// How many connections its interface has open at a time, in place of what the configuration says
    #[arg(long, env = "QENEX_MAX_CONNECTIONS")]
    pub max_connections: Option<usize>,

    /// In production, simulated devices and an open interface without TLS or a proxy are refused
    #[arg(long, env = "QENEX_ENV", value_enum, default_value_t = Environment::Test)]
    pub env: Environment,
}

/// Whether a node has all that it needs. It may run, or not.
#[derive(Args, Debug)]
pub struct Doctor {
    /// Its configuration.
    #[command(flatten)]
    pub configured: Configured,
}

/// The ledger of a node that does not run, from its files to a database or back.
#[derive(Subcommand, Debug)]
pub enum Store {
    /// Copy it from the folder of its data to its database, which is empty.
    ToDatabase(Configured),
    /// Copy it from its database to the folder of its data.
    ToFiles(Configured),
}

/// What a node is for.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    /// Tests.
    Test,
    /// Money.
    Production,
}

/// Chains of several validators.
#[derive(Subcommand, Debug)]
pub enum Testnet {
    /// Write keys, devices, the genesis and a configuration for each validator.
    New(TestnetNew),
    /// Run four validators or miners, kill some of them, bring them back.
    Run(TestnetRun),
    /// Send a transfer from each account of a chain that runs on this machine, and wait until all are final.
    Send(TestnetSend),
    /// Kill and start validators at random while clients send; check that nothing is lost, and nothing done twice.
    Kill(TestnetKill),
}

/// A new chain.
#[derive(Args, Debug)]
pub struct TestnetNew {
    /// The folder of the chain, which must not be there yet.
    #[arg(long)]
    pub data: PathBuf,
    /// What decides on blocks.
    #[arg(long, value_enum, default_value_t = Consensus::Stake)]
    pub consensus: Consensus,
    /// How many validators, or miners: 3f + 1 validators outlive f that fail, and one miner all others.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=200))]
    pub validators: u16,
    /// How many nodes follow without a vote, where validators decide.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=100))]
    pub followers: u16,
    /// How many accounts that hold something.
    #[arg(long, default_value_t = 100)]
    pub clients: u32,
    /// How many of the newest blocks nodes keep, where validators decide; otherwise all.
    #[arg(long)]
    pub history_blocks: Option<u64>,
    /// How many blocks an epoch has, where validators decide.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub epoch_blocks: u64,
    /// The addresses of their machines, one for each node; otherwise all run on this one.
    #[arg(long, value_delimiter = ',')]
    pub hosts: Vec<IpAddr>,
    /// The sockets or serial lines of the validators' devices, one for each: new ones, which are made theirs, and at whose panels somebody confirms.
    /// Otherwise simulated devices.
    #[arg(long, value_delimiter = ',')]
    pub devices: Vec<PathBuf>,
    /// How many accounts are in the custody of a second device of the first validator's, a simulated one: BANK_001 and so on.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=16))]
    pub custody: u8,
    /// The first of the ports; each node takes two.
    #[arg(long, default_value_t = 7_100)]
    pub base_port: u16,
}

/// Transfers on a chain.
#[derive(Args, Debug)]
pub struct TestnetSend {
    /// How many accounts it has, at least.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(2..))]
    pub clients: u32,
    /// How many validators; each gets its part.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..))]
    pub validators: u16,
    /// The first of the ports.
    #[arg(long, default_value_t = 7_100)]
    pub base_port: u16,
}

/// Validators that are killed.
#[derive(Args, Debug)]
pub struct TestnetKill {
    /// The folder of the chain; one of an earlier run is replaced.
    #[arg(long, default_value = TESTNET_DATA)]
    pub data: PathBuf,
    /// For how long.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    pub seconds: u64,
    /// How many validators.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub validators: u16,
    /// Decides who is killed when, and who sends what.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// The first of the ports; each validator takes two.
    #[arg(long, default_value_t = 7_200)]
    pub base_port: u16,
}

/// The chain that makes and runs itself.
#[derive(Args, Debug)]
pub struct TestnetRun {
    /// What decides on blocks.
    #[arg(long, value_enum, default_value_t = Consensus::Stake)]
    pub consensus: Consensus,
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

/// Runs of the simulation.
#[derive(Args, Debug)]
pub struct Sim {
    /// The seed of the first run; the next ones count up from it.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// How many runs.
    #[arg(long, default_value_t = 1)]
    pub runs: u64,
    /// How many validators.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=200))]
    pub validators: u8,
    /// How much simulated time each run takes; nothing fails in the last 15 seconds of it.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(20..))]
    pub seconds: u64,
    /// The same in hours.
    #[arg(long, conflicts_with = "seconds")]
    pub hours: Option<u64>,
    /// Which faults there are.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = FaultKind::ALL)]
    pub faults: Vec<FaultKind>,
    /// Carry out the plan of a file instead, which an earlier run has printed.
    #[arg(long)]
    pub plan: Option<PathBuf>,
}

/// What decides on blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Consensus {
    /// Validators with stake.
    Stake,
    /// Proof of work, for open test chains.
    Pow,
}

impl From<Consensus> for qenex_service::genesis_file::Consensus {
    fn from(consensus: Consensus) -> Self {
        match consensus {
            Consensus::Stake => Self::Stake,
            Consensus::Pow => Self::Pow,
        }
    }
}

/// Kinds of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum FaultKind {
    /// Some validators do not hear the others.
    Partition,
    /// Messages are lost.
    Loss,
    /// Messages take longer.
    Delay,
    /// Validators lose their power, and what their disks had not been told to keep.
    Crash,
    /// Validators lose all that they had.
    Wipe,
    /// Disks have no room.
    Full,
    /// Clocks jump.
    Clock,
    /// Validators lie: fewer than a third.
    Lies,
    /// None.
    None,
}

impl FaultKind {
    const ALL: [Self; 8] = [
        Self::Partition,
        Self::Loss,
        Self::Delay,
        Self::Crash,
        Self::Wipe,
        Self::Full,
        Self::Clock,
        Self::Lies,
    ];
}

/// Where a chain that makes itself is kept.
pub const TESTNET_DATA: &str = "testnet.qenex";

impl Default for TestnetRun {
    fn default() -> Self {
        Self { consensus: Consensus::Stake, data: TESTNET_DATA.into(), base_port: 7_100, stay: false }
    }
}
