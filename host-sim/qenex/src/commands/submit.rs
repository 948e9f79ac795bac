//! Signs an operation and commits it, or writes it to a file.

use std::path::Path;

use qenex_api::view;
use qenex_core::crypto::Hash;
use qenex_core::crypto::ed25519::SecretKey;
use qenex_core::id::AccountId;
use qenex_core::tx::Op;
use qenex_node::sequencer::Produced;
use serde_json::{Value, json};

use super::{device, show};
use crate::args::Signing;
use crate::local::Local;
use crate::output::{Failure, Output};
use crate::{files, keys};

/// Makes the transaction of `sender`, signs it, and commits it in a block of its own.
pub fn submit(
    data: &Path,
    signing: &Signing,
    sender: AccountId,
    op: Op<'_>,
    output: &Output,
) -> Result<(), Failure> {
    let mut local = Local::open(data)?;
    let transaction = local.transaction(sender, signing.fee, op);
    if let Some(slot) = signing.slot {
        let Signing { session, approvals, dry_run, .. } = signing;
        let chain = local.node.chain();
        let signed = device::sign_with(session, chain, slot, approvals, *dry_run, &transaction, output)?;
        return match signed {
            Some(signed) => finish(&mut local, signing, transaction.id(), &signed, output),
            None => Ok(()),
        };
    }
    let own: Vec<SecretKey> = match &signing.label {
        Some(label) => vec![keys::from_seed(&keys::label_seed(label, sender.as_str()))?],
        None => signing.keys.iter().map(|path| keys::read(path)).collect::<Result<_, _>>()?,
    };
    let signed = keys::sign(&transaction, &own.iter().collect::<Vec<_>>())?;
    finish(&mut local, signing, transaction.id(), &signed, output)
}

/// Commits what is signed, or writes it to a file.
fn finish(
    local: &mut Local,
    signing: &Signing,
    id: Hash,
    signed: &[u8],
    output: &Output,
) -> Result<(), Failure> {
    if let Some(out) = &signing.out {
        files::write(out, signed)?;
        output.line(format_args!("{id} signed, written to {}", out.display()));
        output.result(&json!({ "id": id.to_string(), "file": out.display().to_string() }));
        return Ok(());
    }
    commit(local, signed, output)
}

/// Commits a signed transaction and says what it did.
pub fn commit(local: &mut Local, signed: &[u8], output: &Output) -> Result<(), Failure> {
    let produced = local.commit(signed)?;
    let Produced { height, state_root, receipts, .. } = produced;
    for (id, receipt) in &receipts {
        output.line(format_args!("{id} in block {height}: {}", show::outcome(&receipt.outcome)));
        output.line(format_args!("state root {state_root}"));
        output.result(&result(*id, height, state_root, json!(view::Outcome::new(&receipt.outcome))));
    }
    Ok(())
}

fn result(id: Hash, height: u64, state_root: Hash, outcome: Value) -> Value {
    json!({ "id": id.to_string(), "height": height, "state_root": state_root.to_string(), "outcome": outcome })
}
