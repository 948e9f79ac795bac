//! Verification in batches.

use std::collections::HashMap;

use curve25519_dalek::Scalar;
use curve25519_dalek::constants::ED25519_BASEPOINT_POINT;
use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::traits::{IsIdentity, VartimeMultiscalarMul};
use qenex_core::crypto::edwards25519::{challenge, decode};
use qenex_core::crypto::{Hash, Scheme, SignatureError, ed25519, verify};

use crate::keys::KeyCache;

/// Signatures of one sum, of which each takes about a kilobyte of memory meanwhile. Longer sums gain nothing more.
const SUM_ITEMS_MAX: usize = 16_384;
/// Groups of at most this size are verified one by one.
const SINGLE_ITEMS_MAX: usize = 16;
/// Random bytes of a coefficient.
const COEFFICIENT_BYTES: usize = 16;

/// Keys that [`Verifier::default`] keeps.
const DEFAULT_CACHED_KEYS: usize = 1 << 16;

/// A signature of a digest to verify.
#[derive(Clone, Copy, Debug)]
pub struct Item<'a> {
    /// How the key signs.
    pub scheme: Scheme,
    /// The public key.
    pub public_key: &'a [u8],
    /// What was signed.
    pub digest: &'a Hash,
    /// The signature.
    pub signature: &'a [u8],
}

impl<'a> Item<'a> {
    /// As it goes into a sum, if it can.
    fn signed(&self) -> Option<Signed<'a>> {
        match self.scheme {
            Scheme::Ed25519 => Some(Signed {
                public_key: self.public_key.try_into().ok()?,
                message: self.digest.as_bytes(),
                signature: self.signature.try_into().ok()?,
            }),
            Scheme::MlDsa87 | Scheme::Hybrid | Scheme::P256 => None,
        }
    }
}

/// An Ed25519 signature of any message to verify.
#[derive(Clone, Copy)]
pub(crate) struct Signed<'a> {
    pub public_key: &'a [u8; 32],
    pub message: &'a [u8],
    pub signature: &'a [u8; 64],
}

impl Signed<'_> {
    /// The core's answer.
    fn verify(&self) -> Result<(), SignatureError> {
        ed25519::verify(self.public_key, self.message, self.signature)
    }
}

/// Verifies batches of signatures. Threads share one: it holds nothing but decoded keys.
#[derive(Debug)]
pub struct Verifier {
    keys: KeyCache,
}

impl Default for Verifier {
    fn default() -> Self {
        Self::new(DEFAULT_CACHED_KEYS)
    }
}

impl Verifier {
    /// A verifier that keeps at most so many decoded keys, of about 250 bytes each.
    pub fn new(cached_keys: usize) -> Self {
        Self { keys: KeyCache::new(cached_keys) }
    }

    /// The core's answer for each item, in their order. What no sum can take the core verifies one by one.
    pub fn verify_batch(&self, items: &[Item<'_>]) -> Vec<Result<(), SignatureError>> {
        let signed: Vec<Option<Signed<'_>>> = items.iter().map(Item::signed).collect();
        let summed: Vec<Signed<'_>> = signed.iter().flatten().copied().collect();
        let mut answers = self.verify_signed(&summed).into_iter();
        let single = |item: &Item<'_>| verify(item.scheme, item.public_key, item.digest, item.signature);
        let answer = |(item, signed): (_, &Option<_>)| match signed {
            // As many answers as items in the sums.
            Some(_) => answers.next().unwrap_or_else(|| single(item)),
            None => single(item),
        };
        items.iter().zip(&signed).map(answer).collect()
    }

    pub(crate) fn verify_signed(&self, items: &[Signed<'_>]) -> Vec<Result<(), SignatureError>> {
        let mut accepted = vec![false; items.len()];
        let sums = items.len().div_ceil(SUM_ITEMS_MAX).max(1);
        let sum = items.len().div_ceil(sums).max(1);
        for (items, accepted) in items.chunks(sum).zip(accepted.chunks_mut(sum)) {
            self.accept(items, accepted);
        }
        // The core has the last word on all that no sum accepted, and names the reason.
        let answer = |(item, accepted): (&Signed<'_>, bool)| if accepted { Ok(()) } else { item.verify() };
        items.iter().zip(accepted).map(answer).collect()
    }

    /// Accepts the items of every group whose sum is zero, down to groups that are as well verified one by one.
    fn accept(&self, items: &[Signed<'_>], accepted: &mut [bool]) {
        if items.len() <= SINGLE_ITEMS_MAX || self.sum_is_zero(items, accepted) {
            return;
        }
        accepted.fill(false);
        let (left, right) = accepted.split_at_mut(items.len() / 2);
        self.accept(&items[..left.len()], left);
        self.accept(&items[left.len()..], right);
    }

    /// Whether 8 Σ zᵢ(Sᵢ·B − kᵢ·Aᵢ − Rᵢ) = 0 for random zᵢ below 2^128, over the items whose encodings are in order; marks those.
    /// The terms of equal keys are added before they are multiplied.
    fn sum_is_zero(&self, items: &[Signed<'_>], marked: &mut [bool]) -> bool {
        // Without random bytes no sum proves anything: the items are verified one by one.
        let Ok(coefficients) = random_bytes(items.len() * COEFFICIENT_BYTES) else { return false };
        let mut slots = HashMap::with_capacity(items.len());
        let mut keys = Vec::with_capacity(items.len());
        let slot_of: Vec<usize> = items
            .iter()
            .map(|item| {
                *slots.entry(item.public_key).or_insert_with(|| {
                    keys.push(item.public_key);
                    keys.len() - 1
                })
            })
            .collect();
        let of_keys = self.keys.decode_all(&keys);
        let mut scalars = Vec::with_capacity(keys.len() + items.len() + 1);
        let mut points = Vec::with_capacity(scalars.capacity());
        scalars.resize(keys.len(), Scalar::ZERO);
        points.extend(of_keys.iter().map(|point| point.unwrap_or_default()));
        let mut base = Scalar::ZERO;
        let (coefficients, _) = coefficients.as_chunks();
        for (((item, slot), marked), z) in items.iter().zip(slot_of).zip(marked).zip(coefficients) {
            let (r_bytes, s_bytes) = ed25519::halves(item.signature);
            let s: Option<Scalar> = Scalar::from_canonical_bytes(s_bytes).into();
            let (Some(_), Some(r), Some(s)) = (of_keys[slot], decode(&r_bytes), s) else { continue };
            let k = challenge(&r_bytes, item.public_key, item.message);
            let z = Scalar::from(u128::from_le_bytes(*z));
            base -= z * s;
            scalars[slot] += z * k;
            scalars.push(z);
            points.push(r);
            *marked = true;
        }
        scalars.push(base);
        points.push(ED25519_BASEPOINT_POINT);
        EdwardsPoint::vartime_multiscalar_mul(&scalars, &points).mul_by_cofactor().is_identity()
    }
}

/// Bytes that nobody could foresee.
fn random_bytes(count: usize) -> Result<Vec<u8>, getrandom::Error> {
    let mut key = [0; 32];
    getrandom::fill(&mut key)?;
    let mut bytes = vec![0; count];
    blake3::Hasher::new_keyed(&key).finalize_xof().fill(&mut bytes);
    Ok(bytes)
}
