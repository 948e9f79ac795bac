//! The square root of a product, without a division instruction.

use core::hint::cold_path;

use super::limbs::{div_2_by_1, mul_2x2};
use super::word::Word;

/// `floor(sqrt(a * b))`, exact over the 256-bit product; it always fits.
#[inline]
pub fn sqrt_product(a: u128, b: u128) -> u128 {
    let [mut p0, mut p1, mut p2, mut p3] = mul_2x2::<u64>(a, b);
    // The product is shifted by whole words and by an even number of bits, until one of its top two bits is set; half
    // of that is taken back from the root.
    let mut halved = 0u32;
    while p3 == 0 {
        if halved == 96 {
            return 0;
        }
        (p3, p2, p1, p0) = (p2, p1, p0, 0);
        halved = halved.wrapping_add(32);
    }
    let shift = p3.leading_zeros() & !1;
    let shl = |high, low| u64::shl_pair(high, low, shift);
    let high = u64::join(shl(p3, p2), shl(p2, p1));
    sqrt_normal(high, shl(p1, p0), shl(p0, 0)) >> halved.wrapping_add(shift >> 1)
}

/// Karatsuba square root (Zimmermann 1999) of `(high, upper, lower)`, of which one of the top two bits is set: the root
/// of the upper half, then one division for the lower half of the root.
#[inline(always)]
fn sqrt_normal(high: u128, upper: u64, lower: u64) -> u128 {
    let (s1, r1, v) = sqrt_upper(high);
    // (r1, upper) by 2 * s1; r1 has up to 65 bits, so both sides are halved.
    let half = (r1 >> 1) as u64;
    if half >= s1 {
        cold_path();
        // r1 is 2 * s1, the quotient is 2^64 and too large by one.
        return u64::join(s1, u64::MAX);
    }
    let (q, rest) = div_2_by_1(half, u64::shl_pair(r1 as u64, upper, 63), s1, v);
    // The remainder is (2 * rest + lowest bit of upper, lower) - q * q; where that is negative, the root is one too
    // large.
    let rest = u64::join(rest >> 63, (rest << 1) | (upper & 1));
    let negative = u64::high(rest) == 0 && u64::join(rest as u64, lower) < q.wide_mul(q);
    u64::join(s1, q).wrapping_sub(u128::from(negative))
}

/// First approximations of `2^15 / sqrt(x)`, for `x` in the middle of each 512th part of the range from 1/4 to 1.
const INVERSE_ROOTS: [u16; 384] = {
    let mut table = [0; 384];
    let mut i = 0usize;
    while i < table.len() {
        // x = (2 * i + 257) / 1024, so 2^15 / sqrt(x) = sqrt(2^40 / (2 * i + 257)).
        let square = (1u64 << 40).wrapping_div((i as u64).wrapping_mul(2).wrapping_add(257));
        table[i] = square.isqrt() as u16;
        i = i.wrapping_add(1);
    }
    table
};

/// The root of a number, of which one of the top two bits is set; the remainder, which is at most twice the root; and
/// the root's [`reciprocal`](Word::reciprocal).
#[inline(always)]
fn sqrt_upper(x: u128) -> (u64, u128, u64) {
    let high = |a: u64, b: u64| u64::high(a.wide_mul(b));
    let a = u64::high(x);
    // Newton's steps y * (3 - a * y * y) / 2 towards 1 / sqrt(a), a being a fraction of 64 bits. The table has 15
    // fractional bits and is within 2^-9 of the truth, then y has 31 bits and is within 2^-17, then 62 bits and within
    // 2^-34. The last step ends below the truth, as all that it cuts off makes y smaller.
    let y = INVERSE_ROOTS.get(((a >> 55) as usize).wrapping_sub(128)).copied().map_or(0, u64::from);
    let t = y.wrapping_mul(y).wrapping_mul(a >> 32);
    let y = y.wrapping_mul((3u64 << 62).wrapping_sub(t) >> 32) >> 15;
    let t = high(y.wrapping_mul(y), a);
    let y = high(y << 32, ((3u64 << 62) - 1).wrapping_sub(t));
    // The root is a * y, and half of what is missing times y: below the truth by less than one, so cut off it is the
    // root or one less. What is missing has at most 96 bits.
    let s = high(a, y) << 2;
    let missing = x.wrapping_sub(s.wide_mul(s));
    let s = s.wrapping_add(high((missing >> 32) as u64, y) >> 31);
    let r = x.wrapping_sub(s.wide_mul(s));
    let twice = u128::from(s) << 1;
    let (s, r) = if r > twice { (s.wrapping_add(1), r.wrapping_sub(twice).wrapping_sub(1)) } else { (s, r) };
    // One of Newton's steps v * (2 - s * v) takes y, made smaller by more than what s is above the root of a and without
    // its leading one, to the reciprocal or one less; the last step of Moeller and Granlund's reciprocal settles which.
    let v = y.saturating_sub((1 << 62) + 2) << 2;
    let missing = 0u128.wrapping_sub(s.wide_mul(v)).wrapping_sub(u64::join(s, 0));
    let missing = (missing >> 32) as u64;
    let step = (u128::from(high(v, missing)).wrapping_add(u128::from(missing)) >> 32) as u64;
    let v = v.wrapping_add(step);
    let v = v.wrapping_sub(u64::high(v.mul_add2(s, s, 0))).wrapping_sub(s);
    (s, r, v)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(x: u128) {
        let root = x.isqrt();
        let (s, r, v) = sqrt_upper(x);
        assert_eq!((u128::from(s), r), (root, x - root * root), "{x:#x}");
        assert_eq!(v, s.reciprocal(), "{x:#x}");
    }

    #[test]
    fn upper_root_at_the_borders_and_exact_points_of_the_table() {
        let low_words = [0, 1, u64::MAX, u64::MAX - 1, 1 << 63, 0x0123_4567_89ab_cdef];
        let offsets = (0..64u32).flat_map(|bit| [1u64 << bit, 3 << bit, (1 << bit) - 1]).chain([0]);
        let offsets: std::vec::Vec<u64> = offsets.collect();
        for (i, &inverse) in INVERSE_ROOTS.iter().enumerate() {
            let start = (i as u64 + 128) << 55;
            // Where the table's value is exact, the steps end nearest to the truth.
            let exact = (1u128 << 94) / (u128::from(inverse) * u128::from(inverse));
            for point in [start, start | ((1 << 55) - 1), start | 1 << 54, exact as u64] {
                for &offset in &offsets {
                    for high in [point.saturating_add(offset), point.saturating_sub(offset)] {
                        if high >> 62 != 0 {
                            low_words.iter().for_each(|low| check(u64::join(high, *low)));
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn upper_root_next_to_squares() {
        let mut state = 1u64;
        for i in 0..200_000u64 {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            // Roots at both ends of the range, and anywhere.
            let root = match i % 4 {
                0 => u64::MAX - i,
                1 => (1 << 63) + i,
                _ => state | 1 << 63,
            };
            let square = root.wide_mul(root);
            for x in
                [square - 1, square, square + 1, square + u128::from(root), square + 2 * u128::from(root)]
            {
                if x >> 126 != 0 {
                    check(x);
                }
            }
        }
    }
}
