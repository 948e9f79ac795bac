//! A channel to one device, and what is known of the device while it is open.
//!
//! A device serves one host at a time, so what the module knows stays true for as long as it has the channel. The keys are read once, after a
//! login: before it a device says nothing of them.

use cryptoki_sys::*;
use qenex_core::codec;
use qenex_core::crypto::{Purpose, Scheme};
use qenex_core::error::{HOST_UNPAIRED, KEY_UNKNOWN};
use qenex_core::hsm::proto::{Command, CreateKey, Index, KeyInfo, Login, Nothing, Status};
use qenex_core::hsm::{MAX_KEYS, Refusal, UserName};
use qenex_device::client::Client;
use qenex_device::port::Port;
use qenex_device::{DeviceError, Host};

use crate::config::Device;
use crate::mechanism::CKM_QENEX_TRANSACTION;
use crate::object::Key;
use crate::operation::Operation;
use crate::rv::{Rv, is_broken};
use crate::transaction;

/// An open channel.
pub struct Token {
    client: Client<Port>,
    /// As what somebody is logged in.
    login: Option<CK_USER_TYPE>,
    keys: Option<Vec<Key>>,
    broken: bool,
}

/// Who logs in with which PIN.
pub type Users<'a> = Vec<(UserName, &'a [u8])>;

impl Token {
    /// Opens a channel.
    ///
    /// # Errors
    /// The device cannot be reached or is another one.
    pub fn open(device: &Device) -> Result<Self, Rv> {
        let client = Host::new(&device.host).connect(&device.at)?;
        Ok(Self { client, login: None, keys: None, broken: false })
    }

    /// Opens a channel to a device that knows this host.
    ///
    /// # Errors
    /// As [`Self::open`]; or it does not.
    pub fn open_paired(device: &Device) -> Result<Self, Rv> {
        let token = Self::open(device)?;
        if token.client.is_paired() { Ok(token) } else { Err(Refusal(HOST_UNPAIRED.number).into()) }
    }

    /// Ends the channel, and with it every login.
    pub fn close(self) {
        self.client.hang_up();
    }

    /// Whether the channel is of no use any more.
    pub const fn is_broken(&self) -> bool {
        self.broken
    }

    /// As what somebody is logged in.
    pub const fn login(&self) -> Option<CK_USER_TYPE> {
        self.login
    }

    /// The device's key, by which it is known.
    pub const fn device_key(&self) -> &[u8; 32] {
        self.client.device_key()
    }

    /// Talks to the device.
    fn ask<R>(&mut self, talk: impl FnOnce(&mut Client<Port>) -> Result<R, DeviceError>) -> Result<R, Rv> {
        talk(&mut self.client).map_err(|error| {
            self.broken |= is_broken(&error);
            error.into()
        })
    }

    /// What the device says of itself.
    ///
    /// # Errors
    /// The channel is broken.
    pub fn status(&mut self) -> Result<Status, Rv> {
        self.ask(|client| client.get(Command::Status, &Nothing {}))
    }

    /// Logs all of these users in, or none.
    ///
    /// # Errors
    /// The device refused one of them.
    pub fn log_in(&mut self, kind: CK_USER_TYPE, users: &Users<'_>) -> Result<(), Rv> {
        let logged_in = users.iter().try_for_each(|(user, pin)| {
            self.ask(|client| client.ask(Command::Login, &Login { user: *user, pin }).map(drop))
        });
        if let Err(rv) = logged_in {
            self.log_out()?;
            return Err(rv);
        }
        self.login = Some(kind);
        Ok(())
    }

    /// Logs everybody out.
    ///
    /// # Errors
    /// The channel is broken.
    pub fn log_out(&mut self) -> Result<(), Rv> {
        (self.login, self.keys) = (None, None);
        self.ask(|client| client.tell(Command::Logout))
    }

    /// The keys; none while nobody is logged in.
    ///
    /// # Errors
    /// The channel is broken.
    pub fn keys(&mut self) -> Result<&[Key], Rv> {
        if self.login.is_some() && self.keys.is_none() {
            let keys =
                (0..MAX_KEYS).filter_map(|slot| self.describe(slot).transpose()).collect::<Result<_, _>>();
            self.keys = Some(keys?);
        }
        Ok(self.keys.as_deref().unwrap_or_default())
    }

    /// The key in a slot of the device.
    fn describe(&mut self, slot: u8) -> Result<Option<Key>, Rv> {
        let body = self.ask(|client| match client.ask(Command::DescribeKey, &Index { index: slot }) {
            Err(DeviceError::Refused(Refusal(number))) if number == KEY_UNKNOWN.number => Ok(None),
            body => body.map(Some),
        })?;
        let Some(body) = body else { return Ok(None) };
        let info: KeyInfo<'_> = codec::decode(&body).map_err(|_| Rv(CKR_DEVICE_ERROR))?;
        // To an auditor a device does not show public keys, and without them there are no objects.
        Ok((!info.public_key.is_empty()).then(|| Key {
            slot,
            label: info.label.as_str().into(),
            scheme: info.scheme,
            purpose: info.purpose,
            hash: info.hash,
            public_key: info.public_key.into(),
        }))
    }

    /// Makes a key of plain use, in this slot or in the first one that is empty.
    ///
    /// # Errors
    /// There is none, or the device refused.
    pub fn generate(&mut self, scheme: Scheme, label: UserName, slot: Option<u8>) -> Result<Key, Rv> {
        let keys = self.keys()?;
        let is_free = |slot: &u8| keys.iter().all(|key| key.slot != *slot);
        let slot = slot.or_else(|| (0..MAX_KEYS).find(is_free)).ok_or(Rv(CKR_DEVICE_MEMORY))?;
        // A path that was never taken: a new key, not the one that was in the slot before.
        let mut path = [0; 4];
        getrandom::fill(&mut path).map_err(|_| Rv(CKR_FUNCTION_FAILED))?;
        let path = u32::from_le_bytes(path);
        let create = CreateKey { slot, scheme, purpose: Purpose::Plain, path, label };
        self.ask(|client| client.ask(Command::CreateKey, &create).map(drop))?;
        let key = self.describe(slot)?.ok_or(Rv(CKR_DEVICE_ERROR))?;
        let keys = self.keys.get_or_insert_default();
        keys.push(key.clone());
        keys.sort_by_key(|key| key.slot);
        Ok(key)
    }

    /// Deletes the key in a slot.
    ///
    /// # Errors
    /// The device refused.
    pub fn delete(&mut self, slot: u8) -> Result<(), Rv> {
        self.ask(|client| client.ask(Command::DeleteKey, &Index { index: slot }).map(drop))?;
        self.keys.iter_mut().for_each(|keys| keys.retain(|key| key.slot != slot));
        Ok(())
    }

    /// The signature that an operation asks for.
    ///
    /// # Errors
    /// The data is not what the mechanism takes, or the device refused.
    pub fn sign(&mut self, operation: Operation) -> Result<Vec<u8>, Rv> {
        let (slot, mechanism) = (operation.key.slot, operation.mechanism);
        let data = operation.data()?;
        if mechanism == CKM_QENEX_TRANSACTION {
            let signature = transaction::sign(&mut self.client, slot, &data)?;
            return self.ask(|_| signature);
        }
        self.ask(|client| client.sign_data(slot, &data))
    }

    /// Fills bytes from the device's source of entropy.
    ///
    /// # Errors
    /// The channel is broken, or the source.
    pub fn random(&mut self, bytes: &mut [u8]) -> Result<(), Rv> {
        self.ask(|client| client.random(bytes))
    }
}
