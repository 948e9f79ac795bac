//! The audit log: a hash chain in flash.
//!
//! Each entry says when, by the trusted time, who did what to which key or thing. Its hash covers the hash of the entry before
//! it, so that the newest hash and the count stand for all of them; the device signs both on demand. An entry is durable before the response
//! that it is about. When the log is full nothing that must be logged is done until an auditor has taken it: read it, and named the hash
//! and the count up to which it is archived.

use embedded_storage::nor_flash::NorFlash;
use serde::{Deserialize, Serialize};

use super::flash::Region;
use super::flash::ring::Ring;
use super::refusal::{HsmError, Refusal};
use crate::codec::{Encoded, Tag, Tagging};
use crate::crypto::{Domain, Hash, hash};

/// Bytes of an entry.
pub const ENTRY_BYTES: usize = 46;

/// Bytes of an entry with its check.
const SLOT: usize = 48;

/// Nobody in particular: the device itself, or before anybody logged in.
pub const NOBODY: u8 = 0xff;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The trusted time, in milliseconds since the Unix epoch; zero before there is one.
    pub time_ms: u64,
    /// The command, as the table of commands numbers it.
    pub command: u8,
    /// Zero, or the code with which it was refused.
    pub refusal: u16,
    /// The place of the user, or [`NOBODY`].
    pub user: u8,
    /// The slot of the key, or [`NOBODY`].
    pub key: u8,
    /// What it was about: the id of a transaction, the hash of a policy.
    pub about: Hash,
}

impl Entry {
    /// Its bytes: fields in their order, integers little-endian, and one byte that is not zero.
    pub fn to_bytes(&self) -> [u8; ENTRY_BYTES] {
        let mut bytes = [0; ENTRY_BYTES];
        let fields = self
            .time_ms
            .to_le_bytes()
            .into_iter()
            .chain([self.command, self.user, self.key])
            .chain(self.refusal.to_le_bytes())
            .chain(self.about.0)
            .chain([1]);
        bytes.iter_mut().zip(fields).for_each(|(slot, byte)| *slot = byte);
        bytes
    }

    /// The entry of these bytes.
    pub fn from_bytes(bytes: &[u8; ENTRY_BYTES]) -> Option<Self> {
        let (time, rest) = bytes.split_first_chunk::<8>()?;
        let ([command, user, key, low, high], rest) = rest.split_first_chunk::<5>()?;
        let (about, rest) = rest.split_first_chunk::<32>()?;
        (rest == [1]).then_some(Self {
            time_ms: u64::from_le_bytes(*time),
            command: *command,
            refusal: u16::from_le_bytes([*low, *high]),
            user: *user,
            key: *key,
            about: Hash(*about),
        })
    }
}

/// A place in the chain: so many entries, and the hash over them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// How many entries there have ever been.
    pub count: u64,
    /// The hash over them; zeros before the first.
    pub hash: Hash,
}

impl Encoded for Head {
    const TAGGING: Tagging = Tagging::Fixed(Tag::AUDIT);
    const MAX_LEN: usize = 2 + 10 + 32;
}

impl Head {
    /// The place after one more entry.
    pub fn after(&self, entry: &[u8; ENTRY_BYTES]) -> Self {
        Self { count: self.count.saturating_add(1), hash: hash(Domain::AuditEntry, &[&self.hash.0, entry]) }
    }

    /// What is signed of it for whoever sent the nonce.
    pub fn id(&self, nonce: &[u8; 32]) -> Hash {
        hash(Domain::AuditHead, &[&self.count.to_le_bytes(), &self.hash.0, nonce])
    }
}

/// The log of a device.
pub(super) struct Audit {
    ring: Ring<SLOT>,
    /// Up to where it was taken.
    taken: Head,
    head: Head,
}

impl Audit {
    /// Finds the entries after the place up to which the log was taken.
    pub(super) fn open<F: NorFlash>(flash: &mut F, region: Region, taken: Head) -> Result<Self, Refusal> {
        let ring = Ring::open(flash, region)?;
        let mut audit = Self { ring, taken, head: taken };
        let head = audit.each(flash, |_, _| {})?;
        audit.head = head;
        Ok(audit)
    }

    /// The newest place.
    pub(super) const fn head(&self) -> Head {
        self.head
    }

    /// The place up to which the log was taken.
    pub(super) const fn taken(&self) -> Head {
        self.taken
    }

    /// Calls `each` with every entry that was not taken, and the place after it.
    pub(super) fn each<F: NorFlash>(
        &self,
        flash: &mut F,
        mut each: impl FnMut(&[u8; ENTRY_BYTES], Head),
    ) -> Result<Head, Refusal> {
        let mut head = self.taken;
        // The first entry of a page has the number that is the page's base.
        let mut page = None;
        let mut number = 0u64;
        self.ring.for_each(flash, u16::MAX, |at, _, slot| {
            if page != Some(at.base) {
                page = Some(at.base);
                number = at.base;
            }
            if number == head.count
                && let Some(entry) = slot.first_chunk()
            {
                head = head.after(entry);
                each(entry, head);
            }
            number = number.saturating_add(1);
        })?;
        Ok(head)
    }

    /// Makes sure that one more entry has a place.
    pub(super) fn reserve<F: NorFlash>(&mut self, flash: &mut F) -> Result<(), Refusal> {
        if self.ring.has_room::<F>() {
            return Ok(());
        }
        // The page that would be erased must have been taken whole: the one after it starts no later than the place.
        let capacity = u64::from(Ring::<SLOT>::capacity::<F>());
        if let Some(oldest) = self.ring.oldest(flash)?
            && oldest.base.saturating_add(capacity) > self.taken.count
        {
            return Err(HsmError::AuditFull.into());
        }
        Ok(self.ring.start_page(flash, self.head.count)?)
    }

    /// Appends an entry. It is durable when this returns.
    pub(super) fn append<F: NorFlash>(&mut self, flash: &mut F, entry: &Entry) -> Result<(), Refusal> {
        self.reserve(flash)?;
        let bytes = entry.to_bytes();
        self.ring.append(flash, &bytes)?;
        self.head = self.head.after(&bytes);
        Ok(())
    }

    /// The place with this count, if its hash is this one and it was not taken before.
    pub(super) fn place<F: NorFlash>(&self, flash: &mut F, place: Head) -> Result<Head, Refusal> {
        let mut found = false;
        self.each(flash, |_, head| found |= head == place)?;
        if found { Ok(place) } else { Err(HsmError::AuditHead.into()) }
    }

    /// Notes that the log was taken up to a place, which is durable already.
    pub(super) fn take(&mut self, place: Head) {
        self.taken = place;
    }
}
