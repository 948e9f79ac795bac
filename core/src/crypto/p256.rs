//! ECDSA over P-256 (FIPS 186-5) by the ledger's rule: one form of each key and of each signature.
//!
//! - A public key is a point in the compressed form of SEC 1, 33 bytes: 2 or 3 for the parity of y, then x, which is below the
//!   field's prime. No other form is accepted.
//! - A signature is r and s, 32 bytes each, big-endian, neither of them zero, r below the group's order and s at most half of it:
//!   of the two values of s that verify only the low one is accepted.
//! - What is signed is a digest of 32 bytes; it is not hashed again.
//!
//! Signing is deterministic (RFC 6979 with HMAC-SHA-256), and a signature is verified before it is released.
//!
//! The curve's arithmetic is that of the crate p256; its ECDSA is not used, because it can panic.

use core::fmt;

use hmac::{Hmac, KeyInit, Mac};
use p256::elliptic_curve::ops::Reduce;
use p256::elliptic_curve::point::{AffineCoordinates, DecompressPoint};
use p256::elliptic_curve::scalar::IsHigh;
use p256::elliptic_curve::sec1::ToEncodedPoint;
use p256::elliptic_curve::subtle::{Choice, ConditionallySelectable};
use p256::elliptic_curve::{Field, PrimeField};
use p256::{AffinePoint, FieldBytes, ProjectivePoint, Scalar, U256};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::ed25519::SecretKeyError;
use super::scheme::SignatureError;

/// Length of a seed.
pub const SEED_BYTES: usize = 32;
/// Length of a public key.
pub const PUBLIC_KEY_BYTES: usize = 33;
/// Length of a signature.
pub const SIGNATURE_BYTES: usize = 64;

/// More nonces than this are tried with a probability of less than 2^-256.
const MAX_NONCES: u8 = 8;

/// Checks a signature of a digest.
// The operators are those of scalars and points, which cannot overflow.
#[allow(clippy::arithmetic_side_effects)]
pub fn verify(public_key: &[u8], digest: &[u8; 32], signature: &[u8]) -> Result<(), SignatureError> {
    let public_key = public_key.try_into().map_err(|_| SignatureError::PublicKeyLength)?;
    let signature: &[u8; SIGNATURE_BYTES] = signature.try_into().map_err(|_| SignatureError::Length)?;
    let point = decode(public_key).ok_or(SignatureError::PublicKeyInvalid)?;
    let (r, s) = halves(signature).ok_or(SignatureError::Malformed)?;
    let inverse = Option::<Scalar>::from(s.invert()).ok_or(SignatureError::Malformed)?;
    let base = ProjectivePoint::GENERATOR * (reduce(digest) * inverse);
    let sum = base + ProjectivePoint::from(point) * (r * inverse);
    // The neutral point has x = 0, and r is not zero.
    if x_of(&sum) == r { Ok(()) } else { Err(SignatureError::Mismatch) }
}

/// The point of a public key.
fn decode([parity, x @ ..]: &[u8; PUBLIC_KEY_BYTES]) -> Option<AffinePoint> {
    let y_is_odd = match parity {
        2 => Choice::from(0),
        3 => Choice::from(1),
        _ => return None,
    };
    AffinePoint::decompress(&FieldBytes::from(*x), y_is_odd).into()
}

/// The uncompressed form of a public key, for those who know no other: 4, then x and y.
pub fn uncompressed(public_key: &[u8; PUBLIC_KEY_BYTES]) -> Result<[u8; 65], SignatureError> {
    let point = decode(public_key).ok_or(SignatureError::PublicKeyInvalid)?;
    point.to_encoded_point(false).as_bytes().try_into().map_err(|_| SignatureError::PublicKeyInvalid)
}

/// r and s, if they have the one form.
fn halves(signature: &[u8; SIGNATURE_BYTES]) -> Option<(Scalar, Scalar)> {
    let (r, s) = signature.split_first_chunk::<32>()?;
    let (r, s) = (scalar(r)?, scalar(s.first_chunk()?)?);
    (!bool::from(s.is_high())).then_some((r, s))
}

/// A scalar that is neither zero nor too large.
fn scalar(bytes: &[u8; 32]) -> Option<Scalar> {
    let scalar = Option::<Scalar>::from(Scalar::from_repr((*bytes).into()))?;
    (!bool::from(scalar.is_zero())).then_some(scalar)
}

/// A number modulo the group's order.
fn reduce(bytes: &[u8; 32]) -> Scalar {
    <Scalar as Reduce<U256>>::reduce_bytes(&(*bytes).into())
}

/// The x of a point modulo the group's order.
fn x_of(point: &ProjectivePoint) -> Scalar {
    reduce(&point.to_affine().x().into())
}

/// A secret key. It is overwritten when it is dropped, is never printed, and cannot be compared.
pub struct SecretKey(Zeroizing<Scalar>);

impl SecretKey {
    /// The key of a seed, which is the secret number itself, big-endian: not zero and below the group's order, as all but one in
    /// 2^32 random seeds are.
    pub fn from_seed(seed: &[u8; SEED_BYTES]) -> Result<Self, SecretKeyError> {
        scalar(seed).map(|scalar| Self(Zeroizing::new(scalar))).ok_or(SecretKeyError::Seed)
    }

    /// Its public key.
    #[allow(clippy::arithmetic_side_effects)] // of a point, which cannot overflow
    pub fn public_key(&self) -> [u8; PUBLIC_KEY_BYTES] {
        let point = (ProjectivePoint::GENERATOR * *self.0).to_affine();
        let mut public_key = [0; PUBLIC_KEY_BYTES];
        let [parity, x @ ..] = &mut public_key;
        *parity = 2 | point.y_is_odd().unwrap_u8();
        *x = point.x().into();
        public_key
    }

    /// Signs a digest.
    #[inline(never)] // its memory is not that of the other schemes
    pub(super) fn sign(&self, digest: &[u8; 32]) -> Result<[u8; SIGNATURE_BYTES], SecretKeyError> {
        let mut nonces = Nonces::new(&self.0, digest);
        let signature = (0..MAX_NONCES).find_map(|_| self.sign_with(&*nonces.next()?, digest));
        let signature = signature.ok_or(SecretKeyError::NotReleased)?;
        match verify(&self.public_key(), digest, &signature) {
            Ok(()) => Ok(signature),
            Err(_) => Err(SecretKeyError::NotReleased),
        }
    }

    /// The signature with this nonce, unless it would have a zero.
    #[allow(clippy::arithmetic_side_effects)] // of scalars and points, which cannot overflow
    fn sign_with(&self, nonce: &[u8; 32], digest: &[u8; 32]) -> Option<[u8; SIGNATURE_BYTES]> {
        let nonce = Zeroizing::new(scalar(nonce)?);
        let inverse = Zeroizing::new(Option::<Scalar>::from(nonce.invert())?);
        let r = x_of(&(ProjectivePoint::GENERATOR * *nonce));
        let s = (reduce(digest) + r * *self.0) * *inverse;
        // Without a branch: which of the two it was depends on the nonce.
        let low = Scalar::conditional_select(&s, &-s, s.is_high());
        let mut signature = [0; SIGNATURE_BYTES];
        let parts = [r.to_bytes(), low.to_bytes()];
        signature.iter_mut().zip(parts.iter().flatten()).for_each(|(slot, byte)| *slot = *byte);
        halves(&signature).map(|_| signature)
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(..)")
    }
}

/// The nonces of a key and a digest (RFC 6979, section 3.2), one after the other.
struct Nonces {
    key: Zeroizing<[u8; 32]>,
    value: Zeroizing<[u8; 32]>,
}

impl Nonces {
    fn new(secret: &Scalar, digest: &[u8; 32]) -> Self {
        let mut nonces = Self { key: Zeroizing::new([0; 32]), value: Zeroizing::new([1; 32]) };
        let secret = Zeroizing::new(<[u8; 32]>::from(secret.to_bytes()));
        let reduced: [u8; 32] = reduce(digest).to_bytes().into();
        nonces.mix(&[&[0], &*secret, &reduced]);
        nonces.mix(&[&[1], &*secret, &reduced]);
        nonces
    }

    /// The next one; the state is then as after one that was refused.
    fn next(&mut self) -> Option<Zeroizing<[u8; 32]>> {
        self.value = self.mac(&[])?;
        let nonce = self.value.clone();
        self.mix(&[&[0]]);
        Some(nonce)
    }

    fn mix(&mut self, parts: &[&[u8]]) {
        if let Some(key) = self.mac(parts) {
            self.key = key;
        }
        if let Some(value) = self.mac(&[]) {
            self.value = value;
        }
    }

    /// HMAC of the value and these parts. There is one for every key; the library's type does not say so.
    fn mac(&self, parts: &[&[u8]]) -> Option<Zeroizing<[u8; 32]>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&*self.key).ok()?;
        mac.update(&*self.value);
        parts.iter().for_each(|part| mac.update(part));
        Some(Zeroizing::new(mac.finalize().into_bytes().into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::Digest;
    use std::vec::Vec;

    fn hex<const N: usize>(text: &str) -> [u8; N] {
        let bytes: Vec<u8> =
            (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect();
        bytes.try_into().unwrap()
    }

    /// RFC 6979, appendix A.2.5, with SHA-256: message, nonce, r, s.
    const RFC_6979: [[&str; 4]; 2] = [
        [
            "sample",
            "a6e3c57dd01abe90086538398355dd4c3b17aa873382b0f24d6129493d8aad60",
            "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716",
            "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
        ],
        [
            "test",
            "d16b6ae827f17175e040871a1c7ec3500192c4c92677336ec2537acaee0008e0",
            "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367",
            "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083",
        ],
    ];

    #[test]
    fn rfc_6979() {
        let key =
            SecretKey::from_seed(&hex("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721"));
        let key = key.unwrap();
        let public_key = hex("0360fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6");
        assert_eq!(key.public_key(), public_key);
        let (x, y) = (
            "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6",
            "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299",
        );
        assert_eq!(uncompressed(&public_key), Ok(hex(&["04", x, y].concat())));
        assert_eq!(uncompressed(&[4; 33]), Err(SignatureError::PublicKeyInvalid));
        for [message, nonce, r, s] in RFC_6979 {
            let digest: [u8; 32] = Sha256::digest(message.as_bytes()).into();
            assert_eq!(*Nonces::new(&key.0, &digest).next().unwrap(), hex(nonce));
            let signature = key.sign(&digest).unwrap();
            assert_eq!(signature[..32], hex::<32>(r));
            // The RFC leaves s as it is; ours is the low one of the two.
            let s = scalar(&hex(s)).unwrap();
            let low = if message == "sample" { -s } else { s };
            assert_eq!(signature[32..], low.to_bytes()[..], "{message}");
            assert_eq!(verify(&key.public_key(), &digest, &signature), Ok(()));
            // The high one, which every other verifier accepts too, is refused.
            let mut high = signature;
            high[32..].copy_from_slice(&(-low).to_bytes());
            assert_eq!(verify(&key.public_key(), &digest, &high), Err(SignatureError::Malformed));
        }
    }

    #[test]
    fn refusals_name_what_was_expected() {
        let key = SecretKey::from_seed(&[7; 32]).unwrap();
        let (digest, public) = ([9; 32], key.public_key());
        let good = key.sign(&digest).unwrap();
        assert_eq!(verify(&public, &digest, &good), Ok(()));
        assert_eq!(verify(&public, &[8; 32], &good), Err(SignatureError::Mismatch));
        assert_eq!(verify(&public[..32], &digest, &good), Err(SignatureError::PublicKeyLength));
        assert_eq!(verify(&public, &digest, &good[..63]), Err(SignatureError::Length));
        let order: [u8; 32] = hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
        for (at, number) in [(0, [0; 32]), (0, order), (0, [0xff; 32]), (32, [0; 32]), (32, order)] {
            let mut signature = good;
            signature[at..at + 32].copy_from_slice(&number);
            assert_eq!(verify(&public, &digest, &signature), Err(SignatureError::Malformed), "{at}");
        }
        // The other forms of SEC 1, the neutral point, an x that is no point's, and one that is not reduced.
        let prime: [u8; 32] = hex("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff");
        for (tag, x) in [(0, [0; 32]), (4, [1; 32]), (5, [1; 32]), (2, [1; 32]), (2, prime), (3, [0xff; 32])]
        {
            let mut public = [tag; 33];
            public[1..].copy_from_slice(&x);
            assert_eq!(verify(&public, &digest, &good), Err(SignatureError::PublicKeyInvalid), "{tag}");
        }
        for seed in [[0; 32], order, [0xff; 32]] {
            assert_eq!(SecretKey::from_seed(&seed).unwrap_err(), SecretKeyError::Seed);
        }
        assert_eq!(std::format!("{key:?}"), "SecretKey(..)");
    }
}
