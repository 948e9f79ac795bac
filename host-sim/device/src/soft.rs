//! The simulated device: the service of the firmware in this process. Its flash and its unique secret are files of one directory, so it protects
//! its keys no better than that directory. For tests, and to try a device before there is one.
//!
//! It has slots for images, chooses among them as a loader does, and says the version and the measurement of the one that it chose. The code that
//! runs is this process all the same. It is made with a text as its image, and takes what is signed with the demonstration key for the board `SOFT`.

use std::fs::OpenOptions;
use std::io::{BufRead, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Instant;

use qenex_core::error::{FLASH_IO, IMAGE_NONE};
use qenex_core::hsm::board::{Board, BoardError, Firmware, Layout};
use qenex_core::hsm::channel::Device;
use qenex_core::hsm::flash::Region;
use qenex_core::hsm::image::{BoardName, Vendor, measure_slot};
use qenex_core::hsm::{Hsm, Refusal, SignWork, boot};
use qenex_core::tx::Line;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use zeroize::Zeroizing;

use crate::client::Client;
use crate::error::DeviceError;
use crate::flash_file::{FileFlash, Memory, PAGE};
use crate::image::manufacture_demonstration;
use crate::port::Port;
use crate::serve::{Settle, serve};

/// Pages of the vault.
const VAULT_PAGES: u16 = 16;
/// Pages of the audit log: some 2,700 entries.
const AUDIT_PAGES: u16 = 16;
/// Pages of the votes.
const VOTE_PAGES: u16 = 32;

/// Pages of the boot region, and of each slot: 256 KB, as on the emulated boards.
const BOOT_PAGES: u16 = 2;
const SLOT_PAGES: u16 = 32;
const PAGES: u16 = VAULT_PAGES + AUDIT_PAGES + VOTE_PAGES + BOOT_PAGES + 2 * SLOT_PAGES;

/// What a simulated device is made with.
const VERSION: u32 = 1;
const IMAGE: &[u8] =
    b"The first image of a simulated device. The code that runs is the program that simulates it.\n";

/// Whose images it takes.
fn vendor() -> Result<Vendor, DeviceError> {
    Ok(Vendor::demonstration(BoardName::new("SOFT").map_err(|_| DeviceError::Message)?))
}

/// Where it keeps what.
fn layout() -> Layout {
    let mut end = 0;
    let mut region = |pages: u16| {
        let start = end;
        end += u32::from(pages) * PAGE as u32;
        Region { start, pages }
    };
    Layout {
        vault: region(VAULT_PAGES),
        audit: region(AUDIT_PAGES),
        votes: region(VOTE_PAGES),
        boot: region(BOOT_PAGES),
        slots: [region(SLOT_PAGES), region(SLOT_PAGES)],
    }
}

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
    vendor: Vendor,
    firmware: Firmware,
    /// What it draws from, instead of the system.
    random: Option<StdRng>,
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
        let flash = FileFlash::open(&path, PAGES.into()).map_err(|error| failed(&path, error))?;
        let path = directory.join("unique-secret");
        let secret = unique_secret(&path).map_err(|error| failed(&path, error))?;
        Self::over(flash, secret, person, None)
    }

    /// The device whose flash lies in memory, and who draws all that is random from a seed: a run with it can be repeated. `starts` says how often it was
    /// started. It confirms everything, and shows nothing to anybody.
    ///
    /// # Errors
    /// The memory is not what a device left there.
    pub fn in_memory(memory: &Memory, seed: u64, starts: u64) -> Result<Self, DeviceError> {
        let mut secret = Zeroizing::new([0; 32]);
        StdRng::seed_from_u64(seed).fill_bytes(&mut *secret);
        let random = StdRng::seed_from_u64(seed.wrapping_add(1).wrapping_add(starts << 32));
        Self::over(FileFlash::in_memory(memory, PAGES.into()), secret, Person::Confirms, Some(random))
    }

    fn over(
        mut flash: FileFlash,
        secret: Zeroizing<[u8; 32]>,
        person: Person,
        random: Option<StdRng>,
    ) -> Result<Self, DeviceError> {
        let vendor = vendor()?;
        // A device that was never started; whoever made it may have been cut off.
        if flash.is_blank(VAULT_PAGES.into()) {
            manufacture_demonstration(&mut flash, &layout(), vendor.board, VERSION, IMAGE)?;
        }
        let firmware = boot::start(&mut flash, &layout(), &vendor, measure_slot);
        flash.settle().map_err(|_| DeviceError::Refused(Refusal(FLASH_IO.number)))?;
        let firmware = firmware.ok_or(DeviceError::Refused(Refusal(IMAGE_NONE.number)))?;
        Ok(Self { flash, secret, start: Instant::now(), person, vendor, firmware, random })
    }

    /// A channel to the device, which serves on a thread of its own until the other side hangs up.
    ///
    /// # Errors
    /// The flash is damaged, or the device is not the one that is known.
    pub fn connect(
        self,
        static_key: &Zeroizing<[u8; 32]>,
        known: Option<&[u8; 32]>,
    ) -> Result<Client<Port>, DeviceError> {
        let mut device = self.start()?;
        let (here, there) = UnixStream::pair().map_err(DeviceError::Line)?;
        std::thread::spawn(move || {
            // The other side learns of it.
            let _ = serve(&mut device, there);
        });
        Client::open(Port::from(here), static_key, known)
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

impl Settle for SoftBoard {
    fn settle(&mut self) -> Result<(), DeviceError> {
        let failed = |_| DeviceError::File("flash".into(), std::io::Error::other("it cannot be written"));
        self.flash.settle().map_err(failed)
    }
}

impl Board for SoftBoard {
    type Flash = FileFlash;
    type SignWork = Box<SignWork>;

    fn flash(&mut self) -> &mut FileFlash {
        &mut self.flash
    }

    fn layout(&self) -> Layout {
        layout()
    }

    fn firmware(&self) -> &Firmware {
        &self.firmware
    }

    fn vendor(&self) -> Vendor {
        self.vendor
    }

    fn unique_secret(&self) -> &[u8; 32] {
        &self.secret
    }

    fn entropy(&mut self, bytes: &mut [u8]) -> Result<(), BoardError> {
        match &mut self.random {
            Some(random) => {
                random.fill_bytes(bytes);
                Ok(())
            }
            None => getrandom::fill(bytes).map_err(|_| BoardError::Entropy),
        }
    }

    fn uptime_ms(&mut self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn show(&mut self, line: &Line) {
        if self.random.is_some() || self.person == Person::Absent {
            return;
        }
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
