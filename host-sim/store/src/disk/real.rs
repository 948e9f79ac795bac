//! The file system.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use qenex_core::error::STORE_IN_USE;

use super::{Disk, DiskFile};
use crate::error::StoreError;

/// The file whose lock says that the directory is in use. The system frees it when the process ends, however it ends.
const LOCK_FILE: &str = "lock";

/// A directory of the file system, used by this process alone as long as the value lives.
#[derive(Debug)]
pub struct RealDisk {
    path: PathBuf,
    directory: File,
    _lock: File,
}

impl RealDisk {
    /// Opens the directory, creating it where it is missing, and locks it.
    pub fn open(path: &Path) -> Result<Arc<Self>, StoreError> {
        let name = path.display().to_string();
        fs::create_dir_all(path).map_err(StoreError::io(&name, "create the directory"))?;
        let parent = path.join("..");
        let sync = File::open(parent).and_then(|parent| parent.sync_all());
        sync.map_err(StoreError::io(&name, "make the new directory durable"))?;
        let directory = File::open(path).map_err(StoreError::io(&name, "open the directory"))?;
        let lock_path = path.join(LOCK_FILE);
        let lock_name = lock_path.display().to_string();
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&lock_path);
        let lock = lock.map_err(StoreError::io(&lock_name, "open the lock file"))?;
        match lock.try_lock() {
            Ok(()) => Ok(Arc::new(Self { path: path.to_owned(), directory, _lock: lock })),
            Err(TryLockError::WouldBlock) => {
                Err(StoreError::new(STORE_IN_USE, &lock_name, "another process holds the lock"))
            }
            Err(TryLockError::Error(error)) => Err(StoreError::io(&lock_name, "lock")(error)),
        }
    }
}

impl Disk for RealDisk {
    fn open(&self, name: &str) -> io::Result<Option<Arc<dyn DiskFile>>> {
        match OpenOptions::new().read(true).write(true).open(self.path.join(name)) {
            Ok(file) => Ok(Some(Arc::new(RealFile(file)))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let path = self.path.join(name);
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path)?;
        Ok(Arc::new(RealFile(file)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path.join(from), self.path.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            if entry.file_type()?.is_file()
                && let Ok(name) = entry.file_name().into_string()
                && name != LOCK_FILE
            {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    fn sync_directory(&self) -> io::Result<()> {
        self.directory.sync_all()
    }

    fn random(&self) -> io::Result<[u8; 32]> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(io::Error::other)?;
        Ok(bytes)
    }

    fn describe(&self, name: &str) -> String {
        self.path.join(name).display().to_string()
    }
}

#[derive(Debug)]
struct RealFile(File);

impl DiskFile for RealFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(buffer, offset)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }
}
