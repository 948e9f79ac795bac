//! The device image in an emulator: QEMU runs the loader and what it starts, over a file that holds the flash and, behind it, the page that only
//! emulated boards have (`firmware/src/boards/mps/bench.rs`). Whoever has the file has the secrets.

use std::fs::OpenOptions;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::process::Command;

use qenex_core::hsm::board::Layout;
use qenex_core::hsm::flash::Region;
use qenex_core::hsm::image::BoardName;

use crate::error::DeviceError;
use crate::flash_file::{FileFlash, PAGE};
use crate::image::manufacture_demonstration;

/// Pages of the flash; the emulator's own page follows.
pub const PAGES: usize = 130;
/// Pages before the boot region, and of each slot.
const RECORDS: u16 = 64;
const SLOT: u16 = 32;

/// The version of the image that devices are made with.
pub const VERSION: u32 = 1;

/// The fuse of a board whose power does not fail.
pub const NO_FUSE: u32 = u32::MAX;

/// A machine of QEMU.
#[derive(Clone, Copy, Debug)]
pub struct Machine {
    /// Its name.
    pub name: &'static str,
    /// What images call its board.
    pub board: &'static str,
    /// Bytes of the memory that the file holds.
    pub memory: u64,
    /// Where in it the flash begins.
    pub flash: u64,
    /// Ticks of its clock in a microsecond, which are a thousand instructions.
    pub ticks_per_us: u64,
}

impl Machine {
    /// All machines that there are images for.
    pub const ALL: [Self; 2] = [
        Self { name: "mps2-an505", board: "MPS2-AN505", memory: 16 << 20, flash: 0, ticks_per_us: 20 },
        Self {
            name: "mps3-an524",
            board: "MPS3-AN524",
            memory: 2 << 30,
            flash: 0x1000_0000,
            ticks_per_us: 32,
        },
    ];

    /// The machine with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|machine| machine.name == name)
    }

    /// QEMU with this machine, its flash in a file, and this loader. Its serial ports are, in this order: the line, the panel, the log.
    pub fn qemu(&self, flash: &Path, loader: &Path) -> Command {
        let file = format!(
            "memory-backend-file,id=flash,size={},mem-path={},share=on",
            self.memory,
            flash.display()
        );
        let mut command = Command::new("qemu-system-arm");
        command
            .args(["-machine", &format!("{},memory-backend=flash", self.name), "-object", &file])
            // One instruction is one nanosecond, whatever the host does.
            .args(["-icount", "shift=0", "-nodefaults", "-display", "none"])
            .arg("-kernel")
            .arg(loader);
        command
    }

    /// Makes the file of a new device with this image in its first slot.
    ///
    /// # Errors
    /// The image does not fit, or the file is there already or cannot be written.
    pub fn make(
        &self,
        path: &Path,
        image: &[u8],
        entropy: &[u8; 32],
        unique_secret: &[u8; 32],
    ) -> Result<(), DeviceError> {
        let failed = |error| DeviceError::File(path.display().to_string(), error);
        let made = path.with_extension("new");
        // What an earlier attempt left.
        let _ = std::fs::remove_file(&made);
        let mut flash = FileFlash::open(&made, PAGES).map_err(failed)?;
        let board = BoardName::new(self.board).map_err(|_| DeviceError::Message)?;
        manufacture_demonstration(&mut flash, &layout(), board, VERSION, image)?;
        let flash = std::fs::read(&made).map_err(failed)?;
        std::fs::remove_file(&made).map_err(failed)?;
        let page = [b"QXE1", &NO_FUSE.to_le_bytes()[..], &[0; 8], entropy, unique_secret].concat();
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
        file.set_len(self.memory).map_err(failed)?;
        file.write_all_at(&[flash, page].concat(), self.flash).map_err(failed)
    }
}

/// Where an emulated board keeps images, as `firmware/src/boards/mps` says; of the rest no more than that it comes before.
pub fn layout() -> Layout {
    let region = |page: u16, pages| Region { start: u32::from(page) * PAGE as u32, pages };
    let records = region(0, RECORDS);
    let slots = [region(RECORDS + 2, SLOT), region(RECORDS + 2 + SLOT, SLOT)];
    Layout { vault: records, audit: records, votes: records, boot: region(RECORDS, 2), slots }
}
