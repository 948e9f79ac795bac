//! What the device image and its loader have in common: the boards, and what one hands over to the other. A panic that can be reached does
//! not link.
#![no_std]

pub mod boards;
mod handover;

use core::panic::PanicInfo;

/// Calls what does not exist: an image in which a panic can be reached does not link.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    unsafe extern "C" {
        fn a_panic_can_be_reached() -> !;
    }
    // SAFETY: it is never linked, so it is never called.
    unsafe { a_panic_can_be_reached() }
}
