//! The curve edwards25519 as the ledger's rule of Ed25519 needs it: which encodings are points, the challenge k, and
//! the one sum of two multiples of a signature's equation. Built on curve25519-dalek.
//!
//! Nothing here is secret: points and scalars of signatures that are to be verified.

use curve25519_dalek::edwards::CompressedEdwardsY;
use curve25519_dalek::{EdwardsPoint, Scalar};
use sha2::{Digest, Sha512};

/// p - 1, the largest y.
const Y_MAX: [u8; 32] = [
    0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f,
];

/// The y of the eight points of small order; both points of a y have small order.
const SMALL_ORDER_Y: [[u8; 32]; 5] = [
    // (0, 1), of order 1
    [
        0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    ],
    // (0, -1), of order 2
    Y_MAX,
    // of order 4
    [0; 32],
    // of order 8
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5,
        0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a,
        0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ],
];

/// The point of a canonical encoding (y below p = 2^255 - 19, no sign bit beside x = 0), unless it has small order.
pub fn decode(bytes: &[u8; 32]) -> Option<EdwardsPoint> {
    let mut y = *bytes;
    let [.., last] = &mut y;
    *last &= 0x7f;
    // The points with x = 0, whose sign bit must not be set, have small order.
    if y.iter().rev().gt(Y_MAX.iter().rev()) || SMALL_ORDER_Y.contains(&y) {
        return None;
    }
    CompressedEdwardsY(*bytes).decompress()
}

/// The challenge k: SHA-512 of R, A and the message, modulo the group's order.
pub fn challenge(r: &[u8; 32], public_key: &[u8; 32], message: &[u8]) -> Scalar {
    let hash = Sha512::new().chain_update(r).chain_update(public_key).chain_update(message);
    Scalar::from_bytes_mod_order_wide(&hash.finalize().into())
}

/// k·A + s·B with the base point B, in variable time.
#[cfg(not(target_os = "none"))]
pub fn sum_of_multiples(k: &Scalar, a: &EdwardsPoint, s: &Scalar) -> EdwardsPoint {
    EdwardsPoint::vartime_double_scalar_mul_basepoint(k, a, s)
}

/// k·A + s·B with the base point B, in variable time. curve25519-dalek's own function checks an index as it runs, which
/// leaves a panic in a device's image.
#[cfg(target_os = "none")]
pub fn sum_of_multiples(k: &Scalar, a: &EdwardsPoint, s: &Scalar) -> EdwardsPoint {
    straus::sum_of_multiples(k, a, s)
}

/// Both multiplications in one pass, three bits of each scalar at a time: a table holds all that a pair of digits can add
/// (Straus's and Shamir's trick).
#[cfg(any(test, target_os = "none"))]
#[allow(clippy::arithmetic_side_effects, reason = "the operators of points, and digits from -4 to 4")]
mod straus {
    use curve25519_dalek::constants::ED25519_BASEPOINT_POINT;
    use curve25519_dalek::traits::Identity;
    use curve25519_dalek::{EdwardsPoint, Scalar};

    /// Digits of a scalar to the base 8: its 253 bits.
    const DIGITS: usize = 85;

    /// i·A + (j - 4)·B in row i and column j; the pairs with a negative i are the negatives of others.
    type Table = [[EdwardsPoint; 9]; 5];

    /// k·A + s·B with the base point B.
    pub fn sum_of_multiples(k: &Scalar, a: &EdwardsPoint, s: &Scalar) -> EdwardsPoint {
        let table = table(a, &ED25519_BASEPOINT_POINT);
        let mut sum = EdwardsPoint::identity();
        let (k_digits, s_digits) = (digits(k), digits(s));
        let digits = k_digits.iter().zip(&s_digits).rev();
        // The highest digits are often zero.
        for (&k, &s) in digits.skip_while(|digits| *digits == (&0, &0)) {
            // The cofactor is the base of the digits.
            sum = sum.mul_by_cofactor();
            let column = if k < 0 { 4 - s } else { 4 + s };
            let row = table.get(usize::from(k.unsigned_abs()));
            match row.and_then(|row| row.get(usize::from(column.unsigned_abs()))) {
                Some(entry) if k < 0 => sum -= entry,
                Some(entry) => sum += entry,
                // No digit is beyond the table.
                None => {}
            }
        }
        sum
    }

    fn table(a: &EdwardsPoint, b: &EdwardsPoint) -> Table {
        let two = b + b;
        let (three, four) = (two + b, two + two);
        let first = [-four, -three, -two, -b, EdwardsPoint::identity(), *b, two, three, four];
        let mut table = [first; 5];
        let mut rows = table.as_mut_slice();
        while let [row, rest @ ..] = rows {
            if let [next, ..] = rest {
                next.iter_mut().zip(&*row).for_each(|(entry, before)| *entry = before + a);
            }
            rows = rest;
        }
        table
    }

    /// The digits of a scalar, from -3 to 4, the lowest first.
    fn digits(scalar: &Scalar) -> [i8; DIGITS] {
        let mut digits = [0; DIGITS];
        let mut carry = 0;
        // Three bytes are eight digits.
        for (bytes, digits) in scalar.as_bytes().chunks(3).zip(digits.chunks_mut(8)) {
            let mut bits = bytes.iter().rev().fold(0u32, |bits, &byte| bits << 8 | u32::from(byte));
            for digit in digits {
                let value = (bits & 7) as i8 + carry;
                carry = i8::from(value > 4);
                *digit = value - 8 * carry;
                bits >>= 3;
            }
        }
        digits
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn digits_are_small_and_make_up_the_scalar() {
            let eight = Scalar::from(8u8);
            let mut scalar = Scalar::from(3u8);
            for round in 0..200 {
                let value = digits(&scalar).iter().rev().fold(Scalar::ZERO, |value, &digit| {
                    assert!((-3..=4).contains(&digit), "round {round}");
                    let magnitude = Scalar::from(digit.unsigned_abs());
                    value * eight + if digit < 0 { -magnitude } else { magnitude }
                });
                assert_eq!(value, scalar, "round {round}");
                scalar = scalar * scalar - Scalar::from(1u8);
            }
        }

        #[test]
        fn equals_dalek() {
            let edges = [Scalar::ZERO, Scalar::ONE, -Scalar::ONE, Scalar::from(u64::MAX)];
            let mut point = ED25519_BASEPOINT_POINT;
            for (i, k) in edges.iter().enumerate() {
                for s in edges {
                    point = EdwardsPoint::mul_base(&(s + k + Scalar::from(i as u64 + 5))) + point;
                    for k in [*k, k * k - s * Scalar::from(77u8)] {
                        let expected = EdwardsPoint::vartime_double_scalar_mul_basepoint(&k, &point, &s);
                        assert_eq!(sum_of_multiples(&k, &point, &s), expected);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use curve25519_dalek::constants::EIGHT_TORSION;

    /// Exactly the points of small order are listed.
    #[test]
    fn small_order() {
        let mut listed = SMALL_ORDER_Y;
        listed.sort();
        let mut found = EIGHT_TORSION.map(|point| {
            let mut y = point.compress().to_bytes();
            y[31] &= 0x7f;
            y
        });
        found.sort();
        let mut found = found.to_vec();
        found.dedup();
        assert_eq!(found, listed);
    }

    #[test]
    fn small_order_and_non_canonical_encodings_are_refused() {
        for point in EIGHT_TORSION {
            let mut bytes = *point.compress().as_bytes();
            assert!(decode(&bytes).is_none());
            bytes[31] ^= 0x80;
            assert!(decode(&bytes).is_none());
        }
        for low in 0xed..=0xff {
            for sign in [0x7f, 0xff] {
                let mut bytes = [0xff; 32];
                (bytes[0], bytes[31]) = (low, sign);
                assert!(decode(&bytes).is_none(), "{low:x} {sign:x}");
            }
        }
        // The largest canonical y that is no point of small order and is on the curve decodes.
        let largest = (0u8..=0xeb).rev().find_map(|low| {
            let mut bytes = [0xff; 32];
            (bytes[0], bytes[31]) = (low, 0x7f);
            decode(&bytes).map(|point| (bytes, *point.compress().as_bytes()))
        });
        let (bytes, again) = largest.unwrap();
        assert_eq!(bytes, again);
    }
}
