//! A device image that reaches the core's main paths.
//!
//! It is linked and examined, not run: `tests/image/run` looks at which functions of the finished image can panic,
//! and whether any part of it allocates or computes with floats. What is called here is therefore not optimised away, and
//! its input is unknown to the compiler.
#![no_std]
#![no_main]

mod paths;

use core::hint::{black_box, spin_loop};
use core::panic::PanicInfo;

use cortex_m_rt::entry;

#[entry]
fn main() -> ! {
    let input = black_box([0u8; 4096]);
    paths::codec(&input);
    paths::sign_and_verify(&input);
    paths::lattice(&input);
    paths::trees(&input);
    paths::ledger(&input);
    paths::market(&input);
    paths::numbers(&input);
    paths::hashes(&input);
    loop {
        spin_loop();
    }
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {
        spin_loop();
    }
}
