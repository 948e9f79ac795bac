//! The store in a database against the embedded one: whatever is written to both reads back as the same.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod cluster;
#[path = "../../node/tests/common/mod.rs"]
mod common;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use cluster::Cluster;
use common::{World, cases, execute, seed};
use qenex_core::crypto::{Domain, Hash, hash};
use qenex_core::error::{
    Code, Coded, STORE_DAMAGED, STORE_FOREIGN, STORE_HEIGHT, STORE_IN_USE, STORE_IO, STORE_NOT_FOUND,
};
use qenex_core::ledger::{Outcome, Record, RecordId};
use qenex_core::num::Amount;
use qenex_core::tx::{Op, SignedTransaction, SwapExactIn};
use qenex_node::history::receipt;
use qenex_node::node::Source;
use qenex_node::node::{Node, NodeConfig};
use qenex_postgres::Postgres;
use qenex_postgres::books::Books;
use qenex_store::{CheckpointMeta, Disk, Embedded, EmbeddedConfig, SimDisk, State, Store, StoreError};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

const GENESIS: [u8; 32] = [0x51; 32];

fn bytes(random: &mut ChaCha8Rng, most: usize) -> Vec<u8> {
    let length = random.random_range(0..=most);
    (0..length).map(|_| random.random()).collect()
}

fn embedded(disk: &Arc<dyn Disk>) -> Embedded {
    let config = EmbeddedConfig { segment_bytes: 8 << 10, cache_bytes: 1 << 20, genesis: GENESIS };
    Embedded::open(disk, config).unwrap().0
}

/// What differs is shorter to read.
fn short(bytes: &[u8]) -> Hash {
    hash(Domain::LogLeaf, &[bytes])
}

/// What a store says of all that can be asked.
#[derive(Debug, PartialEq)]
struct Whole {
    last: Option<u64>,
    blocks: Vec<Result<Hash, Code>>,
    meta: Option<CheckpointMeta>,
    buckets: Vec<(u32, Hash)>,
    receipts: Vec<Option<Hash>>,
}

fn whole(store: &dyn Store, from: u64, to: u64) -> Whole {
    let mut buckets = Vec::new();
    let meta = store.load(&mut |prefix, bucket| buckets.push((prefix, short(bucket)))).unwrap();
    assert_eq!(meta, store.latest().unwrap());
    Whole {
        last: store.last_height(),
        blocks: (from..=to + 1)
            .map(|height| store.read(height).map(|block| short(&block)).map_err(|error| error.code()))
            .collect(),
        meta,
        buckets,
        receipts: (0..=to + 1)
            .map(|height| store.receipts(height).unwrap().map(|blob| short(&blob)))
            .collect(),
    }
}

/// Buckets of a state: all of them, or what changes.
fn buckets(random: &mut ChaCha8Rng, bits: u8) -> Vec<(u32, Arc<[u8]>)> {
    let mut prefixes: Vec<u32> =
        (0..random.random_range(1..20)).map(|_| random.random_range(0..1 << bits)).collect();
    prefixes.sort_unstable();
    prefixes.dedup();
    prefixes.into_iter().map(|prefix| (prefix, Arc::from(bytes(random, 900)))).collect()
}

#[test]
fn it_reads_back_as_the_embedded_one_does() {
    let cluster = Cluster::alone();
    let mut random = ChaCha8Rng::seed_from_u64(seed());
    for case in 0..cases(3) {
        cluster.primary.sql("DROP SCHEMA IF EXISTS qenex, books CASCADE");
        let disk: Arc<dyn Disk> = SimDisk::new(case);
        let mut one: Box<dyn Store> = Box::new(embedded(&disk));
        let mut other: Box<dyn Store> = Box::new(cluster.open(&GENESIS).unwrap());
        let (mut next, mut bits, mut state_height) = (1u64, 3u8, None::<u64>);
        // The first block that both have for sure: the embedded one forgets whole segments.
        let mut kept = 1;
        for _ in 0..60 {
            match random.random_range(0..16) {
                0..8 => {
                    let block = bytes(&mut random, 3_000);
                    one.append(next, &block).unwrap();
                    other.append(next, &block).unwrap();
                    next += 1;
                }
                8..12 => {
                    one.sync().unwrap();
                    other.sync().unwrap();
                    assert_eq!(one.last_height(), other.last_height());
                }
                12..14 => {
                    let Some(last) =
                        one.last_height().filter(|last| state_height.is_none_or(|at| at < *last))
                    else {
                        continue;
                    };
                    bits = if random.random_range(0..4) == 0 { (bits + 1).min(12) } else { bits };
                    let changed = buckets(&mut random, bits);
                    let root = std::array::from_fn(|_| random.random());
                    let from = state_height.map_or(1, |height| height + 1);
                    let receipts: Vec<(u64, Arc<Vec<u8>>)> =
                        (from..=last).map(|height| (height, Arc::new(bytes(&mut random, 300)))).collect();
                    let keep_from = last.saturating_sub(random.random_range(0..40));
                    let metas = [&one, &other].map(|store| {
                        let state =
                            State { height: last, root, bits, buckets: &mut changed.clone().into_iter() };
                        store.write(state, &mut receipts.clone().into_iter(), keep_from).unwrap()
                    });
                    assert_eq!(metas[0], metas[1]);
                    state_height = Some(last);
                }
                14 => {
                    let (height, block) = (next + random.random_range(0..5), bytes(&mut random, 500));
                    bits = 4;
                    let put = buckets(&mut random, bits);
                    for store in [&one, &other] {
                        let state =
                            State { height, root: [7; 32], bits, buckets: &mut put.clone().into_iter() };
                        store.replace(&block, state).unwrap();
                    }
                    (next, state_height, kept) = (height + 1, Some(height), height);
                }
                _ => {
                    one.sync().unwrap();
                    other.sync().unwrap();
                    kept = kept.max(random.random_range(0..next));
                    one.forget(kept).unwrap();
                    other.forget(kept).unwrap();
                    drop((one, other));
                    one = Box::new(embedded(&disk));
                    other = Box::new(cluster.open(&GENESIS).unwrap());
                    next = one.last_height().map_or(1, |last| last + 1);
                    kept = kept.min(next - 1).max(1);
                }
            }
            // The embedded one commits a segment that is full.
            if one.last_height() != other.last_height() {
                one.sync().unwrap();
                other.sync().unwrap();
            }
            assert_eq!(whole(&*one, kept, next), whole(&*other, kept, next));
        }
        one.sync().unwrap();
        other.sync().unwrap();
        assert_eq!(whole(&*one, kept, next), whole(&*other, kept, next));
    }
}

fn refused<T: std::fmt::Debug>(done: Result<T, StoreError>) -> Code {
    done.unwrap_err().code()
}

#[test]
fn whoever_opens_it_last_writes() {
    let cluster = Cluster::alone();
    let first = cluster.open(&GENESIS).unwrap();
    first.append(1, b"one").unwrap();
    first.sync().unwrap();
    assert_eq!(refused(cluster.open(&[0; 32])), STORE_FOREIGN);
    first.append(2, b"two").unwrap();
    first.sync().unwrap();
    assert_eq!(refused(first.append(4, b"four")), STORE_HEIGHT);
    let second = cluster.open(&GENESIS).unwrap();
    assert_eq!((second.first_height(), second.last_height()), (Some(1), Some(2)));
    first.append(3, b"late").unwrap();
    assert_eq!(refused(first.sync()), STORE_IN_USE);
    second.append(3, b"three").unwrap();
    second.sync().unwrap();
    assert_eq!(second.read(3).unwrap(), b"three");
    assert_eq!(refused(second.read(4)), STORE_NOT_FOUND);
    second.verify().unwrap();
    cluster.primary.sql("UPDATE qenex.blocks SET bytes = set_byte(bytes, 0, 0) WHERE height = 2");
    assert_eq!(refused(second.read(2)), STORE_DAMAGED);
    assert_eq!(refused(second.verify()), STORE_DAMAGED);
    cluster.primary.sql("DELETE FROM qenex.blocks WHERE height = 1");
    assert_eq!(refused(second.read(1)), STORE_DAMAGED);
}

#[test]
fn what_it_is_told_wrongly_it_says() {
    let cluster = Cluster::alone();
    let open = |url: &str| {
        let mut settings = cluster.settings();
        (settings.url, settings.patience) = (url.into(), Duration::from_millis(200));
        Postgres::open(&settings, &GENESIS).map(|_| ()).unwrap_err()
    };
    let port = cluster.primary.port;
    for url in [
        "nonsense",
        "jdbc:postgresql://u:secret@h/db?sslmode=require",
        "\"postgresql://u:secret@h/db?sslmode=require\"",
        "",
    ] {
        let said = open(url).to_string();
        assert!(
            said.contains("postgresql://USER@HOST/DATABASE was expected") && !said.contains("secret"),
            "{said}"
        );
    }
    let said = open(&format!("postgresql://qenex:secret@127.0.0.1:{port}/elsewhere")).to_string();
    assert!(
        said.contains("elsewhere") && said.contains("does not exist") && !said.contains("secret"),
        "{said}"
    );
    let away = open("postgresql://qenex@127.0.0.1:1/postgres");
    assert_eq!(away.code(), STORE_IO, "{away}");
    let said = open(&format!("postgresql://qenex@127.0.0.1:{port}/postgres?sslmode=require")).to_string();
    assert!(said.contains("a file of certificates was expected"), "{said}");
}

#[test]
fn it_goes_over_tls_with_a_password() {
    let (cluster, certificate) = Cluster::closed("a-long-password");
    let (other, another) = Cluster::closed("a-long-password");
    drop(other);
    let open = |password: &str, ca: Option<&PathBuf>| {
        let mut settings = cluster.settings();
        settings.patience = Duration::from_secs(30);
        (settings.password, settings.ca) = (Some(password.into()), ca.cloned());
        let begun = Instant::now();
        let opened = Postgres::open(&settings, &GENESIS);
        assert!(opened.is_ok() || begun.elapsed() < settings.patience, "it was tried again in vain");
        opened.map_err(|error| error.to_string())
    };
    let store = open("a-long-password", Some(&certificate)).unwrap();
    store.append(1, b"one").unwrap();
    store.sync().unwrap();
    drop(store);
    let said = open("another-password", Some(&certificate)).unwrap_err();
    assert!(said.contains("password authentication failed") && !said.contains("another-password"), "{said}");
    let said = open("a-long-password", None).unwrap_err();
    assert!(said.contains("no encryption"), "{said}");
    let said = open("a-long-password", Some(&another)).unwrap_err();
    assert!(said.contains("certificate"), "{said}");
    let said = open("a-long-password", Some(&certificate.with_extension("none"))).unwrap_err();
    assert!(said.contains("certificate.none"), "{said}");
}

/// A node on each store makes the same blocks, and starts again with the same state.
#[test]
fn a_node_has_the_same_root_on_both() {
    let cluster = Cluster::alone();
    let seed = seed();
    let config = NodeConfig {
        cache_bytes: 1 << 20,
        segment_bytes: 1 << 14,
        checkpoint_blocks: 7,
        history_blocks: Some(30),
        ..NodeConfig::default()
    };
    let disk: Arc<dyn Disk> = SimDisk::new(seed);
    let mut worlds = [World::new(40, seed), World::new(40, seed)];
    let genesis = worlds[0].genesis.clone();
    let on_disk = Node::create(Arc::clone(&disk), &genesis, config).unwrap();
    let first = on_disk.genesis().header;
    let id = first.id().0;
    let in_database = Node::create_in(Arc::new(cluster.open(&id).unwrap()), &genesis, config).unwrap();
    let mut nodes = [on_disk, in_database];
    for round in 1..=3 {
        for _ in 0..20 {
            let tips = [0, 1].map(|at| {
                let (node, world) = (&mut nodes[at], &mut worlds[at]);
                let height = node.chain().tip().height + 1;
                let batch = if height == 1 { world.pool_batch() } else { world.batch(7) };
                let id = execute(node.chain_mut(), batch, 2_000 + height * 1_000);
                node.finalize(id).unwrap();
                node.chain().tip().clone()
            });
            assert_eq!(tips[0], tips[1]);
        }
        let account = common::name(3);
        assert_eq!(nodes[0].history(account, 50).unwrap().len().min(1), 1, "the account did something");
        let histories = nodes.each_ref().map(|node| node.history(account, 5).unwrap());
        assert_eq!(histories[0], histories[1]);
        drop(nodes);
        let on_disk = Node::open(Arc::clone(&disk), config).unwrap().0;
        let store = Arc::new(cluster.open(&id).unwrap());
        let (in_database, recovery) = Node::open_in(store, first.clone(), config).unwrap();
        assert_eq!(in_database.chain().tip().height, round * 20);
        assert!(recovery.checkpoint_height > 0 && recovery.blocks <= 14, "{recovery:?}");
        assert_eq!(on_disk.chain().tip(), in_database.chain().tip());
        nodes = [on_disk, in_database];
    }
}

/// A node that is looked at.
struct Looked(Mutex<Node>);

impl Source for Looked {
    fn look(&self, look: &mut dyn FnMut(&Node)) {
        look(&self.0.lock().unwrap());
    }
}

/// Rows as the server writes them.
fn lines(server: &cluster::Server, query: &str) -> Vec<String> {
    server.sql(query).lines().map(String::from).collect()
}

/// What the books should say, by a walk over all blocks and all records.
fn expected(node: &Node) -> [Vec<String>; 4] {
    let [mut transactions, mut transfers, mut swaps, mut balances] = <[Vec<String>; 4]>::default();
    for height in 1..=node.chain().tip().height {
        let (block, record) = (node.block(height).unwrap(), node.block_record(height).unwrap().unwrap());
        for (place, signed) in block.transactions.iter().enumerate() {
            let signed = SignedTransaction::decode(signed).unwrap();
            let (sender, fee) = (signed.transaction.sender, signed.transaction.fee);
            transactions.push(format!("{height}|{place}|{}|{sender}|{}", signed.id(), Fixed(fee)));
            let outcome = receipt(&record, place as u32).unwrap().outcome;
            match (&signed.transaction.op, outcome) {
                (Op::Transfer(transfer), _) => {
                    for (leg, to) in transfer.legs.iter().enumerate() {
                        let asset = transfer.asset;
                        transfers.push(format!(
                            "{height}|{place}|{leg}|{asset}|{sender}|{}|{}",
                            to.to,
                            Fixed(to.amount)
                        ));
                    }
                }
                (Op::SwapExactIn(swap), Outcome::Swapped(given, got)) => {
                    let SwapExactIn { pool, asset_in, asset_out, .. } = swap;
                    swaps.push(format!(
                        "{height}|{place}|{pool}|{sender}|{asset_in}|{}|{asset_out}|{}",
                        Fixed(given),
                        Fixed(got)
                    ));
                }
                _ => {}
            }
        }
    }
    for (id, record) in node.chain().records().decoded() {
        if let (RecordId::Balance(account, asset), Record::Balance(balance)) = (id, record) {
            balances.push(format!("{account}|{asset}|{}", Fixed(balance.amount)));
        }
    }
    balances.sort();
    [transactions, transfers, swaps, balances]
}

/// An amount with all its decimals.
struct Fixed(Amount);

impl std::fmt::Display for Fixed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (whole, rest) = (self.0.units() / 10u128.pow(18), self.0.units() % 10u128.pow(18));
        write!(f, "{whole}.{rest:018}")
    }
}

#[test]
fn the_books_say_what_blocks_did() {
    let cluster = Cluster::alone();
    let seed = seed();
    let mut world = World::new(40, seed);
    let config = NodeConfig { cache_bytes: 1 << 20, checkpoint_blocks: 7, ..NodeConfig::default() };
    let genesis = world.genesis.clone();
    let id = Node::create(SimDisk::new(seed), &genesis, config).unwrap().genesis().header.id().0;
    let store = Arc::new(cluster.open(&id).unwrap());
    let source = Looked(Mutex::new(Node::create_in(store.clone(), &genesis, config).unwrap()));
    let mut books = Books::new(store.clone());
    let compare = |node: &Node| {
        let found = [
            "SELECT height, place, id, sender, fee FROM books.transactions ORDER BY height, place",
            "SELECT height, place, leg, asset, sender, receiver, amount FROM books.transfers ORDER BY height, place, leg",
            "SELECT height, place, pool, account, asset_in, amount_in, asset_out, amount_out FROM books.swaps ORDER BY height, place",
            "SELECT account, asset, amount FROM books.balances ORDER BY account, asset",
        ];
        for (query, mut expected) in found.into_iter().zip(expected(node)) {
            let mut found = lines(&cluster.primary, query);
            found.sort();
            expected.sort();
            assert_eq!(found, expected, "{query}");
        }
        let height = node.chain().tip().height;
        assert_eq!(
            cluster.primary.sql("SELECT height, state_height FROM books.progress"),
            format!("{height}|{height}")
        );
        let wrong = "SELECT * FROM books.supply WHERE supply <> in_accounts + in_pools";
        assert_eq!(cluster.primary.sql(wrong), "");
        // Each movement has its other side, but for what pools gave and took.
        let sums = "SELECT SUM(amount) FROM books.movements WHERE kind = 'transfer' HAVING SUM(amount) <> 0";
        assert_eq!(cluster.primary.sql(sums), "");
    };
    for round in 0..6 {
        {
            let mut node = source.0.lock().unwrap();
            for _ in 0..world.random.random_range(1..25) {
                let height = node.chain().tip().height + 1;
                let batch = if height == 1 { world.pool_batch() } else { world.batch(7) };
                let id = execute(node.chain_mut(), batch, 2_000 + height * 1_000);
                node.finalize(id).unwrap();
            }
        }
        if round == 3 {
            // Whoever begins again goes on.
            books = Books::new(store.clone());
        }
        while books.step(&source).unwrap() {}
        compare(&source.0.lock().unwrap());
    }
    for view in ["movements", "daily_transfers", "hourly_swaps", "holders", "supply"] {
        let rows = cluster.primary.sql(&format!("SELECT COUNT(*) FROM books.{view}"));
        assert!(rows.parse::<u64>().unwrap() > 0, "{view}");
    }
    // Whoever lost the right to write keeps no books either: here from the beginning.
    cluster.primary.sql("DELETE FROM books.progress");
    let _other = cluster.open(&id).unwrap();
    let error = Books::new(store).step(&source).unwrap_err();
    assert!(error.to_string().contains("STORE_IN_USE"), "{error}");
}
