//! A chain that is copied while it grows and brought back, against the chain itself; and what is wrong with a copy.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

#[path = "../../node/tests/common/mod.rs"]
mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use common::{World, cases, execute, seed};
use qenex_backup::BackupError;
use qenex_backup::place::Place;
use qenex_backup::restore::{At, Options, Restored, restore};
use qenex_backup::verify::{Stretch, verify};
use qenex_backup::write::{Settings, Writer};
use qenex_core::consensus::Header;
use qenex_node::block::Block;
use qenex_node::node::{Node, NodeConfig, Source};
use qenex_store::RealDisk;
use rand::RngExt;
use tempfile::TempDir;

/// A run holds some ten blocks.
const RUN_BYTES: usize = 16 << 10;

/// Between two blocks.
const INTERVAL_MS: u64 = 1_000;

/// A chain that grows, and the headers that it had.
struct Chain {
    node: Mutex<Node>,
    world: World,
    headers: BTreeMap<u64, Header>,
}

impl Source for Chain {
    fn look(&self, look: &mut dyn FnMut(&Node)) {
        look(&self.node.lock().unwrap());
    }
}

fn config(history_blocks: Option<u64>) -> NodeConfig {
    NodeConfig {
        history_blocks,
        cache_bytes: 1 << 20,
        segment_bytes: 1 << 14,
        checkpoint_blocks: 10,
        background: false,
        ..NodeConfig::default()
    }
}

impl Chain {
    fn new(folder: &Path, seed: u64, history_blocks: Option<u64>) -> Self {
        let world = World::new(40, seed);
        let disk = RealDisk::open(folder).unwrap();
        let node = Node::create(disk, &world.genesis, config(history_blocks)).unwrap();
        let headers = [(0, node.chain().tip().clone())].into();
        Self { node: Mutex::new(node), world, headers }
    }

    /// Makes so many blocks final.
    fn grow(&mut self, blocks: u64) {
        let mut node = self.node.lock().unwrap();
        for _ in 0..blocks {
            let height = node.chain().tip().height + 1;
            let batch = if height == 1 { self.world.pool_batch() } else { self.world.batch(7) };
            let id = execute(node.chain_mut(), batch, 2_000 + height * INTERVAL_MS);
            node.finalize(id).unwrap();
            self.headers.insert(height, node.chain().tip().clone());
        }
    }

    fn height(&self) -> u64 {
        *self.headers.last_key_value().unwrap().0
    }
}

/// Where a test has its chain, its backup, and what is brought back.
struct Bench {
    folder: TempDir,
    restored: usize,
}

impl Bench {
    fn new() -> Self {
        Self { folder: TempDir::new().unwrap(), restored: 0 }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn place(&self) -> Place {
        Place::make(self.path("backup").to_str().unwrap()).unwrap()
    }

    fn writer(&self, name: &str) -> Writer {
        let settings = Settings {
            every: Duration::from_secs(1),
            run_bytes: RUN_BYTES,
            state_blocks: 25,
            folder: self.path(name),
            description: b"the chain of a test".to_vec(),
        };
        Writer::new(self.place(), settings, None)
    }

    fn bring_back(&mut self, chain: &Chain, at: At, whole: bool) -> Result<(Restored, Node), BackupError> {
        self.restored += 1;
        let data = self.path(&format!("data-{}", self.restored));
        let options = Options { at, whole, config: config(None) };
        let restored = restore(&self.place(), &chain.world.genesis, options, &data, &mut |_, _| ());
        if restored.is_err() {
            let left = fs::read_dir(&data).map(|entries| entries.count()).unwrap_or(0);
            assert_eq!(left, 0, "nothing is left of what failed");
        }
        let restored = restored?;
        let (node, _) = Node::open(RealDisk::open(&data.join("ledger")).unwrap(), config(None)).unwrap();
        Ok((restored, node))
    }

    /// The objects of a kind, in order.
    fn objects(&self, kind: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.path("backup").join(kind)).unwrap();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths
    }

    fn stretches(&self) -> Result<Vec<(u64, u64)>, BackupError> {
        let contents = verify(&self.place(), &self.path("examined"))?;
        Ok(contents.blocks.iter().map(|Stretch { from, to, .. }| (*from, *to)).collect())
    }
}

/// The state after any block comes back with the root that it had, and the chain goes on from there.
#[test]
fn any_height_comes_back() {
    let (mut bench, seed) = (Bench::new(), seed());
    let mut chain = Chain::new(&bench.path("chain"), seed, None);
    let mut writer = bench.writer("sending");
    while chain.height() < 150 {
        let blocks = chain.world.random.random_range(1..12);
        chain.grow(blocks);
        assert_eq!(writer.step(&chain).unwrap(), chain.height());
        // Whoever copies may be another process at any time.
        if chain.world.random.random_range(0..4) == 0 {
            writer = bench.writer("sending");
        }
    }
    assert!(bench.objects("blocks").len() > 5 && bench.objects("states").len() > 3);
    assert_eq!(bench.stretches().unwrap(), [(1, chain.height())]);
    let mut heights = vec![0, 1, chain.height()];
    heights.extend((0..cases(20)).map(|_| chain.world.random.random_range(0..=chain.height())));
    for height in heights {
        for whole in [false, true] {
            let (restored, mut node) = bench.bring_back(&chain, At::Height(height), whole).unwrap();
            let expected = &chain.headers[&height];
            assert_eq!((&restored.header, node.chain().tip()), (expected, expected), "{height}");
            assert_eq!(restored.blocks, height - restored.state_height, "{height}");
            assert_eq!(restored.state_height == 0, whole || height < 25, "{height}");
            assert_eq!(node.first_height(), restored.state_height, "{height}");
            if height < chain.height() {
                let Block { header, transactions } = chain.node.lock().unwrap().block(height + 1).unwrap();
                let id = execute(node.chain_mut(), transactions, header.time_ms);
                assert_eq!(id, header.id(), "{height}");
                node.finalize(id).unwrap();
            }
        }
    }
    let (restored, _) = bench.bring_back(&chain, At::Newest, false).unwrap();
    assert_eq!(restored.header.height, chain.height());
}

/// The last block that is not later than a time.
#[test]
fn a_time_is_that_of_the_last_block_before_it() {
    let mut bench = Bench::new();
    let mut chain = Chain::new(&bench.path("chain"), seed(), None);
    chain.grow(60);
    bench.writer("sending").step(&chain).unwrap();
    for height in [1, 9, 10, 11, 37, 60] {
        let time_ms = chain.headers[&height].time_ms;
        for (at, expected) in
            [(time_ms - 1, height - 1), (time_ms, height), (time_ms + INTERVAL_MS - 1, height)]
        {
            let (restored, _) = bench.bring_back(&chain, At::TimeMs(at), false).unwrap();
            assert_eq!(restored.header.height, expected, "{at}");
        }
    }
    let early = bench.bring_back(&chain, At::TimeMs(999), false).map(|_| ());
    assert!(matches!(early, Err(BackupError::Missing { .. })), "{early:?}");
    assert_eq!("7".parse(), Ok(At::Height(7)));
    assert_eq!("newest".parse(), Ok(At::Newest));
    assert_eq!("1970-01-01T00:00:02Z".parse(), Ok(At::TimeMs(2_000)));
    assert!("yesterday".parse::<At>().unwrap_err().contains("was expected"));
}

/// Two nodes that do not know of each other write the same blocks to one place.
#[test]
fn two_nodes_may_write() {
    let mut bench = Bench::new();
    let mut chain = Chain::new(&bench.path("chain"), seed(), None);
    let mut writers = [bench.writer("one"), bench.writer("two")];
    while chain.height() < 120 {
        let blocks = chain.world.random.random_range(1..15);
        chain.grow(blocks);
        let which = chain.world.random.random_range(0..2);
        writers[which].step(&chain).unwrap();
    }
    writers.iter_mut().for_each(|writer| assert_eq!(writer.step(&chain).unwrap(), chain.height()));
    assert_eq!(bench.stretches().unwrap(), [(1, chain.height())]);
    let (restored, _) = bench.bring_back(&chain, At::Newest, true).unwrap();
    assert_eq!(restored.header, chain.headers[&chain.height()]);
}

/// A run that another writer replaced by a shorter one, late, is mended by the next that begins.
#[test]
fn a_run_that_became_shorter_is_mended() {
    let mut bench = Bench::new();
    let mut chain = Chain::new(&bench.path("chain"), seed(), None);
    let mut writer = bench.writer("sending");
    chain.grow(3);
    writer.step(&chain).unwrap();
    let first = bench.objects("blocks")[0].clone();
    let short = fs::read(&first).unwrap();
    while bench.objects("blocks").len() < 2 {
        chain.grow(2);
        writer.step(&chain).unwrap();
    }
    fs::write(&first, short).unwrap();
    assert_eq!(bench.stretches().unwrap().len(), 2);
    chain.grow(1);
    assert_eq!(bench.writer("sending").step(&chain).unwrap(), chain.height());
    assert_eq!(bench.stretches().unwrap(), [(1, chain.height())]);
    let (restored, _) = bench.bring_back(&chain, At::Newest, true).unwrap();
    assert_eq!(restored.header, chain.headers[&chain.height()]);
}

/// What a node forgot before it was copied is missing, and what comes after stands on a state.
#[test]
fn blocks_that_were_forgotten_are_missing() {
    let mut bench = Bench::new();
    let mut chain = Chain::new(&bench.path("chain"), seed(), Some(20));
    chain.grow(15);
    let mut writer = bench.writer("sending");
    writer.step(&chain).unwrap();
    chain.grow(80);
    writer.step(&chain).unwrap();
    chain.grow(10);
    writer.step(&chain).unwrap();
    let stretches = bench.stretches().unwrap();
    let [(1, 15), (from, 105)] = stretches[..] else { panic!("{stretches:?}") };
    assert!(from > 16, "{from}");
    for height in [0, 7, 15, 95, 100, 105] {
        let (restored, _) = bench.bring_back(&chain, At::Height(height), false).unwrap();
        assert_eq!(restored.header, chain.headers[&height], "{height}");
    }
    for height in [16, from - 1, 94, 106] {
        let missing = bench.bring_back(&chain, At::Height(height), false).map(|_| ());
        assert!(matches!(missing, Err(BackupError::Missing { .. })), "{height}: {missing:?}");
    }
}

/// A node that was brought back writes nothing until it has more than the backup, and one of another chain never does.
#[test]
fn whoever_is_behind_waits() {
    let mut bench = Bench::new();
    let mut chain = Chain::new(&bench.path("chain"), seed(), None);
    chain.grow(40);
    bench.writer("sending").step(&chain).unwrap();
    let before: Vec<_> = bench.objects("blocks").iter().map(|path| fs::read(path).unwrap()).collect();
    let (_, behind) = bench.bring_back(&chain, At::Height(30), true).unwrap();
    let forty = chain.height();
    let ahead = std::mem::replace(&mut *chain.node.lock().unwrap(), behind);
    let mut writer = bench.writer("sending");
    assert_eq!(writer.step(&chain).unwrap(), 30);
    let after: Vec<_> = bench.objects("blocks").iter().map(|path| fs::read(path).unwrap()).collect();
    assert_eq!(before, after);
    for height in 31..=forty {
        let Block { header, transactions } = ahead.block(height).unwrap();
        let mut node = chain.node.lock().unwrap();
        let id = execute(node.chain_mut(), transactions, header.time_ms);
        node.finalize(id).unwrap();
    }
    chain.grow(5);
    assert_eq!(writer.step(&chain).unwrap(), 45);
    assert_eq!(bench.stretches().unwrap(), [(1, 45)]);

    // The same genesis and other blocks; then another genesis.
    let mut fork = Chain::new(&bench.path("fork"), seed() + 1, None);
    fork.grow(50);
    let foreign = bench.writer("sending").step(&fork);
    assert!(matches!(foreign, Err(BackupError::Foreign { .. })), "{foreign:?}");
    let mut other = Chain::new(&bench.path("other"), seed(), None);
    other.world.genesis.time_ms += 1;
    let foreign = bench.bring_back(&other, At::Newest, false).map(|_| ());
    assert!(matches!(foreign, Err(BackupError::Foreign { .. })), "{foreign:?}");
}

/// A place that fails is tried again, and nothing is left out.
#[test]
fn a_place_that_fails_gets_all_of_it_later() {
    let mut bench = Bench::new();
    let mut chain = Chain::new(&bench.path("chain"), seed(), None);
    let mut writer = bench.writer("sending");
    chain.grow(20);
    writer.step(&chain).unwrap();
    let (blocks, aside) = (bench.path("backup").join("blocks"), bench.path("aside"));
    fs::rename(&blocks, &aside).unwrap();
    // A file is no folder.
    fs::write(&blocks, b"").unwrap();
    chain.grow(30);
    let failed = writer.step(&chain);
    assert!(matches!(failed, Err(BackupError::Place { .. })), "{failed:?}");
    fs::remove_file(&blocks).unwrap();
    fs::rename(&aside, &blocks).unwrap();
    assert_eq!(writer.step(&chain).unwrap(), 50);
    assert_eq!(bench.stretches().unwrap(), [(1, 50)]);
    let (restored, _) = bench.bring_back(&chain, At::Newest, true).unwrap();
    assert_eq!(restored.header, chain.headers[&50]);
}

/// Damage anywhere is named, and nothing is made of it.
#[test]
fn damage_is_named() {
    let mut bench = Bench::new();
    let mut chain = Chain::new(&bench.path("chain"), seed(), None);
    chain.grow(60);
    bench.writer("sending").step(&chain).unwrap();
    for kind in ["blocks", "states"] {
        for path in bench.objects(kind) {
            let whole = fs::read(&path).unwrap();
            let place = chain.world.random.random_range(0..whole.len());
            let mut flipped = whole.clone();
            flipped[place] ^= 1 << chain.world.random.random_range(0..8);
            for wrong in [flipped, whole[..place].to_vec()] {
                fs::write(&path, wrong).unwrap();
                let named = path.file_name().unwrap().to_str().unwrap();
                for found in [
                    bench.stretches().map(|_| ()),
                    bench.bring_back(&chain, At::Newest, kind == "blocks").map(|_| ()),
                ] {
                    let Err(BackupError::Damaged { object, .. }) = found else {
                        panic!("{kind}/{named} at {place}: {found:?}")
                    };
                    assert!(object.ends_with(named), "{object}");
                }
            }
            fs::write(&path, whole).unwrap();
        }
    }
    // A run under the name of another one, and one that is gone.
    let runs = bench.objects("blocks");
    let second = fs::read(&runs[1]).unwrap();
    fs::write(&runs[1], fs::read(&runs[0]).unwrap()).unwrap();
    assert!(matches!(bench.stretches(), Err(BackupError::Damaged { .. })));
    fs::remove_file(&runs[1]).unwrap();
    assert_eq!(bench.stretches().unwrap().len(), 2);
    let missing = bench.bring_back(&chain, At::Newest, true).map(|_| ());
    assert!(matches!(missing, Err(BackupError::Missing { .. })), "{missing:?}");
    fs::write(&runs[1], second).unwrap();

    // Where a ledger is, none is written.
    bench.bring_back(&chain, At::Newest, true).unwrap();
    bench.restored -= 1;
    let options = Options { at: At::Newest, whole: false, config: config(None) };
    let data = bench.path(&format!("data-{}", bench.restored + 1));
    let occupied = restore(&bench.place(), &chain.world.genesis, options, &data, &mut |_, _| ());
    assert!(matches!(occupied, Err(BackupError::Occupied { .. })), "{occupied:?}");
}
