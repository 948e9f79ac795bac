//! The file that holds the emulated flash: see `firmware/src/boards/mps/bench.rs`.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use qenex_device::emulated::{Machine, NO_FUSE, PAGES};
use qenex_device::flash_file::PAGE;
use rand::RngExt;

use crate::image::Image;

const FLASH: u64 = (PAGES * PAGE) as u64;
const FUSE: u64 = 4;
const TEAR: u64 = 8;

/// The machine that `QENEX_BOARD` names, or the first one.
pub fn machine() -> Machine {
    let named = std::env::var("QENEX_BOARD").ok().and_then(|name| Machine::named(&name));
    named.unwrap_or(Machine::ALL[0])
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
        let path = folder.join("flash");
        machine().make(&path, &Image::chosen()?.bytes()?, &entropy, &unique_secret)?;
        Ok(Self::open(path)?)
    }

    /// A flash that was used before, with the power back.
    pub fn open(path: PathBuf) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).open(&path)?;
        let flash = Self { file, path, machine: machine() };
        flash.disarm()?;
        Ok(flash)
    }

    fn at(&self, offset: u64) -> u64 {
        self.machine.flash + FLASH + offset
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
