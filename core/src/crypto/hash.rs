//! Hashes: SHA3-256 (FIPS 202) with one domain byte before the input.
//!
//! Every purpose has its own [`Domain`], so that a hash made for one thing can never be taken for another.
//! SHA3-512, Keccak-512 and BLAKE3 are here for those who must interoperate; the ledger itself uses none of them.

use core::fmt;

use serde::{Deserialize, Serialize};
use sha3::{Digest, Sha3_256, Sha3_512};

/// The byte that every input of the ledger's hash starts with. Numbers never change and are never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Domain {
    /// Leaf of a transaction or receipt tree (RFC 9162, section 2.1.1).
    LogLeaf = 0x00,
    /// Inner node of a transaction or receipt tree (RFC 9162, section 2.1.1).
    LogNode = 0x01,
    /// Transaction or receipt tree without leaves.
    LogEmpty = 0x02,
    /// Leaf of the state tree: key, hash of the value.
    StateLeaf = 0x10,
    /// Inner node of the state tree: left, right.
    StateNode = 0x11,
    /// Subtree of the state tree without leaves.
    StateEmpty = 0x12,
    /// Value of a record.
    RecordValue = 0x13,
    /// Key of a record: its kind and identifiers.
    RecordKey = 0x14,
    /// Transaction id: its canonical bytes.
    Transaction = 0x20,
    /// The signatures of a transaction: their canonical bytes.
    Signatures = 0x21,
    /// What a transaction's signers sign: scheme, purpose, id.
    Signing = 0x22,
    /// Public key: scheme, purpose, bytes.
    PublicKey = 0x23,
    /// Receipt of a transaction.
    Receipt = 0x24,
    /// Block header.
    Header = 0x30,
    /// Seed of a key that is derived from a public label, for demonstrations and measurements.
    LabelSeed = 0x7f,
}

/// A SHA3-256 hash.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// Its 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Bit `index` counted from the most significant one, as the state tree descends; false past the end.
    pub fn bit(&self, index: usize) -> bool {
        self.0.get(index >> 3).is_some_and(|byte| (byte >> (7 - (index & 7))) & 1 == 1)
    }

    /// Reads 64 hexadecimal digits.
    pub fn from_hex(text: &str) -> Option<Self> {
        let digit = |c: u8| (c as char).to_digit(16).map(|d| d as u8);
        let text = text.as_bytes();
        let mut bytes = [0; 32];
        if text.len() != 64 {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
            let [high, low] = pair else { return None };
            *byte = (digit(*high)? << 4) | digit(*low)?;
        }
        Some(Self(bytes))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The ledger's hash over input that arrives in pieces.
#[derive(Clone)]
pub struct Hasher(Sha3_256);

impl Hasher {
    /// Starts with the domain's byte.
    pub fn new(domain: Domain) -> Self {
        let mut inner = Sha3_256::new();
        inner.update([domain as u8]);
        Self(inner)
    }

    /// Takes more input.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The hash of all input.
    pub fn finish(self) -> Hash {
        Hash(self.0.finalize().into())
    }
}

/// The ledger's hash of the concatenated parts. Callers make sure that the parts cannot be cut in another way:
/// all but one of them have a fixed length.
pub fn hash(domain: Domain, parts: &[&[u8]]) -> Hash {
    let mut hasher = Hasher::new(domain);
    for part in parts {
        hasher.update(part);
    }
    hasher.finish()
}

/// SHA3-512 (FIPS 202) of bytes, without a domain.
pub fn sha3_512(bytes: &[u8]) -> [u8; 64] {
    Sha3_512::digest(bytes).into()
}

/// Keccak-512 with the padding from before FIPS 202, without a domain.
pub fn keccak_512(bytes: &[u8]) -> [u8; 64] {
    sha3::Keccak512::digest(bytes).into()
}

/// BLAKE3 (32 bytes) of bytes, without a domain.
pub fn blake3(bytes: &[u8]) -> [u8; 32] {
    *blake3::hash(bytes).as_bytes()
}
