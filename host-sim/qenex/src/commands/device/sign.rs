//! Signing by a device: the witness from the local chain, the approvals from files.

use std::path::{Path, PathBuf};

use qenex_api::ledger::witness;
use qenex_core::codec::{self, Encoded, Tag};
use qenex_core::crypto::{Hash, KeyHash, Purpose, Scheme};
use qenex_core::error::{ANCHOR_MISSING, Code, Coded, INPUT_VALUE, PROOF_ROOT, TABLE};
use qenex_core::hsm::proto::{Approve, Command, Index, KeyInfo, Nothing, Status};
use qenex_core::hsm::{Refusal, approval_id};
use qenex_core::ledger::access;
use qenex_core::tx::{MAX_SIGNED_LEN, Signature, SignedTransaction, Transaction, encode_signed};
use qenex_device::DeviceError;
use qenex_node::chain::Chain;
use serde_json::{Value, json};

use super::Client;
use super::session::login;
use crate::args::Session;
use crate::files;
use crate::keys;
use crate::local::Local;
use crate::output::{Failure, Output};

/// Lets the key in a slot sign. Returns the signed transaction; nothing if the device was only asked what it would say, which is then told.
pub fn sign(
    session: &Session,
    chain: &Chain,
    slot: u8,
    approvals: &[PathBuf],
    dry_run: bool,
    transaction: &Transaction<'_>,
    output: &Output,
) -> Result<Option<Vec<u8>>, Failure> {
    let mut client = login(session)?;
    let status: Status = client.get(Command::Status, &Nothing {})?;
    let trusted = status.trusted.ok_or_else(|| Failure::refused(ANCHOR_MISSING, "qenex device anchor"))?;
    if trusted.header != chain.tip_id() {
        let (device, tip) = (trusted.height, chain.tip().height);
        let detail = format!("it trusts block {device}, the chain is at block {tip}: qenex device anchor");
        return Err(Failure::refused(PROOF_ROOT, detail));
    }
    let body = client.ask(Command::DescribeKey, &Index { index: slot })?;
    let key: KeyInfo<'_> = codec::decode(&body).map_err(|_| DeviceError::Message)?;
    let mut buffer = [0; <Transaction<'_> as Encoded>::MAX_LEN];
    let bytes = codec::encode(transaction, &mut buffer)?;
    client.bring(slot, bytes, &[], Some(&witness(chain, &access(transaction))))?;
    for file in approvals {
        approve_with(&mut client, file)?;
    }
    if dry_run {
        let refusal = client.judge()?;
        say(transaction, refusal, output);
        return Ok(None);
    }
    let signature = client.sign()?;
    let signatures = [Signature { scheme: key.scheme, public_key: key.public_key, signature: &signature }];
    let mut buffer = vec![0; MAX_SIGNED_LEN];
    Ok(Some(encode_signed(transaction, &signatures, &mut buffer)?.to_vec()))
}

fn say(transaction: &Transaction<'_>, refusal: Option<Refusal>, output: &Output) {
    let code: Option<Code> =
        refusal.and_then(|Refusal(number)| TABLE.iter().find(|code| code.number == number).copied());
    match (refusal, code) {
        (None, _) => output.line(format_args!("{}: the device would sign", transaction.id())),
        (Some(_), Some(code)) => output.line(format_args!("{}: it would not: {code}", transaction.id())),
        (Some(Refusal(number)), None) => {
            output.line(format_args!("{}: it would not: {number}", transaction.id()));
        }
    }
    output.result(&json!({
        "id": transaction.id().to_string(),
        "would_sign": refusal.is_none(),
        "code": refusal.map(|Refusal(number)| number),
        "name": code.map(|code| code.name),
    }));
}

fn read_transaction(file: &Path) -> Result<Vec<u8>, Failure> {
    let bytes = files::read(file)?;
    if bytes.starts_with(&Tag::SIGNED_TRANSACTION.0) {
        return Ok(SignedTransaction::decode(&bytes)?.transaction_bytes.to_vec());
    }
    let _: Transaction<'_> = codec::decode(&bytes)?;
    Ok(bytes)
}

/// `device sign`.
#[allow(clippy::too_many_arguments, reason = "the arguments of the command")]
pub fn sign_file(
    session: &Session,
    data: &Path,
    slot: u8,
    approvals: &[PathBuf],
    dry_run: bool,
    file: &Path,
    out: Option<&Path>,
    output: &Output,
) -> Result<(), Failure> {
    let local = Local::open(data)?;
    let bytes = read_transaction(file)?;
    let transaction: Transaction<'_> = codec::decode(&bytes)?;
    let signed = sign(session, local.node.chain(), slot, approvals, dry_run, &transaction, output)?;
    if let (Some(signed), Some(out)) = (signed, out) {
        files::write(out, &signed)?;
        output.line(format_args!("{} signed, written to {}", transaction.id(), out.display()));
        output.result(&json!({ "id": transaction.id().to_string(), "file": out.display().to_string() }));
    }
    Ok(())
}

/// `device approve`: a person's key file signs the approval.
pub fn approve(key: &Path, signer: &str, file: &Path, out: &Path, output: &Output) -> Result<(), Failure> {
    let signer = Hash::from_hex(signer)
        .ok_or_else(|| Failure::argument("--signer", "64 hexadecimal digits were expected"))?;
    let bytes = read_transaction(file)?;
    let transaction: Transaction<'_> = codec::decode(&bytes)?;
    let key = keys::read(key)?;
    let id = approval_id(&KeyHash(signer), &transaction.id());
    let signature = key.sign(Purpose::Approval, &id).map_err(|error| Failure::refused(error.code(), ""))?;
    let approval = json!({
        "transaction": transaction.id().to_string(),
        "scheme": Scheme::Ed25519.number(),
        "public_key": hex::encode(key.public_key()),
        "signature": hex::encode(signature),
    });
    files::write(out, format!("{approval}\n"))?;
    let person = key.key_hash(Purpose::Approval);
    output.line(format_args!("{} approved by {person}, written to {}", transaction.id(), out.display()));
    output.result(&json!({ "id": transaction.id().to_string(), "approver": person.to_string() }));
    Ok(())
}

/// Gives the device an approval from a file.
fn approve_with(client: &mut Client, file: &Path) -> Result<(), Failure> {
    let wrong = |detail: &str| Failure::input(INPUT_VALUE, format_args!("{}: {detail}", file.display()));
    let text = files::read_text(file)?;
    let approval: Value = serde_json::from_str(&text).map_err(|error| wrong(&error.to_string()))?;
    let bytes = |field: &str| {
        let digits = approval[field].as_str().and_then(|text| hex::decode(text).ok());
        digits.ok_or_else(|| wrong(&format!("{field}: hexadecimal digits were expected")))
    };
    let number = approval["scheme"].as_u64().and_then(|number| u8::try_from(number).ok());
    let scheme =
        Scheme::from_number(number.unwrap_or_default()).map_err(|error| wrong(&error.to_string()))?;
    let (public_key, signature) = (bytes("public_key")?, bytes("signature")?);
    client.approve(&Approve { scheme, public_key: &public_key, signature: &signature })?;
    Ok(())
}
