//! The pipeline makes the same blocks whatever the number of workers and the size of batches.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod common;

use std::sync::Arc;

use common::{World, name, seed};
use qenex_core::crypto::Hash;
use qenex_node::block::Batch;
use qenex_node::error::Refusal;
use qenex_node::execution::Execution;
use qenex_node::node::{Node, NodeConfig};
use qenex_node::pipeline::{self, PipelineConfig, Refused};
use qenex_node::prepare::Signatures;
use qenex_signatures::Verifier;
use qenex_store::{Disk, SimDisk};

#[derive(Default)]
struct Noted {
    refused: Vec<(u64, Refusal)>,
    done: Vec<u64>,
}

impl Refused for Noted {
    fn refused(&mut self, place: u64, refusal: Refusal, _: &mut Execution<'_>) -> u64 {
        self.refused.push((place, refusal));
        0
    }

    fn progress(&mut self, done: u64) {
        self.done.push(done);
    }
}

fn run(world: &World, signed: &[Vec<u8>], batch_len: usize, workers: usize) -> (Hash, Noted, u64) {
    let disk: Arc<dyn Disk> = SimDisk::new(1);
    let mut node = Node::create(Arc::clone(&disk), &world.genesis, NodeConfig::default()).unwrap();
    let mut chunks = signed.chunks(batch_len);
    let source = || {
        chunks.next().map(|chunk| {
            let mut batch = Batch::default();
            chunk.iter().for_each(|signed| batch.push(signed));
            batch
        })
    };
    let config = PipelineConfig { block_transactions: 50, workers, proposer: name(0), block_interval_ms: 10 };
    let mut noted = Noted::default();
    let verifier = Verifier::default();
    let report =
        pipeline::run(&mut node, Signatures::Verify(&verifier), config, source, |batch| batch, &mut noted)
            .unwrap();
    assert_eq!(report.transactions + report.refused, signed.len() as u64);
    assert_eq!(report.blocks, node.chain().tip().height);
    let id = node.chain().tip_id();
    drop(node);
    let (node, _) = Node::open(disk, NodeConfig::default()).unwrap();
    assert_eq!(node.chain().tip_id(), id);
    (id, noted, report.transactions)
}

#[test]
fn workers_and_batches_change_nothing() {
    let mut world = World::new(20, seed());
    let mut signed: Vec<Vec<u8>> = world.pool_batch().iter().map(<[u8]>::to_vec).collect();
    signed.extend(world.batch(600).iter().map(<[u8]>::to_vec));
    // Bytes that are no transaction, a forged signature, a replay: each is refused and told by its place.
    let mut forged = signed[100].clone();
    *forged.last_mut().unwrap() ^= 1;
    signed.insert(7, b"no transaction".to_vec());
    signed.insert(200, forged);
    signed.push(signed[3].clone());
    let (expected, noted, accepted) = run(&world, &signed, 1, 1);
    assert_eq!(accepted, 602);
    let places: Vec<u64> = noted.refused.iter().map(|(place, _)| *place).collect();
    assert_eq!(places, [7, 200, 604]);
    assert!(noted.done.is_sorted());
    for (batch_len, workers) in [(7, 2), (64, 4), (1_000, 3)] {
        let (id, noted, _) = run(&world, &signed, batch_len, workers);
        assert_eq!(id, expected);
        assert_eq!(noted.refused.len(), 3);
    }
}

/// A disk that fails ends the run with an error and without a hang.
#[test]
fn a_failing_disk_ends_the_run() {
    let mut world = World::new(20, seed());
    let mut batches = vec![world.pool_batch()];
    batches.extend((0..40).map(|_| world.batch(50)));
    for cut in [1, 5, 20, 60] {
        let disk = SimDisk::new(3);
        let mut node =
            Node::create(Arc::clone(&disk) as Arc<dyn Disk>, &world.genesis, NodeConfig::default()).unwrap();
        disk.cut_at(disk.operations() + cut);
        let mut source = batches.clone().into_iter();
        let config =
            PipelineConfig { block_transactions: 50, workers: 2, proposer: name(0), block_interval_ms: 10 };
        let verifier = Verifier::default();
        let result = pipeline::run(
            &mut node,
            Signatures::Verify(&verifier),
            config,
            || source.next(),
            |batch| batch,
            &mut Noted::default(),
        );
        assert_eq!(result.is_err(), !disk.is_powered(), "cut {cut}");
    }
}
