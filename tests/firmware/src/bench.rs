//! The file that holds the emulated flash: see `firmware/src/boards/mps/bench.rs`.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rand::RngExt;

/// Bytes of the flash; the emulator's own page follows.
const FLASH: usize = 512 << 10;
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
}

impl Machine {
    /// The machine that `QENEX_BOARD` names, or the first one.
    pub fn chosen() -> Self {
        match std::env::var("QENEX_BOARD").as_deref() {
            Ok("mps3-an524") => {
                Self { name: "mps3-an524", memory: 2 << 30, flash: 0x1000_0000, ticks_per_us: 32 }
            }
            _ => Self { name: "mps2-an505", memory: 16 << 20, flash: 0, ticks_per_us: 20 },
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
    /// A blank flash with fresh secrets.
    pub fn create(folder: &Path) -> io::Result<Self> {
        Self::with_secrets(folder, rand::rng().random(), rand::rng().random())
    }

    /// A blank flash with the same secrets each time: what is measured on it can be compared.
    pub fn create_the_same(folder: &Path) -> io::Result<Self> {
        Self::with_secrets(folder, [1; 32], [2; 32])
    }

    fn with_secrets(folder: &Path, entropy: [u8; 32], unique_secret: [u8; 32]) -> io::Result<Self> {
        let machine = Machine::chosen();
        let path = folder.join("flash");
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path)?;
        file.set_len(machine.memory)?;
        let mut page = b"QXE1".to_vec();
        page.extend([NO_FUSE, 0, 0].map(u32::to_le_bytes).concat());
        page.extend(entropy);
        page.extend(unique_secret);
        file.write_all_at(&[vec![0xff; FLASH], page].concat(), machine.flash)?;
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
