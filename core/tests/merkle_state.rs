//! The state tree's proofs against the recursive model: every proof of it is accepted and means what the map says, every
//! root after is the map's root after, everything else is refused.

mod merkle_model;

use std::collections::BTreeMap;

use merkle_model::{Keys, cases, prove, root};
use qenex_core::crypto::hash::{Domain, Hash, hash};
use qenex_core::merkle::proof::{MAX_DEPTH, MAX_WITNESS_KEYS, Node, ProofError};
use qenex_core::merkle::state::{EMPTY, leaf_hash, node_hash, value_hash};
use qenex_core::merkle::witness::{Access, Witness, root_after, verify};
use rand::RngExt;
use sha3::{Digest, Sha3_256};

type Map = BTreeMap<Hash, Hash>;

fn filled(keys: &mut Keys, leaves: usize) -> Map {
    (0..leaves).map(|_| (keys.key(), keys.hash())).collect()
}

fn accesses(keys: &mut Keys, wanted: &[Hash], map: &Map) -> Vec<(Hash, Access)> {
    let style = keys.rng.random_range(0..4);
    let mut access = |key: &Hash| match (style, keys.rng.random_range(0..4)) {
        (0, _) | (3, 0) => Access::Delete,
        (1, 0 | 1) | (3, 1) => Access::Read,
        (2, 0) => map.get(key).map_or(Access::Delete, |value| Access::Write(*value)),
        _ => Access::Write(keys.hash()),
    };
    wanted.iter().map(|key| (*key, access(key))).collect()
}

fn applied(map: &Map, accesses: &[(Hash, Access)]) -> Map {
    let mut map = map.clone();
    for (key, access) in accesses {
        match access {
            Access::Read => {}
            Access::Write(value) => drop(map.insert(*key, *value)),
            Access::Delete => drop(map.remove(key)),
        }
    }
    map
}

fn bits(prefix: &str) -> Hash {
    let mut key = Hash([0; 32]);
    for (i, bit) in prefix.bytes().enumerate() {
        key.0[i / 8] |= (bit - b'0') << (7 - i % 8);
    }
    key
}

#[test]
fn empty_is_the_hash_of_its_domain() {
    assert_eq!(EMPTY, hash(Domain::StateEmpty, &[]));
}

#[test]
fn proofs_answer_as_the_map_does() {
    for seed in 0..cases(1000) as u64 {
        // The deepest of these trees stay within MAX_DEPTH: a leaf is one deeper than its shared prefix.
        let mut keys = Keys::new(seed, [0, 8, MAX_DEPTH - 20][seed as usize % 3]);
        let leaves = keys.rng.random_range(0..80);
        let map = filled(&mut keys, leaves);
        let before = root(&map);
        let wanted = keys.some_keys(&map, MAX_WITNESS_KEYS);
        let proof = prove(&map, &wanted);
        let answers = verify(&before, &proof, &wanted).unwrap_or_else(|e| panic!("seed {seed}: {e}"));
        let expected: Vec<_> = wanted.iter().map(|key| map.get(key).copied()).collect();
        assert_eq!(answers, *expected, "seed {seed}");

        let updates = accesses(&mut keys, &wanted, &map);
        let after = root(&applied(&map, &updates));
        assert_eq!(root_after(&before, &proof, &updates), Ok(after), "seed {seed}");

        // The same in pieces.
        let mut witness = Witness::new(updates).unwrap();
        let mut rest = &proof[..];
        while !rest.is_empty() {
            let (piece, more) = rest.split_at(keys.rng.random_range(0..=rest.len().min(100)));
            witness.push(piece).unwrap();
            rest = more;
        }
        let proven = witness.finish(&before).unwrap();
        assert_eq!((proven.values, proven.root_after), (&expected[..], after), "seed {seed}");
    }
}

/// Both the proof and the set of keys are the only ones that fit each other.
#[test]
fn there_is_one_proof_for_keys_and_tree() {
    for seed in 0..cases(2000) as u64 {
        let mut keys = Keys::new(seed, [0, 6, 40][seed as usize % 3]);
        let leaves = keys.rng.random_range(0..24);
        let map = filled(&mut keys, leaves);
        let before = root(&map);
        let wanted = keys.some_keys(&map, 6);
        let others = if keys.rng.random() {
            let more = keys.some_keys(&map, 3);
            let mut union: Vec<Hash> = [&wanted[..], &more].concat();
            union.sort();
            union.dedup();
            union
        } else {
            keys.some_keys(&map, 6)
        };
        let (proof, other) = (prove(&map, &wanted), prove(&map, &others));
        assert_eq!(verify(&before, &other, &wanted).is_ok(), proof == other, "seed {seed}");
        assert_eq!(verify(&before, &proof, &others).is_ok(), proof == other, "seed {seed}");
    }
}

#[test]
fn every_changed_proof_is_refused() {
    for seed in 0..cases(12) as u64 {
        let mut keys = Keys::new(seed, [0, 12][seed as usize % 2]);
        let leaves = keys.rng.random_range(1..30);
        let map = filled(&mut keys, leaves);
        let before = root(&map);
        let wanted = keys.some_keys(&map, 8);
        let proof = prove(&map, &wanted);
        let refused = |changed: &[u8], what: &str, at: usize| {
            assert!(verify(&before, changed, &wanted).is_err(), "seed {seed}: {what} {at}");
        };
        for at in 0..proof.len() {
            let mut changed = proof.clone();
            for flip in [0x01, 0x02, 0x04, 0x80, 0xff] {
                changed[at] = proof[at] ^ flip;
                refused(&changed, "changed byte", at);
            }
            refused(&proof[..at], "cut at", at);
            let without = [&proof[..at], &proof[at + 1..]].concat();
            refused(&without, "removed byte", at);
            let with = [&proof[..at], &[keys.rng.random()], &proof[at..]].concat();
            if with[..proof.len()] != proof {
                refused(&with, "inserted byte", at);
            }
        }
        for tag in 0..=5 {
            assert_eq!(
                verify(&before, &[&proof[..], &[tag]].concat(), &wanted),
                Err(ProofError::Trailing),
                "seed {seed}"
            );
        }
        assert_eq!(verify(&keys.hash(), &proof, &wanted), Err(ProofError::Root));
    }
}

/// True statements in a form that is not the canonical one, and false ones that hash to the right root.
#[test]
fn each_refusal_has_its_code() {
    let (a, b, c) = (bits("00"), bits("01"), bits("10"));
    let value = Hash([7; 32]);
    let leaf = |key: Hash| Node::Leaf { key, value_hash: value };
    let [la, lb, lc] = [a, b, c].map(|key| leaf_hash(&key, &value));
    let ab = node_hash(&la, &lb);
    let map = Map::from([(a, value), (b, value), (c, value)]);
    let top = root(&map);
    assert_eq!(top, node_hash(&ab, &lc));
    let check = |nodes: &[Node], root: Hash, keys: &[Hash]| {
        let bytes: Vec<u8> = nodes.iter().flat_map(Node::encode).collect();
        verify(&root, &bytes, keys).map(|values| values.iter().copied().collect::<Vec<_>>())
    };
    use Node::{Empty, Halves, Inner, Opaque};

    // c could be removed: its sibling is given by its halves. a could be: its sibling is given as a leaf.
    let halves = Halves { left: la, right: lb };
    assert_eq!(check(&[Inner, halves, leaf(c)], top, &[c]), Ok(vec![Some(value)]));
    assert_eq!(check(&[Inner, Opaque(ab), leaf(c)], top, &[c]), Err(ProofError::Opaque));
    assert_eq!(check(&[Inner, Inner, leaf(a), leaf(b), Opaque(lc)], top, &[a]), Ok(vec![Some(value)]));
    assert_eq!(check(&[Inner, Inner, leaf(a), Opaque(lb), Opaque(lc)], top, &[a]), Err(ProofError::Opaque));
    // With a and b both named, c's kind matters too.
    let all = [Inner, Inner, leaf(a), leaf(b), leaf(c)];
    assert_eq!(check(&all, top, &[a, b]), Ok(vec![Some(value); 2]));
    assert_eq!(check(&all, top, &[a]), Err(ProofError::NotMinimal));
    assert_eq!(check(&[Inner, Inner, leaf(a), leaf(b), Opaque(lc)], top, &[a, b]), Err(ProofError::Opaque));
    // An absent key beside c: c is open but could not vanish.
    let d = bits("101");
    assert_eq!(check(&[Inner, Opaque(ab), leaf(c)], top, &[d]), Ok(vec![None]));
    assert_eq!(check(&[Inner, halves, leaf(c)], top, &[d]), Err(ProofError::NotMinimal));
    // A key must be answered.
    assert_eq!(check(&[Inner, halves, Opaque(lc)], top, &[c]), Err(ProofError::Opaque));
    assert_eq!(check(&[Opaque(top)], top, &[c]), Err(ProofError::Opaque));
    assert_eq!(check(&[Halves { left: ab, right: lc }], top, &[c]), Err(ProofError::Opaque));
    // Without keys there is only the root.
    assert_eq!(check(&[Opaque(top)], top, &[]), Ok(vec![]));
    assert_eq!(check(&[Halves { left: ab, right: lc }], top, &[]), Err(ProofError::NotMinimal));
    assert_eq!(check(&[Inner, Opaque(ab), Opaque(lc)], top, &[]), Err(ProofError::NotMinimal));
    assert_eq!(check(&[leaf(a)], la, &[]), Err(ProofError::NotMinimal));
    assert_eq!(check(&[Empty], EMPTY, &[]), Ok(vec![]));
    assert_eq!(check(&[Opaque(EMPTY)], EMPTY, &[]), Err(ProofError::NotMinimal));
    // Trees that the rules cannot make.
    let nothing = node_hash(&EMPTY, &EMPTY);
    assert_eq!(check(&[Inner, Empty, Empty], nothing, &[c]), Err(ProofError::NotCollapsed));
    let lone = node_hash(&EMPTY, &lc);
    assert_eq!(check(&[Inner, Empty, leaf(c)], lone, &[c]), Err(ProofError::NotCollapsed));
    let swapped = node_hash(&lc, &ab);
    assert_eq!(check(&[Inner, leaf(c), halves], swapped, &[a]), Err(ProofError::Misplaced));
    // The bytes themselves.
    assert_eq!(verify(&top, &[5], &[c]), Err(ProofError::Tag));
    assert_eq!(verify(&top, &[], &[c]), Err(ProofError::Truncated));
    assert_eq!(check(&[Inner, halves], top, &[c]), Err(ProofError::Truncated));
    assert_eq!(check(&[Inner, halves, leaf(c), Empty], top, &[c]), Err(ProofError::Trailing));
    // The keys.
    assert_eq!(check(&[Empty], EMPTY, &[c, a]), Err(ProofError::Keys));
    assert_eq!(check(&[Empty], EMPTY, &[c, c]), Err(ProofError::Keys));
    let many: Vec<Hash> = (0..=MAX_WITNESS_KEYS as u8).map(|i| Hash([i; 32])).collect();
    assert_eq!(check(&[Empty], EMPTY, &many[1..]), Ok(vec![None; MAX_WITNESS_KEYS]));
    assert_eq!(check(&[Empty], EMPTY, &many), Err(ProofError::Keys));
}

#[test]
fn nothing_is_accepted_after_a_failure() {
    let key = bits("1");
    let mut witness = Witness::new([(key, Access::Read)]).unwrap();
    assert_eq!(witness.push(&[9]), Err(ProofError::Tag));
    assert_eq!(witness.push(&Node::Empty.encode()), Err(ProofError::Tag));
    assert_eq!(witness.finish(&EMPTY), Err(ProofError::Tag));
}

#[test]
fn nodes_survive_their_encoding() {
    let (a, b) = (Hash([1; 32]), Hash([2; 32]));
    for (node, tag, bytes) in [
        (Node::Empty, 0, 1),
        (Node::Leaf { key: a, value_hash: b }, 1, 65),
        (Node::Inner, 2, 1),
        (Node::Opaque(a), 3, 33),
        (Node::Halves { left: a, right: b }, 4, 65),
    ] {
        let encoded = node.encode();
        assert_eq!((encoded[0], encoded.len()), (tag, bytes));
        assert_eq!(Node::bytes(tag), Ok(bytes));
        assert_eq!(Node::decode(&encoded), Ok(node));
        assert_eq!(Node::decode(&encoded[..bytes - 1]), Err(ProofError::Truncated));
        assert_eq!(Node::decode(&[&encoded[..], &[0]].concat()), Err(ProofError::Truncated));
    }
    assert_eq!(Node::bytes(5), Err(ProofError::Tag));
    assert_eq!(Node::decode(&[5]), Err(ProofError::Tag));
}

/// Two keys that share exactly this many bits are leaves one deeper.
#[test]
fn the_deepest_proof() {
    for shared in [0, 1, 7, 8, 120, MAX_DEPTH - 2, MAX_DEPTH - 1, MAX_DEPTH, MAX_DEPTH + 1, 200, 255] {
        let mut keys = Keys::new(shared as u64, 0);
        let a = keys.key();
        let mut b = a;
        b.0[shared / 8] ^= 0x80 >> (shared % 8);
        let (value, other) = (keys.hash(), keys.hash());
        let one = Map::from([(a, value)]);
        let two = Map::from([(a, value), (b, other)]);
        let mut wanted = [a, b];
        wanted.sort();

        // Making the pair is computed at any depth; the witness for it is then refused past MAX_DEPTH.
        let insert = wanted.map(|key| (key, if key == b { Access::Write(other) } else { Access::Read }));
        assert_eq!(root_after(&root(&one), &prove(&one, &wanted), &insert), Ok(root(&two)), "{shared}");
        let delete = wanted.map(|key| (key, if key == b { Access::Delete } else { Access::Read }));
        let result = root_after(&root(&two), &prove(&two, &wanted), &delete);
        let expected = if shared < MAX_DEPTH { Ok(root(&one)) } else { Err(ProofError::TooDeep) };
        assert_eq!(result, expected, "{shared}");
        assert_eq!(
            verify(&root(&two), &prove(&two, &[a]), &[a]).map(|values| values[0]),
            if shared < MAX_DEPTH { Ok(Some(value)) } else { Err(ProofError::TooDeep) },
            "{shared}"
        );
        // A key that leaves the pair's path early is not hindered by its depth.
        let mut far = a;
        far.0[0] ^= 0x80;
        if shared > 0 {
            assert_eq!(verify(&root(&two), &prove(&two, &[far]), &[far]).unwrap(), [None]);
        }
    }
}

/// All keys of one proof inserted into, and removed from, one crowded place.
#[test]
fn crowds_come_and_go() {
    for seed in 0..cases(300) as u64 {
        let mut keys = Keys::new(seed, 250);
        let point = keys.hash();
        let crowd: std::collections::BTreeSet<Hash> = (0..MAX_WITNESS_KEYS)
            .map(|_| {
                let mut key = point;
                let shared = keys.rng.random_range(0..256);
                key.0[shared / 8] ^= 0x80 >> (shared % 8);
                if keys.rng.random() {
                    key.0[31] ^= keys.rng.random::<u8>();
                }
                key
            })
            .collect();
        let old = keys.rng.random_range(0..=2);
        let map: Map = crowd.iter().take(old).map(|key| (*key, point)).collect();
        if root_after(&root(&map), &prove(&map, &[point]), &[(point, Access::Read)])
            == Err(ProofError::TooDeep)
        {
            continue;
        }
        let wanted: Vec<Hash> = crowd.into_iter().collect();
        let updates: Vec<_> = wanted.iter().map(|key| (*key, Access::Write(keys.hash()))).collect();
        let after = applied(&map, &updates);
        let proof = prove(&map, &wanted);
        match root_after(&root(&map), &proof, &updates) {
            Ok(computed) => assert_eq!(computed, root(&after), "seed {seed}"),
            Err(error) => assert_eq!(error, ProofError::TooDeep, "seed {seed}"),
        }
    }
}

fn key(i: usize) -> Hash {
    hash(Domain::RecordKey, &[format!("key {i}").as_bytes()])
}

/// The expected values come from a separate program, `merkle_frozen.py`; a change of any is a change of the ledger's format.
#[test]
fn frozen_values() {
    let state: Map = (0..40).map(|i| (key(i), value_hash(format!("value {i}").as_bytes()))).collect();
    let new = value_hash(b"new");
    let mut accesses = [
        (key(1), Access::Read),
        (key(5), Access::Delete),
        (key(39), Access::Write(new)),
        (key(40), Access::Read),
        (key(41), Access::Write(new)),
    ];
    accesses.sort_by_key(|(key, _)| *key);
    let proof = prove(&state, &accesses.map(|(key, _)| key));
    assert_eq!(proof.len(), 815);
    assert_eq!(
        Hash(Sha3_256::digest(&proof).into()).to_string(),
        "5a3934de02beb536fa49755b61d4712b7932d64f28ffc6480600130ca107bfd1"
    );
    let before = root(&state);
    assert_eq!(before.to_string(), "d0ca9f3fb0b1b2196eff7cfabfa20223c3e77a81acd37390309f41fc3476e32e");
    let mut witness = Witness::new(accesses).unwrap();
    witness.push(&proof).unwrap();
    let proven = witness.finish(&before).unwrap();
    assert_eq!(proven.values.iter().flatten().count(), 3);
    assert_eq!(
        proven.root_after.to_string(),
        "07694479e3b3f937ce7360f383ae0ca646c3d88b190762b46182d4f54f7d7740"
    );
    assert_eq!(EMPTY.to_string(), "bf931c9eed1d7d81c3ab815ea4150d5f9efe357f32dbece862c15cf4ed92ed67");
}
