//! The process that gives transfers to the validators of `qenex bench chain`, and watches them become final.
//!
//! First as many as they take, then half of what they made final. Each account sends to one node, in the order of its nonces.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use qenex_core::error::CHECK_FAILED;
use qenex_core::id::{AccountId, AssetId, ChainId, Reference};
use qenex_core::num::Amount;
use qenex_core::tx::{Leg, LegsBuf, MAX_SIGNED_LEN, Op, SignedTransaction, Transaction, Transfer};
use qenex_node::block::Block;
use qenex_service::testnet::{LABEL, client_account};
use qenex_signatures::LoadSigner;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::load;
use crate::args::ChainLoad;
use crate::keys::label_seed;
use crate::output::Failure;
use crate::processes::{Nodes, PATIENCE};

/// Transfers of a message while as many as possible are sent.
const MESSAGE: usize = 1_000;
/// How often a message goes out while half is sent.
const PACE: Duration = Duration::from_millis(20);
/// How often the newest height is asked for.
const POLL: Duration = Duration::from_millis(4);
/// What is not counted at the beginning.
const WARM_UP: Duration = Duration::from_secs(2);

/// What came out.
#[derive(Debug, Serialize, Deserialize)]
pub struct Measured {
    /// Transfers that became final, in both parts.
    pub transfers: u64,
    /// Transfers that became final in a second, in the first part.
    pub per_second: f64,
    /// Blocks in it.
    pub blocks: u64,
    /// What was sent in a second of the second part.
    pub offered_per_second: f64,
    /// From sending to seeing the final block, in milliseconds: half of them took no longer, 99 of 100, all.
    pub waits_ms: (f64, f64, f64),
}

/// Signed transfers in the order in which they are sent to one node.
struct Lane {
    node: u16,
    transfers: Vec<Vec<u8>>,
    next: usize,
}

/// What has become final, as the first node tells.
#[derive(Default)]
struct Watched {
    /// When each block was seen, and how many transfers were final with it.
    blocks: Vec<(Instant, u64)>,
    /// When the transfers of the second part were sent, by sender and nonce.
    sent: HashMap<(AccountId, u64), Instant>,
    waits: Vec<Duration>,
}

pub fn run(args: &ChainLoad) -> Result<(), Failure> {
    let nodes = Nodes::new(args.base_port);
    let status = nodes.get(0, "status").unwrap_or_default();
    let chain_id = status.get("chain_id").and_then(Value::as_str).unwrap_or_default();
    let chain_id: ChainId = chain_id.parse().map_err(|error| Failure::argument("chain", error))?;
    let start_height = status.get("height").and_then(Value::as_u64).unwrap_or_default();
    let count = 2 * (args.seconds + 4) * args.per_second_max;
    let mut lanes = sign_all(args, chain_id, count)?;

    let (accepted, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let watched = Mutex::new(Watched::default());
    std::thread::scope(|scope| {
        scope.spawn(|| watch(&nodes, start_height, &watched, &stop));
        let measured = measure(args, &nodes, &mut lanes, &accepted, &watched);
        stop.store(true, Ordering::Relaxed);
        let text =
            serde_json::to_string(&measured?).map_err(|error| Failure::refused(CHECK_FAILED, error))?;
        println!("{text}");
        Ok(())
    })
}

fn measure(
    args: &ChainLoad,
    nodes: &Nodes,
    lanes: &mut [Lane],
    accepted: &AtomicU64,
    watched: &Mutex<Watched>,
) -> Result<Measured, Failure> {
    let start = Instant::now();
    let end = start + WARM_UP + Duration::from_secs(args.seconds);
    std::thread::scope(|scope| {
        for lane in lanes.iter_mut() {
            scope.spawn(move || {
                while Instant::now() < end && lane.next < lane.transfers.len() {
                    if send(nodes, lane, MESSAGE, accepted) < MESSAGE {
                        std::thread::sleep(PACE);
                    }
                }
            });
        }
    });
    let exhausted = lanes.iter().any(|lane| lane.next >= lane.transfers.len());
    if exhausted {
        let detail = "too few transfers were made: --per-second-max must be more than the chain takes";
        return Err(Failure::refused(CHECK_FAILED, detail));
    }
    all_final(accepted, watched)?;
    let (per_second, blocks) = rate(watched, start + WARM_UP, end);

    // Half of that, in steps; every transfer is looked for in the blocks.
    let offered_per_second = per_second / 2.0;
    let each = offered_per_second * PACE.as_secs_f64() / lanes.len() as f64;
    let start = Instant::now();
    let steps = (args.seconds as f64 / PACE.as_secs_f64()) as u32;
    std::thread::scope(|scope| {
        for lane in lanes.iter_mut() {
            scope.spawn(move || {
                let mut done = 0;
                for step in 0..steps {
                    std::thread::sleep((start + step * PACE).saturating_duration_since(Instant::now()));
                    let due = (f64::from(step + 1) * each) as usize - done;
                    note(lane, due, watched);
                    done += send(nodes, lane, due, accepted);
                }
            });
        }
    });
    all_final(accepted, watched)?;
    let mut waits: Vec<f64> = lock(watched).waits.iter().map(|wait| 1e3 * wait.as_secs_f64()).collect();
    waits.sort_by(f64::total_cmp);
    let at = |share: f64| {
        waits.get((waits.len() as f64 * share) as usize).or(waits.last()).copied().unwrap_or_default()
    };
    Ok(Measured {
        transfers: accepted.load(Ordering::Relaxed),
        per_second,
        blocks,
        offered_per_second,
        waits_ms: (at(0.5), at(0.99), at(1.0)),
    })
}

fn lock(watched: &Mutex<Watched>) -> std::sync::MutexGuard<'_, Watched> {
    watched.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Signs transfers of a cent from each account to the next, round after round, and gives each account's to one node.
fn sign_all(args: &ChainLoad, chain_id: ChainId, count: u64) -> Result<Vec<Lane>, Failure> {
    let clients = u64::from(args.clients);
    let asset: AssetId = "USDC".parse().map_err(|error| Failure::argument("asset", error))?;
    let name = |index: u64| {
        client_account((index % clients) as u32)
            .parse::<AccountId>()
            .map_err(|error| Failure::argument("account", error))
    };
    let sign = |client: u64| -> Result<Vec<Vec<u8>>, Failure> {
        let (sender, to) = (name(client)?, name(client + 1)?);
        let key = LoadSigner::from_seed(&label_seed(LABEL, sender.as_str()))
            .map_err(|error| Failure::argument("key", error))?;
        let amount = Amount::from_units(10u128.pow(16)).unwrap_or(Amount::ONE);
        let reference = Reference::new("").map_err(|error| Failure::argument("reference", error))?;
        let legs = LegsBuf::new(&[Leg { to, amount, reference }])
            .map_err(|error| Failure::argument("legs", error))?;
        let mut buffer = [0; MAX_SIGNED_LEN];
        let rounds = count.div_ceil(clients);
        let signed = (0..rounds).map(|nonce| {
            let transaction = Transaction {
                chain_id,
                sender,
                nonce,
                last_valid_height: u64::MAX,
                fee: Amount::ZERO,
                op: Op::Transfer(Transfer { asset, legs: legs.get() }),
            };
            Ok(load::sign(&key, &transaction, &mut buffer)?.to_vec())
        });
        signed.collect()
    };
    let lane = |node: u16| -> Result<Lane, Failure> {
        let own = (u64::from(node)..clients).step_by(usize::from(args.validators));
        let accounts = own.map(sign).collect::<Result<Vec<_>, _>>()?;
        let mut accounts: Vec<_> = accounts.into_iter().map(Vec::into_iter).collect();
        let mut transfers = Vec::new();
        while let Some(first) = accounts.first_mut().and_then(Iterator::next) {
            transfers.push(first);
            transfers.extend(accounts.iter_mut().skip(1).filter_map(Iterator::next));
        }
        Ok(Lane { node, transfers, next: 0 })
    };
    std::thread::scope(|scope| {
        let lane = &lane;
        let threads: Vec<_> = (0..args.validators).map(|node| scope.spawn(move || lane(node))).collect();
        threads
            .into_iter()
            .map(|thread| {
                thread.join().map_err(|_| Failure::refused(CHECK_FAILED, "a thread ended early"))?
            })
            .collect()
    })
}

/// Notes when the next transfers of a lane are sent.
fn note(lane: &Lane, count: usize, watched: &Mutex<Watched>) {
    let now = Instant::now();
    let mut watched = lock(watched);
    for signed in lane.transfers.iter().skip(lane.next).take(count) {
        if let Ok(SignedTransaction { transaction, .. }) = SignedTransaction::decode(signed) {
            watched.sent.entry((transaction.sender, transaction.nonce)).or_insert(now);
        }
    }
}

/// Sends up to so many transfers of a lane in one message. Returns how many were taken; the others are sent again later.
fn send(nodes: &Nodes, lane: &mut Lane, count: usize, accepted: &AtomicU64) -> usize {
    let end = (lane.next + count).min(lane.transfers.len());
    let Some(part) = lane.transfers.get(lane.next..end).filter(|part| !part.is_empty()) else { return 0 };
    let mut message = Vec::new();
    for signed in part {
        message.extend_from_slice(&(signed.len() as u32).to_le_bytes());
        message.extend_from_slice(signed);
    }
    let answer = nodes.submit_several(lane.node, &message).unwrap_or_default();
    let refused: Vec<usize> = answer
        .get("refused")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|refusal| Some(refusal.get("index")?.as_u64()? as usize))
        .collect();
    let taken = answer.get("accepted").and_then(Value::as_u64).unwrap_or_default() as usize;
    let again: Vec<Vec<u8>> = refused.iter().filter_map(|index| part.get(*index)).cloned().collect();
    // What was refused goes first the next time.
    if taken + refused.len() == end - lane.next {
        lane.next = end - again.len();
        let first = lane.next;
        for (place, signed) in again.into_iter().enumerate() {
            lane.transfers[first + place] = signed;
        }
        accepted.fetch_add(taken as u64, Ordering::Relaxed);
    }
    taken
}

/// Waits until all that was accepted is final.
fn all_final(accepted: &AtomicU64, watched: &Mutex<Watched>) -> Result<(), Failure> {
    let (start, wanted) = (Instant::now(), accepted.load(Ordering::Relaxed));
    loop {
        let found = lock(watched).blocks.last().map_or(0, |(_, transfers)| *transfers);
        if found == wanted {
            return Ok(());
        }
        if found > wanted || start.elapsed() > PATIENCE {
            let detail = format!("{wanted} transfers were accepted and {found} are final");
            return Err(Failure::refused(CHECK_FAILED, detail));
        }
        std::thread::sleep(PACE);
    }
}

/// Transfers a second that became final between two moments, and the blocks.
fn rate(watched: &Mutex<Watched>, from: Instant, to: Instant) -> (f64, u64) {
    let watched = lock(watched);
    let inside: Vec<&(Instant, u64)> =
        watched.blocks.iter().filter(|(seen, _)| (from..to).contains(seen)).collect();
    let (Some((first, before)), Some((last, after))) = (inside.first(), inside.last()) else {
        return (0.0, 0);
    };
    let seconds = last.duration_since(*first).as_secs_f64().max(1e-9);
    ((after - before) as f64 / seconds, inside.len() as u64 - 1)
}

/// Reads each block of the first node as it becomes final.
fn watch(nodes: &Nodes, start_height: u64, watched: &Mutex<Watched>, stop: &AtomicBool) {
    let (mut height, mut transfers) = (start_height, 0);
    while !stop.load(Ordering::Relaxed) {
        let newest = nodes.height(0).unwrap_or_default();
        let seen = Instant::now();
        while height < newest {
            let bytes = nodes.get_bytes(0, &format!("block/{}/bytes", height + 1)).unwrap_or_default();
            let Ok(block) = Block::decode(&bytes) else { break };
            height += 1;
            transfers += block.transactions.len() as u64;
            let mut watched = lock(watched);
            if !watched.sent.is_empty() {
                for signed in block.transactions.iter() {
                    let Ok(SignedTransaction { transaction, .. }) = SignedTransaction::decode(signed) else {
                        continue;
                    };
                    if let Some(sent) = watched.sent.remove(&(transaction.sender, transaction.nonce)) {
                        watched.waits.push(seen.duration_since(sent));
                    }
                }
            }
            watched.blocks.push((seen, transfers));
        }
        std::thread::sleep(POLL);
    }
}
