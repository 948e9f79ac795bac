//! `qenex device backup-key`, `backup` and `restore`.

use std::path::Path;

use qenex_core::crypto::Hash;
use qenex_core::error::{INPUT_FILE, OUTPUT_FILE};
use qenex_core::hsm::backup::Backup;
use qenex_core::hsm::proto::{BackupKey, Command, Nothing};
use serde_json::json;

use super::session::login;
use crate::args::Session;
use crate::output::{Failure, Output};

pub fn key(session: &Session, output: &Output) -> Result<(), Failure> {
    let BackupKey { public_key } = login(session)?.get(Command::BackupKey, &Nothing {})?;
    let key = Hash(public_key);
    output.line(format_args!("backup key {key}; its code is on the panel"));
    output.result(&json!({ "public_key": key.to_string() }));
    Ok(())
}

pub fn make(session: &Session, to: &str, out: &Path, output: &Output) -> Result<(), Failure> {
    let to =
        Hash::from_hex(to).ok_or_else(|| Failure::argument("--to", "64 hexadecimal digits were expected"))?;
    let backup = login(session)?.ask(Command::Backup, &BackupKey { public_key: to.0 })?;
    std::fs::write(out, &backup)
        .map_err(|error| Failure::input(OUTPUT_FILE, format_args!("{}: {error}", out.display())))?;
    output.line(format_args!("sealed to {to}, written to {}", out.display()));
    output.result(&json!({ "to": to.to_string(), "file": out.display().to_string() }));
    Ok(())
}

pub fn restore(session: &Session, file: &Path, output: &Output) -> Result<(), Failure> {
    let bytes = std::fs::read(file)
        .map_err(|error| Failure::input(INPUT_FILE, format_args!("{}: {error}", file.display())))?;
    let backup: Backup = qenex_core::codec::decode(&bytes)?;
    login(session)?.ask(Command::Restore, &backup)?;
    output.line("the device has the root of the backup");
    output.result(&json!({}));
    Ok(())
}
