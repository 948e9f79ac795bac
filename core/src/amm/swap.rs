//! Swaps within limits.

use super::{AmmError, Direction, Quote, Reserves, check_deadline, quote_exact_in, quote_exact_out};
use crate::num::Amount;

/// What a trader accepts besides an amount.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Limits {
    /// The largest [price impact](Quote::price_impact), fee included, in basis points.
    pub max_price_impact_bps: Option<u16>,
    /// The latest time, in milliseconds since the Unix epoch.
    pub deadline_ms: Option<u64>,
}

impl Limits {
    /// Whatever the price and the time.
    pub const NONE: Self = Self { max_price_impact_bps: None, deadline_ms: None };
}

/// A swap that took place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Swap {
    /// What moved.
    pub quote: Quote,
    /// The pool afterwards.
    pub reserves: Reserves,
}

/// Swaps an exact input for at least `min_out`.
pub fn swap_exact_in(
    pool: &Reserves,
    direction: Direction,
    amount_in: Amount,
    min_out: Amount,
    limits: Limits,
    now_ms: u64,
) -> Result<Swap, AmmError> {
    check_deadline(limits.deadline_ms, now_ms)?;
    let quote = quote_exact_in(pool, direction, amount_in)?;
    if quote.amount_out < min_out {
        return Err(AmmError::OutputBelowMinimum);
    }
    apply(pool, direction, quote, limits)
}

/// Swaps at most `max_in` for an exact output.
pub fn swap_exact_out(
    pool: &Reserves,
    direction: Direction,
    amount_out: Amount,
    max_in: Amount,
    limits: Limits,
    now_ms: u64,
) -> Result<Swap, AmmError> {
    check_deadline(limits.deadline_ms, now_ms)?;
    let quote = quote_exact_out(pool, direction, amount_out)?;
    if quote.amount_in > max_in {
        return Err(AmmError::InputAboveMaximum);
    }
    apply(pool, direction, quote, limits)
}

fn apply(pool: &Reserves, direction: Direction, quote: Quote, limits: Limits) -> Result<Swap, AmmError> {
    if limits.max_price_impact_bps.is_some_and(|limit_bps| !quote.price_impact_within(limit_bps)) {
        return Err(AmmError::PriceImpactAboveLimit);
    }
    let (reserve_in, reserve_out) = pool.directed(direction);
    let reserve_in = reserve_in.checked_add(quote.amount_in).map_err(|_| AmmError::PoolOverflow)?;
    let reserve_out =
        reserve_out.checked_sub(quote.amount_out).map_err(|_| AmmError::InsufficientLiquidity)?;
    Ok(Swap { quote, reserves: pool.with_directed(direction, reserve_in, reserve_out) })
}
