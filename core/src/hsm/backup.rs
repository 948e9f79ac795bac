//! Backups: the root of a device's keys, sealed to another device.
//!
//! The other device shows a code of its backup key; officers of this one see the same code before they confirm. Both show a code of the root, so
//! that nobody puts another one in between. Only the other device can open the backup. Vote keys are in none: a replacement registers a
//! new key for a later epoch. A root that several devices hold together: [`super::shares`].

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::audit::NOBODY;
use super::board::Board;
use super::keys::{MAX_KEYS, Slot, root_of};
use super::proto::{BackupKey, Command};
use super::refusal::{HsmError, Refusal};
use super::reply::Reply;
use super::service::Hsm;
use super::store::{Secret, StorageKey, device_seed, kind, secret};
use crate::codec::{DecodeError, Encoded, Tag, Tagging};
use crate::crypto::x25519::{exchange, public_key};
use crate::crypto::{Domain, Hash, Purpose, aead, hash};

/// A root that is sealed to another device, or a share of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backup {
    /// The public half of a key that was made for this backup alone.
    pub ephemeral: [u8; 32],
    /// The sealed root or share.
    pub bytes: [u8; 32],
    /// Its tag.
    pub tag: [u8; aead::TAG_BYTES],
}

impl Encoded for Backup {
    const TAGGING: Tagging = Tagging::Fixed(Tag::BACKUP);
    const MAX_LEN: usize = 2 + SEALED_BYTES;
}

/// Bytes of a [`Backup`] behind its tag: its fields, one after the other.
pub const SEALED_BYTES: usize = 32 + 32 + aead::TAG_BYTES;

/// The key that seals a backup between two keys. It seals one thing, so its nonce is zero.
fn sealing_key(
    secret: &Secret,
    public: &[u8; 32],
    ephemeral: &[u8; 32],
    to: &[u8; 32],
) -> Result<Secret, Refusal> {
    let shared = exchange(secret, public)?;
    Ok(Zeroizing::new(hash(Domain::Backup, &[&*shared, ephemeral, to]).0))
}

const NONCE: [u8; aead::NONCE_BYTES] = [0; aead::NONCE_BYTES];
const CONTEXT: &[u8] = b"qenex backup";

/// What people compare of the key that a backup is sealed to.
pub(super) fn key_hash(to: &[u8; 32]) -> Hash {
    hash(Domain::Backup, &[to])
}

/// What people compare of a root.
pub(super) fn root_hash(root: &Secret) -> Hash {
    hash(Domain::BackupRoot, &[&**root])
}

impl<B: Board> Hsm<B> {
    fn backup_secret(&self) -> Secret {
        device_seed(&self.board, b"backup")
    }

    /// The key to which other devices seal for this one.
    pub(super) fn backup_public_key(&self) -> [u8; 32] {
        public_key(&self.backup_secret())
    }

    /// The root that backups contain.
    pub(super) fn backup_root(&mut self) -> Result<Secret, Refusal> {
        let storage_key = self.storage_key()?.clone();
        self.store.root(self.board.flash(), &storage_key, Purpose::Transaction)
    }

    /// Seals a secret to the device that has a backup key, and appends what a [`Backup`] holds to the reply.
    pub(super) fn seal_to(
        &mut self,
        to: &[u8; 32],
        context: &[u8],
        secret: &Secret,
        reply: &mut Reply<'_>,
    ) -> Result<(), Refusal> {
        let own: Secret = self.random()?;
        let ephemeral = public_key(&own);
        let key = sealing_key(&own, to, &ephemeral, to)?;
        let mut bytes = **secret;
        let tag = aead::seal(&key, &NONCE, context, &mut bytes)?;
        Ok(reply.all(&[&ephemeral, &bytes, &tag])?)
    }

    /// Opens what a [`Backup`] holds that was sealed to a backup key in the same context, if the key is this device's.
    pub(super) fn open_sealed(
        &self,
        sealed: &[u8],
        to: &[u8; 32],
        context: &[u8],
    ) -> Result<Secret, Refusal> {
        let (ephemeral, rest) = sealed.split_first_chunk().ok_or(DecodeError::Malformed)?;
        let (bytes, tag) = rest.split_first_chunk().ok_or(DecodeError::Malformed)?;
        let tag = tag.try_into().map_err(|_| DecodeError::Malformed)?;
        let key = sealing_key(&self.backup_secret(), ephemeral, ephemeral, to)?;
        let mut secret: Secret = Zeroizing::new(*bytes);
        aead::open(&key, &NONCE, context, &mut *secret, tag)?;
        Ok(secret)
    }

    pub(super) fn backup_key(&mut self, reply: &mut Reply<'_>) -> Result<(), Refusal> {
        let public_key = self.backup_public_key();
        self.show_code("Backup key", &key_hash(&public_key));
        reply.value(&BackupKey { public_key })
    }

    pub(super) fn backup(&mut self, request: &BackupKey, reply: &mut Reply<'_>) -> Result<(), Refusal> {
        let root = self.backup_root()?;
        let about = key_hash(&request.public_key);
        self.show("Operation", "Back up to device");
        self.show_code("Backup key", &about);
        self.show_code("Root", &root_hash(&root));
        self.confirm()?;
        reply.all(&[&Tag::BACKUP.0])?;
        self.seal_to(&request.public_key, CONTEXT, &root, reply)?;
        self.note(Command::Backup, 0, NOBODY, about)
    }

    pub(super) fn restore(&mut self, backup: &[u8]) -> Result<(), Refusal> {
        let sealed = backup.strip_prefix(&Tag::BACKUP.0).ok_or(DecodeError::UnknownTag)?;
        let storage_key = self.storage_key_of_unused_root()?;
        let root = self.open_sealed(sealed, &self.backup_public_key(), CONTEXT)?;
        self.replace_root(&storage_key, &root, Command::Restore, Hash::default())
    }

    /// The storage key, as long as no key derives from the root: it would be another one from then on.
    pub(super) fn storage_key_of_unused_root(&mut self) -> Result<StorageKey, Refusal> {
        let storage_key = self.storage_key()?.clone();
        for index in 0..MAX_KEYS {
            let slot: Option<Slot> = self.store.get(self.board.flash(), kind::KEY, index)?;
            if slot.is_some_and(|slot| root_of(slot.purpose) == secret::ROOT) {
                return Err(HsmError::KeyExists.into());
            }
        }
        Ok(storage_key)
    }

    /// Takes over a root once a person has confirmed it.
    pub(super) fn replace_root(
        &mut self,
        storage_key: &StorageKey,
        root: &Secret,
        command: Command,
        about: Hash,
    ) -> Result<(), Refusal> {
        self.show("Operation", "Replace the root");
        self.show_code("Root", &root_hash(root));
        self.confirm()?;
        self.note(command, 0, NOBODY, about)?;
        self.put_secret(storage_key, secret::ROOT, root)
    }
}
