//! Amounts of money: unsigned decimals with 18 fractional digits, at most 10^20 - 10^-18 (SQL's DECIMAL(38,18)).
//!
//! Every operation is checked: what does not fit, would be negative or divides by zero is an error. Nothing is rounded
//! but where a rounding is named. An amount is passed by value.

use core::ffi::{c_char, c_int};
use core::fmt::Write as _;

use qenex_core::num::{Amount, NumError, Rounding};

use crate::memory::{Fallible, Lent, plain, status, unknown_number};
use crate::status::qnx_status_t;

/// An amount, as units of 10^-18: `high * 2^64 + low`, at most 10^38 - 1.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct qnx_amount_t {
    /// The upper 64 bits.
    pub high: u64,
    /// The lower 64 bits.
    pub low: u64,
}
plain!(qnx_amount_t);

/// The direction in which a division gives up what does not divide.
pub type qnx_rounding_t = u8;
/// Towards zero.
pub const QNX_ROUND_DOWN: qnx_rounding_t = 0;
/// Away from zero.
pub const QNX_ROUND_UP: qnx_rounding_t = 1;

/// Room for the longest printed amount, with the zero byte behind it.
pub const QNX_AMOUNT_TEXT_SIZE: usize = 40;

/// Of the core.
#[inline(always)]
pub(crate) const fn amount(value: qnx_amount_t) -> Result<Amount, NumError> {
    Amount::from_units((value.high as u128) << 64 | value.low as u128)
}

/// For C.
#[inline(always)]
pub(crate) const fn to_c(amount: Amount) -> qnx_amount_t {
    let units = amount.units();
    qnx_amount_t { high: (units >> 64) as u64, low: units as u64 }
}

#[inline(always)]
fn rounding(number: qnx_rounding_t) -> Fallible<Rounding> {
    match number {
        QNX_ROUND_DOWN => Ok(Rounding::Down),
        QNX_ROUND_UP => Ok(Rounding::Up),
        _ => Err(unknown_number().into()),
    }
}

/// Writes the result of an operation.
#[inline(always)]
unsafe fn yields(out: *mut qnx_amount_t, operation: impl FnOnce() -> Fallible<Amount>) -> qnx_status_t {
    status((|| {
        // SAFETY: promised by the caller.
        let out = unsafe { Lent::new().place(out)? };
        out.write(to_c(operation()?));
        Ok(())
    })())
}

/// The amount of whole units, which always fits.
#[unsafe(no_mangle)]
pub extern "C" fn qnx_amount_from_whole(whole: u64) -> qnx_amount_t {
    to_c(Amount::from_whole(whole))
}

/// Compares two amounts: below zero, zero or above zero as `a` is less than, equal to or more than `b`.
#[unsafe(no_mangle)]
pub extern "C" fn qnx_amount_compare(a: qnx_amount_t, b: qnx_amount_t) -> c_int {
    a.cmp(&b) as c_int
}

/// Reads a decimal such as "12.5" of `len` characters, without a zero byte. Signs, exponents, an empty side of the point and a 19th
/// fractional digit are errors.
///
/// Codes: NUM_SYNTAX, NUM_TOO_MANY_DIGITS, NUM_OVERFLOW.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_amount_parse(
    text: *const c_char,
    len: usize,
    out: *mut qnx_amount_t,
) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let text = unsafe { lent.values(text.cast::<u8>(), len)? };
        // SAFETY: promised by the caller.
        let out = unsafe { lent.place(out)? };
        let text = core::str::from_utf8(text).map_err(|_| NumError::Syntax)?;
        out.write(to_c(text.parse()?));
        Ok(())
    })())
}

/// Prints an amount in its one shortest form, with a zero byte. `*len` is the room of `out` before and the length with the zero
/// byte after; QNX_AMOUNT_TEXT_SIZE is always enough.
///
/// Codes: NUM_OVERFLOW, BUFFER_TOO_SMALL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_amount_print(
    value: qnx_amount_t,
    out: *mut c_char,
    len: *mut usize,
) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let out = unsafe { lent.buffer(out.cast::<u8>(), len)? };
        let mut text = heapless::String::<QNX_AMOUNT_TEXT_SIZE>::new();
        write!(text, "{}", amount(value)?).map_err(|_| NumError::Overflow)?;
        out.put_text(&text)
    })())
}

/// `a + b`.
///
/// Codes: NUM_OVERFLOW.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_amount_add(
    a: qnx_amount_t,
    b: qnx_amount_t,
    out: *mut qnx_amount_t,
) -> qnx_status_t {
    // SAFETY: promised by the caller.
    unsafe { yields(out, || Ok(amount(a)?.checked_add(amount(b)?)?)) }
}

/// `a - b`, which must not be below zero.
///
/// Codes: NUM_OVERFLOW, NUM_UNDERFLOW.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_amount_sub(
    a: qnx_amount_t,
    b: qnx_amount_t,
    out: *mut qnx_amount_t,
) -> qnx_status_t {
    // SAFETY: promised by the caller.
    unsafe { yields(out, || Ok(amount(a)?.checked_sub(amount(b)?)?)) }
}

/// `a * b`, rounded once.
///
/// Codes: NUM_OVERFLOW.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_amount_mul(
    a: qnx_amount_t,
    b: qnx_amount_t,
    round: qnx_rounding_t,
    out: *mut qnx_amount_t,
) -> qnx_status_t {
    // SAFETY: promised by the caller.
    unsafe { yields(out, || Ok(amount(a)?.checked_mul(amount(b)?, rounding(round)?)?)) }
}

/// `a / b`, rounded once.
///
/// Codes: NUM_OVERFLOW, NUM_DIVISION_BY_ZERO.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_amount_div(
    a: qnx_amount_t,
    b: qnx_amount_t,
    round: qnx_rounding_t,
    out: *mut qnx_amount_t,
) -> qnx_status_t {
    // SAFETY: promised by the caller.
    unsafe { yields(out, || Ok(amount(a)?.checked_div(amount(b)?, rounding(round)?)?)) }
}

/// `a * factor / divisor`, exact over a 256-bit intermediate before the one rounding.
///
/// Codes: NUM_OVERFLOW, NUM_DIVISION_BY_ZERO.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_amount_mul_div(
    a: qnx_amount_t,
    factor: qnx_amount_t,
    divisor: qnx_amount_t,
    round: qnx_rounding_t,
    out: *mut qnx_amount_t,
) -> qnx_status_t {
    // SAFETY: promised by the caller.
    unsafe { yields(out, || Ok(amount(a)?.mul_div(amount(factor)?, amount(divisor)?, rounding(round)?)?)) }
}
