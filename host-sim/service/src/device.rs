//! The device that votes for a node, and may sign its checkpoints.

use std::sync::Arc;

use qenex_consensus::{CheckpointSigner, DeviceSigner, VoteSigner};
use qenex_device::DeviceError;

use crate::config::DeviceConfig;

/// Who signs votes, and checkpoints if the device has a key for them.
pub type Signers = (Arc<dyn VoteSigner>, Option<Arc<dyn CheckpointSigner>>);

/// Opens a channel to the device and logs the operator in.
///
/// # Errors
/// The device is not there, is not the one that the node was paired with, or refuses.
pub fn open(config: &DeviceConfig) -> Result<Signers, DeviceError> {
    let signer = DeviceSigner::new(config.operator().connect()?, config.slot)?;
    let checkpoints = config.checkpoint_slot.map(|slot| signer.checkpoint_signer(slot)).transpose()?;
    let checkpoints = checkpoints.map(|signer| Arc::new(signer) as Arc<dyn CheckpointSigner>);
    Ok((Arc::new(signer), checkpoints))
}
