//! A node on a disk whose power is cut, against a chain in memory that never stops.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod common;

use std::sync::Arc;

use common::{World, cases, execute, name, seed};
use qenex_node::block::Batch;
use qenex_node::chain::Chain;
use qenex_node::error::NodeError;
use qenex_node::node::{Node, NodeConfig};
use qenex_store::disk::Loss;
use qenex_store::{Disk, SimDisk};
use rand::RngExt;

fn config() -> NodeConfig {
    NodeConfig {
        state_bytes: usize::MAX,
        cache_bytes: 1 << 20,
        segment_bytes: 1 << 14,
        checkpoint_transactions: 40,
        checkpoint_blocks: 3,
        ..NodeConfig::default()
    }
}

/// Blocks are committed until the power goes. What was committed is there afterwards; one block more may be, if the cut came while it was made
/// durable; nothing is half there. Histories are those of the model, as far back as blocks are kept.
#[test]
fn power_cuts_lose_nothing_that_was_committed() {
    let seed = seed();
    let mut forgot = false;
    for case in 0..cases(40) {
        let mut world = World::new(8, seed ^ case);
        let mut model = Chain::new(&world.genesis, usize::MAX).unwrap();
        // The ids of the model's blocks by height, and the blocks.
        let mut ids = vec![model.tip_id()];
        let mut batches = vec![Batch::default()];
        let mut disk = SimDisk::new(seed ^ case);
        drop(Node::create(Arc::clone(&disk) as Arc<dyn Disk>, &world.genesis, config()).unwrap());
        let history_blocks = (case % 3 == 0).then_some(5);
        let config = || NodeConfig { history_blocks, background: case % 2 == 0, ..config() };
        let mut committed = 0usize;
        for life in 0..6 {
            let (mut node, recovery) = Node::open(Arc::clone(&disk) as Arc<dyn Disk>, config()).unwrap();
            let height = node.chain().tip().height as usize;
            assert!(
                height == committed || height == committed + 1,
                "case {case} life {life}: {height} {committed}"
            );
            assert_eq!(node.chain().tip_id(), ids[height], "case {case} life {life}");
            assert!(recovery.blocks <= 2 * config().checkpoint_blocks, "{recovery:?}");
            committed = height;
            let mut touched = 0;
            for account in 0..8 {
                let history = node.history(name(account), usize::MAX).unwrap();
                assert!(
                    history
                        .windows(2)
                        .all(|pair| (pair[0].height, pair[0].place) > (pair[1].height, pair[1].place))
                );
                touched += history.len();
            }
            // The log forgets in steps of its segments, and never more than may go.
            let first = usize::try_from(node.first_height()).unwrap();
            assert!(first == 0 || history_blocks.is_some() && first + 5 <= height + 1, "{first} of {height}");
            forgot |= first > 0;
            let kept = if history_blocks.is_some() { (height + 1).saturating_sub(5) } else { 0 };
            let all: usize = batches[kept..=height].iter().map(Batch::len).sum();
            assert!(touched >= all, "every transaction touches its sender");
            disk.cut_at(disk.operations() + world.random.random_range(1..120));
            loop {
                let next = committed + 1;
                if ids.len() == next {
                    let batch = if next == 1 { world.pool_batch() } else { world.batch(7) };
                    let id = execute(&mut model, batch.clone(), 2_000 + next as u64);
                    model.finalize(id).unwrap();
                    ids.push(id);
                    batches.push(batch);
                }
                let id = execute(node.chain_mut(), batches[next].clone(), 2_000 + next as u64);
                assert_eq!(id, ids[next]);
                match node.finalize(id) {
                    Ok(()) => committed = next,
                    Err(error) => {
                        assert!(matches!(error, NodeError::Store(_)), "{error}");
                        assert!(!disk.is_powered(), "{error}");
                        break;
                    }
                }
            }
            // A checkpoint may have failed after its block was committed.
            committed = committed.max(node.chain().tip().height as usize);
            drop(node);
            disk = disk.restart([Loss::All, Loss::Random, Loss::Random, Loss::Nothing][(case % 4) as usize]);
        }
    }
    assert!(forgot, "old blocks are forgotten in some case");
}

#[test]
fn another_genesis_or_no_chain_is_told() {
    let world = World::new(3, 1);
    let disk = SimDisk::new(1);
    match Node::open(Arc::clone(&disk) as Arc<dyn Disk>, config()) {
        Err(NodeError::Directory { .. }) => {}
        other => panic!("{:?}", other.map(|_| ())),
    }
    drop(Node::create(Arc::clone(&disk) as Arc<dyn Disk>, &world.genesis, config()).unwrap());
    let again = Node::create(Arc::clone(&disk) as Arc<dyn Disk>, &world.genesis, config());
    assert!(matches!(again, Err(NodeError::Directory { .. })));
    let other = Node::create(disk as Arc<dyn Disk>, &World::new(4, 1).genesis, config());
    assert!(matches!(other, Err(NodeError::OtherGenesis { .. })));
}
