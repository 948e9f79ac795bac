//! The functions as C calls them: null pointers, buffers that are too short, initialisation more than once and by several threads, forks.
#![allow(clippy::unwrap_used)] // a test that meets what it does not expect should stop there
#![allow(
    unsafe_code,
    clippy::undocumented_unsafe_blocks,
    reason = "calls of a C interface, with pointers to variables of the test or null"
)]

#[allow(dead_code)] // each test uses a part of it
mod bench;

use std::ffi::c_void;
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;

use bench::{Bench, OFFICER_PIN, OPERATOR_PIN};
use cryptoki_sys::*;
use qenex_pkcs11::*;

fn initialise() {
    assert_eq!(unsafe { C_Initialize(null_mut()) }, CKR_OK);
}

fn finalise() {
    assert_eq!(unsafe { C_Finalize(null_mut()) }, CKR_OK);
}

fn open(slot: CK_SLOT_ID) -> CK_SESSION_HANDLE {
    let mut session = 0;
    let flags = CKF_SERIAL_SESSION | CKF_RW_SESSION;
    assert_eq!(unsafe { C_OpenSession(slot, flags, null_mut(), None, &mut session) }, CKR_OK);
    session
}

/// A session whose users are an operator and an officer.
fn logged_in() -> CK_SESSION_HANDLE {
    let session = open(0);
    let mut pin = format!("{OPERATOR_PIN}\n{OFFICER_PIN}").into_bytes();
    let rv = unsafe { C_Login(session, CKU_USER, pin.as_mut_ptr(), pin.len() as CK_ULONG) };
    assert_eq!(rv, CKR_OK);
    session
}

fn mechanism(mechanism: CK_MECHANISM_TYPE) -> CK_MECHANISM {
    CK_MECHANISM { mechanism, pParameter: null_mut(), ulParameterLen: 0 }
}

/// A new Ed25519 key: its public and its private object.
fn generate(session: CK_SESSION_HANDLE) -> (CK_OBJECT_HANDLE, CK_OBJECT_HANDLE) {
    let (mut public, mut private) = (0, 0);
    let mut kind = mechanism(CKM_EC_EDWARDS_KEY_PAIR_GEN);
    let rv = unsafe {
        C_GenerateKeyPair(session, &mut kind, null_mut(), 0, null_mut(), 0, &mut public, &mut private)
    };
    assert_eq!(rv, CKR_OK);
    (public, private)
}

#[test]
fn it_is_initialised_once() {
    let (_, _used) = Bench::take();
    let mut info = CK_INFO::default();
    assert_eq!(unsafe { C_GetInfo(&mut info) }, CKR_CRYPTOKI_NOT_INITIALIZED);
    assert_eq!(unsafe { C_Finalize(null_mut()) }, CKR_CRYPTOKI_NOT_INITIALIZED);
    for _ in 0..3 {
        initialise();
        assert_eq!(unsafe { C_Initialize(null_mut()) }, CKR_CRYPTOKI_ALREADY_INITIALIZED);
        assert_eq!(unsafe { C_GetInfo(&mut info) }, CKR_OK);
        assert_eq!(unsafe { C_Finalize((&raw mut info).cast()) }, CKR_ARGUMENTS_BAD);
        finalise();
        assert_eq!(unsafe { C_GetInfo(&mut info) }, CKR_CRYPTOKI_NOT_INITIALIZED);
    }
    // Of threads that try at once, one does it.
    for _ in 0..50 {
        let barrier = Barrier::new(4);
        let done = thread::scope(|scope| {
            let threads = [(); 4].map(|()| {
                scope.spawn(|| {
                    barrier.wait();
                    unsafe { C_Initialize(null_mut()) }
                })
            });
            threads.map(|thread| thread.join().unwrap())
        });
        assert_eq!(done.iter().filter(|rv| **rv == CKR_OK).count(), 1, "{done:?}");
        assert_eq!(done.iter().filter(|rv| **rv == CKR_CRYPTOKI_ALREADY_INITIALIZED).count(), 3);
        finalise();
    }
}

unsafe extern "C" fn create_mutex(_: *mut *mut c_void) -> CK_RV {
    CKR_OK
}

unsafe extern "C" fn use_mutex(_: *mut c_void) -> CK_RV {
    CKR_OK
}

#[test]
fn arguments_of_the_initialisation() {
    let (_, _used) = Bench::take();
    let all = CK_C_INITIALIZE_ARGS {
        CreateMutex: Some(create_mutex),
        DestroyMutex: Some(use_mutex),
        LockMutex: Some(use_mutex),
        UnlockMutex: Some(use_mutex),
        flags: CKF_OS_LOCKING_OK,
        pReserved: null_mut(),
    };
    let some = CK_C_INITIALIZE_ARGS { LockMutex: None, ..all };
    let reserved = CK_C_INITIALIZE_ARGS { pReserved: (&raw const all).cast_mut().cast(), ..all };
    let own_locks = CK_C_INITIALIZE_ARGS { flags: 0, ..all };
    for (mut arguments, expected) in
        [(some, CKR_ARGUMENTS_BAD), (reserved, CKR_ARGUMENTS_BAD), (own_locks, CKR_CANT_LOCK), (all, CKR_OK)]
    {
        assert_eq!(unsafe { C_Initialize((&raw mut arguments).cast()) }, expected);
    }
    finalise();
}

#[test]
fn every_function_is_there() {
    let mut list = null_mut();
    assert_eq!(unsafe { C_GetFunctionList(&mut list) }, CKR_OK);
    let mut count = 0;
    assert_eq!(unsafe { C_GetInterfaceList(null_mut(), &mut count) }, CKR_OK);
    assert_eq!(count, 3);
    let mut interfaces = [CK_INTERFACE::default(); 3];
    assert_eq!(unsafe { C_GetInterfaceList(interfaces.as_mut_ptr(), &mut count) }, CKR_OK);
    let sizes =
        [size_of::<CK_FUNCTION_LIST_3_2>(), size_of::<CK_FUNCTION_LIST_3_0>(), size_of::<CK_FUNCTION_LIST>()];
    for (interface, size) in interfaces.iter().zip(sizes) {
        // After the version and what aligns it, every word is a function.
        let words = unsafe { std::slice::from_raw_parts(interface.pFunctionList.cast::<usize>(), size / 8) };
        assert!(words[1..].iter().all(|function| *function != 0));
    }
    assert_eq!(list.cast(), interfaces[2].pFunctionList);
    let ask = |name: *const std::ffi::c_char, version: Option<(u8, u8)>| {
        let mut found = null_mut();
        let mut version = version.map(|(major, minor)| CK_VERSION { major, minor });
        let version = version.as_mut().map_or(null_mut(), |version| version as *mut _);
        let rv = unsafe { C_GetInterface(name.cast_mut().cast(), version, &mut found, 0) };
        (rv == CKR_OK).then(|| unsafe { (*found).pFunctionList })
    };
    let lists = interfaces.map(|interface| Some(interface.pFunctionList));
    assert_eq!(
        [ask(null(), None), ask(c"PKCS 11".as_ptr(), Some((3, 0))), ask(null(), Some((2, 40)))],
        lists
    );
    assert_eq!(ask(c"Vendor".as_ptr(), None), None);
    assert_eq!(ask(null(), Some((3, 1))), None);
    // What is not supported says so, whatever it is given.
    let functions = unsafe { &*list };
    assert_eq!(
        unsafe { functions.C_WrapKey.unwrap()(0, null_mut(), 0, 0, null_mut(), null_mut()) },
        CKR_FUNCTION_NOT_SUPPORTED
    );
    assert_eq!(unsafe { functions.C_DigestInit.unwrap()(1, null_mut()) }, CKR_FUNCTION_NOT_SUPPORTED);
}

#[test]
fn null_pointers() {
    let (_, _used) = Bench::take();
    initialise();
    let session = logged_in();
    let (public, private) = generate(session);
    let mut kind = mechanism(CKM_EDDSA);
    let mut count: CK_ULONG = 8;
    let mut handles = [0; 8];
    let bad = CKR_ARGUMENTS_BAD;
    unsafe {
        assert_eq!(C_GetFunctionList(null_mut()), bad);
        assert_eq!(C_GetInterfaceList(null_mut(), null_mut()), bad);
        assert_eq!(C_GetInterface(null_mut(), null_mut(), null_mut(), 0), bad);
        assert_eq!(C_GetInfo(null_mut()), bad);
        assert_eq!(C_GetSlotList(CK_TRUE, null_mut(), null_mut()), bad);
        assert_eq!(C_GetSlotInfo(0, null_mut()), bad);
        assert_eq!(C_GetTokenInfo(0, null_mut()), bad);
        assert_eq!(C_GetMechanismList(0, null_mut(), null_mut()), bad);
        assert_eq!(C_GetMechanismInfo(0, CKM_EDDSA, null_mut()), bad);
        assert_eq!(C_OpenSession(0, CKF_SERIAL_SESSION, null_mut(), None, null_mut()), bad);
        assert_eq!(C_GetSessionInfo(session, null_mut()), bad);
        assert_eq!(C_Login(session, CKU_USER, null_mut(), 6), bad);
        assert_eq!(C_LoginUser(session, CKU_USER, null_mut(), 6, null_mut(), 5), bad);
        assert_eq!(C_FindObjectsInit(session, null_mut(), 1), bad);
        let mut attribute = CK_ATTRIBUTE { type_: CKA_ID, pValue: null_mut(), ulValueLen: 1 };
        assert_eq!(C_FindObjectsInit(session, &mut attribute, 1), bad);
        assert_eq!(C_FindObjectsInit(session, null_mut(), 0), CKR_OK);
        assert_eq!(C_FindObjects(session, null_mut(), 8, &mut count), bad);
        assert_eq!(C_FindObjects(session, handles.as_mut_ptr(), 8, null_mut()), bad);
        assert_eq!(C_FindObjectsFinal(session), CKR_OK);
        assert_eq!(C_GetAttributeValue(session, private, null_mut(), 1), bad);
        assert_eq!(
            C_GenerateKeyPair(session, null_mut(), null_mut(), 0, null_mut(), 0, &mut count, &mut count),
            bad
        );
        let mut edwards = mechanism(CKM_EC_EDWARDS_KEY_PAIR_GEN);
        assert_eq!(
            C_GenerateKeyPair(session, &mut edwards, null_mut(), 1, null_mut(), 0, &mut count, &mut count),
            bad
        );
        assert_eq!(
            C_GenerateKeyPair(session, &mut edwards, null_mut(), 0, null_mut(), 0, null_mut(), &mut count),
            bad
        );
        assert_eq!(
            C_GenerateKeyPair(session, &mut edwards, null_mut(), 0, null_mut(), 0, &mut count, null_mut()),
            bad
        );
        // A null mechanism ends what was begun.
        assert_eq!(C_SignInit(session, &mut kind, private), CKR_OK);
        assert_eq!(C_SignInit(session, &mut kind, private), CKR_OPERATION_ACTIVE);
        assert_eq!(C_SignInit(session, null_mut(), private), CKR_OK);
        assert_eq!(C_SignUpdate(session, null_mut(), 0), CKR_OPERATION_NOT_INITIALIZED);
        // Data that is not there ends an operation, and so does a length that is not.
        let mut signature = [0; 64];
        count = 64;
        for wrong in [
            (|session, signature, count| C_Sign(session, null_mut(), 1, signature, count))
                as unsafe fn(_, _, _) -> _,
            |session, signature, _| C_Sign(session, null_mut(), 0, signature, null_mut()),
            |session, _, _| C_SignUpdate(session, null_mut(), 1),
            |session, _, _| C_SignFinal(session, null_mut(), null_mut()),
        ] {
            assert_eq!(C_SignInit(session, &mut kind, private), CKR_OK);
            assert_eq!(wrong(session, signature.as_mut_ptr(), &mut count), bad);
            let again = C_Sign(session, null_mut(), 0, signature.as_mut_ptr(), &mut count);
            assert_eq!(again, CKR_OPERATION_NOT_INITIALIZED);
        }
        assert_eq!(C_VerifyInit(session, &mut kind, public), CKR_OK);
        assert_eq!(C_Verify(session, null_mut(), 0, null_mut(), 64), bad);
        assert_eq!(C_VerifyFinal(session, signature.as_mut_ptr(), 64), CKR_OPERATION_NOT_INITIALIZED);
        assert_eq!(C_GenerateRandom(session, null_mut(), 1), bad);
        assert_eq!(C_GenerateRandom(session, null_mut(), CK_ULONG::MAX), bad);
        assert_eq!(C_GenerateRandom(session, null_mut(), 0), CKR_OK);
        // Handles that there are not.
        assert_eq!(C_GetSlotInfo(9, null_mut()), CKR_SLOT_ID_INVALID);
        assert_eq!(C_CloseAllSessions(CK_ULONG::MAX), CKR_SLOT_ID_INVALID);
        assert_eq!(C_CloseSession(session + 1), CKR_SESSION_HANDLE_INVALID);
        assert_eq!(C_SignInit(session, &mut kind, 99), CKR_KEY_HANDLE_INVALID);
        assert_eq!(C_DestroyObject(session, 0), CKR_OBJECT_HANDLE_INVALID);
        assert_eq!(C_DestroyObject(session, private), CKR_OK);
        let mut session = 0;
        assert_eq!(C_OpenSession(0, 0, null_mut(), None, &mut session), CKR_SESSION_PARALLEL_NOT_SUPPORTED);
    }
    finalise();
}

/// Asking for the length, and a buffer that is too short, leave the operation as it was; so it is with attributes.
#[test]
fn lengths_are_told() {
    let (_, _used) = Bench::take();
    initialise();
    let session = logged_in();
    let (_, private) = generate(session);
    let mut kind = mechanism(CKM_EDDSA);
    let (mut data, mut signature, mut count) = (*b"data", [0; 64], 0);
    unsafe {
        assert_eq!(C_SignInit(session, &mut kind, private), CKR_OK);
        assert_eq!(C_Sign(session, data.as_mut_ptr(), 4, null_mut(), &mut count), CKR_OK);
        assert_eq!(count, 64);
        count = 63;
        let short = C_Sign(session, data.as_mut_ptr(), 4, signature.as_mut_ptr(), &mut count);
        assert_eq!((short, count, signature), (CKR_BUFFER_TOO_SMALL, 64, [0; 64]));
        assert_eq!(C_Sign(session, data.as_mut_ptr(), 4, signature.as_mut_ptr(), &mut count), CKR_OK);
        let first = signature;
        assert_eq!(C_SignInit(session, &mut kind, private), CKR_OK);
        for byte in &mut data {
            assert_eq!(C_SignUpdate(session, byte, 1), CKR_OK);
        }
        count = 0;
        assert_eq!(C_SignFinal(session, null_mut(), &mut count), CKR_OK);
        assert_eq!((count, C_SignFinal(session, signature.as_mut_ptr(), &mut count)), (64, CKR_OK));
        assert_eq!(signature, first);
        // What came in parts does not end with C_Sign.
        assert_eq!(C_SignInit(session, &mut kind, private), CKR_OK);
        assert_eq!(C_SignUpdate(session, data.as_mut_ptr(), 4), CKR_OK);
        let mixed = C_Sign(session, data.as_mut_ptr(), 4, signature.as_mut_ptr(), &mut count);
        assert_eq!(mixed, CKR_OPERATION_NOT_INITIALIZED);

        // Of each attribute its own answer, whatever is wrong with the others.
        let (mut class, mut label) = ([0; 8], [0; 2]);
        let attribute =
            |type_, value: *mut u8, length| CK_ATTRIBUTE { type_, pValue: value.cast(), ulValueLen: length };
        let mut template = [
            attribute(CKA_LABEL, null_mut(), 0),
            attribute(CKA_VALUE, null_mut(), 0),
            attribute(CKA_CLASS, class.as_mut_ptr(), 8),
            attribute(CKA_MODULUS, null_mut(), 0),
        ];
        let sensitive = C_GetAttributeValue(session, private, template.as_mut_ptr(), 2);
        assert_eq!(sensitive, CKR_ATTRIBUTE_SENSITIVE);
        let invalid = C_GetAttributeValue(session, private, template.as_mut_ptr(), 4);
        assert_eq!(invalid, CKR_ATTRIBUTE_TYPE_INVALID);
        let unavailable = CK_UNAVAILABLE_INFORMATION;
        assert_eq!(template.map(|attribute| attribute.ulValueLen), [5, unavailable, 8, unavailable]);
        assert_eq!(CK_ULONG::from_ne_bytes(class), CKO_PRIVATE_KEY);
        let mut short = attribute(CKA_LABEL, label.as_mut_ptr(), 2);
        assert_eq!(C_GetAttributeValue(session, private, &mut short, 1), CKR_BUFFER_TOO_SMALL);
        assert_eq!((short.ulValueLen, label), (unavailable, [0; 2]));

        // Objects come as many at a time as there is room for.
        assert_eq!(C_FindObjectsInit(session, null_mut(), 0), CKR_OK);
        assert_eq!(C_FindObjectsInit(session, null_mut(), 0), CKR_OPERATION_ACTIVE);
        let mut found: Vec<CK_OBJECT_HANDLE> = Vec::new();
        loop {
            let mut handles = [0; 3];
            assert_eq!(C_FindObjects(session, handles.as_mut_ptr(), 3, &mut count), CKR_OK);
            found.extend(&handles[..count as usize]);
            if count < 3 {
                break;
            }
        }
        assert_eq!(found.len(), 8);
        assert_eq!(C_FindObjectsFinal(session), CKR_OK);
        assert_eq!(C_FindObjectsFinal(session), CKR_OPERATION_NOT_INITIALIZED);
        assert_eq!(C_DestroyObject(session, private), CKR_OK);
    }
    finalise();
}

/// What a child finds, as the code that it ends with.
unsafe fn child() -> i32 {
    let mut info = CK_INFO::default();
    let mut session = 0;
    unsafe {
        if C_GetInfo(&mut info) != CKR_CRYPTOKI_NOT_INITIALIZED {
            return 1;
        }
        if C_OpenSession(0, CKF_SERIAL_SESSION, null_mut(), None, &mut session)
            != CKR_CRYPTOKI_NOT_INITIALIZED
        {
            return 2;
        }
        if C_Finalize(null_mut()) != CKR_CRYPTOKI_NOT_INITIALIZED {
            return 3;
        }
        if C_Initialize(null_mut()) != CKR_OK || C_GetInfo(&mut info) != CKR_OK {
            return 4;
        }
        if C_Initialize(null_mut()) != CKR_CRYPTOKI_ALREADY_INITIALIZED {
            return 5;
        }
        if C_Finalize(null_mut()) != CKR_OK { 6 } else { 0 }
    }
}

/// A process is forked while other threads are in the middle of calls: the child has no module, and may have one of its own.
#[test]
fn forks() {
    let (_, _used) = Bench::take();
    initialise();
    let session = logged_in();
    let stop = Arc::new(AtomicBool::new(false));
    let busy = [(); 2].map(|()| {
        let stop = Arc::clone(&stop);
        thread::spawn(move || {
            let mut bytes = [0; 32];
            while !stop.load(Ordering::Relaxed) {
                assert_eq!(unsafe { C_GenerateRandom(session, bytes.as_mut_ptr(), 32) }, CKR_OK);
            }
        })
    });
    for _ in 0..30 {
        let process = unsafe { libc::fork() };
        if process == 0 {
            unsafe { libc::_exit(child()) };
        }
        let mut status = 0;
        assert_eq!(unsafe { libc::waitpid(process, &mut status, 0) }, process);
        assert_eq!(status, 0, "a child ended with {}", status >> 8);
    }
    stop.store(true, Ordering::Relaxed);
    busy.into_iter().for_each(|thread| thread.join().unwrap());
    // The parent's session is as it was.
    let (_, private) = generate(session);
    assert_eq!(unsafe { C_DestroyObject(session, private) }, CKR_OK);
    finalise();
}
