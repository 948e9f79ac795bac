//! A tree cut into parts: for who sends or receives a state piece by piece, and knows of each whether it is right.

use qenex_core::crypto::Hash;
use qenex_core::crypto::hash::Domain;
use qenex_core::merkle::state::{EMPTY, Subtree};
use qenex_keccak::Lanes;

use crate::buckets::{Leaf, roots};
use crate::tree::Tree;

impl Tree {
    /// The level at which the tree is cut: it can be taken apart there or above.
    pub fn depth(&self) -> usize {
        self.levels.depth()
    }

    /// The subtrees at a level, which is not below the cut, in the order of their keys.
    pub fn parts(&self, level: usize) -> Vec<Subtree> {
        let below = self.levels.depth() - level;
        let part = |index: u32| {
            let hash = *self.levels.node(level, index);
            let mut leaves = (index << below..(index + 1) << below).map(|number| self.bucket(number).len());
            match leaves.try_fold(0, |sum, more| if sum + more > 1 { None } else { Some(sum + more) }) {
                Some(0) => Subtree::Empty,
                Some(_) => Subtree::Leaf(hash),
                None => Subtree::Inner(hash),
            }
        };
        (0..1 << level).map(part).collect()
    }
}

/// The subtree at a level over these records: keys, which ascend and share as many first bits, and value hashes.
pub fn part(lanes: Lanes, level: usize, records: &[(Hash, Hash)]) -> Subtree {
    let pairs: Vec<[Hash; 2]> = records.iter().map(|(key, value)| [*key, *value]).collect();
    let mut hashes = vec![EMPTY; pairs.len()];
    lanes.hash_pairs(Domain::StateLeaf, &pairs, &mut hashes);
    let leaves: Vec<Leaf> =
        records.iter().zip(hashes).map(|((key, _), hash)| Leaf { key: *key, hash }).collect();
    let hash = roots(lanes, level, std::iter::once(&*leaves)).first().copied().unwrap_or(EMPTY);
    match leaves.len() {
        0 => Subtree::Empty,
        1 => Subtree::Leaf(hash),
        _ => Subtree::Inner(hash),
    }
}

/// The tree over all subtrees of a level.
pub fn join(mut parts: Vec<Subtree>) -> Subtree {
    while parts.len() > 1 {
        let (pairs, _) = parts.as_chunks();
        parts = pairs.iter().map(|[left, right]| Subtree::join(*left, *right)).collect();
    }
    parts.first().copied().unwrap_or(Subtree::Empty)
}
