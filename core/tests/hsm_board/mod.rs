//! A board in memory, and a host that talks to the service on it.

use std::sync::OnceLock;

use qenex_core::codec::{Encoded, decode, encode};
use qenex_core::consensus::Header;
use qenex_core::crypto::secret::{SecretKey, label_seed};
use qenex_core::crypto::{Hash, Purpose, Scheme};
use qenex_core::error::Code;
use qenex_core::hsm::board::{Board, BoardError, Firmware, Layout};
use qenex_core::hsm::boot;
use qenex_core::hsm::flash::Region;
use qenex_core::hsm::image::{BoardName, Image, Vendor, measure, measure_slot};
use qenex_core::hsm::proto::{Command, MAX_MESSAGE, Nothing, PieceAt};
use qenex_core::hsm::{Hsm, Refusal, SignWork, UserName, manufacture};
use qenex_core::id::{AccountId, ChainId};
use qenex_core::tx::Line;
use serde::de::DeserializeOwned;

use crate::flash_disk::{Disk, PAGE};

pub const VAULT_PAGES: u16 = 24;
pub const AUDIT_PAGES: u16 = 4;
pub const VOTE_PAGES: u16 = 4;
pub const BOOT_PAGES: u16 = 2;
pub const SLOT_PAGES: u16 = 2;
pub const PAGES: usize = (VAULT_PAGES + AUDIT_PAGES + VOTE_PAGES + BOOT_PAGES + 2 * SLOT_PAGES) as usize;

/// The version of the image that a board is made with, and its bytes.
pub const VERSION: u32 = 3;
pub const IMAGE: &[u8] = b"the image that the board was made with";

/// A name.
pub fn name(text: &str) -> UserName {
    UserName::new(text).unwrap()
}

/// What a refusal is.
pub fn refused<T>(code: Code) -> Result<T, Refusal> {
    Err(Refusal(code.number))
}

/// A header of the chain of the tests, with a set of validators that nobody is in.
pub fn header(height: u64) -> Header {
    Header {
        protocol: Header::PROTOCOL,
        chain_id: ChainId::new("QENEX-TEST").unwrap(),
        epoch: 4,
        view: 0,
        height,
        parent: Hash([1; 32]),
        time_ms: height * 1_000,
        proposer: AccountId::new("VALIDATOR_1").unwrap(),
        transaction_root: Hash([2; 32]),
        state_root: Hash([3; 32]),
        receipt_root: Hash([4; 32]),
        validators: Hash([5; 32]),
        next_validators: Hash([5; 32]),
        seal: Default::default(),
    }
}

/// Whose images the board takes.
pub fn vendor() -> Vendor {
    Vendor::demonstration(BoardName::new("TEST").unwrap())
}

/// What an image is.
pub fn described(version: u32, image: &[u8]) -> Image {
    Image { board: vendor().board, version, length: image.len() as u32, measurement: measure(image) }
}

/// The vendor's signature of an image.
pub fn signed(image: Image) -> Vec<u8> {
    signed_by(&label_seed("qenex-demo", "VENDOR"), Purpose::Firmware, image)
}

/// Somebody's signature of an image, with a key of some purpose.
pub fn signed_by(seed: &[u8; 32], purpose: Purpose, image: Image) -> Vec<u8> {
    let key = SecretKey::from_seed(Scheme::Ed25519, seed).unwrap();
    let (mut public_key, mut signature) = ([0; 32], [0; 64]);
    let public_key = key.public_key(&mut public_key).unwrap();
    let signature = key.sign(purpose, &image.id(), &mut signature).unwrap();
    [&image.to_bytes(), public_key, signature].concat()
}

/// A board whose time and person are what the test says.
#[derive(Clone)]
pub struct TestBoard {
    pub disk: Disk,
    pub uptime_ms: u64,
    pub confirms: bool,
    pub shown: Vec<String>,
    pub entropy: u64,
    pub unique_secret: [u8; 32],
    /// What was started last.
    pub firmware: Option<Firmware>,
}

impl TestBoard {
    pub fn new(seed: u64) -> Self {
        static MANIFEST: OnceLock<Vec<u8>> = OnceLock::new();
        let manifest = MANIFEST.get_or_init(|| signed(described(VERSION, IMAGE)));
        let mut disk = Disk::new(PAGES, seed);
        manufacture(&mut disk, &layout(), &vendor(), manifest, IMAGE).unwrap();
        Self {
            disk,
            uptime_ms: 0,
            confirms: true,
            shown: Vec::new(),
            entropy: seed,
            unique_secret: [7; 32],
            firmware: None,
        }
    }

    /// What a loader does: which image runs.
    pub fn boot(&mut self) -> Option<Firmware> {
        self.firmware = boot::start(&mut self.disk, &layout(), &vendor(), measure_slot);
        self.firmware
    }
}

/// Where the board keeps what.
pub fn layout() -> Layout {
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

impl Board for TestBoard {
    type Flash = Disk;
    type SignWork = Box<SignWork>;

    fn flash(&mut self) -> &mut Disk {
        &mut self.disk
    }

    fn layout(&self) -> Layout {
        layout()
    }

    fn firmware(&self) -> &Firmware {
        self.firmware.as_ref().unwrap()
    }

    fn vendor(&self) -> Vendor {
        vendor()
    }

    fn unique_secret(&self) -> &[u8; 32] {
        &self.unique_secret
    }

    fn entropy(&mut self, bytes: &mut [u8]) -> Result<(), BoardError> {
        for chunk in bytes.chunks_mut(8) {
            // The generator of the flash, with a state of its own.
            self.entropy =
                self.entropy.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            chunk.copy_from_slice(&self.entropy.rotate_left(23).to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }

    fn uptime_ms(&mut self) -> u64 {
        self.uptime_ms
    }

    fn show(&mut self, line: &Line) {
        self.shown.push(line.to_string());
    }

    fn confirm(&mut self) -> bool {
        self.confirms
    }
}

/// Starts a device: whichever of its images is to run.
pub fn power_on(mut board: TestBoard) -> Hsm<TestBoard> {
    board.boot().expect("an image that can be started");
    Hsm::start(board, Box::new(SignWork::new())).unwrap()
}

/// Gives a command with raw bytes: the body of the response, or why it was refused.
pub fn give(hsm: &mut Hsm<TestBoard>, number: u8, body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let request = [&[number], body].concat();
    let mut response = [0; MAX_MESSAGE];
    let len = hsm.handle(&request, &mut response);
    match u16::from_le_bytes([response[0], response[1]]) {
        0 => Ok(response[2..len].to_vec()),
        refusal => {
            assert_eq!(len, 2, "a refusal has no body");
            Err(Refusal(refusal))
        }
    }
}

/// Gives a command with a body: the body of the response.
pub fn ask<T: Encoded>(hsm: &mut Hsm<TestBoard>, command: Command, body: &T) -> Result<Vec<u8>, Refusal> {
    let mut buffer = [0; MAX_MESSAGE];
    let body = encode(body, &mut buffer).unwrap();
    give(hsm, command as u8, body)
}

/// Gives a command that answers with nothing.
pub fn tell<T: Encoded>(hsm: &mut Hsm<TestBoard>, command: Command, body: &T) -> Result<(), Refusal> {
    let response = ask(hsm, command, body)?;
    assert!(response.is_empty());
    Ok(())
}

/// Gives a command that answers with a value.
pub fn get<T: Encoded, R: Encoded + DeserializeOwned>(
    hsm: &mut Hsm<TestBoard>,
    command: Command,
    body: &T,
) -> Result<R, Refusal> {
    Ok(decode::<R>(&ask(hsm, command, body)?).unwrap())
}

pub const NOTHING: Nothing = Nothing {};

/// Gives a device a new image, in pieces.
pub fn update(hsm: &mut Hsm<TestBoard>, version: u32, image: &[u8]) -> Result<(), Refusal> {
    begin_update(hsm, described(version, image))?;
    for (index, bytes) in image.chunks(PIECE).enumerate() {
        tell(hsm, Command::UpdatePiece, &PieceAt { offset: (index * PIECE) as u32, bytes })?;
    }
    tell(hsm, Command::FinishUpdate, &NOTHING)
}

/// Bytes of a piece of an image.
pub const PIECE: usize = 256;

/// Brings a manifest that the vendor signed.
pub fn begin_update(hsm: &mut Hsm<TestBoard>, image: Image) -> Result<(), Refusal> {
    give(hsm, Command::BeginUpdate as u8, &signed(image)).map(drop)
}
