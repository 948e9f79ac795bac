//! What a chain agrees on: block headers.

mod header;

pub use header::{Header, MAX_SEAL_LEN};
