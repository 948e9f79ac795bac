//! The states that a node offers to others: one file for each, on a disk of its own.
//!
//! A file of [`sections`](qenex_store::sections): 0 is the list of parts ([`qenex_node::snapshot`]), 1 the block, from 2 on the parts.
//! What rots on a disk is not sent to anybody. A file is written beside its name and renamed, so it is whole or not there.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use qenex_node::snapshot::Frozen;
use qenex_store::Disk;
use qenex_store::sections::{Magic, SectionWriter, Sections};

/// How many are kept: whoever is getting one has the time of an epoch to come to its end.
const KEPT: usize = 2;

const NEW: &str = "new";
const MAGIC: &Magic = b"QXSTATE1";

/// The states on a disk. Clones share them.
#[derive(Clone, Debug)]
pub struct Snapshots {
    store: Arc<Mutex<Store>>,
    /// Held while one is written.
    writing: Arc<Mutex<()>>,
}

#[derive(Debug)]
struct Store {
    disk: Arc<dyn Disk>,
    /// In ascending order of their epochs.
    files: Vec<File>,
}

impl Store {
    /// Removes those that are too old.
    fn forget(&mut self) -> io::Result<()> {
        while self.files.len() > KEPT {
            let old = self.files.remove(0);
            self.disk.remove(&name(old.epoch))?;
        }
        Ok(())
    }
}

/// A file that is open.
#[derive(Clone, Debug)]
struct File {
    epoch: u64,
    sections: Sections,
}

fn name(epoch: u64) -> String {
    format!("state-{epoch:020}")
}

impl File {
    /// Opens a file; nothing if it is damaged.
    fn open(disk: &dyn Disk, epoch: u64) -> io::Result<Option<Self>> {
        let Some(file) = disk.open(&name(epoch))? else { return Ok(None) };
        Ok(Sections::open(file, MAGIC)?.map(|sections| Self { epoch, sections }))
    }

    fn read(&self, index: usize) -> io::Result<Option<Vec<u8>>> {
        match self.sections.read(index) {
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                tracing::error!(epoch = self.epoch, "a state on the disk: {error}");
                Ok(None)
            }
            read => read,
        }
    }
}

impl Snapshots {
    /// What a disk of its own holds. Damaged files are removed.
    ///
    /// # Errors
    /// The disk fails.
    pub fn load(disk: Arc<dyn Disk>) -> io::Result<Self> {
        let mut files = Vec::new();
        for found in disk.list()? {
            let epoch = found.strip_prefix("state-").and_then(|epoch| epoch.parse().ok());
            let file = match epoch {
                Some(epoch) => File::open(&*disk, epoch)?,
                None => None,
            };
            match file {
                Some(file) => files.push(file),
                None => disk.remove(&found)?,
            }
        }
        disk.sync_directory()?;
        files.sort_by_key(|file| file.epoch);
        let mut store = Store { disk, files };
        store.forget()?;
        Ok(Self { store: Arc::new(Mutex::new(store)), writing: Arc::default() })
    }

    fn lock(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The epochs at whose ends there is a state, in ascending order.
    pub fn epochs(&self) -> Vec<u64> {
        self.lock().files.iter().map(|file| file.epoch).collect()
    }

    /// A section of the state at the end of an epoch; nothing if it is not there.
    ///
    /// # Errors
    /// The disk fails.
    pub fn section(&self, epoch: u64, index: usize) -> io::Result<Option<Vec<u8>>> {
        let file = self.lock().files.iter().find(|file| file.epoch == epoch).cloned();
        file.map_or(Ok(None), |file| file.read(index))
    }

    /// Writes the state at the end of an epoch, after this block. Older ones go. Does nothing while another one is written.
    ///
    /// # Errors
    /// The disk fails.
    pub fn write(&self, epoch: u64, frozen: &Frozen, block: &[u8]) -> io::Result<()> {
        let _writing = match self.writing.try_lock() {
            Ok(writing) => writing,
            Err(TryLockError::Poisoned(writing)) => writing.into_inner(),
            Err(TryLockError::WouldBlock) => return Ok(()),
        };
        let disk = Arc::clone(&self.lock().disk);
        if let Err(error) = write(&*disk, frozen, block) {
            // What is not whole takes no room.
            let _ = disk.remove(NEW);
            return Err(error);
        }
        disk.rename(NEW, &name(epoch))?;
        disk.sync_directory()?;
        let mut store = self.lock();
        store.files.retain(|file| file.epoch != epoch);
        store.files.extend(File::open(&*disk, epoch)?);
        store.files.sort_by_key(|file| file.epoch);
        store.forget()
    }
}

/// Writes a file that has no name yet.
fn write(disk: &dyn Disk, frozen: &Frozen, block: &[u8]) -> io::Result<()> {
    let file = disk.create(NEW)?;
    let mut sections = SectionWriter::new(&*file);
    sections.put(&frozen.list())?;
    sections.put(block)?;
    (0..frozen.parts()).try_for_each(|index| sections.put(&frozen.part(index)))?;
    sections.finish(MAGIC)
}
