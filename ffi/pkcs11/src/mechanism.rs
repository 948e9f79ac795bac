//! The table of mechanisms.
//!
//! | mechanism | keys | data |
//! |---|---|---|
//! | `CKM_EDDSA` | Ed25519 | the message, at most 8,192 bytes to be signed (RFC 8032, pure) |
//! | `CKM_ML_DSA` | ML-DSA-87 | the message, at most 8,192 bytes to be signed (FIPS 204, pure, empty context) |
//! | `CKM_ECDSA` | P-256 | a digest of 1 to 64 bytes, of which the leftmost 32 count (FIPS 186-5, section 6.4.1) |
//! | `CKM_ECDSA_SHA256` | P-256 | a message of any length, which the module hashes |
//! | [`CKM_QENEX_TRANSACTION`] | of transactions, any scheme | a whole transaction: see [`crate::transaction`] |
//!
//! All signatures are deterministic, and those of P-256 have a low s; the module's verification asks for a low s too, as the ledger does.

use cryptoki_sys::*;
use qenex_core::crypto::{Purpose, Scheme};

use crate::pointer;
use crate::rv::Rv;

/// Signs a transaction if the key's policy allows it.
pub const CKM_QENEX_TRANSACTION: CK_MECHANISM_TYPE = CKM_VENDOR_DEFINED | 0x514e_5801;

/// What the module says of a mechanism.
pub struct Info {
    /// Its number.
    pub mechanism: CK_MECHANISM_TYPE,
    /// The size of its keys: of curves in bits, of ML-DSA in bytes of the public key.
    pub key_size: CK_ULONG,
    /// What it does.
    pub flags: CK_FLAGS,
}

const SIGN: CK_FLAGS = CKF_HW | CKF_SIGN | CKF_VERIFY;
const GENERATE: CK_FLAGS = CKF_HW | CKF_GENERATE_KEY_PAIR;
const P256: CK_FLAGS = CKF_EC_F_P | CKF_EC_NAMEDCURVE | CKF_EC_UNCOMPRESS;
const EDWARDS: CK_FLAGS = CKF_EC_NAMEDCURVE | CKF_EC_CURVENAME;

const fn info(mechanism: CK_MECHANISM_TYPE, key_size: CK_ULONG, flags: CK_FLAGS) -> Info {
    Info { mechanism, key_size, flags }
}

/// All mechanisms.
pub const TABLE: [Info; 8] = [
    info(CKM_EC_EDWARDS_KEY_PAIR_GEN, 255, GENERATE | EDWARDS),
    info(CKM_EC_KEY_PAIR_GEN, 256, GENERATE | P256),
    info(CKM_ML_DSA_KEY_PAIR_GEN, 2_592, GENERATE),
    info(CKM_EDDSA, 255, SIGN | EDWARDS),
    info(CKM_ECDSA, 256, SIGN | P256),
    info(CKM_ECDSA_SHA256, 256, SIGN | P256),
    info(CKM_ML_DSA, 2_592, SIGN),
    info(CKM_QENEX_TRANSACTION, 0, CKF_HW | CKF_SIGN),
];

/// The mechanisms that sign raw data with keys of a scheme.
pub const fn raw(scheme: Scheme) -> &'static [CK_MECHANISM_TYPE] {
    match scheme {
        Scheme::Ed25519 => &[CKM_EDDSA],
        Scheme::P256 => &[CKM_ECDSA, CKM_ECDSA_SHA256],
        Scheme::MlDsa87 => &[CKM_ML_DSA],
        Scheme::Hybrid => &[],
    }
}

/// The mechanisms that a key signs with.
pub const fn allowed(scheme: Scheme, purpose: Purpose) -> &'static [CK_MECHANISM_TYPE] {
    match purpose {
        Purpose::Plain => raw(scheme),
        Purpose::Transaction => &[CKM_QENEX_TRANSACTION],
        _ => &[],
    }
}

/// The mechanism that makes keys of a scheme, if one does.
pub const fn generation(scheme: Scheme) -> Option<CK_MECHANISM_TYPE> {
    match scheme {
        Scheme::Ed25519 => Some(CKM_EC_EDWARDS_KEY_PAIR_GEN),
        Scheme::P256 => Some(CKM_EC_KEY_PAIR_GEN),
        Scheme::MlDsa87 => Some(CKM_ML_DSA_KEY_PAIR_GEN),
        Scheme::Hybrid => None,
    }
}

/// The scheme of the keys that a mechanism makes.
pub fn generated(mechanism: CK_MECHANISM_TYPE) -> Option<Scheme> {
    Scheme::ALL.into_iter().find(|scheme| generation(*scheme) == Some(mechanism))
}

/// The number of a mechanism whose parameter is one that the module takes.
///
/// # Safety
/// The pointer is as the standard says of mechanisms, for the time of the call.
///
/// # Errors
/// There is no such mechanism, or it has another parameter.
pub unsafe fn read(mechanism: *const CK_MECHANISM) -> Result<CK_MECHANISM_TYPE, Rv> {
    // SAFETY: passed on.
    let CK_MECHANISM { mechanism, pParameter: parameter, ulParameterLen: length } =
        *unsafe { pointer::get(mechanism) }?;
    if !TABLE.iter().any(|info| info.mechanism == mechanism) {
        return Err(Rv(CKR_MECHANISM_INVALID));
    }
    let is = |size: usize| usize::try_from(length) == Ok(size) && !parameter.is_null();
    let taken = match mechanism {
        _ if length == 0 => true,
        CKM_EDDSA if is(size_of::<CK_EDDSA_PARAMS>()) => {
            // SAFETY: a parameter of this mechanism and length is this structure.
            let parameters: &CK_EDDSA_PARAMS = unsafe { pointer::get(parameter.cast()) }?;
            parameters.phFlag == CK_FALSE && parameters.ulContextDataLen == 0
        }
        CKM_ML_DSA if is(size_of::<CK_SIGN_ADDITIONAL_CONTEXT>()) => {
            // SAFETY: a parameter of this mechanism and length is this structure.
            let parameters: &CK_SIGN_ADDITIONAL_CONTEXT = unsafe { pointer::get(parameter.cast()) }?;
            parameters.hedgeVariant != CKH_HEDGE_REQUIRED && parameters.ulContextLen == 0
        }
        _ => false,
    };
    if taken { Ok(mechanism) } else { Err(Rv(CKR_MECHANISM_PARAM_INVALID)) }
}
