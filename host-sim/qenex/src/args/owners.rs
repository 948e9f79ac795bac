//! `key` and `account`, and who signs.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};
use qenex_core::id::AccountId;
use qenex_core::num::Amount;

use super::{Data, Session, parse};

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
