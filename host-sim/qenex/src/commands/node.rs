//! `qenex node`: a node of a chain.

use std::io::{self, IsTerminal};

use qenex_service::config::Overrides;
use tracing_subscriber::EnvFilter;

use crate::args::{Environment, Node};
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
    let Node { config, check, listen, max_connections, data, env } = args;
    let overrides = Overrides {
        listen: *listen,
        max_connections: *max_connections,
        data: data.clone(),
        production: *env == Environment::Production,
    };
    if *check {
        return Ok(qenex_service::run::check(config, &overrides)?);
    }
    Ok(qenex_service::run::run(config, &overrides)?)
}
