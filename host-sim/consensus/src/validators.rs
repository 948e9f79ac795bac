//! Who may vote in an epoch.

use commonware_codec::DecodeExt;
use commonware_cryptography::ed25519::PublicKey;
use commonware_utils::Participant;
use commonware_utils::ordered::Set;
use qenex_core::consensus::{self, CertificateError, SetHasher, ValidatorSetError};
use qenex_core::crypto::ed25519::{PUBLIC_KEY_BYTES, validate_public_key};
use qenex_core::crypto::{Hash, Scheme};
use qenex_core::hsm::client::Member;

use crate::certificate::Certificate;

/// A public key of votes.
pub type VoteKey = [u8; PUBLIC_KEY_BYTES];

/// One who may vote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validator {
    /// The key by which the network and the engine know it.
    pub peer: PublicKey,
    /// The key that its votes are signed with.
    pub vote_key: VoteKey,
    /// The hash of the key that it signs checkpoints with.
    pub finality_key: [u8; 32],
}

/// The validators of an epoch. The core orders them by the keys of votes: that is a member's place in a set and in a
/// certificate. The engine orders them by the keys of peers: that is a participant's index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validators {
    /// In the order of the core.
    vote_keys: Vec<VoteKey>,
    /// Likewise.
    finality_keys: Vec<[u8; 32]>,
    peers: Set<PublicKey>,
    /// For each participant its place among the members.
    places: Vec<u8>,
    hash: Hash,
}

impl Validators {
    /// The set of these validators, in any order.
    ///
    /// # Errors
    /// There are none or too many, two share a key, or a key of votes cannot verify anything.
    pub fn new(validators: impl IntoIterator<Item = Validator>) -> Result<Self, ValidatorSetError> {
        let mut validators: Vec<Validator> = validators.into_iter().collect();
        validators.sort_by_key(|validator| validator.vote_key);
        let mut hasher = SetHasher::new();
        let mut participants = Vec::with_capacity(validators.len());
        for validator in &validators {
            validate_public_key(&validator.vote_key).map_err(|_| ValidatorSetError::Set)?;
            participants.push((validator.peer.clone(), hasher.members()));
            hasher.push(Scheme::Ed25519, &validator.vote_key, &validator.finality_key)?;
        }
        participants.sort();
        let (peers, places): (Vec<_>, _) = participants.into_iter().unzip();
        Ok(Self {
            vote_keys: validators.iter().map(|validator| validator.vote_key).collect(),
            finality_keys: validators.iter().map(|validator| validator.finality_key).collect(),
            peers: Set::try_from(peers).map_err(|_| ValidatorSetError::Set)?,
            places,
            hash: hasher.finish()?,
        })
    }

    /// The set of these keys of votes and hashes of keys of checkpoints, whose keys of peers are not known: each stands under its key of votes. Certificates can
    /// be verified with it.
    ///
    /// # Errors
    /// As [`Validators::new`].
    pub fn without_peers<'a>(
        members: impl IntoIterator<Item = (&'a VoteKey, &'a [u8; 32])>,
    ) -> Result<Self, ValidatorSetError> {
        let validator = |(vote_key, finality_key): (&VoteKey, &[u8; 32])| {
            let peer = PublicKey::decode(vote_key.to_vec()).map_err(|_| ValidatorSetError::Set)?;
            Ok(Validator { peer, vote_key: *vote_key, finality_key: *finality_key })
        };
        Self::new(members.into_iter().map(validator).collect::<Result<Vec<_>, _>>()?)
    }

    /// The hash of the set, as headers name it.
    pub const fn hash(&self) -> Hash {
        self.hash
    }

    /// How many there are: never zero.
    pub const fn size(&self) -> usize {
        self.vote_keys.len()
    }

    /// How many must agree.
    pub fn quorum(&self) -> usize {
        // A set has at most 255 members, each with a place.
        usize::from(consensus::quorum(u8::try_from(self.size()).unwrap_or(u8::MAX)))
    }

    /// The keys of peers, in the order of the engine.
    pub const fn peers(&self) -> &Set<PublicKey> {
        &self.peers
    }

    /// The keys of votes, in the order of the core.
    pub fn vote_keys(&self) -> &[VoteKey] {
        &self.vote_keys
    }

    /// The hashes of the keys of checkpoints, in the order of the core.
    pub fn finality_keys(&self) -> &[[u8; 32]] {
        &self.finality_keys
    }

    /// The place among the members of one of the engine's participants.
    pub fn place(&self, participant: Participant) -> Option<u8> {
        self.places.get(usize::from(participant)).copied()
    }

    /// The participant with this key of votes.
    pub fn participant(&self, vote_key: &VoteKey) -> Option<Participant> {
        let place = self.vote_keys.binary_search(vote_key).ok()?;
        self.places.iter().position(|other| usize::from(*other) == place).map(Participant::from_usize)
    }

    /// Each member in the order of the core, with its signature if it signed: what a device takes.
    ///
    /// # Errors
    /// A signer is no member.
    pub fn members<'a>(
        &'a self,
        certificate: &'a Certificate,
    ) -> Result<impl Iterator<Item = Member<'a>>, CertificateError> {
        let mut signatures = certificate.signatures().iter();
        let signed = |place: u8| certificate.signers().contains(place);
        if (0..=u8::MAX).skip(self.size()).any(signed) {
            return Err(CertificateError::Signers);
        }
        let members = self.vote_keys.iter().zip(&self.finality_keys).zip(0..=u8::MAX);
        Ok(members.map(move |((vote_key, finality_key), place)| Member {
            scheme: Scheme::Ed25519,
            public_key: vote_key,
            finality_key,
            signature: if signed(place) { signatures.next().map(|bytes| &bytes[..]) } else { None },
        }))
    }

    /// Hands a certificate to the core's check.
    ///
    /// # Errors
    /// A signer is no member, or its signature is not one of what is checked.
    pub fn present(
        &self,
        certificate: &Certificate,
        check: &mut consensus::Certificate,
    ) -> Result<(), CertificateError> {
        for member in self.members(certificate)? {
            check.push(member.scheme, member.public_key, member.finality_key, member.signature)?;
        }
        Ok(())
    }
}
