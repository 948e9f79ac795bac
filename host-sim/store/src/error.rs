//! What can go wrong in the store.

use std::error::Error;
use std::fmt;
use std::io;

use qenex_core::error::{Code, Coded, STORE_DAMAGED, STORE_DATABASE, STORE_IO};

/// A failure: its row of the table of codes, the file or the database, and what was found where something else was expected.
#[derive(Debug)]
pub struct StoreError {
    code: Code,
    file: String,
    detail: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl StoreError {
    /// A failure of this kind.
    pub fn new(code: Code, file: &str, detail: impl fmt::Display) -> Self {
        Self { code, file: file.to_owned(), detail: detail.to_string(), source: None }
    }

    /// Committed bytes do not read back as they were written.
    pub(crate) fn damaged(file: &str, offset: u64, detail: impl fmt::Display) -> Self {
        Self::new(STORE_DAMAGED, file, format_args!("at byte {offset}: {detail}"))
    }

    /// The file system refused; for use with `map_err`.
    pub fn io(file: &str, doing: &str) -> impl FnOnce(io::Error) -> Self {
        move |error| Self {
            code: if error.kind() == io::ErrorKind::UnexpectedEof { STORE_DAMAGED } else { STORE_IO },
            file: file.to_owned(),
            detail: format!("{doing}: {error}"),
            source: Some(Box::new(error)),
        }
    }

    /// The embedded database refused; for use with `map_err`.
    pub(crate) fn database<E: Into<redb::Error>>(file: &str, doing: &str) -> impl FnOnce(E) -> Self {
        move |error| {
            let error = error.into();
            let code = match error {
                redb::Error::Corrupted(_) => STORE_DAMAGED,
                redb::Error::Io(_) => STORE_IO,
                _ => STORE_DATABASE,
            };
            Self {
                code,
                file: file.to_owned(),
                detail: format!("{doing}: {error}"),
                source: Some(Box::new(error)),
            }
        }
    }

    /// The file concerned.
    pub fn file(&self) -> &str {
        &self.file
    }
}

impl Coded for StoreError {
    fn code(&self) -> Code {
        self.code
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.code, self.file, self.detail)
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().map(|error| error.as_ref() as _)
    }
}
