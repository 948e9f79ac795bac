//! What a swap would cost: the amounts at once, their price impact when asked for.

use super::kernel;
use super::{AmmError, BPS, Direction, MAX_FEE_BPS, Reserves};
use crate::num::limbs::{mul_2x1, mul_2x3};
use crate::num::{Amount, PRODUCT_WORDS, Ratio, Rounding, mul_div};

/// A swap that the pool would accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Quote {
    /// What goes into the pool, with the fee.
    pub amount_in: Amount,
    /// What comes out of the pool.
    pub amount_out: Amount,
    reserve_in: Amount,
    reserve_out: Amount,
    fee_bps: u16,
}

impl Quote {
    /// The part of the input that is the fee, rounded up. It stays in the pool.
    pub fn fee(&self) -> Amount {
        // A part of an amount cannot leave its range, nor is the divisor zero.
        mul_div(self.amount_in.units(), u128::from(self.fee_bps), u128::from(BPS), Rounding::Up)
            .and_then(Amount::from_units)
            .unwrap_or(Amount::MAX)
    }

    /// How much worse the price is than the spot price, fee included: `1 - (out / in) / (reserve_out / reserve_in)`,
    /// rounded down.
    pub fn price_impact(&self) -> Ratio {
        self.impact(BPS)
    }

    /// The same for the part of the input that trades, so without the fee.
    pub fn price_impact_without_fee(&self) -> Ratio {
        self.impact(kept_bps(self.fee_bps))
    }

    /// `(in * part * reserve_out - out * reserve_in * BPS) / (in * part * reserve_out)`.
    fn impact(&self, part_bps: u16) -> Ratio {
        let ideal = product(self.amount_in, part_bps, self.reserve_out);
        let actual = product(self.amount_out, BPS, self.reserve_in);
        // What comes out is never worth more than what trades, so this does not borrow and the ratio is below one.
        let mut lost = ideal;
        let mut borrow = false;
        for (word, other) in lost.iter_mut().zip(actual) {
            (*word, borrow) = word.borrowing_sub(other, borrow);
        }
        Ratio::of_products(lost, ideal).unwrap_or_default()
    }

    /// Whether [`price_impact`](Self::price_impact) is at most so many basis points, compared exactly.
    pub fn price_impact_within(&self, limit_bps: u16) -> bool {
        let least = product(self.amount_in, BPS.saturating_sub(limit_bps), self.reserve_out);
        let actual = product(self.amount_out, BPS, self.reserve_in);
        actual.iter().rev().ge(least.iter().rev())
    }
}

/// `amount * factor * reserve`, least significant word first.
fn product(amount: Amount, factor: u16, reserve: Amount) -> [u64; PRODUCT_WORDS] {
    mul_2x3(reserve.units(), mul_2x1::<u64>(amount.units(), u64::from(factor)))
}

/// The part of the input that trades.
const fn kept_bps(fee_bps: u16) -> u16 {
    BPS.saturating_sub(fee_bps)
}

/// What comes out for an input: `floor(in * kept * reserve_out / (reserve_in * 10,000 + in * kept))`, `kept` being
/// `10,000 - fee_bps`.
#[inline]
pub fn amount_out(
    amount_in: Amount,
    reserve_in: Amount,
    reserve_out: Amount,
    fee_bps: u16,
) -> Result<Amount, AmmError> {
    check(amount_in, reserve_in, reserve_out, fee_bps)?;
    let fee = (u64::from(kept_bps(fee_bps)), u64::from(BPS));
    kernel::amount_out::<u64>(amount_in.units(), reserve_in.units(), reserve_out.units(), fee)
        .and_then(|units| Amount::from_units(units).ok())
        .ok_or(AmmError::PoolOverflow)
}

/// What must go in for an output: `floor(reserve_in * out * 10,000 / ((reserve_out - out) * kept)) + 1`.
#[inline]
pub fn amount_in(
    amount_out: Amount,
    reserve_in: Amount,
    reserve_out: Amount,
    fee_bps: u16,
) -> Result<Amount, AmmError> {
    check(amount_out, reserve_in, reserve_out, fee_bps)?;
    if amount_out >= reserve_out {
        return Err(AmmError::InsufficientLiquidity);
    }
    let fee = (u64::from(kept_bps(fee_bps)), u64::from(BPS));
    kernel::amount_in::<u64>(amount_out.units(), reserve_in.units(), reserve_out.units(), fee)
        .and_then(|units| Amount::from_units(units).ok())
        .ok_or(AmmError::PoolOverflow)
}

#[inline]
fn check(amount: Amount, reserve_in: Amount, reserve_out: Amount, fee_bps: u16) -> Result<(), AmmError> {
    if fee_bps > MAX_FEE_BPS {
        return Err(AmmError::FeeOutOfRange);
    }
    if reserve_in.is_zero() || reserve_out.is_zero() {
        return Err(AmmError::EmptyPool);
    }
    if amount.is_zero() {
        return Err(AmmError::ZeroAmount);
    }
    Ok(())
}

/// Quotes a swap of an exact input.
#[inline]
pub fn quote_exact_in(pool: &Reserves, direction: Direction, amount_in: Amount) -> Result<Quote, AmmError> {
    let (reserve_in, reserve_out) = pool.directed(direction);
    let amount_out = amount_out(amount_in, reserve_in, reserve_out, pool.fee_bps())?;
    if amount_out.is_zero() {
        return Err(AmmError::ZeroOutput);
    }
    quote(pool, amount_in, amount_out, direction)
}

/// Quotes a swap for an exact output.
#[inline]
pub fn quote_exact_out(pool: &Reserves, direction: Direction, amount_out: Amount) -> Result<Quote, AmmError> {
    let (reserve_in, reserve_out) = pool.directed(direction);
    let amount_in = amount_in(amount_out, reserve_in, reserve_out, pool.fee_bps())?;
    quote(pool, amount_in, amount_out, direction)
}

#[inline]
fn quote(
    pool: &Reserves,
    amount_in: Amount,
    amount_out: Amount,
    direction: Direction,
) -> Result<Quote, AmmError> {
    let (reserve_in, reserve_out) = pool.directed(direction);
    reserve_in.checked_add(amount_in).map_err(|_| AmmError::PoolOverflow)?;
    Ok(Quote { amount_in, amount_out, reserve_in, reserve_out, fee_bps: pool.fee_bps() })
}
