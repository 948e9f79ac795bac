//! What the device says of itself: its state, its audit log, its attestation.

use super::{Device, Hsm};
use crate::codec::Encoded;
use crate::hsm::audit::{ENTRY_BYTES, Head};
use crate::hsm::board::Board;
use crate::hsm::proto::{self};
use crate::hsm::refusal::{HsmError, Refusal};
use crate::hsm::reply::Reply;
use crate::hsm::store::kind;

impl<B: Board> Hsm<B> {
    pub(super) fn status(&mut self) -> Result<proto::Status, Refusal> {
        let device: Option<Device> = self.store.get(self.board.flash(), kind::DEVICE, 0)?;
        Ok(proto::Status {
            version: self.board.firmware().version,
            name: device.map(|device| device.name),
            officers_needed: device.map_or(0, |device| device.officers_needed),
            logged_in: self.session.places(),
            unlocked: self.session.storage_key.is_some(),
            trusted: self.trust(),
            audit_count: self.audit.head().count,
            audit_taken: self.audit.taken().count,
        })
    }

    fn trust(&self) -> Option<proto::Trust> {
        self.trusted.map(|trusted| proto::Trust {
            chain_id: trusted.chain_id,
            height: trusted.height,
            time_ms: trusted.time_ms,
            header: trusted.header,
        })
    }

    pub(super) fn audit_head(
        &mut self,
        request: &proto::Nonce,
        reply: &mut Reply<'_>,
    ) -> Result<(), Refusal> {
        let head = self.audit.head();
        let signature = self.attestation.sign(&self.board, &head.id(&request.nonce))?;
        let public_key = self.attestation.public_key();
        reply.value(&proto::SignedHead { head, public_key, signature: &signature })
    }

    pub(super) fn audit_read(
        &mut self,
        request: &proto::AuditFrom,
        reply: &mut Reply<'_>,
    ) -> Result<(), Refusal> {
        let mut room = true;
        let taken = self.audit.taken().count;
        if request.count < taken {
            return Err(HsmError::AuditHead.into());
        }
        self.audit.each(self.board.flash(), |entry: &[u8; ENTRY_BYTES], after| {
            if after.count > request.count && room {
                room = reply.bytes(entry);
            }
        })?;
        Ok(())
    }

    pub(super) fn audit_take(&mut self, request: Head) -> Result<(), Refusal> {
        let place = self.audit.place(self.board.flash(), request)?;
        self.store.put::<{ Head::MAX_LEN }, _, _>(self.board.flash(), kind::AUDIT, 0, &place)?;
        self.audit.take(place);
        Ok(())
    }

    pub(super) fn attest(&mut self, request: &proto::Nonce, reply: &mut Reply<'_>) -> Result<(), Refusal> {
        let device: Option<Device> = self.store.get(self.board.flash(), kind::DEVICE, 0)?;
        let report = proto::Report {
            nonce: request.nonce,
            version: self.board.firmware().version,
            measurement: self.board.firmware().measurement,
            name: device.map(|device| device.name),
            audit: self.audit.head(),
            trusted: self.trust(),
        };
        let signature = self.attestation.sign(&self.board, &report.id())?;
        let public_key = self.attestation.public_key();
        reply.value(&proto::Attestation { report, public_key, signature: &signature })
    }
}
