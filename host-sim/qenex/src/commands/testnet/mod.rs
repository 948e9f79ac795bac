//! `qenex testnet`: a chain of several nodes on this machine.
//!
//! `run` tells a story. Four validators decide, one of them is killed and the others go on, a second one is killed and nothing goes on, both come back and
//! nothing is lost; a light client follows the checkpoints of what was decided. Four miners work, one of them goes on alone, and those that come back take its chain.

mod kill;
mod stake;
mod work;

use std::fmt::Display;
use std::path::{Path, PathBuf};

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use qenex_core::error::CHECK_FAILED;
use qenex_core::id::AccountId;
use qenex_core::num::Amount;
use qenex_core::tx::{Leg, LegsBuf, Op, Transaction, Transfer};
use qenex_service::config::block_interval_ms;
use qenex_service::testnet::{LABEL, NewTestnet, client_account, create};
use serde_json::json;

use crate::args::{Consensus, Testnet, TestnetNew, TestnetRun, TestnetSend};
use crate::files::make_room;
use crate::keys;
use crate::output::{Failure, Output};
use crate::processes::{Nodes, PATIENCE, Processes};

/// In a folder that another run may replace.
const MARKER: &str = "testnet";

/// The nodes and the clients of a story.
const NODES: u16 = 4;
const CLIENTS: u32 = 100;

/// Blocks of an epoch in the story of the validators.
const EPOCH_BLOCKS: u64 = 30;

pub fn run(args: Testnet, output: &Output) -> Result<(), Failure> {
    match args {
        Testnet::New(args) => new(&args, output),
        Testnet::Run(args) => story(&args, output),
        Testnet::Send(args) => send(&args, output),
        Testnet::Kill(args) => kill::run(&args, output),
    }
}

pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn new(args: &TestnetNew, output: &Output) -> Result<(), Failure> {
    let nodes = args.validators + args.followers;
    if !args.hosts.is_empty() && args.hosts.len() != usize::from(nodes) {
        let detail = format!("{} addresses for {nodes} nodes", args.hosts.len());
        return Err(Failure::argument("hosts", detail));
    }
    if !args.devices.is_empty() && args.devices.len() != usize::from(args.validators) {
        let detail = format!("{} devices for {} validators", args.devices.len(), args.validators);
        return Err(Failure::argument("devices", detail));
    }
    if args.consensus == Consensus::Pow && !args.devices.is_empty() {
        return Err(Failure::argument("consensus", "--devices are for chains on which validators decide"));
    }
    if args.consensus == Consensus::Pow && (args.followers > 0 || args.history_blocks.is_some()) {
        let detail = "--followers and --history-blocks are for chains on which validators decide";
        return Err(Failure::argument("consensus", detail));
    }
    if args.consensus == Consensus::Pow && args.custody > 0 {
        return Err(Failure::argument("consensus", "--custody is for chains on which validators decide"));
    }
    if let Some(blocks) = args.history_blocks
        && blocks / 2 < args.epoch_blocks
    {
        let detail = format!("two epochs of {} blocks, at least", args.epoch_blocks);
        return Err(Failure::argument("history-blocks", detail));
    }
    let new = NewTestnet {
        consensus: args.consensus.into(),
        validators: args.validators,
        followers: args.followers,
        clients: args.clients,
        epoch_blocks: args.epoch_blocks,
        block_interval_ms: block_interval_ms(),
        history_blocks: args.history_blocks,
        hosts: args.hosts.clone(),
        base_port: args.base_port,
        devices: absolute(&args.devices)?,
        custody: args.custody,
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

/// The same places, wherever a node is started.
fn absolute(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let place =
        |path: &PathBuf| std::path::absolute(path).map_err(|error| Failure::argument("devices", error));
    paths.iter().map(place).collect()
}

fn story(args: &TestnetRun, output: &Output) -> Result<(), Failure> {
    make_room(&args.data, MARKER)?;
    let chain = NewTestnet {
        consensus: args.consensus.into(),
        validators: NODES,
        followers: u16::from(args.consensus == Consensus::Stake),
        clients: CLIENTS,
        epoch_blocks: EPOCH_BLOCKS,
        block_interval_ms: block_interval_ms(),
        history_blocks: None,
        hosts: Vec::new(),
        base_port: args.base_port,
        devices: Vec::new(),
        custody: 0,
        time_ms: now_ms(),
    };
    let folder = args.data.join("chain");
    let configs = create(&folder, &chain)?;
    let mut network = Network::new(&folder, configs, args.base_port);
    match args.consensus {
        Consensus::Stake => stake::story(&mut network, output)?,
        Consensus::Pow => work::story(&mut network, output)?,
    }
    if args.stay {
        output.line(format_args!("The nodes run: {}", network.processes.nodes.url(0, "status")));
        network.processes.wait();
    }
    Ok(())
}

/// Tells the steps of a story.
struct Steps<'a> {
    output: &'a Output,
    count: u32,
}

impl<'a> Steps<'a> {
    fn new(output: &'a Output, title: &str) -> Self {
        output.line(title);
        Self { output, count: 0 }
    }

    fn tell(&mut self, what: impl Display) {
        self.count += 1;
        self.output.line(format_args!("{:>3}  {what}", self.count));
    }
}

/// The nodes of a story, and what its clients do with them.
struct Network {
    /// Its folder.
    chain: PathBuf,
    processes: Processes,
}

impl Network {
    /// The nodes of a chain in this folder, none of which runs yet.
    fn new(chain: &Path, configs: Vec<PathBuf>, base_port: u16) -> Self {
        let processes = Processes::new(configs, base_port);
        Self { chain: chain.to_path_buf(), processes }
    }

    /// Starts all nodes and waits until they have this height. Returns their numbers.
    fn start(&mut self, height: u64) -> Result<Vec<u16>, Failure> {
        let all: Vec<u16> = (0..NODES).collect();
        all.iter().try_for_each(|index| self.processes.start(*index))?;
        self.processes.wait_for(&all, height)?;
        Ok(all)
    }

    /// See [`transfers`].
    fn transfers(&self, to: &[u16]) -> Result<Duration, Failure> {
        transfers(&self.processes.nodes, to, CLIENTS)
    }
}

/// Each of so many clients sends one transfer to one of these nodes. Returns how long it took until the first of them has all in its chain.
fn transfers(nodes: &Nodes, to: &[u16], clients: u32) -> Result<Duration, Failure> {
    let start = Instant::now();
    let nonce = |client| {
        let account = client_account(client);
        let found = nodes.get(to[0], &format!("account/{account}"));
        found.and_then(|found| found.get("nonce")?.as_u64()).ok_or_else(|| {
            Failure::refused(CHECK_FAILED, format_args!("{account}: {} says nothing", nodes.url(to[0], "")))
        })
    };
    let chain = nodes.chain_id();
    let before = (0..clients).map(nonce).collect::<Result<Vec<_>, _>>()?;
    for (from, nonce) in (0..clients).zip(&before) {
        let node = to[from as usize % to.len()];
        // What a chain of work has lost for a moment is sent again, the same bytes: a node that still has them does not take them twice.
        nodes.submit(node, &transfer(&chain, (from, (from + 1) % clients), 1, *nonce)?)?;
    }
    let has_all =
        || (0..clients).zip(&before).all(|(client, before)| nonce(client).is_ok_and(|now| now > *before));
    while !has_all() {
        if start.elapsed() > PATIENCE {
            return Err(Failure::refused(CHECK_FAILED, "transfers do not get into the chain"));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(start.elapsed())
}

fn send(args: &TestnetSend, output: &Output) -> Result<(), Failure> {
    let all: Vec<u16> = (0..args.validators).collect();
    let seconds = transfers(&Nodes::new(args.base_port), &all, args.clients)?.as_secs_f64();
    output.line(format_args!("{} transfers are final after {seconds:.2} s", args.clients));
    output.result(&json!({ "transfers": args.clients, "seconds": seconds }));
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
