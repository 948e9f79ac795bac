//! The embedded store: a block log and checkpoints in redb, on one disk.

use std::sync::Arc;

use crate::block_log::{BlockLog, Cut, LogConfig};
use crate::checkpoint::{CheckpointConfig, CheckpointMeta, Checkpoints};
use crate::disk::Disk;
use crate::error::StoreError;
use crate::{State, Store};

/// How it is opened.
#[derive(Clone, Copy, Debug)]
pub struct EmbeddedConfig {
    /// Bytes of a segment of the block log.
    pub segment_bytes: u64,
    /// Memory that the database may use to cache pages.
    pub cache_bytes: usize,
    /// The chain: what belongs to another one is refused.
    pub genesis: [u8; 32],
}

/// What a disk holds of a chain.
#[derive(Debug)]
pub struct Embedded {
    log: BlockLog,
    checkpoints: Checkpoints,
    name: String,
}

impl Embedded {
    /// Opens the store of a disk, or begins with an empty one. The second value says what was cut off the end of the log.
    ///
    /// # Errors
    /// The disk fails, something on it is damaged, or belongs to another chain.
    pub fn open(disk: &Arc<dyn Disk>, config: EmbeddedConfig) -> Result<(Self, Option<Cut>), StoreError> {
        let EmbeddedConfig { segment_bytes, cache_bytes, genesis } = config;
        let (log, cut) = BlockLog::open(Arc::clone(disk), LogConfig { segment_bytes, genesis })?;
        let checkpoints = Checkpoints::open(&**disk, CheckpointConfig { cache_bytes, genesis })?;
        if let Some((height, block)) = checkpoints.base()?
            && checkpoints.latest()?.is_some_and(|meta| meta.height == height)
            && log.last_height().is_none_or(|last| last < height)
        {
            // A state was put in, and the power went before the log began anew.
            log.restart(height, &block)?;
        }
        Ok((Self { log, checkpoints, name: disk.describe("") }, cut))
    }

    /// Reads everything once: damage anywhere is an error that names it.
    ///
    /// # Errors
    /// Something is damaged.
    pub fn verify(&mut self) -> Result<(), StoreError> {
        self.log.verify()?;
        self.checkpoints.verify()
    }
}

impl Store for Embedded {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn first_height(&self) -> Option<u64> {
        self.log.first_height()
    }

    fn last_height(&self) -> Option<u64> {
        self.log.last_height()
    }

    fn append(&self, height: u64, block: &[u8]) -> Result<(), StoreError> {
        self.log.append(height, block)
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.log.sync()
    }

    fn prepare(&self) -> Result<(), StoreError> {
        self.log.prepare()
    }

    fn read(&self, height: u64) -> Result<Vec<u8>, StoreError> {
        self.log.read(height)
    }

    fn forget(&self, below: u64) -> Result<(), StoreError> {
        self.log.forget(below)
    }

    fn latest(&self) -> Result<Option<CheckpointMeta>, StoreError> {
        self.checkpoints.latest()
    }

    fn load(&self, each: &mut dyn FnMut(u32, &[u8])) -> Result<Option<CheckpointMeta>, StoreError> {
        self.checkpoints.load(each)
    }

    fn receipts(&self, height: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.checkpoints.receipts(height)
    }

    fn write(
        &self,
        state: State<'_>,
        receipts: &mut (dyn Iterator<Item = (u64, Arc<Vec<u8>>)> + Send),
        keep_from: u64,
    ) -> Result<CheckpointMeta, StoreError> {
        let State { height, root, bits, buckets } = state;
        self.checkpoints.write(height, root, bits, buckets, receipts, keep_from)
    }

    fn replace(&self, block: &[u8], state: State<'_>) -> Result<(), StoreError> {
        let State { height, root, bits, buckets } = state;
        self.checkpoints.replace((height, block), root, bits, buckets)?;
        self.log.restart(height, block)
    }
}
