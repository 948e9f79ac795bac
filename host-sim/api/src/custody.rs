//! Accounts in custody: the node builds their transactions, its device judges and signs them, the node hands them in.
//!
//! - What is to be signed is durable before the device sees it, together with the key of idempotency of who asked for it. So whatever fails afterwards, the same request
//!   leads to the same transaction; the device gives it the same signature and counts it once, and its nonce is used once: money never moves twice.
//! - A device signs against the newest final state, and up to four transactions of a key that are not final yet. It follows the chain when it signs, by the votes that
//!   made the newest block final.
//! - What was signed and is not final is handed in again each second, as other nodes may have lost it.

use std::collections::BTreeMap;
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
use qenex_node::error::{MempoolError, NodeError};
use qenex_node::sequencer::SubmitError;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
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
    /// The device refuses, or cannot be reached.
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
            Self::Device(error) => error.code(),
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
    account: AccountText,
    nonce: u64,
    transaction: String,
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

/// An account's id as text.
type AccountText = String;

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
        let device = Mutex::new(Device { client: Some(client), trusted_height, signed: BTreeMap::new() });
        Ok(Self { store, ledger, device, slots, registrar, fee, config: config.clone() })
    }

    /// The device, on a channel that is open.
    fn device(&self) -> Result<MutexGuard<'_, Device>, DeviceError> {
        let mut device = self.device.lock().unwrap_or_else(PoisonError::into_inner);
        if device.client.is_none() {
            let mut client = connect(&self.config)?;
            device.trusted_height = trusted_height(&mut client)?;
            device.client = Some(client);
        }
        Ok(device)
    }

    /// Whether the account is in custody.
    pub fn has(&self, account: AccountId) -> bool {
        self.slots.contains_key(&account)
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

    /// Signs an operation of an account and hands it in. The device may show it to somebody and wait for him.
    ///
    /// # Errors
    /// See [`CustodyError`]. What failed on the way to the device or behind it may have been signed; the same request again leads to the same transaction.
    pub fn send(
        &self,
        account: AccountId,
        asked: Option<&Asked>,
        op: &Op<'_>,
    ) -> Result<Accepted, CustodyError> {
        let slot = self.slots.get(&account).ok_or_else(|| CustodyError::Account(account.to_string()))?;
        let mut device = self.device()?;
        let pending = self.pending(account)?;
        let before = asked.map(|asked| self.before(asked)).transpose()?.flatten();
        if let Some(transaction) = before {
            // It waits, or is over: then it is said what it was, and nothing is signed again.
            let bytes = hex::decode(&transaction).unwrap_or_default();
            let waits = pending.iter().position(|record| record.transaction == transaction);
            return match waits {
                Some(place) => self.sign_and_submit(&mut device, slot, &pending[..place], bytes),
                None => Ok(Accepted { transaction: bytes, signed: None }),
            };
        }
        let bytes = self.build(account, &pending, op)?;
        let nonce = decoded(&bytes)?.nonce;
        self.note(account, nonce, &bytes, asked)?;
        let result = self.sign_and_submit(&mut device, slot, &pending, bytes);
        if let Err(CustodyError::Device(DeviceError::Refused(_)) | CustodyError::Waits) = &result {
            // The device has not signed it, and never will by itself.
            self.forget(account, nonce, asked)?;
        }
        result
    }

    /// Hands in again what was signed and is not final, and forgets what is.
    pub fn upkeep(&self) {
        for (account, slot) in &self.slots {
            let done = self.pending(*account).and_then(|pending| {
                if pending.is_empty() {
                    return Ok(());
                }
                let mut device = self.device()?;
                for place in 0..pending.len() {
                    let bytes = hex::decode(&pending[place].transaction).unwrap_or_default();
                    self.sign_and_submit(&mut device, slot, &pending[..place], bytes)?;
                }
                Ok(())
            });
            if let Err(error) = done {
                tracing::warn!(%account, code = error.code().number, "what waits in custody: {error}");
            }
        }
        let old_ms = now_ms().saturating_sub(REMEMBERED_MS);
        if let Err(error) = ASKED.retain(&self.store, |asked| asked.at_ms >= old_ms) {
            tracing::warn!("{error}");
        }
    }

    fn before(&self, asked: &Asked) -> Result<Option<String>, CustodyError> {
        match ASKED.get(&self.store, &asked.key)? {
            None => Ok(None),
            Some(before) if before.fingerprint == asked.fingerprint => Ok(Some(before.transaction)),
            Some(_) => Err(CustodyError::Reused),
        }
    }

    /// What of an account may still become final, in the order of the nonces; the rest is forgotten.
    fn pending(&self, account: AccountId) -> Result<Vec<PendingRecord>, CustodyError> {
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
        // One that can never be executed any more holds up all behind it.
        let (mut kept, mut executed, mut expired) = (Vec::new(), Vec::new(), Vec::new());
        for record in pending {
            let bytes = hex::decode(&record.transaction).unwrap_or_default();
            let valid = decoded(&bytes).is_ok_and(|transaction| transaction.last_valid_height > height);
            if record.nonce < next_nonce {
                executed.push(record);
            } else if valid && expired.is_empty() {
                kept.push(record);
            } else {
                expired.push(record);
            }
        }
        if !(executed.is_empty() && expired.is_empty()) {
            self.store.write(|writing| {
                for record in executed.iter().chain(&expired) {
                    PENDING.remove_in(&self.store, writing, &pending_name(account, record.nonce))?;
                }
                Ok(())
            })?;
        }
        if !expired.is_empty() {
            // It moved nothing: who asks again asks for a new one.
            let gone =
                |asked: &AskedRecord| expired.iter().any(|record| record.transaction == asked.transaction);
            ASKED.retain(&self.store, |asked| !gone(asked))?;
        }
        Ok(kept)
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
        let transaction = Transaction {
            chain_id: status.chain_id.parse().map_err(|_| CustodyError::Encoding(STATE_ROOT_MISMATCH))?,
            sender: account,
            nonce: pending.last().map_or(self.next_nonce(account)?, |last| last.nonce + 1),
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
        let record = PendingRecord { account: account.to_string(), nonce, transaction: transaction.clone() };
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

    fn forget(&self, account: AccountId, nonce: u64, asked: Option<&Asked>) -> Result<(), CustodyError> {
        self.store.write(|writing| {
            PENDING.remove_in(&self.store, writing, &pending_name(account, nonce))?;
            asked.map_or(Ok(()), |asked| ASKED.remove_in(&self.store, writing, &asked.key))
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

    /// Lets the device sign a transaction, over those of the account that are not final, and hands it in.
    fn sign_and_submit(
        &self,
        device: &mut MutexGuard<'_, Device>,
        slot: &Slot,
        before: &[PendingRecord],
        bytes: Vec<u8>,
    ) -> Result<Accepted, CustodyError> {
        let signed = match device.signed.get(&bytes) {
            Some(signed) => signed.clone(),
            None => {
                let signed = self.sign(device, slot, before, &bytes);
                if let Err(CustodyError::Device(error)) = &signed
                    && !matches!(error, DeviceError::Refused(_))
                {
                    // Whatever it was, a new channel begins at a place that is known.
                    device.client = None;
                }
                let Some(signed) = signed? else {
                    return Ok(Accepted { transaction: bytes, signed: None });
                };
                let nonce = decoded(&bytes)?.nonce;
                let oldest = before.first().map_or(nonce, |first| first.nonce);
                device.signed.retain(|bytes, _| {
                    decoded(bytes).is_ok_and(|old| slot.account != old.sender || old.nonce >= oldest)
                });
                device.signed.insert(bytes.clone(), signed.clone());
                signed
            }
        };
        match self.ledger.submit(&signed) {
            Ok(_) => {}
            // It waits or was executed.
            Err(SubmitError::Mempool(MempoolError::NonceUsed { .. } | MempoolError::NonceTaken { .. })) => {}
            Err(error) => return Err(CustodyError::Submit(error)),
        }
        Ok(Accepted { transaction: bytes, signed: Some(signed) })
    }

    /// Lets the device sign a transaction, over those before it that are not final; nothing if it is final itself.
    fn sign(
        &self,
        device: &mut MutexGuard<'_, Device>,
        slot: &Slot,
        before: &[PendingRecord],
        bytes: &[u8],
    ) -> Result<Option<Vec<u8>>, CustodyError> {
        let transaction = decoded(bytes)?;
        let mut before: Vec<Vec<u8>> =
            before.iter().map(|record| hex::decode(&record.transaction).unwrap_or_default()).collect();
        let proven = loop {
            let mut ids: Vec<RecordId> = access(&transaction).to_vec();
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
                break proven;
            }
        };
        let client = device.client()?;
        client.bring(slot.index, bytes, &before, Some(&proven.witness))?;
        let signature = client.sign()?;
        let signatures =
            [Signature { scheme: slot.scheme, public_key: &slot.public_key, signature: &signature }];
        let mut buffer = vec![0; MAX_SIGNED_LEN];
        let signed = encode_signed(&transaction, &signatures, &mut buffer);
        Ok(Some(signed.map_err(|error| CustodyError::Encoding(error.code()))?.to_vec()))
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
