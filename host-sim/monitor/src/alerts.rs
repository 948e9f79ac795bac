//! Alerts from their beginning to their end.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::rules::{Rule, Severity};

/// So many alerts that are over are remembered.
const REMEMBERED: usize = 1_000;

/// Something that is or was amiss.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// Its number.
    pub id: u64,
    /// The rule that says so.
    pub rule: String,
    /// How urgent it is.
    pub severity: Severity,
    /// What it means.
    pub summary: String,
    /// What was found.
    pub detail: String,
    /// When it began.
    pub began_ms: u64,
    /// When it ended, if it did.
    pub ended_ms: Option<u64>,
    /// Who knows of it and does something about it.
    pub acknowledged_by: Option<String>,
    /// Until when nobody is told of it.
    pub silenced_until_ms: Option<u64>,
}

/// All alerts.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Book {
    next: u64,
    open: Vec<Alert>,
    over: VecDeque<Alert>,
    /// Rules of which nobody is told until a time.
    silenced: Vec<(String, u64)>,
}

impl Book {
    /// Those that go on, the most urgent first.
    pub fn open(&self) -> impl Iterator<Item = &Alert> {
        let mut open: Vec<&Alert> = self.open.iter().collect();
        open.sort_by_key(|alert| (std::cmp::Reverse(alert.severity), alert.began_ms));
        open.into_iter()
    }

    /// Those that are over, the newest first.
    pub fn over(&self) -> impl Iterator<Item = &Alert> {
        self.over.iter().rev()
    }

    /// The condition of a rule holds: an alert, if it is new.
    pub(crate) fn begin(&mut self, rule: &Rule, at_ms: u64, detail: &str) -> Option<Alert> {
        if let Some(alert) = self.open.iter_mut().find(|alert| alert.rule == rule.name) {
            alert.detail = detail.into();
            return None;
        }
        self.silenced.retain(|(_, until_ms)| *until_ms > at_ms);
        let silenced = self.silenced.iter().find(|(name, _)| *name == rule.name);
        self.next += 1;
        let alert = Alert {
            id: self.next,
            rule: rule.name.clone(),
            severity: rule.severity,
            summary: rule.summary.into(),
            detail: detail.into(),
            began_ms: at_ms,
            ended_ms: None,
            acknowledged_by: None,
            silenced_until_ms: silenced.map(|(_, until_ms)| *until_ms),
        };
        self.open.push(alert.clone());
        Some(alert)
    }

    /// The condition of a rule does not hold: its alert is over, if it has one.
    pub(crate) fn end(&mut self, rule: &str, at_ms: u64) -> Option<Alert> {
        let place = self.open.iter().position(|alert| alert.rule == rule)?;
        let mut alert = self.open.remove(place);
        alert.ended_ms = Some(at_ms);
        self.over.push_back(alert.clone());
        if self.over.len() > REMEMBERED {
            self.over.pop_front();
        }
        Some(alert)
    }

    /// Ends the alerts of rules that are none of these.
    pub(crate) fn end_others(&mut self, rules: &[Rule], at_ms: u64) -> Vec<Alert> {
        let gone = self.open.iter().filter(|alert| !rules.iter().any(|rule| rule.name == alert.rule));
        let gone: Vec<String> = gone.map(|alert| alert.rule.clone()).collect();
        gone.iter().filter_map(|rule| self.end(rule, at_ms)).collect()
    }

    fn find(&mut self, id: u64) -> Option<&mut Alert> {
        self.open.iter_mut().chain(&mut self.over).find(|alert| alert.id == id)
    }

    /// Somebody knows of an alert; the first one who says so is named. Nothing if there is none.
    pub fn acknowledge(&mut self, id: u64, by: &str) -> Option<Alert> {
        let alert = self.find(id)?;
        alert.acknowledged_by.get_or_insert_with(|| by.into());
        Some(alert.clone())
    }

    /// Nobody is told of the alert, or of another one of the same rule, until a time. Nothing if there is none.
    pub fn silence(&mut self, id: u64, until_ms: u64) -> Option<Alert> {
        let alert = self.find(id)?;
        alert.silenced_until_ms = Some(until_ms);
        let alert = alert.clone();
        self.silenced.retain(|(rule, _)| *rule != alert.rule);
        self.silenced.push((alert.rule.clone(), until_ms));
        Some(alert)
    }
}
