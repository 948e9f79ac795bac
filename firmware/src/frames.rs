//! Frames on the serial line: COBS, each followed by a zero byte, at most [`MAX_FRAME`] bytes before encoding.

use cobs::{CobsDecoder, DecodeError, max_encoding_length, try_encode};
use qenex_core::hsm::proto::MAX_FRAME;

use qenex_firmware::boards::Line;

/// Bytes of a frame on the line.
const ENCODED: usize = max_encoding_length(MAX_FRAME) + 1;

/// Room for a request, and after that for the encoded response; and for the response.
pub struct Buffers {
    line: [u8; ENCODED],
    response: [u8; MAX_FRAME],
}

impl Buffers {
    /// Empty.
    pub const fn new() -> Self {
        Self { line: [0; ENCODED], response: [0; MAX_FRAME] }
    }

    /// Receives a frame and answers it. One that is too long or not well formed counts as empty, which no frame is.
    pub fn serve(&mut self, line: &mut Line, answer: impl FnOnce(&mut [u8], &mut [u8; MAX_FRAME]) -> usize) {
        let received = receive(line, &mut self.line).unwrap_or_default();
        let request = self.line.get_mut(..received).unwrap_or_default();
        let len = answer(request, &mut self.response);
        let response = self.response.get(..len).unwrap_or_default();
        // There is room for the longest response and the zero byte.
        let encoded = try_encode(response, &mut self.line).unwrap_or_default();
        if let Some(end) = self.line.get_mut(encoded) {
            *end = 0;
        }
        line.send(self.line.get(..=encoded).unwrap_or_default());
    }
}

/// Receives until the next zero byte that ends something: the length of the frame, or nothing if it was too long or not well formed.
fn receive(line: &mut Line, buffer: &mut [u8; ENCODED]) -> Option<usize> {
    let mut decoder = CobsDecoder::new(buffer.get_mut(..MAX_FRAME)?);
    let mut overlong = false;
    loop {
        match decoder.feed(line.receive()) {
            Ok(None) => {}
            Ok(Some(len)) => return (!overlong).then_some(len),
            Err(DecodeError::TargetBufTooSmall) => overlong = true,
            Err(DecodeError::InvalidFrame { .. } | DecodeError::EmptyFrame) => return None,
        }
    }
}
