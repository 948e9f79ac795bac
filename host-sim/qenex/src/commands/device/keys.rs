//! `qenex device key`.

use qenex_core::codec;
use qenex_core::crypto::{Purpose as KeyPurpose, Scheme as KeyScheme};
use qenex_core::error::KEY_UNKNOWN;
use qenex_core::hsm::proto::{Command, CreateKey, Index, KeyInfo};
use qenex_core::hsm::{MAX_KEYS, Refusal};
use qenex_device::DeviceError;
use serde_json::{Value, json};

use super::Client;
use super::session::login;
use crate::args::{DeviceKey, Purpose, Scheme};
use crate::output::{Failure, Output};

pub fn run(args: DeviceKey, output: &Output) -> Result<(), Failure> {
    match args {
        DeviceKey::Create { session, slot, label, purpose, scheme, path } => {
            let purpose = match purpose {
                Purpose::Transaction => KeyPurpose::Transaction,
                Purpose::Vote => KeyPurpose::Vote,
                Purpose::Approval => KeyPurpose::Approval,
                Purpose::Plain => KeyPurpose::Plain,
                Purpose::Checkpoint => KeyPurpose::Checkpoint,
            };
            let scheme = match scheme {
                Scheme::Ed25519 => KeyScheme::Ed25519,
                Scheme::MlDsa87 => KeyScheme::MlDsa87,
                Scheme::Hybrid => KeyScheme::Hybrid,
                Scheme::P256 => KeyScheme::P256,
            };
            let path = path.unwrap_or(slot.into());
            let request = CreateKey { slot, scheme, purpose, path, label };
            let body = login(&session)?.ask(Command::CreateKey, &request)?;
            output.result(&show(slot, &body, output)?);
            Ok(())
        }
        DeviceKey::Show { session, slot } => {
            let body = login(&session)?.ask(Command::DescribeKey, &Index { index: slot })?;
            output.result(&show(slot, &body, output)?);
            Ok(())
        }
        DeviceKey::List(session) => {
            let mut client = login(&session)?;
            let mut list = Vec::new();
            for slot in 0..MAX_KEYS {
                if let Some(body) = describe(&mut client, slot)? {
                    list.push(show(slot, &body, output)?);
                }
            }
            output.result(&Value::Array(list));
            Ok(())
        }
        DeviceKey::Delete { session, slot } => {
            login(&session)?.ask(Command::DeleteKey, &Index { index: slot })?;
            output.line(format_args!("slot {slot} is empty"));
            output.result(&json!({ "slot": slot }));
            Ok(())
        }
    }
}

/// What the device says of a slot; nothing if it is empty.
fn describe(client: &mut Client, slot: u8) -> Result<Option<Vec<u8>>, Failure> {
    match client.ask(Command::DescribeKey, &Index { index: slot }) {
        Ok(body) => Ok(Some(body)),
        Err(DeviceError::Refused(Refusal(number))) if number == KEY_UNKNOWN.number => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn show(slot: u8, body: &[u8], output: &Output) -> Result<Value, Failure> {
    let key: KeyInfo<'_> = codec::decode(body).map_err(|_| DeviceError::Message)?;
    let purpose = format!("{:?}", key.purpose).to_lowercase();
    let public_key = hex::encode(key.public_key);
    output.line(format_args!("slot {slot}: {}, {} for {purpose}", key.label, key.scheme));
    output.line(format_args!("  key hash   {}", key.hash));
    output.line(format_args!("  public key {public_key}"));
    match key.policy {
        Some(policy) => output.line(format_args!("  policy     {policy}")),
        None => output.line("  no policy"),
    }
    Ok(json!({
        "slot": slot,
        "label": key.label.as_str(),
        "scheme": key.scheme.to_string(),
        "purpose": purpose,
        "path": key.path,
        "key_hash": key.hash.to_string(),
        "public_key": public_key,
        "policy": key.policy.map(|policy| policy.to_string()),
    }))
}
