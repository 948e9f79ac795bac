//! The state tree as its definition reads: recursion over sorted leaves. Used by the tests of the core and of the
//! host's tree.

use std::collections::BTreeMap;

use qenex_core::crypto::Hash;
use qenex_core::merkle::proof::Node;
use qenex_core::merkle::state::{EMPTY, leaf_hash, node_hash};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Keys and value hashes in ascending order of the keys.
pub type Leaves = Vec<(Hash, Hash)>;

fn split<T>(sorted: &[T], depth: usize, key: impl Fn(&T) -> Hash) -> (&[T], &[T]) {
    sorted.split_at(sorted.iter().take_while(|item| !key(item).bit(depth)).count())
}

fn node(leaves: &[(Hash, Hash)], depth: usize) -> Hash {
    match leaves {
        [] => EMPTY,
        [(key, value)] => leaf_hash(key, value),
        _ => {
            let (left, right) = split(leaves, depth, |leaf| leaf.0);
            node_hash(&node(left, depth + 1), &node(right, depth + 1))
        }
    }
}

/// The root over these leaves.
pub fn root(leaves: &BTreeMap<Hash, Hash>) -> Hash {
    node(&leaves.iter().map(|(key, value)| (*key, *value)).collect::<Leaves>(), 0)
}

fn walk(leaves: &[(Hash, Hash)], keys: &[Hash], depth: usize, kind_wanted: bool, out: &mut Vec<u8>) {
    let open = !keys.is_empty();
    match leaves {
        [] => out.extend(Node::Empty.encode()),
        [(key, value)] if open || kind_wanted => {
            out.extend(Node::Leaf { key: *key, value_hash: *value }.encode());
        }
        [_] => out.extend(Node::Opaque(node(leaves, depth)).encode()),
        _ => {
            let (left, right) = split(leaves, depth, |leaf| leaf.0);
            if open {
                let (left_keys, right_keys) = split(keys, depth, |key| *key);
                let could_vanish = |part: &[(Hash, Hash)]| {
                    !part.is_empty() && part.iter().all(|(key, _)| keys.contains(key))
                };
                out.extend(Node::Inner.encode());
                walk(left, left_keys, depth + 1, could_vanish(right), out);
                walk(right, right_keys, depth + 1, could_vanish(left), out);
            } else if kind_wanted {
                let (left, right) = (node(left, depth + 1), node(right, depth + 1));
                out.extend(Node::Halves { left, right }.encode());
            } else {
                out.extend(Node::Opaque(node(leaves, depth)).encode());
            }
        }
    }
}

/// The proof about these keys, which are in ascending order.
pub fn prove(leaves: &BTreeMap<Hash, Hash>, keys: &[Hash]) -> Vec<u8> {
    let leaves: Leaves = leaves.iter().map(|(key, value)| (*key, *value)).collect();
    let mut out = Vec::new();
    walk(&leaves, keys, 0, false, &mut out);
    out
}

/// Keys of several shapes: spread evenly, or crowded around a few points that share long prefixes.
pub struct Keys {
    /// The source of all choices.
    pub rng: StdRng,
    points: Vec<Hash>,
    longest_prefix: usize,
}

impl Keys {
    /// Keys that share up to about `longest_prefix` bits.
    pub fn new(seed: u64, longest_prefix: usize) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let points = (0..4).map(|_| Hash(rng.random())).collect();
        Self { rng, points, longest_prefix }
    }

    /// A new key: half of them spread, half near one of the points.
    pub fn key(&mut self) -> Hash {
        let mut key = Hash(self.rng.random());
        if self.longest_prefix > 0 && self.rng.random() {
            let point = self.points[self.rng.random_range(0..self.points.len())];
            let shared = self.rng.random_range(0..=self.longest_prefix);
            for bit in 0..shared {
                let mask = 0x80 >> (bit % 8);
                key.0[bit / 8] = key.0[bit / 8] & !mask | point.0[bit / 8] & mask;
            }
        }
        key
    }

    /// A random hash.
    pub fn hash(&mut self) -> Hash {
        Hash(self.rng.random())
    }

    /// Up to `most` keys in ascending order, some of them of the map.
    pub fn some_keys(&mut self, map: &BTreeMap<Hash, Hash>, most: usize) -> Vec<Hash> {
        let present: Vec<Hash> = map.keys().copied().collect();
        let mut keys = std::collections::BTreeSet::new();
        for _ in 0..self.rng.random_range(0..=most) {
            if !present.is_empty() && self.rng.random_ratio(2, 3) {
                keys.insert(present[self.rng.random_range(0..present.len())]);
            } else {
                keys.insert(self.key());
            }
        }
        keys.into_iter().collect()
    }
}

/// The number of cases to run: `QENEX_CASES` where it is set.
pub fn cases(usual: usize) -> usize {
    std::env::var("QENEX_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}
