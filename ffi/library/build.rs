//! Gives the shared library its name for programs: it changes with the ABI, as QNX_ABI_VERSION does, and not with the version.

fn main() {
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libqenex.so.1");
    }
}
