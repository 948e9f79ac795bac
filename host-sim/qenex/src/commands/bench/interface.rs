//! `qenex bench interface`: a node with accounts in custody, in a process of its own, as programs ask it. How long it takes to start, how long a swap takes until it is accepted,
//! signed by the device and handed in; and how it bears many connections and writers, with some among them that misbehave.
//!
//! Disks differ more than anything else here: beside each figure stands how long the same disk takes to make a few bytes durable.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use qenex_core::error::CHECK_FAILED;
use qenex_service::testnet::{NewTestnet, create};
use serde_json::{Value, json};

use super::chain::Folder;
use super::hostile::{self, Hostile};
use crate::args::{Consensus, InterfaceLoad};
use crate::commands::testnet::{now_ms, transfer};
use crate::files::unwritable;
use crate::output::{Failure, Output};
use crate::processes::PATIENCE;

/// Accounts in custody: the first makes the pool, the others swap.
const CUSTODY: u8 = 5;

/// How often a program that only listens asks something.
const IDLE: Duration = Duration::from_secs(5);

/// Between two swaps: a device lets four transactions of an account wait.
const SWAP_PACE: Duration = Duration::from_millis(20);

/// Bytes of the stack of a thread that asks.
const STACK: usize = 256 << 10;

/// The node's process, which ends with the value.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Process {
    /// A figure of its memory, in bytes: `VmRSS`, `VmHWM`.
    fn memory(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) * 1_024
    }
}

/// Durations, of which half took no longer than the median.
#[derive(Default)]
pub struct Durations(pub Vec<Duration>);

impl Durations {
    /// In milliseconds: so much of them took no longer.
    pub fn at(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort();
        let found = sorted.get((sorted.len() as f64 * share) as usize).or(sorted.last());
        1e3 * found.copied().unwrap_or_default().as_secs_f64()
    }

    fn line(&self) -> String {
        format!(
            "{:.2} ms (median), {:.2} ms (99 of 100), {} times",
            self.at(0.5),
            self.at(0.99),
            self.0.len()
        )
    }

    fn json(&self) -> Value {
        json!({ "median_ms": self.at(0.5), "p99_ms": self.at(0.99), "count": self.0.len() })
    }
}

fn failed(detail: impl std::fmt::Display) -> Failure {
    Failure::refused(CHECK_FAILED, detail)
}

/// Who asks the node.
struct Asker {
    agent: ureq::Agent,
    url: String,
    key: String,
}

impl Asker {
    fn new(port: u16, key: &str) -> Self {
        let timeout = Some(Duration::from_secs(30));
        let agent = ureq::Agent::config_builder().timeout_global(timeout).http_status_as_error(false).build();
        Self { agent: agent.into(), url: format!("http://127.0.0.1:{port}"), key: format!("Bearer {key}") }
    }

    fn get(&self, path: &str) -> Option<(u16, Value)> {
        let url = format!("{}{path}", self.url);
        let mut answer = self.agent.get(url).header("authorization", &self.key).call().ok()?;
        Some((answer.status().as_u16(), answer.body_mut().read_json().ok()?))
    }

    fn post(&self, path: &str, body: &Value) -> Option<(u16, Value)> {
        let url = format!("{}{path}", self.url);
        let mut answer = self.agent.post(url).header("authorization", &self.key).send_json(body).ok()?;
        Some((answer.status().as_u16(), answer.body_mut().read_json().ok()?))
    }

    /// Hands in a signed transaction. Returns the status; zero if nothing was answered.
    fn submit(&self, signed: &[u8]) -> u16 {
        let url = format!("{}/api/tx", self.url);
        let sent = self.agent.post(url).header("authorization", &self.key).send(hex::encode(signed));
        sent.map_or(0, |mut answer| {
            // Read to its end, so that the connection is used again.
            let _ = answer.body_mut().read_to_vec();
            answer.status().as_u16()
        })
    }

    /// Sends an order of custody until the device takes it, and waits until it is final.
    fn order(&self, path: &str, body: &Value) -> Result<(), Failure> {
        let start = Instant::now();
        let mut sent = None;
        while start.elapsed() < PATIENCE {
            match &sent {
                None => match self.post(path, body) {
                    Some((202, answer)) => sent = answer["id"].as_str().map(str::to_string),
                    Some((503, _)) | None => {}
                    Some((status, answer)) => return Err(failed(format_args!("{path}: {status} {answer}"))),
                },
                Some(id) => {
                    if self.get(&format!("/api/transaction/{id}")).is_some_and(|(status, _)| status == 200) {
                        return Ok(());
                    }
                }
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Err(failed(format_args!("{path}: not final in {PATIENCE:?}")))
    }
}

/// How long the disk of a folder takes to make a few bytes durable.
fn disk(folder: &Path) -> Result<Durations, Failure> {
    let path = folder.join("durable");
    let file = File::create(&path).map_err(unwritable(&path))?;
    let mut durations = Durations::default();
    for place in 0..300 {
        let start = Instant::now();
        file.write_all_at(&[7; 512], place * 512)
            .and_then(|()| file.sync_data())
            .map_err(unwritable(&path))?;
        durations.0.push(start.elapsed());
    }
    Ok(durations)
}

/// Starts the node. Returns it, how long it took to answer, and an administrator's key.
fn start(config: &Path, port: u16) -> Result<(Process, Duration, String), Failure> {
    let program = std::env::current_exe().map_err(unwritable(config))?;
    let path = config.with_file_name("log");
    let log = File::create(&path).map_err(unwritable(&path))?;
    let begun = Instant::now();
    let child = Command::new(program)
        .args(["node", "--config"])
        .arg(config)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .map_err(unwritable(&path))?;
    let mut process = Process(child);
    let asker = Asker::new(port, "");
    while asker.get("/health").is_none() {
        if begun.elapsed() > PATIENCE || process.0.try_wait().is_ok_and(|status| status.is_some()) {
            return Err(failed(format_args!("the node does not answer; see {}", path.display())));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let took = begun.elapsed();
    let printed = process.0.stdout.take().ok_or_else(|| failed("the node prints nothing"))?;
    let mut line = String::new();
    BufReader::new(printed).read_line(&mut line).map_err(unwritable(&path))?;
    let first = Asker::new(port, line.trim().rsplit(' ').next().unwrap_or_default());
    let made = first.post("/api/keys", &json!({ "name": "bench", "role": "admin", "accounts": "*" }));
    let key = made.and_then(|(_, made)| Some(made["key"].as_str()?.to_string()));
    Ok((process, took, key.ok_or_else(|| failed("the first key makes no other"))?))
}

pub fn run(args: &InterfaceLoad, output: &Output) -> Result<(), Failure> {
    let folder =
        Folder(std::env::temp_dir().join(format!("qenex-bench-interface-{}", std::process::id())), true);
    let new = NewTestnet {
        consensus: Consensus::Stake.into(),
        validators: 1,
        followers: 0,
        clients: args.writers.max(2),
        epoch_blocks: 100_000,
        block_interval_ms: 100,
        history_blocks: None,
        hosts: Vec::new(),
        base_port: args.base_port,
        devices: Vec::new(),
        custody: CUSTODY,
        time_ms: now_ms(),
    };
    let configs = create(&folder.0, &new)?;
    let config = configs.first().cloned().unwrap_or_default();
    let connections = args.connections as usize + args.writers as usize + args.slow as usize + 16;
    open_to_all(&config, connections)?;
    let disk = disk(&folder.0)?;
    let port = args.base_port + 1;
    let (process, took, key) = start(&config, port)?;
    let asker = Asker::new(port, &key);
    output.line(format_args!("start                {:.0} ms to the first answer", 1e3 * took.as_secs_f64()));
    output.line(format_args!("durable write        {}", disk.line()));

    let reads = timed(args.swaps, || asker.get("/api/status").is_some_and(|(status, _)| status == 200));
    output.line(format_args!("GET /api/status      {}", reads.line()));
    let (swaps, later) = swap(&asker, args.swaps)?;
    output.line(format_args!(
        "POST /api/swap       {} to accepted; the device let {later} wait for a block",
        swaps.line()
    ));
    let memory = process.memory("VmHWM");
    output.line(format_args!("memory               {:.1} MB at the most", memory as f64 / 1e6));
    let load = load(args, &process, port, &key, output)?;
    output.result(&json!({
        "start_ms": 1e3 * took.as_secs_f64(),
        "durable_write": disk.json(),
        "status": reads.json(),
        "swap": swaps.json(),
        "swaps_later": later,
        "memory_bytes": memory,
        "load": load,
    }));
    Ok(())
}

/// Lets everybody who is measured in.
fn open_to_all(config: &Path, connections: usize) -> Result<(), Failure> {
    let text = std::fs::read(config).map_err(unwritable(config))?;
    let mut settings: Value = serde_json::from_slice(&text).map_err(failed)?;
    settings["interface"]["max_connections"] = connections.into();
    settings["interface"]["max_connections_per_address"] = connections.into();
    settings["interface"]["requests_per_minute"] = 0.into();
    std::fs::write(config, settings.to_string()).map_err(unwritable(config))
}

fn timed(count: u32, mut ask: impl FnMut() -> bool) -> Durations {
    let mut durations = Durations::default();
    for _ in 0..count {
        let start = Instant::now();
        if ask() {
            durations.0.push(start.elapsed());
        }
    }
    durations
}

/// Swaps, one after the other, of all accounts in turn; and how many the device did not take before the next block.
fn swap(asker: &Asker, count: u32) -> Result<(Durations, u32), Failure> {
    asker.order("/api/pool", &json!({ "account": "BANK_001", "pool": "QNX-USDC", "asset_a": "QNX", "asset_b": "USDC", "fee_bps": 30 }))?;
    let liquidity = json!({ "account": "BANK_001", "pool": "QNX-USDC", "max_a": "100000", "max_b": "100000", "min_shares": "0" });
    asker.order("/api/liquidity", &liquidity)?;
    let (mut durations, mut later, mut number) = (Durations::default(), 0, 0u32);
    while durations.0.len() < count as usize {
        std::thread::sleep(SWAP_PACE);
        let account = format!("BANK_{:03}", 2 + number % u32::from(CUSTODY - 1));
        number += 1;
        let (one, other) = if number % 2 == 0 { ("QNX", "USDC") } else { ("USDC", "QNX") };
        let body = json!({ "account": account, "token_in": one, "token_out": other, "amount_in": "0.01", "max_slippage_bps": 10_000 });
        let start = Instant::now();
        match asker.post("/api/swap", &body) {
            Some((202, _)) => durations.0.push(start.elapsed()),
            Some((503, _)) => later += 1,
            other => return Err(failed(format_args!("a swap: {other:?}"))),
        }
        if later > 10 * count {
            return Err(failed("the device takes no swaps"));
        }
    }
    Ok((durations, later))
}

/// What many connections and writers saw.
#[derive(Default)]
struct Seen {
    reads: Durations,
    writes: Durations,
    /// How many answers of which status; zero where there was none.
    answers: BTreeMap<u16, u64>,
}

fn load(
    args: &InterfaceLoad,
    process: &Process,
    port: u16,
    key: &str,
    output: &Output,
) -> Result<Value, Failure> {
    if args.seconds == 0 {
        return Ok(Value::Null);
    }
    let status = Asker::new(port, key).get("/api/status").map(|(_, status)| status).unwrap_or_default();
    let chain = status["chain_id"].as_str().unwrap_or_default().to_string();
    let seen = Mutex::new(Seen::default());
    let misbehaved = Mutex::new(Hostile::default());
    let (stop, sent) = (AtomicBool::new(false), AtomicU64::new(0));
    let mut memory = vec![process.memory("VmRSS")];
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let (seen, stop, sent, chain, misbehaved) = (&seen, &stop, &sent, &chain, &misbehaved);
        let thread = || std::thread::Builder::new().stack_size(STACK);
        for number in 0..args.connections {
            let ask = move || {
                let asker = Asker::new(port, key);
                // Not all at once.
                std::thread::sleep(IDLE * (number % 1_000) / 1_000);
                while !stop.load(Ordering::Relaxed) {
                    let start = Instant::now();
                    let status = asker.get("/api/status").map_or(0, |(status, _)| status);
                    let took = start.elapsed();
                    let mut seen = seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    *seen.answers.entry(status).or_default() += 1;
                    seen.reads.0.push(took);
                    drop(seen);
                    std::thread::sleep(IDLE);
                }
            };
            thread().spawn_scoped(scope, ask).map_err(failed)?;
        }
        for number in 0..args.writers {
            let write = move || {
                let asker = Asker::new(port, key);
                let mut nonce = 0;
                while !stop.load(Ordering::Relaxed) {
                    let Ok(signed) = transfer(chain, (number, (number + 1) % args.writers.max(2)), 1, nonce)
                    else {
                        return;
                    };
                    let start = Instant::now();
                    let status = asker.submit(&signed);
                    let took = start.elapsed();
                    let accepted = status / 100 == 2;
                    nonce += u64::from(accepted);
                    sent.fetch_add(u64::from(accepted), Ordering::Relaxed);
                    let mut seen = seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    *seen.answers.entry(status).or_default() += 1;
                    seen.writes.0.push(took);
                    drop(seen);
                    std::thread::sleep(Duration::from_millis(args.pause_ms));
                }
            };
            thread().spawn_scoped(scope, write).map_err(failed)?;
        }
        // One of them sends bodies that are too long, the others heads that never end.
        for number in 0..args.slow {
            let misbehave = move || {
                let became = match number {
                    0 => hostile::long_bodies(port, key, stop),
                    _ => hostile::slow_heads(port, stop),
                };
                misbehaved.lock().unwrap_or_else(std::sync::PoisonError::into_inner).join(became);
            };
            thread().spawn_scoped(scope, misbehave).map_err(failed)?;
        }
        while begun.elapsed() < Duration::from_secs(args.seconds) {
            std::thread::sleep(Duration::from_secs(args.seconds.div_ceil(10)));
            memory.push(process.memory("VmRSS"));
        }
        stop.store(true, Ordering::Relaxed);
        Ok::<_, Failure>(())
    })?;
    let seen = seen.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    let per_second = sent.into_inner() as f64 / begun.elapsed().as_secs_f64();
    let megabytes: Vec<String> = memory.iter().map(|bytes| format!("{:.0}", *bytes as f64 / 1e6)).collect();
    output.line(format_args!(
        "load                 {} connections and {} writers for {} s: {per_second:.0} transfers/s",
        args.connections, args.writers, args.seconds
    ));
    output.line(format_args!("  reads              {}", seen.reads.line()));
    output.line(format_args!("  writes             {}", seen.writes.line()));
    output.line(format_args!("  answers by status  {:?} (0: none)", seen.answers));
    let misbehaved = misbehaved.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    if args.slow > 0 {
        let who = format!("{} misbehave", args.slow);
        output.line(format_args!("  {who:<19}{}", misbehaved.line()));
    }
    output.line(format_args!("  memory in MB       {}", megabytes.join(" ")));
    Ok(json!({
        "connections": args.connections,
        "writers": args.writers,
        "seconds": args.seconds,
        "transfers_per_second": per_second,
        "reads": seen.reads.json(),
        "writes": seen.writes.json(),
        "answers": seen.answers,
        "misbehaved": misbehaved.json(),
        "memory_bytes": memory,
    }))
}
