//! `qenex node`: a node of a chain.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

use crate::args::Node;
use crate::output::Failure;

/// The variable that says what is logged: `warn`, `info`, `debug`, or more of it for single parts.
const LOG_LEVEL: &str = "QENEX_LOG_LEVEL";

pub fn run(args: &Node) -> Result<(), Failure> {
    let level =
        std::env::var(LOG_LEVEL).unwrap_or_else(|_| "warn,qenex_service=info,qenex_validator=info".into());
    let filter = EnvFilter::try_new(&level).map_err(|error| Failure::argument(LOG_LEVEL, error))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr)
        .init();
    Ok(qenex_service::run::run(&args.config)?)
}
