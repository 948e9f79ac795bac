//! Entries of one size in a ring of pages: what was appended last is what counts.
//!
//! A page starts with a word that names its place in the sequence of pages and carries a number of its owner's, the base.
//! Entries follow; the last two bytes of each are a check of the sequence, the index and the content. The page after the last one is erased only
//! when it is needed, and its first word is written before any entry.
//!
//! When the power fails while an entry is written, the entry may read as anything. It was not acknowledged, so nothing is lost; the next
//! [`Ring::open`] writes a mark behind it, an entry of zeros. An entry that does not check and has no mark behind it is damage.

use crc::{CRC_16_IBM_SDLC, CRC_32_ISO_HDLC, Crc, NoTable};
use embedded_storage::nor_flash::NorFlash;

use super::{Area, BLANK, FlashError, Region, WORD};

const CRC_16: Crc<u16, NoTable> = Crc::<u16, NoTable>::new(&CRC_16_IBM_SDLC);
const CRC_32: Crc<u32, NoTable> = Crc::<u32, NoTable>::new(&CRC_32_ISO_HDLC);

/// Bytes at the end of an entry that check it.
pub const CHECK: usize = 2;

/// A ring of entries of `SIZE` bytes, a multiple of [`WORD`]. The owner's content of each is [`CHECK`] bytes
/// shorter and not all zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ring<const SIZE: usize> {
    region: Region,
    /// The newest page, if there is any.
    newest: Option<Page>,
}

/// A page in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    page: u16,
    sequence: u32,
    /// The owner's number.
    pub base: u64,
    /// Entries that are written or were begun.
    used: u16,
}

/// What stands at a place.
enum Slot<const SIZE: usize> {
    Blank,
    Entry([u8; SIZE]),
    Mark,
    Torn,
}

impl<const SIZE: usize> Ring<SIZE> {
    const SHAPE: () = assert!(SIZE.is_multiple_of(WORD) && SIZE > 0);

    /// Finds the newest page and closes what a loss of power left open.
    ///
    /// # Errors
    /// The region does not fit the flash, or an entry of the newest page is damaged.
    pub fn open<F: NorFlash>(flash: &mut F, region: Region) -> Result<Self, FlashError> {
        let () = Self::SHAPE;
        let mut area = Area::new(flash, region)?;
        if region.pages < 3 {
            return Err(FlashError::Geometry);
        }
        let mut ring = Self { region, newest: None };
        for page in 0..region.pages {
            if let Some(found) = read_header(&mut area, page)?
                && ring.newest.is_none_or(|newest| newest.sequence < found.sequence)
            {
                ring.newest = Some(found);
            }
        }
        let Some(newest) = &mut ring.newest else { return Ok(ring) };
        let mut torn = false;
        while newest.used < Self::capacity::<F>() {
            match Self::slot(&mut area, newest, newest.used)? {
                Slot::Blank => break,
                Slot::Entry(_) if torn => return Err(FlashError::Damaged),
                Slot::Entry(_) => {}
                Slot::Mark => torn = false,
                Slot::Torn => torn = true,
            }
            newest.used = newest.used.saturating_add(1);
        }
        let rest = offset::<F, SIZE>(newest.page, newest.used);
        let end = Area::<F>::PAGE.saturating_mul(u32::from(newest.page).saturating_add(1));
        if !area.is_blank(rest, end)? {
            return Err(FlashError::Damaged);
        }
        // A page that ends with a torn entry needs no mark: the next page follows it.
        if torn && newest.used < Self::capacity::<F>() {
            Self::write(&mut area, newest, &[0; SIZE])?;
        }
        Ok(ring)
    }

    /// Entries of a page.
    pub const fn capacity<F: NorFlash>() -> u16 {
        match F::ERASE_SIZE.saturating_sub(WORD).checked_div(SIZE) {
            Some(entries) => entries as u16,
            None => 0,
        }
    }

    /// The newest page.
    pub const fn newest(&self) -> Option<&Page> {
        self.newest.as_ref()
    }

    /// Whether the newest page has room for another entry.
    pub fn has_room<F: NorFlash>(&self) -> bool {
        self.newest.is_some_and(|newest| newest.used < Self::capacity::<F>())
    }

    /// The page that [`Self::start_page`] would erase, if it was used before.
    ///
    /// # Errors
    /// The flash cannot be read.
    pub fn oldest<F: NorFlash>(&self, flash: &mut F) -> Result<Option<Page>, FlashError> {
        read_header(&mut Area::new(flash, self.region)?, self.next_page())
    }

    fn next_page(&self) -> u16 {
        match self.newest {
            Some(newest) => newest.page.saturating_add(1).checked_rem(self.region.pages).unwrap_or_default(),
            None => 0,
        }
    }

    /// Starts a new page with this base; what the page held before is gone.
    ///
    /// # Errors
    /// The flash cannot be written.
    pub fn start_page<F: NorFlash>(&mut self, flash: &mut F, base: u64) -> Result<(), FlashError> {
        let mut area = Area::new(flash, self.region)?;
        let page = self.next_page();
        let sequence =
            self.newest.map_or(0, |newest| newest.sequence).checked_add(1).ok_or(FlashError::Full)?;
        area.erase(page)?;
        let mut word = [0; WORD];
        let (fields, check) = word.split_at_mut(12);
        fields.iter_mut().zip(sequence.to_le_bytes().into_iter().chain(base.to_le_bytes())).for_each(
            |(slot, byte)| {
                *slot = byte;
            },
        );
        check.copy_from_slice(&CRC_32.checksum(fields).to_le_bytes());
        area.write(Area::<F>::PAGE.saturating_mul(u32::from(page)), &word)?;
        self.newest = Some(Page { page, sequence, base, used: 0 });
        Ok(())
    }

    /// Appends an entry to the newest page. It is durable when this returns.
    ///
    /// # Errors
    /// The page is full, or the flash cannot be written. The ring must then be opened again.
    pub fn append<F: NorFlash>(&mut self, flash: &mut F, content: &[u8]) -> Result<(), FlashError> {
        let mut area = Area::new(flash, self.region)?;
        let newest = self.newest.as_mut().ok_or(FlashError::Full)?;
        if newest.used >= Self::capacity::<F>() {
            return Err(FlashError::Full);
        }
        let mut entry = [0; SIZE];
        let target = entry.get_mut(..SIZE.saturating_sub(CHECK)).ok_or(FlashError::Geometry)?;
        if content.len() != target.len() {
            return Err(FlashError::Geometry);
        }
        target.copy_from_slice(content);
        Self::write(&mut area, newest, &entry)
    }

    /// The content of an entry of a page, or nothing if none was written there.
    ///
    /// # Errors
    /// The flash cannot be read.
    pub fn read<F: NorFlash>(
        &self,
        flash: &mut F,
        page: &Page,
        index: u16,
    ) -> Result<Option<[u8; SIZE]>, FlashError> {
        match Self::slot(&mut Area::new(flash, self.region)?, page, index)? {
            Slot::Entry(entry) => Ok(Some(entry)),
            Slot::Blank | Slot::Mark | Slot::Torn => Ok(None),
        }
    }

    /// The newest entry of the newest page, as the flash has it, and the page.
    ///
    /// # Errors
    /// The flash cannot be read.
    pub fn last<F: NorFlash>(&self, flash: &mut F) -> Result<Option<(Page, [u8; SIZE])>, FlashError> {
        let Some(newest) = self.newest else { return Ok(None) };
        let Some(index) = newest.used.checked_sub(1) else { return Ok(None) };
        Ok(self.read(flash, &newest, index)?.map(|entry| (newest, entry)))
    }

    /// Calls `each` with every entry of the newest `pages` pages, the oldest first. The oldest page of all may read as
    /// anything if its erasure was cut off.
    ///
    /// # Errors
    /// The flash cannot be read.
    pub fn for_each<F: NorFlash>(
        &self,
        flash: &mut F,
        pages: u16,
        mut each: impl FnMut(&Page, u16, &[u8; SIZE]),
    ) -> Result<(), FlashError> {
        let Some(newest) = self.newest else { return Ok(()) };
        let mut area = Area::new(flash, self.region)?;
        for step in 1..=self.region.pages {
            let page = newest.page.saturating_add(step).checked_rem(self.region.pages).unwrap_or_default();
            let behind = self.region.pages.saturating_sub(step);
            if behind >= pages {
                continue;
            }
            let Some(found) = read_header(&mut area, page)? else { continue };
            // A page that was left over from a round before the last one is not part of the sequence.
            if found.sequence.checked_add(behind.into()) != Some(newest.sequence) {
                continue;
            }
            for index in 0..Self::capacity::<F>() {
                match Self::slot(&mut area, &found, index)? {
                    Slot::Blank => break,
                    Slot::Entry(entry) => each(&found, index, &entry),
                    Slot::Mark | Slot::Torn => {}
                }
            }
        }
        Ok(())
    }

    fn write<F: NorFlash>(
        area: &mut Area<'_, F>,
        page: &mut Page,
        entry: &[u8; SIZE],
    ) -> Result<(), FlashError> {
        let index = page.used;
        // Whatever becomes of it, the place is taken.
        page.used = index.saturating_add(1);
        let mut entry = *entry;
        let check = check(page.sequence, index, &entry);
        if let Some(last) = entry.last_chunk_mut::<CHECK>() {
            *last = check;
        }
        let mut at = offset::<F, SIZE>(page.page, index);
        for word in entry.as_chunks::<WORD>().0 {
            area.write(at, word)?;
            at = at.saturating_add(WORD as u32);
        }
        Ok(())
    }

    fn slot<F: NorFlash>(area: &mut Area<'_, F>, page: &Page, index: u16) -> Result<Slot<SIZE>, FlashError> {
        let mut entry = [0; SIZE];
        area.read(offset::<F, SIZE>(page.page, index), &mut entry)?;
        let (content, written) = entry.split_last_chunk::<CHECK>().ok_or(FlashError::Geometry)?;
        Ok(if *written == check(page.sequence, index, &entry) {
            // To the end: how far an entry is zero depends on the key of the vote marks.
            let bits = content.iter().fold(0, |bits, byte| bits | byte);
            if bits == 0 { Slot::Mark } else { Slot::Entry(entry) }
        } else if entry.as_chunks::<WORD>().0.iter().all(|word| *word == BLANK) {
            Slot::Blank
        } else {
            Slot::Torn
        })
    }
}

fn offset<F: NorFlash, const SIZE: usize>(page: u16, index: u16) -> u32 {
    let entry = u32::from(index).saturating_mul(SIZE as u32).saturating_add(WORD as u32);
    Area::<F>::PAGE.saturating_mul(u32::from(page)).saturating_add(entry)
}

fn read_header<F: NorFlash>(area: &mut Area<'_, F>, page: u16) -> Result<Option<Page>, FlashError> {
    let word = area.word(Area::<F>::PAGE.saturating_mul(u32::from(page)))?;
    let (fields, check) = word.split_last_chunk::<4>().ok_or(FlashError::Geometry)?;
    if CRC_32.checksum(fields).to_le_bytes() != *check {
        return Ok(None);
    }
    let (sequence, base) = fields.split_first_chunk::<4>().ok_or(FlashError::Geometry)?;
    let base = base.first_chunk::<8>().ok_or(FlashError::Geometry)?;
    Ok(Some(Page { page, sequence: u32::from_le_bytes(*sequence), base: u64::from_le_bytes(*base), used: 0 }))
}

/// The check of an entry: its page's sequence, its index and its content.
fn check<const SIZE: usize>(sequence: u32, index: u16, entry: &[u8; SIZE]) -> [u8; CHECK] {
    let mut digest = CRC_16.digest();
    digest.update(&sequence.to_le_bytes());
    digest.update(&index.to_le_bytes());
    digest.update(entry.get(..SIZE.saturating_sub(CHECK)).unwrap_or_default());
    digest.finalize().to_le_bytes()
}
