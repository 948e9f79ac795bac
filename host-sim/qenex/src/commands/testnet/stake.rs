//! The story of four validators.

use std::time::Duration;

use qenex_core::error::CHECK_FAILED;
use serde_json::json;

use super::{CLIENTS, NODES, Network};
use crate::output::{Failure, Output};

/// How long a chain without a quorum is watched.
const WATCH: Duration = Duration::from_secs(5);

pub fn story(network: &mut Network, output: &Output) -> Result<(), Failure> {
    output.line("A chain of four validators on this machine, each with its store and its device");
    let mut step = 0;
    let mut tell = |what: String| {
        step += 1;
        output.line(format_args!("{step:>3}  {what}"));
    };
    let all: Vec<u16> = (0..NODES).collect();
    for index in &all {
        network.processes.start(*index)?;
    }
    network.processes.wait_for(&all, 1)?;
    let chain_id = network.processes.nodes.chain_id();
    tell(format!("{chain_id}: {NODES} validators over encrypted TCP, block 1 is final"));

    let took = network.transfers(&all)?;
    tell(format!("{CLIENTS} transfers, sent to all of them, are final after {:.2} s", took.as_secs_f64()));

    network.processes.kill(3)?;
    let took = network.transfers(&[0, 1, 2])?;
    tell(format!("validator 4 is killed; {CLIENTS} transfers are final after {:.2} s", took.as_secs_f64()));

    network.processes.kill(2)?;
    // What was under way comes to its end.
    std::thread::sleep(Duration::from_secs(1));
    let stopped = network.processes.nodes.height(0).unwrap_or_default();
    std::thread::sleep(WATCH);
    let after = network.processes.nodes.height(0).unwrap_or_default();
    if after != stopped {
        return Err(Failure::refused(CHECK_FAILED, "two of four validators went on"));
    }
    tell(format!("validator 3 is killed; two of four decide nothing: block {stopped} stays the last"));

    network.processes.start(2)?;
    network.processes.start(3)?;
    let took = network.processes.wait_for(&all, stopped + 5)?;
    tell(format!("both are back, and all go on after {:.1} s", took.as_secs_f64()));
    let took = network.transfers(&all)?;
    tell(format!("{CLIENTS} transfers are final after {:.2} s", took.as_secs_f64()));

    let height =
        all.iter().filter_map(|index| network.processes.nodes.height(*index)).max().unwrap_or_default();
    network.processes.wait_for(&all, height)?;
    let block = network.processes.nodes.same_block(&all, height)?;
    tell(format!(
        "block {height} of epoch {} is the same at all four: state root {}",
        block["epoch"],
        block["state_root"].as_str().unwrap_or_default().get(..16).unwrap_or_default()
    ));
    output.result(&json!({ "height": height, "block": block, "transfers": 3 * CLIENTS }));
    Ok(())
}
