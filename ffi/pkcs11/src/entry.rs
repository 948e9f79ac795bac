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
use zeroize::Zeroizing;

use crate::config;
use crate::list::{INTERFACES, LIST_2_40};
use crate::mechanism::{self, TABLE};
use crate::module::{Action, Module};
use crate::object::Value;
use crate::pointer::{Answer, get, list, put};
use crate::rv::Rv;
use crate::shared::{answer, finalise, initialise, with_module};
use crate::template::Template;

/// The lengths that PINs may have: one line of `NAME:PIN` for each of eight users.
const PIN_LENGTHS: [CK_ULONG; 2] = [6, 8 * (24 + 1 + 32 + 1)];

/// A text in a field, with spaces behind it.
fn padded<const N: usize>(text: &str) -> [u8; N] {
    let mut field = [b' '; N];
    field.iter_mut().zip(text.bytes()).for_each(|(to, byte)| *to = byte);
    field
}

const MANUFACTURER: &str = "QENEX";

// ---- general

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

// ---- slots and tokens

/// The devices of the configuration, in its order.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetSlotList(
    present: CK_BBOOL,
    slots: *mut CK_SLOT_ID,
    count: *mut CK_ULONG,
) -> CK_RV {
    answer(|| {
        with_module(|module| unsafe { Answer::new(slots, count).write(&module.slots(present != CK_FALSE)) })
    })
}

/// A slot is described by where its device is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetSlotInfo(slot: CK_SLOT_ID, info: *mut CK_SLOT_INFO) -> CK_RV {
    answer(|| {
        with_module(|module| {
            let device = module.device(slot)?;
            let present = if device.at.exists() { CKF_TOKEN_PRESENT } else { 0 };
            let about = CK_SLOT_INFO {
                slotDescription: padded(&device.at.display().to_string()),
                manufacturerID: padded(MANUFACTURER),
                flags: CKF_REMOVABLE_DEVICE | CKF_HW_SLOT | present,
                ..CK_SLOT_INFO::default()
            };
            unsafe { put(info, about) }
        })
    })
}

/// The label is the device's name, the serial number the beginning of the key that it is known by.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetTokenInfo(slot: CK_SLOT_ID, info: *mut CK_TOKEN_INFO) -> CK_RV {
    answer(|| {
        with_module(|module| {
            let (sessions, writing) = module.count_sessions(slot);
            let (status, key) =
                module.with_device(slot, |token| Ok((token.status()?, *token.device_key())))?;
            let initialised = CKF_TOKEN_INITIALIZED | CKF_USER_PIN_INITIALIZED;
            let serial: String = key.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
            let [_, _, major, minor] = status.version.to_be_bytes();
            let [shortest, longest] = PIN_LENGTHS;
            let about = CK_TOKEN_INFO {
                label: padded(status.name.as_ref().map_or("", |name| name.as_str())),
                manufacturerID: padded(MANUFACTURER),
                model: padded("QENEX device"),
                serialNumber: padded(&serial),
                flags: CKF_RNG | CKF_LOGIN_REQUIRED | if status.name.is_some() { initialised } else { 0 },
                ulMaxSessionCount: CK_EFFECTIVELY_INFINITE,
                ulSessionCount: sessions,
                ulMaxRwSessionCount: CK_EFFECTIVELY_INFINITE,
                ulRwSessionCount: writing,
                ulMaxPinLen: longest,
                ulMinPinLen: shortest,
                ulTotalPublicMemory: CK_UNAVAILABLE_INFORMATION,
                ulFreePublicMemory: CK_UNAVAILABLE_INFORMATION,
                ulTotalPrivateMemory: CK_UNAVAILABLE_INFORMATION,
                ulFreePrivateMemory: CK_UNAVAILABLE_INFORMATION,
                hardwareVersion: CK_VERSION::default(),
                firmwareVersion: CK_VERSION { major, minor },
                utcTime: padded(""),
            };
            unsafe { put(info, about) }
        })
    })
}

/// The same for every device.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetMechanismList(
    slot: CK_SLOT_ID,
    mechanisms: *mut CK_MECHANISM_TYPE,
    count: *mut CK_ULONG,
) -> CK_RV {
    answer(|| {
        with_module(|module| {
            module.device(slot)?;
            unsafe { Answer::new(mechanisms, count).write(&TABLE.map(|info| info.mechanism)) }
        })
    })
}

/// What a mechanism does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetMechanismInfo(
    slot: CK_SLOT_ID,
    mechanism: CK_MECHANISM_TYPE,
    info: *mut CK_MECHANISM_INFO,
) -> CK_RV {
    answer(|| {
        with_module(|module| {
            module.device(slot)?;
            let found =
                TABLE.iter().find(|info| info.mechanism == mechanism).ok_or(Rv(CKR_MECHANISM_INVALID))?;
            let (size, flags) = (found.key_size, found.flags);
            unsafe { put(info, CK_MECHANISM_INFO { ulMinKeySize: size, ulMaxKeySize: size, flags }) }
        })
    })
}

// ---- sessions

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

// ---- objects

/// The objects of a device are known to those who are logged in.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_FindObjectsInit(
    session: CK_SESSION_HANDLE,
    template: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
) -> CK_RV {
    answer(|| with_module(|module| module.find(session, &unsafe { Template::read(template, count) }?)))
}

/// The next objects.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_FindObjects(
    session: CK_SESSION_HANDLE,
    objects: *mut CK_OBJECT_HANDLE,
    most: CK_ULONG,
    count: *mut CK_ULONG,
) -> CK_RV {
    answer(|| {
        with_module(|module| {
            unsafe { put(count, most) }?;
            let room = unsafe { Answer::new(objects, count).room() }?.ok_or(Rv(CKR_ARGUMENTS_BAD))?;
            let found = module.found(session, room)?;
            unsafe { Answer::new(objects, count).write(&found) }
        })
    })
}

/// Ends a search.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_FindObjectsFinal(session: CK_SESSION_HANDLE) -> CK_RV {
    answer(|| with_module(|module| module.end_find(session)))
}

/// What an object says of attributes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetAttributeValue(
    session: CK_SESSION_HANDLE,
    object: CK_OBJECT_HANDLE,
    template: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
) -> CK_RV {
    answer(|| {
        with_module(|module| {
            let kinds = unsafe { list(template, count) }?.iter().map(|attribute| attribute.type_);
            let values = module.attributes(session, object, kinds)?;
            let mut result = Ok(());
            for (index, value) in values.iter().enumerate() {
                // The list has as many entries as there are values.
                let attribute = template.wrapping_add(index);
                if let Err(rv) = unsafe { answer_attribute(attribute, value) } {
                    result = Err(rv);
                }
            }
            result
        })
    })
}

/// Writes the value of one attribute, or why there is none.
unsafe fn answer_attribute(attribute: *mut CK_ATTRIBUTE, value: &Value) -> Result<(), Rv> {
    let CK_ATTRIBUTE { type_, pValue: place, .. } = *unsafe { get(attribute) }?;
    let unavailable = move |rv| {
        let unavailable = CK_ATTRIBUTE { type_, pValue: place, ulValueLen: CK_UNAVAILABLE_INFORMATION };
        unsafe { put(attribute, unavailable) }.and(Err(Rv(rv)))
    };
    match value {
        Value::Sensitive => unavailable(CKR_ATTRIBUTE_SENSITIVE),
        Value::Unknown => unavailable(CKR_ATTRIBUTE_TYPE_INVALID),
        Value::Bytes(bytes) => {
            let length = unsafe { &raw mut (*attribute).ulValueLen };
            match unsafe { Answer::new(place.cast::<u8>(), length).write(bytes) } {
                Err(Rv(CKR_BUFFER_TOO_SMALL)) => unavailable(CKR_BUFFER_TOO_SMALL),
                result => result,
            }
        }
    }
}

/// Deletes a key of plain use; officers may.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_DestroyObject(session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE) -> CK_RV {
    answer(|| with_module(|module| module.destroy(session, object)))
}

/// Makes a key of plain use; officers may. `CKA_ID`, one byte, chooses the slot in the device.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GenerateKeyPair(
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    public_template: *mut CK_ATTRIBUTE,
    public_count: CK_ULONG,
    private_template: *mut CK_ATTRIBUTE,
    private_count: CK_ULONG,
    public_key: *mut CK_OBJECT_HANDLE,
    private_key: *mut CK_OBJECT_HANDLE,
) -> CK_RV {
    answer(|| {
        with_module(|module| {
            let kind = unsafe { mechanism::read(mechanism) }?;
            let public = unsafe { Template::read(public_template, public_count) }?;
            let private = unsafe { Template::read(private_template, private_count) }?;
            // Before anything happens: where the handles go.
            unsafe { put(public_key, 0).and(put(private_key, 0)) }?;
            let [public, private] = module.generate(session, kind, &public, &private)?;
            unsafe { put(public_key, public).and(put(private_key, private)) }
        })
    })
}

// ---- signing and verifying

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

// ---- random

/// The device mixes its entropy itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_SeedRandom(
    session: CK_SESSION_HANDLE,
    _seed: *mut CK_BYTE,
    _seed_len: CK_ULONG,
) -> CK_RV {
    answer(|| {
        with_module(|module| {
            module.session_info(session)?;
            Err(Rv(CKR_RANDOM_SEED_NOT_SUPPORTED))
        })
    })
}

/// From the device's source of entropy.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GenerateRandom(
    session: CK_SESSION_HANDLE,
    bytes: *mut CK_BYTE,
    count: CK_ULONG,
) -> CK_RV {
    /// So many are fetched at once.
    const PIECE: usize = 4_096;
    answer(|| {
        with_module(|module| {
            module.session_info(session)?;
            // Only looked at: what they are may never have been written.
            let room = unsafe { list(bytes.cast::<std::mem::MaybeUninit<u8>>(), count) }?;
            let mut at = bytes;
            for piece in room.chunks(PIECE) {
                let mut random = Zeroizing::new(vec![0; piece.len()]);
                module.random(session, &mut random)?;
                let mut count = piece.len() as CK_ULONG;
                unsafe { Answer::new(at, &mut count).write(&random) }?;
                at = at.wrapping_add(piece.len());
            }
            Ok(())
        })
    })
}
