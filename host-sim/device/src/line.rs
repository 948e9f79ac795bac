//! Frames on a line: each is encoded with COBS (Cheshire, Baker 1999), which leaves out zero bytes, and ends with one.

use std::io::{ErrorKind, Read, Write};

use qenex_core::hsm::proto::MAX_FRAME;

use crate::error::DeviceError;

/// The longest encoding of a frame, without the zero behind it.
const MAX_ENCODED: usize = cobs::max_encoding_length(MAX_FRAME);

/// A stream of frames.
pub struct Line<S> {
    stream: S,
    /// What was read and is not a whole frame yet.
    rest: Vec<u8>,
}

impl<S: Read + Write> Line<S> {
    /// Over a serial line or a socket.
    pub const fn new(stream: S) -> Self {
        Self { stream, rest: Vec::new() }
    }

    /// The stream under the frames.
    pub const fn stream_mut(&mut self) -> &mut S {
        &mut self.stream
    }

    /// The stream again.
    pub fn into_inner(self) -> S {
        self.stream
    }

    /// Sends a frame.
    ///
    /// # Errors
    /// The line is broken.
    pub fn send(&mut self, frame: &[u8]) -> Result<(), DeviceError> {
        let mut encoded = vec![0; cobs::max_encoding_length(frame.len()) + 1];
        let len = cobs::try_encode(frame, &mut encoded).map_err(|_| DeviceError::Frame)?;
        encoded.truncate(len + 1);
        if let Some(last) = encoded.last_mut() {
            *last = 0;
        }
        self.stream.write_all(&encoded)?;
        Ok(self.stream.flush()?)
    }

    /// Waits for a frame; nothing once the other side has hung up.
    ///
    /// # Errors
    /// The line is broken, or what came is no frame or one that is too long.
    pub fn receive(&mut self) -> Result<Option<Vec<u8>>, DeviceError> {
        loop {
            if let Some(end) = self.rest.iter().position(|byte| *byte == 0) {
                let encoded: Vec<u8> = self.rest.drain(..=end).collect();
                // Zeros between frames are silence.
                if encoded.len() == 1 {
                    continue;
                }
                let mut frame = vec![0; encoded.len()];
                let report = cobs::decode(&encoded, &mut frame).map_err(|_| DeviceError::Frame)?;
                frame.truncate(report.frame_size());
                return Ok(Some(frame));
            }
            if self.rest.len() > MAX_ENCODED {
                self.rest.clear();
                return Err(DeviceError::Frame);
            }
            let mut piece = [0; 1024];
            match self.stream.read(&mut piece) {
                Ok(0) => return Ok(None),
                Ok(read) => self.rest.extend_from_slice(piece.get(..read).unwrap_or_default()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}
