//! Updates: down once to where the changes fall, level by level, and up again hashing each level's nodes together.
//!
//! Nodes of the state before are never touched. The nodes of a level are independent of each other. What a batch of them
//! needs from memory is first read without being used ([`Tree::read_ahead`]), so that the processor waits for many nodes at
//! once.

use std::hint::black_box;

use qenex_core::crypto::hash::{Domain, Hash};
use qenex_core::merkle::state::{EMPTY, KEY_BITS};
use qenex_keccak::Lanes;

use crate::node::{Handle, Leaf, Place};
use crate::tree::{Change, Root, Tree};

/// Nodes that are worked on together: all that they need stays in the processor's nearest memory.
const BATCH: usize = 256;

/// Changes that are brought down and up again before others, so that all jobs about them stay in near memory.
const GROUP: usize = 1024;

/// A key and the value hash of its record after the update, or `None` to remove it.
type Write = (Hash, Option<Hash>);

/// A place in the tree with changes below it.
struct Job {
    /// What stands there in the state before; once the job is done, what stands there after.
    node: Handle,
    /// The changes `from..middle` are below its left half, `middle..to` below its right half. None is left when the job
    /// is done on the way down, because at most one leaf remains here.
    from: u32,
    middle: u32,
    to: u32,
    /// Its halves in the state before.
    halves: [Handle; 2],
}

impl Job {
    fn new(node: Handle, from: u32, to: u32) -> Self {
        Self { node, from, middle: from, to, halves: [Handle::EMPTY; 2] }
    }

    /// The half without changes, if there is one.
    fn unchanged(&self) -> Option<usize> {
        if self.middle == self.from {
            Some(0)
        } else if self.middle == self.to {
            Some(1)
        } else {
            None
        }
    }
}

/// The places of a level after the update, in the order of the level's jobs.
#[derive(Default)]
struct Done {
    nodes: Vec<Handle>,
    hashes: Vec<Hash>,
}

impl Tree {
    /// Makes the state after these changes next to the live state `base`: each key gets a new value hash, or `None` to
    /// remove its record. The keys come in any order; of two changes of a key the later counts.
    pub fn update(&mut self, base: Root, changes: &[(Hash, Option<Hash>)]) -> Change {
        assert_eq!(self.hash(base.node), base.hash, "the state is not live");
        let writes = sorted(changes);
        let mut update = Update { tree: self, writes: &writes, created: vec![], replaced: vec![] };
        let root = if writes.is_empty() { base } else { update.root(base.node) };
        let Update { created, replaced, .. } = update;
        Change { base, root, created, replaced }
    }

    /// Reads something of each of these nodes, to have them near when they are needed. `hash` says whether that will be
    /// the hash or the halves of an inner node.
    fn read_ahead(&self, nodes: impl Iterator<Item = Handle>, hash: bool) {
        let read = nodes.map(|node| match node.place() {
            Place::Empty => 0,
            Place::Leaf(index) => u32::from(self.leaves[index].key.0[0]),
            Place::Inner(index) if hash => u32::from(self.inners.hash(index).0[0]),
            Place::Inner(index) => u32::from(self.inners.halves(index)[0] == Handle::EMPTY),
        });
        black_box(read.fold(0, |all, one| all ^ one));
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
    created: Vec<Handle>,
    replaced: Vec<Handle>,
}

impl Update<'_> {
    fn root(&mut self, base: Handle) -> Root {
        let job = Job::new(base, 0, self.writes.len() as u32);
        // Keys are spread evenly, so that jobs at this depth have about `GROUP` changes.
        let group_depth = (self.writes.len() / GROUP).checked_ilog2().unwrap_or(0) as usize;
        let done = self.run(vec![job], 0, if group_depth == 0 { KEY_BITS } else { group_depth });
        Root { node: done.nodes[0], hash: done.hashes[0] }
    }

    /// Does jobs of one level and all below them. Those at `group_depth` are done one after the other, each with all below it.
    fn run(&mut self, mut level: Vec<Job>, depth: usize, group_depth: usize) -> Done {
        let mut levels = Vec::new();
        let mut done = Done::default();
        while !level.is_empty() {
            let depth = depth + levels.len();
            if depth == group_depth {
                for job in level {
                    let part = self.run(vec![job], depth, KEY_BITS);
                    done.nodes.extend(part.nodes);
                    done.hashes.extend(part.hashes);
                }
                break;
            }
            let mut below = Vec::with_capacity(self.writes.len().min(2 * level.len()));
            for batch in level.chunks_mut(BATCH) {
                self.tree.read_ahead(batch.iter().map(|job| job.node), false);
                let leaves = batch.iter().filter(|job| matches!(job.node.place(), Place::Leaf(_))).count();
                self.tree.read_ahead(
                    self.tree.leaves.next_free(leaves).iter().map(|index| Handle::leaf(*index)),
                    false,
                );
                batch.iter_mut().for_each(|job| self.split(job, depth, &mut below));
            }
            levels.push(level);
            level = below;
        }
        while let Some(level) = levels.pop() {
            done = self.join(&level, &done);
        }
        done
    }

    /// Gives a job's changes to jobs of its halves, or finishes it where at most one leaf remains.
    fn split(&mut self, job: &mut Job, depth: usize, below: &mut Vec<Job>) {
        let changes = &self.writes[job.from as usize..job.to as usize];
        job.halves = match job.node.place() {
            Place::Inner(index) => self.tree.inners.halves(index),
            _ => {
                if let Some(node) = self.lone(job.node, changes) {
                    *job = Job::new(node, 0, 0);
                    return;
                }
                self.halves(job.node, depth)
            }
        };
        let [left, right] = job.halves;
        job.middle = job.from + changes.partition_point(|(key, _)| !key.bit(depth)) as u32;
        if job.from < job.middle {
            below.push(Job::new(left, job.from, job.middle));
        }
        if job.middle < job.to {
            below.push(Job::new(right, job.middle, job.to));
        }
    }

    /// The halves of a subtree of the state before.
    fn halves(&self, node: Handle, depth: usize) -> [Handle; 2] {
        match node.place() {
            Place::Inner(index) => self.tree.inners.halves(index),
            // A lone leaf goes down on its key's path until it stands alone again.
            Place::Leaf(index) if self.tree.leaves[index].key.bit(depth) => [Handle::EMPTY, node],
            Place::Leaf(_) => [node, Handle::EMPTY],
            Place::Empty => [Handle::EMPTY; 2],
        }
    }

    /// What becomes of an empty subtree or a leaf, if it is that again.
    fn lone(&mut self, old: Handle, changes: &[Write]) -> Option<Handle> {
        let old_leaf = match old.place() {
            Place::Leaf(index) => Some(&self.tree.leaves[index]),
            _ => None,
        };
        // Leaves after the changes: every write, and the old one if no change names it.
        let named = old_leaf.is_some_and(|leaf| changes.iter().any(|(key, _)| *key == leaf.key));
        let kept = old_leaf.is_some() && !named;
        let mut written = changes.iter().filter_map(|(key, value)| Some((*key, (*value)?)));
        let first = written.next();
        if usize::from(kept) + usize::from(first.is_some()) + usize::from(written.next().is_some()) > 1 {
            return None;
        }
        if kept || first.zip(old_leaf).is_some_and(|(new, old)| new == (old.key, old.value_hash)) {
            return Some(old);
        }
        if named {
            self.replaced.push(old);
        }
        Some(first.map_or(Handle::EMPTY, |(key, value_hash)| {
            let new = Handle::leaf(self.tree.leaves.insert(Leaf { key, value_hash }));
            self.created.push(new);
            new
        }))
    }

    /// Finishes the jobs of a level, of which those of the level below are done.
    fn join(&mut self, level: &[Job], below: &Done) -> Done {
        let mut done = Done { nodes: Vec::with_capacity(level.len()), hashes: vec![EMPTY; level.len()] };
        let mut next = 0;
        let mut made = Vec::with_capacity(BATCH);
        let mut inputs = Inputs::default();
        for batch in level.chunks(BATCH) {
            let unchanged = batch.iter().map(|job| match job.unchanged() {
                Some(side) => job.halves[side],
                None => Handle::EMPTY,
            });
            self.tree.read_ahead(unchanged, true);
            let tree = &mut *self.tree;
            tree.read_ahead(
                tree.inners.next_free(batch.len()).iter().map(|index| Handle::inner(*index)),
                true,
            );
            for job in batch {
                let place = Slot::Done(done.nodes.len());
                if job.from == job.to {
                    inputs.want(tree, job.node, None, place, &mut done);
                    done.nodes.push(job.node);
                    continue;
                }
                let was_inner = matches!(job.node.place(), Place::Inner(_));
                let mut halves = job.halves;
                let mut hashes = [None; 2];
                for side in 0..2 {
                    if job.unchanged() != Some(side) {
                        halves[side] = below.nodes[next];
                        hashes[side] = Some(&below.hashes[next]);
                        next += 1;
                    }
                }
                if was_inner && halves == job.halves {
                    inputs.want(tree, job.node, None, place, &mut done);
                    done.nodes.push(job.node);
                    continue;
                }
                if was_inner {
                    self.replaced.push(job.node);
                }
                let only = match halves.map(Handle::place) {
                    [Place::Empty, Place::Empty | Place::Leaf(_)] => 1,
                    [Place::Leaf(_), Place::Empty] => 0,
                    _ => {
                        made.push((done.nodes.len(), halves));
                        done.nodes.push(Handle::EMPTY);
                        let pair = inputs.pairs.len();
                        inputs.pairs.push([EMPTY; 2]);
                        for side in 0..2 {
                            inputs.want(tree, halves[side], hashes[side], Slot::Half(pair, side), &mut done);
                        }
                        continue;
                    }
                };
                inputs.want(tree, halves[only], hashes[only], place, &mut done);
                done.nodes.push(halves[only]);
            }
            let hashes = inputs.hash(tree.lanes, &mut done);
            for ((place, halves), hash) in made.drain(..).zip(hashes) {
                let inner = tree.inners.insert(halves);
                tree.inners.set_hash(inner, *hash);
                self.created.push(Handle::inner(inner));
                done.nodes[place] = Handle::inner(inner);
                done.hashes[place] = *hash;
            }
        }
        done
    }
}

/// Where a hash is wanted.
enum Slot {
    /// As that of a place of the level.
    Done(usize),
    /// As input for a new inner node: its number in the batch, and the half.
    Half(usize, usize),
}

/// What is hashed for a batch: first leaves, then the new inner nodes.
#[derive(Default)]
struct Inputs {
    leaves: Vec<[Hash; 2]>,
    leaf_slots: Vec<Slot>,
    pairs: Vec<[Hash; 2]>,
    hashes: Vec<Hash>,
}

impl Inputs {
    /// Puts the hash of a node into a slot: at once if it is known or stored, otherwise when leaves are hashed.
    fn want(&mut self, tree: &Tree, node: Handle, known: Option<&Hash>, slot: Slot, done: &mut Done) {
        let hash = match (known, node.place()) {
            (Some(hash), _) => hash,
            (None, Place::Empty) => &EMPTY,
            (None, Place::Inner(index)) => tree.inners.hash(index),
            (None, Place::Leaf(index)) => {
                let Leaf { key, value_hash } = tree.leaves[index];
                self.leaves.push([key, value_hash]);
                self.leaf_slots.push(slot);
                return;
            }
        };
        self.fill(slot, hash, done);
    }

    fn fill(&mut self, slot: Slot, hash: &Hash, done: &mut Done) {
        match slot {
            Slot::Done(place) => done.hashes[place] = *hash,
            Slot::Half(pair, side) => self.pairs[pair][side] = *hash,
        }
    }

    /// Hashes leaves, then inner nodes, of which it returns the hashes, and is empty again.
    fn hash(&mut self, lanes: Lanes, done: &mut Done) -> &[Hash] {
        self.hashes.resize(self.leaves.len().max(self.pairs.len()), EMPTY);
        lanes.hash_pairs(Domain::StateLeaf, &self.leaves, &mut self.hashes[..self.leaves.len()]);
        for (i, slot) in std::mem::take(&mut self.leaf_slots).into_iter().enumerate() {
            let hash = self.hashes[i];
            self.fill(slot, &hash, done);
        }
        let hashes = &mut self.hashes[..self.pairs.len()];
        lanes.hash_pairs(Domain::StateNode, &self.pairs, hashes);
        self.leaves.clear();
        self.pairs.clear();
        hashes
    }
}
