//! Who may act for an account: `threshold` of at most [`MAX_KEYS`] keys, each known by the hash of its public key.

use core::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::crypto::scheme::SchemeError;
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

    fn from_bytes([scheme, hash @ ..]: &[u8; KEY_REF_LEN]) -> Result<Self, SchemeError> {
        Ok(Self { scheme: Scheme::from_number(*scheme)?, hash: KeyHash(Hash(*hash)) })
    }

    const fn to_bytes(self) -> [u8; KEY_REF_LEN] {
        let mut bytes = [0; KEY_REF_LEN];
        let [scheme, hash @ ..] = &mut bytes;
        (*scheme, *hash) = (self.scheme.number(), self.hash.0.0);
        bytes
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
/// key. The keys stay where they were decoded from, or in an [`AuthorityBuf`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Authority<'a> {
    threshold: u8,
    keys: &'a [[u8; KEY_REF_LEN]],
}

#[derive(Serialize, Deserialize)]
struct Fields<'a> {
    threshold: u8,
    #[serde(serialize_with = "crate::codec::bytes")]
    keys: &'a [u8],
}

impl Serialize for Authority<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Fields { threshold: self.threshold, keys: self.keys.as_flattened() }.serialize(serializer)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Authority<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Fields { threshold, keys } = Fields::deserialize(deserializer)?;
        let (keys, rest) = keys.as_chunks::<KEY_REF_LEN>();
        if !rest.is_empty() {
            return Err(D::Error::custom(AuthorityError::Keys));
        }
        for [scheme, ..] in keys {
            Scheme::from_number(*scheme).map_err(D::Error::custom)?;
        }
        Self::of(threshold, keys).map_err(D::Error::custom)
    }
}

impl fmt::Debug for Authority<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of ", self.threshold)?;
        f.debug_list().entries(self.keys()).finish()
    }
}

impl<'a> Authority<'a> {
    /// The longest encoding: threshold, length, keys.
    pub const MAX_LEN: usize = 1 + 2 + MAX_KEYS * KEY_REF_LEN;

    /// Of keys whose schemes are known. Their bytes are in the order of [`KeyRef`].
    fn of(threshold: u8, keys: &'a [[u8; KEY_REF_LEN]]) -> Result<Self, AuthorityError> {
        if keys.is_empty() || keys.len() > MAX_KEYS || !keys.is_sorted_by(|a, b| a < b) {
            return Err(AuthorityError::Keys);
        }
        if threshold == 0 || usize::from(threshold) > keys.len() {
            return Err(AuthorityError::Threshold);
        }
        Ok(Self { threshold, keys })
    }

    /// How many of the keys must sign.
    pub const fn threshold(&self) -> u8 {
        self.threshold
    }

    /// How many keys there are.
    pub const fn key_count(&self) -> usize {
        self.keys.len()
    }

    /// The keys, ascending.
    pub fn keys(&self) -> impl Iterator<Item = KeyRef> + 'a {
        // No scheme is unknown here.
        self.keys.iter().filter_map(|bytes| KeyRef::from_bytes(bytes).ok())
    }

    /// Whether exactly `threshold` different keys of this authority signed. `signers` must be strictly ascending.
    /// More signatures than needed are refused, so that nobody can change a transaction's signatures in transit.
    pub fn is_met_by(&self, signers: &[KeyRef]) -> bool {
        signers.len() == usize::from(self.threshold)
            && signers.is_sorted_by(|a, b| a < b)
            && signers.iter().all(|signer| self.keys().any(|key| key == *signer))
    }
}

/// Room for an authority that is made, not decoded: [`AuthorityBuf::get`] lends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AuthorityBuf {
    threshold: u8,
    count: u8,
    /// The keys, then zeros.
    keys: [[u8; KEY_REF_LEN]; MAX_KEYS],
}

impl AuthorityBuf {
    /// `threshold` of `keys`.
    ///
    /// # Errors
    /// The keys are none, too many or not strictly ascending; the threshold is zero or above their number.
    pub fn new(threshold: u8, keys: &[KeyRef]) -> Result<Self, AuthorityError> {
        let mut array = [[0; KEY_REF_LEN]; MAX_KEYS];
        let own = array.get_mut(..keys.len()).ok_or(AuthorityError::Keys)?;
        own.iter_mut().zip(keys).for_each(|(slot, key)| *slot = key.to_bytes());
        Authority::of(threshold, own)?;
        Ok(Self { threshold, count: keys.len() as u8, keys: array })
    }

    /// One key alone.
    pub const fn single(key: KeyRef) -> Self {
        let mut keys = [[0; KEY_REF_LEN]; MAX_KEYS];
        let [first, ..] = &mut keys;
        *first = key.to_bytes();
        Self { threshold: 1, count: 1, keys }
    }

    /// The authority.
    pub fn get(&self) -> Authority<'_> {
        let keys = self.keys.get(..usize::from(self.count)).unwrap_or_default();
        Authority { threshold: self.threshold, keys }
    }
}

impl From<Authority<'_>> for AuthorityBuf {
    fn from(authority: Authority<'_>) -> Self {
        let mut keys = [[0; KEY_REF_LEN]; MAX_KEYS];
        keys.iter_mut().zip(authority.keys).for_each(|(slot, key)| *slot = *key);
        Self { threshold: authority.threshold, count: authority.keys.len() as u8, keys }
    }
}
