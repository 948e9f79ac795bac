//! Alerts in made-up time.

use std::collections::BTreeMap;

use qenex_monitor::Monitor;
use qenex_monitor::alerts::Alert;
use qenex_monitor::measure::{Measure, Sample};
use qenex_monitor::rules::{Change, Rule, Severity, rules};

const HOUR_MS: u64 = 3_600_000;
const WEEK_MS: u64 = 168 * HOUR_MS;

fn defaults() -> Vec<Rule> {
    rules(&BTreeMap::new()).expect("they are right")
}

/// What is news while a value is measured every five seconds.
fn measured(
    monitor: &mut Monitor,
    rules: &[Rule],
    measure: Measure,
    times: &[(u64, f64)],
) -> Vec<(u64, Alert)> {
    let take = |(at_ms, value): &(u64, f64)| {
        let news = monitor.take(&Sample::at(*at_ms).with(measure, *value), rules);
        news.into_iter().map(|alert| (*at_ms, alert)).collect::<Vec<_>>()
    };
    times.iter().flat_map(take).collect()
}

#[test]
fn a_threshold_must_hold_for_a_while_and_is_told_once() {
    let (mut monitor, rules) = (Monitor::default(), defaults());
    let ages = |values: &[f64], from: u64| -> Vec<(u64, f64)> {
        values.iter().zip(0..).map(|(value, i)| (from + 5_000 * i, *value)).collect()
    };
    // Shorter than ten seconds: no news.
    assert_eq!(measured(&mut monitor, &rules, Measure::BlockAge, &ages(&[1.0, 31.0, 32.0, 1.0, 1.0], 0)), []);
    let news = measured(&mut monitor, &rules, Measure::BlockAge, &ages(&[40.0; 10], 100_000));
    let [(at_ms, alert)] = news.as_slice() else { panic!("{news:?}") };
    assert_eq!(
        (*at_ms, alert.rule.as_str(), alert.severity),
        (110_000, "finality-stands-still", Severity::Critical)
    );
    assert_eq!(monitor.book.open().count(), 1);
    let known = monitor.book.acknowledge(alert.id, "key ALICE").expect("it is there");
    assert_eq!(known.acknowledged_by.as_deref(), Some("key ALICE"));
    assert_eq!(
        monitor.book.acknowledge(alert.id, "key BOB").and_then(|alert| alert.acknowledged_by).as_deref(),
        Some("key ALICE")
    );
    assert_eq!(monitor.book.acknowledge(99, "key BOB"), None);
    // It ends when the condition has not held for as long.
    let news = measured(&mut monitor, &rules, Measure::BlockAge, &ages(&[1.0; 5], 200_000));
    let [(at_ms, over)] = news.as_slice() else { panic!("{news:?}") };
    assert_eq!((*at_ms, over.id, over.ended_ms), (210_000, alert.id, Some(210_000)));
    assert_eq!((monitor.book.open().count(), monitor.book.over().count()), (0, 1));
}

#[test]
fn a_silence_is_for_the_rule() {
    let (mut monitor, rules) = (Monitor::default(), defaults());
    let take = |monitor: &mut Monitor, at_ms, value| {
        monitor.take(&Sample::at(at_ms).with(Measure::TokensMisused, value), &rules)
    };
    let first = take(&mut monitor, 1_000, 1.0).pop().expect("an alert");
    assert_eq!(first.silenced_until_ms, None);
    monitor.book.silence(first.id, 60_000).expect("it is there");
    assert!(take(&mut monitor, 2_000, 0.0).pop().expect("it ends").ended_ms.is_some());
    assert_eq!(take(&mut monitor, 3_000, 1.0).pop().expect("again").silenced_until_ms, Some(60_000));
    take(&mut monitor, 4_000, 0.0);
    assert_eq!(take(&mut monitor, 60_000, 1.0).pop().expect("again").silenced_until_ms, None);
}

#[test]
fn what_is_unusual_depends_on_the_hour() {
    let (mut monitor, rules) = (Monitor::default(), defaults());
    // Busy in the first hour of each week, quiet in the others, with some noise.
    let usual = |at_ms: u64| {
        let noise = ((at_ms / 60_000) % 7) as f64;
        if at_ms % WEEK_MS < HOUR_MS { 1_000.0 + 10.0 * noise } else { 10.0 + noise }
    };
    let mut times = Vec::new();
    for minute in 0..4 * WEEK_MS / 60_000 {
        times.push((minute * 60_000, usual(minute * 60_000)));
    }
    assert_eq!(measured(&mut monitor, &rules, Measure::Transactions, &times), [], "nothing is unusual");
    let mut restarted: Monitor =
        serde_json::from_str(&serde_json::to_string(&monitor).expect("it is a value"))
            .expect("it is the same");
    let busy: Vec<_> = (0..20).map(|i| (4 * WEEK_MS + i * 60_000, 1_030.0)).collect();
    assert_eq!(
        measured(&mut restarted, &rules, Measure::Transactions, &busy),
        [],
        "busy as always at this hour"
    );
    let at = 4 * WEEK_MS + 3 * HOUR_MS;
    let busy: Vec<_> = (0..20).map(|i| (at + i * 60_000, 1_030.0)).collect();
    let news = measured(&mut restarted, &rules, Measure::Transactions, &busy);
    let [(at_ms, alert)] = news.as_slice() else { panic!("{news:?}") };
    assert_eq!((*at_ms, alert.rule.as_str()), (at + 300_000, "transactions-unusual"));
}

#[test]
fn a_disk_that_fills_is_foreseen() {
    let rules = defaults();
    // So many gigabytes an hour, of a hundred, measured every five seconds for two hours, with some noise.
    let fill = |per_hour: f64| -> Vec<(u64, f64)> {
        let value =
            |i: u64| 100e9 - per_hour * 1e9 * (i as f64 * 5.0 / 3_600.0) + ((i * 7_919) % 1_000) as f64 * 1e5;
        (0..1_440).map(|i| (i * 5_000, value(i))).collect()
    };
    let foreseen = |per_hour| measured(&mut Monitor::default(), &rules, Measure::DiskFree, &fill(per_hour));
    assert_eq!(foreseen(0.0), []);
    assert_eq!(foreseen(-3.0), [], "it becomes emptier");
    assert_eq!(foreseen(3.0), [], "in 33 hours");
    let news = foreseen(6.0);
    let [(_, alert)] = news.as_slice() else { panic!("{news:?}") };
    assert_eq!(alert.rule, "disk-full-soon");
    let hours: f64 = alert
        .detail
        .split(" in ")
        .nth(1)
        .and_then(|text| text.split(' ').next()?.parse().ok())
        .expect("hours");
    assert!((15.0..17.0).contains(&hours), "{}", alert.detail);
}

#[test]
fn operators_change_rules() {
    let changes = |text: &str| {
        serde_json::from_str::<BTreeMap<String, Change>>(text).map_err(|error| error.to_string())
    };
    let of = |text: &str| rules(&changes(text)?);
    let changed = of(r#"{"scan": {"limit": 5, "for_seconds": 1, "severity": "critical"}, "pool-full": {"enabled": false}}"#).expect("right");
    assert_eq!(changed.len(), defaults().len() - 1);
    let scan = changed.iter().find(|rule| rule.name == "scan").expect("it is there");
    assert_eq!((scan.for_ms, scan.severity), (1_000, Severity::Critical));
    assert!(of(r#"{"skan": {}}"#).expect_err("no such rule").contains("one of finality-stands-still, "));
    assert!(of(r#"{"scan": {"limits": 5}}"#).is_err());
    // The alert of a rule that is switched off ends.
    let mut monitor = Monitor::default();
    let sample = Sample::at(1).with(Measure::TokensMisused, 1.0);
    assert_eq!(monitor.take(&sample, &defaults()).len(), 1);
    let without = of(r#"{"token-misuse": {"enabled": false}}"#).expect("right");
    assert!(monitor.take(&sample, &without).pop().is_some_and(|alert| alert.ended_ms.is_some()));
}
