//! `qenex bench growth`: how the figures of the other benchmarks change with the number of accounts. Each size is measured
//! in processes of its own.

use std::path::Path;
use std::process::Command;

use qenex_core::error::OUTPUT_FILE;
use serde_json::{Value, json};

use crate::output::{Failure, Output};

fn measure(what: &str, accounts: u32, transfers: u64, data: Option<&Path>) -> Result<Value, Failure> {
    let failed =
        |detail: String| Failure::input(OUTPUT_FILE, format!("{accounts} accounts, {what}: {detail}"));
    let program = std::env::current_exe().map_err(|error| failed(error.to_string()))?;
    let mut command = Command::new(program);
    command.args(["bench", what, "--json", "--accounts", &accounts.to_string()]);
    command.args(["--transfers", &transfers.to_string()]);
    let chain = data.map(|data| data.join(format!("{what}-{accounts}")));
    if let Some(chain) = &chain {
        command.arg("--data").arg(chain);
    }
    let done = command.output().map_err(|error| failed(error.to_string()))?;
    if let Some(chain) = &chain {
        let _ = std::fs::remove_dir_all(chain);
    }
    serde_json::from_slice(&done.stdout)
        .ok()
        .filter(|_| done.status.success())
        .ok_or_else(|| failed(String::from_utf8_lossy(&done.stderr).into_owned()))
}

pub fn run(accounts: &[u32], transfers: u64, data: Option<&Path>, output: &Output) -> Result<(), Failure> {
    output.line(format_args!(
        "{:>10} {:>11} {:>6} {:>10} {:>7} {:>8} {:>8} {:>12}",
        "accounts", "transfers/s", "ratio", "processor", "start", "state", "peak", "execution/s"
    ));
    let mut sizes = Vec::new();
    for accounts in accounts {
        let replay = measure("replay", *accounts, transfers, data)?;
        let execute = measure("execute", *accounts, transfers, data)?;
        let number = |value: &Value, name: &str| value[name].as_f64().unwrap_or(f64::NAN);
        let processor = number(&replay, "verification_processor_us") / number(&replay, "processor_us");
        output.line(format_args!(
            "{accounts:>10} {:>11.0} {:>6.2} {processor:>10.2} {:>5.2} s {:>5.0} MB {:>5.0} MB {:>12.0}",
            number(&replay, "transfers_per_second"),
            number(&replay, "ratio"),
            number(&replay, "start_seconds"),
            number(&replay, "state_mb"),
            number(&replay, "peak_mb"),
            number(&execute, "transfers_per_second"),
        ));
        for stage in replay["stages"].as_array().into_iter().flatten() {
            output.line(format_args!(
                "{:>10}   {:<8} {:>5.1}%",
                "",
                stage["stage"].as_str().unwrap_or_default(),
                100.0 * number(stage, "share")
            ));
        }
        sizes.push(json!({ "replay": replay, "execute": execute }));
    }
    output.result(&json!({ "transfers": transfers, "sizes": sizes }));
    Ok(())
}
