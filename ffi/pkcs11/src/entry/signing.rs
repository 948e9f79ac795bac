//! Signing and verifying, at once and in parts.

use cryptoki_sys::*;

use crate::mechanism;
use crate::module::Action;
use crate::pointer::{Answer, list};
use crate::rv::Rv;
use crate::shared::{answer, with_module};

/// Begins an operation; where there is no mechanism, ends the one that was begun.
unsafe fn begin(
    session: CK_SESSION_HANDLE,
    action: Action,
    mechanism: *mut CK_MECHANISM,
    key: CK_OBJECT_HANDLE,
) -> CK_RV {
    answer(|| {
        with_module(|module| {
            if mechanism.is_null() {
                return module.cancel(session, action);
            }
            module.begin(session, action, unsafe { mechanism::read(mechanism) }?, key)
        })
    })
}

/// Signs: nothing yet where only the length is asked for, or the buffer is too small.
unsafe fn sign(
    session: CK_SESSION_HANDLE,
    data: Option<(*mut CK_BYTE, CK_ULONG)>,
    signature: *mut CK_BYTE,
    signature_len: *mut CK_ULONG,
) -> CK_RV {
    answer(|| {
        with_module(|module| {
            let length = module.signature_len(session)?;
            let place = Answer::new(signature, signature_len);
            let signed = unsafe {
                place.room().and_then(|room| match room {
                    Some(room) if room >= length => {
                        let data = data.map(|(data, count)| list(data, count)).transpose()?;
                        module.sign(session, data).map(Some)
                    }
                    // Says how much room there must be; the operation goes on.
                    _ => place.write(&vec![0; length]).map(|()| None),
                })
            };
            match signed {
                Ok(None) => Ok(()),
                Ok(Some(signature)) => unsafe { place.write(&signature) },
                Err(Rv(CKR_BUFFER_TOO_SMALL)) => Err(Rv(CKR_BUFFER_TOO_SMALL)),
                // Whatever else is wrong ends the operation; the session may have ended already.
                Err(rv) => module.cancel(session, Action::Sign).or(Ok(())).and(Err(rv)),
            }
        })
    })
}

/// Checks a signature, which ends the operation.
unsafe fn verify(
    session: CK_SESSION_HANDLE,
    data: Option<(*mut CK_BYTE, CK_ULONG)>,
    signature: *mut CK_BYTE,
    signature_len: CK_ULONG,
) -> CK_RV {
    answer(|| {
        with_module(|module| {
            let lent = unsafe {
                let data = data.map(|(data, count)| list(data, count)).transpose();
                data.and_then(|data| Ok((data, list(signature, signature_len)?)))
            };
            match lent {
                Ok((data, signature)) => module.verify(session, data, signature),
                Err(rv) => module.cancel(session, Action::Verify).and(Err(rv)),
            }
        })
    })
}

/// Takes a part of the data.
unsafe fn update(
    session: CK_SESSION_HANDLE,
    action: Action,
    part: *mut CK_BYTE,
    part_len: CK_ULONG,
) -> CK_RV {
    answer(|| {
        with_module(|module| match unsafe { list(part, part_len) } {
            Ok(part) => module.update(session, action, part),
            Err(rv) => module.cancel(session, action).and(Err(rv)),
        })
    })
}

/// See [`crate::mechanism`] for what is signed how.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_SignInit(
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    key: CK_OBJECT_HANDLE,
) -> CK_RV {
    unsafe { begin(session, Action::Sign, mechanism, key) }
}

/// Signs data in one part.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_Sign(
    session: CK_SESSION_HANDLE,
    data: *mut CK_BYTE,
    data_len: CK_ULONG,
    signature: *mut CK_BYTE,
    signature_len: *mut CK_ULONG,
) -> CK_RV {
    unsafe { sign(session, Some((data, data_len)), signature, signature_len) }
}

/// Takes a part of the data; every mechanism takes it in parts, too.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_SignUpdate(
    session: CK_SESSION_HANDLE,
    part: *mut CK_BYTE,
    part_len: CK_ULONG,
) -> CK_RV {
    unsafe { update(session, Action::Sign, part, part_len) }
}

/// Signs what came in parts.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_SignFinal(
    session: CK_SESSION_HANDLE,
    signature: *mut CK_BYTE,
    signature_len: *mut CK_ULONG,
) -> CK_RV {
    unsafe { sign(session, None, signature, signature_len) }
}

/// The module verifies, without the device.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_VerifyInit(
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    key: CK_OBJECT_HANDLE,
) -> CK_RV {
    unsafe { begin(session, Action::Verify, mechanism, key) }
}

/// Checks a signature of data in one part.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_Verify(
    session: CK_SESSION_HANDLE,
    data: *mut CK_BYTE,
    data_len: CK_ULONG,
    signature: *mut CK_BYTE,
    signature_len: CK_ULONG,
) -> CK_RV {
    unsafe { verify(session, Some((data, data_len)), signature, signature_len) }
}

/// Takes a part of the data.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_VerifyUpdate(
    session: CK_SESSION_HANDLE,
    part: *mut CK_BYTE,
    part_len: CK_ULONG,
) -> CK_RV {
    unsafe { update(session, Action::Verify, part, part_len) }
}

/// Checks a signature of what came in parts.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_VerifyFinal(
    session: CK_SESSION_HANDLE,
    signature: *mut CK_BYTE,
    signature_len: CK_ULONG,
) -> CK_RV {
    unsafe { verify(session, None, signature, signature_len) }
}
