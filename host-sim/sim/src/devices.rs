//! Simulated devices that hold the keys of votes: the service of the firmware, with its flash in memory, behind its channel.

use std::sync::Arc;

use qenex_consensus::DeviceSigner;
use qenex_core::consensus::Header;
use qenex_core::hsm::proto::Command;
use qenex_device::commission::{OFFICER, OPERATOR, VOTES, anchor, commission, log_in};
use qenex_device::flash_file::Memory;
use qenex_device::port::Port;
use qenex_device::soft::SoftBoard;
use qenex_device::{Client, DeviceError};
use zeroize::Zeroizing;

const OFFICER_PIN: &[u8] = b"officer of a run";
const OPERATOR_PIN: &[u8] = b"operator of a run";

/// A device of one validator. It outlives the validator's disks.
#[derive(Clone, Debug)]
pub struct Device {
    memory: Memory,
    seed: u64,
    starts: u64,
    known: [u8; 32],
    /// Its public key of votes.
    pub vote_key: [u8; 32],
}

impl Device {
    /// A new one.
    ///
    /// # Errors
    /// It refuses what a new device must do.
    pub fn new(seed: u64) -> Result<Self, DeviceError> {
        let memory = Memory::default();
        let mut client = SoftBoard::in_memory(&memory, seed, 0)?.connect(&host_key(seed), None)?;
        client.tell(Command::Pair)?;
        let known = *client.device_key();
        let vote_key = commission(&mut client, OFFICER_PIN, OPERATOR_PIN)?;
        client.hang_up();
        Ok(Self { memory, seed, starts: 0, known, vote_key })
    }

    fn connect(&mut self) -> Result<Client<Port>, DeviceError> {
        self.starts += 1;
        let board = SoftBoard::in_memory(&self.memory, self.seed, self.starts)?;
        board.connect(&host_key(self.seed), Some(&self.known))
    }

    /// Its officer vouches for the genesis.
    ///
    /// # Errors
    /// It refuses.
    pub fn anchor(&mut self, genesis: &Header) -> Result<(), DeviceError> {
        let mut client = self.connect()?;
        log_in(&mut client, OFFICER, OFFICER_PIN)?;
        anchor(&mut client, genesis, u64::MAX)?;
        client.hang_up();
        Ok(())
    }

    /// Switches it on again, and lets it vote.
    ///
    /// # Errors
    /// It refuses.
    pub fn start(&mut self) -> Result<Arc<DeviceSigner<Port>>, DeviceError> {
        let mut client = self.connect()?;
        log_in(&mut client, OPERATOR, OPERATOR_PIN)?;
        DeviceSigner::new(client, VOTES).map(Arc::new)
    }
}

fn host_key(seed: u64) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([7; 32]);
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key
}
