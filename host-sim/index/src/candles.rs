//! Prices and volumes of pools, made of their swaps.
//!
//! A swap's price is what was paid of the second asset for one of the first, with the fee in it, rounded down. A step in which nobody swapped has no candle.

use std::collections::BTreeMap;

use qenex_core::amm::Direction;
use qenex_core::id::PoolId;
use qenex_core::num::{Amount, Rounding, div_scaled};
use redb::{ReadableTable, WriteTransaction};

use crate::tables::{CANDLES, CandleRow, existing};
use crate::{Index, Result};

/// How long a candle's time is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Step {
    /// A minute.
    Minute = 0,
    /// An hour.
    Hour = 1,
    /// A day.
    Day = 2,
}

impl Step {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Minute, Self::Hour, Self::Day];

    /// In milliseconds.
    pub const fn ms(self) -> u64 {
        match self {
            Self::Minute => 60_000,
            Self::Hour => 3_600_000,
            Self::Day => 86_400_000,
        }
    }

    /// When the step begins in which this time is.
    pub const fn beginning(self, time_ms: u64) -> u64 {
        time_ms - time_ms % self.ms()
    }
}

/// Prices and volumes of some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candle {
    /// When it begins.
    pub time_ms: u64,
    /// The price of the first swap.
    pub open: u128,
    /// The highest price.
    pub high: u128,
    /// The lowest price.
    pub low: u128,
    /// The price of the last swap.
    pub close: u128,
    /// How much of the first asset changed hands.
    pub volume_a: u128,
    /// How much of the second asset changed hands.
    pub volume_b: u128,
    /// How many swaps.
    pub swaps: u64,
}

/// What follows in time is added to what was before.
fn add(before: CandleRow, after: CandleRow) -> CandleRow {
    let (open, high, low, _, volume_a, volume_b, swaps) = before;
    let (_, other_high, other_low, close, other_a, other_b, others) = after;
    let (high, low) = (high.max(other_high), low.min(other_low));
    let (volume_a, volume_b) = (volume_a.saturating_add(other_a), volume_b.saturating_add(other_b));
    (open, high, low, close, volume_a, volume_b, swaps.saturating_add(others))
}

/// Swaps of some blocks, not written yet.
#[derive(Default)]
pub(crate) struct Swaps(BTreeMap<(PoolId, Step, u64), CandleRow>);

impl Swaps {
    /// Adds a swap at a time.
    pub(crate) fn add(
        &mut self,
        pool: PoolId,
        time_ms: u64,
        direction: Direction,
        amount_in: Amount,
        amount_out: Amount,
    ) {
        let (a, b) = match direction {
            Direction::AToB => (amount_in.units(), amount_out.units()),
            Direction::BToA => (amount_out.units(), amount_in.units()),
        };
        // Not for what is too small to have a price.
        let Ok(price) = div_scaled(b, a, Rounding::Down) else { return };
        let row = (price, price, price, price, a, b, 1);
        for step in Step::ALL {
            let slot = self.0.entry((pool, step, step.beginning(time_ms)));
            slot.and_modify(|before| *before = add(*before, row)).or_insert(row);
        }
    }

    pub(crate) fn write(self, write: &WriteTransaction) -> std::result::Result<(), redb::Error> {
        let mut table = write.open_table(CANDLES)?;
        for ((pool, step, beginning), row) in self.0 {
            let key = (pool.as_str(), step as u8, beginning);
            let before = table.get(key)?.map(|before| before.value());
            table.insert(key, before.map_or(row, |before| add(before, row)))?;
        }
        Ok(())
    }
}

impl Index {
    /// Up to `most` of the newest candles of a pool from one time to before another, ascending.
    ///
    /// # Errors
    /// The database fails.
    pub fn candles(
        &self,
        pool: PoolId,
        step: Step,
        from_ms: u64,
        until_ms: u64,
        most: usize,
    ) -> Result<Vec<Candle>> {
        let mut candles = self.read(|read| {
            let Some(table) = existing(read, CANDLES)? else { return Ok(Vec::new()) };
            let name = pool.as_str();
            if from_ms >= until_ms {
                return Ok(Vec::new());
            }
            let rows = table.range((name, step as u8, from_ms)..(name, step as u8, until_ms))?;
            let rows = rows.rev().take(most).map(|row| {
                let (key, row) = row?;
                let (open, high, low, close, volume_a, volume_b, swaps) = row.value();
                Ok(Candle { time_ms: key.value().2, open, high, low, close, volume_a, volume_b, swaps })
            });
            rows.collect::<std::result::Result<Vec<_>, redb::Error>>()
        })?;
        candles.reverse();
        Ok(candles)
    }
}
