//! API keys: `qnx_ID_SECRET`. The database knows a hash of the secret, which is 256 random bits: there is nothing to guess, so the hash need not be slow.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::grant::{Grant, Principal};
use super::random;
use crate::store::{Store, StoreError, Table};

const KEYS: Table<KeyRecord> = Table::new("keys");

/// What every key begins with, so that scanners for secrets know one.
pub const PREFIX: &str = "qnx_";

/// What is known of a key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KeyRecord {
    /// 12 hexadecimal digits.
    pub id: String,
    /// Whose or what for.
    pub name: String,
    /// SHA-256 of the secret, in hexadecimal digits.
    secret_hash: String,
    /// What whoever has it may do.
    pub grant: Grant,
    /// Requests in a minute, if they are other than the configuration's.
    pub requests_per_minute: Option<u32>,
    /// When it was made.
    pub created_ms: u64,
    /// When it ends, if it does.
    pub expires_ms: Option<u64>,
    /// When it was revoked.
    pub revoked_ms: Option<u64>,
    /// Whether it makes one other key and ends with that.
    pub once: bool,
}

impl KeyRecord {
    /// Whether it counts at a time.
    pub fn is_valid(&self, now_ms: u64) -> bool {
        self.revoked_ms.is_none() && self.expires_ms.is_none_or(|end_ms| now_ms < end_ms)
    }

    /// Who has it.
    pub fn principal(&self) -> Principal {
        Principal {
            id: principal_id(&self.id),
            session: None,
            grant: self.grant.clone(),
            requests_per_minute: self.requests_per_minute,
            once: self.once.then(|| self.id.clone()),
        }
    }
}

/// A key, by its id, as limits and the audit log know it.
pub fn principal_id(id: &str) -> String {
    format!("key:{id}")
}

/// What a new key is to be.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// Whose or what for.
    pub name: String,
    /// What it allows.
    pub grant: Grant,
    /// Requests in a minute, if they are other than the configuration's.
    pub requests_per_minute: Option<u32>,
    /// When it ends, if it does.
    pub expires_ms: Option<u64>,
    /// Whether it makes one other key and ends with that.
    pub once: bool,
}

/// Makes a key. Returns it with what is shown once and never again.
///
/// # Errors
/// The database fails, or there is no entropy.
pub fn create(store: &Store, new: NewKey, now_ms: u64) -> Result<(KeyRecord, Zeroizing<String>), StoreError> {
    let id = hex::encode(&random(store)?[..6]);
    let secret = Zeroizing::new(URL_SAFE_NO_PAD.encode(random(store)?.as_slice()));
    let record = KeyRecord {
        secret_hash: hex::encode(Sha256::digest(secret.as_bytes())),
        name: new.name,
        grant: new.grant,
        requests_per_minute: new.requests_per_minute,
        created_ms: now_ms,
        expires_ms: new.expires_ms,
        revoked_ms: None,
        once: new.once,
        id,
    };
    KEYS.put(store, &record.id, &record)?;
    let text = Zeroizing::new(format!("{PREFIX}{}_{}", record.id, &*secret));
    Ok((record, text))
}

/// The key of a text, if it is one and counts.
///
/// # Errors
/// The database fails.
pub fn verify(store: &Store, text: &str, now_ms: u64) -> Result<Option<KeyRecord>, StoreError> {
    let parts = text.strip_prefix(PREFIX).and_then(|rest| rest.split_once('_'));
    match parts {
        Some((id, secret)) => verify_parts(store, id, secret, now_ms),
        None => Ok(None),
    }
}

/// The same where id and secret come apart, as a client's credentials.
///
/// # Errors
/// The database fails.
pub fn verify_parts(
    store: &Store,
    id: &str,
    secret: &str,
    now_ms: u64,
) -> Result<Option<KeyRecord>, StoreError> {
    let Some(record) = KEYS.get(store, id)? else { return Ok(None) };
    let hash = hex::encode(Sha256::digest(secret.as_bytes()));
    let same = bool::from(hash.as_bytes().ct_eq(record.secret_hash.as_bytes()));
    Ok((same && record.is_valid(now_ms)).then_some(record))
}

/// The key of an id, whether it counts or not.
///
/// # Errors
/// The database fails.
pub fn get(store: &Store, id: &str) -> Result<Option<KeyRecord>, StoreError> {
    KEYS.get(store, id)
}

/// All keys, revoked ones too.
///
/// # Errors
/// The database fails.
pub fn all(store: &Store) -> Result<Vec<KeyRecord>, StoreError> {
    KEYS.all(store)
}

/// Uses a key up that may be used once: false if somebody was faster.
///
/// # Errors
/// The database fails.
pub fn use_up(store: &Store, id: &str, now_ms: u64) -> Result<bool, StoreError> {
    store.write(|transaction| {
        let Some(mut record) = KEYS.get_in(store, transaction, id)?.filter(|key| key.is_valid(now_ms)) else {
            return Ok(false);
        };
        record.revoked_ms = Some(now_ms);
        KEYS.put_in(store, transaction, id, &record)?;
        Ok(true)
    })
}

/// Revokes a key, and with it the sessions that it began. Returns it; nothing if there is none.
///
/// # Errors
/// The database fails.
pub fn revoke(store: &Store, id: &str, now_ms: u64) -> Result<Option<KeyRecord>, StoreError> {
    let Some(mut record) = KEYS.get(store, id)? else { return Ok(None) };
    record.revoked_ms.get_or_insert(now_ms);
    KEYS.put(store, id, &record)?;
    Ok(Some(record))
}
