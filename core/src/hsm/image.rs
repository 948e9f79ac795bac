//! Images of a device's firmware: what is measured of them, and what their vendor signs.
//!
//! An image is the bytes that a device runs. Its manifest describes it and is signed by its vendor. Whoever starts or installs an image checks
//! all of it. Fields have fixed places, so that a loader needs no decoder; integers are little-endian:
//!
//! | offset | bytes | |
//! |---|---|---|
//! | 0 | 2 | the tag of images |
//! | 2 | 24 | the board, filled up with zeros |
//! | 26 | 4 | version |
//! | 30 | 4 | length of the image |
//! | 34 | 32 | measurement: the hash of the image's bytes under [`Domain::Measurement`] |
//! | 66 | | the vendor's public key, and the signature of the hash of all before it under [`Domain::Image`]; as long as the scheme says |

use embedded_storage::nor_flash::NorFlash;

use super::flash::{Area, FlashError, Region, WORD};
use super::refusal::Refusal;
use crate::codec::{DecodeError, Tag};
use crate::crypto::{Domain, Hash, Hasher, KeyHash, Purpose, Scheme, hash, signing_digest, verify};
use crate::error::error_enum;
use crate::id::AccountId;

/// The name of a board, in the form of the ledger's identifiers.
pub type BoardName = AccountId;

/// Bytes that describe an image.
pub const DESCRIPTION_BYTES: usize = 66;

/// The longest manifest: those whose vendor signs in Ed25519 or P-256 fit.
pub const MAX_MANIFEST: usize = 240;

error_enum! {
    /// Why an image is not taken.
    pub enum ImageError {
        Key => IMAGE_KEY,
        Board => IMAGE_BOARD,
        Version => IMAGE_VERSION,
        Length => IMAGE_LENGTH,
        Piece => IMAGE_PIECE,
        Measurement => IMAGE_MEASUREMENT,
        Returned => IMAGE_RETURNED,
        None => IMAGE_NONE,
    }
}

/// Whose images a board takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vendor {
    /// For which board they must be made.
    pub board: BoardName,
    /// How they must be signed: in Ed25519 or P-256.
    pub scheme: Scheme,
    /// By which key.
    pub key: KeyHash,
}

impl Vendor {
    /// Takes images that are signed with the demonstration key, which everybody has: `qenex key derive --label qenex-demo VENDOR`.
    pub const fn demonstration(board: BoardName) -> Self {
        const KEY: [u8; 32] = [
            0x80, 0x00, 0x17, 0xaf, 0xca, 0xcb, 0x1e, 0xd6, 0x62, 0x83, 0x47, 0x80, 0x83, 0x14, 0x34, 0x02,
            0x28, 0xa2, 0x11, 0xdc, 0x8c, 0x60, 0x2c, 0x34, 0xf0, 0xcc, 0x11, 0x80, 0xc7, 0xc9, 0x06, 0xbe,
        ];
        Self { board, scheme: Scheme::Ed25519, key: KeyHash(Hash(KEY)) }
    }
}

/// What an image is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Image {
    /// For which board it is made.
    pub board: BoardName,
    /// Its version.
    pub version: u32,
    /// How many bytes it has.
    pub length: u32,
    /// The hash of its bytes under [`Domain::Measurement`].
    pub measurement: Hash,
}

impl Image {
    /// The bytes that describe it.
    pub fn to_bytes(&self) -> [u8; DESCRIPTION_BYTES] {
        let mut bytes = [0; DESCRIPTION_BYTES];
        let numbers = self.version.to_le_bytes().into_iter().chain(self.length.to_le_bytes());
        let fields =
            Tag::IMAGE.0.into_iter().chain(*self.board.padded()).chain(numbers).chain(self.measurement.0);
        bytes.iter_mut().zip(fields).for_each(|(slot, byte)| *slot = byte);
        bytes
    }

    /// What the vendor signs.
    pub fn id(&self) -> Hash {
        hash(Domain::Image, &[&self.to_bytes()])
    }
}

/// The image of a manifest that a board may take into a slot of so many bytes.
///
/// # Errors
/// The image is signed by somebody else, changed, for another board, or too long.
pub fn check(manifest: &[u8], vendor: &Vendor, slot_bytes: u32) -> Result<Image, Refusal> {
    let (described, public_key, signature) = parts(manifest, vendor.scheme).ok_or(DecodeError::Malformed)?;
    if KeyHash::of(vendor.scheme, Purpose::Firmware, public_key) != vendor.key {
        return Err(ImageError::Key.into());
    }
    let id = hash(Domain::Image, &[described]);
    verify(vendor.scheme, public_key, &signing_digest(vendor.scheme, Purpose::Firmware, &id), signature)?;
    let (tag, rest) = described.split_first_chunk().ok_or(DecodeError::Malformed)?;
    let (board, rest) = rest.split_first_chunk().ok_or(DecodeError::Malformed)?;
    let (version, rest) = rest.split_first_chunk().ok_or(DecodeError::Malformed)?;
    let (length, rest) = rest.split_first_chunk().ok_or(DecodeError::Malformed)?;
    let measurement = rest.first_chunk().ok_or(DecodeError::Malformed)?;
    if *tag != Tag::IMAGE.0 {
        return Err(DecodeError::UnknownTag.into());
    }
    if board != vendor.board.padded() {
        return Err(ImageError::Board.into());
    }
    let length = u32::from_le_bytes(*length);
    if length == 0 || length > slot_bytes {
        return Err(ImageError::Length.into());
    }
    let version = u32::from_le_bytes(*version);
    Ok(Image { board: vendor.board, version, length, measurement: Hash(*measurement) })
}

/// Bytes of a manifest of a vendor who signs in this scheme.
pub(super) const fn manifest_bytes(scheme: Scheme) -> usize {
    DESCRIPTION_BYTES.saturating_add(scheme.public_key_bytes()).saturating_add(scheme.signature_bytes())
}

/// The description, the public key, and the signature.
fn parts(manifest: &[u8], scheme: Scheme) -> Option<(&[u8], &[u8], &[u8])> {
    let (described, rest) = manifest.split_at_checked(DESCRIPTION_BYTES)?;
    let (public_key, signature) = rest.split_at_checked(scheme.public_key_bytes())?;
    Some((described, public_key, signature))
}

/// The measurement of bytes.
pub fn measure(image: &[u8]) -> Hash {
    hash(Domain::Measurement, &[image])
}

/// The measurement of the first bytes of a slot.
///
/// # Errors
/// The flash cannot be read.
pub fn measure_slot<F: NorFlash>(flash: &mut F, slot: Region, length: u32) -> Result<Hash, FlashError> {
    let mut area = Area::new(flash, slot)?;
    let mut hasher = Hasher::new(Domain::Measurement);
    let mut at = 0u32;
    while at < length {
        let len = length.saturating_sub(at).min(WORD as u32);
        hasher.update(area.word(at)?.get(..len as usize).unwrap_or_default());
        at = at.saturating_add(len);
    }
    Ok(hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::secret::{SecretKey, label_seed};

    #[test]
    fn the_demonstration_key_is_what_everybody_derives() {
        let board = BoardName::new("ANY").unwrap();
        let key = SecretKey::from_seed(Scheme::Ed25519, &label_seed("qenex-demo", "VENDOR")).unwrap();
        let hash = key.key_hash(Purpose::Firmware).unwrap();
        assert_eq!(Vendor::demonstration(board).key, hash, "{:02x?}", hash.0.0);
    }
}
