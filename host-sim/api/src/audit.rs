//! The audit log of the interface: every refusal (that somebody asks too often, once a minute), and everything that changed who may do what. Each entry's hash covers the
//! one before it: whoever keeps a hash sees later whether what led to it was changed. The newest million are kept.

use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::sync::{mpsc, oneshot};

use crate::store::{Page, Sequence, Store, StoreError};

const ENTRIES: Sequence<Entry> = Sequence::new("audit");

/// How many are kept.
const MOST: u64 = 1_000_000;

/// How many wait to be written before whoever makes more of them waits.
const WAITING: usize = 4_096;

/// What an entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A request that was not done.
    Refused,
    /// A key was made.
    KeyCreated,
    /// A key was revoked.
    KeyRevoked,
    /// A session began.
    SessionBegun,
    /// A session was revoked.
    SessionRevoked,
    /// The key that signs tokens was replaced.
    SigningKeyRotated,
    /// How much is logged was changed.
    LogChanged,
}

/// What happened, to be written down.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub time_ms: u64,
    /// What.
    pub kind: Kind,
    /// Who asked.
    pub principal: String,
    /// From where.
    pub address: Option<IpAddr>,
    /// The method and the path.
    pub request: String,
    /// What was answered: the status of HTTP.
    pub status: u16,
    /// The number of the refusal in the table of codes.
    pub code: Option<u16>,
    /// What else there is to say.
    pub detail: String,
}

/// An event in the log.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
    /// SHA-256 of the hash before it (64 zeros for the first one) and the event's JSON, in hexadecimal digits.
    pub hash: String,
}

impl Entry {
    fn new(previous: &str, event: Event) -> Result<Self, serde_json::Error> {
        let hash = hex::encode(
            Sha256::new().chain_update(previous).chain_update(serde_json::to_vec(&event)?).finalize(),
        );
        Ok(Self { event, hash })
    }
}

/// What of the log somebody asks for. What is not said is not asked.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Not before.
    pub from_ms: Option<u64>,
    /// Before.
    pub until_ms: Option<u64>,
    /// What it is about.
    pub kind: Option<Kind>,
    /// Who asked.
    pub principal: Option<String>,
}

impl Filter {
    fn takes(&self, Entry { event, .. }: &Entry) -> bool {
        self.from_ms.is_none_or(|from| event.time_ms >= from)
            && self.until_ms.is_none_or(|until| event.time_ms < until)
            && self.kind.is_none_or(|kind| event.kind == kind)
            && self.principal.as_ref().is_none_or(|principal| event.principal == *principal)
    }
}

type Written = (Event, Option<oneshot::Sender<()>>);

/// The log. What is recorded is written in the background, many at once.
#[derive(Clone)]
pub struct Audit {
    store: Arc<Store>,
    to_write: mpsc::Sender<Written>,
}

impl Audit {
    /// The log of a database.
    ///
    /// # Errors
    /// The database fails.
    pub fn open(store: Arc<Store>) -> Result<Self, StoreError> {
        let (mut next, mut newest) = match ENTRIES.last(&store)? {
            Some((number, entry)) => (number + 1, entry.hash),
            None => (0, "0".repeat(64)),
        };
        let (to_write, mut waiting) = mpsc::channel::<Written>(WAITING);
        let writer = Arc::clone(&store);
        std::thread::spawn(move || {
            let mut events = Vec::new();
            // It ends with the last one who writes.
            while let Some(first) = waiting.blocking_recv() {
                events.push(first);
                while events.len() < WAITING
                    && let Ok(more) = waiting.try_recv()
                {
                    events.push(more);
                }
                let (mut entries, mut told, mut hash) = (Vec::new(), Vec::new(), newest.clone());
                for (event, tell) in events.drain(..) {
                    match Entry::new(&hash, event) {
                        Ok(entry) => {
                            hash.clone_from(&entry.hash);
                            entries.push(entry);
                            told.extend(tell);
                        }
                        Err(error) => tracing::error!(%error, "an event cannot be written down"),
                    }
                }
                match ENTRIES.append(&writer, next, &entries, MOST) {
                    Ok(()) => {
                        next += entries.len() as u64;
                        newest = hash;
                        for tell in told {
                            // Whoever waited may have gone.
                            let _ = tell.send(());
                        }
                    }
                    // Those who wait learn of it, because nobody tells them.
                    Err(error) => {
                        tracing::error!(%error, lost = entries.len(), "the audit log cannot be written")
                    }
                }
            }
        });
        Ok(Self { store, to_write })
    }

    /// Writes an event down, soon. Waits while too many do.
    pub async fn record(&self, event: Event) {
        if self.to_write.send((event, None)).await.is_err() {
            tracing::error!("the audit log has ended");
        }
    }

    /// Writes an event down. It is durable when this returns.
    ///
    /// # Errors
    /// The database fails.
    pub async fn record_durably(&self, event: Event) -> Result<(), StoreError> {
        let (tell, told) = oneshot::channel();
        let failed = || self.store.failed("the audit log cannot be written");
        self.to_write.send((event, Some(tell))).await.map_err(|_| failed())?;
        told.await.map_err(|_| failed())
    }

    /// Up to `most` entries with numbers below this one, the newest first, and the number below which to go on.
    ///
    /// # Errors
    /// The database fails.
    pub fn before(&self, number: u64, most: usize, filter: &Filter) -> Result<Page<Entry>, StoreError> {
        ENTRIES.before(&self.store, number, most, |entry| filter.takes(entry))
    }
}
