//! The trees of transactions and of receipts: built, proven, verified.
//!
//! They are the append-only tree of RFC 9162, section 2.1, with the ledger's hash. A proof is a list of at most 64 hashes, from the leaf to
//! the root.

use qenex_core::crypto::hash::Hash;
use qenex_core::merkle::log::{self, Builder, LogError, Proof};

use crate::hash::{of_core, qnx_hash_t, to_c};
use crate::memory::{Fallible, Lent, status};
use crate::state::{real_size, state};
use crate::status::qnx_status_t;

/// Hashes of the longest proof.
pub const QNX_LOG_PROOF_MAX: usize = 64;

/// Makes a root from leaves that arrive one after the other.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_log_t {
    /// Only the library reads it.
    pub opaque: [u64; 272],
}
state!(qnx_log_t, Builder, 3);

/// The leaf of an entry: of `qnx_signed_log_entry` in a block's transaction tree, of a receipt in its receipt tree.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_log_leaf(entry: *const u8, len: usize, out: *mut qnx_hash_t) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let entry = unsafe { lent.values(entry, len)? };
        // SAFETY: promised by the caller.
        let out = unsafe { lent.place(out)? };
        out.write(to_c(log::leaf_hash(entry)));
        Ok(())
    })())
}

/// Starts a tree without leaves.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_log_init(state: *mut qnx_log_t) -> qnx_status_t {
    // SAFETY: promised by the caller.
    status(unsafe { Lent::new().init(state, Builder::new()) })
}

/// Appends a leaf.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_log_push(state: *mut qnx_log_t, leaf: *const qnx_hash_t) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let builder = unsafe { lent.state(state)? };
        // SAFETY: promised by the caller.
        builder.push(of_core(unsafe { lent.value(leaf)? }));
        Ok(())
    })())
}

/// The root over all leaves so far, and their number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_log_root(
    state: *const qnx_log_t,
    root: *mut qnx_hash_t,
    size: *mut u64,
) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let builder = unsafe { lent.state_ref(state)? };
        // SAFETY: promised by the caller.
        let root = unsafe { lent.place(root)? };
        // SAFETY: promised by the caller.
        let size = unsafe { lent.place(size)? };
        root.write(to_c(builder.root()));
        size.write(builder.len());
        Ok(())
    })())
}

/// Forgets a tree.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_log_clear(state: *mut qnx_log_t) -> qnx_status_t {
    // SAFETY: promised by the caller.
    status(unsafe { Lent::new().clear(state) })
}

/// How many bytes of a `qnx_log_t` are used.
#[unsafe(no_mangle)]
pub extern "C" fn qnx_log_size() -> usize {
    real_size::<qnx_log_t>()
}

/// The proof that `leaves[index]` is in the tree over all `count` leaves. `*len` is the room of `proof`, in hashes, before and their
/// number after; QNX_LOG_PROOF_MAX is always enough.
///
/// Codes: LOG_INDEX, BUFFER_TOO_SMALL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_log_prove_inclusion(
    leaves: *const qnx_hash_t,
    count: usize,
    index: usize,
    proof: *mut qnx_hash_t,
    len: *mut usize,
) -> qnx_status_t {
    // SAFETY: promised by the caller.
    unsafe { prove(leaves, count, proof, len, |leaves| log::inclusion_proof(leaves, index)) }
}

/// The proof that the tree over the first `first` leaves is the beginning of the tree over all `count`. `*len` as above.
///
/// Codes: LOG_SIZES, BUFFER_TOO_SMALL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_log_prove_consistency(
    leaves: *const qnx_hash_t,
    count: usize,
    first: usize,
    proof: *mut qnx_hash_t,
    len: *mut usize,
) -> qnx_status_t {
    // SAFETY: promised by the caller.
    unsafe { prove(leaves, count, proof, len, |leaves| log::consistency_proof(leaves, first)) }
}

unsafe fn prove(
    leaves: *const qnx_hash_t,
    count: usize,
    proof: *mut qnx_hash_t,
    len: *mut usize,
    make: impl FnOnce(&[Hash]) -> Result<Proof, LogError>,
) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let leaves = unsafe { hashes(&mut lent, leaves, count)? };
        // SAFETY: promised by the caller; a hash of the core is its bytes and nothing else.
        let proof = unsafe { lent.buffer(proof.cast::<Hash>(), len)? };
        proof.put(&make(leaves)?)
    })())
}

/// Accepts that `leaf` is leaf number `index` of the tree of `size` leaves with this root.
///
/// Codes: LOG_INDEX, LOG_PROOF.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_log_verify_inclusion(
    root: *const qnx_hash_t,
    size: u64,
    index: u64,
    leaf: *const qnx_hash_t,
    proof: *const qnx_hash_t,
    proof_len: usize,
) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let root = of_core(unsafe { lent.value(root)? });
        // SAFETY: promised by the caller.
        let leaf = of_core(unsafe { lent.value(leaf)? });
        // SAFETY: promised by the caller.
        let proof = unsafe { hashes(&mut lent, proof, proof_len)? };
        Ok(log::verify_inclusion(&root, size, index, &leaf, proof)?)
    })())
}

/// Accepts that the tree of `first` leaves is the beginning of the tree of `second` leaves.
///
/// Codes: LOG_SIZES, LOG_PROOF.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_log_verify_consistency(
    first: u64,
    first_root: *const qnx_hash_t,
    second: u64,
    second_root: *const qnx_hash_t,
    proof: *const qnx_hash_t,
    proof_len: usize,
) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let first_root = of_core(unsafe { lent.value(first_root)? });
        // SAFETY: promised by the caller.
        let second_root = of_core(unsafe { lent.value(second_root)? });
        // SAFETY: promised by the caller.
        let proof = unsafe { hashes(&mut lent, proof, proof_len)? };
        Ok(log::verify_consistency(first, &first_root, second, &second_root, proof)?)
    })())
}

/// Hashes to read.
pub(crate) unsafe fn hashes<'a>(
    lent: &mut Lent,
    hashes: *const qnx_hash_t,
    count: usize,
) -> Fallible<&'a [Hash]> {
    // SAFETY: promised by the caller; a hash of the core is its bytes and nothing else.
    unsafe { lent.values(hashes.cast::<Hash>(), count) }
}

const _: () = assert!(QNX_LOG_PROOF_MAX == log::PROOF_MAX);
