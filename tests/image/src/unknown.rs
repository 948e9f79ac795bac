//! What the compiler knows nothing about: values from the input, and where results go.

use core::fmt::{self, Write};
use core::hint::black_box;

use qenex_core::codec::{self, Encoded};
use qenex_core::crypto::Hash;
use qenex_core::error::Coded;

/// Takes text and keeps none of it.
struct Sink;

impl Write for Sink {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        black_box(text);
        Ok(())
    }
}

/// Prints, and keeps nothing.
pub fn print(value: impl fmt::Display) {
    let _ = black_box(write!(Sink, "{value}"));
}

/// The result, and what is printed of an error.
pub fn keep<T, E: Coded + fmt::Display>(result: Result<T, E>) -> Option<T> {
    result.map_err(|error| print(black_box(error))).ok()
}

/// A value whose bytes are unknown.
pub fn input<T: Default + Clone + AsMut<[u8]>>(bytes: &[u8]) -> T {
    let mut value = T::default();
    value.as_mut().iter_mut().zip(bytes).for_each(|(place, byte)| *place = *byte);
    black_box(value)
}

/// An unknown hash.
pub fn hash_of(bytes: &[u8]) -> Hash {
    Hash(input(bytes))
}

/// An unknown number.
pub fn word(bytes: &[u8]) -> u64 {
    u64::from_be_bytes(input(bytes))
}

/// Decodes and encodes.
pub fn round_trip<'a, T: Encoded + serde::Deserialize<'a>>(bytes: &'a [u8]) {
    let mut buffer = [0; 1024];
    if let Some(value) = keep(codec::decode::<T>(black_box(bytes))) {
        black_box(keep(codec::encode(&value, &mut buffer)));
    }
    black_box(codec::decode_trusted::<T>(bytes).is_ok());
}
