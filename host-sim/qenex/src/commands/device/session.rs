//! The host's key, the devices that it knows, channels and logins.

use std::path::Path;

use qenex_core::crypto::Hash;
use qenex_core::error::{ARGUMENT, KEY_FILE};
use qenex_core::hsm::UserName;
use qenex_core::hsm::proto::{Command, Login};
use serde_json::json;
use zeroize::Zeroizing;

use super::Client;
use crate::args::Session;
use crate::files::{self, unwritable};
use crate::keys;
use crate::output::{Failure, Output};

/// The file of a host's own static key.
const HOST_KEY: &str = "static-key";
/// The file of the key of the device that a host was paired with.
const DEVICE_KEY: &str = "device-key";

/// The host's static key; a new one where there is none.
fn host_key(host: &Path) -> Result<Zeroizing<[u8; 32]>, Failure> {
    let path = host.join(HOST_KEY);
    if !path.exists() {
        std::fs::create_dir_all(host).map_err(unwritable(host))?;
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *seed).map_err(|error| Failure::input(KEY_FILE, error))?;
        keys::write(&path, &seed)?;
    }
    read_hash(&path).map(|hash| Zeroizing::new(hash.0))
}

fn read_hash(path: &Path) -> Result<Hash, Failure> {
    let wrong = |detail: String| Failure::input(KEY_FILE, format_args!("{}: {detail}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    Hash::from_hex(text.trim()).ok_or_else(|| wrong("64 hexadecimal digits were expected".into()))
}

/// Opens a channel to the device, which must be the one that the host knows.
pub fn connect(session: &Session) -> Result<Client, Failure> {
    let path = session.host.join(DEVICE_KEY);
    let known = if path.exists() { Some(read_hash(&path)?.0) } else { None };
    Ok(Client::connect(&session.at, &host_key(&session.host)?, known.as_ref())?)
}

/// Pairs the host with a device, whichever it knew before.
pub fn pair(session: &Session, output: &Output) -> Result<(), Failure> {
    let mut client = Client::connect(&session.at, &host_key(&session.host)?, None)?;
    let code = client.pairing_code();
    if !output.json {
        output.line(format_args!("code {code}: confirm on the device's panel only if it shows the same"));
    }
    client.tell(Command::Pair)?;
    let path = session.host.join(DEVICE_KEY);
    files::write(&path, format!("{}\n", Hash(*client.device_key())))?;
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
