//! The light client: the newest final header that is believed, and which one may follow.
//!
//! Belief starts from an anchor that officers vouch for. A header follows if a quorum of the set that is trusted for its
//! epoch finalized it; one final header covers all its ancestors, so headers between may be left out, but not the end
//! of an epoch at which the set changes. Time comes from headers only and never goes back.
//!
//! What a quorum signed is a certificate, or a checkpoint: one client moves on by either. Who follows by checkpoints alone believes nothing that
//! Ed25519 alone says.

use serde::{Deserialize, Serialize};

use super::certificate::{Certificate, CertificateError};
use super::checkpoint::{Checkpoint, Endorsements};
use super::header::Header;
use super::vote::{Proposal, Round};
use crate::codec::{Encoded, Tag, Tagging};
use crate::crypto::Hash;
use crate::error::error_enum;
use crate::id::ChainId;

error_enum! {
    /// Why a header does not follow the trusted one.
    pub enum LightError {
        Protocol => HEADER_PROTOCOL,
        Chain => HEADER_CHAIN,
        NotNewer => HEADER_NOT_NEWER,
        Time => HEADER_TIME,
        Epoch => HEADER_EPOCH,
        TrustingPeriod => HEADER_TRUSTING_PERIOD,
        Proposal => CERTIFICATE_PROPOSAL,
        Set => VALIDATOR_SET,
        Signers => CERTIFICATE_SIGNERS,
        Signature => CERTIFICATE_SIGNATURE,
    }
}

impl From<CertificateError> for LightError {
    fn from(error: CertificateError) -> Self {
        match error {
            CertificateError::Set => Self::Set,
            CertificateError::Signers => Self::Signers,
            CertificateError::Signature => Self::Signature,
        }
    }
}

/// Where belief starts: a header that officers vouch for, and how long a set may be believed without news.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// The header.
    pub header: Header,
    /// The longest block time between two headers that follow each other; shorter than the unbonding delay of
    /// the chain, after which a former validator has nothing left to lose.
    pub trusting_period_ms: u64,
}

/// What is kept of the newest header that is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trusted {
    /// The chain.
    pub chain_id: ChainId,
    /// Its height.
    pub height: u64,
    /// Its epoch.
    pub epoch: u64,
    /// Its time, in milliseconds since the Unix epoch.
    pub time_ms: u64,
    /// Its id.
    pub header: Hash,
    /// The root of the records after it.
    pub state_root: Hash,
    /// The set that decided on it.
    pub validators: Hash,
    /// The set that decides on the block after it.
    pub next_validators: Hash,
    /// See [`Anchor::trusting_period_ms`].
    pub trusting_period_ms: u64,
}

impl Encoded for Trusted {
    const TAGGING: Tagging = Tagging::Fixed(Tag::TRUSTED);
    const MAX_LEN: usize = 2 + 25 + 4 * 10 + 4 * 32;
}

impl Trusted {
    /// Starts at an anchor.
    ///
    /// # Errors
    /// The header follows other rules than those of this crate.
    pub fn new(anchor: &Anchor) -> Result<Self, LightError> {
        Self::of(&anchor.header, anchor.trusting_period_ms)
    }

    fn of(header: &Header, trusting_period_ms: u64) -> Result<Self, LightError> {
        if header.protocol != Header::PROTOCOL {
            return Err(LightError::Protocol);
        }
        Ok(Self {
            chain_id: header.chain_id,
            height: header.height,
            epoch: header.epoch,
            time_ms: header.time_ms,
            header: header.id(),
            state_root: header.state_root,
            validators: header.validators,
            next_validators: header.next_validators,
            trusting_period_ms,
        })
    }

    /// Starts the check of a newer header: returns what will be believed once the certificate is complete, and the
    /// set that must have signed it.
    ///
    /// # Errors
    /// The header cannot follow whoever signed it, or the proposal is not for it.
    pub fn follow(&self, header: &Header, proposal: &Proposal) -> Result<Following, LightError> {
        let next = Self::of(header, self.trusting_period_ms)?;
        self.admits(&next)?;
        if proposal.header != next.header || proposal.round.epoch != next.epoch {
            return Err(LightError::Proposal);
        }
        // Of this very header and epoch, whatever became of the check.
        let round = Round { epoch: next.epoch, ..proposal.round };
        let proposal = Proposal { round, header: next.header, ..*proposal };
        Ok(Following { next, certificate: Certificate::new(&self.chain_id, &proposal) })
    }

    /// Starts the check of a newer header by its checkpoint.
    ///
    /// # Errors
    /// The header cannot follow whoever signed it.
    pub fn follow_checkpoint(&self, header: &Header) -> Result<FollowingCheckpoint, LightError> {
        let next = Self::of(header, self.trusting_period_ms)?;
        self.admits(&next)?;
        Ok(FollowingCheckpoint { next, endorsements: Endorsements::new(&next.checkpoint()) })
    }

    /// The checkpoint of the header that is believed.
    pub const fn checkpoint(&self) -> Checkpoint {
        let Self { chain_id, epoch, height, header, .. } = *self;
        Checkpoint { chain_id, epoch, height, header }
    }

    /// Whether a header can follow, whoever signed it.
    fn admits(&self, next: &Self) -> Result<(), LightError> {
        if next.chain_id != self.chain_id {
            return Err(LightError::Chain);
        }
        if next.height <= self.height {
            return Err(LightError::NotNewer);
        }
        let elapsed_ms = next.time_ms.checked_sub(self.time_ms).ok_or(LightError::Time)?;
        if elapsed_ms > self.trusting_period_ms {
            return Err(LightError::TrustingPeriod);
        }
        let expected = match next.epoch.checked_sub(self.epoch) {
            Some(0) => self.validators,
            Some(1) => self.next_validators,
            _ => return Err(LightError::Epoch),
        };
        if next.validators != expected { Err(LightError::Epoch) } else { Ok(()) }
    }
}

/// A header whose certificate is being checked.
#[derive(Clone)]
pub struct Following {
    next: Trusted,
    /// Takes the members of the set.
    pub certificate: Certificate,
}

impl Following {
    /// What is believed from now on, after what is believed now.
    ///
    /// # Errors
    /// The certificate does not hold; or what is believed has changed since, and the header cannot follow it.
    pub fn finish(&self, trusted: &Trusted) -> Result<Trusted, LightError> {
        trusted.admits(&self.next)?;
        self.certificate.finish(&self.next.validators)?;
        Ok(self.next)
    }
}

/// A header whose checkpoint is being checked.
#[derive(Clone)]
pub struct FollowingCheckpoint {
    next: Trusted,
    /// Takes the members of the set.
    pub endorsements: Endorsements,
}

impl FollowingCheckpoint {
    /// What is believed from now on, after what is believed now.
    ///
    /// # Errors
    /// The checkpoint does not hold; or what is believed has changed since, and the header cannot follow it.
    pub fn finish(&self, trusted: &Trusted) -> Result<Trusted, LightError> {
        trusted.admits(&self.next)?;
        self.endorsements.finish(&self.next.validators)?;
        Ok(self.next)
    }
}
