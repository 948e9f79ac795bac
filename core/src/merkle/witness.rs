//! Checks a state proof while it arrives, and computes the root after an update from the proof alone.
//!
//! A [`Witness`] is told which keys the proof is about and what becomes of each, then takes the proof's bytes in pieces
//! of any size. At the end it compares the root and has the value hash of every key before, and the root after.
//! A device that learns only from the values what is to be written takes the stream twice: first with
//! [`Access::Read`] for every key, then with the writes.
//!
//! It holds some 15 KB, no recursion, and time is proportional to the proof.
//!
//! What it accepts is true of every tree with this root that the rules of [`super::state`] can make. Beyond
//! what truth needs, it refuses any proof that is not the one of its keys and tree ([`super::proof`]).

use heapless::Vec;

use super::proof::{MAX_DEPTH, MAX_WITNESS_KEYS, NODE_BYTES_MAX, Node, ProofError};
use super::state::{Builder, EMPTY, Subtree, common_bits, leaf_hash, node_hash};
use crate::crypto::hash::Hash;

const _: () = assert!(size_of::<Witness>() <= 16 * 1024);

/// What becomes of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Its record stays as it is, or absent.
    Read,
    /// Its record is made or replaced; the new value has this hash.
    Write(Hash),
    /// Its record is removed, if there is one.
    Delete,
}

/// The value hashes of a proof's keys in their order; `None` where there is no record.
pub type Values = Vec<Option<Hash>, MAX_WITNESS_KEYS>;

/// What a complete proof shows.
#[derive(Debug, PartialEq, Eq)]
pub struct Proven<'a> {
    /// The value hashes of the keys in their order, before the update; `None` where there is no record.
    pub values: &'a [Option<Hash>],
    /// The root after the update.
    pub root_after: Hash,
}

/// How a part of the proof was given, which decides what its sibling has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Given {
    /// By its hash alone.
    Opaque,
    /// With its kind, though no key is below it: its sibling must be one that could vanish.
    Kind,
    /// Open, with a leaf that is none of the keys, or empty.
    Open,
    /// Open, and all its leaves, at least one, are keys: an update could remove them all.
    Vanishing,
}

/// A finished part of the walk.
#[derive(Clone, Copy)]
struct Part {
    /// As the proof gives it; an opaque one counts as inner, for it is not empty, and nothing else is asked of it.
    before: Subtree,
    given: Given,
    /// After the update, where that changes anything.
    after: Option<Subtree>,
}

impl Part {
    fn join(left: Self, right: Self) -> Result<Self, ProofError> {
        for (part, sibling) in [(&left, &right), (&right, &left)] {
            let vanishing = sibling.given == Given::Vanishing;
            match part.given {
                Given::Opaque if vanishing => return Err(ProofError::Opaque),
                Given::Kind if !vanishing => return Err(ProofError::NotMinimal),
                _ => {}
            }
        }
        let before = Subtree::join(left.before, right.before);
        if !matches!(before, Subtree::Inner(_)) {
            return Err(ProofError::NotCollapsed);
        }
        let vanishing = |part: &Self| part.given == Given::Vanishing || part.before == Subtree::Empty;
        let given = if vanishing(&left) && vanishing(&right) { Given::Vanishing } else { Given::Open };
        let after = match (left.after, right.after) {
            (None, None) => None,
            // Only a vanishing part can become empty, and its sibling's kind is known then.
            (l, r) => Some(Subtree::join(l.unwrap_or(left.before), r.unwrap_or(right.before))),
        };
        Ok(Self { before, given, after })
    }
}

/// A check of one proof under way.
#[derive(Clone)]
pub struct Witness {
    keys: Vec<(Hash, Access), MAX_WITNESS_KEYS>,
    /// Answers to the first keys; the next key has the index of their number.
    values: Values,
    /// The place of the next node: its first `depth` bits lead there from the root.
    path: Hash,
    depth: usize,
    /// Finished left siblings of the nodes on the path, from the root down; one for each set bit of the path.
    lefts: Vec<Part, MAX_DEPTH>,
    /// The bytes of a node that has not arrived completely.
    node: Vec<u8, NODE_BYTES_MAX>,
    /// The whole tree, once the last node has arrived.
    whole: Option<Part>,
    /// The first failure: nothing is accepted after it.
    failure: Option<ProofError>,
}

impl Witness {
    /// Starts with the keys in ascending order, each once, and what becomes of them.
    pub fn new(keys: impl IntoIterator<Item = (Hash, Access)>) -> Result<Self, ProofError> {
        let mut witness = Self::idle();
        witness.restart(keys)?;
        Ok(witness)
    }

    /// A check about no keys, to be [restarted](Self::restart) in its place: a device has no room to move one.
    pub const fn idle() -> Self {
        Self {
            keys: Vec::new(),
            values: Vec::new(),
            path: Hash([0; 32]),
            depth: 0,
            lefts: Vec::new(),
            node: Vec::new(),
            whole: None,
            failure: None,
        }
    }

    /// Forgets everything and starts with these keys.
    pub fn restart(&mut self, keys: impl IntoIterator<Item = (Hash, Access)>) -> Result<(), ProofError> {
        self.keys.clear();
        self.values.clear();
        self.path = Hash([0; 32]);
        self.depth = 0;
        self.lefts.clear();
        self.node.clear();
        self.whole = None;
        // Until all keys are in order nothing is accepted.
        self.failure = Some(ProofError::Keys);
        for (key, access) in keys {
            if self.keys.last().is_some_and(|(last, _)| *last >= key) {
                return Err(ProofError::Keys);
            }
            self.keys.push((key, access)).map_err(|_| ProofError::Keys)?;
        }
        self.failure = None;
        Ok(())
    }

    /// Takes the next bytes of the proof.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), ProofError> {
        let result = self.failure.map_or(Ok(()), Err).and_then(|()| self.take(bytes));
        self.failure = result.err();
        result
    }

    /// What the proof shows, if it is complete and leads to this root.
    pub fn finish(&self, root: &Hash) -> Result<Proven<'_>, ProofError> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        let whole = self.whole.ok_or(ProofError::Truncated)?;
        if whole.before.hash() != *root {
            return Err(ProofError::Root);
        }
        Ok(Proven { values: &self.values, root_after: whole.after.unwrap_or(whole.before).hash() })
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), ProofError> {
        for byte in bytes {
            if self.whole.is_some() {
                return Err(ProofError::Trailing);
            }
            self.node.push(*byte).map_err(|_| ProofError::Tag)?;
            let tag = self.node.first().ok_or(ProofError::Truncated)?;
            if self.node.len() == Node::bytes(*tag)? {
                let node = Node::decode(&self.node)?;
                self.node.clear();
                self.visit(node)?;
            }
        }
        Ok(())
    }

    /// Whether the next key without an answer is below the place of the next node.
    fn key_below(&self) -> bool {
        let next = self.keys.get(self.values.len());
        next.is_some_and(|(key, _)| common_bits(key, &self.path) >= self.depth)
    }

    fn visit(&mut self, node: Node) -> Result<(), ProofError> {
        let wanted = self.key_below();
        let part = match node {
            Node::Inner if !wanted => return Err(ProofError::NotMinimal),
            Node::Inner => return self.descend(false),
            Node::Opaque(_) | Node::Halves { .. } if wanted => return Err(ProofError::Opaque),
            Node::Opaque(EMPTY) => return Err(ProofError::NotMinimal),
            Node::Opaque(hash) => Part { before: Subtree::Inner(hash), given: Given::Opaque, after: None },
            Node::Halves { left, right } => {
                Part { before: Subtree::Inner(node_hash(&left, &right)), given: Given::Kind, after: None }
            }
            Node::Empty => self.answer(None)?,
            Node::Leaf { key, .. } if common_bits(&key, &self.path) < self.depth => {
                return Err(ProofError::Misplaced);
            }
            Node::Leaf { key, value_hash } => self.answer(Some((key, value_hash)))?,
        };
        self.ascend(part)
    }

    /// Goes to a child of the node at the current place.
    fn descend(&mut self, right: bool) -> Result<(), ProofError> {
        if self.depth >= MAX_DEPTH {
            return Err(ProofError::TooDeep);
        }
        self.turn(right);
        self.depth = self.depth.saturating_add(1);
        Ok(())
    }

    /// Sets the path's bit at the current depth.
    fn turn(&mut self, right: bool) {
        if let Some(byte) = self.path.0.get_mut(self.depth >> 3) {
            let bit = 0x80u8.wrapping_shr((self.depth & 7) as u32);
            *byte = if right { *byte | bit } else { *byte & !bit };
        }
    }

    /// Joins a finished part with the left siblings that waited for it, and goes to the next right sibling.
    fn ascend(&mut self, mut part: Part) -> Result<(), ProofError> {
        while self.depth > 0 {
            self.depth = self.depth.saturating_sub(1);
            if !self.path.bit(self.depth) {
                self.lefts.push(part).map_err(|_| ProofError::TooDeep)?;
                return self.descend(true);
            }
            let left = self.lefts.pop().ok_or(ProofError::Truncated)?;
            part = Part::join(left, part)?;
        }
        if part.given == Given::Kind {
            return Err(ProofError::NotMinimal);
        }
        self.whole = Some(part);
        Ok(())
    }

    /// Answers the keys below the current place, which holds this leaf or nothing.
    fn answer(&mut self, leaf: Option<(Hash, Hash)>) -> Result<Part, ProofError> {
        let before = leaf.map_or(Subtree::Empty, |(key, value)| Subtree::Leaf(leaf_hash(&key, &value)));
        let mut given = if leaf.is_none() || self.key_below() { Given::Open } else { Given::Kind };
        let mut changed = false;
        let mut after = Builder::<MAX_WITNESS_KEYS>::new();
        let mut kept = leaf;
        while self.key_below()
            && let Some((key, access)) = self.keys.get(self.values.len()).copied()
        {
            // The leaf takes its place among the keys.
            if let Some((kept_key, _)) = kept.take_if(|(kept_key, _)| *kept_key < key) {
                after.push(kept_key, before.hash()).ok_or(ProofError::Keys)?;
            }
            let value = kept.take_if(|(kept_key, _)| *kept_key == key).map(|(_, value)| value);
            if value.is_some() {
                given = Given::Vanishing;
            }
            let value_after = match access {
                Access::Read => value,
                Access::Write(new) => Some(new),
                Access::Delete => None,
            };
            let changed_here = value_after != value;
            changed |= changed_here;
            if let Some(value) = value_after {
                let leaf = if changed_here { leaf_hash(&key, &value) } else { before.hash() };
                after.push(key, leaf).ok_or(ProofError::Keys)?;
            }
            self.values.push(value).map_err(|_| ProofError::Keys)?;
        }
        if let Some((kept_key, _)) = kept {
            after.push(kept_key, before.hash()).ok_or(ProofError::Keys)?;
        }
        Ok(Part { before, given, after: changed.then(|| after.finish(self.depth)) })
    }
}

/// Checks a whole proof: the value hash of each key, `None` where there is no record.
pub fn verify(root: &Hash, proof: &[u8], keys: &[Hash]) -> Result<Values, ProofError> {
    let mut witness = Witness::new(keys.iter().map(|key| (*key, Access::Read)))?;
    witness.push(proof)?;
    let proven = witness.finish(root)?;
    Values::from_slice(proven.values).map_err(|_| ProofError::Keys)
}

/// Checks a whole proof and returns the root after the update.
pub fn root_after(root: &Hash, proof: &[u8], keys: &[(Hash, Access)]) -> Result<Hash, ProofError> {
    let mut witness = Witness::new(keys.iter().copied())?;
    witness.push(proof)?;
    Ok(witness.finish(root)?.root_after)
}
