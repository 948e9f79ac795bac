//! `qenex device backup-key`, `backup` and `restore`.

use std::path::{Path, PathBuf};

use qenex_core::codec::Tag;
use qenex_core::crypto::Hash;
use qenex_core::hsm::backup::Backup;
use qenex_core::hsm::proto::{BackupKey, Command, Nothing};
use serde_json::json;

use super::session::login;
use super::shares;
use crate::args::Session;
use crate::files;
use crate::output::{Failure, Output};

pub fn key(session: &Session, output: &Output) -> Result<(), Failure> {
    let BackupKey { public_key } = login(session)?.get(Command::BackupKey, &Nothing {})?;
    let key = Hash(public_key);
    output.line(format_args!("backup key {key}; its code is on the panel"));
    output.result(&json!({ "public_key": key.to_string() }));
    Ok(())
}

/// Reads a backup key.
pub fn parse_key(text: &str) -> Result<Hash, Failure> {
    Hash::from_hex(text).ok_or_else(|| Failure::argument("--to", "64 hexadecimal digits were expected"))
}

pub fn make(
    session: &Session,
    to: &[String],
    threshold: Option<u8>,
    out: &Path,
    output: &Output,
) -> Result<(), Failure> {
    let to = to.iter().map(|to| parse_key(to)).collect::<Result<Vec<_>, _>>()?;
    match (to.as_slice(), threshold) {
        ([to], None) => make_whole(session, to, out, output),
        (to, Some(threshold)) => shares::make(session, to, threshold, out, output),
        (_, None) => {
            Err(Failure::argument("--threshold", "how many of the custodians restore the root was expected"))
        }
    }
}

fn make_whole(session: &Session, to: &Hash, out: &Path, output: &Output) -> Result<(), Failure> {
    let backup = login(session)?.ask(Command::Backup, &BackupKey { public_key: to.0 })?;
    files::write(out, &backup)?;
    output.line(format_args!("sealed to {to}, written to {}", out.display()));
    output.result(&json!({ "to": to.to_string(), "file": out.display().to_string() }));
    Ok(())
}

pub fn restore(session: &Session, files: &[PathBuf], output: &Output) -> Result<(), Failure> {
    let contents = files.iter().map(|file| files::read(file)).collect::<Result<Vec<_>, _>>()?;
    let whole = |bytes: &Vec<u8>| bytes.starts_with(&Tag::BACKUP.0);
    match contents.as_slice() {
        [bytes] if whole(bytes) => {
            let backup: Backup = qenex_core::codec::decode(bytes)?;
            login(session)?.ask(Command::Restore, &backup)?;
        }
        contents => {
            if let Some(place) = contents.iter().position(whole) {
                let file = files.get(place).map(|file| file.display().to_string()).unwrap_or_default();
                return Err(Failure::argument(
                    "FILES",
                    format_args!("{file} is a backup of its own, no share"),
                ));
            }
            let files: Vec<_> =
                files.iter().map(PathBuf::as_path).zip(contents.iter().map(Vec::as_slice)).collect();
            shares::restore(&mut login(session)?, &files)?;
        }
    }
    output.line("the device has the root of the backup");
    output.result(&json!({}));
    Ok(())
}
