//! The functions of the standard, under its names. Each looks at its pointers, and lets the [`Module`] do the rest.
//!
//! All are unsafe for the reason that [`crate::pointer`] gives: an application's pointers are null, or what the standard says of the parameter. What a function does is
//! what the standard says of it; its documentation here names what the standard leaves open.
#![allow(
    non_snake_case,
    clippy::missing_safety_doc,
    reason = "the standard's names; the safety of all is said above"
)]
// SAFETY of all that follows: pointers are passed on as they came, to functions that look at them first; what they point to is the application's promise.
#![allow(clippy::undocumented_unsafe_blocks)]

use std::ffi::{CStr, c_void};

use cryptoki_sys::*;

use crate::config;
use crate::list::{INTERFACES, LIST_2_40};
use crate::module::Module;
use crate::pointer::{Answer, get, put};
use crate::rv::Rv;
use crate::shared::{answer, finalise, initialise, with_module};

mod objects;
mod random;
mod sessions;
mod signing;
mod slots;

pub use objects::*;
pub use random::*;
pub use sessions::*;
pub use signing::*;
pub use slots::*;

/// The lengths that PINs may have: one line of `NAME:PIN` for each of eight users.
const PIN_LENGTHS: [CK_ULONG; 2] = [6, 8 * (24 + 1 + 32 + 1)];

/// A text in a field, with spaces behind it.
fn padded<const N: usize>(text: &str) -> [u8; N] {
    let mut field = [b' '; N];
    field.iter_mut().zip(text.bytes()).for_each(|(to, byte)| *to = byte);
    field
}

const MANUFACTURER: &str = "QENEX";

/// Reads the configuration. What is wrong with it is said on the standard error, because there is no value for it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_Initialize(arguments: *mut c_void) -> CK_RV {
    answer(|| {
        if !arguments.is_null() {
            let arguments: &CK_C_INITIALIZE_ARGS = unsafe { get(arguments.cast()) }?;
            let mutexes = [
                arguments.CreateMutex.is_some(),
                arguments.DestroyMutex.is_some(),
                arguments.LockMutex.is_some(),
                arguments.UnlockMutex.is_some(),
            ];
            let given = mutexes.iter().filter(|given| **given).count();
            if !arguments.pReserved.is_null() || (given != 0 && given != mutexes.len()) {
                return Err(Rv(CKR_ARGUMENTS_BAD));
            }
            // The locks are the system's.
            if given != 0 && arguments.flags & CKF_OS_LOCKING_OK == 0 {
                return Err(Rv(CKR_CANT_LOCK));
            }
        }
        initialise(|| match config::read() {
            Ok(devices) => Ok(Module::new(devices)),
            Err(error) => {
                eprintln!("qenex-pkcs11: {error}");
                Err(Rv(CKR_GENERAL_ERROR))
            }
        })
    })
}

/// Ends all sessions and channels.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_Finalize(reserved: *mut c_void) -> CK_RV {
    answer(|| if reserved.is_null() { finalise() } else { Err(Rv(CKR_ARGUMENTS_BAD)) })
}

/// About the module.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetInfo(info: *mut CK_INFO) -> CK_RV {
    let about = CK_INFO {
        cryptokiVersion: CK_VERSION { major: 3, minor: 2 },
        manufacturerID: padded(MANUFACTURER),
        flags: 0,
        libraryDescription: padded("PKCS#11 over QENEX devices"),
        libraryVersion: CK_VERSION { major: 0, minor: 1 },
    };
    answer(|| with_module(|_| unsafe { put(info, about) }))
}

/// The functions of version 2.40.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetFunctionList(functions: *mut *mut CK_FUNCTION_LIST) -> CK_RV {
    answer(|| unsafe { put(functions, std::ptr::from_ref(&LIST_2_40).cast_mut()) })
}

/// The interfaces: `PKCS 11` in the versions 3.2, 3.0 and 2.40.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetInterfaceList(interfaces: *mut CK_INTERFACE, count: *mut CK_ULONG) -> CK_RV {
    let all: Vec<CK_INTERFACE> = INTERFACES.iter().map(|(interface, _)| interface.0).collect();
    answer(|| unsafe { Answer::new(interfaces, count).write(&all) })
}

/// The newest interface that has the name, version and flags that are asked for.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetInterface(
    name: *mut CK_UTF8CHAR,
    version: *mut CK_VERSION,
    interface: *mut *mut CK_INTERFACE,
    flags: CK_FLAGS,
) -> CK_RV {
    answer(|| {
        let is_ours = name.is_null() || unsafe { CStr::from_ptr(name.cast()) } == c"PKCS 11";
        let version = if version.is_null() { None } else { Some(unsafe { get(version) }?) };
        let is_asked =
            |of: &CK_VERSION| version.is_none_or(|asked| (asked.major, asked.minor) == (of.major, of.minor));
        let found =
            INTERFACES.iter().find(|(found, of)| is_ours && is_asked(of) && found.0.flags & flags == flags);
        let (found, _) = found.ok_or(Rv(CKR_FUNCTION_FAILED))?;
        unsafe { put(interface, std::ptr::from_ref(&found.0).cast_mut()) }
    })
}

/// Nothing runs in parallel.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetFunctionStatus(_: CK_SESSION_HANDLE) -> CK_RV {
    answer(|| with_module(|_| Err(Rv(CKR_FUNCTION_NOT_PARALLEL))))
}

/// Nothing runs in parallel.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_CancelFunction(_: CK_SESSION_HANDLE) -> CK_RV {
    answer(|| with_module(|_| Err(Rv(CKR_FUNCTION_NOT_PARALLEL))))
}
