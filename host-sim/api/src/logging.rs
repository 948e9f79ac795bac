//! What the process logs: to its standard error, as much as is said, which may be changed while it runs.

use std::io::{self, IsTerminal};
use std::sync::{Mutex, OnceLock, PoisonError};

use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::reload::Handle;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Registry, fmt, reload};

/// The log of a process: there is one, as there is one standard error.
static LOG: OnceLock<Log> = OnceLock::new();

struct Log {
    filter: Handle<EnvFilter, Registry>,
    level: Mutex<String>,
}

fn filter(level: &str) -> Result<EnvFilter, String> {
    EnvFilter::try_new(level).map_err(|error| {
        format!("{level:?}: {error}; `warn`, `info`, `debug` or more of it for single parts (`warn,qenex_api=debug`) was expected")
    })
}

/// Begins to log.
///
/// # Errors
/// The level is none, or something else logs already.
pub fn begin(level: &str) -> Result<(), String> {
    let (layer, handle) = reload::Layer::new(filter(level)?);
    let lines = fmt::layer().with_ansi(io::stderr().is_terminal()).with_writer(io::stderr);
    tracing_subscriber::registry().with(layer).with(lines).try_init().map_err(|error| error.to_string())?;
    let log = Log { filter: handle, level: Mutex::new(level.into()) };
    LOG.set(log).map_err(|_| "something else logs already".to_string())
}

/// How much is logged; nothing where the process does not log.
pub fn level() -> Option<String> {
    LOG.get().map(|log| log.level.lock().unwrap_or_else(PoisonError::into_inner).clone())
}

/// Changes how much is logged.
///
/// # Errors
/// The level is none, or the process does not log.
pub fn change(level: &str) -> Result<(), String> {
    let filter = filter(level)?;
    let log = LOG.get().ok_or("this process does not log")?;
    let mut now = log.level.lock().unwrap_or_else(PoisonError::into_inner);
    log.filter.reload(filter).map_err(|error| error.to_string())?;
    *now = level.into();
    Ok(())
}
