//! Tokens of the node's own: JSON Web Tokens (RFC 7519) under its Ed25519 keys (RFC 8037), each of a session. A key signs for 30 days; the one before it
//! stays, so that what it signed counts to its end.

use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize as _, Zeroizing};

use super::random;
use super::sessions::SessionRecord;
use crate::store::{Store, StoreError, Table};

const SIGNING: Table<SigningRecord> = Table::new("signing");

/// How long a key signs.
const ROTATION_MS: u64 = 30 * 24 * 3_600 * 1_000;

/// How far clocks may be apart.
const LEEWAY_SECONDS: u64 = 5;

/// What stands before the seed in PKCS #8 (RFC 8410, section 7).
const PKCS8_PREFIX: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];

/// A key as it is kept.
#[derive(Serialize, Deserialize)]
struct SigningRecord {
    seed: String,
    created_ms: u64,
}

impl Drop for SigningRecord {
    fn drop(&mut self) {
        self.seed.zeroize();
    }
}

/// What a token says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Claims {
    /// Who issued it.
    pub iss: String,
    /// For whom.
    pub aud: String,
    /// Whose it is, as the audit log knows him.
    pub sub: String,
    /// When it was issued, in seconds.
    pub iat: u64,
    /// When it ends, in seconds.
    pub exp: u64,
    /// The session.
    pub sid: String,
    /// Its scopes, with spaces between them.
    pub scope: String,
}

struct Signing {
    id: String,
    created_ms: u64,
    secret: EncodingKey,
    public: DecodingKey,
    jwk: Jwk,
}

impl Signing {
    fn new(store: &Store, record: &SigningRecord) -> Result<Self, StoreError> {
        let mut der = Zeroizing::new(PKCS8_PREFIX.to_vec());
        let seed = hex::decode(&record.seed).map(Zeroizing::new).map_err(|error| store.failed(error))?;
        der.extend_from_slice(&seed);
        let secret = EncodingKey::from_ed_der(&der);
        let public = |secret| {
            let mut jwk = Jwk::from_encoding_key(secret, Algorithm::EdDSA)?;
            let id = jwk.thumbprint(ThumbprintHash::SHA256)?;
            jwk.common.key_id = Some(id.clone());
            jwk.common.public_key_use = Some(PublicKeyUse::Signature);
            Ok((id, DecodingKey::from_jwk(&jwk)?, jwk))
        };
        let made: jsonwebtoken::errors::Result<_> = public(&secret);
        let (id, public, jwk) = made.map_err(|error| store.failed(error))?;
        Ok(Self { id, created_ms: record.created_ms, secret, public, jwk })
    }
}

/// Who issues and verifies them.
pub struct Issuer {
    name: String,
    lasts: Duration,
    /// The newest one last.
    keys: RwLock<Vec<Signing>>,
}

impl Issuer {
    /// An issuer of this name, whose tokens last so long. Its first key is made if there is none.
    ///
    /// # Errors
    /// The database fails, or there is no entropy.
    pub fn open(store: &Store, name: &str, lasts: Duration, now_ms: u64) -> Result<Self, StoreError> {
        let mut records = SIGNING.all(store)?;
        records.sort_by_key(|record| record.created_ms);
        let keys = records.iter().map(|record| Signing::new(store, record)).collect::<Result<_, _>>()?;
        let issuer = Self { name: name.into(), lasts, keys: RwLock::new(keys) };
        issuer.rotate_if_due(store, now_ms)?;
        Ok(issuer)
    }

    /// How long its tokens last.
    pub const fn lasts(&self) -> Duration {
        self.lasts
    }

    fn rotate_if_due(&self, store: &Store, now_ms: u64) -> Result<(), StoreError> {
        let due = {
            let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
            keys.last().is_none_or(|key| now_ms >= key.created_ms.saturating_add(ROTATION_MS))
        };
        if due { self.rotate(store, now_ms) } else { Ok(()) }
    }

    /// Begins to sign with a new key. Of the old ones only the newest still counts.
    ///
    /// # Errors
    /// The database fails, or there is no entropy.
    pub fn rotate(&self, store: &Store, now_ms: u64) -> Result<(), StoreError> {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        let record = SigningRecord { seed: hex::encode(random(store)?.as_slice()), created_ms: now_ms };
        let key = Signing::new(store, &record)?;
        SIGNING.put(store, &format!("{now_ms:020}"), &record)?;
        keys.push(key);
        let old = keys.len().saturating_sub(2);
        keys.drain(..old);
        let oldest_ms = keys.first().map_or(0, |key| key.created_ms);
        SIGNING.retain(store, |record| record.created_ms >= oldest_ms)
    }

    /// The token of a session.
    ///
    /// # Errors
    /// The database fails.
    pub fn issue(&self, store: &Store, session: &SessionRecord) -> Result<String, StoreError> {
        self.rotate_if_due(store, session.created_ms)?;
        let claims = Claims {
            iss: self.name.clone(),
            aud: self.name.clone(),
            sub: session.owner.id(),
            iat: session.created_ms / 1_000,
            exp: session.expires_ms / 1_000,
            sid: session.id.clone(),
            scope: session.grant.scopes.to_string(),
        };
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let key = keys.last().ok_or_else(|| store.failed("no key to sign with"))?;
        let header = Header { kid: Some(key.id.clone()), ..Header::new(Algorithm::EdDSA) };
        encode(&header, &claims, &key.secret).map_err(|error| store.failed(error))
    }

    /// What a token says that this node issued and that has not ended. Whether its session counts is not looked at.
    ///
    /// # Errors
    /// It is none, with the reason.
    pub fn verify(&self, token: &str) -> Result<Claims, String> {
        let header = decode_header(token).map_err(|error| error.to_string())?;
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let key = keys.iter().find(|key| Some(&key.id) == header.kid.as_ref());
        let key = key.ok_or("no key of this name signs here")?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[&self.name]);
        validation.set_audience(&[&self.name]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.leeway = LEEWAY_SECONDS;
        let decoded = decode::<Claims>(token, &key.public, &validation);
        decoded.map(|decoded| decoded.claims).map_err(|error| error.to_string())
    }

    /// The public keys (RFC 7517), for whoever verifies tokens of this node.
    pub fn public_keys(&self) -> JwkSet {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        JwkSet { keys: keys.iter().map(|key| key.jwk.clone()).collect() }
    }
}
