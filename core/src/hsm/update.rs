//! Updates of the firmware.
//!
//! 1. [`Command::BeginUpdate`] brings the manifest. Signature, board, length and version are checked, a person confirms; then the slot that does
//!    not run is erased.
//! 2. [`Command::UpdatePiece`] bring the image, in order.
//! 3. [`Command::FinishUpdate`] measures what the slot holds, and makes its record count. The next start tries it ([`super::boot`]).
//!
//! A new image confirms itself with its first login: its flash opened, its channel works, and somebody's PIN was right. One that did not is given
//! up at the start after its first; the image that runs then tells the audit log.

use embedded_storage::nor_flash::NorFlash;

use super::audit::NOBODY;
use super::board::{Board, Layout};
use super::boot::{self, Draft};
use super::channel::compared;
use super::flash::{Area, FlashError, WORD};
use super::image::{Image, ImageError, Vendor, check, measure_slot};
use super::proto::{Command, PieceAt};
use super::refusal::{HsmError, Refusal};
use super::service::{Hsm, Work};
use crate::crypto::Hash;

/// An image on its way into a slot.
#[derive(Clone, Copy)]
pub(super) struct Installation {
    draft: Draft,
    length: u32,
    measurement: Hash,
    /// Bytes that are in the slot.
    written: u32,
}

impl Installation {
    /// Empties the slot.
    fn begin<F: NorFlash>(
        flash: &mut F,
        layout: &Layout,
        slot: u8,
        sequence: u32,
        image: &Image,
        manifest: &[u8],
    ) -> Result<Self, FlashError> {
        let draft = Draft::begin(flash, layout, slot, sequence, manifest)?;
        Ok(Self { draft, length: image.length, measurement: image.measurement, written: 0 })
    }

    /// Writes the next piece.
    fn piece<F: NorFlash>(
        &mut self,
        flash: &mut F,
        layout: &Layout,
        offset: u32,
        bytes: &[u8],
    ) -> Result<(), Refusal> {
        let end = offset.saturating_add(bytes.len() as u32);
        let whole = end == self.length || bytes.len().is_multiple_of(WORD);
        if offset != self.written || bytes.is_empty() || end > self.length || !whole {
            return Err(ImageError::Piece.into());
        }
        let region = layout.slots.get(usize::from(self.draft.slot())).ok_or(FlashError::Geometry)?;
        Area::new(flash, *region)?.write_all(offset, bytes)?;
        self.written = end;
        Ok(())
    }

    /// Whether the slot holds the image.
    fn check<F: NorFlash>(&self, flash: &mut F, layout: &Layout) -> Result<(), Refusal> {
        if self.written != self.length {
            return Err(ImageError::Piece.into());
        }
        let region = layout.slots.get(usize::from(self.draft.slot())).ok_or(FlashError::Geometry)?;
        if measure_slot(flash, *region, self.length)? != self.measurement {
            return Err(ImageError::Measurement.into());
        }
        Ok(())
    }
}

/// Puts an image into the first slot of a device that has none, as its maker does.
///
/// # Errors
/// The image is not what its manifest says or not signed for the board, or the flash cannot be written.
pub fn manufacture<F: NorFlash>(
    flash: &mut F,
    layout: &Layout,
    vendor: &Vendor,
    manifest: &[u8],
    image: &[u8],
) -> Result<(), Refusal> {
    let [slot, _] = layout.slots;
    let described = check(manifest, vendor, Area::new(flash, slot)?.size())?;
    let mut installation = Installation::begin(flash, layout, 0, 1, &described, manifest)?;
    installation.piece(flash, layout, 0, image)?;
    installation.check(flash, layout)?;
    Ok(installation.draft.commit(flash, layout.boot)?)
}

impl<B: Board> Hsm<B> {
    pub(super) fn begin_update(&mut self, manifest: &[u8]) -> Result<(), Refusal> {
        let layout = self.board.layout();
        let [slot, _] = layout.slots;
        let slot_bytes = Area::new(self.board.flash(), slot)?.size();
        let image = check(manifest, &self.board.vendor(), slot_bytes)?;
        let running = self.board.firmware();
        let (slot, sequence) = (boot::other(running.slot), running.sequence.checked_add(1));
        // What runs is never older than what was ever confirmed.
        if image.version < running.version {
            return Err(ImageError::Version.into());
        }
        let sequence = sequence.ok_or(FlashError::Full)?;
        self.show("Operation", "Update the firmware");
        self.show("Version", u64::from(image.version));
        self.show("Image", compared(&image.measurement));
        self.confirm()?;
        self.note(Command::BeginUpdate, 0, NOBODY, image.measurement)?;
        self.work = Work::None;
        let flash = self.board.flash();
        self.work = Work::Update(Installation::begin(flash, &layout, slot, sequence, &image, manifest)?);
        Ok(())
    }

    pub(super) fn update_piece(&mut self, request: &PieceAt<'_>) -> Result<(), Refusal> {
        let layout = self.board.layout();
        let Work::Update(installation) = &mut self.work else { return Err(HsmError::CommandSequence.into()) };
        installation.piece(self.board.flash(), &layout, request.offset, request.bytes)
    }

    pub(super) fn finish_update(&mut self) -> Result<(), Refusal> {
        let Work::Update(installation) = core::mem::replace(&mut self.work, Work::None) else {
            return Err(HsmError::CommandSequence.into());
        };
        let layout = self.board.layout();
        installation.check(self.board.flash(), &layout)?;
        self.note(Command::FinishUpdate, 0, NOBODY, installation.measurement)?;
        Ok(installation.draft.commit(self.board.flash(), layout.boot)?)
    }

    /// Notes that the running image works.
    pub(super) fn confirm_image(&mut self) -> Result<(), Refusal> {
        let (boot, slot) = (self.board.layout().boot, self.board.firmware().slot);
        Ok(boot::confirm(self.board.flash(), boot, slot)?)
    }

    /// Tells the audit log of a new image that was given up. A full log hears of it after the start at which it has room.
    pub(super) fn tell_of_return(&mut self) -> Result<(), Refusal> {
        let running = self.board.firmware();
        let (slot, given_up) = (running.slot, running.given_up);
        let Some(measurement) = given_up else { return Ok(()) };
        match self.note(Command::FinishUpdate, Refusal::from(ImageError::Returned).0, NOBODY, measurement) {
            Err(full) if full == HsmError::AuditFull.into() => Ok(()),
            Err(refusal) => Err(refusal),
            Ok(()) => {
                let boot = self.board.layout().boot;
                Ok(boot::told(self.board.flash(), boot, slot)?)
            }
        }
    }
}
