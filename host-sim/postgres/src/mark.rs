//! What this machine was told that is committed, in a small file beside the database: a database that knows less is not taken for the chain, after a start either.
//!
//! The file is not synchronised with each commit. After a power cut it may say less than was told, and never more.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use qenex_core::error::STORE_DAMAGED;
use qenex_store::StoreError;

/// The file.
#[derive(Debug)]
pub struct Mark {
    file: File,
    path: PathBuf,
}

impl Mark {
    /// Opens the file, or makes it; and the height in it.
    pub fn open(path: &Path) -> Result<(Self, Option<u64>), StoreError> {
        let name = path.display().to_string();
        let file = File::options().read(true).write(true).create(true).truncate(false).open(path);
        let mut file = file.map_err(StoreError::io(&name, "open"))?;
        let mut text = String::new();
        (&mut file).take(64).read_to_string(&mut text).map_err(StoreError::io(&name, "read"))?;
        let height = match text.trim() {
            "" => None,
            text => Some(text.parse().map_err(|_| {
                StoreError::new(STORE_DAMAGED, &name, format_args!("a height was expected, {text:?} found"))
            })?),
        };
        Ok((Self { file, path: path.into() }, height))
    }

    /// Writes a height down.
    pub fn set(&self, height: u64) -> Result<(), StoreError> {
        let line = format!("{height:020}\n");
        let written = self.file.write_all_at(line.as_bytes(), 0);
        written.map_err(StoreError::io(&self.path.display().to_string(), "write"))
    }
}
