//! `qenex quote`.

use qenex_core::amm::{self, Direction, Reserves};
use qenex_core::error::Coded;
use qenex_core::num::{Amount, sqrt_product};
use serde_json::json;

use crate::args::Quote;
use crate::output::{Failure, Output};

fn refused(error: amm::AmmError) -> Failure {
    Failure::refused(error.code(), "")
}

pub fn run(args: Quote, output: &Output) -> Result<(), Failure> {
    let Quote::ConstantProduct { reserve_in, reserve_out, amount_in, amount_out, fee_bps } = args;
    let shares =
        Amount::from_units(sqrt_product(reserve_in.units(), reserve_out.units())).unwrap_or(Amount::MAX);
    let pool = Reserves::new(reserve_in, reserve_out, shares, fee_bps).map_err(refused)?;
    let quote = match (amount_in, amount_out) {
        (Some(amount_in), _) => amm::quote_exact_in(&pool, Direction::AToB, amount_in),
        (None, amount_out) => {
            amm::quote_exact_out(&pool, Direction::AToB, amount_out.unwrap_or(Amount::ZERO))
        }
    }
    .map_err(refused)?;
    let after = Reserves::new(
        reserve_in.checked_add(quote.amount_in).map_err(|error| Failure::refused(error.code(), ""))?,
        reserve_out.checked_sub(quote.amount_out).map_err(|error| Failure::refused(error.code(), ""))?,
        shares,
        fee_bps,
    )
    .map_err(refused)?;
    let price = |pool: &Reserves| pool.spot_price(Direction::AToB).ok().map(|price| price.to_string());
    let none = || "out of range".to_string();
    let lines = [
        ("amount in", quote.amount_in.to_string()),
        ("amount out", quote.amount_out.to_string()),
        ("fee, of the amount in", quote.fee().to_string()),
        ("price impact", quote.price_impact().to_string()),
        ("price impact, no fee", quote.price_impact_without_fee().to_string()),
        ("spot price before", price(&pool).unwrap_or_else(none)),
        ("spot price after", price(&after).unwrap_or_else(none)),
    ];
    for (label, value) in lines {
        output.line(format_args!("{label:<22} {value}"));
    }
    output.result(&json!({
        "market_maker": "constant-product",
        "amount_in": quote.amount_in.to_string(),
        "amount_out": quote.amount_out.to_string(),
        "fee": quote.fee().to_string(),
        "fee_bps": fee_bps,
        "price_impact": quote.price_impact().to_string(),
        "price_impact_without_fee": quote.price_impact_without_fee().to_string(),
        "spot_price": price(&pool),
        "spot_price_after": price(&after),
        "reserve_in_after": after.a().to_string(),
        "reserve_out_after": after.b().to_string(),
    }));
    Ok(())
}
