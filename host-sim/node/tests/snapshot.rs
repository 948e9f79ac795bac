//! States that travel from node to node, whole, in the wrong parts, and through power cuts.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod common;

use std::sync::Arc;

use common::{World, cases, execute, name, seed};
use qenex_core::codec::DecodeError;
use qenex_core::error::{BLOCK_HEADER, Coded};
use qenex_node::block::Block;
use qenex_node::error::NodeError;
use qenex_node::node::{Node, NodeConfig};
use qenex_node::records::Records;
use qenex_node::snapshot::{Arriving, Frozen, MAX_LIST_BYTES};
use qenex_store::disk::Loss;
use qenex_store::{Disk, SimDisk};
use rand::RngExt;
use rand::seq::SliceRandom;

/// What is said of bytes that are no list or no part, or hold something else than they should.
fn is_wrong(error: &NodeError) -> bool {
    matches!(error, NodeError::Decode(_) | NodeError::RootMismatch { .. })
}

fn config() -> NodeConfig {
    NodeConfig { cache_bytes: 1 << 20, segment_bytes: 1 << 14, ..NodeConfig::default() }
}

fn create(world: &World, disk: &Arc<SimDisk>) -> Node {
    Node::create(Arc::clone(disk) as Arc<dyn Disk>, &world.genesis, config()).unwrap()
}

/// Makes another block final.
fn advance(node: &mut Node, world: &mut World) {
    let height = node.chain().tip().height + 1;
    let batch = if height == 1 { world.pool_batch() } else { world.batch(7) };
    let id = execute(node.chain_mut(), batch, 2_000 + height);
    node.finalize(id).unwrap();
}

/// All parts, in a random order.
fn arrive(world: &mut World, frozen: &Frozen, block: &Block) -> Records {
    let mut arriving = Arriving::new(&block.header, &frozen.list()).unwrap();
    let mut missing: Vec<usize> = arriving.missing().collect();
    missing.shuffle(&mut world.random);
    for index in missing {
        arriving.take(index, &frozen.part(index)).unwrap();
    }
    arriving.finish().unwrap()
}

/// A node that gets a state goes on as the one that has executed it, and so it does after a start.
#[test]
fn a_state_that_travelled_is_the_same() {
    for accounts in [3, 40, 3_000] {
        let mut world = World::new(accounts, seed());
        let (disk, other_disk) = (SimDisk::new(1), SimDisk::new(2));
        let (mut node, mut other) = (create(&world, &disk), create(&world, &other_disk));
        (0..9).for_each(|_| advance(&mut node, &mut world));
        let (frozen, block) = (node.chain().freeze(), node.block(9).unwrap());
        assert!(frozen.list().len() <= MAX_LIST_BYTES);
        assert_eq!(frozen.parts() > 1, accounts == 3_000, "{}", frozen.parts());
        // What happens meanwhile does not change what was frozen.
        (0..3).for_each(|_| advance(&mut node, &mut world));
        let records = arrive(&mut world, &frozen, &block);
        other.install(&block, records).unwrap();
        assert_eq!((other.first_height(), other.chain().tip()), (9, &block.header));
        for height in 10..=12 {
            let Block { header, transactions } = node.block(height).unwrap();
            let id = execute(other.chain_mut(), transactions, header.time_ms);
            assert_eq!(id, header.id(), "{height}");
            other.finalize(id).unwrap();
            assert_eq!(other.block_record(height).unwrap().is_some(), height > 9);
        }
        assert_eq!(other.chain().freeze().list(), node.chain().freeze().list());
        assert_eq!(other.block(8).unwrap_err().code(), qenex_core::error::STORE_NOT_FOUND);
        let newest = |node: &Node, account| {
            let history = node.history(name(account), usize::MAX).unwrap();
            history.into_iter().filter(|entry| entry.height > 9).collect::<Vec<_>>()
        };
        drop(other);
        let (other, recovery) = Node::open(other_disk.clone() as Arc<dyn Disk>, config()).unwrap();
        assert_eq!((recovery.checkpoint_height, recovery.blocks), (9, 3));
        assert_eq!(other.chain().tip_id(), node.chain().tip_id());
        assert_eq!(other.genesis().header, node.genesis().header);
        for account in 0..3 {
            assert_eq!(other.history(name(account), usize::MAX).unwrap(), newest(&node, account));
        }
        drop(other);
        Node::verify_store(&(other_disk as Arc<dyn Disk>), config()).unwrap();
    }
}

#[test]
fn what_is_wrong_is_refused_when_it_arrives() {
    let mut world = World::new(3_000, seed());
    let mut node = create(&world, &SimDisk::new(1));
    (0..4).for_each(|_| advance(&mut node, &mut world));
    let (frozen, header) = (node.chain().freeze(), node.chain().tip().clone());
    let list = frozen.list();
    let begin = |list: &[u8]| Arriving::new(&header, list).map(|_| ()).unwrap_err();
    for at in [0, 1, 2, 34, list.len() - 1] {
        let mut wrong = list.clone();
        wrong[at] ^= 1;
        assert!(is_wrong(&begin(&wrong)), "{at}");
    }
    for wrong in [&list[..list.len() - 1], &[&list[..], &[0]].concat(), &[], &[200]] {
        assert!(matches!(begin(wrong), NodeError::Decode(DecodeError::Malformed)));
    }
    let mut arriving = Arriving::new(&header, &list).unwrap();
    let parts: Vec<Vec<u8>> = (0..frozen.parts()).map(|index| frozen.part(index)).collect();
    let mut refuse = |index: usize, bytes: &[u8]| {
        assert!(is_wrong(&arriving.take(index, bytes).unwrap_err()));
        assert_eq!(arriving.missing().count(), parts.len());
    };
    // Another part, one twice, one with a record less, and one with any bit wrong.
    refuse(0, &parts[1]);
    refuse(1, &[&parts[1][..], &parts[1]].concat());
    refuse(2, &[]);
    refuse(2, &parts[2][..parts[2].len() - 1]);
    for _ in 0..cases(300) {
        let index = world.random.random_range(0..parts.len());
        let mut wrong = parts[index].clone();
        let at = world.random.random_range(0..wrong.len());
        wrong[at] ^= 1 << world.random.random_range(0..8);
        refuse(index, &wrong);
    }
    assert!(arriving.finish().is_none());
    let mut arriving = Arriving::new(&header, &list).unwrap();
    parts.iter().enumerate().for_each(|(index, part)| arriving.take(index, part).unwrap());
    assert_eq!(arriving.finish().unwrap().len(), node.chain().records().len());
}

/// A node takes no state of a block that it has, nor one without its root.
#[test]
fn a_node_takes_only_what_is_newer_and_whole() {
    let mut world = World::new(5, seed());
    let mut node = create(&world, &SimDisk::new(1));
    (0..2).for_each(|_| advance(&mut node, &mut world));
    let (frozen, block) = (node.chain().freeze(), node.block(2).unwrap());
    let records = arrive(&mut world, &frozen, &block);
    assert_eq!(node.install(&block, records).unwrap_err().code(), BLOCK_HEADER);
    let mut other = create(&world, &SimDisk::new(2));
    let refused = other.install(&block, Records::default());
    assert!(matches!(refused, Err(NodeError::RootMismatch { .. })));
    assert_eq!(other.chain().tip().height, 0);
}

/// After a power cut there is the old state or the new one.
#[test]
fn power_cuts_leave_one_state_or_the_other() {
    let mut world = World::new(40, seed());
    let mut node = create(&world, &SimDisk::new(1));
    (0..9).for_each(|_| advance(&mut node, &mut world));
    let (frozen, block) = (node.chain().freeze(), node.block(9).unwrap());
    let (mut old, mut new) = (0, 0);
    for cut in 1.. {
        let loss = [Loss::All, Loss::Random, Loss::Nothing][cut as usize % 3];
        let disk = SimDisk::new(cut);
        let mut other = create(&world, &disk);
        for height in 1..=3 {
            let Block { header, transactions } = node.block(height).unwrap();
            let id = execute(other.chain_mut(), transactions, header.time_ms);
            other.finalize(id).unwrap();
        }
        let records = arrive(&mut world, &frozen, &block);
        disk.cut_at(disk.operations() + cut);
        let installed = other.install(&block, records);
        drop(other);
        let powered = disk.is_powered();
        let disk = disk.restart(loss);
        let (other, _) = Node::open(disk as Arc<dyn Disk>, config()).unwrap();
        let tip = other.chain().tip();
        assert!([3, 9].contains(&tip.height), "{}", tip.height);
        assert_eq!(*tip, node.block(tip.height).unwrap().header);
        if tip.height == 3 {
            assert!(installed.is_err());
            old += 1;
        } else {
            new += 1;
        }
        if powered {
            break;
        }
    }
    println!("{old} cuts left the old state, {new} the new one");
    assert!(old > 5 && new > 5);
}
