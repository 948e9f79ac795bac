//! Who may act for an account: `threshold` of at most [`MAX_KEYS`] keys, each known by the hash of its public key.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::crypto::{Hash, KeyHash, Purpose, Scheme};
use crate::error::error_enum;

/// The most keys of one authority.
pub const MAX_KEYS: usize = 8;

/// Bytes of a key in an encoding: scheme, hash.
const KEY_REF_LEN: usize = 1 + 32;

/// A key as records hold it. The public key itself stands beside each signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

/// m of n keys, in strictly ascending order. Encoded as the threshold and one string of bytes: scheme and hash of each
/// key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Authority {
    threshold: u8,
    count: u8,
    /// The keys, then [`NO_KEY`]s: an array, because it is copied faster than a list.
    keys: [KeyRef; MAX_KEYS],
}

/// Fills the places behind the keys.
const NO_KEY: KeyRef = KeyRef { scheme: Scheme::Ed25519, hash: KeyHash(Hash([0; 32])) };

#[derive(Serialize, Deserialize)]
struct Fields<'a> {
    threshold: u8,
    #[serde(serialize_with = "crate::codec::bytes")]
    keys: &'a [u8],
}

impl Serialize for Authority {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut bytes = heapless::Vec::<u8, { MAX_KEYS * KEY_REF_LEN }>::new();
        for key in self.keys() {
            // There is room for all keys.
            let _ = bytes.push(key.scheme.number());
            let _ = bytes.extend_from_slice(key.hash.0.as_bytes());
        }
        Fields { threshold: self.threshold, keys: &bytes }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Authority {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Fields { threshold, keys: bytes } = Fields::deserialize(deserializer)?;
        let (bytes, rest) = bytes.as_chunks::<KEY_REF_LEN>();
        let mut keys = [NO_KEY; MAX_KEYS];
        for (slot, [scheme, hash @ ..]) in keys.iter_mut().zip(bytes) {
            let scheme = Scheme::from_number(*scheme).map_err(D::Error::custom)?;
            *slot = KeyRef { scheme, hash: KeyHash(Hash(*hash)) };
        }
        if !rest.is_empty() || bytes.len() > MAX_KEYS {
            return Err(D::Error::custom(AuthorityError::Keys));
        }
        Self::of(threshold, bytes.len(), keys).map_err(D::Error::custom)
    }
}

impl Authority {
    /// The longest encoding: threshold, length, keys.
    pub const MAX_LEN: usize = 1 + 2 + MAX_KEYS * KEY_REF_LEN;

    /// `threshold` of `keys`.
    ///
    /// # Errors
    /// The keys are none, too many or not strictly ascending; the threshold is zero or above their number.
    pub fn new(threshold: u8, keys: &[KeyRef]) -> Result<Self, AuthorityError> {
        let mut array = [NO_KEY; MAX_KEYS];
        array.get_mut(..keys.len()).ok_or(AuthorityError::Keys)?.copy_from_slice(keys);
        Self::of(threshold, keys.len(), array)
    }

    /// Of the first `count` of these keys; the others are [`NO_KEY`].
    fn of(threshold: u8, count: usize, keys: [KeyRef; MAX_KEYS]) -> Result<Self, AuthorityError> {
        let own = keys.get(..count).ok_or(AuthorityError::Keys)?;
        if own.is_empty() || !own.is_sorted_by(|a, b| a < b) {
            return Err(AuthorityError::Keys);
        }
        if threshold == 0 || usize::from(threshold) > count {
            return Err(AuthorityError::Threshold);
        }
        Ok(Self { threshold, count: count as u8, keys })
    }

    /// One key alone.
    pub const fn single(key: KeyRef) -> Self {
        Self { threshold: 1, count: 1, keys: [key, NO_KEY, NO_KEY, NO_KEY, NO_KEY, NO_KEY, NO_KEY, NO_KEY] }
    }

    /// How many of the keys must sign.
    pub fn threshold(&self) -> u8 {
        self.threshold
    }

    /// The keys, ascending.
    pub fn keys(&self) -> &[KeyRef] {
        self.keys.get(..usize::from(self.count)).unwrap_or_default()
    }

    /// Whether exactly `threshold` different keys of this authority signed. `signers` must be strictly ascending.
    /// More signatures than needed are refused, so that nobody can change a transaction's signatures in transit.
    pub fn is_met_by(&self, signers: &[KeyRef]) -> bool {
        signers.len() == usize::from(self.threshold)
            && signers.is_sorted_by(|a, b| a < b)
            && signers.iter().all(|signer| self.keys().contains(signer))
    }
}
