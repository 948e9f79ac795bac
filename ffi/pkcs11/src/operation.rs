//! Signing and verifying: what a session has begun and collects data for.

use cryptoki_sys::*;
use qenex_core::crypto::{Scheme, ed25519, ml_dsa, p256};
use sha2::{Digest, Sha256};

use crate::mechanism::CKM_QENEX_TRANSACTION;
use crate::object::Key;
use crate::rv::Rv;
use crate::transaction;

/// The longest message that a device signs, in bytes.
const MAX_MESSAGE: usize = 8_192;
/// The longest digest that ECDSA takes; more than 32 bytes of it do not count.
const MAX_DIGEST: usize = 64;

/// Something begun.
pub struct Operation {
    /// With this key.
    pub key: Key,
    /// By this mechanism.
    pub mechanism: CK_MECHANISM_TYPE,
    input: Input,
    /// Whether data came in parts.
    pub in_parts: bool,
}

/// The data so far.
enum Input {
    Bytes { bytes: Vec<u8>, limit: usize },
    Hashed(Sha256),
}

impl Operation {
    fn new(key: &Key, mechanism: CK_MECHANISM_TYPE, max_message: usize) -> Self {
        let limit = match mechanism {
            CKM_ECDSA => MAX_DIGEST,
            CKM_QENEX_TRANSACTION => transaction::MAX_BYTES,
            _ => max_message,
        };
        let input = match mechanism {
            CKM_ECDSA_SHA256 => Input::Hashed(Sha256::new()),
            _ => Input::Bytes { bytes: Vec::new(), limit },
        };
        Self { key: key.clone(), mechanism, input, in_parts: false }
    }

    /// A signature by the device, which takes messages up to a length.
    pub fn sign(key: &Key, mechanism: CK_MECHANISM_TYPE) -> Self {
        Self::new(key, mechanism, MAX_MESSAGE)
    }

    /// A verification by the module.
    pub fn verify(key: &Key, mechanism: CK_MECHANISM_TYPE) -> Self {
        Self::new(key, mechanism, usize::MAX)
    }

    /// Takes data.
    ///
    /// # Errors
    /// There is too much of it.
    pub fn update(&mut self, data: &[u8]) -> Result<(), Rv> {
        match &mut self.input {
            Input::Hashed(hasher) => hasher.update(data),
            Input::Bytes { bytes, limit } if data.len() <= limit.saturating_sub(bytes.len()) => {
                bytes.extend(data)
            }
            Input::Bytes { .. } => return Err(Rv(CKR_DATA_LEN_RANGE)),
        }
        Ok(())
    }

    /// What is signed: the message; of ECDSA the digest, in the 32 bytes that count.
    ///
    /// # Errors
    /// There is no digest.
    pub fn data(self) -> Result<Vec<u8>, Rv> {
        match self.input {
            Input::Hashed(hasher) => Ok(hasher.finalize().to_vec()),
            Input::Bytes { bytes, .. } if self.mechanism == CKM_ECDSA => digest(&bytes),
            Input::Bytes { bytes, .. } => Ok(bytes),
        }
    }

    /// Checks a signature.
    ///
    /// # Errors
    /// It is none of this data by this key.
    pub fn check(self, signature: &[u8]) -> Result<(), Rv> {
        let (scheme, public_key) = (self.key.scheme, self.key.public_key.clone());
        let data = self.data()?;
        Ok(match scheme {
            Scheme::Ed25519 => ed25519::verify(&public_key, &data, signature),
            Scheme::MlDsa87 => ml_dsa::verify(&public_key, &data, &[], signature),
            Scheme::P256 => {
                let digest = data.as_slice().try_into().map_err(|_| Rv(CKR_DATA_LEN_RANGE))?;
                p256::verify(&public_key, digest, signature)
            }
            Scheme::Hybrid => return Err(Rv(CKR_KEY_FUNCTION_NOT_PERMITTED)),
        }?)
    }
}

/// The 32 bytes of a digest that ECDSA over P-256 counts: the leftmost ones; a shorter one is a smaller number.
fn digest(bytes: &[u8]) -> Result<Vec<u8>, Rv> {
    let counted = bytes.get(..32).unwrap_or(bytes);
    if counted.is_empty() {
        return Err(Rv(CKR_DATA_LEN_RANGE));
    }
    Ok([&[0; 32][counted.len()..], counted].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_of_every_length_are_the_number_that_ecdsa_counts() {
        for length in 1..=MAX_DIGEST {
            let bytes: Vec<u8> = (1..=length as u8).collect();
            let counted = digest(&bytes).expect("a digest");
            assert_eq!(counted.len(), 32);
            let zeros = 32usize.saturating_sub(length);
            assert!(counted[..zeros].iter().all(|byte| *byte == 0));
            assert_eq!(counted[zeros..], bytes[..32 - zeros]);
        }
        assert_eq!(digest(&[]), Err(Rv(CKR_DATA_LEN_RANGE)));
    }
}
