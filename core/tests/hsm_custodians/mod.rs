//! Devices whose roots are cut into shares, and devices that hold them.

use qenex_core::hsm::proto::{BackupKey, Command, Custodians, Initialise, Login, PassShare};
use qenex_core::hsm::shares::Manifest;
use qenex_core::hsm::{Hsm, Refusal, UserName};

use crate::hsm_board::{NOTHING, TestBoard, ask, get, give, power_on, tell};

/// An initialised device with a unique secret of this number, its officer logged in.
pub fn device(number: u8) -> Hsm<TestBoard> {
    let mut board = TestBoard::new(number.into());
    board.unique_secret = [number; 32];
    let mut hsm = power_on(board);
    let (name, alice) = (UserName::new("HSM").unwrap(), UserName::new("ALICE").unwrap());
    let pin = b"officer pin";
    tell(&mut hsm, Command::Initialise, &Initialise { name, officers_needed: 1, officer: alice, pin })
        .unwrap();
    tell(&mut hsm, Command::Login, &Login { user: alice, pin }).unwrap();
    hsm
}

pub fn backup_key(hsm: &mut Hsm<TestBoard>) -> [u8; 32] {
    get::<_, BackupKey>(hsm, Command::BackupKey, &NOTHING).unwrap().public_key
}

/// Cuts the root of a device.
pub fn cut(hsm: &mut Hsm<TestBoard>, threshold: u8, to: &[[u8; 32]]) -> Result<Vec<u8>, Refusal> {
    ask(hsm, Command::BackupShares, &Custodians { threshold, public_keys: to.as_flattened() })
}

/// A custodian seals a share anew.
pub fn pass(hsm: &mut Hsm<TestBoard>, share: &[u8], to: [u8; 32]) -> Result<Vec<u8>, Refusal> {
    ask(hsm, Command::PassShare, &PassShare { to, share })
}

pub fn restore(hsm: &mut Hsm<TestBoard>, shares: &[u8]) -> Result<(), Refusal> {
    give(hsm, Command::RestoreShares as u8, shares).map(drop)
}

/// Each share with its manifest, as custodians get them.
pub fn each(shares: &[u8]) -> Vec<Vec<u8>> {
    let (manifest, shares) = Manifest::read(shares).unwrap();
    shares.iter().map(|share| [manifest.bytes, share].concat()).collect()
}

/// Shares behind one manifest.
pub fn together(shares: &[&Vec<u8>]) -> Vec<u8> {
    let mut whole = Manifest::read(shares[0]).unwrap().0.bytes.to_vec();
    shares.iter().for_each(|share| whole.extend(Manifest::read(share).unwrap().1.as_flattened()));
    whole
}
