//! Hashes with domains, signature schemes and their keys, sealing, exchange of keys, shares of secrets.

pub mod aead;
mod aes256;
pub mod ed25519;
pub mod edwards25519;
pub mod hash;
mod keccak;
pub mod ml_dsa;
pub mod p256;
pub mod scheme;
pub mod secret;
pub mod shamir;
pub mod x25519;

pub use hash::{Domain, Hash, Hasher, hash};
pub use scheme::{KeyHash, Purpose, Scheme, SignatureError, signing_digest, verify};
