//! The response while it is written.

use super::refusal::Refusal;
use crate::codec::{self, Encoded};

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
        let rest = self.buffer.get_mut(self.len..).unwrap_or_default();
        let written = codec::encode(value, rest)?.len();
        self.len = self.len.saturating_add(written);
        Ok(())
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

    pub(super) const fn len(&self) -> usize {
        self.len
    }
}
