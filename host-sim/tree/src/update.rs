//! Updates: first the leaves of all buckets that change, then the nodes over them, level by level, many hashes at once.
//!
//! Places are visited in ascending order, so that what lies in changes of blocks below is found by reading on. What
//! a batch of buckets needs from memory is first read without being used, so that the processor waits for many at once.

use std::hint::black_box;

use qenex_core::crypto::Hash;
use qenex_core::crypto::hash::Domain;
use qenex_core::merkle::state::EMPTY;

use crate::buckets::{Leaf, bucket_of, roots};
use crate::change::{Change, Nodes};
use crate::state::{Kind, State, Subtree};

/// Places that are read ahead, and nodes that are hashed together.
const BATCH: usize = 256;

/// A key and the value hash of its record after the update, or `None` to remove it.
type Write = (Hash, Option<Hash>);

/// The changes in the order of their keys, each key once.
fn sorted(changes: &[Write]) -> Vec<Write> {
    if changes.is_sorted_by(|a, b| a.0 < b.0) {
        return changes.to_vec();
    }
    // Sorts small items: the first eight bytes of a key nearly always decide.
    let mut order: Vec<(u64, usize)> =
        changes.iter().enumerate().map(|(i, (key, _))| (key.prefix(), i)).collect();
    order.sort_unstable_by(|a, b| {
        a.0.cmp(&b.0).then_with(|| (changes[a.1].0, a.1).cmp(&(changes[b.1].0, b.1)))
    });
    let mut sorted: Vec<Write> = order.into_iter().map(|(_, i)| changes[i]).collect();
    sorted.dedup_by(|later, kept| {
        let same = later.0 == kept.0;
        if same {
            kept.1 = later.1;
        }
        same
    });
    sorted
}

/// `a < b`, decided by the first eight bytes nearly always.
fn is_below(a: &Hash, b: &Hash) -> bool {
    a.prefix() < b.prefix() || a.prefix() == b.prefix() && a < b
}

/// Whether it is the empty subtree's hash, decided by the first eight bytes nearly always.
fn is_empty(hash: &Hash) -> bool {
    hash.prefix() == EMPTY.prefix() && *hash == EMPTY
}

/// Finds places in an ascending list by reading on.
struct Cursor<'a> {
    index: &'a [u32],
    at: usize,
}

impl<'a> Cursor<'a> {
    const fn new(index: &'a [u32]) -> Self {
        Self { index, at: 0 }
    }

    /// The place of `wanted`, which is not below the one wanted before.
    fn find(&mut self, wanted: u32) -> Option<usize> {
        while let Some(index) = self.index.get(self.at)
            && *index < wanted
        {
            self.at += 1;
        }
        (self.index.get(self.at) == Some(&wanted)).then_some(self.at)
    }
}

/// The nodes of a level that an update makes, and what decides how they join their siblings.
struct Made {
    nodes: Nodes,
    /// Whether the subtree is one leaf.
    lone: Vec<bool>,
}

impl Made {
    fn with_capacity(count: usize) -> Self {
        let nodes = Nodes { index: Vec::with_capacity(count), hashes: Vec::with_capacity(count) };
        Self { nodes, lone: Vec::with_capacity(count) }
    }
}

impl State<'_> {
    /// The change after which each of these keys has a new value hash, or with `None` no record. The keys come in any
    /// order; of two changes of a key the later counts.
    pub fn update(&self, changes: &[(Hash, Option<Hash>)]) -> Change {
        let writes = sorted(changes);
        let depth = self.tree.levels.depth();
        let base = self.root();
        let mut change = self.write_leaves(&writes, depth);
        change.base = base;
        let places = 0..change.ends.len();
        let mut made = Made {
            nodes: Nodes {
                index: std::mem::take(&mut change.levels[depth].index),
                hashes: roots(self.tree.lanes, depth, places.clone().map(|place| change.bucket(place))),
            },
            lone: places.map(|place| change.bucket(place).len() == 1).collect(),
        };
        for level in (0..depth).rev() {
            let above = self.level_above(level, &made);
            change.levels[level + 1] = std::mem::replace(&mut made, above).nodes;
        }
        change.levels[0] = made.nodes;
        change
    }

    /// The buckets with these writes in them: all of a change but the hashes of nodes.
    fn write_leaves(&self, writes: &[Write], depth: usize) -> Change {
        let pairs: Vec<[Hash; 2]> =
            writes.iter().filter_map(|(key, value)| Some([*key, (*value)?])).collect();
        let mut hashes = vec![EMPTY; pairs.len()];
        self.tree.lanes.hash_pairs(Domain::StateLeaf, &pairs, &mut hashes);
        drop(pairs);
        let mut hashes = hashes.into_iter();
        let below = self.changes.first().map_or(self.tree.len(), |change| change.count);
        let mut change = Change {
            base: EMPTY,
            count: below,
            levels: (0..=depth).map(|_| Nodes::default()).collect(),
            leaves: Vec::with_capacity(3 * writes.len()),
            ends: Vec::with_capacity(writes.len()),
        };
        let mut numbers = Vec::with_capacity(writes.len());
        let mut cursors: Vec<_> = self.changes.iter().map(|change| Cursor::new(change.buckets())).collect();
        let mut ahead = 0..0;
        for group in writes.chunk_by(|(a, _), (b, _)| bucket_of(a, depth) == bucket_of(b, depth)) {
            let number = group.first().map_or(0, |(key, _)| bucket_of(key, depth));
            if ahead.start >= ahead.end {
                let batch = writes.get(ahead.end..).unwrap_or_default();
                let batch = batch.get(..BATCH).unwrap_or(batch);
                self.tree.read_ahead(batch.iter().map(|(key, _)| bucket_of(key, depth)));
                ahead.end += batch.len();
            }
            ahead.start += group.len();
            let written = cursors
                .iter_mut()
                .zip(&self.changes)
                .map(|(cursor, change)| Some(change.bucket(cursor.find(number)?)))
                .fold(None, |newest, found| newest.or(found));
            let mut old = written.unwrap_or_else(|| self.tree.bucket(number));
            let before = change.leaves.len();
            change.count -= old.len();
            for (key, value) in group {
                let (smaller, rest) =
                    old.split_at(old.iter().take_while(|leaf| is_below(&leaf.key, key)).count());
                change.leaves.extend_from_slice(smaller);
                old = match rest {
                    [same, rest @ ..] if same.key == *key => rest,
                    _ => rest,
                };
                if value.is_some()
                    && let Some(hash) = hashes.next()
                {
                    change.leaves.push(Leaf { key: *key, hash });
                }
            }
            change.leaves.extend_from_slice(old);
            change.count += change.leaves.len() - before;
            change.ends.push(change.leaves.len() as u32);
            numbers.push(number);
        }
        if let Some(cut) = change.levels.last_mut() {
            cut.index = numbers;
        }
        change
    }

    /// The nodes of a level over those that were made on the level below.
    fn level_above(&self, level: usize, below: &Made) -> Made {
        let mut cursors: Vec<_> = self
            .changes
            .iter()
            .map(|change| &change.levels[level + 1])
            .map(|nodes| (Cursor::new(&nodes.index), &nodes.hashes))
            .collect();
        let mut above = Made::with_capacity(below.lone.len().min(1 << level));
        let (mut pairs, mut places) = (Vec::with_capacity(BATCH), Vec::with_capacity(BATCH));
        let mut hashes = [EMPTY; BATCH];
        let (mut at, mut ahead) = (0, 0);
        while let Some(index) = below.nodes.index.get(at) {
            if at >= ahead {
                let batch = below.nodes.index.iter().skip(ahead).take(BATCH);
                black_box(batch.fold(0, |all, index| all ^ self.tree.levels.node(level + 1, index ^ 1).0[0]));
                ahead += BATCH;
            }
            let both = below.nodes.index.get(at + 1) == Some(&(index ^ 1)) && index % 2 == 0;
            let mut halves = [below.nodes.hashes[at]; 2];
            let lone = |place: usize| below.lone[place];
            let (one, other);
            if both {
                halves[1] = below.nodes.hashes[at + 1];
                (one, other) = (lone(at), lone(at + 1));
                at += 2;
            } else {
                let sibling = index ^ 1;
                let written = cursors
                    .iter_mut()
                    .map(|(cursor, hashes)| Some(hashes[cursor.find(sibling)?]))
                    .fold(None, |newest, found| newest.or(found));
                let hash = written.unwrap_or_else(|| *self.tree.levels.node(level + 1, sibling));
                // Only where one half is empty does it matter whether the other is a leaf.
                let sibling_lone = is_empty(&halves[0]) && {
                    let subtree = Subtree::Node { level: level + 1, index: sibling };
                    matches!(self.kind(subtree), Kind::Leaf(_))
                };
                let side = sibling as usize % 2;
                halves[side] = hash;
                (one, other) = if side == 1 { (lone(at), sibling_lone) } else { (sibling_lone, lone(at)) };
                at += 1;
            }
            above.nodes.index.push(index / 2);
            let [left, right] = &halves;
            let single = match (is_empty(left), is_empty(right)) {
                (true, true) => Some((EMPTY, false)),
                (true, false) if other => Some((*right, true)),
                (false, true) if one => Some((*left, true)),
                _ => None,
            };
            match single {
                Some((hash, lone)) => {
                    above.nodes.hashes.push(hash);
                    above.lone.push(lone);
                }
                None => {
                    places.push(above.nodes.hashes.len());
                    pairs.push(halves);
                    above.nodes.hashes.push(EMPTY);
                    above.lone.push(false);
                }
            }
            if pairs.len() == BATCH || at == below.nodes.index.len() {
                let hashes = &mut hashes[..pairs.len()];
                self.tree.lanes.hash_pairs(Domain::StateNode, &pairs, hashes);
                for (place, hash) in places.drain(..).zip(hashes) {
                    above.nodes.hashes[place] = *hash;
                }
                pairs.clear();
            }
        }
        above
    }
}
