//! Every operation of the market maker against arbitrary-precision integers.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod num_common;

use num_bigint::BigUint;
use num_common::{cases, number, rng};
use num_integer::Integer;
use qenex_core::amm::{
    AmmError, BPS, Direction, Limits, MAX_FEE_BPS, MINIMUM_LIQUIDITY, Quote, Reserves, add_liquidity,
    quote_exact_in, quote_exact_out, remove_liquidity, swap_exact_in, swap_exact_out,
};
use qenex_core::num::{Amount, Ratio};
use rand::{RngExt, rngs::StdRng};

type Result<T> = std::result::Result<T, AmmError>;

fn amount(text: &str) -> Amount {
    text.parse().unwrap()
}

fn units(units: u128) -> Amount {
    Amount::from_units(units).unwrap_or(Amount::MAX)
}

fn big(amount: Amount) -> BigUint {
    amount.units().into()
}

/// The amount, or the pool's overflow.
fn fit(units: BigUint) -> Result<Amount> {
    u128::try_from(units).ok().and_then(|units| Amount::from_units(units).ok()).ok_or(AmmError::PoolOverflow)
}

fn any_fee(rng: &mut StdRng) -> u16 {
    [0, 1, 30, 100, MAX_FEE_BPS, rng.random_range(0..=MAX_FEE_BPS)][rng.random_range(0..6)]
}

/// A pool that holds both assets, of any size.
fn any_pool(rng: &mut StdRng) -> Reserves {
    let [a, b] = [0; 2].map(|_| units(number(rng, 127).max(1)));
    let shares = units(number(rng, 127).max(MINIMUM_LIQUIDITY.units()));
    Reserves::new(a, b, shares, any_fee(rng)).unwrap()
}

fn any_direction(rng: &mut StdRng) -> Direction {
    if rng.random() { Direction::AToB } else { Direction::BToA }
}

fn model_out(pool: &Reserves, direction: Direction, amount_in: Amount) -> Result<Amount> {
    let (x, y) = pool.directed(direction);
    if amount_in.is_zero() {
        return Err(AmmError::ZeroAmount);
    }
    let trading = big(amount_in) * (BPS - pool.fee_bps());
    let out = fit(&trading * big(y) / (big(x) * BPS + &trading))?;
    if out.is_zero() {
        return Err(AmmError::ZeroOutput);
    }
    fit(big(x) + big(amount_in))?;
    Ok(out)
}

fn model_in(pool: &Reserves, direction: Direction, amount_out: Amount) -> Result<Amount> {
    let (x, y) = pool.directed(direction);
    if amount_out.is_zero() {
        return Err(AmmError::ZeroAmount);
    }
    if amount_out >= y {
        return Err(AmmError::InsufficientLiquidity);
    }
    let left = (big(y) - big(amount_out)) * (BPS - pool.fee_bps());
    let paid = fit(big(x) * big(amount_out) * BPS / left + 1u8)?;
    fit(big(x) + big(paid))?;
    Ok(paid)
}

/// `floor(2^64 * (1 - out * x * 10^4 / (in * part * y)))`.
fn model_impact(pool: &Reserves, direction: Direction, quote: &Quote, part: u16) -> BigUint {
    let (x, y) = pool.directed(direction);
    let ideal = big(quote.amount_in) * part * big(y);
    ((&ideal - big(quote.amount_out) * big(x) * BPS) << 64) / ideal
}

fn check_quote(pool: &Reserves, direction: Direction, quote: &Quote) {
    let fee = (big(quote.amount_in) * pool.fee_bps()).div_ceil(&BPS.into());
    assert_eq!(big(quote.fee()), fee);
    let bits = |ratio: Ratio| BigUint::from(ratio.0.to_bits());
    assert_eq!(bits(quote.price_impact()), model_impact(pool, direction, quote, BPS));
    let without_fee = model_impact(pool, direction, quote, BPS - pool.fee_bps());
    assert_eq!(bits(quote.price_impact_without_fee()), without_fee);
    let (x, y) = pool.directed(direction);
    let after = (big(x) + big(quote.amount_in)) * (big(y) - big(quote.amount_out));
    assert!(after >= big(x) * big(y), "the product fell: {pool:?} {quote:?}");
}

#[test]
fn quotes_match_the_formulas() {
    let mut rng = rng();
    let mut accepted = [0u64; 2];
    for _ in 0..cases() {
        let (pool, direction) = (any_pool(&mut rng), any_direction(&mut rng));
        let given = units(number(&mut rng, 127));
        let quote = quote_exact_in(&pool, direction, given);
        assert_eq!(
            quote.map(|quote| quote.amount_out),
            model_out(&pool, direction, given),
            "{pool:?} {given}"
        );
        if let Ok(quote) = quote {
            assert_eq!(quote.amount_in, given);
            check_quote(&pool, direction, &quote);
            accepted[0] += 1;
        }
        let asked = units(number(&mut rng, 127));
        let quote = quote_exact_out(&pool, direction, asked);
        assert_eq!(quote.map(|quote| quote.amount_in), model_in(&pool, direction, asked), "{pool:?} {asked}");
        if let Ok(quote) = quote {
            assert_eq!(quote.amount_out, asked);
            check_quote(&pool, direction, &quote);
            let back = quote_exact_in(&pool, direction, quote.amount_in).unwrap();
            assert!(back.amount_out >= asked, "{pool:?} {quote:?} buys only {back:?}");
            accepted[1] += 1;
        }
    }
    assert!(accepted.iter().all(|count| *count > cases() / 20), "too few swaps were accepted: {accepted:?}");
}

#[test]
fn swaps_keep_their_limits() {
    let mut rng = rng();
    for _ in 0..cases() {
        let (pool, direction) = (any_pool(&mut rng), any_direction(&mut rng));
        let (x, y) = pool.directed(direction);
        // Amounts near the size of the reserve, so that impacts of all sizes occur.
        let near =
            |rng: &mut StdRng, reserve: Amount| units((reserve.units() >> rng.random_range(0..12)).max(1));
        let limits = Limits {
            max_price_impact_bps: rng.random::<bool>().then(|| rng.random_range(0..=BPS + 1)),
            deadline_ms: rng.random::<bool>().then(|| rng.random_range(0..3)),
        };
        let now_ms = rng.random_range(0..3);
        let late = limits.deadline_ms.is_some_and(|deadline_ms| now_ms > deadline_ms);
        // 1 - out * x / (in * y) <= limit / 10^4
        let above = |quote: &Quote| {
            limits.max_price_impact_bps.is_some_and(|limit| {
                let ideal = big(quote.amount_in) * big(y);
                let lost = &ideal - big(quote.amount_out) * big(x);
                lost * BPS > ideal * limit
            })
        };
        let check = |expected: Result<Amount>, result: Result<qenex_core::amm::Swap>| match result {
            Ok(swap) => {
                assert!(expected.is_ok());
                let (after_in, after_out) = swap.reserves.directed(direction);
                assert_eq!(big(after_in), big(x) + big(swap.quote.amount_in));
                assert_eq!(big(after_out), big(y) - big(swap.quote.amount_out));
                assert_eq!(
                    (swap.reserves.shares(), swap.reserves.fee_bps()),
                    (pool.shares(), pool.fee_bps())
                );
            }
            Err(error) => assert_eq!(expected, Err(error)),
        };

        let given = near(&mut rng, x);
        let expected = model_out(&pool, direction, given);
        let bound = expected.map_or(1, Amount::units);
        let min_out = units(bound + rng.random_range(0..3) - 1);
        let quote = quote_exact_in(&pool, direction, given);
        let expected = match expected {
            _ if late => Err(AmmError::DeadlinePassed),
            Ok(out) if out < min_out => Err(AmmError::OutputBelowMinimum),
            Ok(_) if above(&quote.unwrap()) => Err(AmmError::PriceImpactAboveLimit),
            other => other,
        };
        check(expected, swap_exact_in(&pool, direction, given, min_out, limits, now_ms));

        let asked = near(&mut rng, y);
        let expected = model_in(&pool, direction, asked);
        let bound = expected.map_or(1, Amount::units);
        let max_in = units(bound + rng.random_range(0..3) - 1);
        let quote = quote_exact_out(&pool, direction, asked);
        let expected = match expected {
            _ if late => Err(AmmError::DeadlinePassed),
            Ok(paid) if paid > max_in => Err(AmmError::InputAboveMaximum),
            Ok(_) if above(&quote.unwrap()) => Err(AmmError::PriceImpactAboveLimit),
            other => other,
        };
        check(expected, swap_exact_out(&pool, direction, asked, max_in, limits, now_ms));
    }
}

#[test]
fn the_price_impact_limit_is_compared_exactly() {
    // Without a fee, 1 in for reserves 9,999 and 10,000 gives 1 out: an impact of 1 - 9,999 / 10,000 = 1 bps exactly.
    let pool = Reserves::new(units(9_999), units(10_000), MINIMUM_LIQUIDITY, 0).unwrap();
    let swap = |bps| {
        let limits = Limits { max_price_impact_bps: Some(bps), ..Limits::NONE };
        swap_exact_in(&pool, Direction::AToB, units(1), Amount::ZERO, limits, 0)
            .map(|swap| swap.quote.amount_out)
    };
    assert_eq!(swap(1), Ok(units(1)));
    assert_eq!(swap(0), Err(AmmError::PriceImpactAboveLimit));
    // One unit more in the reserve of what goes out puts it a little above 1 bps.
    let pool = Reserves::new(units(9_999), units(10_001), MINIMUM_LIQUIDITY, 0).unwrap();
    let limits = Limits { max_price_impact_bps: Some(1), ..Limits::NONE };
    let result = swap_exact_in(&pool, Direction::AToB, units(1), Amount::ZERO, limits, 0);
    assert_eq!(result, Err(AmmError::PriceImpactAboveLimit));
}

#[test]
fn deposits_match_the_formulas() {
    let mut rng = rng();
    let mut accepted = 0;
    for _ in 0..cases() {
        let pool = any_pool(&mut rng);
        let [max_a, max_b] = [0; 2].map(|_| units(number(&mut rng, 127)));
        let (a, b, total) = (big(pool.a()), big(pool.b()), big(pool.shares()));
        let shares = (big(max_a) * &total / &a).min(big(max_b) * &total / &b);
        let taken = |reserve: &BigUint| (&shares * reserve).div_ceil(&total);
        let expected = if max_a.is_zero() || max_b.is_zero() {
            Err(AmmError::ZeroAmount)
        } else if shares == BigUint::ZERO {
            Err(AmmError::ZeroOutput)
        } else {
            [&total + &shares, &a + taken(&a), &b + taken(&b)]
                .map(fit)
                .into_iter()
                .collect::<Result<Vec<_>>>()
        };
        match add_liquidity(&pool, max_a, max_b, Amount::ZERO, None, 0) {
            Ok(deposit) => {
                accepted += 1;
                let after = deposit.reserves;
                assert_eq!(Ok(vec![after.shares(), after.a(), after.b()]), expected);
                assert_eq!(big(deposit.shares), shares);
                assert_eq!((big(deposit.amount_a), big(deposit.amount_b)), (taken(&a), taken(&b)));
                assert!(deposit.amount_a <= max_a && deposit.amount_b <= max_b);
                // One share more would not fit into the maxima.
                let more = &shares + 1u8;
                assert!(&more * &a > big(max_a) * &total || &more * &b > big(max_b) * &total);
                let at = |min_shares| add_liquidity(&pool, max_a, max_b, min_shares, None, 0);
                assert_eq!(at(deposit.shares), Ok(deposit));
                if let Ok(above) = deposit.shares.checked_add(units(1)) {
                    assert_eq!(at(above), Err(AmmError::SharesBelowMinimum));
                }
            }
            Err(error) => assert_eq!(expected, Err(error), "{pool:?} {max_a} {max_b}"),
        }
    }
    assert!(accepted > cases() / 20, "too few deposits were accepted: {accepted}");
}

#[test]
fn first_deposits_match_the_formula() {
    let mut rng = rng();
    for _ in 0..cases() {
        let fee_bps = any_fee(&mut rng);
        let pool = Reserves::empty(fee_bps).unwrap();
        let [max_a, max_b] = [0; 2].map(|_| units(number(&mut rng, 127)));
        let total = (big(max_a) * big(max_b)).sqrt();
        let expected = if max_a.is_zero() || max_b.is_zero() {
            Err(AmmError::ZeroAmount)
        } else if total <= big(MINIMUM_LIQUIDITY) {
            Err(AmmError::FirstDepositTooSmall)
        } else {
            Ok((fit(&total - big(MINIMUM_LIQUIDITY)).unwrap(), fit(total).unwrap()))
        };
        let result = add_liquidity(&pool, max_a, max_b, Amount::ZERO, None, 0);
        assert_eq!(result.map(|deposit| (deposit.shares, deposit.reserves.shares())), expected);
        if let Ok(deposit) = result {
            assert_eq!((deposit.amount_a, deposit.amount_b), (max_a, max_b));
            assert_eq!((deposit.reserves.a(), deposit.reserves.b()), (max_a, max_b));
            assert_eq!(deposit.reserves.fee_bps(), fee_bps);
        }
    }
}

#[test]
fn withdrawals_match_the_formulas() {
    let mut rng = rng();
    let mut accepted = 0;
    for _ in 0..cases() {
        let pool = any_pool(&mut rng);
        let shares = units(number(&mut rng, 127));
        let (a, b, total) = (big(pool.a()), big(pool.b()), big(pool.shares()));
        let given = |reserve: &BigUint| big(shares) * reserve / &total;
        let expected = if shares.is_zero() {
            Err(AmmError::ZeroAmount)
        } else if big(shares) + big(MINIMUM_LIQUIDITY) > total {
            Err(AmmError::SharesLocked)
        } else if given(&a) == BigUint::ZERO || given(&b) == BigUint::ZERO {
            Err(AmmError::ZeroOutput)
        } else {
            Ok((fit(given(&a)).unwrap(), fit(given(&b)).unwrap()))
        };
        let result = remove_liquidity(&pool, shares, Amount::ZERO, Amount::ZERO, None, 0);
        assert_eq!(result.map(|withdrawal| (withdrawal.amount_a, withdrawal.amount_b)), expected);
        if let Ok(withdrawal) = result {
            accepted += 1;
            let after = withdrawal.reserves;
            assert_eq!(big(after.shares()), total - big(shares));
            assert_eq!(big(after.a()), a - big(withdrawal.amount_a));
            assert_eq!(big(after.b()), b - big(withdrawal.amount_b));
            let at = |min_a, min_b| remove_liquidity(&pool, shares, min_a, min_b, None, 0);
            let (given_a, given_b) = (withdrawal.amount_a, withdrawal.amount_b);
            assert_eq!(at(given_a, given_b), Ok(withdrawal));
            if let (Ok(above_a), Ok(above_b)) = (given_a.checked_add(units(1)), given_b.checked_add(units(1)))
            {
                assert_eq!(at(above_a, given_b), Err(AmmError::OutputBelowMinimum));
                assert_eq!(at(given_a, above_b), Err(AmmError::OutputBelowMinimum));
            }
        }
    }
    assert!(accepted > cases() / 20, "too few withdrawals were accepted: {accepted}");
}

#[test]
fn refusals_that_no_random_pool_meets() {
    let empty = Reserves::empty(30).unwrap();
    let one = Amount::ONE;
    assert_eq!(Reserves::empty(10_000), Err(AmmError::FeeOutOfRange));
    assert_eq!(Reserves::new(one, one, one, 10_000), Err(AmmError::FeeOutOfRange));
    for (a, b, shares) in [(one, one, units(999)), (one, Amount::ZERO, one), (Amount::ZERO, one, one)] {
        assert_eq!(Reserves::new(a, b, shares, 30), Err(AmmError::PoolInvalid));
    }
    assert_eq!(Reserves::new(one, one, Amount::ZERO, 30), Err(AmmError::PoolInvalid));
    assert_eq!(quote_exact_in(&empty, Direction::AToB, one), Err(AmmError::EmptyPool));
    assert_eq!(quote_exact_out(&empty, Direction::AToB, one), Err(AmmError::EmptyPool));
    let remove = remove_liquidity(&empty, one, Amount::ZERO, Amount::ZERO, None, 0);
    assert_eq!(remove, Err(AmmError::EmptyPool));
    let late = |result: Option<AmmError>| assert_eq!(result, Some(AmmError::DeadlinePassed));
    late(add_liquidity(&empty, one, one, Amount::ZERO, Some(9), 10).err());
    late(remove_liquidity(&empty, one, Amount::ZERO, Amount::ZERO, Some(9), 10).err());
    assert!(add_liquidity(&empty, one, one, Amount::ZERO, Some(10), 10).is_ok());
}

#[test]
fn a_pool_is_encoded_and_only_a_valid_one_is_read() {
    let mut rng = rng();
    let mut buffer = [0; 128];
    for _ in 0..cases() / 10 {
        let pool = any_pool(&mut rng);
        let bytes = postcard::to_slice(&pool, &mut buffer).unwrap();
        assert_eq!(postcard::from_bytes::<Reserves>(bytes), Ok(pool));
        let mut write = |fields: (Amount, Amount, Amount, u16)| {
            let bytes = postcard::to_slice(&fields, &mut buffer).unwrap();
            postcard::from_bytes::<Reserves>(bytes).is_ok()
        };
        assert!(write((pool.a(), pool.b(), pool.shares(), pool.fee_bps())));
        assert!(!write((pool.a(), pool.b(), pool.shares(), MAX_FEE_BPS + 1)));
        assert!(!write((Amount::ZERO, pool.b(), pool.shares(), 30)));
        assert!(!write((pool.a(), pool.b(), Amount::ZERO, 30)));
    }
}

#[test]
fn worked_example_in_the_other_direction() {
    // What 1,000 USDC buy costs 1,000 USDC again, give or take the last unit's price.
    let pool = Reserves::new(amount("10000"), amount("5"), amount("223.6"), 30).unwrap();
    let quote = quote_exact_out(&pool, Direction::AToB, amount("0.453305446940074565")).unwrap();
    assert!(quote.amount_in <= amount("1000"));
    assert!(quote.amount_in > amount("999.99999999999999"));
}
