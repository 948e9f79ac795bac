//! The pending blocks as a tree over the newest final one, and the heaviest of its branches.
//!
//! Nothing here knows what is in a block. Of branches of the same work the one that was there first stays.

use std::collections::{BTreeMap, HashSet};

use qenex_core::consensus::work::Work;
use qenex_core::crypto::Hash;

/// A block of the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Branch {
    /// The block that it stands on.
    pub parent: Hash,
    /// Its height.
    pub height: u64,
    /// The work of all blocks from the genesis up to this one.
    pub work: Work,
    /// Its place in the journal.
    pub entry: u64,
}

/// The tree.
#[derive(Clone, Debug)]
pub struct Branches {
    root_id: Hash,
    /// Its entry may be gone from the journal.
    root: Branch,
    blocks: BTreeMap<Hash, Branch>,
    head: Hash,
}

impl Branches {
    /// A tree of which only the root is there: the newest final block.
    pub const fn new(root_id: Hash, root: Branch) -> Self {
        Self { root_id, root, blocks: BTreeMap::new(), head: root_id }
    }

    /// The newest final block.
    pub const fn root(&self) -> (Hash, &Branch) {
        (self.root_id, &self.root)
    }

    /// The newest block of the heaviest branch.
    pub const fn head(&self) -> Hash {
        self.head
    }

    /// How many blocks are pending.
    pub fn len(&self) -> usize {
        self.blocks.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// A block of the tree, its root included.
    pub fn get(&self, id: Hash) -> Option<&Branch> {
        if id == self.root_id { Some(&self.root) } else { self.blocks.get(&id) }
    }

    /// The work of the heaviest branch.
    pub fn work(&self) -> Work {
        self.get(self.head).unwrap_or(&self.root).work
    }

    /// Adds a block over one of the tree, which must be there; the head becomes this one if its branch is heavier than any before. Returns whether it was
    /// added.
    pub fn insert(&mut self, id: Hash, parent: Hash, work: Work, entry: u64) -> bool {
        if self.get(id).is_some() {
            return false;
        }
        let Some(below) = self.get(parent) else { return false };
        // Nobody can have worked as much as 256 bits do not hold.
        let work = below.work.checked_add(work).unwrap_or(below.work);
        let branch = Branch { parent, height: below.height + 1, work, entry };
        if work > self.work() {
            self.head = id;
        }
        self.blocks.insert(id, branch);
        true
    }

    /// The pending blocks from this one down, the newest first.
    pub fn down(&self, id: Hash) -> impl Iterator<Item = (Hash, &Branch)> {
        let at = |id: Hash| self.blocks.get(&id).map(|branch| (id, branch));
        std::iter::successors(at(id), move |(_, branch)| at(branch.parent))
    }

    /// What leaves the heaviest branch and what comes onto it, both the oldest first, when the head goes from one block to another.
    pub fn switch(&self, from: Hash, to: Hash) -> (Vec<Hash>, Vec<Hash>) {
        let path = |id| {
            let mut path: Vec<Hash> = self.down(id).map(|(id, _)| id).collect();
            path.reverse();
            path
        };
        let (mut old, mut new) = (path(from), path(to));
        let shared = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
        (old.split_off(shared), new.split_off(shared))
    }

    /// The blocks of the heaviest branch that lie so deep under its newest one that they are final, the oldest first.
    pub fn due(&self, depth: u64) -> Vec<Hash> {
        let head = self.get(self.head).map_or(0, |branch| branch.height);
        let deep = self.down(self.head).filter(|(_, branch)| branch.height + depth <= head);
        let mut due: Vec<Hash> = deep.map(|(id, _)| id).collect();
        due.reverse();
        due
    }

    /// Makes a block over the root the new root; what does not stand on it leaves the tree.
    pub fn settle(&mut self, id: Hash) {
        let Some(root) = self.blocks.get(&id).copied().filter(|branch| branch.parent == self.root_id) else {
            return;
        };
        self.blocks.remove(&id);
        (self.root_id, self.root) = (id, root);
        let mut order: Vec<(u64, Hash, Hash)> =
            self.blocks.iter().map(|(id, branch)| (branch.height, *id, branch.parent)).collect();
        order.sort_unstable();
        let mut kept = HashSet::from([id]);
        for (_, id, parent) in order {
            if kept.contains(&parent) {
                kept.insert(id);
            } else {
                self.blocks.remove(&id);
            }
        }
    }

    /// Takes the lightest tips out until no more than so many blocks are left, but none of the heaviest branch. Returns them.
    pub fn shrink(&mut self, most: usize) -> Vec<Hash> {
        let mut gone = Vec::new();
        while self.blocks.len() > most {
            let inner: HashSet<Hash> = self.blocks.values().map(|branch| branch.parent).collect();
            let tips = self.blocks.iter().filter(|(id, _)| **id != self.head && !inner.contains(id));
            // Of the same work, the one that came last.
            let lightest = tips.min_by_key(|(_, branch)| (branch.work, std::cmp::Reverse(branch.entry)));
            let Some(id) = lightest.map(|(id, _)| *id) else { break };
            self.blocks.remove(&id);
            gone.push(id);
        }
        gone
    }

    /// The first entry of the journal that is still needed.
    pub fn first_entry(&self) -> u64 {
        self.blocks
            .values()
            .map(|branch| branch.entry)
            .min()
            .map_or(self.root.entry, |first| first.min(self.root.entry))
    }
}
