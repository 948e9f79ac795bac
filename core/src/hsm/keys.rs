//! The keys of a device.
//!
//! A key is derived from a root, its scheme, its purpose and a path, so that a backup of the root is a backup of all keys. Vote keys come
//! from a root of their own that is in no backup: a replacement registers a new key for a later epoch. The attestation key is bound
//! to the device's unique secret and needs no PIN.
//!
//! Transactions are signed in every scheme, votes and attestations in Ed25519 only. Raw data is signed by keys of plain use (`hsm::data`), in
//! every scheme but the hybrid.

use core::hint::black_box;

use embedded_storage::nor_flash::NorFlash;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::board::Board;
use super::flash::vault::Name;
use super::refusal::{HsmError, Refusal};
use super::store::{Sealed, Secret, StorageKey, Store, device_seed, kind, secret};
use super::users::UserName;
use crate::codec::{Encoded, Tag, Tagging};
use crate::crypto::secret::SecretKey;
use crate::crypto::{Domain, Hash, KeyHash, Purpose, Scheme, ed25519, hash};

/// The most keys.
pub const MAX_KEYS: u8 = 16;

/// A key's slot.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) struct Slot {
    pub(super) label: UserName,
    pub(super) scheme: Scheme,
    pub(super) purpose: Purpose,
    pub(super) path: u32,
    pub(super) hash: KeyHash,
    /// Of an Ed25519 key: to make it anew for each signature takes as long as to sign.
    pub(super) public_key: Option<[u8; ed25519::PUBLIC_KEY_BYTES]>,
}

impl Encoded for Slot {
    const TAGGING: Tagging = Tagging::Fixed(Tag::KEY);
    const MAX_LEN: usize = 2 + 25 + 1 + 1 + 5 + 32 + 1 + 32;
}

/// The seed of a key.
pub(super) fn derive(root: &Secret, scheme: Scheme, purpose: Purpose, path: u32) -> Secret {
    let parts: [&[u8]; 3] = [&**root, &[scheme.number(), purpose.number()], &path.to_le_bytes()];
    Zeroizing::new(hash(Domain::KeySeed, &parts).0)
}

/// The key that attests; it can be used without a PIN.
pub(super) struct AttestationKey {
    public_key: [u8; ed25519::PUBLIC_KEY_BYTES],
}

impl AttestationKey {
    /// That of a board.
    #[inline(never)]
    pub(super) fn of(board: &impl Board) -> Result<Self, Refusal> {
        let key = ed25519::SecretKey::from_seed(&device_seed(board, ATTESTATION))?;
        Ok(Self { public_key: key.public_key() })
    }

    /// Signs; the secret key is made for each signature.
    pub(super) fn sign(
        &self,
        board: &impl Board,
        id: &Hash,
    ) -> Result<[u8; ed25519::SIGNATURE_BYTES], Refusal> {
        let seed = device_seed(board, ATTESTATION);
        Ok(ed25519::SecretKey::with_public_key(&seed, self.public_key)?.sign(Purpose::Attestation, id)?)
    }

    /// Its public key.
    pub(super) const fn public_key(&self) -> [u8; ed25519::PUBLIC_KEY_BYTES] {
        self.public_key
    }
}

/// What the seed of the key that attests is for.
const ATTESTATION: &[u8] = b"attestation";

/// Which secret keys of a purpose derive from: no backup holds the one of votes and checkpoints, so that a validator's keys are in one device.
pub(super) const fn root_of(purpose: Purpose) -> u8 {
    match purpose {
        Purpose::Vote | Purpose::Checkpoint => secret::VOTES,
        _ => secret::ROOT,
    }
}

impl Store {
    /// A root, opened with the storage key.
    pub(super) fn root<F: NorFlash>(
        &self,
        flash: &mut F,
        storage_key: &StorageKey,
        purpose: Purpose,
    ) -> Result<Secret, Refusal> {
        let index = storage_key.index(root_of(purpose));
        self.secret(flash, storage_key, index)
    }

    /// A secret, opened with the storage key of its set.
    pub(super) fn secret<F: NorFlash>(
        &self,
        flash: &mut F,
        storage_key: &StorageKey,
        index: u8,
    ) -> Result<Secret, Refusal> {
        let sealed: Sealed = self.get(flash, kind::SECRET, index)?.ok_or(HsmError::Fresh)?;
        sealed.open(&storage_key.key, Name { kind: kind::SECRET, index })
    }

    /// The slot of a key.
    pub(super) fn slot<F: NorFlash>(&self, flash: &mut F, index: u8) -> Result<Slot, Refusal> {
        Ok(self.get(flash, kind::KEY, index)?.ok_or(HsmError::KeyUnknown)?)
    }

    /// The secret key of a slot.
    pub(super) fn secret_key<F: NorFlash>(
        &self,
        flash: &mut F,
        storage_key: &StorageKey,
        slot: &Slot,
    ) -> Result<SecretKey, Refusal> {
        let root = self.root(flash, storage_key, slot.purpose)?;
        let seed = derive(&root, slot.scheme, slot.purpose, slot.path);
        Ok(match (slot.scheme, slot.public_key) {
            (Scheme::Ed25519, Some(public_key)) => SecretKey::with_public_key(&seed, public_key)?,
            (scheme, _) => SecretKey::from_seed(scheme, &seed)?,
        })
    }

    /// The secret key of a slot for plain use. Whatever the slot says, it is derived for this purpose: where a fault lets the slot of
    /// another key pass, that key signs no raw data all the same.
    pub(super) fn plain_key<F: NorFlash>(
        &self,
        flash: &mut F,
        storage_key: &StorageKey,
        slot: &Slot,
    ) -> Result<SecretKey, Refusal> {
        if slot.purpose != Purpose::Plain {
            return Err(HsmError::KeyPurpose.into());
        }
        self.secret_key(flash, storage_key, &Slot { purpose: black_box(Purpose::Plain), ..*slot })
    }

    /// Signs for a purpose that the slot's key must have, into the front of a buffer.
    pub(super) fn sign<'b, F: NorFlash>(
        &self,
        flash: &mut F,
        storage_key: &StorageKey,
        slot: &Slot,
        purpose: Purpose,
        id: &Hash,
        buffer: &'b mut [u8],
    ) -> Result<&'b [u8], Refusal> {
        if slot.purpose != purpose {
            return Err(HsmError::KeyPurpose.into());
        }
        Ok(self.secret_key(flash, storage_key, slot)?.sign(purpose, id, buffer)?)
    }
}
