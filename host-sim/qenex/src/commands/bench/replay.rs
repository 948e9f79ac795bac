//! `qenex bench replay`: the whole ledger, all stages at once.

use std::time::{Duration, Instant};

use qenex_node::clock::process_time;
use qenex_node::error::Refusal;
use qenex_node::execution::Execution;
use qenex_node::node::{Node, NodeConfig};
use qenex_node::pipeline::{self, PipelineConfig, Refused};
use qenex_signatures::Verifier;
use qenex_store::RealDisk;
use serde_json::json;

use super::load::{self, Prepared};
use super::verify;
use crate::args::Load;
use crate::output::{Failure, Output};

struct Quiet;

impl Refused for Quiet {
    fn refused(&mut self, _: u64, _: Refusal, _: &mut Execution<'_>) -> u64 {
        0
    }

    fn progress(&mut self, _: u64) {}
}

fn config() -> NodeConfig {
    NodeConfig { state_bytes: usize::MAX, ..NodeConfig::default() }
}

pub fn run(args: &Load, block: u32, workers: Option<usize>, output: &Output) -> Result<(), Failure> {
    let workers = workers.unwrap_or_else(|| std::thread::available_parallelism().map_or(2, usize::from));
    let prepared = Prepared::make(args)?;
    output.line(format_args!("{} accounts, {} transfers, {workers} workers", args.accounts, args.transfers));

    // One half of the signatures before and one after, so that a machine that becomes slower or faster does so for both.
    let mut pure = verify::in_a_process(&prepared, args, workers, false)?;
    load::reset_peak();
    let start = Instant::now();
    let (mut node, recovery) = Node::open(RealDisk::open(prepared.path())?, config())?;
    let start_seconds = start.elapsed().as_secs_f64();
    let state_bytes = node.chain().bytes();
    output.line(format_args!(
        "start                     {start_seconds:.3} s, {} records, {:.0} MB of records and tree",
        recovery.records,
        state_bytes as f64 / 1e6
    ));
    let verifier = Verifier::default();
    let mut transfers = prepared.transfers()?;
    let pipeline_config = PipelineConfig {
        block_transactions: block as usize,
        workers,
        proposer: load::operator()?,
        block_interval_ms: 1_000,
    };
    let processor_start = process_time();
    let report =
        pipeline::run(&mut node, &verifier, pipeline_config, || transfers.next(), |batch| batch, &mut Quiet)?;
    let processor = process_time().saturating_sub(processor_start);
    let peak_mb = load::peak_bytes().map(|bytes| bytes as f64 / 1e6);
    let root = node.chain().tip().state_root;
    let checkpoint = Instant::now();
    node.checkpoint()?;
    let checkpoint_seconds = checkpoint.elapsed().as_secs_f64();
    drop(node);
    let (node, again) = Node::open(RealDisk::open(prepared.path())?, config())?;
    let same = node.chain().tip().state_root == root;
    drop(node);

    pure += verify::in_a_process(&prepared, args, workers, true)?;
    let per_second = report.transactions as f64 / report.elapsed.as_secs_f64();
    let ratio = per_second / pure.per_second();
    let processor_us = 1e6 * processor.as_secs_f64() / report.transactions.max(1) as f64;
    output.line(format_args!(
        "signed, durable           {per_second:.0} transfers/s in {} blocks",
        report.blocks
    ));
    output.line(format_args!(
        "pure batch verification   {:.0} signatures/s on {workers} threads",
        pure.per_second()
    ));
    output.line(format_args!("ratio                     {ratio:.2}"));
    output.line(format_args!(
        "processor time            {processor_us:.2} us a transfer, {:.2} us a pure verification: {:.2}",
        pure.processor_us(),
        pure.processor_us() / processor_us.max(1e-9)
    ));
    let stages = &report.stages;
    let shares = [
        ("read", stages.read + stages.make),
        ("decode", stages.prepare.decode),
        ("hash", stages.prepare.hash),
        ("verify", stages.prepare.verify),
        ("execute", stages.execute),
        ("roots", stages.roots),
        ("settle", stages.settle),
        ("write", stages.write),
    ];
    let all: Duration = shares.iter().map(|(_, time)| *time).sum();
    for (name, time) in shares {
        output.line(format_args!(
            "  {name:<8} {:>6.2} s {:>5.1}%  {:.2} us each",
            time.as_secs_f64(),
            100.0 * time.as_secs_f64() / all.as_secs_f64().max(1e-9),
            1e6 * time.as_secs_f64() / report.transactions.max(1) as f64
        ));
    }
    output.line(format_args!("refused                   {}", report.refused));
    if let Some(peak_mb) = peak_mb {
        output.line(format_args!("peak memory               {peak_mb:.0} MB"));
    }
    output.line(format_args!("last checkpoint           {checkpoint_seconds:.3} s"));
    output.line(format_args!(
        "start again               {:.3} s, same root: {same}",
        again.elapsed.as_secs_f64()
    ));
    output.line(format_args!("state root                {}", load::short(&root)));
    let share = |time: Duration| time.as_secs_f64() / all.as_secs_f64().max(1e-9);
    output.result(&json!({
        "accounts": args.accounts,
        "transfers": report.transactions,
        "refused": report.refused,
        "blocks": report.blocks,
        "transfers_per_second": per_second.round(),
        "verifications_per_second": pure.per_second().round(),
        "ratio": ratio,
        "processor_us": processor_us,
        "verification_processor_us": pure.processor_us(),
        "start_seconds": start_seconds,
        "start_again_seconds": again.elapsed.as_secs_f64(),
        "state_mb": state_bytes as f64 / 1e6,
        "peak_mb": peak_mb,
        "checkpoint_seconds": checkpoint_seconds,
        "same_root": same,
        "state_root": root.to_string(),
        "stages": shares.map(|(name, time)| json!({ "stage": name, "share": share(time) })),
    }));
    Ok(())
}
