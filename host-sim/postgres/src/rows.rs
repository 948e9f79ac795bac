//! How blocks, buckets and receipts lie in tables: their bytes, and behind them a check over what they belong to.

use qenex_core::error::{STORE_DAMAGED, STORE_HEIGHT};
use qenex_store::check::{CHECK_BYTES, bucket_check, check, receipt_check};
use qenex_store::{CheckpointMeta, StoreError};
use tokio_postgres::{GenericClient, Row};

use crate::connection::Failure;

/// A height as a column has it.
pub fn number(height: u64, name: &str) -> Result<i64, StoreError> {
    i64::try_from(height).map_err(|_| {
        StoreError::new(STORE_HEIGHT, name, format_args!("{height}: heights up to {} are kept", i64::MAX))
    })
}

/// The height of a column, which is never negative.
pub fn height_of(column: i64) -> u64 {
    column.try_into().unwrap_or_default()
}

fn block_check(height: u64, block: &[u8]) -> [u8; CHECK_BYTES] {
    check(&[b"block", &height.to_le_bytes(), block])
}

fn checked(bytes: &[u8], sum: [u8; CHECK_BYTES]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + CHECK_BYTES);
    out.extend_from_slice(bytes);
    out.extend_from_slice(&sum);
    out
}

/// The bytes before their check, if it is that one.
fn opened(mut bytes: Vec<u8>, sum: impl FnOnce(&[u8]) -> [u8; CHECK_BYTES]) -> Option<Vec<u8>> {
    let (body, found) = bytes.split_last_chunk::<CHECK_BYTES>()?;
    let length = (sum(body) == *found).then_some(body.len())?;
    bytes.truncate(length);
    Some(bytes)
}

/// A block as it is written.
pub fn checked_block(height: u64, block: &[u8]) -> Vec<u8> {
    checked(block, block_check(height, block))
}

/// A block that was read.
pub fn block(height: u64, bytes: Vec<u8>) -> Option<Vec<u8>> {
    opened(bytes, |block| block_check(height, block))
}

/// A bucket as it is written.
pub fn checked_bucket(bits: u8, prefix: u32, bucket: &[u8]) -> Vec<u8> {
    checked(bucket, bucket_check(bits, prefix, bucket))
}

/// A bucket that was read.
pub fn bucket(bits: u8, prefix: u32, bytes: &[u8]) -> Option<&[u8]> {
    let (body, found) = bytes.split_last_chunk::<CHECK_BYTES>()?;
    (bucket_check(bits, prefix, body) == *found).then_some(body)
}

/// What a block did, as it is written.
pub fn checked_receipts(height: u64, blob: &[u8]) -> Vec<u8> {
    checked(blob, receipt_check(height, blob))
}

/// What a block did, as it was read.
pub fn receipts(height: u64, bytes: Vec<u8>) -> Option<Vec<u8>> {
    opened(bytes, |blob| receipt_check(height, blob))
}

/// What the newest state says of itself.
pub async fn meta(client: &impl GenericClient, name: &str) -> Result<Option<CheckpointMeta>, Failure> {
    let query = "SELECT height, root, bits, buckets, receipts_from FROM qenex.state";
    let Some(row) = client.query_opt(query, &[]).await? else { return Ok(None) };
    let damaged =
        || StoreError::new(STORE_DAMAGED, name, "qenex.state: what a state says of itself was expected");
    Ok(Some(meta_of(&row).ok_or_else(damaged)?))
}

fn meta_of(row: &Row) -> Option<CheckpointMeta> {
    Some(CheckpointMeta {
        height: u64::try_from(row.get::<_, i64>(0)).ok()?,
        state_root: row.get::<_, &[u8]>(1).try_into().ok()?,
        bits: row.get::<_, i16>(2).try_into().ok()?,
        buckets: height_of(row.get(3)),
        receipts_from: height_of(row.get(4)),
    })
}
