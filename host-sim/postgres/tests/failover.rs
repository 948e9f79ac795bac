//! A primary that dies under load, and the standby that takes over.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod cluster;
#[path = "../../node/tests/common/mod.rs"]
mod common;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cluster::Cluster;
use common::{World, execute, seed};
use qenex_core::consensus::Header;
use qenex_core::error::{Coded, STORE_DAMAGED};
use qenex_node::node::{Node, NodeConfig};
use qenex_postgres::Postgres;
use qenex_postgres::connection::Settings;
use qenex_store::Store;

/// Blocks of a run; the primary dies in its middle.
const BLOCKS: u64 = 150;

fn config() -> NodeConfig {
    NodeConfig { cache_bytes: 1 << 20, checkpoint_blocks: 10, ..NodeConfig::default() }
}

fn step(node: &mut Node, world: &mut World) -> Header {
    let height = node.chain().tip().height + 1;
    let batch = if height == 1 { world.pool_batch() } else { world.batch(7) };
    let id = execute(node.chain_mut(), batch, 2_000 + height * 1_000);
    node.finalize(id).unwrap();
    node.chain().tip().clone()
}

/// Three times: blocks are made final while the primary is killed, the standby takes over, and all that was final before and after is there.
#[test]
fn no_final_transfer_is_lost_with_the_primary() {
    for round in 0..3 {
        let mut cluster = Cluster::synchronous();
        let mut world = World::new(40, seed() ^ round);
        let genesis = world.genesis.clone();
        let first = Node::create(qenex_store::SimDisk::new(1), &genesis, config()).unwrap().genesis().header;
        let store = Arc::new(cluster.open(&first.id().0).unwrap());
        let mut node = Node::create_in(store, &genesis, config()).unwrap();
        let made = AtomicU64::new(0);
        let mut headers = BTreeMap::new();
        let dies_at = 40 + 7 * round;
        std::thread::scope(|scope| {
            let (made, cluster) = (&made, &mut cluster);
            scope.spawn(move || {
                while made.load(Ordering::Relaxed) < dies_at {
                    std::thread::sleep(Duration::from_millis(1));
                }
                cluster.primary.kill();
                // Nobody is there for a while.
                std::thread::sleep(Duration::from_millis(500));
                cluster.standby.as_ref().unwrap().promote();
            });
            for height in 1..=BLOCKS {
                headers.insert(height, step(&mut node, &mut world));
                made.store(height, Ordering::Relaxed);
            }
        });
        let tip = node.chain().tip().clone();
        drop(node);
        let standby = cluster.standby.as_ref().unwrap();
        assert_eq!(standby.sql("SELECT last_height FROM qenex.chain"), BLOCKS.to_string());
        let store = Arc::new(cluster.open(&first.id().0).unwrap());
        let (node, _) = Node::open_in(store, first, config()).unwrap();
        assert_eq!(node.chain().tip(), &tip);
        for (height, header) in headers {
            assert_eq!(node.block(height).unwrap().header, header);
        }
    }
}

/// A standby that did not have everything is not written to.
#[test]
fn a_standby_that_lacks_a_block_is_noticed() {
    let mut cluster = Cluster::asynchronous();
    let folder = tempfile::TempDir::new().unwrap();
    let settings = Settings { mark: Some(folder.path().join("mark")), ..cluster.settings() };
    let store = Postgres::open(&settings, &[1; 32]).unwrap();
    for height in 1..=5 {
        store.append(height, &[height as u8; 100]).unwrap();
        store.sync().unwrap();
    }
    while cluster.standby.as_ref().unwrap().sql("SELECT last_height FROM qenex.chain") != "5" {
        std::thread::sleep(Duration::from_millis(20));
    }
    // It is away while the last block comes.
    cluster.standby.as_mut().unwrap().kill();
    store.append(6, b"six").unwrap();
    store.sync().unwrap();
    cluster.primary.kill();
    let standby = cluster.standby.as_mut().unwrap();
    standby.resume();
    standby.promote();
    store.append(7, b"seven").unwrap();
    let error = store.sync().unwrap_err();
    assert_eq!(error.code(), STORE_DAMAGED, "{error}");
    assert!(error.to_string().contains("block 6"), "{error}");
    drop(store);
    // Nor after a start: the file beside the database knows.
    let error = Postgres::open(&settings, &[1; 32]).map(|_| ()).unwrap_err();
    assert_eq!(error.code(), STORE_DAMAGED, "{error}");
    assert!(error.to_string().contains("block 6"), "{error}");
    assert_eq!(cluster.standby.as_ref().unwrap().sql("SELECT last_height FROM qenex.chain"), "5");
}

/// Old blocks come from a standby while it has them, and from the primary when it does not.
#[test]
fn replicas_are_asked_for_what_is_old() {
    let mut cluster = Cluster::synchronous();
    let mut settings = cluster.settings();
    let standby = cluster.standby.as_ref().unwrap();
    settings.replicas = Some(format!("postgresql://qenex@127.0.0.1:{}/postgres", standby.port));
    let store = Postgres::open(&settings, &[1; 32]).unwrap();
    for height in 1..=20 {
        store.append(height, &[height as u8; 100]).unwrap();
    }
    store.sync().unwrap();
    let read = || (1..=20).for_each(|height| assert_eq!(store.read(height).unwrap(), [height as u8; 100]));
    read();
    let primary = cluster.primary.sql("SELECT COUNT(*) FROM pg_stat_activity WHERE query LIKE 'SELECT bytes FROM qenex.blocks,%' AND application_name = 'qenex'");
    let asked = |server: &cluster::Server| {
        server.sql("SELECT COUNT(*) FROM pg_stat_activity WHERE query LIKE 'SELECT bytes FROM qenex.blocks,%' AND application_name = 'qenex'")
    };
    assert_eq!((primary.as_str(), asked(standby).as_str()), ("0", "1"));
    cluster.standby.as_mut().unwrap().kill();
    // One of them finds out, the others ask the primary at once.
    let begun = Instant::now();
    read();
    println!("without the standby: {:?}", begun.elapsed());
    assert_eq!(asked(&cluster.primary), "1");
}
