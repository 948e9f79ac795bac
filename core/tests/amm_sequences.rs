//! No sequence of swaps and changes of liquidity makes money out of rounding.
//!
//! Traders start with amounts of both assets and act at random on one pool. Three properties hold:
//!
//! 1. **Both assets are conserved** by every step: pool and traders together hold what was there at the start.
//! 2. **A share never becomes worth less** by any step: `a * b / shares^2` does not fall. That is the square of what a
//!    share is worth at the pool's own price; a fall would be the traders' gain.
//! 3. **A round trip never gains**: a trader who acts alone, gives all shares back and trades the surplus of one asset
//!    for the other never ends with more of one and no less of the other. (It follows from the second: with as many
//!    shares as before, not both reserves can have become smaller.)

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod num_common;

use num_bigint::BigUint;
use num_common::{cases, number, rng};
use qenex_core::amm::{
    AmmError, Direction, Limits, MAX_FEE_BPS, MINIMUM_LIQUIDITY, Reserves, add_liquidity, remove_liquidity,
    swap_exact_in, swap_exact_out,
};
use qenex_core::num::Amount;
use rand::{RngExt, rngs::StdRng};

fn units(units: u128) -> Amount {
    Amount::from_units(units).unwrap_or(Amount::MAX)
}

fn big(amount: Amount) -> BigUint {
    amount.units().into()
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Trader {
    a: Amount,
    b: Amount,
    shares: Amount,
}

/// An amount up to a limit, of any size, and the limit itself now and then.
fn up_to(rng: &mut StdRng, limit: Amount) -> Amount {
    if rng.random_range(0..8) == 0 {
        return limit;
    }
    units(number(rng, 128 - limit.units().leading_zeros())).min(limit)
}

/// The trader's balance after giving and receiving.
fn settle(balance: Amount, given: Amount, received: Amount) -> Option<Amount> {
    balance.checked_sub(given).ok()?.checked_add(received).ok()
}

impl Trader {
    fn swapped(self, direction: Direction, given: Amount, received: Amount) -> Option<Self> {
        let zero = Amount::ZERO;
        let (a, b) = match direction {
            Direction::AToB => (settle(self.a, given, zero)?, settle(self.b, zero, received)?),
            Direction::BToA => (settle(self.a, zero, received)?, settle(self.b, given, zero)?),
        };
        Some(Self { a, b, ..self })
    }

    /// One random step. `None` if the pool or the trader's balances refuse it.
    fn step(self, rng: &mut StdRng, pool: &Reserves) -> Option<(Self, Reserves)> {
        let zero = Amount::ZERO;
        let direction = if rng.random() { Direction::AToB } else { Direction::BToA };
        let (own_in, (_, reserve_out)) = match direction {
            Direction::AToB => (self.a, pool.directed(direction)),
            Direction::BToA => (self.b, pool.directed(direction)),
        };
        match rng.random_range(0..4) {
            0 => {
                let given = up_to(rng, own_in);
                let swap = swap_exact_in(pool, direction, given, zero, Limits::NONE, 0).ok()?;
                Some((self.swapped(direction, given, swap.quote.amount_out)?, swap.reserves))
            }
            1 => {
                let asked = up_to(rng, reserve_out);
                let swap = swap_exact_out(pool, direction, asked, own_in, Limits::NONE, 0).ok()?;
                Some((self.swapped(direction, swap.quote.amount_in, asked)?, swap.reserves))
            }
            2 => {
                let (max_a, max_b) = (up_to(rng, self.a), up_to(rng, self.b));
                let deposit = add_liquidity(pool, max_a, max_b, zero, None, 0).ok()?;
                let after = Self {
                    a: settle(self.a, deposit.amount_a, zero)?,
                    b: settle(self.b, deposit.amount_b, zero)?,
                    shares: settle(self.shares, zero, deposit.shares)?,
                };
                Some((after, deposit.reserves))
            }
            _ => self.withdraw(pool, up_to(rng, self.shares)).ok(),
        }
    }

    fn withdraw(self, pool: &Reserves, shares: Amount) -> Result<(Self, Reserves), AmmError> {
        let zero = Amount::ZERO;
        let withdrawal = remove_liquidity(pool, shares, zero, zero, None, 0)?;
        let after = Self {
            a: settle(self.a, zero, withdrawal.amount_a).unwrap(),
            b: settle(self.b, zero, withdrawal.amount_b).unwrap(),
            shares: settle(self.shares, shares, zero).unwrap(),
        };
        Ok((after, withdrawal.reserves))
    }
}

/// Half of the pools are so small that rounding is a large part of what moves.
fn any_pool(rng: &mut StdRng) -> Reserves {
    let bits = if rng.random() { 16 } else { 120 };
    let [a, b] = [0; 2].map(|_| units(number(rng, bits).max(1)));
    let shares = units(number(rng, bits).max(MINIMUM_LIQUIDITY.units()));
    let fee_bps = [0, 0, 1, 30, MAX_FEE_BPS][rng.random_range(0..5)];
    Reserves::new(a, b, shares, fee_bps).unwrap()
}

fn any_trader(rng: &mut StdRng, pool: &Reserves) -> Trader {
    let mut near =
        |reserve: Amount| units((number(rng, 128 - reserve.units().leading_zeros() + 2)).min(1 << 124));
    Trader { a: near(pool.a()), b: near(pool.b()), shares: Amount::ZERO }
}

/// Whether a share is worth at least as much as before: `a * b / shares^2`, compared by cross multiplication.
fn worth_kept(before: &Reserves, after: &Reserves) -> bool {
    let product = |pool: &Reserves| big(pool.a()) * big(pool.b());
    let squared = |pool: &Reserves| big(pool.shares()) * big(pool.shares());
    product(after) * squared(before) >= product(before) * squared(after)
}

#[test]
fn assets_are_conserved_and_a_share_keeps_its_worth() {
    let mut rng = rng();
    let mut steps = 0;
    for _ in 0..cases().div_ceil(20) {
        let mut pool = any_pool(&mut rng);
        let mut traders =
            [any_trader(&mut rng, &pool), any_trader(&mut rng, &pool), any_trader(&mut rng, &pool)];
        let total = |pool: &Reserves, traders: &[Trader]| {
            let sum =
                |part: fn(&Trader) -> Amount| traders.iter().map(|trader| big(part(trader))).sum::<BigUint>();
            (
                big(pool.a()) + sum(|t| t.a),
                big(pool.b()) + sum(|t| t.b),
                big(pool.shares()) - sum(|t| t.shares),
            )
        };
        let start = total(&pool, &traders);
        for _ in 0..40 {
            let who = rng.random_range(0..traders.len());
            let Some((trader, after)) = traders[who].step(&mut rng, &pool) else { continue };
            steps += 1;
            assert!(worth_kept(&pool, &after), "{:?} -> {trader:?}: {pool:?} -> {after:?}", traders[who]);
            (traders[who], pool) = (trader, after);
            assert_eq!(total(&pool, &traders), start);
        }
    }
    assert!(steps > cases() / 10, "too few steps were accepted: {steps}");
}

#[test]
fn a_round_trip_never_gains() {
    let mut rng = rng();
    let mut trips = 0;
    for _ in 0..cases().div_ceil(20) {
        let mut pool = any_pool(&mut rng);
        let start = any_trader(&mut rng, &pool);
        let mut trader = start;
        for _ in 0..rng.random_range(1..20) {
            (trader, pool) = trader.step(&mut rng, &pool).unwrap_or((trader, pool));
        }
        if !trader.shares.is_zero() {
            // Dust that is worth less than a unit stays behind: it can only be a loss.
            (trader, pool) = trader.withdraw(&pool, trader.shares).unwrap_or((trader, pool));
        }
        // Trade what is too much of one asset for the other, up to where one balance is what it was: by exact input,
        // which spends all the surplus, and by exact output, which buys back all that is missing.
        let mut ends = vec![trader];
        let (direction, surplus, missing) = if trader.a > start.a {
            (Direction::AToB, trader.a.checked_sub(start.a), start.b.checked_sub(trader.b))
        } else {
            (Direction::BToA, trader.b.checked_sub(start.b), start.a.checked_sub(trader.a))
        };
        if let Ok(surplus) = surplus
            && let Ok(swap) = swap_exact_in(&pool, direction, surplus, Amount::ZERO, Limits::NONE, 0)
        {
            ends.extend(trader.swapped(direction, surplus, swap.quote.amount_out));
        }
        if let Ok(missing) = missing
            && let Ok(swap) = swap_exact_out(&pool, direction, missing, Amount::MAX, Limits::NONE, 0)
        {
            ends.extend(trader.swapped(direction, swap.quote.amount_in, missing));
        }
        for end in ends {
            trips += 1;
            let gained = end.a >= start.a && end.b >= start.b && (end.a > start.a || end.b > start.b);
            assert!(!gained, "{start:?} -> {end:?} on {pool:?}");
        }
    }
    assert!(trips > cases() / 20, "{trips}");
}
