//! Images of firmware on the host: their manifests, and devices that are made with one.

use embedded_storage::nor_flash::NorFlash;
use qenex_core::crypto::Purpose;
use qenex_core::crypto::ed25519::SecretKey;
use qenex_core::crypto::secret::label_seed;
use qenex_core::hsm::board::Layout;
use qenex_core::hsm::image::{BoardName, Image, Vendor, measure};
use qenex_core::hsm::manufacture;

use crate::error::DeviceError;

/// The seed of the demonstration key, which everybody has ([`Vendor::demonstration`]).
pub fn demonstration_seed() -> [u8; 32] {
    label_seed("qenex-demo", "VENDOR")
}

/// The manifest of an image, signed by a vendor's key.
///
/// # Errors
/// The image is too long, or the key does not sign.
pub fn sign(key: &SecretKey, board: BoardName, version: u32, image: &[u8]) -> Result<Vec<u8>, DeviceError> {
    let length = u32::try_from(image.len()).map_err(|_| DeviceError::Frame)?;
    let described = Image { board, version, length, measurement: measure(image) };
    let signature = key.sign(Purpose::Firmware, &described.id()).map_err(|_| DeviceError::Message)?;
    Ok([&described.to_bytes()[..], &key.public_key(), &signature].concat())
}

/// Makes a device with an image that is signed with the demonstration key.
///
/// # Errors
/// The flash cannot be written, or the image does not fit.
pub fn manufacture_demonstration<F: NorFlash>(
    flash: &mut F,
    layout: &Layout,
    board: BoardName,
    version: u32,
    image: &[u8],
) -> Result<(), DeviceError> {
    let key = SecretKey::from_seed(&demonstration_seed()).map_err(|_| DeviceError::Message)?;
    let manifest = sign(&key, board, version, image)?;
    Ok(manufacture(flash, layout, &Vendor::demonstration(board), &manifest, image)?)
}
