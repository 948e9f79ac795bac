//! A chain copied from one store to another: its newest state, what its blocks did, and then its blocks.

use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use qenex_core::error::{STORE_DAMAGED, STORE_HEIGHT, STORE_NOT_FOUND};

use crate::{CheckpointMeta, State, Store, StoreError};

/// Buckets that are read ahead.
const BUCKETS: usize = 1_024;

/// Bytes of blocks that are committed at a time.
const BLOCK_BYTES: usize = 16 << 20;

/// Copies all that one store has of its chain to another, which must be empty; its newest state must be that of its newest block. The blocks come last: what was copied in part is no chain that could be
/// opened. `progress` is told the height that was copied, and the newest one.
///
/// # Errors
/// The other one is not empty, there is nothing to copy, something is damaged, or one of the two fails.
pub fn copy(
    from: &dyn Store,
    to: &dyn Store,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<CheckpointMeta, StoreError> {
    let nothing = || StoreError::new(STORE_NOT_FOUND, &from.name(), "it holds no chain");
    let (first, last) = from.first_height().zip(from.last_height()).ok_or_else(nothing)?;
    let meta = from.latest()?.ok_or_else(nothing)?;
    if meta.height < last {
        // What was copied in part could be opened then.
        let detail =
            format_args!("a state of block {last} was expected, its newest one is of {}", meta.height);
        return Err(StoreError::new(STORE_HEIGHT, &from.name(), detail));
    }
    if to.last_height().is_some() || to.latest()?.is_some() {
        return Err(StoreError::new(STORE_HEIGHT, &to.name(), "an empty store was expected"));
    }
    // What ends early would be written as if it were all: its error counts first.
    let mut unread = None;
    let written = std::thread::scope(|scope| {
        let (out, buckets) = sync_channel(BUCKETS);
        let loaded = scope.spawn(move || {
            from.load(&mut |prefix, bucket| {
                // Whoever took them has failed, and says so.
                let _ = out.send((prefix, Arc::from(bucket)));
            })
        });
        let mut receipts = (meta.receipts_from..=meta.height).map_while(|height| {
            let found = from.receipts(height);
            unread = unread.take().or(found.as_ref().err().map(|_| height));
            found.ok().flatten().map(|blob| (height, Arc::new(blob)))
        });
        let mut buckets = buckets.into_iter();
        let CheckpointMeta { height, state_root: root, bits, .. } = meta;
        let state = State { height, root, bits, buckets: &mut buckets };
        let written = to.write(state, &mut receipts, 0);
        drop(buckets);
        let loaded = loaded.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        loaded.and(written)
    });
    if let Some(height) = unread {
        // It says why.
        from.receipts(height)?;
    }
    let written = written?;
    if written != meta {
        let detail = format_args!("{meta:?} was expected, {written:?} written");
        return Err(StoreError::new(STORE_DAMAGED, &to.name(), detail));
    }
    let mut waiting = 0;
    for height in first..=last {
        let block = from.read(height)?;
        to.append(height, &block)?;
        waiting += block.len();
        if waiting >= BLOCK_BYTES || height == last {
            to.sync()?;
            waiting = 0;
            progress(height, last);
        }
    }
    Ok(meta)
}
