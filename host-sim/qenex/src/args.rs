//! The command line.

mod device;

pub use device::*;

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use qenex_core::id::{AccountId, AssetId, PoolId, Reference};
use qenex_core::num::Amount;

/// The QENEX ledger node and its tools.
#[derive(Parser, Debug)]
#[command(
    name = "qenex",
    version,
    after_help = "Without a command, `demo` runs.\n\nExit codes: 0 done; 1 the ledger refused, a proof or a check failed; \
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
    /// Run a device, and give commands to one.
    #[command(subcommand)]
    Device(Device),
    /// Measure the ledger on this machine.
    #[command(subcommand)]
    Bench(Bench),
}

impl Command {
    /// What runs without a command.
    pub fn default_demo() -> Self {
        Self::Demo(Demo { data: DEMO_DATA.into(), until_crash: false })
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

/// `key`.
#[derive(Subcommand, Debug)]
pub enum Key {
    /// Make a new random key and write its seed to a file.
    New {
        /// The file; an existing one is never overwritten.
        file: PathBuf,
    },
    /// Write the key that derives from a public label and an account's id. It protects nothing.
    Derive {
        /// The label, as of `demo` (qenex-demo) or `replay`.
        #[arg(long)]
        label: String,
        /// The account.
        #[arg(long)]
        account: String,
        /// The file; an existing one is never overwritten.
        file: PathBuf,
    },
    /// Show the public key of a file and its hash.
    Show {
        /// The file.
        file: PathBuf,
    },
}

/// Who signs.
#[derive(ClapArgs, Debug, Clone)]
pub struct Signing {
    /// Key files of the sender; as many as its authority demands.
    #[arg(long = "key", required_unless_present_any = ["label", "slot"])]
    pub keys: Vec<PathBuf>,
    /// Derive the sender's key from this public label instead.
    #[arg(long, conflicts_with = "keys")]
    pub label: Option<String>,
    /// Let the key in this slot of a device sign, which first sees a witness of the state.
    #[arg(long, conflicts_with_all = ["keys", "label"])]
    pub slot: Option<u8>,
    /// Approvals of persons, as `device approve` wrote them.
    #[arg(long = "approval", requires = "slot")]
    pub approvals: Vec<PathBuf>,
    /// Only ask the device what it would say.
    #[arg(long, requires = "slot")]
    pub dry_run: bool,
    /// The device, and who is logged in there.
    #[command(flatten)]
    pub session: Session,
    /// The fee, in the native asset.
    #[arg(long, default_value = "0", value_parser = parse::<Amount>)]
    pub fee: Amount,
    /// Write the signed transaction to this file instead of committing it.
    #[arg(long)]
    pub out: Option<PathBuf>,
}

/// The keys of an authority.
#[derive(ClapArgs, Debug, Clone)]
pub struct Owners {
    /// Key files.
    #[arg(long = "owner-key", required_unless_present = "owner_hashes")]
    pub owner_keys: Vec<PathBuf>,
    /// Hashes of Ed25519 keys that are elsewhere, as `device key show` prints them.
    #[arg(long = "owner-hash")]
    pub owner_hashes: Vec<String>,
    /// How many of the keys must sign.
    #[arg(long, default_value_t = 1)]
    pub threshold: u8,
}

/// `account`.
#[derive(Subcommand, Debug)]
pub enum Account {
    /// Show an account, its keys and its balances.
    Show {
        /// The chain.
        #[command(flatten)]
        data: Data,
        /// The account.
        #[arg(value_parser = parse::<AccountId>)]
        account: AccountId,
    },
    /// List all accounts.
    List {
        /// The chain.
        #[command(flatten)]
        data: Data,
        /// At most so many.
        #[arg(long, default_value_t = 100)]
        most: usize,
    },
    /// Open an account.
    Create {
        /// The chain.
        #[command(flatten)]
        data: Data,
        /// Who signs.
        #[command(flatten)]
        signing: Signing,
        /// The sender, who must be permitted to.
        #[arg(long, value_parser = parse::<AccountId>)]
        from: AccountId,
        /// The new account's id.
        #[arg(value_parser = parse::<AccountId>)]
        account: AccountId,
        /// What it is.
        #[arg(long, value_enum, default_value_t = Kind::Individual)]
        kind: Kind,
        /// KYC level, 0 to 3.
        #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=3))]
        kyc: u8,
        /// Who may act for it.
        #[command(flatten)]
        owners: Owners,
    },
    /// Replace the keys of the sender.
    Rotate {
        /// The chain.
        #[command(flatten)]
        data: Data,
        /// Who signs.
        #[command(flatten)]
        signing: Signing,
        /// The account.
        #[arg(value_parser = parse::<AccountId>)]
        account: AccountId,
        /// Who may act for it from now on.
        #[command(flatten)]
        owners: Owners,
    },
    /// Freeze an account.
    Freeze(Status),
    /// Lift the freeze of an account.
    Unfreeze(Status),
    /// Close the sender's account for ever.
    Close {
        /// The chain.
        #[command(flatten)]
        data: Data,
        /// Who signs.
        #[command(flatten)]
        signing: Signing,
        /// The account.
        #[arg(value_parser = parse::<AccountId>)]
        account: AccountId,
    },
}

/// `account freeze` and `account unfreeze`.
#[derive(ClapArgs, Debug)]
pub struct Status {
    /// The chain.
    #[command(flatten)]
    pub data: Data,
    /// Who signs.
    #[command(flatten)]
    pub signing: Signing,
    /// The authority or system account that asks.
    #[arg(long, value_parser = parse::<AccountId>)]
    pub from: AccountId,
    /// The account.
    #[arg(value_parser = parse::<AccountId>)]
    pub account: AccountId,
}

/// What an account is.
#[derive(ValueEnum, Clone, Copy, Debug)]
pub enum Kind {
    /// A person.
    Individual,
    /// A bank, a company, an exchange.
    Institution,
    /// A public authority.
    Government,
    /// The chain's own.
    System,
}

/// `asset`.
#[derive(Subcommand, Debug)]
pub enum Asset {
    /// Show an asset.
    Show {
        /// The chain.
        #[command(flatten)]
        data: Data,
        /// The asset.
        #[arg(value_parser = parse::<AssetId>)]
        asset: AssetId,
    },
    /// Create an asset.
    Create {
        /// The chain.
        #[command(flatten)]
        data: Data,
        /// Who signs.
        #[command(flatten)]
        signing: Signing,
        /// The issuer.
        #[arg(long, value_parser = parse::<AccountId>)]
        from: AccountId,
        /// The new asset's id.
        #[arg(value_parser = parse::<AssetId>)]
        asset: AssetId,
        /// The most that may ever be in circulation.
        #[arg(long, value_parser = parse::<Amount>)]
        max_supply: Option<Amount>,
    },
    /// Bring new units into circulation.
    Issue {
        /// The chain.
        #[command(flatten)]
        data: Data,
        /// Who signs.
        #[command(flatten)]
        signing: Signing,
        /// The issuer.
        #[arg(long, value_parser = parse::<AccountId>)]
        from: AccountId,
        /// Who receives.
        #[arg(long, value_parser = parse::<AccountId>)]
        to: AccountId,
        /// How many.
        #[arg(long, value_parser = parse::<Amount>)]
        amount: Amount,
        /// The asset.
        #[arg(value_parser = parse::<AssetId>)]
        asset: AssetId,
    },
    /// Take units out of circulation, from the issuer's own balance.
    Burn {
        /// The chain.
        #[command(flatten)]
        data: Data,
        /// Who signs.
        #[command(flatten)]
        signing: Signing,
        /// The issuer.
        #[arg(long, value_parser = parse::<AccountId>)]
        from: AccountId,
        /// How many.
        #[arg(long, value_parser = parse::<Amount>)]
        amount: Amount,
        /// The asset.
        #[arg(value_parser = parse::<AssetId>)]
        asset: AssetId,
    },
}

/// `send`.
#[derive(ClapArgs, Debug)]
pub struct Send {
    /// The chain.
    #[command(flatten)]
    pub data: Data,
    /// Who signs.
    #[command(flatten)]
    pub signing: Signing,
    /// The sender.
    #[arg(long, value_parser = parse::<AccountId>)]
    pub from: AccountId,
    /// The asset.
    #[arg(long, value_parser = parse::<AssetId>)]
    pub asset: AssetId,
    /// A receiver and its amount, as ACCOUNT=AMOUNT; up to 16.
    #[arg(long = "to", required = true, value_parser = parse_leg)]
    pub to: Vec<(AccountId, Amount)>,
    /// What the payments are for; at most 35 characters.
    #[arg(long, default_value = "", value_parser = parse::<Reference>)]
    pub reference: Reference,
}

/// `swap`.
#[derive(ClapArgs, Debug)]
#[command(group = clap::ArgGroup::new("exact").required(true).args(["amount_in", "amount_out"]))]
pub struct Swap {
    /// The chain.
    #[command(flatten)]
    pub data: Data,
    /// Who signs.
    #[command(flatten)]
    pub signing: Signing,
    /// The trader.
    #[arg(long, value_parser = parse::<AccountId>)]
    pub from: AccountId,
    /// The pool.
    #[arg(long, value_parser = parse::<PoolId>)]
    pub pool: PoolId,
    /// The asset to give.
    #[arg(long, value_parser = parse::<AssetId>)]
    pub give: AssetId,
    /// Give exactly this much.
    #[arg(long, value_parser = parse::<Amount>)]
    pub amount_in: Option<Amount>,
    /// Receive exactly this much.
    #[arg(long, value_parser = parse::<Amount>)]
    pub amount_out: Option<Amount>,
    /// The least to receive, with --amount-in.
    #[arg(long, value_parser = parse::<Amount>, conflicts_with = "amount_out")]
    pub min_out: Option<Amount>,
    /// The most to give, with --amount-out.
    #[arg(long, value_parser = parse::<Amount>, conflicts_with = "amount_in")]
    pub max_in: Option<Amount>,
    /// The largest price impact, in basis points.
    #[arg(long)]
    pub max_price_impact_bps: Option<u16>,
    /// The latest block time, in milliseconds since the Unix epoch.
    #[arg(long)]
    pub deadline_ms: Option<u64>,
}

/// `pool`.
#[derive(Subcommand, Debug)]
pub enum Pool {
    /// Show a pool.
    Show {
        /// The chain.
        #[command(flatten)]
        data: Data,
        /// The pool.
        #[arg(value_parser = parse::<PoolId>)]
        pool: PoolId,
    },
    /// Create an empty pool of two assets.
    Create {
        /// The chain.
        #[command(flatten)]
        data: Data,
        /// Who signs.
        #[command(flatten)]
        signing: Signing,
        /// The sender.
        #[arg(long, value_parser = parse::<AccountId>)]
        from: AccountId,
        /// The new pool's id.
        #[arg(value_parser = parse::<PoolId>)]
        pool: PoolId,
        /// Its two assets, in any order.
        #[arg(long, num_args = 2, required = true, value_parser = parse::<AssetId>)]
        assets: Vec<AssetId>,
        /// What it keeps of each swap's input, in basis points.
        #[arg(long, default_value_t = 30)]
        fee_bps: u16,
    },
    /// Put both assets in for shares.
    Add {
        /// The chain.
        #[command(flatten)]
        data: Data,
        /// Who signs.
        #[command(flatten)]
        signing: Signing,
        /// The sender.
        #[arg(long, value_parser = parse::<AccountId>)]
        from: AccountId,
        /// The pool.
        #[arg(value_parser = parse::<PoolId>)]
        pool: PoolId,
        /// The most of the first asset.
        #[arg(long, value_parser = parse::<Amount>)]
        max_a: Amount,
        /// The most of the second asset.
        #[arg(long, value_parser = parse::<Amount>)]
        max_b: Amount,
        /// The fewest shares to accept.
        #[arg(long, default_value = "0", value_parser = parse::<Amount>)]
        min_shares: Amount,
    },
    /// Give shares back for both assets.
    Remove {
        /// The chain.
        #[command(flatten)]
        data: Data,
        /// Who signs.
        #[command(flatten)]
        signing: Signing,
        /// The sender.
        #[arg(long, value_parser = parse::<AccountId>)]
        from: AccountId,
        /// The pool.
        #[arg(value_parser = parse::<PoolId>)]
        pool: PoolId,
        /// How many shares.
        #[arg(long, value_parser = parse::<Amount>)]
        shares: Amount,
        /// The least of the first asset.
        #[arg(long, default_value = "0", value_parser = parse::<Amount>)]
        min_a: Amount,
        /// The least of the second asset.
        #[arg(long, default_value = "0", value_parser = parse::<Amount>)]
        min_b: Amount,
    },
}

/// `history`.
#[derive(ClapArgs, Debug)]
pub struct History {
    /// The chain.
    #[command(flatten)]
    pub data: Data,
    /// The account.
    #[arg(value_parser = parse::<AccountId>)]
    pub account: AccountId,
    /// At most so many.
    #[arg(long, default_value_t = 20)]
    pub most: usize,
}

/// `tx`.
#[derive(Subcommand, Debug)]
pub enum Tx {
    /// Show the clear-signing summary of a transaction: all that it will do.
    Show {
        /// The transaction, signed or not, as bytes or hexadecimal digits.
        file: PathBuf,
        /// Show it as a 128x64 display would, page by page.
        #[arg(long)]
        display: bool,
    },
    /// Commit a signed transaction.
    Submit {
        /// The chain.
        #[command(flatten)]
        data: Data,
        /// The signed transaction, as bytes or hexadecimal digits.
        file: PathBuf,
    },
}

/// `quote`.
#[derive(Subcommand, Debug)]
pub enum Quote {
    /// x·y = k.
    #[command(group = clap::ArgGroup::new("exact").required(true).args(["amount_in", "amount_out"]))]
    ConstantProduct {
        /// What the pool holds of the asset to give.
        #[arg(long, value_parser = parse::<Amount>)]
        reserve_in: Amount,
        /// What the pool holds of the asset to receive.
        #[arg(long, value_parser = parse::<Amount>)]
        reserve_out: Amount,
        /// Give exactly this much.
        #[arg(long, value_parser = parse::<Amount>)]
        amount_in: Option<Amount>,
        /// Receive exactly this much.
        #[arg(long, value_parser = parse::<Amount>)]
        amount_out: Option<Amount>,
        /// What the pool keeps of the input, in basis points.
        #[arg(long)]
        fee_bps: u16,
    },
}

/// `proof`.
#[derive(Subcommand, Debug)]
pub enum Proof {
    /// Prove what the newest final state holds of an account, or that it holds nothing.
    Make {
        /// The chain.
        #[command(flatten)]
        data: Data,
        /// The account.
        #[arg(value_parser = parse::<AccountId>)]
        account: AccountId,
        /// Prove the balance of this asset too.
        #[arg(long, value_parser = parse::<AssetId>)]
        asset: Option<AssetId>,
        /// Where to write the proof; standard output otherwise.
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Verify a proof with the core.
    Verify {
        /// The file that `proof make` wrote.
        file: PathBuf,
        /// The state root that you trust; otherwise the proof is checked against the root that it names.
        #[arg(long)]
        root: Option<String>,
    },
}

/// `check`.
#[derive(ClapArgs, Debug)]
pub struct Check {
    /// The chain.
    #[command(flatten)]
    pub data: Data,
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
    },
    /// Execution alone: no signatures, tree or disk, on one core.
    Execute {
        /// What is measured.
        #[command(flatten)]
        load: Load,
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
