//! What a block changes in the tree: the buckets that it touches and the nodes over them.

use qenex_core::crypto::Hash;
use qenex_keccak::Lanes;

use crate::buckets::{Leaf, bucket_of, roots};

/// The difference between a state and the one that it was made from.
#[derive(Debug)]
pub struct Change {
    /// Root hash of the state before.
    pub(crate) base: Hash,
    /// Leaves of the state after.
    pub(crate) count: usize,
    /// The nodes of each level from the root down to the cut that are not what they were.
    pub(crate) levels: Vec<Nodes>,
    /// The new leaves of the buckets in the last level, one bucket after the other.
    pub(crate) leaves: Vec<Leaf>,
    /// Where the leaves of each bucket end.
    pub(crate) ends: Vec<u32>,
}

/// Nodes of one level, ascending.
#[derive(Debug, Default)]
pub struct Nodes {
    pub index: Vec<u32>,
    pub hashes: Vec<Hash>,
}

impl Change {
    /// The root hash of the state after.
    pub fn root(&self) -> Hash {
        self.levels.first().and_then(|level| level.hashes.first()).copied().unwrap_or(self.base)
    }

    /// The level of the cut.
    pub(crate) fn depth(&self) -> usize {
        self.levels.len().saturating_sub(1)
    }

    /// The numbers of its buckets.
    pub(crate) fn buckets(&self) -> &[u32] {
        self.levels.last().map_or(&[], |level| &level.index)
    }

    /// The leaves of the bucket at this place.
    pub(crate) fn bucket(&self, place: usize) -> &[Leaf] {
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        &self.leaves[start..self.ends[place] as usize]
    }

    /// Cuts one level lower.
    pub(crate) fn grow(&mut self, lanes: Lanes) {
        let Some(last) = self.levels.last() else { return };
        let depth = self.levels.len();
        let mut ends = Vec::with_capacity(2 * last.index.len());
        let mut index = Vec::with_capacity(2 * last.index.len());
        for (place, bucket) in last.index.iter().enumerate() {
            let leaves = self.bucket(place);
            let middle = leaves.partition_point(|leaf| bucket_of(&leaf.key, depth) == 2 * bucket);
            ends.push(self.ends[place] - (leaves.len() - middle) as u32);
            ends.push(self.ends[place]);
            index.extend([2 * bucket, 2 * bucket + 1]);
        }
        self.ends = ends;
        let hashes = roots(lanes, depth, (0..index.len()).map(|place| self.bucket(place)));
        self.levels.push(Nodes { index, hashes });
    }
}
