//! Numbers that accumulate: rewards per share, interest and price indices.
//!
//! [`Precise`] counts units of `10^-128` in 768 bits, so it reaches `10^103`. It is rounded once, when it becomes an
//! [`Amount`].

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use super::amount::split_decimal;
use super::limbs::{div_long, mul_rows};
use super::{Amount, NumError, Rounding};

/// Fractional digits.
const DIGITS: usize = 128;
/// Words of 64 bits.
const WORDS: usize = 12;
/// Bytes of the encoding.
const BYTES: usize = 96;

/// An unsigned decimal with 128 fractional digits. It prints and reads as an [`Amount`] does, with up to 128
/// fractional digits, and is encoded as 96 bytes, most significant first.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "[[u8; 32]; 3]", into = "[[u8; 32]; 3]")]
pub struct Precise([u64; WORDS]);

impl Precise {
    /// Nothing.
    pub const ZERO: Self = Self([0; WORDS]);
    /// One.
    pub const ONE: Self = Self(power::<WORDS>(10, DIGITS as u32));
    /// The largest number, `(2^768 - 1) * 10^-128`.
    pub const MAX: Self = Self([u64::MAX; WORDS]);

    /// From an amount, exactly.
    pub fn from_amount(amount: Amount) -> Self {
        // 127 bits times 10^110 are 493 bits: it fits.
        let mut words = [0; WORDS];
        mul_rows(&mut words, &[amount.units() as u64, (amount.units() >> 64) as u64], &AMOUNT_UNIT);
        Self(words)
    }

    /// The amount next to it in the given direction.
    pub fn to_amount(self, rounding: Rounding) -> Result<Amount, NumError> {
        let mut dividend = [0; WORDS + 1];
        for (place, word) in dividend.iter_mut().zip(self.0) {
            *place = word;
        }
        let mut quotient = [0; 2];
        div_long(&mut dividend, &mut { AMOUNT_UNIT }, &mut quotient).ok_or(NumError::Overflow)?;
        let [low, high] = quotient;
        let mut units = (u128::from(high) << 64) | u128::from(low);
        if rounding == Rounding::Up && dividend.iter().any(|word| *word != 0) {
            units = units.checked_add(1).ok_or(NumError::Overflow)?;
        }
        Amount::from_units(units)
    }

    /// From the encoding, most significant byte first. Every encoding is a number.
    pub fn from_be_bytes(bytes: [u8; BYTES]) -> Self {
        let mut words = [0; WORDS];
        for (word, bytes) in words.iter_mut().rev().zip(bytes.as_chunks().0) {
            *word = u64::from_be_bytes(*bytes);
        }
        Self(words)
    }

    /// The encoding, most significant byte first.
    pub fn to_be_bytes(self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        for (bytes, word) in bytes.as_chunks_mut().0.iter_mut().zip(self.0.iter().rev()) {
            *bytes = word.to_be_bytes();
        }
        bytes
    }

    /// The sum.
    pub fn checked_add(mut self, other: Self) -> Result<Self, NumError> {
        let mut carry = false;
        for (word, other) in self.0.iter_mut().zip(other.0) {
            (*word, carry) = word.carrying_add(other, carry);
        }
        if carry { Err(NumError::Overflow) } else { Ok(self) }
    }

    /// The difference.
    pub fn checked_sub(mut self, other: Self) -> Result<Self, NumError> {
        let mut borrow = false;
        for (word, other) in self.0.iter_mut().zip(other.0) {
            (*word, borrow) = word.borrowing_sub(other, borrow);
        }
        if borrow { Err(NumError::Underflow) } else { Ok(self) }
    }

    /// The product.
    pub fn checked_mul(self, other: Self, rounding: Rounding) -> Result<Self, NumError> {
        let mut product = [0; 2 * WORDS];
        match other.0 {
            // Eight words reach 10^26.
            [short @ .., 0, 0, 0, 0] => mul_rows(&mut product, significant(&self.0), &short),
            long => mul_rows(&mut product, significant(&self.0), &long),
        }
        let (quotient, inexact) = drop_scale(&product).ok_or(NumError::Overflow)?;
        Self(quotient).round(inexact, rounding)
    }

    /// The quotient.
    pub fn checked_div(self, other: Self, rounding: Rounding) -> Result<Self, NumError> {
        if other == Self::ZERO {
            return Err(NumError::DivisionByZero);
        }
        // Times 10^128, that is 5^128 two words further up; above it the free word that the division needs.
        let mut dividend = [0; WORDS + FIVES_WORDS + 3];
        let [_, _, product @ ..] = &mut dividend;
        mul_rows(product, &self.0, &FIVES);
        let mut quotient = [0; WORDS];
        div_long(&mut dividend, &mut { other.0 }, &mut quotient).ok_or(NumError::Overflow)?;
        Self(quotient).round(dividend.iter().any(|word| *word != 0), rounding)
    }

    fn round(mut self, inexact: bool, rounding: Rounding) -> Result<Self, NumError> {
        let mut carry = inexact && rounding == Rounding::Up;
        for word in &mut self.0 {
            (*word, carry) = word.overflowing_add(u64::from(carry));
        }
        if carry { Err(NumError::Overflow) } else { Ok(self) }
    }
}

/// The power of a small base.
const fn power<const N: usize>(base: u64, exponent: u32) -> [u64; N] {
    let mut words = [0; N];
    words[0] = 1;
    let mut count = 0;
    while count < exponent {
        multiply_small(&mut words, base, 0);
        count = count.wrapping_add(1);
    }
    words
}

/// Multiplies by a word and adds one; returns what does not fit.
const fn multiply_small(mut words: &mut [u64], factor: u64, mut carry: u64) -> u64 {
    while let [word, rest @ ..] = words {
        let product = (*word as u128).wrapping_mul(factor as u128).wrapping_add(carry as u128);
        *word = product as u64;
        carry = (product >> 64) as u64;
        words = rest;
    }
    carry
}

/// Units in one unit of an amount: `10^110`.
const AMOUNT_UNIT: [u64; 6] = power(10, (DIGITS as u32).wrapping_sub(18));

/// `5^128`, of 298 bits. With the factor `2^128`, two words, it makes up the scale `10^128`.
const FIVES: [u64; FIVES_WORDS] = power(5, DIGITS as u32);
const FIVES_WORDS: usize = 5;

/// `floor(2^1088 / 5^128)`, of 791 bits.
const FIVES_RECIPROCAL: [u64; 13] = {
    let mut quotient = [0u64; 13];
    let mut rest = [0u64; FIVES_WORDS];
    let mut bit = 1088usize;
    loop {
        // Shift the next bit of 2^1088 into the rest, and subtract the divisor where it fits.
        let mut carry = (bit == 1088) as u64;
        let mut less = false;
        let mut difference = [0u64; FIVES_WORDS];
        let mut i = 0usize;
        while i < FIVES_WORDS {
            let shifted = (rest[i] << 1) | carry;
            carry = rest[i] >> 63;
            rest[i] = shifted;
            let wide = (shifted as u128).wrapping_sub(FIVES[i] as u128).wrapping_sub(less as u128);
            (difference[i], less) = (wide as u64, wide >> 64 != 0);
            i = i.wrapping_add(1);
        }
        if !less {
            rest = difference;
            quotient[bit >> 6] |= 1 << (bit & 63);
        }
        if bit == 0 {
            break quotient;
        }
        bit = bit.wrapping_sub(1);
    }
};

/// The words up to the highest that is not zero.
#[inline(always)]
fn significant(words: &[u64]) -> &[u64] {
    let length = words.iter().rposition(|word| *word != 0).map_or(0, |last| last.wrapping_add(1));
    words.get(..length).unwrap_or_default()
}

/// Divides a product by `10^128`; says whether that left a remainder. `None` if the quotient does not fit.
#[inline(always)]
fn drop_scale(product: &[u64; 2 * WORDS]) -> Option<([u64; WORDS], bool)> {
    // Two words are the factor 2^128. A quotient that fits leaves at most 768 + 298 bits, 17 words.
    let [p0, p1, dividend @ .., t0, t1, t2, t3, t4] = product;
    if (t0 | t1 | t2 | t3 | t4) != 0 {
        return None;
    }
    // Barrett: the estimate is floor(upper * reciprocal / 2^832), `upper` being the dividend without its four lowest
    // words. It lacks less than one, even without the products below column 11, so it is the quotient or one less.
    // The rows of the product are taken in three groups, each cut to the columns from 8 on.
    let [_, _, _, _, u0, u1, u2, u3, middle @ .., _, _, _, _, _] = dividend;
    let [.., u8, u9, u10, u11, u12] = dividend;
    let [_, _, _, _, nine @ ..] = &FIVES_RECIPROCAL;
    let [_, _, _, _, five @ ..] = nine;
    let mut estimate = [0u64; 18];
    mul_rows(&mut estimate, &[*u0, *u1, *u2, *u3], five);
    mul_rows(&mut estimate, significant(middle), nine);
    mul_rows(&mut estimate, significant(&[*u8, *u9, *u10, *u11, *u12]), &FIVES_RECIPROCAL);
    let [_, _, _, _, _, mut quotient @ .., above] = estimate;
    if above != 0 {
        return None;
    }
    // The remainder is below twice the divisor, so six words of it tell.
    let ([low @ .., _, _, _, _, _, _], [d0, d1, d2, d3, d4, d5, ..]) = (&quotient, dividend);
    let mut product = [0u64; 11];
    mul_rows(&mut product, low, &FIVES);
    let mut rest = [*d0, *d1, *d2, *d3, *d4, *d5];
    let mut borrow = false;
    for (word, other) in rest.iter_mut().zip(product) {
        (*word, borrow) = word.borrowing_sub(other, borrow);
    }
    let mut less = false;
    let mut difference = rest;
    for (word, fives) in difference.iter_mut().zip(FIVES.into_iter().chain([0])) {
        (*word, less) = word.borrowing_sub(fives, less);
    }
    if !less {
        rest = difference;
        let mut carry = true;
        for word in &mut quotient {
            (*word, carry) = word.overflowing_add(u64::from(carry));
        }
        if carry {
            return None;
        }
    }
    Some((quotient, (p0 | p1) != 0 || rest != [0; 6]))
}

impl Ord for Precise {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        self.0.iter().rev().cmp(other.0.iter().rev())
    }
}

impl PartialOrd for Precise {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl From<[[u8; 32]; 3]> for Precise {
    fn from(parts: [[u8; 32]; 3]) -> Self {
        let mut bytes = [0; BYTES];
        for (to, from) in bytes.iter_mut().zip(parts.as_flattened()) {
            *to = *from;
        }
        Self::from_be_bytes(bytes)
    }
}

impl From<Precise> for [[u8; 32]; 3] {
    fn from(number: Precise) -> Self {
        let mut parts = [[0; 32]; 3];
        for (to, from) in parts.as_flattened_mut().iter_mut().zip(number.to_be_bytes()) {
            *to = from;
        }
        parts
    }
}

impl FromStr for Precise {
    type Err = NumError;

    fn from_str(text: &str) -> Result<Self, NumError> {
        let (whole, fraction) = split_decimal(text)?;
        if fraction.len() > DIGITS {
            return Err(NumError::TooManyDigits);
        }
        let missing = DIGITS.saturating_sub(fraction.len());
        let digits = whole.iter().chain(fraction).chain(core::iter::repeat_n(&b'0', missing));
        let mut words = [0; WORDS];
        for digit in digits {
            if multiply_small(&mut words, 10, u64::from(digit & 0x0f)) != 0 {
                return Err(NumError::Overflow);
            }
        }
        Ok(Self(words))
    }
}

/// Digits that one division of the printing yields, and how many divisions cover 768 bits.
const GROUP_DIGITS: usize = 19;
const GROUPS: usize = 13;
const GROUP: u128 = 10u128.pow(GROUP_DIGITS as u32);

impl fmt::Display for Precise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = [b'0'; GROUPS * GROUP_DIGITS];
        let mut words = self.0;
        for group in digits.rchunks_exact_mut(GROUP_DIGITS) {
            let mut rest = 0u128;
            for word in words.iter_mut().rev() {
                let part = (rest << 64) | u128::from(*word);
                *word = part.wrapping_div(GROUP) as u64;
                rest = part.wrapping_rem(GROUP);
            }
            let mut rest = rest as u64;
            for digit in group.iter_mut().rev() {
                *digit = b'0' | rest.wrapping_rem(10) as u8;
                rest = rest.wrapping_div(10);
            }
        }
        let (whole, fraction) =
            digits.split_at_checked(digits.len().saturating_sub(DIGITS)).ok_or(fmt::Error)?;
        let mut text = heapless::String::<{ GROUPS * GROUP_DIGITS + 1 }>::new();
        let mut push = |digit: &u8| text.push(char::from(*digit)).map_err(|_| fmt::Error);
        let leading =
            whole.iter().take_while(|digit| **digit == b'0').count().min(whole.len().saturating_sub(1));
        whole.iter().skip(leading).try_for_each(&mut push)?;
        let used = fraction.iter().rposition(|digit| *digit != b'0').map_or(0, |last| last.saturating_add(1));
        if used != 0 {
            push(&b'.')?;
            fraction.iter().take(used).try_for_each(&mut push)?;
        }
        f.pad_integral(true, "", &text)
    }
}

impl fmt::Debug for Precise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
