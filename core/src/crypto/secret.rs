//! Secret keys of every scheme.
//!
//! A key is made from a seed of 32 random bytes. That of a hybrid key gives two, one for each half, by the ledger's hash. Every
//! signature is verified before it is released, so that a fault during signing reveals nothing about the key.

use core::fmt;

use zeroize::Zeroizing;

use super::hash::{Domain, Hash, hash};
use super::scheme::{KeyHash, MAX_PUBLIC_KEY_BYTES, Purpose, Scheme, SignatureError, signing_digest, verify};
use super::{ed25519, ml_dsa, p256};
use crate::error::error_enum;

/// Length of a seed.
pub const SEED_BYTES: usize = 32;

/// The seed of the key that everybody can derive from a label and a name, for demonstrations and measurements. It protects
/// nothing.
pub fn label_seed(label: &str, name: &str) -> [u8; SEED_BYTES] {
    let len = (label.len() as u64).to_be_bytes();
    hash(Domain::LabelSeed, &[&len, label.as_bytes(), name.as_bytes()]).0
}

error_enum! {
    /// Why there is no secret key, public key or signature.
    pub enum SigningError {
        Seed => SEED_INVALID,
        PublicKeyLength => PUBLIC_KEY_LENGTH,
        SignatureLength => SIGNATURE_LENGTH,
        DigestLength => DIGEST_LENGTH,
        Scheme => KEY_SCHEME,
        Attempts => SIGNING_ATTEMPTS,
        NotReleased => SIGNATURE_NOT_RELEASED,
    }
}

impl From<ed25519::SecretKeyError> for SigningError {
    fn from(error: ed25519::SecretKeyError) -> Self {
        match error {
            ed25519::SecretKeyError::Seed => Self::Seed,
            ed25519::SecretKeyError::NotReleased => Self::NotReleased,
        }
    }
}

impl From<ml_dsa::SignError> for SigningError {
    fn from(error: ml_dsa::SignError) -> Self {
        match error {
            ml_dsa::SignError::Buffer => Self::SignatureLength,
            // There is no context.
            ml_dsa::SignError::Context | ml_dsa::SignError::Attempts => Self::Attempts,
        }
    }
}

/// A secret key of any scheme. It is overwritten when it is dropped, is never printed, and cannot be compared.
pub struct SecretKey(Key);

enum Key {
    Ed25519(ed25519::SecretKey),
    MlDsa87(ml_dsa::SecretKey),
    Hybrid(ml_dsa::SecretKey, ed25519::SecretKey),
    P256(p256::SecretKey),
}

impl SecretKey {
    /// The key of a seed of 32 random bytes.
    ///
    /// # Errors
    /// The seed is all zero, or of P-256 and not below the group's order.
    pub fn from_seed(scheme: Scheme, seed: &[u8; SEED_BYTES]) -> Result<Self, SigningError> {
        if seed.iter().fold(0, |bits, byte| bits | byte) == 0 {
            return Err(SigningError::Seed);
        }
        let part = |scheme: Scheme| Zeroizing::new(hash(Domain::HybridSeed, &[seed, &[scheme.number()]]).0);
        Ok(Self(match scheme {
            Scheme::Ed25519 => Key::Ed25519(ed25519::SecretKey::from_seed(seed)?),
            Scheme::MlDsa87 => Key::MlDsa87(ml_dsa::SecretKey::from_seed(seed)),
            Scheme::Hybrid => Key::Hybrid(
                ml_dsa::SecretKey::from_seed(&part(Scheme::MlDsa87)),
                ed25519::SecretKey::from_seed(&part(Scheme::Ed25519))?,
            ),
            Scheme::P256 => Key::P256(p256::SecretKey::from_seed(seed)?),
        }))
    }

    /// The Ed25519 key of a seed whose public key is known: see [`ed25519::SecretKey::with_public_key`].
    ///
    /// # Errors
    /// The seed is all zero.
    pub fn with_public_key(
        seed: &[u8; SEED_BYTES],
        public_key: [u8; ed25519::PUBLIC_KEY_BYTES],
    ) -> Result<Self, SigningError> {
        Ok(Self(Key::Ed25519(ed25519::SecretKey::with_public_key(seed, public_key)?)))
    }

    /// How it signs.
    pub const fn scheme(&self) -> Scheme {
        match self.0 {
            Key::Ed25519(_) => Scheme::Ed25519,
            Key::MlDsa87(_) => Scheme::MlDsa87,
            Key::Hybrid(..) => Scheme::Hybrid,
            Key::P256(_) => Scheme::P256,
        }
    }

    /// Writes its public key to the front of `buffer` and returns that part.
    ///
    /// # Errors
    /// The buffer is too small.
    pub fn public_key<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], SigningError> {
        let length = SigningError::PublicKeyLength;
        let public_key = buffer.get_mut(..self.scheme().public_key_bytes()).ok_or(length)?;
        match &self.0 {
            Key::Ed25519(key) => *public_key.first_chunk_mut().ok_or(length)? = key.public_key(),
            Key::MlDsa87(key) => key.public_key(public_key.first_chunk_mut().ok_or(length)?),
            Key::Hybrid(long, short) => {
                let (long_part, short_part) = public_key.split_first_chunk_mut().ok_or(length)?;
                long.public_key(long_part);
                *short_part.first_chunk_mut().ok_or(length)? = short.public_key();
            }
            Key::P256(key) => *public_key.first_chunk_mut().ok_or(length)? = key.public_key(),
        }
        Ok(public_key)
    }

    /// The public key of an Ed25519 key.
    pub const fn short_public_key(&self) -> Option<[u8; ed25519::PUBLIC_KEY_BYTES]> {
        match &self.0 {
            Key::Ed25519(key) => Some(key.public_key()),
            Key::MlDsa87(_) | Key::Hybrid(..) | Key::P256(_) => None,
        }
    }

    /// The hash of its public key for this purpose.
    ///
    /// # Errors
    /// None in practice: there is room for every public key.
    #[inline(never)] // the public key must have left the stack when this returns
    pub fn key_hash(&self, purpose: Purpose) -> Result<KeyHash, SigningError> {
        let mut buffer = [0; MAX_PUBLIC_KEY_BYTES];
        Ok(KeyHash::of(self.scheme(), purpose, self.public_key(&mut buffer)?))
    }

    /// Signs the thing that `id` names, for one purpose: writes the signature to the front of `buffer` and returns that part.
    ///
    /// # Errors
    /// The buffer is too small, or a fault made the signature wrong.
    pub fn sign<'b>(
        &self,
        purpose: Purpose,
        id: &Hash,
        buffer: &'b mut [u8],
    ) -> Result<&'b [u8], SigningError> {
        let length = SigningError::SignatureLength;
        let digest = signing_digest(self.scheme(), purpose, id);
        let signature = buffer.get_mut(..self.scheme().signature_bytes()).ok_or(length)?;
        match &self.0 {
            Key::Ed25519(key) => *signature.first_chunk_mut().ok_or(length)? = key.sign_digest(&digest)?,
            Key::MlDsa87(key) => sign_ml_dsa(key, &digest, signature.first_chunk_mut().ok_or(length)?)?,
            Key::Hybrid(long, short) => {
                let (long_part, short_part) = signature.split_first_chunk_mut().ok_or(length)?;
                sign_ml_dsa(long, &digest, long_part)?;
                *short_part.first_chunk_mut().ok_or(length)? = short.sign_digest(&digest)?;
            }
            Key::P256(key) => *signature.first_chunk_mut().ok_or(length)? = key.sign(digest.as_bytes())?,
        }
        Ok(signature)
    }

    /// Signs a message as other protocols know it, without purpose and digest of the ledger's: Ed25519 and ML-DSA-87 the message itself, with
    /// an empty context, P-256 the digest of 32 bytes that the message is. It is the first `length` bytes of the buffer; the signature takes its place, and that
    /// part is returned. A hybrid key signs none, because each half of its signature would count alone.
    ///
    /// # Errors
    /// The buffer is too small, the scheme does not sign this, or a fault made the signature wrong. What the buffer then holds is no signature.
    #[inline(never)]
    pub fn sign_message<'b>(&self, length: usize, buffer: &'b mut [u8]) -> Result<&'b [u8], SigningError> {
        let too_small = SigningError::SignatureLength;
        let short = match &self.0 {
            Key::Ed25519(key) => key.sign_message(buffer.get(..length).ok_or(too_small)?)?,
            Key::P256(key) => {
                let digest = buffer.get(..length).and_then(|bytes| bytes.try_into().ok());
                key.sign(digest.ok_or(SigningError::DigestLength)?)?
            }
            Key::MlDsa87(key) => {
                let mu = key.sign_in_place(length, buffer)?;
                let signature = buffer.first_chunk_mut().ok_or(too_small)?;
                release(key, signature, |public_key, signature| {
                    ml_dsa::verify_mu(public_key, &mu, signature)
                })?;
                return Ok(signature);
            }
            Key::Hybrid(..) => return Err(SigningError::Scheme),
        };
        let signature = buffer.first_chunk_mut().ok_or(too_small)?;
        *signature = short;
        Ok(signature)
    }
}

/// Signs a digest, and releases what verifies.
fn sign_ml_dsa(
    key: &ml_dsa::SecretKey,
    digest: &Hash,
    signature: &mut [u8; ml_dsa::SIGNATURE_BYTES],
) -> Result<(), SigningError> {
    // In the place of the signature, as messages are: an image has one form of signing.
    signature.iter_mut().zip(digest.0).for_each(|(to, byte)| *to = byte);
    key.sign_in_place(digest.0.len(), signature)?;
    release(key, signature, |public_key, signature| verify(Scheme::MlDsa87, public_key, digest, signature))
}

/// Clears a signature that does not verify with the public key, made anew.
#[inline(never)] // its memory is not that of signing
fn release(
    key: &ml_dsa::SecretKey,
    signature: &mut [u8; ml_dsa::SIGNATURE_BYTES],
    verify: impl FnOnce(
        &[u8; ml_dsa::PUBLIC_KEY_BYTES],
        &[u8; ml_dsa::SIGNATURE_BYTES],
    ) -> Result<(), SignatureError>,
) -> Result<(), SigningError> {
    let mut public_key = [0; ml_dsa::PUBLIC_KEY_BYTES];
    key.public_key(&mut public_key);
    verify(&public_key, signature).map_err(|_| {
        signature.fill(0);
        SigningError::NotReleased
    })
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::super::scheme::MAX_SIGNATURE_BYTES;
    use super::*;
    use std::vec::Vec;

    struct Signed {
        scheme: Scheme,
        public_key: Vec<u8>,
        id: Hash,
        signature: Vec<u8>,
    }

    impl Signed {
        fn new(scheme: Scheme, seed: u8) -> Self {
            let key = SecretKey::from_seed(scheme, &[seed; 32]).unwrap();
            let id = Hash([seed; 32]);
            let (mut public_key, mut signature) = ([0; MAX_PUBLIC_KEY_BYTES], [0; MAX_SIGNATURE_BYTES]);
            let public_key = key.public_key(&mut public_key).unwrap().to_vec();
            let signature = key.sign(Purpose::Transaction, &id, &mut signature).unwrap().to_vec();
            assert_eq!(key.scheme(), scheme);
            assert_eq!(public_key.len(), scheme.public_key_bytes());
            assert_eq!(signature.len(), scheme.signature_bytes());
            let hash = KeyHash::of(scheme, Purpose::Vote, &public_key);
            assert_eq!(key.key_hash(Purpose::Vote), Ok(hash));
            Self { scheme, public_key, id, signature }
        }

        fn check(&self, purpose: Purpose, id: &Hash) -> Result<(), SignatureError> {
            let digest = signing_digest(self.scheme, purpose, id);
            verify(self.scheme, &self.public_key, &digest, &self.signature)
        }
    }

    #[test]
    fn a_signature_of_every_scheme_is_good_for_its_purpose_id_and_key_only() {
        for scheme in Scheme::ALL {
            let mut signed = Signed::new(scheme, 3);
            let id = signed.id;
            assert_eq!(signed.check(Purpose::Transaction, &id), Ok(()), "{scheme}");
            assert_eq!(signed.check(Purpose::Vote, &id), Err(SignatureError::Mismatch), "{scheme}");
            let other = signed.check(Purpose::Transaction, &Hash([4; 32]));
            assert_eq!(other, Err(SignatureError::Mismatch), "{scheme}");
            // A bit of every part of the signature.
            let len = signed.signature.len();
            for byte in (0..len).step_by(331).chain([len - 1, len - 33, len - 64]) {
                signed.signature[byte] ^= 1;
                assert!(signed.check(Purpose::Transaction, &id).is_err(), "{scheme}, byte {byte}");
                signed.signature[byte] ^= 1;
            }
            let signature = signed.signature.clone();
            signed.signature.pop();
            assert_eq!(signed.check(Purpose::Transaction, &id), Err(SignatureError::Length), "{scheme}");
            signed.signature = [&signature[..], &[0]].concat();
            assert_eq!(signed.check(Purpose::Transaction, &id), Err(SignatureError::Length), "{scheme}");
            signed.signature = signature;
            let public_key = core::mem::replace(&mut signed.public_key, Signed::new(scheme, 5).public_key);
            assert!(signed.check(Purpose::Transaction, &id).is_err(), "{scheme}");
            signed.public_key = public_key[1..].to_vec();
            let refused = signed.check(Purpose::Transaction, &id);
            assert_eq!(refused, Err(SignatureError::PublicKeyLength), "{scheme}");
        }
    }

    /// Each half must verify, and none of them does under its own scheme.
    #[test]
    fn no_half_of_a_hybrid_stands_alone() {
        let (one, two) = (Signed::new(Scheme::Hybrid, 3), Signed::new(Scheme::Hybrid, 5));
        for (scheme, keys, signatures) in [
            (Scheme::MlDsa87, 0..ml_dsa::PUBLIC_KEY_BYTES, 0..ml_dsa::SIGNATURE_BYTES),
            (
                Scheme::Ed25519,
                ml_dsa::PUBLIC_KEY_BYTES..Scheme::Hybrid.public_key_bytes(),
                ml_dsa::SIGNATURE_BYTES..Scheme::Hybrid.signature_bytes(),
            ),
        ] {
            let half = Signed {
                scheme,
                public_key: one.public_key[keys.clone()].to_vec(),
                id: one.id,
                signature: one.signature[signatures.clone()].to_vec(),
            };
            assert_eq!(half.check(Purpose::Transaction, &half.id), Err(SignatureError::Mismatch));
            // The half itself is a signature, of a digest that names the hybrid.
            let digest = signing_digest(Scheme::Hybrid, Purpose::Transaction, &half.id);
            assert_eq!(verify(scheme, &half.public_key, &digest, &half.signature), Ok(()));
            // One half of another hybrid: key, signature, or both with what they signed.
            let mut mixed = Signed { public_key: one.public_key.clone(), ..Signed::new(Scheme::Hybrid, 3) };
            mixed.public_key[keys.clone()].copy_from_slice(&two.public_key[keys.clone()]);
            assert_eq!(mixed.check(Purpose::Transaction, &one.id), Err(SignatureError::Mismatch));
            mixed.signature[signatures.clone()].copy_from_slice(&two.signature[signatures.clone()]);
            assert_eq!(mixed.check(Purpose::Transaction, &one.id), Err(SignatureError::Mismatch));
            assert_eq!(mixed.check(Purpose::Transaction, &two.id), Err(SignatureError::Mismatch));
        }
    }

    #[test]
    fn seeds_of_the_halves_differ_from_each_other_and_from_the_key_of_the_seed_itself() {
        let hybrid = Signed::new(Scheme::Hybrid, 3).public_key;
        let (long, short) = hybrid.split_at(ml_dsa::PUBLIC_KEY_BYTES);
        assert_ne!(long, Signed::new(Scheme::MlDsa87, 3).public_key);
        assert_ne!(short, Signed::new(Scheme::Ed25519, 3).public_key);
    }

    #[test]
    fn refusals_name_what_was_expected() {
        for scheme in Scheme::ALL {
            assert_eq!(SecretKey::from_seed(scheme, &[0; 32]).unwrap_err(), SigningError::Seed);
            let key = SecretKey::from_seed(scheme, &[1; 32]).unwrap();
            let mut short = std::vec![0; scheme.public_key_bytes() - 1];
            assert_eq!(key.public_key(&mut short), Err(SigningError::PublicKeyLength));
            let mut short = std::vec![0; scheme.signature_bytes() - 1];
            let refused = key.sign(Purpose::Vote, &Hash([1; 32]), &mut short);
            assert_eq!(refused, Err(SigningError::SignatureLength));
            assert_eq!(std::format!("{key:?}"), "SecretKey(..)");
        }
        assert_eq!(SecretKey::from_seed(Scheme::P256, &[0xff; 32]).unwrap_err(), SigningError::Seed);
    }
}
