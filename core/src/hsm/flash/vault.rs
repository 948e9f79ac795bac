//! Named records, of which the newest counts.
//!
//! The region has two halves, of which one is in use. Records are appended to it; when it is full, the records that count are
//! copied to the other half, whose first word, written last, puts it in use; then the old half is erased, and with it
//! every superseded value. A record is its name, its length, a check of these, a check of all, and its content. One record is
//! all or nothing; what must change together stands in one record.
//!
//! After a loss of power the last record may be torn. It was not acknowledged; [`Vault::open`] copies the others to the other half.

use crc::{CRC_16_IBM_SDLC, CRC_32_ISO_HDLC, Crc, NoTable};
use embedded_storage::nor_flash::NorFlash;

use super::{Area, BLANK, FlashError, Region, WORD};

static CRC_16: Crc<u16, NoTable> = Crc::<u16, NoTable>::new(&CRC_16_IBM_SDLC);
static CRC_32: Crc<u32, NoTable> = Crc::<u32, NoTable>::new(&CRC_32_ISO_HDLC);

/// What a half in use starts with.
const MAGIC: [u8; 4] = *b"QXV1";

/// Bytes before the content of a record: kind, index, length, check of these, check of all. Within one word.
const HEADER: usize = 10;

/// Where the check of all stands in a header.
const CHECK: core::ops::Range<usize> = 6..HEADER;

/// The longest content of a record.
pub const MAX_CONTENT: usize = 2_560;

/// The most records that count at one time.
pub const MAX_RECORDS: usize = 128;

/// What a record is called: its kind, and which of that kind. The kind is not 255.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    /// The kind.
    pub kind: u8,
    /// Which of that kind.
    pub index: u8,
}

/// Where a record lies in the half in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    name: Name,
    offset: u32,
    len: u16,
}

/// The records of a region. After an error of the flash it must be opened again.
#[derive(Clone, Debug)]
pub struct Vault {
    region: Region,
    /// The first page of the half in use.
    half: u16,
    generation: u32,
    /// Where the next record goes.
    end: u32,
    places: heapless::Vec<Place, MAX_RECORDS>,
}

/// A record at some offset.
enum Found {
    Record(Place),
    /// Nothing was written here or behind it.
    End,
    /// The last record was not written to its end.
    Torn,
}

impl Vault {
    /// Finds the records, and finishes what a loss of power left unfinished. A blank region becomes an empty vault.
    ///
    /// # Errors
    /// The region does not fit the flash, or a record is damaged.
    pub fn open<F: NorFlash>(flash: &mut F, region: Region) -> Result<Self, FlashError> {
        let mut area = Area::new(flash, region)?;
        if region.pages < 2 || !region.pages.is_multiple_of(2) {
            return Err(FlashError::Geometry);
        }
        let mut vault =
            Self { region, half: 0, generation: 0, end: WORD as u32, places: heapless::Vec::new() };
        let halves = [0, region.pages >> 1];
        let mut found = false;
        for half in halves {
            let generation = read_generation(&mut area, half)?;
            if let Some(generation) = generation
                && (!found || generation > vault.generation)
            {
                (vault.half, vault.generation, found) = (half, generation, true);
            }
        }
        if !found {
            // A region that never held anything; or the power failed while the first half was put in use.
            for half in halves {
                vault.erase(&mut area, half)?;
            }
            vault.generation = 1;
            vault.put_in_use(&mut area)?;
            return Ok(vault);
        }
        let clean = vault.scan(&mut area)?;
        let other = vault.other();
        vault.erase(&mut area, other)?;
        if !clean {
            vault.compact_area(&mut area, None)?;
        }
        Ok(vault)
    }

    /// The content of a record, at the front of `buffer`.
    ///
    /// # Errors
    /// The flash cannot be read, the record is damaged, or the buffer is too small for it.
    pub fn get<'b, F: NorFlash>(
        &self,
        flash: &mut F,
        name: Name,
        buffer: &'b mut [u8],
    ) -> Result<Option<&'b [u8]>, FlashError> {
        let Some(place) = self.place(name) else { return Ok(None) };
        let mut area = Area::new(flash, self.region)?;
        let content = buffer.get_mut(..usize::from(place.len)).ok_or(FlashError::Damaged)?;
        area.read(self.at::<F>(place.offset).saturating_add(HEADER as u32), content)?;
        let header = area.word(self.at::<F>(place.offset))?;
        if header.first_chunk() != Some(&self.header(name, content)) {
            return Err(FlashError::Damaged);
        }
        Ok(Some(content))
    }

    /// Whether there is a record of this name.
    pub fn contains(&self, name: Name) -> bool {
        self.place(name).is_some()
    }

    /// The indices of the records of a kind.
    pub fn indices(&self, kind: u8) -> impl Iterator<Item = u8> + '_ {
        self.places.iter().filter(move |place| place.name.kind == kind).map(|place| place.name.index)
    }

    /// Writes a record, which replaces the one of the same name. It is durable when this returns.
    ///
    /// # Errors
    /// The content is empty or too long, there are too many records, or the flash cannot be written.
    pub fn put<F: NorFlash>(&mut self, flash: &mut F, name: Name, content: &[u8]) -> Result<(), FlashError> {
        if content.is_empty() || content.len() > MAX_CONTENT || name.kind == u8::MAX {
            return Err(FlashError::Geometry);
        }
        if self.places.is_full() && !self.contains(name) {
            return Err(FlashError::Full);
        }
        self.append(flash, name, content)
    }

    /// Removes a record. Its content stays readable in the flash until the vault is compacted.
    ///
    /// # Errors
    /// The flash cannot be written.
    pub fn remove<F: NorFlash>(&mut self, flash: &mut F, name: Name) -> Result<(), FlashError> {
        if self.contains(name) { self.append(flash, name, &[]) } else { Ok(()) }
    }

    /// Copies what counts to the other half and erases this one: superseded and removed values are gone.
    ///
    /// # Errors
    /// The flash cannot be written.
    pub fn compact<F: NorFlash>(&mut self, flash: &mut F) -> Result<(), FlashError> {
        self.compact_area(&mut Area::new(flash, self.region)?, None)
    }

    /// Erases everything but the records of these kinds. Once the other half is in use there is no way back: after a loss
    /// of power [`Self::open`] erases the rest.
    ///
    /// # Errors
    /// The flash cannot be written.
    pub fn wipe<F: NorFlash>(&mut self, flash: &mut F, kept: &[u8]) -> Result<(), FlashError> {
        let mut area = Area::new(flash, self.region)?;
        self.places.retain(|place| kept.contains(&place.name.kind));
        self.compact_area(&mut area, None)
    }

    fn append<F: NorFlash>(&mut self, flash: &mut F, name: Name, content: &[u8]) -> Result<(), FlashError> {
        let mut area = Area::new(flash, self.region)?;
        if self.has_room::<F>(content.len()) {
            return self.write(&mut area, name, content);
        }
        // The new value goes to the other half in the place of the old one.
        self.compact_area(&mut area, Some((name, content)))
    }

    fn has_room<F: NorFlash>(&self, len: usize) -> bool {
        self.end.saturating_add(padded(len)) <= self.half_size::<F>()
    }

    /// Writes a record behind the others.
    fn write<F: NorFlash>(
        &mut self,
        area: &mut Area<'_, F>,
        name: Name,
        content: &[u8],
    ) -> Result<(), FlashError> {
        if !self.has_room::<F>(content.len()) {
            return Err(FlashError::Full);
        }
        let size = padded(content.len());
        let header = self.header(name, content);
        let mut bytes = header.iter().chain(content);
        let mut at = self.at::<F>(self.end);
        for _ in 0..size >> 4 {
            let mut word = BLANK;
            word.iter_mut().zip(&mut bytes).for_each(|(slot, byte)| *slot = *byte);
            area.write(at, &word)?;
            at = at.saturating_add(WORD as u32);
        }
        let place = Place { name, offset: self.end, len: content.len() as u16 };
        self.end = self.end.saturating_add(size);
        self.note(place)
    }

    /// Takes up a record that is in the flash.
    fn note(&mut self, place: Place) -> Result<(), FlashError> {
        let known = self.places.iter().position(|other| other.name == place.name);
        match known {
            Some(index) if place.len == 0 => {
                self.places.swap_remove(index);
            }
            Some(index) => {
                if let Some(slot) = self.places.get_mut(index) {
                    *slot = place;
                }
            }
            None if place.len == 0 => {}
            None => self.places.push(place).map_err(|_| FlashError::Full)?,
        }
        Ok(())
    }

    fn place(&self, name: Name) -> Option<Place> {
        self.places.iter().find(|place| place.name == name).copied()
    }

    /// Reads all records of the half in use; says whether the last one is whole.
    fn scan<F: NorFlash>(&mut self, area: &mut Area<'_, F>) -> Result<bool, FlashError> {
        loop {
            match self.find::<F>(area)? {
                Found::End => return Ok(true),
                Found::Torn => return Ok(false),
                Found::Record(place) => {
                    self.end = self.end.saturating_add(padded(place.len.into()));
                    self.note(place)?;
                }
            }
        }
    }

    /// What stands at the end of the records known so far.
    fn find<F: NorFlash>(&self, area: &mut Area<'_, F>) -> Result<Found, FlashError> {
        let half_end = self.at::<F>(self.half_size::<F>());
        let at = self.at::<F>(self.end);
        if at.saturating_add(WORD as u32) > half_end {
            return Ok(Found::End);
        }
        let word = area.word(at)?;
        if word == BLANK {
            return if area.is_blank(at, half_end)? { Ok(Found::End) } else { Err(FlashError::Damaged) };
        }
        let [kind, index, low, high, check @ ..] = word;
        let (name, len) = (Name { kind, index }, u16::from_le_bytes([low, high]));
        let next = at.saturating_add(padded(len.into()));
        let whole_header = check.starts_with(&self.name_check(name, len)) && next <= half_end;
        if whole_header && self.checks(area, at, name, len)? {
            return Ok(Found::Record(Place { name, offset: self.end, len }));
        }
        // The words of a record are written in order: where the first one is torn, nothing is behind it.
        let behind = if whole_header { next } else { at.saturating_add(WORD as u32) };
        if area.is_blank(behind, half_end)? { Ok(Found::Torn) } else { Err(FlashError::Damaged) }
    }

    /// Whether the record at an offset of the area is as it was written.
    fn checks<F: NorFlash>(
        &self,
        area: &mut Area<'_, F>,
        at: u32,
        name: Name,
        len: u16,
    ) -> Result<bool, FlashError> {
        let mut digest = self.check(name, len);
        let mut left = usize::from(len);
        let mut from = at.saturating_add(HEADER as u32);
        while left > 0 {
            let mut piece = [0; WORD];
            let piece = piece.get_mut(..left.min(WORD)).ok_or(FlashError::Geometry)?;
            area.read(from, piece)?;
            digest.update(piece);
            left = left.saturating_sub(piece.len());
            from = from.saturating_add(WORD as u32);
        }
        let word = area.word(at)?;
        Ok(word.get(CHECK) == Some(&digest.finalize().to_le_bytes()[..]))
    }

    /// The check of a record's name and length in this generation.
    fn name_check(&self, name: Name, len: u16) -> [u8; 2] {
        let mut digest = CRC_16.digest();
        digest.update(&self.generation.to_le_bytes());
        digest.update(&[name.kind, name.index]);
        digest.update(&len.to_le_bytes());
        digest.finalize().to_le_bytes()
    }

    /// The check of a record in this generation, to which the content is still to be added.
    fn check(&self, name: Name, len: u16) -> crc::Digest<'static, u32, NoTable> {
        let mut digest = CRC_32.digest();
        digest.update(&self.generation.to_le_bytes());
        digest.update(&[name.kind, name.index]);
        digest.update(&len.to_le_bytes());
        digest
    }

    fn header(&self, name: Name, content: &[u8]) -> [u8; HEADER] {
        let len = content.len() as u16;
        let mut digest = self.check(name, len);
        digest.update(content);
        self.header_with(name, len, digest.finalize())
    }

    fn header_with(&self, name: Name, len: u16, check: u32) -> [u8; HEADER] {
        let [a, b, c, d] = check.to_le_bytes();
        let [low, high] = len.to_le_bytes();
        let [e, f] = self.name_check(name, len);
        [name.kind, name.index, low, high, e, f, a, b, c, d]
    }

    /// Copies what counts to the other half, with one new value.
    fn compact_area<F: NorFlash>(
        &mut self,
        area: &mut Area<'_, F>,
        new: Option<(Name, &[u8])>,
    ) -> Result<(), FlashError> {
        let mut next = self.clone();
        next.half = self.other();
        next.generation = self.generation.checked_add(1).ok_or(FlashError::Full)?;
        next.end = WORD as u32;
        next.places.clear();
        next.erase(area, next.half)?;
        for place in &self.places {
            if new.is_none_or(|(name, _)| name != place.name) {
                next.copy(area, self, place)?;
            }
        }
        if let Some((name, content)) = new.filter(|(_, content)| !content.is_empty()) {
            next.write(area, name, content)?;
        }
        next.put_in_use(area)?;
        next.erase(area, self.half)?;
        *self = next;
        Ok(())
    }

    /// Copies a record from the half that was in use; its check is of its generation and is made anew.
    fn copy<F: NorFlash>(
        &mut self,
        area: &mut Area<'_, F>,
        from: &Self,
        place: &Place,
    ) -> Result<(), FlashError> {
        let source = from.at::<F>(place.offset);
        if !from.checks(area, source, place.name, place.len)? {
            return Err(FlashError::Damaged);
        }
        let size = padded(place.len.into());
        let target = self.at::<F>(self.end);
        let mut digest = self.check(place.name, place.len);
        let mut left = usize::from(place.len);
        let mut at = source.saturating_add(HEADER as u32);
        while left > 0 {
            let mut piece = [0; WORD];
            let piece = piece.get_mut(..left.min(WORD)).ok_or(FlashError::Geometry)?;
            area.read(at, piece)?;
            digest.update(piece);
            left = left.saturating_sub(piece.len());
            at = at.saturating_add(WORD as u32);
        }
        let header = self.header_with(place.name, place.len, digest.finalize());
        let mut step = 0;
        while step < size {
            let mut word = area.word(source.saturating_add(step))?;
            if step == 0
                && let Some(slot) = word.first_chunk_mut()
            {
                *slot = header;
            }
            area.write(target.saturating_add(step), &word)?;
            step = step.saturating_add(WORD as u32);
        }
        let copied = Place { offset: self.end, ..*place };
        self.end = self.end.saturating_add(size);
        self.note(copied)
    }

    /// Writes the first word of this half.
    fn put_in_use<F: NorFlash>(&mut self, area: &mut Area<'_, F>) -> Result<(), FlashError> {
        let mut word = BLANK;
        let fields = MAGIC.into_iter().chain(self.generation.to_le_bytes());
        word.iter_mut().zip(fields).for_each(|(slot, byte)| *slot = byte);
        let check = CRC_32.checksum(word.get(..8).unwrap_or_default());
        word.iter_mut().skip(8).zip(check.to_le_bytes()).for_each(|(slot, byte)| *slot = byte);
        area.write(self.at::<F>(0), &word)
    }

    /// Erases the half that starts at this page, first page first: it is not in use from then on.
    fn erase<F: NorFlash>(&self, area: &mut Area<'_, F>, half: u16) -> Result<(), FlashError> {
        (half..half.saturating_add(self.region.pages >> 1)).try_for_each(|page| area.erase(page))
    }

    const fn other(&self) -> u16 {
        if self.half == 0 { self.region.pages >> 1 } else { 0 }
    }

    fn half_size<F: NorFlash>(&self) -> u32 {
        Area::<F>::PAGE.saturating_mul(u32::from(self.region.pages >> 1))
    }

    /// An offset of the half in use as one of the region.
    fn at<F: NorFlash>(&self, offset: u32) -> u32 {
        Area::<F>::PAGE.saturating_mul(self.half.into()).saturating_add(offset)
    }
}

/// Bytes that a record with so much content takes.
fn padded(len: usize) -> u32 {
    (len.saturating_add(HEADER).div_ceil(WORD).saturating_mul(WORD)) as u32
}

fn read_generation<F: NorFlash>(area: &mut Area<'_, F>, half: u16) -> Result<Option<u32>, FlashError> {
    let word = area.word(Area::<F>::PAGE.saturating_mul(u32::from(half)))?;
    let [a, b, c, d, e, f, g, h, i, j, k, l, ..] = word;
    let check = CRC_32.checksum(&[a, b, c, d, e, f, g, h]).to_le_bytes();
    let valid = [a, b, c, d] == MAGIC && [i, j, k, l] == check;
    Ok(valid.then(|| u32::from_le_bytes([e, f, g, h])))
}
