//! Certificates: assembled by the scheme, checked by the scheme and by the core's light client, refused when anything is wrong.
#![allow(clippy::unwrap_used)] // a test that meets what it does not expect should stop there

mod common;

use bytes::Bytes;
use commonware_codec::types::lazy::Lazy;
use commonware_codec::{Decode, Encode, Error as CodecError};
use commonware_consensus::simplex::types as simplex;
use commonware_consensus::types::{Epoch, Round, View};
use commonware_cryptography::certificate::{AssemblyError, Attestation, Scheme as _, Verifier as _};
use commonware_parallel::Sequential;
use commonware_utils::iter::NonEmpty;
use commonware_utils::ordered::Quorum as _;
use commonware_utils::{N3f1, Participant};
use qenex_consensus::{Certificate, HeaderId, Scheme, Validators, proposal_of};
use qenex_core::consensus::{
    Anchor, CertificateError, Header, LightError, MAX_VALIDATORS, SignerSet, Trusted, ValidatorSetError,
};
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use common::{Keys, cases, chain, committee, header, random_proposal, rng};

/// An epoch with a header that may be finalized in it.
struct Setting {
    validators: Validators,
    schemes: Vec<Scheme>,
    trusted: Trusted,
    header: Header,
    proposal: simplex::Proposal<HeaderId>,
}

impl Setting {
    fn new(rng: &mut StdRng, size: usize) -> Self {
        let (validators, schemes) = committee(rng, size);
        let epoch = rng.random_range(0..1_000);
        let first = header(None, epoch, validators.hash(), validators.hash());
        let anchor = Anchor { header: first.clone(), trusting_period_ms: 10_000 };
        let next = header(Some(&first), epoch, validators.hash(), validators.hash());
        let view = rng.random_range(1..1_000);
        let round = Round::new(Epoch::new(epoch), View::new(view));
        let proposal = simplex::Proposal::new(round, View::new(view - 1), HeaderId(next.id()));
        Self { validators, schemes, trusted: Trusted::new(&anchor).unwrap(), header: next, proposal }
    }

    fn subject(&self) -> simplex::Subject<'_, HeaderId> {
        simplex::Subject::Finalize { proposal: &self.proposal }
    }

    fn votes(&self) -> Vec<Attestation<Scheme>> {
        self.schemes.iter().map(|scheme| scheme.sign(self.subject()).unwrap()).collect()
    }

    fn assemble(&self, votes: Vec<Attestation<Scheme>>) -> Result<Certificate, AssemblyError> {
        self.schemes[0].assemble(NonEmpty::try_new(votes.into_iter()).unwrap(), &Sequential)
    }

    fn verifies(&self, rng: &mut StdRng, certificate: &Certificate) -> bool {
        self.schemes[0].verify_certificate(rng, self.subject(), certificate, &Sequential)
    }

    /// What the light client says.
    fn follow(&self, certificate: &Certificate) -> Result<Trusted, LightError> {
        let mut following = self.trusted.follow(&self.header, &proposal_of(&self.proposal).unwrap())?;
        self.validators.present(certificate, &mut following.certificate)?;
        following.finish(&self.trusted)
    }

    /// Both answers must be the same.
    fn check(&self, rng: &mut StdRng, certificate: &Certificate) -> Result<Trusted, LightError> {
        let answer = self.follow(certificate);
        assert_eq!(self.verifies(rng, certificate), answer.is_ok(), "{answer:?}");
        answer
    }
}

#[test]
fn what_is_assembled_is_the_cores_certificate() {
    let mut rng = rng();
    for size in (1..=8).chain([22, 40]) {
        let setting = Setting::new(&mut rng, size);
        assert_eq!(setting.validators.quorum(), setting.validators.peers().quorum::<N3f1>() as usize);
        let mut votes = setting.votes();
        votes.shuffle(&mut rng);
        votes.truncate(rng.random_range(setting.validators.quorum()..=size));
        let certificate = setting.assemble(votes.clone()).unwrap();
        assert_eq!(setting.check(&mut rng, &certificate).unwrap().header, setting.header.id());

        // The signers are places in the core's order, their signatures are those of the votes.
        let members = setting.validators.members(&certificate).unwrap();
        for (member, place) in members.zip(0u8..) {
            let participant = setting.validators.participant(member.public_key.try_into().unwrap()).unwrap();
            assert_eq!(setting.validators.place(participant), Some(place));
            let vote = votes.iter().find(|vote| vote.signer == participant);
            assert_eq!(member.signature, vote.and_then(|vote| vote.signature.get().map(|bytes| &bytes[..])));
            assert_eq!(certificate.signers().contains(place), vote.is_some());
        }

        // To the core's form and back, and through bytes, nothing changes.
        let again = Certificate::new(*certificate.signers(), certificate.signatures().to_vec()).unwrap();
        assert_eq!(again, certificate);
        let bytes = certificate.encode();
        assert_eq!(bytes[..], [&certificate.signers().0, certificate.signatures().as_flattened()].concat());
        assert_eq!(bytes.len(), Certificate::encoded_len(votes.len()));
        assert!(bytes.len() <= Scheme::max_certificate_size(size as u32));
        let bound = setting.schemes[0].certificate_codec_config();
        assert_eq!(Certificate::decode_cfg(bytes.clone(), &bound).unwrap(), certificate);
        let unbounded = Scheme::certificate_codec_config_unbounded();
        assert_eq!(Certificate::decode_cfg(bytes.clone(), &unbounded).unwrap(), certificate);
        let fewer = Certificate::decode_cfg(bytes, &(votes.len() - 1));
        assert!(matches!(fewer, Err(CodecError::InvalidLength(_))));
    }
}

/// Whatever bit of a certificate is changed: it does not decode, or both the scheme and the core refuse it.
#[test]
fn a_changed_certificate_is_refused() {
    let mut rng = rng();
    let setting = Setting::new(&mut rng, 7);
    let mut votes = setting.votes();
    votes.pop();
    let certificate = setting.assemble(votes).unwrap();
    let bytes = certificate.encode();
    let (mut undecoded, mut signatures) = (0, 0);
    let each_of_the_signers = (0..8 * 32).collect::<Vec<usize>>();
    let some_of_the_signatures = (0..cases()).map(|_| rng.random_range(8 * 32..8 * bytes.len())).collect();
    for bit in [each_of_the_signers, some_of_the_signatures].concat() {
        let mut changed = bytes.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        match Certificate::decode_cfg(changed, &usize::MAX) {
            Ok(changed) => {
                assert_eq!(setting.check(&mut rng, &changed), Err(LightError::Signature), "bit {bit}");
                signatures += 1;
            }
            // One signer more or less than signatures.
            Err(CodecError::EndOfBuffer | CodecError::ExtraData(64)) => undecoded += 1,
            Err(error) => panic!("bit {bit}: {error}"),
        }
    }
    assert_eq!((undecoded, signatures), (8 * 32, cases()));
}

#[test]
fn wrong_signers_are_refused() {
    let mut rng = rng();
    let setting = Setting::new(&mut rng, 7);
    let good = setting.assemble(setting.votes()).unwrap();
    setting.check(&mut rng, &good).unwrap();
    let signers = |places: &[u8]| {
        let mut signers = SignerSet::default();
        places.iter().for_each(|place| signers.insert(*place));
        signers
    };
    let of = |places: &[u8], signatures: &[u8]| {
        let signatures = signatures.iter().map(|place| good.signatures()[usize::from(*place)]).collect();
        Certificate::new(signers(places), signatures)
    };
    let right = of(&[0, 1, 3, 4, 6], &[0, 1, 3, 4, 6]).unwrap();
    setting.check(&mut rng, &right).unwrap();
    // Another member's signature; one twice; in another order.
    for signatures in [[0, 1, 3, 4, 5], [0, 1, 3, 4, 4], [1, 0, 3, 4, 6]] {
        let wrong = of(&[0, 1, 3, 4, 6], &signatures).unwrap();
        assert_eq!(setting.check(&mut rng, &wrong), Err(LightError::Signature));
    }
    // Too few.
    let few = of(&[0, 1, 3, 4], &[0, 1, 3, 4]).unwrap();
    assert_eq!(setting.check(&mut rng, &few), Err(LightError::Signers));
    // A signer who is no member, alone or beside a quorum.
    for places in [[0, 1, 3, 4, 7], [0, 1, 3, 4, 255]] {
        let stranger = of(&places, &[0, 1, 3, 4, 6]).unwrap();
        assert_eq!(setting.check(&mut rng, &stranger), Err(LightError::Signers));
    }
    let beside = of(&[0, 1, 2, 3, 4, 200], &[0, 1, 2, 3, 4, 5]).unwrap();
    assert_eq!(setting.check(&mut rng, &beside), Err(LightError::Signers));
    // Signers and signatures of different number.
    assert_eq!(of(&[], &[]), Err(CertificateError::Signers));
    assert_eq!(of(&[0, 1], &[0]), Err(CertificateError::Signers));

    // Of another set, for another header, kind or chain.
    let other = Setting::new(&mut rng, 7);
    let theirs = other.assemble(other.votes()).unwrap();
    assert_eq!(setting.check(&mut rng, &theirs), Err(LightError::Signature));
    let proposal = random_proposal(&mut rng);
    for subject in [
        simplex::Subject::Finalize { proposal: &proposal },
        simplex::Subject::Notarize { proposal: &setting.proposal },
        simplex::Subject::Nullify { round: setting.proposal.round },
    ] {
        assert!(!setting.schemes[0].verify_certificate(&mut rng, subject, &good, &Sequential));
    }
    let elsewhere = Scheme::verifier("OTHER".parse().unwrap(), setting.validators.clone());
    assert!(!elsewhere.verify_certificate(&mut rng, setting.subject(), &good, &Sequential));
}

#[test]
fn only_a_quorum_is_assembled() {
    let mut rng = rng();
    let setting = Setting::new(&mut rng, 7);
    let votes = setting.votes();
    let few = setting.assemble(votes[..4].to_vec());
    assert_eq!(few, Err(AssemblyError::InsufficientAttestations(5, 4)));
    let with = |vote: Attestation<Scheme>| setting.assemble([&votes[..5], &[vote]].concat());
    assert_eq!(with(votes[2].clone()), Err(AssemblyError::DuplicateSigner(votes[2].signer)));
    let stranger = Participant::new(7);
    let unknown = Attestation { signer: stranger, signature: votes[5].signature.clone() };
    assert_eq!(with(unknown), Err(AssemblyError::UnknownSigner(stranger)));
    let malformed = Attestation {
        signer: votes[5].signer,
        signature: Lazy::deferred(&mut Bytes::from_static(&[0; 3]), ()),
    };
    assert_eq!(with(malformed), Err(AssemblyError::MalformedSignature(votes[5].signer)));
}

/// Batches, small ones that the core judges one by one and large ones that are summed, say what single checks say.
#[test]
fn batches_agree_with_single_checks() {
    let mut rng = rng();
    for size in [4, 40] {
        let setting = Setting::new(&mut rng, size);
        let scheme = &setting.schemes[0];
        let mut votes = setting.votes();
        let bad = rng.random_range(0..size);
        let next = votes[(bad + 1) % size].signature.clone();
        votes[bad].signature = next;
        votes.push(Attestation {
            signer: Participant::new(size as u32),
            signature: votes[0].signature.clone(),
        });
        let single: Vec<bool> = votes
            .iter()
            .map(|vote| scheme.verify_attestation(&mut rng, setting.subject(), vote, &Sequential))
            .collect();
        assert_eq!(single.iter().filter(|good| !**good).count(), 2);
        let answer = scheme.verify_attestations(&mut rng, setting.subject(), votes.clone(), &Sequential);
        let good: Vec<_> =
            votes.iter().zip(&single).filter(|(_, good)| **good).map(|(vote, _)| vote.clone()).collect();
        assert_eq!(answer.verified, good);
        let invalid = [votes[bad].signer, Participant::new(size as u32)];
        assert_eq!(answer.invalid, invalid);

        // The wrong ones are named; what is left may still be enough.
        let refused =
            scheme.optimistic_assemble(&mut rng, setting.subject(), votes, [], &Sequential).err().unwrap();
        assert_eq!((refused.verified.len(), refused.invalid), (size - 1, invalid.to_vec()));
        let (pending, known) = good.split_at(1);
        let certificate = scheme
            .optimistic_assemble(&mut rng, setting.subject(), pending.to_vec(), known, &Sequential)
            .unwrap_or_else(|_| panic!("{size} validators"));
        setting.check(&mut rng, &certificate).unwrap();

        // Several certificates at once, one of which is for something else.
        let (right, other) = (setting.subject(), random_proposal(&mut rng));
        let wrong = simplex::Subject::Finalize { proposal: &other };
        let mut all = vec![(right, &certificate); 8];
        let at_once = |rng: &mut StdRng, all: &[(simplex::Subject<'_, HeaderId>, &Certificate)]| {
            let all = NonEmpty::try_new(all.iter().copied()).unwrap();
            scheme.verify_certificates(rng, all, &Sequential)
        };
        assert!(at_once(&mut rng, &all));
        all[5].0 = wrong;
        assert!(!at_once(&mut rng, &all));
        let each = scheme.verify_certificates_bisect(&mut rng, &all, &Sequential);
        assert_eq!(each, [true, true, true, true, true, false, true, true]);
    }
}

#[test]
fn a_set_has_different_members_whose_keys_can_verify() {
    let mut rng = rng();
    let keys: Vec<Keys> = (0..=MAX_VALIDATORS).map(|_| Keys::random(&mut rng)).collect();
    let mut all: Vec<_> = keys.iter().map(Keys::validator).collect();
    assert_eq!(Validators::new(all.clone()), Err(ValidatorSetError::Set));
    all.pop();
    let full = Validators::new(all.clone()).unwrap();
    assert_eq!((full.size(), full.quorum()), (MAX_VALIDATORS, 171));
    all.reverse();
    assert_eq!(Validators::new(all.clone()), Ok(full.clone()));
    for validator in &all {
        let participant = full.participant(&validator.vote_key).unwrap();
        assert_eq!(full.peers().key(participant), Some(&validator.peer));
    }

    assert_eq!(Validators::new([]), Err(ValidatorSetError::Set));
    let mut three = all[..3].to_vec();
    three[0].vote_key = three[1].vote_key;
    assert_eq!(Validators::new(three.clone()), Err(ValidatorSetError::Set));
    three[0] = all[0].clone();
    three[0].peer = three[1].peer.clone();
    assert_eq!(Validators::new(three.clone()), Err(ValidatorSetError::Set));
    // A key of small order.
    three[0] = all[0].clone();
    three[0].vote_key = [0; 32];
    assert_eq!(Validators::new(three), Err(ValidatorSetError::Set));

    let outsider = Scheme::signer(chain(), full, keys[MAX_VALIDATORS].signer());
    assert_eq!(outsider.err(), Some(ValidatorSetError::Set));
}
