//! The square root of a product.

use super::limbs::mul_2x2;
use super::word::Word;

/// `floor(sqrt(a * b))`, exact over the 256-bit product; it always fits.
#[inline]
pub fn sqrt_product(a: u128, b: u128) -> u128 {
    let [p0, p1, p2, p3] = mul_2x2::<u64>(a, b);
    let (high, low) = (u64::join(p3, p2), u64::join(p1, p0));
    if high == 0 {
        return low.isqrt();
    }
    // An even shift brings the top bit into the top two; half of it is taken back from the root.
    let shift = high.leading_zeros() & !1;
    let (high, low) = match shift {
        0 => (high, low),
        _ => ((high << shift) | (low >> 128u32.wrapping_sub(shift)), low << shift),
    };
    sqrt_normal(high, low) >> (shift >> 1)
}

/// Karatsuba square root (Zimmermann 1999) of `(high, low)`, of which one of the top two bits is set: the root of
/// the upper half, then one division for the lower half of the root.
#[inline(always)]
fn sqrt_normal(high: u128, low: u128) -> u128 {
    let s1 = high.isqrt();
    let r1 = high.wrapping_sub(s1.wrapping_mul(s1));
    // (r1, upper word of low) by 2 * s1; r1 has up to 65 bits, so both sides are halved.
    let upper = low >> 64;
    let numerator = (r1 << 63) | (upper >> 1);
    let q = numerator.checked_div(s1).unwrap_or(0);
    let u = (numerator.wrapping_sub(q.wrapping_mul(s1)) << 1) | (upper & 1);
    let root = (s1 << 64).wrapping_add(q);
    // The remainder is (u, lower word of low) - q * q; where that is negative, the root is one too large.
    let negative =
        u >> 64 == 0 && (q >> 64 != 0 || (u << 64) | (low & u128::from(u64::MAX)) < q.wrapping_mul(q));
    root.wrapping_sub(u128::from(negative))
}
