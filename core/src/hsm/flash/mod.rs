//! What a device remembers, in NOR flash, through any loss of power.
//!
//! Flash is written in words of [`WORD`] bytes, each once between two erasures of its page; so every device
//! with smaller or equal words will do, also those whose words carry an error-correcting code. The power may fail in the middle of
//! writing a word, which may then read as anything, or of erasing a page, which may then read as anything that it
//! could have held. No word is ever written twice.
//!
//! - [`vault`]: named records, of which the newest counts.
//! - [`ring`]: entries of one size, appended one word or a few at a time, the oldest pages erased when they are not needed.

pub mod ring;
pub mod vault;

use core::slice;

use embedded_storage::nor_flash::NorFlash;

use crate::error::error_enum;

/// Bytes that are written at once.
pub const WORD: usize = 16;

/// What an erased word reads as.
pub(super) const BLANK: [u8; WORD] = [0xff; WORD];

error_enum! {
    /// Why the flash did not keep or give something.
    pub enum FlashError {
        Io => FLASH_IO,
        Geometry => FLASH_GEOMETRY,
        Damaged => FLASH_DAMAGED,
        Full => FLASH_FULL,
    }
}

/// A run of pages that serves one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// Where it starts, in bytes.
    pub start: u32,
    /// How many pages it has.
    pub pages: u16,
}

/// A region of a flash, with all offsets counted from its start.
pub(super) struct Area<'f, F> {
    flash: &'f mut F,
    region: Region,
}

impl<F: NorFlash> Area<'_, F> {
    /// Bytes of a page.
    pub(super) const PAGE: u32 = F::ERASE_SIZE as u32;

    /// Whether this device's words and pages fit.
    const FITS: bool =
        F::WRITE_SIZE <= WORD && F::READ_SIZE <= WORD && F::ERASE_SIZE >= 1024 && F::ERASE_SIZE <= 1 << 17;

    pub(super) fn new(flash: &mut F, region: Region) -> Result<Area<'_, F>, FlashError> {
        let area = Area { flash, region };
        let aligned = region.start.checked_rem(Area::<F>::PAGE) == Some(0);
        let end = region.start.checked_add(area.size());
        let inside = end.is_some_and(|end| end as usize <= area.flash.capacity());
        if Area::<F>::FITS && aligned && inside { Ok(area) } else { Err(FlashError::Geometry) }
    }

    pub(super) fn size(&self) -> u32 {
        Self::PAGE.saturating_mul(u32::from(self.region.pages))
    }

    fn at(&self, offset: u32, len: usize) -> Result<u32, FlashError> {
        let end = u32::try_from(len).ok().and_then(|len| offset.checked_add(len));
        if end.is_none_or(|end| end > self.size()) {
            return Err(FlashError::Full);
        }
        self.region.start.checked_add(offset).ok_or(FlashError::Geometry)
    }

    pub(super) fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), FlashError> {
        let at = self.at(offset, bytes.len())?;
        self.flash.read(at, bytes).map_err(|_| FlashError::Io)
    }

    pub(super) fn word(&mut self, offset: u32) -> Result<[u8; WORD], FlashError> {
        let mut word = [0; WORD];
        self.read(offset, &mut word)?;
        Ok(word)
    }

    /// Writes one word and reads it back.
    pub(super) fn write(&mut self, offset: u32, word: &[u8; WORD]) -> Result<(), FlashError> {
        self.write_words(offset, slice::from_ref(word))
    }

    /// Writes words and reads them back.
    fn write_words(&mut self, offset: u32, words: &[[u8; WORD]]) -> Result<(), FlashError> {
        let at = self.at(offset, words.as_flattened().len())?;
        self.flash.write(at, words.as_flattened()).map_err(|_| FlashError::Io)?;
        let mut at = offset;
        for word in words {
            if self.word(at)? != *word {
                return Err(FlashError::Damaged);
            }
            at = at.saturating_add(WORD as u32);
        }
        Ok(())
    }

    /// Writes bytes, the last word filled up with zeros, and reads them back.
    pub(super) fn write_all(&mut self, offset: u32, bytes: &[u8]) -> Result<(), FlashError> {
        let (words, rest) = bytes.as_chunks::<WORD>();
        self.write_words(offset, words)?;
        if rest.is_empty() {
            return Ok(());
        }
        let mut word = [0; WORD];
        word.iter_mut().zip(rest).for_each(|(slot, byte)| *slot = *byte);
        self.write(offset.saturating_add(words.as_flattened().len() as u32), &word)
    }

    /// Whether all words from one offset up to another are blank.
    fn is_blank(&mut self, from: u32, until: u32) -> Result<bool, FlashError> {
        let mut at = from;
        while at < until {
            if self.word(at)? != BLANK {
                return Ok(false);
            }
            at = at.saturating_add(WORD as u32);
        }
        Ok(true)
    }

    /// Erases a page unless it is blank: pages wear out.
    pub(super) fn erase(&mut self, page: u16) -> Result<(), FlashError> {
        let from = Self::PAGE.saturating_mul(u32::from(page));
        let until = from.saturating_add(Self::PAGE);
        if self.is_blank(from, until)? {
            return Ok(());
        }
        let at = self.at(from, Self::PAGE as usize)?;
        self.flash.erase(at, at.saturating_add(Self::PAGE)).map_err(|_| FlashError::Io)?;
        if self.is_blank(from, until)? { Ok(()) } else { Err(FlashError::Damaged) }
    }
}
