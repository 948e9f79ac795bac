//! Amounts of money.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::mul_div::{Rounding, div_scaled, mul_div, mul_scaled, part};
use super::{FRACTION_DIGITS, NumError, SCALE};

/// An unsigned decimal with 18 fractional digits, at most `10^20 - 10^-18`: SQL's DECIMAL(38,18).
///
/// It counts units of `10^-18`. Every value has one printed form, the shortest (`1000`, `0.5`), and reading it
/// gives the value back. When reading, zeros before the first and after the last significant digit are accepted
/// (`007.50` is `7.5`); signs, exponents, an empty side of the point and a 19th fractional digit are errors.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(u128);

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// One whole.
    pub const ONE: Self = Self(SCALE);
    /// The largest amount, `99999999999999999999.999999999999999999`.
    pub const MAX: Self = Self(10u128.pow(38).wrapping_sub(1));

    /// From units of `10^-18`.
    #[inline]
    pub const fn from_units(units: u128) -> Result<Self, NumError> {
        if units <= Self::MAX.0 { Ok(Self(units)) } else { Err(NumError::Overflow) }
    }

    /// In units of `10^-18`.
    #[inline]
    pub const fn units(self) -> u128 {
        self.0
    }

    /// From a whole number, which always fits.
    pub const fn from_whole(whole: u64) -> Self {
        Self((whole as u128).wrapping_mul(SCALE))
    }

    /// Whether it is nothing.
    #[inline]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The sum.
    #[inline]
    pub const fn checked_add(self, other: Self) -> Result<Self, NumError> {
        // Both are below 2^127, so the sum cannot wrap.
        Self::from_units(self.0.wrapping_add(other.0))
    }

    /// The difference.
    #[inline]
    pub const fn checked_sub(self, other: Self) -> Result<Self, NumError> {
        match self.0.checked_sub(other.0) {
            Some(units) => Ok(Self(units)),
            None => Err(NumError::Underflow),
        }
    }

    /// The product.
    pub fn checked_mul(self, other: Self, rounding: Rounding) -> Result<Self, NumError> {
        Self::from_units(mul_scaled(self.0, other.0, rounding)?)
    }

    /// The quotient.
    pub fn checked_div(self, other: Self, rounding: Rounding) -> Result<Self, NumError> {
        Self::from_units(div_scaled(self.0, other.0, rounding)?)
    }

    /// `self * factor / divisor`, exact before the one rounding.
    pub fn mul_div(self, factor: Self, divisor: Self, rounding: Rounding) -> Result<Self, NumError> {
        Self::from_units(mul_div(self.0, factor.0, divisor.0, rounding)?)
    }

    /// So many basis points of it, at most 10,000.
    pub fn basis_points(self, bps: u16, rounding: Rounding) -> Result<Self, NumError> {
        Self::from_units(mul_div(self.0, u128::from(bps), 10_000, rounding)?)
    }

    /// The part of it that a fraction of one, big-endian, points at, rounded down.
    pub(crate) fn part(self, fraction: &[u8; 32]) -> Self {
        Self(part(self.0, fraction))
    }
}

impl FromStr for Amount {
    type Err = NumError;

    fn from_str(text: &str) -> Result<Self, NumError> {
        let (whole, fraction) = split_decimal(text)?;
        if fraction.len() > FRACTION_DIGITS {
            return Err(NumError::TooManyDigits);
        }
        let missing = FRACTION_DIGITS.saturating_sub(fraction.len());
        let digits = whole.iter().chain(fraction).chain(core::iter::repeat_n(&b'0', missing));
        let mut units = 0u128;
        for digit in digits {
            units = units
                .checked_mul(10)
                .and_then(|tens| tens.checked_add(u128::from(digit & 0x0f)))
                .ok_or(NumError::Overflow)?;
        }
        Self::from_units(units)
    }
}

/// The digits before and after the point. Only digits are left, and none of the sides that are there is empty.
pub(crate) fn split_decimal(text: &str) -> Result<(&[u8], &[u8]), NumError> {
    let (whole, fraction) = match text.split_once('.') {
        Some((_, "")) => return Err(NumError::Syntax),
        Some(sides) => sides,
        None => (text, ""),
    };
    let digits = |side: &str| side.bytes().all(|c| c.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return Err(NumError::Syntax);
    }
    Ok((whole.as_bytes(), fraction.as_bytes()))
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // 20 digits, the point, 18 digits.
        let mut text = heapless::String::<39>::new();
        let (whole, fraction) = (self.0.wrapping_div(SCALE), self.0.wrapping_rem(SCALE) as u64);
        // The standard library's printing of a u128 can panic in a device's image; 64 bits hold the last 18 digits.
        let (high, low) = (whole.wrapping_div(SCALE) as u64, whole.wrapping_rem(SCALE) as u64);
        match high {
            0 => fmt::write(&mut text, format_args!("{low}"))?,
            _ => fmt::write(&mut text, format_args!("{high}{low:0FRACTION_DIGITS$}"))?,
        }
        if fraction == 0 {
            return f.pad_integral(true, "", &text);
        }
        fmt::write(&mut text, format_args!(".{fraction:0FRACTION_DIGITS$}"))?;
        f.pad_integral(true, "", text.trim_end_matches('0'))
    }
}

impl fmt::Debug for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u128(self.0)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_units(u128::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}
