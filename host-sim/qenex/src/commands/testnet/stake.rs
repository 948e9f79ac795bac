//! The story of four validators.

use std::time::{Duration, Instant};

use qenex_core::consensus::{Anchor, Trusted};
use qenex_core::error::CHECK_FAILED;
use qenex_node::chain::Chain;
use qenex_service::genesis_file::GenesisFile;
use serde_json::json;

use super::{CLIENTS, EPOCH_BLOCKS, NODES, Network, Steps};
use crate::light;
use crate::output::{Failure, Output};
use crate::processes::PATIENCE;

/// How long a chain without a quorum is watched.
const WATCH: Duration = Duration::from_secs(5);

pub fn story(network: &mut Network, output: &Output) -> Result<(), Failure> {
    let mut steps =
        Steps::new(output, "A chain of four validators on this machine, each with its store and its device");
    let all = network.start(1)?;
    let chain_id = network.processes.nodes.chain_id();
    steps.tell(format_args!("{chain_id}: {NODES} validators over encrypted TCP, block 1 is final"));

    let took = network.transfers(&all)?;
    steps.tell(format_args!(
        "{CLIENTS} transfers, sent to all of them, are final after {:.2} s",
        took.as_secs_f64()
    ));

    network.processes.kill(3)?;
    let took = network.transfers(&[0, 1, 2])?;
    steps.tell(format_args!(
        "validator 4 is killed; {CLIENTS} transfers are final after {:.2} s",
        took.as_secs_f64()
    ));

    network.processes.kill(2)?;
    // What was under way comes to its end.
    std::thread::sleep(Duration::from_secs(1));
    let stopped = network.processes.nodes.height(0).unwrap_or_default();
    std::thread::sleep(WATCH);
    let after = network.processes.nodes.height(0).unwrap_or_default();
    if after != stopped {
        return Err(Failure::refused(CHECK_FAILED, "two of four validators went on"));
    }
    steps.tell(format_args!(
        "validator 3 is killed; two of four decide nothing: block {stopped} stays the last"
    ));

    network.processes.start(2)?;
    network.processes.start(3)?;
    let took = network.processes.wait_for(&all, stopped + 5)?;
    steps.tell(format_args!("both are back, and all go on after {:.1} s", took.as_secs_f64()));
    let took = network.transfers(&all)?;
    steps.tell(format_args!("{CLIENTS} transfers are final after {:.2} s", took.as_secs_f64()));

    let height =
        all.iter().filter_map(|index| network.processes.nodes.height(*index)).max().unwrap_or_default();
    network.processes.wait_for(&all, height)?;
    let block = network.processes.nodes.same_block(&all, height)?;
    steps.tell(format_args!(
        "block {height} of epoch {} is the same at all four: state root {}",
        block["epoch"],
        block["state_root"].as_str().unwrap_or_default().get(..16).unwrap_or_default()
    ));
    let epochs = follow_checkpoints(network, &all)?;
    steps.tell(format_args!(
        "a light client follows the checkpoints of {epochs} epochs from the genesis, at each of the four"
    ));
    let (first, took) = join(network, &all)?;
    steps.tell(format_args!(
        "a node that follows joins: it gets the state after block {first}, by the checkpoints to there, and blocks from then on, in {:.1} s",
        took.as_secs_f64()
    ));
    output.result(&json!({
        "height": height, "block": block, "transfers": 3 * CLIENTS, "epochs": epochs, "state_height": first,
    }));
    Ok(())
}

/// A node that has nothing but the genesis gets a state and follows. Returns the height of the state, and how long it took until the node had what the others had.
fn join(network: &mut Network, all: &[u16]) -> Result<(u64, Duration), Failure> {
    let heights = all.iter().filter_map(|index| network.processes.nodes.height(*index));
    let newest = heights.max().unwrap_or_default();
    network.processes.start(NODES)?;
    let took = network.processes.wait_for(&[NODES], newest)?;
    let nodes = &network.processes.nodes;
    nodes.same_block(&[0, NODES], newest)?;
    let status = nodes.get(NODES, "status").unwrap_or_default();
    match status["first_height"].as_u64() {
        Some(first) if first > 0 && first % EPOCH_BLOCKS == 0 => Ok((first, took)),
        _ => Err(Failure::refused(CHECK_FAILED, "the node that joined has executed all blocks")),
    }
}

/// Believes the genesis and what checkpoints say, at each of these nodes. Returns how many epochs that were.
fn follow_checkpoints(network: &mut Network, nodes: &[u16]) -> Result<u64, Failure> {
    let path = network.chain.join("genesis.json");
    let genesis = GenesisFile::read(&path)?.genesis().map_err(|error| Failure::argument("genesis", error))?;
    let header = Chain::new(&genesis, usize::MAX)?.tip().clone();
    network.processes.wait_for(nodes, EPOCH_BLOCKS + 1)?;
    let chain = &network.processes.nodes;
    let over = chain.height(nodes[0]).unwrap_or_default() / EPOCH_BLOCKS;
    for index in nodes {
        let anchor = Anchor { header: header.clone(), trusting_period_ms: u64::MAX };
        let wrong = |detail: String| Failure::refused(CHECK_FAILED, detail);
        let mut trusted = Trusted::new(&anchor).map_err(|error| wrong(format!("{error:?}")))?;
        for epoch in 1..=over {
            let start = Instant::now();
            let answer = loop {
                if let Some(answer) = chain.get(*index, &format!("checkpoint/{epoch}")) {
                    break answer;
                }
                if start.elapsed() > PATIENCE {
                    return Err(wrong(format!("epoch {epoch} has no checkpoint at validator {}", index + 1)));
                }
                std::thread::sleep(Duration::from_millis(100));
            };
            trusted = light::follow(&trusted, &answer)
                .map_err(|error| wrong(format!("the checkpoint of epoch {epoch}: {error}")))?;
        }
        if trusted.height != over * EPOCH_BLOCKS {
            return Err(wrong(format!("a light client ends at height {}", trusted.height)));
        }
    }
    Ok(over)
}
