//! The device of the custody: a channel to it, what it trusts, what it signs.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use qenex_core::crypto::Scheme;
use qenex_core::error::{ANCHOR_MISSING, Coded as _};
use qenex_core::hsm::Refusal;
use qenex_core::hsm::proto::{Command, Nothing, Status};
use qenex_core::id::AccountId;
use qenex_core::ledger::{RecordId, access};
use qenex_core::tx::{MAX_SIGNED_LEN, Signature, Transaction, encode_signed};
use qenex_device::DeviceError;
use qenex_device::client::Client;
use qenex_device::port::Port;

use super::journal::PendingRecord;
use super::{CustodyError, decoded, nonce_of};
use crate::config::CustodyConfig;
use crate::ledger::{Ledger, Proven};

/// How long the votes for the newest block may be awaited.
const VOTES: Duration = Duration::from_secs(2);

/// A key in the device.
pub(super) struct Slot {
    pub(super) account: AccountId,
    pub(super) index: u8,
    pub(super) scheme: Scheme,
    pub(super) public_key: Vec<u8>,
}

/// The device. Only one request uses it at a time.
pub(super) struct Device {
    /// The channel; nothing after it broke, until it is opened anew.
    client: Option<Client<Port>>,
    /// The height that it trusts.
    trusted_height: u64,
    /// What it signed and what may not be final yet, by the transaction.
    signed: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Why it did not let the operator in: tried again, it would block him.
    locked: Option<Refusal>,
    config: CustodyConfig,
}

/// What is certain of a transaction that was not signed.
pub(super) enum NotSigned {
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

fn trusted_height(client: &mut Client<Port>) -> Result<u64, DeviceError> {
    let status: Status = client.get(Command::Status, &Nothing {})?;
    let trusted = status.trusted.ok_or(DeviceError::Refused(Refusal(ANCHOR_MISSING.number)))?;
    Ok(trusted.height)
}

impl Device {
    /// Opens a channel to the device and logs the operator in.
    pub(super) fn open(config: &CustodyConfig) -> Result<Self, DeviceError> {
        let mut client = config.operator().connect()?;
        let trusted_height = trusted_height(&mut client)?;
        let config = config.clone();
        Ok(Self { client: Some(client), trusted_height, signed: BTreeMap::new(), locked: None, config })
    }

    /// Opens the channel again if it broke.
    pub(super) fn reopen(&mut self) -> Result<(), DeviceError> {
        if let Some(refusal) = self.locked {
            return Err(DeviceError::Refused(refusal));
        }
        if self.client.is_none() {
            let opened = self.config.operator().connect();
            if let Err(DeviceError::Refused(refusal)) = opened {
                self.locked = Some(refusal);
            }
            let mut client = opened?;
            self.trusted_height = trusted_height(&mut client)?;
            self.client = Some(client);
        }
        Ok(())
    }

    /// How it is.
    pub(super) fn status(&mut self) -> Result<Status, DeviceError> {
        let status = self.client()?.get(Command::Status, &Nothing {});
        if let Err(error) = &status {
            self.look_at(error);
        }
        status
    }

    /// The channel.
    pub(super) fn client(&mut self) -> Result<&mut Client<Port>, DeviceError> {
        self.client.as_mut().ok_or(DeviceError::Busy)
    }

    /// What it signed and what may not be final yet.
    pub(super) fn signed(&self, transaction: &[u8]) -> Option<Vec<u8>> {
        self.signed.get(transaction).cloned()
    }

    /// What the device needs for these records, as of a block that it trusts.
    fn proven(&mut self, ledger: &dyn Ledger, ids: &[RecordId]) -> Result<Proven, CustodyError> {
        let start = Instant::now();
        loop {
            let proven = ledger.proven(ids)?.ok_or(CustodyError::Waits)?;
            if proven.tip.height == self.trusted_height {
                return Ok(proven);
            }
            if let Some(certified) = &proven.certified
                && *certified.header() == proven.tip
            {
                for end in ledger.ends_from(self.trusted_height.saturating_add(1))? {
                    if end.header().height < proven.tip.height {
                        self.client()?.follow_certified(&end)?;
                        self.trusted_height = end.header().height;
                    }
                }
                self.client()?.follow_certified(certified)?;
                self.trusted_height = proven.tip.height;
                return Ok(proven);
            }
            if start.elapsed() >= VOTES {
                return Err(CustodyError::Waits);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// The signature of the device under a transaction, over those before it that are not final; nothing if it is final itself.
    pub(super) fn sign(
        &mut self,
        ledger: &dyn Ledger,
        slot: &Slot,
        before: &[PendingRecord],
        bytes: &[u8],
    ) -> Result<Option<Vec<u8>>, NotSigned> {
        if let Some(signed) = self.signed.get(bytes) {
            return Ok(Some(signed.clone()));
        }
        let transaction = decoded(bytes).map_err(NotSigned::NotAsked)?;
        let witness = self.witness(ledger, slot, before, &transaction).map_err(NotSigned::NotAsked)?;
        let Some((before, proven)) = witness else { return Ok(None) };
        let brought =
            self.client().and_then(|client| client.bring(slot.index, bytes, &before, Some(&proven.witness)));
        if let Err(error) = brought {
            self.look_at(&error);
            return Err(NotSigned::NotAsked(error.into()));
        }
        let signature = match self.client().and_then(Client::sign) {
            Ok(signature) => signature,
            Err(error @ DeviceError::Refused(_)) => {
                return Err(NotSigned::Refused(CustodyError::Refused(error)));
            }
            Err(error) => {
                self.look_at(&error);
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
        self.signed.retain(|bytes, _| {
            decoded(bytes).is_ok_and(|old| slot.account != old.sender || old.nonce >= oldest)
        });
        self.signed.insert(bytes.to_vec(), signed.clone());
        Ok(Some(signed))
    }

    /// After anything but a refusal a new channel begins at a place that is known.
    fn look_at(&mut self, error: &DeviceError) {
        if !matches!(error, DeviceError::Refused(_)) {
            self.client = None;
        }
    }

    /// What the device needs to sign a transaction: those before it that are not final, and the records that they may touch; nothing if it is final itself.
    #[allow(clippy::type_complexity)] // the parts have no names that could be said
    fn witness(
        &mut self,
        ledger: &dyn Ledger,
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
            let proven = self.proven(ledger, &ids)?;
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
