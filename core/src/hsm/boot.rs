//! Which image a device starts, shared by loaders and the simulated device.
//!
//! The firmware has two slots. Each slot has a page of the boot region that says what it holds, its record:
//!
//! | offset | bytes | |
//! |---|---|---|
//! | 0 | 16 | head: `QXB1`, sequence, and both once more with all bits inverted; written last, it makes the record |
//! | 16 | 240 | manifest; its check is its signature |
//! | 256 | 16 | tried: written by the loader before the first start |
//! | 272 | 16 | confirmed: written by the image after the first login |
//! | 288 | 16 | told: written once the audit log tells that the image was given up |
//!
//! The last three are zeros where they are written. Every word is written once between two erasures. An update only ever touches the slot that does
//! not run, and its record; so whenever the power fails, one image can be started.

use embedded_storage::nor_flash::NorFlash;

use super::board::{Firmware, Layout};
use super::flash::{Area, BLANK, FlashError, Region, WORD};
use super::image::{Image, MAX_MANIFEST, Vendor, check, manifest_bytes};
use crate::crypto::Hash;

/// How many slots there are.
pub const SLOTS: usize = 2;

const MAGIC: u32 = u32::from_le_bytes(*b"QXB1");
const HEAD: u32 = 0;
const MANIFEST: u32 = WORD as u32;
const TRIED: u32 = 256;
const CONFIRMED: u32 = 272;
const TOLD: u32 = 288;

/// What a mark is written as.
const MARK: [u8; WORD] = [0; WORD];

const _: () = assert!(MANIFEST as usize + MAX_MANIFEST == TRIED as usize);

/// How a slot stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// A record's place in the order in which they were written.
    pub sequence: u32,
    /// The version of the image.
    pub version: u32,
    /// It was started, or was about to be.
    pub tried: bool,
    /// It has proven to work.
    pub confirmed: bool,
}

/// The slots that may be started, the better one first.
///
/// The newest one that is confirmed or was not tried yet; then one that was tried and never confirmed, the oldest of them, which is what a device
/// has that nobody has logged in to yet. Never one of a lower version than the highest that was confirmed.
pub fn order(slots: &[Option<Standing>; SLOTS]) -> [Option<u8>; SLOTS] {
    let confirmed = slots.iter().flatten().filter(|slot| slot.confirmed);
    let floor = confirmed.map(|slot| slot.version).max().unwrap_or_default();
    let rank = |slot: &Standing| {
        let sequence = i64::from(slot.sequence);
        let hopeful = slot.confirmed || !slot.tried;
        (slot.version >= floor)
            .then_some((hopeful, if hopeful { sequence } else { sequence.saturating_neg() }))
    };
    let [first, second] = slots.each_ref().map(|slot| slot.as_ref().and_then(rank));
    let [zero, one] = [first.map(|_| 0), second.map(|_| 1)];
    if second > first { [one, zero] } else { [zero, one] }
}

/// Chooses the slot to start: the first of [`order`] whose record is signed for the board and whose image is whole; and notes that it was tried.
/// `measure` brings the image of a slot, of so many bytes, to where it runs, and measures it there. What cannot be read is not whole.
pub fn start<F: NorFlash>(
    flash: &mut F,
    layout: &Layout,
    vendor: &Vendor,
    mut measure: impl FnMut(&mut F, Region, u32) -> Result<Hash, FlashError>,
) -> Option<Firmware> {
    let mut records = [None; SLOTS];
    for ((slot, region), record) in (0..).zip(layout.slots).zip(&mut records) {
        *record = Record::read(flash, layout.boot, slot, region, vendor).unwrap_or_default();
    }
    for slot in order(&records.map(|record| record.map(|record| record.standing))).into_iter().flatten() {
        let index = usize::from(slot);
        let Some((region, Some(record))) = layout.slots.get(index).zip(records.get(index).copied()) else {
            continue;
        };
        let Record {
            standing: Standing { sequence, .. },
            image: Image { version, length, measurement, .. },
            ..
        } = record;
        let whole = measure(flash, *region, length) == Ok(measurement);
        if whole && mark(flash, layout.boot, slot, TRIED).is_ok() {
            let newer =
                records.iter().flatten().find(|other| other.standing.sequence > sequence && !other.told);
            let given_up = newer.map(|other| other.image.measurement);
            return Some(Firmware { version, measurement, slot, sequence, given_up });
        }
    }
    None
}

/// What a slot's page says.
#[derive(Clone, Copy)]
struct Record {
    standing: Standing,
    image: Image,
    told: bool,
}

impl Record {
    /// The record of a slot, if it was written to its end and is signed for the board.
    fn read<F: NorFlash>(
        flash: &mut F,
        boot: Region,
        slot: u8,
        region: Region,
        vendor: &Vendor,
    ) -> Result<Option<Self>, FlashError> {
        let slot_bytes = Area::new(flash, region)?.size();
        let mut page = Page::new(flash, boot, slot)?;
        let head = page.word(HEAD)?;
        let [_, _, _, _, s0, s1, s2, s3, ..] = head;
        let sequence = u32::from_le_bytes([s0, s1, s2, s3]);
        let mut buffer = [0; MAX_MANIFEST];
        let manifest = buffer.get_mut(..manifest_bytes(vendor.scheme)).ok_or(FlashError::Geometry)?;
        page.area.read(page.at(MANIFEST), manifest)?;
        if head != self::head(sequence) {
            return Ok(None);
        }
        let Ok(image) = check(manifest, vendor, slot_bytes) else { return Ok(None) };
        // A mark whose writing was cut off may read as anything: it counts as tried, and not as confirmed.
        let standing = Standing {
            sequence,
            version: image.version,
            tried: page.word(TRIED)? != BLANK,
            confirmed: page.word(CONFIRMED)? == MARK,
        };
        Ok(Some(Self { standing, image, told: page.word(TOLD)? != BLANK }))
    }
}

/// The page of a slot.
struct Page<'f, F> {
    area: Area<'f, F>,
    start: u32,
    number: u16,
}

impl<F: NorFlash> Page<'_, F> {
    fn new(flash: &mut F, boot: Region, slot: u8) -> Result<Page<'_, F>, FlashError> {
        let area = Area::new(flash, boot)?;
        if usize::from(boot.pages) < SLOTS {
            return Err(FlashError::Geometry);
        }
        let number = u16::from(slot);
        Ok(Page { area, start: Area::<F>::PAGE.saturating_mul(number.into()), number })
    }

    const fn at(&self, offset: u32) -> u32 {
        self.start.saturating_add(offset)
    }

    fn word(&mut self, offset: u32) -> Result<[u8; WORD], FlashError> {
        self.area.word(self.at(offset))
    }
}

/// The head of a record. A bit that was not written, or not erased, shows beside its inverse.
const fn head(sequence: u32) -> [u8; WORD] {
    let fields = MAGIC as u64 | (sequence as u64) << 32;
    (fields as u128 | (!fields as u128) << 64).to_le_bytes()
}

/// Writes a mark unless something was written there before.
fn mark<F: NorFlash>(flash: &mut F, boot: Region, slot: u8, offset: u32) -> Result<(), FlashError> {
    let mut page = Page::new(flash, boot, slot)?;
    if page.word(offset)? == BLANK {
        let at = page.at(offset);
        page.area.write(at, &MARK)?;
    }
    Ok(())
}

/// Notes that the image of a slot works.
///
/// # Errors
/// The flash cannot be read or written.
pub(super) fn confirm<F: NorFlash>(flash: &mut F, boot: Region, slot: u8) -> Result<(), FlashError> {
    mark(flash, boot, slot, CONFIRMED)
}

/// Notes that the audit log tells of the image that was given up.
///
/// # Errors
/// The flash cannot be read or written.
pub(super) fn told<F: NorFlash>(flash: &mut F, boot: Region, running: u8) -> Result<(), FlashError> {
    mark(flash, boot, other(running), TOLD)
}

/// The slot that does not run while this one does.
pub(super) const fn other(running: u8) -> u8 {
    running ^ 1
}

/// A record that is being made. Until it is written to its end its slot counts as empty.
#[derive(Clone, Copy)]
pub(super) struct Draft {
    slot: u8,
    head: [u8; WORD],
}

impl Draft {
    /// Forgets what a slot holds, and writes the manifest of what it will hold. The slot is erased before its record: a record whose erasure
    /// was cut off has no image any more.
    pub(super) fn begin<F: NorFlash>(
        flash: &mut F,
        layout: &Layout,
        slot: u8,
        sequence: u32,
        manifest: &[u8],
    ) -> Result<Self, FlashError> {
        let region = layout.slots.get(usize::from(slot)).ok_or(FlashError::Geometry)?;
        let mut area = Area::new(flash, *region)?;
        for page in 0..region.pages {
            area.erase(page)?;
        }
        let mut page = Page::new(flash, layout.boot, slot)?;
        page.area.erase(page.number)?;
        let at = page.at(MANIFEST);
        page.area.write_all(at, manifest)?;
        Ok(Self { slot, head: head(sequence) })
    }

    /// The slot.
    pub(super) const fn slot(&self) -> u8 {
        self.slot
    }

    /// Makes the record count: the next start may choose the slot.
    pub(super) fn commit<F: NorFlash>(&self, flash: &mut F, boot: Region) -> Result<(), FlashError> {
        let mut page = Page::new(flash, boot, self.slot)?;
        let at = page.at(HEAD);
        page.area.write(at, &self.head)
    }
}
