//! `qenex`: the ledger node and its tools.
//!
//! Exit codes: 0 done; 1 the ledger refused, a proof or a check failed; 2 wrong arguments or input; 3 the store, the file
//! system or the line to a device failed. Every failure names its code of the one table.
#![forbid(unsafe_code)]

mod args;
mod commands;
mod files;
mod keys;
mod light;
mod local;
mod output;
mod processes;
mod replay;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Args, Command};
use crate::output::Output;

fn main() -> ExitCode {
    let args = Args::parse();
    let output = Output { json: args.json };
    let command = args.command.unwrap_or_else(Command::default_run);
    match commands::run(command, &output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output.failure(&failure);
            ExitCode::from(failure.exit)
        }
    }
}
