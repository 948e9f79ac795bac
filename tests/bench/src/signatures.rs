//! Verification of batches of Ed25519 signatures over 32-byte digests; one operation is a whole batch.
//!
//! Ours has seen the keys before, as a ledger has; ed25519-zebra's interface takes encoded keys and decodes them each
//! time. Both see each batch for the first time in every other respect.

use ed25519_zebra::batch;
use qenex_core::crypto::{Hash, Purpose, Scheme, signing_digest};
use qenex_signatures::{Item, LoadSigner, Verifier};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::harness::{Bench, Case};

#[derive(Clone)]
struct Signed {
    public_key: [u8; 32],
    digest: Hash,
    signature: [u8; 64],
}

/// One batch, which is one input of the harness.
fn batches(size: usize, keys: usize) -> Vec<Vec<Signed>> {
    let mut rng = StdRng::seed_from_u64(2);
    let signers: Vec<LoadSigner> =
        (0..keys).map(|_| LoadSigner::from_seed(&rng.random()).expect("a seed that is not zero")).collect();
    let sign = |i: usize| {
        let signer = &signers[i % keys];
        let mut id = Hash::default();
        id.0[..8].copy_from_slice(&(i as u64).to_le_bytes());
        Signed {
            public_key: signer.public_key(),
            digest: signing_digest(Scheme::Ed25519, Purpose::Transaction, &id),
            signature: signer.sign(Purpose::Transaction, &id),
        }
    };
    vec![(0..size).map(sign).collect()]
}

fn qenex(verifier: &Verifier, batch: &[Signed]) -> bool {
    let items: Vec<Item<'_>> = batch
        .iter()
        .map(|s| Item {
            scheme: Scheme::Ed25519,
            public_key: &s.public_key,
            digest: &s.digest,
            signature: &s.signature,
        })
        .collect();
    verifier.verify_batch(&items).iter().all(Result::is_ok)
}

fn zebra(batch: &[Signed]) -> bool {
    let mut verifier = batch::Verifier::new();
    for s in batch {
        let key = ed25519_zebra::VerificationKeyBytes::from(s.public_key);
        verifier.queue((key, s.signature.into(), s.digest.as_bytes()));
    }
    verifier.verify(rand::rng()).is_ok()
}

pub fn run(bench: &mut Bench) {
    let (warm, cold) = (&Verifier::default(), &Verifier::new(0));
    for (case, size, keys) in [
        ("batch of 256, as many keys", 256, 256),
        ("batch of 2,048, as many keys", 2_048, 2_048),
        ("batch of 8,190, as many keys", 8_190, 8_190),
        ("batch of 8,190, 2,000 keys", 8_190, 2_000),
    ] {
        let batches = batches(size, keys);
        bench.run(
            Case::new("signatures", case)
                .with("qenex", batches.clone(), |batch| qenex(warm, batch))
                .with("qenex, keys new", batches.clone(), |batch| qenex(cold, batch))
                .with("ed25519-zebra", batches, |batch| zebra(batch)),
        );
    }
}
