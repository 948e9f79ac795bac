//! Arguments of backups.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};
use qenex_service::backup::At;

use super::{Configured, parse};

/// Backups. A node that runs copies its chain all the time where its configuration says so (`backup`).
///
/// PLACE is a folder or a URL: s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, az://CONTAINER/PREFIX. Who may go there say the usual variables, such as AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT.
#[derive(Subcommand, Debug)]
pub enum Backup {
    /// Copy what a backup lacks of the chain of a node that does not run.
    Write(BackupWrite),
    /// Read all of a backup, check it, and say what can be brought back.
    Verify(BackupVerify),
}

/// A copy.
#[derive(Args, Debug)]
pub struct BackupWrite {
    /// The node.
    #[command(flatten)]
    pub configured: Configured,
    /// Where to, in place of what the configuration says.
    #[arg(long, value_name = "PLACE")]
    pub to: Option<String>,
}

/// A check.
#[derive(Args, Debug)]
pub struct BackupVerify {
    /// Where it is.
    #[arg(value_name = "PLACE")]
    pub place: String,
}

/// A chain that is brought back: the ledger of a node whose data are gone, or one to look at.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("where").required(true))]
pub struct Restore {
    /// The backup: a folder or a URL.
    #[arg(long, value_name = "PLACE")]
    pub from: String,
    /// As it was after which block: `newest`, a height, or a time such as 2026-11-22T15:04:05Z.
    #[arg(long, value_parser = parse::<At>, default_value = "newest")]
    pub at: At,
    /// The configuration of the node that gets it.
    #[arg(long, group = "where")]
    pub config: Option<PathBuf>,
    /// A folder that gets it; the chain is then in its folder `ledger`.
    #[arg(long, group = "where")]
    pub data: Option<PathBuf>,
    /// Execute all blocks, from the first one on, so that all of them and all histories are there.
    #[arg(long)]
    pub whole: bool,
}
