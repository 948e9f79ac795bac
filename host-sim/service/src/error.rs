//! Why a node does not start.

use std::fmt::Display;
use std::path::Path;

use qenex_backup::BackupError;
use qenex_core::error::{Code, Coded, INPUT_FILE};
use qenex_device::DeviceError;
use qenex_node::error::NodeError;
use qenex_store::StoreError;

/// Why a node does not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// A file is not there, or holds something else than was expected.
    #[error("{path}: {detail}")]
    File {
        /// Which.
        path: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The ledger.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// Its store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The device.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The backup.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// A part of it ended.
    #[error("{0}")]
    Ended(String),
}

impl ServiceError {
    /// What is wrong with a file.
    pub fn file(path: &Path, detail: impl Display) -> Self {
        Self::File { path: path.display().to_string(), detail: detail.to_string() }
    }
}

impl Coded for ServiceError {
    fn code(&self) -> Code {
        match self {
            Self::File { .. } => INPUT_FILE,
            Self::Node(error) => error.code(),
            Self::Store(error) => error.code(),
            Self::Device(error) => error.code(),
            Self::Backup(error) => error.code(),
            Self::Ended(_) => qenex_core::error::NODE_ENDED,
        }
    }
}
