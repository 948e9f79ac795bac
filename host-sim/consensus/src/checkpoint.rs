//! Who signs checkpoints.

use std::fmt;
use std::io::{Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

use qenex_core::consensus::Checkpoint;
use qenex_core::crypto::scheme::{MAX_PUBLIC_KEY_BYTES, MAX_SIGNATURE_BYTES};
use qenex_core::crypto::secret::{SEED_BYTES, SecretKey, SigningError};
use qenex_core::crypto::{Purpose, Scheme, verify};
use qenex_core::error::{Code, Coded};
use qenex_device::Client;

/// Signs checkpoints with one hybrid key.
pub trait CheckpointSigner: fmt::Debug + Send + Sync {
    /// The key.
    fn public_key(&self) -> &[u8];

    /// The signature of a checkpoint.
    ///
    /// # Errors
    /// The code of why it is refused.
    fn sign(&self, checkpoint: &Checkpoint) -> Result<Vec<u8>, Code>;
}

/// A key of checkpoints in memory. It needs no guard: what it is asked for is final.
pub struct KeyCheckpointSigner {
    key: SecretKey,
    public_key: Vec<u8>,
}

impl KeyCheckpointSigner {
    /// The key of a seed.
    ///
    /// # Errors
    /// The seed is zero.
    pub fn new(seed: &[u8; SEED_BYTES]) -> Result<Self, SigningError> {
        let key = SecretKey::from_seed(Scheme::Hybrid, seed)?;
        let public_key = key.public_key(&mut [0; MAX_PUBLIC_KEY_BYTES])?.to_vec();
        Ok(Self { key, public_key })
    }
}

impl CheckpointSigner for KeyCheckpointSigner {
    fn public_key(&self) -> &[u8] {
        &self.public_key
    }

    fn sign(&self, checkpoint: &Checkpoint) -> Result<Vec<u8>, Code> {
        let mut buffer = [0; MAX_SIGNATURE_BYTES];
        let signature = self.key.sign(Purpose::Checkpoint, &checkpoint.id(), &mut buffer);
        signature.map(<[u8]>::to_vec).map_err(|error| error.code())
    }
}

impl fmt::Debug for KeyCheckpointSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyCheckpointSigner").finish_non_exhaustive()
    }
}

/// A key of checkpoints in a device, which signs that of the header that it trusts and nothing else.
pub struct DeviceCheckpointSigner<S> {
    client: Arc<Mutex<Client<S>>>,
    slot: u8,
    public_key: Vec<u8>,
}

impl<S> DeviceCheckpointSigner<S> {
    pub(crate) const fn new(client: Arc<Mutex<Client<S>>>, slot: u8, public_key: Vec<u8>) -> Self {
        Self { client, slot, public_key }
    }
}

impl<S: Read + Write + Send> CheckpointSigner for DeviceCheckpointSigner<S> {
    fn public_key(&self) -> &[u8] {
        &self.public_key
    }

    fn sign(&self, checkpoint: &Checkpoint) -> Result<Vec<u8>, Code> {
        let signature = self.client.lock().unwrap_or_else(PoisonError::into_inner).checkpoint(self.slot);
        let signature = signature.map_err(|error| error.code())?;
        // The device may trust another header by now, or not this one yet.
        verify(Scheme::Hybrid, &self.public_key, &checkpoint.digest(), &signature)
            .map_err(|error| error.code())?;
        Ok(signature)
    }
}

impl<S> fmt::Debug for DeviceCheckpointSigner<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceCheckpointSigner").field("slot", &self.slot).finish_non_exhaustive()
    }
}
