//! Updates: down once to where the changes fall, level by level, and up again hashing each level's nodes together.
//!
//! Nodes of the state before are never touched. All on the way down and up is in the order of the keys and independent within
//! a level, so that the processor can wait for many nodes from memory at once.

use std::ops::Range;

use qenex_core::crypto::hash::{Domain, Hash};
use qenex_core::merkle::state::EMPTY;

use crate::node::{Handle, Inner, Leaf, Place};
use crate::tree::{Change, Root, Tree};

/// Nodes that are hashed together: their input and output stay in the processor's nearest memory.
const HASHED: usize = 256;

/// A key and the value hash of its record after the update, or `None` to remove it.
type Write = (Hash, Option<Hash>);

/// A subtree of the state after: known, or the result of a job of the level below.
#[derive(Clone, Copy)]
enum Slot {
    Known(Handle),
    Job(u32),
}

/// A node of the state after which may be an inner one, with the changes below it.
struct Job {
    /// What stands at its place in the state before.
    old: Handle,
    writes: Range<u32>,
    /// The halves of the state before, and after.
    old_halves: [Handle; 2],
    halves: [Slot; 2],
    /// What stands at its place in the state after, once it is done.
    new: Handle,
}

impl Tree {
    /// Makes the state after these changes next to the live state `base`: each key gets a new value hash, or `None` to
    /// remove its record. The keys come in any order; of two changes of a key the later counts.
    pub fn update(&mut self, base: Root, changes: &[(Hash, Option<Hash>)]) -> Change {
        assert_eq!(self.hash(base.node), base.hash, "the state is not live");
        let writes = sorted(changes);
        let mut update =
            Update { tree: self, writes: &writes, jobs: Vec::new(), created: vec![], replaced: vec![] };
        let node = update.run(base.node);
        let Update { created, replaced, .. } = update;
        Change { base, root: Root { node, hash: self.hash(node) }, created, replaced }
    }
}

/// The changes in the order of their keys, each key once.
fn sorted(changes: &[Write]) -> Vec<Write> {
    if changes.is_sorted_by(|a, b| a.0 < b.0) {
        return changes.to_vec();
    }
    // Sorts small items: the first eight bytes of a key nearly always decide.
    let start = |key: &Hash| key.0.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
    let mut order: Vec<(u64, usize)> =
        changes.iter().enumerate().map(|(i, (key, _))| (start(key), i)).collect();
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

struct Update<'a> {
    tree: &'a mut Tree,
    writes: &'a [Write],
    /// Jobs of all levels, from the root down.
    jobs: Vec<Job>,
    created: Vec<Handle>,
    replaced: Vec<Handle>,
}

impl Update<'_> {
    fn run(&mut self, base: Handle) -> Handle {
        let root = self.place(base, 0..self.writes.len() as u32);
        let mut levels = Vec::new();
        let mut level = 0..self.jobs.len();
        while !level.is_empty() {
            for index in level.clone() {
                self.split(index, levels.len());
            }
            let next = level.end..self.jobs.len();
            levels.push(level);
            level = next;
        }
        for level in levels.into_iter().rev() {
            let mut rest = level;
            while !rest.is_empty() {
                let end = rest.end.min(rest.start + HASHED);
                self.join(rest.start..end);
                rest.start = end;
            }
        }
        self.result(root)
    }

    fn result(&self, slot: Slot) -> Handle {
        match slot {
            Slot::Known(node) => node,
            Slot::Job(index) => self.jobs[index as usize].new,
        }
    }

    /// Decides what comes of a subtree of the state before under these changes: at most one leaf, or a job.
    fn place(&mut self, old: Handle, writes: Range<u32>) -> Slot {
        if writes.is_empty() {
            return Slot::Known(old);
        }
        let old_leaf = match old.place() {
            Place::Inner(_) => return self.job(old, writes),
            Place::Leaf(index) => Some(index),
            Place::Empty => None,
        };
        // Leaves after the changes: the old one if no change names it, and every write.
        let changes = &self.writes[writes.start as usize..writes.end as usize];
        let old_key = old_leaf.map(|index| self.tree.leaves[index].key);
        let named = old_key.is_some_and(|old| changes.iter().any(|(key, _)| *key == old));
        let mut written = changes.iter().filter_map(|(key, value)| Some((*key, (*value)?)));
        let first = written.next();
        let kept = old_leaf.is_some() && !named;
        if usize::from(kept) + usize::from(first.is_some()) + usize::from(written.next().is_some()) > 1 {
            return self.job(old, writes);
        }
        let Some((key, value_hash)) = first else {
            if named {
                self.replaced.push(old);
            }
            return Slot::Known(if kept { old } else { Handle::EMPTY });
        };
        if let Some(index) = old_leaf {
            let leaf = &self.tree.leaves[index];
            if leaf.key == key && leaf.value_hash == value_hash {
                return Slot::Known(old);
            }
            self.replaced.push(old);
        }
        let new = Handle::leaf(self.tree.leaves.insert(Leaf { key, value_hash }));
        self.created.push(new);
        Slot::Known(new)
    }

    fn job(&mut self, old: Handle, writes: Range<u32>) -> Slot {
        let index = self.jobs.len() as u32;
        let empty = Handle::EMPTY;
        let halves = [Slot::Known(empty); 2];
        self.jobs.push(Job { old, writes, old_halves: [empty; 2], halves, new: empty });
        Slot::Job(index)
    }

    /// Gives a job's changes to its halves.
    fn split(&mut self, index: usize, depth: usize) {
        let Job { old, ref writes, .. } = self.jobs[index];
        let writes = writes.clone();
        let old_halves = match old.place() {
            Place::Inner(inner) => [self.tree.inners[inner].left, self.tree.inners[inner].right],
            // A lone leaf goes down on its key's path until it stands alone again.
            Place::Leaf(leaf) if self.tree.leaves[leaf].key.bit(depth) => [Handle::EMPTY, old],
            Place::Leaf(_) => [old, Handle::EMPTY],
            Place::Empty => [Handle::EMPTY; 2],
        };
        let changes = &self.writes[writes.start as usize..writes.end as usize];
        let middle = writes.start + changes.partition_point(|(key, _)| !key.bit(depth)) as u32;
        let left = self.place(old_halves[0], writes.start..middle);
        let right = self.place(old_halves[1], middle..writes.end);
        let job = &mut self.jobs[index];
        job.old_halves = old_halves;
        job.halves = [left, right];
    }

    /// Finishes jobs of one level, whose halves are all done.
    fn join(&mut self, jobs: Range<usize>) {
        let mut made = Vec::with_capacity(jobs.len());
        for index in jobs {
            let Job { old, old_halves, halves, .. } = self.jobs[index];
            let was_inner = matches!(old.place(), Place::Inner(_));
            let halves = halves.map(|half| self.result(half));
            if was_inner && halves == old_halves {
                self.jobs[index].new = old;
                continue;
            }
            if was_inner {
                self.replaced.push(old);
            }
            self.jobs[index].new = match halves.map(Handle::place) {
                [Place::Empty, Place::Empty | Place::Leaf(_)] => halves[1],
                [Place::Leaf(_), Place::Empty] => halves[0],
                _ => {
                    let [left, right] = halves;
                    let inner = self.tree.inners.insert(Inner { hash: EMPTY, left, right });
                    self.created.push(Handle::inner(inner));
                    made.push((inner, halves));
                    Handle::inner(inner)
                }
            };
        }
        self.tree.hash_inners(&made);
    }
}

impl Tree {
    /// Hashes new inner nodes, whose halves have their hashes.
    fn hash_inners(&mut self, made: &[(u32, [Handle; 2])]) {
        let mut pairs = vec![[EMPTY; 2]; made.len()];
        let mut leaves = Vec::new();
        let mut leaf_pairs = Vec::new();
        for (i, (_, halves)) in made.iter().enumerate() {
            for (side, half) in halves.iter().enumerate() {
                match half.place() {
                    Place::Empty => {}
                    Place::Inner(index) => pairs[i][side] = self.inners[index].hash,
                    Place::Leaf(index) => {
                        let Leaf { key, value_hash } = self.leaves[index];
                        leaves.push((i, side));
                        leaf_pairs.push([key, value_hash]);
                    }
                }
            }
        }
        let mut hashes = vec![EMPTY; leaf_pairs.len().max(made.len())];
        self.lanes.hash_pairs(Domain::StateLeaf, &leaf_pairs, &mut hashes[..leaf_pairs.len()]);
        for ((i, side), hash) in leaves.into_iter().zip(&hashes) {
            pairs[i][side] = *hash;
        }
        self.lanes.hash_pairs(Domain::StateNode, &pairs, &mut hashes[..made.len()]);
        for ((inner, _), hash) in made.iter().zip(&hashes) {
            self.inners[*inner].hash = *hash;
        }
    }
}
