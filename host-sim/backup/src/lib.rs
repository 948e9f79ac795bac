//! A chain copied elsewhere while it grows, to a folder or an object store, and brought back as it was at any height or time.
//!
//! | module | what it is for |
//! |---|---|
//! | [`place`] | where a backup lies, and what is in it by name |
//! | [`write`](mod@write) | follows the final blocks of a node |
//! | [`restore`] | makes a ledger of a backup |
//! | [`verify`] | reads all of a backup and says what it is good for |
//! | `runs`, `states`, `ends` | the three kinds of what is kept: blocks, states, ends of epochs |
//!
//! ```text
//! genesis                 the header of the first block, in its canonical encoding
//! genesis.json            the chain as whoever runs its nodes describes it; nothing here reads it
//! blocks/HEIGHT-TIME      a run of final blocks; height and time are those of its first one
//! states/HEIGHT-TIME      the state after a block, and the block
//! checkpoints/EPOCH       the last header of an epoch with what its validators signed
//! ```
//! Heights and epochs have 20 digits, times are milliseconds since 1970 in 20 digits, so that names sort as numbers do.
//!
//! # Promises
//! - Nothing is ever removed. All but the newest run is written once; that one is replaced by a longer one, in one step, until it is full.
//! - Several nodes of a chain may write to one place: they write the same blocks. Where one replaces a run by a shorter one, whoever wrote the
//!   longer one writes it again at its next step, or the next writer that begins fills the hole.
//! - What is brought back has been executed: its state has the root that its header names, and each block names the one before it, down to the genesis or to the
//!   state that was begun with. Blocks up to the newest end of an epoch whose signatures lead there from the genesis are those of the chain, whoever had the backup in his hands; the transactions of
//!   later ones are verified one by one.
#![forbid(unsafe_code)]

mod ends;
pub mod place;
pub mod restore;
mod runs;
mod states;
pub mod verify;
pub mod write;

use qenex_core::error::{
    ARGUMENT, BACKUP_NONE, Code, Coded, DIRECTORY, STORE_DAMAGED, STORE_FOREIGN, STORE_IO, STORE_NOT_FOUND,
};
use qenex_node::error::NodeError;
use qenex_store::StoreError;

/// Why something was not copied or not brought back.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// No place has this name.
    #[error("{place}: a folder or a URL such as s3://BUCKET/PREFIX was expected: {detail}")]
    Name {
        /// What was said.
        place: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The place does not give or take something.
    #[error("{place}: {detail}")]
    Place {
        /// Where.
        place: String,
        /// What it says.
        detail: String,
    },
    /// Something in the backup is not as it was written.
    #[error("{object}: {detail}")]
    Damaged {
        /// What.
        object: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The backup is one of another chain.
    #[error("{place}: the backup of another chain: {detail}")]
    Foreign {
        /// Where.
        place: String,
        /// What tells them apart.
        detail: String,
    },
    /// There is no backup.
    #[error("{place}: there is no backup")]
    None {
        /// Where.
        place: String,
    },
    /// The backup does not have it.
    #[error("{place}: {what} is not in the backup{hint}")]
    Missing {
        /// Where.
        place: String,
        /// What was looked for.
        what: String,
        /// What there is, as the rest of a sentence.
        hint: String,
    },
    /// There is something already where the ledger should be.
    #[error("{path} is there already: a folder without a ledger was expected")]
    Occupied {
        /// The path.
        path: String,
    },
    /// The node.
    #[error("{0}")]
    Node(#[from] NodeError),
}

impl Coded for BackupError {
    fn code(&self) -> Code {
        match self {
            Self::Name { .. } => ARGUMENT,
            Self::Place { .. } => STORE_IO,
            Self::Damaged { .. } => STORE_DAMAGED,
            Self::Foreign { .. } => STORE_FOREIGN,
            Self::None { .. } => BACKUP_NONE,
            Self::Missing { .. } => STORE_NOT_FOUND,
            Self::Occupied { .. } => DIRECTORY,
            Self::Node(error) => error.code(),
        }
    }
}

impl From<StoreError> for BackupError {
    fn from(error: StoreError) -> Self {
        Self::Node(error.into())
    }
}

type Result<T> = std::result::Result<T, BackupError>;
