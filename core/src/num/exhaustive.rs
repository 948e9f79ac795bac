//! The kernels of [`super::limbs`] over words so small that every input can be tried, against plain integers.

use super::mul_div::mul_div_words;
use super::word::Word;
use super::word::tests::Nibble;

/// Every how many values of a first operand are tried: all in an optimised build.
pub(crate) const STRIDE: u64 = if cfg!(debug_assertions) { 37 } else { 1 };

/// The values of a double word around the borders of its words and bits.
pub(crate) fn borders(bits: u32) -> std::vec::Vec<u64> {
    let mut values = std::vec![0, 1, 2, 3];
    for bit in 2..bits {
        values.extend([(1 << bit) - 1, 1 << bit, (1 << bit) + 1]);
    }
    values.extend([(1 << bits) - 2, (1 << bits) - 1]);
    values.sort_unstable();
    values.dedup();
    values
}

/// A number that is known to fit.
pub(crate) fn double<W: Word>(value: u64) -> W::Double
where
    W::Double: TryFrom<u64>,
{
    W::Double::try_from(value).ok().unwrap()
}

fn check_mul_div<W: Word>(a: u64, b: u64, c: u64, max: u64)
where
    W::Double: TryFrom<u64> + Into<u64>,
{
    let result = mul_div_words::<W>(double::<W>(a), double::<W>(b), double::<W>(c))
        .map(|(q, inexact)| (q.into(), inexact));
    let product = a * b;
    let expected = product.checked_div(c).filter(|q| *q <= max).map(|q| (q, q * c != product));
    assert_eq!(result, expected, "{a} * {b} / {c}");
}

#[test]
fn mul_div_of_all_values_of_two_4_bit_words() {
    for a in (0..256).step_by(STRIDE as usize) {
        for b in 0..256 {
            for c in 0..256 {
                check_mul_div::<Nibble>(a, b, c, 255);
            }
        }
    }
}

#[test]
fn mul_div_of_all_values_of_one_8_bit_word() {
    for a in (0..256).step_by(STRIDE as usize) {
        for b in 0..256 {
            for c in 0..256 {
                check_mul_div::<u8>(a, b, c, 0xffff);
            }
        }
    }
}

#[test]
fn mul_div_of_two_8_bit_words() {
    // Every divisor and every product of a border value with each value of a stride that shifts with the divisor.
    let stride = 1021 * STRIDE as usize;
    for c in 0..=0xffff {
        for a in borders(16) {
            for b in (c * 31 % stride as u64..=0xffff).step_by(stride) {
                check_mul_div::<u8>(a, b, c, 0xffff);
            }
        }
    }
}
