//! Final blocks of a node, and its newest final state: what is copied out of it while it executes nothing, and read while it goes on.

use std::sync::Arc;

use qenex_core::codec;
use qenex_core::consensus::Header;
use qenex_core::id::{AssetId, PoolId};
use qenex_core::ledger::{Outcome, Receipt, Record, RecordId};
use qenex_core::num::Amount;
use qenex_core::tx::Op;
use qenex_node::block::Block;
use qenex_node::error::NodeError;
use qenex_node::node::Source;
use qenex_node::records::Records;

use crate::Result;

/// A block and what it did.
pub struct Executed {
    /// The block.
    pub block: Block,
    /// What it did; see [`qenex_node::history`].
    pub record: Arc<Vec<u8>>,
}

/// A final block and what it did.
///
/// # Errors
/// There is none of this height, or it was forgotten, or the store fails.
pub fn executed(source: &dyn Source, height: u64) -> Result<Executed> {
    let mut recent = None;
    let mut store = None;
    let bytes = block_bytes(source, height, &mut |node| {
        (recent, store) = (node.recent_record(height), Some(Arc::clone(node.store())));
    })?;
    // Beside the node: the store may take its time.
    let record = match (recent, store) {
        (Some(record), _) => Some(record),
        (None, Some(store)) => store.receipts(height).map_err(NodeError::from)?.map(Arc::new),
        (None, None) => None,
    };
    let block = Block::decode(&bytes).map_err(NodeError::from)?;
    // The first block has no transactions, and did nothing.
    let record = record.or_else(|| block.transactions.is_empty().then(Arc::default));
    Ok(Executed { block, record: record.ok_or(NodeError::HistoryDamaged { height })? })
}

/// What a swap exchanged.
#[derive(Clone, Copy, Debug)]
pub struct Exchange {
    /// The pool.
    pub pool: PoolId,
    /// The asset that the pool got.
    pub asset_in: AssetId,
    /// The asset that it gave.
    pub asset_out: AssetId,
    /// What the pool got.
    pub amount_in: Amount,
    /// What it gave.
    pub amount_out: Amount,
}

impl Exchange {
    /// That of an operation which did this, if it is a swap and was carried out.
    pub fn of(op: &Op<'_>, receipt: &Receipt) -> Option<Self> {
        let (pool, asset_in, asset_out) = match op {
            Op::SwapExactIn(swap) => (swap.pool, swap.asset_in, swap.asset_out),
            Op::SwapExactOut(swap) => (swap.pool, swap.asset_in, swap.asset_out),
            _ => return None,
        };
        match receipt.outcome {
            Outcome::Swapped(amount_in, amount_out) => {
                Some(Self { pool, asset_in, asset_out, amount_in, amount_out })
            }
            _ => None,
        }
    }
}

/// The header of a final block.
///
/// # Errors
/// There is none of this height, or it was forgotten, or the store fails.
pub fn header(source: &dyn Source, height: u64) -> Result<Header> {
    let bytes = block_bytes(source, height, &mut |_| ())?;
    Ok(Block::decode_header(&bytes).map_err(NodeError::from)?)
}

fn block_bytes(
    source: &dyn Source,
    height: u64,
    look: &mut dyn FnMut(&qenex_node::node::Node),
) -> Result<Vec<u8>> {
    let mut found = None;
    source.look(&mut |node| {
        let is_final = (1..=node.chain().tip().height).contains(&height);
        found =
            Some((height == 0).then(|| node.genesis().encode()).ok_or((is_final, Arc::clone(node.store()))));
        look(node);
    });
    match found {
        Some(Ok(genesis)) => Ok(genesis),
        // Where work decides, the log may hold what is not final.
        Some(Err((true, store))) => Ok(store.read(height).map_err(NodeError::from)?),
        _ => Err(NodeError::UnknownBlock(Default::default()).into()),
    }
}

/// A copy of the records of the newest final state, and its height.
pub fn state(source: &dyn Source) -> (u64, Records) {
    let mut shared = None;
    source.look(&mut |node| {
        let records = node.chain().records();
        shared = Some((node.chain().tip().height, records.bits(), records.share()));
    });
    let (height, bits, buckets) = shared.unwrap_or_default();
    (height, Records::load(bits, (0..).zip(buckets)).unwrap_or_default())
}

/// Which records the newest final state holds.
pub(crate) fn ids(source: &dyn Source) -> Vec<RecordId> {
    let (_, records) = state(source);
    records.iter().filter_map(|item| codec::decode_trusted(item.id).ok()).collect()
}

/// How an asset is spread over the accounts that have some of it. What pools and stake hold is not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spread {
    /// Of the state after this block.
    pub height: u64,
    /// How many accounts have some.
    pub holders: u64,
    /// What they have together.
    pub held: u128,
    /// What the ten of them have together that have the most.
    pub ten_largest: u128,
    /// The sum of the squares of all shares (Herfindahl-Hirschman index): one divided by the number of holders if all have the same, one if one has everything.
    pub herfindahl: f64,
    /// How unequal the shares are (Gini coefficient): zero if all have the same.
    pub gini: f64,
}

impl Spread {
    /// Of these amounts.
    pub fn of(height: u64, mut amounts: Vec<u128>) -> Self {
        amounts.sort_unstable();
        let held = amounts.iter().fold(0u128, |sum, amount| sum.saturating_add(*amount));
        if held == 0 {
            return Self { height, ..Self::default() };
        }
        let (count, all) = (amounts.len() as f64, held as f64);
        let herfindahl = amounts.iter().map(|amount| (*amount as f64 / all).powi(2)).sum();
        let ranked: f64 =
            (1..).zip(&amounts).map(|(rank, amount)| f64::from(rank) * (*amount as f64 / all)).sum();
        Self {
            height,
            holders: amounts.len() as u64,
            held,
            ten_largest: amounts.iter().rev().take(10).fold(0, |sum, amount| sum.saturating_add(*amount)),
            herfindahl,
            gini: 2.0 * ranked / count - (count + 1.0) / count,
        }
    }
}

/// How an asset is spread in the newest final state. All records are looked at.
pub fn spread(source: &dyn Source, asset: AssetId) -> Spread {
    let (height, records) = state(source);
    let amounts = records.decoded().filter_map(|(id, record)| match (id, record) {
        (RecordId::Balance(_, of), Record::Balance(balance)) if of == asset => Some(balance.amount.units()),
        _ => None,
    });
    Spread::of(height, amounts.collect())
}
