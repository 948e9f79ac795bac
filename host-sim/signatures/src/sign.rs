//! Fast signing, for load.

use ed25519_dalek::{Signer, SigningKey};
use qenex_core::crypto::ed25519::SecretKeyError;
use qenex_core::crypto::{Hash, KeyHash, Purpose, Scheme, signing_digest};

/// Makes the signatures of [`qenex_core::crypto::ed25519::SecretKey`] three times as fast, but does not verify them before it returns them. For
/// keys of replays and load only; keys that hold value sign in the core.
#[derive(Debug)]
pub struct LoadSigner(SigningKey);

impl LoadSigner {
    /// The key of a seed, refused where the core refuses it.
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self, SecretKeyError> {
        if seed == &[0; 32] { Err(SecretKeyError::Seed) } else { Ok(Self(SigningKey::from_bytes(seed))) }
    }

    /// Its public key.
    pub fn public_key(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    /// The hash of its public key for this purpose.
    pub fn key_hash(&self, purpose: Purpose) -> KeyHash {
        KeyHash::of(Scheme::Ed25519, purpose, &self.public_key())
    }

    /// Signs the thing that `id` names, for one purpose.
    pub fn sign(&self, purpose: Purpose, id: &Hash) -> [u8; 64] {
        self.0.sign(signing_digest(Scheme::Ed25519, purpose, id).as_bytes()).to_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use qenex_core::crypto::ed25519::SecretKey;

    #[test]
    fn signatures_equal_the_core() {
        assert!(LoadSigner::from_seed(&[0; 32]).is_err());
        assert!(SecretKey::from_seed(&[0; 32]).is_err());
        for i in 1..=200u8 {
            let seed: [u8; 32] = std::array::from_fn(|j| i.wrapping_mul(j as u8 + 1));
            let (fast, slow) = (LoadSigner::from_seed(&seed).unwrap(), SecretKey::from_seed(&seed).unwrap());
            let purpose = if i % 2 == 0 { Purpose::Transaction } else { Purpose::Vote };
            assert_eq!(fast.public_key(), slow.public_key());
            assert_eq!(fast.key_hash(purpose), slow.key_hash(purpose));
            assert_eq!(fast.sign(purpose, &Hash([i; 32])), slow.sign(purpose, &Hash([i; 32])).unwrap());
        }
    }
}
