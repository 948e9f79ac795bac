//! `qenex device log`.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use qenex_core::codec;
use qenex_core::crypto::Hash;
use qenex_core::error::{AUDIT_HEAD, Coded};
use qenex_core::hsm::audit::{ENTRY_BYTES, Entry, Head, NOBODY};
use qenex_core::hsm::proto::{AuditFrom, Command, Nonce, Nothing, SignedHead, Status};
use qenex_device::DeviceError;
use serde_json::{Value, json};

use super::session::login;
use super::{Client, nonce};
use crate::args::Log;
use crate::files::{self, unreadable, unwritable};
use crate::output::{Failure, Output};

/// An entry with its number, counted from one.
type Numbered = (u64, [u8; ENTRY_BYTES]);

pub fn run(args: Log, output: &Output) -> Result<(), Failure> {
    match args {
        Log::Read(session) => {
            let mut client = login(&session)?;
            let entries = read(&mut client)?;
            show(&entries, output);
            Ok(())
        }
        Log::Take { session, archive } => take(&mut login(&session)?, &archive, output),
        Log::Verify { archive } => {
            let (entries, head) = read_archive(&archive)?;
            show(&entries, output);
            output.line(format_args!("{} entries, head {}", head.count, head.hash));
            Ok(())
        }
    }
}

/// All entries that were not taken.
fn read(client: &mut Client) -> Result<Vec<Numbered>, Failure> {
    let status: Status = client.get(Command::Status, &Nothing {})?;
    let mut entries = Vec::new();
    let mut count = status.audit_taken;
    loop {
        let body = client.ask(Command::AuditRead, &AuditFrom { count })?;
        let (pieces, _) = body.as_chunks::<ENTRY_BYTES>();
        if pieces.is_empty() {
            return Ok(entries);
        }
        for entry in pieces {
            count += 1;
            entries.push((count, *entry));
        }
    }
}

/// The newest place, as the device signs it.
fn signed_head(client: &mut Client) -> Result<(Head, Value), Failure> {
    let nonce = nonce()?;
    let body = client.ask(Command::AuditHead, &Nonce { nonce })?;
    let signed: SignedHead<'_> = codec::decode(&body).map_err(|_| DeviceError::Message)?;
    signed
        .verify(&nonce)
        .map_err(|error| Failure::refused(error.code(), "the head is not signed by the device's key"))?;
    let proof = json!({
        "count": signed.head.count,
        "hash": signed.head.hash.to_string(),
        "nonce": hex::encode(nonce),
        "public_key": hex::encode(signed.public_key),
        "signature": hex::encode(signed.signature),
    });
    Ok((signed.head, proof))
}

/// Appends the entries to the archive, checks that they lead from its end to the signed head, and takes them.
fn take(client: &mut Client, archive: &Path, output: &Output) -> Result<(), Failure> {
    let failed = unwritable(archive);
    let (_, mut head) = if archive.exists() { read_archive(archive)? } else { (Vec::new(), Head::default()) };
    let entries = read(client)?;
    let new: Vec<_> = entries.iter().filter(|(number, _)| *number > head.count).collect();
    let mut lines = String::new();
    for (number, entry) in &new {
        if *number != head.count + 1 {
            return Err(Failure::refused(AUDIT_HEAD, format_args!("entry {} is missing", head.count + 1)));
        }
        head = head.after(entry);
        lines += &format!("{}\n", hex::encode(entry));
    }
    let (signed, proof) = signed_head(client)?;
    if signed != head {
        return Err(Failure::refused(AUDIT_HEAD, "the entries do not lead to the signed head"));
    }
    let mut file = OpenOptions::new().append(true).create(true).open(archive).map_err(&failed)?;
    file.write_all(lines.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    // Only what is archived durably is taken.
    client.ask(Command::AuditTake, &head)?;
    output.line(format_args!("{} entries taken, {} in all, head {}", new.len(), head.count, head.hash));
    output.result(&json!({ "taken": new.len(), "head": proof }));
    Ok(())
}

/// The entries of an archive, and the place after them.
fn read_archive(archive: &Path) -> Result<(Vec<Numbered>, Head), Failure> {
    let wrong = unreadable(archive);
    let text = files::read_text(archive)?;
    let mut head = Head::default();
    let mut entries = Vec::new();
    for line in text.lines() {
        let mut entry = [0; ENTRY_BYTES];
        hex::decode_to_slice(line, &mut entry)
            .map_err(|_| wrong(format!("line {} is no entry", head.count + 1)))?;
        head = head.after(&entry);
        entries.push((head.count, entry));
    }
    Ok((entries, head))
}

fn show(entries: &[Numbered], output: &Output) {
    let mut list = Vec::new();
    for (number, bytes) in entries {
        let Some(entry) = Entry::from_bytes(bytes) else { continue };
        let command = Command::from_number(entry.command).map_or("unknown", Command::as_str);
        let place = |place: u8| (place != NOBODY).then_some(place);
        let user = place(entry.user).map_or("-".into(), |user| user.to_string());
        let key = place(entry.key).map_or("-".into(), |key| key.to_string());
        let about = if entry.about == Hash::default() { String::new() } else { entry.about.to_string() };
        output.line(format_args!(
            "{number:>6} {:>13} {command:<18} user {user:<2} key {key:<2} code {:<4} {about}",
            entry.time_ms, entry.refusal
        ));
        list.push(json!({
            "number": number,
            "time_ms": entry.time_ms,
            "command": command,
            "user": place(entry.user),
            "key": place(entry.key),
            "code": entry.refusal,
            "about": about,
        }));
    }
    output.result(&Value::Array(list));
}
