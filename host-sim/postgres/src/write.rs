//! What changes the tables. Every transaction begins by asking whether this process is still the one that writes.

use std::pin::pin;
use std::sync::Arc;

use deadpool_postgres::Transaction;
use qenex_core::error::{STORE_DAMAGED, STORE_DATABASE, STORE_HEIGHT, STORE_IN_USE};
use qenex_store::{CheckpointMeta, State, StoreError};
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{ToSql, Type};

use crate::connection::{Connections, Failure};
use crate::rows::{checked_block, checked_bucket, checked_receipts, height_of, meta, number};

/// How many blocks are removed at a time.
const FORGOTTEN: i64 = 1_000;

/// Bytes of rows that are sent in one statement, about.
const STATEMENT_BYTES: usize = 16 << 20;

/// What a process finds when it begins.
#[derive(Debug)]
pub struct Begun {
    /// The chain whose store it is.
    pub genesis: Vec<u8>,
    /// The right to write.
    pub right: Right,
    /// The first block.
    pub first: Option<u64>,
    /// The newest block.
    pub last: Option<u64>,
    /// The newest state.
    pub meta: Option<CheckpointMeta>,
}

/// The right to write: a number that counts up, and what no other process has, because a standby that takes over may count anew.
#[derive(Clone, Debug, Default)]
pub struct Right {
    generation: i64,
    token: Vec<u8>,
}

/// Takes the right to write, and makes the rows of a chain if there are none.
pub fn begin(primary: &Connections, genesis: &[u8; 32]) -> Result<Begun, StoreError> {
    let mut token = vec![0; 16];
    getrandom::fill(&mut token).map_err(|error| {
        StoreError::new(STORE_DATABASE, primary.name(), format_args!("randomness: {error}"))
    })?;
    primary.transact(async |transaction| {
        let begin = "INSERT INTO qenex.chain (one, genesis) VALUES (TRUE, $1) ON CONFLICT (one) DO NOTHING";
        transaction.execute(begin, &[&genesis.as_slice()]).await?;
        let chain = "SELECT genesis, first_height, last_height FROM qenex.chain";
        let chain = transaction.query_one(chain, &[]).await?;
        let found: Vec<u8> = chain.get(0);
        if found != genesis {
            // Another chain's: its writer keeps its right.
            return Ok(Begun { genesis: found, right: Right::default(), first: None, last: None, meta: None });
        }
        let next = "INSERT INTO qenex.writer (one, generation, token) VALUES (TRUE, 1, $1) \
                    ON CONFLICT (one) DO UPDATE SET generation = qenex.writer.generation + 1, token = excluded.token RETURNING generation";
        let generation = transaction.query_one(next, &[&token]).await?.get(0);
        // Here: a state that the process before is about to commit would be missed otherwise.
        let meta = meta(&**transaction, primary.name()).await?;
        let [first, last] = [1, 2].map(|column| chain.get::<_, Option<i64>>(column).map(height_of));
        Ok(Begun { genesis: found, right: Right { generation, token: token.clone() }, first, last, meta })
    })
}

/// Refuses where another process has begun to write since, or where this database never heard of this one.
pub async fn may_write(transaction: &Transaction<'_>, name: &str, right: &Right) -> Result<(), Failure> {
    let statement = transaction.prepare_cached("SELECT generation, token FROM qenex.writer").await?;
    let found = transaction.query_opt(&statement, &[]).await?.map(|row| (row.get::<_, i64>(0), row.get(1)));
    match found {
        Some((generation, token)) if (generation, &token) == (right.generation, &right.token) => Ok(()),
        Some((generation, _)) if generation >= right.generation => {
            Err(StoreError::new(STORE_IN_USE, name, "another process has opened it since").into())
        }
        _ => Err(lost(name, "that this process writes").into()),
    }
}

/// The database is behind what it has confirmed.
pub fn lost(name: &str, what: impl std::fmt::Display) -> StoreError {
    let detail = format_args!(
        "it does not know {what}, which was committed: a standby has taken over that did not have it (see synchronous_standby_names)"
    );
    StoreError::new(STORE_DAMAGED, name, detail)
}

/// Appends blocks behind the newest one, with their checks.
pub fn append(
    primary: &Connections,
    right: &Right,
    last: Option<u64>,
    blocks: &[(u64, Vec<u8>)],
) -> Result<(), StoreError> {
    let name = primary.name();
    let Some((first, to)) = blocks.first().zip(blocks.last()).map(|(first, last)| (first.0, last.0)) else {
        return Ok(());
    };
    let (first, to) = (number(first, name)?, number(to, name)?);
    let last = last.map(|last| number(last, name)).transpose()?;
    if last.is_some_and(|last| last + 1 != first) {
        return Err(StoreError::new(
            STORE_HEIGHT,
            name,
            format_args!("block {first} does not follow {last:?}"),
        ));
    }
    primary.transact(async |transaction| {
        may_write(transaction, name, right).await?;
        let statement = transaction.prepare_cached("SELECT last_height FROM qenex.chain").await?;
        let found: Option<i64> = transaction.query_one(&statement, &[]).await?.get(0);
        if found == Some(to) {
            // The try before this one was committed, and the answer was lost: perhaps before a standby had it. This one waits for both.
            return touch(transaction).await;
        }
        if found != last {
            return Err(lost(name, format_args!("block {}", last.unwrap_or_default())).into());
        }
        // First the row that every commit changes: what an earlier try still commits is then waited for there, and is a conflict.
        let update = "UPDATE qenex.chain SET first_height = COALESCE(first_height, $1), last_height = $2";
        let statement = transaction.prepare_cached(update).await?;
        transaction.execute(&statement, &[&first, &to]).await?;
        insert_blocks(transaction, blocks).await
    })
}

/// Writes something that changes nothing: a transaction that only reads does not wait for standbys.
async fn touch(transaction: &Transaction<'_>) -> Result<(), Failure> {
    transaction.execute("UPDATE qenex.writer SET generation = generation", &[]).await?;
    Ok(())
}

async fn insert_blocks(transaction: &Transaction<'_>, blocks: &[(u64, Vec<u8>)]) -> Result<(), Failure> {
    let insert = "INSERT INTO qenex.blocks (height, bytes) SELECT * FROM UNNEST($1::BIGINT[], $2::BYTEA[])";
    let statement = transaction.prepare_cached(insert).await?;
    for part in parts(blocks, |(_, bytes)| bytes.len()) {
        let heights: Vec<i64> = part.iter().map(|(height, _)| *height as i64).collect();
        let bytes: Vec<&[u8]> = part.iter().map(|(_, bytes)| bytes.as_slice()).collect();
        transaction.execute(&statement, &[&heights, &bytes]).await?;
    }
    Ok(())
}

/// Rows in parts that are not too long to be sent.
fn parts<T>(rows: &[T], bytes: impl Fn(&T) -> usize) -> impl Iterator<Item = &[T]> {
    let mut sum = 0;
    rows.chunk_by(move |row, _| {
        sum += bytes(row);
        let goes_on = sum < STATEMENT_BYTES;
        if !goes_on {
            sum = 0;
        }
        goes_on
    })
}

/// Says that the blocks below a height are not there any more. The newest state must not need them.
pub fn forget(primary: &Connections, right: &Right, last: u64, below: u64) -> Result<(), StoreError> {
    let name = primary.name();
    let (last, below) = (number(last, name)?, number(below, name)?);
    primary.transact(async |transaction| {
        may_write(transaction, name, right).await?;
        let found: Option<i64> =
            transaction.query_one("SELECT last_height FROM qenex.chain", &[]).await?.get(0);
        let state = meta(&**transaction, primary.name()).await?.map_or(-1, |meta| meta.height as i64);
        if found != Some(last) || state < below {
            return Err(lost(name, format_args!("block {last}, or a state of block {below}")).into());
        }
        transaction.execute("UPDATE qenex.chain SET first_height = $1", &[&below]).await?;
        Ok(())
    })
}

/// Removes the blocks below a height, which nobody looks for any more: some at a time, beside all else.
pub fn remove_forgotten(primary: &Connections, below: u64) -> Result<(), StoreError> {
    let below = number(below, primary.name())?;
    loop {
        let removed = primary.with(async |client| {
            let said = "DELETE FROM qenex.blocks WHERE height < $1 AND height < (SELECT MIN(height) FROM qenex.blocks) + $2";
            Ok(client.execute(said, &[&below, &FORGOTTEN]).await?)
        })?;
        if removed == 0 {
            return Ok(());
        }
    }
}

/// Buckets as they are kept while a transaction may have to be tried again.
type Buckets = Vec<(u32, Arc<[u8]>)>;

/// Writes a state and what the blocks since the one before did.
pub fn state(
    primary: &Connections,
    (right, before): (&Right, Option<CheckpointMeta>),
    state: State<'_>,
    receipts: &mut (dyn Iterator<Item = (u64, Arc<Vec<u8>>)> + Send),
    keep_from: u64,
) -> Result<CheckpointMeta, StoreError> {
    let name = primary.name();
    let State { height, root, bits, buckets } = state;
    let buckets: Buckets = buckets.collect();
    let receipts: Vec<(u64, Arc<Vec<u8>>)> = receipts.collect();
    number(height, name)?;
    primary.transact_long(async |transaction| {
        may_write(transaction, name, right).await?;
        let previous = meta(&**transaction, primary.name()).await?;
        if let Some(previous) = previous.filter(|meta| (meta.height, meta.state_root) == (height, root)) {
            touch(transaction).await?;
            return Ok(previous);
        }
        if previous != before {
            let height = before.map_or(0, |before| before.height);
            return Err(lost(name, format_args!("the state of height {height}")).into());
        }
        let expected = previous.map(|previous| previous.height.saturating_add(1));
        let receipts_from = previous.map(|previous| previous.receipts_from);
        let receipts_from = receipts_from.or(receipts.first().map(|(height, _)| *height));
        let mut meta = CheckpointMeta {
            height,
            state_root: root,
            bits,
            buckets: 0,
            receipts_from: receipts_from.unwrap_or(height.saturating_add(1)),
        };
        follow_each_other(name, expected, height, &receipts)?;
        let rows = receipts.iter().map(|(height, blob)| (*height as i64, checked_receipts(*height, blob)));
        copy(
            transaction,
            "COPY qenex.receipts (height, bytes) FROM STDIN BINARY",
            &[Type::INT8, Type::BYTEA],
            rows,
            |(height, bytes)| [height as &(dyn ToSql + Sync), bytes],
        )
        .await?;
        meta.receipts_from = meta.receipts_from.max(keep_from.min(height));
        let from = meta.receipts_from as i64;
        transaction.execute("DELETE FROM qenex.receipts WHERE height < $1", &[&from]).await?;
        if previous.is_some_and(|previous| previous.bits == bits) {
            change_buckets(transaction, bits, &buckets).await?;
        } else {
            all_buckets(transaction, bits, &buckets).await?;
        }
        put_meta(transaction, &mut meta).await?;
        Ok(meta)
    })
}

/// One blob for each height since the state before.
fn follow_each_other(
    name: &str,
    mut expected: Option<u64>,
    height: u64,
    receipts: &[(u64, Arc<Vec<u8>>)],
) -> Result<(), StoreError> {
    let wrong = |expected: u64, given: u64| {
        let detail = format_args!("receipts of {expected} were expected, {given} given");
        StoreError::new(STORE_HEIGHT, name, detail)
    };
    for (given, _) in receipts {
        if let Some(expected) = expected.filter(|expected| expected != given) {
            return Err(wrong(expected, *given));
        }
        expected = Some(given.saturating_add(1));
    }
    let end = height.saturating_add(1);
    match expected.filter(|expected| *expected != end) {
        Some(expected) => Err(wrong(end, expected)),
        None => Ok(()),
    }
}

/// Puts the state of a block in, in place of all that there is.
pub fn replace(
    primary: &Connections,
    right: &Right,
    block: &[u8],
    state: State<'_>,
) -> Result<CheckpointMeta, StoreError> {
    let name = primary.name();
    let State { height, root, bits, buckets } = state;
    let buckets: Buckets = buckets.collect();
    let at = number(height, name)?;
    let block = [(height, checked_block(height, block))];
    primary.transact_long(async |transaction| {
        may_write(transaction, name, right).await?;
        transaction.execute("DELETE FROM qenex.receipts", &[]).await?;
        transaction.execute("DELETE FROM qenex.blocks", &[]).await?;
        all_buckets(transaction, bits, &buckets).await?;
        insert_blocks(transaction, &block).await?;
        transaction.execute("UPDATE qenex.chain SET first_height = $1, last_height = $1", &[&at]).await?;
        let receipts_from = height.saturating_add(1);
        let mut meta = CheckpointMeta { height, state_root: root, bits, buckets: 0, receipts_from };
        put_meta(transaction, &mut meta).await?;
        Ok(meta)
    })
}

/// Writes what a state says of itself, and counts its buckets.
async fn put_meta(transaction: &Transaction<'_>, meta: &mut CheckpointMeta) -> Result<(), Failure> {
    let bits = i16::from(meta.bits);
    let count = "SELECT COUNT(*) FROM qenex.buckets WHERE bits = $1";
    let count: i64 = transaction.query_one(count, &[&bits]).await?.get(0);
    meta.buckets = height_of(count);
    let put = "INSERT INTO qenex.state (one, height, root, bits, buckets, receipts_from) VALUES (TRUE, $1, $2, $3, $4, $5) \
               ON CONFLICT (one) DO UPDATE SET height = excluded.height, root = excluded.root, bits = excluded.bits, \
               buckets = excluded.buckets, receipts_from = excluded.receipts_from";
    let (height, from) = (meta.height as i64, meta.receipts_from as i64);
    transaction.execute(put, &[&height, &meta.state_root.as_slice(), &bits, &count, &from]).await?;
    Ok(())
}

/// Writes all buckets anew.
async fn all_buckets(
    transaction: &Transaction<'_>,
    bits: u8,
    buckets: &[(u32, Arc<[u8]>)],
) -> Result<(), Failure> {
    transaction.execute("DELETE FROM qenex.buckets", &[]).await?;
    let rows = buckets
        .iter()
        .filter(|(_, bucket)| !bucket.is_empty())
        .map(|(prefix, bucket)| (i16::from(bits), i64::from(*prefix), checked_bucket(bits, *prefix, bucket)));
    copy(
        transaction,
        "COPY qenex.buckets (bits, prefix, bytes) FROM STDIN BINARY",
        &[Type::INT2, Type::INT8, Type::BYTEA],
        rows,
        |(bits, prefix, bytes)| [bits as &(dyn ToSql + Sync), prefix, bytes],
    )
    .await
}

/// Writes the buckets that changed.
async fn change_buckets(
    transaction: &Transaction<'_>,
    bits: u8,
    buckets: &[(u32, Arc<[u8]>)],
) -> Result<(), Failure> {
    let bits_column = i16::from(bits);
    let empty = buckets.iter().filter(|(_, bucket)| bucket.is_empty());
    let empty: Vec<i64> = empty.map(|(prefix, _)| i64::from(*prefix)).collect();
    if !empty.is_empty() {
        let remove = "DELETE FROM qenex.buckets WHERE bits = $1 AND prefix = ANY($2)";
        transaction.execute(remove, &[&bits_column, &empty]).await?;
    }
    let put = "INSERT INTO qenex.buckets (bits, prefix, bytes) SELECT $1::SMALLINT, * FROM UNNEST($2::BIGINT[], $3::BYTEA[]) \
               ON CONFLICT (bits, prefix) DO UPDATE SET bytes = excluded.bytes";
    let statement = transaction.prepare_cached(put).await?;
    let full: Buckets = buckets.iter().filter(|(_, bucket)| !bucket.is_empty()).cloned().collect();
    for part in parts(&full, |(_, bucket)| bucket.len()) {
        let prefixes: Vec<i64> = part.iter().map(|(prefix, _)| i64::from(*prefix)).collect();
        let bytes: Vec<Vec<u8>> =
            part.iter().map(|(prefix, bucket)| checked_bucket(bits, *prefix, bucket)).collect();
        transaction.execute(&statement, &[&bits_column, &prefixes, &bytes]).await?;
    }
    Ok(())
}

/// Copies rows in bulk.
async fn copy<R, const N: usize>(
    transaction: &Transaction<'_>,
    said: &str,
    types: &[Type],
    rows: impl Iterator<Item = R>,
    columns: impl for<'r> Fn(&'r R) -> [&'r (dyn ToSql + Sync); N],
) -> Result<(), Failure> {
    let sink = transaction.copy_in(said).await?;
    let mut writer = pin!(BinaryCopyInWriter::new(sink, types));
    for row in rows {
        writer.as_mut().write(&columns(&row)).await?;
    }
    writer.as_mut().finish().await?;
    Ok(())
}
