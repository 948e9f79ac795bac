//! `qenex send`.

use qenex_core::tx::{Leg, Legs, Op, Transfer};

use super::submit::submit;
use crate::args::Send;
use crate::output::{Failure, Output};

pub fn run(args: Send, output: &Output) -> Result<(), Failure> {
    let reference = args.reference;
    let legs: Vec<Leg> =
        args.to.iter().map(|(to, amount)| Leg { to: *to, amount: *amount, reference }).collect();
    let legs = Legs::new(&legs).map_err(|error| Failure::argument("--to", error))?;
    let op = Op::Transfer(Transfer { asset: args.asset, legs });
    submit(&args.data.data, &args.signing, args.from, op, output)
}
