//! Blocks over blocks: pending ones, rival ones, wrong ones.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod common;

use common::{World, cases, name, seed};
use qenex_core::consensus::Header;
use qenex_core::crypto::Hash;
use qenex_node::block::{Batch, Block};
use qenex_node::catch_up::CatchUp;
use qenex_node::chain::Chain;
use qenex_node::error::NodeError;
use qenex_node::prepare::{Signatures, prepare};
use qenex_node::records::Records;
use qenex_signatures::Verifier;
use rand::RngExt;

fn add(chain: &mut Chain, parent: Hash, batch: Batch, time_ms: u64) -> Hash {
    let prepared = prepare(batch, Signatures::Verify(&Verifier::default()));
    let mut execution = chain.begin(parent, time_ms, 0).unwrap();
    for index in 0..prepared.len() {
        execution.push(&prepared, index).unwrap();
    }
    let executed = execution.finish(name(0)).unwrap();
    chain.seal(executed).unwrap()
}

/// A block whose transactions come in several batches names a refused one by its place in the block.
#[test]
fn a_refused_transaction_is_named_by_its_place_in_the_block() {
    let mut world = World::new(12, seed());
    let chain = Chain::new(&world.genesis, usize::MAX).unwrap();
    let first = prepare(world.pool_batch(), Signatures::Committed);
    let next = first.len();
    let header = Header { height: 1, parent: chain.tip_id(), ..chain.tip().clone() };
    let mut state = CatchUp::new(chain.tip().clone(), Records::of(&world.genesis).unwrap().0);
    let error = state.execute(header, [first.clone(), first.clone()]).err().unwrap();
    assert!(matches!(error, NodeError::Transaction { index, .. } if index == next), "{error}");
    let mut execution = chain.begin(chain.tip_id(), 0, 0).unwrap();
    execution.push_all(&first).unwrap();
    let error = execution.push_all(&first).unwrap_err();
    assert!(matches!(error, NodeError::Transaction { index, .. } if index == next), "{error}");
}

/// Blocks executed as pending ones over each other, with rivals that come and go, lead to the same roots as blocks
/// that become final one by one; and every header that one chain makes, the other accepts.
#[test]
fn pending_blocks_lead_to_the_same_state() {
    let seed = seed();
    for case in 0..cases(6) {
        let mut world = World::new(12, seed ^ case);
        let mut direct = Chain::new(&world.genesis, usize::MAX).unwrap();
        let mut pending = Chain::new(&world.genesis, usize::MAX).unwrap();
        assert_eq!(direct.tip_id(), pending.tip_id());
        let mut batches = vec![world.pool_batch()];
        for _ in 0..20 {
            let count = world.random.random_range(1..30);
            batches.push(world.batch(count));
        }
        let mut waiting: Vec<Hash> = Vec::new();
        let mut parent = pending.tip_id();
        for (height, batch) in batches.iter().enumerate() {
            let time_ms = 2_000 + height as u64;
            let tip = direct.tip_id();
            let id = add(&mut direct, tip, batch.clone(), time_ms);
            let block = direct.pending(id).unwrap().clone();
            direct.finalize(id).unwrap();
            // A rival of the same height, dropped or left for finalize to drop.
            let rival = add(&mut pending, parent, batch.clone(), time_ms + 1_000_000);
            assert_eq!(Block::decode(&block.encode()).unwrap(), block);
            let prepared = prepare(block.transactions, Signatures::Verify(&Verifier::default()));
            let own = pending.execute(&block.header, &prepared).unwrap();
            assert_eq!(own, id);
            if world.random.random() {
                pending.discard(rival).unwrap();
                assert!(matches!(pending.discard(rival), Err(NodeError::UnknownBlock(_))));
            }
            waiting.push(own);
            parent = own;
            while waiting.len() > world.random.random_range(0..5) {
                pending.finalize(waiting.remove(0)).unwrap();
            }
        }
        for id in waiting {
            pending.finalize(id).unwrap();
        }
        assert_eq!(direct.tip_id(), pending.tip_id());
        let records = |chain: &Chain| {
            let mut all: Vec<_> = chain.records().decoded().map(|(id, r)| format!("{id:?} {r:?}")).collect();
            all.sort();
            all
        };
        assert_eq!(records(&direct), records(&pending));
    }
}

#[test]
fn a_block_that_is_not_what_it_says_is_refused() {
    let mut world = World::new(5, seed());
    let mut chain = Chain::new(&world.genesis, usize::MAX).unwrap();
    let batch = world.pool_batch();
    let tip = chain.tip_id();
    let id = add(&mut chain, tip, batch, 5_000);
    let good = chain.pending(id).unwrap().clone();
    chain.discard(id).unwrap();
    let verifier = Verifier::default();
    let mut execute = |change: &dyn Fn(&mut Block)| {
        let mut block = good.clone();
        change(&mut block);
        chain.execute(&block.header, &prepare(block.transactions, Signatures::Verify(&verifier)))
    };
    let field = |result: Result<Hash, NodeError>| match result {
        Err(NodeError::Header { field, height: 1 }) => field,
        other => panic!("{other:?}"),
    };
    let other = Hash([9; 32]);
    assert_eq!(field(execute(&|b| b.header.state_root = other)), "state_root");
    assert_eq!(field(execute(&|b| b.header.transaction_root = other)), "transaction_root");
    assert_eq!(field(execute(&|b| b.header.receipt_root = other)), "receipt_root");
    assert_eq!(field(execute(&|b| b.header.protocol = 2)), "protocol");
    assert_eq!(field(execute(&|b| b.header.epoch = 1)), "epoch");
    assert_eq!(field(execute(&|b| b.header.validators = other)), "validators");
    assert_eq!(field(execute(&|b| b.header.next_validators = other)), "next_validators");
    assert_eq!(field(execute(&|b| b.header.seal.push(1).unwrap())), "seal");
    // Time never goes back.
    assert_eq!(field(execute(&|b| b.header.time_ms = 1)), "time_ms");
    assert!(matches!(execute(&|b| b.header.parent = other), Err(NodeError::UnknownParent(_))));
    let twice = execute(&|b| {
        let first = b.transactions.get(0).unwrap().to_vec();
        b.transactions.push(&first);
    });
    assert!(matches!(twice, Err(NodeError::Transaction { index: 2, .. })), "{twice:?}");
    let forged = execute(&|b| {
        let mut bytes = b.transactions.get(0).unwrap().to_vec();
        *bytes.last_mut().unwrap() ^= 1;
        b.transactions = Batch::default();
        b.transactions.push(&bytes);
    });
    assert!(matches!(forged, Err(NodeError::Transaction { index: 0, .. })), "{forged:?}");
    assert_eq!(execute(&|_| ()).unwrap(), id);
}

#[test]
fn a_state_above_its_limit_stops_the_node() {
    let world = World::new(50, seed());
    match Chain::new(&world.genesis, 1_000) {
        Err(NodeError::StateTooLarge { bytes, limit_bytes: 1_000 }) => assert!(bytes > 1_000),
        other => panic!("{:?}", other.map(|_| ())),
    }
}
