//! `qenex sim`: runs of the simulation.

use std::time::Instant;

use qenex_core::error::CHECK_FAILED;
use qenex_node::clock::process_time;
use qenex_sim::plan::{Fault, Plan};
use qenex_sim::run::{Report, run as carry_out};
use qenex_sim::shrink::shrink;
use serde_json::json;

use crate::args::{FaultKind, Sim};
use crate::files::{read, unreadable};
use crate::output::{Failure, Output};

pub fn run(args: &Sim, output: &Output) -> Result<(), Failure> {
    let plans: Vec<Plan> = match &args.plan {
        Some(path) => vec![serde_json::from_slice(&read(path)?).map_err(unreadable(path))?],
        None => (0..args.runs).map(|run| plan(args, args.seed.wrapping_add(run))).collect(),
    };
    let start = Instant::now();
    let processor_start = process_time();
    let (mut blocks, mut transfers, mut reports) = (0, 0, Vec::new());
    for plan in plans {
        let report = carry_out(&plan);
        (blocks, transfers) = (blocks + report.height, transfers + report.transfers);
        tell(&report, output);
        if let Some(violation) = &report.violation {
            return Err(failed(&plan, violation, output));
        }
        reports.push(report);
    }
    let seconds = start.elapsed().as_secs_f64();
    let processor_ms =
        1e3 * process_time().saturating_sub(processor_start).as_secs_f64() / blocks.max(1) as f64;
    let bytes = reports.iter().map(|report: &Report| report.bytes).sum::<u64>() / blocks.max(1);
    output.line(format_args!(
        "{processor_ms:.1} ms of processor time and {bytes} bytes sent for each block, by all validators"
    ));
    output.line(format_args!(
        "{} runs, {blocks} blocks, {transfers} transfers in {seconds:.1} s: nothing that must not happen did",
        reports.len()
    ));
    output.result(&json!({ "runs": reports, "blocks": blocks, "transfers": transfers, "seconds": seconds, "processor_ms_per_block": processor_ms, "bytes_per_block": bytes }));
    Ok(())
}

fn plan(args: &Sim, seed: u64) -> Plan {
    let seconds = args.hours.map_or(args.seconds, |hours| hours.saturating_mul(3_600));
    let mut plan = Plan::random(seed, args.validators, seconds.saturating_mul(1_000));
    let has = |kind| args.faults.contains(&kind);
    plan.faults.retain(|timed| match timed.fault {
        Fault::Partition(_) => has(FaultKind::Partition),
        Fault::Loss(_) => has(FaultKind::Loss),
        Fault::Delay(_) => has(FaultKind::Delay),
        Fault::Crash(_) => has(FaultKind::Crash),
        Fault::Wipe(_) => has(FaultKind::Wipe),
        Fault::Full(_) => has(FaultKind::Full),
        Fault::Clock(..) => has(FaultKind::Clock),
    });
    if !has(FaultKind::Lies) {
        plan.liars.clear();
    }
    plan
}

fn tell(report: &Report, output: &Output) {
    let Report { seed, height, transfers, faults, starts, states, tip, fingerprint, .. } = report;
    output.line(format_args!(
        "seed {seed}: {height} blocks, {transfers} transfers, {faults} faults, {starts} starts, {states} states; tip {}, run {fingerprint}",
        tip.get(..16).unwrap_or(tip)
    ));
}

/// Tells of the smallest plan that fails.
fn failed(plan: &Plan, violation: &str, output: &Output) -> Failure {
    output.line(format_args!("seed {}: {violation}", plan.seed));
    output.line("looking for a smaller plan that fails");
    let smallest = shrink(plan, |candidate, fails| {
        let (faults, liars) = (candidate.faults.len(), candidate.liars.len());
        output.line(format_args!(
            "  {faults} faults, {liars} liars: {}",
            if fails { "fails" } else { "holds" }
        ));
    });
    let text = serde_json::to_string(&smallest).unwrap_or_default();
    Failure::refused(
        CHECK_FAILED,
        format_args!("{violation}\n  qenex sim --plan FILE, with this in the file:\n  {text}"),
    )
}
