//! The records that a block wrote, over the state below it: the newest value of each, in its canonical encoding.
//!
//! Values are encoded once, when a transaction writes them; hashing and settling then read the bytes.

use hashbrown::{DefaultHashBuilder, HashTable};
use qenex_core::codec::Encoded;
use qenex_core::crypto::Hash;
use qenex_core::ledger::RecordId;
use std::hash::BuildHasher;

use crate::records::encode_id;

/// Written records, by key.
#[derive(Default)]
pub struct Overlay {
    hasher: DefaultHashBuilder,
    /// Places in `entries`.
    index: HashTable<u32>,
    entries: Vec<Entry>,
    bytes: Vec<u8>,
}

struct Entry {
    key: Hash,
    id: Span,
    /// Empty where the record is deleted: no record has an empty encoding.
    value: Span,
}

#[derive(Clone, Copy)]
struct Span {
    start: u32,
    len: u32,
}

/// A record that was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written<'a> {
    /// Its key.
    pub key: &'a Hash,
    /// Its encoded id.
    pub id: &'a [u8],
    /// Its encoded value; nothing where it was deleted.
    pub value: Option<&'a [u8]>,
}

impl Overlay {
    /// Room for `count` records.
    pub fn with_capacity(count: usize) -> Self {
        Self {
            hasher: DefaultHashBuilder::default(),
            index: HashTable::with_capacity(count),
            entries: Vec::with_capacity(count),
            bytes: Vec::with_capacity(count * 64),
        }
    }

    /// How many records were written.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether none was.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// A key is a hash already; eight bytes of it, with a seed that nobody outside knows, are enough.
    fn hash(hasher: &DefaultHashBuilder, key: &Hash) -> u64 {
        hasher.hash_one(key.prefix())
    }

    fn span(&self, span: Span) -> &[u8] {
        let start = span.start as usize;
        self.bytes.get(start..start + span.len as usize).unwrap_or_default()
    }

    fn place(&self, hash: u64, key: &Hash) -> Option<usize> {
        let same = |place: &u32| self.entries.get(*place as usize).is_some_and(|entry| entry.key == *key);
        self.index.find(hash, same).map(|place| *place as usize)
    }

    /// What was written under a key: its encoded value, or nothing where it was deleted.
    pub fn get(&self, key: &Hash) -> Option<Option<&[u8]>> {
        let entry = self.entries.get(self.place(Self::hash(&self.hasher, key), key)?)?;
        Some(self.value(entry))
    }

    fn value(&self, entry: &Entry) -> Option<&[u8]> {
        Some(self.span(entry.value)).filter(|value| !value.is_empty())
    }

    fn append(&mut self, bytes: &[u8]) -> Span {
        let start = self.bytes.len() as u32;
        self.bytes.extend_from_slice(bytes);
        Span { start, len: bytes.len() as u32 }
    }

    /// Writes an encoded record, or deletes it.
    pub fn put(&mut self, id: &RecordId, key: &Hash, value: Option<&[u8]>) {
        let value = value.unwrap_or_default();
        let hash = Self::hash(&self.hasher, key);
        match self.place(hash, key) {
            Some(place) => {
                let Some(old) = self.entries.get(place).map(|entry| entry.value) else { return };
                let start = old.start as usize;
                if let Some(bytes) = self.bytes.get_mut(start..start + value.len())
                    && old.len as usize == value.len()
                {
                    bytes.copy_from_slice(value);
                } else {
                    let value = self.append(value);
                    if let Some(entry) = self.entries.get_mut(place) {
                        entry.value = value;
                    }
                }
            }
            None => {
                let id = self.append(encode_id(id, &mut [0; RecordId::MAX_LEN]));
                let value = self.append(value);
                let place = self.entries.len() as u32;
                self.entries.push(Entry { key: *key, id, value });
                let Self { hasher, index, entries, .. } = self;
                index.insert_unique(hash, place, |place| {
                    entries.get(*place as usize).map_or(0, |entry| Self::hash(hasher, &entry.key))
                });
            }
        }
    }

    /// All records, in the order of their first write.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Written<'_>> {
        self.entries.iter().map(|entry| Written {
            key: &entry.key,
            id: self.span(entry.id),
            value: self.value(entry),
        })
    }
}
