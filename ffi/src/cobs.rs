//! Frames on a serial line: COBS (Cheshire, Baker 1999), which leaves out zero bytes, and a zero byte behind each frame.
//!
//! A line of QENEX's devices has 115,200 baud, eight bits, no parity, one stop bit. Zeros between frames are silence.

use core::cell::Cell;

use ::cobs::{DecodeResult, DecoderState};
use qenex_core::hsm::HsmError;

use crate::memory::{ArgumentError, Lent, status};
use crate::status::qnx_status_t;

/// Bytes of the longest frame on a line, with the zero byte behind it.
pub const QNX_COBS_MAX: usize = 4114;

/// Encodes a frame, with the zero byte behind it. `*out_len` is the room of `out` before and the length after; QNX_COBS_MAX is always enough
/// for a frame of a device.
///
/// Codes: BUFFER_TOO_SMALL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_cobs_encode(
    frame: *const u8,
    len: usize,
    out: *mut u8,
    out_len: *mut usize,
) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let frame = unsafe { lent.values(frame, len)? };
        // SAFETY: promised by the caller.
        let out = unsafe { lent.buffer(out, out_len)? };
        let needed = ::cobs::max_encoding_length(frame.len()).saturating_add(1);
        out.fill(needed, |room| {
            let encoded = ::cobs::try_encode(frame, room).map_err(|_| ArgumentError::BufferTooSmall)?;
            // The encoder may have left a byte here.
            *room.get_mut(encoded).ok_or(ArgumentError::BufferTooSmall)? = 0;
            Ok(encoded.saturating_add(1))
        })
    })())
}

/// Decodes in its place what came before a zero byte. `*len` is the length of what came before, and that of the frame after.
/// QNX_ERR_FRAME_LENGTH: it is no frame.
///
/// Codes: FRAME_LENGTH.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_cobs_decode(bytes: *mut u8, len: *mut usize) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let len = unsafe { lent.value_mut(len)? };
        // SAFETY: promised by the caller.
        let bytes = unsafe { lent.values_mut(bytes, *len)? };
        // What is no frame is left as it was.
        let bytes = Cell::from_mut(bytes).as_slice_of_cells();
        decode(bytes, |_, _| {}).ok_or(HsmError::FrameLength)?;
        let decoded = decode(bytes, |slot, byte| slot.set(byte)).ok_or(HsmError::FrameLength)?;
        *len = decoded;
        Ok(())
    })())
}

/// The length of the frame that these bytes encode. Each of its bytes is handed to `put` with its place, which was read before.
fn decode(bytes: &[Cell<u8>], put: impl Fn(&Cell<u8>, u8)) -> Option<usize> {
    let mut decoder = DecoderState::default();
    let mut places = bytes.iter();
    let mut byte = |byte| match decoder.feed(byte) {
        Ok(DecodeResult::DataContinue(byte)) => places.next().map(|place| put(place, byte)),
        Ok(DecodeResult::NoData | DecodeResult::DataStart) => Some(()),
        // A zero within.
        Ok(DecodeResult::DataComplete) | Err(_) => None,
    };
    bytes.iter().try_for_each(|cell| byte(cell.get()))?;
    let rest = places.len();
    // What comes next is the zero byte.
    match decoder.feed(0) {
        Ok(DecodeResult::DataComplete) => bytes.len().checked_sub(rest),
        _ => None,
    }
}

const _: () = assert!(QNX_COBS_MAX == ::cobs::max_encoding_length(crate::client::QNX_FRAME_MAX) + 1);
