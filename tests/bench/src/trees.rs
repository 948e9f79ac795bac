//! Several hashes at once, and the trees that are made of them; one operation is a whole workload.
//!
//! The peers hash with the sha3 crate, one after the other: rs_merkle for the transaction tree, and for the state tree the
//! same algorithm.

use std::cell::RefCell;

use qenex_core::crypto::hash::{Domain, Hash};
use qenex_keccak::{Kind, Lanes};
use qenex_tree::{Tree, log};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rs_merkle::{Hasher, MerkleTree};
use sha3::{Digest, Sha3_256};

use crate::harness::{Bench, Case};

const LOG_LEAVES: usize = 65_536;
const RECORDS: usize = 1_000_000;
const UPDATES: usize = 10_000;

/// The ways to hash, the fastest first, with their names.
fn ways() -> impl Iterator<Item = (&'static str, Lanes)> {
    let name = |kind| match kind {
        Kind::Avx512 => "qenex, AVX-512",
        Kind::Avx2 => "qenex, AVX2",
        Kind::Portable => "sha3, in a loop",
    };
    Kind::ALL.into_iter().rev().filter_map(move |kind| Some((name(kind), Lanes::of(kind)?)))
}

fn hashes(count: usize) -> Vec<Hash> {
    let mut rng = StdRng::seed_from_u64(3);
    (0..count).map(|_| Hash(rng.random())).collect()
}

/// The ledger's transaction tree in rs_merkle.
#[derive(Clone)]
struct LogNode;

impl Hasher for LogNode {
    type Hash = [u8; 32];

    fn hash(data: &[u8]) -> [u8; 32] {
        Sha3_256::digest(data).into()
    }

    fn concat_and_hash(left: &[u8; 32], right: Option<&[u8; 32]>) -> [u8; 32] {
        let Some(right) = right else { return *left };
        let hasher = Sha3_256::new_with_prefix([Domain::LogNode as u8]);
        hasher.chain_update(left).chain_update(right).finalize().into()
    }
}

/// A tree of a million records, and changes of records chosen anew for each block.
struct Ledger {
    tree: Tree,
    blocks: Vec<Vec<(Hash, Option<Hash>)>>,
    next: usize,
}

impl Ledger {
    fn new(lanes: Lanes, keys: &[Hash]) -> Self {
        let mut rng = StdRng::seed_from_u64(4);
        let mut block = || (0..UPDATES).map(|_| (keys[rng.random_range(0..keys.len())], None)).collect();
        let blocks = (0..16).map(|_| block()).collect();
        Self { tree: Tree::build(lanes, keys.len(), keys.iter().map(|key| (*key, *key))), blocks, next: 0 }
    }

    /// Executes one more block.
    fn update(&mut self) -> Hash {
        let value = Hash([self.next as u8; 32]);
        let count = self.blocks.len();
        let block = &mut self.blocks[self.next % count];
        block.iter_mut().for_each(|change| change.1 = Some(value));
        let change = self.tree.state().update(block);
        self.tree.commit(change, []);
        self.next += 1;
        self.tree.root()
    }
}

pub fn run(bench: &mut Bench) {
    let subject = "trees";

    let pairs: Vec<[Hash; 2]> = hashes(8_192).as_chunks().0.to_vec();
    let mut case = Case::new(subject, "4,096 hashes of 64 bytes");
    for (name, lanes) in ways() {
        case = case.with(name, vec![pairs.clone()], move |pairs| {
            let mut out = vec![Hash::default(); pairs.len()];
            lanes.hash_pairs(Domain::StateNode, pairs, &mut out);
            out
        });
    }
    bench.run(case);

    let messages: Vec<[u8; 100]> =
        hashes(4_096).iter().map(|hash| std::array::from_fn(|i| hash.0[i % 32])).collect();
    let mut case = Case::new(subject, "4,096 hashes of 100 bytes");
    for (name, lanes) in ways() {
        case = case.with(name, vec![messages.clone()], move |messages| {
            let mut out = vec![Hash::default(); messages.len()];
            lanes.hash_each(Domain::Transaction, messages, &mut out);
            out
        });
    }
    bench.run(case);

    let leaves = hashes(LOG_LEAVES);
    let mut case = Case::new(subject, "root of 65,536 leaves");
    for (name, lanes) in ways() {
        case = case.with(name, vec![leaves.clone()], move |leaves| log::root(lanes, leaves));
    }
    let bytes: Vec<[u8; 32]> = leaves.iter().map(|leaf| leaf.0).collect();
    bench.run(case.with("rs_merkle on sha3", vec![bytes], |leaves| {
        Hash(MerkleTree::<LogNode>::from_leaves(leaves).root().expect("there are leaves"))
    }));

    let mut keys = hashes(RECORDS);
    keys.sort();
    let mut case = Case::new(subject, "10,000 updates in a state tree of 1,000,000");
    for (name, lanes) in ways() {
        let ledger = RefCell::new(Ledger::new(lanes, &keys));
        case = case.with(name, vec![ledger], |ledger| ledger.borrow_mut().update());
    }
    bench.run(case);
}
