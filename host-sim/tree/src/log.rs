//! The transaction tree ([`qenex_core::merkle::log`]) of a whole block, level by level.

use qenex_core::crypto::hash::{Domain, Hash};
use qenex_core::merkle::log::empty_root;
use qenex_keccak::Lanes;

/// The leaves of these entries.
pub fn leaf_hashes<T: AsRef<[u8]>>(lanes: Lanes, entries: &[T]) -> Vec<Hash> {
    let mut leaves = vec![Hash::default(); entries.len()];
    lanes.hash_each(Domain::LogLeaf, entries, &mut leaves);
    leaves
}

/// The root over these leaves.
pub fn root(lanes: Lanes, leaves: &[Hash]) -> Hash {
    let mut level = parents(lanes, leaves);
    while level.len() > 1 {
        level = parents(lanes, &level);
    }
    level.first().copied().unwrap_or_else(empty_root)
}

/// The level above these nodes. A last node without a sibling goes up as it is, which gives the shape of RFC 9162.
fn parents(lanes: Lanes, nodes: &[Hash]) -> Vec<Hash> {
    let (pairs, lone) = nodes.as_chunks();
    let mut above = Vec::with_capacity(pairs.len() + lone.len());
    above.resize(pairs.len(), Hash::default());
    lanes.hash_pairs(Domain::LogNode, pairs, &mut above);
    above.extend(lone);
    above
}
