//! `qenex swap`.

use qenex_core::num::Amount;
use qenex_core::tx::{Op, SwapExactIn, SwapExactOut};

use super::pool;
use super::submit::submit;
use crate::args::Swap;
use crate::output::{Failure, Output};

pub fn run(args: Swap, output: &Output) -> Result<(), Failure> {
    let record = pool::find(&args.data.data, args.pool)?;
    let asset_out = if args.give == record.asset_a { record.asset_b } else { record.asset_a };
    let Swap { pool, give: asset_in, max_price_impact_bps, deadline_ms, .. } = args;
    let op = match (args.amount_in, args.amount_out) {
        (Some(amount_in), _) => Op::SwapExactIn(SwapExactIn {
            pool,
            asset_in,
            asset_out,
            amount_in,
            min_out: args.min_out.unwrap_or(Amount::ZERO),
            max_price_impact_bps,
            deadline_ms,
        }),
        (None, amount_out) => Op::SwapExactOut(SwapExactOut {
            pool,
            asset_in,
            asset_out,
            amount_out: amount_out.unwrap_or(Amount::ZERO),
            max_in: args.max_in.unwrap_or(Amount::MAX),
            max_price_impact_bps,
            deadline_ms,
        }),
    };
    submit(&args.data.data, &args.signing, args.from, op, output)
}
