//! States that the caller keeps and only the library reads: a word that says what lies there, then the value.

use core::mem::{align_of, size_of};

use zeroize::Zeroize;

use crate::memory::{ArgumentError, Fallible, Lent, Plain};

/// A type of C that holds a value of the library.
///
/// # Safety
/// It is an array of words whose alignment is at least that of the value and of a `u64`, with room for both behind each other.
pub(crate) unsafe trait State: Plain {
    /// What it holds.
    type Value;
    /// The word that stands before a value of this type.
    const MARK: u64;

    /// Where the value lies.
    fn value_place(state: *mut Self) -> *mut Self::Value {
        // Behind the mark.
        state.cast::<u64>().wrapping_add(1).cast()
    }
}

/// Declares what a type of C holds: `state!(qnx_hasher_t, Hasher, 1)`.
macro_rules! state {
    ($name:ident, $value:ty, $number:literal) => {
        $crate::memory::plain!($name);
        // SAFETY: the assertions.
        unsafe impl $crate::state::State for $name {
            type Value = $value;
            const MARK: u64 = $crate::state::mark($number);
        }
        const _: () = assert!(
            core::mem::size_of::<$name>() >= 8 + core::mem::size_of::<$value>()
                && core::mem::align_of::<$name>() >= core::mem::align_of::<$value>()
                && core::mem::align_of::<$value>() <= 8
        );
    };
}
pub(crate) use state;

/// "QNX" and a number: no other word that memory is likely to hold.
pub(crate) const fn mark(number: u16) -> u64 {
    0x514e_58a5_3cc3_0000 | number as u64
}

/// How large a state really is.
pub(crate) const fn real_size<S: State>() -> usize {
    size_of::<u64>() + size_of::<S::Value>()
}

impl Lent {
    /// Makes a state that holds this value.
    ///
    /// # Safety
    /// As [`Lent::place`].
    pub(crate) unsafe fn init<S: State>(&mut self, pointer: *mut S, value: S::Value) -> Fallible<()> {
        // SAFETY: promised by the caller.
        let state = unsafe { self.place(pointer)? };
        let state = state.write(S::zeroed());
        let state = core::ptr::from_mut(state);
        // SAFETY: the state is long enough and aligned for mark and value.
        unsafe {
            S::value_place(state).write(value);
            state.cast::<u64>().write(S::MARK);
        }
        Ok(())
    }

    /// The value of a state.
    ///
    /// # Safety
    /// As [`Lent::value_mut`]; and a state whose mark is right was made by this library.
    pub(crate) unsafe fn state<'a, S: State>(&mut self, pointer: *mut S) -> Fallible<&'a mut S::Value> {
        // SAFETY: promised by the caller.
        let state = core::ptr::from_mut(unsafe { self.value_mut(pointer)? });
        // SAFETY: a state starts with a word.
        if unsafe { state.cast::<u64>().read() } != S::MARK {
            return Err(ArgumentError::State.into());
        }
        // SAFETY: its mark says that the value was written there.
        Ok(unsafe { &mut *S::value_place(state) })
    }

    /// The value of a state that is only read.
    ///
    /// # Safety
    /// As [`Lent::value`]; and a state whose mark is right was made by this library.
    pub(crate) unsafe fn state_ref<'a, S: State>(&mut self, pointer: *const S) -> Fallible<&'a S::Value> {
        // SAFETY: promised by the caller.
        let state = core::ptr::from_ref(unsafe { self.value(pointer)? });
        // SAFETY: a state starts with a word.
        if unsafe { state.cast::<u64>().read() } != S::MARK {
            return Err(ArgumentError::State.into());
        }
        // SAFETY: its mark says that the value was written there; it is only read.
        Ok(unsafe { &*S::value_place(state.cast_mut()) })
    }

    /// Drops the value of a state, if it has one, and overwrites all of it with zeros.
    ///
    /// # Safety
    /// As [`Self::state`].
    pub(crate) unsafe fn clear<S: State>(&mut self, pointer: *mut S) -> Fallible<()> {
        // SAFETY: promised by the caller.
        let state = core::ptr::from_mut(unsafe { self.value_mut(pointer)? });
        // SAFETY: a state starts with a word; its mark says that the value was written there.
        unsafe {
            if state.cast::<u64>().read() == S::MARK {
                S::value_place(state).drop_in_place();
            }
            let bytes = core::slice::from_raw_parts_mut(state.cast::<u8>(), size_of::<S>());
            bytes.zeroize();
        }
        Ok(())
    }
}

const _: () = assert!(align_of::<u64>() <= 8);
