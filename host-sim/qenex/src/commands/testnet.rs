//! `qenex testnet`: a chain of several validators on this machine.
//!
//! `run` tells a story: four validators decide, one of them is killed and the others go on, a second one is killed and nothing goes on, both come back and
//! nothing is lost; a light client follows the checkpoints of what was decided.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use qenex_core::consensus::{Anchor, Trusted};
use qenex_core::error::{CHECK_FAILED, INPUT_FILE};
use qenex_core::id::AccountId;
use qenex_core::num::Amount;
use qenex_core::tx::{Leg, LegsBuf, Op, Transaction, Transfer};
use qenex_node::chain::Chain;
use qenex_service::genesis_file::GenesisFile;
use qenex_service::testnet::{LABEL, NewTestnet, client_account, config_of, create};
use serde_json::{Value, json};

use crate::args::{Testnet, TestnetNew, TestnetRun};
use crate::files::{make_room, unwritable};
use crate::keys;
use crate::light;
use crate::output::{Failure, Output};

/// In a folder that another run may replace.
const MARKER: &str = "testnet";

const VALIDATORS: u16 = 4;
const CLIENTS: u32 = 100;

/// Blocks of an epoch in the story.
const EPOCH_BLOCKS: u64 = 30;

/// How long the story waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long a chain without a quorum is watched.
const WATCH: Duration = Duration::from_secs(5);

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

/// The processes of a chain.
struct Network<'a> {
    data: &'a Path,
    base_port: u16,
    children: Vec<Option<Child>>,
    agent: ureq::Agent,
}

impl Network<'_> {
    fn start(&mut self, index: u16) -> Result<(), Failure> {
        let config = config_of(&self.data.join("chain"), index);
        let log = config.with_file_name("log");
        let log = File::options().create(true).append(true).open(&log).map_err(unwritable(&log))?;
        let program = std::env::current_exe().map_err(unwritable(self.data))?;
        let child = Command::new(program)
            .args(["node", "--config"])
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(unwritable(self.data))?;
        self.children[usize::from(index)] = Some(child);
        Ok(())
    }

    /// SIGKILL: nothing in the process runs any more.
    fn kill(&mut self, index: u16) -> Result<(), Failure> {
        if let Some(mut child) = self.children[usize::from(index)].take() {
            child.kill().map_err(unwritable(self.data))?;
            child.wait().map_err(unwritable(self.data))?;
        }
        Ok(())
    }

    fn url(&self, index: u16, path: &str) -> String {
        format!("http://127.0.0.1:{}/api/{path}", self.base_port + 2 * index + 1)
    }

    /// What a node answers; nothing if it does not.
    fn get(&self, index: u16, path: &str) -> Option<Value> {
        self.agent.get(self.url(index, path)).call().ok()?.body_mut().read_json().ok()
    }

    fn height(&self, index: u16) -> Option<u64> {
        self.get(index, "status")?.get("height")?.as_u64()
    }

    /// Waits until all of these nodes have this height. Returns how long it took.
    fn wait_for(&mut self, nodes: &[u16], height: u64) -> Result<Duration, Failure> {
        let start = Instant::now();
        loop {
            for index in nodes {
                if let Some(child) = &mut self.children[usize::from(*index)]
                    && let Ok(Some(status)) = child.try_wait()
                {
                    let log = config_of(&self.data.join("chain"), *index).with_file_name("log");
                    let detail = format!("validator {} ended ({status}); see {}", index + 1, log.display());
                    return Err(Failure::refused(CHECK_FAILED, detail));
                }
            }
            if nodes.iter().all(|index| self.height(*index).is_some_and(|found| found >= height)) {
                return Ok(start.elapsed());
            }
            if start.elapsed() > PATIENCE {
                let heights: Vec<Option<u64>> = nodes.iter().map(|index| self.height(*index)).collect();
                let detail = format!("height {height} was not reached in {PATIENCE:?}: {heights:?}");
                return Err(Failure::refused(CHECK_FAILED, detail));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn submit(&self, index: u16, signed: &[u8]) -> Result<(), Failure> {
        let sent = self.agent.post(self.url(index, "tx")).send(hex::encode(signed));
        sent.map(|_| ()).map_err(|error| Failure::refused(INPUT_FILE, format_args!("a transfer: {error}")))
    }
}

impl Drop for Network<'_> {
    fn drop(&mut self) {
        for child in self.children.iter_mut().flatten() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A transfer of one USDC from one client to the next.
fn transfer(chain: &str, from: u32, nonce: u64) -> Result<Vec<u8>, Failure> {
    fn parse<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, Failure> {
        text.parse().map_err(|error| Failure::argument(text, error))
    }
    let sender: AccountId = parse(&client_account(from))?;
    let leg =
        Leg { to: parse(&client_account((from + 1) % CLIENTS))?, amount: Amount::ONE, reference: parse("")? };
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
fn follow_checkpoints(network: &mut Network<'_>, nodes: &[u16]) -> Result<u64, Failure> {
    let path = network.data.join("chain").join("genesis.json");
    let genesis = GenesisFile::read(&path)?.genesis().map_err(|error| Failure::argument("genesis", error))?;
    let header = Chain::new(&genesis, usize::MAX)?.tip().clone();
    network.wait_for(nodes, EPOCH_BLOCKS + 1)?;
    let over = network.height(nodes[0]).unwrap_or_default() / EPOCH_BLOCKS;
    for index in nodes {
        let anchor = Anchor { header: header.clone(), trusting_period_ms: u64::MAX };
        let wrong = |detail: String| Failure::refused(CHECK_FAILED, detail);
        let mut trusted = Trusted::new(&anchor).map_err(|error| wrong(format!("{error:?}")))?;
        for epoch in 1..=over {
            let start = Instant::now();
            let answer = loop {
                if let Some(answer) = network.get(*index, &format!("checkpoint/{epoch}")) {
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
        base_port: args.base_port,
        time_ms: now_ms(),
    };
    create(&args.data.join("chain"), &chain)?;
    let timeout = Some(Duration::from_secs(5));
    let agent = ureq::Agent::config_builder().timeout_global(timeout).http_status_as_error(true).build();
    let children = (0..VALIDATORS).map(|_| None).collect();
    let mut network = Network { data: &args.data, base_port: args.base_port, children, agent: agent.into() };
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
    let status = network.get(0, "status").unwrap_or_default();
    let chain_id = status.get("chain_id").and_then(Value::as_str).unwrap_or_default().to_string();
    tell(format!("{chain_id}: {VALIDATORS} validators over encrypted TCP, block 1 is final"));

    let mut nonce = 0;
    let mut transfers = |network: &mut Network<'_>, nodes: &[u16]| -> Result<Duration, Failure> {
        let start = Instant::now();
        for from in 0..CLIENTS {
            let to = nodes[from as usize % nodes.len()];
            network.submit(to, &transfer(&chain_id, from, nonce)?)?;
        }
        nonce += 1;
        let has_all = |network: &Network<'_>| {
            (0..CLIENTS).all(|client| {
                let account = network.get(nodes[0], &format!("account/{}", client_account(client)));
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
    let stopped = network.height(0).unwrap_or_default();
    std::thread::sleep(WATCH);
    let after = network.height(0).unwrap_or_default();
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

    let height = all.iter().filter_map(|index| network.height(*index)).max().unwrap_or_default();
    network.wait_for(&all, height)?;
    let blocks: Vec<Option<Value>> =
        all.iter().map(|index| network.get(*index, &format!("block/{height}"))).collect();
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
    let epoch = follow_checkpoints(&mut network, &all)?;
    tell(format!(
        "a light client follows the checkpoints of {epoch} epochs from the genesis, at each of the four"
    ));
    output.result(&json!({ "height": height, "block": block, "transfers": 3 * CLIENTS, "epochs": epoch }));
    if args.stay {
        output.line(format_args!("The validators run: {}", network.url(0, "status")));
        for child in network.children.iter_mut().flatten() {
            let _ = child.wait();
        }
    }
    Ok(())
}
