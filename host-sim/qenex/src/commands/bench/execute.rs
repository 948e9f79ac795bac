//! `qenex bench execute`: the rules of the ledger alone, on one core.

use std::hint::black_box;
use std::time::Duration;

use qenex_core::ledger::{Effects, Env, Fetched, Reject, Signers, access, transition_into};
use qenex_node::clock::Stopwatch;
use qenex_node::node::{Node, NodeConfig};
use qenex_node::prepare::{Signatures, prepare};
use qenex_store::RealDisk;
use serde_json::json;

use super::load::{self, Prepared};
use crate::args::Load;
use crate::output::{Failure, Output};

/// How often the rules judge the first batch.
const ROUNDS: usize = 200;

/// Transfers of a block.
const BLOCK: usize = 8_192;

pub fn run(args: &Load, output: &Output) -> Result<(), Failure> {
    let prepared = Prepared::make(args)?;
    let config = NodeConfig { state_bytes: usize::MAX, ..NodeConfig::default() };
    let (mut node, _) = Node::open(RealDisk::open(prepared.path())?, config)?;
    let rules_ns = rules(&node, &prepared)?;
    let (mut decode, mut execute, mut count, mut refused) = (Duration::ZERO, Duration::ZERO, 0u64, 0u64);
    let mut batches = prepared.transfers()?.peekable();
    while batches.peek().is_some() {
        let mut execution = node.chain().begin(node.chain().tip_id(), 0, 0)?;
        while execution.len() < BLOCK
            && let Some(batch) = batches.next()
        {
            let batch = prepare(batch, Signatures::Committed);
            let mut watch = Stopwatch::start();
            for index in 0..batch.len() {
                let _ = black_box(batch.transaction(index));
            }
            watch.lap(&mut decode);
            for index in 0..batch.len() {
                match execution.push(&batch, index) {
                    Ok(()) => count += 1,
                    Err(_) => refused += 1,
                }
            }
            watch.lap(&mut execute);
        }
        let executed = execution.finish(super::load::operator()?)?;
        let id = node.chain_mut().seal(executed)?;
        node.chain_mut().finalize(id)?;
    }
    // Decoding was measured by itself before it was done again for execution.
    let execute = execute.saturating_sub(decode);
    let rate = count as f64 / execute.as_secs_f64();
    output.line(format_args!("{} accounts, {count} transfers, {refused} refused", args.accounts));
    output.line(format_args!("execution alone  {rate:.0} transfers/s and core"));
    output.line(format_args!(
        "  decoding       {:.0} ns each",
        1e9 * decode.as_secs_f64() / count.max(1) as f64
    ));
    output.line(format_args!(
        "  execution      {:.0} ns each",
        1e9 * execute.as_secs_f64() / count.max(1) as f64
    ));
    output.line(format_args!("    of which rules {rules_ns:.0} ns, on records that are at hand"));
    output.result(&json!({
        "rules_ns": rules_ns,
        "accounts": args.accounts,
        "transfers": count,
        "refused": refused,
        "transfers_per_second": rate.round(),
        "decode_ns": 1e9 * decode.as_secs_f64() / count.max(1) as f64,
        "execute_ns": 1e9 * execute.as_secs_f64() / count.max(1) as f64,
    }));
    Ok(())
}

/// The time of the rules alone for one transfer, in nanoseconds: the first batch, decoded and its records fetched before.
fn rules(node: &Node, prepared: &Prepared) -> Result<f64, Failure> {
    let Some(batch) = prepared.transfers()?.next() else { return Ok(f64::NAN) };
    let batch = prepare(batch, Signatures::Committed);
    let execution = node.chain().begin(node.chain().tip_id(), 0, 0)?;
    let env = Env { chain_id: load::chain_id()?, height: 1, time_ms: 0 };
    let mut fetched = Vec::new();
    for index in 0..batch.len() {
        let transaction = batch.transaction(index)?;
        let ids = access(&transaction);
        let records = execution.fetch(&ids, batch.keys(index)).map_err(Reject::from)?;
        fetched.push((transaction, Signers::Verified(batch.signers(index)), ids, records));
    }
    let mut effects = Effects::default();
    let (mut time, mut count) = (Duration::ZERO, 0u32);
    for _ in 0..ROUNDS {
        let mut watch = Stopwatch::start();
        for (transaction, signers, ids, records) in &fetched {
            let view = Fetched { ids, records };
            // A second transfer of the same account in the batch is refused.
            count += u32::from(transition_into(&env, transaction, *signers, &view, &mut effects).is_ok());
        }
        watch.lap(&mut time);
    }
    Ok(1e9 * time.as_secs_f64() / f64::from(count.max(1)))
}
