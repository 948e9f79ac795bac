//! A bucket: the records whose keys share a prefix, in one compact blob.
//!
//! The same bytes lie in memory and in a checkpoint. A blob is the number of records (u32), a fingerprint of each key
//! (u32, ascending: the 32 bits after the bucket's prefix), the end of each item (u32), and the items:
//! length of the record's id (u8), the id, for accounts the height of the last block that touched them (u64), the value.
//! All integers are little-endian; ids and values are in their canonical encoding.

use std::sync::Arc;

use qenex_core::codec::Tag;

/// The bytes of one bucket. Shared with a running checkpoint; a change then copies it first.
pub type Blob = Arc<[u8]>;

/// A record in a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item<'a> {
    /// The canonical encoding of its [`qenex_core::ledger::RecordId`].
    pub id: &'a [u8],
    /// For accounts: the height of the last block that touched it; else zero.
    pub head: u64,
    /// The canonical encoding of its [`qenex_core::ledger::Record`].
    pub value: &'a [u8],
}

const HEAD_LEN: usize = 8;

fn head_len(id: &[u8]) -> usize {
    if id.starts_with(&Tag::ACCOUNT_ID.0) { HEAD_LEN } else { 0 }
}

impl Item<'_> {
    fn len(&self) -> usize {
        1 + self.id.len() + head_len(self.id) + self.value.len()
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.push(self.id.len() as u8);
        out.extend_from_slice(self.id);
        if head_len(self.id) != 0 {
            out.extend_from_slice(&self.head.to_le_bytes());
        }
        out.extend_from_slice(self.value);
    }
}

/// Reads a blob. One that is cut short or inconsistent reads as fewer records; checkpoints are checked by their
/// checksums and by the state root.
#[derive(Clone, Copy)]
pub struct Bucket<'a> {
    count: usize,
    fingerprints: &'a [u8],
    ends: &'a [u8],
    items: &'a [u8],
}

fn u32_at(bytes: &[u8], index: usize) -> Option<u32> {
    bytes.get(index * 4..index * 4 + 4).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes)
}

impl<'a> Bucket<'a> {
    /// Over these bytes; none at all is an empty bucket.
    pub fn new(blob: &'a [u8]) -> Option<Self> {
        if blob.is_empty() {
            return Some(Self { count: 0, fingerprints: &[], ends: &[], items: &[] });
        }
        let (count, rest) = blob.split_first_chunk::<4>()?;
        let count = u32::from_le_bytes(*count) as usize;
        let (fingerprints, rest) = rest.split_at_checked(count.checked_mul(4)?)?;
        let (ends, items) = rest.split_at_checked(count * 4)?;
        Some(Self { count, fingerprints, ends, items })
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    fn range(&self, index: usize) -> Option<(usize, usize)> {
        let start = if index == 0 { 0 } else { u32_at(self.ends, index - 1)? as usize };
        Some((start, u32_at(self.ends, index)? as usize))
    }

    /// The record at a position, with its fingerprint.
    pub fn item(&self, index: usize) -> Option<(u32, Item<'a>)> {
        let (start, end) = self.range(index)?;
        let (id_len, rest) = self.items.get(start..end)?.split_first()?;
        let (id, rest) = rest.split_at_checked(usize::from(*id_len))?;
        let (head, value) = rest.split_at_checked(head_len(id))?;
        let head = head.try_into().map_or(0, u64::from_le_bytes);
        Some((u32_at(self.fingerprints, index)?, Item { id, head, value }))
    }

    /// All records, in order.
    pub fn iter(self) -> impl Iterator<Item = (u32, Item<'a>)> + Clone {
        (0..self.count).map_while(move |index| self.item(index))
    }

    /// The first place that has this fingerprint or a greater one.
    fn first(&self, fingerprint: u32) -> usize {
        // To count those below needs no branch.
        let (fingerprints, _) = self.fingerprints.as_chunks();
        fingerprints.iter().filter(|f| u32::from_le_bytes(**f) < fingerprint).count()
    }

    /// The bytes of the item at that place.
    pub fn near(&self, fingerprint: u32) -> Option<&'a [u8]> {
        let (start, end) = self.range(self.first(fingerprint))?;
        self.items.get(start..end)
    }

    /// Where the record is, or where it would be put.
    fn position(&self, fingerprint: u32, id: &[u8]) -> Result<usize, usize> {
        let mut index = self.first(fingerprint);
        while let Some((found, item)) = self.item(index)
            && found == fingerprint
        {
            match item.id.cmp(id) {
                std::cmp::Ordering::Less => index += 1,
                std::cmp::Ordering::Equal => return Ok(index),
                std::cmp::Ordering::Greater => break,
            }
        }
        Err(index)
    }

    /// The record with this id.
    pub fn find(&self, fingerprint: u32, id: &[u8]) -> Option<Item<'a>> {
        let index = self.position(fingerprint, id).ok()?;
        self.item(index).map(|(_, item)| item)
    }
}

/// Makes a blob of records in ascending order.
pub fn pack<'a>(items: impl Iterator<Item = (u32, Item<'a>)> + Clone) -> Blob {
    let count = items.clone().count();
    if count == 0 {
        return Arc::from([]);
    }
    let mut blob = Vec::with_capacity(4 + items.clone().map(|(_, item)| 8 + item.len()).sum::<usize>());
    blob.extend_from_slice(&(count as u32).to_le_bytes());
    for (fingerprint, _) in items.clone() {
        blob.extend_from_slice(&fingerprint.to_le_bytes());
    }
    let mut end = 0;
    for (_, item) in items.clone() {
        end += item.len();
        blob.extend_from_slice(&(end as u32).to_le_bytes());
    }
    for (_, item) in items {
        item.write(&mut blob);
    }
    Arc::from(blob)
}

/// Puts a record in, in place of the one with the same id. Its head becomes `head` if one is given and else stays.
/// Returns the head before; nothing where the record is new.
pub fn put(blob: &mut Blob, fingerprint: u32, id: &[u8], value: &[u8], head: Option<u64>) -> Option<u64> {
    let bucket = Bucket::new(blob)?;
    match bucket.position(fingerprint, id) {
        Ok(index) => {
            let (_, old) = bucket.item(index)?;
            let before = old.head;
            if old.value.len() == value.len() {
                // The usual case: overwritten where it lies, after a copy if a checkpoint still reads it.
                let at = offset(blob, old.value);
                let bytes = Arc::make_mut(blob);
                bytes[at..at + value.len()].copy_from_slice(value);
                if let Some(head) = head.filter(|_| head_len(id) != 0) {
                    bytes[at - HEAD_LEN..at].copy_from_slice(&head.to_le_bytes());
                }
            } else {
                let new = (fingerprint, Item { id, head: head.unwrap_or(before), value });
                *blob = pack(bucket.iter().enumerate().map(|(i, old)| if i == index { new } else { old }));
            }
            Some(before)
        }
        Err(index) => {
            let new = (fingerprint, Item { id, head: head.unwrap_or(0), value });
            *blob =
                pack(bucket.iter().take(index).chain(std::iter::once(new)).chain(bucket.iter().skip(index)));
            None
        }
    }
}

/// Notes the block that touched an account. Returns the one before.
pub fn set_head(blob: &mut Blob, fingerprint: u32, id: &[u8], head: u64) -> Option<u64> {
    let bucket = Bucket::new(blob)?;
    let (_, old) = bucket.item(bucket.position(fingerprint, id).ok()?)?;
    let at = offset(blob, old.value).checked_sub(head_len(id)).filter(|_| head_len(id) != 0)?;
    let before = old.head;
    Arc::make_mut(blob)[at..at + HEAD_LEN].copy_from_slice(&head.to_le_bytes());
    Some(before)
}

/// Where a part of a blob begins.
fn offset(blob: &[u8], part: &[u8]) -> usize {
    part.as_ptr().addr() - blob.as_ptr().addr()
}

/// Takes a record out. Returns whether it was there.
pub fn remove(blob: &mut Blob, fingerprint: u32, id: &[u8]) -> bool {
    let Some(bucket) = Bucket::new(blob) else { return false };
    let Ok(index) = bucket.position(fingerprint, id) else { return false };
    *blob = pack(bucket.iter().take(index).chain(bucket.iter().skip(index + 1)));
    true
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Random changes against a plain map, with a copy held as a checkpoint holds one.
    #[test]
    fn behaves_as_a_map() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = move |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        let mut model: BTreeMap<(u32, Vec<u8>), (u64, Vec<u8>)> = BTreeMap::new();
        let mut blob: Blob = Arc::from([]);
        for step in 0..20_000 {
            let account = random(2) == 0;
            let mut id = if account { Tag::ACCOUNT_ID.0.to_vec() } else { Tag::BALANCE_ID.0.to_vec() };
            id.push(random(30) as u8);
            // Few fingerprints, so that different ids share one.
            let fingerprint = u32::from(id[2]) % 7;
            let held = (step % 3 == 0).then(|| Arc::clone(&blob));
            let before = held.as_deref().map(<[u8]>::to_vec);
            if random(4) == 0 {
                let there = model.remove(&(fingerprint, id.clone())).is_some();
                assert_eq!(remove(&mut blob, fingerprint, &id), there);
            } else {
                let value = vec![random(256) as u8; random(4) as usize];
                let before = model.get(&(fingerprint, id.clone())).map(|(head, _)| *head);
                let given = (account && random(2) == 0).then(|| random(1 << 30));
                assert_eq!(put(&mut blob, fingerprint, &id, &value, given), before);
                let mut head = given.or(before).unwrap_or(0);
                if account && random(2) == 0 {
                    let later = random(1 << 30);
                    assert_eq!(set_head(&mut blob, fingerprint, &id, later), Some(head));
                    head = later;
                }
                model.insert((fingerprint, id), (head, value));
            }
            assert_eq!(held.as_deref(), before.as_deref());
            let bucket = Bucket::new(&blob).unwrap();
            assert_eq!(bucket.len(), model.len());
            for ((fingerprint, item), (key, (head, value))) in bucket.iter().zip(&model) {
                assert_eq!((fingerprint, item.id), (key.0, key.1.as_slice()));
                assert_eq!((item.head, item.value), (*head, value.as_slice()));
                assert_eq!(bucket.find(fingerprint, item.id), Some(item));
            }
        }
    }
}
