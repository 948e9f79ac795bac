//! `qenex bench`: the ledger measured on this machine.
//!
//! The chain and the signed transfers are made by a process of their own, so that neither their time nor their memory
//! counts. Transfers go between accounts that a seeded generator chooses uniformly: the worst case for every cache.

mod chain;
mod execute;
mod growth;
mod hostile;
mod interface;
mod load;
mod replay;
mod send;
mod verify;

use crate::args::Bench;
use crate::output::{Failure, Output};

pub fn run(args: Bench, output: &Output) -> Result<(), Failure> {
    match args {
        Bench::Replay { load, block, workers, database, verified } => {
            replay::run(&load, (block, workers.map(usize::from), verified), database.as_deref(), output)
        }
        Bench::Chain { chain, block_interval_ms, data } => {
            chain::run(&chain, block_interval_ms, data, output)
        }
        Bench::Interface { load } => interface::run(&load, output),
        Bench::Send { chain } => send::run(&chain),
        Bench::Execute { load } => execute::run(&load, output),
        Bench::Growth { accounts, transfers, data } => {
            growth::run(&accounts, transfers, data.as_deref(), output)
        }
        Bench::Prepare { load } => load::make(&load),
        Bench::Verify { load, workers, second } => verify::run(&load, workers.into(), second, output),
    }
}
