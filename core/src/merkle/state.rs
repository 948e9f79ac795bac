//! The state tree: a sparse binary tree over 256-bit keys, which commits to the set of all records.
//!
//! At depth `d` a key goes left or right by its bit `d`, the most significant first. A subtree without leaves is
//! [`EMPTY`]; one with exactly one leaf is that leaf, whatever its depth; any other is the inner node over its two
//! halves. So the root depends on the set of records alone, not on how it came about.
//!
//! Keys are themselves hashes. To make two of them share `n` leading bits takes some `2^(n/2)` trials, to share
//! them with a given key `2^n`.

use heapless::Vec;

use crate::crypto::hash::{Domain, Hash, hash};

/// Bits of a key, and so the depth of the deepest leaf.
pub const KEY_BITS: usize = 256;

/// The subtree without leaves: the hash of its domain alone.
pub const EMPTY: Hash = Hash([
    0xbf, 0x93, 0x1c, 0x9e, 0xed, 0x1d, 0x7d, 0x81, 0xc3, 0xab, 0x81, 0x5e, 0xa4, 0x15, 0x0d, 0x5f, 0x9e,
    0xfe, 0x35, 0x7f, 0x32, 0xdb, 0xec, 0xe8, 0x62, 0xc1, 0x5c, 0xf4, 0xed, 0x92, 0xed, 0x67,
]);

/// The hash of a record's encoded value.
pub fn value_hash(value: &[u8]) -> Hash {
    hash(Domain::RecordValue, &[value])
}

/// The leaf of a record.
pub fn leaf_hash(key: &Hash, value_hash: &Hash) -> Hash {
    hash(Domain::StateLeaf, &[&key.0, &value_hash.0])
}

/// The inner node over two halves.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    hash(Domain::StateNode, &[&left.0, &right.0])
}

/// The number of leading bits that two keys share, 256 for equal ones.
pub fn common_bits(a: &Hash, b: &Hash) -> usize {
    let mut bits: usize = 0;
    for (x, y) in a.0.iter().zip(&b.0) {
        let same = (x ^ y).leading_zeros() as usize;
        bits = bits.wrapping_add(same);
        if same != 8 {
            break;
        }
    }
    bits
}

/// A subtree, with as much of its kind as decides how it joins its sibling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subtree {
    /// No leaf.
    Empty,
    /// One leaf.
    Leaf(Hash),
    /// Two or more leaves.
    Inner(Hash),
}

impl Subtree {
    /// Its hash.
    pub const fn hash(&self) -> Hash {
        match self {
            Self::Empty => EMPTY,
            Self::Leaf(hash) | Self::Inner(hash) => *hash,
        }
    }

    /// The subtree over two halves.
    pub fn join(left: Self, right: Self) -> Self {
        match (left, right) {
            (Self::Empty, Self::Empty) => Self::Empty,
            (Self::Empty, Self::Leaf(_)) => right,
            (Self::Leaf(_), Self::Empty) => left,
            _ => Self::Inner(node_hash(&left.hash(), &right.hash())),
        }
    }

    /// The subtree at depth `to` that has this one, at depth `from` on the path of `key`, as its only content.
    fn lift(self, key: &Hash, from: usize, to: usize) -> Self {
        if let Self::Empty | Self::Leaf(_) = self {
            return self;
        }
        (to..from).rev().fold(self, |node, depth| {
            if key.bit(depth) { Self::join(Self::Empty, node) } else { Self::join(node, Self::Empty) }
        })
    }
}

/// Makes a subtree at some depth from its leaves in ascending order of their keys, at most `N + 1` of them.
pub(super) struct Builder<const N: usize> {
    /// Left halves whose right half is not complete, with the depths of the nodes over them, which ascend.
    open: Vec<(Subtree, usize), N>,
    /// The key of the newest leaf, and the leaf.
    last: Option<(Hash, Subtree)>,
}

impl<const N: usize> Builder<N> {
    pub(super) const fn new() -> Self {
        Self { open: Vec::new(), last: None }
    }

    /// Takes a leaf whose key is greater than the last; `None` when there are too many.
    pub(super) fn push(&mut self, key: Hash, leaf: Hash) -> Option<()> {
        if let Some((last_key, last)) = self.last {
            let fork = common_bits(&last_key, &key);
            let left = self.close(&last_key, last, fork.checked_add(1)?);
            self.open.push((left, fork)).ok()?;
        }
        self.last = Some((key, Subtree::Leaf(leaf)));
        Some(())
    }

    /// The subtree at this depth, which is not deeper than the keys' common bits.
    pub(super) fn finish(mut self, depth: usize) -> Subtree {
        match self.last {
            None => Subtree::Empty,
            Some((key, last)) => self.close(&key, last, depth),
        }
    }

    /// Joins all open halves at or below `depth` with the last leaf.
    fn close(&mut self, key: &Hash, last: Subtree, depth: usize) -> Subtree {
        let mut node = last;
        // A leaf has no depth of its own: lifting leaves it as it is.
        let mut at = KEY_BITS;
        while let Some((left, fork)) = self.open.last().copied()
            && fork >= depth
        {
            self.open.pop();
            node = Subtree::join(left, node.lift(key, at, fork.wrapping_add(1)));
            at = fork;
        }
        node.lift(key, at, depth)
    }
}
