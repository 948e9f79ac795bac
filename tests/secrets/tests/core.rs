//! What handles secrets in the core neither branches nor looks anything up by them. First a control shows that both are found.
#![allow(clippy::unwrap_used)] // a test that meets what it does not expect should stop there

use std::hint::black_box;

use qenex_core::crypto::secret::SecretKey;
use qenex_core::crypto::{Domain, Hash, Purpose, Scheme, aead, hash, shamir, signing_digest, verify, x25519};
use qenex_core::hsm::noise::{FIRST_BYTES, Handshake, SECOND_BYTES, Side, THIRD_BYTES};
use qenex_secrets::{hide, reports, reveal, secret};
use subtle::ConstantTimeEq;

/// Runs it with secrets, and fails where valgrind has anything to report.
fn silent<T>(run: impl FnOnce() -> T) -> T {
    let (result, reports) = reports(run);
    assert_eq!(reports, 0, "see valgrind's reports above");
    result
}

#[test]
fn control_a_branch_on_a_secret_is_found() {
    #[inline(never)]
    fn longer_for_some(byte: u8) -> u32 {
        let mut sum = 0;
        for turn in 0..byte {
            sum += black_box(u32::from(turn));
        }
        sum
    }
    let (_, found) = reports(|| black_box(longer_for_some(secret([9])[0])));
    assert!(found > 0);
}

#[test]
fn control_an_index_that_is_secret_is_found() {
    let table = black_box([7u8; 256]);
    let (_, found) = reports(|| black_box(table[usize::from(secret([9])[0])]));
    assert!(found > 0);
}

/// A signature with a secret seed; its halves are revealed when it is released.
fn sign(scheme: Scheme) {
    for fill in 1..=4 {
        let id = Hash([fill; 32]);
        let mut signature = vec![0; scheme.signature_bytes()];
        let mut public_key = vec![0; scheme.public_key_bytes()];
        silent(|| {
            let key = SecretKey::from_seed(scheme, &secret([fill; 32])).unwrap();
            key.public_key(&mut public_key).unwrap();
            key.sign(Purpose::Transaction, &id, &mut signature).unwrap();
        });
        reveal(&mut signature);
        reveal(&mut public_key);
        let digest = signing_digest(scheme, Purpose::Transaction, &id);
        assert_eq!(verify(scheme, &public_key, &digest, &signature), Ok(()));
    }
}

#[test]
fn ed25519() {
    sign(Scheme::Ed25519);
}

#[test]
fn p256() {
    sign(Scheme::P256);
}

#[test]
fn ml_dsa_87() {
    sign(Scheme::MlDsa87);
}

#[test]
fn hybrid() {
    sign(Scheme::Hybrid);
}

#[test]
fn x25519() {
    let mut public = [x25519::public_key(&[1; 32]), x25519::public_key(&[2; 32])];
    let shared = silent(|| {
        let mine = secret([3; 32]);
        [x25519::public_key(&mine), *x25519::exchange(&mine, &public[0]).unwrap()]
    });
    let [mut key, mut shared] = shared;
    public.iter_mut().for_each(|key| reveal(key));
    reveal(&mut key);
    reveal(&mut shared);
    assert_eq!(*x25519::exchange(&[1; 32], &key).unwrap(), shared);
}

#[test]
fn sealing_and_opening() {
    for len in [0, 16, 32, 100] {
        let mut bytes = vec![7; len];
        hide(&mut bytes);
        let key = secret([5; 32]);
        let mut tag = silent(|| aead::seal(&key, &[1; 12], b"context", &mut bytes)).unwrap();
        // What is stored is public.
        reveal(&mut bytes);
        reveal(&mut tag);
        silent(|| aead::open(&key, &[1; 12], b"context", &mut bytes, &tag)).unwrap();
        reveal(&mut bytes);
        assert_eq!(bytes, vec![7; len]);
    }
}

/// As `hsm::users` derives a key from a PIN, in fewer rounds, and compares.
#[test]
fn pin() {
    silent(|| {
        let (unique_secret, pin) = (secret([1; 32]), secret(*b"operator pin"));
        let mut key = hash(Domain::Pin, &[&unique_secret, &[2; 16], &[3], &pin]).0;
        for _ in 0..3 {
            key = hash(Domain::Pin, &[&key, &unique_secret]).0;
        }
        let check = hash(Domain::PinCheck, &[&key]).0;
        let mut equal = check.ct_eq(&secret([4; 32])).unwrap_u8();
        reveal(std::slice::from_mut(&mut equal));
        assert_eq!(equal, 0);
    });
}

#[test]
fn shares_of_a_secret() {
    let coefficients = [[1; 32], [2; 32], [3; 32]];
    let mut combined = silent(|| {
        let coefficients = coefficients.map(secret);
        let shares = [2, 7, 16].map(|place| (place, shamir::share(&coefficients, place)));
        shamir::combine(&shares)
    });
    reveal(&mut *combined);
    assert_eq!(*combined, coefficients[0]);
}

#[test]
fn handshake() {
    let (mut first, mut second, mut third) = ([0; FIRST_BYTES], [0; SECOND_BYTES], [0; THIRD_BYTES]);
    let (initiator, responder) = silent(|| {
        let new =
            |side, fill: u8| Handshake::new(side, secret([fill; 32]).into(), secret([fill + 1; 32]).into());
        let (mut initiator, mut responder) = (new(Side::Initiator, 1), new(Side::Responder, 3));
        initiator.write(&mut first).unwrap();
        // What goes over the line is public.
        reveal(&mut first);
        responder.read(&mut first).unwrap();
        responder.write(&mut second).unwrap();
        reveal(&mut second);
        initiator.read(&mut second).unwrap();
        initiator.write(&mut third).unwrap();
        reveal(&mut third);
        responder.read(&mut third).unwrap();
        (initiator.finish().unwrap(), responder.finish().unwrap())
    });
    let (mut ours, mut theirs) = (*initiator.handshake_hash(), *responder.handshake_hash());
    reveal(&mut ours);
    reveal(&mut theirs);
    assert_eq!(ours, theirs);
}
