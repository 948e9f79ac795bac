//! `qenex testnet`: a chain of several nodes on this machine.
//!
//! `run` tells a story. Four validators decide, one of them is killed and the others go on, a second one is killed and nothing goes on, both come back and
//! nothing is lost. Four miners work, one of them goes on alone, and those that come back take its chain.

mod network;
mod stake;
mod work;

use std::time::{SystemTime, UNIX_EPOCH};

use qenex_service::testnet::{NewTestnet, create};
use serde_json::json;

use crate::args::{Consensus, Testnet, TestnetNew, TestnetRun};
use crate::files::make_room;
use crate::output::{Failure, Output};
use network::{CLIENTS, NODES, Network};

/// In a folder that another run may replace.
const MARKER: &str = "testnet";

pub fn run(args: Testnet, output: &Output) -> Result<(), Failure> {
    match args {
        Testnet::New(args) => new(&args, output),
        Testnet::Run(args) => story(&args, output),
    }
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn new(args: &TestnetNew, output: &Output) -> Result<(), Failure> {
    let new = NewTestnet {
        consensus: args.consensus.into(),
        validators: args.validators,
        clients: args.clients,
        epoch_blocks: args.epoch_blocks,
        base_port: args.base_port,
        time_ms: now_ms(),
    };
    let configs = create(&args.data, &new)?;
    for config in &configs {
        output.line(format_args!("qenex node --config {}", config.display()));
    }
    let configs: Vec<String> = configs.iter().map(|config| config.display().to_string()).collect();
    output.result(&json!({ "configs": configs }));
    Ok(())
}

fn story(args: &TestnetRun, output: &Output) -> Result<(), Failure> {
    make_room(&args.data, MARKER)?;
    let chain = NewTestnet {
        consensus: args.consensus.into(),
        validators: NODES,
        clients: CLIENTS,
        epoch_blocks: 30,
        base_port: args.base_port,
        time_ms: now_ms(),
    };
    create(&args.data.join("chain"), &chain)?;
    let mut network = Network::new(&args.data, args.base_port);
    match args.consensus {
        Consensus::Stake => stake::story(&mut network, output)?,
        Consensus::Pow => work::story(&mut network, output)?,
    }
    if args.stay {
        output.line(format_args!("The nodes run: {}", network.url(0, "status")));
        network.wait();
    }
    Ok(())
}
