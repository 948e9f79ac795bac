//! Ratios of amounts: prices and price impacts, for people to read. They hold no money and decide nothing.

use core::fmt;

use fixed::types::U64F64;

use super::limbs::div_long;
use super::{Amount, NumError, SCALE};

/// Words of the widest products that ratios are taken of.
pub(crate) const PRODUCT_WORDS: usize = 5;

/// A ratio with 64 fractional bits. It prints to the nearest 18th decimal, without zeros at the end.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ratio(pub U64F64);

impl Ratio {
    /// `numerator / denominator`, rounded down to a multiple of `2^-64`.
    pub fn new(numerator: Amount, denominator: Amount) -> Result<Self, NumError> {
        let words = |amount: Amount| [amount.units() as u64, (amount.units() >> 64) as u64, 0, 0, 0];
        Self::of_products(words(numerator), words(denominator))
    }

    /// From multiples of `2^-64`.
    pub const fn from_bits(bits: u128) -> Self {
        Self(U64F64::from_bits(bits))
    }

    /// In multiples of `2^-64`.
    pub const fn to_bits(self) -> u128 {
        self.0.to_bits()
    }

    /// The ratio of two products, least significant word first, rounded down.
    pub(crate) fn of_products(
        numerator: [u64; PRODUCT_WORDS],
        mut denominator: [u64; PRODUCT_WORDS],
    ) -> Result<Self, NumError> {
        if denominator == [0; PRODUCT_WORDS] {
            return Err(NumError::DivisionByZero);
        }
        let [n0, n1, n2, n3, n4] = numerator;
        let mut quotient = [0u64; 2];
        div_long(&mut [0, n0, n1, n2, n3, n4, 0], &mut denominator, &mut quotient)
            .ok_or(NumError::Overflow)?;
        let [low, high] = quotient;
        Ok(Self::from_bits((u128::from(high) << 64) | u128::from(low)))
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = self.to_bits();
        // Each is below 2^64 * 10^18, and their sum is at most 2^64 * 10^18: an amount up to 10^20.
        let whole = (bits >> 64).wrapping_mul(SCALE);
        let fraction = (bits & u128::from(u64::MAX)).wrapping_mul(SCALE).wrapping_add(1 << 63) >> 64;
        let amount = Amount::from_units(whole.wrapping_add(fraction)).map_err(|_| fmt::Error)?;
        fmt::Display::fmt(&amount, f)
    }
}

impl fmt::Debug for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
