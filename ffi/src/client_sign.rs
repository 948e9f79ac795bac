//! The client of a device: signing a transaction; and raw data, by keys that sign nothing else.
//!
//! A transaction, in this order: `qnx_client_begin_sign`; `qnx_client_push_pending` for each transaction of the key that was signed and is not final, the oldest
//! first; `qnx_client_approve` for each approval; with a witness, `qnx_client_push_record` for every record that these transactions may
//! touch, each once, in the ascending order of their keys (`qnx_transaction_records`), and `qnx_client_push_proof` with the proof that they are those of the
//! header that the device trusts; then `qnx_client_judge`, as often as one likes, or `qnx_client_sign`.

use qenex_core::crypto::Scheme;
use qenex_core::hsm::Refusal;
use qenex_core::hsm::client::Client;
use qenex_core::hsm::proto::Approve;
use zeroize::Zeroizing;

use crate::client::{Callback, push, qnx_client_t, with};
use crate::flag::is_set;
use crate::key::{QNX_MAX_SIGNATURE_SIZE, qnx_scheme_t};
use crate::memory::{Lent, unknown_number};
use crate::status::{QNX_OK, qnx_status_t};

/// Random bytes in one call, at most.
pub const QNX_RANDOM_MAX: usize = 255;

/// Brings a transaction, its canonical bytes, to be signed by the key in a slot. `witnessed` is 1 if a witness follows, else 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_client_begin_sign(
    state: *mut qnx_client_t,
    slot: u8,
    witnessed: u8,
    transaction: *const u8,
    len: usize,
) -> qnx_status_t {
    // SAFETY: promised by the caller.
    unsafe {
        push(state, transaction, len, |client, transaction| {
            Ok(client.begin_sign(slot, is_set(witnessed)?, transaction)?)
        })
    }
}

/// Brings a transaction that the key has signed and that is not final.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_client_push_pending(
    state: *mut qnx_client_t,
    transaction: *const u8,
    len: usize,
) -> qnx_status_t {
    // SAFETY: promised by the caller.
    unsafe { push(state, transaction, len, |client, transaction| Ok(client.pending(transaction)?)) }
}

/// Brings the next record: its canonical bytes, none where there is no record.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_client_push_record(
    state: *mut qnx_client_t,
    record: *const u8,
    len: usize,
) -> qnx_status_t {
    // SAFETY: promised by the caller.
    unsafe { push(state, record, len, |client, record| Ok(client.records(&[record])?)) }
}

/// Brings the proof for the records: all of it, or piece by piece.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_client_push_proof(
    state: *mut qnx_client_t,
    proof: *const u8,
    len: usize,
) -> qnx_status_t {
    // SAFETY: promised by the caller.
    unsafe { push(state, proof, len, |client, proof| Ok(client.proof(proof)?)) }
}

/// Brings the approval of a person: the signature of the approval's id, made for QNX_PURPOSE_APPROVAL. Before any records.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_client_approve(
    state: *mut qnx_client_t,
    scheme: qnx_scheme_t,
    public_key: *const u8,
    public_key_len: usize,
    signature: *const u8,
    signature_len: usize,
) -> qnx_status_t {
    let act = |lent: &mut Lent, client: &mut Client<Callback>| {
        // SAFETY: promised by the caller.
        let public_key = unsafe { lent.values(public_key, public_key_len)? };
        // SAFETY: promised by the caller.
        let signature = unsafe { lent.values(signature, signature_len)? };
        let scheme = Scheme::from_number(scheme)?;
        Ok(client.approve(&Approve { scheme, public_key, signature })?)
    };
    // SAFETY: promised by the caller.
    unsafe { with(state, act) }
}

/// What the device would say of the transaction: `*verdict` is QNX_OK, or the status that `qnx_client_sign` would return. Nothing changes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_client_judge(
    state: *mut qnx_client_t,
    verdict: *mut qnx_status_t,
) -> qnx_status_t {
    let act = |lent: &mut Lent, client: &mut Client<Callback>| {
        // SAFETY: promised by the caller.
        let verdict = unsafe { lent.place(verdict)? };
        let refusal = client.judge()?;
        verdict.write(refusal.map_or(QNX_OK, |Refusal(number)| number.into()));
        Ok(())
    };
    // SAFETY: promised by the caller.
    unsafe { with(state, act) }
}

/// The signature of the transaction. `*len` is the room of `out` before, at least QNX_MAX_SIGNATURE_SIZE, and the length after. If the answer
/// is lost, bring the same transaction again: its signature is the same, and it counts once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_client_sign(
    state: *mut qnx_client_t,
    out: *mut u8,
    len: *mut usize,
) -> qnx_status_t {
    let act = |lent: &mut Lent, client: &mut Client<Callback>| {
        // SAFETY: promised by the caller.
        let out = unsafe { lent.buffer(out, len)? };
        out.need(QNX_MAX_SIGNATURE_SIZE)?.put(&client.sign()?)
    };
    // SAFETY: promised by the caller.
    unsafe { with(state, act) }
}

/// The signature of raw data, up to 8,192 bytes, by the key of plain use in a slot. `*len` is the room of `out` before, at least
/// QNX_MAX_SIGNATURE_SIZE, and the length after.
///
/// Codes: BUFFER_TOO_SMALL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_client_sign_data(
    state: *mut qnx_client_t,
    slot: u8,
    data: *const u8,
    data_len: usize,
    out: *mut u8,
    len: *mut usize,
) -> qnx_status_t {
    let act = |lent: &mut Lent, client: &mut Client<Callback>| {
        // SAFETY: promised by the caller.
        let data = unsafe { lent.values(data, data_len)? };
        // SAFETY: promised by the caller.
        let out = unsafe { lent.buffer(out, len)? };
        out.need(QNX_MAX_SIGNATURE_SIZE)?.put(&client.sign_data(slot, data)?)
    };
    // SAFETY: promised by the caller.
    unsafe { with(state, act) }
}

/// The signature of the checkpoint of the header that the device trusts, by the key of checkpoints in a slot. `*len` is the room of `out` before, at
/// least QNX_MAX_SIGNATURE_SIZE, and the length after.
///
/// Codes: BUFFER_TOO_SMALL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_client_checkpoint(
    state: *mut qnx_client_t,
    slot: u8,
    out: *mut u8,
    len: *mut usize,
) -> qnx_status_t {
    let act = |lent: &mut Lent, client: &mut Client<Callback>| {
        // SAFETY: promised by the caller.
        let out = unsafe { lent.buffer(out, len)? };
        out.need(QNX_MAX_SIGNATURE_SIZE)?.put(&client.checkpoint(slot)?)
    };
    // SAFETY: promised by the caller.
    unsafe { with(state, act) }
}

/// Random bytes from the device: `count` of them to `out`, 1 to QNX_RANDOM_MAX.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_client_random(
    state: *mut qnx_client_t,
    out: *mut u8,
    count: usize,
) -> qnx_status_t {
    let act = |lent: &mut Lent, client: &mut Client<Callback>| {
        // SAFETY: promised by the caller.
        let out = unsafe { lent.places(out, count)? };
        let mut drawn = Zeroizing::new([0; QNX_RANDOM_MAX]);
        // None is none of the numbers that a device takes.
        let drawn = drawn.get_mut(..count).filter(|drawn| !drawn.is_empty()).ok_or(unknown_number())?;
        client.random(drawn)?;
        out.iter_mut().zip(drawn).for_each(|(place, byte)| {
            place.write(*byte);
        });
        Ok(())
    };
    // SAFETY: promised by the caller.
    unsafe { with(state, act) }
}
