//! What final blocks did, in tables for whoever asks in SQL: see `migrations/V2__books.sql`.
//!
//! A thread follows the final blocks of the node that writes to the database. Each batch is one transaction: rows of blocks are copied in bulk; accounts, balances, assets and pools are
//! those of the node's newest final state that the blocks touched. What a node forgets stays here. Where it was given a state and lacks blocks, these rows are missing, and the rest goes on.

use std::collections::BTreeSet;
use std::fmt::{Display, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use deadpool_postgres::Transaction;
use futures::SinkExt as _;
use qenex_core::error::STORE_HEIGHT;
use qenex_core::id::{AccountId, NATIVE_ASSET};
use qenex_core::ledger::{Outcome, Receipt, Record, RecordId, access};
use qenex_core::policy::OpKind;
use qenex_core::tx::{Op, SignedTransaction};
use qenex_index::IndexError;
use qenex_index::read::{Exchange, Executed, executed, state};
use qenex_node::error::NodeError;
use qenex_node::history::receipts;
use qenex_node::node::Source;
use qenex_store::StoreError;

use crate::Postgres;
use crate::connection::Failure;
use crate::rows::{height_of, number};
use crate::write::may_write;

/// How often the node is asked for new blocks.
const EVERY: Duration = Duration::from_millis(250);

/// After something failed.
const AGAIN: Duration = Duration::from_secs(5);

/// A batch ends with the block with which it has so many transactions, or so many blocks.
const BATCH_TRANSACTIONS: usize = 50_000;
const BATCH_BLOCKS: u64 = 1_024;

/// Bytes that are sent at a time.
const CHUNK_BYTES: usize = 1 << 20;

/// Why the books do not go on.
#[derive(Debug, thiserror::Error)]
pub enum BooksError {
    /// The node's blocks cannot be read.
    #[error("{0}")]
    Node(#[from] IndexError),
    /// The database.
    #[error("{0}")]
    Store(#[from] StoreError),
}

impl From<NodeError> for BooksError {
    fn from(error: NodeError) -> Self {
        Self::Node(error.into())
    }
}

/// Whoever keeps the books.
pub struct Books {
    store: Arc<Postgres>,
    /// Up to which block they go, once that was asked.
    height: Option<u64>,
}

impl Books {
    /// The books in the database of a store.
    pub const fn new(store: Arc<Postgres>) -> Self {
        Self { store, height: None }
    }

    /// Follows until it is told to stop. What fails is tried again.
    pub fn run(mut self, source: &dyn Source, stop: &AtomicBool) {
        let mut failing = false;
        while !stop.load(Ordering::Relaxed) {
            let wait = match self.step(source) {
                Ok(true) => Duration::ZERO,
                Ok(false) => EVERY,
                Err(error) => {
                    if !std::mem::replace(&mut failing, true) {
                        tracing::warn!("the books do not go on: {error}");
                    }
                    self.height = None;
                    AGAIN
                }
            };
            if wait != AGAIN && std::mem::take(&mut failing) {
                tracing::info!("the books go on");
            }
            std::thread::sleep(wait);
        }
    }

    /// Writes down the next blocks. Returns whether there were some.
    ///
    /// # Errors
    /// The database fails, or the node's blocks cannot be read: nothing of the batch is then written.
    pub fn step(&mut self, source: &dyn Source) -> Result<bool, BooksError> {
        let mut kept = None;
        source.look(&mut |node| kept = Some((node.first_record(), node.chain().tip().height)));
        let Some((first, tip)) = kept else { return Ok(false) };
        let first = first?.max(1);
        let before = match self.height {
            Some(height) => Some(height),
            None => self.progress()?,
        };
        let from = before.map_or(first, |height| height.saturating_add(1).max(first));
        if before.is_some() && from > tip {
            self.height = before;
            return Ok(false);
        }
        if before.is_some_and(|height| height.saturating_add(1) < from) {
            tracing::warn!(from = before, to = from, "the books lack blocks that the node does not have");
        }
        let mut rows = Rows::default();
        let mut done = from.saturating_sub(1);
        while done < tip && rows.count < BATCH_TRANSACTIONS && done < from.saturating_add(BATCH_BLOCKS) {
            rows.add(&executed(source, done + 1)?)?;
            done += 1;
        }
        // Who begins takes the whole state; and so does who lacks blocks.
        let is_whole = before.is_none_or(|height| height.saturating_add(1) < from);
        let state = StateRows::of(source, (!is_whole).then_some(&rows.touched));
        self.write((&rows, &state, is_whole), before, done)?;
        self.height = Some(done);
        Ok(true)
    }

    fn progress(&self) -> Result<Option<u64>, StoreError> {
        self.store.primary.with(async |client| {
            let row = client.query_opt("SELECT height FROM books.progress", &[]).await?;
            Ok(row.map(|row| height_of(row.get(0))))
        })
    }

    fn write(
        &self,
        (rows, state, is_whole): (&Rows, &StateRows, bool),
        before: Option<u64>,
        done: u64,
    ) -> Result<(), StoreError> {
        let Postgres { primary, right, .. } = &*self.store;
        let name = primary.name();
        let (height, state_height) = (number(done, name)?, number(state.height, name)?);
        primary.transact_long(async |transaction| {
            may_write(transaction, name, right).await?;
            let found = transaction.query_opt("SELECT height FROM books.progress", &[]).await?;
            if found.map(|row| height_of(row.get(0))) != before {
                // The try before this one was committed, and its answer was lost; or a standby has taken over that is behind. What is there is looked at again.
                let detail = "the books are at another height than was expected";
                return Err(StoreError::new(STORE_HEIGHT, name, detail).into());
            }
            for (table, lines) in rows.tables() {
                copy(transaction, table, lines).await?;
            }
            for (table, keys, lines) in state.tables() {
                if is_whole {
                    transaction.execute(&format!("DELETE FROM {table}"), &[]).await?;
                } else {
                    remove(transaction, table, keys).await?;
                }
                copy(transaction, table, lines).await?;
            }
            let put = "INSERT INTO books.progress (one, height, state_height) VALUES (TRUE, $1, $2) \
                       ON CONFLICT (one) DO UPDATE SET height = excluded.height, state_height = excluded.state_height";
            transaction.execute(put, &[&height, &state_height]).await?;
            Ok(())
        })
    }
}

/// Copies lines in the text format of COPY into a table.
async fn copy(transaction: &Transaction<'_>, table: &str, lines: &str) -> Result<(), Failure> {
    if lines.is_empty() {
        return Ok(());
    }
    let sink = transaction.copy_in(&format!("COPY {table} FROM STDIN")).await?;
    let mut sink = std::pin::pin!(sink);
    // The server takes no message of a gigabyte.
    for chunk in lines.as_bytes().chunks(CHUNK_BYTES) {
        sink.send(bytes::Bytes::copy_from_slice(chunk)).await?;
    }
    sink.finish().await?;
    Ok(())
}

/// Removes the rows with these keys, of one column or of two.
async fn remove(transaction: &Transaction<'_>, table: &str, keys: &Keys) -> Result<(), Failure> {
    match keys {
        Keys::One(ids) if !ids.is_empty() => {
            transaction.execute(&format!("DELETE FROM {table} WHERE id = ANY($1)"), &[ids]).await?;
        }
        Keys::Two(accounts, assets) if !accounts.is_empty() => {
            let said = format!(
                "DELETE FROM {table} WHERE (account, asset) IN (SELECT * FROM UNNEST($1::TEXT[], $2::TEXT[]))"
            );
            transaction.execute(&said, &[accounts, assets]).await?;
        }
        _ => {}
    }
    Ok(())
}

/// A line of COPY: columns with tabs between them. Nothing that is written has to be escaped: names, numbers, times.
macro_rules! line {
    ($to:expr, $first:expr $(, $column:expr)*) => {{
        let _ = write!($to, "{}", $first);
        $( let _ = write!($to, "\t{}", $column); )*
        $to.push('\n');
    }};
}

/// A time as PostgreSQL reads it, of milliseconds since 1970.
struct At(u64);

impl Display for At {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Times beyond those that the calendar of the database has are none that a block can have for long.
        let at = std::time::UNIX_EPOCH + Duration::from_millis(self.0.min(253_402_300_799_999));
        write!(f, "{}", humantime::format_rfc3339_millis(at))
    }
}

/// Rows of blocks.
#[derive(Default)]
struct Rows {
    blocks: String,
    transactions: String,
    transfers: String,
    swaps: String,
    supply_changes: String,
    /// Which records they may have changed.
    touched: BTreeSet<RecordId>,
    count: usize,
}

impl Rows {
    fn tables(&self) -> [(&'static str, &str); 5] {
        [
            ("books.blocks", &self.blocks),
            ("books.transactions", &self.transactions),
            ("books.transfers", &self.transfers),
            ("books.swaps", &self.swaps),
            ("books.supply_changes", &self.supply_changes),
        ]
    }

    fn add(&mut self, Executed { block, record }: &Executed) -> Result<(), BooksError> {
        let header = &block.header;
        let (height, at) = (header.height, At(header.time_ms));
        let damaged = || NodeError::HistoryDamaged { height };
        line!(self.blocks, height, header.id(), at, header.proposer, block.transactions.len());
        // Fees, and what the end of a block mints or burns.
        self.touched.insert(RecordId::Asset(NATIVE_ASSET));
        self.touched.insert(RecordId::Account(header.proposer));
        self.touched.insert(RecordId::Balance(header.proposer, NATIVE_ASSET));
        let mut place = 0;
        for (signed, receipt) in block.transactions.iter().zip(receipts(record)) {
            let signed = SignedTransaction::decode(signed).map_err(|_| damaged())?;
            let transaction = &signed.transaction;
            let (sender, kind) = (transaction.sender, OpKind::of(&transaction.op).as_str());
            line!(
                self.transactions,
                height,
                place,
                at,
                signed.id(),
                kind,
                sender,
                transaction.nonce,
                receipt.fee
            );
            self.movements((height, place, &at), sender, &transaction.op, &receipt);
            self.touched.extend(access(transaction));
            place += 1;
        }
        if place != block.transactions.len() {
            return Err(damaged().into());
        }
        self.count += place;
        Ok(())
    }

    fn movements(
        &mut self,
        (height, place, at): (u64, usize, &At),
        sender: AccountId,
        op: &Op<'_>,
        receipt: &Receipt,
    ) {
        match op {
            Op::Transfer(transfer) => {
                for (number, leg) in transfer.legs.iter().enumerate() {
                    let (asset, to) = (transfer.asset, leg.to);
                    line!(self.transfers, height, place, number, at, asset, sender, to, leg.amount);
                }
            }
            Op::Issue(issue) => {
                line!(self.supply_changes, height, place, at, "issue", issue.asset, issue.to, issue.amount);
            }
            Op::Burn(burn) => {
                line!(
                    self.supply_changes,
                    height,
                    place,
                    at,
                    "burn",
                    burn.asset,
                    sender,
                    format_args!("-{}", burn.amount)
                );
            }
            _ => {}
        }
        if let Some(exchange) = Exchange::of(op, receipt) {
            let Exchange { pool, asset_in, asset_out, amount_in, amount_out } = exchange;
            line!(self.swaps, height, place, at, pool, sender, asset_in, amount_in, asset_out, amount_out);
        }
        if let (Op::Report(report), Outcome::Slashed(amount)) = (op, &receipt.outcome) {
            let (validator, amount) = (report.validator, format_args!("-{amount}"));
            line!(self.supply_changes, height, place, at, "slash", NATIVE_ASSET, validator, amount);
        }
    }
}

/// The keys of rows.
enum Keys {
    One(Vec<String>),
    Two(Vec<String>, Vec<String>),
}

impl Keys {
    fn one() -> Self {
        Self::One(Vec::new())
    }

    fn add(&mut self, first: &str, second: &str) {
        match self {
            Self::One(ids) => ids.push(first.into()),
            Self::Two(firsts, seconds) => {
                firsts.push(first.into());
                seconds.push(second.into());
            }
        }
    }
}

/// Rows of a state: of all its records, or of some.
struct StateRows {
    height: u64,
    accounts: (Keys, String),
    balances: (Keys, String),
    assets: (Keys, String),
    pools: (Keys, String),
}

impl StateRows {
    fn of(source: &dyn Source, some: Option<&BTreeSet<RecordId>>) -> Self {
        let mut rows = Self {
            height: 0,
            accounts: (Keys::one(), String::new()),
            balances: (Keys::Two(Vec::new(), Vec::new()), String::new()),
            assets: (Keys::one(), String::new()),
            pools: (Keys::one(), String::new()),
        };
        let Some(ids) = some else {
            // Beside the node, which goes on.
            let (height, records) = state(source);
            rows.height = height;
            records.decoded().for_each(|(id, record)| rows.add(&id, Some(record)));
            return rows;
        };
        source.look(&mut |node| {
            let chain = node.chain();
            rows.height = chain.tip().height;
            for id in ids {
                rows.add(id, chain.record(id).ok().flatten());
            }
        });
        rows
    }

    /// A record, or that there is none.
    fn add(&mut self, id: &RecordId, record: Option<Record<'_>>) {
        match id {
            RecordId::Account(account) => self.accounts.0.add(account.as_str(), ""),
            RecordId::Balance(account, asset) => self.balances.0.add(account.as_str(), asset.as_str()),
            RecordId::Asset(asset) => self.assets.0.add(asset.as_str(), ""),
            RecordId::Pool(pool) => self.pools.0.add(pool.as_str(), ""),
            _ => return,
        }
        match (id, record) {
            (RecordId::Account(id), Some(Record::Account(account))) => {
                line!(self.accounts.1, id, account.kind, account.status, account.kyc, account.nonce);
            }
            (RecordId::Balance(account, asset), Some(Record::Balance(balance))) => {
                line!(self.balances.1, account, asset, balance.amount);
            }
            (RecordId::Asset(id), Some(Record::Asset(asset))) => {
                line!(self.assets.1, id, asset.issuer, asset.supply, asset.max_supply);
            }
            (RecordId::Pool(id), Some(Record::Pool(pool))) => {
                let reserves = &pool.reserves;
                let (a, b) = (reserves.a(), reserves.b());
                line!(
                    self.pools.1,
                    id,
                    pool.asset_a,
                    a,
                    pool.asset_b,
                    b,
                    reserves.shares(),
                    reserves.fee_bps()
                );
            }
            _ => {}
        }
    }

    fn tables(&self) -> [(&'static str, &Keys, &str); 4] {
        [
            ("books.accounts", &self.accounts.0, &self.accounts.1),
            ("books.balances", &self.balances.0, &self.balances.1),
            ("books.assets", &self.assets.0, &self.assets.1),
            ("books.pools", &self.pools.0, &self.pools.1),
        ]
    }
}
