//! Proofs about live states, in the core's format ([`qenex_core::merkle::proof`]).

use qenex_core::crypto::Hash;
use qenex_core::merkle::proof::Node;

use crate::node::{Handle, Place};
use crate::tree::{Root, Tree};

impl Tree {
    /// The proof about these keys, in any order. With it the core checks their records, or that there is none, and
    /// computes the root after any change of them. It is for the keys in ascending order, each once.
    ///
    /// The core takes proofs about at most [`MAX_WITNESS_KEYS`](qenex_core::merkle::proof::MAX_WITNESS_KEYS) keys.
    pub fn prove(&self, root: Root, keys: &[Hash]) -> Vec<u8> {
        assert_eq!(self.hash(root.node), root.hash, "the state is not live");
        let mut keys = keys.to_vec();
        keys.sort_unstable();
        keys.dedup();
        let mut proof = Vec::new();
        self.walk(root.node, &keys, 0, false, &mut proof);
        proof
    }

    /// Writes a subtree with the keys below it. `kind_wanted` where its sibling could lose all its leaves.
    fn walk(&self, node: Handle, keys: &[Hash], depth: usize, kind_wanted: bool, proof: &mut Vec<u8>) {
        let open = !keys.is_empty();
        let item = match node.place() {
            Place::Empty => Node::Empty,
            _ if !open && !kind_wanted => Node::Opaque(self.hash(node)),
            Place::Leaf(index) => {
                let leaf = &self.leaves[index];
                Node::Leaf { key: leaf.key, value_hash: leaf.value_hash }
            }
            Place::Inner(index) if !open => {
                let [left_half, right_half] = self.inners.halves(index);
                Node::Halves { left: self.hash(left_half), right: self.hash(right_half) }
            }
            Place::Inner(index) => {
                let [left_half, right_half] = self.inners.halves(index);
                let (left, right) = keys.split_at(keys.partition_point(|key| !key.bit(depth)));
                let left_wanted = left.is_empty() && self.could_vanish(right_half, right, depth + 1);
                let right_wanted = right.is_empty() && self.could_vanish(left_half, left, depth + 1);
                proof.extend(Node::Inner.encode());
                self.walk(left_half, left, depth + 1, left_wanted, proof);
                self.walk(right_half, right, depth + 1, right_wanted, proof);
                return;
            }
        };
        proof.extend(item.encode());
    }

    /// Whether the subtree has leaves, and all of them are among the keys.
    fn could_vanish(&self, node: Handle, keys: &[Hash], depth: usize) -> bool {
        match node.place() {
            Place::Empty => false,
            Place::Leaf(index) => keys.contains(&self.leaves[index].key),
            Place::Inner(_) if keys.len() < 2 => false,
            Place::Inner(index) => {
                let [left_half, right_half] = self.inners.halves(index);
                let (left, right) = keys.split_at(keys.partition_point(|key| !key.bit(depth)));
                let half = |node, keys| node == Handle::EMPTY || self.could_vanish(node, keys, depth + 1);
                half(left_half, left) && half(right_half, right)
            }
        }
    }
}
