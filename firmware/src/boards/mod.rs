//! What differs from board to board: one folder for each, chosen by a feature.
//!
//! A board's module has:
//! - `start() -> Option<(Line, Machine)>`: sets up the hardware, once;
//! - `Line`, the serial line to the host: `receive() -> u8` sleeps until a byte is there, `send(&[u8])`;
//! - `load() -> Line`, for the loader: starts an image ([`qenex_core::hsm::boot`]), or returns the line where there is none to start;
//! - `Machine`, its implementation of [`qenex_core::hsm::board::Board`], whose requests to sign lie in a static;
//! - `log(&[u8])`, where encoded log frames go;
//! - `ticks() -> u64` of some clock since the start, for the log;
//! - `memory.x` with FLASH, STACK and RAM, for the image and, in its folder, for the loader.

#[cfg(any(feature = "mps2-an505", feature = "mps3-an524"))]
mod mps;

#[cfg(all(feature = "mps2-an505", not(feature = "mps3-an524")))]
mod mps2_an505;
#[cfg(all(feature = "mps2-an505", not(feature = "mps3-an524")))]
pub use mps2_an505::*;

#[cfg(feature = "mps3-an524")]
mod mps3_an524;
#[cfg(feature = "mps3-an524")]
pub use mps3_an524::*;
