//! Checkpoints: the records as of a height, and what every block up to it did, in redb.
//!
//! The node keeps its records in buckets, blobs of about a page that hold all records whose keys share their first
//! `bits` bits. A checkpoint writes the buckets that changed, as they are: what is in them is the node's concern.
//! When `bits` grows, all buckets are written anew.
//!
//! ```text
//! table meta      "identity":   version u16, genesis (32 B), check (32 B)
//!                 "checkpoint": height u64, state root (32 B), bits u8, number of buckets u64,
//!                               height of the first receipts u64, check (32 B)
//!                 "base":       height u64, the block whose state was put in, check (32 B)
//! table buckets-B (B = bits)    prefix u32: bucket, check (16 B)
//! table receipts                height u64: blob, check (16 B)
//! ```
//! A check is BLAKE3 over what the value belongs to (row, bits and prefix, or height) and the value. One checkpoint
//! is one transaction of the database: after a crash the newest complete one is there. The file gets its name when
//! it is complete, so a file of that name which does not open is damaged.
//!
//! [`Checkpoints::replace`] puts a state in that was not executed here, with the block that it is the state of: the block log begins anew
//! there, and can do so after a crash.

use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use qenex_core::error::{
    STORE_BUCKET_BITS, STORE_DAMAGED, STORE_DATABASE, STORE_FOREIGN, STORE_FORMAT, STORE_HEIGHT,
};
use redb::{
    Database, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition, WriteTransaction,
};

use crate::check::{CHECK_BYTES, bucket_check, check, receipt_check};
use crate::disk::{Disk, RedbFile};
use crate::error::StoreError;

const FILE: &str = "state.redb";
const NEW_FILE: &str = "state-new";
const VERSION: u16 = 1;
const META: TableDefinition<&str, &[u8]> = TableDefinition::new("meta");
const RECEIPTS: TableDefinition<u64, &[u8]> = TableDefinition::new("receipts");
const IDENTITY: &str = "identity";
const CHECKPOINT: &str = "checkpoint";
const BASE: &str = "base";
const META_BYTES: usize = 8 + 32 + 1 + 8 + 8;
const MAX_BITS: u8 = 31;

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
    /// How many leading bits of a key choose its bucket.
    pub bits: u8,
    /// How many buckets there are.
    pub buckets: u64,
    /// Height of the first receipts that are kept.
    pub receipts_from: u64,
}

/// The checkpoints of a disk. One thread writes while others read.
#[derive(Debug)]
pub struct Checkpoints {
    /// There until the value is dropped.
    database: Option<Database>,
    path: String,
}

fn table_name(bits: u8) -> String {
    format!("buckets-{bits:02}")
}

impl CheckpointMeta {
    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(META_BYTES + 32);
        out.extend_from_slice(&self.height.to_le_bytes());
        out.extend_from_slice(&self.state_root);
        out.push(self.bits);
        out.extend_from_slice(&self.buckets.to_le_bytes());
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
        let (&[bits], rest) = rest.split_first_chunk()?;
        let (buckets, rest) = rest.split_first_chunk()?;
        let (receipts_from, _) = rest.split_first_chunk()?;
        Some(Self {
            height: u64::from_le_bytes(*height),
            state_root: *state_root,
            bits: (bits <= MAX_BITS).then_some(bits)?,
            buckets: u64::from_le_bytes(*buckets),
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

fn encode_base(height: u64, block: &[u8]) -> Vec<u8> {
    let mut out = height.to_le_bytes().to_vec();
    out.extend_from_slice(block);
    let sum: [u8; 32] = check(&[BASE.as_bytes(), &out]);
    out.extend_from_slice(&sum);
    out
}

fn decode_base(row: &[u8]) -> Option<(u64, Vec<u8>)> {
    let (body, sum) = row.split_last_chunk::<32>()?;
    let (height, block) = body.split_first_chunk()?;
    (*sum == check::<32>(&[BASE.as_bytes(), body])).then(|| (u64::from_le_bytes(*height), block.to_vec()))
}

/// Reads from the database, which panics on some damaged files (it trusts the state of its allocator, for one): that
/// is an error here, with the file's name. Nothing of a database that has panicked is used again.
fn named<T>(path: &str, read: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| {
        Err(StoreError::new(STORE_DAMAGED, path, "the database could not make sense of its own structure"))
    })
}

fn closed(path: &str) -> StoreError {
    StoreError::new(STORE_DATABASE, path, "it is closed")
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        // Closing a database that has panicked before panics again; what it would have written is not wanted.
        let database = self.database.take();
        let _ = catch_unwind(AssertUnwindSafe(|| drop(database)));
    }
}

impl Checkpoints {
    fn database(&self) -> Result<&Database, StoreError> {
        self.database.as_ref().ok_or_else(|| closed(&self.path))
    }

    /// Opens the checkpoints of a disk, or begins with none.
    pub fn open(disk: &dyn Disk, config: CheckpointConfig) -> Result<Self, StoreError> {
        named(&disk.describe(FILE), || Self::open_file(disk, config))
    }

    fn open_file(disk: &dyn Disk, config: CheckpointConfig) -> Result<Self, StoreError> {
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
        let checkpoints = Self { database: Some(database), path };
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
        let transaction = self.database()?.begin_write();
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
        let read =
            self.database()?.begin_read().map_err(StoreError::database(&self.path, "begin to read"))?;
        let table = read.open_table(META).map_err(StoreError::database(&self.path, "open table meta"))?;
        let value = table.get(row).map_err(StoreError::database(&self.path, "read table meta"))?;
        Ok(value.map(|value| value.value().to_vec()))
    }

    /// The newest checkpoint, if there is one.
    pub fn latest(&self) -> Result<Option<CheckpointMeta>, StoreError> {
        named(&self.path, || self.read_latest())
    }

    fn read_latest(&self) -> Result<Option<CheckpointMeta>, StoreError> {
        let Some(bytes) = self.meta(CHECKPOINT)? else { return Ok(None) };
        let decoded = CheckpointMeta::decode(&bytes);
        decoded.map(Some).ok_or_else(|| self.damaged("table meta, row checkpoint: the checksum is wrong"))
    }

    /// Writes a checkpoint: the buckets that changed since the one before (all of them if `bits` changed; an empty one
    /// is removed), and what the blocks since then did, one blob for each height up to `height` in ascending order. The
    /// first checkpoint may begin its receipts anywhere, or have none. A bucket is dropped as soon as it is written. Receipts below
    /// `keep_from` are removed.
    pub fn write<B: AsRef<[u8]>, R: Deref<Target: AsRef<[u8]>>>(
        &self,
        height: u64,
        state_root: [u8; 32],
        bits: u8,
        buckets: impl IntoIterator<Item = (u32, B)>,
        receipts: impl IntoIterator<Item = (u64, R)>,
        keep_from: u64,
    ) -> Result<CheckpointMeta, StoreError> {
        self.check_bits(bits)?;
        let previous = self.latest()?;
        let transaction = self.begin()?;
        let receipts_from = previous.map_or(height.saturating_add(1), |previous| previous.receipts_from);
        let mut meta = CheckpointMeta { height, state_root, bits, buckets: 0, receipts_from };
        self.write_receipts(&transaction, &mut meta, previous.map(|previous| previous.height), receipts)?;
        self.forget_receipts(&transaction, &mut meta, keep_from)?;
        if let Some(previous) = previous.filter(|previous| previous.bits != bits) {
            let name = table_name(previous.bits);
            transaction
                .delete_table(TableDefinition::<u32, &[u8]>::new(&name))
                .map_err(StoreError::database(&self.path, "delete a table of buckets"))?;
        }
        meta.buckets = self.write_buckets(&transaction, bits, buckets)?;
        self.put_meta(&transaction, CHECKPOINT, &meta.encode())?;
        self.commit(transaction)?;
        Ok(meta)
    }

    /// Puts the state of a block in, in place of all that there is.
    pub fn replace<B: AsRef<[u8]>>(
        &self,
        (height, block): (u64, &[u8]),
        state_root: [u8; 32],
        bits: u8,
        buckets: impl IntoIterator<Item = (u32, B)>,
    ) -> Result<(), StoreError> {
        self.check_bits(bits)?;
        let previous = self.latest()?;
        let transaction = self.begin()?;
        if let Some(previous) = previous {
            let name = table_name(previous.bits);
            transaction
                .delete_table(TableDefinition::<u32, &[u8]>::new(&name))
                .map_err(StoreError::database(&self.path, "delete a table of buckets"))?;
        }
        transaction
            .delete_table(RECEIPTS)
            .map_err(StoreError::database(&self.path, "delete table receipts"))?;
        let receipts_from = height.saturating_add(1);
        let buckets = self.write_buckets(&transaction, bits, buckets)?;
        self.put_meta(&transaction, BASE, &encode_base(height, block))?;
        let meta = CheckpointMeta { height, state_root, bits, buckets, receipts_from };
        self.put_meta(&transaction, CHECKPOINT, &meta.encode())?;
        self.commit(transaction)
    }

    /// The block whose state was put in, and its height, if one was.
    pub fn base(&self) -> Result<Option<(u64, Vec<u8>)>, StoreError> {
        let Some(row) = self.meta(BASE)? else { return Ok(None) };
        let decoded = decode_base(&row);
        decoded.map(Some).ok_or_else(|| self.damaged("table meta, row base: the checksum is wrong"))
    }

    fn check_bits(&self, bits: u8) -> Result<(), StoreError> {
        if bits <= MAX_BITS {
            return Ok(());
        }
        let detail = format_args!("at most {MAX_BITS} bits were expected, {bits} given");
        Err(StoreError::new(STORE_BUCKET_BITS, &self.path, detail))
    }

    /// Removes the receipts below a height.
    fn forget_receipts(
        &self,
        transaction: &WriteTransaction,
        meta: &mut CheckpointMeta,
        keep_from: u64,
    ) -> Result<(), StoreError> {
        let from = meta.receipts_from.max(keep_from.min(meta.height));
        if from > meta.receipts_from {
            let mut table = transaction
                .open_table(RECEIPTS)
                .map_err(StoreError::database(&self.path, "open table receipts"))?;
            table
                .retain_in(..from, |_, _| false)
                .map_err(StoreError::database(&self.path, "remove old receipts"))?;
            meta.receipts_from = from;
        }
        Ok(())
    }

    fn write_receipts<R: Deref<Target: AsRef<[u8]>>>(
        &self,
        transaction: &WriteTransaction,
        meta: &mut CheckpointMeta,
        previous: Option<u64>,
        receipts: impl IntoIterator<Item = (u64, R)>,
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
            let blob = (*blob).as_ref();
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

    /// Returns how many buckets there are then.
    fn write_buckets<B: AsRef<[u8]>>(
        &self,
        transaction: &WriteTransaction,
        bits: u8,
        buckets: impl IntoIterator<Item = (u32, B)>,
    ) -> Result<u64, StoreError> {
        let name = table_name(bits);
        let mut table = transaction
            .open_table(TableDefinition::<u32, &[u8]>::new(&name))
            .map_err(StoreError::database(&self.path, "open a table of buckets"))?;
        let mut value = Vec::new();
        for (prefix, bucket) in buckets {
            let bucket = bucket.as_ref();
            if bucket.is_empty() {
                table.remove(prefix).map_err(StoreError::database(&self.path, "remove a bucket"))?;
                continue;
            }
            value.clear();
            value.extend_from_slice(bucket);
            value.extend_from_slice(&bucket_check(bits, prefix, bucket));
            table
                .insert(prefix, value.as_slice())
                .map_err(StoreError::database(&self.path, "write a bucket"))?;
        }
        table.len().map_err(StoreError::database(&self.path, "count buckets"))
    }

    /// The bytes of a bucket after its check.
    fn open_bucket<'b>(&self, bits: u8, prefix: u32, value: &'b [u8]) -> Result<&'b [u8], StoreError> {
        let parts = value.split_last_chunk::<CHECK_BYTES>();
        match parts {
            Some((bucket, sum)) if *sum == bucket_check(bits, prefix, bucket) => Ok(bucket),
            _ => Err(self.damaged_bucket(bits, prefix, "the checksum is wrong")),
        }
    }

    /// Hands all buckets of the newest checkpoint over, in ascending order of their prefixes. On an error some were
    /// handed over already.
    pub fn load(&self, each: impl FnMut(u32, &[u8])) -> Result<Option<CheckpointMeta>, StoreError> {
        named(&self.path, || self.read_buckets(each))
    }

    fn read_buckets(&self, mut each: impl FnMut(u32, &[u8])) -> Result<Option<CheckpointMeta>, StoreError> {
        let Some(meta) = self.latest()? else { return Ok(None) };
        let read =
            self.database()?.begin_read().map_err(StoreError::database(&self.path, "begin to read"))?;
        let name = table_name(meta.bits);
        let table = read
            .open_table(TableDefinition::<u32, &[u8]>::new(&name))
            .map_err(StoreError::database(&self.path, "open a table of buckets"))?;
        let (mut last, mut buckets) = (None, 0);
        for entry in table.iter().map_err(StoreError::database(&self.path, "read buckets"))? {
            let (prefix, value) = entry.map_err(StoreError::database(&self.path, "read buckets"))?;
            let prefix = prefix.value();
            if last.is_some_and(|last| last >= prefix) {
                return Err(self.damaged_bucket(meta.bits, prefix, "it is out of order"));
            }
            last = Some(prefix);
            buckets += 1;
            each(prefix, self.open_bucket(meta.bits, prefix, value.value())?);
        }
        if buckets != meta.buckets {
            let detail =
                format_args!("table {name}: {} buckets were expected, {buckets} found", meta.buckets);
            return Err(self.damaged(detail));
        }
        Ok(Some(meta))
    }

    /// The receipts of a height; `None` if the newest checkpoint does not cover it.
    pub fn receipts(&self, height: u64) -> Result<Option<Vec<u8>>, StoreError> {
        named(&self.path, || self.read_receipts(height))
    }

    fn read_receipts(&self, height: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let covered = self.latest()?.filter(|meta| (meta.receipts_from..=meta.height).contains(&height));
        let Some(_) = covered else { return Ok(None) };
        let read =
            self.database()?.begin_read().map_err(StoreError::database(&self.path, "begin to read"))?;
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
        named(&self.path.clone(), || self.read_everything())
    }

    fn read_everything(&mut self) -> Result<(), StoreError> {
        let path = self.path.clone();
        let clean = self
            .database
            .as_mut()
            .ok_or_else(|| closed(&path))?
            .check_integrity()
            .map_err(StoreError::database(&path, "check"))?;
        if !clean {
            return Err(self.damaged("the structure of the database was damaged"));
        }
        self.base()?;
        let Some(meta) = self.load(|_, _| ())? else { return Ok(()) };
        (meta.receipts_from..=meta.height).try_for_each(|height| self.receipts(height).map(|_| ()))
    }
}
