//! Sessions: each token of the node's own belongs to one. A session can be revoked, ends with the key that began it, and is bound to the client that began it. One of a person
//! ends after as long.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::grant::{Grant, Principal};
use super::providers::Person;
use super::{keys, random};
use crate::store::{Store, StoreError, Table};

const SESSIONS: Table<SessionRecord> = Table::new("sessions-2");

/// Who is at the other end of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// The address.
    pub address: IpAddr,
    /// SHA-256 of the client's certificate, in base64url as in RFC 8705, where the connection has one.
    pub certificate: Option<String>,
}

/// Who began a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Owner {
    /// A key, by its id.
    Key(String),
    /// Somebody who logged in at a provider.
    Person {
        /// As limits and the audit log know him.
        id: String,
        /// Requests in a minute, if they are other than the configuration's.
        requests_per_minute: Option<u32>,
    },
}

impl Owner {
    /// As limits and the audit log know it.
    pub fn id(&self) -> String {
        match self {
            Self::Key(id) => keys::principal_id(id),
            Self::Person { id, .. } => id.clone(),
        }
    }
}

impl From<&Person> for Owner {
    fn from(person: &Person) -> Self {
        Self::Person { id: person.id(), requests_per_minute: person.requests_per_minute }
    }
}

/// What is known of a session.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SessionRecord {
    /// 32 hexadecimal digits.
    pub id: String,
    /// Who began it.
    pub owner: Owner,
    /// What it allows: of what the key allows, what was asked for.
    pub grant: Grant,
    /// From where. Where there is a certificate it counts, and the address may change; otherwise the address counts.
    pub client: Client,
    /// When it began.
    pub created_ms: u64,
    /// When it ends.
    pub expires_ms: u64,
    /// When it was revoked.
    pub revoked_ms: Option<u64>,
}

impl SessionRecord {
    /// Whether it counts at a time.
    pub fn is_valid(&self, now_ms: u64) -> bool {
        self.revoked_ms.is_none() && now_ms < self.expires_ms
    }

    /// Whether this is who began it.
    pub fn is_bound_to(&self, client: &Client) -> bool {
        match &self.client.certificate {
            Some(certificate) => client.certificate.as_ref() == Some(certificate),
            None => client.address == self.client.address,
        }
    }
}

/// Begins a session, which ends when it is told, and forgets those that are over.
///
/// # Errors
/// The database fails, or there is no entropy.
pub fn begin(
    store: &Store,
    owner: Owner,
    grant: Grant,
    client: &Client,
    (now_ms, expires_ms): (u64, u64),
) -> Result<SessionRecord, StoreError> {
    let record = SessionRecord {
        id: hex::encode(&random(store)?[..16]),
        owner,
        grant,
        client: client.clone(),
        created_ms: now_ms,
        expires_ms,
        revoked_ms: None,
    };
    SESSIONS.retain(store, |other| now_ms < other.expires_ms)?;
    SESSIONS.put(store, &record.id, &record)?;
    Ok(record)
}

/// The session of an id and whoever began it, if it counts, and so does the key that began it.
///
/// # Errors
/// The database fails.
pub fn valid(store: &Store, id: &str, now_ms: u64) -> Result<Option<(SessionRecord, Principal)>, StoreError> {
    let Some(session) = SESSIONS.get(store, id)?.filter(|session| session.is_valid(now_ms)) else {
        return Ok(None);
    };
    let owner = match &session.owner {
        Owner::Key(id) => keys::get(store, id)?.filter(|key| key.is_valid(now_ms)).map(|key| key.principal()),
        Owner::Person { id, requests_per_minute } => Some(Principal {
            id: id.clone(),
            session: None,
            grant: session.grant.clone(),
            requests_per_minute: *requests_per_minute,
            once: None,
        }),
    };
    Ok(owner.map(|owner| (session, owner)))
}

/// All that are not over, revoked ones too.
///
/// # Errors
/// The database fails.
pub fn all(store: &Store, now_ms: u64) -> Result<Vec<SessionRecord>, StoreError> {
    let mut sessions = SESSIONS.all(store)?;
    sessions.retain(|session| now_ms < session.expires_ms);
    Ok(sessions)
}

/// Revokes a session. Returns it; nothing if there is none.
///
/// # Errors
/// The database fails.
pub fn revoke(store: &Store, id: &str, now_ms: u64) -> Result<Option<SessionRecord>, StoreError> {
    let Some(mut record) = SESSIONS.get(store, id)? else { return Ok(None) };
    record.revoked_ms.get_or_insert(now_ms);
    SESSIONS.put(store, id, &record)?;
    Ok(Some(record))
}
