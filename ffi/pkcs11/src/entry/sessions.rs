//! Sessions, and who is logged in.

use std::ffi::c_void;

use cryptoki_sys::*;

use crate::module::Action;
use crate::pointer::{list, put};
use crate::shared::{answer, with_module};

/// Opens the channel to the device with the first session. Nobody is called back.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_OpenSession(
    slot: CK_SLOT_ID,
    flags: CK_FLAGS,
    _application: *mut c_void,
    _notify: CK_NOTIFY,
    session: *mut CK_SESSION_HANDLE,
) -> CK_RV {
    answer(|| {
        with_module(|module| {
            // Before anything happens: where the handle goes.
            unsafe { put(session, 0) }?;
            unsafe { put(session, module.open_session(slot, flags)?) }
        })
    })
}

/// Ends the channel with the last session.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_CloseSession(session: CK_SESSION_HANDLE) -> CK_RV {
    answer(|| with_module(|module| module.close_session(session)))
}

/// Ends the channel.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_CloseAllSessions(slot: CK_SLOT_ID) -> CK_RV {
    answer(|| with_module(|module| module.close_all(slot)))
}

/// About a session.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetSessionInfo(session: CK_SESSION_HANDLE, info: *mut CK_SESSION_INFO) -> CK_RV {
    answer(|| with_module(|module| unsafe { put(info, module.session_info(session)?) }))
}

/// Logs in those whom the configuration names for this kind of user: the PIN has a line for each of them. Where it names none, a line is `NAME:PIN`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_Login(
    session: CK_SESSION_HANDLE,
    kind: CK_USER_TYPE,
    pin: *mut CK_UTF8CHAR,
    pin_len: CK_ULONG,
) -> CK_RV {
    answer(|| with_module(|module| module.log_in(session, kind, unsafe { list(pin, pin_len) }?, None)))
}

/// Logs in the user with this name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_LoginUser(
    session: CK_SESSION_HANDLE,
    kind: CK_USER_TYPE,
    pin: *mut CK_UTF8CHAR,
    pin_len: CK_ULONG,
    name: *mut CK_UTF8CHAR,
    name_len: CK_ULONG,
) -> CK_RV {
    answer(|| {
        with_module(|module| {
            let (pin, name) = unsafe { (list(pin, pin_len)?, list(name, name_len)?) };
            module.log_in(session, kind, pin, Some(name))
        })
    })
}

/// Logs everybody out.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_Logout(session: CK_SESSION_HANDLE) -> CK_RV {
    answer(|| with_module(|module| module.log_out(session)))
}

/// Ends what a session has begun.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_SessionCancel(session: CK_SESSION_HANDLE, flags: CK_FLAGS) -> CK_RV {
    answer(|| {
        with_module(|module| {
            module.session_info(session)?;
            if flags & CKF_SIGN != 0 {
                module.cancel(session, Action::Sign)?;
            }
            if flags & CKF_VERIFY != 0 {
                module.cancel(session, Action::Verify)?;
            }
            if flags & CKF_FIND_OBJECTS != 0 {
                // Where no search is under way, none has to end.
                let _ = module.end_find(session);
            }
            Ok(())
        })
    })
}
