//! NOR flash in a file: words of 16 bytes, pages of 8 KB. Or in memory, for simulations.
//!
//! Words that are written one behind the other, as those of an item are, become durable together: before anything else is written or erased, and when [`FileFlash::settle`] is
//! called, which whoever serves the device does before each answer. So what was answered is durable, and after a power cut of the whole machine at most the item that was being written is there in parts,
//! which its checksum tells. A process that is killed loses nothing.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash, check_erase, check_read, check_write,
};

/// Bytes of a page.
pub const PAGE: usize = 8_192;
/// Bytes of a word.
pub const WORD: usize = 16;

/// Why the flash did not do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlashFileError {
    /// The file.
    File,
    /// Outside of the flash, or not aligned.
    Bounds,
    /// The word was written before and its page not erased since.
    Overwrite,
}

impl NorFlashError for FlashFileError {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::File | Self::Overwrite => NorFlashErrorKind::Other,
            Self::Bounds => NorFlashErrorKind::OutOfBounds,
        }
    }
}

/// What a flash in memory holds, for as long as somebody has it: it outlives the device.
#[derive(Clone, Debug, Default)]
pub struct Memory(Arc<Mutex<Vec<u8>>>);

/// Where what is written lasts.
#[derive(Debug)]
enum Place {
    File(File),
    Memory(Memory),
}

/// The flash.
#[derive(Debug)]
pub struct FileFlash {
    place: Place,
    bytes: Vec<u8>,
    /// Where what is not durable yet ends.
    unsettled: Option<usize>,
}

impl FileFlash {
    /// Opens the file of a flash with this many pages; a new one is blank. Nobody else can have it open.
    ///
    /// # Errors
    /// The file cannot be opened or has another length.
    pub fn open(path: &Path, pages: usize) -> std::io::Result<Self> {
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive)?;
        let len = pages * PAGE;
        let mut bytes = vec![0xff; len];
        match file.metadata()?.len() {
            0 => {
                file.write_all_at(&bytes, 0)?;
                file.sync_all()?;
            }
            found if found == len as u64 => file.read_exact_at(&mut bytes, 0)?,
            found => {
                let text = format!("a flash of {len} bytes was expected, {found} were found");
                return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, text));
            }
        }
        Ok(Self { place: Place::File(file), bytes, unsettled: None })
    }

    /// A flash with this many pages over what lies in memory; blank if nothing does.
    pub fn in_memory(memory: &Memory, pages: usize) -> Self {
        let mut kept = memory.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.resize(pages * PAGE, 0xff);
        Self { place: Place::Memory(memory.clone()), bytes: kept.clone(), unsettled: None }
    }

    /// Whether nothing was ever written to the first so many pages.
    pub fn is_blank(&self, pages: usize) -> bool {
        self.bytes.iter().take(pages * PAGE).all(|byte| *byte == 0xff)
    }

    /// Makes durable what was written.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn settle(&mut self) -> Result<(), FlashFileError> {
        if self.unsettled.is_none() {
            return Ok(());
        }
        if let Place::File(file) = &self.place {
            file.sync_data().map_err(|_| FlashFileError::File)?;
        }
        self.unsettled = None;
        Ok(())
    }

    fn write_through(&mut self, from: usize, until: usize) -> Result<(), FlashFileError> {
        if self.unsettled != Some(from) {
            self.settle()?;
        }
        self.unsettled = Some(until);
        let bytes = self.bytes.get(from..until).ok_or(FlashFileError::Bounds)?;
        match &self.place {
            Place::File(file) => file.write_all_at(bytes, from as u64).map_err(|_| FlashFileError::File),
            Place::Memory(memory) => {
                let mut kept = memory.0.lock().unwrap_or_else(PoisonError::into_inner);
                kept.get_mut(from..until).ok_or(FlashFileError::Bounds)?.copy_from_slice(bytes);
                Ok(())
            }
        }
    }
}

impl ErrorType for FileFlash {
    type Error = FlashFileError;
}

impl ReadNorFlash for FileFlash {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), FlashFileError> {
        check_read(self, offset, bytes.len()).map_err(|_| FlashFileError::Bounds)?;
        let from = offset as usize;
        let source = self.bytes.get(from..from + bytes.len()).ok_or(FlashFileError::Bounds)?;
        bytes.copy_from_slice(source);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.bytes.len()
    }
}

impl NorFlash for FileFlash {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = PAGE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), FlashFileError> {
        check_erase(self, from, to).map_err(|_| FlashFileError::Bounds)?;
        let (from, to) = (from as usize, to as usize);
        self.bytes.get_mut(from..to).ok_or(FlashFileError::Bounds)?.fill(0xff);
        self.write_through(from, to)
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), FlashFileError> {
        check_write(self, offset, bytes.len()).map_err(|_| FlashFileError::Bounds)?;
        let (from, to) = (offset as usize, offset as usize + bytes.len());
        let target = self.bytes.get_mut(from..to).ok_or(FlashFileError::Bounds)?;
        if target.iter().any(|byte| *byte != 0xff) {
            return Err(FlashFileError::Overwrite);
        }
        target.copy_from_slice(bytes);
        self.write_through(from, to)
    }
}
