//! The client of a device: its audit log, for auditors, and the chain of its entries, for whoever has an archive.
//!
//! To archive: `qnx_client_audit_read` from the place after the last entry of the archive, again and again until nothing comes; the place is then that of
//! `qnx_client_audit_head`, or entries are missing or forged; once the entries are kept durably, `qnx_client_audit_take`. A device whose log is full does nothing more that must be logged.
//! To check an archive: `qnx_audit_follow` from the place of all zeros.

use core::ffi::c_char;

use qenex_core::codec::DecodeError;
use qenex_core::error::CHANNEL_MESSAGE;
use qenex_core::hsm::Refusal;
use qenex_core::hsm::audit::{ENTRY_BYTES, Entry, Head, NOBODY};
use qenex_core::hsm::client::Client;
use qenex_core::hsm::proto::{AuditFrom, Command, MAX_MESSAGE};

use crate::client::{Callback, qnx_client_t, with};
use crate::hash::{of_core, qnx_hash_t, to_c};
use crate::memory::{Lent, Plain, plain, status, unknown_number};
use crate::status::qnx_status_t;

/// Bytes of an entry of the audit log.
pub const QNX_AUDIT_ENTRY_SIZE: usize = 46;
/// Entries in one answer, at most.
pub const QNX_AUDIT_READ_MAX: usize = 88;
/// In an entry: no user, or no key.
pub const QNX_AUDIT_NOBODY: u8 = 255;
/// Characters of the name of a command, at most, with the zero byte behind it.
pub const QNX_COMMAND_NAME_SIZE: usize = 24;

/// An entry of the audit log, as it is archived.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_audit_entry_t {
    /// Its bytes.
    pub bytes: [u8; QNX_AUDIT_ENTRY_SIZE],
}

/// A place in the audit log: all zeros before the first entry.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_audit_place_t {
    /// How many entries come before it.
    pub count: u64,
    /// The hash over them.
    pub hash: qnx_hash_t,
}

/// What an entry says.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_audit_event_t {
    /// The trusted time, in milliseconds since the Unix epoch; zero before there was one.
    pub time_ms: u64,
    /// QNX_OK, or why the device refused.
    pub refusal: qnx_status_t,
    /// What it was about: the id of a transaction, the hash of a policy; zeros if nothing.
    pub about: qnx_hash_t,
    /// The number of the command.
    pub command: u8,
    /// The place of the user, or QNX_AUDIT_NOBODY.
    pub user: u8,
    /// The slot of the key, or QNX_AUDIT_NOBODY.
    pub key: u8,
}
plain!(qnx_audit_entry_t, qnx_audit_place_t, qnx_audit_event_t);

fn place_to_c(head: Head) -> qnx_audit_place_t {
    qnx_audit_place_t { count: head.count, hash: to_c(head.hash) }
}

const fn place_of_c(place: &qnx_audit_place_t) -> Head {
    Head { count: place.count, hash: of_core(&place.hash) }
}

/// The place behind some entries.
fn follow<'e>(
    place: &qnx_audit_place_t,
    entries: impl Iterator<Item = &'e [u8; ENTRY_BYTES]>,
) -> qnx_audit_place_t {
    place_to_c(entries.fold(place_of_c(place), |head, entry| head.after(entry)))
}

/// Reads the entries behind a place, as many as one answer holds, and moves the place behind them; none if there are no more. `*count` is the room
/// of `out` before and how many entries came after; QNX_AUDIT_READ_MAX is always enough. QNX_ERR_AUDIT_HEAD: entries behind the place were
/// taken already, and the device does not show them any more.
///
/// Codes: BUFFER_TOO_SMALL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_client_audit_read(
    state: *mut qnx_client_t,
    place: *mut qnx_audit_place_t,
    out: *mut qnx_audit_entry_t,
    count: *mut usize,
) -> qnx_status_t {
    let act = |lent: &mut Lent, client: &mut Client<Callback>| {
        // SAFETY: promised by the caller.
        let place = unsafe { lent.value_mut(place)? };
        // SAFETY: promised by the caller.
        let out = unsafe { lent.buffer(out, count)? };
        let (entries, rest) = client.ask(Command::AuditRead, &AuditFrom { count: place.count })?.as_chunks();
        if !rest.is_empty() {
            return Err(Refusal(CHANNEL_MESSAGE.number));
        }
        out.put_each(entries.len(), entries.iter().map(|bytes| qnx_audit_entry_t { bytes: *bytes }))?;
        *place = follow(place, entries.iter());
        Ok(())
    };
    // SAFETY: promised by the caller.
    unsafe { with(state, act) }
}

/// Tells the device that all entries before a place are archived: it may overwrite them. QNX_ERR_AUDIT_HEAD: there is no such place in its log.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_client_audit_take(
    state: *mut qnx_client_t,
    place: *const qnx_audit_place_t,
) -> qnx_status_t {
    let act = |lent: &mut Lent, client: &mut Client<Callback>| {
        // SAFETY: promised by the caller.
        let head = place_of_c(unsafe { lent.value(place)? });
        client.ask(Command::AuditTake, &head)?;
        Ok(())
    };
    // SAFETY: promised by the caller.
    unsafe { with(state, act) }
}

/// Moves a place behind the entries that follow it. It is then one that a device has signed (`qnx_client_audit_head`), or an entry is
/// missing, changed or made up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_audit_follow(
    place: *mut qnx_audit_place_t,
    entries: *const qnx_audit_entry_t,
    count: usize,
) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let place = unsafe { lent.value_mut(place)? };
        // SAFETY: promised by the caller.
        let entries = unsafe { lent.values(entries, count)? };
        *place = follow(place, entries.iter().map(|entry| &entry.bytes));
        Ok(())
    })())
}

/// What an entry says.
///
/// Codes: DECODE_MALFORMED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_audit_entry_read(
    entry: *const qnx_audit_entry_t,
    out: *mut qnx_audit_event_t,
) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let entry = Entry::from_bytes(&unsafe { lent.value(entry)? }.bytes).ok_or(DecodeError::Malformed)?;
        // SAFETY: promised by the caller.
        let out = unsafe { lent.place(out)? };
        let mut event = qnx_audit_event_t::zeroed();
        event.time_ms = entry.time_ms;
        event.refusal = entry.refusal.into();
        event.about = to_c(entry.about);
        event.command = entry.command;
        event.user = entry.user;
        event.key = entry.key;
        out.write(event);
        Ok(())
    })())
}

/// The name of a command of devices, such as "add-user", with a zero byte. `*len` is the room of `out` before and the length with the zero byte
/// after; QNX_COMMAND_NAME_SIZE is always enough.
///
/// Codes: BUFFER_TOO_SMALL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_command_name(command: u8, out: *mut c_char, len: *mut usize) -> qnx_status_t {
    status((|| {
        // SAFETY: promised by the caller.
        let out = unsafe { Lent::new().buffer(out.cast::<u8>(), len)? };
        out.put_text(Command::from_number(command).ok_or(unknown_number())?.as_str())
    })())
}

const _: () = assert!(
    QNX_AUDIT_ENTRY_SIZE == ENTRY_BYTES
        && QNX_AUDIT_READ_MAX == (MAX_MESSAGE - 2) / ENTRY_BYTES
        && QNX_AUDIT_NOBODY == NOBODY
);
const _: () = {
    let mut rest = Command::ALL;
    while let [command, after @ ..] = rest {
        assert!(command.as_str().len() < QNX_COMMAND_NAME_SIZE);
        rest = after;
    }
};
