//! Numbers: what money is counted in, and the few operations on it.
//!
//! - [`Amount`]: an unsigned decimal with 18 fractional digits; what is owned, paid and owed.
//! - [`Precise`]: an unsigned decimal with 128 fractional digits; what accumulates, rounded once into an amount.
//! - [`mul_div()`] and its kin: products and quotients over an intermediate of 256 bits, each with its [`Rounding`].
//! - [`sqrt_product`]: the floor of the square root of a product.
//! - [`Ratio`]: a quotient for people to read; it holds no money.
//!
//! Every operation is checked: what does not fit, would be negative or divides by zero is a [`NumError`]. No
//! operation rounds unless it takes a [`Rounding`] or names its direction.

mod amount;
#[cfg(test)]
pub(crate) mod exhaustive;
pub(crate) mod limbs;
mod mul_div;
mod precise;
mod ratio;
mod sqrt;
pub(crate) mod word;

pub use amount::Amount;
pub use mul_div::{Rounding, div_scaled, mul_div, mul_scaled};
pub use precise::Precise;
pub(crate) use ratio::PRODUCT_WORDS;
pub use ratio::Ratio;
pub use sqrt::sqrt_product;

use crate::error::error_enum;

error_enum! {
    /// What a number refuses.
    pub enum NumError {
        Overflow => NUM_OVERFLOW,
        Underflow => NUM_UNDERFLOW,
        DivisionByZero => NUM_DIVISION_BY_ZERO,
        Syntax => NUM_SYNTAX,
        TooManyDigits => NUM_TOO_MANY_DIGITS,
    }
}

/// Fractional digits of an [`Amount`].
pub const FRACTION_DIGITS: usize = 18;

/// Units in one whole: `10^18`.
pub const SCALE: u128 = 10u128.pow(FRACTION_DIGITS as u32);
