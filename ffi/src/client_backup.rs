//! The client of a device: backups of the root that its keys derive from, as shares in the hands of custodians.
//!
//! Each custodian's device gives its backup key. The device that has the root cuts it: one share for each of these keys, so many of which as its officers
//! say restore it, and fewer of which say nothing about it. To restore, each custodian's device seals its share anew to the backup key of
//! the new device, which takes all of them while no key derives from a root of its own. Every panel shows the code of the key that something is sealed to, and
//! the same code of the root: people compare them.

use qenex_core::error::SHARE_COUNT;
use qenex_core::hsm::Refusal;
use qenex_core::hsm::client::Client;
use qenex_core::hsm::proto::{BackupKey, Command, Custodians, Nothing, PassShare};
use qenex_core::hsm::shares::{MAX_SHARES, Manifest, SHARE_BYTES};

use crate::client::{Callback, qnx_client_t, with};
use crate::hash::{qnx_hash_t, to_c};
use crate::memory::{Lent, Plain, plain, status, unknown_number};
use crate::policy::qnx_bytes_t;
use crate::status::qnx_status_t;

/// Bytes of a backup key.
pub const QNX_BACKUP_KEY_SIZE: usize = 32;
/// Shares of a root, at most.
pub const QNX_CUSTODIANS_MAX: usize = 16;
/// Bytes of one share with the manifest of all, at most.
pub const QNX_SHARE_MAX: usize = 661;
/// Bytes of all shares of a root with their manifest, at most.
pub const QNX_SHARES_MAX: usize = 2356;

/// What shares say of themselves.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_shares_t {
    /// The hash of the root: what panels show the code of.
    pub root: qnx_hash_t,
    /// The hash of the manifest, by which audit logs name the backup.
    pub id: qnx_hash_t,
    /// How many shares of the root were made.
    pub made: u8,
    /// How many of them restore it.
    pub threshold: u8,
    /// How many of them are here.
    pub here: u8,
}
plain!(qnx_shares_t);

/// The key to which backups for this device are sealed: QNX_BACKUP_KEY_SIZE bytes to `out`. Its code is on the panel.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_client_backup_key(state: *mut qnx_client_t, out: *mut u8) -> qnx_status_t {
    let act = |lent: &mut Lent, client: &mut Client<Callback>| {
        // SAFETY: promised by the caller.
        let out = unsafe { lent.place(out.cast::<[u8; QNX_BACKUP_KEY_SIZE]>())? };
        let BackupKey { public_key } = client.get(Command::BackupKey, &Nothing {})?;
        out.write(public_key);
        Ok(())
    };
    // SAFETY: promised by the caller.
    unsafe { with(state, act) }
}

/// Cuts the root of the device into shares: one for each of the backup keys in `keys`, which are the custodians', one behind the other. A person
/// confirms them on the panel. `*len` is the room of `out` before, at least QNX_SHARES_MAX, and the length of all shares with their manifest
/// after; `qnx_share_at` takes them apart. QNX_ERR_SHARE_COUNT, QNX_ERR_SHARE_KEYS: there cannot be these shares.
///
/// Codes: BUFFER_TOO_SMALL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_client_backup_shares(
    state: *mut qnx_client_t,
    threshold: u8,
    keys: *const u8,
    keys_len: usize,
    out: *mut u8,
    len: *mut usize,
) -> qnx_status_t {
    let act = |lent: &mut Lent, client: &mut Client<Callback>| {
        // SAFETY: promised by the caller.
        let public_keys = unsafe { lent.values(keys, keys_len)? };
        // SAFETY: promised by the caller.
        let out = unsafe { lent.buffer(out, len)? }.need(QNX_SHARES_MAX)?;
        out.put(client.ask(Command::BackupShares, &Custodians { threshold, public_keys })?)
    };
    // SAFETY: promised by the caller.
    unsafe { with(state, act) }
}

/// Lets a custodian's device check its share and seal it to another device's backup key, QNX_BACKUP_KEY_SIZE bytes. A person confirms it on the panel. `*len` is the room of `out` before,
/// at least QNX_SHARE_MAX, and the length of the share with its manifest after. QNX_ERR_SHARE_DEVICE: the share is another
/// custodian's. QNX_ERR_SHARE_FOREIGN, QNX_ERR_SHARE_WRONG: it is not as it was made.
///
/// Codes: BUFFER_TOO_SMALL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_client_pass_share(
    state: *mut qnx_client_t,
    share: *const u8,
    share_len: usize,
    to: *const u8,
    out: *mut u8,
    len: *mut usize,
) -> qnx_status_t {
    let act = |lent: &mut Lent, client: &mut Client<Callback>| {
        // SAFETY: promised by the caller.
        let share = unsafe { lent.values(share, share_len)? };
        // SAFETY: promised by the caller.
        let to = *unsafe { lent.value(to.cast::<[u8; QNX_BACKUP_KEY_SIZE]>())? };
        // SAFETY: promised by the caller.
        let out = unsafe { lent.buffer(out, len)? }.need(QNX_SHARE_MAX)?;
        out.put(client.ask(Command::PassShare, &PassShare { to, share })?)
    };
    // SAFETY: promised by the caller.
    unsafe { with(state, act) }
}

/// Restores a root from shares that are sealed to the device, each with its manifest. A person confirms it on the panel. QNX_ERR_SHARES_TOO_FEW: more
/// are needed. QNX_ERR_SHARE_TWICE: one came twice. QNX_ERR_SHARE_FOREIGN: they are not of one backup, or one is not as it was made.
/// QNX_ERR_KEY_EXISTS: keys derive from the root that the device has.
///
/// Codes: DECODE_*, SHARE*.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_client_restore_shares(
    state: *mut qnx_client_t,
    shares: *const qnx_bytes_t,
    count: usize,
) -> qnx_status_t {
    let act = |lent: &mut Lent, client: &mut Client<Callback>| {
        let mut all = heapless::Vec::<&[u8], MAX_SHARES>::new();
        // SAFETY: promised by the caller.
        for share in unsafe { lent.values(shares, count)? } {
            // SAFETY: promised by the caller.
            let bytes = unsafe { lent.values(share.bytes, share.len)? };
            all.push(bytes).map_err(|_| Refusal(SHARE_COUNT.number))?;
        }
        Ok(client.restore_shares(&all)?)
    };
    // SAFETY: promised by the caller.
    unsafe { with(state, act) }
}

/// What shares say of themselves. Whether it is true only devices can tell.
///
/// Codes: DECODE_*, SHARE_COUNT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_shares_read(
    shares: *const u8,
    len: usize,
    out: *mut qnx_shares_t,
) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let (manifest, shares) = Manifest::read(unsafe { lent.values(shares, len)? })?;
        // SAFETY: promised by the caller.
        let out = unsafe { lent.place(out)? };
        let count = |count: usize| u8::try_from(count).map_err(|_| Refusal(SHARE_COUNT.number));
        let mut said = qnx_shares_t::zeroed();
        said.root = to_c(manifest.root);
        said.id = to_c(manifest.id());
        said.made = count(manifest.hashes.len())?;
        said.threshold = manifest.threshold;
        said.here = count(shares.len())?;
        out.write(said);
        Ok(())
    })())
}

/// One of some shares, the first one at index 0, with their manifest: what one custodian keeps. `*len` is the room of `out` before and the length
/// after; QNX_SHARE_MAX is always enough.
///
/// Codes: DECODE_*, SHARE_COUNT, BUFFER_TOO_SMALL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_share_at(
    shares: *const u8,
    shares_len: usize,
    index: usize,
    out: *mut u8,
    len: *mut usize,
) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let (manifest, shares) = Manifest::read(unsafe { lent.values(shares, shares_len)? })?;
        // SAFETY: promised by the caller.
        let out = unsafe { lent.buffer(out, len)? };
        let share = shares.get(index).ok_or(unknown_number())?;
        out.put_each(
            manifest.bytes.len().saturating_add(share.len()),
            manifest.bytes.iter().chain(share).copied(),
        )
    })())
}

const _: () = assert!(
    QNX_CUSTODIANS_MAX == MAX_SHARES
        && QNX_SHARE_MAX == Manifest::MAX_BYTES + SHARE_BYTES
        && QNX_SHARES_MAX == Manifest::MAX_BYTES + MAX_SHARES * SHARE_BYTES
);
