//! Keys and signatures of every scheme.
//!
//! | number | scheme | public key, bytes | signature, bytes |
//! |---|---|---|---|
//! | 1 | Ed25519 (RFC 8032, cofactored) | 32 | 64 |
//! | 2 | ML-DSA-87 (FIPS 204) | 2,592 | 4,627 |
//! | 3 | both, each of which must verify | 2,624 | 4,691 |
//! | 4 | ECDSA P-256, low s only | 33, compressed | 64 |
//!
//! A key has one purpose. What it signs is always the digest of scheme, purpose and the id of a thing, so that a signature for one purpose
//! is worthless for another. Signatures are deterministic, and verified before they are released.

use qenex_core::crypto::scheme::{KeyHash, Purpose, Scheme, SchemeError, signing_digest, verify};
use qenex_core::crypto::secret::SecretKey;

use crate::hash::{of_core, qnx_hash_t, to_c};
use crate::memory::{Lent, status};
use crate::state::{real_size, state};
use crate::status::qnx_status_t;

/// A signature scheme.
pub type qnx_scheme_t = u8;
/// Ed25519.
pub const QNX_ED25519: qnx_scheme_t = 1;
/// ML-DSA-87.
pub const QNX_ML_DSA_87: qnx_scheme_t = 2;
/// ML-DSA-87 and Ed25519 together.
pub const QNX_HYBRID: qnx_scheme_t = 3;
/// ECDSA on P-256.
pub const QNX_P256: qnx_scheme_t = 4;

/// What a key signs.
pub type qnx_purpose_t = u8;
/// Transactions of an account.
pub const QNX_PURPOSE_TRANSACTION: qnx_purpose_t = 1;
/// Votes of a validator.
pub const QNX_PURPOSE_VOTE: qnx_purpose_t = 2;
/// What a device says about itself.
pub const QNX_PURPOSE_ATTESTATION: qnx_purpose_t = 3;
/// A person's approval of a transaction.
pub const QNX_PURPOSE_APPROVAL: qnx_purpose_t = 4;
/// Raw data of other protocols, and nothing of the ledger.
pub const QNX_PURPOSE_PLAIN: qnx_purpose_t = 7;
/// Checkpoints of a chain, by a validator.
pub const QNX_PURPOSE_CHECKPOINT: qnx_purpose_t = 8;

/// Bytes of the longest public key.
pub const QNX_MAX_PUBLIC_KEY_SIZE: usize = 2624;
/// Bytes of the longest signature.
pub const QNX_MAX_SIGNATURE_SIZE: usize = 4691;
/// Bytes of a seed.
pub const QNX_SEED_SIZE: usize = 32;

/// A secret key. Wipe it with `qnx_key_clear`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_key_t {
    /// Only the library reads it.
    pub opaque: [u64; 40],
}
state!(qnx_key_t, SecretKey, 2);

pub(crate) const fn scheme(number: qnx_scheme_t) -> Result<Scheme, SchemeError> {
    Scheme::from_number(number)
}

/// Bytes of a scheme's public keys; zero for a number that is no scheme.
#[unsafe(no_mangle)]
pub extern "C" fn qnx_public_key_size(of: qnx_scheme_t) -> usize {
    scheme(of).map_or(0, Scheme::public_key_bytes)
}

/// Bytes of a scheme's signatures; zero for a number that is no scheme.
#[unsafe(no_mangle)]
pub extern "C" fn qnx_signature_size(of: qnx_scheme_t) -> usize {
    scheme(of).map_or(0, Scheme::signature_bytes)
}

/// Makes a secret key from 32 random bytes, QNX_SEED_SIZE. The same seed gives the same key.
///
/// Codes: SCHEME_UNKNOWN, SEED_INVALID.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_key_init(
    state: *mut qnx_key_t,
    of: qnx_scheme_t,
    seed: *const u8,
) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let seed = unsafe { lent.value(seed.cast::<[u8; QNX_SEED_SIZE]>())? };
        let key = SecretKey::from_seed(scheme(of)?, seed)?;
        // SAFETY: promised by the caller.
        unsafe { lent.init(state, key) }
    })())
}

/// Overwrites a secret key.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_key_clear(state: *mut qnx_key_t) -> qnx_status_t {
    // SAFETY: promised by the caller.
    status(unsafe { Lent::new().clear(state) })
}

/// How many bytes of a `qnx_key_t` are used.
#[unsafe(no_mangle)]
pub extern "C" fn qnx_key_size() -> usize {
    real_size::<qnx_key_t>()
}

/// The public key of a secret key. `*len` is the room of `out` before and the length after; QNX_MAX_PUBLIC_KEY_SIZE is always enough.
///
/// Codes: BUFFER_TOO_SMALL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_key_public(
    state: *const qnx_key_t,
    out: *mut u8,
    len: *mut usize,
) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let key = unsafe { lent.state_ref(state)? };
        // SAFETY: promised by the caller.
        let out = unsafe { lent.buffer(out, len)? };
        out.fill(key.scheme().public_key_bytes(), |buffer| Ok(key.public_key(buffer)?.len()))
    })())
}

/// Signs the thing that `id` names, for one purpose. `*len` is the room of `out` before and the length after; QNX_MAX_SIGNATURE_SIZE is always
/// enough.
///
/// Codes: PURPOSE_UNKNOWN, BUFFER_TOO_SMALL; after a fault SIGNING_ATTEMPTS, SIGNATURE_NOT_RELEASED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_key_sign(
    state: *const qnx_key_t,
    purpose: qnx_purpose_t,
    id: *const qnx_hash_t,
    out: *mut u8,
    len: *mut usize,
) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let key = unsafe { lent.state_ref(state)? };
        // SAFETY: promised by the caller.
        let id = of_core(unsafe { lent.value(id)? });
        // SAFETY: promised by the caller.
        let out = unsafe { lent.buffer(out, len)? };
        let purpose = Purpose::from_number(purpose)?;
        out.fill(key.scheme().signature_bytes(), |buffer| Ok(key.sign(purpose, &id, buffer)?.len()))
    })())
}

/// Checks a signature of the thing that `id` names, for one purpose.
///
/// Codes: SCHEME_UNKNOWN, PURPOSE_UNKNOWN, PUBLIC_KEY_LENGTH, PUBLIC_KEY_INVALID, SIGNATURE_LENGTH, SIGNATURE_MALFORMED, SIGNATURE_MISMATCH.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_verify(
    of: qnx_scheme_t,
    purpose: qnx_purpose_t,
    id: *const qnx_hash_t,
    public_key: *const u8,
    public_key_len: usize,
    signature: *const u8,
    signature_len: usize,
) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let id = of_core(unsafe { lent.value(id)? });
        // SAFETY: promised by the caller.
        let public_key = unsafe { lent.values(public_key, public_key_len)? };
        // SAFETY: promised by the caller.
        let signature = unsafe { lent.values(signature, signature_len)? };
        let scheme = scheme(of)?;
        let digest = signing_digest(scheme, Purpose::from_number(purpose)?, &id);
        Ok(verify(scheme, public_key, &digest, signature)?)
    })())
}

/// The hash by which records and policies name a public key.
///
/// Codes: SCHEME_UNKNOWN, PURPOSE_UNKNOWN, PUBLIC_KEY_LENGTH.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_key_hash(
    of: qnx_scheme_t,
    purpose: qnx_purpose_t,
    public_key: *const u8,
    public_key_len: usize,
    out: *mut qnx_hash_t,
) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let public_key = unsafe { lent.values(public_key, public_key_len)? };
        // SAFETY: promised by the caller.
        let out = unsafe { lent.place(out)? };
        let scheme = scheme(of)?;
        if public_key.len() != scheme.public_key_bytes() {
            return Err(qenex_core::crypto::SignatureError::PublicKeyLength.into());
        }
        out.write(to_c(KeyHash::of(scheme, Purpose::from_number(purpose)?, public_key).0));
        Ok(())
    })())
}

const _: () = assert!(
    QNX_MAX_PUBLIC_KEY_SIZE == qenex_core::crypto::scheme::MAX_PUBLIC_KEY_BYTES
        && QNX_MAX_SIGNATURE_SIZE == qenex_core::crypto::scheme::MAX_SIGNATURE_BYTES
);
