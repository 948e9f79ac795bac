//! `qenex bench replay`: the whole ledger, all stages at once.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use qenex_core::consensus::Header;
use qenex_node::clock::process_time;
use qenex_node::error::{NodeError, Refusal};
use qenex_node::execution::Execution;
use qenex_node::node::{Node, NodeConfig, Recovery, begin_store};
use qenex_node::pipeline::{self, PipelineConfig, Refused};
use qenex_node::prepare::Signatures;
use qenex_postgres::Postgres;
use qenex_service::config::DatabaseConfig;
use qenex_signatures::Verifier;
use qenex_store::copy::copy;
use qenex_store::{Disk, RealDisk, Store};
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

/// Where the chain is while it is measured.
enum Place<'a> {
    Files(&'a Path),
    Database(Arc<Postgres>, Box<Header>),
}

impl<'a> Place<'a> {
    /// The prepared files, or their copy in a database.
    fn of(files: &'a Path, database: Option<&str>) -> Result<Self, Failure> {
        let Some(url) = database else { return Ok(Self::Files(files)) };
        let disk: Arc<dyn Disk> = RealDisk::open(files)?;
        let first = Node::open(Arc::clone(&disk), config())?.0.genesis().header;
        let store = Postgres::open(&DatabaseConfig::of(url).settings()?, &first.id().0)?;
        copy(&begin_store(&disk, &first, config())?, &store, &mut |_, _| ())?;
        Ok(Self::Database(Arc::new(store), Box::new(first)))
    }

    fn open(&self) -> Result<(Node, Recovery), NodeError> {
        match self {
            Self::Files(path) => Node::open(RealDisk::open(path)?, config()),
            Self::Database(store, first) => {
                Node::open_in(Arc::clone(store) as Arc<dyn Store>, (**first).clone(), config())
            }
        }
    }
}

pub fn run(
    args: &Load,
    (block, workers, verified): (u32, Option<usize>, bool),
    database: Option<&str>,
    output: &Output,
) -> Result<(), Failure> {
    let workers = workers.unwrap_or_else(|| std::thread::available_parallelism().map_or(2, usize::from));
    let prepared = Prepared::make(args)?;
    output.line(format_args!("{} accounts, {} transfers, {workers} workers", args.accounts, args.transfers));

    // One half of the signatures before and one after, so that a machine that becomes slower or faster does so for both.
    let place = Place::of(prepared.path(), database)?;
    let mut pure = verify::in_a_process(&prepared, args, workers, false)?;
    load::reset_peak();
    let start = Instant::now();
    let (mut node, recovery) = place.open()?;
    let start_seconds = start.elapsed().as_secs_f64();
    let state_bytes = node.chain().bytes();
    output.line(format_args!(
        "start                     {start_seconds:.3} s, {} records, {:.0} MB of records and tree",
        recovery.records,
        state_bytes as f64 / 1e6
    ));
    let verifier = Verifier::default();
    let signatures = if verified { Signatures::Committed } else { Signatures::Verify(&verifier) };
    let mut transfers = prepared.transfers()?;
    let pipeline_config = PipelineConfig {
        block_transactions: block as usize,
        workers,
        proposer: load::operator()?,
        block_interval_ms: 1_000,
    };
    let processor_start = process_time();
    let report = pipeline::run(
        &mut node,
        signatures,
        pipeline_config,
        || transfers.next(),
        |batch| batch,
        &mut Quiet,
    )?;
    let processor = process_time().saturating_sub(processor_start);
    let peak_mb = load::peak_bytes().map(|bytes| bytes as f64 / 1e6);
    let root = node.chain().tip().state_root;
    let checkpoint = Instant::now();
    node.checkpoint()?;
    let checkpoint_seconds = checkpoint.elapsed().as_secs_f64();
    drop(node);
    let (node, again) = place.open()?;
    let same = node.chain().tip().state_root == root;
    drop(node);

    pure += verify::in_a_process(&prepared, args, workers, true)?;
    let per_second = report.transactions as f64 / report.elapsed.as_secs_f64();
    let ratio = per_second / pure.per_second();
    let processor_us = 1e6 * processor.as_secs_f64() / report.transactions.max(1) as f64;
    let what = if verified { "verified before, durable  " } else { "signed, durable           " };
    output.line(format_args!("{what}{per_second:.0} transfers/s in {} blocks", report.blocks));
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
