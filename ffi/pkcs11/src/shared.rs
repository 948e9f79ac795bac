//! One module for a process, for all of its threads, and not for the processes that it forks off.
//!
//! A fork copies the memory and one thread: whatever another thread was doing under the lock stays half done in the copy. So the copy never takes its
//! parent's lock; it looks at the process first, which takes none.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Mutex, PoisonError};
use std::{process, ptr};

use cryptoki_sys::*;

use crate::module::Module;
use crate::rv::Rv;

/// A module and the process that initialised it.
struct Shared {
    process: u32,
    /// Nothing once it was finalised.
    module: Mutex<Option<Module>>,
}

/// The newest one. What it points to is never freed, because a thread may be about to lock it: some words for each initialisation.
static CURRENT: AtomicPtr<Shared> = AtomicPtr::new(ptr::null_mut());

fn at(pointer: *mut Shared) -> Option<&'static Shared> {
    // SAFETY: null, or from `Box::leak` in `initialise`: never freed, and only lent to be read.
    let shared = unsafe { pointer.as_ref() };
    shared.filter(|shared| shared.process == process::id())
}

/// Makes a module, unless this process has one.
pub fn initialise(make: impl FnOnce() -> Result<Module, Rv>) -> Result<(), Rv> {
    let before = CURRENT.load(Ordering::Acquire);
    let already = Err(Rv(CKR_CRYPTOKI_ALREADY_INITIALIZED));
    if at(before).is_some() {
        return already;
    }
    let shared = Shared { process: process::id(), module: Mutex::new(Some(make()?)) };
    let made = ptr::from_mut(Box::leak(Box::new(shared)));
    match CURRENT.compare_exchange(before, made, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => Ok(()),
        // Another thread was faster.
        Err(_) => {
            // SAFETY: it was made above, and nobody else has seen it.
            drop(unsafe { Box::from_raw(made) });
            already
        }
    }
}

/// Ends the module of this process.
pub fn finalise() -> Result<(), Rv> {
    let current = CURRENT.load(Ordering::Acquire);
    let shared = at(current).ok_or(Rv(CKR_CRYPTOKI_NOT_INITIALIZED))?;
    let module = shared.module.lock().unwrap_or_else(PoisonError::into_inner).take();
    let _ = CURRENT.compare_exchange(current, ptr::null_mut(), Ordering::AcqRel, Ordering::Acquire);
    module.ok_or(Rv(CKR_CRYPTOKI_NOT_INITIALIZED))?.close();
    Ok(())
}

/// Lets one thread after the other use the module.
pub fn with_module<R>(act: impl FnOnce(&mut Module) -> Result<R, Rv>) -> Result<R, Rv> {
    let none = Rv(CKR_CRYPTOKI_NOT_INITIALIZED);
    let shared = at(CURRENT.load(Ordering::Acquire)).ok_or(none)?;
    // What a panic left is used on: every operation takes its own state away before it begins.
    let mut module = shared.module.lock().unwrap_or_else(PoisonError::into_inner);
    act(module.as_mut().ok_or(none)?)
}

/// What a call returns. A panic, which would be a mistake of ours, ends here: it must not unwind into the application.
pub fn answer(act: impl FnOnce() -> Result<(), Rv>) -> CK_RV {
    match catch_unwind(AssertUnwindSafe(act)) {
        Ok(Ok(())) => CKR_OK,
        Ok(Err(Rv(rv))) => rv,
        Err(_) => CKR_GENERAL_ERROR,
    }
}
