//! The nodes of the tree in memory.

use qenex_core::crypto::Hash;

/// Where a subtree is: nowhere, a leaf or an inner node, in 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handle(u32);

/// A [`Handle`] taken apart.
pub enum Place {
    /// The subtree has no leaf.
    Empty,
    /// Index of its only leaf.
    Leaf(u32),
    /// Index of its inner node.
    Inner(u32),
}

const LEAF: u32 = 1 << 31;

impl Handle {
    pub const EMPTY: Self = Self(u32::MAX);

    pub const fn leaf(index: u32) -> Self {
        Self(index | LEAF)
    }

    pub const fn inner(index: u32) -> Self {
        Self(index)
    }

    pub const fn place(self) -> Place {
        match self {
            Self::EMPTY => Place::Empty,
            Self(index) if index & LEAF != 0 => Place::Leaf(index & !LEAF),
            Self(index) => Place::Inner(index),
        }
    }
}

/// A record: 64 bytes, on one cache line. The leaf's own hash is not kept: it is needed only when the node above is hashed.
#[repr(align(64))]
pub struct Leaf {
    pub key: Hash,
    pub value_hash: Hash,
}

const _: () = assert!(size_of::<Leaf>() == 64);
