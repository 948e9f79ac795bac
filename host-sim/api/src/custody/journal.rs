//! The journal of custody: what is about to be signed, for whom, and what came of it. What it says is durable when the call returns.

use std::collections::BTreeSet;
use std::sync::Arc;

use qenex_core::id::AccountId;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{CustodyError, decoded};
use crate::access::now_ms;
use crate::store::{Store, Table};

const PENDING: Table<PendingRecord> = Table::new("custody-pending");
const ASKED: Table<AskedRecord> = Table::new("custody-asked");

/// How long a key of idempotency is remembered: a day.
const REMEMBERED_MS: u64 = 24 * 3_600 * 1_000;

/// A transaction that the device may have signed and that may still become final.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct PendingRecord {
    account: String,
    pub(super) nonce: u64,
    transaction: String,
    /// The row of what was asked, if it may be asked again.
    pub(super) asked: Option<String>,
}

impl PendingRecord {
    /// The transaction.
    pub(super) fn bytes(&self) -> Vec<u8> {
        hex::decode(&self.transaction).unwrap_or_default()
    }
}

/// What was asked under a key of idempotency.
#[derive(Clone, Serialize, Deserialize)]
struct AskedRecord {
    /// SHA-256 of the request.
    fingerprint: String,
    /// The transaction that it led to.
    transaction: String,
    at_ms: u64,
}

/// A request of somebody who may ask it again.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Who, and his key of idempotency.
    pub key: String,
    /// SHA-256 of what is asked.
    pub fingerprint: String,
}

impl Asked {
    /// A request of a caller under a key.
    pub fn new(principal: &str, key: &str, route: &str, body: &[u8]) -> Self {
        let hash = |parts: &[&[u8]]| {
            let mut hasher = Sha256::new();
            for part in parts {
                hasher.update((part.len() as u64).to_le_bytes());
                hasher.update(part);
            }
            hex::encode(hasher.finalize())
        };
        Self {
            key: hash(&[principal.as_bytes(), key.as_bytes()]),
            fingerprint: hash(&[route.as_bytes(), body]),
        }
    }
}

fn pending_name(account: AccountId, nonce: u64) -> String {
    format!("{account}/{nonce:020}")
}

/// The journal.
pub(super) struct Journal(pub(super) Arc<Store>);

impl Journal {
    /// What was noted of an account and is not forgotten, in the order of the nonces.
    pub(super) fn noted(&self, account: AccountId) -> Result<Vec<PendingRecord>, CustodyError> {
        let name = account.to_string();
        let mut noted = PENDING.all(&self.0)?;
        noted.retain(|record| record.account == name);
        noted.sort_by_key(|record| record.nonce);
        Ok(noted)
    }

    /// What of an account may still become final at a height and with a next nonce, and the nonces of what was executed, which is to be forgotten when there is something to
    /// write. What expired is forgotten at once: it may be asked anew. Only whoever has the device asks.
    pub(super) fn pending(
        &self,
        account: AccountId,
        height: u64,
        next_nonce: u64,
    ) -> Result<(Vec<PendingRecord>, Vec<u64>), CustodyError> {
        let mut pending = self.noted(account)?;
        let (mut expired, mut over) = (Vec::new(), Vec::new());
        pending.retain(|record| {
            let valid =
                decoded(&record.bytes()).is_ok_and(|transaction| transaction.last_valid_height > height);
            let executed = record.nonce < next_nonce;
            if executed {
                // What was asked is remembered: asked again, this was it.
                over.push(record.nonce);
            } else if !valid {
                // It moved nothing and never will: who asks again asks for a new one.
                expired.push((record.nonce, record.asked.clone()));
            }
            !executed && valid
        });
        if !expired.is_empty() {
            self.forget(account, &expired)?;
        }
        Ok((pending, over))
    }

    /// The transaction that a request led to before.
    pub(super) fn before(&self, asked: &Asked) -> Result<Option<Vec<u8>>, CustodyError> {
        match ASKED.get(&self.0, &asked.key)? {
            None => Ok(None),
            Some(before) if before.fingerprint == asked.fingerprint => {
                Ok(Some(hex::decode(&before.transaction).unwrap_or_default()))
            }
            Some(_) => Err(CustodyError::Reused),
        }
    }

    /// Notes what is about to be signed, and for whom; and forgets what is over.
    pub(super) fn note(
        &self,
        account: AccountId,
        nonce: u64,
        bytes: &[u8],
        asked: Option<&Asked>,
        over: &[u64],
    ) -> Result<(), CustodyError> {
        let transaction = hex::encode(bytes);
        let record = PendingRecord {
            account: account.to_string(),
            nonce,
            transaction: transaction.clone(),
            asked: asked.map(|asked| asked.key.clone()),
        };
        self.0.write(|writing| {
            for nonce in over {
                PENDING.remove_in(&self.0, writing, &pending_name(account, *nonce))?;
            }
            PENDING.put_in(&self.0, writing, &pending_name(account, nonce), &record)?;
            if let Some(Asked { key, fingerprint }) = asked {
                let record = AskedRecord { fingerprint: fingerprint.clone(), transaction, at_ms: now_ms() };
                ASKED.put_in(&self.0, writing, key, &record)?;
            }
            Ok(())
        })?;
        Ok(())
    }

    /// Forgets what is over.
    pub(super) fn forget_over(&self, account: AccountId, over: &[u64]) -> Result<(), CustodyError> {
        if over.is_empty() {
            return Ok(());
        }
        let over: Vec<(u64, Option<String>)> = over.iter().map(|nonce| (*nonce, None)).collect();
        self.forget(account, &over)
    }

    /// Forgets transactions, by their nonces, and what was asked for them.
    pub(super) fn forget(
        &self,
        account: AccountId,
        gone: &[(u64, Option<String>)],
    ) -> Result<(), CustodyError> {
        self.0.write(|writing| {
            for (nonce, asked) in gone {
                PENDING.remove_in(&self.0, writing, &pending_name(account, *nonce))?;
                if let Some(asked) = asked {
                    ASKED.remove_in(&self.0, writing, asked)?;
                }
            }
            Ok(())
        })?;
        Ok(())
    }

    /// Forgets what was asked long ago and is over.
    pub(super) fn tidy(&self) -> Result<(), CustodyError> {
        let old_ms = now_ms().saturating_sub(REMEMBERED_MS);
        let waiting: BTreeSet<String> =
            PENDING.all(&self.0)?.into_iter().map(|record| record.transaction).collect();
        let keep = |asked: &AskedRecord| asked.at_ms >= old_ms || waiting.contains(&asked.transaction);
        Ok(ASKED.retain(&self.0, keep)?)
    }
}
