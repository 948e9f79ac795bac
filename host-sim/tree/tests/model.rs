//! The tree in memory against the recursive model of the core's tests, with states of blocks that are not final yet, and
//! every proof checked by the core.

#[path = "../../../core/tests/merkle_model/mod.rs"]
mod merkle_model;

use std::collections::BTreeMap;

use merkle_model::{Keys, cases};
use qenex_core::crypto::Hash;
use qenex_core::merkle::log as core_log;
use qenex_core::merkle::proof::{MAX_WITNESS_KEYS, ProofError};
use qenex_core::merkle::witness::{Access, root_after, verify};
use qenex_keccak::{Kind, Lanes};
use qenex_tree::{Change, Root, Tree, log};
use rand::RngExt;
use rand::seq::SliceRandom;

type Map = BTreeMap<Hash, Hash>;
type Changes = Vec<(Hash, Option<Hash>)>;

fn ways() -> Vec<Lanes> {
    let here = |kind| {
        let lanes = Lanes::of(kind);
        if lanes.is_none() {
            println!("left out: this processor has no {kind:?}");
        }
        lanes
    };
    Kind::ALL.into_iter().filter_map(here).collect()
}

/// Inner nodes of the definition's tree over these keys in ascending order.
fn inner_nodes(keys: &[Hash], depth: usize) -> usize {
    if keys.len() < 2 {
        return 0;
    }
    let (left, right) = keys.split_at(keys.partition_point(|key| !key.bit(depth)));
    1 + inner_nodes(left, depth + 1) + inner_nodes(right, depth + 1)
}

fn assert_nodes_are_those_of(tree: &Tree, map: &Map, seed: u64) {
    let keys: Vec<Hash> = map.keys().copied().collect();
    assert_eq!(tree.live_nodes(), (map.len(), inner_nodes(&keys, 0)), "seed {seed}");
}

/// Changes in any order, about keys of the map and others.
fn changes(keys: &mut Keys, map: &Map, most: usize) -> Changes {
    let mut chosen = keys.some_keys(map, most);
    chosen.shuffle(&mut keys.rng);
    let style = keys.rng.random_range(0..4);
    let change = |key: Hash| match (style, keys.rng.random_range(0..4)) {
        (0, _) | (1, 0 | 1) | (2, 0) => (key, None),
        // What is there already.
        (3, 0) => (key, map.get(&key).copied()),
        _ => (key, Some(keys.hash())),
    };
    chosen.into_iter().map(change).collect()
}

fn apply(map: &Map, changes: &Changes) -> Map {
    let mut map = map.clone();
    for (key, value) in changes {
        match value {
            Some(value) => drop(map.insert(*key, *value)),
            None => drop(map.remove(key)),
        }
    }
    map
}

/// Everything that can be asked about one state.
fn check(tree: &Tree, root: Root, map: &Map, keys: &mut Keys, seed: u64) {
    assert_eq!(root.hash(), merkle_model::root(map), "seed {seed}");
    let wanted = keys.some_keys(map, MAX_WITNESS_KEYS.min(20));
    for key in &wanted {
        assert_eq!(tree.get(root, key), map.get(key).copied(), "seed {seed}");
    }
    let mut any_order = wanted.clone();
    any_order.shuffle(&mut keys.rng);
    let proof = tree.prove(root, &any_order);
    assert_eq!(proof, merkle_model::prove(map, &wanted), "seed {seed}");
    match verify(&root.hash(), &proof, &wanted) {
        Ok(values) => {
            let expected: Vec<_> = wanted.iter().map(|key| map.get(key).copied()).collect();
            assert_eq!(values, *expected, "seed {seed}");
        }
        Err(error) => assert_eq!(error, ProofError::TooDeep, "seed {seed}"),
    }
}

struct Pending {
    parent: Option<u64>,
    map: Map,
    change: Change,
}

/// Updates of final and pending states, commits and discards in random order.
fn run(seed: u64, lanes: Lanes, longest_prefix: usize, steps: usize, most: usize) {
    let mut keys = Keys::new(seed, longest_prefix);
    let mut map: Map = (0..keys.rng.random_range(0..3 * most)).map(|_| (keys.key(), keys.hash())).collect();
    let mut tree = Tree::build(lanes, map.clone());
    assert_nodes_are_those_of(&tree, &map, seed);
    // By number; `None` is the final state.
    let mut pending = BTreeMap::<u64, Pending>::new();
    for step in 0..steps as u64 {
        let numbers: Vec<u64> = pending.keys().copied().collect();
        match keys.rng.random_range(0..8) {
            0..5 if pending.len() < 8 => {
                let parent = match keys.rng.random_range(0..=numbers.len()) {
                    0 => None,
                    i => Some(numbers[i - 1]),
                };
                let (base, before) = match parent {
                    None => (tree.root(), &map),
                    Some(number) => (pending[&number].change.root(), &pending[&number].map),
                };
                let changes = changes(&mut keys, before, most);
                let after = apply(before, &changes);
                let change = tree.update(base, &changes);
                assert_eq!(change.base(), base);
                check(&tree, change.root(), &after, &mut keys, seed);
                core_agrees(&tree, base, &changes, change.root(), seed);
                pending.insert(step, Pending { parent, map: after, change });
            }
            5 => {
                let children: Vec<u64> =
                    numbers.iter().copied().filter(|number| pending[number].parent.is_none()).collect();
                let Some(&chosen) = children.get(keys.rng.random_range(0..children.len().max(1))) else {
                    continue;
                };
                let Some(committed) = pending.remove(&chosen) else { continue };
                let commit_first = keys.rng.random();
                let mut change = Some(committed.change);
                if commit_first && let Some(change) = change.take() {
                    tree.commit(change);
                }
                for sibling in children.into_iter().filter(|number| *number != chosen) {
                    discard(&mut tree, &mut pending, sibling);
                }
                if let Some(change) = change {
                    tree.commit(change);
                }
                map = committed.map;
                for child in pending.values_mut().filter(|child| child.parent == Some(chosen)) {
                    child.parent = None;
                }
            }
            _ if !numbers.is_empty() => {
                let chosen = numbers[keys.rng.random_range(0..numbers.len())];
                discard(&mut tree, &mut pending, chosen);
            }
            _ => {}
        }
        check(&tree, tree.root(), &map, &mut keys, seed);
        // An earlier one of those that are left, if any.
        if let Some((_, state)) = pending.range(..=keys.rng.random_range(0..=step)).next_back() {
            check(&tree, state.change.root(), &state.map, &mut keys, seed);
        }
        if pending.is_empty() {
            assert_nodes_are_those_of(&tree, &map, seed);
        }
    }
    while let Some((&number, _)) = pending.first_key_value() {
        discard(&mut tree, &mut pending, number);
    }
    check(&tree, tree.root(), &map, &mut keys, seed);
    assert_nodes_are_those_of(&tree, &map, seed);
    let everything: Changes = map.keys().map(|key| (*key, None)).collect();
    let change = tree.update(tree.root(), &everything);
    tree.commit(change);
    assert_eq!(
        (tree.root().hash(), tree.live_nodes()),
        (qenex_core::merkle::state::EMPTY, (0, 0)),
        "seed {seed}"
    );
}

/// Discards a pending state and those on top of it.
fn discard(tree: &mut Tree, pending: &mut BTreeMap<u64, Pending>, number: u64) {
    let Some(state) = pending.remove(&number) else { return };
    let children: Vec<u64> =
        pending.iter().filter(|(_, child)| child.parent == Some(number)).map(|(number, _)| *number).collect();
    tree.discard(state.change);
    for child in children {
        discard(tree, pending, child);
    }
}

/// The core comes to the same root after from the proof alone.
fn core_agrees(tree: &Tree, base: Root, changes: &Changes, after: Root, seed: u64) {
    let mut changes = changes.clone();
    changes.sort();
    if changes.len() > MAX_WITNESS_KEYS {
        return;
    }
    let keys: Vec<Hash> = changes.iter().map(|(key, _)| *key).collect();
    let accesses: Vec<(Hash, Access)> =
        changes.iter().map(|(key, value)| (*key, value.map_or(Access::Delete, Access::Write))).collect();
    match root_after(&base.hash(), &tree.prove(base, &keys), &accesses) {
        Ok(root) => assert_eq!(root, after.hash(), "seed {seed}"),
        Err(error) => assert_eq!(error, ProofError::TooDeep, "seed {seed}"),
    }
}

#[test]
fn states_come_and_go() {
    for lanes in ways() {
        for seed in 0..cases(18) as u64 {
            run(seed, lanes, [0, 10, 100][seed as usize % 3], 40, [4, 12, 60][seed as usize / 3 % 3]);
        }
    }
}

#[test]
fn keys_that_share_nearly_all_bits() {
    for seed in 0..cases(4) as u64 {
        run(seed, Lanes::best(), 255, 30, 20);
    }
}

#[test]
fn large_updates() {
    for lanes in ways() {
        let mut keys = Keys::new(7, 30);
        let mut map = Map::new();
        let mut tree = Tree::new(lanes);
        for _ in 0..4 {
            let mut changes: Changes = (0..3000).map(|_| (keys.key(), Some(keys.hash()))).collect();
            changes.extend(map.keys().step_by(3).map(|key| (*key, None)));
            map = apply(&map, &changes);
            let change = tree.update(tree.root(), &changes);
            tree.commit(change);
            assert_eq!(tree.root().hash(), merkle_model::root(&map));
            assert_nodes_are_those_of(&tree, &map, 7);
        }
    }
}

#[test]
fn of_two_changes_of_a_key_the_later_counts() {
    let mut keys = Keys::new(1, 0);
    let (a, b) = (keys.key(), keys.key());
    let [x, y] = [keys.hash(), keys.hash()];
    let mut tree = Tree::build(Lanes::best(), [(b, x)]);
    let changes = [(a, Some(x)), (b, None), (a, Some(y)), (b, Some(y)), (b, None)];
    let change = tree.update(tree.root(), &changes);
    assert_eq!(change.root().hash(), merkle_model::root(&Map::from([(a, y)])));
}

#[test]
fn building_in_any_order() {
    let mut keys = Keys::new(2, 20);
    let mut records: Vec<(Hash, Hash)> = (0..70_000).map(|_| (keys.key(), keys.hash())).collect();
    let shuffled = Tree::build(Lanes::best(), records.iter().copied());
    records.sort();
    let sorted = Tree::build(Lanes::best(), records.iter().copied());
    let map: Map = records.into_iter().collect();
    assert_eq!(sorted.root().hash(), merkle_model::root(&map));
    assert_eq!(shuffled.root().hash(), sorted.root().hash());
    assert_nodes_are_those_of(&sorted, &map, 2);
    assert_nodes_are_those_of(&shuffled, &map, 2);
}

#[test]
#[should_panic(expected = "updates are committed in their order")]
fn a_commit_out_of_order_is_a_mistake() {
    let mut keys = Keys::new(3, 0);
    let mut tree = Tree::new(Lanes::best());
    let first = tree.update(tree.root(), &[(keys.key(), Some(keys.hash()))]);
    let second = tree.update(first.root(), &[(keys.key(), Some(keys.hash()))]);
    tree.commit(second);
}

#[test]
fn log_roots_are_those_of_the_core() {
    for lanes in ways() {
        let entries: Vec<Vec<u8>> = (0..300usize).map(|i| vec![i as u8; i]).collect();
        let leaves = log::leaf_hashes(lanes, &entries);
        let expected: Vec<Hash> = entries.iter().map(|entry| core_log::leaf_hash(entry)).collect();
        assert_eq!(leaves, expected);
        for n in 0..=leaves.len() {
            assert_eq!(log::root(lanes, &leaves[..n]), core_log::root(&leaves[..n]), "{n} leaves");
        }
    }
}
