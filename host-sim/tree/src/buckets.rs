//! The leaves below the cut, and the nodes over them.

use qenex_core::crypto::Hash;
use qenex_core::crypto::hash::Domain;
use qenex_core::merkle::state::EMPTY;
use qenex_keccak::Lanes;

/// Buckets whose nodes are hashed together: all that this needs stays in the processor's nearest memory.
const BATCH: usize = 256;

/// A record's place in the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaf {
    pub key: Hash,
    /// Of key and value hash.
    pub hash: Hash,
}

/// The number of the bucket at this depth that a key falls into: its first bits.
pub fn bucket_of(key: &Hash, depth: usize) -> u32 {
    let [a, b, c, d, ..] = key.0;
    u32::from_be_bytes([a, b, c, d]).checked_shr(32 - depth as u32).unwrap_or(0)
}

/// Splits ascending leaves into those whose bit at `depth` is zero and the others.
pub fn halves(leaves: &[Leaf], depth: usize) -> (&[Leaf], &[Leaf]) {
    let left = |leaf: &Leaf| !leaf.key.bit(depth);
    // A few are counted without a branch that the processor would have to guess.
    let middle = if leaves.len() <= 16 {
        leaves.iter().filter(|leaf| left(leaf)).count()
    } else {
        leaves.partition_point(left)
    };
    leaves.split_at(middle)
}

/// A subtree while its nodes are hashed.
#[derive(Clone, Copy)]
enum Part {
    /// Its hash is known: it is empty or a leaf.
    Known(Hash),
    /// A node of a round.
    Node { round: usize, place: usize },
}

/// Nodes whose halves are all done by the rounds before.
#[derive(Default)]
struct Round {
    halves: Vec<[Part; 2]>,
    hashes: Vec<Hash>,
}

#[derive(Default)]
struct Rounds(Vec<Round>);

impl Rounds {
    /// Plans the nodes over ascending leaves. Returns their subtree and the first round in which it can be used.
    fn plan(&mut self, leaves: &[Leaf], depth: usize) -> (Part, usize) {
        match leaves {
            [] => (Part::Known(EMPTY), 0),
            [leaf] => (Part::Known(leaf.hash), 0),
            _ => {
                let (left, right) = halves(leaves, depth);
                let ((left, left_round), (right, right_round)) =
                    (self.plan(left, depth + 1), self.plan(right, depth + 1));
                let round = left_round.max(right_round);
                if round == self.0.len() {
                    self.0.push(Round::default());
                }
                let nodes = &mut self.0[round].halves;
                nodes.push([left, right]);
                (Part::Node { round, place: nodes.len() - 1 }, round + 1)
            }
        }
    }

    fn hash(&self, part: Part) -> Hash {
        match part {
            Part::Known(hash) => hash,
            Part::Node { round, place } => self.0[round].hashes[place],
        }
    }

    fn run(&mut self, lanes: Lanes, pairs: &mut Vec<[Hash; 2]>) {
        for round in 0..self.0.len() {
            pairs.clear();
            pairs.extend(self.0[round].halves.iter().map(|halves| halves.map(|half| self.hash(half))));
            let hashes = &mut self.0[round].hashes;
            hashes.resize(pairs.len(), EMPTY);
            lanes.hash_pairs(Domain::StateNode, pairs, hashes);
        }
    }

    fn clear(&mut self) {
        for round in &mut self.0 {
            round.halves.clear();
            round.hashes.clear();
        }
    }
}

/// The hashes of the subtrees at `depth` over the leaves of each bucket.
pub fn roots<'a>(
    lanes: Lanes,
    depth: usize,
    mut buckets: impl ExactSizeIterator<Item = &'a [Leaf]>,
) -> Vec<Hash> {
    let mut roots = Vec::with_capacity(buckets.len());
    let mut rounds = Rounds::default();
    let (mut parts, mut pairs) = (Vec::with_capacity(BATCH), Vec::with_capacity(BATCH));
    while buckets.len() > 0 {
        rounds.clear();
        parts.clear();
        parts.extend(buckets.by_ref().take(BATCH).map(|leaves| rounds.plan(leaves, depth).0));
        rounds.run(lanes, &mut pairs);
        roots.extend(parts.iter().map(|part| rounds.hash(*part)));
    }
    roots
}
