//! `qenex proof`.
//!
//! A proof file is JSON: the height and the state root, the statements (what the state holds under an identifier: the
//! record's bytes, or null for nothing) and the multi-proof, all bytes in hexadecimal digits.

use std::path::Path;

use qenex_api::view::Proof;
use qenex_core::codec;
use qenex_core::crypto::Hash;
use qenex_core::error::{Coded, PROOF_FILE, PROOF_REFUTED};
use qenex_core::ledger::{Record, RecordId};
use qenex_core::merkle::{state, witness};
use qenex_node::chain::Chain;
use serde_json::{Value, json};

use crate::args;
use crate::files;
use crate::local::Local;
use crate::output::{Failure, Output};

pub fn run(args: args::Proof, output: &Output) -> Result<(), Failure> {
    match args {
        args::Proof::Make { data, account, asset, out } => {
            let local = Local::open(&data.data)?;
            let mut ids = vec![RecordId::Account(account)];
            ids.extend(asset.map(|asset| RecordId::Balance(account, asset)));
            let proof = make(local.node.chain(), &ids)?;
            match &out {
                Some(path) => {
                    files::write(path, format!("{proof}\n"))?;
                    output.line(format_args!("proof of {} records written to {}", ids.len(), path.display()));
                    output.result(
                        &json!({ "file": path.display().to_string(), "state_root": proof["state_root"] }),
                    );
                }
                None => {
                    output.line(&proof);
                    output.result(&proof);
                }
            }
            Ok(())
        }
        args::Proof::Verify { file, root } => verify(&file, root.as_deref(), output),
    }
}

/// The proof file of what the newest final state holds under these identifiers.
pub fn make(chain: &Chain, ids: &[RecordId]) -> Result<Value, Failure> {
    serde_json::to_value(Proof::new(chain, ids)).map_err(|error| Failure::input(PROOF_FILE, error))
}

/// What a proof shows, one line for each statement.
pub fn check(proof: &Value, root: &Hash) -> Result<Vec<String>, Failure> {
    let wrong = |what: &str| Failure::input(PROOF_FILE, format_args!("{what} was expected"));
    let bytes = |value: &Value| value.as_str().and_then(|text| hex::decode(text).ok());
    let statements = proof["statements"].as_array().ok_or_else(|| wrong("a list of statements"))?;
    let mut keys = Vec::new();
    let mut expected = Vec::new();
    let mut lines = Vec::new();
    for statement in statements {
        let id = bytes(&statement["id"]).ok_or_else(|| wrong("an identifier in hexadecimal digits"))?;
        let id: RecordId = codec::decode(&id)?;
        keys.push(id.key());
        if statement["record"].is_null() {
            expected.push(None);
            lines.push(format!("{id:?} is not there"));
        } else {
            let value = bytes(&statement["record"]).ok_or_else(|| wrong("a record in hexadecimal digits"))?;
            let record: Record = codec::decode(&value)?;
            expected.push(Some(state::value_hash(&value)));
            lines.push(match (&id, &record) {
                (RecordId::Balance(account, asset), Record::Balance(balance)) => {
                    format!("{account} has {} {asset}", balance.amount)
                }
                (RecordId::Account(account), Record::Account(record)) => {
                    format!("{account} is {}, {}, nonce {}", record.kind, record.status, record.nonce)
                }
                _ => format!("{id:?} is {record:?}"),
            });
        }
    }
    let proof = bytes(&proof["proof"]).ok_or_else(|| wrong("a proof in hexadecimal digits"))?;
    let proven = witness::verify(root, &proof, &keys)
        .map_err(|error| Failure::refused(PROOF_REFUTED, error.code()))?;
    for ((line, expected), found) in lines.iter().zip(&expected).zip(&proven) {
        if expected != found {
            return Err(Failure::refused(PROOF_REFUTED, format_args!("not so: {line}")));
        }
    }
    Ok(lines)
}

fn verify(file: &Path, trusted: Option<&str>, output: &Output) -> Result<(), Failure> {
    let wrong = |detail: &dyn std::fmt::Display| {
        Failure::input(PROOF_FILE, format_args!("{}: {detail}", file.display()))
    };
    let text = std::fs::read_to_string(file).map_err(|error| wrong(&error))?;
    let proof: Value = serde_json::from_str(&text).map_err(|error| wrong(&error))?;
    let named =
        proof["state_root"].as_str().and_then(Hash::from_hex).ok_or_else(|| wrong(&"no state root"))?;
    let root = match trusted {
        Some(text) => Hash::from_hex(text)
            .ok_or_else(|| Failure::argument("--root", "64 hexadecimal digits were expected"))?,
        None => named,
    };
    let lines = check(&proof, &root)?;
    for line in &lines {
        output.line(line);
    }
    output.line(format_args!("proven by the root {root}"));
    output.result(&json!({ "state_root": root.to_string(), "proven": lines }));
    Ok(())
}
