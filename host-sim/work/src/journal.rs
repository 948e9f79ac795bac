//! Pending blocks on a disk, in the order in which they came.
//!
//! A block log of its own whose heights are places in that order, so that it is checked, cut and kept as the log of final blocks is. An entry is the
//! work of all blocks up to this one, 32 bytes, then the block. Segments go when nothing in them is pending any more.

use std::sync::Arc;

use bytes::Bytes;
use qenex_core::consensus::work::Work;
use qenex_core::crypto::Hash;
use qenex_store::{BlockLog, Disk, LogConfig, StoreError};

/// The journal.
pub struct Journal {
    log: BlockLog,
    next: u64,
}

/// An entry.
pub struct Entry {
    /// Its place.
    pub place: u64,
    /// The work of all blocks up to this one.
    pub work: Work,
    /// The block.
    pub block: Bytes,
}

impl Journal {
    /// Opens the journal of a chain on a disk that holds nothing else.
    ///
    /// # Errors
    /// The disk fails, or holds something else.
    pub fn open(disk: Arc<dyn Disk>, genesis: Hash, segment_bytes: u64) -> Result<Self, StoreError> {
        let (log, cut) = BlockLog::open(disk, LogConfig { segment_bytes, genesis: genesis.0 })?;
        if let Some(cut) = cut {
            tracing::warn!(file = cut.file, "a pending block was cut off, which had not been written out");
        }
        let next = log.last_height().map_or(0, |last| last + 1);
        Ok(Self { log, next })
    }

    /// All entries, in order.
    ///
    /// # Errors
    /// One of them is damaged.
    pub fn entries(&self) -> impl Iterator<Item = Result<Entry, StoreError>> {
        self.log.blocks_from(self.log.first_height().unwrap_or(0)).map(|read| {
            let (place, bytes) = read?;
            let mut block = Bytes::from(bytes);
            let mut work = [0; 32];
            let front = block.split_to(work.len().min(block.len()));
            work[..front.len()].copy_from_slice(&front);
            Ok(Entry { place, work: Work::from_bytes(work), block })
        })
    }

    /// The place of the next entry.
    pub const fn next(&self) -> u64 {
        self.next
    }

    /// Adds an entry, which is durable after the next [`sync`](Self::sync).
    ///
    /// # Errors
    /// The disk fails.
    pub fn append(&mut self, work: Work, block: &[u8]) -> Result<(), StoreError> {
        self.log.append(self.next, &[&work.to_bytes(), block].concat())?;
        self.next += 1;
        Ok(())
    }

    /// Makes all entries durable.
    ///
    /// # Errors
    /// The disk fails.
    pub fn sync(&self) -> Result<(), StoreError> {
        self.log.sync()
    }

    /// Lets go of what came before an entry.
    ///
    /// # Errors
    /// The disk fails.
    pub fn forget(&self, before: u64) -> Result<(), StoreError> {
        self.log.forget(before)
    }
}
