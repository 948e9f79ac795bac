//! The two formulas of a swap, over words of any width.
//!
//! The fee is the pair `kept / whole`, the part of the input that trades. It never rounds apart: the products have up
//! to five words and are divided once.

use crate::num::limbs::{add_3, div_5_by_3, mul_2x1, mul_2x3};
use crate::num::word::Word;

/// `floor(in * kept * reserve_out / (reserve_in * whole + in * kept))`; `None` if the divisor is zero or needs a
/// fourth word.
#[inline(always)]
pub(super) fn amount_out<W: Word>(
    amount_in: W::Double,
    reserve_in: W::Double,
    reserve_out: W::Double,
    (kept, whole): (W, W),
) -> Option<W::Double> {
    let trading = mul_2x1::<W>(amount_in, kept);
    let divisor = add_3(mul_2x1::<W>(reserve_in, whole), trading)?;
    div_5_by_3(mul_2x3(reserve_out, trading), divisor).map(|(quotient, _)| quotient)
}

/// `floor(reserve_in * out * whole / ((reserve_out - out) * kept)) + 1`; `None` if that does not fit or `out` is not
/// below the reserve.
#[inline(always)]
pub(super) fn amount_in<W: Word>(
    amount_out: W::Double,
    reserve_in: W::Double,
    reserve_out: W::Double,
    (kept, whole): (W, W),
) -> Option<W::Double> {
    let (left, borrow) = W::double_sub(reserve_out, amount_out);
    if borrow {
        return None;
    }
    let dividend = mul_2x3(reserve_in, mul_2x1::<W>(amount_out, whole));
    let (floor, _) = div_5_by_3(dividend, mul_2x1::<W>(left, kept))?;
    let above = W::double_add(floor, W::join(W::ZERO, W::ONE));
    if above > floor { Some(above) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::num::exhaustive::{STRIDE, borders, double};
    use crate::num::word::tests::Nibble;

    /// Compares both formulas with plain integers, and checks that the product of the reserves does not fall.
    fn check<W>(amount: u64, reserve_in: u64, reserve_out: u64, (kept, whole): (u64, u64), max: u64)
    where
        W: Word + TryFrom<u64>,
        W::Double: TryFrom<u64> + Into<u64>,
    {
        let fee = (W::try_from(kept).ok().unwrap(), W::try_from(whole).ok().unwrap());
        let [x, r, s] = [amount, reserve_in, reserve_out].map(double::<W>);
        let case = (amount, reserve_in, reserve_out, kept, whole);

        let out: Option<u64> = amount_out(x, r, s, fee).map(Into::into);
        let divisor = reserve_in * whole + amount * kept;
        // Amounts leave room for a divisor of three words; where these values do not, the formula says so.
        let fits = divisor < (max + 1).pow(3).isqrt();
        let floor = (amount * kept * reserve_out).checked_div(divisor).filter(|_| fits);
        assert_eq!(out, floor, "out of {case:?}");
        if let Some(out) = out {
            assert!(
                (reserve_in + amount) * (reserve_out - out) >= reserve_in * reserve_out,
                "out of {case:?}"
            );
        }

        let paid: Option<u64> = amount_in(x, r, s, fee).map(Into::into);
        let divisor = reserve_out.checked_sub(amount).map(|left| left * kept);
        let floor = divisor.and_then(|divisor| (reserve_in * amount * whole).checked_div(divisor));
        assert_eq!(paid, floor.map(|floor| floor + 1).filter(|paid| *paid <= max), "in for {case:?}");
        if let Some(paid) = paid {
            assert!(
                (reserve_in + paid) * (reserve_out - amount) >= reserve_in * reserve_out,
                "in for {case:?}"
            );
            // What is paid buys at least what was asked for.
            let back: Option<u64> = amount_out(double::<W>(paid), r, s, fee).map(Into::into);
            assert!(back.is_none_or(|back| back >= amount), "in for {case:?}");
        }
    }

    #[test]
    fn swaps_of_all_values_of_two_4_bit_words() {
        for fee in [(15, 15), (14, 15), (7, 15), (1, 15)] {
            for amount in (0..256).step_by(STRIDE as usize) {
                for reserve_in in 0..256 {
                    for reserve_out in 0..256 {
                        check::<Nibble>(amount, reserve_in, reserve_out, fee, 255);
                    }
                }
            }
        }
    }

    #[test]
    fn swaps_of_all_values_of_one_8_bit_word() {
        for fee in [(100, 100), (99, 100), (1, 100)] {
            for amount in (0..256).step_by(STRIDE as usize) {
                for reserve_in in 0..256 {
                    for reserve_out in 0..256 {
                        check::<u8>(amount, reserve_in, reserve_out, fee, 0xffff);
                    }
                }
            }
        }
    }

    #[test]
    fn swaps_of_two_8_bit_words() {
        // Border values for two of the three, in each place, with the third over all values.
        for other in (0..=0xffff).step_by(STRIDE as usize * 13) {
            for a in borders(16) {
                for b in borders(16).into_iter().step_by(2) {
                    check::<u8>(other, a, b, (97, 100), 0xffff);
                    check::<u8>(a, other, b, (97, 100), 0xffff);
                    check::<u8>(a, b, other, (97, 100), 0xffff);
                }
            }
        }
    }
}
