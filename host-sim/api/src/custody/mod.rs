//! Accounts in custody: the node builds their transactions, its device judges and signs them, the node hands them in.
//!
//! | module | what it is for |
//! |---|---|
//! | `journal` | what is about to be signed, and for whom |
//! | `device` | the device: what it trusts, what it signs |
//!
//! - What is to be signed is durable before the device sees it, together with the key of idempotency of who asked for it. So whatever fails afterwards, the same request
//!   leads to the same transaction; the device gives it the same signature and counts it once, and its nonce is used once: money never moves twice.
//! - A device signs against the newest final state, and up to four transactions of a key that are not final yet. It follows the chain when it signs, by the votes that
//!   made the newest block final.
//! - What was signed and is not final is handed in again each second, as other nodes may have lost it.

mod device;
mod journal;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use metrics::counter;
use qenex_core::codec::{self, Encoded};
use qenex_core::crypto::{KeyHash, Purpose, Scheme};
use qenex_core::error::{
    CUSTODY_WAITS, Code, Coded, IDEMPOTENCY_REUSED, NOT_IN_CUSTODY, STATE_ROOT_MISMATCH,
};
use qenex_core::hsm::proto::{Command, Index, KeyInfo, Status};
use qenex_core::id::AccountId;
use qenex_core::ledger::{Record, RecordId};
use qenex_core::num::Amount;
use qenex_core::tx::{Op, Transaction};
use qenex_device::DeviceError;
use qenex_node::error::NodeError;
use qenex_node::sequencer::SubmitError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::CustodyConfig;
use crate::ledger::Ledger;
use crate::store::{Store, StoreError};
use device::{Device, NotSigned, Slot};
pub use journal::Asked;
use journal::{Journal, PendingRecord};

/// How often what is remembered is looked through.
const TIDY: Duration = Duration::from_secs(600);

/// How many requests wait for the device.
const QUEUE: usize = 64;

/// Why nothing is signed.
#[derive(Debug, thiserror::Error)]
pub enum CustodyError {
    /// The account is not in custody.
    #[error("{0}")]
    Account(String),
    /// The key of idempotency was used for another request.
    #[error("")]
    Reused,
    /// The votes for the newest block are not there yet.
    #[error("")]
    Waits,
    /// The device refuses to sign.
    #[error("{0}")]
    Refused(DeviceError),
    /// The device cannot be reached, or does not take what it needs to judge.
    #[error("{0}")]
    Device(DeviceError),
    /// The ledger does not take what was signed.
    #[error("{0:?}")]
    Submit(SubmitError),
    /// The node's store fails.
    #[error("{0}")]
    Node(#[from] NodeError),
    /// The interface's store fails.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// What was built is no transaction.
    #[error("{0}")]
    Encoding(Code),
}

impl Coded for CustodyError {
    fn code(&self) -> Code {
        match self {
            Self::Account(_) => NOT_IN_CUSTODY,
            Self::Reused => IDEMPOTENCY_REUSED,
            Self::Waits => CUSTODY_WAITS,
            Self::Refused(error) | Self::Device(error) => error.code(),
            Self::Submit(error) => error.code(),
            Self::Node(error) => error.code(),
            Self::Store(error) => error.code(),
            Self::Encoding(code) => *code,
        }
    }
}

impl From<DeviceError> for CustodyError {
    fn from(error: DeviceError) -> Self {
        Self::Device(error)
    }
}

/// A transaction that was signed and waits.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// Its canonical bytes, unsigned.
    pub transaction: Vec<u8>,
    /// The same signed; nothing where it is over.
    pub signed: Option<Vec<u8>>,
}

/// The accounts in custody, and the device that signs for them.
pub struct Desk {
    journal: Journal,
    ledger: Arc<dyn Ledger>,
    device: Mutex<Device>,
    slots: BTreeMap<AccountId, Slot>,
    /// The account that opens the others.
    pub registrar: Option<AccountId>,
    fee: Amount,
    /// For how many blocks a transaction is valid.
    validity_blocks: u64,
    queue: Arc<Semaphore>,
    /// When rows of what was asked were last looked through.
    tidied: Mutex<Instant>,
}

/// A value of the configuration.
fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(field: &str, text: &str) -> Result<T, String> {
    text.parse().map_err(|error| format!("custody: {field}: {text:?}: {error}"))
}

impl Desk {
    /// Opens a channel to the device, logs the operator in, and looks its keys up.
    ///
    /// # Errors
    /// The configuration is wrong, the device is not there, or refuses: a sentence that says what.
    pub fn open(config: &CustodyConfig, store: Arc<Store>, ledger: Arc<dyn Ledger>) -> Result<Self, String> {
        let fee = parsed("fee", &config.fee)?;
        let registrar = config.registrar.as_deref().map(|text| parsed("registrar", text)).transpose()?;
        let failed = |error: DeviceError| format!("custody: {error}");
        let mut device = Device::open(config).map_err(failed)?;
        let mut slots = BTreeMap::new();
        for (account, index) in &config.accounts {
            let account: AccountId = parsed("accounts", account)?;
            let client = device.client().map_err(failed)?;
            let body = client.ask(Command::DescribeKey, &Index { index: *index }).map_err(failed)?;
            let info: KeyInfo<'_> = codec::decode(&body).map_err(|_| failed(DeviceError::Message))?;
            let slot =
                Slot { account, index: *index, scheme: info.scheme, public_key: info.public_key.to_vec() };
            slots.insert(account, slot);
        }
        if let Some(registrar) = registrar
            && !slots.contains_key(&registrar)
        {
            return Err(format!("custody: registrar: {registrar} is none of the accounts"));
        }
        Ok(Self {
            journal: Journal(store),
            ledger,
            device: Mutex::new(device),
            slots,
            registrar,
            fee,
            validity_blocks: config.validity_blocks,
            queue: Arc::new(Semaphore::new(QUEUE)),
            tidied: Mutex::new(Instant::now()),
        })
    }

    /// The device, on a channel that is open.
    fn device(&self) -> Result<MutexGuard<'_, Device>, DeviceError> {
        let mut device = self.device.lock().unwrap_or_else(PoisonError::into_inner);
        device.reopen()?;
        Ok(device)
    }

    /// The accounts in custody.
    pub fn accounts(&self) -> impl Iterator<Item = AccountId> {
        self.slots.keys().copied()
    }

    /// The hash of an account's key, as the ledger names it.
    pub fn key_of(&self, account: AccountId) -> Option<(Scheme, KeyHash)> {
        let slot = self.slots.get(&account)?;
        Some((slot.scheme, KeyHash::of(slot.scheme, Purpose::Transaction, &slot.public_key)))
    }

    /// How the device is.
    ///
    /// # Errors
    /// It does not answer.
    pub fn status(&self) -> Result<Status, CustodyError> {
        Ok(self.device()?.status()?)
    }

    /// Each account with its slot, how its key signs, the hash of that, and how many of its transactions are not final.
    ///
    /// # Errors
    /// The database fails.
    #[allow(clippy::type_complexity)] // a row of a list, taken apart where it is shown
    pub fn keys(&self) -> Result<Vec<(AccountId, u8, Scheme, KeyHash, usize)>, CustodyError> {
        let row = |(account, slot): (&AccountId, &Slot)| {
            let hash = KeyHash::of(slot.scheme, Purpose::Transaction, &slot.public_key);
            Ok((*account, slot.index, slot.scheme, hash, self.journal.noted(*account)?.len()))
        };
        self.slots.iter().map(row).collect()
    }

    /// Room for one more request, if there is some.
    pub fn enter(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.queue).try_acquire_owned().ok()
    }

    /// Signs an operation of an account and hands it in. The device may show it to somebody and wait for him. Nothing is begun after the deadline.
    ///
    /// # Errors
    /// See [`CustodyError`]. What failed on the way to the device may have been signed: the same request again, under its key of idempotency, leads to the same transaction.
    pub fn send(
        &self,
        account: AccountId,
        asked: Option<&Asked>,
        deadline: Instant,
        op: &Op<'_>,
    ) -> Result<Accepted, CustodyError> {
        let slot = self.slots.get(&account).ok_or_else(|| CustodyError::Account(account.to_string()))?;
        let mut device = self.device()?;
        if Instant::now() >= deadline {
            return Err(CustodyError::Waits);
        }
        let (mut pending, over) = self.pending(&device, account)?;
        self.settle(&mut device, slot, &mut pending)?;
        if let Some(before) = asked.map(|asked| self.journal.before(asked)).transpose()?.flatten() {
            // It waits, or it was executed: what expired was forgotten with its row.
            let signed = device.signed(&before);
            if let Some(signed) = &signed {
                self.submit(signed)?;
            }
            return Ok(Accepted { transaction: before, signed });
        }
        let bytes = self.build(account, &pending, op)?;
        let nonce = decoded(&bytes)?.nonce;
        self.journal.note(account, nonce, &bytes, asked, &over)?;
        match sign(&mut device, &*self.ledger, slot, &pending, &bytes) {
            Ok(Some(signed)) => {
                self.submit(&signed)?;
                Ok(Accepted { transaction: bytes, signed: Some(signed) })
            }
            Ok(None) => Ok(Accepted { transaction: bytes, signed: None }),
            Err(NotSigned::NotAsked(error) | NotSigned::Refused(error)) => {
                self.journal.forget(account, &[(nonce, asked.map(|asked| asked.key.clone()))])?;
                Err(error)
            }
            Err(NotSigned::Unknown(error)) => Err(error),
        }
    }

    /// Hands in again what was signed and is not final, and forgets what is.
    pub fn upkeep(&self) {
        for (account, slot) in &self.slots {
            let done = || {
                let mut device = self.device()?;
                let (mut pending, over) = self.pending(&device, *account)?;
                self.journal.forget_over(*account, &over)?;
                self.settle(&mut device, slot, &mut pending)?;
                for record in &pending {
                    if let Some(signed) = device.signed(&record.bytes()) {
                        self.submit(&signed)?;
                    }
                }
                Ok::<_, CustodyError>(())
            };
            if let Err(error) = done() {
                tracing::warn!(%account, code = error.code().number, "what waits in custody: {error}");
            }
        }
        let mut tidied = self.tidied.lock().unwrap_or_else(PoisonError::into_inner);
        if tidied.elapsed() >= TIDY {
            *tidied = Instant::now();
            // Nothing is noted meanwhile.
            let _device = self.device.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(error) = self.journal.tidy() {
                tracing::warn!("what was asked of the custody: {error}");
            }
        }
    }

    /// The transaction that an operation of an account would be now. Nothing is signed, and nothing noted.
    ///
    /// # Errors
    /// The account is not in custody or not in the ledger, or the operation is none.
    pub fn preview(&self, account: AccountId, op: &Op<'_>) -> Result<Vec<u8>, CustodyError> {
        if !self.slots.contains_key(&account) {
            return Err(CustodyError::Account(account.to_string()));
        }
        self.build(account, &self.journal.noted(account)?, op)
    }

    /// What of an account may still become final, and the nonces of what is over.
    fn pending(
        &self,
        _device: &Device,
        account: AccountId,
    ) -> Result<(Vec<PendingRecord>, Vec<u64>), CustodyError> {
        // The height first: what was not executed up to it by the later nonce never will be if it was valid no longer.
        let height = self.ledger.status().height;
        self.journal.pending(account, height, self.next_nonce(account)?)
    }

    /// Lets the device sign what it may not have signed, because something failed in between. What it refuses is forgotten: it never was signed.
    fn settle(
        &self,
        device: &mut Device,
        slot: &Slot,
        pending: &mut Vec<PendingRecord>,
    ) -> Result<(), CustodyError> {
        let mut place = 0;
        while let Some(record) = pending.get(place) {
            match device.sign(&*self.ledger, slot, &pending[..place], &record.bytes()) {
                Ok(_) => place += 1,
                Err(NotSigned::Refused(error)) => {
                    tracing::warn!(account = %slot.account, nonce = record.nonce, "not signed: {error}");
                    let record = pending.remove(place);
                    self.journal.forget(slot.account, &[(record.nonce, record.asked)])?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn next_nonce(&self, account: AccountId) -> Result<u64, CustodyError> {
        let found = self.ledger.record(&RecordId::Account(account))?;
        nonce_of(account, &found.record.unwrap_or_default())
    }

    fn build(
        &self,
        account: AccountId,
        pending: &[PendingRecord],
        op: &Op<'_>,
    ) -> Result<Vec<u8>, CustodyError> {
        let status = self.ledger.status();
        // The first that is free: one that expired left a gap, behind which others wait.
        let mut nonce = self.next_nonce(account)?;
        while pending.iter().any(|record| record.nonce == nonce) {
            nonce += 1;
        }
        let transaction = Transaction {
            chain_id: status.chain_id.parse().map_err(|_| CustodyError::Encoding(STATE_ROOT_MISMATCH))?,
            sender: account,
            nonce,
            last_valid_height: status.height.saturating_add(self.validity_blocks),
            fee: self.fee,
            op: op.clone(),
        };
        let mut buffer = [0; <Transaction<'_> as Encoded>::MAX_LEN];
        let bytes =
            codec::encode(&transaction, &mut buffer).map_err(|error| CustodyError::Encoding(error.code()))?;
        Ok(bytes.to_vec())
    }

    /// Hands in what was signed. What the pool does not take now it takes later: it is signed, and waits here.
    fn submit(&self, signed: &[u8]) -> Result<(), CustodyError> {
        match self.ledger.submit(signed) {
            Ok(_) | Err(SubmitError::Mempool(_)) => Ok(()),
            Err(error) => Err(CustodyError::Submit(error)),
        }
    }
}

/// Lets the device sign, and counts what comes of it.
fn sign(
    device: &mut Device,
    ledger: &dyn Ledger,
    slot: &Slot,
    before: &[PendingRecord],
    bytes: &[u8],
) -> Result<Option<Vec<u8>>, NotSigned> {
    let signed = device.sign(ledger, slot, before, bytes);
    match &signed {
        Ok(_) => counter!("qenex_custody_signed_total").increment(1),
        Err(NotSigned::NotAsked(error) | NotSigned::Refused(error) | NotSigned::Unknown(error)) => {
            counter!("qenex_custody_refused_total", "name" => error.code().name).increment(1);
        }
    }
    signed
}

fn nonce_of(account: AccountId, record: &[u8]) -> Result<u64, CustodyError> {
    match codec::decode::<Record<'_>>(record) {
        Ok(Record::Account(account)) => Ok(account.nonce),
        _ => Err(CustodyError::Account(format!("{account} is not in the ledger"))),
    }
}

fn decoded(bytes: &[u8]) -> Result<Transaction<'_>, CustodyError> {
    codec::decode(bytes).map_err(|error| CustodyError::Encoding(error.code()))
}
