//! The core's Ed25519 decides as ed25519-compact 2.6 does, whose rule the ledger has, and signs as RFC 8032 says.

mod ed25519_cases;

use ed25519_cases::Case;
use ed25519_compact as compact;
use qenex_core::crypto::ed25519::{self, SecretKey};
use qenex_core::crypto::{Hash, Purpose, Scheme, SignatureError, signing_digest};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// A generator from QENEX_SEED, or from a new seed; it prints the seed, which replays the run.
fn rng() -> StdRng {
    let seed =
        std::env::var("QENEX_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or_else(rand::random);
    println!("replay with QENEX_SEED={seed}");
    StdRng::seed_from_u64(seed)
}

/// Signatures to try: QENEX_CASES, or a number that suits a debug run.
fn cases() -> usize {
    std::env::var("QENEX_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000)
}

/// What ed25519-compact says.
fn oracle(public_key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
    let public_key =
        compact::PublicKey::from_slice(public_key).map_err(|_| SignatureError::PublicKeyLength)?;
    let signature = compact::Signature::from_slice(signature).map_err(|_| SignatureError::Length)?;
    public_key.verify(message, &signature).map_err(|error| match error {
        compact::Error::InvalidPublicKey | compact::Error::WeakPublicKey => SignatureError::PublicKeyInvalid,
        compact::Error::SignatureMismatch => SignatureError::Mismatch,
        _ => SignatureError::Malformed,
    })
}

/// The answer to a case, which is the oracle's, for the same reason, and that of the case's source.
fn judge(case: &Case) -> Result<(), SignatureError> {
    let Case { public_key, message, signature, valid, .. } = case;
    let answer = ed25519::verify(public_key, message, signature);
    assert_eq!(answer, oracle(public_key, message, signature), "{case:?}");
    if let Some(valid) = valid {
        assert_eq!(answer.is_ok(), *valid, "{case:?}");
    }
    if let Some(public_key) = public_key.first_chunk().filter(|_| public_key.len() == 32) {
        let expected = compact::PublicKey::new(*public_key).validate().is_ok();
        assert_eq!(ed25519::validate_public_key(public_key).is_ok(), expected, "{case:?}");
    }
    answer
}

fn accepted(cases: &[Case]) -> usize {
    cases.iter().filter(|case| judge(case).is_ok()).count()
}

#[test]
fn cctv() {
    let Some(cases) = ed25519_cases::cctv() else { return };
    println!("{} of {} accepted", accepted(&cases), cases.len());
}

#[test]
fn wycheproof() {
    let cases = ed25519_cases::wycheproof();
    println!("{} of {} accepted", accepted(&cases), cases.len());
}

#[test]
fn points_of_every_kind_in_every_encoding() {
    let cases = ed25519_cases::generated(&mut rng());
    let accepted = accepted(&cases);
    println!("{accepted} of {} accepted", cases.len());
    // Every pair of parts of small order with large ones beside them, and nothing else.
    assert_eq!(accepted, 64);
}

/// The encodings next to p, 2^255 and zero, with both signs, as keys and as R.
#[test]
fn encodings_at_the_edges() {
    let key = SecretKey::from_seed(&[1; 32]).unwrap();
    let good = key.sign(Purpose::Vote, &Hash([2; 32])).unwrap();
    for high in [0x00, 0x7f, 0x80, 0xff] {
        for low in 0..=0xff {
            let mut bytes = if high & 0x7f == 0 { [0; 32] } else { [0xff; 32] };
            (bytes[0], bytes[31]) = (low, high);
            let case = |public_key: &[u8], signature: Vec<u8>| Case {
                name: format!("{low:02x} {high:02x}"),
                public_key: public_key.to_vec(),
                message: b"edge".to_vec(),
                signature,
                valid: Some(false),
            };
            let _ = judge(&case(&bytes, good.to_vec()));
            let _ = judge(&case(&key.public_key(), [&bytes, &good[32..]].concat()));
        }
    }
}

/// Signatures equal the oracle's and verify; with any part changed, both verifiers give the same answer.
#[test]
fn random_and_changed_signatures() {
    let mut rng = rng();
    for round in 0..cases() {
        let seed: [u8; 32] = rng.random();
        let (key, id) = (SecretKey::from_seed(&seed).unwrap(), Hash(rng.random()));
        let pair = compact::KeyPair::from_seed(compact::Seed::new(seed));
        let purpose = if rng.random() { Purpose::Transaction } else { Purpose::Attestation };
        let signature = key.sign(purpose, &id).unwrap();
        let digest = signing_digest(Scheme::Ed25519, purpose, &id);
        assert_eq!(key.public_key(), *pair.pk);
        assert_eq!(signature, *pair.sk.sign(digest.as_bytes(), None), "{seed:02x?}");

        let mut case = Case {
            name: format!("round {round}"),
            public_key: key.public_key().to_vec(),
            message: digest.as_bytes().to_vec(),
            signature: signature.to_vec(),
            valid: Some(true),
        };
        assert_eq!(judge(&case), Ok(()));
        case.valid = None;
        for _ in 0..4 {
            let mut case = case.clone();
            let part = match rng.random_range(0..3) {
                0 => &mut case.public_key,
                1 => &mut case.message,
                _ => &mut case.signature,
            };
            match rng.random_range(0..4) {
                0 => part.iter_mut().for_each(|byte| *byte = rng.random()),
                1 => part.truncate(rng.random_range(0..part.len())),
                _ => {
                    let bit = rng.random_range(0..part.len() * 8);
                    part[bit / 8] ^= 1 << (bit % 8);
                }
            }
            assert!(judge(&case).is_err(), "{case:?}");
        }
    }
}

/// A seed of zeros is refused, as the oracle refuses it, and no other is.
#[test]
fn seeds() {
    assert!(SecretKey::from_seed(&[0; 32]).is_err());
    assert!(compact::KeyPair::try_from_seed(compact::Seed::new([0; 32])).is_err());
    for bit in 0..256 {
        let mut seed = [0; 32];
        seed[bit / 8] = 1 << (bit % 8);
        let pair = compact::KeyPair::from_seed(compact::Seed::new(seed));
        assert_eq!(SecretKey::from_seed(&seed).unwrap().public_key(), *pair.pk);
    }
}
