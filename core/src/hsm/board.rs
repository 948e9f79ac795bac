//! What the service needs of the hardware: one implementation for each board, and one for hosts.

use core::ops::DerefMut;

use embedded_storage::nor_flash::NorFlash;

use super::boot::SLOTS;
use super::flash::Region;
use super::image::Vendor;
use super::sign::SignWork;
use crate::crypto::Hash;
use crate::error::error_enum;
use crate::tx::Line;

error_enum! {
    /// Why a board cannot do what it was asked.
    pub enum BoardError {
        Entropy => ENTROPY,
    }
}

/// Where a board keeps what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Named records; an even number of pages.
    pub vault: Region,
    /// The audit log; at least three pages.
    pub audit: Region,
    /// The votes that were given; at least three pages. A vote takes a word: see ARCHITECTURE.md for how many pages last how long.
    pub votes: Region,
    /// What the slots hold: one page for each.
    pub boot: Region,
    /// Two places for images of the firmware.
    pub slots: [Region; SLOTS],
}

/// What runs on a board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Firmware {
    /// Its version: a lower one is not installed.
    pub version: u32,
    /// The hash of its image, as whoever started it has measured it.
    pub measurement: Hash,
    /// The slot that it was started from.
    pub slot: u8,
    /// The place of its record in the order in which they were written.
    pub sequence: u32,
    /// The measurement of a newer image that was given up, if the audit log does not tell of it yet.
    pub given_up: Option<Hash>,
}

/// A board.
pub trait Board {
    /// Its flash.
    type Flash: NorFlash;

    /// Where a request to sign lies: in a static on a device, in a box on a host. The service itself stays small enough to be moved.
    type SignWork: DerefMut<Target = SignWork>;

    /// Its flash.
    fn flash(&mut self) -> &mut Self::Flash;

    /// Where it keeps what.
    fn layout(&self) -> Layout;

    /// What runs on it.
    fn firmware(&self) -> &Firmware;

    /// Whose images it takes.
    fn vendor(&self) -> Vendor;

    /// A secret that only this one device has, and that no host can read.
    fn unique_secret(&self) -> &[u8; 32];

    /// Fills bytes from the hardware's source of entropy.
    ///
    /// # Errors
    /// The source does not work.
    fn entropy(&mut self, bytes: &mut [u8]) -> Result<(), BoardError>;

    /// Milliseconds since the start.
    fn uptime_ms(&mut self) -> u64;

    /// Shows a line on the panel.
    fn show(&mut self, line: &Line);

    /// Whether a person confirms what the panel shows. Waits until one did or did not.
    fn confirm(&mut self) -> bool;
}
