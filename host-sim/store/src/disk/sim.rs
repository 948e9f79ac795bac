//! A disk in memory whose power can be cut.
//!
//! Between syncs nothing is promised: at a power cut each sector of each unsynced write is kept, lost or torn at any
//! byte, each change of a length and each creation, rename and removal is kept or lost, independently of their order.
//! What happens follows from the seed alone.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Disk, DiskFile};

/// The unit in which unsynced writes are kept or lost.
pub const SECTOR_BYTES: usize = 512;

/// The longest file; beyond it the disk is full.
pub const MAX_FILE_BYTES: u64 = 1 << 32;

/// What a power cut does to what was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// All of it is lost.
    All,
    /// None of it is lost, as when only the process ends.
    Nothing,
    /// Each part is kept, lost or torn at random.
    Random,
}

/// The disk. Handles of one session fail after [`SimDisk::restart`] has begun the next.
pub struct SimDisk {
    state: Arc<Mutex<State>>,
    session: u64,
}

struct State {
    seed: u64,
    session: u64,
    files: Vec<File>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    unsynced_names: Vec<NameChange>,
    operations: u64,
    cut_at: Option<u64>,
    powered: bool,
    full: bool,
}

#[derive(Default)]
struct File {
    bytes: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<FileChange>,
}

enum FileChange {
    Write { offset: usize, bytes: Vec<u8> },
    SetLen(usize),
}

enum NameChange {
    Create { name: String, file: usize },
    Rename { from: String, to: String },
    Remove { name: String },
}

impl FileChange {
    /// How long it makes a file at least.
    fn end(&self) -> usize {
        match self {
            Self::Write { offset, bytes } => offset + bytes.len(),
            Self::SetLen(len) => *len,
        }
    }

    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Write { offset, bytes: new } => write(bytes, *offset, new),
            Self::SetLen(len) => bytes.resize(*len, 0),
        }
    }
}

impl NameChange {
    fn apply(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            Self::Create { name, file } => {
                names.insert(name.clone(), *file);
            }
            Self::Rename { from, to } => {
                if let Some(file) = names.remove(from) {
                    names.insert(to.clone(), file);
                }
            }
            Self::Remove { name } => {
                names.remove(name);
            }
        }
    }
}

fn write(bytes: &mut Vec<u8>, offset: usize, new: &[u8]) {
    let end = offset + new.len();
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    bytes[offset..end].copy_from_slice(new);
}

fn power_is_off() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "the simulated power is off")
}

fn within_disk(offset: u64) -> io::Result<usize> {
    if offset > MAX_FILE_BYTES { Err(io::ErrorKind::StorageFull.into()) } else { Ok(offset as usize) }
}

fn not_found(name: &str) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("no simulated file {name}"))
}

impl State {
    /// SplitMix64.
    fn random(&mut self) -> u64 {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.seed;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.random() % bound.max(1) as u64) as usize
    }

    /// Counts one write, sync or change of a name. True: the power goes off during it.
    fn cut_now(&mut self) -> bool {
        let now = self.cut_at == Some(self.operations);
        self.operations += 1;
        if now {
            self.powered = false;
        }
        now
    }

    fn lose_power(&mut self, loss: Loss) {
        for index in 0..self.files.len() {
            let changes = std::mem::take(&mut self.files[index].unsynced);
            let mut bytes = std::mem::take(&mut self.files[index].durable);
            for change in &changes {
                match (loss, change) {
                    (Loss::All, _) => {}
                    (Loss::Nothing, _) => change.apply(&mut bytes),
                    (Loss::Random, FileChange::SetLen(_)) => {
                        if self.below(2) == 0 {
                            change.apply(&mut bytes);
                        }
                    }
                    (Loss::Random, FileChange::Write { offset, bytes: new }) => {
                        self.write_some(&mut bytes, *offset, new);
                    }
                }
            }
            self.files[index].bytes = bytes.clone();
            self.files[index].durable = bytes;
        }
        for change in std::mem::take(&mut self.unsynced_names) {
            if loss == Loss::Nothing || (loss == Loss::Random && self.below(2) == 0) {
                change.apply(&mut self.durable_names);
            }
        }
        self.names = self.durable_names.clone();
        for (index, file) in self.files.iter_mut().enumerate() {
            if !self.names.values().any(|&named| named == index) {
                *file = File::default();
            }
        }
        self.session += 1;
        self.cut_at = None;
        self.powered = true;
    }

    /// Writes some of the sectors, some of them only up to some byte.
    fn write_some(&mut self, bytes: &mut Vec<u8>, offset: usize, new: &[u8]) {
        let mut start = 0;
        while start < new.len() {
            let end = new.len().min(start + SECTOR_BYTES - (offset + start) % SECTOR_BYTES);
            match self.below(8) {
                0..4 => write(bytes, offset + start, &new[start..end]),
                4 => {
                    let kept = self.below(end - start);
                    write(bytes, offset + start, &new[start..start + kept]);
                }
                _ => {}
            }
            start = end;
        }
    }
}

impl SimDisk {
    /// An empty disk.
    pub fn new(seed: u64) -> Arc<Self> {
        let state = State {
            seed,
            session: 0,
            files: Vec::new(),
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            unsynced_names: Vec::new(),
            operations: 0,
            cut_at: None,
            powered: true,
            full: false,
        };
        Arc::new(Self { state: Arc::new(Mutex::new(state)), session: 0 })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn powered(&self) -> io::Result<MutexGuard<'_, State>> {
        powered(&self.state, self.session)
    }

    /// How many writes, syncs and changes of names there have been.
    pub fn operations(&self) -> u64 {
        self.lock().operations
    }

    /// Cuts the power during the operation of this number.
    pub fn cut_at(&self, operation: u64) {
        self.lock().cut_at = Some(operation);
    }

    /// Whether the power is on.
    pub fn is_powered(&self) -> bool {
        self.lock().powered
    }

    /// Whether there is room for more bytes than the files have.
    pub fn set_full(&self, full: bool) {
        self.lock().full = full;
    }

    /// Cuts the power if it is still on, decides what is left, and begins the next session.
    pub fn restart(&self, loss: Loss) -> Arc<Self> {
        let mut state = self.lock();
        state.lose_power(loss);
        Arc::new(Self { state: Arc::clone(&self.state), session: state.session })
    }

    /// The bytes of a file, as a reader sees them.
    pub fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        let state = self.lock();
        state.names.get(name).map(|&file| state.files[file].bytes.clone())
    }

    /// Replaces the bytes of a file durably, as damage or a person would.
    pub fn replace(&self, name: &str, bytes: Vec<u8>) {
        let mut state = self.lock();
        if let Some(&file) = state.names.get(name) {
            state.files[file] = File { bytes: bytes.clone(), durable: bytes, unsynced: Vec::new() };
        }
    }

    fn change_name(&self, change: NameChange) -> io::Result<()> {
        let mut state = self.powered()?;
        change.apply(&mut state.names);
        state.unsynced_names.push(change);
        if state.cut_now() { Err(power_is_off()) } else { Ok(()) }
    }

    fn handle(&self, file: usize) -> Arc<dyn DiskFile> {
        Arc::new(SimFile { state: Arc::clone(&self.state), session: self.session, file })
    }
}

fn powered(state: &Mutex<State>, session: u64) -> io::Result<MutexGuard<'_, State>> {
    let state = state.lock().unwrap_or_else(PoisonError::into_inner);
    if state.powered && state.session == session { Ok(state) } else { Err(power_is_off()) }
}

impl fmt::Debug for SimDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimDisk").field("session", &self.session).finish_non_exhaustive()
    }
}

impl Disk for SimDisk {
    fn open(&self, name: &str) -> io::Result<Option<Arc<dyn DiskFile>>> {
        Ok(self.powered()?.names.get(name).map(|&file| self.handle(file)))
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let file = {
            let mut state = self.powered()?;
            if state.full {
                return Err(io::ErrorKind::StorageFull.into());
            }
            state.files.push(File::default());
            state.files.len() - 1
        };
        self.change_name(NameChange::Create { name: name.to_owned(), file })?;
        Ok(self.handle(file))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        if !self.powered()?.names.contains_key(from) {
            return Err(not_found(from));
        }
        self.change_name(NameChange::Rename { from: from.to_owned(), to: to.to_owned() })
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        if !self.powered()?.names.contains_key(name) {
            return Err(not_found(name));
        }
        self.change_name(NameChange::Remove { name: name.to_owned() })
    }

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.powered()?.names.keys().cloned().collect())
    }

    fn sync_directory(&self) -> io::Result<()> {
        let mut state = self.powered()?;
        let cut = state.cut_now();
        if !cut || state.below(2) == 0 {
            for change in std::mem::take(&mut state.unsynced_names) {
                change.apply(&mut state.durable_names);
            }
        }
        if cut { Err(power_is_off()) } else { Ok(()) }
    }

    fn random(&self) -> io::Result<[u8; 32]> {
        let mut state = self.powered()?;
        let mut bytes = [0; 32];
        for chunk in bytes.chunks_exact_mut(8) {
            chunk.copy_from_slice(&state.random().to_le_bytes());
        }
        Ok(bytes)
    }

    fn describe(&self, name: &str) -> String {
        format!("simulated:{name}")
    }
}

struct SimFile {
    state: Arc<Mutex<State>>,
    session: u64,
    file: usize,
}

impl SimFile {
    fn powered(&self) -> io::Result<MutexGuard<'_, State>> {
        powered(&self.state, self.session)
    }

    fn change(&self, change: FileChange) -> io::Result<()> {
        let mut state = self.powered()?;
        let full = state.full;
        let file = &mut state.files[self.file];
        if full && change.end() > file.bytes.len() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        change.apply(&mut file.bytes);
        file.unsynced.push(change);
        if state.cut_now() { Err(power_is_off()) } else { Ok(()) }
    }
}

impl fmt::Debug for SimFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimFile").field("file", &self.file).finish_non_exhaustive()
    }
}

impl DiskFile for SimFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.powered()?.files[self.file].bytes.len() as u64)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let state = self.powered()?;
        let bytes = &state.files[self.file].bytes;
        let start = usize::try_from(offset).map_err(io::Error::other)?;
        let found = bytes.get(start..).and_then(|rest| rest.get(..buffer.len()));
        let found = found.ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(found);
        Ok(())
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let offset = within_disk(offset)?;
        within_disk((offset + bytes.len()) as u64)?;
        self.change(FileChange::Write { offset, bytes: bytes.to_vec() })
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.change(FileChange::SetLen(within_disk(len)?))
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.powered()?;
        let cut = state.cut_now();
        if !cut || state.below(2) == 0 {
            let file = &mut state.files[self.file];
            for change in std::mem::take(&mut file.unsynced) {
                change.apply(&mut file.durable);
            }
        }
        if cut { Err(power_is_off()) } else { Ok(()) }
    }
}
