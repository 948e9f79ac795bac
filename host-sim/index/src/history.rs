//! Transactions by id and by account, blocks by time. The newest come first.

use qenex_core::crypto::Hash;
use qenex_core::id::AccountId;
use qenex_core::policy::OpKind;
use redb::ReadTransaction;

pub use crate::tables::Position;
use crate::tables::{BLOCKS, TOUCHED, TRANSACTIONS, existing, first, height};
use crate::{Index, MOST_LOOKED_AT, Result};

/// What of an account's history is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter {
    /// Only operations of this kind.
    pub kind: Option<OpKind>,
    /// Only blocks of this time or later.
    pub from_ms: Option<u64>,
    /// Only blocks before this time.
    pub until_ms: Option<u64>,
}

/// Some of a history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Where the transactions are.
    pub positions: Vec<Position>,
    /// Where to go on, before this position, if there may be more.
    pub next: Option<Position>,
}

/// What is known of a block without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockRow {
    /// Its height.
    pub height: u64,
    /// Its time.
    pub time_ms: u64,
    /// How many transactions it has.
    pub transactions: u32,
}

/// The lowest height whose block is of this time or later; one above the highest if there is none. Times never fall.
fn height_at(read: &ReadTransaction, time_ms: u64) -> std::result::Result<u64, redb::Error> {
    let (mut low, mut high) = (first(read)?, height(read)?.saturating_add(1));
    let Some(blocks) = existing(read, BLOCKS)? else { return Ok(high) };
    while low < high {
        let middle = low.midpoint(high);
        let time = blocks.get(middle)?.map_or(0, |row| row.value().0);
        if time < time_ms { low = middle.saturating_add(1) } else { high = middle }
    }
    Ok(low)
}

impl Index {
    /// Where a final transaction is.
    ///
    /// # Errors
    /// The database fails.
    pub fn transaction(&self, id: &Hash) -> Result<Option<Position>> {
        self.read(|read| {
            let Some(table) = existing(read, TRANSACTIONS)? else { return Ok(None) };
            Ok(table.get(id.as_bytes())?.map(|position| position.value()))
        })
    }

    /// Up to `most` transactions that touched an account, before a position, the newest first.
    ///
    /// # Errors
    /// The database fails.
    pub fn history(
        &self,
        account: AccountId,
        filter: Filter,
        before: Option<Position>,
        most: usize,
    ) -> Result<Page> {
        self.read(|read| {
            let Some(table) = existing(read, TOUCHED)? else { return Ok(Page::default()) };
            let from = filter.from_ms.map_or(Ok(0), |time_ms| height_at(read, time_ms))?;
            let until = filter.until_ms.map(|time_ms| height_at(read, time_ms)).transpose()?;
            let until = until.map_or((u64::MAX, u32::MAX), |height| (height, 0));
            let until = before.map_or(until, |before| before.min(until));
            let name = account.as_str();
            if (from, 0) >= until {
                return Ok(Page::default());
            }
            let rows = table.range((name, from, 0)..(name, until.0, until.1))?;
            let mut page = Page::default();
            for (looked_at, row) in rows.rev().enumerate() {
                let (key, kind) = row?;
                let (_, height, place) = key.value();
                if page.positions.len() >= most || looked_at >= MOST_LOOKED_AT {
                    // The one after the last that was looked at: what is asked for next is before that.
                    page.next = Some((height, place.saturating_add(1)));
                    break;
                }
                if filter.kind.is_none_or(|asked| asked as u8 == kind.value()) {
                    page.positions.push((height, place));
                }
            }
            Ok(page)
        })
    }

    /// Up to `most` transactions before a position, the newest first.
    ///
    /// # Errors
    /// The database fails.
    pub fn transactions(&self, before: Option<Position>, most: usize) -> Result<Page> {
        self.read(|read| {
            let Some(table) = existing(read, BLOCKS)? else { return Ok(Page::default()) };
            let until = before.unwrap_or((u64::MAX, 0));
            let mut page = Page::default();
            for (looked_at, row) in table.range(..=until.0)?.rev().enumerate() {
                let (height, row) = row?;
                let (height, (_, count)) = (height.value(), row.value());
                if looked_at >= MOST_LOOKED_AT {
                    page.next = Some((height, count));
                    break;
                }
                let count = if height == until.0 { count.min(until.1) } else { count };
                let room = most.saturating_sub(page.positions.len());
                page.positions.extend((0..count).rev().take(room).map(|place| (height, place)));
                if count as usize > room {
                    page.next = page.positions.last().copied().or(before);
                    break;
                }
            }
            Ok(page)
        })
    }

    /// Up to `most` blocks below a height, the newest first.
    ///
    /// # Errors
    /// The database fails.
    pub fn blocks(&self, below: Option<u64>, most: usize) -> Result<Vec<BlockRow>> {
        self.read(|read| {
            let Some(table) = existing(read, BLOCKS)? else { return Ok(Vec::new()) };
            let rows = table.range(..below.unwrap_or(u64::MAX))?.rev().take(most);
            let rows = rows.map(|row| {
                let (height, row) = row?;
                let (time_ms, transactions) = row.value();
                Ok(BlockRow { height: height.value(), time_ms, transactions })
            });
            rows.collect()
        })
    }
}
