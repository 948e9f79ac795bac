//! Values that may be there: in C a flag of 0 or 1 beside each, and zero where there is none.

use crate::memory::{Fallible, unknown_number};

/// A value that a flag says is there.
pub(crate) fn optional<T>(flag: u8, value: T) -> Fallible<Option<T>> {
    match flag {
        0 => Ok(None),
        1 => Ok(Some(value)),
        _ => Err(unknown_number().into()),
    }
}

/// What a flag alone says.
pub(crate) fn is_set(flag: u8) -> Fallible<bool> {
    Ok(optional(flag, ())?.is_some())
}

/// The flag, and the value or zero.
pub(crate) fn flagged<T: Default>(value: Option<T>) -> (u8, T) {
    (u8::from(value.is_some()), value.unwrap_or_default())
}
