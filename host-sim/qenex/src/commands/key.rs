//! `qenex key`.

use std::path::Path;

use qenex_core::crypto::Hash;
use qenex_core::crypto::ed25519::SecretKey;
use qenex_core::error::KEY_FILE;
use serde_json::json;

use crate::args::Key;
use crate::keys;
use crate::output::{Failure, Output};

pub fn run(args: Key, output: &Output) -> Result<(), Failure> {
    let (file, key) = match args {
        Key::New { file } => {
            let mut seed = [0; 32];
            getrandom::fill(&mut seed).map_err(|error| Failure::input(KEY_FILE, error))?;
            let key = keys::from_seed(&seed)?;
            keys::write(&file, &seed)?;
            (file, key)
        }
        Key::Derive { label, account, file } => {
            let seed = keys::label_seed(&label, &account);
            let key = keys::from_seed(&seed)?;
            keys::write(&file, &seed)?;
            (file, key)
        }
        Key::Show { file } => {
            let key = keys::read(&file)?;
            (file, key)
        }
    };
    say(&file, &key, output);
    Ok(())
}

fn say(file: &Path, key: &SecretKey, output: &Output) {
    let key_ref = keys::key_ref(key);
    let public_key = Hash(key.public_key());
    output.line(format_args!("key file   {}", file.display()));
    output.line(format_args!("scheme     {}", key_ref.scheme));
    output.line(format_args!("public key {public_key}"));
    output.line(format_args!("key hash   {}", key_ref.hash));
    output.result(&json!({
        "file": file.display().to_string(),
        "scheme": key_ref.scheme.to_string(),
        "public_key": public_key.to_string(),
        "key_hash": key_ref.hash.to_string(),
    }));
}
