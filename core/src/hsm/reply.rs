//! The response while it is written.

use super::refusal::Refusal;
use crate::codec::{self, EncodeError, Encoded};

/// The body of a response, in the caller's buffer.
pub(super) struct Reply<'b> {
    buffer: &'b mut [u8],
    len: usize,
}

impl<'b> Reply<'b> {
    pub(super) const fn new(buffer: &'b mut [u8]) -> Self {
        Self { buffer, len: 0 }
    }

    /// Writes the one value that is the body.
    pub(super) fn value<T: Encoded>(&mut self, value: &T) -> Result<(), Refusal> {
        let written = codec::encode(value, self.rest())?.len();
        self.filled(written);
        Ok(())
    }

    /// The room that is left. What is put to its front counts once it is told by [`Self::filled`].
    pub(super) fn rest(&mut self) -> &mut [u8] {
        self.buffer.get_mut(self.len..).unwrap_or_default()
    }

    /// Counts bytes that were put to the front of [`Self::rest`].
    pub(super) const fn filled(&mut self, len: usize) {
        self.len = self.len.saturating_add(len);
    }

    /// Appends bytes, or none if there is no room for all.
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> bool {
        let end = self.len.saturating_add(bytes.len());
        match self.buffer.get_mut(self.len..end) {
            Some(target) => {
                target.iter_mut().zip(bytes).for_each(|(slot, byte)| *slot = *byte);
                self.len = end;
                true
            }
            None => false,
        }
    }

    /// Appends all of several parts.
    pub(super) fn all(&mut self, parts: &[&[u8]]) -> Result<(), EncodeError> {
        if parts.iter().all(|part| self.bytes(part)) { Ok(()) } else { Err(EncodeError::BufferTooSmall) }
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }
}
