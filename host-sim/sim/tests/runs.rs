//! Runs of the simulation. QENEX_SEED is the first seed, QENEX_CASES how many there are.
#![allow(clippy::unwrap_used)] // a test that meets what it does not expect should stop there

use qenex_sim::byzantine::Lie;
use qenex_sim::plan::{Fault, Plan, Timed};
use qenex_sim::run::{Report, run};

fn number(name: &str, or: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(or)
}

fn holds(plan: &Plan) -> Report {
    let report = run(plan);
    println!("{report:?}");
    assert_eq!(report.violation, None, "{plan:?}");
    report
}

/// Nothing happens, and every second has several blocks; several epochs begin, and old blocks are forgotten.
#[test]
fn without_faults() {
    let plan = Plan { faults: Vec::new(), liars: Vec::new(), epoch_blocks: 10, ..Plan::random(1, 4, 40_000) };
    let report = holds(&plan);
    assert!(report.height > 60 && report.transfers > 100 && report.epochs > 4, "{report:?}");
    assert!(report.forgotten > 30, "{report:?}");
}

#[test]
fn four_validators() {
    let first = number("QENEX_SEED", 100);
    for seed in first..first + number("QENEX_CASES", 3) {
        holds(&Plan::random(seed, 4, 60_000));
    }
}

#[test]
fn seven_and_sixteen_validators() {
    for validators in [7, 16] {
        holds(&Plan { clients: 8, ..Plan::random(number("QENEX_SEED", 100), validators, 30_000) });
    }
}

/// Short epochs end while validators are apart, crash and lie: each has its checkpoint in the end.
#[test]
fn checkpoints_spread_after_faults() {
    for seed in [100, 101] {
        let plan = Plan { epoch_blocks: 5, ..Plan::random(seed, 4, 60_000) };
        assert!(!plan.faults.is_empty());
        let report = holds(&plan);
        assert!(report.epochs > 8, "{report:?}");
    }
}

/// A validator that loses all that it had gets the state at the end of an epoch, where the others have forgotten the first blocks, and goes on with them; of two
/// others, one sends it what is wrong.
#[test]
fn a_state_in_place_of_all_blocks() {
    let wipe = |who, from_ms, until_ms| Timed { from_ms, until_ms, fault: Fault::Wipe(who) };
    let plan = Plan {
        faults: vec![wipe(1, 28_000, 30_000), wipe(2, 45_000, 47_000)],
        liars: vec![(3, vec![Lie::FalseState])],
        epoch_blocks: 10,
        ..Plan::random(1, 4, 70_000)
    };
    let report = holds(&plan);
    assert!(report.states == 2, "{report:?}");
}

/// An epoch that has no checkpoint yet when its node gets a state, and with it loses the epoch's last block, gets one all the same.
#[test]
fn an_open_epoch_outlives_a_state() {
    let at = |from_ms, until_ms, fault| Timed { from_ms, until_ms, fault };
    let plan = Plan {
        validators: 4,
        clients: 16,
        devices: false,
        duration_ms: 60_000,
        epoch_blocks: 14,
        liars: Vec::new(),
        faults: vec![
            at(2_000, 3_467, Fault::Delay(655)),
            at(7_456, 9_016, Fault::Partition(12)),
            at(11_968, 26_914, Fault::Crash(2)),
        ],
        seed: 2_001,
    };
    holds(&plan);
}

/// Keys of votes in devices, which see the ends of epochs, are switched off and on with their validators, and outlive the disks of one.
#[test]
fn keys_in_devices() {
    let at = |from_ms, until_ms, fault| Timed { from_ms, until_ms, fault };
    let plan = Plan {
        faults: vec![at(3_000, 6_000, Fault::Crash(0)), at(9_000, 15_000, Fault::Wipe(1))],
        liars: Vec::new(),
        epoch_blocks: 10,
        devices: true,
        ..Plan::random(2, 4, 40_000)
    };
    let report = holds(&plan);
    assert!(report.epochs > 4 && report.transfers > 100, "{report:?}");
    assert_eq!(run(&plan).fingerprint, report.fingerprint, "a run with devices replays, too");
}

/// A validator whose clock is a minute ahead, or behind, for a while: no block is of a time that has not come, and the others go on.
#[test]
fn a_clock_that_is_wrong() {
    for ahead_ms in [60_000, -60_000] {
        let fault = Timed { from_ms: 2_000, until_ms: 9_000, fault: Fault::Clock(1, ahead_ms) };
        let plan = Plan {
            faults: vec![fault],
            liars: Vec::new(),
            ..Plan::random(number("QENEX_SEED", 1), 4, 25_000)
        };
        assert!(plan.time_is_right());
        holds(&plan);
    }
}

/// A disk without room: its node ends, and goes on where it was when there is room again.
#[test]
fn a_disk_that_is_full() {
    let fault = Timed { from_ms: 2_000, until_ms: 8_000, fault: Fault::Full(1) };
    let plan =
        Plan { faults: vec![fault], liars: Vec::new(), ..Plan::random(number("QENEX_SEED", 1), 4, 25_000) };
    assert_eq!(holds(&plan).starts, 5);
}

/// The same plan is the same run, event for event.
#[test]
fn a_run_replays() {
    let plan = Plan::random(7, 4, 25_000);
    let (one, other) = (holds(&plan), holds(&plan));
    assert_eq!((&one.tip, &one.fingerprint), (&other.tip, &other.fingerprint));
    let another = holds(&Plan { seed: 8, ..plan });
    assert_ne!(one.fingerprint, another.fingerprint);
}

/// Each lie by itself, by one of four: the others agree and go on. Whose votes contradict each other, and are heard by one, is barred for ever.
#[test]
fn one_liar_of_four() {
    for lie in Lie::ALL {
        println!("{lie:?}");
        let plan = Plan { faults: Vec::new(), liars: vec![(2, vec![lie])], ..Plan::random(3, 4, 25_000) };
        assert_eq!(holds(&plan).barred, if lie.is_heard() { vec![2] } else { vec![] });
    }
}

/// Nobody hears anybody until the end: that nothing goes on is noticed.
#[test]
fn a_chain_that_stands_still_is_found() {
    let apart = Timed { from_ms: 0, until_ms: 60_000, fault: Fault::Loss(100) };
    let plan = Plan { faults: vec![apart], liars: Vec::new(), ..Plan::random(3, 4, 25_000) };
    assert!(run(&plan).violation.is_some());
}
