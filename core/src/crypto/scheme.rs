//! Signature schemes, purposes of keys, and what is signed.
//!
//! A key has one scheme and one purpose, and both go into its hash and into everything that it signs: a signature
//! made for one purpose or under one scheme is worthless for any other. The message of every signature is a 32-byte
//! digest ([`signing_digest`]), so that a signer never hashes more than it was shown. Only keys of plain use sign what other protocols
//! bring ([`Purpose::Plain`]): raw bytes without any of this.
//!
//! | number | scheme | public key, bytes | signature, bytes |
//! |---|---|---|---|
//! | 1 | Ed25519 (RFC 8032, cofactored) | 32 | 64 |
//! | 2 | ML-DSA-87 (FIPS 204), with an empty context | 2,592 | 4,627 |
//! | 3 | ML-DSA-87 and Ed25519, both must verify | 2,624: ML-DSA's, then Ed25519's | 4,691: likewise |
//! | 4 | ECDSA P-256, low S only | 33: compressed | 64 |
//!
//! Both halves of a hybrid sign the same digest, which names the hybrid: neither can stand alone.

use core::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::hash::{Domain, Hash, hash};
use super::{ed25519, ml_dsa, p256};
use crate::error::error_enum;

/// Longest public key of all schemes.
pub const MAX_PUBLIC_KEY_BYTES: usize = Scheme::Hybrid.public_key_bytes();
/// Longest signature of all schemes.
pub const MAX_SIGNATURE_BYTES: usize = Scheme::Hybrid.signature_bytes();

/// A signature scheme. Numbers never change and are never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Scheme {
    /// Ed25519 by the rule of [`ed25519`].
    Ed25519 = 1,
    /// [ML-DSA-87](ml_dsa).
    MlDsa87 = 2,
    /// ML-DSA-87 and Ed25519.
    Hybrid = 3,
    /// ECDSA by the rule of [`p256`].
    P256 = 4,
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
    /// Images of a device's firmware, by the vendor.
    Firmware = 6,
    /// Plain use: raw data for other protocols, PKCS#11 for example, and nothing of the ledger's.
    Plain = 7,
    /// Checkpoints of a chain, by a validator.
    Checkpoint = 8,
}

error_enum! {
    /// Why a number is no scheme or no purpose.
    pub enum SchemeError {
        Unknown => SCHEME_UNKNOWN,
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
    /// All schemes.
    pub const ALL: [Self; 4] = [Self::Ed25519, Self::MlDsa87, Self::Hybrid, Self::P256];

    /// Its number.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The scheme of a number.
    pub const fn from_number(number: u8) -> Result<Self, SchemeError> {
        match number {
            1 => Ok(Self::Ed25519),
            2 => Ok(Self::MlDsa87),
            3 => Ok(Self::Hybrid),
            4 => Ok(Self::P256),
            _ => Err(SchemeError::Unknown),
        }
    }

    /// Length of its public keys.
    pub const fn public_key_bytes(self) -> usize {
        match self {
            Self::Ed25519 => ed25519::PUBLIC_KEY_BYTES,
            Self::MlDsa87 => ml_dsa::PUBLIC_KEY_BYTES,
            Self::Hybrid => ml_dsa::PUBLIC_KEY_BYTES + ed25519::PUBLIC_KEY_BYTES,
            Self::P256 => p256::PUBLIC_KEY_BYTES,
        }
    }

    /// Length of its signatures.
    pub const fn signature_bytes(self) -> usize {
        match self {
            Self::Ed25519 => ed25519::SIGNATURE_BYTES,
            Self::MlDsa87 => ml_dsa::SIGNATURE_BYTES,
            Self::Hybrid => ml_dsa::SIGNATURE_BYTES + ed25519::SIGNATURE_BYTES,
            Self::P256 => p256::SIGNATURE_BYTES,
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
            6 => Ok(Self::Firmware),
            7 => Ok(Self::Plain),
            8 => Ok(Self::Checkpoint),
            _ => Err(SchemeError::UnknownPurpose),
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ed25519 => "Ed25519",
            Self::MlDsa87 => "ML-DSA-87",
            Self::Hybrid => "Hybrid",
            Self::P256 => "ECDSA P-256",
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
        Scheme::MlDsa87 => ml_dsa::verify(public_key, digest.as_bytes(), &[], signature),
        Scheme::Hybrid => {
            let keys = public_key.split_at_checked(ml_dsa::PUBLIC_KEY_BYTES);
            let (long_key, short_key) = keys.ok_or(SignatureError::PublicKeyLength)?;
            let signatures = signature.split_at_checked(ml_dsa::SIGNATURE_BYTES);
            let (long, short) = signatures.ok_or(SignatureError::Length)?;
            // The fast one first.
            ed25519::verify(short_key, digest.as_bytes(), short)?;
            ml_dsa::verify(long_key, digest.as_bytes(), &[], long)
        }
        Scheme::P256 => p256::verify(public_key, digest.as_bytes(), signature),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Coded;
    use std::vec::Vec;

    const PURPOSES: [Purpose; 8] = [
        Purpose::Transaction,
        Purpose::Vote,
        Purpose::Attestation,
        Purpose::Approval,
        Purpose::Backup,
        Purpose::Firmware,
        Purpose::Plain,
        Purpose::Checkpoint,
    ];

    #[test]
    fn numbers_round_trip_and_all_others_are_refused() {
        for number in 0..=u8::MAX {
            match Scheme::from_number(number) {
                Ok(scheme) => {
                    assert_eq!((number, scheme), (scheme.number(), Scheme::ALL[usize::from(number) - 1]));
                    let mut buffer = [0; 4];
                    assert_eq!(postcard::to_slice(&scheme, &mut buffer).unwrap(), &[number]);
                    assert_eq!(postcard::from_bytes::<Scheme>(&[number]), Ok(scheme));
                }
                Err(error) => {
                    assert_eq!(error.code().number, 301, "{number}");
                    assert!(!(1..=4).contains(&number), "{number}");
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
                    assert!(!(1..=8).contains(&number), "{number}");
                    assert!(postcard::from_bytes::<Purpose>(&[number]).is_err(), "{number}");
                }
            }
        }
    }

    #[test]
    fn scheme_and_purpose_are_part_of_the_key_hash_and_of_the_digest() {
        let id = Hash([7; 32]);
        let pairs: Vec<_> =
            Scheme::ALL.iter().flat_map(|&scheme| PURPOSES.map(|purpose| (scheme, purpose))).collect();
        let hashes: Vec<_> = pairs.iter().map(|&(s, p)| KeyHash::of(s, p, &[9; 32])).collect();
        let digests: Vec<_> = pairs.iter().map(|&(s, p)| signing_digest(s, p, &id)).collect();
        for i in 0..pairs.len() {
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
        for (scheme, key, digest) in [
            (
                Scheme::MlDsa87,
                "fd32fc8339c7b21299e3f5c8a099a6303214bed8b1d8259839e019d9ef2df530",
                "330f58a65855876b9ec9397851788e77f11f1f38f6d409b459725d9b8e662cf0",
            ),
            (
                Scheme::Hybrid,
                "7b116994991fdbfceac7f58f7c77f81526e6482360006ca5d71e6fd088a371b5",
                "d0e53c4d8f2b1d2d6ae11819f0480982fd65336536e47d5596c4afa0fdc41fd0",
            ),
            (
                Scheme::P256,
                "936262172de5252a918e4a5c1c33432d89819b7f7ee0caf2a8f015a58e76508c",
                "4edbfc717441d025abc0b54d3e4314834096f5c76f3b4798391c7b015cc7406c",
            ),
        ] {
            let bytes = std::vec![9; scheme.public_key_bytes()];
            let hash = KeyHash::of(scheme, Purpose::Transaction, &bytes);
            assert_eq!(hash.0, Hash::from_hex(key).unwrap(), "{scheme}");
            let signed = signing_digest(scheme, Purpose::Vote, &Hash([7; 32]));
            assert_eq!(signed, Hash::from_hex(digest).unwrap(), "{scheme}");
        }
    }
}
