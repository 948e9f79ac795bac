//! libqenex: the functions of `include/qenex.h` as a static and a shared library, for hosts and for bare metal.
//!
//! It has no standard library, no allocator and no panic: where a panic could be reached, it would not link.
#![no_std]

pub use qenex_ffi::*;

#[cfg(panic = "abort")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    unsafe extern "C" {
        /// Defined nowhere.
        fn a_panic_can_be_reached() -> !;
    }
    // SAFETY: it is never linked.
    unsafe { a_panic_can_be_reached() }
}
