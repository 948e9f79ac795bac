//! Who signs checkpoints.

use std::fmt;

use qenex_core::consensus::Checkpoint;
use qenex_core::crypto::scheme::{MAX_PUBLIC_KEY_BYTES, MAX_SIGNATURE_BYTES};
use qenex_core::crypto::secret::{SEED_BYTES, SecretKey, SigningError};
use qenex_core::crypto::{Purpose, Scheme};
use qenex_core::error::{Code, Coded};

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
