//! `qenex store`: the ledger of a node from files to a database, and back.

use qenex_service::ledger::{Copied, To, transfer};
use serde_json::json;

use crate::args::Store;
use crate::output::{Failure, Output, progress_bar};

pub fn run(args: &Store, output: &Output) -> Result<(), Failure> {
    let (configured, to) = match args {
        Store::ToDatabase(configured) => (configured, To::Database),
        Store::ToFiles(configured) => (configured, To::Files),
    };
    let bar = progress_bar(output);
    let copied = transfer(&configured.config, &configured.overrides(), to, &mut |height, last| {
        bar.set_length(last);
        bar.set_position(height);
    });
    bar.finish_and_clear();
    let Copied { to, tip } = copied?;
    output.line(format_args!("{to}: blocks up to height {}", tip.height));
    output.line(format_args!("state root {}", tip.state_root));
    output.result(&json!({ "to": to, "height": tip.height, "id": tip.id().to_string(), "state_root": tip.state_root.to_string() }));
    Ok(())
}
