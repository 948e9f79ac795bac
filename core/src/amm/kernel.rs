//! The two formulas of a swap, over words of any width.
//!
//! The fee is the pair `kept / whole`, the part of the input that trades. It never rounds apart: the products have up
//! to five words and are divided once.

use crate::num::limbs::{add_3, div_5_by_3, mul_2x1, mul_2x3};
use crate::num::word::Word;

/// `floor(in * kept * reserve_out / (reserve_in * whole + in * kept))`.
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
