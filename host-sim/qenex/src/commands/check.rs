//! `qenex check`: everything that is stored against everything that it must agree with.

use qenex_core::error::CHECK_FAILED;
use qenex_node::prepare::{Signatures, prepare};
use qenex_node::sums::check_sums;
use qenex_signatures::Verifier;
use serde_json::json;

use crate::args::Check;
use crate::local::Local;
use crate::output::{Failure, Output};

pub fn run(args: &Check, output: &Output) -> Result<(), Failure> {
    let wrong = |detail: String| Failure::refused(CHECK_FAILED, detail);
    Local::verify_store(&args.data.data)?;
    output.line("every block, bucket and receipt reads back as it was written");
    // Opening compares the root of the checkpoint's records, and of every block after it, with the headers.
    let local = Local::open(&args.data.data)?;
    let recovery = local.recovery.clone();
    output.line(format_args!(
        "checkpoint at height {}: {} records have the root of the header",
        recovery.checkpoint_height, recovery.records
    ));
    output.line(format_args!("{} blocks after it executed again", recovery.blocks));
    let verifier = Verifier::default();
    let tip = local.node.chain().tip().clone();
    let (mut parent, mut transactions) = (None, 0u64);
    for height in 0..=tip.height {
        let block = local.node.block(height)?;
        if block.header.height != height || parent.is_some_and(|parent| parent != block.header.parent) {
            return Err(wrong(format!("block {height} does not follow its parent")));
        }
        parent = Some(block.header.id());
        transactions += block.transactions.len() as u64;
        let root = block.header.transaction_root;
        let prepared = prepare(block.transactions, Signatures::Verify(&verifier));
        for index in 0..prepared.len() {
            prepared
                .transaction(index)
                .map_err(|refusal| wrong(format!("block {height}, transaction {index}: {refusal}")))?;
        }
        if prepared.transaction_root() != root {
            return Err(wrong(format!("block {height}: the transactions do not have the header's root")));
        }
    }
    output
        .line(format_args!("{} blocks, {transactions} transactions: all signatures verify", tip.height + 1));

    let assets = check_sums(local.node.chain().records()).map_err(wrong)?;
    output.line(format_args!("the supply of {assets} assets is what accounts, pools and stake hold"));
    output.line(format_args!("state root {} at height {}", tip.state_root, tip.height));
    output.result(&json!({
        "height": tip.height,
        "state_root": tip.state_root.to_string(),
        "transactions": transactions,
        "records": local.node.chain().records().len(),
        "assets": assets,
        "checkpoint_height": recovery.checkpoint_height,
        "cut": recovery.cut.map(|cut| json!({ "file": cut.file, "offset": cut.offset, "height": cut.height })),
    }));
    Ok(())
}
