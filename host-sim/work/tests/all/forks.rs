//! Branches that win and lose, compared with nodes that never saw the losing ones.

use bytes::Bytes;
use qenex_core::consensus::work::{Seal, Target, WorkError, WorkRules};
use qenex_core::crypto::Hash;
use qenex_core::id::NATIVE_ASSET;
use qenex_core::ledger::{Record, RecordId};
use qenex_core::num::Amount;
use qenex_node::block::Block;
use qenex_node::error::NodeError;
use qenex_node::mempool::MempoolLimits;
use qenex_node::node::Node;
use qenex_node::sequencer::Sequencer;
use qenex_node::sums::check_sums;
use qenex_store::SimDisk;
use qenex_work::Refusal;
use qenex_work::ledger::{Ledger, MAX_AHEAD_MS};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use crate::world::{
    Disks, LIMITS, NODE, at_head, catch_up, client, easy, genesis, mine, number, open, records, seed,
    transfer, usd,
};

fn ledger(rules: WorkRules, index: usize) -> Ledger {
    open(&Disks::new(index as u64), &genesis(rules), index).unwrap()
}

/// Puts the whole heaviest chain of one node into a new one.
fn only_that_chain(of: &Ledger, rules: WorkRules) -> Ledger {
    let mut fresh = ledger(rules, 7);
    for height in 1..=of.head().height {
        let block = Bytes::from(of.block(height).unwrap().encode());
        assert!(fresh.take(&block, u64::MAX).unwrap());
        fresh.settle().unwrap();
    }
    fresh
}

fn same(one: &Ledger, other: &Ledger) {
    assert_eq!((one.head_id(), one.work()), (other.head_id(), other.work()));
    assert_eq!(one.head().state_root, other.head().state_root);
    assert_eq!(at_head(one), at_head(other));
    assert_eq!(one.node().chain().tip_id(), other.node().chain().tip_id());
    assert_eq!(records(one), records(other));
    for index in 0..8 {
        assert_eq!(
            one.node().history(client(index), 1_000).unwrap(),
            other.node().history(client(index), 1_000).unwrap()
        );
    }
    check_sums(one.node().chain().records()).unwrap();
}

/// Several nodes mine and hear of each other at random. In the end all have the chain that is heaviest, and the state of a node that only ever saw that
/// one, byte for byte.
#[test]
fn the_state_after_reorganisations_is_that_of_the_winning_branch() {
    let seed = seed();
    let (mut switches, mut finals) = (0, 0);
    for case in 0..number("QENEX_CASES", 4) {
        println!("case {case}");
        let mut rng = ChaCha8Rng::seed_from_u64(seed ^ case);
        let rules = easy(24);
        let mut nodes: Vec<Ledger> = (0..4).map(|index| ledger(rules, index)).collect();
        let mut sent = 0;
        for step in 0..160u64 {
            let one = rng.random_range(0..nodes.len());
            let from = rng.random_range(0..8);
            // What a client sent to one node alone, or to all; on different branches other things become of it.
            let nonce = nodes[one].node().chain().nonce_after(nodes[one].head_id(), client(from));
            let signed = transfer(from, (from + 1) % 8, rng.random_range(1..1_000_000), nonce);
            let all = rng.random::<bool>();
            for (_, node) in nodes.iter_mut().enumerate().filter(|(index, _)| all || *index == one) {
                sent += usize::from(node.submit(&signed).is_ok());
            }
            if rng.random_range(0..3) > 0 {
                mine(&mut nodes[one], 2_000 + 1_000 * step + rng.random_range(0..900));
            } else {
                let other = (one + rng.random_range(1..4)) % 4;
                let [mut pair, from] = [nodes.remove(one.max(other)), nodes.remove(one.min(other))];
                let abandons = from.work() > pair.work() && from.branches().get(pair.head_id()).is_none();
                switches += usize::from(catch_up(&mut pair, &from) && abandons);
                nodes.extend([pair, from]);
            }
            // Now and then all meet, so that branches do not part below what is final.
            if step % 20 == 19 {
                let best = (0..4).max_by_key(|index| nodes[*index].work()).unwrap();
                let mut best = nodes.remove(best);
                mine(&mut best, 2_000 + 1_000 * step + 900);
                nodes.iter_mut().for_each(|node| {
                    catch_up(node, &best);
                });
                nodes.push(best);
            }
        }
        // A last block decides between branches of the same work.
        let best = (0..4).max_by_key(|index| nodes[*index].work()).unwrap();
        let mut winner = nodes.remove(best);
        mine(&mut winner, 1_000_000);
        let fresh = only_that_chain(&winner, rules);
        same(&winner, &fresh);
        for node in &mut nodes {
            catch_up(node, &winner);
            same(node, &fresh);
        }
        assert!(sent > 100, "{sent}");
        finals += winner.node().chain().tip().height;
        let moved = fresh.head().height;
        assert!(moved > 30 && fresh.branches().len() == 24, "{moved}");
    }
    assert!(switches > 3 && finals > 40, "{switches} {finals}");
}

/// What only the losing branch had waits again, and is in the next block; what both had does not.
#[test]
fn transactions_of_the_losing_branch_wait_again() {
    let (mut one, mut other) = (ledger(easy(10), 0), ledger(easy(10), 1));
    for node in [&mut one, &mut other] {
        node.submit(&transfer(0, 1, 5, 0)).unwrap();
    }
    one.submit(&transfer(2, 3, 7, 0)).unwrap();
    mine(&mut one, 2_000);
    assert_eq!((one.waiting(), one.head().height), (0, 1));
    let balance = RecordId::Balance(client(3), usd());
    assert_eq!(one.confirmations(&balance), Some(1));
    mine(&mut other, 2_000);
    // As heavy, so the first one stays.
    assert_eq!(one.work(), other.work());
    let rival = Bytes::from(other.block(1).unwrap().encode());
    let before = one.head_id();
    assert!(one.take(&rival, 10_000).unwrap());
    assert_eq!(one.head_id(), before);
    mine(&mut other, 3_000);
    assert!(catch_up(&mut one, &other));
    assert_eq!((one.waiting(), one.confirmations(&balance)), (1, None));
    assert_eq!(one.confirmations(&RecordId::Balance(client(1), usd())), Some(2));
    mine(&mut one, 4_000);
    assert_eq!((one.waiting(), one.confirmations(&balance)), (0, Some(1)));
    assert!(catch_up(&mut other, &one));
    let found = other
        .record(&balance, &mut [0; <Record<'_> as qenex_core::codec::Encoded>::MAX_LEN])
        .unwrap()
        .is_some();
    assert!(found);
    // The fees went to who mined: the first block of the losing branch has earned nothing.
    let fee = |ledger: &Ledger, index| {
        let id = RecordId::Balance(crate::world::miner(index), NATIVE_ASSET);
        match ledger.record(&id, &mut [0; <Record<'_> as qenex_core::codec::Encoded>::MAX_LEN]).unwrap() {
            Some(Record::Balance(balance)) => balance.amount,
            _ => Amount::ZERO,
        }
    };
    let unit = Amount::from_units(1).unwrap();
    assert_eq!((fee(&one, 0), fee(&one, 1)), (unit, unit));
}

/// A block is final so deep, and what contradicts it is refused however heavy it is.
#[test]
fn what_lies_deep_is_final() {
    let (mut one, mut other) = (ledger(easy(3), 0), ledger(easy(3), 1));
    for height in 1..=5 {
        mine(&mut one, 1_000 + 1_000 * height);
        assert_eq!(one.node().chain().tip().height, height.saturating_sub(3));
    }
    for height in 1..=9 {
        mine(&mut other, 1_500 + 1_000 * height);
    }
    let block = Bytes::from(other.block(1).unwrap().encode());
    assert!(matches!(one.take(&block, u64::MAX), Err(Refusal::TooDeep)));
    assert!(one.blocks_after(&other.steps(), 1 << 20).unwrap().is_empty());
    // Over a known block below the newest final one.
    let over_final = Bytes::from(one.block(2).unwrap().encode());
    assert!(!one.take(&over_final, u64::MAX).unwrap());
    // Who has nothing yet takes all of it.
    let mut fresh = ledger(easy(3), 2);
    assert!(catch_up(&mut fresh, &other));
    same(&fresh, &other);
}

/// The proof is looked at before anything else, and what is wrong is told apart from what cannot be known.
#[test]
fn wrong_blocks_are_refused() {
    // So hard that nobody changes a header without losing the proof.
    let rules = WorkRules { target: Target::of_hashes(50_000), ..easy(5) };
    let (mut one, mut other) = (ledger(rules, 0), ledger(rules, 1));
    other.submit(&transfer(0, 1, 5, 0)).unwrap();
    let first = mine(&mut other, 2_000);
    let second = mine(&mut other, 3_000);
    let changed = |bytes: &Bytes, change: &dyn Fn(&mut Block)| {
        let mut block = Block::decode(bytes).unwrap();
        change(&mut block);
        Bytes::from(block.encode())
    };
    let mut refused = |bytes: &Bytes, now_ms| one.take(bytes, now_ms).unwrap_err();
    assert!(matches!(refused(&second, 10_000), Refusal::Orphan));
    assert!(matches!(refused(&first.slice(..20), 10_000), Refusal::Decode(_)));
    let proof = changed(&first, &|block| block.header.state_root = Hash([7; 32]));
    assert!(matches!(refused(&proof, 10_000), Refusal::Work(WorkError::Proof)));
    let seal = Seal { target: Target::EASIEST, nonce: 0 }.bytes();
    let target = changed(&first, &|block| block.header.seal = seal.clone());
    assert!(matches!(refused(&target, 10_000), Refusal::Work(WorkError::Target)));
    // An orphan must at least prove what it says of itself.
    let orphan = changed(&second, &|block| block.header.time_ms += 1);
    assert!(matches!(refused(&orphan, 10_000), Refusal::Work(WorkError::Proof)));
    let body = changed(&first, &|block| block.transactions = Default::default());
    assert!(matches!(refused(&body, 10_000), Refusal::Decode(_)));
    for wrong in [&proof, &target, &orphan, &body] {
        assert!(refused(wrong, 10_000).is_fault());
    }
    assert!(!refused(&second, 10_000).is_fault());
    // A block that is proven and wrong: mined on purpose, with a root that execution does not yield.
    let mut block = Block::decode(&first).unwrap();
    block.header.state_root = Hash([7; 32]);
    let seal = Seal::of_bytes(&block.header.seal).unwrap();
    let unsealed = qenex_core::consensus::work::unsealed(&block.header);
    let nonce = crate::world::solve(&qenex_work::ledger::Puzzle { unsealed, target: seal.target });
    block.header.seal = Seal { nonce, ..seal }.bytes();
    let refusal = refused(&Bytes::from(block.encode()), 10_000);
    assert!(matches!(&refusal, Refusal::Block(_)) && refusal.is_fault(), "{refusal}");
    assert!(one.branches().is_empty());
    assert!(one.take(&first, 10_000).unwrap() && !one.take(&first, 10_000).unwrap());
    assert!(one.take(&second, 10_000).unwrap());
    same(&one, &other);
}

/// Where work decides, whoever has the chain cannot simply make blocks.
#[test]
fn nothing_unproven_becomes_final() {
    let disk = SimDisk::new(1);
    let mut node = Node::create(disk.clone(), &genesis(easy(5)), NODE).unwrap();
    let mut sequencer = Sequencer::new(client(0), MempoolLimits::default());
    let refused = sequencer.produce(&mut node, 5_000, LIMITS).unwrap_err();
    assert!(matches!(refused, NodeError::Work(WorkError::Seal)), "{refused}");
    assert_eq!(node.chain().tip().height, 0);
    drop(node);
    let (node, _) = Node::open(disk, NODE).unwrap();
    assert_eq!(node.chain().work().unwrap().rules, easy(5));
}

/// A time that is not there yet is waited for.
#[test]
fn a_time_ahead_is_waited_for() {
    let (mut one, mut other) = (ledger(easy(5), 0), ledger(easy(5), 1));
    let block = mine(&mut other, 100_000);
    assert!(matches!(one.take(&block, 100_000 - MAX_AHEAD_MS - 1), Err(Refusal::Early)));
    assert!(one.take(&block, 100_000 - MAX_AHEAD_MS).unwrap());
}
