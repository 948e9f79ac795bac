//! Targets, and the work that meets them.

use core::fmt;

use super::WorkError;
use crate::num::limbs::div_long;

/// The smallest size of a target in bytes, and the largest.
const SIZES: core::ops::RangeInclusive<u32> = 3..=32;
/// Bits of a mantissa: with the highest one set, so that each target has one form.
const MANTISSAS: core::ops::RangeInclusive<u32> = 0x00_8000..=0x7f_ffff;

/// What the hash of a proof must not be above, as a number of 256 bits. It is kept in the compact form of Bitcoin's headers: the upper byte is
/// a size in bytes, the others are the three highest of them, of which the first bit is zero.
///
/// Of the forms of a value one is canonical, the one whose mantissa has no room left; others are refused.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Target(u32);

impl Target {
    /// The easiest one, just below 2^255: every second hash meets it.
    pub const EASIEST: Self = Self(0x207f_ffff);
    /// The hardest one, 2^15.
    pub const HARDEST: Self = Self(0x0300_8000);

    /// From the compact form.
    ///
    /// # Errors
    /// It is not the canonical form of a target.
    pub fn from_compact(compact: u32) -> Result<Self, WorkError> {
        let (size, mantissa) = (compact >> 24, compact & 0xff_ffff);
        let canonical = SIZES.contains(&size) && MANTISSAS.contains(&mantissa);
        if canonical { Ok(Self(compact)) } else { Err(WorkError::Seal) }
    }

    /// The compact form.
    pub const fn compact(self) -> u32 {
        self.0
    }

    /// The target that takes so many hashes on average, or the next harder one; the easiest one for two and fewer.
    pub fn of_hashes(hashes: u64) -> Self {
        // 2^256 / hashes, of which 63 bits are computed: more than a mantissa has.
        match (1u128 << 127).checked_div(hashes.into()) {
            Some(quotient) => {
                let bits = 128u32.wrapping_sub(quotient.leading_zeros());
                let spare = bits.saturating_sub(63);
                Self::of((quotient >> spare) as u64, i64::from(spare).wrapping_add(129))
            }
            None => Self::EASIEST,
        }
    }

    /// The target `mantissa * 2^shift`, rounded down to one that has a form, and not beyond the easiest and the hardest one.
    fn of(mantissa: u64, shift: i64) -> Self {
        let bits = 64u32.wrapping_sub(mantissa.leading_zeros());
        let length = shift.saturating_add(i64::from(bits));
        // So that 16 to 23 bits remain of it.
        let bytes = length.saturating_sub(16).div_euclid(8);
        let size = bytes.saturating_add(3);
        if size > i64::from(*SIZES.end()) {
            return Self::EASIEST;
        }
        if mantissa == 0 || size < i64::from(*SIZES.start()) {
            return Self::HARDEST;
        }
        let right = bytes.wrapping_mul(8).saturating_sub(shift);
        let places = u32::try_from(right.unsigned_abs()).unwrap_or(u32::MAX);
        let mantissa = if right < 0 { mantissa.checked_shl(places) } else { mantissa.checked_shr(places) };
        Self((size as u32) << 24 | mantissa.unwrap_or(0) as u32)
    }

    /// This target times `factor / 2^16 * 2^halvings`, rounded down.
    pub(super) fn scaled(self, factor: u32, halvings: i64) -> Self {
        let (mantissa, shift) = self.parts();
        // 23 bits and 17.
        let product = u64::from(mantissa).wrapping_mul(factor.into());
        Self::of(product, halvings.saturating_add(i64::from(shift)).saturating_sub(16))
    }

    /// It is the first number, shifted left by the second.
    const fn parts(self) -> (u32, u32) {
        (self.0 & 0xff_ffff, (self.0 >> 24).saturating_sub(3).saturating_mul(8))
    }

    /// Its 256 bits, the most significant byte first, as hashes are compared with it.
    pub fn to_bytes(self) -> [u8; 32] {
        let [size, mantissa @ ..] = self.0.to_be_bytes();
        let mut bytes = [0; 32];
        // The size counts from the end.
        let from = 32usize.saturating_sub(size.into());
        for (place, byte) in bytes.iter_mut().skip(from).zip(mantissa) {
            *place = byte;
        }
        bytes
    }

    /// How many hashes meeting it takes on average: `2^256 / (target + 1)`, rounded down.
    pub fn work(self) -> Work {
        let (mut above, mut below) = ([0u64; 5], [0u64; 4]);
        for ((high, low), bytes) in
            above.iter_mut().zip(&mut below).zip(self.to_bytes().as_chunks::<8>().0.iter().rev())
        {
            let word = u64::from_be_bytes(*bytes);
            (*high, *low) = (!word, word);
        }
        // 2^256 / (t + 1) = (2^256 - 1 - t) / (t + 1) + 1. No target has all bits set, so that neither sum can carry away.
        for word in &mut below {
            let (sum, carry) = word.overflowing_add(1);
            *word = sum;
            if !carry {
                break;
            }
        }
        let mut quotient = [0u64; 4];
        // Cannot fail: the divisor is not zero, and the quotient is below 2^256.
        let _ = div_long(&mut above, &mut below, &mut quotient);
        let [a, b, c, d] = quotient.map(u128::from);
        let work = Work { high: d << 64 | c, low: b << 64 | a };
        work.checked_add(Work { high: 0, low: 1 }).unwrap_or(work)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Work: how many hashes something took on average, a number of 256 bits. It prints as 64 hexadecimal digits.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Work {
    // The order of the fields is the order of numbers.
    high: u128,
    low: u128,
}

impl Work {
    /// None.
    pub const ZERO: Self = Self { high: 0, low: 0 };

    /// The sum; nothing where it has more than 256 bits, for which nobody can have worked.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        let (low, carry) = self.low.overflowing_add(other.low);
        let high = self.high.checked_add(other.high)?.checked_add(carry.into())?;
        Some(Self { high, low })
    }

    /// Its 256 bits, the most significant byte first.
    pub fn to_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (place, half) in bytes.as_chunks_mut::<16>().0.iter_mut().zip([self.high, self.low]) {
            *place = half.to_be_bytes();
        }
        bytes
    }

    /// From 256 bits, the most significant byte first.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        let mut halves = [0; 2];
        for (half, bytes) in halves.iter_mut().zip(bytes.as_chunks::<16>().0) {
            *half = u128::from_be_bytes(*bytes);
        }
        let [high, low] = halves;
        Self { high, low }
    }

    /// The number, or the largest that 64 bits hold: hashes that anybody can count.
    pub fn hashes(self) -> u64 {
        if self.high == 0 { u64::try_from(self.low).unwrap_or(u64::MAX) } else { u64::MAX }
    }
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}{:032x}", self.high, self.low)
    }
}

impl fmt::Debug for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
