//! The nodes above the cut: their hashes, level by level.

use qenex_core::crypto::Hash;
use qenex_core::merkle::state::EMPTY;

/// Two siblings on one cache line.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Pair([Hash; 2]);

const _: () = assert!(size_of::<Pair>() == 64);

/// All nodes of the levels `0..=depth`. The node `index` of a level has the halves `2 * index` and `2 * index + 1` of
/// the level below.
pub struct Levels {
    root: Hash,
    /// The levels from one on, in pairs.
    below: Vec<Vec<Pair>>,
}

impl Levels {
    /// Levels of a tree without leaves.
    pub fn empty(depth: usize) -> Self {
        Self { root: EMPTY, below: (0..depth).map(|level| vec![Pair([EMPTY; 2]); 1 << level]).collect() }
    }

    /// The level of the cut.
    pub fn depth(&self) -> usize {
        self.below.len()
    }

    pub fn node(&self, level: usize, index: u32) -> &Hash {
        match level.checked_sub(1) {
            None => &self.root,
            Some(level) => &self.below[level][index as usize / 2].0[index as usize % 2],
        }
    }

    pub fn set(&mut self, level: usize, index: u32, hash: Hash) {
        match level.checked_sub(1) {
            None => self.root = hash,
            Some(level) => self.below[level][index as usize / 2].0[index as usize % 2] = hash,
        }
    }

    /// Adds a level below the others: the hashes of its nodes in order.
    pub fn push(&mut self, hashes: &[Hash]) {
        let (pairs, _) = hashes.as_chunks();
        self.below.push(pairs.iter().map(|pair| Pair(*pair)).collect());
    }

    pub fn bytes(&self) -> usize {
        self.below.iter().map(|level| level.capacity() * size_of::<Pair>()).sum()
    }
}
