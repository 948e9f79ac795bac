//! When something is worth an alert.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::measure::Measure;

/// How urgent an alert is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// To be known.
    Info,
    /// To be looked at today.
    Warning,
    /// To be looked at now.
    Critical,
}

impl Severity {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// What must be true.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Condition {
    /// The value is above a limit.
    Above(f64),
    /// The value is below a limit.
    Below(f64),
    /// The value is so many standard deviations away from what is usual at this hour of the week.
    Unusual(f64),
    /// The value reaches a limit within so many hours if it goes on as in the last ones.
    Reaches {
        /// The limit.
        limit: f64,
        /// The hours.
        within_hours: f64,
    },
}

/// When something is worth an alert.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// Of what.
    pub measure: Measure,
    /// What must be true.
    pub condition: Condition,
    /// For how long: shorter is no news.
    pub for_ms: u64,
    /// How urgent it is.
    pub severity: Severity,
    /// What it means, as one sentence.
    pub summary: &'static str,
}

/// What an operator changes of a rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Another limit: the value, the deviations, or the hours of a forecast.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<f64>,
    /// For how long it must hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_seconds: Option<u64>,
    /// How urgent it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// Whether it is looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

/// The rules as they are where nobody changes them.
fn defaults() -> Vec<Rule> {
    use Condition::{Above, Below, Reaches, Unusual};
    use Severity::{Critical, Info, Warning};
    let rule = |name: &str, measure, condition, for_seconds: u64, severity, summary| Rule {
        name: name.into(),
        measure,
        condition,
        for_ms: for_seconds * 1_000,
        severity,
        summary,
    };
    vec![
        rule(
            "finality-stands-still",
            Measure::BlockAge,
            Above(30.0),
            10,
            Critical,
            "No block became final for some time.",
        ),
        rule(
            "pool-full",
            Measure::PoolTaken,
            Above(0.9),
            30,
            Warning,
            "The pool of waiting transactions is nearly full.",
        ),
        rule(
            "index-behind",
            Measure::IndexLag,
            Above(1_000.0),
            120,
            Warning,
            "The index is far behind the chain: histories end early.",
        ),
        rule(
            "disk-nearly-full",
            Measure::DiskFreePart,
            Below(0.1),
            60,
            Critical,
            "The disk of the data is nearly full.",
        ),
        rule(
            "disk-full-soon",
            Measure::DiskFree,
            Reaches { limit: 0.0, within_hours: 24.0 },
            600,
            Warning,
            "The disk of the data will be full within a day if it goes on like this.",
        ),
        rule(
            "logins-refused",
            Measure::LoginsRefused,
            Above(30.0),
            30,
            Warning,
            "Many keys or tokens that do not count are shown: somebody may be guessing.",
        ),
        rule(
            "scan",
            Measure::RoutesUnknown,
            Above(60.0),
            30,
            Warning,
            "Many routes are asked for that are not there: somebody may be looking for a way in.",
        ),
        rule(
            "token-misuse",
            Measure::TokensMisused,
            Above(0.0),
            0,
            Critical,
            "A token was shown by another client than its own: it may have been stolen.",
        ),
        rule(
            "server-errors",
            Measure::ServerErrors,
            Above(5.0),
            30,
            Critical,
            "The node cannot answer some requests; its log says why.",
        ),
        rule("answers-slow", Measure::AnswerTime, Above(1.0), 60, Warning, "Answers take long."),
        rule(
            "custody-refused",
            Measure::CustodyRefused,
            Above(20.0),
            30,
            Warning,
            "The device of the custody refuses many transactions.",
        ),
        rule(
            "transactions-unusual",
            Measure::Transactions,
            Unusual(6.0),
            300,
            Info,
            "Far more or fewer transactions than usual at this hour of the week.",
        ),
        rule(
            "answers-unusual",
            Measure::AnswerTime,
            Unusual(6.0),
            300,
            Info,
            "Answers take far longer than usual at this hour of the week.",
        ),
    ]
}

/// The rules with what an operator changes of them.
///
/// # Errors
/// There is no rule of a name, or a limit is no number: a sentence that says what was expected.
pub fn rules(changes: &BTreeMap<String, Change>) -> Result<Vec<Rule>, String> {
    let mut rules = defaults();
    for (name, change) in changes {
        let known: Vec<String> = rules.iter().map(|rule| rule.name.clone()).collect();
        let rule = rules.iter_mut().find(|rule| rule.name == *name);
        let rule =
            rule.ok_or_else(|| format!("rules: {name:?}: one of {} was expected", known.join(", ")))?;
        if let Some(limit) = change.limit {
            if !limit.is_finite() {
                return Err(format!("rules: {name}: limit: a number was expected"));
            }
            rule.condition = match rule.condition {
                Condition::Above(_) => Condition::Above(limit),
                Condition::Below(_) => Condition::Below(limit),
                Condition::Unusual(_) => Condition::Unusual(limit),
                Condition::Reaches { limit: at, .. } => Condition::Reaches { limit: at, within_hours: limit },
            };
        }
        rule.for_ms = change.for_seconds.map_or(rule.for_ms, |seconds| seconds.saturating_mul(1_000));
        rule.severity = change.severity.unwrap_or(rule.severity);
    }
    rules.retain(|rule| changes.get(&rule.name).and_then(|change| change.enabled) != Some(false));
    Ok(rules)
}
