//! A state that travels: cut into parts, each of which can be checked as it arrives.
//!
//! A list of the subtrees at one level of the state tree comes first; it holds if their root is that of a header that is trusted. A part is the
//! records of one subtree. So whoever sends something wrong is known at once, and parts may come from anybody and in any order.
//!
//! ```text
//! list = level u8, for each subtree in the order of keys: kind u8 (0 empty, 1 one record, 2 more), hash (32 B) unless it is empty
//! part = for each record: length of the id u8, id, length of the value u32, value
//! ```
//! Integers are little-endian. The height of the block that last touched an account is not part of a state: histories begin anew.

use qenex_core::codec::{self, DecodeError, Encoded};
use qenex_core::consensus::Header;
use qenex_core::crypto::{Domain, Hash};
use qenex_core::ledger::{Record, RecordId};
use qenex_core::merkle::state::Subtree;
use qenex_tree::{Tree, parts};

use crate::bucket::{Blob, Bucket};
use crate::error::NodeError;
use crate::hashing::{hash_all, lanes};
use crate::records::Records;

/// Parts are made about so large.
const PART_BYTES: usize = 64 << 10;

/// The lowest level at which a state is cut: a list has at most 541 kB.
const MAX_LEVEL: usize = 14;

/// The longest list.
pub const MAX_LIST_BYTES: usize = 1 + 33 * (1 << MAX_LEVEL);

const MALFORMED: NodeError = NodeError::Decode(DecodeError::Malformed);

/// A state as it was when it was taken.
pub struct Frozen {
    level: usize,
    parts: Vec<Subtree>,
    bits: usize,
    buckets: Vec<Blob>,
}

impl Frozen {
    pub(crate) fn of(records: &Records, tree: &Tree) -> Self {
        let bits = records.bits() as usize;
        let wanted = records.bytes().div_ceil(PART_BYTES).next_power_of_two().ilog2() as usize;
        let level = wanted.min(MAX_LEVEL).min(bits).min(tree.depth());
        Self { level, parts: tree.parts(level), bits, buckets: records.share() }
    }

    /// How many parts there are.
    pub fn parts(&self) -> usize {
        self.parts.len()
    }

    /// The list of subtrees.
    pub fn list(&self) -> Vec<u8> {
        let mut out = vec![self.level as u8];
        for part in &self.parts {
            out.push(match part {
                Subtree::Empty => 0,
                Subtree::Leaf(_) => 1,
                Subtree::Inner(_) => 2,
            });
            if let Subtree::Leaf(hash) | Subtree::Inner(hash) = part {
                out.extend_from_slice(&hash.0);
            }
        }
        out
    }

    /// The records of a part.
    pub fn part(&self, index: usize) -> Vec<u8> {
        let below = self.bits - self.level;
        let buckets = self.buckets.get(index << below..(index + 1) << below).unwrap_or_default();
        let mut out = Vec::new();
        for (_, item) in buckets.iter().filter_map(|blob| Bucket::new(blob)).flat_map(Bucket::iter) {
            out.push(item.id.len() as u8);
            out.extend_from_slice(item.id);
            out.extend_from_slice(&(item.value.len() as u32).to_le_bytes());
            out.extend_from_slice(item.value);
        }
        out
    }
}

/// A state that arrives.
pub struct Arriving {
    header: Header,
    level: usize,
    /// What is missing of each part.
    parts: Vec<Option<Subtree>>,
    records: Records,
    buffer: Vec<(Hash, Hash)>,
}

impl Arriving {
    /// The state after the block of a trusted header, by its list.
    ///
    /// # Errors
    /// It is no list, or its root is not the header's.
    pub fn new(header: &Header, list: &[u8]) -> Result<Self, NodeError> {
        let (level, mut rest) = list.split_first().ok_or(MALFORMED)?;
        let level = usize::from(*level);
        if level > MAX_LEVEL {
            return Err(MALFORMED);
        }
        let mut found = Vec::with_capacity(1 << level);
        for _ in 0..1 << level {
            let (kind, tail) = rest.split_first().ok_or(MALFORMED)?;
            let (part, tail) = match (kind, tail.split_first_chunk()) {
                (0, _) => (Subtree::Empty, tail),
                (1, Some((hash, tail))) => (Subtree::Leaf(Hash(*hash)), tail),
                (2, Some((hash, tail))) => (Subtree::Inner(Hash(*hash)), tail),
                _ => return Err(MALFORMED),
            };
            found.push(part);
            rest = tail;
        }
        if !rest.is_empty() {
            return Err(MALFORMED);
        }
        let parts = found.iter().map(|part| (*part != Subtree::Empty).then_some(*part)).collect();
        check(header, parts::join(found).hash(), header.state_root)?;
        Ok(Self { header: header.clone(), level, parts, records: Records::default(), buffer: Vec::new() })
    }

    /// The parts that are missing.
    pub fn missing(&self) -> impl Iterator<Item = usize> + '_ {
        self.parts.iter().enumerate().filter_map(|(index, part)| part.map(|_| index))
    }

    /// Takes a part; one that is there is not looked at.
    ///
    /// # Errors
    /// It is no part, or not the records of this subtree. Nothing is taken of it.
    pub fn take(&mut self, index: usize, bytes: &[u8]) -> Result<(), NodeError> {
        let Some(Some(expected)) = self.parts.get(index).copied() else { return Ok(()) };
        let mut items = Vec::new();
        let mut rest = bytes;
        while let Some((length, tail)) = rest.split_first() {
            let (id, tail) = tail.split_at_checked((*length).into()).ok_or(MALFORMED)?;
            let (length, tail) = tail.split_first_chunk().ok_or(MALFORMED)?;
            let length = u32::from_le_bytes(*length) as usize;
            let (value, tail) = tail.split_at_checked(length).ok_or(MALFORMED)?;
            if length > Record::MAX_LEN {
                return Err(MALFORMED);
            }
            items.push((codec::decode::<RecordId>(id)?, id, value));
            rest = tail;
        }
        let inputs: Vec<_> = items.iter().map(|(id, _, _)| id.key_input()).collect();
        let values: Vec<_> = items.iter().map(|(_, _, value)| *value).collect();
        let (keys, hashes) = (hash_all(Domain::RecordKey, &inputs), hash_all(Domain::RecordValue, &values));
        self.buffer.clear();
        self.buffer.extend(keys.iter().copied().zip(hashes));
        self.buffer.sort_unstable_by_key(|(key, _)| *key);
        let first_bits = |key: &Hash| key.prefix().checked_shr(64 - self.level as u32).unwrap_or(0);
        let own = self.buffer.iter().all(|(key, _)| first_bits(key) == index as u64);
        if !own || !self.buffer.is_sorted_by(|a, b| a.0 < b.0) {
            return Err(MALFORMED);
        }
        check(&self.header, parts::part(lanes(), self.level, &self.buffer).hash(), expected.hash())?;
        for ((_, id, value), key) in items.iter().zip(&keys) {
            self.records.set(key, id, Some(value), None);
        }
        if let Some(part) = self.parts.get_mut(index) {
            *part = None;
        }
        Ok(())
    }

    /// The records, when nothing is missing any more.
    pub fn finish(self) -> Option<Records> {
        let complete = self.missing().next().is_none();
        complete.then_some(self.records)
    }
}

fn check(header: &Header, found: Hash, expected: Hash) -> Result<(), NodeError> {
    if found == expected {
        return Ok(());
    }
    Err(NodeError::RootMismatch { height: header.height, found, expected })
}
