//! Hashes: SHA3-256 under a domain, and the hashes that others use.
//!
//! Every purpose of the ledger has its domain, a byte before the input, so that a hash made for one thing is never taken
//! for another.

use qenex_core::crypto::Domain;
use qenex_core::crypto::hash::{Hash, Hasher, keccak_512, sha3_256, sha3_512};

use crate::memory::{Lent, Plain, plain, status, unknown_number};
use crate::state::{real_size, state};
use crate::status::qnx_status_t;

/// A SHA3-256 hash.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_hash_t {
    /// Its bytes, in the order in which people write them.
    pub bytes: [u8; 32],
}
plain!(qnx_hash_t, Hash);

/// A hash over input that arrives in pieces.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_hasher_t {
    /// Only the library reads it.
    pub opaque: [u64; 56],
}
state!(qnx_hasher_t, Hasher, 1);

/// What is hashed. The numbers are those of the ledger's formats.
pub type qnx_domain_t = u8;
/// The canonical bytes of a transaction: its id.
pub const QNX_DOMAIN_TRANSACTION: qnx_domain_t = 0x20;
/// The canonical bytes of a record: what the state tree's leaf commits to.
pub const QNX_DOMAIN_RECORD_VALUE: qnx_domain_t = 0x13;
/// A block header: the block's id.
pub const QNX_DOMAIN_HEADER: qnx_domain_t = 0x30;
/// The image of a firmware: its measurement.
pub const QNX_DOMAIN_MEASUREMENT: qnx_domain_t = 0x50;

pub(crate) const fn of_core(hash: &qnx_hash_t) -> Hash {
    Hash(hash.bytes)
}

pub(crate) const fn to_c(hash: Hash) -> qnx_hash_t {
    qnx_hash_t { bytes: hash.0 }
}

const fn domain(number: qnx_domain_t) -> Option<Domain> {
    match number {
        QNX_DOMAIN_TRANSACTION => Some(Domain::Transaction),
        QNX_DOMAIN_RECORD_VALUE => Some(Domain::RecordValue),
        QNX_DOMAIN_HEADER => Some(Domain::Header),
        QNX_DOMAIN_MEASUREMENT => Some(Domain::Measurement),
        _ => None,
    }
}

/// Writes the hash of bytes.
unsafe fn digest<T: Plain>(
    bytes: *const u8,
    len: usize,
    out: *mut T,
    of: impl FnOnce(&[u8]) -> T,
) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let bytes = unsafe { lent.values(bytes, len)? };
        // SAFETY: promised by the caller.
        let out = unsafe { lent.place(out)? };
        out.write(of(bytes));
        Ok(())
    })())
}

/// The hash of `len` bytes under a domain.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_hash(
    of: qnx_domain_t,
    bytes: *const u8,
    len: usize,
    out: *mut qnx_hash_t,
) -> qnx_status_t {
    let Some(domain) = domain(of) else { return status(Err(unknown_number().into())) };
    // SAFETY: promised by the caller.
    unsafe { digest(bytes, len, out, |bytes| to_c(qenex_core::crypto::hash(domain, &[bytes]))) }
}

/// Starts a hash under a domain.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_hasher_init(state: *mut qnx_hasher_t, of: qnx_domain_t) -> qnx_status_t {
    status((|| {
        let hasher = Hasher::new(domain(of).ok_or(unknown_number())?);
        // SAFETY: promised by the caller.
        unsafe { Lent::new().init(state, hasher) }
    })())
}

/// Takes more input.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_hasher_update(
    state: *mut qnx_hasher_t,
    bytes: *const u8,
    len: usize,
) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let hasher = unsafe { lent.state(state)? };
        // SAFETY: promised by the caller.
        hasher.update(unsafe { lent.values(bytes, len)? });
        Ok(())
    })())
}

/// The hash of all input so far. More input may follow.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_hasher_finish(state: *const qnx_hasher_t, out: *mut qnx_hash_t) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let hasher = unsafe { lent.state_ref(state)? };
        // SAFETY: promised by the caller.
        let out = unsafe { lent.place(out)? };
        out.write(to_c(hasher.clone().finish()));
        Ok(())
    })())
}

/// Forgets a hash and all that it took.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_hasher_clear(state: *mut qnx_hasher_t) -> qnx_status_t {
    // SAFETY: promised by the caller.
    status(unsafe { Lent::new().clear(state) })
}

/// How many bytes of a `qnx_hasher_t` are used.
#[unsafe(no_mangle)]
pub extern "C" fn qnx_hasher_size() -> usize {
    real_size::<qnx_hasher_t>()
}

/// SHA3-256 (FIPS 202) of bytes, without a domain: 32 bytes to `out`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_sha3_256(bytes: *const u8, len: usize, out: *mut u8) -> qnx_status_t {
    // SAFETY: promised by the caller.
    unsafe { digest(bytes, len, out.cast::<[u8; 32]>(), sha3_256) }
}

/// SHA3-512 (FIPS 202) of bytes, without a domain: 64 bytes to `out`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_sha3_512(bytes: *const u8, len: usize, out: *mut u8) -> qnx_status_t {
    // SAFETY: promised by the caller.
    unsafe { digest(bytes, len, out.cast::<[u8; 64]>(), sha3_512) }
}

/// Keccak-512 with the padding from before FIPS 202, without a domain: 64 bytes to `out`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_keccak_512(bytes: *const u8, len: usize, out: *mut u8) -> qnx_status_t {
    // SAFETY: promised by the caller.
    unsafe { digest(bytes, len, out.cast::<[u8; 64]>(), keccak_512) }
}

plain!([u8; 32], [u8; 64]);
