//! Follows the final blocks of a node.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use metrics::counter;
use qenex_core::amm::Direction;
use qenex_core::id::{AccountId, NATIVE_ASSET};
use qenex_core::ledger::{Outcome, Receipt, RecordId, access};
use qenex_core::policy::OpKind;
use qenex_core::tx::{Op, SignedTransaction};
use qenex_node::error::NodeError;
use qenex_node::history;
use qenex_node::node::Source;
use redb::{Durability, WriteTransaction};

use crate::candles::Swaps;
use crate::flows::Flows;
use crate::names::Namer;
use crate::read::{self, Exchange, Executed, executed};
use crate::tables::{self, BLOCKS, TOUCHED, TRANSACTIONS};
use crate::{Index, IndexError, Result};

/// How often the node is asked for new blocks.
const EVERY: Duration = Duration::from_millis(20);

/// A batch ends with the block with which it has so many transactions, or so many blocks.
const BATCH_TRANSACTIONS: usize = 20_000;
const BATCH_BLOCKS: usize = 256;

/// How old may be what is lost with the power, and read from the blocks again.
const DURABLE_EVERY: Duration = Duration::from_secs(1);

/// After so many failures in a row it is said that it does not follow.
const ATTEMPTS: usize = 3;

/// Who follows: what he remembers between batches.
pub struct Follower {
    index: Arc<Index>,
    known: HashSet<RecordId>,
    /// Whether the index is one of this chain.
    begun: bool,
    /// When something was durable last, and whether everything is.
    durable: (Instant, bool),
}

/// What the node has.
struct Kept {
    /// From which height on it knows what blocks did.
    first: u64,
    /// Its newest final block.
    height: u64,
    /// Whether it forgets.
    forgets: bool,
}

fn kept(source: &dyn Source) -> Result<Kept> {
    let mut kept = None;
    source.look(&mut |node| {
        let first = node.first_record();
        kept = Some(first.map(|first| Kept {
            first,
            height: node.chain().tip().height,
            forgets: node.forgets(),
        }));
    });
    Ok(kept.ok_or(NodeError::HistoryDamaged { height: 0 })??)
}

impl Follower {
    /// Whoever follows for an index.
    pub fn new(index: Arc<Index>) -> Self {
        Self { index, known: HashSet::new(), begun: false, durable: (Instant::now(), true) }
    }

    /// Follows until it is told to stop. What fails is tried again.
    pub fn run(mut self, source: &dyn Source, stop: &AtomicBool) {
        let mut failed = 0;
        while !stop.load(Ordering::Relaxed) {
            match self.step(source) {
                Ok(true) => failed = 0,
                Ok(false) => std::thread::sleep(EVERY),
                Err(error) => {
                    failed += 1;
                    if failed == ATTEMPTS {
                        tracing::warn!("the index does not follow: {error}");
                    }
                    std::thread::sleep(DURABLE_EVERY);
                }
            }
        }
        // Nobody is there to be told; what is lost is read from the blocks again.
        let _ = self.make_durable();
    }

    /// Takes the next blocks into the index. Returns whether there were some.
    ///
    /// # Errors
    /// The database fails, or the node's blocks cannot be read: nothing of the batch is then in the index.
    pub fn step(&mut self, source: &dyn Source) -> Result<bool> {
        let done = self.take(source);
        if done.is_err() {
            // What is remembered as written was not.
            self.known.clear();
        }
        done
    }

    fn take(&mut self, source: &dyn Source) -> Result<bool> {
        let Kept { first, height, forgets } = kept(source)?;
        let index = Arc::clone(&self.index);
        let failed = |error: redb::Error| index.failed(&error);
        let (at, all) = self.durable;
        let is_due = at.elapsed() >= DURABLE_EVERY;
        if self.begun && *index.height.borrow() >= height {
            if is_due && !all {
                self.make_durable()?;
            }
            return Ok(false);
        }
        let mut write = index.database.begin_write().map_err(|error| index.failed(&error))?;
        let durability = if is_due { Durability::Immediate } else { Durability::None };
        write.set_durability(durability).map_err(|error| index.failed(&error))?;
        let range = tables::range(&write).map_err(failed)?;
        // Where a state was put in, the blocks between are not there; where the node began anew, its chain is shorter.
        let range =
            range.filter(|(_, last)| (first..=height.saturating_add(1)).contains(&last.saturating_add(1)));
        let (from, last) = match range {
            Some((from, last)) => (from, last),
            None => {
                tables::clear(&write).map_err(failed)?;
                self.known.clear();
                let mut namer = Namer::new(&write, &mut self.known).map_err(failed)?;
                for id in read::ids(source) {
                    namer.add(id).map_err(failed)?;
                }
                (first, first.saturating_sub(1))
            }
        };
        let (done, kinds) = self.batch(source, &write, last, height)?;
        let from = if forgets { forget(&write, from, first).map_err(failed)? } else { from };
        tables::set_range(&write, from, done).map_err(failed)?;
        write.commit().map_err(|error| index.failed(&error))?;
        counter!("qenex_blocks_final_total").increment(done.saturating_sub(last));
        for (kind, count) in kinds {
            counter!("qenex_transactions_final_total", "kind" => kind).increment(count);
        }
        self.durable = if is_due { (Instant::now(), true) } else { (at, false) };
        self.begun = true;
        let before = index.height.send_replace(done);
        Ok(done > before)
    }

    fn make_durable(&mut self) -> Result<()> {
        let write = self.index.database.begin_write().map_err(|error| self.index.failed(&error))?;
        write.commit().map_err(|error| self.index.failed(&error))?;
        self.durable = (Instant::now(), true);
        Ok(())
    }

    /// Writes what the blocks above `last` did, as many as a batch takes. Returns the height of the last one, and how many transactions of which kind there were.
    fn batch(
        &mut self,
        source: &dyn Source,
        write: &WriteTransaction,
        last: u64,
        height: u64,
    ) -> Result<(u64, BTreeMap<&'static str, u64>)> {
        let failed = |error: redb::Error| self.index.failed(&error);
        let mut rows = Rows::default();
        let (mut done, mut transactions) = (last, 0);
        let until = height.min(last.saturating_add(BATCH_BLOCKS as u64));
        for height in last.saturating_add(1)..=until {
            let executed = executed(source, height)?;
            rows.add(&executed)?;
            transactions += executed.block.transactions.len();
            done = height;
            if transactions >= BATCH_TRANSACTIONS {
                break;
            }
        }
        let mut namer = Namer::new(write, &mut self.known).map_err(failed)?;
        rows.names.drain(..).try_for_each(|id| namer.add(id)).map_err(failed)?;
        let kinds = std::mem::take(&mut rows.kinds);
        rows.write(write).map_err(failed)?;
        Ok((done, kinds))
    }
}

/// What some blocks did.
#[derive(Default)]
struct Rows {
    names: Vec<RecordId>,
    blocks: Vec<(u64, (u64, u32))>,
    transactions: Vec<([u8; 32], tables::Position)>,
    touched: Vec<(AccountId, u64, u32, u8)>,
    kinds: BTreeMap<&'static str, u64>,
    swaps: Swaps,
    flows: Flows,
}

impl Rows {
    fn add(&mut self, Executed { block, record }: &Executed) -> Result<()> {
        let (height, time_ms) = (block.header.height, block.header.time_ms);
        let damaged = || IndexError::Node(NodeError::HistoryDamaged { height });
        let receipts = history::receipts(record);
        let mut count = 0;
        for ((signed, receipt), place) in block.transactions.iter().zip(receipts).zip(0..) {
            let signed = SignedTransaction::decode(signed).map_err(|_| damaged())?;
            let transaction = &signed.transaction;
            let kind = OpKind::of(&transaction.op);
            *self.kinds.entry(kind.as_str()).or_default() += 1;
            self.transactions.push((*signed.id().as_bytes(), (height, place)));
            for id in access(transaction) {
                if let RecordId::Account(account) = id {
                    self.touched.push((account, height, place, kind as u8));
                }
                self.names.push(id);
            }
            self.figures(&transaction.op, &receipt, time_ms);
            count += 1;
        }
        if count as usize != block.transactions.len() {
            return Err(damaged());
        }
        self.blocks.push((height, (time_ms, count)));
        Ok(())
    }

    /// What a transaction adds to prices, volumes and flows.
    fn figures(&mut self, op: &Op<'_>, receipt: &Receipt, time_ms: u64) {
        if let Some(exchange) = Exchange::of(op, receipt) {
            let Exchange { pool, asset_in, asset_out, amount_in, amount_out } = exchange;
            // The asset whose id comes first is a pool's first.
            let direction = if asset_in < asset_out { Direction::AToB } else { Direction::BToA };
            self.swaps.add(pool, time_ms, direction, amount_in, amount_out);
        }
        match op {
            Op::Transfer(transfer) => {
                let volume =
                    transfer.legs.iter().fold(0u128, |sum, leg| sum.saturating_add(leg.amount.units()));
                let count = transfer.legs.iter().count() as u64;
                self.flows.add(transfer.asset, time_ms, (count, volume, 0, 0));
            }
            Op::Issue(issue) => self.flows.add(issue.asset, time_ms, (0, 0, issue.amount.units(), 0)),
            Op::Burn(burn) => self.flows.add(burn.asset, time_ms, (0, 0, 0, burn.amount.units())),
            _ => {}
        }
        if let Outcome::Slashed(amount) = &receipt.outcome {
            self.flows.add(NATIVE_ASSET, time_ms, (0, 0, 0, amount.units()));
        }
    }

    fn write(self, write: &WriteTransaction) -> std::result::Result<(), redb::Error> {
        let mut table = write.open_table(BLOCKS)?;
        for (height, row) in self.blocks {
            table.insert(height, row)?;
        }
        let mut table = write.open_table(TRANSACTIONS)?;
        for (id, position) in &self.transactions {
            table.insert(id, *position)?;
        }
        let mut table = write.open_table(TOUCHED)?;
        for (account, height, place, kind) in &self.touched {
            table.insert((account.as_str(), *height, *place), *kind)?;
        }
        self.swaps.write(write)?;
        self.flows.write(write)
    }
}

/// Forgets transactions of blocks below a height, a bounded number of rows at a time. Returns from where on they are there.
fn forget(write: &WriteTransaction, from: u64, first: u64) -> std::result::Result<u64, redb::Error> {
    if from >= first {
        return Ok(from);
    }
    let mut blocks = write.open_table(BLOCKS)?;
    blocks.retain_in(..first, |_, _| false)?;
    write.open_table(TRANSACTIONS)?.retain(|_, (height, _)| height >= first)?;
    write.open_table(TOUCHED)?.retain(|(_, height, _), _| height >= first)?;
    Ok(first)
}
