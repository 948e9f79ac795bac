//! Shamir's secret sharing of 32 bytes ("How to share a secret", 1979), byte by byte in the field of 256 elements that AES and SLIP-39 use.
//!
//! A polynomial for each byte has the secret at 0 and a share at every other place: one of degree `m - 1` follows from any `m` shares, and fewer
//! of them say nothing. Whether shares are those that were made, nobody can tell here: callers compare hashes.
//!
//! There are no tables. Only places decide what is computed, and those are no secret: the time is the same for all secrets and shares.

use zeroize::Zeroizing;

/// Bytes of a secret, and of each of its shares.
pub const BYTES: usize = 32;

/// The share at a place: the value of the polynomials with these coefficients. The secret is the first one, all others are random.
pub fn share(coefficients: &[[u8; BYTES]], place: u8) -> Zeroizing<[u8; BYTES]> {
    let mut value = Zeroizing::new([0; BYTES]);
    // Horner's rule.
    for coefficient in coefficients.iter().rev() {
        for (byte, term) in value.iter_mut().zip(coefficient) {
            *byte = multiply(*byte, place) ^ term;
        }
    }
    value
}

/// The secret that shares have in common, each with its place. Places are different from each other and from 0, and at least as many as there
/// were coefficients; otherwise what is returned is meaningless.
pub fn combine(shares: &[(u8, Zeroizing<[u8; BYTES]>)]) -> Zeroizing<[u8; BYTES]> {
    let mut secret = Zeroizing::new([0; BYTES]);
    for (place, value) in shares {
        // Lagrange's polynomial that is 1 at this place and 0 at all others, at 0.
        let mut factor = 1;
        for (other, _) in shares {
            if other != place {
                factor = multiply(factor, multiply(*other, invert(other ^ place)));
            }
        }
        for (byte, share) in secret.iter_mut().zip(value.iter()) {
            *byte ^= multiply(*share, factor);
        }
    }
    secret
}

/// The product modulo x^8 + x^4 + x^3 + x + 1 (FIPS 197, section 4.2).
fn multiply(a: u8, b: u8) -> u8 {
    let (mut a, mut product) = (a, 0);
    for bit in 0..8u32 {
        product ^= a & all_or_none(b.wrapping_shr(bit));
        a = (a << 1) ^ (0x1b & all_or_none(a >> 7));
    }
    product
}

/// All bits as the lowest one.
const fn all_or_none(bit: u8) -> u8 {
    0u8.wrapping_sub(bit & 1)
}

/// The inverse, which is the power of 254; 0 for 0.
fn invert(a: u8) -> u8 {
    let mut power = a;
    for _ in 0..6 {
        power = multiply(multiply(power, power), a);
    }
    multiply(power, power)
}
