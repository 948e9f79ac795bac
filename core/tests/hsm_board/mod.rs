//! A board in memory, and a host that talks to the service on it.

use qenex_core::codec::{Encoded, decode, encode};
use qenex_core::crypto::Hash;
use qenex_core::hsm::board::{Board, BoardError, Firmware, Layout};
use qenex_core::hsm::flash::Region;
use qenex_core::hsm::proto::{Command, MAX_MESSAGE, Nothing};
use qenex_core::hsm::{Hsm, Refusal, SignWork};
use qenex_core::tx::Line;
use serde::de::DeserializeOwned;

use crate::flash_disk::{Disk, PAGE};

pub const VAULT_PAGES: u16 = 24;
pub const AUDIT_PAGES: u16 = 4;
pub const VOTE_PAGES: u16 = 4;
pub const PAGES: usize = (VAULT_PAGES + AUDIT_PAGES + VOTE_PAGES) as usize;

/// A board whose time and person are what the test says.
#[derive(Clone)]
pub struct TestBoard {
    pub disk: Disk,
    pub uptime_ms: u64,
    pub confirms: bool,
    pub shown: Vec<String>,
    pub entropy: u64,
    pub unique_secret: [u8; 32],
}

impl TestBoard {
    pub fn new(seed: u64) -> Self {
        Self {
            disk: Disk::new(PAGES, seed),
            uptime_ms: 0,
            confirms: true,
            shown: Vec::new(),
            entropy: seed,
            unique_secret: [7; 32],
        }
    }
}

impl Board for TestBoard {
    type Flash = Disk;
    type SignWork = Box<SignWork>;

    fn flash(&mut self) -> &mut Disk {
        &mut self.disk
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
        Firmware { version: 3, measurement: Hash([5; 32]) }
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

/// Starts a device.
pub fn power_on(board: TestBoard) -> Hsm<TestBoard> {
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
