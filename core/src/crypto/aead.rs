//! AES-256-GCM (NIST SP 800-38D): what a device keeps secret at rest.
//!
//! Nonces are 12 random bytes: a key seals far fewer than 2^32 values in the life of a device.

use aes_gcm::AesGcm;
use aes_gcm::aead::AeadInOut;
use aes_gcm::aead::consts::U12;

use super::aes256::Aes256;
use crate::error::error_enum;

/// AES-GCM of the crate aes-gcm, with a 12-byte nonce.
type Aes256Gcm = AesGcm<Aes256, U12>;

/// Length of a key.
pub const KEY_BYTES: usize = 32;
/// Length of a nonce.
pub const NONCE_BYTES: usize = 12;
/// Length of a tag.
pub const TAG_BYTES: usize = 16;

error_enum! {
    /// Why bytes were not sealed or opened.
    pub enum AeadError {
        Length => AEAD_LENGTH,
        Tag => AEAD_TAG,
    }
}

/// Encrypts `bytes` in place and returns the tag, which covers `context` too.
///
/// # Errors
/// There are more than 64 GiB.
pub fn seal(
    key: &[u8; KEY_BYTES],
    nonce: &[u8; NONCE_BYTES],
    context: &[u8],
    bytes: &mut [u8],
) -> Result<[u8; TAG_BYTES], AeadError> {
    let tag = Aes256Gcm::from(Aes256::new(key))
        .encrypt_inout_detached(nonce.into(), context, bytes.into())
        .map_err(|_| AeadError::Length)?;
    Ok(tag.into())
}

/// Decrypts `bytes` in place if the tag is theirs under this key, nonce and context; leaves them as they are if not.
///
/// # Errors
/// Something is not what was sealed.
pub fn open(
    key: &[u8; KEY_BYTES],
    nonce: &[u8; NONCE_BYTES],
    context: &[u8],
    bytes: &mut [u8],
    tag: &[u8; TAG_BYTES],
) -> Result<(), AeadError> {
    Aes256Gcm::from(Aes256::new(key))
        .decrypt_inout_detached(nonce.into(), context, bytes.into(), tag.into())
        .map_err(|_| AeadError::Tag)
}
