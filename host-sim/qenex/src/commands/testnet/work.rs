//! The story of four miners.

use serde_json::{Value, json};

use super::{CLIENTS, NODES, Network, Steps};
use crate::output::{Failure, Output};

pub fn story(network: &mut Network, output: &Output) -> Result<(), Failure> {
    let mut steps = Steps::new(output, "A chain of four miners on this machine, each with one thread");
    let all = network.start(3)?;
    let chain_id = network.processes.nodes.chain_id();
    steps.tell(format_args!("{chain_id}: {NODES} miners over encrypted TCP, all of them have block 3"));
    let took = network.transfers(&all)?;
    steps.tell(format_args!(
        "{CLIENTS} transfers, sent to all of them, are in the chain after {:.2} s",
        took.as_secs_f64()
    ));

    for index in 1..NODES {
        network.processes.kill(index)?;
    }
    let before = network.processes.nodes.height(0).unwrap_or_default();
    network.processes.wait_for(&[0], before + 5)?;
    let took = network.transfers(&[0])?;
    steps.tell(format_args!(
        "three of them are killed; the first goes on, and {CLIENTS} transfers are in its chain after {:.2} s",
        took.as_secs_f64()
    ));

    for index in 1..NODES {
        network.processes.start(index)?;
    }
    let newest = network.processes.nodes.height(0).unwrap_or_default();
    let took = network.processes.wait_for(&all, newest + 5)?;
    steps.tell(format_args!("they are back, and all go on after {:.1} s", took.as_secs_f64()));
    let took = network.transfers(&all)?;
    steps.tell(format_args!("{CLIENTS} transfers are in the chain after {:.2} s", took.as_secs_f64()));

    // So deep that chance does not change it any more.
    let height =
        all.iter().filter_map(|index| network.processes.nodes.height(*index)).max().unwrap_or_default();
    network.processes.wait_for(&all, height + 8)?;
    let block = network.processes.nodes.same_block(&all, height)?;
    let status = network.processes.nodes.get(0, "status").unwrap_or_default();
    steps.tell(format_args!(
        "block {height} is the same at all four: state root {}; a block takes {} hashes, and a miner makes {} a second",
        block["state_root"].as_str().unwrap_or_default().get(..16).unwrap_or_default(),
        status["mining"]["hashes_per_block"],
        status["mining"]["hashes_per_second"],
    ));
    let proposers: Vec<Value> = (1..=height)
        .filter_map(|height| {
            network.processes.nodes.get(0, &format!("block/{height}"))?.get("proposer").cloned()
        })
        .collect();
    output.result(&json!({
        "height": height, "block": block, "transfers": 3 * CLIENTS, "status": status, "proposers": proposers,
    }));
    Ok(())
}
