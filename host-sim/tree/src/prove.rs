//! Proofs about a state, in the core's format ([`qenex_core::merkle::proof`]).

use qenex_core::crypto::Hash;
use qenex_core::merkle::proof::Node;

use crate::state::{Kind, State, Subtree};

impl<'t> State<'t> {
    /// The proof about these keys, in any order. With it the core checks their records, or that there is none, and
    /// computes the root after any change of them. It is for the keys in ascending order, each once. `value_hash` knows
    /// the value hash of every key of the state.
    ///
    /// The core takes proofs about at most [`MAX_WITNESS_KEYS`](qenex_core::merkle::proof::MAX_WITNESS_KEYS) keys.
    pub fn prove(&self, keys: &[Hash], value_hash: &impl Fn(&Hash) -> Hash) -> Vec<u8> {
        let mut keys = keys.to_vec();
        keys.sort_unstable();
        keys.dedup();
        let mut proof = Vec::new();
        self.walk(Self::ROOT, &keys, 0, false, value_hash, &mut proof);
        proof
    }

    /// Writes a subtree with the keys below it. `kind_wanted` where its sibling could lose all its leaves.
    fn walk(
        &self,
        subtree: Subtree<'t>,
        keys: &[Hash],
        depth: usize,
        kind_wanted: bool,
        value_hash: &impl Fn(&Hash) -> Hash,
        proof: &mut Vec<u8>,
    ) {
        let open = !keys.is_empty();
        let item = match self.kind(subtree) {
            Kind::Empty => Node::Empty,
            _ if !open && !kind_wanted => Node::Opaque(self.hash(subtree)),
            Kind::Leaf(leaf) => Node::Leaf { key: leaf.key, value_hash: value_hash(&leaf.key) },
            Kind::Inner if !open => {
                let [left, right] = self.halves(subtree).map(|half| self.hash(half));
                Node::Halves { left, right }
            }
            Kind::Inner => {
                let [left_half, right_half] = self.halves(subtree);
                let (left, right) = keys.split_at(keys.partition_point(|key| !key.bit(depth)));
                let left_wanted = left.is_empty() && self.could_vanish(right_half, right, depth + 1);
                let right_wanted = right.is_empty() && self.could_vanish(left_half, left, depth + 1);
                proof.extend(Node::Inner.encode());
                self.walk(left_half, left, depth + 1, left_wanted, value_hash, proof);
                self.walk(right_half, right, depth + 1, right_wanted, value_hash, proof);
                return;
            }
        };
        proof.extend(item.encode());
    }

    /// Whether the subtree has leaves, and all of them are among the keys.
    fn could_vanish(&self, subtree: Subtree<'t>, keys: &[Hash], depth: usize) -> bool {
        match self.kind(subtree) {
            Kind::Empty => false,
            Kind::Leaf(leaf) => keys.contains(&leaf.key),
            Kind::Inner if keys.len() < 2 => false,
            Kind::Inner => {
                let (left, right) = keys.split_at(keys.partition_point(|key| !key.bit(depth)));
                self.halves(subtree).into_iter().zip([left, right]).all(|(half, keys)| {
                    matches!(self.kind(half), Kind::Empty) || self.could_vanish(half, keys, depth + 1)
                })
            }
        }
    }
}
