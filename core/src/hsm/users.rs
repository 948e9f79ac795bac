//! Users, roles and PINs.
//!
//! A PIN is never stored. Together with the device's unique secret and a salt it gives a key, slowly; that key opens the
//! user's copy of the storage key. The number of tries that are left is taken down in the flash *before* a PIN is checked, so that cutting the
//! power never gives a try back. Each wrong PIN doubles the time until the next one is taken, counted from the later of
//! the failure and the start of the device. When an officer has no try left the device wipes itself; an operator or auditor loses the
//! copy of the storage key, and officers may set a new PIN.

use core::hint::black_box;

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::flash::vault::Name;
use super::refusal::{HsmError, Refusal};
use super::store::{Sealed, Secret, StorageKey, Store, kind, secret};
use crate::codec::{Encoded, Tag, Tagging, byte_enum};
use crate::crypto::{Domain, hash};
use crate::id::AccountId;
use embedded_storage::nor_flash::NorFlash;

/// The most users.
pub const MAX_USERS: u8 = 8;

/// Wrong PINs in a row that a user may enter.
pub const MAX_TRIES: u8 = 10;

/// How often a PIN is hashed.
const PIN_ROUNDS: u32 = 256;

byte_enum! {
    /// What a user may do.
    pub enum Role {
        /// Policies, users, keys, backups, firmware.
        Officer = 1, "officer";
        /// Signing within the policies.
        Operator = 2, "operator";
        /// Reading and taking the audit log.
        Auditor = 3, "auditor";
    }
}

/// The name of a user, in the form of the ledger's identifiers.
pub type UserName = AccountId;

/// A user's record.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct User {
    pub(super) name: UserName,
    pub(super) role: Role,
    salt: [u8; 16],
    check: [u8; 16],
    /// The storage key under the key that the PIN gives; auditors have none.
    storage_key: Option<Sealed>,
    /// Which set of secrets the storage key opens.
    set: u8,
}

impl Encoded for User {
    const TAGGING: Tagging = Tagging::Fixed(Tag::USER);
    const MAX_LEN: usize = 2 + 25 + 1 + 16 + 16 + 1 + Sealed::MAX_LEN + 1;
}

/// How often a user may still try.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) struct Tries {
    pub(super) left: u8,
}

impl Encoded for Tries {
    const TAGGING: Tagging = Tagging::Fixed(Tag::TRIES);
    const MAX_LEN: usize = 2 + 1;
}

impl Tries {
    const ALL: Self = Self { left: MAX_TRIES };

    /// How long the device waits before the next try, in milliseconds: nothing after the first mistake, then one second, two, four.
    pub(super) fn wait_ms(self) -> u64 {
        match MAX_TRIES.saturating_sub(self.left) {
            0 | 1 => 0,
            failures => 1_000u64.wrapping_shl(u32::from(failures.saturating_sub(2))),
        }
    }
}

/// Accepts the form of a PIN.
pub(super) fn check_form(pin: &[u8]) -> Result<(), HsmError> {
    let printable = pin.iter().all(|byte| (b' '..=b'~').contains(byte));
    if printable && (6..=32).contains(&pin.len()) { Ok(()) } else { Err(HsmError::PinForm) }
}

/// The key that a PIN gives.
fn pin_key(unique_secret: &[u8; 32], salt: &[u8; 16], index: u8, pin: &[u8]) -> Secret {
    let mut key = Zeroizing::new(hash(Domain::Pin, &[unique_secret, salt, &[index], pin]).0);
    for _ in 1..PIN_ROUNDS {
        *key = hash(Domain::Pin, &[&*key, unique_secret]).0;
    }
    key
}

fn pin_check(key: &Secret) -> [u8; 16] {
    let mut check = [0; 16];
    let bytes = hash(Domain::PinCheck, &[&**key]);
    check.iter_mut().zip(bytes.0).for_each(|(slot, byte)| *slot = byte);
    check
}

impl User {
    /// A user with this PIN, who can open the storage key unless auditor.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn new(
        unique_secret: &[u8; 32],
        index: u8,
        name: UserName,
        role: Role,
        pin: &[u8],
        salt: [u8; 16],
        nonce: [u8; 12],
        storage_key: &StorageKey,
    ) -> Result<Self, Refusal> {
        check_form(pin)?;
        let key = pin_key(unique_secret, &salt, index, pin);
        let sealed = match role {
            Role::Auditor => None,
            Role::Officer | Role::Operator => {
                Some(Sealed::new(&key, Name { kind: kind::USER, index }, &storage_key.key, nonce)?)
            }
        };
        Ok(Self { name, role, salt, check: pin_check(&key), storage_key: sealed, set: storage_key.set })
    }

    /// Whether a PIN that gives this key is the user's.
    #[inline(never)] // it is asked several times, which must not become one
    pub(super) fn knows(&self, key: &Secret) -> bool {
        self.check.ct_eq(&pin_check(key)).into()
    }

    /// The storage key under the key of the PIN, if the user has one.
    fn open(&self, index: u8, key: &Secret) -> Result<Option<StorageKey>, Refusal> {
        if !self.knows(key) {
            return Err(HsmError::PinWrong.into());
        }
        match &self.storage_key {
            Some(sealed) => {
                let key = sealed.open(key, Name { kind: kind::USER, index })?;
                Ok(Some(StorageKey { key, set: self.set }))
            }
            None => Ok(None),
        }
    }
}

/// What became of a try.
pub(super) enum Entry {
    /// The PIN was right: the key that it gives, and the storage key if the user has it.
    Right(Secret, Option<StorageKey>),
    /// It was wrong, and tries are left.
    Wrong,
    /// It was wrong, and no try is left.
    WrongAndLast,
}

impl Store {
    /// The place of a user.
    pub(super) fn user<F: NorFlash>(
        &self,
        flash: &mut F,
        name: &UserName,
    ) -> Result<Option<(u8, User)>, Refusal> {
        for index in 0..MAX_USERS {
            if let Some(user) = self.get::<F, User>(flash, kind::USER, index)?
                && user.name == *name
            {
                return Ok(Some((index, user)));
            }
        }
        Ok(None)
    }

    /// How many officers there are.
    pub(super) fn officers<F: NorFlash>(&self, flash: &mut F) -> Result<u8, Refusal> {
        let mut officers = 0u8;
        for index in 0..MAX_USERS {
            let user = self.get::<F, User>(flash, kind::USER, index)?;
            officers = officers.saturating_add(u8::from(user.is_some_and(|user| user.role == Role::Officer)));
        }
        Ok(officers)
    }

    /// Writes a user with all tries.
    pub(super) fn put_user<F: NorFlash>(
        &mut self,
        flash: &mut F,
        index: u8,
        user: &User,
    ) -> Result<(), Refusal> {
        // The tries first: a user without them would have none left.
        self.put::<3, F, _>(flash, kind::TRIES, index, &Tries::ALL)?;
        self.put::<{ User::MAX_LEN }, F, _>(flash, kind::USER, index, user)
    }

    /// The tries of a user.
    pub(super) fn tries<F: NorFlash>(&self, flash: &mut F, index: u8) -> Result<Tries, Refusal> {
        Ok(self.get(flash, kind::TRIES, index)?.unwrap_or(Tries { left: 0 }))
    }

    /// Tries a PIN. The try is taken down, durably, before the PIN is looked at.
    pub(super) fn enter<F: NorFlash>(
        &mut self,
        flash: &mut F,
        unique_secret: &[u8; 32],
        index: u8,
        user: &User,
        pin: &[u8],
    ) -> Result<Entry, Refusal> {
        let left = self.tries(flash, index)?.left.checked_sub(1).ok_or(HsmError::PinBlocked)?;
        self.put::<3, F, _>(flash, kind::TRIES, index, &Tries { left })?;
        let key = pin_key(unique_secret, &user.salt, index, pin);
        match user.open(index, &key) {
            // Twice, as all critical decisions: see the service.
            Ok(storage_key) if black_box(user).knows(black_box(&key)) => {
                self.put::<3, F, _>(flash, kind::TRIES, index, &Tries::ALL)?;
                // A copy from before the storage key was replaced opens nothing any more.
                let opens = |key: &StorageKey| {
                    let index = key.index(secret::ROOT);
                    self.0.contains(Name { kind: kind::SECRET, index })
                };
                Ok(Entry::Right(key, storage_key.filter(opens)))
            }
            _ if left == 0 => Ok(Entry::WrongAndLast),
            _ => Ok(Entry::Wrong),
        }
    }
}
