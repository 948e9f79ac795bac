//! Signing with an expanded key (FIPS 204, algorithm 7).
//!
//! The masks y are sampled twice: for the commitment, and again for the answer z of an attempt that may succeed. The
//! bound of the low bits is checked before z is made, because most attempts fail there. An attempt ends with the first
//! polynomial that breaks a bound; which one that is does not depend on the secret (FIPS 204, section 6.2 and the
//! round 3 submission of Dilithium, section 3.3). Within a polynomial nothing depends on a coefficient.

use zeroize::Zeroize;

use super::bits;
use super::field::{D, GAMMA2, Q, beyond, canonical, centered, high_bits, low_bits};
use super::ntt::{Poly, inverse_ntt, multiply, ntt};
use super::rows::{self, Row, Rows};
use super::sample::{self, GAMMA1, MASK_BITS, MASK_BYTES, TAU};
use super::secret::{Expanded, Work};
use super::{BETA, CHALLENGE_BYTES, HINT_BYTES, L, MAX_ATTEMPTS, OMEGA, SIGNATURE_BYTES, SignError, W1_BITS};
use crate::crypto::keccak::Shake;

/// The product of challenge and t0 is always within its bound, so that FIPS 204's check of it never fails.
const _: () = assert!((TAU as i32) << (D - 1) < GAMMA2);

/// Signs mu, the hash of the public key and the message. `rnd` is all zero for deterministic signatures.
pub(super) fn sign(
    secret: &Expanded,
    work: &mut Work,
    mu: &[u8; 64],
    rnd: &[u8; 32],
    signature: &mut [u8; SIGNATURE_BYTES],
) -> Result<(), SignError> {
    work.xof.start_256().absorb(&secret.key).absorb(rnd).absorb(mu).end();
    let mut seed: [u8; 64] = work.xof.output();
    let mut challenge = [0; 256];
    let nonces = (0..MAX_ATTEMPTS).map(|attempt| attempt.wrapping_mul(L as u16));
    let mut nonces =
        nonces.filter(|nonce| attempt(secret, work, &mut challenge, mu, &seed, *nonce, signature));
    let done = nonces.next();
    seed.zeroize();
    if done.is_none() {
        signature.zeroize();
        return Err(SignError::Attempts);
    }
    Ok(())
}

/// One attempt; whether `signature` is one.
fn attempt(
    secret: &Expanded,
    work: &mut Work,
    challenge: &mut Poly,
    mu: &[u8; 64],
    seed: &[u8; 64],
    nonce: u16,
    signature: &mut [u8; SIGNATURE_BYTES],
) -> bool {
    let Some((hash, rest)) = signature.split_first_chunk_mut::<CHALLENGE_BYTES>() else { return false };
    let (z, hints) = rest.as_chunks_mut::<MASK_BYTES>();
    let Work { rows, poly, xof } = work;

    commit(rows, poly, xof, &secret.rho, seed, nonce);
    *hash = hash_commitment(rows, poly, xof, mu);
    sample::challenge(challenge, xof, hash);
    ntt(challenge);

    for (row, s2) in rows.iter_mut().zip(&secret.s2) {
        sample::short(poly, s2);
        times_challenge(poly, challenge);
        if !low_bits_are_small(row, poly) {
            return false;
        }
    }
    for ((z, s1), nonce) in z.iter_mut().zip(&secret.s1).zip(nonce..) {
        sample::short(poly, s1);
        times_challenge(poly, challenge);
        sample::add_mask(poly, xof, seed, nonce);
        if !pack_answer(z, poly) {
            return false;
        }
    }
    let mut count = 0u32;
    for (row, t0) in rows.iter_mut().zip(&secret.t0) {
        Expanded::t0(poly, t0);
        times_challenge(poly, challenge);
        count = count.wrapping_add(mark_hints(row, poly));
    }
    if count > OMEGA as u32 {
        return false;
    }
    pack_hints(hints, rows);
    true
}

/// A times y, left in the rows.
fn commit(rows: &mut Rows, poly: &mut Poly, xof: &mut Shake, rho: &[u8; 32], seed: &[u8; 64], nonce: u16) {
    rows.as_flattened_mut().fill(0);
    for (column, nonce) in (0..L as u8).zip(nonce..) {
        *poly = [0; 256];
        sample::add_mask(poly, xof, seed, nonce);
        ntt(poly);
        rows::add_column(rows, xof, rho, column, poly);
    }
    for row in rows {
        rows::load(poly, row);
        inverse_ntt(poly);
        rows::store(row, poly);
    }
}

/// The hash of mu and the high bits of the rows.
fn hash_commitment(rows: &Rows, poly: &mut Poly, xof: &mut Shake, mu: &[u8; 64]) -> [u8; CHALLENGE_BYTES] {
    xof.start_256().absorb(mu);
    for row in rows {
        rows::load(poly, row);
        poly.iter_mut().for_each(|a| *a = high_bits(*a));
        absorb_high_bits(xof, poly);
    }
    xof.end();
    xof.output()
}

/// Takes the high bits of a polynomial into a hash.
pub(super) fn absorb_high_bits(xof: &mut Shake, high: &Poly) {
    for high in high.as_chunks::<16>().0 {
        let mut packed = [0; 16 * W1_BITS as usize / 8];
        bits::pack::<W1_BITS>(high.iter().copied(), &mut packed);
        xof.absorb(&packed);
    }
}

/// Multiplies with the challenge; the result is between -q and q.
fn times_challenge(poly: &mut Poly, challenge: &Poly) {
    ntt(poly);
    multiply(poly, challenge);
    inverse_ntt(poly);
}

/// Takes c·s2 from a row of w; whether the low bits of all that is left are within their bound.
fn low_bits_are_small(row: &mut Row, poly: &Poly) -> bool {
    let mut small = -1;
    rows::update(row, poly, |w, product| {
        let rest = canonical(w.wrapping_sub(product));
        small &= beyond(low_bits(rest), const { GAMMA2 - BETA });
        rest
    });
    small < 0
}

/// Packs a polynomial of z; whether all of it is within its bound.
fn pack_answer(z: &mut [u8; MASK_BYTES], poly: &Poly) -> bool {
    let mut small = -1;
    let numbers = poly.iter().map(|a| {
        let a = centered(*a);
        small &= beyond(a, const { GAMMA1 - BETA });
        GAMMA1.wrapping_sub(a)
    });
    bits::pack::<MASK_BITS>(numbers, z);
    small < 0
}

/// Finds where adding c·t0 to a row changes its high bits, leaves that in the first words of the row, one bit for
/// each coefficient, and counts.
fn mark_hints(row: &mut Row, poly: &mut Poly) -> u32 {
    let mut count = 0u32;
    // 1 where the high bits differ; x | -x is negative for every x but zero.
    rows::update(row, poly, |rest, product| {
        let differ = high_bits(rest) ^ high_bits(canonical(rest.wrapping_add(product)));
        let hint = (differ | differ.wrapping_neg()) as u32 >> 31;
        count = count.wrapping_add(hint);
        hint as i32
    });
    rows::load(poly, row);
    for (word, hints) in row.iter_mut().zip(poly.as_chunks::<32>().0) {
        *word = hints.iter().rev().fold(0, |word, hint| word << 1 | *hint as u32);
    }
    count
}

/// HintBitPack: the places of the hints, then for each row how many there are up to its end. For public hints.
#[inline(never)] // what takes time by public values stands apart from what must not by secret ones
fn pack_hints(packed: &mut [u8], rows: &Rows) {
    let Some((places, ends)) = packed.split_last_chunk_mut::<{ HINT_BYTES - OMEGA }>() else { return };
    places.fill(0);
    let mut places = places.iter_mut();
    let mut count = 0u8;
    for (row, end) in rows.iter().zip(ends) {
        for place in 0..=255 {
            let word = row.get(usize::from(place / 32)).copied().unwrap_or(0);
            if word >> (place % 32) & 1 == 1 {
                count = count.wrapping_add(1);
                if let Some(to) = places.next() {
                    *to = place;
                }
            }
        }
        *end = count;
    }
}

const _: () = assert!(GAMMA1 + Q < 2 * Q && BETA < Q, "the sums that are made centered");
