//! The obvious model of the store, and the workload that the crash tests run against both.

// A module of several test programs, each of which uses a part of it.
#![allow(dead_code, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::Arc;

use qenex_store::{BlockLog, CheckpointConfig, Checkpoints, Cut, Disk, LogConfig, StoreError};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

pub const GENESIS: [u8; 32] = [0x51; 32];

pub fn env(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

/// The seed of a test: QENEX_SEED or a random one, printed.
pub fn seed() -> u64 {
    let seed = env("QENEX_SEED").unwrap_or_else(|| rand::rng().random());
    println!("QENEX_SEED={seed}");
    seed
}

/// The block of a height: its content follows from seed and height.
pub fn block(seed: u64, height: u64) -> Vec<u8> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed ^ height.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let length = match rng.random_range(0..10) {
        0 => 0,
        1 => rng.random_range(2_000..5_000),
        _ => rng.random_range(1..600),
    };
    (0..length).map(|_| rng.random()).collect()
}

/// The state at a height: buckets of which each block changes a few. `bits` grows with the height.
pub fn state(seed: u64, height: u64) -> (u8, BTreeMap<u32, Vec<u8>>) {
    let bits = 3 + (height / 24) as u8;
    let mut buckets = BTreeMap::new();
    for at in 0..=height {
        let mut rng = ChaCha8Rng::seed_from_u64(seed ^ at.wrapping_mul(0xd134_2543_de82_ef95));
        for _ in 0..3 {
            let prefix = rng.random_range(0..1 << bits);
            let length = rng.random_range(0..900);
            let bucket: Vec<u8> = (0..length).map(|_| rng.random()).collect();
            if bucket.is_empty() || rng.random_range(0..8) == 0 {
                buckets.remove(&prefix);
            } else {
                buckets.insert(prefix, bucket);
            }
        }
    }
    (bits, buckets)
}

pub fn root(seed: u64, height: u64) -> [u8; 32] {
    let mut rng = ChaCha8Rng::seed_from_u64(seed ^ height);
    std::array::from_fn(|_| rng.random())
}

pub fn receipts(seed: u64, height: u64) -> Vec<u8> {
    block(!seed, height)
}

#[derive(Debug)]
pub struct Store {
    pub log: BlockLog,
    pub cut: Option<Cut>,
    pub checkpoints: Checkpoints,
}

pub fn open(disk: Arc<dyn Disk>) -> Result<Store, StoreError> {
    let config = CheckpointConfig { cache_bytes: 1 << 20, genesis: GENESIS };
    let (log, cut) =
        BlockLog::open(Arc::clone(&disk), LogConfig { segment_bytes: 8 << 10, genesis: GENESIS })?;
    Ok(Store { log, cut, checkpoints: Checkpoints::open(disk.as_ref(), config)? })
}

/// What the writer was told.
#[derive(Clone, Copy, Debug, Default)]
pub struct Told {
    /// Every block up to this height was committed.
    pub committed: Option<u64>,
    /// Heights of checkpoints that may be the newest: the last one that was told to be written, and one in flight.
    pub checkpoint: Option<u64>,
    pub in_flight: Option<u64>,
}

/// Writes a checkpoint of a height: only what changed, unless the number of bits did.
pub fn checkpoint(store: &Store, seed: u64, height: u64) -> Result<(), StoreError> {
    let previous = store.checkpoints.latest()?;
    let (bits, new) = state(seed, height);
    let old = previous.map(|previous| state(seed, previous.height)).filter(|(old_bits, _)| *old_bits == bits);
    let old = old.map(|(_, buckets)| buckets).unwrap_or_default();
    let empty: &[u8] = &[];
    let removed = old.keys().filter(|prefix| !new.contains_key(prefix)).map(|prefix| (*prefix, empty));
    let changed = new.iter().filter(|(prefix, bucket)| old.get(prefix) != Some(bucket));
    let changes = removed.chain(changed.map(|(prefix, bucket)| (*prefix, bucket.as_slice())));
    let from = previous.map_or(1, |previous| previous.height + 1);
    let blobs: Vec<(u64, Vec<u8>)> = (from..=height).map(|at| (at, receipts(seed, at))).collect();
    let blobs = blobs.iter().map(|(at, blob)| (*at, blob.as_slice()));
    store.checkpoints.write(height, root(seed, height), bits, changes, blobs, 0).map(|_| ())
}

/// Appends, syncs, prepares segments and writes checkpoints in a random order until `end` or an error.
pub fn work(
    store: &Store,
    seed: u64,
    rng: &mut ChaCha8Rng,
    end: u64,
    told: &mut Told,
) -> Result<(), StoreError> {
    let mut next = store.log.last_height().map_or(1, |last| last + 1);
    while next <= end {
        match rng.random_range(0..12) {
            0..6 => {
                store.log.append(next, &block(seed, next))?;
                next += 1;
            }
            6..9 => {
                store.log.sync()?;
                told.committed = store.log.last_height();
            }
            9 => store.log.prepare()?,
            _ => {
                let last = store.log.last_height();
                let Some(height) = last.filter(|&last| told.checkpoint.is_none_or(|newest| newest < last))
                else {
                    continue;
                };
                told.in_flight = Some(height);
                checkpoint(store, seed, height)?;
                (told.checkpoint, told.in_flight) = (Some(height), None);
            }
        }
    }
    store.log.sync()?;
    told.committed = store.log.last_height();
    Ok(())
}

/// Compares everything that can be read with the model.
pub fn compare(store: &Store, seed: u64, told: &mut Told) {
    let last = store.log.last_height();
    assert!(last >= told.committed, "blocks up to {:?} were committed, {last:?} is the last", told.committed);
    for (expected, found) in (1..).zip(store.log.blocks_from(1)) {
        let (height, bytes) = found.unwrap();
        assert_eq!(height, expected);
        assert_eq!(bytes, block(seed, height), "block {height}");
    }
    assert_eq!(store.log.verify().unwrap(), last.unwrap_or(0));
    assert!(store.log.read(last.map_or(1, |last| last + 1)).is_err());
    let meta = store.checkpoints.latest().unwrap();
    let height = meta.map(|meta| meta.height);
    assert!(
        height == told.checkpoint || (height.is_some() && height == told.in_flight),
        "checkpoint {height:?}, told {told:?}"
    );
    let mut found = BTreeMap::new();
    let loaded = store.checkpoints.load(|prefix, bucket| {
        found.insert(prefix, bucket.to_vec());
    });
    assert_eq!(loaded.unwrap(), meta);
    if let Some(meta) = meta {
        assert!(Some(meta.height) <= last, "the checkpoint is newer than the log");
        assert_eq!((meta.bits, found), state(seed, meta.height));
        assert_eq!(meta.state_root, root(seed, meta.height));
        for height in 1..=meta.height {
            assert_eq!(store.checkpoints.receipts(height).unwrap(), Some(receipts(seed, height)));
        }
        assert_eq!(store.checkpoints.receipts(meta.height + 1).unwrap(), None);
    }
    *told = Told { committed: last, checkpoint: height, in_flight: None };
}
