//! What is usual at this hour of the week.
//!
//! For each hour of the week the mean and the deviation of what was measured, where older weeks count ever less. Nothing is usual before an hour was seen in three
//! weeks.

use serde::{Deserialize, Serialize};

const HOUR_MS: u64 = 3_600_000;
const HOURS: usize = 168;

/// In so many weeks an hour must have been seen.
const WEEKS: u32 = 3;

/// How much a new week counts against those before it.
const NEWEST: f64 = 0.25;

/// The least deviation, as a part of the mean: what hardly ever changes is not unusual at once when it does.
const LEAST: f64 = 0.05;

/// What is usual.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usual {
    /// The mean.
    pub mean: f64,
    /// The standard deviation, never zero.
    pub deviation: f64,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Hour {
    weeks: u32,
    mean: f64,
    /// The mean of the squares.
    squares: f64,
}

/// What is usual of one measure.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Baseline {
    hours: Vec<Hour>,
    /// The hour under way: which, how many values, their sum and that of their squares.
    now: (u64, u64, f64, f64),
}

impl Baseline {
    /// Adds a value. An hour counts when it is over.
    pub fn add(&mut self, at_ms: u64, value: f64) {
        let hour = at_ms / HOUR_MS;
        if self.now.0 != hour {
            self.close();
            self.now = (hour, 0, 0.0, 0.0);
        }
        let (_, count, sum, squares) = &mut self.now;
        *count += 1;
        *sum += value;
        *squares += value * value;
    }

    fn close(&mut self) {
        let (hour, count, sum, squares) = self.now;
        if count == 0 {
            return;
        }
        self.hours.resize(HOURS, Hour::default());
        let Some(slot) = self.hours.get_mut((hour % HOURS as u64) as usize) else { return };
        let count = count as f64;
        let part = if slot.weeks == 0 { 1.0 } else { NEWEST };
        slot.mean += part * (sum / count - slot.mean);
        slot.squares += part * (squares / count - slot.squares);
        slot.weeks = slot.weeks.saturating_add(1);
    }

    /// What is usual at a time; nothing if too little is known.
    pub fn usual(&self, at_ms: u64) -> Option<Usual> {
        let hour = self.hours.get((at_ms / HOUR_MS % HOURS as u64) as usize)?;
        if hour.weeks < WEEKS {
            return None;
        }
        let deviation = (hour.squares - hour.mean * hour.mean).max(0.0).sqrt();
        let least = (hour.mean.abs() * LEAST).max(f64::MIN_POSITIVE);
        Some(Usual { mean: hour.mean, deviation: deviation.max(least) })
    }
}
