//! What is looked up and checked: `history`, `tx`, `proof` and `check`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};
use qenex_core::id::{AccountId, AssetId};

use super::{Data, parse};

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
