//! One file for each command.

mod account;
mod asset;
mod backup;
mod bench;
mod check;
mod demo;
mod device;
mod doctor;
mod history;
mod key;
mod node;
mod pool;
mod proof;
mod quote;
mod send;
mod show;
mod sim;
mod store;
mod submit;
mod swap;
mod testnet;
mod tx;

use crate::args::Command;
use crate::output::{Failure, Output};

/// Runs a command.
pub fn run(command: Command, output: &Output) -> Result<(), Failure> {
    match command {
        Command::Demo(args) => demo::run(&args, output),
        Command::Node(args) => node::run(&args),
        Command::Testnet(args) => testnet::run(args, output),
        Command::Sim(args) => sim::run(&args, output),
        Command::Replay(args) => crate::replay::run(&args, output),
        Command::Key(args) => key::run(args, output),
        Command::Account(args) => account::run(args, output),
        Command::Asset(args) => asset::run(args, output),
        Command::Send(args) => send::run(args, output),
        Command::Swap(args) => swap::run(args, output),
        Command::Pool(args) => pool::run(args, output),
        Command::History(args) => history::run(&args, output),
        Command::Tx(args) => tx::run(args, output),
        Command::Quote(args) => quote::run(args, output),
        Command::Proof(args) => proof::run(args, output),
        Command::Check(args) => check::run(&args, output),
        Command::Backup(args) => backup::run(&args, output),
        Command::Restore(args) => backup::restore(&args, output),
        Command::Store(args) => store::run(&args, output),
        Command::Doctor(args) => doctor::run(&args, output),
        Command::Device(args) => device::run(args, output),
        Command::Bench(args) => bench::run(args, output),
    }
}
