//! What the commands say: lines for people, or one JSON object.

use std::fmt::Display;
use std::io::{self, Write};

use indicatif::{ProgressBar, ProgressStyle};
use qenex_core::codec::{DecodeError, EncodeError};
use qenex_core::error::{ARGUMENT, Code, Coded};
use qenex_core::ledger::Reject;
use qenex_device::DeviceError;
use qenex_node::error::{MempoolError, NodeError, Refusal};
use qenex_node::sequencer::SubmitError;
use qenex_service::backup::BackupError;
use qenex_service::error::ServiceError;
use qenex_store::StoreError;
use serde_json::{Value, json};

/// Why a command failed.
#[derive(Debug)]
pub struct Failure {
    /// Its row of the table of codes.
    pub code: Code,
    /// What was found.
    pub detail: String,
    /// The exit code.
    pub exit: u8,
}

/// Exit code: the ledger refused, or a check failed.
pub const REFUSED: u8 = 1;
/// Exit code: wrong arguments or input.
pub const USAGE: u8 = 2;
/// Exit code: the store, the file system or the line to a device failed.
pub const STORE: u8 = 3;

impl Failure {
    /// Wrong input.
    pub fn input(code: Code, detail: impl Display) -> Self {
        Self { code, detail: detail.to_string(), exit: USAGE }
    }

    /// An argument that is not of its form.
    pub fn argument(name: &str, error: impl Display) -> Self {
        Self::input(ARGUMENT, format_args!("{name}: {error}"))
    }

    /// Something is not as it must be.
    pub fn refused(code: Code, detail: impl Display) -> Self {
        Self { code, detail: detail.to_string(), exit: REFUSED }
    }
}

macro_rules! from {
    ($($type:ty => $exit:expr),*) => {
        $( impl From<$type> for Failure {
            fn from(error: $type) -> Self {
                Self { code: error.code(), detail: String::new(), exit: $exit }
            }
        } )*
    };
}
from!(Refusal => REFUSED, Reject => REFUSED, DecodeError => USAGE, EncodeError => USAGE);

impl From<NodeError> for Failure {
    fn from(error: NodeError) -> Self {
        let exit = match &error {
            NodeError::Store(_)
            | NodeError::Directory { .. }
            | NodeError::LogBehind { .. }
            | NodeError::Bucket(_)
            | NodeError::HistoryDamaged { .. }
            | NodeError::RootMismatch { .. } => STORE,
            _ => REFUSED,
        };
        Self { code: error.code(), detail: detail_of(&error.code(), &error), exit }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self { code: error.code(), detail: detail_of(&error.code(), &error), exit: STORE }
    }
}

impl From<SubmitError> for Failure {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Refused(refusal) => refusal.into(),
            SubmitError::Mempool(error) => error.into(),
        }
    }
}

impl From<DeviceError> for Failure {
    fn from(error: DeviceError) -> Self {
        let exit = match &error {
            DeviceError::Refused(_) | DeviceError::Stranger => REFUSED,
            DeviceError::Key(_) => USAGE,
            _ => STORE,
        };
        Self { code: error.code(), detail: detail_of(&error.code(), &error), exit }
    }
}

impl From<ServiceError> for Failure {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::Node(error) => error.into(),
            ServiceError::Store(error) => error.into(),
            ServiceError::Device(error) => error.into(),
            ServiceError::Backup(error) => error.into(),
            ServiceError::File { .. } => Self::input(error.code(), &error),
            ServiceError::Ended(_) => Self { code: error.code(), detail: error.to_string(), exit: STORE },
        }
    }
}

impl From<BackupError> for Failure {
    fn from(error: BackupError) -> Self {
        let exit = match error {
            BackupError::Node(error) => return error.into(),
            BackupError::Name { .. } | BackupError::None { .. } | BackupError::Occupied { .. } => USAGE,
            BackupError::Foreign { .. } | BackupError::Missing { .. } => REFUSED,
            BackupError::Place { .. } | BackupError::Damaged { .. } => STORE,
        };
        Self { code: error.code(), detail: error.to_string(), exit }
    }
}

impl From<MempoolError> for Failure {
    fn from(error: MempoolError) -> Self {
        Self { code: error.code(), detail: detail_of(&error.code(), &error), exit: REFUSED }
    }
}

/// An error's text without the code that stands before it.
fn detail_of(code: &Code, error: &dyn Display) -> String {
    let text = error.to_string();
    text.strip_prefix(&code.to_string()).map_or(text.clone(), |rest| rest.trim().to_string())
}

/// Where a command says what it does.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    /// JSON instead of lines.
    pub json: bool,
}

impl Output {
    /// A line for people.
    pub fn line(&self, text: impl Display) {
        if !self.json {
            // A reader that has gone away is no failure of the command.
            let _ = writeln!(io::stdout(), "{text}");
        }
    }

    /// The result for programs.
    pub fn result(&self, value: &Value) {
        if self.json {
            let _ = writeln!(io::stdout(), "{value}");
        }
    }

    /// Why the command failed.
    pub fn failure(&self, failure: &Failure) {
        let Failure { code, detail, .. } = failure;
        if self.json {
            let error = json!({ "error": {
                "code": code.number, "name": code.name, "sentence": code.sentence, "detail": detail,
            } });
            let _ = writeln!(io::stdout(), "{error}");
        } else if detail.is_empty() {
            let _ = writeln!(io::stderr(), "error {code}");
        } else {
            let _ = writeln!(io::stderr(), "error {code}\n  {detail}");
        }
    }
}

/// How far a command has come with blocks, for people.
pub fn progress_bar(output: &Output) -> ProgressBar {
    let bar = if output.json { ProgressBar::hidden() } else { ProgressBar::new(0) };
    let style = ProgressStyle::with_template("{bar:40} block {pos} of {len}, {per_sec}, {eta} left");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}
