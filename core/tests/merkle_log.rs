//! The transaction tree against the recursive definitions of RFC 9162, section 2.1.

use qenex_core::crypto::Hash;
use qenex_core::merkle::log::{
    Builder, LogError, consistency_proof, empty_root, inclusion_proof, leaf_hash, node_hash, root,
    verify_consistency, verify_inclusion,
};

const SIZES: usize = 130;

/// The largest power of two smaller than `n`.
fn cut(n: usize) -> usize {
    let mut k = 1;
    while k * 2 < n {
        k *= 2;
    }
    k
}

/// MTH of section 2.1.1.
fn mth(d: &[Hash]) -> Hash {
    match d {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = d.split_at(cut(d.len()));
            node_hash(&mth(left), &mth(right))
        }
    }
}

/// PATH of section 2.1.3.1.
fn path(m: usize, d: &[Hash]) -> Vec<Hash> {
    if d.len() == 1 {
        return Vec::new();
    }
    let k = cut(d.len());
    let (mut proof, last) =
        if m < k { (path(m, &d[..k]), mth(&d[k..])) } else { (path(m - k, &d[k..]), mth(&d[..k])) };
    proof.push(last);
    proof
}

/// SUBPROOF of section 2.1.4.1.
fn subproof(m: usize, d: &[Hash], complete: bool) -> Vec<Hash> {
    if m == d.len() {
        return if complete { Vec::new() } else { vec![mth(d)] };
    }
    let k = cut(d.len());
    let (mut proof, last) = if m <= k {
        (subproof(m, &d[..k], complete), mth(&d[k..]))
    } else {
        (subproof(m - k, &d[k..], false), mth(&d[..k]))
    };
    proof.push(last);
    proof
}

fn leaves(n: usize) -> Vec<Hash> {
    (0..n).map(|i| leaf_hash(format!("entry {i}").as_bytes())).collect()
}

/// Sizes around those where the shape changes; for these, wrong proofs are tried too.
fn tells_much(n: usize) -> bool {
    n <= 20 || (31..=34).contains(&n) || (63..=65).contains(&n) || n >= 128
}

/// Every proof that differs from this one in one hash, or is one hash longer or shorter.
fn mutations(proof: &[Hash]) -> impl Iterator<Item = Vec<Hash>> {
    let changed = (0..proof.len()).map(|i| {
        let mut proof = proof.to_vec();
        proof[i].0[i % 32] ^= 1 << (i % 8);
        proof
    });
    let removed = (0..proof.len()).map(|i| {
        let mut proof = proof.to_vec();
        proof.remove(i);
        proof
    });
    let longer = [Hash([0; 32]), empty_root()].into_iter().map(move |more| [proof, &[more]].concat());
    changed.chain(removed).chain(longer)
}

#[test]
fn roots_are_those_of_the_definition() {
    let all = leaves(1030);
    let mut builder = Builder::new();
    for n in 0..=all.len() {
        assert_eq!(builder.len(), n as u64);
        assert_eq!(builder.root(), mth(&all[..n]), "{n} leaves");
        assert_eq!(root(&all[..n]), builder.root(), "{n} leaves");
        if let Some(next) = all.get(n) {
            builder.push(*next);
        }
    }
}

/// The shape written out by hand for seven leaves, as in the figures of the RFC.
#[test]
fn seven_leaves() {
    let d = leaves(7);
    let [g, h, i] = [(0, 1), (2, 3), (4, 5)].map(|(a, b)| node_hash(&d[a], &d[b]));
    let (k, l) = (node_hash(&g, &h), node_hash(&i, &d[6]));
    assert_eq!(root(&d), node_hash(&k, &l));
    assert_eq!(inclusion_proof(&d, 3).unwrap(), [d[2], g, l]);
    assert_eq!(inclusion_proof(&d, 6).unwrap(), [i, k]);
    assert_eq!(consistency_proof(&d, 3).unwrap(), [d[2], d[3], g, l]);
    assert_eq!(consistency_proof(&d, 4).unwrap(), [l]);
    assert_eq!(consistency_proof(&d, 6).unwrap(), [i, d[6], k]);
}

#[test]
fn inclusion_proofs() {
    let all = leaves(SIZES + 1);
    for n in 1..=SIZES {
        let d = &all[..n];
        let (root, next_root, size) = (mth(d), mth(&all[..n + 1]), n as u64);
        for m in 0..n {
            let proof = inclusion_proof(d, m).unwrap();
            let at = m as u64;
            assert_eq!(proof[..], path(m, d), "leaf {m} of {n}");
            assert_eq!(verify_inclusion(&root, size, at, &d[m], &proof), Ok(()), "leaf {m} of {n}");
            for wrong in mutations(&proof).filter(|_| tells_much(n)) {
                assert_eq!(verify_inclusion(&root, size, at, &d[m], &wrong), Err(LogError::Proof));
            }
            for other in [at.wrapping_sub(1), at + 1, at ^ 2].into_iter().filter(|other| *other < size) {
                assert_eq!(verify_inclusion(&root, size, other, &d[m], &proof), Err(LogError::Proof));
            }
            assert_eq!(verify_inclusion(&root, size, at, &all[n], &proof), Err(LogError::Proof));
            assert_eq!(verify_inclusion(&next_root, size, at, &d[m], &proof), Err(LogError::Proof));
            assert_eq!(verify_inclusion(&root, at, at, &d[m], &proof), Err(LogError::Index));
        }
        assert_eq!(inclusion_proof(d, n), Err(LogError::Index));
    }
    assert_eq!(inclusion_proof(&[], 0), Err(LogError::Index));
    assert_eq!(verify_inclusion(&empty_root(), 0, 0, &all[0], &[]), Err(LogError::Index));
    // The largest size that can be said: more than 64 hashes never lead to a root.
    assert_eq!(verify_inclusion(&all[0], u64::MAX, 0, &all[0], &[all[0]; 65]), Err(LogError::Proof));
}

#[test]
fn consistency_proofs() {
    let all = leaves(SIZES + 1);
    let roots: Vec<Hash> = (0..=SIZES).map(|n| mth(&all[..n])).collect();
    for n in 0..=SIZES {
        let d = &all[..n];
        for m in 0..=n {
            let proof = consistency_proof(d, m).unwrap();
            let check = |m: usize, first: &Hash, n: usize, second: &Hash, proof: &[Hash]| {
                verify_consistency(m as u64, first, n as u64, second, proof)
            };
            if m > 0 {
                assert_eq!(proof[..], subproof(m, d, true), "{m} of {n}");
            }
            assert_eq!(check(m, &roots[m], n, &roots[n], &proof), Ok(()), "{m} of {n}");
            for wrong in mutations(&proof).filter(|_| tells_much(n)) {
                assert_eq!(check(m, &roots[m], n, &roots[n], &wrong), Err(LogError::Proof), "{m} of {n}");
            }
            assert_eq!(check(m, &all[SIZES], n, &roots[n], &proof), Err(LogError::Proof));
            // From the empty tree every tree follows.
            if m > 0 {
                assert_eq!(check(m, &roots[m], n, &all[SIZES], &proof), Err(LogError::Proof));
            }
            if 0 < m && m < n {
                assert_eq!(check(m - 1, &roots[m], n, &roots[n], &proof), Err(LogError::Proof));
                assert_eq!(check(m + 1, &roots[m], n, &roots[n], &proof), Err(LogError::Proof));
                assert_eq!(check(n, &roots[n], m, &roots[m], &proof), Err(LogError::Sizes));
            }
        }
        assert_eq!(consistency_proof(d, n + 1), Err(LogError::Sizes));
    }
}

/// The expected values come from a separate program, `merkle_frozen.py`; a change of any is a change of the ledger's format.
#[test]
fn frozen_roots() {
    for (leaves, expected) in [
        (0, "0a1e2736777f80a62beb2df72b649878481c0ca10194b832b5136befbae54017"),
        (1, "ee58b149064eb1eb5090ac85544a02d772e767a0bb2db9632e3c2fe8cd6942bb"),
        (2, "1bbd793714750477a7586c783aedaa686f68e0ebde6db6687c3501147c7d0b64"),
        (3, "36bbc657f52983aed122e4c558acc2144874df3b16716a0911338950943b6bbc"),
        (7, "e6f3cf343337b99a088e52504d2ea45700cdfe5950f99328d7ce9e7213cd1570"),
        (100, "1958fdd4fa4186bbf7648c8a5b2cf6db39629ef313b4283ea2e5f2e9303f2c3c"),
    ] {
        let leaves: Vec<Hash> = (0..leaves).map(|i| leaf_hash(format!("entry {i}").as_bytes())).collect();
        assert_eq!(root(&leaves).to_string(), expected, "{} leaves", leaves.len());
    }
}
