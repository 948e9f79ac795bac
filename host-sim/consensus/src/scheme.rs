//! The signature scheme of the engine.

use std::collections::BTreeSet;
use std::sync::Arc;

use commonware_consensus::simplex::types as simplex;
use commonware_consensus::types::{Epoch, Round as SimplexRound, View};
use commonware_consensus::{Epochable, Viewable};
use commonware_cryptography::certificate::{
    self, AssemblyError, Attestation, Membership, Verification, verify_then_assemble,
};
use commonware_cryptography::{Digest, ed25519::PublicKey};
use commonware_parallel::Strategy;
use commonware_utils::iter::NonEmpty;
use commonware_utils::ordered::Set;
use commonware_utils::{N3f1, Participant};
use qenex_core::consensus::{Proposal, Round, SignerSet, ValidatorSetError, Vote};
use qenex_core::crypto::{Hash, Purpose, Scheme as Signatures, signing_digest, verify};
use qenex_core::hsm::client::Member;
use qenex_core::id::ChainId;
use qenex_signatures::{Item, Verifier};
use rand_core::CryptoRng;

use crate::certificate::{Certificate, Signature};
use crate::header_id::HeaderId;
use crate::signer::VoteSigner;
use crate::validators::{Validators, VoteKey};

/// The core's proposal that simplex means; nothing if its payload has not the length of a header's id.
pub fn proposal_of<D: Digest>(proposal: &simplex::Proposal<D>) -> Option<Proposal> {
    let round = Round { epoch: proposal.epoch().get(), view: proposal.view().get() };
    let header = Hash(proposal.payload.as_ref().try_into().ok()?);
    Some(Proposal { round, parent_view: proposal.parent.get(), header })
}

/// Simplex's proposal that the core means.
pub fn simplex_proposal(proposal: &Proposal) -> simplex::Proposal<HeaderId> {
    let Round { epoch, view } = proposal.round;
    let round = SimplexRound::new(Epoch::new(epoch), View::new(view));
    simplex::Proposal::new(round, View::new(proposal.parent_view), HeaderId(proposal.header))
}

/// The core's vote that simplex asks for; nothing if its payload has not the length of a header's id.
pub fn vote_of<D: Digest>(subject: &simplex::Subject<'_, D>) -> Option<Vote> {
    Some(match subject {
        simplex::Subject::Notarize { proposal } => Vote::Notarize(proposal_of(proposal)?),
        simplex::Subject::Nullify { round } => {
            Vote::Nullify(Round { epoch: round.epoch().get(), view: round.view().get() })
        }
        simplex::Subject::Finalize { proposal } => Vote::Finalize(proposal_of(proposal)?),
    })
}

/// The scheme of one epoch of a chain. Evidence may be shown to anybody: every signature is its signer's own.
#[derive(Clone, Debug)]
pub struct Scheme {
    chain_id: ChainId,
    validators: Arc<Validators>,
    signer: Option<(Participant, Arc<dyn VoteSigner>)>,
    verifier: Arc<Verifier>,
}

impl Scheme {
    /// A scheme that verifies.
    pub fn verifier(chain_id: ChainId, validators: Validators) -> Self {
        let verifier = Arc::new(Verifier::new(validators.size()));
        Self { chain_id, validators: Arc::new(validators), signer: None, verifier }
    }

    /// A scheme that votes, too.
    ///
    /// # Errors
    /// The signer's key is none of the set.
    pub fn signer(
        chain_id: ChainId,
        validators: Validators,
        signer: Arc<dyn VoteSigner>,
    ) -> Result<Self, ValidatorSetError> {
        let participant = validators.participant(&signer.vote_key()).ok_or(ValidatorSetError::Set)?;
        Ok(Self { signer: Some((participant, signer)), ..Self::verifier(chain_id, validators) })
    }

    /// Who votes in the epoch.
    pub fn validators(&self) -> &Validators {
        &self.validators
    }

    /// What a validator signs; nothing if the subject is not one of the ledger.
    fn digest<D: Digest>(&self, subject: &simplex::Subject<'_, D>) -> Option<Hash> {
        let id = vote_of(subject)?.id(&self.chain_id);
        Some(signing_digest(Signatures::Ed25519, Purpose::Vote, &id))
    }

    fn vote_key(&self, participant: Participant) -> Option<&VoteKey> {
        self.validators.vote_keys().get(usize::from(self.validators.place(participant)?))
    }

    /// Adds what must verify for a certificate to hold; returns whether its signers are members and enough.
    fn stage<'a>(
        &'a self,
        digest: &'a Hash,
        certificate: &'a Certificate,
        items: &mut Vec<Item<'a>>,
    ) -> bool {
        if certificate.signatures().len() < self.validators.quorum() {
            return false;
        }
        let Ok(members) = self.validators.members(certificate) else { return false };
        items.extend(members.filter_map(|member| {
            let Member { scheme, public_key, .. } = member;
            member.signature.map(|signature| Item { scheme, public_key, digest, signature })
        }));
        true
    }

    fn all_verify(&self, items: &[Item<'_>]) -> bool {
        self.verifier.verify_batch(items).iter().all(Result::is_ok)
    }
}

impl certificate::Verifier for Scheme {
    type Subject<'a, D: Digest> = simplex::Subject<'a, D>;
    type Faults = N3f1;
    type PublicKey = PublicKey;
    type Certificate = Certificate;

    fn verify_certificate<R, D>(
        &self,
        _: &mut R,
        subject: Self::Subject<'_, D>,
        certificate: &Certificate,
        _: &impl Strategy,
    ) -> bool
    where
        R: CryptoRng,
        D: Digest,
    {
        let Some(digest) = self.digest(&subject) else { return false };
        let mut items = Vec::with_capacity(certificate.signatures().len());
        self.stage(&digest, certificate, &mut items) && self.all_verify(&items)
    }

    fn verify_certificates<'a, R, D, I>(
        &self,
        _: &mut R,
        certificates: NonEmpty<I>,
        _: &impl Strategy,
    ) -> bool
    where
        R: CryptoRng,
        D: Digest,
        I: Iterator<Item = (Self::Subject<'a, D>, &'a Certificate)>,
    {
        let staged: Option<Vec<(Hash, &Certificate)>> = certificates
            .into_iter()
            .map(|(subject, certificate)| Some((self.digest(&subject)?, certificate)))
            .collect();
        let Some(staged) = staged else { return false };
        let mut items = Vec::new();
        staged.iter().all(|(digest, certificate)| self.stage(digest, certificate, &mut items))
            && self.all_verify(&items)
    }

    fn is_batchable() -> bool {
        true
    }

    fn max_certificate_size(participants: u32) -> usize {
        Certificate::encoded_len(usize::try_from(participants).unwrap_or(usize::MAX))
    }

    fn certificate_codec_config(&self) -> usize {
        self.validators.size()
    }

    fn certificate_codec_config_unbounded() -> usize {
        usize::MAX
    }
}

impl certificate::Scheme for Scheme {
    type Signature = Signature;

    fn me(&self) -> Option<Membership> {
        self.signer.as_ref().map(|(participant, _)| Membership::Signer(*participant))
    }

    fn participants(&self) -> &Set<PublicKey> {
        self.validators.peers()
    }

    /// Nothing if there is no signer or it refuses: the engine does not ask again for a vote to notarize.
    fn sign<D: Digest>(&self, subject: Self::Subject<'_, D>) -> Option<Attestation<Self>> {
        let (participant, signer) = self.signer.as_ref()?;
        let vote = vote_of(&subject)?;
        match signer.sign(&self.chain_id, &vote) {
            Ok(signature) => Some(Attestation { signer: *participant, signature: signature.into() }),
            Err(code) => {
                tracing::warn!(?vote, "vote not signed: {code}");
                None
            }
        }
    }

    fn verify_attestation<R, D>(
        &self,
        _: &mut R,
        subject: Self::Subject<'_, D>,
        attestation: &Attestation<Self>,
        _: &impl Strategy,
    ) -> bool
    where
        R: CryptoRng,
        D: Digest,
    {
        let signed = || {
            let (digest, key) = (self.digest(&subject)?, self.vote_key(attestation.signer)?);
            verify(Signatures::Ed25519, key, &digest, attestation.signature.get()?).ok()
        };
        signed().is_some()
    }

    fn verify_attestations<R, D, I>(
        &self,
        _: &mut R,
        subject: Self::Subject<'_, D>,
        attestations: I,
        _: &impl Strategy,
    ) -> Verification<Self>
    where
        R: CryptoRng,
        D: Digest,
        I: IntoIterator<Item = Attestation<Self>>,
        I::IntoIter: Send,
    {
        let attestations: Vec<_> = attestations.into_iter().collect();
        let digest = self.digest(&subject);
        let items: Vec<Option<Item<'_>>> = attestations
            .iter()
            .map(|attestation| {
                let (public_key, signature) =
                    (self.vote_key(attestation.signer)?, attestation.signature.get()?);
                Some(Item { scheme: Signatures::Ed25519, public_key, digest: digest.as_ref()?, signature })
            })
            .collect();
        let batch: Vec<_> = items.iter().flatten().copied().collect();
        let mut answers = self.verifier.verify_batch(&batch).into_iter();
        let good: Vec<bool> = items
            .iter()
            .map(|item| item.is_some() && answers.next().is_some_and(|answer| answer.is_ok()))
            .collect();
        let (mut verified, mut invalid) = (Vec::with_capacity(attestations.len()), BTreeSet::new());
        for (attestation, good) in attestations.into_iter().zip(good) {
            if good {
                verified.push(attestation);
            } else {
                invalid.insert(attestation.signer);
            }
        }
        Verification::new(verified, invalid.into_iter().collect())
    }

    fn optimistic_assemble<'a, R, D, I, J>(
        &self,
        rng: &mut R,
        subject: Self::Subject<'_, D>,
        pending: I,
        verified: J,
        strategy: &impl Strategy,
    ) -> Result<Certificate, Verification<Self>>
    where
        R: CryptoRng,
        D: Digest,
        I: IntoIterator<Item = Attestation<Self>>,
        I::IntoIter: ExactSizeIterator + Send,
        J: IntoIterator<Item = &'a Attestation<Self>>,
        J::IntoIter: Send,
    {
        verify_then_assemble::<Self, _, D, _, _>(self, rng, subject, pending, verified, strategy)
    }

    fn assemble<I>(&self, attestations: NonEmpty<I>, _: &impl Strategy) -> Result<Certificate, AssemblyError>
    where
        I: Iterator<Item = Attestation<Self>> + Send,
    {
        let mut signers = SignerSet::default();
        let mut signatures = Vec::with_capacity(self.validators.size());
        for Attestation { signer, signature } in attestations {
            let place = self.validators.place(signer).ok_or(AssemblyError::UnknownSigner(signer))?;
            let signature = signature.get().ok_or(AssemblyError::MalformedSignature(signer))?;
            if signers.contains(place) {
                return Err(AssemblyError::DuplicateSigner(signer));
            }
            signers.insert(place);
            signatures.push((place, *signature));
        }
        let (needed, found) = (self.validators.quorum(), signatures.len());
        let too_few = || AssemblyError::InsufficientAttestations(needed as u32, found as u32);
        if found < needed {
            return Err(too_few());
        }
        signatures.sort_unstable_by_key(|(place, _)| *place);
        let signatures = signatures.into_iter().map(|(_, signature)| signature).collect();
        Certificate::new(signers, signatures).map_err(|_| too_few())
    }

    fn is_attributable() -> bool {
        true
    }
}
