//! The durable store of a ledger node: what one does ([`Store`]), and the embedded one.
//!
//! It stores opaque bytes and knows nothing of transactions or balances:
//! - [`embedded`]: the two below on one disk.
//! - [`block_log`]: the chain as the write-ahead log. A block that was appended and synced is committed.
//! - [`checkpoint`]: the records as of some height and the receipts up to it, in redb, written in the background.
//!   The state is a function of the blocks, so recovery is the newest checkpoint and the blocks after it.
//! - [`copy`](mod@copy): a chain from one store to another.
//! - [`sections`]: files of sections, each with its check, for states that travel and are kept.
//! - [`disk`]: the file layer below both, with two users: the file system, and a simulated disk that loses, tears
//!   and reorders what was not synced when its power is cut, from a seed.
//!
//! # Promises
//! - What was committed is there after a crash at any moment, or opening fails with an error that names the damaged
//!   file and place. Nothing is guessed.
//! - An incomplete last block is cut, and the caller is told so.
//! - Sizes are in bytes, heights are block heights, integers in files are little-endian.
#![forbid(unsafe_code)]

pub mod block_log;
pub mod check;
pub mod checkpoint;
pub mod copy;
pub mod disk;
pub mod embedded;
mod error;
pub mod sections;

pub use block_log::{BlockLog, Cut, LogConfig};
pub use checkpoint::{CheckpointConfig, CheckpointMeta, Checkpoints};
pub use disk::{Disk, DiskFile, RealDisk, SimDisk};
pub use embedded::{Embedded, EmbeddedConfig};
pub use error::StoreError;

use std::fmt::Debug;
use std::sync::Arc;

/// The records as of a height.
pub struct State<'a> {
    /// The height.
    pub height: u64,
    /// The state root there.
    pub root: [u8; 32],
    /// How many leading bits of a key choose its bucket.
    pub bits: u8,
    /// The buckets, by prefix; an empty one is removed. Whoever writes lets go of each as soon as he can.
    pub buckets: &'a mut (dyn Iterator<Item = (u32, Arc<[u8]>)> + Send),
}

/// What a node keeps of its chain: its final blocks, and the state as of one of them with what the blocks up to there did.
///
/// One thread appends blocks and one writes states, while others read. After a write that failed nothing more is written until the store is opened again.
pub trait Store: Debug + Send + Sync {
    /// Where it is, for a person.
    fn name(&self) -> String;

    /// Height of the first block that is kept.
    fn first_height(&self) -> Option<u64>;

    /// Height of the newest committed block.
    fn last_height(&self) -> Option<u64>;

    /// Appends a block at the next height; any height is the next one of an empty store. It is committed by the next [`Self::sync`].
    ///
    /// # Errors
    /// It is not the next height, the block is too long, or the store fails.
    fn append(&self, height: u64, block: &[u8]) -> Result<(), StoreError>;

    /// Commits all that was appended.
    ///
    /// # Errors
    /// The store fails: whether the blocks are there is found out by opening it again.
    fn sync(&self) -> Result<(), StoreError>;

    /// Does ahead what an append would have to.
    ///
    /// # Errors
    /// The store fails.
    fn prepare(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// A committed block.
    ///
    /// # Errors
    /// There is none of this height, or it was forgotten, or is damaged.
    fn read(&self, height: u64) -> Result<Vec<u8>, StoreError>;

    /// Lets go of blocks below a height, of some of them or of all. Those that the newest state needs are asked for by nobody.
    ///
    /// # Errors
    /// The store fails.
    fn forget(&self, below: u64) -> Result<(), StoreError>;

    /// The newest state, if there is one.
    ///
    /// # Errors
    /// The store fails.
    fn latest(&self) -> Result<Option<CheckpointMeta>, StoreError>;

    /// Hands all buckets of the newest state over, in ascending order of their prefixes. On an error some were handed over already.
    ///
    /// # Errors
    /// The store fails, or something is damaged.
    fn load(&self, each: &mut dyn FnMut(u32, &[u8])) -> Result<Option<CheckpointMeta>, StoreError>;

    /// What the block of a height did; `None` if the newest state does not cover it.
    ///
    /// # Errors
    /// The store fails, or it is damaged.
    fn receipts(&self, height: u64) -> Result<Option<Vec<u8>>, StoreError>;

    /// Writes a state in one step: the buckets that changed since the one before (all of them if `bits` changed), and what the blocks since then did,
    /// one blob for each height in ascending order. The first state may begin its receipts anywhere, or have none. Receipts below `keep_from` are removed.
    ///
    /// # Errors
    /// The heights do not follow each other, or the store fails.
    fn write(
        &self,
        state: State<'_>,
        receipts: &mut (dyn Iterator<Item = (u64, Arc<Vec<u8>>)> + Send),
        keep_from: u64,
    ) -> Result<CheckpointMeta, StoreError>;

    /// Puts the state of a block in, and the block, in place of all that there is.
    ///
    /// # Errors
    /// The store fails.
    fn replace(&self, block: &[u8], state: State<'_>) -> Result<(), StoreError>;
}
