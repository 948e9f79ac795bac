//! What a key has signed, in one record: what left within spans of time, transactions that may still become final, and large ones
//! that wait.

use serde::{Deserialize, Serialize};

use super::refusal::HsmError;
use crate::codec::{Encoded, Tag, Tagging};
use crate::crypto::Hash;
use crate::policy::Windows;
use crate::tx::Transaction;

/// The most transactions that may wait to become final.
pub const MAX_PENDING: usize = 4;

/// The most requests that are remembered.
const MAX_REQUESTS: usize = 4;

/// A transaction that was signed and may still become final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Pending {
    nonce: u64,
    last_valid_height: u64,
    id: Hash,
}

/// When a transaction that must wait was first requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Request {
    id: Hash,
    time_ms: u64,
}

/// What a key has signed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SignedSoFar {
    pub(super) windows: Windows,
    pending: heapless::Vec<Pending, MAX_PENDING>,
    requests: heapless::Vec<Request, MAX_REQUESTS>,
}

impl Encoded for SignedSoFar {
    const TAGGING: Tagging = Tagging::Fixed(Tag::SIGNED);
    const MAX_LEN: usize = 2
        + <Windows as Encoded>::MAX_LEN
        + (1 + MAX_PENDING * (10 + 10 + 32))
        + (1 + MAX_REQUESTS * (32 + 10));
}

impl SignedSoFar {
    /// Forgets what cannot become final any more: its height has passed, or the account has sent more.
    pub(super) fn forget(&mut self, height: u64, final_nonce: Option<u64>) {
        self.pending.retain(|pending| {
            pending.last_valid_height > height && final_nonce.is_none_or(|nonce| pending.nonce >= nonce)
        });
    }

    /// Whether exactly this transaction was signed and may still become final.
    pub(super) fn contains(&self, id: &Hash) -> bool {
        self.pending.iter().any(|pending| pending.id == *id)
    }

    /// Whether one more transaction may be signed.
    pub(super) fn has_room_for(&self, transaction: &Transaction<'_>) -> Result<(), HsmError> {
        if self.pending.iter().any(|pending| pending.nonce == transaction.nonce) {
            return Err(HsmError::NonceSigned);
        }
        if self.pending.is_full() { Err(HsmError::PendingFull) } else { Ok(()) }
    }

    /// Notes that a transaction is about to be signed.
    pub(super) fn add(&mut self, transaction: &Transaction<'_>, id: Hash) -> Result<(), HsmError> {
        self.has_room_for(transaction)?;
        let Transaction { nonce, last_valid_height, .. } = *transaction;
        self.requests.retain(|request| request.id != id);
        self.pending.push(Pending { nonce, last_valid_height, id }).map_err(|_| HsmError::PendingFull)
    }

    /// When a transaction was first requested.
    pub(super) fn requested_ms(&self, id: &Hash) -> Option<u64> {
        self.requests.iter().find(|request| request.id == *id).map(|request| request.time_ms)
    }

    /// Notes a request; the oldest one makes room.
    pub(super) fn request(&mut self, id: Hash, time_ms: u64) {
        if self.requests.is_full() {
            self.requests.remove(0);
        }
        // There is room now.
        let _ = self.requests.push(Request { id, time_ms });
    }
}
