//! `qenex node`: a node of a chain.

use qenex_api::logging;
use qenex_service::config::Overrides;

use crate::args::{Environment, Node};
use crate::output::Failure;

/// The variable that says what is logged: `warn`, `info`, `debug`, or more of it for single parts.
const LOG_LEVEL: &str = "QENEX_LOG_LEVEL";

pub fn run(args: &Node) -> Result<(), Failure> {
    let level =
        std::env::var(LOG_LEVEL).unwrap_or_else(|_| "warn,qenex_service=info,qenex_validator=info".into());
    logging::begin(&level).map_err(|error| Failure::argument(LOG_LEVEL, error))?;
    let Node { configured, check, listen, max_connections, env } = args;
    let overrides = Overrides {
        listen: *listen,
        max_connections: *max_connections,
        production: *env == Environment::Production,
        ..configured.overrides()
    };
    let config = &configured.config;
    if *check {
        return Ok(qenex_service::run::check(config, &overrides)?);
    }
    Ok(qenex_service::run::run(config, &overrides)?)
}
