//! Files that commands read and write.

use std::fmt::Display;
use std::path::Path;

use qenex_core::error::{DIRECTORY, INPUT_FILE, OUTPUT_FILE};

use crate::output::Failure;

/// Why a file cannot be read, or does not hold what was expected.
pub fn unreadable<E: Display>(path: &Path) -> impl Fn(E) -> Failure {
    move |error| Failure::input(INPUT_FILE, format_args!("{}: {error}", path.display()))
}

/// Why a file cannot be written.
pub fn unwritable<E: Display>(path: &Path) -> impl Fn(E) -> Failure {
    move |error| Failure::input(OUTPUT_FILE, format_args!("{}: {error}", path.display()))
}

/// Reads a file.
pub fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(unreadable(path))
}

/// Reads a text file.
pub fn read_text(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(unreadable(path))
}

/// Writes a file.
pub fn write(path: &Path, content: impl AsRef<[u8]>) -> Result<(), Failure> {
    std::fs::write(path, content).map_err(unwritable(path))
}

/// Makes an empty folder with a marker in it. A folder that has the marker is removed before, and nothing else.
pub fn make_room(folder: &Path, marker: &str) -> Result<(), Failure> {
    if folder.exists() {
        if !folder.join(marker).exists() {
            let detail = format!("{} exists and has no file {marker:?}", folder.display());
            return Err(Failure::input(DIRECTORY, detail));
        }
        std::fs::remove_dir_all(folder).map_err(unwritable(folder))?;
    }
    std::fs::create_dir_all(folder).map_err(unwritable(folder))?;
    write(&folder.join(marker), "")
}
