//! The format of a state proof: the nodes of a part of the state tree, in pre-order, as one stream of bytes.
//!
//! | tag | node | then |
//! |---|---|---|
//! | 0 | empty subtree | nothing |
//! | 1 | leaf | key, value hash |
//! | 2 | inner node | its left subtree, its right subtree |
//! | 3 | opaque subtree | its hash |
//! | 4 | opaque inner node | the hashes of its two halves |
//!
//! There is exactly one proof for a tree and a set of keys. An inner node with one of the keys below it is given
//! with both its subtrees, and empty subtrees and leaves with a key below their place are given as such. All
//! else is opaque, with one exception. Where every leaf of a subtree is one of the keys, an update could remove them
//! all, and then its sibling's kind decides what becomes of their parent. So such a sibling is given as a leaf
//! or by its halves, which prove that it is an inner node.

use heapless::Vec;

use crate::crypto::hash::Hash;
use crate::error::error_enum;

/// Most keys of one proof.
pub const MAX_WITNESS_KEYS: usize = 64;

/// Depth of the deepest node of a proof. Two keys that need more share 128 bits, and each finding of such a pair
/// costs some 2^64 hashes.
pub const MAX_DEPTH: usize = 128;

/// Bytes of the longest node.
pub const NODE_BYTES_MAX: usize = 65;

error_enum! {
    /// Why a state proof is not accepted.
    pub enum ProofError {
        Keys => PROOF_KEYS,
        Tag => PROOF_TAG,
        TooDeep => PROOF_TOO_DEEP,
        Truncated => PROOF_TRUNCATED,
        Trailing => PROOF_TRAILING,
        NotMinimal => PROOF_NOT_MINIMAL,
        Opaque => PROOF_OPAQUE,
        NotCollapsed => PROOF_NOT_COLLAPSED,
        Misplaced => PROOF_MISPLACED,
        Root => PROOF_ROOT,
    }
}

/// One node of a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Node {
    /// A subtree without leaves.
    Empty,
    /// A subtree of one leaf.
    Leaf {
        /// The key of the record.
        key: Hash,
        /// The hash of its value.
        value_hash: Hash,
    },
    /// An inner node, whose two subtrees follow.
    Inner,
    /// A subtree that the proof says nothing about but its hash.
    Opaque(Hash),
    /// An inner node whose subtrees stay opaque.
    Halves {
        /// The hash of the left one.
        left: Hash,
        /// The hash of the right one.
        right: Hash,
    },
}

impl Node {
    /// The length of a node that starts with this tag.
    pub fn bytes(tag: u8) -> Result<usize, ProofError> {
        match tag {
            0 | 2 => Ok(1),
            3 => Ok(33),
            1 | 4 => Ok(65),
            _ => Err(ProofError::Tag),
        }
    }

    /// Its encoding.
    pub fn encode(&self) -> Vec<u8, NODE_BYTES_MAX> {
        let (tag, parts): (u8, &[&Hash]) = match self {
            Self::Empty => (0, &[]),
            Self::Leaf { key, value_hash } => (1, &[key, value_hash]),
            Self::Inner => (2, &[]),
            Self::Opaque(hash) => (3, &[hash]),
            Self::Halves { left, right } => (4, &[left, right]),
        };
        [tag].iter().chain(parts.iter().flat_map(|part| &part.0)).copied().collect()
    }

    /// Reads one whole node.
    pub fn decode(bytes: &[u8]) -> Result<Self, ProofError> {
        let (tag, rest) = bytes.split_first().ok_or(ProofError::Truncated)?;
        let (hashes, odd) = rest.as_chunks::<32>();
        if !odd.is_empty() {
            return Err(ProofError::Truncated);
        }
        match (tag, hashes) {
            (0, []) => Ok(Self::Empty),
            (1, [key, value_hash]) => Ok(Self::Leaf { key: Hash(*key), value_hash: Hash(*value_hash) }),
            (2, []) => Ok(Self::Inner),
            (3, [hash]) => Ok(Self::Opaque(Hash(*hash))),
            (4, [left, right]) => Ok(Self::Halves { left: Hash(*left), right: Hash(*right) }),
            (0..=4, _) => Err(ProofError::Truncated),
            _ => Err(ProofError::Tag),
        }
    }
}
