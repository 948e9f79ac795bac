//! The client of a device: new firmware.
//!
//! In this order: `qnx_client_begin_update` with the manifest that its vendor signed; `qnx_client_push_image` with all parts of the image, one behind the
//! other; `qnx_client_finish_update`. The next start tries the new image, and the first login after it confirms it; one that nobody
//! confirmed is given up at the start after that.

use crate::client::{push, qnx_client_t, with};
use crate::status::qnx_status_t;

/// Brings the manifest of an image. A person confirms it on the panel; then the device empties the slot that does not run. QNX_ERR_SIGNATURE_MISMATCH,
/// QNX_ERR_IMAGE_KEY: it is not the vendor's. QNX_ERR_IMAGE_BOARD, QNX_ERR_IMAGE_LENGTH, QNX_ERR_IMAGE_VERSION: it is not for this device.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_client_begin_update(
    state: *mut qnx_client_t,
    manifest: *const u8,
    len: usize,
) -> qnx_status_t {
    // SAFETY: promised by the caller.
    unsafe { push(state, manifest, len, |client, manifest| Ok(client.begin_update(manifest)?)) }
}

/// Brings the part of an image that stands behind `offset` bytes: a multiple of 16 bytes, but for the last part. QNX_ERR_IMAGE_PIECE: the parts
/// before it have not come, or it has come already.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_client_push_image(
    state: *mut qnx_client_t,
    offset: u32,
    part: *const u8,
    len: usize,
) -> qnx_status_t {
    // SAFETY: promised by the caller.
    unsafe { push(state, part, len, |client, part| Ok(client.image(offset, part)?)) }
}

/// Lets the device try the image at its next start, if it came whole. QNX_ERR_IMAGE_MEASUREMENT: it is not the manifest's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_client_finish_update(state: *mut qnx_client_t) -> qnx_status_t {
    // SAFETY: promised by the caller.
    unsafe { with(state, |_, client| Ok(client.finish_update()?)) }
}
