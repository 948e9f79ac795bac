//! `qenex send`.

use qenex_core::tx::{Leg, LegsBuf, Op, Transfer};

use super::submit::submit;
use crate::args::Send;
use crate::output::{Failure, Output};

pub fn run(args: Send, output: &Output) -> Result<(), Failure> {
    let reference = args.reference;
    let legs: Vec<Leg> =
        args.to.iter().map(|(to, amount)| Leg { to: *to, amount: *amount, reference }).collect();
    let legs = LegsBuf::new(&legs).map_err(|error| Failure::argument("--to", error))?;
    let op = Op::Transfer(Transfer { asset: args.asset, legs: legs.get() });
    submit(&args.data.data, &args.signing, args.from, op, output)
}
