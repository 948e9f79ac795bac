//! Backups: the root of a device's keys, sealed to another device.
//!
//! The other device shows a code of its backup key; officers of this one see the same code before they confirm. Both show a code of the root, so
//! that nobody puts another one in between. Only the other device can open the backup. Vote keys are in none: a replacement registers a
//! new key for a later epoch.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::audit::NOBODY;
use super::board::Board;
use super::channel::compared;
use super::keys::{MAX_KEYS, Slot};
use super::proto::{BackupKey, Command};
use super::refusal::{HsmError, Refusal};
use super::reply::Reply;
use super::service::Hsm;
use super::store::{Secret, device_seed, kind, secret};
use crate::codec::{Encoded, Tag, Tagging};
use crate::crypto::x25519::{exchange, public_key};
use crate::crypto::{Domain, Hash, Purpose, aead, hash};

/// A root that is sealed to another device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backup {
    /// The public half of a key that was made for this backup alone.
    pub ephemeral: [u8; 32],
    /// The sealed root.
    pub bytes: [u8; 32],
    /// Its tag.
    pub tag: [u8; aead::TAG_BYTES],
}

impl Encoded for Backup {
    const TAGGING: Tagging = Tagging::Fixed(Tag::BACKUP);
    const MAX_LEN: usize = 2 + 32 + 32 + aead::TAG_BYTES;
}

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

impl<B: Board> Hsm<B> {
    fn backup_secret(&self) -> Secret {
        device_seed(&self.board, b"backup")
    }

    pub(super) fn backup_key(&mut self, reply: &mut Reply<'_>) -> Result<(), Refusal> {
        let public_key = public_key(&self.backup_secret());
        self.show("Backup key", compared(&hash(Domain::Backup, &[&public_key])));
        reply.value(&BackupKey { public_key })
    }

    pub(super) fn backup(&mut self, request: &BackupKey, reply: &mut Reply<'_>) -> Result<(), Refusal> {
        let storage_key = self.storage_key()?.clone();
        let root = self.store.root(self.board.flash(), &storage_key, Purpose::Transaction)?;
        let to = request.public_key;
        let about = hash(Domain::Backup, &[&to]);
        self.show("Operation", "Back up to device");
        self.show("Backup key", compared(&about));
        self.show("Root", compared(&hash(Domain::Backup, &[&*root, CONTEXT])));
        self.confirm()?;
        let secret: Secret = self.random()?;
        let ephemeral = public_key(&secret);
        let key = sealing_key(&secret, &to, &ephemeral, &to)?;
        let mut bytes = *root;
        let tag = aead::seal(&key, &NONCE, CONTEXT, &mut bytes)?;
        self.note(Command::Backup, 0, NOBODY, about)?;
        reply.value(&Backup { ephemeral, bytes, tag })
    }

    pub(super) fn restore(&mut self, request: &Backup) -> Result<(), Refusal> {
        let storage_key = self.storage_key()?.clone();
        // Keys that derive from the root so far would be others from then on.
        for index in 0..MAX_KEYS {
            let slot: Option<Slot> = self.store.get(self.board.flash(), kind::KEY, index)?;
            if slot.is_some_and(|slot| slot.purpose != Purpose::Vote) {
                return Err(HsmError::KeyExists.into());
            }
        }
        let secret = self.backup_secret();
        let to = public_key(&secret);
        let key = sealing_key(&secret, &request.ephemeral, &request.ephemeral, &to)?;
        let mut root: Secret = Zeroizing::new(request.bytes);
        aead::open(&key, &NONCE, CONTEXT, &mut *root, &request.tag)?;
        self.show("Operation", "Replace the root");
        self.show("Root", compared(&hash(Domain::Backup, &[&*root, CONTEXT])));
        self.confirm()?;
        self.note(Command::Restore, 0, NOBODY, Hash::default())?;
        self.put_secret(&storage_key, secret::ROOT, &root)
    }
}
