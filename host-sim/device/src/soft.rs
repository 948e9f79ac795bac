//! The simulated device: the service of the firmware in this process. Its flash and its unique secret are files of one directory, so it protects
//! its keys no better than that directory. For tests, and to try a device before there is one.

use std::fs::OpenOptions;
use std::io::{BufRead, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use qenex_core::crypto::Hash;
use qenex_core::hsm::board::{Board, BoardError, Firmware, Layout};
use qenex_core::hsm::channel::Device;
use qenex_core::hsm::flash::Region;
use qenex_core::hsm::{Hsm, SignWork};
use qenex_core::tx::Line;
use zeroize::Zeroizing;

use crate::error::DeviceError;
use crate::flash_file::{FileFlash, PAGE};

/// Pages of the vault.
const VAULT_PAGES: u16 = 16;
/// Pages of the audit log: some 2,700 entries.
const AUDIT_PAGES: u16 = 16;
/// Pages of the votes.
const VOTE_PAGES: u16 = 32;

/// The simulated firmware has the version of this crate's protocol.
const VERSION: u32 = 1;

/// Who stands at the panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Person {
    /// Somebody at this terminal, who is asked.
    Asked,
    /// Somebody who confirms everything.
    Confirms,
    /// Nobody.
    Absent,
}

/// A board whose parts are files.
pub struct SoftBoard {
    flash: FileFlash,
    secret: Zeroizing<[u8; 32]>,
    start: Instant,
    person: Person,
}

impl SoftBoard {
    /// Opens the device in a directory; a new one is made where there is none.
    ///
    /// # Errors
    /// A file cannot be opened, or is not what a device left there.
    pub fn open(directory: &Path, person: Person) -> Result<Self, DeviceError> {
        let failed = |path: &Path, error| DeviceError::File(path.display().to_string(), error);
        std::fs::create_dir_all(directory).map_err(|error| failed(directory, error))?;
        let path = directory.join("flash");
        let pages = usize::from(VAULT_PAGES + AUDIT_PAGES + VOTE_PAGES);
        let flash = FileFlash::open(&path, pages).map_err(|error| failed(&path, error))?;
        let path = directory.join("unique-secret");
        let secret = unique_secret(&path).map_err(|error| failed(&path, error))?;
        Ok(Self { flash, secret, start: Instant::now(), person })
    }

    /// The device behind its channel.
    ///
    /// # Errors
    /// The flash is damaged.
    pub fn start(self) -> Result<Device<Self>, DeviceError> {
        Ok(Device::new(Hsm::start(self, Box::new(SignWork::new()))?))
    }
}

/// Reads the secret, or makes a new one that only the owner can read.
fn unique_secret(path: &PathBuf) -> std::io::Result<Zeroizing<[u8; 32]>> {
    let mut secret = Zeroizing::new([0; 32]);
    match OpenOptions::new().read(true).open(path) {
        Ok(mut file) => {
            file.read_exact(&mut *secret)?;
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            getrandom::fill(&mut *secret).map_err(std::io::Error::other)?;
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
            file.write_all(&*secret)?;
            file.sync_all()?;
        }
        Err(error) => return Err(error),
    }
    Ok(secret)
}

impl Board for SoftBoard {
    type Flash = FileFlash;
    type SignWork = Box<SignWork>;

    fn flash(&mut self) -> &mut FileFlash {
        &mut self.flash
    }

    fn layout(&self) -> Layout {
        let start = |page: u16| u32::from(page) * PAGE as u32;
        Layout {
            vault: Region { start: 0, pages: VAULT_PAGES },
            audit: Region { start: start(VAULT_PAGES), pages: AUDIT_PAGES },
            votes: Region { start: start(VAULT_PAGES + AUDIT_PAGES), pages: VOTE_PAGES },
        }
    }

    fn firmware(&self) -> Firmware {
        // There is no image to measure.
        Firmware { version: VERSION, measurement: Hash::default() }
    }

    fn unique_secret(&self) -> &[u8; 32] {
        &self.secret
    }

    fn entropy(&mut self, bytes: &mut [u8]) -> Result<(), BoardError> {
        getrandom::fill(bytes).map_err(|_| BoardError::Entropy)
    }

    fn uptime_ms(&mut self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn show(&mut self, line: &Line) {
        // A terminal that has gone away shows nothing; nothing is confirmed then either.
        let _ = writeln!(std::io::stderr(), "  | {line}");
    }

    fn confirm(&mut self) -> bool {
        match self.person {
            Person::Confirms => true,
            Person::Absent => false,
            Person::Asked => {
                let _ = write!(std::io::stderr(), "  | confirm? [y/N] ");
                let mut answer = String::new();
                std::io::stdin().lock().read_line(&mut answer).is_ok() && answer.trim() == "y"
            }
        }
    }
}
