//! A device image that reaches the core's main paths. The firmware, which reaches the device service, is examined in the same way.
//!
//! It is linked and examined, not run: `tests/image/run` looks at which functions of the finished image can panic,
//! and whether any part of it allocates or computes with floats. What is called here is therefore not optimised away, and
//! its input is unknown to the compiler.
#![no_std]
#![no_main]

#[cfg(not(feature = "control"))]
mod paths;
#[cfg(not(feature = "control"))]
mod unknown;

use core::hint::{black_box, spin_loop};
use core::panic::PanicInfo;

use cortex_m_rt::entry;

#[entry]
fn main() -> ! {
    let input = black_box([0u8; 4096]);
    reach(&input);
    loop {
        spin_loop();
    }
}

#[cfg(not(feature = "control"))]
fn reach(input: &[u8]) {
    paths::codec(input);
    paths::sign_and_verify(input);
    paths::seal(input);
    paths::lattice(input);
    paths::trees(input);
    paths::ledger(input);
    paths::stake(input);
    paths::market(input);
    paths::numbers(input);
    paths::hashes(input);
}

/// What the examination must find: an index that is out of bounds, and a product of floats.
#[cfg(feature = "control")]
fn reach(input: &[u8]) {
    let index = black_box(5000);
    black_box(f64::from(input[index]) * black_box(1.5));
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {
        spin_loop();
    }
}
