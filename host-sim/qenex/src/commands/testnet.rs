//! `qenex testnet`: a chain of several validators on this machine.
//!
//! `run` tells a story: four validators decide, one of them is killed and the others go on, a second one is killed and nothing goes on, both come back and
//! nothing is lost; a light client follows the checkpoints of what was decided.

use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use qenex_core::consensus::{Anchor, Trusted};
use qenex_core::error::CHECK_FAILED;
use qenex_core::id::AccountId;
use qenex_core::num::Amount;
use qenex_core::tx::{Leg, LegsBuf, Op, Transaction, Transfer};
use qenex_node::chain::Chain;
use qenex_service::config::block_interval_ms;
use qenex_service::genesis_file::GenesisFile;
use qenex_service::testnet::{LABEL, NewTestnet, client_account, create};
use serde_json::{Value, json};

use super::kill;
use crate::args::{Testnet, TestnetNew, TestnetRun};
use crate::files::make_room;
use crate::keys;
use crate::light;
use crate::output::{Failure, Output};
use crate::processes::{PATIENCE, Processes};

/// In a folder that another run may replace.
pub const MARKER: &str = "testnet";

const VALIDATORS: u16 = 4;
const CLIENTS: u32 = 100;

/// Blocks of an epoch in the story.
const EPOCH_BLOCKS: u64 = 30;

/// How long a chain without a quorum is watched.
const WATCH: Duration = Duration::from_secs(5);

pub fn run(args: Testnet, output: &Output) -> Result<(), Failure> {
    match args {
        Testnet::New(args) => new(&args, output),
        Testnet::Run(args) => story(&args, output),
        Testnet::Kill(args) => kill::run(&args, output),
    }
}

pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn new(args: &TestnetNew, output: &Output) -> Result<(), Failure> {
    if !args.hosts.is_empty() && args.hosts.len() != usize::from(args.validators) {
        let detail = format!("{} addresses for {} validators", args.hosts.len(), args.validators);
        return Err(Failure::argument("hosts", detail));
    }
    let new = NewTestnet {
        validators: args.validators,
        clients: args.clients,
        epoch_blocks: args.epoch_blocks,
        block_interval_ms: block_interval_ms(),
        hosts: args.hosts.clone(),
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

/// A transfer of whole USDC from one client to another.
pub fn transfer(chain: &str, (from, to): (u32, u32), amount: u64, nonce: u64) -> Result<Vec<u8>, Failure> {
    fn parse<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, Failure> {
        text.parse().map_err(|error| Failure::argument(text, error))
    }
    let sender: AccountId = parse(&client_account(from))?;
    let leg =
        Leg { to: parse(&client_account(to))?, amount: Amount::from_whole(amount), reference: parse("")? };
    let legs = LegsBuf::new(&[leg]).map_err(|error| Failure::argument("legs", error))?;
    let transaction = Transaction {
        chain_id: parse(chain)?,
        sender,
        nonce,
        last_valid_height: u64::MAX,
        fee: Amount::ZERO,
        op: Op::Transfer(Transfer { asset: parse("USDC")?, legs: legs.get() }),
    };
    let key = keys::from_seed(&keys::label_seed(LABEL, sender.as_str()))?;
    keys::sign(&transaction, &[&key])
}

/// Believes the genesis and what checkpoints say, at each of these nodes. Returns how many epochs that were.
fn follow_checkpoints(chain: &Path, network: &mut Processes, nodes: &[u16]) -> Result<u64, Failure> {
    let path = chain.join("genesis.json");
    let genesis = GenesisFile::read(&path)?.genesis().map_err(|error| Failure::argument("genesis", error))?;
    let header = Chain::new(&genesis, usize::MAX)?.tip().clone();
    network.wait_for(nodes, EPOCH_BLOCKS + 1)?;
    let over = network.nodes.height(nodes[0]).unwrap_or_default() / EPOCH_BLOCKS;
    for index in nodes {
        let anchor = Anchor { header: header.clone(), trusting_period_ms: u64::MAX };
        let wrong = |detail: String| Failure::refused(CHECK_FAILED, detail);
        let mut trusted = Trusted::new(&anchor).map_err(|error| wrong(format!("{error:?}")))?;
        for epoch in 1..=over {
            let start = Instant::now();
            let answer = loop {
                if let Some(answer) = network.nodes.get(*index, &format!("checkpoint/{epoch}")) {
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

fn story(args: &TestnetRun, output: &Output) -> Result<(), Failure> {
    make_room(&args.data, MARKER)?;
    output.line("A chain of four validators on this machine, each with its store and its device");
    let chain = NewTestnet {
        validators: VALIDATORS,
        clients: CLIENTS,
        epoch_blocks: EPOCH_BLOCKS,
        block_interval_ms: block_interval_ms(),
        hosts: Vec::new(),
        base_port: args.base_port,
        time_ms: now_ms(),
    };
    create(&args.data.join("chain"), &chain)?;
    let mut network = Processes::new(&args.data.join("chain"), VALIDATORS, args.base_port);
    let mut step = 0;
    let mut tell = |what: String| {
        step += 1;
        output.line(format_args!("{step:>3}  {what}"));
    };
    let all: Vec<u16> = (0..VALIDATORS).collect();
    for index in &all {
        network.start(*index)?;
    }
    network.wait_for(&all, 1)?;
    let status = network.nodes.get(0, "status").unwrap_or_default();
    let chain_id = status.get("chain_id").and_then(Value::as_str).unwrap_or_default().to_string();
    tell(format!("{chain_id}: {VALIDATORS} validators over encrypted TCP, block 1 is final"));

    let mut nonce = 0;
    let mut transfers = |network: &mut Processes, nodes: &[u16]| -> Result<Duration, Failure> {
        let start = Instant::now();
        for from in 0..CLIENTS {
            let to = nodes[from as usize % nodes.len()];
            network.nodes.submit(to, &transfer(&chain_id, (from, (from + 1) % CLIENTS), 1, nonce)?)?;
        }
        nonce += 1;
        let has_all = |network: &Processes| {
            (0..CLIENTS).all(|client| {
                let account = network.nodes.get(nodes[0], &format!("account/{}", client_account(client)));
                account.and_then(|account| account.get("nonce")?.as_u64()).is_some_and(|found| found >= nonce)
            })
        };
        while !has_all(network) {
            if start.elapsed() > PATIENCE {
                return Err(Failure::refused(CHECK_FAILED, "transfers do not become final"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(start.elapsed())
    };
    let took = transfers(&mut network, &all)?;
    tell(format!("{CLIENTS} transfers, sent to all of them, are final after {:.2} s", took.as_secs_f64()));

    network.kill(3)?;
    let took = transfers(&mut network, &[0, 1, 2])?;
    tell(format!("validator 4 is killed; {CLIENTS} transfers are final after {:.2} s", took.as_secs_f64()));

    network.kill(2)?;
    // What was under way comes to its end.
    std::thread::sleep(Duration::from_secs(1));
    let stopped = network.nodes.height(0).unwrap_or_default();
    std::thread::sleep(WATCH);
    let after = network.nodes.height(0).unwrap_or_default();
    if after != stopped {
        return Err(Failure::refused(CHECK_FAILED, "two of four validators went on"));
    }
    tell(format!("validator 3 is killed; two of four decide nothing: block {stopped} stays the last"));

    network.start(2)?;
    network.start(3)?;
    let took = network.wait_for(&all, stopped + 5)?;
    tell(format!("both are back, and all go on after {:.1} s", took.as_secs_f64()));
    let took = transfers(&mut network, &all)?;
    tell(format!("{CLIENTS} transfers are final after {:.2} s", took.as_secs_f64()));

    let height = all.iter().filter_map(|index| network.nodes.height(*index)).max().unwrap_or_default();
    network.wait_for(&all, height)?;
    let blocks: Vec<Option<Value>> =
        all.iter().map(|index| network.nodes.get(*index, &format!("block/{height}"))).collect();
    let block = blocks.first().cloned().flatten().unwrap_or_default();
    if blocks.iter().any(|other| other.as_ref() != Some(&block)) {
        return Err(Failure::refused(
            CHECK_FAILED,
            format_args!("block {height} is not the same everywhere"),
        ));
    }
    tell(format!(
        "block {height} of epoch {} is the same at all four: state root {}",
        block["epoch"],
        block["state_root"].as_str().unwrap_or_default().get(..16).unwrap_or_default()
    ));
    let epoch = follow_checkpoints(&args.data.join("chain"), &mut network, &all)?;
    tell(format!(
        "a light client follows the checkpoints of {epoch} epochs from the genesis, at each of the four"
    ));
    output.result(&json!({ "height": height, "block": block, "transfers": 3 * CLIENTS, "epochs": epoch }));
    if args.stay {
        output.line(format_args!("The validators run: {}", network.nodes.url(0, "status")));
        network.wait();
    }
    Ok(())
}
