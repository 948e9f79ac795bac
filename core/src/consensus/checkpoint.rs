//! Checkpoints: finality that outlives Ed25519.
//!
//! Certificates are made for every block and are short; what they prove holds as long as Ed25519 does. When an epoch has ended, those who decided in it
//! sign its last header once more, with hybrid keys, Ed25519 and ML-DSA-87, both of which must verify. The set commits to these keys by
//! their hashes ([`finality_key`]), and a header to the next set: so from an anchor a chain of checkpoints alone leads to the newest epoch,
//! and none of its links can be made anew by whoever breaks Ed25519 later.
//!
//! What is signed says that a header is final, and holds for any; validators sign the last one of each epoch, because no other one is needed to
//! follow.

use serde::{Deserialize, Serialize};

use super::certificate::{CertificateError, Tally};
use super::header::Header;
use super::validators::finality_key;
use crate::codec::{Encoded, Tag, Tagging, hash_encoded};
use crate::crypto::{Domain, Hash, Purpose, Scheme, signing_digest, verify};
use crate::id::ChainId;

/// What is signed: this header of this chain is final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The chain.
    pub chain_id: ChainId,
    /// The epoch of the header.
    pub epoch: u64,
    /// Its height.
    pub height: u64,
    /// Its id.
    pub header: Hash,
}

impl Encoded for Checkpoint {
    const TAGGING: Tagging = Tagging::Fixed(Tag::CHECKPOINT);
    const MAX_LEN: usize = 2 + 25 + 2 * 10 + 32;
}

impl Checkpoint {
    /// The checkpoint of a header.
    pub fn of(header: &Header) -> Self {
        Self { chain_id: header.chain_id, epoch: header.epoch, height: header.height, header: header.id() }
    }

    /// The hash of its canonical bytes. Hybrid keys sign its digest for the purpose of checkpoints.
    pub fn id(&self) -> Hash {
        hash_encoded(Domain::Checkpoint, self)
    }

    /// What a key of checkpoints signs.
    pub fn digest(&self) -> Hash {
        signing_digest(Scheme::Hybrid, Purpose::Checkpoint, &self.id())
    }
}

/// What a member has to say to a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endorsement<'a> {
    /// It did not sign, or nobody asks: the hash of its key of checkpoints.
    Missing(&'a [u8; 32]),
    /// It signed.
    Signed {
        /// Its key of checkpoints.
        public_key: &'a [u8],
        /// Its signature.
        signature: &'a [u8],
    },
}

/// A check of one checkpoint under way.
#[derive(Clone)]
pub struct Endorsements {
    digest: Hash,
    tally: Tally,
}

impl Endorsements {
    /// Starts the check that a quorum signed this checkpoint.
    pub fn new(checkpoint: &Checkpoint) -> Self {
        Self { digest: checkpoint.digest(), tally: Tally::new() }
    }

    /// Takes the next member of the set: scheme and key of its votes, by which members are ordered, and its endorsement.
    ///
    /// # Errors
    /// The member is out of order, or the signature is not its own of the checkpoint. Nothing is accepted afterwards.
    pub fn push(
        &mut self,
        scheme: Scheme,
        vote_key: &[u8],
        endorsement: Endorsement<'_>,
    ) -> Result<(), CertificateError> {
        match endorsement {
            Endorsement::Missing(key) => {
                let nothing: Option<fn() -> _> = None;
                self.tally.push(scheme, vote_key, key, nothing)
            }
            // Whose key it is shows in the hash of the set.
            Endorsement::Signed { public_key, signature } => {
                let key = finality_key(public_key).0;
                let verified = || verify(Scheme::Hybrid, public_key, &self.digest, signature);
                self.tally.push(scheme, vote_key, &key.0, Some(verified))
            }
        }
    }

    /// Accepts the checkpoint if the members were those of the set with this hash and a quorum of them signed.
    ///
    /// # Errors
    /// Another set, or too few signatures.
    pub fn finish(&self, validators: &Hash) -> Result<(), CertificateError> {
        self.tally.finish(validators)
    }
}
