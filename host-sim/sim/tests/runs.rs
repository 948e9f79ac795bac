//! Runs of the simulation.
#![allow(clippy::unwrap_used)] // a test that meets what it does not expect should stop there

use qenex_sim::plan::Plan;
use qenex_sim::run::run;

#[test]
fn four_validators_without_faults() {
    let plan = Plan { faults: Vec::new(), epoch_blocks: 10, ..Plan::random(1, 4, 30_000) };
    let report = run(&plan);
    println!("{report:?}");
    assert_eq!(report.violation, None);
}

#[test]
fn four_validators_with_faults() {
    let first: u64 = std::env::var("QENEX_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(100);
    let runs: u64 = std::env::var("QENEX_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(2);
    for seed in first..first + runs {
        let plan = Plan::random(seed, 4, 60_000);
        let report = run(&plan);
        println!("{report:?}");
        assert_eq!(report.violation, None, "{plan:?}");
    }
}
