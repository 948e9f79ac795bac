//! Numbers modulo q = 2^23 - 2^13 + 1, and their roundings (FIPS 204, section 7.4).
//!
//! Nothing here branches on a number, indexes with it, or divides.

/// The modulus.
pub(super) const Q: i32 = 8_380_417;
/// Low bits of t that the public key leaves out.
pub(super) const D: u32 = 13;
/// Half of the width of the intervals of high bits.
pub(super) const GAMMA2: i32 = (Q - 1) / 32;

/// 1/q modulo 2^32.
const INVERSE: i32 = 58_728_449;
const _: () = assert!(INVERSE.wrapping_mul(Q) == 1);

/// a·b/2^32 modulo q, between -q and q, for |a·b| < 2^31·q (Montgomery).
#[inline(always)]
pub(super) const fn mul(a: i32, b: i32) -> i32 {
    mul_modulo(Q, a, b)
}

/// The same with a modulus that the compiler does not know: of a constant it makes a longer product.
#[inline(always)]
pub(super) const fn mul_modulo(q: i32, a: i32, b: i32) -> i32 {
    let product = (a as i64).wrapping_mul(b as i64);
    // The multiple of q that has the same low half; only the high halves are left to be subtracted.
    let multiple = ((product as i32).wrapping_mul(INVERSE) as i64).wrapping_mul(q as i64);
    ((product >> 32) as i32).wrapping_sub((multiple >> 32) as i32)
}

/// From between -2q and 2q to at least -q and below q.
#[inline(always)]
pub(super) const fn nearer(a: i32) -> i32 {
    a.wrapping_sub(Q).wrapping_add((a >> 31) & const { 2 * Q })
}

/// From between -2q and 2q to at least 0 and below q.
#[inline(always)]
pub(super) const fn canonical(a: i32) -> i32 {
    let a = nearer(a);
    a.wrapping_add((a >> 31) & Q)
}

/// From between -2q and 2q to at most q/2 on either side of zero.
#[inline(always)]
pub(super) const fn centered(a: i32) -> i32 {
    let a = canonical(a);
    a.wrapping_sub((const { Q / 2 }.wrapping_sub(a) >> 31) & Q)
}

/// Negative if |a| < bound. Of many such numbers those below are taken together with `&`: of a sum of masks, compilers make branches.
#[inline(always)]
pub(super) const fn beyond(a: i32, bound: i32) -> i32 {
    let sign = a >> 31;
    (a ^ sign).wrapping_sub(sign).wrapping_sub(bound)
}

/// Power2Round: a = high·2^13 + low with -2^12 < low <= 2^12, for a canonical number.
#[inline(always)]
pub(super) const fn power_2_round(a: i32) -> (i32, i32) {
    let high = a.wrapping_add(const { (1 << (D - 1)) - 1 }) >> D;
    (high, a.wrapping_sub(high << D))
}

/// HighBits of a canonical number: 0 to 15.
#[inline(always)]
pub(super) const fn high_bits(a: i32) -> i32 {
    // (a + 127)/128 times 1025/2^22, which is a/(2·GAMMA2) rounded; 16, at the end of the range, is 0.
    let high = a.wrapping_add(127) >> 7;
    (high.wrapping_mul(1025).wrapping_add(1 << 21) >> 22) & 15
}

/// LowBits of a canonical number: at most GAMMA2 on either side of zero.
#[inline(always)]
pub(super) const fn low_bits(a: i32) -> i32 {
    let low = a.wrapping_sub(high_bits(a).wrapping_mul(const { 2 * GAMMA2 }));
    low.wrapping_sub((const { Q / 2 }.wrapping_sub(low) >> 31) & Q)
}

/// UseHint: the high bits of a canonical number, corrected. For public numbers.
pub(super) const fn use_hint(a: i32, hint: bool) -> i32 {
    let high = high_bits(a);
    match (hint, low_bits(a) > 0) {
        (false, _) => high,
        (true, true) => high.wrapping_add(1) & 15,
        (true, false) => high.wrapping_sub(1) & 15,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every number, against the definitions of FIPS 204 (algorithms 35 to 40).
    #[test]
    fn roundings_are_their_definitions() {
        for a in 0..Q {
            let (high, low) = power_2_round(a);
            assert!(high << D == a - low && -(1 << 12) < low && low <= 1 << 12, "{a}");

            let mut low = a % (2 * GAMMA2);
            if low > GAMMA2 {
                low -= 2 * GAMMA2;
            }
            let high = if a - low == Q - 1 { 0 } else { (a - low) / (2 * GAMMA2) };
            if a - low == Q - 1 {
                low -= 1;
            }
            assert_eq!((high_bits(a), low_bits(a)), (high, low), "{a}");
            assert_eq!(use_hint(a, false), high);
            assert_eq!(use_hint(a, true), (high + if low > 0 { 1 } else { 15 }) % 16, "{a}");

            for b in [a, a - Q, a + Q, a - 2 * Q] {
                if b <= -2 * Q || b >= 2 * Q {
                    continue;
                }
                assert_eq!(canonical(b), a, "{b}");
                assert_eq!(nearer(b).rem_euclid(Q), a, "{b}");
                assert!(-Q <= nearer(b) && nearer(b) < Q, "{b}");
                let expected = if a > Q / 2 { a - Q } else { a };
                assert_eq!(centered(b), expected, "{b}");
            }
        }
    }

    #[test]
    fn products_are_products() {
        let inverse = (0..Q as i64).find(|i| (i << 32) % Q as i64 == 1);
        let inverse = inverse.unwrap() as i128;
        let numbers = [0, 1, -1, 2, Q - 1, -Q, Q, Q / 2, 1 << 23, -(1 << 26), 75_000_000, -75_000_000];
        for a in numbers {
            for b in [0, 1, -1, 5, Q - 1, -Q, Q, Q / 2, 4_190_208] {
                let result = mul(a, b);
                let expected = (a as i128 * b as i128 * inverse).rem_euclid(Q as i128);
                assert_eq!((result as i128).rem_euclid(Q as i128), expected, "{a} {b}");
                assert!(-Q < result && result < Q, "{a} {b}");
            }
        }
    }

    #[test]
    fn reaching_a_bound_is_symmetric() {
        for (a, below) in
            [(0, true), (9, true), (10, false), (11, false), (-9, true), (-10, false), (-11, false)]
        {
            assert_eq!(beyond(a, 10) < 0, below, "{a}");
        }
    }
}
