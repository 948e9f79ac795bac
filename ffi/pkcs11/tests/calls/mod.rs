//! What tests ask of the module through the crate `cryptoki`, and how it refuses.

use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::vendor_defined::VendorDefinedMechanism;
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use cryptoki_sys::CKR_VENDOR_DEFINED;
use qenex_core::error::Code;
use qenex_pkcs11::mechanism::CKM_QENEX_TRANSACTION;

/// Why something was refused.
pub fn refusal<T: std::fmt::Debug>(result: Result<T, Error>) -> RvError {
    match result {
        Err(Error::Pkcs11(rv, _)) => rv,
        other => panic!("{other:?}"),
    }
}

/// The object of a key that the module did not make.
pub fn object(session: &Session, class: ObjectClass, slot: u8) -> ObjectHandle {
    let found = session.find_objects(&[Attribute::Class(class), Attribute::Id(vec![slot])]).unwrap();
    let [object] = found[..] else { panic!("{found:?}") };
    object
}

/// The value for a refusal that PKCS#11 has none for.
pub fn numbered(code: Code) -> RvError {
    RvError::VendorDefined(CKR_VENDOR_DEFINED | u64::from(code.number))
}

/// The mechanism that takes whole transactions.
pub fn whole_transactions() -> Mechanism<'static> {
    let kind = MechanismType::new_vendor_defined(CKM_QENEX_TRANSACTION).unwrap();
    Mechanism::VendorDefined(VendorDefinedMechanism::new::<u8>(kind, None))
}

/// A section of its data.
pub fn section(kind: u8, bytes: &[u8]) -> Vec<u8> {
    [&[kind][..], &(bytes.len() as u32).to_le_bytes(), bytes].concat()
}
