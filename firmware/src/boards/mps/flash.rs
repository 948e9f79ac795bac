//! A NOR flash in memory: words of 16 bytes, each written once between two erasures of its page of 8 KB. The bench's fuse tears a write or an
//! erasure in the middle; what is torn reads as anything that it could have become.

use core::slice;

use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashErrorKind, ReadNorFlash, check_erase, check_read, check_write,
};
use vcell::VolatileCell;

use super::PAGES;
use super::bench::{Bench, power_fails};

/// Bytes of a word.
pub const WORD: usize = 16;
/// Bytes of a page.
pub const PAGE: usize = 8_192;

/// The flash.
pub struct Flash {
    cells: &'static [VolatileCell<u8>],
    bench: Bench,
}

/// What becomes of the bits that a torn step should change.
enum Tear {
    None,
    Some,
    All,
}

impl Flash {
    /// The flash that lies there.
    pub const fn at(address: usize, bench: Bench) -> Self {
        let start = core::ptr::with_exposed_provenance(address);
        // SAFETY: the maps name memory that their boards have, which nothing else uses.
        Self { cells: unsafe { slice::from_raw_parts(start, PAGES as usize * PAGE) }, bench }
    }

    fn cells(&self, offset: u32, len: usize) -> Result<&'static [VolatileCell<u8>], NorFlashErrorKind> {
        let start = offset as usize;
        let end = start.checked_add(len);
        end.and_then(|end| self.cells.get(start..end)).ok_or(NorFlashErrorKind::OutOfBounds)
    }

    /// Burns the fuse; if this step is torn, how.
    fn step(&self) -> Option<Tear> {
        self.bench.burn().then(|| match self.bench.random() % 3 {
            0 => Tear::None,
            1 => Tear::Some,
            _ => Tear::All,
        })
    }

    /// Of the bits that a step changes, those that change.
    fn changed(&self, tear: Option<&Tear>, bits: u8) -> u8 {
        match tear {
            None | Some(Tear::All) => bits,
            Some(Tear::Some) => bits & self.bench.random() as u8,
            Some(Tear::None) => 0,
        }
    }
}

impl ErrorType for Flash {
    type Error = NorFlashErrorKind;
}

impl ReadNorFlash for Flash {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), NorFlashErrorKind> {
        check_read(self, offset, bytes.len())?;
        let cells = self.cells(offset, bytes.len())?;
        bytes.iter_mut().zip(cells).for_each(|(slot, cell)| *slot = cell.get());
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.cells.len()
    }
}

impl NorFlash for Flash {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = PAGE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), NorFlashErrorKind> {
        check_erase(self, from, to)?;
        for page in self.cells(from, to.saturating_sub(from) as usize)?.chunks(PAGE) {
            let tear = self.step();
            for cell in page {
                let bits = cell.get();
                cell.set(bits | self.changed(tear.as_ref(), !bits));
            }
            if tear.is_some() {
                power_fails();
            }
        }
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), NorFlashErrorKind> {
        check_write(self, offset, bytes.len())?;
        for (cells, word) in self.cells(offset, bytes.len())?.chunks(WORD).zip(bytes.chunks(WORD)) {
            if cells.iter().any(|cell| cell.get() != 0xff) {
                return Err(NorFlashErrorKind::Other);
            }
            let tear = self.step();
            for (cell, byte) in cells.iter().zip(word) {
                cell.set(!self.changed(tear.as_ref(), !byte));
            }
            if tear.is_some() {
                power_fails();
            }
        }
        Ok(())
    }
}
