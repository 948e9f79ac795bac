//! Hashes with domains, signature schemes, and sealing.

pub mod aead;
mod aes256;
pub mod ed25519;
pub mod edwards25519;
pub mod hash;
mod keccak;
pub mod ml_dsa;
pub mod scheme;

pub use hash::{Domain, Hash, Hasher, hash};
pub use scheme::{KeyHash, Purpose, Scheme, SignatureError, signing_digest, verify};
