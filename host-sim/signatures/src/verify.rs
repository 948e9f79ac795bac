//! Verification in batches.

use std::collections::HashMap;

use curve25519_dalek::Scalar;
use curve25519_dalek::constants::ED25519_BASEPOINT_POINT;
use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::traits::{IsIdentity, VartimeMultiscalarMul};
use qenex_core::crypto::{Hash, SignatureError, ed25519};
use sha2::{Digest, Sha512};

use crate::keys::{KeyCache, decode};

/// Signatures of one sum. More gain nothing: the points no longer fit the second-level cache.
const SUM_ITEMS_MAX: usize = 2_048;
/// Groups of at most this size are verified one by one.
const SINGLE_ITEMS_MAX: usize = 8;

/// Keys that [`Verifier::default`] keeps.
const DEFAULT_CACHED_KEYS: usize = 1 << 18;

/// A signature of a digest to verify.
#[derive(Clone, Copy, Debug)]
pub struct Item<'a> {
    /// The public key.
    pub public_key: &'a [u8; 32],
    /// What was signed.
    pub digest: &'a Hash,
    /// The signature.
    pub signature: &'a [u8; 64],
}

/// A signature of any message to verify.
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

/// An item whose encodings are in order: what remains is the equation 8(S·B − k·A − R) = 0.
struct Term {
    index: usize,
    a: EdwardsPoint,
    r: EdwardsPoint,
    s: Scalar,
    k: Scalar,
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

    /// The core's answer for each item, in their order.
    pub fn verify_batch(&self, items: &[Item<'_>]) -> Vec<Result<(), SignatureError>> {
        let signed = items.iter().map(|item| Signed {
            public_key: item.public_key,
            message: item.digest.as_bytes(),
            signature: item.signature,
        });
        self.verify_signed(&signed.collect::<Vec<_>>())
    }

    pub(crate) fn verify_signed(&self, items: &[Signed<'_>]) -> Vec<Result<(), SignatureError>> {
        let parts = items.len().div_ceil(SUM_ITEMS_MAX).max(1);
        let part = items.len().div_ceil(parts).max(1);
        let mut answers = Vec::with_capacity(items.len());
        for items in items.chunks(part) {
            let mut accepted = vec![false; items.len()];
            if items.len() > SINGLE_ITEMS_MAX {
                settle(items, &self.terms(items), &mut accepted);
            }
            // The core has the last word on all that no sum accepted, and names the reason.
            answers
                .extend(items.iter().zip(accepted).map(|(item, ok)| if ok { Ok(()) } else { item.verify() }));
        }
        answers
    }

    /// The items whose encodings are in order.
    fn terms(&self, items: &[Signed<'_>]) -> Vec<Term> {
        let points = self.keys.decode_all(items.iter().map(|item| item.public_key));
        let mut terms = Vec::with_capacity(items.len());
        for (index, (item, a)) in items.iter().zip(points).enumerate() {
            let (mut r_bytes, mut s_bytes) = ([0; 32], [0; 32]);
            r_bytes.copy_from_slice(&item.signature[..32]);
            s_bytes.copy_from_slice(&item.signature[32..]);
            let s: Option<Scalar> = Scalar::from_canonical_bytes(s_bytes).into();
            if let (Some(a), Some(r), Some(s)) = (a, decode(&r_bytes), s) {
                let hash = Sha512::new().chain_update(r_bytes).chain_update(item.public_key);
                let wide: [u8; 64] = hash.chain_update(item.message).finalize().into();
                terms.push(Term { index, a, r, s, k: Scalar::from_bytes_mod_order_wide(&wide) });
            }
        }
        terms
    }
}

/// Accepts the terms of all groups whose sum is zero, down to groups that are as well verified one by one.
fn settle(items: &[Signed<'_>], terms: &[Term], accepted: &mut [bool]) {
    if terms.len() <= SINGLE_ITEMS_MAX {
        return;
    }
    if sum_is_zero(items, terms) {
        for term in terms {
            accepted[term.index] = true;
        }
    } else {
        let (left, right) = terms.split_at(terms.len() / 2);
        settle(items, left, accepted);
        settle(items, right, accepted);
    }
}

/// Whether 8 Σ zᵢ(Sᵢ·B − kᵢ·Aᵢ − Rᵢ) = 0 for random zᵢ below 2^128. Terms of equal keys are added before they are
/// multiplied. Without random bytes nothing is accepted here, and the items are verified one by one.
fn sum_is_zero(items: &[Signed<'_>], terms: &[Term]) -> bool {
    let mut seed = [0; 32];
    if getrandom::fill(&mut seed).is_err() {
        return false;
    }
    let mut coefficients = blake3::Hasher::new_keyed(&seed).finalize_xof();
    let mut scalars = Vec::with_capacity(2 * terms.len() + 1);
    let mut points = Vec::with_capacity(2 * terms.len() + 1);
    let mut base = Scalar::ZERO;
    let mut of_key: HashMap<&[u8; 32], usize> = HashMap::with_capacity(terms.len());
    for term in terms {
        let mut z = [0; 16];
        coefficients.fill(&mut z);
        let z = Scalar::from(u128::from_le_bytes(z));
        base -= z * term.s;
        scalars.push(z);
        points.push(term.r);
        let scalar = z * term.k;
        let at = *of_key.entry(items[term.index].public_key).or_insert(scalars.len());
        match scalars.get_mut(at) {
            Some(sum) => *sum += scalar,
            None => {
                scalars.push(scalar);
                points.push(term.a);
            }
        }
    }
    scalars.push(base);
    points.push(ED25519_BASEPOINT_POINT);
    EdwardsPoint::vartime_multiscalar_mul(&scalars, &points).mul_by_cofactor().is_identity()
}
