//! Who may act for an account: `threshold` of at most [`MAX_KEYS`] keys, each known by the hash of its public key.

use serde::{Deserialize, Serialize};

use crate::crypto::{KeyHash, Purpose, Scheme};
use crate::error::error_enum;

/// The most keys of one authority.
pub const MAX_KEYS: usize = 8;

/// A key as records hold it. The public key itself stands beside each signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct KeyRef {
    /// How the key signs.
    pub scheme: Scheme,
    /// Of the public key with the purpose of transactions.
    pub hash: KeyHash,
}

impl KeyRef {
    /// Of a key that signs transactions.
    pub fn of(scheme: Scheme, public_key: &[u8]) -> Self {
        Self { scheme, hash: KeyHash::of(scheme, Purpose::Transaction, public_key) }
    }
}

error_enum! {
    /// Why keys and a threshold do not make an authority.
    pub enum AuthorityError {
        Keys => AUTHORITY_KEYS,
        Threshold => AUTHORITY_THRESHOLD,
    }
}

/// m of n keys, in strictly ascending order.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Fields")]
pub struct Authority {
    threshold: u8,
    keys: heapless::Vec<KeyRef, MAX_KEYS>,
}

#[derive(Deserialize)]
struct Fields {
    threshold: u8,
    keys: heapless::Vec<KeyRef, MAX_KEYS>,
}

impl TryFrom<Fields> for Authority {
    type Error = AuthorityError;
    fn try_from(fields: Fields) -> Result<Self, AuthorityError> {
        check(fields.threshold, &fields.keys)?;
        Ok(Self { threshold: fields.threshold, keys: fields.keys })
    }
}

fn check(threshold: u8, keys: &[KeyRef]) -> Result<(), AuthorityError> {
    if keys.is_empty() || keys.len() > MAX_KEYS || !keys.is_sorted_by(|a, b| a < b) {
        return Err(AuthorityError::Keys);
    }
    if threshold == 0 || usize::from(threshold) > keys.len() {
        return Err(AuthorityError::Threshold);
    }
    Ok(())
}

impl Authority {
    /// The longest encoding: threshold, count, keys.
    pub const MAX_LEN: usize = 2 + MAX_KEYS * 33;

    /// `threshold` of `keys`.
    ///
    /// # Errors
    /// The keys are none, too many or not strictly ascending; the threshold is zero or above their number.
    pub fn new(threshold: u8, keys: &[KeyRef]) -> Result<Self, AuthorityError> {
        check(threshold, keys)?;
        Ok(Self { threshold, keys: heapless::Vec::from_slice(keys).map_err(|_| AuthorityError::Keys)? })
    }

    /// One key alone.
    pub fn single(key: KeyRef) -> Self {
        let mut keys = heapless::Vec::new();
        // An empty list has room for one.
        let _ = keys.push(key);
        Self { threshold: 1, keys }
    }

    /// How many of the keys must sign.
    pub fn threshold(&self) -> u8 {
        self.threshold
    }

    /// The keys, ascending.
    pub fn keys(&self) -> &[KeyRef] {
        &self.keys
    }

    /// Whether exactly `threshold` different keys of this authority signed. `signers` must be strictly ascending.
    /// More signatures than needed are refused, so that nobody can change a transaction's signatures in transit.
    pub fn is_met_by(&self, signers: &[KeyRef]) -> bool {
        signers.len() == usize::from(self.threshold)
            && signers.is_sorted_by(|a, b| a < b)
            && signers.iter().all(|signer| self.keys.contains(signer))
    }
}
