//! The set of validators, known by its hash.
//!
//! Two hundred post-quantum keys do not fit into a device, so it keeps the hash of the set and takes the keys one after
//! the other. Every member has one vote; stake buys seats.
//!
//! The set commits to two keys of each member: the one that votes, and, by its hash, the one that signs checkpoints. So whoever
//! believes a header knows whose checkpoint may follow it, whatever becomes of the scheme that votes are signed with.

use crate::crypto::{Domain, Hash, Hasher, KeyHash, Purpose, Scheme};
use crate::error::error_enum;

/// The most members of a set.
pub const MAX_VALIDATORS: usize = 255;

error_enum! {
    /// Why keys are not a set of validators.
    pub enum ValidatorSetError {
        Set => VALIDATOR_SET,
    }
}

/// The hash of a validator's key of checkpoints, a hybrid one: what the validator registers, and what a set commits to.
pub fn finality_key(public_key: &[u8]) -> KeyHash {
    KeyHash::of(Scheme::Hybrid, Purpose::Checkpoint, public_key)
}

/// How many of `members` must agree: all but those that may be faulty, fewer than a third.
pub const fn quorum(members: u8) -> u8 {
    members.wrapping_sub(members.saturating_sub(1) / 3)
}

/// The hash of a set from its members in ascending order of scheme and key of votes.
#[derive(Clone)]
pub struct SetHasher {
    hasher: Hasher,
    members: u8,
    /// A prefix of the last member: order is decided by it, so members that share it are refused.
    last: Option<(u8, [u8; 32])>,
}

impl SetHasher {
    /// A set without members.
    pub fn new() -> Self {
        Self { hasher: Hasher::new(Domain::ValidatorSet), members: 0, last: None }
    }

    /// Adds a member: the scheme and the key of its votes, and its [`finality_key`].
    ///
    /// # Errors
    /// It is not above the last one, its key has the wrong length, or the set is full.
    pub fn push(
        &mut self,
        scheme: Scheme,
        public_key: &[u8],
        finality_key: &[u8; 32],
    ) -> Result<(), ValidatorSetError> {
        let prefix = *public_key.first_chunk::<32>().ok_or(ValidatorSetError::Set)?;
        let place = (scheme.number(), prefix);
        if public_key.len() != scheme.public_key_bytes() || self.last.is_some_and(|last| last >= place) {
            return Err(ValidatorSetError::Set);
        }
        self.members = self.members.checked_add(1).ok_or(ValidatorSetError::Set)?;
        self.last = Some(place);
        self.hasher.update(&[scheme.number()]);
        self.hasher.update(public_key);
        self.hasher.update(finality_key);
        Ok(())
    }

    /// How many members there are so far.
    pub const fn members(&self) -> u8 {
        self.members
    }

    /// The hash of the set.
    ///
    /// # Errors
    /// It has no members.
    pub fn finish(mut self) -> Result<Hash, ValidatorSetError> {
        if self.members == 0 {
            return Err(ValidatorSetError::Set);
        }
        // Every key before has the length of its scheme, so the number cannot be taken for a part of one.
        self.hasher.update(&[self.members]);
        Ok(self.hasher.finish())
    }
}

impl Default for SetHasher {
    fn default() -> Self {
        Self::new()
    }
}
