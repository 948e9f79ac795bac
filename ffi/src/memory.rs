//! The memory that C lends to a call: all that is unsafe about pointers stands here.
//!
//! A call takes its arguments through one [`Lent`], which checks each pointer and remembers where it points, so that nothing
//! that is written overlaps anything else that was passed.

use core::mem::{MaybeUninit, size_of};

use qenex_core::error::{
    BUFFER_TOO_SMALL, LENGTH_TOO_LARGE, NULL_POINTER, NUMBER_UNKNOWN, POINTER_MISALIGNED, POINTER_OVERLAP,
    STATE_UNINITIALISED,
};
use qenex_core::error::{Code, Coded};
use qenex_core::hsm::Refusal;

use crate::status::{QNX_OK, qnx_status_t};

/// What a call yields: a value, or the number of a row of the one table.
pub(crate) type Fallible<T> = Result<T, Refusal>;

/// What is wrong with an argument.
#[derive(Clone, Copy)]
pub(crate) enum ArgumentError {
    Null,
    Misaligned,
    Length,
    Overlap,
    State,
    Number,
    BufferTooSmall,
}

impl Coded for ArgumentError {
    fn code(&self) -> Code {
        match self {
            Self::Null => NULL_POINTER,
            Self::Misaligned => POINTER_MISALIGNED,
            Self::Length => LENGTH_TOO_LARGE,
            Self::Overlap => POINTER_OVERLAP,
            Self::State => STATE_UNINITIALISED,
            Self::Number => NUMBER_UNKNOWN,
            Self::BufferTooSmall => BUFFER_TOO_SMALL,
        }
    }
}

/// What C sees of a result.
#[inline(always)]
pub(crate) fn status(result: Fallible<()>) -> qnx_status_t {
    match result {
        Ok(()) => QNX_OK,
        Err(Refusal(number)) => qnx_status_t::from(number),
    }
}

/// A type of which every pattern of bits is a value, so that whatever C passes is one.
///
/// # Safety
/// It holds numbers, arrays and unions of such types, and raw pointers, and nothing else.
pub(crate) unsafe trait Plain: Copy {
    /// All bytes zero, those between the fields too.
    #[inline(always)]
    fn zeroed() -> Self {
        // SAFETY: every pattern of bits is a value.
        unsafe { MaybeUninit::zeroed().assume_init() }
    }
}

macro_rules! plain {
    ($($name:ty),+ $(,)?) => {
        $(
            // SAFETY: numbers, arrays, unions and raw pointers only.
            unsafe impl $crate::memory::Plain for $name {}
        )+
    };
}
pub(crate) use plain;

// A `char` of C is one of the first two.
plain!(i8, u8, u16, u32, i32, u64, usize);

/// Pointers that one function takes, at most.
const MAX_SPANS: usize = 24;

#[derive(Clone, Copy)]
struct Span {
    from: usize,
    until: usize,
    written: bool,
}

/// What was lent to a call so far.
pub(crate) struct Lent {
    spans: [Span; MAX_SPANS],
    count: usize,
}

impl Lent {
    #[inline(always)]
    pub(crate) const fn new() -> Self {
        Self { spans: [Span { from: 0, until: 0, written: false }; MAX_SPANS], count: 0 }
    }

    /// Accepts a pointer to `count` values.
    #[inline(always)]
    fn accept<T>(&mut self, pointer: *const T, count: usize, written: bool) -> Fallible<()> {
        if pointer.is_null() {
            return Err(ArgumentError::Null.into());
        }
        if !pointer.is_aligned() {
            return Err(ArgumentError::Misaligned.into());
        }
        let bytes = count.checked_mul(size_of::<T>()).filter(|bytes| *bytes <= isize::MAX as usize);
        let from = pointer.addr();
        let until = bytes.and_then(|bytes| from.checked_add(bytes)).ok_or(ArgumentError::Length)?;
        for other in self.spans.iter().take(self.count) {
            if (written || other.written) && from < other.until && other.from < until {
                return Err(ArgumentError::Overlap.into());
            }
        }
        let slot = self.spans.get_mut(self.count).ok_or(ArgumentError::Length)?;
        *slot = Span { from, until, written };
        self.count = self.count.wrapping_add(1);
        Ok(())
    }

    /// A value to read.
    ///
    /// # Safety
    /// A pointer that is neither null nor misaligned points to a `T` that nobody changes until the call returns.
    #[inline(always)]
    pub(crate) unsafe fn value<'a, T: Plain>(&mut self, pointer: *const T) -> Fallible<&'a T> {
        self.accept(pointer, 1, false)?;
        // SAFETY: not null, aligned, and the caller promises the rest; every pattern of bits is a T.
        Ok(unsafe { &*pointer })
    }

    /// Values to read; the pointer to none may be null.
    ///
    /// # Safety
    /// As [`Self::value`], for `count` of them.
    #[inline(always)]
    pub(crate) unsafe fn values<'a, T: Plain>(
        &mut self,
        pointer: *const T,
        count: usize,
    ) -> Fallible<&'a [T]> {
        if count == 0 {
            return Ok(&[]);
        }
        self.accept(pointer, count, false)?;
        // SAFETY: as above; the length in bytes is within what an address can reach.
        Ok(unsafe { core::slice::from_raw_parts(pointer, count) })
    }

    /// A place to write a value to.
    ///
    /// # Safety
    /// A pointer that is neither null nor misaligned points to memory for a `T`, which nobody uses until the call returns.
    #[inline(always)]
    pub(crate) unsafe fn place<'a, T: Plain>(&mut self, pointer: *mut T) -> Fallible<&'a mut MaybeUninit<T>> {
        self.accept(pointer.cast_const(), 1, true)?;
        // SAFETY: not null, aligned, and it overlaps nothing that was lent; nothing is said of what the memory holds.
        Ok(unsafe { &mut *pointer.cast::<MaybeUninit<T>>() })
    }

    /// A value to read and change.
    ///
    /// # Safety
    /// As [`Self::value`] and [`Self::place`].
    #[inline(always)]
    pub(crate) unsafe fn value_mut<'a, T: Plain>(&mut self, pointer: *mut T) -> Fallible<&'a mut T> {
        self.accept(pointer.cast_const(), 1, true)?;
        // SAFETY: not null, aligned, it overlaps nothing that was lent, and every pattern of bits is a T.
        Ok(unsafe { &mut *pointer })
    }

    /// Places to write `count` values to; the pointer to none may be null.
    ///
    /// # Safety
    /// As [`Self::place`], for `count` of them.
    #[inline(always)]
    pub(crate) unsafe fn places<'a, T: Plain>(
        &mut self,
        pointer: *mut T,
        count: usize,
    ) -> Fallible<&'a mut [MaybeUninit<T>]> {
        if count == 0 {
            return Ok(&mut []);
        }
        self.accept(pointer.cast_const(), count, true)?;
        // SAFETY: as above, for all of them.
        Ok(unsafe { core::slice::from_raw_parts_mut(pointer.cast::<MaybeUninit<T>>(), count) })
    }

    /// Values to read and change; the pointer to none may be null.
    ///
    /// # Safety
    /// As [`Self::value_mut`], for `count` of them.
    #[inline(always)]
    pub(crate) unsafe fn values_mut<'a, T: Plain>(
        &mut self,
        pointer: *mut T,
        count: usize,
    ) -> Fallible<&'a mut [T]> {
        if count == 0 {
            return Ok(&mut []);
        }
        self.accept(pointer.cast_const(), count, true)?;
        // SAFETY: as above, for all of them.
        Ok(unsafe { core::slice::from_raw_parts_mut(pointer, count) })
    }

    /// A buffer with the length that goes in as its room and comes out as what was written or is needed.
    ///
    /// # Safety
    /// As [`Self::value_mut`] for the length and [`Self::places`] for as many elements as it says.
    #[inline(always)]
    pub(crate) unsafe fn buffer<'a, T: Plain>(
        &mut self,
        pointer: *mut T,
        len: *mut usize,
    ) -> Fallible<Buffer<'a, T>> {
        // SAFETY: promised by the caller.
        let len = unsafe { self.value_mut(len)? };
        // SAFETY: promised by the caller.
        let room = unsafe { self.places(pointer, *len)? };
        Ok(Buffer { room, len })
    }
}

/// A buffer of the caller.
pub(crate) struct Buffer<'a, T = u8> {
    room: &'a mut [MaybeUninit<T>],
    len: &'a mut usize,
}

impl<T: Plain> Buffer<'_, T> {
    /// The buffer, if it has room for so many values.
    pub(crate) fn need(self, needed: usize) -> Fallible<Self> {
        if self.room.len() < needed {
            *self.len = needed;
            return Err(ArgumentError::BufferTooSmall.into());
        }
        Ok(self)
    }

    /// Writes these values; or, where they do not fit, only how many they are.
    #[inline(always)]
    pub(crate) fn put(self, values: &[T]) -> Fallible<()> {
        self.put_each(values.len(), values.iter().copied())
    }

    /// Writes `count` values; or, where they do not fit, only how many they are.
    #[inline(always)]
    pub(crate) fn put_each(self, count: usize, values: impl Iterator<Item = T>) -> Fallible<()> {
        *self.len = count;
        let places = self.room.get_mut(..count).ok_or(ArgumentError::BufferTooSmall)?;
        places.iter_mut().zip(values).for_each(|(place, value)| {
            place.write(value);
        });
        Ok(())
    }
}

impl Buffer<'_> {
    /// Writes a text and a zero byte. The length is that of both.
    pub(crate) fn put_text(self, text: &str) -> Fallible<()> {
        self.put_each(text.len().saturating_add(1), text.bytes().chain(core::iter::once(0)))
    }

    /// Lets `fill` write up to `needed` bytes, if there is so much room; it returns how many it wrote.
    pub(crate) fn fill(self, needed: usize, fill: impl FnOnce(&mut [u8]) -> Fallible<usize>) -> Fallible<()> {
        let room = self.room.get_mut(..needed);
        let Some(room) = room else {
            *self.len = needed;
            return Err(ArgumentError::BufferTooSmall.into());
        };
        room.iter_mut().for_each(|place| {
            place.write(0);
        });
        // SAFETY: all of them have just been written.
        let bytes = unsafe { &mut *(core::ptr::from_mut(room) as *mut [u8]) };
        *self.len = fill(bytes)?;
        Ok(())
    }
}

/// A number that must be one that its type names.
pub(crate) const fn unknown_number() -> ArgumentError {
    ArgumentError::Number
}
