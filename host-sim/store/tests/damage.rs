//! Flipped bits and missing bytes in every file: found and named, or without any effect.

mod model;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use model::{GENESIS, Told, compare, env, open, seed, work};
use qenex_core::error::Coded;
use qenex_store::disk::Loss;
use qenex_store::{BlockLog, CheckpointConfig, Checkpoints, Disk, LogConfig, SimDisk, StoreError};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

const END: u64 = 45;

/// Reads everything. An error must name the file; without one, what was read equals the model, but for blocks that
/// were cut off the end, which is reported.
fn read_all(disk: &Arc<SimDisk>, seed: u64) -> Result<Option<u64>, StoreError> {
    let mut store = open(Arc::clone(disk) as Arc<dyn Disk>)?;
    store.log.verify()?;
    store.checkpoints.load(|_, _| ())?;
    let meta = store.checkpoints.latest()?;
    for height in 1..=meta.map_or(0, |meta| meta.height) {
        store.checkpoints.receipts(height)?;
    }
    store.checkpoints.verify()?;
    let last = store.log.last_height();
    if let Some(cut) = &store.cut {
        assert_eq!(cut.height, last.map_or(1, |last| last + 1));
    }
    let mut told = Told { committed: last, checkpoint: meta.map(|meta| meta.height), in_flight: None };
    assert!(last == Some(END) || store.cut.is_some(), "blocks are gone without a word: {last:?}");
    if meta.map(|meta| meta.height) <= last {
        compare(&store, seed, &mut told);
    }
    Ok(last)
}

#[test]
fn flipped_bits() {
    let seed = seed();
    let disk = SimDisk::new(seed);
    let mut told = Told::default();
    {
        let store = open(Arc::clone(&disk) as Arc<dyn Disk>).unwrap();
        work(&store, seed, &mut ChaCha8Rng::seed_from_u64(seed), END, &mut told).unwrap();
        model::checkpoint(&store, seed, END).unwrap_or_else(|error| assert_eq!(error.code().number, 1006));
    }
    let disk = disk.restart(Loss::Nothing);
    let files: Vec<(String, Vec<u8>)> = disk
        .list()
        .unwrap()
        .into_iter()
        .map(|name| {
            let bytes = disk.bytes(&name).unwrap();
            (name, bytes)
        })
        .collect();
    let cases = env("QENEX_CASES").map_or(800, |cases| cases / 100);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (mut named, mut cut, mut harmless) = (0, 0, 0);
    for case in 0..cases {
        let (name, bytes) = &files[(case % files.len() as u64) as usize];
        let mut damaged = bytes.clone();
        if rng.random_range(0..10) == 0 {
            damaged.truncate(rng.random_range(0..bytes.len()));
        } else {
            // Half of the flips where bytes are, half anywhere.
            let mut bit = rng.random_range(0..bytes.len() * 8);
            if rng.random() && bytes.iter().any(|&byte| byte != 0) {
                while bytes[bit / 8] == 0 {
                    bit = rng.random_range(0..bytes.len() * 8);
                }
            }
            damaged[bit / 8] ^= 1 << (bit % 8);
        }
        for (name, bytes) in &files {
            disk.replace(name, bytes.clone());
        }
        disk.replace(name, damaged);
        let result = catch_unwind(AssertUnwindSafe(|| read_all(&disk, seed)));
        match result.unwrap_or_else(|_| panic!("case {case} in {name}")) {
            Err(error) => {
                assert!(error.to_string().contains(name.as_str()), "case {case} in {name}: {error}");
                named += 1;
            }
            Ok(Some(END)) => harmless += 1,
            Ok(_) => cut += 1,
        }
    }
    println!("{cases} cases: {named} named, {cut} cut off the end and reported, {harmless} without effect");
    assert!(named > 0 && harmless > 0);
}

/// A block within the log that is damaged is an error even if it is all that is damaged and the blocks after it are
/// whole; it is never taken for a torn end.
#[test]
fn damage_before_a_committed_block_is_no_torn_end() {
    let disk = SimDisk::new(1);
    let config = LogConfig { segment_bytes: 1 << 16, genesis: GENESIS };
    let log = BlockLog::open(Arc::clone(&disk) as Arc<dyn Disk>, config).unwrap().0;
    for height in 1..=10 {
        log.append(height, &[height as u8; 100]).unwrap();
        log.sync().unwrap();
    }
    drop(log);
    let name = disk.list().unwrap().remove(0);
    let bytes = disk.bytes(&name).unwrap();
    let frame = 144;
    for height in 1..=10u64 {
        let mut damaged = bytes.clone();
        let at = 128 + frame * (height as usize - 1);
        damaged[at..at + frame].fill(0);
        disk.replace(&name, damaged);
        let result = BlockLog::open(Arc::clone(&disk) as Arc<dyn Disk>, config);
        if height < 10 {
            let error = result.unwrap_err();
            assert_eq!(error.code().number, 1005);
            let text = error.to_string();
            assert!(text.contains(&name) && text.contains(&format!("at byte {at}")), "{text}");
        } else {
            let (log, cut) = result.unwrap();
            assert_eq!((log.last_height(), cut), (Some(9), None));
        }
    }
}

/// A segment that ends early may have lost whole blocks without a trace: damage, wherever it ends.
#[test]
fn a_truncated_segment_is_damage() {
    let disk = SimDisk::new(5);
    let config = LogConfig { segment_bytes: 1 << 10, genesis: GENESIS };
    let log = BlockLog::open(Arc::clone(&disk) as Arc<dyn Disk>, config).unwrap().0;
    for height in 1..=3 {
        log.append(height, &[height as u8; 100]).unwrap();
        log.sync().unwrap();
    }
    drop(log);
    let name = disk.list().unwrap().remove(0);
    let bytes = disk.bytes(&name).unwrap();
    assert_eq!(bytes.len(), 1 << 10);
    for length in 128..bytes.len() {
        disk.replace(&name, bytes[..length].to_vec());
        let error = BlockLog::open(Arc::clone(&disk) as Arc<dyn Disk>, config).unwrap_err();
        assert_eq!(error.code().number, 1005, "{error}");
        assert!(error.to_string().contains(&format!("at byte {length}")), "{error}");
    }
}

/// Bytes in a block that look like a frame cannot make a torn end look like damage: nobody knows the salt.
#[test]
fn frames_within_blocks_prove_nothing() {
    let config = LogConfig { segment_bytes: 1 << 16, genesis: GENESIS };
    let other = SimDisk::new(2);
    let log = BlockLog::open(Arc::clone(&other) as Arc<dyn Disk>, config).unwrap().0;
    for height in 1..=5 {
        log.append(height, b"block").unwrap();
        log.sync().unwrap();
    }
    let frames = other.bytes(&other.list().unwrap()[0]).unwrap()[128..1_000].to_vec();
    let disk = SimDisk::new(3);
    let log = BlockLog::open(Arc::clone(&disk) as Arc<dyn Disk>, config).unwrap().0;
    log.append(1, b"block").unwrap();
    log.sync().unwrap();
    log.append(2, &frames).unwrap();
    log.sync().unwrap();
    drop(log);
    let name = disk.list().unwrap().remove(0);
    let mut bytes = disk.bytes(&name).unwrap();
    // The header of the last frame is lost, its block is not.
    bytes[128 + 48..128 + 48 + 40].fill(0);
    disk.replace(&name, bytes);
    let (log, cut) = BlockLog::open(disk as Arc<dyn Disk>, config).unwrap();
    assert_eq!(log.last_height(), Some(1));
    let cut = cut.unwrap();
    assert_eq!((cut.offset, cut.height), (176, 2));
}

#[test]
fn another_chain_and_wrong_use_are_refused() {
    let disk: Arc<dyn Disk> = SimDisk::new(4);
    let config = LogConfig { segment_bytes: 1 << 12, genesis: GENESIS };
    let checkpoint_config = CheckpointConfig { cache_bytes: 1 << 20, genesis: GENESIS };
    {
        let log = BlockLog::open(Arc::clone(&disk), config).unwrap().0;
        assert_eq!(log.last_height(), None);
        log.append(5, b"the first block may have any height").unwrap();
        assert_eq!(log.append(7, b"").unwrap_err().code().number, 1006);
        assert_eq!(log.append(5, b"").unwrap_err().code().number, 1006);
        assert_eq!(log.read(5).unwrap_err().code().number, 1007, "not committed yet");
        log.sync().unwrap();
        assert_eq!((log.first_height(), log.last_height()), (Some(5), Some(5)));
        assert_eq!(log.read(4).unwrap_err().code().number, 1007);
        let checkpoints = Checkpoints::open(disk.as_ref(), checkpoint_config).unwrap();
        assert_eq!(checkpoints.latest().unwrap(), None);
        checkpoints.write(5, [1; 32], 4, [(0, b"x".as_slice())], [(5, b"r".as_slice())], 0).unwrap();
        const NONE: [(u32, &[u8]); 0] = [];
        let gap = checkpoints.write(7, [1; 32], 4, NONE, [(7, b"r".as_slice())], 0);
        assert_eq!(gap.unwrap_err().code().number, 1006);
        assert_eq!(checkpoints.latest().unwrap().unwrap().height, 5);
        let none: [(u64, &[u8]); 0] = [];
        assert_eq!(checkpoints.write(6, [1; 32], 32, NONE, none, 0).unwrap_err().code().number, 1011);
    }
    let error = BlockLog::open(Arc::clone(&disk), LogConfig { genesis: [0; 32], ..config }).unwrap_err();
    assert_eq!(error.code().number, 1004);
    let error = Checkpoints::open(disk.as_ref(), CheckpointConfig { genesis: [0; 32], ..checkpoint_config });
    assert_eq!(error.unwrap_err().code().number, 1004);
}
