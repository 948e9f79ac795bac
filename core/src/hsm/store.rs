//! The records of a device's vault, by what they are, and the secrets among them.
//!
//! Public records are canonical encodings. Secrets are sealed with AES-256-GCM under the storage key, which is in the
//! flash only sealed under keys that PINs unlock, or under a key that is bound to the device. The name of a record is part of what is
//! sealed: one secret cannot be put in the place of another.

use embedded_storage::nor_flash::NorFlash;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::board::Board;
use super::flash::FlashError;
use super::flash::vault::{MAX_CONTENT, Name, Vault};
use super::refusal::Refusal;
use crate::codec::{self, Encoded, Tag, Tagging};
use crate::crypto::{Domain, aead, hash};

/// Kinds of records. Numbers never change and are never used again.
pub(super) mod kind {
    /// The device's settings.
    pub const DEVICE: u8 = 1;
    /// A user.
    pub const USER: u8 = 2;
    /// A user's tries.
    pub const TRIES: u8 = 3;
    /// A secret of the device: see [`super::secret`].
    pub const SECRET: u8 = 4;
    /// A key's slot.
    pub const KEY: u8 = 5;
    /// A key's policy.
    pub const POLICY: u8 = 6;
    /// What a key has signed.
    pub const SIGNED: u8 = 7;
    /// The newest trusted header.
    pub const TRUSTED: u8 = 8;
    /// Where the audit log was taken up.
    pub const AUDIT: u8 = 9;
    /// A paired host.
    pub const HOST: u8 = 10;
}

/// Which secret of a set.
pub(super) mod secret {
    /// From which keys are derived that backups contain.
    pub const ROOT: u8 = 0;
    /// From which vote keys are derived: it is in no backup.
    pub const VOTES: u8 = 1;
    /// All of a set.
    pub const ALL: [u8; 2] = [ROOT, VOTES];
}

/// A secret of 32 bytes. It is overwritten when it is dropped.
pub(super) type Secret = Zeroizing<[u8; 32]>;

/// The key that secrets are sealed under, and which set of secrets it opens: a new key comes with a new set, 0 to 127.
#[derive(Clone)]
pub(super) struct StorageKey {
    pub(super) key: Secret,
    pub(super) set: u8,
}

impl StorageKey {
    /// The place of a secret in the key's set.
    pub(super) const fn index(&self, which: u8) -> u8 {
        self.set.wrapping_shl(1) | which
    }
}

/// A sealed secret.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) struct Sealed {
    nonce: [u8; aead::NONCE_BYTES],
    bytes: [u8; 32],
    tag: [u8; aead::TAG_BYTES],
}

impl Encoded for Sealed {
    const TAGGING: Tagging = Tagging::Fixed(Tag::SECRET);
    const MAX_LEN: usize = 2 + aead::NONCE_BYTES + 32 + aead::TAG_BYTES;
}

impl Sealed {
    /// Seals a secret under a name.
    pub(super) fn new(
        key: &Secret,
        name: Name,
        secret: &Secret,
        nonce: [u8; aead::NONCE_BYTES],
    ) -> Result<Self, Refusal> {
        let mut bytes = **secret;
        let tag = aead::seal(key, &nonce, &[name.kind, name.index], &mut bytes)?;
        Ok(Self { nonce, bytes, tag })
    }

    /// Opens the secret if it was sealed under this name.
    pub(super) fn open(&self, key: &Secret, name: Name) -> Result<Secret, Refusal> {
        let mut secret = Zeroizing::new(self.bytes);
        aead::open(key, &self.nonce, &[name.kind, name.index], &mut *secret, &self.tag)?;
        Ok(secret)
    }
}

/// The longest of the short records, in bytes: all but policies and what keys have signed.
const SHORT: usize = 256;

/// The records, read and written by what they are.
pub(super) struct Store(pub(super) Vault);

impl Store {
    /// The bytes of a record, at the front of `buffer`.
    pub(super) fn read<'b, F: NorFlash>(
        &self,
        flash: &mut F,
        kind: u8,
        index: u8,
        buffer: &'b mut [u8],
    ) -> Result<Option<&'b [u8]>, FlashError> {
        self.0.get(flash, Name { kind, index }, buffer)
    }

    /// A short record that owns all that it holds.
    pub(super) fn get<F: NorFlash, T: Encoded + serde::de::DeserializeOwned>(
        &self,
        flash: &mut F,
        kind: u8,
        index: u8,
    ) -> Result<Option<T>, Refusal> {
        const { assert!(T::MAX_LEN <= SHORT) };
        let mut buffer = [0; SHORT];
        match self.read(flash, kind, index, &mut buffer)? {
            None => Ok(None),
            // The vault's own check held, so what does not decode was never written by this version.
            Some(bytes) => Ok(Some(codec::decode(bytes).map_err(|_| FlashError::Damaged)?)),
        }
    }

    /// Writes a record of at most `N` bytes.
    pub(super) fn put<const N: usize, F: NorFlash, T: Encoded>(
        &mut self,
        flash: &mut F,
        kind: u8,
        index: u8,
        value: &T,
    ) -> Result<(), Refusal> {
        const { assert!(T::MAX_LEN <= N && N <= MAX_CONTENT) };
        let mut buffer = [0; N];
        let bytes = codec::encode(value, &mut buffer)?;
        Ok(self.0.put(flash, Name { kind, index }, bytes)?)
    }
}

/// Makes `N` bytes of the board's entropy, its secret and a counter: a source that is weaker than it should be still gives
/// keys that nobody guesses without the device.
pub(super) fn random<const N: usize>(
    board: &mut impl Board,
    counter: &mut u64,
) -> Result<Zeroizing<[u8; N]>, Refusal> {
    const { assert!(N <= 32) };
    let mut raw = Zeroizing::new([[0u8; 32]; 2]);
    for half in raw.iter_mut() {
        board.entropy(half)?;
    }
    let [first, second] = &*raw;
    // The repetition test of NIST SP 800-90B, section 4.4.1, on blocks that never repeat in a healthy source.
    if bool::from(first.ct_eq(second)) {
        return Err(super::board::BoardError::Entropy.into());
    }
    *counter = counter.wrapping_add(1);
    let mixed = hash(Domain::Entropy, &[board.unique_secret(), &counter.to_le_bytes(), first, second]);
    let mut bytes = Zeroizing::new([0; N]);
    bytes.iter_mut().zip(mixed.0).for_each(|(slot, byte)| *slot = byte);
    Ok(bytes)
}

/// A seed that is bound to the device and to what it is for.
pub(super) fn device_seed(board: &impl Board, what: &[u8]) -> Secret {
    Zeroizing::new(hash(Domain::DeviceSeed, &[board.unique_secret(), what]).0)
}
