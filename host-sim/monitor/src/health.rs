//! A score of a node's health, and its factors.
//!
//! Each factor goes from 100, where nothing is amiss, to 0, where the node is of no use for it; between two bounds it falls in a straight line. The score is the lowest
//! factor: a node that has everything but room on its disk is not well.

use crate::measure::{Measure, Sample};

/// How a node is.
#[derive(Clone, Debug, PartialEq)]
pub struct Health {
    /// From 0 to 100: the lowest factor.
    pub score: f64,
    /// The factors, the lowest first.
    pub factors: Vec<Factor>,
}

/// Something that health is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Factor {
    /// What it is made of.
    pub measure: Measure,
    /// What was measured.
    pub value: f64,
    /// From 0 to 100.
    pub score: f64,
}

/// Where a factor is 100, and where it is 0.
const FACTORS: [(Measure, f64, f64); 7] = [
    (Measure::BlockAge, 5.0, 60.0),
    (Measure::PoolTaken, 0.5, 1.0),
    (Measure::IndexLag, 10.0, 1_000.0),
    (Measure::DiskFreePart, 0.2, 0.02),
    (Measure::ServerErrors, 0.0, 30.0),
    (Measure::AnswerTime, 0.05, 5.0),
    (Measure::CustodyRefused, 5.0, 60.0),
];

impl Health {
    /// By what was measured. What was not measured is no factor.
    pub fn of(sample: &Sample) -> Self {
        let factor = |(measure, good, bad): (Measure, f64, f64)| {
            let value = sample.get(measure)?;
            let score = (100.0 * (value - bad) / (good - bad)).clamp(0.0, 100.0);
            Some(Factor { measure, value, score })
        };
        let mut factors: Vec<Factor> = FACTORS.into_iter().filter_map(factor).collect();
        factors.sort_by(|one, other| one.score.total_cmp(&other.score));
        Self { score: factors.first().map_or(100.0, |lowest| lowest.score), factors }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_factor_decides() {
        let well = Sample::at(0).with(Measure::BlockAge, 1.0).with(Measure::DiskFreePart, 0.9);
        assert_eq!(Health::of(&well).score, 100.0);
        let full = well.clone().with(Measure::DiskFreePart, 0.11);
        let health = Health::of(&full);
        assert!((health.score - 50.0).abs() < 1e-9, "{health:?}");
        assert_eq!(health.factors.first().map(|factor| factor.measure), Some(Measure::DiskFreePart));
        assert_eq!(Health::of(&well.with(Measure::BlockAge, 1e9)).score, 0.0);
        assert_eq!(Health::of(&Sample::at(0)).score, 100.0);
    }
}
