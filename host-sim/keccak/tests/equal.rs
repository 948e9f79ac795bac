//! Every way to hash gives the hashes of the core.

use qenex_core::crypto::hash::{Domain, Hash, hash};
use qenex_keccak::{Kind, Lanes};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

const DOMAINS: [Domain; 4] = [Domain::LogLeaf, Domain::StateNode, Domain::Transaction, Domain::LabelSeed];

/// All ways that this machine has; says which it has not.
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

fn check(lanes: Lanes, domain: Domain, inputs: &[Vec<u8>]) {
    let mut out = vec![Hash::default(); inputs.len()];
    lanes.hash_each(domain, inputs, &mut out);
    for (input, out) in inputs.iter().zip(out) {
        assert_eq!(
            out,
            hash(domain, &[input]),
            "{:?}, {} bytes of {}",
            lanes.kind(),
            input.len(),
            inputs.len()
        );
    }
}

#[test]
fn every_length() {
    let mut rng = StdRng::seed_from_u64(1);
    for lanes in ways() {
        let inputs: Vec<Vec<u8>> =
            (0..=700).map(|bytes| (0..bytes).map(|_| rng.random()).collect()).collect();
        for domain in DOMAINS {
            check(lanes, domain, &inputs);
            // One length in all lanes.
            for input in inputs.iter().step_by(7) {
                check(lanes, domain, &vec![input.clone(); 9]);
            }
        }
    }
}

#[test]
fn mixed_lengths_in_any_order() {
    for seed in 0..200 {
        let mut rng = StdRng::seed_from_u64(seed);
        let most = [66, 136, 400, 2000][seed as usize % 4];
        let inputs: Vec<Vec<u8>> = (0..rng.random_range(0..40))
            .map(|_| (0..rng.random_range(0..=most)).map(|_| rng.random()).collect())
            .collect();
        for lanes in ways() {
            check(lanes, DOMAINS[seed as usize % 4], &inputs);
        }
    }
}

#[test]
fn pairs() {
    let mut rng = StdRng::seed_from_u64(3);
    for lanes in ways() {
        for count in (0..40).chain([1000]) {
            let pairs: Vec<[Hash; 2]> =
                (0..count).map(|_| [Hash(rng.random()), Hash(rng.random())]).collect();
            let mut out = vec![Hash::default(); count];
            for domain in DOMAINS {
                lanes.hash_pairs(domain, &pairs, &mut out);
                for ([left, right], out) in pairs.iter().zip(&out) {
                    assert_eq!(*out, hash(domain, &[&left.0, &right.0]), "{:?}, {count} pairs", lanes.kind());
                }
            }
        }
    }
}

#[test]
fn the_best_way_is_the_fastest_there_is() {
    assert_eq!(Some(Lanes::best()), ways().last().copied());
    assert_eq!(Lanes::of(Kind::Portable).map(Lanes::kind), Some(Kind::Portable));
}
