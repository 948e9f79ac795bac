//! The state tree and the life of its roots.

use qenex_core::crypto::Hash;
use qenex_core::merkle::state::{EMPTY, leaf_hash};
use qenex_keccak::Lanes;

use crate::arena::{Arena, Inners};
use crate::node::{Handle, Leaf, Place};

/// Records that [`Tree::extend`] collects and sorts at a time.
const COLLECTED: usize = 1 << 16;

/// Neighbouring records that are built together, so that their nodes lie together in memory.
const BUILT: usize = 1 << 10;

/// A state whose nodes are in a [`Tree`]. It is live from the update that made it until its change is discarded, or the
/// change of an update on it is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Root {
    pub(crate) node: Handle,
    pub(crate) hash: Hash,
}

impl Root {
    /// The root hash.
    pub const fn hash(&self) -> Hash {
        self.hash
    }
}

/// What an update did: the state after it, and the nodes that only one of the states before and after uses.
/// It goes back to the tree through [`Tree::commit`] or [`Tree::discard`]; if it is dropped instead, its nodes are never freed.
#[must_use]
#[derive(Debug)]
pub struct Change {
    pub(crate) base: Root,
    pub(crate) root: Root,
    pub(crate) created: Vec<Handle>,
    pub(crate) replaced: Vec<Handle>,
}

impl Change {
    /// The state after the update. Further updates may start from it before it is committed.
    pub const fn root(&self) -> Root {
        self.root
    }

    /// The state that was updated.
    pub const fn base(&self) -> Root {
        self.base
    }

    /// How many nodes the update made.
    pub fn nodes(&self) -> usize {
        self.created.len()
    }
}

/// The state tree in memory. One of its states is the final one; those of blocks that are not final yet lie over it.
pub struct Tree {
    pub(crate) lanes: Lanes,
    pub(crate) inners: Inners,
    pub(crate) leaves: Arena<Leaf>,
    root: Root,
}

impl Tree {
    /// A tree whose final state has no records.
    pub const fn new(lanes: Lanes) -> Self {
        let root = Root { node: Handle::EMPTY, hash: EMPTY };
        Self { lanes, inners: Inners::new(), leaves: Arena::new(), root }
    }

    /// A tree whose final state has these records, as keys and value hashes. Fastest in the order of the keys.
    pub fn build(lanes: Lanes, records: impl IntoIterator<Item = (Hash, Hash)>) -> Self {
        let mut tree = Self::new(lanes);
        tree.extend(records);
        tree
    }

    /// Adds records to the final state. There must be no pending updates.
    pub fn extend(&mut self, records: impl IntoIterator<Item = (Hash, Hash)>) {
        let mut records = records.into_iter().map(|(key, value_hash)| (key, Some(value_hash)));
        let mut collected = Vec::with_capacity(COLLECTED);
        loop {
            collected.clear();
            collected.extend(records.by_ref().take(COLLECTED));
            if collected.is_empty() {
                break;
            }
            collected.sort_by_key(|(key, _)| *key);
            for changes in collected.chunks(BUILT) {
                let change = self.update(self.root, changes);
                self.commit(change);
            }
        }
    }

    /// The final state.
    pub const fn root(&self) -> Root {
        self.root
    }

    /// Makes the update's state the final one and frees what only the one before used. Other updates of the state
    /// before must be discarded, in any order with this call.
    ///
    /// # Panics
    /// If the update was not of the final state.
    pub fn commit(&mut self, change: Change) {
        assert_eq!(change.base, self.root, "updates are committed in their order");
        self.root = change.root;
        self.free(&change.replaced);
    }

    /// Drops the update's state. Updates that start from it must be discarded too, in any order.
    pub fn discard(&mut self, change: Change) {
        self.free(&change.created);
    }

    fn free(&mut self, nodes: &[Handle]) {
        for node in nodes {
            match node.place() {
                Place::Empty => {}
                Place::Leaf(index) => self.leaves.remove(index),
                Place::Inner(index) => self.inners.remove(index),
            }
        }
    }

    /// The value hash of the key's record.
    pub fn get(&self, root: Root, key: &Hash) -> Option<Hash> {
        let mut node = root.node;
        let mut depth = 0;
        loop {
            match node.place() {
                Place::Empty => return None,
                Place::Leaf(index) => {
                    let leaf = &self.leaves[index];
                    return (leaf.key == *key).then_some(leaf.value_hash);
                }
                Place::Inner(index) => {
                    node = self.inners.halves(index)[usize::from(key.bit(depth))];
                    depth += 1;
                }
            }
        }
    }

    /// The hash of a subtree.
    pub(crate) fn hash(&self, node: Handle) -> Hash {
        match node.place() {
            Place::Empty => EMPTY,
            Place::Leaf(index) => leaf_hash(&self.leaves[index].key, &self.leaves[index].value_hash),
            Place::Inner(index) => *self.inners.hash(index),
        }
    }

    /// Leaves and inner nodes of all live states together.
    pub fn live_nodes(&self) -> (usize, usize) {
        (self.leaves.len(), self.inners.len())
    }

    /// Memory of the tree, in bytes.
    pub fn bytes(&self) -> usize {
        self.leaves.bytes() + self.inners.bytes()
    }
}
