//! How a node is, by what is measured of it every few seconds.
//!
//! | module | what it is for |
//! |---|---|
//! | [`measure`] | what is measured |
//! | [`health`] | a score and its factors |
//! | [`rules`] | when something is worth an alert |
//! | [`baseline`] | what is usual at this hour of the week |
//! | [`forecast`] | where something goes to |
//! | [`alerts`] | alerts from their beginning to their end |
//!
//! Nothing here reads a clock, a disk or a network: who measures says when, and gets back what began and what ended. Times are milliseconds since the beginning of 1970.
//!
//! # Promises
//! - A rule has at most one open alert: what goes on is no news.
//! - What is kept is bounded, and survives a restart with whoever keeps [`Monitor`], which is a value like any other.
#![forbid(unsafe_code)]

pub mod alerts;
pub mod baseline;
pub mod forecast;
pub mod health;
pub mod measure;
pub mod rules;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use alerts::{Alert, Book};
use baseline::Baseline;
use forecast::Trend;
use health::Health;
use measure::{Measure, Sample};
use rules::{Condition, Rule};

/// What watches a node.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Monitor {
    /// The alerts.
    pub book: Book,
    baselines: BTreeMap<Measure, Baseline>,
    trends: BTreeMap<Measure, Trend>,
    /// Since when the condition of a rule holds, and since when it does not.
    #[serde(skip)]
    since: BTreeMap<String, (bool, u64)>,
    /// What was measured last.
    #[serde(skip)]
    last: Option<Sample>,
}

impl Monitor {
    /// Takes what was measured. Returns the alerts that began or ended.
    pub fn take(&mut self, sample: &Sample, rules: &[Rule]) -> Vec<Alert> {
        let mut news = Vec::new();
        for rule in rules {
            let Some(value) = sample.get(rule.measure) else { continue };
            let found = self.judge(rule, sample.at_ms, value);
            let holds = found.is_some();
            let since = self.since.entry(rule.name.clone()).or_insert((holds, sample.at_ms));
            if since.0 != holds {
                *since = (holds, sample.at_ms);
            }
            // What comes and goes within that time is no news in either direction.
            if sample.at_ms.saturating_sub(since.1) < rule.for_ms {
                continue;
            }
            news.extend(match found {
                Some(detail) => self.book.begin(rule, sample.at_ms, &detail),
                None => self.book.end(&rule.name, sample.at_ms),
            });
        }
        // A rule that is there no longer has no alerts.
        news.extend(self.book.end_others(rules, sample.at_ms));
        for (measure, value) in sample.values() {
            if rules
                .iter()
                .any(|rule| rule.measure == measure && matches!(rule.condition, Condition::Unusual(_)))
            {
                self.baselines.entry(measure).or_default().add(sample.at_ms, value);
            }
            if rules
                .iter()
                .any(|rule| rule.measure == measure && matches!(rule.condition, Condition::Reaches { .. }))
            {
                self.trends.entry(measure).or_default().add(sample.at_ms, value);
            }
        }
        self.last = Some(sample.clone());
        news
    }

    /// Why the condition of a rule holds; nothing if it does not.
    fn judge(&self, rule: &Rule, at_ms: u64, value: f64) -> Option<String> {
        let unit = rule.measure.unit();
        match rule.condition {
            Condition::Above(limit) => {
                (value > limit).then(|| format!("{value:.6} {unit}; at most {limit} was expected"))
            }
            Condition::Below(limit) => {
                (value < limit).then(|| format!("{value:.6} {unit}; at least {limit} was expected"))
            }
            Condition::Unusual(deviations) => {
                let usual = self.baselines.get(&rule.measure)?.usual(at_ms)?;
                let away = (value - usual.mean).abs() / usual.deviation;
                (away > deviations).then(|| {
                    format!("{value:.6} {unit}; at this hour of the week {:.6} with a deviation of {:.6} is usual", usual.mean, usual.deviation)
                })
            }
            Condition::Reaches { limit, within_hours } => {
                let hours = self.trends.get(&rule.measure)?.hours_until(limit)?;
                (hours < within_hours)
                    .then(|| format!("{value:.6} {unit} now; {limit} in {hours:.1} hours if it goes on"))
            }
        }
    }

    /// How the node is, by what was measured last; nothing before.
    pub fn health(&self) -> Option<Health> {
        self.last.as_ref().map(Health::of)
    }
}
