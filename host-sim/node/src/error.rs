//! What the node refuses, each with its row of the table of codes.

use std::fmt;

use qenex_core::codec::DecodeError;
use qenex_core::consensus::work::WorkError;
use qenex_core::crypto::{Hash, SignatureError};
use qenex_core::error::{
    BLOCK_HEADER, BLOCK_TRANSACTION, BLOCK_UNKNOWN, BLOCK_UNKNOWN_PARENT, Code, Coded, DIRECTORY,
    GENESIS_INVALID, GENESIS_OTHER, LOG_BEHIND, MEMPOOL_ACCOUNT_FULL, MEMPOOL_FULL, MEMPOOL_NONCE_TAKEN,
    NONCE_USED, STATE_ROOT_MISMATCH, STATE_TOO_LARGE, STORE_DAMAGED,
};
use qenex_core::ledger::{RecordId, Reject};
use qenex_store::StoreError;

/// An error with those that led to it, in one line.
pub fn in_full(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| (*error).source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// Why a transaction is not taken into the pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MempoolError {
    /// No room.
    Full {
        /// Transactions that wait.
        transactions: usize,
        /// Their bytes.
        bytes: usize,
    },
    /// The nonce is used.
    NonceUsed {
        /// The sender's next nonce.
        expected: u64,
        /// The transaction's.
        found: u64,
    },
    /// Another transaction with the nonce waits.
    NonceTaken {
        /// The nonce.
        nonce: u64,
    },
    /// Too many of the sender's wait.
    AccountFull {
        /// How many.
        transactions: usize,
    },
}

impl Coded for MempoolError {
    fn code(&self) -> Code {
        match self {
            Self::Full { .. } => MEMPOOL_FULL,
            Self::NonceUsed { .. } => NONCE_USED,
            Self::NonceTaken { .. } => MEMPOOL_NONCE_TAKEN,
            Self::AccountFull { .. } => MEMPOOL_ACCOUNT_FULL,
        }
    }
}

impl fmt::Display for MempoolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.code())?;
        match self {
            Self::Full { transactions, bytes } => {
                write!(f, "{transactions} transactions of {bytes} bytes wait")
            }
            Self::NonceUsed { expected, found } => write!(f, "expected {expected}, found {found}"),
            Self::NonceTaken { nonce } => write!(f, "nonce {nonce}"),
            Self::AccountFull { transactions } => write!(f, "{transactions} wait"),
        }
    }
}

impl std::error::Error for MempoolError {}

/// Why one transaction does not get into a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// Its bytes are not a signed transaction.
    Decode(DecodeError),
    /// A signature does not verify.
    Signature(SignatureError),
    /// The ledger rejects it.
    Reject(Reject),
}

impl Coded for Refusal {
    fn code(&self) -> Code {
        match self {
            Self::Decode(error) => error.code(),
            Self::Signature(error) => error.code(),
            Self::Reject(error) => error.code(),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.code(), f)
    }
}

impl std::error::Error for Refusal {}

impl From<Reject> for Refusal {
    fn from(reject: Reject) -> Self {
        Self::Reject(reject)
    }
}

/// Why the node cannot go on with what it was asked.
#[derive(Debug)]
pub enum NodeError {
    /// The store failed.
    Store(StoreError),
    /// Stored or received bytes are not a block.
    Decode(DecodeError),
    /// The genesis contradicts itself.
    Genesis(String),
    /// The data belong to another genesis.
    OtherGenesis {
        /// The one in the data.
        found: Hash,
        /// The one that was given.
        expected: Hash,
    },
    /// The directory does not hold what it should.
    Directory {
        /// The file or directory.
        path: String,
        /// What was expected.
        detail: String,
    },
    /// The log ends before the checkpoint: blocks are missing.
    LogBehind {
        /// Height of the log's last block.
        log: u64,
        /// Height of the checkpoint.
        checkpoint: u64,
    },
    /// A record is not of the kind that its id names, or missing.
    Record(RecordId),
    /// A bucket of the checkpoint is damaged.
    Bucket(u32),
    /// The record of what a block did is missing or damaged.
    HistoryDamaged {
        /// The block's height.
        height: u64,
    },
    /// No such parent.
    UnknownParent(Hash),
    /// No such pending block.
    UnknownBlock(Hash),
    /// A field of the header is not what execution yields.
    Header {
        /// The field.
        field: &'static str,
        /// The block's height.
        height: u64,
    },
    /// The block cannot end: its view is not that of its proposer, or an account cannot be paid.
    End(Reject),
    /// The proof of work does not hold.
    Work(WorkError),
    /// A transaction of a block is refused.
    Transaction {
        /// Its place in the block.
        index: usize,
        /// Why.
        refusal: Refusal,
    },
    /// The records and the tree need more memory than configured.
    StateTooLarge {
        /// What they need.
        bytes: usize,
        /// What is allowed.
        limit_bytes: usize,
    },
    /// The root of the records is not the header's.
    RootMismatch {
        /// The block's height.
        height: u64,
        /// The root of the records.
        found: Hash,
        /// The header's.
        expected: Hash,
    },
}

impl Coded for NodeError {
    fn code(&self) -> Code {
        match self {
            Self::Store(error) => error.code(),
            Self::Decode(error) => error.code(),
            Self::Genesis(_) => GENESIS_INVALID,
            Self::OtherGenesis { .. } => GENESIS_OTHER,
            Self::Directory { .. } => DIRECTORY,
            Self::LogBehind { .. } => LOG_BEHIND,
            Self::Record(_) | Self::Bucket(_) | Self::HistoryDamaged { .. } => STORE_DAMAGED,
            Self::UnknownParent(_) => BLOCK_UNKNOWN_PARENT,
            Self::UnknownBlock(_) => BLOCK_UNKNOWN,
            Self::Header { .. } => BLOCK_HEADER,
            Self::End(reject) => reject.code(),
            Self::Work(error) => error.code(),
            Self::Transaction { .. } => BLOCK_TRANSACTION,
            Self::StateTooLarge { .. } => STATE_TOO_LARGE,
            Self::RootMismatch { .. } => STATE_ROOT_MISMATCH,
        }
    }
}

impl fmt::Display for NodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => fmt::Display::fmt(error, f),
            Self::Decode(error) => fmt::Display::fmt(error, f),
            Self::Genesis(detail) => write!(f, "{} {detail}", self.code()),
            Self::OtherGenesis { found, expected } => {
                write!(f, "{} Found {found}, expected {expected}", self.code())
            }
            Self::Directory { path, detail } => write!(f, "{} {path}: {detail}", self.code()),
            Self::LogBehind { log, checkpoint } => {
                write!(f, "{} The log ends at height {log}, the checkpoint is at {checkpoint}", self.code())
            }
            Self::Record(id) => write!(f, "{} Record {id:?}", self.code()),
            Self::Bucket(index) => write!(f, "{} Checkpoint, bucket {index:#x}", self.code()),
            Self::HistoryDamaged { height } => write!(f, "{} Receipts of height {height}", self.code()),
            Self::UnknownParent(id) | Self::UnknownBlock(id) => write!(f, "{} Block {id}", self.code()),
            Self::Header { field, height } => write!(f, "{} Field {field} at height {height}", self.code()),
            Self::End(reject) => write!(f, "{reject} (the end of the block)"),
            Self::Work(error) => fmt::Display::fmt(error, f),
            Self::Transaction { index, refusal } => {
                write!(f, "{} Transaction {index}: {refusal}", self.code())
            }
            Self::StateTooLarge { bytes, limit_bytes } => {
                write!(f, "{} It takes {bytes} bytes of {limit_bytes}", self.code())
            }
            Self::RootMismatch { height, found, expected } => {
                write!(f, "{} Height {height}: found {found}, expected {expected}", self.code())
            }
        }
    }
}

impl std::error::Error for NodeError {}

impl From<StoreError> for NodeError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<WorkError> for NodeError {
    fn from(error: WorkError) -> Self {
        Self::Work(error)
    }
}

impl From<DecodeError> for NodeError {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error)
    }
}
