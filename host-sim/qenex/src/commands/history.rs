//! `qenex history`.

use qenex_api::view;
use qenex_core::error::ACCOUNT_UNKNOWN;
use qenex_core::tx::{SignedTransaction, Summary};
use serde_json::{Value, json};

use super::show;
use crate::args::History;
use crate::local::Local;
use crate::output::{Failure, Output};

pub fn run(args: &History, output: &Output) -> Result<(), Failure> {
    let local = Local::open(&args.data.data)?;
    if local.node.chain().account(args.account).is_none() {
        return Err(Failure::refused(ACCOUNT_UNKNOWN, args.account));
    }
    let mut json = Vec::new();
    for entry in local.node.history(args.account, args.most)? {
        let signed = SignedTransaction::decode(&entry.signed)?;
        let summary = Summary::new(&signed.transaction);
        let text: Vec<String> = summary.lines().map(|line| line.to_string()).collect();
        output.line(format_args!("block {}, transaction {}: {}", entry.height, entry.place, signed.id()));
        output.line(format_args!("  {}", text.join("; ")));
        output.line(format_args!("  {}, fee {}", show::outcome(&entry.receipt.outcome), entry.receipt.fee));
        json.push(json!({
            "height": entry.height,
            "place": entry.place,
            "id": signed.id().to_string(),
            "summary": view::summary(&signed.transaction),
            "outcome": view::Outcome::new(&entry.receipt.outcome),
            "fee": entry.receipt.fee.to_string(),
        }));
    }
    if json.is_empty() {
        output.line("nothing yet");
    }
    output.result(&json!({ "account": args.account.to_string(), "entries": Value::Array(json) }));
    Ok(())
}
