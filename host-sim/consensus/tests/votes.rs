//! The bytes of votes: simplex's, the core's, and those of the scheme that Commonware brings along are the same.
#![allow(clippy::unwrap_used)] // a test that meets what it does not expect should stop there

mod common;

use commonware_codec::DecodeExt;
use commonware_consensus::simplex::scheme::{Namespace, ed25519 as bundled};
use commonware_consensus::simplex::types as simplex;
use commonware_consensus::types::View;
use commonware_cryptography::certificate::{Attestation, Scheme as _, Subject as _};
use commonware_cryptography::ed25519::{PrivateKey, Signature as BundledSignature};
use commonware_cryptography::{Signer as _, sha512};
use commonware_parallel::Sequential;
use commonware_utils::ordered::Set;
use commonware_utils::union_unique;
use ed25519_dalek::{Signer as _, SigningKey};
use qenex_consensus::{HeaderId, Scheme, Validators, VoteSigner as _, vote_of};
use qenex_core::consensus::namespace;
use qenex_core::crypto::{Domain, Purpose, Scheme as Signatures, ed25519, hash, signing_digest};
use qenex_core::id::{ChainId, MAX_ID_LEN};
use rand::RngExt;
use rand::rngs::StdRng;

use common::{Keys, cases, random_proposal, rng, subjects};

fn random_chain(rng: &mut StdRng) -> ChainId {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
    let text: String = (0..rng.random_range(1..=MAX_ID_LEN))
        .map(|_| char::from(LETTERS[rng.random_range(0..LETTERS.len())]))
        .collect();
    ChainId::new(&text).unwrap_or_else(|_| common::chain())
}

/// What Commonware's own signers put together for a subject.
fn bytes_of(chain: &ChainId, subject: &simplex::Subject<'_, HeaderId>) -> Vec<u8> {
    union_unique(subject.namespace(&Namespace::new(&namespace(chain))), &subject.message())
}

#[test]
fn the_core_encodes_what_simplex_signs() {
    let mut rng = rng();
    for _ in 0..10 * cases() {
        let (chain, proposal) = (random_chain(&mut rng), random_proposal(&mut rng));
        for subject in subjects(&proposal) {
            let (vote, bytes) = (vote_of(&subject).unwrap(), bytes_of(&chain, &subject));
            assert_eq!(vote.simplex_bytes(&chain)[..], bytes, "{subject:?} on {chain}");
            assert_eq!(vote.id(&chain), hash(Domain::Vote, &[&bytes]));
        }
    }
}

/// The bundled scheme signs, the core verifies over its own bytes; a key signs the core's bytes, the bundled scheme verifies;
/// and the two signatures are equal.
#[test]
fn the_bundled_scheme_and_the_core_sign_the_same_bytes() {
    let mut rng = rng();
    for _ in 0..cases() / 10 {
        let (chain, proposal, seed) =
            (random_chain(&mut rng), random_proposal(&mut rng), rng.random::<[u8; 32]>());
        let (theirs, ours) = (PrivateKey::decode(seed.to_vec()).unwrap(), SigningKey::from_bytes(&seed));
        let participants = Set::try_from([theirs.public_key()]).unwrap();
        let scheme = bundled::Scheme::signer(&namespace(&chain), participants, theirs).unwrap();
        for subject in subjects(&proposal) {
            let bytes = vote_of(&subject).unwrap().simplex_bytes(&chain);
            let attestation = scheme.sign(subject).unwrap();
            let signature = attestation.signature.get().unwrap();
            ed25519::verify(ours.verifying_key().as_bytes(), &bytes, signature).unwrap();

            let signed = |bytes: &[u8]| Attestation::<bundled::Scheme> {
                signer: attestation.signer,
                signature: BundledSignature::decode(ours.sign(bytes).to_bytes().to_vec()).unwrap().into(),
            };
            let verifies = |rng: &mut StdRng, attestation: &Attestation<bundled::Scheme>| {
                scheme.verify_attestation(rng, subject, attestation, &Sequential)
            };
            assert!(verifies(&mut rng, &signed(&bytes)));
            assert_eq!(signed(&bytes), attestation);
            let mut changed = bytes.clone();
            changed[rng.random_range(0..bytes.len())] ^= 1 << rng.random_range(0..8);
            assert!(!verifies(&mut rng, &signed(&changed)));
        }
    }
}

/// A vote is signed as the core signs it: the digest of the bytes' hash, for the purpose of votes. So a signature of the bytes
/// themselves is worthless here, and one of the digest there.
#[test]
fn votes_are_signed_by_the_rule_of_the_ledger() {
    let mut rng = rng();
    for _ in 0..cases() / 10 {
        let (chain, proposal, keys) =
            (random_chain(&mut rng), random_proposal(&mut rng), Keys::random(&mut rng));
        let validators = Validators::new([keys.validator()]).unwrap();
        let scheme = Scheme::signer(chain, validators.clone(), keys.signer()).unwrap();
        let verifier = Scheme::verifier(chain, validators);
        for subject in subjects(&proposal) {
            let attestation = scheme.sign(subject).unwrap();
            let signature = attestation.signature.get().unwrap();
            let vote = vote_of(&subject).unwrap();
            let id = hash(Domain::Vote, &[&bytes_of(&chain, &subject)]);
            let digest = signing_digest(Signatures::Ed25519, Purpose::Vote, &id);
            ed25519::verify(&keys.vote().public_key(), digest.as_bytes(), signature).unwrap();
            assert_eq!(keys.signer().sign(&chain, &vote), Ok(*signature));
            assert!(verifier.verify_attestation(&mut rng, subject, &attestation, &Sequential));
            assert_eq!(verifier.sign(subject), None);

            let bare = SigningKey::from_bytes(&keys.vote_seed).sign(&bytes_of(&chain, &subject)).to_bytes();
            let bare = Attestation { signer: attestation.signer, signature: bare.into() };
            assert!(!verifier.verify_attestation(&mut rng, subject, &bare, &Sequential));
            for other in subjects(&proposal).into_iter().filter(|other| vote_of(other) != Some(vote)) {
                assert!(!verifier.verify_attestation(&mut rng, other, &attestation, &Sequential));
            }
        }
    }
}

/// A payload that is no header's id is neither signed nor verified.
#[test]
fn a_payload_of_another_length_is_no_vote() {
    let mut rng = rng();
    let keys = Keys::random(&mut rng);
    let scheme =
        Scheme::signer(common::chain(), Validators::new([keys.validator()]).unwrap(), keys.signer()).unwrap();
    let digest = sha512::Digest::decode(vec![7; 64]).unwrap();
    let right = random_proposal(&mut rng);
    let proposal = simplex::Proposal::new(right.round, View::new(0), digest);
    let subject = simplex::Subject::Finalize { proposal: &proposal };
    assert_eq!(vote_of(&subject), None);
    assert_eq!(scheme.sign(subject), None);
    let attestation = scheme.sign(simplex::Subject::Finalize { proposal: &right }).unwrap();
    assert!(!scheme.verify_attestation(&mut rng, subject, &attestation, &Sequential));
}
