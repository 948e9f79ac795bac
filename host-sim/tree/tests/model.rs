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
use qenex_tree::{Change, State, Tree, log};
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
fn check(state: &State<'_>, map: &Map, keys: &mut Keys, seed: u64) {
    let root = state.root();
    assert_eq!(root, merkle_model::root(map), "seed {seed}");
    let wanted = keys.some_keys(map, MAX_WITNESS_KEYS.min(20));
    let mut any_order = wanted.clone();
    any_order.shuffle(&mut keys.rng);
    let proof = state.prove(&any_order, &|key| map[key]);
    assert_eq!(proof, merkle_model::prove(map, &wanted), "seed {seed}");
    match verify(&root, &proof, &wanted) {
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

/// The state of a pending change, or the final one.
fn state<'t>(tree: &'t Tree, pending: &'t BTreeMap<u64, Pending>, number: Option<u64>) -> State<'t> {
    let newest = number.and_then(|number| pending.get(&number));
    let below = std::iter::successors(newest, |above| pending.get(&above.parent?));
    tree.through(below.map(|pending| &pending.change).collect())
}

/// Updates of final and pending states, commits and discards in random order.
fn run(seed: u64, lanes: Lanes, longest_prefix: usize, steps: usize, most: usize) {
    let mut keys = Keys::new(seed, longest_prefix);
    let mut map: Map = (0..keys.rng.random_range(0..3 * most)).map(|_| (keys.key(), keys.hash())).collect();
    // Made too small, about right or too large, so that some trees grow while changes are pending.
    let room = keys.rng.random_range(0..=2 * map.len());
    let mut tree = Tree::build(lanes, room, map.clone());
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
                let base = state(&tree, &pending, parent);
                let before = parent.map_or(&map, |number| &pending[&number].map);
                let changes = changes(&mut keys, before, most);
                let after = apply(before, &changes);
                let change = base.update(&changes);
                core_agrees(&base, before, &changes, change.root(), seed);
                pending.insert(step, Pending { parent, map: after, change });
                check(&state(&tree, &pending, Some(step)), &pending[&step].map, &mut keys, seed);
            }
            5 => {
                let children: Vec<u64> =
                    numbers.iter().copied().filter(|number| pending[number].parent.is_none()).collect();
                let Some(&chosen) = children.get(keys.rng.random_range(0..children.len().max(1))) else {
                    continue;
                };
                for sibling in children.into_iter().filter(|number| *number != chosen) {
                    discard(&mut pending, sibling);
                }
                let Some(committed) = pending.remove(&chosen) else { continue };
                tree.commit(committed.change, pending.values_mut().map(|pending| &mut pending.change));
                map = committed.map;
                for child in pending.values_mut().filter(|child| child.parent == Some(chosen)) {
                    child.parent = None;
                }
            }
            _ if !numbers.is_empty() => {
                let chosen = numbers[keys.rng.random_range(0..numbers.len())];
                discard(&mut pending, chosen);
            }
            _ => {}
        }
        assert_eq!(tree.len(), map.len(), "seed {seed}");
        check(&tree.state(), &map, &mut keys, seed);
        // An earlier one of those that are left, if any.
        if let Some((number, found)) = pending.range(..=keys.rng.random_range(0..=step)).next_back() {
            check(&state(&tree, &pending, Some(*number)), &found.map, &mut keys, seed);
        }
    }
    let everything: Changes = map.keys().map(|key| (*key, None)).collect();
    let change = tree.state().update(&everything);
    tree.commit(change, []);
    assert_eq!((tree.root(), tree.len()), (qenex_core::merkle::state::EMPTY, 0), "seed {seed}");
}

/// Discards a pending state and those on top of it.
fn discard(pending: &mut BTreeMap<u64, Pending>, number: u64) {
    pending.remove(&number);
    let children = pending.iter().filter(|(_, child)| child.parent == Some(number));
    let children: Vec<u64> = children.map(|(number, _)| *number).collect();
    children.into_iter().for_each(|child| discard(pending, child));
}

/// The core comes to the same root after from the proof alone.
fn core_agrees(base: &State<'_>, before: &Map, changes: &Changes, after: Hash, seed: u64) {
    let mut changes = changes.clone();
    changes.sort();
    if changes.len() > MAX_WITNESS_KEYS {
        return;
    }
    let keys: Vec<Hash> = changes.iter().map(|(key, _)| *key).collect();
    let accesses: Vec<(Hash, Access)> =
        changes.iter().map(|(key, value)| (*key, value.map_or(Access::Delete, Access::Write))).collect();
    match root_after(&base.root(), &base.prove(&keys, &|key| before[key]), &accesses) {
        Ok(root) => assert_eq!(root, after, "seed {seed}"),
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
        let mut tree = Tree::with_room_for(lanes, 0);
        for _ in 0..4 {
            let mut changes: Changes = (0..3000).map(|_| (keys.key(), Some(keys.hash()))).collect();
            changes.extend(map.keys().step_by(3).map(|key| (*key, None)));
            map = apply(&map, &changes);
            let change = tree.state().update(&changes);
            tree.commit(change, []);
            assert_eq!(tree.root(), merkle_model::root(&map));
        }
    }
}

#[test]
fn of_two_changes_of_a_key_the_later_counts() {
    let mut keys = Keys::new(1, 0);
    let (a, b) = (keys.key(), keys.key());
    let [x, y] = [keys.hash(), keys.hash()];
    let tree = Tree::build(Lanes::best(), 1, [(b, x)]);
    let changes = [(a, Some(x)), (b, None), (a, Some(y)), (b, Some(y)), (b, None)];
    let change = tree.state().update(&changes);
    assert_eq!(change.root(), merkle_model::root(&Map::from([(a, y)])));
}

#[test]
fn building_in_any_order() {
    let mut keys = Keys::new(2, 20);
    let mut records: Vec<(Hash, Hash)> = (0..70_000).map(|_| (keys.key(), keys.hash())).collect();
    let shuffled = Tree::build(Lanes::best(), 0, records.iter().copied());
    records.sort();
    let sorted = Tree::build(Lanes::best(), records.len(), records.iter().copied());
    let map: Map = records.into_iter().collect();
    assert_eq!(sorted.root(), merkle_model::root(&map));
    assert_eq!(shuffled.root(), sorted.root());
}

#[test]
#[should_panic(expected = "changes are committed in their order")]
fn a_commit_out_of_order_is_a_mistake() {
    let mut keys = Keys::new(3, 0);
    let mut tree = Tree::with_room_for(Lanes::best(), 0);
    let first = tree.state().update(&[(keys.key(), Some(keys.hash()))]);
    let second = tree.through(vec![&first]).update(&[(keys.key(), Some(keys.hash()))]);
    tree.commit(second, []);
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
