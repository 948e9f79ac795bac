//! Which header is trusted, votes and checkpoints.

use core::hint::black_box;

use super::{Hsm, Work};
use crate::codec::{self, Encoded};
use crate::consensus::{self, GuardError, LightError, Trusted};
use crate::crypto::{Purpose, Scheme, ed25519};
use crate::hsm::audit::NOBODY;
use crate::hsm::board::Board;
use crate::hsm::proto::{self, Command};
use crate::hsm::refusal::{HsmError, Refusal};
use crate::hsm::reply::Reply;
use crate::hsm::store::{device_seed, kind};

impl<B: Board> Hsm<B> {
    pub(super) fn anchor(&mut self, request: proto::Anchor) -> Result<(), Refusal> {
        let anchor =
            consensus::Anchor { header: request.header, trusting_period_ms: request.trusting_period_ms };
        let trusted = Trusted::new(&anchor)?;
        self.show("Operation", "Anchor in chain");
        self.show("Chain", trusted.chain_id);
        self.show("Height", trusted.height);
        self.show("Header", trusted.header);
        self.confirm()?;
        self.note(Command::Anchor, 0, NOBODY, trusted.header)?;
        self.trust_in(trusted)
    }

    fn trust_in(&mut self, trusted: Trusted) -> Result<(), Refusal> {
        self.store.put::<{ Trusted::MAX_LEN }, _, _>(self.board.flash(), kind::TRUSTED, 0, &trusted)?;
        self.trusted = Some(trusted);
        Ok(())
    }

    pub(super) fn begin_header(&mut self, request: &proto::BeginHeader) -> Result<(), Refusal> {
        self.work = Work::None;
        let trusted = self.trusted.ok_or(HsmError::AnchorMissing)?;
        let following = trusted.follow(&request.header, &request.proposal)?;
        self.work = Work::Header { following, signers: request.signer_set(), next: 0 };
        Ok(())
    }

    pub(super) fn members(&mut self, request: &proto::Members<'_>) -> Result<(), Refusal> {
        let Work::Header { following, signers, next } = &mut self.work else {
            return Err(HsmError::CommandSequence.into());
        };
        let malformed = codec::DecodeError::Malformed;
        let mut rest = request.members;
        while let Some((number, tail)) = rest.split_first() {
            let scheme = Scheme::from_number(*number)?;
            let (public_key, tail) = tail.split_at_checked(scheme.public_key_bytes()).ok_or(malformed)?;
            let (finality_key, tail) = tail.split_first_chunk().ok_or(malformed)?;
            let (signature, tail) = if signers.contains(*next) {
                let (signature, tail) = tail.split_at_checked(scheme.signature_bytes()).ok_or(malformed)?;
                (Some(signature), tail)
            } else {
                (None, tail)
            };
            following.certificate.push(scheme, public_key, finality_key, signature)?;
            *next = next.checked_add(1).ok_or(malformed)?;
            rest = tail;
        }
        Ok(())
    }

    pub(super) fn finish_header(&mut self) -> Result<(), Refusal> {
        let trusted = self.trusted.ok_or(HsmError::AnchorMissing)?;
        let Work::Header { following, .. } = core::mem::replace(&mut self.work, Work::None) else {
            return Err(HsmError::CommandSequence.into());
        };
        let next = following.finish(&trusted)?;
        // Once more: see the service.
        if black_box(&following).finish(black_box(&trusted))? != next {
            return Err(LightError::Signers.into());
        }
        self.trust_in(next)
    }

    pub(super) fn vote(&mut self, request: &proto::GiveVote, reply: &mut Reply<'_>) -> Result<(), Refusal> {
        let trusted = self.trusted.ok_or(HsmError::AnchorMissing)?;
        let slot = self.store.slot(self.board.flash(), request.slot)?;
        if slot.purpose != Purpose::Vote {
            return Err(HsmError::KeyPurpose.into());
        }
        let storage_key = self.storage_key()?.clone();
        // A host that asks for a vote far ahead could otherwise block all votes before it.
        let ahead = request.vote.round().epoch.checked_sub(trusted.epoch);
        if ahead.is_none_or(|ahead| ahead > 1) {
            return Err(HsmError::KeyEpoch.into());
        }
        let marks = device_seed(&self.board, b"vote marks");
        let mark = self.votes.allow(self.board.flash(), &marks, &request.vote)?;
        // Once more, by what the flash said, and for the very vote that is signed: see the service.
        let vote = black_box(request).vote;
        if vote != request.vote || !self.votes.holds(&vote, black_box(&mark)) {
            return Err(GuardError::Contradicts.into());
        }
        let id = vote.id(&trusted.chain_id);
        let mut buffer = [0; ed25519::SIGNATURE_BYTES];
        let flash = self.board.flash();
        let signature = self.store.sign(flash, &storage_key, &slot, Purpose::Vote, &id, &mut buffer)?;
        reply.value(&proto::Signed { signature })
    }

    /// What is trusted never goes back, so no two checkpoints of a height are signed unless officers anchor the device anew.
    pub(super) fn checkpoint(
        &mut self,
        request: &proto::Index,
        reply: &mut Reply<'_>,
    ) -> Result<(), Refusal> {
        let trusted = self.trusted.ok_or(HsmError::AnchorMissing)?;
        self.sign_thing(request.index, Purpose::Checkpoint, &trusted.checkpoint().id(), reply)
    }
}
