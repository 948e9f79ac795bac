//! The command line.

mod assets;
mod backup;
mod device;
mod load;
mod network;
mod owners;
mod proofs;

pub use assets::*;
pub use backup::*;
pub use device::*;
pub use load::*;
pub use network::*;
pub use owners::*;
pub use proofs::*;

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand};
use qenex_core::id::AccountId;
use qenex_core::num::Amount;

/// The QENEX ledger node and its tools.
#[derive(Parser, Debug)]
#[command(
    name = "qenex",
    version,
    after_help = "Without a command, `testnet run` runs.\n\nExit codes: 0 done; 1 the ledger refused, a proof or a check failed; \
                  2 wrong arguments or input; 3 the store, the file system or the line to a device failed."
)]
pub struct Args {
    /// Print one JSON object instead of lines.
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The commands.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Show the ledger at work: accounts, an asset, a pool, transfers, swaps, a crash and the recovery.
    Demo(Demo),
    /// Run a node of a chain: a validator, or one that follows.
    Node(Node),
    /// Make a chain of several validators on this machine, and run it.
    #[command(subcommand)]
    Testnet(Testnet),
    /// Run validators, clients, disks and a network in simulated time, with faults.
    Sim(Sim),
    /// Run a file of transfers through the whole ledger.
    Replay(Replay),
    /// Make and show keys.
    #[command(subcommand)]
    Key(Key),
    /// Show accounts, open and close them, replace their keys, freeze them.
    #[command(subcommand)]
    Account(Account),
    /// Create, issue and burn assets.
    #[command(subcommand)]
    Asset(Asset),
    /// Transfer an asset to one or many receivers.
    Send(Send),
    /// Swap in a pool.
    Swap(Swap),
    /// Show and create pools, add and remove liquidity.
    #[command(subcommand)]
    Pool(Pool),
    /// Show what touched an account, newest first.
    History(History),
    /// Show transactions.
    #[command(subcommand)]
    Tx(Tx),
    /// Compute a market maker's quote from bare numbers.
    #[command(subcommand)]
    Quote(Quote),
    /// Make and verify proofs of what the state holds.
    #[command(subcommand)]
    Proof(Proof),
    /// Check a store against its roots.
    Check(Check),
    /// Copy the ledger of a node from files to a database, or back.
    #[command(subcommand)]
    Store(Store),
    /// Look at all that a node needs: files, folders, ports, database, device, peers, backup, providers.
    Doctor(Doctor),
    /// Copy a chain elsewhere, and check the copy.
    #[command(subcommand)]
    Backup(Backup),
    /// Bring a chain back from a backup, as it was at any height or time.
    Restore(Restore),
    /// Run a device, and give commands to one.
    #[command(subcommand)]
    Device(Device),
    /// Measure the ledger on this machine.
    #[command(subcommand)]
    Bench(Bench),
}

impl Command {
    /// What runs without a command.
    pub fn default_run() -> Self {
        Self::Testnet(Testnet::Run(TestnetRun::default()))
    }
}

/// Where the demonstration keeps its chain.
pub const DEMO_DATA: &str = "demo.qenex";

/// The chain's directory.
#[derive(ClapArgs, Debug, Clone)]
pub struct Data {
    /// The directory that holds the chain.
    #[arg(long, default_value = DEMO_DATA)]
    pub data: PathBuf,
}

fn parse<T: std::str::FromStr>(text: &str) -> Result<T, String>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error: T::Err| error.to_string())
}

fn parse_leg(text: &str) -> Result<(AccountId, Amount), String> {
    let (account, amount) = text.split_once('=').ok_or("ACCOUNT=AMOUNT was expected")?;
    Ok((parse(account)?, parse(amount)?))
}
