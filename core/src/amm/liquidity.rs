//! Putting both assets into a pool for shares, and giving shares back for both.
//!
//! What a share is worth in each asset never falls by either: the pool takes rounded up and gives rounded down.

use super::{AmmError, MINIMUM_LIQUIDITY, Reserves, check_deadline};
use crate::num::{Amount, NumError, Rounding, sqrt_product};

/// A deposit that took place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Deposit {
    /// What was taken of the first asset.
    pub amount_a: Amount,
    /// What was taken of the second asset.
    pub amount_b: Amount,
    /// The shares for it. The pool's total grows by more with the first deposit: it locks [`MINIMUM_LIQUIDITY`].
    pub shares: Amount,
    /// The pool afterwards.
    pub reserves: Reserves,
}

/// A withdrawal that took place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Withdrawal {
    /// What was given of the first asset.
    pub amount_a: Amount,
    /// What was given of the second asset.
    pub amount_b: Amount,
    /// The pool afterwards.
    pub reserves: Reserves,
}

/// Deposits as much as the two maxima allow, in the proportion of the reserves.
///
/// The first deposit sets the proportion: it takes both maxima, and its shares are the floor of the square root of
/// their product, of which [`MINIMUM_LIQUIDITY`] is locked for ever. Later, shares are rounded down, and what is taken
/// for them is rounded up.
pub fn add_liquidity(
    pool: &Reserves,
    max_a: Amount,
    max_b: Amount,
    min_shares: Amount,
    deadline_ms: Option<u64>,
    now_ms: u64,
) -> Result<Deposit, AmmError> {
    check_deadline(deadline_ms, now_ms)?;
    if max_a.is_zero() || max_b.is_zero() {
        return Err(AmmError::ZeroAmount);
    }
    let (amount_a, amount_b, shares, total) = if pool.is_empty() {
        let total = Amount::from_units(sqrt_product(max_a.units(), max_b.units())).map_err(overflow)?;
        let shares = total.checked_sub(MINIMUM_LIQUIDITY).map_err(|_| AmmError::FirstDepositTooSmall)?;
        if shares.is_zero() {
            return Err(AmmError::FirstDepositTooSmall);
        }
        (max_a, max_b, shares, total)
    } else {
        // A quotient that is too large to be an amount is no bound: the other side's decides, or the total overflows.
        let bound =
            |max: Amount, reserve| max.mul_div(pool.shares(), reserve, Rounding::Down).unwrap_or(Amount::MAX);
        let shares = bound(max_a, pool.a()).min(bound(max_b, pool.b()));
        if shares.is_zero() {
            return Err(AmmError::ZeroOutput);
        }
        let taken = |reserve: Amount| shares.mul_div(reserve, pool.shares(), Rounding::Up).map_err(overflow);
        let total = pool.shares().checked_add(shares).map_err(overflow)?;
        (taken(pool.a())?, taken(pool.b())?, shares, total)
    };
    if shares < min_shares {
        return Err(AmmError::SharesBelowMinimum);
    }
    let a = pool.a().checked_add(amount_a).map_err(overflow)?;
    let b = pool.b().checked_add(amount_b).map_err(overflow)?;
    let reserves = Reserves::new(a, b, total, pool.fee_bps())?;
    Ok(Deposit { amount_a, amount_b, shares, reserves })
}

/// Gives shares back for their part of both reserves, rounded down.
pub fn remove_liquidity(
    pool: &Reserves,
    shares: Amount,
    min_a: Amount,
    min_b: Amount,
    deadline_ms: Option<u64>,
    now_ms: u64,
) -> Result<Withdrawal, AmmError> {
    check_deadline(deadline_ms, now_ms)?;
    if shares.is_zero() {
        return Err(AmmError::ZeroAmount);
    }
    if pool.is_empty() {
        return Err(AmmError::EmptyPool);
    }
    let total = pool.shares().checked_sub(shares).map_err(|_| AmmError::SharesLocked)?;
    if total < MINIMUM_LIQUIDITY {
        return Err(AmmError::SharesLocked);
    }
    let given = |reserve: Amount| shares.mul_div(reserve, pool.shares(), Rounding::Down).map_err(overflow);
    let (amount_a, amount_b) = (given(pool.a())?, given(pool.b())?);
    if amount_a.is_zero() || amount_b.is_zero() {
        return Err(AmmError::ZeroOutput);
    }
    if amount_a < min_a || amount_b < min_b {
        return Err(AmmError::OutputBelowMinimum);
    }
    let a = pool.a().checked_sub(amount_a).map_err(overflow)?;
    let b = pool.b().checked_sub(amount_b).map_err(overflow)?;
    let reserves = Reserves::new(a, b, total, pool.fee_bps())?;
    Ok(Withdrawal { amount_a, amount_b, reserves })
}

fn overflow(_: NumError) -> AmmError {
    AmmError::PoolOverflow
}
