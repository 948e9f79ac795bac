//! What comes from an application's pointers: none is used before it is looked at.
//!
//! Every function here is unsafe for one reason, which its callers pass on to the application: what a pointer that is neither null nor misaligned points to
//! must be what the standard says of the parameter, for the time of the call.

use std::slice;

use cryptoki_sys::*;

use crate::rv::Rv;

/// Whether a pointer can be one to `T`.
fn is_usable<T>(pointer: *const T) -> bool {
    !pointer.is_null() && pointer.is_aligned()
}

/// What a pointer points to.
///
/// # Safety
/// See the module.
pub unsafe fn get<'a, T>(pointer: *const T) -> Result<&'a T, Rv> {
    if !is_usable(pointer) {
        return Err(Rv(CKR_ARGUMENTS_BAD));
    }
    // SAFETY: it is neither null nor misaligned, and points to a value by the caller's promise.
    Ok(unsafe { &*pointer })
}

/// Writes a value to where a pointer points.
///
/// # Safety
/// See the module.
pub unsafe fn put<T>(pointer: *mut T, value: T) -> Result<(), Rv> {
    if !is_usable(pointer) {
        return Err(Rv(CKR_ARGUMENTS_BAD));
    }
    // SAFETY: it is neither null nor misaligned, and there is room for a value by the caller's promise. Nothing of what was there is read or dropped.
    unsafe { pointer.write(value) };
    Ok(())
}

/// So many values; none where the pointer is null and there are none.
///
/// # Safety
/// See the module.
pub unsafe fn list<'a, T>(pointer: *const T, count: CK_ULONG) -> Result<&'a [T], Rv> {
    let count = length::<T>(count)?;
    if count == 0 {
        return Ok(&[]);
    }
    if !is_usable(pointer) {
        return Err(Rv(CKR_ARGUMENTS_BAD));
    }
    // SAFETY: it is neither null nor misaligned, so many values do not pass the end of memory, and they are there by the caller's promise.
    Ok(unsafe { slice::from_raw_parts(pointer, count) })
}

/// A number of values that memory can hold.
fn length<T>(count: CK_ULONG) -> Result<usize, Rv> {
    let bytes = usize::try_from(count).ok().and_then(|count| count.checked_mul(size_of::<T>()));
    match bytes {
        Some(bytes) if isize::try_from(bytes).is_ok() => Ok(count as usize),
        _ => Err(Rv(CKR_ARGUMENTS_BAD)),
    }
}

/// Where an answer of any length goes, by the standard's convention (section 5.2): `buffer` may be null, then only the length is told.
pub struct Answer<T> {
    buffer: *mut T,
    count: *mut CK_ULONG,
}

impl<T: Copy> Answer<T> {
    /// Into this buffer, with its length.
    pub const fn new(buffer: *mut T, count: *mut CK_ULONG) -> Self {
        Self { buffer, count }
    }

    /// How much room there is; nothing where only the length is asked for.
    ///
    /// # Safety
    /// See the module.
    pub unsafe fn room(&self) -> Result<Option<usize>, Rv> {
        // SAFETY: passed on.
        let count = *unsafe { get(self.count) }?;
        if self.buffer.is_null() {
            return Ok(None);
        }
        if !self.buffer.is_aligned() {
            return Err(Rv(CKR_ARGUMENTS_BAD));
        }
        // An application that says it has all of memory has enough.
        Ok(Some(usize::try_from(count).unwrap_or(usize::MAX)))
    }

    /// Answers, or says how much room there must be.
    ///
    /// # Safety
    /// See the module.
    pub unsafe fn write(&self, values: &[T]) -> Result<(), Rv> {
        // SAFETY: passed on.
        let room = unsafe { self.room() }?;
        // SAFETY: passed on.
        unsafe { put(self.count, values.len() as CK_ULONG) }?;
        match room {
            None => Ok(()),
            Some(room) if room < values.len() => Err(Rv(CKR_BUFFER_TOO_SMALL)),
            Some(_) => {
                // SAFETY: the buffer is neither null nor misaligned, and has room for so many by the caller's promise; it is no memory of ours.
                unsafe { std::ptr::copy_nonoverlapping(values.as_ptr(), self.buffer, values.len()) };
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_are_looked_at() {
        let bad = Rv(CKR_ARGUMENTS_BAD);
        let words = [1u64, 2];
        let odd = words.as_ptr().cast::<u8>().wrapping_add(1).cast::<u64>().cast_mut();
        // SAFETY: what is neither null nor misaligned points to the array.
        unsafe {
            assert_eq!(get::<u64>(std::ptr::null()).err(), Some(bad));
            assert_eq!(get(odd).err(), Some(bad));
            assert_eq!(get(words.as_ptr()), Ok(&1));
            assert_eq!(put(odd, 1).err(), Some(bad));
            assert_eq!(put::<u64>(std::ptr::null_mut(), 1).err(), Some(bad));
            assert_eq!(list::<u64>(std::ptr::null(), 0), Ok(&[][..]));
            assert_eq!(list::<u64>(std::ptr::null(), 1).err(), Some(bad));
            assert_eq!(list(words.as_ptr(), 2), Ok(&words[..]));
            for count in [CK_ULONG::MAX, CK_ULONG::MAX / 8, CK_ULONG::MAX / 16 + 1] {
                assert_eq!(list(words.as_ptr(), count).err(), Some(bad));
            }
        }
    }

    #[test]
    fn answers_say_how_long_they_are() {
        let mut count = 7;
        let mut buffer = [0u8; 4];
        // SAFETY: the pointers are null or to these variables.
        unsafe {
            assert_eq!(Answer::new(std::ptr::null_mut(), &mut count).write(b"abcde"), Ok(()));
            assert_eq!(count, 5);
            count = 4;
            let answer = Answer::new(buffer.as_mut_ptr(), &mut count);
            assert_eq!(answer.write(b"abcde"), Err(Rv(CKR_BUFFER_TOO_SMALL)));
            assert_eq!((count, buffer), (5, [0; 4]));
            count = 4;
            assert_eq!(Answer::new(buffer.as_mut_ptr(), &mut count).write(b"abc"), Ok(()));
            assert_eq!((count, &buffer), (3, b"abc\0"));
            let none = Answer::new(buffer.as_mut_ptr(), std::ptr::null_mut());
            assert_eq!(none.write(b"abc"), Err(Rv(CKR_ARGUMENTS_BAD)));
        }
    }
}
