//! An emulated board with the device image on it, and what tests need of it.
#![forbid(unsafe_code)]

mod bench;
pub mod chain;
mod counts;
pub mod device;
mod emulator;
pub mod image;
pub mod ledger;
mod skips;
mod unicorn;

pub use bench::{FlashFile, machine};
pub use counts::{Count, Counts};
pub use emulator::Emulator;
pub use image::Image;
pub use qenex_device::emulated::{VERSION, layout};
pub use skips::{Skip, Skips};
