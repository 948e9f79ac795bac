//! Backups as shares: the root of a device's keys, in the hands of several custodians, so many of whom together restore it.
//!
//! Each share is sealed to the backup key of another custodian's device, and no device keeps any: hosts hold the files. To restore, each
//! custodian's device opens its share, checks it and seals it anew to the device that takes the root. The manifest goes with every share. It names the
//! hash of each, so that a bad one is told from a good one, and that of the root. All panels show the same code of the root, and a code of
//! every key that something is sealed to.
//!
//! Shares have fixed places. All that were made, the one of a custodian and those that restore a root have one form:
//!
//! | offset | bytes | |
//! |---|---|---|
//! | 0 | 2 | the tag of shares; with what follows up to the first share, the manifest |
//! | 2 | 1 | how many shares were made, `n`: 2 to 16 |
//! | 3 | 1 | how many of them restore the root: 2 to `n` |
//! | 4 | 32 | the hash of the root under [`Domain::BackupRoot`] |
//! | 36 | 32 `n` | for each share, beginning with number 1, the hash of its number and its bytes under [`Domain::BackupShare`] |
//! | | 113 each | shares |
//!
//! A share is its number (the place of [`shamir::share`]), the backup key of the device that opens it, and what a [`super::backup::Backup`] holds: 1,
//! 32, 32, 32 and 16 bytes. It is sealed in the context of the manifest's hash under [`Domain::BackupManifest`] and its number.

use zeroize::Zeroizing;

use super::audit::NOBODY;
use super::backup::{SEALED_BYTES, key_hash, root_hash};
use super::board::Board;
use super::proto::{Command, Custodians, PassShare};
use super::refusal::{HsmError, Refusal};
use super::reply::Reply;
use super::service::Hsm;
use super::store::Secret;
use crate::codec::{DecodeError, Tag};
use crate::crypto::{Domain, Hash, Hasher, hash, shamir};

/// The most shares of a root.
pub const MAX_SHARES: usize = 16;

/// Bytes of a share.
pub const SHARE_BYTES: usize = 1 + 32 + SEALED_BYTES;

/// What all shares of a root agree on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manifest<'a> {
    /// All of it.
    pub bytes: &'a [u8],
    /// How many shares restore the root.
    pub threshold: u8,
    /// The hash of the root.
    pub root: Hash,
    /// The hash of each share.
    pub hashes: &'a [[u8; 32]],
}

impl<'a> Manifest<'a> {
    /// Bytes of the longest.
    pub const MAX_BYTES: usize = 2 + 2 + 32 + 32 * MAX_SHARES;

    /// Reads shares: their manifest, and each of them.
    ///
    /// # Errors
    /// The bytes have another form, or there cannot be so many shares with this threshold.
    pub fn read(bytes: &'a [u8]) -> Result<(Self, &'a [[u8; SHARE_BYTES]]), Refusal> {
        let body = bytes.strip_prefix(&Tag::BACKUP_SHARES.0).ok_or(DecodeError::UnknownTag)?;
        let read = Self::parts(bytes, body).ok_or(DecodeError::Malformed)?;
        check(read.0.threshold, read.0.hashes)?;
        Ok(read)
    }

    fn parts(bytes: &'a [u8], body: &'a [u8]) -> Option<(Self, &'a [[u8; SHARE_BYTES]])> {
        let ([count, threshold], rest) = body.split_first_chunk()?;
        let (root, rest) = rest.split_first_chunk()?;
        let (hashes, rest) = rest.split_at_checked(usize::from(*count).checked_mul(32)?)?;
        let (shares, []) = rest.as_chunks() else { return None };
        let manifest = bytes.get(..bytes.len().checked_sub(rest.len())?)?;
        let hashes = hashes.as_chunks().0;
        Some((Self { bytes: manifest, threshold: *threshold, root: Hash(*root), hashes }, shares))
    }

    /// What its shares are sealed under.
    pub fn id(&self) -> Hash {
        hash(Domain::BackupManifest, &[self.bytes])
    }
}

/// Whether there can be these shares, each with 32 bytes of its own, with a threshold.
fn check(threshold: u8, shares: &[[u8; 32]]) -> Result<(), HsmError> {
    let enough = (2..=shares.len()).contains(&usize::from(threshold));
    if enough && shares.len() <= MAX_SHARES { Ok(()) } else { Err(HsmError::ShareCount) }
}

/// A share of a root, sealed to one device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share<'a> {
    /// Its number, from 1 on.
    pub number: u8,
    /// The backup key of the device that opens it.
    pub to: &'a [u8; 32],
    /// What a [`super::backup::Backup`] holds.
    pub sealed: &'a [u8],
}

impl<'a> Share<'a> {
    /// Reads one.
    pub fn read(bytes: &'a [u8; SHARE_BYTES]) -> Option<Self> {
        let (number, rest) = bytes.split_first()?;
        let (to, sealed) = rest.split_first_chunk()?;
        Some(Self { number: *number, to, sealed })
    }
}

fn share_hash(number: u8, share: &Secret) -> Hash {
    hash(Domain::BackupShare, &[&[number], &**share])
}

/// What a share is sealed with: the manifest's id and the number.
fn context(manifest: &Hash, number: u8) -> [u8; 33] {
    let mut context = [number; 33];
    context.iter_mut().zip(manifest.0).for_each(|(slot, byte)| *slot = byte);
    context
}

impl<B: Board> Hsm<B> {
    #[inline(never)] // what one command needs has left the stack when another one runs
    pub(super) fn backup_shares(
        &mut self,
        request: &Custodians<'_>,
        reply: &mut Reply<'_>,
    ) -> Result<(), Refusal> {
        let threshold = request.threshold;
        let (keys, []) = request.public_keys.as_chunks() else { return Err(DecodeError::Malformed.into()) };
        check(threshold, keys)?;
        let mut others = keys;
        while let [key, rest @ ..] = others {
            if rest.contains(key) {
                return Err(HsmError::ShareKeys.into());
            }
            others = rest;
        }
        let root = self.backup_root()?;
        let about = root_hash(&root);
        self.show("Operation", "Back up in shares");
        self.show("Shares", format_args!("{}, of which {threshold} restore", keys.len()));
        for key in keys {
            self.show_code("Backup key", &key_hash(key));
        }
        self.show_code("Root", &about);
        self.confirm()?;

        // Random from the start, so that one that a fault leaves as it was is not known to anybody.
        let mut coefficients = Zeroizing::new([*self.random()?; MAX_SHARES]);
        let coefficients = coefficients.get_mut(..threshold.into()).ok_or(HsmError::ShareCount)?;
        let (secret, random) = coefficients.split_first_mut().ok_or(HsmError::ShareCount)?;
        *secret = *root;
        for coefficient in random {
            *coefficient = *self.random()?;
        }
        let mut id = Hasher::new(Domain::BackupManifest);
        let mut put = |part: &[u8]| {
            id.update(part);
            reply.all(&[part])
        };
        put(&Tag::BACKUP_SHARES.0)?;
        put(&[keys.len() as u8, threshold])?;
        put(&about.0)?;
        for (number, _) in (1..).zip(keys) {
            put(&share_hash(number, &shamir::share(coefficients, number)).0)?;
        }
        let id = id.finish();
        for (number, to) in (1..).zip(keys) {
            let share = shamir::share(coefficients, number);
            reply.all(&[&[number], to])?;
            self.seal_to(to, &context(&id, number), &share, reply)?;
        }
        self.note(Command::BackupShares, 0, NOBODY, id)
    }

    #[inline(never)]
    pub(super) fn pass_share(
        &mut self,
        request: &PassShare<'_>,
        reply: &mut Reply<'_>,
    ) -> Result<(), Refusal> {
        let (manifest, shares) = Manifest::read(request.share)?;
        let [share] = shares else { return Err(DecodeError::Malformed.into()) };
        self.storage_key()?;
        let id = manifest.id();
        let (number, opened) = self.open_share(&manifest, &id, share)?;
        let about = key_hash(&request.to);
        self.show("Operation", "Seal share to device");
        self.show("Share", format_args!("{number} of {}", manifest.hashes.len()));
        self.show_code("Backup key", &about);
        self.show_code("Root", &manifest.root);
        self.confirm()?;
        reply.all(&[manifest.bytes, &[number], &request.to])?;
        self.seal_to(&request.to, &context(&id, number), &opened, reply)?;
        self.note(Command::PassShare, 0, NOBODY, about)
    }

    #[inline(never)]
    pub(super) fn restore_shares(&mut self, shares: &[u8]) -> Result<(), Refusal> {
        let (manifest, shares) = Manifest::read(shares)?;
        let storage_key = self.storage_key_of_unused_root()?;
        let id = manifest.id();
        let mut opened: heapless::Vec<(u8, Secret), MAX_SHARES> = heapless::Vec::new();
        for share in shares {
            let (number, share) = self.open_share(&manifest, &id, share)?;
            if opened.iter().any(|(other, _)| *other == number) {
                return Err(HsmError::ShareTwice.into());
            }
            opened.push((number, share)).map_err(|_| HsmError::ShareCount)?;
        }
        // Last, so that a host learns of each share alone what is wrong with it.
        if opened.len() < usize::from(manifest.threshold) {
            return Err(HsmError::SharesTooFew.into());
        }
        let root = shamir::combine(&opened);
        if root_hash(&root) != manifest.root {
            return Err(HsmError::ShareRoot.into());
        }
        self.replace_root(&storage_key, &root, Command::RestoreShares, id)
    }

    /// Opens a share that was sealed to this device, and checks it against its manifest. Returns its number, too.
    fn open_share(
        &self,
        manifest: &Manifest<'_>,
        id: &Hash,
        share: &[u8; SHARE_BYTES],
    ) -> Result<(u8, Secret), Refusal> {
        let Share { number, to, sealed } = Share::read(share).ok_or(DecodeError::Malformed)?;
        let opened = self.open_sealed(sealed, to, &context(id, number)).map_err(|_| {
            if *to == self.backup_public_key() { HsmError::ShareForeign } else { HsmError::ShareDevice }
        })?;
        let index = usize::from(number).checked_sub(1);
        let expected = index.and_then(|index| manifest.hashes.get(index));
        if expected == Some(&share_hash(number, &opened).0) {
            Ok((number, opened))
        } else {
            Err(HsmError::ShareWrong.into())
        }
    }
}
