//! The embedded durable store of the ledger node.
//!
//! It stores opaque bytes and knows nothing of transactions or balances:
//! - [`block_log`]: the chain as the write-ahead log. A block that was appended and synced is committed.
//! - [`checkpoint`]: the records as of some height and the receipts up to it, in redb, written in the background.
//!   The state is a function of the blocks, so recovery is the newest checkpoint and the blocks after it.
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
pub mod checkpoint;
pub mod disk;
mod error;

pub use block_log::{BlockLog, Cut, LogConfig};
pub use checkpoint::{CheckpointConfig, CheckpointMeta, Checkpoints};
pub use disk::{Disk, DiskFile, RealDisk, SimDisk};
pub use error::StoreError;
