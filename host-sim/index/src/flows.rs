//! What was moved, issued and burned of an asset, by day (UTC).

use std::collections::BTreeMap;

use qenex_core::id::AssetId;
use redb::{ReadableTable, WriteTransaction};

use crate::candles::Step;
use crate::tables::{FLOWS, FlowRow, existing};
use crate::{Index, Result};

/// A day of an asset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    /// When the day begins.
    pub time_ms: u64,
    /// How often it was transferred: once for each receiver.
    pub transfers: u64,
    /// How much was transferred.
    pub volume: u128,
    /// How much was issued.
    pub issued: u128,
    /// How much was burned.
    pub burned: u128,
}

fn add(before: FlowRow, after: FlowRow) -> FlowRow {
    let (transfers, volume, issued, burned) = before;
    let (volume, issued) = (volume.saturating_add(after.1), issued.saturating_add(after.2));
    (transfers.saturating_add(after.0), volume, issued, burned.saturating_add(after.3))
}

/// Flows of some blocks, not written yet.
#[derive(Default)]
pub(crate) struct Flows(BTreeMap<(AssetId, u64), FlowRow>);

impl Flows {
    /// Adds what happened to an asset at a time: transfers, what they moved, what was issued and burned.
    pub(crate) fn add(&mut self, asset: AssetId, time_ms: u64, row: FlowRow) {
        let slot = self.0.entry((asset, Step::Day.beginning(time_ms)));
        slot.and_modify(|before| *before = add(*before, row)).or_insert(row);
    }

    pub(crate) fn write(self, write: &WriteTransaction) -> std::result::Result<(), redb::Error> {
        let mut table = write.open_table(FLOWS)?;
        for ((asset, day), row) in self.0 {
            let key = (asset.as_str(), day);
            let before = table.get(key)?.map(|before| before.value());
            table.insert(key, before.map_or(row, |before| add(before, row)))?;
        }
        Ok(())
    }
}

impl Index {
    /// The days of an asset from one time to before another on which something happened to it, ascending.
    ///
    /// # Errors
    /// The database fails.
    pub fn flows(&self, asset: AssetId, from_ms: u64, until_ms: u64) -> Result<Vec<Flow>> {
        self.read(|read| {
            let Some(table) = existing(read, FLOWS)? else { return Ok(Vec::new()) };
            if from_ms >= until_ms {
                return Ok(Vec::new());
            }
            let rows = table.range((asset.as_str(), from_ms)..(asset.as_str(), until_ms))?;
            let rows = rows.map(|row| {
                let (key, row) = row?;
                let (transfers, volume, issued, burned) = row.value();
                Ok(Flow { time_ms: key.value().1, transfers, volume, issued, burned })
            });
            rows.collect()
        })
    }
}
