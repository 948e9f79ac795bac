//! The file that holds the emulated flash: see `firmware/src/boards/mps/bench.rs`.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use qenex_core::hsm::board::Layout;
use qenex_core::hsm::flash::Region;
use qenex_core::hsm::image::BoardName;
use qenex_device::FileFlash;
use qenex_device::image::manufacture_demonstration;
use rand::RngExt;

use crate::image::Image;

const PAGE: usize = 8_192;
/// Pages of the flash; the emulator's own page follows.
const PAGES: usize = 130;
const FLASH: usize = PAGES * PAGE;
/// Pages before the boot region, and of each slot.
const RECORDS: u16 = 64;
const SLOT: u16 = 32;
/// The version of the image that devices are made with.
pub const VERSION: u32 = 1;

/// Where an emulated board keeps images, as `firmware/src/boards/mps` says; of the rest no more than that it comes before.
pub fn layout() -> Layout {
    let region = |page: u16, pages| Region { start: u32::from(page) * PAGE as u32, pages };
    let records = region(0, RECORDS);
    let slots = [region(RECORDS + 2, SLOT), region(RECORDS + 2 + SLOT, SLOT)];
    Layout { vault: records, audit: records, votes: records, boot: region(RECORDS, 2), slots }
}
const NO_FUSE: u32 = u32::MAX;
const FUSE: u64 = 4;
const TEAR: u64 = 8;

/// An emulated machine of QEMU, as far as the file is concerned.
#[derive(Clone, Copy, Debug)]
pub struct Machine {
    /// Its name.
    pub name: &'static str,
    /// Bytes of the memory that the file holds.
    pub memory: u64,
    /// Where in it the flash begins.
    pub flash: u64,
    /// Ticks of its clock in a microsecond, which are a thousand instructions.
    pub ticks_per_us: u64,
    /// What images call its board.
    pub board: &'static str,
}

impl Machine {
    /// The machine that `QENEX_BOARD` names, or the first one.
    pub fn chosen() -> Self {
        match std::env::var("QENEX_BOARD").as_deref() {
            Ok("mps3-an524") => {
                let board = "MPS3-AN524";
                Self { name: "mps3-an524", memory: 2 << 30, flash: 0x1000_0000, ticks_per_us: 32, board }
            }
            _ => {
                let board = "MPS2-AN505";
                Self { name: "mps2-an505", memory: 16 << 20, flash: 0, ticks_per_us: 20, board }
            }
        }
    }
}

/// The file.
pub struct FlashFile {
    file: File,
    /// Where it is.
    pub path: PathBuf,
    /// For which machine.
    pub machine: Machine,
}

impl FlashFile {
    /// A flash with fresh secrets and the image in its first slot.
    pub fn create(folder: &Path) -> Result<Self> {
        Self::with_secrets(folder, rand::rng().random(), rand::rng().random())
    }

    /// One with the same secrets each time: what is measured on it can be compared.
    pub fn create_the_same(folder: &Path) -> Result<Self> {
        Self::with_secrets(folder, [1; 32], [2; 32])
    }

    fn with_secrets(folder: &Path, entropy: [u8; 32], unique_secret: [u8; 32]) -> Result<Self> {
        let machine = Machine::chosen();
        let made = folder.join("made");
        let mut flash = FileFlash::open(&made, PAGES)?;
        let image = Image::chosen()?.bytes()?;
        manufacture_demonstration(&mut flash, &layout(), BoardName::new(machine.board)?, VERSION, &image)?;
        let made = std::fs::read(made)?;
        let path = folder.join("flash");
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path)?;
        file.set_len(machine.memory)?;
        let mut page = b"QXE1".to_vec();
        page.extend([NO_FUSE, 0, 0].map(u32::to_le_bytes).concat());
        page.extend(entropy);
        page.extend(unique_secret);
        file.write_all_at(&[made, page].concat(), machine.flash)?;
        Ok(Self { file, path, machine })
    }

    /// A flash that was used before, with the power back.
    pub fn open(path: PathBuf) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).open(&path)?;
        let flash = Self { file, path, machine: Machine::chosen() };
        flash.disarm()?;
        Ok(flash)
    }

    fn at(&self, offset: u64) -> u64 {
        self.machine.flash + FLASH as u64 + offset
    }

    /// Bytes of the flash.
    pub fn read(&self, offset: u32, bytes: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(bytes, self.machine.flash + u64::from(offset))
    }

    /// Changes a byte of the flash, against its rules.
    pub fn damage(&self, offset: u32) -> io::Result<()> {
        let mut byte = [0];
        self.read(offset, &mut byte)?;
        self.file.write_all_at(&[!byte[0]], self.machine.flash + u64::from(offset))
    }

    /// The power fails in the middle of this step, counted from one.
    pub fn arm(&self, steps: u32, tear: u32) -> io::Result<()> {
        self.file.write_all_at(&tear.to_le_bytes(), self.at(TEAR))?;
        self.file.write_all_at(&steps.to_le_bytes(), self.at(FUSE))
    }

    /// The power is back.
    pub fn disarm(&self) -> io::Result<()> {
        self.arm(NO_FUSE, 0)
    }

    /// Whether the power has failed.
    pub fn is_burnt(&self) -> io::Result<bool> {
        let mut fuse = [0; 4];
        self.file.read_exact_at(&mut fuse, self.at(FUSE))?;
        Ok(fuse == [0; 4])
    }
}
