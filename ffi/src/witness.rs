//! The state tree: what it has under keys, and its root after an update, checked from a proof alone.
//!
//! A proof is about at most 64 keys in ascending order, each once. It may arrive in pieces of any size.

use qenex_core::crypto::hash::Hash;
use qenex_core::merkle::proof::{MAX_WITNESS_KEYS, ProofError};
use qenex_core::merkle::state::{EMPTY, value_hash};
use qenex_core::merkle::witness::{Access, Witness};

use crate::hash::{of_core, qnx_hash_t, to_c};
use crate::memory::{Fallible, Lent, Plain, plain, status, unknown_number};
use crate::state::{real_size, state};
use crate::status::qnx_status_t;

/// Keys of a proof, at most.
pub const QNX_WITNESS_KEYS_MAX: usize = 64;

/// What becomes of a key.
pub type qnx_access_t = u8;
/// Its record stays as it is, or absent.
pub const QNX_ACCESS_READ: qnx_access_t = 0;
/// Its record is made or replaced.
pub const QNX_ACCESS_WRITE: qnx_access_t = 1;
/// Its record is removed, if there is one.
pub const QNX_ACCESS_DELETE: qnx_access_t = 2;

/// A key of a proof, and what becomes of it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_witness_key_t {
    /// The key, from `qnx_record_key`.
    pub key: qnx_hash_t,
    /// The hash of the value that is written, where one is.
    pub value_hash: qnx_hash_t,
    /// What becomes of it.
    pub access: qnx_access_t,
}

/// What the tree has under a key.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_state_value_t {
    /// The hash of the record's value; zeros where there is no record.
    pub value_hash: qnx_hash_t,
    /// 1 if there is a record, else 0.
    pub present: u8,
}
plain!(qnx_witness_key_t, qnx_state_value_t);

/// A check of one proof under way.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_witness_t {
    /// Only the library reads it.
    pub opaque: [u64; 2040],
}
state!(qnx_witness_t, Witness, 4);

/// The root of the state tree without records.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_state_empty_root(out: *mut qnx_hash_t) -> qnx_status_t {
    status((|| {
        // SAFETY: promised by the caller.
        unsafe { Lent::new().place(out)? }.write(to_c(EMPTY));
        Ok(())
    })())
}

/// The hash of a record's canonical bytes, as the state tree holds it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_state_value_hash(
    record: *const u8,
    len: usize,
    out: *mut qnx_hash_t,
) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let record = unsafe { lent.values(record, len)? };
        // SAFETY: promised by the caller.
        let out = unsafe { lent.place(out)? };
        out.write(to_c(value_hash(record)));
        Ok(())
    })())
}

/// Starts the check of a proof about these keys.
///
/// Codes: PROOF_KEYS.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_witness_init(
    state: *mut qnx_witness_t,
    keys: *const qnx_witness_key_t,
    count: usize,
) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let keys = unsafe { lent.values(keys, count)? };
        let mut list = heapless::Vec::<(Hash, Access), MAX_WITNESS_KEYS>::new();
        for key in keys {
            let access = match key.access {
                QNX_ACCESS_READ => Access::Read,
                QNX_ACCESS_WRITE => Access::Write(of_core(&key.value_hash)),
                QNX_ACCESS_DELETE => Access::Delete,
                _ => return Err(unknown_number().into()),
            };
            list.push((of_core(&key.key), access)).map_err(|_| ProofError::Keys)?;
        }
        let witness = Witness::new(list.iter().copied())?;
        // SAFETY: promised by the caller.
        unsafe { lent.init(state, witness) }
    })())
}

/// Takes the next bytes of the proof.
///
/// Codes: PROOF_*.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_witness_push(
    state: *mut qnx_witness_t,
    bytes: *const u8,
    len: usize,
) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let witness = unsafe { lent.state(state)? };
        // SAFETY: promised by the caller.
        Ok(witness.push(unsafe { lent.values(bytes, len)? })?)
    })())
}

/// What a complete proof shows under this root: the value of each key, in their order, before the update, and the root after it.
/// `*count` is the room of `values` before and their number after.
///
/// Codes: PROOF_*, BUFFER_TOO_SMALL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_witness_finish(
    state: *const qnx_witness_t,
    root: *const qnx_hash_t,
    values: *mut qnx_state_value_t,
    count: *mut usize,
    root_after: *mut qnx_hash_t,
) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let witness = unsafe { lent.state_ref(state)? };
        // SAFETY: promised by the caller.
        let root = of_core(unsafe { lent.value(root)? });
        // SAFETY: promised by the caller.
        let values = unsafe { lent.buffer(values, count)? };
        // SAFETY: promised by the caller.
        let root_after = unsafe { lent.place(root_after)? };
        let proven = witness.finish(&root)?;
        values.put_each(proven.values.len(), proven.values.iter().map(value_to_c))?;
        root_after.write(to_c(proven.root_after));
        Ok(())
    })())
}

/// Forgets a check.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_witness_clear(state: *mut qnx_witness_t) -> qnx_status_t {
    // SAFETY: promised by the caller.
    status(unsafe { Lent::new().clear(state) })
}

/// How many bytes of a `qnx_witness_t` are used.
#[unsafe(no_mangle)]
pub extern "C" fn qnx_witness_size() -> usize {
    real_size::<qnx_witness_t>()
}

/// Accepts that the tree with this root has the record `record` under `key`, or none there if `record` is null.
///
/// Codes: PROOF_*, WITNESS_RECORD.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_state_verify(
    root: *const qnx_hash_t,
    key: *const qnx_hash_t,
    record: *const u8,
    record_len: usize,
    proof: *const u8,
    proof_len: usize,
) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let root = of_core(unsafe { lent.value(root)? });
        // SAFETY: promised by the caller.
        let key = of_core(unsafe { lent.value(key)? });
        // SAFETY: promised by the caller.
        let proof = unsafe { lent.values(proof, proof_len)? };
        let expected = match record.is_null() {
            true => None,
            // SAFETY: promised by the caller.
            false => Some(value_hash(unsafe { lent.values(record, record_len)? })),
        };
        shows(&root, &key, expected, proof)
    })())
}

fn shows(root: &Hash, key: &Hash, expected: Option<Hash>, proof: &[u8]) -> Fallible<()> {
    let values = qenex_core::merkle::witness::verify(root, proof, &[*key])?;
    if values.first() == Some(&expected) {
        Ok(())
    } else {
        Err(qenex_core::hsm::HsmError::WitnessRecord.into())
    }
}

fn value_to_c(value: &Option<Hash>) -> qnx_state_value_t {
    let mut out = qnx_state_value_t::zeroed();
    if let Some(hash) = value {
        out.value_hash = to_c(*hash);
        out.present = 1;
    }
    out
}

const _: () = assert!(QNX_WITNESS_KEYS_MAX == MAX_WITNESS_KEYS);
