//! The durable store of a node in PostgreSQL: for whoever has outgrown one machine's disk, or has a database that is looked after already.
//!
//! | module | what it is for |
//! |---|---|
//! | [`books`] | what final blocks did, in tables for whoever asks in SQL |
//! | [`connection`] | the settings, pools of connections, what is tried again and for how long |
//! | `mark` | what was told to be committed, in a file beside the database |
//! | `rows` | how blocks, buckets and receipts lie in tables |
//! | `write` | what changes the tables |
//!
//! One node writes to one database. It may run on a primary with standbys: with `synchronous_standby_names` set there, what was committed here is on a
//! standby, too, and a node goes on with it when it takes over.
//!
//! # Promises
//! - What was committed is there, whatever primary answers, or an error says that it is not: a standby that took over without it is not written to.
//! - Each change is one SERIALIZABLE transaction, tried again where the database says that it conflicts or where the connection is lost. What may have been committed
//!   when the connection was lost is looked for first, and never written twice.
//! - A process that opens the store ends the right of the one before to write. Two never write.
//! - Heights are block heights; all bytes that are read are checked.
//!
//! What the engines lack that speak the same protocol is not used: no locks by name, no listening, no functions in the database, no temporary tables.
#![forbid(unsafe_code)]

pub mod books;
pub mod connection;
mod mark;
mod rows;
mod write;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use qenex_core::error::{
    STORE_BLOCK_TOO_LONG, STORE_DAMAGED, STORE_FAILED, STORE_FOREIGN, STORE_HEIGHT, STORE_NOT_FOUND,
};
use qenex_store::block_log::MAX_BLOCK_BYTES;
use qenex_store::{CheckpointMeta, State, Store, StoreError};

use crate::connection::{Connections, Settings};
use crate::mark::Mark;
use crate::rows::number;
use crate::write::Right;

/// The files of the folder `migrations`.
mod made {
    refinery::embed_migrations!("migrations");
}

/// The table of the migrations that were made, in the schema of all others: where names without one lead to changes once there is a schema of the user's name.
const MIGRATIONS: &str = "qenex.migrations";

/// How many buckets are read at a time.
const PAGE: i64 = 4_096;

/// What is committed, and what waits for the next commit.
#[derive(Debug, Default)]
struct Blocks {
    first: Option<u64>,
    last: Option<u64>,
    /// The height that is appended next; any, while there is none.
    next: Option<u64>,
    pending: Vec<(u64, Vec<u8>)>,
    failed: bool,
}

/// The store in a database.
#[derive(Debug)]
pub struct Postgres {
    primary: Connections,
    /// Where blocks and receipts are looked for first.
    replicas: Option<Connections>,
    /// The chain.
    genesis: [u8; 32],
    /// Under which it writes.
    right: Right,
    /// What was told, beside the database.
    mark: Option<Mark>,
    blocks: Mutex<Blocks>,
    /// The newest state: nobody else writes one.
    meta: Mutex<Option<CheckpointMeta>>,
    /// Blocks are committed by one thread at a time.
    commits: Mutex<()>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Postgres {
    /// Opens the store of a chain in a database, or begins with an empty one. From here on whoever had it open does not write any more.
    ///
    /// # Errors
    /// The database does not answer, holds another chain, or what is in it is not as it was written.
    pub fn open(settings: &Settings, genesis: &[u8; 32]) -> Result<Self, StoreError> {
        let primary = Connections::open(&settings.url, settings, true)?;
        let replicas = settings.replicas.as_ref().map(|url| Connections::open(url, settings, false));
        let replicas = replicas.transpose()?;
        primary.with_long(async |client| {
            client.batch_execute("CREATE SCHEMA IF NOT EXISTS qenex").await?;
            let mut runner = made::migrations::runner();
            runner.set_migration_table_name(MIGRATIONS);
            runner.run_async(&mut ***client).await?;
            Ok(())
        })?;
        let begun = write::begin(&primary, genesis)?;
        if begun.genesis != genesis {
            let detail = "the database holds the chain of another genesis";
            return Err(StoreError::new(STORE_FOREIGN, primary.name(), detail));
        }
        let (mark, told) = settings.mark.as_deref().map(Mark::open).transpose()?.unzip();
        if let Some(told) = told.flatten().filter(|told| begun.last.is_none_or(|last| last < *told)) {
            let beside = settings.mark.as_deref().map(|path| path.display().to_string()).unwrap_or_default();
            return Err(write::lost(primary.name(), format_args!("block {told} ({beside} says so)")));
        }
        if let Some((mark, last)) = mark.as_ref().zip(begun.last) {
            mark.set(last)?;
        }
        uncompressed(&primary)?;
        let next = begun.last.map(|last| last.saturating_add(1));
        let blocks = Blocks { first: begun.first, last: begun.last, next, ..Blocks::default() };
        Ok(Self {
            primary,
            replicas,
            meta: Mutex::new(begun.meta),
            genesis: *genesis,
            right: begun.right,
            mark,
            blocks: Mutex::new(blocks),
            commits: Mutex::new(()),
        })
    }

    /// Writes down what is committed.
    fn tell(&self, height: u64) -> Result<(), StoreError> {
        self.mark.as_ref().map_or(Ok(()), |mark| mark.set(height))
    }

    fn error(&self, code: qenex_core::error::Code, detail: impl std::fmt::Display) -> StoreError {
        StoreError::new(code, self.primary.name(), detail)
    }

    /// What a row has, if its check is right: from a replica if it has it and is one of this chain, and else from the primary, where something else is damage.
    fn row(
        &self,
        query: &'static str,
        height: u64,
        what: &str,
        open: impl Fn(u64, Vec<u8>) -> Option<Vec<u8>>,
    ) -> Result<Vec<u8>, StoreError> {
        let at = height;
        let height = number(height, self.primary.name())?;
        let ask = |connections: &Connections| {
            connections.with(async |client| {
                let statement = client.prepare_cached(query).await?;
                let row = client.query_opt(&statement, &[&height, &self.genesis.as_slice()]).await?;
                Ok(row.map(|row| row.get::<_, Vec<u8>>(0)))
            })
        };
        if let Some(replicas) = self.replicas.as_ref().filter(|replicas| replicas.answer()) {
            match ask(replicas) {
                // It may not have come there yet.
                Ok(found) => {
                    if let Some(opened) = found.and_then(|bytes| open(at, bytes)) {
                        return Ok(opened);
                    }
                }
                Err(error) => {
                    replicas.leave_alone();
                    tracing::warn!("the replicas are not asked for a while: {error}");
                }
            }
        }
        let damaged = |wrong: &str| self.error(STORE_DAMAGED, format_args!("{what} {at}: {wrong}"));
        let bytes = ask(&self.primary)?.ok_or_else(|| damaged("missing"))?;
        open(at, bytes).ok_or_else(|| damaged("the checksum is wrong"))
    }

    /// Changes the database, unless an earlier change failed.
    fn change<T>(&self, change: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
        if lock(&self.blocks).failed {
            return Err(self.error(STORE_FAILED, "an earlier write failed"));
        }
        let changed = change();
        lock(&self.blocks).failed |= changed.is_err();
        changed
    }

    /// Reads everything once: damage anywhere is an error that names it.
    ///
    /// # Errors
    /// Something is damaged.
    pub fn verify(&self) -> Result<(), StoreError> {
        for height in self.first_height().unwrap_or(1)..=self.last_height().unwrap_or(0) {
            self.read(height)?;
        }
        let Some(meta) = self.load(&mut |_, _| ())? else { return Ok(()) };
        (meta.receipts_from..=meta.height).try_for_each(|height| self.receipts(height).map(|_| ()))
    }
}

/// Signatures and hashes do not become shorter: it is only tried in vain. Asked first, because to change it waits for whoever reads a table; and not every engine knows the words.
fn uncompressed(primary: &Connections) -> Result<(), StoreError> {
    primary.with(async |client| {
        for table in ["blocks", "buckets", "receipts"] {
            let asked = format!(
                "SELECT 1 FROM pg_attribute WHERE attrelid = 'qenex.{table}'::regclass AND attname = 'bytes' AND attstorage <> 'e'"
            );
            if matches!(client.query_opt(&asked, &[]).await, Ok(Some(_))) {
                let said = format!("ALTER TABLE qenex.{table} ALTER COLUMN bytes SET STORAGE EXTERNAL");
                let _ = client.batch_execute(&said).await;
            }
        }
        Ok(())
    })
}

/// What a database says of itself.
#[derive(Clone, Debug)]
pub struct Look {
    /// Who answers as the primary, and what is there.
    pub database: String,
    /// The version of the server.
    pub version: String,
    /// The height of the newest block, if there is a chain.
    pub last_height: Option<u64>,
    /// Which standbys have to have what is committed: the server's `synchronous_standby_names`.
    pub standbys: String,
}

impl std::fmt::Display for Look {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: version {}, ", self.database, self.version)?;
        match self.last_height {
            Some(height) => write!(f, "blocks up to height {height}"),
            None => write!(f, "no chain yet"),
        }
    }
}

/// Asks a database what it is, and changes nothing.
///
/// # Errors
/// It does not answer, or lets nobody in.
pub fn look(settings: &Settings) -> Result<Look, StoreError> {
    let primary = Connections::open(&settings.url, settings, true)?;
    primary.with(async |client| {
        let query = "SELECT current_setting('server_version'), COALESCE(current_setting('synchronous_standby_names', TRUE), ''), \
                     to_regclass('qenex.chain') IS NOT NULL";
        let row = client.query_one(query, &[]).await?;
        let last_height: Option<i64> = match row.get(2) {
            true => {
                let query = "SELECT last_height FROM qenex.chain";
                client.query_opt(query, &[]).await?.and_then(|row| row.get(0))
            }
            false => None,
        };
        Ok(Look {
            database: primary.name().into(),
            version: row.get(0),
            last_height: last_height.map(rows::height_of),
            standbys: row.get(1),
        })
    })
}

impl Store for Postgres {
    fn name(&self) -> String {
        self.primary.name().into()
    }

    fn first_height(&self) -> Option<u64> {
        lock(&self.blocks).first
    }

    fn last_height(&self) -> Option<u64> {
        lock(&self.blocks).last
    }

    fn append(&self, height: u64, block: &[u8]) -> Result<(), StoreError> {
        let mut blocks = lock(&self.blocks);
        if blocks.failed {
            return Err(self.error(STORE_FAILED, "an earlier write failed"));
        }
        if let Some(expected) = blocks.next.filter(|expected| *expected != height) {
            let detail = format_args!("block {expected} was expected, block {height} given");
            return Err(self.error(STORE_HEIGHT, detail));
        }
        if block.len() > MAX_BLOCK_BYTES {
            let detail = format_args!("{} bytes, the bound is {MAX_BLOCK_BYTES}", block.len());
            return Err(self.error(STORE_BLOCK_TOO_LONG, detail));
        }
        blocks.pending.push((height, rows::checked_block(height, block)));
        blocks.next = Some(height.saturating_add(1));
        Ok(())
    }

    fn sync(&self) -> Result<(), StoreError> {
        let _one = lock(&self.commits);
        self.change(|| {
            let (last, pending) = {
                let mut blocks = lock(&self.blocks);
                (blocks.last, std::mem::take(&mut blocks.pending))
            };
            let Some((first, to)) = pending.first().zip(pending.last()).map(|(a, b)| (a.0, b.0)) else {
                return Ok(());
            };
            write::append(&self.primary, &self.right, last, &pending)?;
            self.tell(to)?;
            let mut blocks = lock(&self.blocks);
            blocks.first.get_or_insert(first);
            blocks.last = Some(to);
            Ok(())
        })
    }

    fn read(&self, height: u64) -> Result<Vec<u8>, StoreError> {
        let missing = || self.error(STORE_NOT_FOUND, format_args!("no block {height}"));
        let kept = {
            let blocks = lock(&self.blocks);
            blocks.first.zip(blocks.last).is_some_and(|(first, last)| (first..=last).contains(&height))
        };
        if !kept {
            return Err(missing());
        }
        let query = "SELECT bytes FROM qenex.blocks, qenex.chain WHERE height = $1 AND genesis = $2";
        self.row(query, height, "block", rows::block)
    }

    fn forget(&self, below: u64) -> Result<(), StoreError> {
        let (first, last) = {
            let blocks = lock(&self.blocks);
            let Some((first, last)) = blocks.first.zip(blocks.last) else { return Ok(()) };
            (first, last)
        };
        // What the newest state needs stays.
        let Some(state) = self.latest()? else { return Ok(()) };
        let below = below.min(last).min(state.height);
        if below <= first {
            return Ok(());
        }
        {
            // Between two commits, which change the same row.
            let _one = lock(&self.commits);
            let last = self.last_height().unwrap_or(last);
            self.change(|| {
                write::forget(&self.primary, &self.right, last, below)?;
                lock(&self.blocks).first = Some(below);
                Ok(())
            })?;
        }
        // What is left takes room, and nothing more: it goes with the next ones.
        if let Err(error) = write::remove_forgotten(&self.primary, below) {
            tracing::warn!("blocks that are forgotten are still there: {error}");
        }
        Ok(())
    }

    fn latest(&self) -> Result<Option<CheckpointMeta>, StoreError> {
        Ok(*lock(&self.meta))
    }

    fn load(&self, each: &mut dyn FnMut(u32, &[u8])) -> Result<Option<CheckpointMeta>, StoreError> {
        let Some(meta) = self.latest()? else { return Ok(None) };
        let (mut after, mut buckets) = (-1i64, 0u64);
        loop {
            let page = self.primary.with(async |client| {
                let query = "SELECT prefix, bytes FROM qenex.buckets WHERE bits = $1 AND prefix > $2 ORDER BY prefix LIMIT $3";
                let statement = client.prepare_cached(query).await?;
                let rows = client.query(&statement, &[&i16::from(meta.bits), &after, &PAGE]).await?;
                Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect::<Vec<(i64, Vec<u8>)>>())
            })?;
            let Some((last, _)) = page.last() else { break };
            after = *last;
            for (prefix, bytes) in &page {
                let bucket = u32::try_from(*prefix).ok().and_then(|prefix| {
                    each(prefix, rows::bucket(meta.bits, prefix, bytes)?);
                    Some(())
                });
                let damaged = || {
                    let detail =
                        format_args!("bucket {prefix:#x} of {} bits: the checksum is wrong", meta.bits);
                    self.error(STORE_DAMAGED, detail)
                };
                bucket.ok_or_else(damaged)?;
                buckets += 1;
            }
        }
        if buckets != meta.buckets {
            let detail = format_args!("{} buckets were expected, {buckets} found", meta.buckets);
            return Err(self.error(STORE_DAMAGED, detail));
        }
        Ok(Some(meta))
    }

    fn receipts(&self, height: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let covered = self.latest()?.is_some_and(|meta| (meta.receipts_from..=meta.height).contains(&height));
        if !covered {
            return Ok(None);
        }
        let query = "SELECT bytes FROM qenex.receipts, qenex.chain WHERE height = $1 AND genesis = $2";
        self.row(query, height, "receipts of", rows::receipts).map(Some)
    }

    fn write(
        &self,
        state: State<'_>,
        receipts: &mut (dyn Iterator<Item = (u64, Arc<Vec<u8>>)> + Send),
        keep_from: u64,
    ) -> Result<CheckpointMeta, StoreError> {
        self.change(|| {
            let before = *lock(&self.meta);
            let meta = write::state(&self.primary, (&self.right, before), state, receipts, keep_from)?;
            *lock(&self.meta) = Some(meta);
            Ok(meta)
        })
    }

    fn replace(&self, block: &[u8], state: State<'_>) -> Result<(), StoreError> {
        let _one = lock(&self.commits);
        self.change(|| {
            let height = state.height;
            lock(&self.blocks).pending.clear();
            let meta = write::replace(&self.primary, &self.right, block, state)?;
            self.tell(height)?;
            *lock(&self.meta) = Some(meta);
            let mut blocks = lock(&self.blocks);
            (blocks.first, blocks.last) = (Some(height), Some(height));
            blocks.next = Some(height.saturating_add(1));
            Ok(())
        })
    }
}
