//! What takes several requests or several files: signing a transaction or raw data, following a header, random bytes, updating the firmware,
//! restoring a root from shares.

use core::num::NonZeroU8;

use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};

use super::{Answer, Client, LinkError, Transport};
use crate::codec::{self, Encoded, Tagging};
use crate::crypto::Scheme;
use crate::crypto::scheme::MAX_SIGNATURE_BYTES;
use crate::hsm::proto::{
    Approve, BeginHeader, BeginSign, Command, Index, Judged, MAX_MESSAGE, Nothing, Piece, PieceAt,
    RandomBytes, Rest, SIGNATURE_PIECE, Signed,
};
use crate::hsm::refusal::{HsmError, Refusal};
use crate::hsm::shares::Manifest;

/// Bytes of a long thing in one request: all that fits beside the command and its length.
const PIECE: usize = MAX_MESSAGE - 4;
/// Bytes of an image in one request: whole words, beside the offset.
const IMAGE_PIECE: usize = 3_840;
/// Bytes of raw data in one request, beside an offset of two bytes.
const DATA_PIECE: usize = PIECE - 2;

/// A validator of the set that is to have signed a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member<'a> {
    /// How it signs.
    pub scheme: Scheme,
    /// Its public key.
    pub public_key: &'a [u8],
    /// The hash of its key of checkpoints.
    pub finality_key: &'a [u8; 32],
    /// Its signature, if it signed.
    pub signature: Option<&'a [u8]>,
}

impl Member<'_> {
    /// As the device reads it: the scheme's number, the key, the hash of the other key, the signature if there is one.
    fn bytes(&self) -> impl Iterator<Item = u8> + Clone {
        let signature = self.signature.unwrap_or_default();
        let rest = self.public_key.iter().chain(self.finality_key).chain(signature).copied();
        [self.scheme.number()].into_iter().chain(rest)
    }
}

/// A record as the device reads it: its length as two bytes little-endian, and its bytes.
fn record_bytes(record: &[u8]) -> impl Iterator<Item = u8> + Clone {
    // A longer one fits no request.
    let len = u16::try_from(record.len()).unwrap_or_default();
    len.to_le_bytes().into_iter().chain(record.iter().copied())
}

/// A body that is one string of bytes, gathered from many.
struct Gathered<I>(I);

impl<I: Iterator<Item = u8> + Clone> Serialize for Gathered<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // The encoding of a list of bytes is that of a string of them.
        let mut bytes = serializer.serialize_seq(Some(self.0.clone().count()))?;
        self.0.clone().try_for_each(|byte| bytes.serialize_element(&byte))?;
        bytes.end()
    }
}

impl<I: Iterator<Item = u8> + Clone> Encoded for Gathered<I> {
    const TAGGING: Tagging = Tagging::None;
    const MAX_LEN: usize = MAX_MESSAGE - 2;
}

/// The items that fit one request together, and those after them.
fn split<I>(items: &[I], len: impl Fn(&I) -> usize) -> Result<(&[I], &[I]), LinkError> {
    let mut room = PIECE;
    let mut fits = |item: &I| match room.checked_sub(len(item)) {
        Some(left) => {
            room = left;
            true
        }
        None => false,
    };
    let fitting = items.iter().take_while(|item| fits(item)).count();
    match items.split_at_checked(fitting) {
        Some(parts) if fitting > 0 || items.is_empty() => Ok(parts),
        // One alone is too long.
        _ => Err(LinkError::Frame),
    }
}

/// A transaction's witness: what the records are, and the proof that they are.
#[derive(Clone, Copy, Debug)]
pub struct Witness<'a, R> {
    /// For each record in the order of the keys: its encoding, empty where there is none.
    pub records: &'a [R],
    /// The multi-proof for all keys.
    pub proof: &'a [u8],
}

impl<T: Transport> Client<T> {
    /// Brings a transaction to be signed by the key in a slot, the transactions of the key that are not final yet, and the witness for all of
    /// them if there is one.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub fn bring(
        &mut self,
        slot: u8,
        transaction: &[u8],
        pending: &[impl AsRef<[u8]>],
        witness: Option<&Witness<'_, impl AsRef<[u8]>>>,
    ) -> Answer<(), T> {
        self.begin_sign(slot, witness.is_some(), transaction)?;
        for bytes in pending {
            self.pending(bytes.as_ref())?;
        }
        let Some(witness) = witness else { return Ok(()) };
        self.records(witness.records)?;
        self.proof(witness.proof)
    }

    /// Brings a transaction to be signed by the key in a slot, with or without a witness behind it.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub fn begin_sign(&mut self, slot: u8, witnessed: bool, transaction: &[u8]) -> Answer<(), T> {
        self.ask(Command::BeginSign, &BeginSign { slot, witnessed, transaction }).map(drop)
    }

    /// Brings a transaction that the key has signed and that is not final: the oldest first.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub fn pending(&mut self, transaction: &[u8]) -> Answer<(), T> {
        self.ask(Command::Pending, &Piece { bytes: transaction }).map(drop)
    }

    /// Brings records, in the order of their keys: the encoding of each, empty where there is none.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub fn records(&mut self, records: &[impl AsRef<[u8]>]) -> Answer<(), T> {
        let mut rest = records;
        loop {
            let (records, after) = split(rest, |record| record.as_ref().len().saturating_add(2))?;
            let bytes = records.iter().flat_map(|record| record_bytes(record.as_ref()));
            self.ask(Command::Records, &Gathered(bytes))?;
            if after.is_empty() {
                return Ok(());
            }
            rest = after;
        }
    }

    /// Brings the next bytes of the proof for the records: all of it, or a part.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub fn proof(&mut self, proof: &[u8]) -> Answer<(), T> {
        proof.chunks(PIECE).try_for_each(|bytes| self.ask(Command::Proof, &Piece { bytes }).map(drop))
    }

    /// Brings the approval of a person. One that is longer than a request must come before the witness.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub fn approve(&mut self, approval: &Approve<'_>) -> Answer<(), T> {
        let mut buffer = [0; Approve::MAX_LEN];
        let mut rest = codec::encode(approval, &mut buffer).map_err(|_| LinkError::Frame)?;
        while let Some((bytes, after)) = rest.split_at_checked(PIECE) {
            self.ask(Command::ApprovalPart, &Piece { bytes })?;
            rest = after;
        }
        self.ask_encoded(Command::Approve, rest).map(drop)
    }

    /// What the device would say of the transaction that was brought: nothing, or why not.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub fn judge(&mut self) -> Answer<Option<Refusal>, T> {
        let Judged { refusal, .. } = self.get(Command::Judge, &Nothing {})?;
        Ok((refusal != 0).then_some(Refusal(refusal)))
    }

    /// The signature of the transaction that was brought.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub fn sign(&mut self) -> Answer<heapless::Vec<u8, MAX_SIGNATURE_BYTES>, T> {
        self.signature(Command::Sign, &Nothing {})
    }

    /// The signature of raw data by the key of plain use in a slot.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub fn sign_data(&mut self, slot: u8, data: &[u8]) -> Answer<heapless::Vec<u8, MAX_SIGNATURE_BYTES>, T> {
        // Data of no bytes is one piece too.
        self.pieces(Command::Data, 0, data.chunks(DATA_PIECE).chain(data.is_empty().then_some(data)))?;
        self.signature(Command::SignData, &Index { index: slot })
    }

    /// The signature of the checkpoint of the header that the device trusts, by the key of checkpoints in a slot.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub fn checkpoint(&mut self, slot: u8) -> Answer<heapless::Vec<u8, MAX_SIGNATURE_BYTES>, T> {
        self.signature(Command::Checkpoint, &Index { index: slot })
    }

    /// A signature, however many responses it takes.
    fn signature(
        &mut self,
        command: Command,
        body: &impl Encoded,
    ) -> Answer<heapless::Vec<u8, MAX_SIGNATURE_BYTES>, T> {
        let mut signature = heapless::Vec::new();
        let mut piece: Signed<'_> = self.get(command, body)?;
        loop {
            signature.extend_from_slice(piece.signature).map_err(|_| LinkError::Message)?;
            // What is shorter than a piece can be is the last one.
            if piece.signature.len() < SIGNATURE_PIECE {
                return Ok(signature);
            }
            let from = u16::try_from(signature.len()).map_err(|_| LinkError::Message)?;
            piece = self.get(Command::SignatureRest, &Rest { from })?;
        }
    }

    /// Fills bytes from the device's source of entropy.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub fn random(&mut self, bytes: &mut [u8]) -> Answer<(), T> {
        for piece in bytes.chunks_mut(u8::MAX.into()) {
            let count = u8::try_from(piece.len()).ok().and_then(NonZeroU8::new).ok_or(LinkError::Frame)?;
            let random = self.ask(Command::Random, &RandomBytes { count })?;
            if random.len() != piece.len() {
                return Err(LinkError::Message.into());
            }
            piece.iter_mut().zip(random).for_each(|(slot, byte)| *slot = *byte);
        }
        Ok(())
    }

    /// Brings pieces one behind the other, the first one behind so many bytes.
    fn pieces<'b>(
        &mut self,
        command: Command,
        mut offset: u32,
        pieces: impl Iterator<Item = &'b [u8]>,
    ) -> Answer<(), T> {
        for bytes in pieces {
            self.ask(command, &PieceAt { offset, bytes })?;
            let len = u32::try_from(bytes.len()).ok();
            offset = len.and_then(|len| offset.checked_add(len)).ok_or(LinkError::Frame)?;
        }
        Ok(())
    }

    /// Brings a header with its certificate: all members of the set, in its order.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub fn follow(&mut self, header: &BeginHeader, members: &[Member<'_>]) -> Answer<(), T> {
        self.ask(Command::BeginHeader, header)?;
        self.members(members)?;
        self.tell(Command::FinishHeader)
    }

    /// Brings the next members of the set that a header is certified by.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub fn members(&mut self, members: &[Member<'_>]) -> Answer<(), T> {
        let mut rest = members;
        while !rest.is_empty() {
            let (members, after) = split(rest, |member| member.bytes().count())?;
            self.ask(Command::Members, &Gathered(members.iter().flat_map(Member::bytes)))?;
            rest = after;
        }
        Ok(())
    }

    /// Brings a new image, which the device tries at its next start.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub fn update(&mut self, manifest: &[u8], image: &[u8]) -> Answer<(), T> {
        self.begin_update(manifest)?;
        self.image(0, image)?;
        self.finish_update()
    }

    /// Brings the manifest of a new image.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub fn begin_update(&mut self, manifest: &[u8]) -> Answer<(), T> {
        self.ask_encoded(Command::BeginUpdate, manifest).map(drop)
    }

    /// Brings the part of an image that stands behind so many bytes: whole words of 16 bytes, but for the last part.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub fn image(&mut self, offset: u32, part: &[u8]) -> Answer<(), T> {
        self.pieces(Command::UpdatePiece, offset, part.chunks(IMAGE_PIECE))
    }

    /// Lets the device try at its next start the image that was brought.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub fn finish_update(&mut self) -> Answer<(), T> {
        self.tell(Command::FinishUpdate)
    }

    /// Restores a root from shares that are sealed to the device ([`crate::hsm::shares`]), each with its manifest.
    ///
    /// # Errors
    /// As [`Self::ask`]; or these are no shares, or not of one backup.
    pub fn restore_shares(&mut self, shares: &[impl AsRef<[u8]>]) -> Answer<(), T> {
        let first = shares.first().ok_or(Refusal::from(HsmError::SharesTooFew))?;
        let (manifest, _) = Manifest::read(first.as_ref())?;
        for share in shares {
            if Manifest::read(share.as_ref())?.0 != manifest {
                return Err(Refusal::from(HsmError::ShareForeign).into());
            }
        }
        // The manifest once, and what is behind it of each.
        let behind = shares.iter().flat_map(|share| share.as_ref().iter().skip(manifest.bytes.len()));
        self.ask_bytes(Command::RestoreShares, manifest.bytes.iter().chain(behind)).map(drop)
    }
}
