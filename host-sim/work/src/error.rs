//! Why a block is not taken.

use std::fmt;

use qenex_core::codec::DecodeError;
use qenex_core::consensus::work::WorkError;
use qenex_core::error::{BLOCK_UNKNOWN_PARENT, Code, Coded, WORK_BRANCHES_FULL, WORK_EARLY, WORK_TOO_DEEP};
use qenex_node::error::NodeError;
use qenex_store::StoreError;

/// Why a block is not taken.
#[derive(Debug)]
pub enum Refusal {
    /// The bytes are no block, or the header does not commit to what is in it.
    Decode(DecodeError),
    /// The proof does not hold.
    Work(WorkError),
    /// It is not what execution yields.
    Block(NodeError),
    /// Nobody here knows its parent.
    Orphan,
    /// It stands on a block that contradicts what is final.
    TooDeep,
    /// Its time is not there yet.
    Early,
    /// Its branch is lighter than those that are kept.
    Full,
    /// This node cannot tell.
    Node(NodeError),
}

impl Refusal {
    /// Whether every node would refuse it, whatever it knows: then whoever sends it is at fault.
    pub const fn is_fault(&self) -> bool {
        matches!(self, Self::Decode(_) | Self::Work(_) | Self::Block(_))
    }
}

impl Coded for Refusal {
    fn code(&self) -> Code {
        match self {
            Self::Decode(error) => error.code(),
            Self::Work(error) => error.code(),
            Self::Block(error) | Self::Node(error) => error.code(),
            Self::Orphan => BLOCK_UNKNOWN_PARENT,
            Self::TooDeep => WORK_TOO_DEEP,
            Self::Early => WORK_EARLY,
            Self::Full => WORK_BRANCHES_FULL,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Block(error) | Self::Node(error) => fmt::Display::fmt(error, f),
            _ => fmt::Display::fmt(&self.code(), f),
        }
    }
}

impl std::error::Error for Refusal {}

impl From<DecodeError> for Refusal {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error)
    }
}

impl From<WorkError> for Refusal {
    fn from(error: WorkError) -> Self {
        Self::Work(error)
    }
}

/// Of a block that is executed: what is wrong for everybody, and what only this node cannot do.
impl From<NodeError> for Refusal {
    fn from(error: NodeError) -> Self {
        match error {
            NodeError::Work(error) => Self::Work(error),
            NodeError::Header { .. } | NodeError::Transaction { .. } | NodeError::End(_) => {
                Self::Block(error)
            }
            _ => Self::Node(error),
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Node(error.into())
    }
}
