//! The client of a device: its keys and their policies.
//!
//! A key lies in one of 16 slots, 0 to 15. It derives from the device's root, its scheme, its purpose and a path, so that a backup of the
//! root is one of all keys but those of votes.

use qenex_core::crypto::{Purpose, Scheme};
use qenex_core::hsm::client::Client;
use qenex_core::hsm::proto::{Command, CreateKey, Index, KeyInfo, SetPolicy};

use crate::client::{Callback, qnx_client_t, with};
use crate::hash::{qnx_hash_t, to_c};
use crate::key::{QNX_MAX_PUBLIC_KEY_SIZE, qnx_purpose_t, qnx_scheme_t};
use crate::memory::{Lent, Plain, plain};
use crate::status::qnx_status_t;
use crate::text::{Text, qnx_id_t};

/// Slots for keys.
pub const QNX_KEY_SLOTS: usize = 16;

/// A key of a device.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_key_info_t {
    /// Which of the keys that the device's root gives for scheme and purpose.
    pub path: u32,
    /// Bytes of the public key; zero while no user is logged in who could use the key.
    pub public_key_len: u16,
    /// How it signs.
    pub scheme: qnx_scheme_t,
    /// What it signs.
    pub purpose: qnx_purpose_t,
    /// 1 if it has a policy.
    pub has_policy: u8,
    /// What people call it.
    pub label: qnx_id_t,
    /// The hash of the public key, as the ledger names it.
    pub hash: qnx_hash_t,
    /// The hash of its policy; zeros if it has none.
    pub policy: qnx_hash_t,
    /// The public key, then zeros.
    pub public_key: [u8; QNX_MAX_PUBLIC_KEY_SIZE],
}
plain!(qnx_key_info_t);

fn key_to_c(key: &KeyInfo<'_>) -> qnx_key_info_t {
    let mut out = qnx_key_info_t::zeroed();
    out.path = key.path;
    out.public_key_len = key.public_key.len().min(QNX_MAX_PUBLIC_KEY_SIZE) as u16;
    out.scheme = key.scheme.number();
    out.purpose = key.purpose.number();
    out.label = key.label.write();
    out.hash = to_c(key.hash.0);
    if let Some(policy) = key.policy {
        out.has_policy = 1;
        out.policy = to_c(policy);
    }
    out.public_key.iter_mut().zip(key.public_key).for_each(|(slot, byte)| *slot = *byte);
    out
}

/// Makes a key in an empty slot.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_client_create_key(
    state: *mut qnx_client_t,
    slot: u8,
    scheme: qnx_scheme_t,
    purpose: qnx_purpose_t,
    path: u32,
    label: *const qnx_id_t,
    out: *mut qnx_key_info_t,
) -> qnx_status_t {
    let act = |lent: &mut Lent, client: &mut Client<Callback>| {
        // SAFETY: promised by the caller.
        let label = Text::read(unsafe { lent.value(label)? })?;
        // SAFETY: promised by the caller.
        let out = unsafe { lent.place(out)? };
        let (scheme, purpose) = (Scheme::from_number(scheme)?, Purpose::from_number(purpose)?);
        let request = CreateKey { slot, scheme, purpose, path, label };
        out.write(key_to_c(&client.get(Command::CreateKey, &request)?));
        Ok(())
    };
    // SAFETY: promised by the caller.
    unsafe { with(state, act) }
}

/// Describes the key in a slot.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_client_describe_key(
    state: *mut qnx_client_t,
    slot: u8,
    out: *mut qnx_key_info_t,
) -> qnx_status_t {
    let act = |lent: &mut Lent, client: &mut Client<Callback>| {
        // SAFETY: promised by the caller.
        let out = unsafe { lent.place(out)? };
        out.write(key_to_c(&client.get(Command::DescribeKey, &Index { index: slot })?));
        Ok(())
    };
    // SAFETY: promised by the caller.
    unsafe { with(state, act) }
}

/// Sets the policy of a key that signs transactions: canonical bytes. A person confirms it on the panel.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_client_set_policy(
    state: *mut qnx_client_t,
    slot: u8,
    policy: *const u8,
    len: usize,
) -> qnx_status_t {
    let act = |lent: &mut Lent, client: &mut Client<Callback>| {
        // SAFETY: promised by the caller.
        let policy = unsafe { lent.values(policy, len)? };
        client.ask(Command::SetPolicy, &SetPolicy { slot, policy })?;
        Ok(())
    };
    // SAFETY: promised by the caller.
    unsafe { with(state, act) }
}

/// The canonical bytes of a key's policy. `*len` is the room of `out` before and the length after; QNX_POLICY_MAX is always enough.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_client_get_policy(
    state: *mut qnx_client_t,
    slot: u8,
    out: *mut u8,
    len: *mut usize,
) -> qnx_status_t {
    let act = |lent: &mut Lent, client: &mut Client<Callback>| {
        // SAFETY: promised by the caller.
        let out = unsafe { lent.buffer(out, len)? };
        out.put(client.ask(Command::GetPolicy, &Index { index: slot })?)
    };
    // SAFETY: promised by the caller.
    unsafe { with(state, act) }
}

const _: () = assert!(QNX_KEY_SLOTS == qenex_core::hsm::MAX_KEYS as usize);
