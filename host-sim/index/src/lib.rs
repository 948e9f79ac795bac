//! What final blocks did, found by account, transaction, pool and time: what explorers, histories, charts and figures are made of.
//!
//! | module | what it is for |
//! |---|---|
//! | [`follow`] | follows the final blocks |
//! | [`names`] | which accounts, assets, pools, balances there are |
//! | [`history`] | transactions by id and by account, blocks by time |
//! | [`read`] | final blocks, and how an asset is spread |
//! | [`candles`] | prices and volumes of pools |
//! | [`flows`] | what was moved, issued and burned of an asset, by day |
//! | `tables` | how all of it is kept |
//!
//! Nothing here is consensus, and nothing is lost with it: an index that is deleted is made again of the blocks that the node keeps and of its newest state. Amounts are
//! units of 10^-18, times milliseconds since the beginning of 1970, prices units of 10^-18 of the second asset for one of the first.
//!
//! # Promises
//! - What is in the index is of one height: each batch of blocks is one transaction of the database.
//! - Every question looks at a bounded number of rows; where there may be more, the answer says from where to go on.
//! - A node that forgets old blocks forgets them here, too.
#![forbid(unsafe_code)]

pub mod candles;
pub mod flows;
pub mod follow;
pub mod history;
pub mod names;
pub mod read;
mod tables;

use std::path::{Path, PathBuf};

use qenex_core::error::{Code, Coded, STORE_DATABASE};
use qenex_node::error::NodeError;
use redb::{Database, ReadTransaction, ReadableDatabase};
use tokio::sync::watch;

/// So many rows are looked at for one question.
pub const MOST_LOOKED_AT: usize = 20_000;

/// The index cannot be read or written, or the node's blocks cannot.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The database.
    #[error("{path}: {detail}")]
    Database {
        /// Its file.
        path: PathBuf,
        /// What it says.
        detail: String,
    },
    /// The node.
    #[error("{0}")]
    Node(#[from] NodeError),
}

impl Coded for IndexError {
    fn code(&self) -> Code {
        match self {
            Self::Database { .. } => STORE_DATABASE,
            Self::Node(error) => error.code(),
        }
    }
}

type Result<T> = std::result::Result<T, IndexError>;

/// The index of a chain.
pub struct Index {
    path: PathBuf,
    database: Database,
    /// Up to which height blocks are in it.
    height: watch::Sender<u64>,
}

impl Index {
    /// Opens the index of a file, or begins it.
    ///
    /// # Errors
    /// The file cannot be written, is damaged, or another process has it open.
    pub fn open(path: &Path) -> Result<Self> {
        let failed = |detail: String| IndexError::Database { path: path.into(), detail };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| failed(error.to_string()))?;
        }
        let database = Database::create(path).map_err(|error| failed(error.to_string()))?;
        let index = Self { path: path.into(), database, height: watch::Sender::new(0) };
        let height = index.read(tables::height)?;
        index.height.send_replace(height);
        Ok(index)
    }

    /// Up to which height blocks are in it, whenever it is asked for.
    pub fn height(&self) -> watch::Receiver<u64> {
        self.height.subscribe()
    }

    /// Something of one moment.
    fn read<T>(
        &self,
        read: impl FnOnce(&ReadTransaction) -> std::result::Result<T, redb::Error>,
    ) -> Result<T> {
        let begun = self.database.begin_read().map_err(redb::Error::from);
        begun.and_then(|transaction| read(&transaction)).map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &dyn std::fmt::Display) -> IndexError {
        IndexError::Database { path: self.path.clone(), detail: error.to_string() }
    }
}
