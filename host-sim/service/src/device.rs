//! The device that votes for a node, and may sign its checkpoints.

use std::sync::Arc;

use qenex_consensus::{CheckpointSigner, DeviceSigner, VoteSigner};
use qenex_device::commission::log_in;
use qenex_device::host::Host;
use qenex_device::port::Port;
use qenex_device::soft::{Person, SoftBoard};
use qenex_device::{Client, DeviceError};
use zeroize::Zeroizing;

use crate::config::DeviceConfig;
use crate::error::ServiceError;

/// Who signs votes, and checkpoints if the device has a key for them.
pub type Signers = (Arc<dyn VoteSigner>, Option<Arc<dyn CheckpointSigner>>);

/// Opens a channel to the device and logs the operator in.
///
/// # Errors
/// The device is not there, is not the one that the node was paired with, or refuses.
pub fn open(config: &DeviceConfig) -> Result<Signers, ServiceError> {
    let host = Host::new(&config.host);
    match (&config.soft, &config.at) {
        (Some(folder), _) => {
            let client = soft(SoftBoard::open(folder, Person::Absent)?, &host)?;
            signer(client, config)
        }
        (None, Some(at)) => signer(host.connect(at)?, config),
        (None, None) => Err(ServiceError::Ended("a device without a place".into())),
    }
}

/// A simulated device in this process, and a channel to it.
///
/// # Errors
/// Its flash is damaged, or it is not the one that the host knows.
pub fn soft(board: SoftBoard, host: &Host) -> Result<Client<Port>, DeviceError> {
    board.connect(&host.static_key()?, host.known_device()?.as_ref())
}

fn signer(mut client: Client<Port>, config: &DeviceConfig) -> Result<Signers, ServiceError> {
    let pin = std::fs::read_to_string(&config.pin_file).map(Zeroizing::new);
    let pin = pin.map_err(|error| ServiceError::file(&config.pin_file, error))?;
    log_in(&mut client, &config.user, pin.trim().as_bytes())?;
    let signer = DeviceSigner::new(client, config.slot)?;
    let checkpoints = config.checkpoint_slot.map(|slot| signer.checkpoint_signer(slot)).transpose()?;
    let checkpoints = checkpoints.map(|signer| Arc::new(signer) as Arc<dyn CheckpointSigner>);
    Ok((Arc::new(signer), checkpoints))
}
