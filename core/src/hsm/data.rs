//! What a device does for other protocols, PKCS#11 for example: raw signatures by keys of plain use, and random bytes.
//!
//! [`Command::Data`] brings the data, in pieces of a request each, up to 8,192 bytes; [`Command::SignData`] signs it. It lies on the device as a whole before it
//! is signed: a signature that reads its message twice must not be made of what comes over a line, where two readings could differ and
//! reveal the key. A device cannot know what such a signature means, so no key of another purpose makes one, and a key of plain use makes no other.

use super::board::Board;
use super::proto::{self, Command};
use super::refusal::{HsmError, Refusal};
use super::reply::Reply;
use super::service::{Hsm, Work};
use crate::crypto::{Domain, hash};

impl<B: Board> Hsm<B> {
    pub(super) fn data(&mut self, request: &proto::PieceAt<'_>) -> Result<(), Refusal> {
        if request.offset == 0 {
            self.sign.records.clear();
            self.work = Work::Data;
        }
        let Work::Data = self.work else { return Err(HsmError::CommandSequence.into()) };
        let records = &mut self.sign.records;
        if records.bytes().len() as u32 != request.offset {
            return Err(HsmError::CommandSequence.into());
        }
        Ok(records.keep(request.bytes)?)
    }

    pub(super) fn sign_data(&mut self, request: &proto::Index, reply: &mut Reply<'_>) -> Result<(), Refusal> {
        let Work::Data = self.work else { return Err(HsmError::CommandSequence.into()) };
        let slot = self.store.slot(self.board.flash(), request.index)?;
        let storage_key = self.storage_key()?.clone();
        let key = self.store.plain_key(self.board.flash(), &storage_key, &slot)?;
        // Whatever comes of it, the data is used up.
        self.work = Work::None;
        let about = hash(Domain::PlainData, &[self.sign.records.bytes()]);
        self.sign.records.replace(|length, buffer| key.sign_message(length, buffer).map(<[u8]>::len))?;
        // The signature exists, and leaves the device once the log has it.
        self.note(Command::SignData, 0, request.index, about)?;
        self.work = Work::Signed;
        self.signature_rest(&proto::Rest { from: 0 }, reply)
    }

    pub(super) fn give_random(
        &mut self,
        request: &proto::RandomBytes,
        reply: &mut Reply<'_>,
    ) -> Result<(), Refusal> {
        let mut left = usize::from(request.count.get());
        while left > 0 {
            let bytes = self.random::<32>()?;
            let piece = bytes.get(..left).unwrap_or(&*bytes);
            reply.all(&[piece])?;
            left = left.saturating_sub(piece.len());
        }
        Ok(())
    }
}
