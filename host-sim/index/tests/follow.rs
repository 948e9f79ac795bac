//! The index against a slow obvious model: a walk over all blocks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use qenex_core::crypto::ed25519::SecretKey;
use qenex_core::crypto::{KeyHash, Purpose, Scheme};
use qenex_core::id::{AccountId, AssetId, ChainId, PoolId, Reference};
use qenex_core::ledger::{Outcome, RecordId, access};
use qenex_core::num::Amount;
use qenex_core::policy::OpKind;
use qenex_core::tx::{
    AccountKind, AddLiquidity, AuthorityBuf, Burn, CreatePool, Issue, KeyRef, KycLevel, Leg, LegsBuf, Op,
    SignedTransaction, SwapExactIn, Transaction, Transfer,
};
use qenex_index::Index;
use qenex_index::candles::Step;
use qenex_index::follow::Follower;
use qenex_index::history::Filter;
use qenex_index::read::{executed, spread};
use qenex_node::genesis::{Genesis, GenesisAccount};
use qenex_node::history::receipts;
use qenex_node::mempool::MempoolLimits;
use qenex_node::node::{Node, NodeConfig, Source};
use qenex_node::sequencer::{BlockLimits, Sequencer};
use qenex_store::RealDisk;

const DAY_MS: u64 = 86_400_000;

fn account(name: &str) -> AccountId {
    name.parse().expect("an id")
}

fn asset(name: &str) -> AssetId {
    name.parse().expect("an id")
}

fn key(id: AccountId) -> SecretKey {
    let mut seed = [7; 32];
    seed[..id.as_str().len()].copy_from_slice(id.as_str().as_bytes());
    SecretKey::from_seed(&seed).expect("a seed")
}

fn names() -> Vec<AccountId> {
    ["SYSTEM", "ALICE", "BOB", "CAROL"].map(account).to_vec()
}

fn genesis() -> Genesis {
    let of = |id: AccountId| GenesisAccount {
        id,
        kind: if id == account("SYSTEM") { AccountKind::System } else { AccountKind::Institution },
        kyc: KycLevel::Verified,
        authority: AuthorityBuf::single(KeyRef {
            scheme: Scheme::Ed25519,
            hash: KeyHash::of(Scheme::Ed25519, Purpose::Transaction, &key(id).public_key()),
        }),
        balances: ["QNX", "USD"].map(|name| (asset(name), Amount::from_whole(1_000_000))).to_vec(),
    };
    Genesis {
        chain_id: ChainId::new("INDEX").expect("an id"),
        time_ms: 20_000 * DAY_MS,
        assets: vec![(asset("QNX"), account("SYSTEM")), (asset("USD"), account("SYSTEM"))],
        accounts: names().into_iter().map(of).collect(),
        staking: None,
        work: None,
    }
}

/// A node that makes blocks of what it is given.
struct World {
    node: Mutex<Node>,
    sequencer: Mutex<Sequencer>,
    nonces: Mutex<BTreeMap<AccountId, u64>>,
    time_ms: Mutex<u64>,
}

impl Source for World {
    fn look(&self, look: &mut dyn FnMut(&Node)) {
        look(&self.node.lock().expect("nobody panicked"));
    }
}

impl World {
    fn new(folder: &std::path::Path, history_blocks: Option<u64>) -> Self {
        let config =
            NodeConfig { history_blocks, checkpoint_blocks: 4, background: false, ..NodeConfig::default() };
        let disk = RealDisk::open(folder).expect("a folder");
        let node = Node::create(disk, &genesis(), config).expect("a chain");
        Self {
            node: Mutex::new(node),
            sequencer: Mutex::new(Sequencer::new(account("SYSTEM"), MempoolLimits::default())),
            nonces: Mutex::default(),
            time_ms: Mutex::new(20_000 * DAY_MS),
        }
    }

    fn submit(&self, sender: AccountId, op: Op<'_>) {
        let mut nonces = self.nonces.lock().expect("nobody panicked");
        let nonce = nonces.entry(sender).or_default();
        let node = self.node.lock().expect("nobody panicked");
        let transaction = Transaction {
            chain_id: ChainId::new("INDEX").expect("an id"),
            sender,
            nonce: *nonce,
            last_valid_height: node.chain().tip().height + 10,
            fee: Amount::ZERO,
            op,
        };
        *nonce += 1;
        let signed = sign(&transaction, &key(sender));
        self.sequencer.lock().expect("nobody panicked").submit(&node, &signed).expect("it is taken");
    }

    /// A block of what waits, so long after the one before.
    fn block(&self, after_ms: u64) {
        let mut time_ms = self.time_ms.lock().expect("nobody panicked");
        *time_ms += after_ms;
        let (mut node, mut sequencer) =
            (self.node.lock().expect("nobody panicked"), self.sequencer.lock().expect("nobody panicked"));
        let parent = node.chain().tip_id();
        let (id, refused) =
            sequencer.execute(&mut node, (parent, 0), *time_ms, BlockLimits::default()).expect("a block");
        assert!(refused.is_empty(), "{refused:?}");
        let batch = node.chain().pending(id).expect("it is there").transactions.clone();
        node.finalize(id).expect("it is durable");
        sequencer.settled(&node, &batch);
    }

    fn transfer(&self, from: &str, to: &str, of: &str, amount: u64) {
        let leg = Leg {
            to: account(to),
            amount: Amount::from_whole(amount),
            reference: Reference::new("").expect("short"),
        };
        let legs = LegsBuf::new(&[leg]).expect("one");
        self.submit(account(from), Op::Transfer(Transfer { asset: asset(of), legs: legs.get() }));
    }

    fn swap(&self, who: &str, from: &str, to: &str, amount: u64) {
        self.submit(
            account(who),
            Op::SwapExactIn(SwapExactIn {
                pool: "QNX-USD".parse().expect("an id"),
                asset_in: asset(from),
                asset_out: asset(to),
                amount_in: Amount::from_whole(amount),
                min_out: Amount::ZERO,
                max_price_impact_bps: None,
                deadline_ms: None,
            }),
        );
    }

    /// Some days of an economy.
    fn live(&self) {
        let pool: PoolId = "QNX-USD".parse().expect("an id");
        self.submit(
            account("ALICE"),
            Op::CreatePool(CreatePool { pool, asset_a: asset("QNX"), asset_b: asset("USD"), fee_bps: 30 }),
        );
        self.block(1_000);
        self.submit(
            account("ALICE"),
            Op::AddLiquidity(AddLiquidity {
                pool,
                asset_a: asset("QNX"),
                asset_b: asset("USD"),
                max_a: Amount::from_whole(1_000),
                max_b: Amount::from_whole(2_000),
                min_shares: Amount::ZERO,
                deadline_ms: None,
            }),
        );
        self.block(1_000);
        for round in 1..=6 {
            self.swap("BOB", "QNX", "USD", round);
            self.swap("CAROL", "USD", "QNX", 3 * round);
            self.transfer("BOB", "CAROL", "USD", round);
            self.transfer("CAROL", "ALICE", "QNX", 2 * round);
            self.block(DAY_MS / 3);
        }
        let to = account("BOB");
        let issue = Issue { asset: asset("USD"), to, amount: Amount::from_whole(500) };
        self.submit(account("SYSTEM"), Op::Issue(issue));
        let burn = Burn { asset: asset("USD"), amount: Amount::from_whole(40) };
        self.submit(account("SYSTEM"), Op::Burn(burn));
        self.block(1_000);
    }
}

fn sign(transaction: &Transaction<'_>, key: &SecretKey) -> Vec<u8> {
    let signature = key.sign(Purpose::Transaction, &transaction.id()).expect("a key");
    let public_key = key.public_key();
    let signature =
        qenex_core::tx::Signature { scheme: Scheme::Ed25519, public_key: &public_key, signature: &signature };
    let mut buffer = vec![0; qenex_core::tx::MAX_SIGNED_LEN];
    qenex_core::tx::encode_signed(transaction, &[signature], &mut buffer).expect("it fits").to_vec()
}

fn follow(index: &Arc<Index>, world: &World) {
    let mut follower = Follower::new(Arc::clone(index));
    while follower.step(world).expect("it follows") {}
}

/// Where a transaction is, what it does, and when.
type Touched = ((u64, u32), OpKind, u64);

/// What the index must answer, by a walk over the blocks from a height on.
fn check(index: &Index, world: &World, first: u64) {
    let tip = world.node.lock().expect("nobody panicked").chain().tip().height;
    assert_eq!(*index.height().borrow(), tip);
    let mut newest = Vec::new();
    let mut histories: BTreeMap<AccountId, Vec<Touched>> = BTreeMap::new();
    let mut days: BTreeMap<(AssetId, u64), [u128; 4]> = BTreeMap::new();
    let mut prices: BTreeMap<u64, Vec<(u128, u128)>> = BTreeMap::new();
    for height in first..=tip {
        let done = executed(world, height).expect("it is kept");
        let time_ms = done.block.header.time_ms;
        for ((signed, receipt), place) in done.block.transactions.iter().zip(receipts(&done.record)).zip(0..)
        {
            let signed = SignedTransaction::decode(signed).expect("a transaction");
            let op = &signed.transaction.op;
            newest.push((height, place));
            assert_eq!(index.transaction(&signed.id()).expect("it answers"), Some((height, place)));
            for id in access(&signed.transaction) {
                if let RecordId::Account(account) = id {
                    histories.entry(account).or_default().push(((height, place), OpKind::of(op), time_ms));
                }
            }
            let mut flow = |asset, place: usize, amount: Amount| {
                days.entry((asset, time_ms - time_ms % DAY_MS)).or_default()[place] += amount.units();
            };
            match op {
                Op::Transfer(op) => {
                    for leg in op.legs.iter() {
                        flow(op.asset, 1, leg.amount);
                    }
                }
                Op::Issue(op) => flow(op.asset, 2, op.amount),
                Op::Burn(op) => flow(op.asset, 3, op.amount),
                _ => {}
            }
            if let (Op::SwapExactIn(op), Outcome::Swapped(given, got)) = (op, receipt.outcome) {
                let (a, b) = if op.asset_in == asset("QNX") { (given, got) } else { (got, given) };
                prices.entry(time_ms - time_ms % DAY_MS).or_default().push((a.units(), b.units()));
            }
        }
    }
    newest.reverse();
    for most in [1, 3, 100] {
        let (mut found, mut before) = (Vec::new(), None);
        loop {
            let page = index.transactions(before, most).expect("it answers");
            assert!(page.positions.len() <= most);
            found.extend(page.positions);
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        assert_eq!(found, newest, "{most} at a time");
    }
    for account in names() {
        let mut all = histories.remove(&account).unwrap_or_default();
        all.reverse();
        let positions: Vec<_> = all.iter().map(|(position, ..)| *position).collect();
        for most in [1, 2, 3, 100] {
            let (mut found, mut before) = (Vec::new(), None);
            loop {
                let page = index.history(account, Filter::default(), before, most).expect("it answers");
                assert!(page.positions.len() <= most);
                found.extend(page.positions);
                before = page.next;
                if before.is_none() {
                    break;
                }
            }
            assert_eq!(found, positions, "{account}, {most} at a time");
        }
        let times: BTreeSet<u64> = all.iter().map(|(.., time_ms)| *time_ms).collect();
        for kind in [OpKind::Transfer, OpKind::SwapExactIn, OpKind::Burn] {
            for from_ms in times.iter().flat_map(|time| [*time, time + 1]) {
                let filter =
                    Filter { kind: Some(kind), from_ms: Some(from_ms), until_ms: Some(from_ms + DAY_MS) };
                let expected: Vec<_> = all
                    .iter()
                    .filter(|(_, of, time)| *of == kind && (from_ms..from_ms + DAY_MS).contains(time))
                    .map(|(position, ..)| *position)
                    .collect();
                let page = index.history(account, filter, None, 100).expect("it answers");
                assert_eq!(page.positions, expected, "{account} {kind:?} from {from_ms}");
            }
        }
    }
    for name in ["QNX", "USD"].map(asset) {
        for flow in index.flows(name, 0, u64::MAX).expect("it answers") {
            let [_, volume, issued, burned] = days.remove(&(name, flow.time_ms)).expect("something happened");
            assert_eq!((flow.volume, flow.issued, flow.burned), (volume, issued, burned));
        }
    }
    assert!(days.is_empty(), "{days:?}");
    let pool = "QNX-USD".parse().expect("an id");
    for candle in index.candles(pool, Step::Day, 0, u64::MAX, 1_000).expect("it answers") {
        let swaps = prices.remove(&candle.time_ms).expect("somebody swapped");
        // The price by wide numbers in another way: digits of a division by hand.
        let price = |(a, b): &(u128, u128)| {
            let (mut whole, mut rest) = (b / a, b % a);
            for _ in 0..18 {
                rest *= 10;
                whole = whole * 10 + rest / a;
                rest %= a;
            }
            whole
        };
        let all: Vec<u128> = swaps.iter().map(price).collect();
        assert_eq!(Some(&candle.open), all.first());
        assert_eq!(Some(&candle.close), all.last());
        assert_eq!(
            (Some(candle.high), Some(candle.low)),
            (all.iter().max().copied(), all.iter().min().copied())
        );
        assert_eq!(candle.volume_a, swaps.iter().map(|(a, _)| a).sum::<u128>());
        assert_eq!(candle.volume_b, swaps.iter().map(|(_, b)| b).sum::<u128>());
        assert_eq!(candle.swaps, swaps.len() as u64);
    }
    assert!(prices.is_empty(), "{prices:?}");
}

#[test]
fn answers_what_a_walk_over_all_blocks_finds() {
    let folder = tempfile::tempdir().expect("a folder");
    let world = World::new(&folder.path().join("ledger"), None);
    let index = Arc::new(Index::open(&folder.path().join("index.redb")).expect("it opens"));
    follow(&index, &world);
    let mut sorted = names();
    sorted.sort();
    assert_eq!(index.accounts(None, 10).expect("it answers"), sorted, "those of the genesis");
    assert_eq!(index.accounts(Some(account("BOB")), 1).expect("it answers"), [account("CAROL")]);
    world.live();
    follow(&index, &world);
    check(&index, &world, 1);
    assert_eq!(index.assets(None, 10).expect("it answers"), ["QNX", "USD"].map(asset));
    assert_eq!(index.balances(account("BOB"), None, 10).expect("it answers"), ["QNX", "USD"].map(asset));
    assert_eq!(index.shares(account("ALICE"), None, 10).expect("it answers").len(), 1);
    assert!(index.shares(account("BOB"), None, 10).expect("it answers").is_empty());
    let rows = index.blocks(Some(3), 10).expect("it answers");
    assert_eq!(rows.iter().map(|row| (row.height, row.transactions)).collect::<Vec<_>>(), [(2, 1), (1, 1)]);
    // After a restart it goes on where it was.
    drop(index);
    let index = Arc::new(Index::open(&folder.path().join("index.redb")).expect("it opens"));
    world.transfer("ALICE", "BOB", "USD", 9);
    world.block(5);
    follow(&index, &world);
    check(&index, &world, 1);
}

#[test]
fn one_that_is_deleted_is_made_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let world = World::new(&folder.path().join("ledger"), None);
    world.live();
    let index = Arc::new(Index::open(&folder.path().join("index.redb")).expect("it opens"));
    follow(&index, &world);
    check(&index, &world, 1);
}

#[test]
fn forgets_what_the_node_forgets() {
    let folder = tempfile::tempdir().expect("a folder");
    let world = World::new(&folder.path().join("ledger"), Some(4));
    let index = Arc::new(Index::open(&folder.path().join("index.redb")).expect("it opens"));
    world.transfer("ALICE", "BOB", "USD", 1);
    world.block(1);
    follow(&index, &world);
    let early = executed(&world, 1).expect("it is kept");
    let early = SignedTransaction::decode(early.block.transactions.get(0).expect("one")).expect("one").id();
    assert_eq!(index.transaction(&early).expect("it answers"), Some((1, 0)));
    for round in 0..20 {
        world.transfer("ALICE", "BOB", "USD", 2);
        world.block(1_000 + round);
        follow(&index, &world);
    }
    let first = world.node.lock().expect("nobody panicked").first_record().expect("it answers");
    assert!(first > 10, "{first}");
    assert_eq!(index.transaction(&early).expect("it answers"), None);
    let lowest = index.blocks(None, 500).expect("it answers").last().expect("some").height;
    assert_eq!(lowest, first);
    let page = index.history(account("BOB"), Filter::default(), None, 500).expect("it answers");
    assert_eq!(page.positions.last(), Some(&(first, 0)));
    assert_eq!(index.accounts(None, 10).expect("it answers").len(), 4);
}

#[test]
fn tells_how_an_asset_is_spread() {
    let folder = tempfile::tempdir().expect("a folder");
    let world = World::new(&folder.path().join("ledger"), None);
    let even = spread(&world, asset("USD"));
    assert_eq!((even.holders, even.held), (4, Amount::from_whole(4_000_000).units()));
    assert_eq!(even.ten_largest, even.held);
    assert!((even.herfindahl - 0.25).abs() < 1e-12 && even.gini.abs() < 1e-12, "{even:?}");
    // All to one: of four who could have something three have nothing and are no holders.
    for name in ["ALICE", "BOB", "CAROL"] {
        world.transfer(name, "SYSTEM", "USD", 1_000_000);
    }
    world.block(1);
    let one = spread(&world, asset("USD"));
    assert_eq!((one.holders, one.held, one.height), (1, even.held, 1));
    assert!((one.herfindahl - 1.0).abs() < 1e-12, "{one:?}");
    // A definition by pairs: half the mean difference divided by the mean.
    let amounts = [5u128, 1, 3, 9, 9, 20, 0x1_0000];
    let spread = qenex_index::read::Spread::of(1, amounts.to_vec());
    let pairs = amounts.iter().flat_map(|a| amounts.iter().map(move |b| a.abs_diff(*b) as f64));
    let count = amounts.len() as f64;
    let mean = amounts.iter().sum::<u128>() as f64 / count;
    let expected = pairs.sum::<f64>() / (2.0 * count * count * mean);
    assert!((spread.gini - expected).abs() < 1e-12, "{} {expected}", spread.gini);
}
