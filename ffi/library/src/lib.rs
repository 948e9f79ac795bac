//! libqenex: the functions of `include/qenex.h` as a static and a shared library, for hosts and for bare metal.
//!
//! It has no standard library and no allocator. On bare metal it has no panic either: where one can be reached, a program does not
//! link. There is no shared library there:
//! `cargo rustc --release --target thumbv8m.main-none-eabihf --crate-type staticlib --config 'profile.release.opt-level="s"'`, in this folder.
//!
//! On x86 the compiler leaves a few checks in dependencies that it can prove elsewhere (`tests/c` holds the list); were one of
//! them ever to fail, the process would be aborted.
#![no_std]

pub use qenex_ffi::*;

const _: () = assert!(qenex_ffi::status::is_version(
    env!("CARGO_PKG_VERSION_MAJOR"),
    env!("CARGO_PKG_VERSION_MINOR"),
    env!("CARGO_PKG_VERSION_PATCH")
));

#[cfg(panic = "abort")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    unsafe extern "C" {
        #[cfg_attr(not(target_os = "none"), link_name = "abort")]
        fn a_panic_can_be_reached() -> !;
    }
    // SAFETY: abort of the C library may be called at any time; on bare metal the function is defined nowhere, so nothing that calls it is
    // ever linked.
    unsafe { a_panic_can_be_reached() }
}
