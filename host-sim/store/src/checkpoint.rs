//! Checkpoints: the records as of a height, and the receipts of every block up to it, in redb.
//!
//! Records are kept in buckets: all records whose keys share their first `bits` bits are one value of the database,
//! sorted by key. A bucket is about as long as a page of the database, so a checkpoint of many scattered records
//! writes each page once, and loading is a walk through a tree with few entries. `bits` grows with the records.
//!
//! ```text
//! table meta      "identity":   version u16, genesis (32 B), check (32 B)
//!                 "checkpoint": height u64, state root (32 B), records u64, record bytes u64, bits u8,
//!                               height of the first receipts u64, check (32 B)
//! table buckets-B (B = bits)    prefix u32: records, check (16 B)
//!                 record:       key (32 B), history u64, id length u8, value length u16, id, value
//! table receipts                height u64: blob, check (16 B)
//! ```
//! A check is BLAKE3 over what the value belongs to (row, bits and prefix, or height) and the value. One checkpoint
//! is one transaction of the database: after a crash the newest complete one is there. The file gets its name when
//! it is complete, so a file of that name which does not open is damaged.

use std::sync::Arc;

use qenex_core::error::{STORE_DAMAGED, STORE_FOREIGN, STORE_FORMAT, STORE_HEIGHT, STORE_RECORD};
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};

use crate::disk::{Disk, RedbFile};
use crate::error::StoreError;

const FILE: &str = "state.redb";
const NEW_FILE: &str = "state-new";
const VERSION: u16 = 1;
const META: TableDefinition<&str, &[u8]> = TableDefinition::new("meta");
const RECEIPTS: TableDefinition<u64, &[u8]> = TableDefinition::new("receipts");
const IDENTITY: &str = "identity";
const CHECKPOINT: &str = "checkpoint";
const RECORD_HEADER_BYTES: usize = 32 + 8 + 1 + 2;
const CHECK_BYTES: usize = 16;
const META_BYTES: usize = 8 + 32 + 8 + 8 + 1 + 8;
/// The mean length of a bucket past which buckets are split. Most then fit one page of 4,096 bytes.
const MEAN_BUCKET_BYTES_MAX: u64 = 3_072;
const MAX_BITS: u8 = 24;

/// How checkpoints are opened.
#[derive(Clone, Copy, Debug)]
pub struct CheckpointConfig {
    /// Memory that the database may use to cache pages.
    pub cache_bytes: usize,
    /// The chain: checkpoints of another one are refused.
    pub genesis: [u8; 32],
}

/// What a checkpoint says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckpointMeta {
    /// The height that it is the state of.
    pub height: u64,
    /// The state root at that height.
    pub state_root: [u8; 32],
    /// How many records there are.
    pub records: u64,
    /// How long their encodings are together.
    pub record_bytes: u64,
    /// How many leading bits of a key choose its bucket.
    pub bits: u8,
    /// Height of the first receipts that are kept.
    pub receipts_from: u64,
}

/// A record as it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its key.
    pub key: &'a [u8; 32],
    /// What it holds.
    pub body: Body<'a>,
}

/// What a record holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Body<'a> {
    /// The readable identifier that the key was made of.
    pub id: &'a [u8],
    /// The value.
    pub value: &'a [u8],
    /// The head of its history.
    pub history: u64,
}

/// What became of a record since the last checkpoint.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    /// Its key.
    pub key: [u8; 32],
    /// What it holds now; `None` if it was removed.
    pub body: Option<Body<'a>>,
}

/// The checkpoints of a disk. One thread writes while others read.
#[derive(Debug)]
pub struct Checkpoints {
    database: Database,
    path: String,
}

fn check<const N: usize>(parts: &[&[u8]]) -> [u8; N] {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(part);
    }
    let mut out = [0; N];
    out.copy_from_slice(&hasher.finalize().as_bytes()[..N]);
    out
}

fn bucket_check(bits: u8, prefix: u32, records: &[u8]) -> [u8; CHECK_BYTES] {
    check(&[b"bucket", &[bits], &prefix.to_le_bytes(), records])
}

fn receipt_check(height: u64, blob: &[u8]) -> [u8; CHECK_BYTES] {
    check(&[b"receipt", &height.to_le_bytes(), blob])
}

fn table_name(bits: u8) -> String {
    format!("buckets-{bits:02}")
}

fn prefix_of(key: &[u8; 32], bits: u8) -> u32 {
    let head = u32::from_be_bytes([key[0], key[1], key[2], key[3]]);
    head.checked_shr(32 - u32::from(bits)).unwrap_or(0)
}

/// The number of bits that keeps buckets of so many bytes within their mean length.
fn bits_for(record_bytes: u64) -> u8 {
    (0..MAX_BITS).find(|&bits| record_bytes >> bits <= MEAN_BUCKET_BYTES_MAX).unwrap_or(MAX_BITS)
}

/// Takes the first record off the bytes of a bucket.
fn split_record(bytes: &[u8]) -> Option<(Record<'_>, &[u8], &[u8])> {
    let (key, rest) = bytes.split_first_chunk::<32>()?;
    let (history, rest) = rest.split_first_chunk::<8>()?;
    let (&[id_length, low, high], rest) = rest.split_first_chunk::<3>()?;
    let (id, rest) = rest.split_at_checked(usize::from(id_length))?;
    let (value, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes([low, high])))?;
    let body = Body { id, value, history: u64::from_le_bytes(*history) };
    Some((Record { key, body }, &bytes[..bytes.len() - rest.len()], rest))
}

fn encoded_bytes(body: &Body<'_>) -> usize {
    RECORD_HEADER_BYTES + body.id.len() + body.value.len()
}

fn push_record(out: &mut Vec<u8>, key: &[u8; 32], body: &Body<'_>) {
    out.extend_from_slice(key);
    out.extend_from_slice(&body.history.to_le_bytes());
    out.push(body.id.len() as u8);
    out.extend_from_slice(&(body.value.len() as u16).to_le_bytes());
    out.extend_from_slice(body.id);
    out.extend_from_slice(body.value);
}

impl CheckpointMeta {
    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(META_BYTES + 32);
        out.extend_from_slice(&self.height.to_le_bytes());
        out.extend_from_slice(&self.state_root);
        out.extend_from_slice(&self.records.to_le_bytes());
        out.extend_from_slice(&self.record_bytes.to_le_bytes());
        out.push(self.bits);
        out.extend_from_slice(&self.receipts_from.to_le_bytes());
        let sum: [u8; 32] = check(&[CHECKPOINT.as_bytes(), &out]);
        out.extend_from_slice(&sum);
        out
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (body, sum) = bytes.split_at_checked(META_BYTES)?;
        if sum != check::<32>(&[CHECKPOINT.as_bytes(), body]) {
            return None;
        }
        let (height, rest) = body.split_first_chunk()?;
        let (state_root, rest) = rest.split_first_chunk()?;
        let (records, rest) = rest.split_first_chunk()?;
        let (record_bytes, rest) = rest.split_first_chunk()?;
        let (&[bits], rest) = rest.split_first_chunk()?;
        let (receipts_from, _) = rest.split_first_chunk()?;
        Some(Self {
            height: u64::from_le_bytes(*height),
            state_root: *state_root,
            records: u64::from_le_bytes(*records),
            record_bytes: u64::from_le_bytes(*record_bytes),
            bits: (bits <= MAX_BITS).then_some(bits)?,
            receipts_from: u64::from_le_bytes(*receipts_from),
        })
    }
}

fn identity(genesis: &[u8; 32]) -> Vec<u8> {
    let mut out = VERSION.to_le_bytes().to_vec();
    out.extend_from_slice(genesis);
    let sum: [u8; 32] = check(&[IDENTITY.as_bytes(), &out]);
    out.extend_from_slice(&sum);
    out
}

impl Checkpoints {
    /// Opens the checkpoints of a disk, or begins with none.
    pub fn open(disk: &dyn Disk, config: CheckpointConfig) -> Result<Self, StoreError> {
        let path = disk.describe(FILE);
        let existing = disk.open(FILE).map_err(StoreError::io(&path, "open"))?;
        let is_new = existing.is_none();
        let file = match existing {
            Some(file) => file,
            None => disk.create(NEW_FILE).map_err(StoreError::io(&path, "create"))?,
        };
        let database = Database::builder()
            .set_cache_size(config.cache_bytes)
            .create_with_backend(RedbFile(Arc::clone(&file)))
            .map_err(StoreError::database(&path, "open"))?;
        let checkpoints = Self { database, path };
        if is_new {
            let transaction = checkpoints.begin()?;
            checkpoints.put_meta(&transaction, IDENTITY, &identity(&config.genesis))?;
            checkpoints.commit(transaction)?;
            file.sync()
                .and_then(|()| disk.rename(NEW_FILE, FILE))
                .and_then(|()| disk.sync_directory())
                .map_err(StoreError::io(&checkpoints.path, "give the new file its name"))?;
        } else {
            checkpoints.check_identity(&config.genesis)?;
        }
        Ok(checkpoints)
    }

    fn check_identity(&self, genesis: &[u8; 32]) -> Result<(), StoreError> {
        let found = self.meta(IDENTITY)?.ok_or_else(|| self.damaged("table meta, row identity: missing"))?;
        let intact =
            found.len() == 2 + 32 + 32 && found[34..] == check::<32>(&[IDENTITY.as_bytes(), &found[..34]]);
        if !intact {
            return Err(self.damaged("table meta, row identity: the checksum is wrong"));
        }
        if found[..2] != VERSION.to_le_bytes() {
            let version = u16::from_le_bytes([found[0], found[1]]);
            let detail = format_args!("checkpoint version {VERSION} was expected, {version} found");
            return Err(StoreError::new(STORE_FORMAT, &self.path, detail));
        }
        if &found[2..34] != genesis {
            return Err(StoreError::new(STORE_FOREIGN, &self.path, "the genesis is another one"));
        }
        Ok(())
    }

    fn damaged(&self, detail: impl std::fmt::Display) -> StoreError {
        StoreError::new(STORE_DAMAGED, &self.path, detail)
    }

    fn damaged_bucket(&self, bits: u8, prefix: u32, detail: &str) -> StoreError {
        self.damaged(format_args!("table {}, bucket {prefix:#x}: {detail}", table_name(bits)))
    }

    fn begin(&self) -> Result<WriteTransaction, StoreError> {
        let transaction = self.database.begin_write();
        let mut transaction = transaction.map_err(StoreError::database(&self.path, "begin a checkpoint"))?;
        // The start after a crash must not walk the whole file.
        transaction.set_quick_repair(true);
        Ok(transaction)
    }

    fn commit(&self, transaction: WriteTransaction) -> Result<(), StoreError> {
        transaction.commit().map_err(StoreError::database(&self.path, "commit a checkpoint"))
    }

    fn put_meta(&self, transaction: &WriteTransaction, row: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let mut table =
            transaction.open_table(META).map_err(StoreError::database(&self.path, "open table meta"))?;
        table.insert(row, bytes).map_err(StoreError::database(&self.path, "write table meta"))?;
        Ok(())
    }

    fn meta(&self, row: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let read = self.database.begin_read().map_err(StoreError::database(&self.path, "begin to read"))?;
        let table = read.open_table(META).map_err(StoreError::database(&self.path, "open table meta"))?;
        let value = table.get(row).map_err(StoreError::database(&self.path, "read table meta"))?;
        Ok(value.map(|value| value.value().to_vec()))
    }

    /// The newest checkpoint, if there is one.
    pub fn latest(&self) -> Result<Option<CheckpointMeta>, StoreError> {
        let Some(bytes) = self.meta(CHECKPOINT)? else { return Ok(None) };
        let decoded = CheckpointMeta::decode(&bytes);
        decoded.map(Some).ok_or_else(|| self.damaged("table meta, row checkpoint: the checksum is wrong"))
    }

    /// Writes a checkpoint: what changed since the one before (of several changes of a key the last counts), and the
    /// receipts of the blocks since then, one blob for each height up to `height` in ascending order. The first
    /// checkpoint may begin its receipts anywhere, or have none.
    pub fn write<'a>(
        &self,
        height: u64,
        state_root: [u8; 32],
        changes: impl IntoIterator<Item = Change<'a>>,
        receipts: impl IntoIterator<Item = (u64, &'a [u8])>,
    ) -> Result<CheckpointMeta, StoreError> {
        let mut changes: Vec<Change<'a>> = changes.into_iter().collect();
        changes.sort_by_key(|change| change.key);
        let mut added_bytes = 0;
        for body in changes.iter().filter_map(|change| change.body.as_ref()) {
            if body.id.len() > usize::from(u8::MAX) || body.value.len() > usize::from(u16::MAX) {
                let detail = format_args!("id of {} bytes, value of {}", body.id.len(), body.value.len());
                return Err(StoreError::new(STORE_RECORD, &self.path, detail));
            }
            added_bytes += encoded_bytes(body) as u64;
        }
        let previous = self.latest()?;
        let transaction = self.begin()?;
        let mut meta = CheckpointMeta {
            height,
            state_root,
            ..previous.unwrap_or(CheckpointMeta {
                height,
                state_root,
                records: 0,
                record_bytes: 0,
                bits: 0,
                receipts_from: height.saturating_add(1),
            })
        };
        self.write_receipts(&transaction, &mut meta, previous.map(|previous| previous.height), receipts)?;
        if meta.records == 0 {
            meta.bits = bits_for(added_bytes).max(meta.bits);
        }
        self.write_buckets(&transaction, &mut meta, &changes)?;
        let bits = bits_for(meta.record_bytes);
        if bits > meta.bits {
            self.split_buckets(&transaction, meta.bits, bits)?;
            meta.bits = bits;
        }
        self.put_meta(&transaction, CHECKPOINT, &meta.encode())?;
        self.commit(transaction)?;
        Ok(meta)
    }

    fn write_receipts<'a>(
        &self,
        transaction: &WriteTransaction,
        meta: &mut CheckpointMeta,
        previous: Option<u64>,
        receipts: impl IntoIterator<Item = (u64, &'a [u8])>,
    ) -> Result<(), StoreError> {
        let mut table = transaction
            .open_table(RECEIPTS)
            .map_err(StoreError::database(&self.path, "open table receipts"))?;
        let mut expected = previous.map(|previous| previous.saturating_add(1));
        let mut value = Vec::new();
        for (height, blob) in receipts {
            if expected.is_none() {
                meta.receipts_from = height;
            }
            if expected.is_some_and(|expected| expected != height) {
                let detail = format_args!("receipts of {expected:?} were expected, {height} given");
                return Err(StoreError::new(STORE_HEIGHT, &self.path, detail));
            }
            value.clear();
            value.extend_from_slice(blob);
            value.extend_from_slice(&receipt_check(height, blob));
            table
                .insert(height, value.as_slice())
                .map_err(StoreError::database(&self.path, "write table receipts"))?;
            expected = Some(height.saturating_add(1));
        }
        let end = meta.height.saturating_add(1);
        if expected.is_some_and(|expected| expected != end) {
            let detail =
                format_args!("receipts before {expected:?} were given, the checkpoint is at {}", meta.height);
            return Err(StoreError::new(STORE_HEIGHT, &self.path, detail));
        }
        Ok(())
    }

    fn write_buckets(
        &self,
        transaction: &WriteTransaction,
        meta: &mut CheckpointMeta,
        changes: &[Change<'_>],
    ) -> Result<(), StoreError> {
        let bits = meta.bits;
        let name = table_name(bits);
        let definition = TableDefinition::<u32, &[u8]>::new(&name);
        let mut table = transaction
            .open_table(definition)
            .map_err(StoreError::database(&self.path, "open a table of buckets"))?;
        let mut new = Vec::new();
        for group in changes.chunk_by(|a, b| prefix_of(&a.key, bits) == prefix_of(&b.key, bits)) {
            let prefix = prefix_of(&group[0].key, bits);
            new.clear();
            {
                let old = table.get(prefix).map_err(StoreError::database(&self.path, "read a bucket"))?;
                let old = old.as_ref().map(|value| value.value());
                let old = match old {
                    Some(value) => self.open_bucket(bits, prefix, value)?,
                    None => &[],
                };
                self.merge(meta, prefix, old, group, &mut new)?;
            }
            if new.is_empty() {
                table.remove(prefix).map_err(StoreError::database(&self.path, "remove a bucket"))?;
            } else {
                let sum = bucket_check(bits, prefix, &new);
                new.extend_from_slice(&sum);
                table
                    .insert(prefix, new.as_slice())
                    .map_err(StoreError::database(&self.path, "write a bucket"))?;
            }
        }
        Ok(())
    }

    /// Merges sorted changes into the sorted records of a bucket.
    fn merge(
        &self,
        meta: &mut CheckpointMeta,
        prefix: u32,
        mut old: &[u8],
        changes: &[Change<'_>],
        new: &mut Vec<u8>,
    ) -> Result<(), StoreError> {
        let mut changes = changes.iter().peekable();
        let mut before = 0;
        loop {
            let record = match old {
                [] => None,
                bytes => Some(
                    split_record(bytes)
                        .ok_or_else(|| self.damaged_bucket(meta.bits, prefix, "a record is cut off"))?,
                ),
            };
            let key = match (&record, changes.peek()) {
                (None, None) => break,
                (Some((record, ..)), Some(change)) => change.key.min(*record.key),
                (Some((record, ..)), None) => *record.key,
                (None, Some(change)) => change.key,
            };
            let mut body = None;
            if let Some((record, encoded, rest)) = record.filter(|(record, ..)| record.key == &key) {
                before += 1;
                meta.record_bytes = meta.record_bytes.saturating_sub(encoded.len() as u64);
                body = Some(record.body);
                old = rest;
            }
            while let Some(change) = changes.next_if(|change| change.key == key) {
                body = change.body;
            }
            if let Some(body) = body {
                push_record(new, &key, &body);
                meta.records += 1;
                meta.record_bytes += encoded_bytes(&body) as u64;
            }
        }
        meta.records = meta.records.saturating_sub(before);
        Ok(())
    }

    /// Moves all buckets into those of a longer prefix.
    fn split_buckets(&self, transaction: &WriteTransaction, from: u8, to: u8) -> Result<(), StoreError> {
        let (old_name, new_name) = (table_name(from), table_name(to));
        let old_definition = TableDefinition::<u32, &[u8]>::new(&old_name);
        let new_definition = TableDefinition::<u32, &[u8]>::new(&new_name);
        {
            let open = "open a table of buckets";
            let old =
                transaction.open_table(old_definition).map_err(StoreError::database(&self.path, open))?;
            let mut new =
                transaction.open_table(new_definition).map_err(StoreError::database(&self.path, open))?;
            let mut bucket = Vec::new();
            for entry in old.iter().map_err(StoreError::database(&self.path, "read buckets"))? {
                let (prefix, value) = entry.map_err(StoreError::database(&self.path, "read buckets"))?;
                let prefix = prefix.value();
                let mut rest = self.open_bucket(from, prefix, value.value())?;
                while let Some((first, ..)) = split_record(rest) {
                    let new_prefix = prefix_of(first.key, to);
                    bucket.clear();
                    while let Some((record, encoded, after)) = split_record(rest) {
                        if prefix_of(record.key, to) != new_prefix {
                            break;
                        }
                        bucket.extend_from_slice(encoded);
                        rest = after;
                    }
                    let sum = bucket_check(to, new_prefix, &bucket);
                    bucket.extend_from_slice(&sum);
                    new.insert(new_prefix, bucket.as_slice())
                        .map_err(StoreError::database(&self.path, "write a bucket"))?;
                }
                if !rest.is_empty() {
                    return Err(self.damaged_bucket(from, prefix, "a record is cut off"));
                }
            }
        }
        transaction
            .delete_table(old_definition)
            .map_err(StoreError::database(&self.path, "delete a table of buckets"))?;
        Ok(())
    }

    /// The records of a bucket after its check.
    fn open_bucket<'b>(&self, bits: u8, prefix: u32, value: &'b [u8]) -> Result<&'b [u8], StoreError> {
        let parts = value.split_last_chunk::<CHECK_BYTES>();
        match parts {
            Some((records, sum)) if *sum == bucket_check(bits, prefix, records) => Ok(records),
            _ => Err(self.damaged_bucket(bits, prefix, "the checksum is wrong")),
        }
    }

    /// Hands all records of the newest checkpoint over, in ascending order of their keys. On an error some were
    /// handed over already.
    pub fn load(&self, mut each: impl FnMut(Record<'_>)) -> Result<Option<CheckpointMeta>, StoreError> {
        let Some(meta) = self.latest()? else { return Ok(None) };
        let read = self.database.begin_read().map_err(StoreError::database(&self.path, "begin to read"))?;
        let name = table_name(meta.bits);
        let definition = TableDefinition::<u32, &[u8]>::new(&name);
        let table = read
            .open_table(definition)
            .map_err(StoreError::database(&self.path, "open a table of buckets"))?;
        let mut last: Option<[u8; 32]> = None;
        let mut records = 0;
        for entry in table.iter().map_err(StoreError::database(&self.path, "read buckets"))? {
            let (prefix, value) = entry.map_err(StoreError::database(&self.path, "read buckets"))?;
            let prefix = prefix.value();
            let mut rest = self.open_bucket(meta.bits, prefix, value.value())?;
            while !rest.is_empty() {
                let (record, _, after) = split_record(rest)
                    .ok_or_else(|| self.damaged_bucket(meta.bits, prefix, "a record is cut off"))?;
                if last.is_some_and(|last| last >= *record.key) || prefix_of(record.key, meta.bits) != prefix
                {
                    return Err(self.damaged_bucket(meta.bits, prefix, "a record is out of order"));
                }
                last = Some(*record.key);
                records += 1;
                rest = after;
                each(record);
            }
        }
        if records != meta.records {
            let detail =
                format_args!("table {name}: {} records were expected, {records} found", meta.records);
            return Err(self.damaged(detail));
        }
        Ok(Some(meta))
    }

    /// The receipts of a height; `None` if the newest checkpoint does not cover it.
    pub fn receipts(&self, height: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let covered = self.latest()?.filter(|meta| (meta.receipts_from..=meta.height).contains(&height));
        let Some(_) = covered else { return Ok(None) };
        let read = self.database.begin_read().map_err(StoreError::database(&self.path, "begin to read"))?;
        let table =
            read.open_table(RECEIPTS).map_err(StoreError::database(&self.path, "open table receipts"))?;
        let value = table.get(height).map_err(StoreError::database(&self.path, "read table receipts"))?;
        let value =
            value.ok_or_else(|| self.damaged(format_args!("table receipts, height {height}: missing")))?;
        match value.value().split_last_chunk::<CHECK_BYTES>() {
            Some((blob, sum)) if *sum == receipt_check(height, blob) => Ok(Some(blob.to_vec())),
            _ => Err(self.damaged(format_args!("table receipts, height {height}: the checksum is wrong"))),
        }
    }

    /// Reads everything once, the database's own structure included: damage anywhere is an error.
    pub fn verify(&mut self) -> Result<(), StoreError> {
        let path = self.path.clone();
        let clean = self.database.check_integrity().map_err(StoreError::database(&path, "check"))?;
        if !clean {
            return Err(self.damaged("the structure of the database was damaged"));
        }
        let Some(meta) = self.load(|_| ())? else { return Ok(()) };
        (meta.receipts_from..=meta.height).try_for_each(|height| self.receipts(height).map(|_| ()))
    }
}
