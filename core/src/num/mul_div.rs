//! Products and quotients of 128-bit numbers over a 256-bit intermediate.

use super::limbs::{div_2_by_1, div_4_by_2, mul_2x2};
use super::word::Word;
use super::{NumError, SCALE};

/// The direction in which a division gives up what does not divide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rounding {
    /// Towards zero.
    Down,
    /// Away from zero.
    Up,
}

/// The quotient rounded as asked.
#[inline(always)]
pub(crate) fn round((quotient, inexact): (u128, bool), rounding: Rounding) -> Result<u128, NumError> {
    match rounding {
        Rounding::Up if inexact => quotient.checked_add(1).ok_or(NumError::Overflow),
        _ => Ok(quotient),
    }
}

/// `a * b / c` over words of any width, with whether the division left a remainder.
#[inline(always)]
pub(crate) fn mul_div_words<W: Word>(a: W::Double, b: W::Double, c: W::Double) -> Option<(W::Double, bool)> {
    div_4_by_2(mul_2x2::<W>(a, b), c)
}

/// `a * b / c`, exact before the one rounding.
#[inline]
pub fn mul_div(a: u128, b: u128, c: u128, rounding: Rounding) -> Result<u128, NumError> {
    match mul_div_words::<u64>(a, b, c) {
        Some(quotient) => round(quotient, rounding),
        None if c == 0 => Err(NumError::DivisionByZero),
        None => Err(NumError::Overflow),
    }
}

/// `a * fraction / 2^256`, rounded down: the part of `a` that a fraction of one, big-endian, points at.
pub(crate) fn part(a: u128, fraction: &[u8; 32]) -> u128 {
    let mut halves = [0; 2];
    for (half, bytes) in halves.iter_mut().zip(fraction.as_chunks::<16>().0) {
        *half = u128::from_be_bytes(*bytes);
    }
    let [high, low] = halves;
    let [_, _, l2, l3] = mul_2x2::<u64>(a, low);
    let [h0, h1, h2, h3] = mul_2x2::<u64>(a, high);
    let (_, carry) = u64::join(h1, h0).overflowing_add(u64::join(l3, l2));
    // Below `a`, so the sum cannot wrap.
    u64::join(h3, h2).wrapping_add(u128::from(carry))
}

/// The divisor 10^18 with its top bit set, and its reciprocal.
const SCALE_BITS: u32 = (SCALE as u64).leading_zeros();
const SCALE_NORMAL: u64 = (SCALE as u64) << SCALE_BITS;
#[allow(clippy::arithmetic_side_effects)] // evaluated at compile time
const SCALE_RECIPROCAL: u64 = (u128::MAX / SCALE_NORMAL as u128 - (1 << 64)) as u64;

/// `a * b / 10^18`: the product of two numbers with 18 fractional digits.
#[inline]
pub fn mul_scaled(a: u128, b: u128, rounding: Rounding) -> Result<u128, NumError> {
    let [p0, p1, p2, p3] = mul_2x2::<u64>(a, b);
    if p3 != 0 || p2 >= SCALE as u64 {
        return Err(NumError::Overflow);
    }
    let shl = |high, low| u64::shl_pair(high, low, SCALE_BITS);
    let (q1, r) = div_2_by_1(shl(p2, p1), shl(p1, p0), SCALE_NORMAL, SCALE_RECIPROCAL);
    let (q0, r) = div_2_by_1(r, shl(p0, 0), SCALE_NORMAL, SCALE_RECIPROCAL);
    round((u64::join(q1, q0), r != 0), rounding)
}

/// `a * 10^18 / b`: the quotient of two numbers with 18 fractional digits.
#[inline]
pub fn div_scaled(a: u128, b: u128, rounding: Rounding) -> Result<u128, NumError> {
    mul_div(a, SCALE, b, rounding)
}
