//! Signature schemes, purposes of keys, and what is signed.
//!
//! A key has one scheme and one purpose, and both go into its hash and into everything that it signs: a signature
//! made for one purpose or under one scheme is worthless for any other. The message of every signature is a 32-byte
//! digest ([`signing_digest`]), so that a signer never hashes more than it was shown.
//!
//! | number | scheme | state |
//! |---|---|---|
//! | 1 | Ed25519 (RFC 8032, cofactored) | implemented |
//! | 2 | ML-DSA-87 (FIPS 204) | reserved, refused |
//! | 3 | Ed25519 and ML-DSA-87, both must verify | reserved, refused |
//! | 4 | ECDSA P-256, low S only | reserved, refused |

use core::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::ed25519;
use super::hash::{Domain, Hash, hash};
use crate::error::error_enum;

/// Longest public key of the implemented schemes.
pub const MAX_PUBLIC_KEY_BYTES: usize = ed25519::PUBLIC_KEY_BYTES;
/// Longest signature of the implemented schemes.
pub const MAX_SIGNATURE_BYTES: usize = ed25519::SIGNATURE_BYTES;

/// The last number of the table of schemes that is reserved.
const LAST_RESERVED: u8 = 4;

/// A signature scheme. Numbers never change and are never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Scheme {
    /// Ed25519 by the rule of [`ed25519`].
    Ed25519 = 1,
}

/// What a key may sign. Numbers never change and are never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Purpose {
    /// Transactions of an account.
    Transaction = 1,
    /// Votes of a validator.
    Vote = 2,
    /// What a device says about itself.
    Attestation = 3,
    /// An officer's approval of a request to a device.
    Approval = 4,
    /// Backups of a device.
    Backup = 5,
}

error_enum! {
    /// Why a number is no scheme or no purpose.
    pub enum SchemeError {
        Unknown => SCHEME_UNKNOWN,
        Reserved => SCHEME_RESERVED,
        UnknownPurpose => PURPOSE_UNKNOWN,
    }
}

error_enum! {
    /// Why a signature does not count.
    pub enum SignatureError {
        PublicKeyLength => PUBLIC_KEY_LENGTH,
        PublicKeyInvalid => PUBLIC_KEY_INVALID,
        Length => SIGNATURE_LENGTH,
        Malformed => SIGNATURE_MALFORMED,
        Mismatch => SIGNATURE_MISMATCH,
        Context => CONTEXT_TOO_LONG,
    }
}

impl Scheme {
    /// Its number.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The scheme of a number.
    pub const fn from_number(number: u8) -> Result<Self, SchemeError> {
        match number {
            1 => Ok(Self::Ed25519),
            2..=LAST_RESERVED => Err(SchemeError::Reserved),
            _ => Err(SchemeError::Unknown),
        }
    }

    /// Length of its public keys.
    pub const fn public_key_bytes(self) -> usize {
        match self {
            Self::Ed25519 => ed25519::PUBLIC_KEY_BYTES,
        }
    }

    /// Length of its signatures.
    pub const fn signature_bytes(self) -> usize {
        match self {
            Self::Ed25519 => ed25519::SIGNATURE_BYTES,
        }
    }
}

impl Purpose {
    /// Its number.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The purpose of a number.
    pub const fn from_number(number: u8) -> Result<Self, SchemeError> {
        match number {
            1 => Ok(Self::Transaction),
            2 => Ok(Self::Vote),
            3 => Ok(Self::Attestation),
            4 => Ok(Self::Approval),
            5 => Ok(Self::Backup),
            _ => Err(SchemeError::UnknownPurpose),
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ed25519 => "Ed25519",
        })
    }
}

impl Serialize for Scheme {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.number())
    }
}

impl<'de> Deserialize<'de> for Scheme {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_number(u8::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl Serialize for Purpose {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.number())
    }
}

impl<'de> Deserialize<'de> for Purpose {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_number(u8::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// The hash of a public key together with its scheme and purpose: how records name keys.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct KeyHash(pub Hash);

impl KeyHash {
    /// The hash of this key.
    pub fn of(scheme: Scheme, purpose: Purpose, public_key: &[u8]) -> Self {
        Self(hash(Domain::PublicKey, &[&[scheme.number(), purpose.number()], public_key]))
    }
}

impl fmt::Display for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// What a key of this scheme and purpose signs to sign the thing that `id` names. These 32 bytes are the message.
pub fn signing_digest(scheme: Scheme, purpose: Purpose, id: &Hash) -> Hash {
    hash(Domain::Signing, &[&[scheme.number(), purpose.number()], id.as_bytes()])
}

/// Checks a signature of a digest made by [`signing_digest`] for the same scheme.
pub fn verify(
    scheme: Scheme,
    public_key: &[u8],
    digest: &Hash,
    signature: &[u8],
) -> Result<(), SignatureError> {
    match scheme {
        Scheme::Ed25519 => ed25519::verify(public_key, digest.as_bytes(), signature),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Coded;
    use std::vec::Vec;

    const PURPOSES: [Purpose; 5] =
        [Purpose::Transaction, Purpose::Vote, Purpose::Attestation, Purpose::Approval, Purpose::Backup];

    #[test]
    fn numbers_round_trip_and_all_others_are_refused() {
        for number in 0..=u8::MAX {
            match Scheme::from_number(number) {
                Ok(scheme) => {
                    assert_eq!((number, scheme.number()), (1, 1));
                    let mut buffer = [0; 4];
                    assert_eq!(postcard::to_slice(&scheme, &mut buffer).unwrap(), &[number]);
                    assert_eq!(postcard::from_bytes::<Scheme>(&[number]), Ok(scheme));
                }
                Err(error) => {
                    let reserved = (2..=4).contains(&number);
                    assert_eq!(error.code().number, if reserved { 302 } else { 301 }, "{number}");
                    assert!(postcard::from_bytes::<Scheme>(&[number]).is_err(), "{number}");
                }
            }
            match Purpose::from_number(number) {
                Ok(purpose) => {
                    assert_eq!(purpose.number(), number);
                    assert_eq!(postcard::from_bytes::<Purpose>(&[number]), Ok(purpose));
                }
                Err(error) => {
                    assert_eq!(error.code().number, 303);
                    assert!(!(1..=5).contains(&number), "{number}");
                    assert!(postcard::from_bytes::<Purpose>(&[number]).is_err(), "{number}");
                }
            }
        }
    }

    #[test]
    fn a_purpose_is_part_of_the_key_hash_and_of_the_digest() {
        let id = Hash([7; 32]);
        let hashes: Vec<_> = PURPOSES.iter().map(|&p| KeyHash::of(Scheme::Ed25519, p, &[9; 32])).collect();
        let digests: Vec<_> = PURPOSES.iter().map(|&p| signing_digest(Scheme::Ed25519, p, &id)).collect();
        for i in 0..PURPOSES.len() {
            for j in 0..i {
                assert_ne!(hashes[i], hashes[j]);
                assert_ne!(digests[i], digests[j]);
            }
            assert!(!digests.contains(&hashes[i].0));
        }
    }

    /// Frozen, computed with Python's hashlib: changing what is hashed here makes every key and every signature of every ledger invalid.
    #[test]
    fn key_hash_and_signing_digest_are_frozen() {
        let key = KeyHash::of(Scheme::Ed25519, Purpose::Transaction, &[9; 32]);
        assert_eq!(
            key.0,
            Hash::from_hex("1378a835888025a84e4e45d7062cd10b6b41173cf725de849a8beb4d82915fba").unwrap()
        );
        let digest = signing_digest(Scheme::Ed25519, Purpose::Vote, &Hash([7; 32]));
        assert_eq!(
            digest,
            Hash::from_hex("6041908b4aa2e37e4ba1dc14e49497f3a7efe3343530356641317c96272c1864").unwrap()
        );
    }
}
