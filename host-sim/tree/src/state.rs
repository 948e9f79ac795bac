//! The tree as seen through the changes of blocks that are not final.

use qenex_core::crypto::Hash;
use qenex_core::merkle::state::{EMPTY, node_hash};

use crate::buckets::{Leaf, halves};
use crate::change::Change;
use crate::tree::Tree;

/// A state: the tree's own, and changes over it.
#[derive(Clone)]
pub struct State<'t> {
    pub(crate) tree: &'t Tree,
    /// The newest first; each was made from the state of those behind it.
    pub(crate) changes: Vec<&'t Change>,
}

/// A subtree.
#[derive(Clone, Copy)]
pub(crate) enum Subtree<'t> {
    /// A node above the cut or at it.
    Node { level: usize, index: u32 },
    /// Below the cut: its leaves, and its depth.
    Leaves(&'t [Leaf], usize),
}

/// What a subtree is.
pub(crate) enum Kind<'t> {
    Empty,
    Leaf(&'t Leaf),
    Inner,
}

impl<'t> State<'t> {
    /// The root hash.
    pub fn root(&self) -> Hash {
        *self.node(0, 0)
    }

    pub(crate) const ROOT: Subtree<'static> = Subtree::Node { level: 0, index: 0 };

    pub(crate) fn node(&self, level: usize, index: u32) -> &'t Hash {
        let written = self.changes.iter().find_map(|change| {
            let nodes = change.levels.get(level)?;
            nodes.hashes.get(nodes.index.binary_search(&index).ok()?)
        });
        written.unwrap_or_else(|| self.tree.levels.node(level, index))
    }

    fn bucket(&self, number: u32) -> &'t [Leaf] {
        let written = self
            .changes
            .iter()
            .find_map(|change| Some(change.bucket(change.buckets().binary_search(&number).ok()?)));
        written.unwrap_or_else(|| self.tree.bucket(number))
    }

    pub(crate) fn hash(&self, subtree: Subtree<'t>) -> Hash {
        match subtree {
            Subtree::Node { level, index } => *self.node(level, index),
            Subtree::Leaves([], _) => EMPTY,
            Subtree::Leaves([leaf], _) => leaf.hash,
            Subtree::Leaves(..) => {
                let [left, right] = self.halves(subtree);
                node_hash(&self.hash(left), &self.hash(right))
            }
        }
    }

    pub(crate) fn halves(&self, subtree: Subtree<'t>) -> [Subtree<'t>; 2] {
        match subtree {
            Subtree::Node { level, index } if level < self.tree.levels.depth() => {
                [0, 1].map(|side| Subtree::Node { level: level + 1, index: 2 * index + side })
            }
            Subtree::Node { level, index } => self.halves(Subtree::Leaves(self.bucket(index), level)),
            Subtree::Leaves(leaves, depth) => {
                let (left, right) = halves(leaves, depth);
                [left, right].map(|half| Subtree::Leaves(half, depth + 1))
            }
        }
    }

    pub(crate) fn kind(&self, subtree: Subtree<'t>) -> Kind<'t> {
        match subtree {
            Subtree::Node { level, index } if level == self.tree.levels.depth() => {
                self.kind(Subtree::Leaves(self.bucket(index), level))
            }
            Subtree::Node { .. } if self.hash(subtree) == EMPTY => Kind::Empty,
            // A leaf goes up as long as its sibling is empty.
            Subtree::Node { .. } => match self.halves(subtree).map(|half| (self.hash(half) == EMPTY, half)) {
                [(true, _), (false, half)] | [(false, half), (true, _)] => match self.kind(half) {
                    Kind::Leaf(leaf) => Kind::Leaf(leaf),
                    _ => Kind::Inner,
                },
                _ => Kind::Inner,
            },
            Subtree::Leaves([], _) => Kind::Empty,
            Subtree::Leaves([leaf], _) => Kind::Leaf(leaf),
            Subtree::Leaves(..) => Kind::Inner,
        }
    }
}
