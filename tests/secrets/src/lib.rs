//! Secrets that valgrind takes for undefined, as Langley's ctgrind does: it then reports each conditional jump and each address that depends
//! on one, on every path that is run, wherever the value was copied.
#![forbid(unsafe_code)]

use std::ffi::c_void;

use crabgrind::memcheck::{MemState, mark_mem};
use crabgrind::{RunMode, count_errors, run_mode};

/// Makes bytes a secret.
pub fn hide(bytes: &mut [u8]) {
    mark(bytes, MemState::Undefined);
}

/// Makes bytes public.
pub fn reveal(bytes: &mut [u8]) {
    mark(bytes, MemState::Defined);
}

fn mark(bytes: &mut [u8], state: MemState) {
    // The crate takes valgrind's -1, which says that it was done, for an error.
    let _ = mark_mem(bytes.as_mut_ptr().cast::<c_void>(), bytes.len(), state);
}

/// A secret of these bytes.
pub fn secret<const N: usize>(mut bytes: [u8; N]) -> [u8; N] {
    hide(&mut bytes);
    bytes
}

/// How often a branch or an address depended on a secret in `run`. What `declassified.supp` names is not counted.
pub fn reports<T>(run: impl FnOnce() -> T) -> (T, usize) {
    assert_eq!(run_mode(), RunMode::Valgrind, "see tests/secrets/run");
    let before = count_errors();
    let result = run();
    (result, count_errors() - before)
}
