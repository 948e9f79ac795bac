//! The host's side of the protocol: a channel, commands, and what takes several of them.

use std::io::{Read, Write};
use std::num::NonZeroU8;
use std::path::Path;

use qenex_core::codec::{self, Encoded};
use qenex_core::hsm::Refusal;
use qenex_core::hsm::channel::{HEADER, PairingCode, kind, pairing_code};
use qenex_core::hsm::noise::{Channel, FIRST_BYTES, Handshake, Side, THIRD_BYTES};
use qenex_core::hsm::proto::{
    Approve, BeginSign, Command, Index, Judged, MAX_MESSAGE, Nothing, Piece, PieceAt, RandomBytes, Records,
    Rest, SIGNATURE_PIECE, Signed, VERSION,
};
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::error::DeviceError;
use crate::line::Line;
use crate::port::Port;

/// Bytes of a long thing in one request: all that fits beside the command and its length.
const PIECE: usize = MAX_MESSAGE - 4;
/// Bytes of an image in one request: whole words, beside the offset.
const IMAGE_PIECE: usize = 3_840;
/// Bytes of raw data in one request, beside an offset of two bytes.
const DATA_PIECE: usize = PIECE - 2;

/// An open channel to a device.
pub struct Client<S> {
    line: Line<S>,
    channel: Channel,
    paired: bool,
}

/// A transaction's witness: what the records are, and the proof that they are.
pub struct Witness {
    /// For each record in the order of the keys: its encoding, empty where there is none.
    pub records: Vec<Vec<u8>>,
    /// The multi-proof for all keys.
    pub proof: Vec<u8>,
}

impl Client<Port> {
    /// Opens a channel to the device at a socket or a serial line.
    ///
    /// # Errors
    /// Nobody listens there, or the handshake does not succeed.
    pub fn connect(
        path: &Path,
        static_key: &Zeroizing<[u8; 32]>,
        known: Option<&[u8; 32]>,
    ) -> Result<Self, DeviceError> {
        let failed = |error| DeviceError::File(path.display().to_string(), error);
        Self::open(Port::open(path).map_err(failed)?, static_key, known)
    }

    /// Ends the channel, whoever else has a copy of the port: a process that was forked off inherits one.
    pub fn hang_up(self) {
        self.line.into_inner().hang_up();
    }
}

impl<S: Read + Write> Client<S> {
    /// Opens a channel over a line, with the host's static secret key. `known` is the device's key, if the host has met it.
    ///
    /// # Errors
    /// The handshake does not succeed, or the device is another one.
    pub fn open(
        stream: S,
        static_key: &Zeroizing<[u8; 32]>,
        known: Option<&[u8; 32]>,
    ) -> Result<Self, DeviceError> {
        let mut line = Line::new(stream);
        let mut ephemeral = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *ephemeral).map_err(|error| DeviceError::Line(std::io::Error::other(error)))?;
        let mut handshake = Handshake::new(Side::Initiator, static_key.clone(), ephemeral);
        let mut first = [0; FIRST_BYTES];
        handshake.write(&mut first)?;
        let mut second = exchange(&mut line, kind::OPEN, &first)?;
        handshake.read(&mut second)?;
        let mut third = [0; THIRD_BYTES];
        handshake.write(&mut third)?;
        // The device's key is in the second message: a stranger learns no key of the host.
        let channel = handshake.finish()?;
        if known.is_some_and(|known| known != channel.their_static()) {
            return Err(DeviceError::Stranger);
        }
        let paired = exchange(&mut line, kind::CLOSE, &third)? == [1];
        Ok(Self { line, channel, paired })
    }

    /// Whether the device knows this host.
    pub const fn is_paired(&self) -> bool {
        self.paired
    }

    /// The device's static key, by which it is known again.
    pub const fn device_key(&self) -> &[u8; 32] {
        self.channel.their_static()
    }

    /// The code that a person compares with the one on the device's panel.
    pub fn pairing_code(&self) -> PairingCode {
        pairing_code(self.channel.handshake_hash())
    }

    /// Gives a command and returns the body of the response.
    ///
    /// # Errors
    /// The device refused, or the channel is broken.
    pub fn ask<T: Encoded>(&mut self, command: Command, body: &T) -> Result<Vec<u8>, DeviceError> {
        let mut buffer = Zeroizing::new(vec![0; MAX_MESSAGE]);
        self.ask_bytes(command, codec::encode(body, &mut buffer).map_err(|_| DeviceError::Frame)?)
    }

    /// Gives a command whose body is these bytes.
    fn ask_bytes(&mut self, command: Command, encoded: &[u8]) -> Result<Vec<u8>, DeviceError> {
        let mut message = Zeroizing::new([&[command as u8], encoded].concat());
        let len = message.len();
        message.extend([0; 16]);
        self.channel.seal(&mut message, len)?;
        let mut answer = exchange(&mut self.line, kind::SEALED, &message)?;
        let response = self.channel.open(&mut answer)?;
        let (status, body) = response.split_first_chunk::<2>().ok_or(DeviceError::Message)?;
        match u16::from_le_bytes(*status) {
            0 => Ok(body.to_vec()),
            number => Err(Refusal(number).into()),
        }
    }

    /// Gives a command that answers with a value.
    ///
    /// # Errors
    /// As [`Self::ask`]; or the answer is not what the command answers with.
    pub fn get<T: Encoded, R: Encoded + DeserializeOwned>(
        &mut self,
        command: Command,
        body: &T,
    ) -> Result<R, DeviceError> {
        codec::decode::<R>(&self.ask(command, body)?).map_err(|_| DeviceError::Message)
    }

    /// Gives a command without body.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub fn tell(&mut self, command: Command) -> Result<(), DeviceError> {
        self.ask(command, &Nothing {}).map(drop)
    }

    /// Brings a transaction to be signed, with its witness if there is one.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub fn bring(
        &mut self,
        slot: u8,
        transaction: &[u8],
        pending: &[Vec<u8>],
        witness: Option<&Witness>,
    ) -> Result<(), DeviceError> {
        self.begin(slot, transaction, pending, witness.is_some())?;
        witness.map_or(Ok(()), |witness| self.prove(witness))
    }

    /// Begins to bring a transaction to be signed: itself, and those before it.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub fn begin(
        &mut self,
        slot: u8,
        transaction: &[u8],
        pending: &[Vec<u8>],
        witnessed: bool,
    ) -> Result<(), DeviceError> {
        self.ask(Command::BeginSign, &BeginSign { slot, witnessed, transaction })?;
        pending.iter().try_for_each(|bytes| self.ask(Command::Pending, &Piece { bytes }).map(drop))
    }

    /// Brings the witness of the transaction that was begun.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub fn prove(&mut self, witness: &Witness) -> Result<(), DeviceError> {
        let mut records = Vec::new();
        for record in &witness.records {
            let len = u16::try_from(record.len()).map_err(|_| DeviceError::Frame)?;
            if records.len() + record.len() + 2 > PIECE {
                self.ask(Command::Records, &Records { records: &records })?;
                records.clear();
            }
            records.extend(len.to_le_bytes());
            records.extend(record);
        }
        self.ask(Command::Records, &Records { records: &records })?;
        for bytes in witness.proof.chunks(PIECE) {
            self.ask(Command::Proof, &Piece { bytes })?;
        }
        Ok(())
    }

    /// Brings the approval of a person. One that is longer than a request must come before the witness.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub fn approve(&mut self, approval: &Approve<'_>) -> Result<(), DeviceError> {
        let mut buffer = [0; Approve::MAX_LEN];
        let mut rest = codec::encode(approval, &mut buffer).map_err(|_| DeviceError::Frame)?;
        while let Some((bytes, after)) = rest.split_at_checked(PIECE) {
            self.ask(Command::ApprovalPart, &Piece { bytes })?;
            rest = after;
        }
        self.ask_bytes(Command::Approve, rest).map(drop)
    }

    /// What the device would say of the transaction that was brought: nothing, or why not.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub fn judge(&mut self) -> Result<Option<Refusal>, DeviceError> {
        let Judged { refusal, .. } = self.get(Command::Judge, &Nothing {})?;
        Ok((refusal != 0).then_some(Refusal(refusal)))
    }

    /// Brings a new image, which the device tries at its next start.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub fn update(&mut self, manifest: &[u8], image: &[u8]) -> Result<(), DeviceError> {
        if manifest.len() > PIECE {
            return Err(DeviceError::Frame);
        }
        self.ask_bytes(Command::BeginUpdate, manifest)?;
        let mut offset = 0;
        for bytes in image.chunks(IMAGE_PIECE) {
            let at = u32::try_from(offset).map_err(|_| DeviceError::Frame)?;
            self.ask(Command::UpdatePiece, &PieceAt { offset: at, bytes })?;
            offset += bytes.len();
        }
        self.tell(Command::FinishUpdate)
    }

    /// Restores a root from shares that are sealed to the device ([`qenex_core::hsm::shares`]).
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub fn restore_shares(&mut self, shares: &[u8]) -> Result<(), DeviceError> {
        if shares.len() > PIECE {
            return Err(DeviceError::Frame);
        }
        self.ask_bytes(Command::RestoreShares, shares).map(drop)
    }

    /// The signature of the transaction that was brought.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub fn sign(&mut self) -> Result<Vec<u8>, DeviceError> {
        let first = self.ask(Command::Sign, &Nothing {})?;
        self.read_on(first)
    }

    /// The signature of raw data by the key of plain use in a slot.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub fn sign_data(&mut self, slot: u8, data: &[u8]) -> Result<Vec<u8>, DeviceError> {
        let mut offset = 0;
        // Data of no bytes is one piece too.
        for bytes in data.chunks(DATA_PIECE).chain(data.is_empty().then_some(data)) {
            let at = u32::try_from(offset).map_err(|_| DeviceError::Frame)?;
            self.ask(Command::Data, &PieceAt { offset: at, bytes })?;
            offset += bytes.len();
        }
        let first = self.ask(Command::SignData, &Index { index: slot })?;
        self.read_on(first)
    }

    /// Fills bytes from the device's source of entropy.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub fn random(&mut self, bytes: &mut [u8]) -> Result<(), DeviceError> {
        for piece in bytes.chunks_mut(u8::MAX.into()) {
            let count = u8::try_from(piece.len()).ok().and_then(NonZeroU8::new).ok_or(DeviceError::Frame)?;
            let random = Zeroizing::new(self.ask(Command::Random, &RandomBytes { count })?);
            if random.len() != piece.len() {
                return Err(DeviceError::Message);
            }
            piece.copy_from_slice(&random);
        }
        Ok(())
    }

    /// A signature from the first response on.
    fn read_on(&mut self, first: Vec<u8>) -> Result<Vec<u8>, DeviceError> {
        let mut signature = Vec::new();
        let mut body = first;
        loop {
            let piece: Signed<'_> = codec::decode(&body).map_err(|_| DeviceError::Message)?;
            signature.extend(piece.signature);
            // What is shorter than a piece can be is the last one.
            let from = u16::try_from(signature.len()).map_err(|_| DeviceError::Message)?;
            if piece.signature.len() < SIGNATURE_PIECE {
                return Ok(signature);
            }
            body = self.ask(Command::SignatureRest, &Rest { from })?;
        }
    }
}

/// Sends a frame and returns the body of the answer, which must be of the same kind.
fn exchange<S: Read + Write>(line: &mut Line<S>, of: u8, body: &[u8]) -> Result<Vec<u8>, DeviceError> {
    line.send(&[&[VERSION, of], body].concat())?;
    let hung_up = || DeviceError::Line(std::io::ErrorKind::UnexpectedEof.into());
    let mut answer = line.receive()?.ok_or_else(hung_up)?;
    match answer.get(..HEADER) {
        Some([VERSION, answered]) if *answered == of => Ok(answer.split_off(HEADER)),
        Some([VERSION, kind::REFUSED]) => match answer.get(HEADER..) {
            Some([low, high]) => Err(Refusal(u16::from_le_bytes([*low, *high])).into()),
            _ => Err(DeviceError::Frame),
        },
        _ => Err(DeviceError::Frame),
    }
}
