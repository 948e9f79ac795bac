//! The states that a node offers to others: one file for each, on a disk of its own.
//!
//! ```text
//! file    = sections, for each its offset u64, its length u32 and a check (16 B), trailer
//! trailer = magic "QXSTATE1", number of sections u32, BLAKE3 of all checks and both (32 B)
//! section = 0: the list of parts ([`qenex_node::snapshot`]), 1: the block, from 2 on: the parts
//! ```
//! Integers are little-endian. A check is BLAKE3 of the section: what rots on a disk is not sent to anybody. A file is written beside its name
//! and renamed, so it is whole or not there.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use qenex_node::snapshot::Frozen;
use qenex_store::{Disk, DiskFile};

/// How many are kept: whoever is getting one has the time of an epoch to come to its end.
const KEPT: usize = 2;

const NEW: &str = "new";
const MAGIC: &[u8; 8] = b"QXSTATE1";
const CHECK_BYTES: usize = 16;
const ENTRY_BYTES: usize = 8 + 4 + CHECK_BYTES;
const TRAILER_BYTES: usize = 8 + 4 + 32;

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
    file: Arc<dyn DiskFile>,
    sections: Arc<Vec<Section>>,
}

#[derive(Clone, Copy, Debug)]
struct Section {
    offset: u64,
    length: u32,
    check: [u8; CHECK_BYTES],
}

fn check(bytes: &[u8]) -> [u8; CHECK_BYTES] {
    let mut out = [0; CHECK_BYTES];
    out.copy_from_slice(&blake3::hash(bytes).as_bytes()[..CHECK_BYTES]);
    out
}

impl Section {
    fn encode(&self) -> Vec<u8> {
        [&self.offset.to_le_bytes()[..], &self.length.to_le_bytes(), &self.check].concat()
    }

    fn decode(bytes: &[u8; ENTRY_BYTES]) -> Option<Self> {
        let (offset, rest) = bytes.split_first_chunk()?;
        let (length, check) = rest.split_first_chunk()?;
        let (offset, length) = (u64::from_le_bytes(*offset), u32::from_le_bytes(*length));
        Some(Self { offset, length, check: check.try_into().ok()? })
    }
}

fn name(epoch: u64) -> String {
    format!("state-{epoch:020}")
}

impl File {
    /// Opens a file; nothing if it is damaged.
    fn open(disk: &dyn Disk, epoch: u64) -> io::Result<Option<Self>> {
        let Some(file) = disk.open(&name(epoch))? else { return Ok(None) };
        let sections = sections(&*file)?;
        Ok(sections.map(|sections| Self { epoch, file, sections: Arc::new(sections) }))
    }

    fn read(&self, index: usize) -> io::Result<Option<Vec<u8>>> {
        let Some(section) = self.sections.get(index) else { return Ok(None) };
        let mut bytes = vec![0; section.length as usize];
        self.file.read_at(section.offset, &mut bytes)?;
        let intact = check(&bytes) == section.check;
        if !intact {
            tracing::error!(epoch = self.epoch, index, "a state on the disk is damaged");
        }
        Ok(intact.then_some(bytes))
    }
}

/// Where the sections of a file are.
fn sections(file: &dyn DiskFile) -> io::Result<Option<Vec<Section>>> {
    let Some(end) = file.len()?.checked_sub(TRAILER_BYTES as u64) else { return Ok(None) };
    let mut trailer = [0; TRAILER_BYTES];
    file.read_at(end, &mut trailer)?;
    let (front, sum) = trailer.split_at(12);
    let Some(count) = front.strip_prefix(MAGIC).and_then(|count| count.try_into().ok()) else {
        return Ok(None);
    };
    let bytes = ENTRY_BYTES * u32::from_le_bytes(count) as usize;
    let Some(start) = end.checked_sub(bytes as u64) else { return Ok(None) };
    let mut table = vec![0; bytes];
    file.read_at(start, &mut table)?;
    if blake3::hash(&[&table[..], front].concat()).as_bytes() != sum {
        return Ok(None);
    }
    let (entries, _) = table.as_chunks();
    Ok(entries.iter().map(Section::decode).collect())
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
    let mut offset = 0;
    let mut table = Vec::new();
    let mut put = |bytes: &[u8]| {
        let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
        table.extend(Section { offset, length, check: check(bytes) }.encode());
        file.write_at(offset, bytes)?;
        offset += u64::from(length);
        Ok::<_, io::Error>(())
    };
    put(&frozen.list())?;
    put(block)?;
    for index in 0..frozen.parts() {
        put(&frozen.part(index))?;
    }
    let count = u32::try_from(2 + frozen.parts()).map_err(io::Error::other)?;
    table.extend([&MAGIC[..], &count.to_le_bytes()].concat());
    let sum = blake3::hash(&table);
    table.extend(sum.as_bytes());
    file.write_at(offset, &table)?;
    file.sync()
}
