//! Certificates: that a quorum of a set of validators finalized a proposal.
//!
//! A check takes the members of the set one after the other, each with its signature if it signed. Nothing may be
//! believed before [`Certificate::finish`]: only there is it known whose keys they were.

use core::hint::black_box;

use super::validators::{MAX_VALIDATORS, SetHasher, ValidatorSetError, quorum};
use super::vote::{Proposal, Vote};
use crate::crypto::{Hash, Purpose, Scheme, SignatureError, signing_digest, verify};
use crate::error::error_enum;
use crate::id::ChainId;

error_enum! {
    /// Why a certificate or a checkpoint is not accepted.
    pub enum CertificateError {
        Set => VALIDATOR_SET,
        Signers => CERTIFICATE_SIGNERS,
        Signature => CERTIFICATE_SIGNATURE,
    }
}

impl From<ValidatorSetError> for CertificateError {
    fn from(_: ValidatorSetError) -> Self {
        Self::Set
    }
}

/// Which members of a set signed: bit `i` of the bytes, the least significant of the first byte first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SignerSet(pub [u8; MAX_VALIDATORS.div_ceil(8)]);

impl SignerSet {
    /// Whether member `index` signed.
    pub fn contains(&self, index: u8) -> bool {
        let byte = self.0.get(usize::from(index >> 3)).copied().unwrap_or_default();
        byte.wrapping_shr(u32::from(index & 7)) & 1 == 1
    }

    /// Notes that member `index` signed.
    pub fn insert(&mut self, index: u8) {
        if let Some(byte) = self.0.get_mut(usize::from(index >> 3)) {
            *byte |= 1u8.wrapping_shl(u32::from(index & 7));
        }
    }
}

/// Members of a set that came, in its order, and how many of them signed.
#[derive(Clone)]
pub(super) struct Tally {
    set: SetHasher,
    signers: u8,
    failure: Option<CertificateError>,
}

impl Tally {
    pub(super) fn new() -> Self {
        Self { set: SetHasher::new(), signers: 0, failure: None }
    }

    /// Takes the next member, and, if it signed, what verifies its signature. What failed once fails for ever.
    pub(super) fn push(
        &mut self,
        scheme: Scheme,
        public_key: &[u8],
        finality_key: &[u8; 32],
        signed: Option<impl FnOnce() -> Result<(), SignatureError>>,
    ) -> Result<(), CertificateError> {
        let result = self
            .failure
            .map_or(Ok(()), Err)
            .and_then(|()| self.take(scheme, public_key, finality_key, signed));
        self.failure = result.err();
        result
    }

    fn take(
        &mut self,
        scheme: Scheme,
        public_key: &[u8],
        finality_key: &[u8; 32],
        signed: Option<impl FnOnce() -> Result<(), SignatureError>>,
    ) -> Result<(), CertificateError> {
        self.set.push(scheme, public_key, finality_key)?;
        if let Some(verify) = signed {
            let verified = verify();
            // A fault that skips one decision does not make a signer: what counts is a second value, taken before the first one is looked at,
            // of which the compiler does not know that it is the same.
            let counted = black_box(verified);
            if verified.is_err() {
                return Err(CertificateError::Signature);
            }
            self.signers = self.signers.saturating_add(u8::from(counted.is_ok()));
        }
        Ok(())
    }

    /// Whether the members were those of the set with this hash and a quorum of them signed.
    pub(super) fn finish(&self, validators: &Hash) -> Result<(), CertificateError> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        let members = self.set.members();
        if self.set.clone().finish()? != *validators {
            return Err(CertificateError::Set);
        }
        if self.signers < quorum(members) { Err(CertificateError::Signers) } else { Ok(()) }
    }
}

/// A check of one certificate under way.
#[derive(Clone)]
pub struct Certificate {
    /// The id of the vote that all signed.
    vote: Hash,
    tally: Tally,
}

impl Certificate {
    /// Starts the check that this proposal of this chain is final.
    pub fn new(chain_id: &ChainId, proposal: &Proposal) -> Self {
        Self { vote: Vote::Finalize(*proposal).id(chain_id), tally: Tally::new() }
    }

    /// Takes the next member of the set: the scheme and the key of its votes, its [`super::finality_key`], and its signature if it signed.
    ///
    /// # Errors
    /// The member is out of order, or the signature is not its own of the vote. Nothing is accepted afterwards.
    pub fn push(
        &mut self,
        scheme: Scheme,
        public_key: &[u8],
        finality_key: &[u8; 32],
        signature: Option<&[u8]>,
    ) -> Result<(), CertificateError> {
        let verified = signature.map(|signature| {
            let digest = signing_digest(scheme, Purpose::Vote, &self.vote);
            move || verify(scheme, public_key, &digest, signature)
        });
        self.tally.push(scheme, public_key, finality_key, verified)
    }

    /// Accepts the certificate if the members were those of the set with this hash and a quorum of them signed.
    ///
    /// # Errors
    /// Another set, or too few signatures.
    pub fn finish(&self, validators: &Hash) -> Result<(), CertificateError> {
        self.tally.finish(validators)
    }
}
