//! `qenex bench replay`: the whole ledger, all stages at once.

use std::time::{Duration, Instant};

use qenex_core::crypto::{Hash, Purpose, Scheme, signing_digest};
use qenex_core::tx::SignedTransaction;
use qenex_node::block::Batch;
use qenex_node::chain::Execution;
use qenex_node::error::Refusal;
use qenex_node::node::{Node, NodeConfig};
use qenex_node::pipeline::{self, PipelineConfig, Refused};
use qenex_signatures::{Item, Verifier};
use qenex_store::RealDisk;
use serde_json::json;

use super::load::{self, Prepared};
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
    let report =
        pipeline::run(&mut node, &verifier, pipeline_config, || transfers.next(), |batch| batch, &mut Quiet)?;
    let peak_mb = load::peak_bytes().map(|bytes| bytes as f64 / 1e6);
    let root = node.chain().tip().state_root;
    let checkpoint = Instant::now();
    node.checkpoint()?;
    let checkpoint_seconds = checkpoint.elapsed().as_secs_f64();
    drop(node);
    let (node, again) = Node::open(RealDisk::open(prepared.path())?, config())?;
    let same = node.chain().tip().state_root == root;
    drop(node);

    let pure = pure_verification(&prepared, workers)?;
    let per_second = report.transactions as f64 / report.elapsed.as_secs_f64();
    let ratio = per_second / pure;
    output.line(format_args!(
        "signed, durable           {per_second:.0} transfers/s in {} blocks",
        report.blocks
    ));
    output.line(format_args!("pure batch verification   {pure:.0} signatures/s on {workers} threads"));
    output.line(format_args!("ratio                     {ratio:.2}"));
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
        "verifications_per_second": pure.round(),
        "ratio": ratio,
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

/// Digest, public key, signature.
type Signed = (Hash, [u8; 32], [u8; 64]);

/// The same signatures, verified in the same batches and nothing else, on as many threads.
fn pure_verification(prepared: &Prepared, workers: usize) -> Result<f64, Failure> {
    let batches: Vec<Batch> = prepared.transfers()?.collect();
    let verifier = Verifier::default();
    let digests: Vec<Vec<Signed>> = batches
        .iter()
        .map(|batch| {
            batch
                .iter()
                .filter_map(|signed| {
                    let signed = SignedTransaction::decode(signed).ok()?;
                    let signature = signed.signatures.first()?;
                    let digest = signing_digest(Scheme::Ed25519, Purpose::Transaction, &signed.id());
                    Some((
                        digest,
                        signature.public_key.try_into().ok()?,
                        signature.signature.try_into().ok()?,
                    ))
                })
                .collect()
        })
        .collect();
    let next = std::sync::atomic::AtomicUsize::new(0);
    let start = Instant::now();
    let count: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..workers)
            .map(|_| {
                scope.spawn(|| {
                    let mut count = 0;
                    while let Some(batch) =
                        digests.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
                    {
                        let items: Vec<Item<'_>> = batch
                            .iter()
                            .map(|(digest, public_key, signature)| Item { public_key, digest, signature })
                            .collect();
                        count += verifier.verify_batch(&items).iter().filter(|result| result.is_ok()).count();
                    }
                    count
                })
            })
            .collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).sum()
    });
    Ok(count as f64 / start.elapsed().as_secs_f64())
}
