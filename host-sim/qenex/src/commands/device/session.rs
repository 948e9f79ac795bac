//! Channels and logins.

use std::path::Path;

use qenex_core::crypto::Hash;
use qenex_core::error::ARGUMENT;
use qenex_core::hsm::UserName;
use qenex_core::hsm::proto::{Command, Login};
use qenex_device::Host;
use serde_json::json;
use zeroize::Zeroizing;

use super::Client;
use crate::args::Session;
use crate::files;
use crate::output::{Failure, Output};

/// Opens a channel to the device, which must be the one that the host knows.
pub fn connect(session: &Session) -> Result<Client, Failure> {
    Ok(Host::new(&session.host).connect(&session.at)?)
}

/// Pairs the host with a device, whichever it knew before.
pub fn pair(session: &Session, output: &Output) -> Result<(), Failure> {
    let host = Host::new(&session.host);
    let mut client = Client::connect(&session.at, &host.static_key()?, None)?;
    let code = client.pairing_code();
    if !output.json {
        output.line(format_args!("code {code}: confirm on the device's panel only if it shows the same"));
    }
    client.tell(Command::Pair)?;
    host.remember(client.device_key())?;
    output.line("paired");
    output.result(&json!({ "code": code.as_str(), "device_key": Hash(*client.device_key()).to_string() }));
    Ok(())
}

/// A PIN, overwritten when it is dropped.
type Pin = Zeroizing<Vec<u8>>;

/// Reads a PIN from a file: its first line.
pub fn read_pin(path: &Path) -> Result<Pin, Failure> {
    let text = Zeroizing::new(files::read_text(path)?);
    Ok(Zeroizing::new(text.lines().next().unwrap_or_default().as_bytes().to_vec()))
}

/// The users of a session with their PINs.
fn users(session: &Session) -> Result<Vec<(UserName, Pin)>, Failure> {
    let missing = |detail| Failure::input(ARGUMENT, detail);
    match (session.users.as_slice(), session.pin_files.as_slice()) {
        ([], _) => Err(missing("--user: who logs in was expected")),
        ([user], []) => {
            let pin =
                std::env::var("QENEX_PIN").map_err(|_| missing("--pin-file or QENEX_PIN was expected"))?;
            Ok(vec![(*user, Zeroizing::new(pin.into_bytes()))])
        }
        (users, files) if users.len() == files.len() => {
            users.iter().zip(files).map(|(user, file)| Ok((*user, read_pin(file)?))).collect()
        }
        _ => Err(missing("--pin-file: one for each --user was expected")),
    }
}

/// The one user of a session.
pub fn user(session: &Session) -> Result<(UserName, Pin), Failure> {
    let mut users = users(session)?;
    match (users.pop(), users.as_slice()) {
        (Some(user), []) => Ok(user),
        _ => Err(Failure::input(ARGUMENT, "--user: exactly one was expected")),
    }
}

/// Opens a channel and logs all users in.
pub fn login(session: &Session) -> Result<Client, Failure> {
    let users = users(session)?;
    let mut client = connect(session)?;
    for (user, pin) in &users {
        client.ask(Command::Login, &Login { user: *user, pin })?;
    }
    Ok(client)
}
