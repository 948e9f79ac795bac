//! Where something goes to: a straight line through the means of the last minutes (least squares), over six hours at most.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// One point for so long.
const POINT_MS: u64 = 60_000;

/// So many points are kept: six hours.
const POINTS: usize = 360;

/// With fewer points nothing is said: half an hour.
const LEAST_POINTS: usize = 30;

const HOUR_MS: f64 = 3_600_000.0;

/// How something went.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Trend {
    /// When each point begins, and the mean of its values.
    points: VecDeque<(u64, f64)>,
    /// The point under way: when it begins, how many values, their sum.
    now: (u64, u32, f64),
}

impl Trend {
    /// Adds a value.
    pub fn add(&mut self, at_ms: u64, value: f64) {
        let beginning = at_ms - at_ms % POINT_MS;
        let (begun, count, sum) = self.now;
        if begun != beginning {
            if count > 0 {
                self.points.push_back((begun, sum / f64::from(count)));
            }
            if self.points.len() > POINTS {
                self.points.pop_front();
            }
            self.now = (beginning, 0, 0.0);
        }
        self.now.1 += 1;
        self.now.2 += value;
    }

    /// In how many hours a value is reached if it goes on like this; nothing if it goes the other way, or too little is known.
    pub fn hours_until(&self, limit: f64) -> Option<f64> {
        if self.points.len() < LEAST_POINTS {
            return None;
        }
        let (last, _) = *self.points.back()?;
        let count = self.points.len() as f64;
        // In hours before the last point: great numbers lose digits.
        let hours = |at_ms: u64| -(last.saturating_sub(at_ms) as f64) / HOUR_MS;
        let mean_hour = self.points.iter().map(|(at_ms, _)| hours(*at_ms)).sum::<f64>() / count;
        let mean_value = self.points.iter().map(|(_, value)| value).sum::<f64>() / count;
        let (mut together, mut alone) = (0.0, 0.0);
        for (at_ms, value) in &self.points {
            let away = hours(*at_ms) - mean_hour;
            together += away * (value - mean_value);
            alone += away * away;
        }
        let slope = together / alone;
        let value_now = mean_value - slope * mean_hour;
        let until = (limit - value_now) / slope;
        (until.is_finite() && until >= 0.0).then_some(until)
    }
}
