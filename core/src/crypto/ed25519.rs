//! Ed25519 by the ledger's rule.
//!
//! A signature (R, S) of a message under the key A counts if
//! - A and R are canonical encodings of curve points (the sign bit of x = 0 is zero, y is below p),
//! - neither A nor R has small order (a part of small order beside a large one is accepted),
//! - S is below the order of the group, and
//! - 8(S·B − k·A − R) is the neutral point, where k = SHA-512(R, A, message): the cofactored equation of RFC 8032.
//!
//! This is what ed25519-compact 2.6 decides. Every other verifier of the project accepts exactly the same set.
//! Signing is deterministic (RFC 8032), and a signature is verified before it leaves [`SecretKey::sign`], so that a
//! fault during signing reveals nothing about the key.

use core::fmt;

use curve25519_dalek::scalar::clamp_integer;
use curve25519_dalek::{EdwardsPoint, Scalar};
use sha2::{Digest, Sha512};
use zeroize::{Zeroize, Zeroizing};

use super::edwards25519::{challenge, decode, sum_of_multiples};
use super::hash::Hash;
use super::scheme::{KeyHash, Purpose, Scheme, SignatureError, signing_digest};
use crate::error::error_enum;

/// Length of a seed.
pub const SEED_BYTES: usize = 32;
/// Length of a public key.
pub const PUBLIC_KEY_BYTES: usize = 32;
/// Length of a signature.
pub const SIGNATURE_BYTES: usize = 64;

error_enum! {
    /// Why there is no secret key or no signature.
    pub enum SecretKeyError {
        Seed => SEED_INVALID,
        NotReleased => SIGNATURE_NOT_RELEASED,
    }
}

/// Checks a signature of a message.
pub fn verify(public_key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
    let public_key = public_key.try_into().map_err(|_| SignatureError::PublicKeyLength)?;
    let signature: &[u8; SIGNATURE_BYTES] = signature.try_into().map_err(|_| SignatureError::Length)?;
    let (r_bytes, s_bytes) = halves(signature);
    let s: Option<Scalar> = Scalar::from_canonical_bytes(s_bytes).into();
    let s = s.ok_or(SignatureError::Malformed)?;
    let a = decode(public_key).ok_or(SignatureError::PublicKeyInvalid)?;
    let r = decode(&r_bytes).ok_or(SignatureError::Malformed)?;
    let k = challenge(&r_bytes, public_key, message);
    #[allow(clippy::arithmetic_side_effects, reason = "the operators of points, which cannot overflow")]
    let difference = sum_of_multiples(&k, &-a, &s) - r;
    if difference.is_small_order() { Ok(()) } else { Err(SignatureError::Mismatch) }
}

/// R and S of a signature, as they are encoded.
pub fn halves(signature: &[u8; SIGNATURE_BYTES]) -> ([u8; 32], [u8; 32]) {
    let (mut r, mut s) = ([0; 32], [0; 32]);
    let (left, right) = signature.split_at(32);
    r.copy_from_slice(left);
    s.copy_from_slice(right);
    (r, s)
}

/// Whether a public key can verify anything at all: canonical and not of small order.
pub fn validate_public_key(public_key: &[u8; PUBLIC_KEY_BYTES]) -> Result<(), SignatureError> {
    decode(public_key).map(|_| ()).ok_or(SignatureError::PublicKeyInvalid)
}

/// A secret key (RFC 8032, section 5.1.5). It is overwritten when it is dropped, is never printed, and cannot be compared.
pub struct SecretKey {
    scalar: Scalar,
    /// From which nonces are made.
    prefix: [u8; 32],
    public_key: [u8; PUBLIC_KEY_BYTES],
}

impl SecretKey {
    /// The key of a seed of 32 random bytes. A seed of zeros is none.
    pub fn from_seed(seed: &[u8; SEED_BYTES]) -> Result<Self, SecretKeyError> {
        let mut key = Self::with_public_key(seed, [0; PUBLIC_KEY_BYTES])?;
        key.public_key = EdwardsPoint::mul_base(&key.scalar).compress().to_bytes();
        Ok(key)
    }

    /// The key of a seed whose public key is known: on a device, to make that anew takes as long as to sign. With any other public
    /// key no signature is released.
    pub fn with_public_key(
        seed: &[u8; SEED_BYTES],
        public_key: [u8; PUBLIC_KEY_BYTES],
    ) -> Result<Self, SecretKeyError> {
        if seed.iter().fold(0, |bits, byte| bits | byte) == 0 {
            return Err(SecretKeyError::Seed);
        }
        let expanded = Zeroizing::new(<[u8; 64]>::from(Sha512::digest(seed)));
        let expanded = Zeroizing::new(halves(&expanded));
        let scalar = Zeroizing::new(clamp_integer(expanded.0));
        Ok(Self { scalar: Scalar::from_bytes_mod_order(*scalar), prefix: expanded.1, public_key })
    }

    /// Its public key.
    pub const fn public_key(&self) -> [u8; PUBLIC_KEY_BYTES] {
        self.public_key
    }

    /// The hash of its public key for this purpose.
    pub fn key_hash(&self, purpose: Purpose) -> KeyHash {
        KeyHash::of(Scheme::Ed25519, purpose, &self.public_key())
    }

    /// Signs the thing that `id` names, for one purpose.
    pub fn sign(&self, purpose: Purpose, id: &Hash) -> Result<[u8; SIGNATURE_BYTES], SecretKeyError> {
        self.sign_digest(&signing_digest(Scheme::Ed25519, purpose, id))
    }

    /// Signs a digest, which names the scheme that it is signed under.
    pub(super) fn sign_digest(&self, digest: &Hash) -> Result<[u8; SIGNATURE_BYTES], SecretKeyError> {
        self.sign_message(digest.as_bytes())
    }

    /// Signs bytes (RFC 8032, section 5.1.6): digests with a purpose, and what keys of plain use sign.
    #[allow(clippy::arithmetic_side_effects, reason = "the operators of scalars, which cannot overflow")]
    pub(super) fn sign_message(&self, message: &[u8]) -> Result<[u8; SIGNATURE_BYTES], SecretKeyError> {
        let nonce = Sha512::new().chain_update(self.prefix).chain_update(message).finalize();
        let nonce = Zeroizing::new(Scalar::from_bytes_mod_order_wide(&nonce.into()));
        let r = EdwardsPoint::mul_base(&nonce).compress().to_bytes();
        let s = challenge(&r, &self.public_key, message) * self.scalar + *nonce;
        let mut signature = [0; SIGNATURE_BYTES];
        signature.iter_mut().zip(r.iter().chain(s.as_bytes())).for_each(|(slot, byte)| *slot = *byte);
        match verify(&self.public_key, message, &signature) {
            Ok(()) => Ok(signature),
            Err(_) => Err(SecretKeyError::NotReleased),
        }
    }
}

impl Drop for SecretKey {
    fn drop(&mut self) {
        self.scalar.zeroize();
        self.prefix.zeroize();
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::super::scheme;
    use super::*;
    use crate::error::Coded;
    use std::vec::Vec;

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
    }

    /// RFC 8032, section 7.1: seed, public key, message, signature.
    const RFC_8032: [[&str; 4]; 4] = [
        [
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ],
        [
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ],
        [
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        ],
        [
            "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
            "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
        ],
    ];

    #[test]
    fn rfc_8032() {
        for [seed, public, message, signature] in RFC_8032 {
            let key = SecretKey::from_seed(&hex(seed).try_into().unwrap()).unwrap();
            assert_eq!(key.public_key()[..], hex(public));
            assert_eq!(key.sign_message(&hex(message)).unwrap()[..], hex(signature));
            assert_eq!(verify(&hex(public), &hex(message), &hex(signature)), Ok(()));
        }
    }

    /// A fault that exchanges the public key would give two signatures with one nonce, and with them the secret key.
    #[test]
    fn nothing_is_released_under_another_public_key() {
        let seed = [1; 32];
        let right = SecretKey::from_seed(&seed).unwrap();
        let same = SecretKey::with_public_key(&seed, right.public_key()).unwrap();
        assert_eq!(same.sign_message(b"m").unwrap(), right.sign_message(b"m").unwrap());
        let other = SecretKey::from_seed(&[2; 32]).unwrap().public_key();
        for bit in 0..256 {
            let mut public = right.public_key();
            public[bit / 8] ^= 1 << (bit % 8);
            for public in [public, other] {
                let wrong = SecretKey::with_public_key(&seed, public).unwrap();
                assert_eq!(wrong.sign_message(b"m"), Err(SecretKeyError::NotReleased), "bit {bit}");
            }
        }
    }

    #[test]
    fn a_signature_is_good_for_its_purpose_id_and_key_only() {
        let key = SecretKey::from_seed(&[1; 32]).unwrap();
        let other = SecretKey::from_seed(&[2; 32]).unwrap();
        let id = Hash([3; 32]);
        let signature = key.sign(Purpose::Transaction, &id).unwrap();
        let check = |public: &[u8], purpose, id: &Hash, signature: &[u8]| {
            let digest = signing_digest(Scheme::Ed25519, purpose, id);
            scheme::verify(Scheme::Ed25519, public, &digest, signature)
        };
        assert_eq!(check(&key.public_key(), Purpose::Transaction, &id, &signature), Ok(()));
        let mismatch = Err(SignatureError::Mismatch);
        assert_eq!(check(&key.public_key(), Purpose::Vote, &id, &signature), mismatch);
        assert_eq!(check(&key.public_key(), Purpose::Transaction, &Hash([4; 32]), &signature), mismatch);
        assert_eq!(check(&other.public_key(), Purpose::Transaction, &id, &signature), mismatch);
        for bit in 0..512 {
            let mut changed = signature;
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(check(&key.public_key(), Purpose::Transaction, &id, &changed).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn refusals_name_what_was_expected() {
        let key = SecretKey::from_seed(&[1; 32]).unwrap();
        let good = key.sign_message(b"m").unwrap();
        let public = key.public_key();
        assert_eq!(verify(&public[..31], b"m", &good), Err(SignatureError::PublicKeyLength));
        assert_eq!(verify(&public, b"m", &good[..63]), Err(SignatureError::Length));
        assert_eq!(verify(&[0; 32], b"m", &good), Err(SignatureError::PublicKeyInvalid));
        assert_eq!(validate_public_key(&[0; 32]), Err(SignatureError::PublicKeyInvalid));
        assert_eq!(validate_public_key(&public), Ok(()));
        let mut large_s = good;
        large_s[63] |= 0xf0;
        assert_eq!(verify(&public, b"m", &large_s), Err(SignatureError::Malformed));
        assert_eq!(verify(&public, b"n", &good), Err(SignatureError::Mismatch));
        assert_eq!(SecretKey::from_seed(&[0; 32]).unwrap_err().code().number, 309);
        assert_eq!(std::format!("{key:?}"), "SecretKey(..)");
    }
}
