//! The constant-product market maker: a pool holds two assets, and no swap lets the product of its reserves fall.
//!
//! Everything is a pure function over [`Reserves`]: it returns what moves and the reserves afterwards, or an
//! [`AmmError`] and nothing. Fees are in basis points of the input and stay in the pool. Rounding favours the pool: what
//! it gives is rounded down, what it takes is rounded up (for an exact output: the floor plus one unit, as in Uniswap v2).
//! Swap formulas keep the fee, the amount and the reserve in one product of up to 268 bits and divide once.
//!
//! # A worked example
//! A pool with 10,000 USDC and 5 ETH and a fee of 0.30% takes 1,000 USDC:
//! ```
//! use qenex_core::amm::{Direction, Limits, Reserves, quote_exact_in, swap_exact_in};
//! use qenex_core::num::Amount;
//!
//! let amount = |text: &str| text.parse::<Amount>();
//! let shares = amount("223.606797749978969640")?; // floor(sqrt(10,000 * 5))
//! let pool = Reserves::new(amount("10000")?, amount("5")?, shares, 30)?;
//! assert_eq!(pool.spot_price(Direction::BToA)?.to_string(), "2000"); // USDC for one ETH
//!
//! let quote = quote_exact_in(&pool, Direction::AToB, amount("1000")?)?;
//! assert_eq!(quote.amount_out.to_string(), "0.453305446940074565"); // 997 * 5 / (10,000 + 997) ETH
//! assert_eq!(quote.fee().to_string(), "3"); // 0.30% of 1,000 USDC
//! assert_eq!(quote.price_impact().to_string(), "0.09338910611985087"); // 1 - 0.4533... * 2,000 / 1,000
//! assert_eq!(quote.price_impact_without_fee().to_string(), "0.090661089388014915"); // 1 - 0.4533... * 2,000 / 997
//!
//! let swap = swap_exact_in(&pool, Direction::AToB, amount("1000")?, amount("0.45")?, Limits::NONE, 0)?;
//! assert_eq!(swap.reserves.a().to_string(), "11000");
//! assert_eq!(swap.reserves.b().to_string(), "4.546694553059925435");
//! assert_eq!(swap.reserves.spot_price(Direction::BToA)?.to_string(), "2419.339999999999999579");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod kernel;
mod liquidity;
mod quote;
mod reserves;
mod swap;

pub use liquidity::{Deposit, Withdrawal, add_liquidity, remove_liquidity};
pub use quote::{Quote, amount_in, amount_out, quote_exact_in, quote_exact_out};
pub use reserves::{Direction, Reserves};
pub use swap::{Limits, Swap, swap_exact_in, swap_exact_out};

use crate::error::error_enum;
use crate::num::Amount;

error_enum! {
    /// What the market maker refuses.
    pub enum AmmError {
        ZeroAmount => AMM_ZERO_AMOUNT,
        EmptyPool => AMM_EMPTY_POOL,
        InsufficientLiquidity => AMM_INSUFFICIENT_LIQUIDITY,
        OutputBelowMinimum => AMM_OUTPUT_BELOW_MINIMUM,
        InputAboveMaximum => AMM_INPUT_ABOVE_MAXIMUM,
        DeadlinePassed => AMM_DEADLINE_PASSED,
        PriceImpactAboveLimit => AMM_PRICE_IMPACT_ABOVE_LIMIT,
        FeeOutOfRange => AMM_FEE_OUT_OF_RANGE,
        SharesBelowMinimum => AMM_SHARES_BELOW_MINIMUM,
        PoolOverflow => AMM_POOL_OVERFLOW,
        ZeroOutput => AMM_ZERO_OUTPUT,
        SharesLocked => AMM_SHARES_LOCKED,
        FirstDepositTooSmall => AMM_FIRST_DEPOSIT_TOO_SMALL,
        PoolInvalid => AMM_POOL_INVALID,
    }
}

/// Basis points in the whole.
pub const BPS: u16 = 10_000;

/// The largest fee of a pool.
pub const MAX_FEE_BPS: u16 = 9_999;

/// Units of shares that the first deposit locks for ever, so that the price of a share cannot be driven up to where
/// later deposits round to nothing.
pub const MINIMUM_LIQUIDITY: Amount = match Amount::from_units(1_000) {
    Ok(amount) => amount,
    Err(_) => Amount::ZERO,
};
const _: () = assert!(MINIMUM_LIQUIDITY.units() == 1_000);

/// Refuses what comes after the deadline; the deadline itself is in time.
fn check_deadline(deadline_ms: Option<u64>, now_ms: u64) -> Result<(), AmmError> {
    match deadline_ms {
        Some(deadline_ms) if now_ms > deadline_ms => Err(AmmError::DeadlinePassed),
        _ => Ok(()),
    }
}
