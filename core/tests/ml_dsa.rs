//! ML-DSA-87 against two other implementations, on random keys and messages and on damaged signatures.

#![allow(clippy::unwrap_used)] // a test fails by panicking

#[allow(dead_code)]
mod num_common;

use std::collections::BTreeMap;

use fips204::ml_dsa_87 as fips;
use fips204::traits::{KeyGen, SerDes, Signer, Verifier as _};
use ml_dsa::{ExpandedSigningKey, MlDsa87, Signature, VerifyingKey};
use num_common::{cases, rng};
use qenex_core::crypto::SignatureError;
use qenex_core::crypto::ml_dsa::{
    PUBLIC_KEY_BYTES, SIGNATURE_BYTES, SecretKey, SignError, Verifier, verify, verify_mu,
};
use rand::{RngExt, rngs::StdRng};

/// One key with a message that it signed.
struct Signed {
    public: [u8; PUBLIC_KEY_BYTES],
    message: Vec<u8>,
    context: Vec<u8>,
    signature: [u8; SIGNATURE_BYTES],
}

fn bytes(rng: &mut StdRng, longest: usize) -> Vec<u8> {
    let length = rng.random_range(0..=longest);
    (0..length).map(|_| rng.random()).collect()
}

/// Makes a key and a signature, and checks that the others make the same.
fn signed(rng: &mut StdRng) -> Signed {
    let seed: [u8; 32] = rng.random();
    let (message, context) = (bytes(rng, 300), bytes(rng, 255));
    let key = SecretKey::from_seed(&seed);
    let mut public = [0; PUBLIC_KEY_BYTES];
    key.public_key(&mut public);
    let mut signature = [0; SIGNATURE_BYTES];
    key.sign(&message, &context, &mut signature).unwrap();

    let other = ExpandedSigningKey::<MlDsa87>::from_seed(&seed.into());
    assert_eq!(public[..], other.verifying_key().encode()[..]);
    assert_eq!(signature[..], other.sign_deterministic(&message, &context).unwrap().encode()[..]);

    let (other_public, other) = fips::KG::keygen_from_seed(&seed);
    assert_eq!(public, other_public.into_bytes());
    assert_eq!(signature, other.try_sign_with_seed(&[0; 32], &message, &context).unwrap());
    Signed { public, message, context, signature }
}

impl Signed {
    /// The verdict, after checking that the others have the same.
    fn verdict(&self) -> Result<(), SignatureError> {
        let Self { public, message, context, signature } = self;
        let ours = verify(public, message, context, signature);
        let key = VerifyingKey::<MlDsa87>::decode(&(*public).into());
        let theirs = Signature::<MlDsa87>::decode(&(*signature).into())
            .is_some_and(|signature| key.verify_with_context(message, context, &signature));
        assert_eq!(ours.is_ok(), theirs, "ml-dsa");
        let theirs =
            fips::PublicKey::try_from_bytes(*public).is_ok_and(|key| key.verify(message, signature, context));
        assert_eq!(ours.is_ok(), theirs, "fips204");
        ours
    }
}

#[test]
fn same_keys_and_signatures() {
    let mut rng = rng();
    for _ in 0..cases().div_ceil(400) {
        assert_eq!(signed(&mut rng).verdict(), Ok(()));
    }
}

/// The parts of a signature: where they begin, and one past the last.
const PARTS: [(&str, usize); 5] =
    [("hash", 0), ("z", 64), ("places of hints", 4544), ("ends of hints", 4619), ("", SIGNATURE_BYTES)];

#[test]
fn same_verdicts_on_damage() {
    let mut rng = rng();
    let mut verdicts = BTreeMap::<_, usize>::new();
    for _ in 0..cases().div_ceil(4_000) {
        let mut signed = signed(&mut rng);
        let good = signed.signature;
        for part in PARTS.windows(2) {
            let [(name, start), (_, end)] = part else { unreachable!() };
            for _ in 0..40 {
                signed.signature = good;
                let place = rng.random_range(*start..*end);
                signed.signature[place] ^= 1 << rng.random_range(0..8);
                *verdicts.entry((*name, format!("{:?}", signed.verdict()))).or_default() += 1;
            }
        }
        signed.signature = good;
        let place = rng.random_range(0..PUBLIC_KEY_BYTES);
        signed.public[place] ^= 1 << rng.random_range(0..8);
        assert_eq!(signed.verdict(), Err(SignatureError::Mismatch), "public key, byte {place}");
    }
    println!("{verdicts:?}");
    assert!(verdicts.keys().all(|(_, verdict)| verdict != "Ok(())"), "{verdicts:?}");
    for (name, verdict) in [
        ("hash", "Err(Mismatch)"),
        ("z", "Err(Mismatch)"),
        ("places of hints", "Err(Malformed)"),
        ("ends of hints", "Err(Malformed)"),
    ] {
        assert!(verdicts.contains_key(&(name, verdict.into())), "{name}: {verdict} not seen");
    }
}

/// z at its bound, and the second forms of the same hints.
#[test]
fn only_one_form_is_accepted() {
    let mut rng = rng();
    let mut signed = signed(&mut rng);
    let good = signed.signature;
    // z = 2^19 - v, and must be below 2^19 - 120 on either side.
    for (v, expected) in [
        (120, SignatureError::Malformed),
        (121, SignatureError::Mismatch),
        ((1 << 20) - 121, SignatureError::Mismatch),
        ((1 << 20) - 120, SignatureError::Malformed),
        (0, SignatureError::Malformed),
        ((1 << 20) - 1, SignatureError::Malformed),
    ] {
        let value = u32::to_le_bytes(v);
        signed.signature[64..66].copy_from_slice(&value[..2]);
        signed.signature[66] = signed.signature[66] & 0xf0 | value[2];
        assert_eq!(signed.verdict(), Err(expected), "{v}");
    }

    let (places, ends) = (4544, 4619);
    let count = usize::from(good[SIGNATURE_BYTES - 1]);
    let row = (0..8).map(|k| usize::from(good[ends + k]));
    let starts: Vec<usize> = [0].into_iter().chain(row).collect();
    let first = starts.windows(2).find(|pair| pair[1] >= pair[0] + 2).unwrap()[0];
    let mut damage = |name: &str, change: &dyn Fn(&mut [u8; SIGNATURE_BYTES])| {
        signed.signature = good;
        change(&mut signed.signature);
        assert_ne!(signed.signature, good, "{name}");
        assert_eq!(signed.verdict(), Err(SignatureError::Malformed), "{name}");
    };
    damage("places exchanged", &|s| s.swap(places + first, places + first + 1));
    damage("a place twice", &|s| s[places + first + 1] = s[places + first]);
    if count < 75 {
        damage("a place behind the last", &|s| s[places + count] = 1);
        damage("the last place not zero", &|s| s[ends - 1] = 255);
    }
    damage("more than 75", &|s| s[SIGNATURE_BYTES - 1] = 76);
    damage("ends that descend", &|s| s[ends] = s[SIGNATURE_BYTES - 1] + 1);
    damage("an end of 255", &|s| s[ends + 3] = 255);
}

#[test]
fn pieces_of_any_length() {
    let mut rng = rng();
    for _ in 0..cases().div_ceil(2_000) {
        let signed = signed(&mut rng);
        let longest = [1, 64, 700, 4096][rng.random_range(0..4)];
        let mut pieces = |mut bytes: &[u8], take: &mut dyn FnMut(&[u8])| {
            while !bytes.is_empty() {
                let (piece, rest) = bytes.split_at(rng.random_range(0..=bytes.len().min(longest)));
                take(piece);
                bytes = rest;
            }
        };
        let mut verifier = Verifier::new();
        pieces(&signed.public, &mut |piece| verifier.public_key(piece).unwrap());
        verifier.context(&signed.context).unwrap();
        pieces(&signed.message, &mut |piece| verifier.message(piece).unwrap());
        pieces(&signed.signature, &mut |piece| verifier.signature(piece).unwrap());
        assert_eq!(verifier.finish(), Ok(()));
    }
}

#[test]
fn refusals_name_what_was_expected() {
    let mut rng = rng();
    let Signed { public, message, context, signature } = signed(&mut rng);
    let check =
        |public: &[u8], context: &[u8], signature: &[u8]| verify(public, &message, context, signature);
    assert_eq!(check(&public, &context, &signature), Ok(()));
    assert_eq!(check(&public[1..], &context, &signature), Err(SignatureError::PublicKeyLength));
    let longer: Vec<u8> = public.into_iter().chain([0]).collect();
    assert_eq!(check(&longer, &context, &signature), Err(SignatureError::PublicKeyLength));
    assert_eq!(check(&public, &context, &signature[1..]), Err(SignatureError::Length));
    let longer: Vec<u8> = signature.into_iter().chain([0]).collect();
    assert_eq!(check(&public, &context, &longer), Err(SignatureError::Length));
    assert_eq!(check(&public, &[0; 256], &signature), Err(SignatureError::Context));
    let other: Vec<u8> = if context.is_empty() { vec![0] } else { context[1..].to_vec() };
    assert_eq!(check(&public, &other, &signature), Err(SignatureError::Mismatch));

    let key = SecretKey::from_seed(&rng.random());
    let mut unchanged = [7; SIGNATURE_BYTES];
    assert_eq!(key.sign(b"", &[0; 256], &mut unchanged), Err(SignError::Context));
    assert_eq!(unchanged, [7; SIGNATURE_BYTES]);
    assert_eq!(format!("{key:?}"), "SecretKey(..)");
}

/// The order of the parts is kept, and what was refused stays refused.
#[test]
fn parts_come_in_order() {
    let mut rng = rng();
    let Signed { public, message, context, signature } = signed(&mut rng);
    let mut verifier = Verifier::new();
    assert_eq!(verifier.message(&message), Err(SignatureError::PublicKeyLength));
    assert_eq!(verifier.signature(&signature), Err(SignatureError::PublicKeyLength));
    assert_eq!(verifier.finish(), Err(SignatureError::PublicKeyLength));
    verifier.public_key(&public).unwrap();
    verifier.context(&context).unwrap();
    assert_eq!(verifier.public_key(&public), Err(SignatureError::Length));
    verifier.message(&message).unwrap();
    let (most, last) = signature.split_at(SIGNATURE_BYTES - 1);
    verifier.signature(most).unwrap();
    assert_eq!(verifier.message(&message), Err(SignatureError::Length));
    let mut short = Verifier::new();
    short.public_key(&public).unwrap();
    short.context(&context).unwrap();
    short.message(&message).unwrap();
    short.signature(most).unwrap();
    assert_eq!(short.finish(), Err(SignatureError::Length));
    assert_eq!(short.signature(last), Err(SignatureError::Length));
    assert_eq!(short.finish(), Err(SignatureError::Length));
    verifier.signature(last).unwrap();
    assert_eq!(verifier.finish(), Ok(()));
}

/// A message that has the place of its signature is signed as any other, whatever its length; and μ stands for it.
#[test]
fn signing_in_place_is_signing() {
    let mut rng = rng();
    let key = SecretKey::from_seed(&rng.random());
    let mut public = [0; PUBLIC_KEY_BYTES];
    key.public_key(&mut public);
    for length in [0, 1, SIGNATURE_BYTES - 1, SIGNATURE_BYTES, SIGNATURE_BYTES + 1, 8_192] {
        let mut buffer: Vec<u8> = (0..length.max(SIGNATURE_BYTES)).map(|_| rng.random()).collect();
        let message = buffer[..length].to_vec();
        let mu = key.sign_in_place(length, &mut buffer).unwrap();
        let mut signature = [0; SIGNATURE_BYTES];
        key.sign(&message, &[], &mut signature).unwrap();
        assert_eq!(buffer[..SIGNATURE_BYTES], signature, "{length}");
        assert_eq!(verify_mu(&public, &mu, &signature), Ok(()));
        assert_eq!(verify(&public, &message, &[], &signature), Ok(()));
        let mut other = mu;
        other[rng.random_range(0..64)] ^= 1;
        assert_eq!(verify_mu(&public, &other, &signature), Err(SignatureError::Mismatch));
    }
    assert_eq!(key.sign_in_place(0, &mut [0; SIGNATURE_BYTES - 1]), Err(SignError::Buffer));
    assert_eq!(key.sign_in_place(SIGNATURE_BYTES + 1, &mut [0; SIGNATURE_BYTES]), Err(SignError::Buffer));
}
