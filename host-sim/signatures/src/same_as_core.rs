//! The batch's answers equal the core's, single and among good signatures, on vectors made to tell verifiers apart
//! and on generated points of every kind in every position.

use curve25519_dalek::Scalar;
use qenex_core::crypto::scheme::{MAX_PUBLIC_KEY_BYTES, MAX_SIGNATURE_BYTES};
use qenex_core::crypto::secret::SecretKey;
use qenex_core::crypto::{Hash, Purpose, Scheme, SignatureError, ed25519, signing_digest, verify};
use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use crate::LoadSigner;
use crate::verify::{Item, Signed, Verifier};

#[path = "../../../core/tests/ed25519_cases/mod.rs"]
mod ed25519_cases;

/// A signature that owns its parts.
#[derive(Clone, Debug)]
struct Case {
    name: String,
    public_key: [u8; 32],
    message: Vec<u8>,
    signature: [u8; 64],
    core: Result<(), SignatureError>,
}

impl Case {
    fn new(name: String, public_key: [u8; 32], message: Vec<u8>, signature: [u8; 64]) -> Self {
        let core = ed25519::verify(&public_key, &message, &signature);
        Self { name, public_key, message, signature, core }
    }

    fn signed(&self) -> Signed<'_> {
        Signed { public_key: &self.public_key, message: &self.message, signature: &self.signature }
    }
}

fn rng() -> ChaCha8Rng {
    let seed =
        std::env::var("QENEX_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or_else(|| rand::rng().random());
    println!("QENEX_SEED={seed}");
    ChaCha8Rng::seed_from_u64(seed)
}

fn good(rng: &mut ChaCha8Rng, count: usize) -> Vec<Case> {
    let make = |i| {
        let seed: [u8; 32] = rng.random();
        let message = rng.random::<[u8; 32]>().to_vec();
        let key = ed25519_dalek::SigningKey::from_bytes(&seed);
        let signature = ed25519_dalek::Signer::sign(&key, &message).to_bytes();
        assert_eq!(key.verifying_key().to_bytes(), LoadSigner::from_seed(&seed).unwrap().public_key());
        Case::new(format!("good {i}"), key.verifying_key().to_bytes(), message, signature)
    };
    (0..count).map(make).collect()
}

/// How many cases, chosen at random, are also tried one by one among good ones.
const ALONE_MAX: usize = 100;

fn cases_wanted() -> Option<usize> {
    std::env::var("QENEX_CASES").ok().and_then(|text| text.parse().ok())
}

/// Compares with the core: all cases together and among good ones in random order, with and without keys in the
/// cache, and some (with QENEX_CASES, all) alone among good ones.
fn assert_same(rng: &mut ChaCha8Rng, cases: &[Case]) -> usize {
    let good = good(rng, 40);
    let verifier = Verifier::new(64);
    let check = |verifier: &Verifier, batch: &[&Case]| {
        let items: Vec<Signed<'_>> = batch.iter().map(|case| case.signed()).collect();
        let answers = verifier.verify_signed(&items);
        assert_eq!(answers.len(), batch.len());
        for (case, answer) in batch.iter().zip(answers) {
            assert_eq!(answer, case.core, "{}: {case:?}", case.name);
        }
    };
    let accepted = cases.iter().filter(|case| case.core.is_ok()).count();
    let mut alone: Vec<&Case> = cases.iter().collect();
    alone.shuffle(rng);
    alone.truncate(cases_wanted().map_or(ALONE_MAX, |_| cases.len()));
    for case in alone {
        let mut batch: Vec<&Case> = good.iter().take(9).collect();
        batch.insert(rng.random_range(0..=9), case);
        check(&verifier, &batch);
        check(&verifier, &[case]);
    }
    for size in [100, cases.len()] {
        let mut order: Vec<&Case> = cases.iter().chain(&good).collect();
        order.shuffle(rng);
        order.chunks(size.max(1)).for_each(|batch| check(&verifier, batch));
        // Only what the core accepts: one sum, never split.
        let valid: Vec<&Case> = order.iter().copied().filter(|case| case.core.is_ok()).collect();
        check(&verifier, &valid);
        check(&Verifier::new(0), &valid);
    }
    accepted
}

/// The core's cases of the right lengths: others cannot be asked here.
fn of_right_lengths(cases: Vec<ed25519_cases::Case>) -> Vec<Case> {
    let case = |case: ed25519_cases::Case| {
        let (public_key, signature) = (case.public_key.try_into().ok()?, case.signature.try_into().ok()?);
        Some(Case::new(case.name, public_key, case.message, signature))
    };
    cases.into_iter().filter_map(case).collect()
}

#[test]
fn cctv() {
    let Some(cases) = ed25519_cases::cctv() else { return };
    assert!(assert_same(&mut rng(), &of_right_lengths(cases)) > 0);
}

#[test]
fn wycheproof() {
    assert!(assert_same(&mut rng(), &of_right_lengths(ed25519_cases::wycheproof())) > 0);
}

#[test]
fn generated_points_of_every_kind() {
    let mut rng = rng();
    for _ in 0..cases_wanted().map_or(1, |cases| cases / 10_000 + 1) {
        let cases = of_right_lengths(ed25519_cases::generated(&mut rng));
        // Every pair of parts of small order with large ones beside them.
        assert_eq!(assert_same(&mut rng, &cases), 64);
    }
}

/// Wrong signatures in a batch of several sums are found, wherever they are, and only those.
#[test]
fn wrong_ones_are_found_in_large_batches() {
    let mut rng = rng();
    let few = good(&mut rng, 100);
    let cases: Vec<Case> = few.iter().cycle().take(2_100).cloned().collect();
    let verifier = Verifier::default();
    for wrong in [vec![], vec![0, 2_099], vec![1, 2, 1_049, 1_050, 1_500]] {
        let mut cases = cases.clone();
        for &index in &wrong {
            let bit = rng.random_range(0..512);
            cases[index].signature[bit / 8] ^= 1 << (bit % 8);
        }
        let items: Vec<Signed<'_>> = cases.iter().map(Case::signed).collect();
        let answers = verifier.verify_signed(&items);
        let refused: Vec<usize> = (0..answers.len()).filter(|&i| answers[i].is_err()).collect();
        assert_eq!(refused, wrong);
    }
    assert!(verifier.verify_signed(&[]).is_empty());
}

/// Many signatures by few keys: terms of equal keys are added, and threads share the verifier.
#[test]
fn few_keys_many_threads() {
    let mut rng = rng();
    let seeds: Vec<[u8; 32]> = (0..5).map(|_| rng.random()).collect();
    let mut cases: Vec<Case> = (0..400)
        .map(|i| {
            let key = ed25519_dalek::SigningKey::from_bytes(&seeds[i % seeds.len()]);
            let message = rng.random::<[u8; 32]>().to_vec();
            let signature = ed25519_dalek::Signer::sign(&key, &message).to_bytes();
            Case::new(i.to_string(), key.verifying_key().to_bytes(), message, signature)
        })
        .collect();
    // Two wrong ones of one key that cancel each other if the coefficients were equal.
    let (left, right) = (7, 12);
    for (index, sign) in [(left, Scalar::ONE), (right, -Scalar::ONE)] {
        let s: [u8; 32] = cases[index].signature[32..].try_into().unwrap();
        let s = Scalar::from_canonical_bytes(s).unwrap() + sign;
        cases[index].signature[32..].copy_from_slice(s.as_bytes());
    }
    let items: Vec<Signed<'_>> = cases.iter().map(Case::signed).collect();
    let verifier = Verifier::new(3);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let answers = verifier.verify_signed(&items);
                let refused: Vec<usize> = (0..answers.len()).filter(|&i| answers[i].is_err()).collect();
                assert_eq!(refused, [left, right]);
            });
        }
    });
}

/// Every scheme in one batch, in random order, good ones and damaged ones: the answers are the core's, in the order of the items.
#[test]
fn all_schemes_in_one_batch() {
    let mut rng = rng();
    let mut cases = Vec::new();
    for scheme in Scheme::ALL {
        for round in 0..24 {
            // Many Ed25519 signatures, so that there is a sum; few of the long ones, which take long to make.
            if scheme != Scheme::Ed25519 && round > 2 {
                break;
            }
            let key = SecretKey::from_seed(scheme, &rng.random::<[u8; 32]>()).unwrap();
            let (mut public_key, mut signature) = ([0; MAX_PUBLIC_KEY_BYTES], [0; MAX_SIGNATURE_BYTES]);
            let id = Hash(rng.random());
            let public_key = key.public_key(&mut public_key).unwrap().to_vec();
            let mut signature = key.sign(Purpose::Transaction, &id, &mut signature).unwrap().to_vec();
            match round {
                1 => signature[3] ^= 1,
                2 => drop(signature.pop()),
                _ => {}
            }
            let digest = signing_digest(scheme, Purpose::Transaction, &id);
            cases.push((scheme, public_key, digest, signature, round));
        }
    }
    cases.shuffle(&mut rng);
    let items: Vec<Item<'_>> = cases
        .iter()
        .map(|(scheme, public_key, digest, signature, _)| Item {
            scheme: *scheme,
            public_key,
            digest,
            signature,
        })
        .collect();
    let answers = Verifier::default().verify_batch(&items);
    assert_eq!(answers.len(), items.len());
    for ((item, answer), (.., round)) in items.iter().zip(answers).zip(&cases) {
        assert_eq!(answer, verify(item.scheme, item.public_key, item.digest, item.signature));
        assert_eq!(answer.is_ok(), !matches!(round, 1 | 2), "{}", item.scheme);
    }
}
