//! Hashes: SHA3-256 (FIPS 202) with one domain byte before the input.
//!
//! Every purpose has its own [`Domain`], so that a hash made for one thing can never be taken for another.
//! SHA3-512, Keccak-512 and BLAKE3 are here for those who must interoperate; the ledger itself uses none of them.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::keccak::{self, Sha3_256};

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
    /// Block header.
    Header = 0x30,
    /// The set of validators: each one's scheme, public key and hash of the key of checkpoints, then their number.
    ValidatorSet = 0x31,
    /// Vote: what simplex signs.
    Vote = 0x32,
    /// Seed of an epoch's leaders: the id of a header, the epoch.
    LeaderSeed = 0x33,
    /// Leader of a view: the seed, epoch, view.
    Leader = 0x34,
    /// Checkpoint: chain, epoch, height, id of a header.
    Checkpoint = 0x35,
    /// Proof of work: the id that a header has without its seal, the seal.
    Work = 0x36,
    /// What a device makes of raw entropy: its unique secret, a counter, the raw bytes.
    Entropy = 0x40,
    /// Key that a PIN unlocks: the device's unique secret, salt, user, PIN; then again and again.
    Pin = 0x41,
    /// What a PIN is checked by.
    PinCheck = 0x42,
    /// Seed of a key of a device: root, scheme, purpose, path.
    KeySeed = 0x43,
    /// Mark of a vote: the mark's key, the vote.
    VoteMark = 0x44,
    /// Entry of an audit log: the hash before it, the entry.
    AuditEntry = 0x45,
    /// Signed head of an audit log: count, hash, the asker's nonce.
    AuditHead = 0x46,
    /// What a device says about itself.
    Attestation = 0x47,
    /// Approval of a transaction: the device, the key, the transaction.
    Approval = 0x48,
    /// Seed that is bound to a device: its unique secret, what for.
    DeviceSeed = 0x49,
    /// Code that two sides of a channel compare.
    Pairing = 0x4a,
    /// Hash of a policy, as audit logs name it.
    Policy = 0x4b,
    /// Key that seals a backup or a share: the shared secret, both public keys. Also what people compare of the keys that backups are sealed to.
    Backup = 0x4c,
    /// Seed of one half of a hybrid key: the key's seed, the half's scheme.
    HybridSeed = 0x4d,
    /// Root of a device's keys: what people compare of it, and what a manifest of shares commits to.
    BackupRoot = 0x4e,
    /// Share of a root: its number, its bytes.
    BackupShare = 0x4f,
    /// Measurement of a firmware: the bytes of its image.
    Measurement = 0x50,
    /// What a vendor signs of an image.
    Image = 0x51,
    /// Manifest of a root's shares.
    BackupManifest = 0x52,
    /// Raw data that a key of plain use signed, as audit logs name it.
    PlainData = 0x53,
    /// Seed of a key that is derived from a public label, for demonstrations and measurements.
    LabelSeed = 0x7f,
}

/// A SHA3-256 hash: 32 bytes and nothing else, so that C can lend a list of them.
#[repr(transparent)]
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// Its 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Its first eight bytes as a number, in the order of the hashes.
    pub const fn prefix(&self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }

    /// Bit `index` counted from the most significant one, as the state tree descends; false past the end.
    pub fn bit(&self, index: usize) -> bool {
        self.0.get(index >> 3).is_some_and(|byte| byte & (0x80 >> (index & 7)) != 0)
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
        inner.absorb(&[domain as u8]);
        Self(inner)
    }

    /// Takes more input.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.absorb(bytes);
    }

    /// The hash of all input.
    pub fn finish(self) -> Hash {
        Hash(self.0.finish())
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

/// SHA3-256 (FIPS 202) of bytes, without a domain: what anybody's tool says of a file.
pub fn sha3_256(bytes: &[u8]) -> [u8; 32] {
    let mut inner = Sha3_256::new();
    inner.absorb(bytes);
    inner.finish()
}

/// SHA3-512 (FIPS 202) of bytes, without a domain.
pub fn sha3_512(bytes: &[u8]) -> [u8; 64] {
    keccak::sha3_512(bytes)
}

/// Keccak-512 with the padding from before FIPS 202, without a domain.
pub fn keccak_512(bytes: &[u8]) -> [u8; 64] {
    keccak::keccak_512(bytes)
}

/// BLAKE3 (32 bytes) of bytes, without a domain.
#[cfg(feature = "blake3")]
pub fn blake3(bytes: &[u8]) -> [u8; 32] {
    *blake3::hash(bytes).as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha3::Digest;
    use std::string::String;
    use std::vec::Vec;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| std::format!("{byte:02x}")).collect()
    }

    /// The 0, 24 and 1600-bit examples of FIPS 202 (csrc.nist.gov, "Examples with intermediate values").
    const FIPS_202: [(&[u8], &str, &str); 3] = [
        (
            b"",
            "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a",
            "a69f73cca23a9ac5c8b567dc185a756e97c982164fe25859e0d1dcc1475c80a615b2123af1f5f94c11e3e9402c3ac558f500199d95b6d3e301758586281dcd26",
        ),
        (
            b"abc",
            "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532",
            "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0",
        ),
        (
            &[0xa3; 200],
            "79f38adec5c20307a98ef76e8324afbfd46cfd81b22e3973c65fa1bd9de31787",
            "e76dfad22084a8b1467fcf2ffa58361bec7628edf5f3fdc0e4805dc48caeeca81b7c13c30adf52a3659584739a2df46be589c51ca1a4a8416df6545a1ce8ba00",
        ),
    ];

    #[test]
    fn fips_202() {
        for (input, expected_256, expected_512) in FIPS_202 {
            assert_eq!(hex(&sha3_256(input)), expected_256);
            assert_eq!(hex(&sha3_512(input)), expected_512);
        }
    }

    /// The ledger's hash is plain SHA3-256 with the domain's byte in front, however the rest arrives.
    #[test]
    fn domain_is_the_first_byte() {
        let input: Vec<u8> = (0..300u16).map(|i| i as u8).collect();
        let mut whole = std::vec![Domain::Header as u8];
        whole.extend_from_slice(&input);
        let expected = Hash(sha3::Sha3_256::digest(&whole).into());
        for cut in [0, 1, 135, 136, 137, 299, 300] {
            let (left, right) = input.split_at(cut);
            assert_eq!(hash(Domain::Header, &[left, right]), expected, "cut at {cut}");
        }
    }

    /// Values of the Keccak team's ShortMsgKAT_512 (length 0) and of the widely published "abc".
    #[test]
    fn keccak_512_has_the_old_padding() {
        assert_eq!(
            hex(&keccak_512(b"")),
            "0eab42de4c3ceb9235fc91acffe746b29c29a8c366b7c60e4e67c466f36a4304c00fa9caf9d87976ba469bcbe06713b435f091ef2769fb160cdab33d3670680e"
        );
        assert_eq!(
            hex(&keccak_512(b"abc")),
            "18587dc2ea106b9a1563e32b3312421ca164c7f1f07bc922a9c83d77cea3a1e5d0c69910739025372dc14ac9642629379540c17e2a65b19d77aa511a9d00bb96"
        );
    }

    /// From BLAKE3's test_vectors.json: the input repeats the bytes 0 to 250.
    #[cfg(feature = "blake3")]
    #[test]
    fn blake3_official_vectors() {
        for (length, expected) in [
            (0, "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"),
            (1, "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213"),
            (1024, "42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7"),
            (1025, "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444"),
        ] {
            let input: Vec<u8> = (0..length).map(|i| (i % 251) as u8).collect();
            assert_eq!(hex(&blake3(&input)), expected, "length {length}");
        }
    }

    #[test]
    fn hexadecimal_is_the_inverse_of_display() {
        let value = hash(Domain::Header, &[b"x"]);
        assert_eq!(Hash::from_hex(&std::format!("{value}")), Some(value));
        for wrong in ["", "0", &"0".repeat(63), &"0".repeat(65), &"g".repeat(64)] {
            assert_eq!(Hash::from_hex(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn bits_count_from_the_most_significant() {
        let mut value = Hash::default();
        value.0[0] = 0b1000_0001;
        value.0[31] = 1;
        let set: Vec<usize> = (0..300).filter(|&i| value.bit(i)).collect();
        assert_eq!(set, [0, 7, 255]);
    }
}
