//! The checks that stand behind what is stored: BLAKE3 over what a value belongs to and the value.

/// Bytes of the check of a row.
pub const CHECK_BYTES: usize = 16;

/// The first bytes of the hash of these parts.
pub fn check<const N: usize>(parts: &[&[u8]]) -> [u8; N] {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(part);
    }
    let mut out = [0; N];
    out.copy_from_slice(&hasher.finalize().as_bytes()[..N]);
    out
}

/// The check of a bucket.
pub fn bucket_check(bits: u8, prefix: u32, bucket: &[u8]) -> [u8; CHECK_BYTES] {
    check(&[b"bucket", &[bits], &prefix.to_le_bytes(), bucket])
}

/// The check of what a block did.
pub fn receipt_check(height: u64, blob: &[u8]) -> [u8; CHECK_BYTES] {
    check(&[b"receipt", &height.to_le_bytes(), blob])
}
