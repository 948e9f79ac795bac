//! A block's changes become part of the final records.

use std::cmp::Ordering;

use qenex_core::crypto::Hash;
use qenex_core::ledger::RecordId;

use crate::execution::{Done, Touched};
use crate::history;
use crate::overlay::Written;
use crate::records::Records;

/// Records whose places in memory are read before they are changed.
const READ_AHEAD: usize = 64;

/// One record that a block wrote, or one account that it touched, or both.
struct Step<'d> {
    key: &'d Hash,
    written: Option<Written<'d>>,
    touched: &'d [Touched],
}

/// Writes a block's records, and notes its height in the accounts that it touched. Returns what the block did: see
/// [`history`].
///
/// Goes through the keys in ascending order, so that the same parts of memory are needed one after the other, and reads
/// them ahead.
pub(crate) fn settle(records: &mut Records, done: &mut Done, height: u64) -> Vec<u8> {
    let Done { writes, receipts, touched } = done;
    let mut writes: Vec<Written<'_>> = writes.iter().collect();
    writes.sort_unstable_by(|a, b| by_key(a.key, b.key));
    touched.sort_unstable_by(|a, b| by_key(&a.key, &b.key).then(a.order.cmp(&b.order)));
    // An account's second transaction in the block finds that the block itself was the one before.
    let mut previous = vec![height; touched.len()];
    let mut steps = steps(&writes, touched);
    let mut batch = Vec::with_capacity(READ_AHEAD);
    loop {
        batch.clear();
        batch.extend(steps.by_ref().take(READ_AHEAD));
        if batch.is_empty() {
            return history::encode(height, receipts.iter(), &previous);
        }
        records.read_ahead(batch.iter().map(|step| step.key));
        for Step { key, written, touched } in &batch {
            let first = touched.first();
            let before = match (written, first) {
                (Some(written), _) => records.set(key, written.id, written.value, first.map(|_| height)),
                (None, Some(first)) => records.set_head(&RecordId::Account(first.account), key, height),
                (None, None) => None,
            };
            if let Some(slot) = first.and_then(|first| previous.get_mut(first.order as usize)) {
                *slot = before.unwrap_or(0);
            }
        }
    }
}

/// Merges both lists, which are in the order of the keys.
fn steps<'d>(writes: &'d [Written<'d>], touched: &'d [Touched]) -> impl Iterator<Item = Step<'d>> {
    let mut writes = writes.iter().copied().peekable();
    let mut groups = touched.chunk_by(|a, b| a.key == b.key).peekable();
    std::iter::from_fn(move || {
        let touched = groups.peek().and_then(|group| group.first()).map(|first| &first.key);
        let order = match (writes.peek(), touched) {
            (Some(written), Some(touched)) => by_key(written.key, touched),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return None,
        };
        let written = if order.is_le() { writes.next() } else { None };
        let touched = if order.is_ge() { groups.next().unwrap_or_default() } else { &[] };
        let key = written.map(|written| written.key).or(touched.first().map(|first| &first.key))?;
        Some(Step { key, written, touched })
    })
}

/// The order of keys. The first eight bytes of two keys nearly always decide.
fn by_key(a: &Hash, b: &Hash) -> Ordering {
    a.prefix().cmp(&b.prefix()).then_with(|| a.cmp(b))
}
