//! Accounts in custody: the node builds their transactions, its device judges and signs them, the node hands them in.
//!
//! - What is to be signed is durable before the device sees it, together with the key of idempotency of who asked for it. So whatever fails afterwards, the same request
//!   leads to the same transaction; the device gives it the same signature and counts it once, and its nonce is used once: money never moves twice.
//! - A device signs against the newest final state, and up to four transactions of a key that are not final yet. It follows the chain when it signs, by the votes that
//!   made the newest block final.
//! - What was signed and is not final is handed in again each second, as other nodes may have lost it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use qenex_core::codec::{self, Encoded};
use qenex_core::crypto::{KeyHash, Purpose, Scheme};
use qenex_core::error::{
    ANCHOR_MISSING, CUSTODY_WAITS, Code, Coded, IDEMPOTENCY_REUSED, NOT_IN_CUSTODY, STATE_ROOT_MISMATCH,
};
use qenex_core::hsm::Refusal;
use qenex_core::hsm::proto::{Command, Index, KeyInfo, Nothing, Status};
use qenex_core::id::AccountId;
use qenex_core::ledger::{Record, RecordId, access};
use qenex_core::num::Amount;
use qenex_core::tx::{MAX_SIGNED_LEN, Op, Signature, Transaction, encode_signed};
use qenex_device::DeviceError;
use qenex_device::client::Client;
use qenex_device::commission::log_in;
use qenex_device::host::Host;
use qenex_device::port::Port;
use qenex_device::soft::{Person, SoftBoard};
use qenex_node::error::NodeError;
use qenex_node::sequencer::SubmitError;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use zeroize::Zeroizing;

use crate::access::now_ms;
use crate::config::CustodyConfig;
use crate::ledger::{Ledger, Proven};
use crate::store::{Store, StoreError, Table};

const PENDING: Table<PendingRecord> = Table::new("custody-pending");
const ASKED: Table<AskedRecord> = Table::new("custody-asked");

/// How long the votes for the newest block may be awaited.
const VOTES: Duration = Duration::from_secs(2);

/// How long a key of idempotency is remembered: a day.
const REMEMBERED_MS: u64 = 24 * 3_600 * 1_000;

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

/// A transaction that the device may have signed and that may still become final.
#[derive(Clone, Serialize, Deserialize)]
struct PendingRecord {
    account: String,
    nonce: u64,
    transaction: String,
    /// The row of what was asked, if it may be asked again.
    asked: Option<String>,
}

impl PendingRecord {
    fn bytes(&self) -> Vec<u8> {
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

/// A transaction that was signed and waits.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// Its canonical bytes, unsigned.
    pub transaction: Vec<u8>,
    /// The same signed; nothing where it is over.
    pub signed: Option<Vec<u8>>,
}

/// A key in the device.
struct Slot {
    account: AccountId,
    index: u8,
    scheme: Scheme,
    public_key: Vec<u8>,
}

/// What only one request uses at a time.
struct Device {
    /// The channel; nothing after it broke, until it is opened anew.
    client: Option<Client<Port>>,
    /// The height that it trusts.
    trusted_height: u64,
    /// What it signed and what may not be final yet, by the transaction.
    signed: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Why it did not let the operator in: tried again, it would block him.
    locked: Option<Refusal>,
    /// When rows of what was asked were last looked through.
    tidied: Instant,
}

/// What is certain of a transaction that was not signed.
enum NotSigned {
    /// The device was not asked to sign it.
    NotAsked(CustodyError),
    /// The device refused to sign it. What it has signed before it signs again without judging, so it never has.
    Refused(CustodyError),
    /// It may have.
    Unknown(CustodyError),
}

impl From<NotSigned> for CustodyError {
    fn from(error: NotSigned) -> Self {
        match error {
            NotSigned::NotAsked(error) | NotSigned::Refused(error) | NotSigned::Unknown(error) => error,
        }
    }
}

impl Device {
    fn client(&mut self) -> Result<&mut Client<Port>, DeviceError> {
        self.client.as_mut().ok_or(DeviceError::Busy)
    }
}

/// The accounts in custody, and the device that signs for them.
pub struct Desk {
    store: Arc<Store>,
    ledger: Arc<dyn Ledger>,
    device: Mutex<Device>,
    slots: BTreeMap<AccountId, Slot>,
    /// The account that opens the others.
    pub registrar: Option<AccountId>,
    fee: Amount,
    config: CustodyConfig,
    queue: Arc<Semaphore>,
}

/// Opens a channel, and logs the operator in.
fn connect(config: &CustodyConfig) -> Result<Client<Port>, DeviceError> {
    let host = Host::new(&config.host);
    let file = |path: &Path, error| DeviceError::File(path.display().to_string(), error);
    let mut client = match (&config.soft, &config.at) {
        (Some(folder), None) => {
            let board = SoftBoard::open(folder, Person::Absent)?;
            board.connect(&host.static_key()?, host.known_device()?.as_ref())?
        }
        (None, Some(at)) => host.connect(at)?,
        _ => {
            let error = std::io::Error::other("either `soft` or `at` was expected");
            return Err(DeviceError::File("custody".into(), error));
        }
    };
    let pin = std::fs::read_to_string(&config.pin_file).map(Zeroizing::new);
    let pin = pin.map_err(|error| file(&config.pin_file, error))?;
    log_in(&mut client, &config.user, pin.trim().as_bytes())?;
    Ok(client)
}

fn trusted_height(client: &mut Client<Port>) -> Result<u64, DeviceError> {
    let status: Status = client.get(Command::Status, &Nothing {})?;
    let trusted = status.trusted.ok_or(DeviceError::Refused(Refusal(ANCHOR_MISSING.number)))?;
    Ok(trusted.height)
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
        let mut client = connect(config).map_err(failed)?;
        let mut slots = BTreeMap::new();
        for (account, index) in &config.accounts {
            let account: AccountId = parsed("accounts", account)?;
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
        let trusted_height = trusted_height(&mut client).map_err(failed)?;
        let device = Mutex::new(Device {
            client: Some(client),
            trusted_height,
            signed: BTreeMap::new(),
            locked: None,
            tidied: Instant::now(),
        });
        Ok(Self {
            store,
            ledger,
            device,
            slots,
            registrar,
            fee,
            config: config.clone(),
            queue: Arc::new(Semaphore::new(QUEUE)),
        })
    }

    /// The device, on a channel that is open.
    fn device(&self) -> Result<MutexGuard<'_, Device>, DeviceError> {
        let mut device = self.device.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(refusal) = device.locked {
            return Err(DeviceError::Refused(refusal));
        }
        if device.client.is_none() {
            let opened = connect(&self.config);
            if let Err(DeviceError::Refused(refusal)) = opened {
                device.locked = Some(refusal);
            }
            let mut client = opened?;
            device.trusted_height = trusted_height(&mut client)?;
            device.client = Some(client);
        }
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
        let mut pending = self.pending(&mut device, account)?;
        self.settle(&mut device, slot, &mut pending)?;
        if let Some(before) = asked.map(|asked| self.before(asked)).transpose()?.flatten() {
            let bytes = hex::decode(&before).unwrap_or_default();
            // It waits, or it was executed: what expired was forgotten with its row.
            let signed = device.signed.get(&bytes).cloned();
            if let Some(signed) = &signed {
                self.submit(signed)?;
            }
            return Ok(Accepted { transaction: bytes, signed });
        }
        let bytes = self.build(account, &pending, op)?;
        let nonce = decoded(&bytes)?.nonce;
        self.note(account, nonce, &bytes, asked)?;
        match self.sign(&mut device, slot, &pending, &bytes) {
            Ok(Some(signed)) => {
                self.submit(&signed)?;
                Ok(Accepted { transaction: bytes, signed: Some(signed) })
            }
            Ok(None) => Ok(Accepted { transaction: bytes, signed: None }),
            Err(NotSigned::NotAsked(error) | NotSigned::Refused(error)) => {
                self.forget(account, &[(nonce, asked.map(|asked| asked.key.clone()))])?;
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
                let mut pending = self.pending(&mut device, *account)?;
                self.settle(&mut device, slot, &mut pending)?;
                for record in &pending {
                    if let Some(signed) = device.signed.get(&record.bytes()) {
                        self.submit(signed)?;
                    }
                }
                if device.tidied.elapsed() >= TIDY {
                    device.tidied = Instant::now();
                    self.tidy()?;
                }
                Ok::<_, CustodyError>(())
            };
            if let Err(error) = done() {
                tracing::warn!(%account, code = error.code().number, "what waits in custody: {error}");
            }
        }
    }

    /// Forgets what was asked long ago and is over.
    fn tidy(&self) -> Result<(), CustodyError> {
        let old_ms = now_ms().saturating_sub(REMEMBERED_MS);
        let waiting: BTreeSet<String> =
            PENDING.all(&self.store)?.into_iter().map(|record| record.transaction).collect();
        let keep = |asked: &AskedRecord| asked.at_ms >= old_ms || waiting.contains(&asked.transaction);
        Ok(ASKED.retain(&self.store, keep)?)
    }

    fn before(&self, asked: &Asked) -> Result<Option<String>, CustodyError> {
        match ASKED.get(&self.store, &asked.key)? {
            None => Ok(None),
            Some(before) if before.fingerprint == asked.fingerprint => Ok(Some(before.transaction)),
            Some(_) => Err(CustodyError::Reused),
        }
    }

    /// What of an account may still become final, in the order of the nonces; the rest is forgotten. Only whoever has the device changes it.
    fn pending(
        &self,
        _device: &mut MutexGuard<'_, Device>,
        account: AccountId,
    ) -> Result<Vec<PendingRecord>, CustodyError> {
        let name = account.to_string();
        let mut pending = PENDING.all(&self.store)?;
        pending.retain(|record| record.account == name);
        if pending.is_empty() {
            return Ok(pending);
        }
        // The height first: what was not executed up to it by the later nonce never will be if it was valid no longer.
        let height = self.ledger.status().height;
        let next_nonce = self.next_nonce(account)?;
        pending.sort_by_key(|record| record.nonce);
        let mut gone = Vec::new();
        pending.retain(|record| {
            let valid =
                decoded(&record.bytes()).is_ok_and(|transaction| transaction.last_valid_height > height);
            let executed = record.nonce < next_nonce;
            if executed {
                // What was asked is remembered: asked again, this was it.
                gone.push((record.nonce, None));
            } else if !valid {
                // It moved nothing and never will: who asks again asks for a new one.
                gone.push((record.nonce, record.asked.clone()));
            }
            !executed && valid
        });
        if !gone.is_empty() {
            self.forget(account, &gone)?;
        }
        Ok(pending)
    }

    /// Lets the device sign what it may not have signed, because something failed in between. What it refuses is forgotten: it never was signed.
    fn settle(
        &self,
        device: &mut MutexGuard<'_, Device>,
        slot: &Slot,
        pending: &mut Vec<PendingRecord>,
    ) -> Result<(), CustodyError> {
        let mut place = 0;
        while let Some(record) = pending.get(place) {
            match self.sign(device, slot, &pending[..place], &record.bytes()) {
                Ok(_) => place += 1,
                Err(NotSigned::Refused(error)) => {
                    tracing::warn!(account = %slot.account, nonce = record.nonce, "not signed: {error}");
                    let record = pending.remove(place);
                    self.forget(slot.account, &[(record.nonce, record.asked)])?;
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
            last_valid_height: status.height.saturating_add(self.config.validity_blocks),
            fee: self.fee,
            op: op.clone(),
        };
        let mut buffer = [0; <Transaction<'_> as Encoded>::MAX_LEN];
        let bytes =
            codec::encode(&transaction, &mut buffer).map_err(|error| CustodyError::Encoding(error.code()))?;
        Ok(bytes.to_vec())
    }

    /// Makes durable what is about to be signed, and for whom.
    fn note(
        &self,
        account: AccountId,
        nonce: u64,
        bytes: &[u8],
        asked: Option<&Asked>,
    ) -> Result<(), CustodyError> {
        let transaction = hex::encode(bytes);
        let record = PendingRecord {
            account: account.to_string(),
            nonce,
            transaction: transaction.clone(),
            asked: asked.map(|asked| asked.key.clone()),
        };
        self.store.write(|writing| {
            PENDING.put_in(&self.store, writing, &pending_name(account, nonce), &record)?;
            if let Some(Asked { key, fingerprint }) = asked {
                let record = AskedRecord { fingerprint: fingerprint.clone(), transaction, at_ms: now_ms() };
                ASKED.put_in(&self.store, writing, key, &record)?;
            }
            Ok(())
        })?;
        Ok(())
    }

    /// Forgets transactions, by their nonces, and what was asked for them.
    fn forget(&self, account: AccountId, gone: &[(u64, Option<String>)]) -> Result<(), CustodyError> {
        self.store.write(|writing| {
            for (nonce, asked) in gone {
                PENDING.remove_in(&self.store, writing, &pending_name(account, *nonce))?;
                if let Some(asked) = asked {
                    ASKED.remove_in(&self.store, writing, asked)?;
                }
            }
            Ok(())
        })?;
        Ok(())
    }

    /// What the device needs for these records, as of a block that it trusts.
    fn proven(&self, device: &mut MutexGuard<'_, Device>, ids: &[RecordId]) -> Result<Proven, CustodyError> {
        let start = Instant::now();
        loop {
            let proven = self.ledger.proven(ids)?.ok_or(CustodyError::Waits)?;
            if proven.tip.height == device.trusted_height {
                return Ok(proven);
            }
            if let Some(certified) = &proven.certified
                && *certified.header() == proven.tip
            {
                for end in self.ledger.ends_from(device.trusted_height.saturating_add(1))? {
                    if end.header().height < proven.tip.height {
                        device.client()?.follow_certified(&end)?;
                        device.trusted_height = end.header().height;
                    }
                }
                device.client()?.follow_certified(certified)?;
                device.trusted_height = proven.tip.height;
                return Ok(proven);
            }
            if start.elapsed() >= VOTES {
                return Err(CustodyError::Waits);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Hands in what was signed. What the pool does not take now it takes later: it is signed, and waits here.
    fn submit(&self, signed: &[u8]) -> Result<(), CustodyError> {
        match self.ledger.submit(signed) {
            Ok(_) | Err(SubmitError::Mempool(_)) => Ok(()),
            Err(error) => Err(CustodyError::Submit(error)),
        }
    }

    /// The signature of the device under a transaction, over those before it that are not final; nothing if it is final itself.
    fn sign(
        &self,
        device: &mut MutexGuard<'_, Device>,
        slot: &Slot,
        before: &[PendingRecord],
        bytes: &[u8],
    ) -> Result<Option<Vec<u8>>, NotSigned> {
        if let Some(signed) = device.signed.get(bytes) {
            return Ok(Some(signed.clone()));
        }
        let transaction = decoded(bytes).map_err(NotSigned::NotAsked)?;
        let witness = self.witness(device, slot, before, &transaction).map_err(NotSigned::NotAsked)?;
        let Some((before, proven)) = witness else { return Ok(None) };
        let brought = device
            .client()
            .and_then(|client| client.bring(slot.index, bytes, &before, Some(&proven.witness)));
        if let Err(error) = brought {
            self.look_at(device, &error);
            return Err(NotSigned::NotAsked(error.into()));
        }
        let signature = match device.client().and_then(Client::sign) {
            Ok(signature) => signature,
            Err(error @ DeviceError::Refused(_)) => {
                return Err(NotSigned::Refused(CustodyError::Refused(error)));
            }
            Err(error) => {
                self.look_at(device, &error);
                return Err(NotSigned::Unknown(error.into()));
            }
        };
        let signatures =
            [Signature { scheme: slot.scheme, public_key: &slot.public_key, signature: &signature }];
        let mut buffer = vec![0; MAX_SIGNED_LEN];
        let signed = encode_signed(&transaction, &signatures, &mut buffer);
        let signed =
            signed.map_err(|error| NotSigned::Unknown(CustodyError::Encoding(error.code())))?.to_vec();
        let oldest = before.first().and_then(|first| decoded(first).ok().map(|first| first.nonce));
        let oldest = oldest.unwrap_or(transaction.nonce);
        device.signed.retain(|bytes, _| {
            decoded(bytes).is_ok_and(|old| slot.account != old.sender || old.nonce >= oldest)
        });
        device.signed.insert(bytes.to_vec(), signed.clone());
        Ok(Some(signed))
    }

    /// After anything but a refusal a new channel begins at a place that is known.
    fn look_at(&self, device: &mut MutexGuard<'_, Device>, error: &DeviceError) {
        if !matches!(error, DeviceError::Refused(_)) {
            device.client = None;
        }
    }

    /// What the device needs to sign a transaction: those before it that are not final, and the records that they may touch; nothing if it is final itself.
    #[allow(clippy::type_complexity)] // the parts have no names that could be said
    fn witness(
        &self,
        device: &mut MutexGuard<'_, Device>,
        slot: &Slot,
        before: &[PendingRecord],
        transaction: &Transaction<'_>,
    ) -> Result<Option<(Vec<Vec<u8>>, Proven)>, CustodyError> {
        let earlier = before.iter().filter(|record| record.nonce < transaction.nonce);
        let mut before: Vec<Vec<u8>> = earlier.map(PendingRecord::bytes).collect();
        loop {
            let mut ids: Vec<RecordId> = access(transaction).to_vec();
            for bytes in &before {
                ids.extend(access(&decoded(bytes)?));
            }
            ids.sort_by_key(RecordId::key);
            ids.dedup();
            let proven = self.proven(device, &ids)?;
            // Since they were looked up, some may have become final.
            let place = ids.iter().position(|id| *id == RecordId::Account(slot.account));
            let record = place.and_then(|place| proven.witness.records.get(place));
            let nonce = nonce_of(slot.account, record.map_or(&[], Vec::as_slice))?;
            if transaction.nonce < nonce {
                return Ok(None);
            }
            let count = before.len();
            before.retain(|bytes| decoded(bytes).is_ok_and(|earlier| earlier.nonce >= nonce));
            if before.len() == count {
                return Ok(Some((before, proven)));
            }
        }
    }
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

fn pending_name(account: AccountId, nonce: u64) -> String {
    format!("{account}/{nonce:020}")
}
