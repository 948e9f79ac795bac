//! The final state's tree in memory.

use std::hint::black_box;

use qenex_core::crypto::Hash;
use qenex_keccak::Lanes;

use crate::buckets::{Leaf, roots};
use crate::change::Change;
use crate::levels::Levels;
use crate::state::State;

/// Records that [`Tree::build`] collects and sorts at a time.
const COLLECTED: usize = 1 << 14;

/// Buckets that are read ahead.
const READ_AHEAD: usize = 64;

/// Above this average, the tree is cut one level lower, so that a bucket has at least half as many.
const LEAVES_PER_BUCKET: usize = 4;

/// The deepest cut: buckets and nodes are numbered by 32 bits.
const MAX_DEPTH: usize = 31;

/// The state tree in memory.
pub struct Tree {
    pub(crate) lanes: Lanes,
    pub(crate) levels: Levels,
    buckets: Vec<Box<[Leaf]>>,
    count: usize,
}

impl Tree {
    /// A tree without records, made for about `count` of them: it grows by itself, but each time it hashes all.
    pub fn with_room_for(lanes: Lanes, count: usize) -> Self {
        let mut depth = 0;
        while is_full(count, depth) {
            depth += 1;
        }
        Self { lanes, levels: Levels::empty(depth), buckets: vec![Box::default(); 1 << depth], count: 0 }
    }

    /// A tree of records, as keys and value hashes. Fastest in the order of the keys.
    pub fn build(lanes: Lanes, count: usize, records: impl IntoIterator<Item = (Hash, Hash)>) -> Self {
        let mut tree = Self::with_room_for(lanes, count);
        let mut records = records.into_iter().map(|(key, value_hash)| (key, Some(value_hash)));
        let mut collected = Vec::with_capacity(COLLECTED);
        loop {
            collected.clear();
            collected.extend(records.by_ref().take(COLLECTED));
            if collected.is_empty() {
                return tree;
            }
            let change = tree.state().update(&collected);
            tree.commit(change, []);
        }
    }

    /// The final state.
    pub fn state(&self) -> State<'_> {
        State { tree: self, changes: Vec::new() }
    }

    /// The final state through changes, the newest first. Each was made from the state of those behind it.
    pub fn through<'t>(&'t self, changes: Vec<&'t Change>) -> State<'t> {
        State { tree: self, changes }
    }

    /// The root hash of the final state.
    pub fn root(&self) -> Hash {
        self.state().root()
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Reads the leaves of these buckets without using them, to have them near when they are needed: the processor waits
    /// for many at once.
    pub(crate) fn read_ahead(&self, numbers: impl Iterator<Item = u32>) {
        let read = numbers.map(|number| self.bucket(number).iter().fold(0, |all, leaf| all ^ leaf.key.0[0]));
        black_box(read.fold(0, |all, one| all ^ one));
    }

    pub(crate) fn bucket(&self, number: u32) -> &[Leaf] {
        &self.buckets[number as usize]
    }

    /// Makes the state of a change the final one. `pending` are all changes that stay: those made from it, directly or not.
    ///
    /// # Panics
    /// If the change was not made from the final state.
    pub fn commit<'c>(&mut self, change: Change, pending: impl IntoIterator<Item = &'c mut Change>) {
        assert_eq!(change.base, self.root(), "changes are committed in their order");
        for (level, nodes) in change.levels.iter().enumerate() {
            for (index, hash) in nodes.index.iter().zip(&nodes.hashes) {
                self.levels.set(level, *index, *hash);
            }
        }
        for (place, number) in change.buckets().iter().enumerate() {
            if place.is_multiple_of(READ_AHEAD) {
                self.read_ahead(change.buckets().iter().skip(place).take(READ_AHEAD).copied());
            }
            let (new, old) = (change.bucket(place), &mut self.buckets[*number as usize]);
            if new.len() == old.len() {
                old.copy_from_slice(new);
            } else {
                *old = Box::from(new);
            }
        }
        self.count = change.count;
        let before = self.levels.depth();
        while is_full(self.count, self.levels.depth()) {
            self.grow();
        }
        if self.levels.depth() > before {
            for change in pending {
                while change.depth() < self.levels.depth() {
                    change.grow(self.lanes);
                }
            }
        }
    }

    /// Cuts one level lower.
    fn grow(&mut self) {
        let depth = self.levels.depth();
        let old = std::mem::take(&mut self.buckets);
        self.buckets.reserve_exact(2 * old.len());
        for bucket in old {
            let (left, right) = crate::buckets::halves(&bucket, depth);
            self.buckets.extend([Box::from(left), Box::from(right)]);
        }
        self.levels.push(&roots(self.lanes, depth + 1, self.buckets.iter().map(|bucket| &**bucket)));
    }

    /// Memory of the tree, in bytes, without the allocator's own.
    pub fn bytes(&self) -> usize {
        self.levels.bytes()
            + self.buckets.capacity() * size_of::<Box<[Leaf]>>()
            + self.count * size_of::<Leaf>()
    }
}

fn is_full(count: usize, depth: usize) -> bool {
    count > LEAVES_PER_BUCKET << depth && depth < MAX_DEPTH
}
