//! `qenex testnet kill`: validators are killed (SIGKILL) and started again at random, while clients send transfers.
//!
//! Each client has one transfer under way, gives it to a node that takes it, and counts it when a node says that it is final. At the end its balance
//! must be what it counted, at every node.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use qenex_core::error::CHECK_FAILED;
use qenex_service::config::block_interval_ms;
use qenex_service::testnet::{NewTestnet, client_account, create};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;

use super::{MARKER, now_ms, transfer};
use crate::args::{Consensus, TestnetKill};
use crate::files::make_room;
use crate::output::{Failure, Output};
use crate::processes::{Nodes, PATIENCE, Processes};

/// Clients, and what each has at the beginning.
const CLIENTS: u32 = 64;
const OPENING: u64 = 1_000_000;
/// Threads that play them.
const THREADS: u32 = 4;
/// How long a client waits before it gives its transfer to another node.
const AGAIN: Duration = Duration::from_secs(3);
/// Between two looks at a client.
const LOOK: Duration = Duration::from_millis(5);

/// What the clients count: the balance of each, and the transfers that are final.
struct Ledger {
    balances: Vec<u64>,
    transfers: u64,
}

pub fn run(args: &TestnetKill, output: &Output) -> Result<(), Failure> {
    make_room(&args.data, MARKER)?;
    let chain = args.data.join("chain");
    let new = NewTestnet {
        consensus: Consensus::Stake.into(),
        validators: args.validators,
        followers: 0,
        clients: CLIENTS,
        epoch_blocks: 100,
        block_interval_ms: block_interval_ms(),
        history_blocks: None,
        hosts: Vec::new(),
        base_port: args.base_port,
        devices: Vec::new(),
        custody: 0,
        time_ms: now_ms(),
    };
    let mut network = Processes::new(create(&chain, &new)?, args.base_port);
    let all: Vec<u16> = (0..args.validators).collect();
    all.iter().try_for_each(|index| network.start(*index))?;
    network.wait_for(&all, 1)?;
    output.line(format_args!("{} validators, {CLIENTS} clients, seed {}", args.validators, args.seed));

    let ledger = Mutex::new(Ledger { balances: vec![OPENING; CLIENTS as usize], transfers: 0 });
    let stop = AtomicBool::new(false);
    let kills = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..THREADS)
            .map(|thread| {
                let (ledger, stop) = (&ledger, &stop);
                scope.spawn(move || clients(args, thread, ledger, stop))
            })
            .collect();
        let kills = kill(args, &mut network);
        stop.store(true, Ordering::Relaxed);
        let ended = clients.into_iter().map(|client| {
            client.join().map_err(|_| Failure::refused(CHECK_FAILED, "a client ended early"))?
        });
        ended.collect::<Result<Vec<()>, Failure>>().and(kills)
    })?;
    let height = all.iter().filter_map(|index| network.nodes.height(*index)).max().unwrap_or_default();
    network.wait_for(&all, height)?;
    let ledger = ledger.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    compare(&network.nodes, &all, &ledger)?;
    network.nodes.same_block(&all, height)?;
    output.line(format_args!(
        "{kills} kills in {} s, {} transfers final, {height} blocks: no transfer is lost, none was done twice, every node has the same roots",
        args.seconds, ledger.transfers
    ));
    output.result(&json!({ "kills": kills, "transfers": ledger.transfers, "height": height }));
    Ok(())
}

/// Kills a random node every few seconds, and starts it again some seconds later; at the end all run.
fn kill(args: &TestnetKill, network: &mut Processes) -> Result<u64, Failure> {
    let mut random = StdRng::seed_from_u64(args.seed);
    let end = Instant::now() + Duration::from_secs(args.seconds);
    let mut down: Vec<(u16, Instant)> = Vec::new();
    let mut next = Instant::now();
    let mut kills = 0;
    while Instant::now() < end || !down.is_empty() {
        let now = Instant::now();
        for (index, _) in down.extract_if(.., |(_, until)| *until <= now || now >= end) {
            network.start(index)?;
        }
        if now >= next && now < end {
            let index = random.random_range(0..args.validators);
            if down.iter().all(|(other, _)| *other != index) {
                network.kill(index)?;
                kills += 1;
                down.push((index, now + Duration::from_millis(random.random_range(100..6_000))));
            }
            next = now + Duration::from_millis(random.random_range(500..4_000));
        }
        network.check()?;
        std::thread::sleep(LOOK);
    }
    Ok(kills)
}

/// A transfer under way.
struct Sent {
    to: u32,
    amount: u64,
    signed: Vec<u8>,
    again: Instant,
}

/// Plays the clients of one thread.
fn clients(
    args: &TestnetKill,
    thread: u32,
    ledger: &Mutex<Ledger>,
    stop: &AtomicBool,
) -> Result<(), Failure> {
    let nodes = Nodes::new(args.base_port);
    let mut random = StdRng::seed_from_u64(args.seed ^ (u64::from(thread) + 1));
    let chain_id = nodes.chain_id();
    let mut own: Vec<(u32, u64, Option<Sent>)> =
        (thread..CLIENTS).step_by(THREADS as usize).map(|client| (client, 0, None)).collect();
    let mut stopped = None;
    loop {
        let node = random.random_range(0..args.validators);
        for (client, nonce, sent) in &mut own {
            if let Some(waiting) = sent {
                let account = nodes.get(node, &format!("account/{}", client_account(*client)));
                let found = account.and_then(|account| account.get("nonce")?.as_u64());
                if found.is_some_and(|found| found > *nonce) {
                    let mut ledger = ledger.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    ledger.balances[*client as usize] -= waiting.amount;
                    ledger.balances[waiting.to as usize] += waiting.amount;
                    ledger.transfers += 1;
                    *nonce += 1;
                    *sent = None;
                } else if Instant::now() >= waiting.again {
                    let _ = nodes.submit(random.random_range(0..args.validators), &waiting.signed);
                    waiting.again = Instant::now() + AGAIN;
                }
            } else if !stop.load(Ordering::Relaxed) {
                let (to, amount) =
                    ((*client + random.random_range(1..CLIENTS)) % CLIENTS, random.random_range(1..10));
                let signed = transfer(&chain_id, (*client, to), amount, *nonce)?;
                let _ = nodes.submit(node, &signed);
                *sent = Some(Sent { to, amount, signed, again: Instant::now() + AGAIN });
            }
        }
        if stop.load(Ordering::Relaxed) {
            let since = *stopped.get_or_insert_with(Instant::now);
            if own.iter().all(|(.., sent)| sent.is_none()) {
                return Ok(());
            }
            if since.elapsed() > PATIENCE {
                return Err(Failure::refused(CHECK_FAILED, "a transfer does not become final"));
            }
        }
        std::thread::sleep(LOOK);
    }
}

/// Whether every node says of every client what the clients counted.
fn compare(nodes: &Nodes, all: &[u16], ledger: &Ledger) -> Result<(), Failure> {
    for index in all {
        for (client, balance) in (0..).zip(&ledger.balances) {
            let account = client_account(client);
            let found = nodes.get(*index, &format!("account/{account}/USDC"));
            let found = found.and_then(|found| found.get("amount")?.as_str().map(str::to_string));
            if found.as_deref() != Some(balance.to_string().as_str()) {
                let detail = format!("{account} has {found:?} at node {index}, and must have {balance}");
                return Err(Failure::refused(CHECK_FAILED, detail));
            }
        }
    }
    Ok(())
}
