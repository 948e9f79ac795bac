//! The file layer: one flat directory of files.
//!
//! Nothing is durable before it was synced: the bytes of a file by [`DiskFile::sync`], the existence and the name of
//! a file by [`Disk::sync_directory`]. A rename is atomic. Users of the layer may rely on nothing else.

mod real;
mod redb_file;
mod sim;

pub use real::RealDisk;
pub use redb_file::RedbFile;
pub use sim::{Loss, SECTOR_BYTES, SimDisk};

use std::fmt::Debug;
use std::io;
use std::sync::Arc;

/// A directory of files.
pub trait Disk: Debug + Send + Sync {
    /// Opens a file; `None` if there is none of this name.
    fn open(&self, name: &str) -> io::Result<Option<Arc<dyn DiskFile>>>;
    /// Creates an empty file, replacing one of the same name.
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;
    /// Renames a file, replacing one of the new name.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// The names of all files, in ascending order.
    fn list(&self) -> io::Result<Vec<String>>;
    /// Makes creations, renames and removals durable.
    fn sync_directory(&self) -> io::Result<()>;
    /// 32 random bytes.
    fn random(&self) -> io::Result<[u8; 32]>;
    /// How a person finds the file of this name.
    fn describe(&self, name: &str) -> String;
}

/// An open file, shared between threads. Positions are explicit.
pub trait DiskFile: Debug + Send + Sync {
    /// Its length in bytes.
    fn len(&self) -> io::Result<u64>;
    /// Whether it is empty.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
    /// Fills the buffer from this position; an error if the file ends before.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;
    /// Writes at this position, making the file longer where needed; a gap reads as zeros.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// Sets the length; new bytes are zeros.
    fn set_len(&self, len: u64) -> io::Result<()>;
    /// Makes its bytes and its length durable.
    fn sync(&self) -> io::Result<()>;
}
