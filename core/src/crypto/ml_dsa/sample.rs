//! What is sampled from seeds but for the matrix A (FIPS 204, section 7.3).

use super::bits;
use super::ntt::Poly;
use crate::crypto::keccak::Shake;

/// Largest secret coefficient, on either side of zero.
pub(super) const ETA: i32 = 2;
/// Bits of a packed secret coefficient, and bytes of such a polynomial.
pub(super) const SHORT_BITS: u32 = 3;
pub(super) const SHORT_BYTES: usize = 96;
/// Bits of a packed coefficient of y or z, and bytes of such a polynomial.
pub(super) const MASK_BITS: u32 = 20;
pub(super) const MASK_BYTES: usize = 640;
/// Bound of the coefficients of y.
pub(super) const GAMMA1: i32 = 1 << (MASK_BITS - 1);
/// Coefficients of a challenge that are not zero.
pub(super) const TAU: usize = 60;

/// RejBoundedPoly: a polynomial of small coefficients, packed as [`short`] reads it. Branches on nothing but
/// whether a candidate is refused, which says nothing about those that are not.
pub(super) fn pack_short(packed: &mut [u8; SHORT_BYTES], xof: &mut Shake, seed: &[u8; 64], nonce: u16) {
    xof.start_256().absorb(seed).absorb(&nonce.to_le_bytes()).end();
    let candidates = core::iter::from_fn(|| Some(xof.lane()));
    let candidates =
        candidates.flat_map(u64::to_le_bytes).flat_map(|byte| [byte & 15, byte >> 4]).map(i32::from);
    // ETA less the coefficient is the candidate modulo 5; 13/64 is 1/5 for small numbers.
    let numbers = candidates
        .filter(|n| *n < 15)
        .map(|n| n.wrapping_sub(n.wrapping_mul(13).wrapping_shr(6).wrapping_mul(5)));
    bits::pack::<SHORT_BITS>(numbers.take(256), packed);
}

/// Unpacks a polynomial of small coefficients.
pub(super) fn short(p: &mut Poly, packed: &[u8; SHORT_BYTES]) {
    p.iter_mut().zip(bits::unpack::<SHORT_BITS>(packed)).for_each(|(a, n)| *a = ETA.wrapping_sub(n));
}

/// Adds a polynomial of ExpandMask.
pub(super) fn add_mask(p: &mut Poly, xof: &mut Shake, seed: &[u8; 64], nonce: u16) {
    xof.start_256().absorb(seed).absorb(&nonce.to_le_bytes()).end();
    // Sixteen coefficients from five lanes.
    for p in p.as_chunks_mut::<16>().0 {
        let bytes: [u8; 40] = xof.output();
        for (p, bytes) in p.as_chunks_mut::<2>().0.iter_mut().zip(bytes.as_chunks().0) {
            let [a, b, c, d, e] = *bytes;
            let low = i32::from_le_bytes([a, b, c & 15, 0]);
            let high = i32::from_le_bytes([c, d, e, 0]) >> 4;
            let [x, y] = *p;
            *p = [x.wrapping_add(GAMMA1).wrapping_sub(low), y.wrapping_add(GAMMA1).wrapping_sub(high)];
        }
    }
}

/// SampleInBall: the challenge of a commitment's hash. Its time depends on the hash, which is public whether or
/// not the attempt it belongs to becomes a signature.
pub(super) fn challenge(c: &mut Poly, xof: &mut Shake, hash: &[u8; 64]) {
    xof.start_256().absorb(hash).end();
    let mut signs = xof.lane();
    let mut positions = core::iter::from_fn(|| Some(xof.lane())).flat_map(u64::to_le_bytes).map(usize::from);
    *c = [0; 256];
    for last in const { 256 - TAU }..256 {
        let Some(position) = positions.find(|position| *position <= last) else { return };
        let moved = c.get(position).copied().unwrap_or(0);
        if let Some(to) = c.get_mut(last) {
            *to = moved;
        }
        if let Some(to) = c.get_mut(position) {
            *to = 1i32.wrapping_sub((signs as i32 & 1).wrapping_mul(2));
        }
        signs >>= 1;
    }
}
