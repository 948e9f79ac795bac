//! `qenex bench execute`: the rules of the ledger alone, on one core.

use std::hint::black_box;
use std::time::Duration;

use qenex_node::clock::Stopwatch;
use qenex_node::node::{Node, NodeConfig};
use qenex_node::prepare::{Signatures, prepare};
use qenex_store::RealDisk;
use serde_json::json;

use super::load::Prepared;
use crate::args::Load;
use crate::output::{Failure, Output};

/// Transfers of a block.
const BLOCK: usize = 8_192;

pub fn run(args: &Load, output: &Output) -> Result<(), Failure> {
    let prepared = Prepared::make(args)?;
    let config = NodeConfig { state_bytes: usize::MAX, ..NodeConfig::default() };
    let (mut node, _) = Node::open(RealDisk::open(prepared.path())?, config)?;
    let (mut decode, mut execute, mut count, mut refused) = (Duration::ZERO, Duration::ZERO, 0u64, 0u64);
    let mut batches = prepared.transfers()?.peekable();
    while batches.peek().is_some() {
        let mut execution = node.chain().begin(node.chain().tip_id(), 0)?;
        while execution.len() < BLOCK
            && let Some(batch) = batches.next()
        {
            let batch = prepare(batch, Signatures::Committed);
            let mut watch = Stopwatch::start();
            let malformed = (0..batch.len()).filter(|index| black_box(batch.get(*index)).is_err()).count();
            watch.lap(&mut decode);
            refused += malformed as u64;
            for index in 0..batch.len() {
                execution.read_ahead(&batch, index);
                match batch.get(index).map(|ready| execution.push(&ready)) {
                    Ok(Ok(())) => count += 1,
                    Ok(Err(_)) => refused += 1,
                    Err(_) => {}
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
    output.result(&json!({
        "accounts": args.accounts,
        "transfers": count,
        "refused": refused,
        "transfers_per_second": rate.round(),
        "decode_ns": 1e9 * decode.as_secs_f64() / count.max(1) as f64,
        "execute_ns": 1e9 * execute.as_secs_f64() / count.max(1) as f64,
    }));
    Ok(())
}
