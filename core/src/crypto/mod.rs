//! Hashes with domains, and signature schemes.

pub mod hash;

pub use hash::{Domain, Hash, Hasher};
