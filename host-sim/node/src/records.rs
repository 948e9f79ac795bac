//! All records of the newest final state, in memory: buckets by the first bits of their keys.
//!
//! About [`RECORDS_PER_BUCKET`] records share a bucket; when there are more, every bucket is split in two. A checkpoint
//! takes the buckets that changed since the last one.

use std::hint::black_box;
use std::sync::Arc;

use qenex_core::codec::{self, Encoded};
use qenex_core::crypto::{Domain, Hash};
use qenex_core::id::AccountId;
use qenex_core::ledger::{Record, RecordId};

use crate::bucket::{self, Blob, Bucket, Item};
use crate::error::NodeError;
use crate::genesis::Genesis;
use crate::hashing::hash_all;
use crate::machine::{State, Whole};

/// The average above which buckets are split.
pub const RECORDS_PER_BUCKET: usize = 8;

/// The longest encoded record id.
const ID_LEN: usize = RecordId::MAX_LEN;

/// The records of a state.
pub struct Records {
    bits: u32,
    buckets: Vec<Blob>,
    count: usize,
    /// Bytes of all blobs.
    bytes: usize,
    dirty: Vec<bool>,
}

impl State for Records {
    fn read_ahead(&self, keys: &[Hash]) {
        Records::read_ahead(self, keys.iter());
    }

    fn get(&self, id: &RecordId, key: &Hash) -> Option<&[u8]> {
        Records::get(self, id, key)
    }

    fn put(&mut self, id: &RecordId, key: &Hash, value: Option<&[u8]>) {
        Records::put(self, id, key, value, None);
    }

    fn touch(&mut self, account: AccountId, key: &Hash, written: Option<&[u8]>) {
        Records::put(self, &RecordId::Account(account), key, written, None);
    }
}

/// What a checkpoint has to write.
pub struct Changed {
    /// Buckets are named by this many leading bits of the key.
    pub bits: u32,
    /// The buckets that changed, ascending.
    pub buckets: Vec<(u32, Blob)>,
}

/// The bucket of a key, and its fingerprint there.
fn place(bits: u32, key: &Hash) -> (usize, u32) {
    let front = key.prefix();
    let bucket = front.checked_shr(64 - bits).unwrap_or(0);
    (bucket as usize, ((front << bits) >> 32) as u32)
}

/// The canonical encoding of an id.
pub(crate) fn encode_id<'b>(id: &RecordId, buffer: &'b mut [u8; ID_LEN]) -> &'b [u8] {
    // Cannot fail: the buffer has the greatest length.
    codec::encode(id, buffer).unwrap_or_default()
}

impl Default for Records {
    fn default() -> Self {
        Self::empty(0)
    }
}

impl Records {
    /// Room for about `count` records without splitting.
    pub fn with_room_for(count: usize) -> Self {
        let bits = count.div_ceil(RECORDS_PER_BUCKET).next_power_of_two().ilog2();
        Self::empty(bits)
    }

    fn empty(bits: u32) -> Self {
        let (buckets, dirty) = (vec![Arc::from([]); 1 << bits], vec![false; 1 << bits]);
        Self { bits, buckets, count: 0, bytes: 0, dirty }
    }

    /// The records of a first state, and the set that decides on the first block: zeros without staking.
    ///
    /// # Errors
    /// The genesis contradicts itself.
    pub fn of(genesis: &Genesis) -> Result<(Self, Hash), NodeError> {
        let list = genesis.records()?;
        let mut records = Records::with_room_for(list.len());
        let mut buffer = [0; Record::MAX_LEN];
        for chunk in list.chunks(4_096) {
            let inputs: Vec<_> = chunk.iter().map(|(id, _)| id.key_input()).collect();
            for ((id, record), key) in chunk.iter().zip(hash_all(Domain::RecordKey, &inputs)) {
                // Cannot fail: the buffer has the greatest length.
                let value = record.encode(&mut buffer).unwrap_or_default();
                records.put(id, &key, Some(value), None);
            }
        }
        let set = genesis.found(&mut Whole(&mut records))?;
        Ok((records, set))
    }

    /// The buckets of a checkpoint, in any order; all others are empty.
    ///
    /// # Errors
    /// The number of the first bucket whose bytes are not a bucket, or that has no place.
    pub fn load(bits: u32, blobs: impl Iterator<Item = (u32, Blob)>) -> Result<Self, u32> {
        if bits > 31 {
            return Err(0);
        }
        let mut records = Self::empty(bits);
        for (index, blob) in blobs {
            let slot = records.buckets.get_mut(index as usize).ok_or(index)?;
            let bucket = Bucket::new(&blob).ok_or(index)?;
            if bucket.iter().count() != bucket.len() {
                return Err(index);
            }
            records.count += bucket.len();
            records.bytes += blob.len();
            *slot = blob;
        }
        Ok(records)
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Bytes in all buckets, without the allocator's own.
    pub fn bytes(&self) -> usize {
        self.bytes + self.buckets.len() * (16 + 16 + 1)
    }

    fn find<'a>(&'a self, id: &RecordId, key: &Hash) -> Option<Item<'a>> {
        let (index, fingerprint) = place(self.bits, key);
        let bucket = Bucket::new(self.buckets.get(index)?)?;
        bucket.find(fingerprint, encode_id(id, &mut [0; ID_LEN]))
    }

    /// The encoded record under an id, whose key is given.
    pub fn get(&self, id: &RecordId, key: &Hash) -> Option<&[u8]> {
        self.find(id, key).map(|item| item.value)
    }

    /// The hash of the value of the record with this key; of nothing if there is none.
    pub fn value_hash(&self, key: &Hash) -> Hash {
        let (index, fingerprint) = place(self.bits, key);
        let bucket = self.buckets.get(index).and_then(|blob| Bucket::new(blob));
        let mut items = bucket.into_iter().flat_map(Bucket::iter);
        let found = items.find(|(found, item)| *found == fingerprint && key_of(item.id) == *key);
        qenex_core::merkle::state::value_hash(found.map_or(&[], |(_, item)| item.value))
    }

    /// Reads the records of these keys without using them, to have them near when they are needed.
    pub fn read_ahead<'k>(&self, keys: impl Iterator<Item = &'k Hash> + Clone) {
        let bucket = |key: &Hash| {
            let (index, fingerprint) = place(self.bits, key);
            self.buckets.get(index).map(|blob| (blob, fingerprint))
        };
        // First all starts, so that many are on their way at once, and then what is found through them.
        let starts =
            keys.clone().map(|key| bucket(key).and_then(|(blob, _)| blob.first().copied()).unwrap_or(0));
        black_box(starts.fold(0, |all, one| all ^ one));
        let items = keys.map(|key| {
            let found = bucket(key).and_then(|(blob, fingerprint)| Bucket::new(blob)?.near(fingerprint));
            found.and_then(|item| item.last().copied()).unwrap_or(0)
        });
        black_box(items.fold(0, |all, one| all ^ one));
    }

    /// The height of the last block that touched an account.
    pub fn head(&self, id: &RecordId, key: &Hash) -> Option<u64> {
        self.find(id, key).map(|item| item.head)
    }

    /// Writes or deletes a record: the encodings of its id and value. Notes the block that touched an account where one is
    /// given, and returns the height of the one before.
    pub fn set(&mut self, key: &Hash, id: &[u8], value: Option<&[u8]>, head: Option<u64>) -> Option<u64> {
        let (index, fingerprint) = place(self.bits, key);
        let (blob, dirty) = (self.buckets.get_mut(index)?, self.dirty.get_mut(index)?);
        *dirty = true;
        self.bytes -= blob.len();
        let (before, change) = match value {
            Some(value) => {
                let before = bucket::put(blob, fingerprint, id, value, head);
                (before, isize::from(before.is_none()))
            }
            None => (None, -isize::from(bucket::remove(blob, fingerprint, id))),
        };
        self.bytes += blob.len();
        self.count = self.count.saturating_add_signed(change);
        self.split_if_full();
        before
    }

    /// [`Records::set`] with the id encoded.
    pub fn put(&mut self, id: &RecordId, key: &Hash, value: Option<&[u8]>, head: Option<u64>) -> Option<u64> {
        self.set(key, encode_id(id, &mut [0; ID_LEN]), value, head)
    }

    /// Notes the block that touched an account. Returns the height of the one before.
    pub fn set_head(&mut self, id: &RecordId, key: &Hash, head: u64) -> Option<u64> {
        let (index, fingerprint) = place(self.bits, key);
        *self.dirty.get_mut(index)? = true;
        bucket::set_head(self.buckets.get_mut(index)?, fingerprint, encode_id(id, &mut [0; ID_LEN]), head)
    }

    fn split_if_full(&mut self) {
        if self.count <= self.buckets.len() * RECORDS_PER_BUCKET || self.bits >= 31 {
            return;
        }
        let old = std::mem::take(&mut self.buckets);
        self.bits += 1;
        self.buckets.reserve_exact(old.len() * 2);
        for blob in old {
            let Some(bucket) = Bucket::new(&blob) else { continue };
            // The fingerprint's first bit becomes the prefix's last; the bit that it gains comes from the whole key.
            for half in 0..2 {
                let items = bucket.iter().filter(|(fingerprint, _)| fingerprint >> 31 == half);
                let keyed = items.map(|(_, item)| (place(self.bits, &key_of(item.id)).1, item));
                let sorted: Vec<_> = keyed.collect();
                self.buckets.push(bucket::pack(sorted.iter().copied()));
            }
        }
        self.dirty = vec![true; self.buckets.len()];
        self.bytes = self.buckets.iter().map(|blob| blob.len()).sum();
    }

    /// All records: the canonical encodings of their ids and values.
    pub fn iter(&self) -> impl Iterator<Item = Item<'_>> {
        self.buckets.iter().filter_map(|blob| Bucket::new(blob)).flat_map(|b| b.iter().map(|(_, item)| item))
    }

    /// All records that decode, which is all of them unless memory fails.
    pub fn decoded(&self) -> impl Iterator<Item = (RecordId, Record<'_>)> {
        self.iter().filter_map(|item| {
            Some((codec::decode_trusted(item.id).ok()?, codec::decode_trusted(item.value).ok()?))
        })
    }

    /// By how many first bits of their keys records are put into buckets.
    pub fn bits(&self) -> u32 {
        self.bits
    }

    /// All buckets as they are now, in the order of their keys. A change copies what is shared.
    pub fn share(&self) -> Vec<Blob> {
        self.buckets.clone()
    }

    /// What changed since the last call.
    pub fn take_changed(&mut self) -> Changed {
        let changed =
            self.dirty.iter_mut().enumerate().filter_map(|(i, dirty)| std::mem::take(dirty).then_some(i));
        let buckets = changed.filter_map(|i| Some((i as u32, Arc::clone(self.buckets.get(i)?)))).collect();
        Changed { bits: self.bits, buckets }
    }
}

/// The key of an encoded id. An id that does not decode has no record; its bucket then holds it under zeros.
fn key_of(id: &[u8]) -> Hash {
    codec::decode::<RecordId>(id).map(|id| id.key()).unwrap_or_default()
}
