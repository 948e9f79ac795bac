//! The secure channel: no command reaches the service but through it.
//!
//! A frame is the version, its kind and a body. A host opens a channel with two frames, the three messages of the handshake ([`super::noise`]);
//! then every frame is a sealed request or response. Frames that are none of these, or that were not sealed by the host of the channel, are
//! answered in the clear with a code, and change nothing; what does not open ends the channel, and with it the session.
//!
//! Device and host are strangers at first. A person compares the code that both show ([`pairing_code`]) and confirms on the panel; then the
//! device knows the host's key. A host that is not paired may ask for the status, an attestation, the head of the audit log, and to be paired.

use zeroize::Zeroizing;

use super::board::Board;
use super::noise::{Channel, Handshake, SECOND_BYTES, Side};
use super::proto::{Command, MAX_FRAME, VERSION};
use super::refusal::{HsmError, Refusal};
use super::service::Hsm;
use super::store::device_seed;
use crate::crypto::{Domain, Hash, hash};

/// Kinds of frames.
pub mod kind {
    /// Answered in the clear: the code, as two bytes little-endian.
    pub const REFUSED: u8 = 0;
    /// The first message of a handshake; answered with the second.
    pub const OPEN: u8 = 1;
    /// The third message of a handshake; answered with one byte: 1 if the host is paired.
    pub const CLOSE: u8 = 2;
    /// A sealed request; answered with a sealed response.
    pub const SEALED: u8 = 3;
}

/// Bytes before the body of a frame.
pub const HEADER: usize = 2;

/// The code that a person compares: five groups of four digits, of which a stranger between the two cannot make two alike.
pub type PairingCode = heapless::String<24>;

/// The code of a channel: 66 bits of the hash of its handshake.
pub fn pairing_code(handshake_hash: &[u8; 64]) -> PairingCode {
    compared(&hash(Domain::Pairing, &[handshake_hash]))
}

/// What people compare of a hash: 66 bits as digits.
pub(super) fn compared(digest: &Hash) -> PairingCode {
    const GROUP: u128 = 10_000;
    let mut code = PairingCode::new();
    let mut rest = digest.0.first_chunk().map_or(0, |bytes| u128::from_be_bytes(*bytes));
    for group in 0..5 {
        // The standard library's printing of a u128 can panic in a device's image.
        let digits = (rest % GROUP) as u16;
        rest /= GROUP;
        let space = if group == 0 { "" } else { " " };
        // Five groups and four spaces fit.
        let _ = core::fmt::Write::write_fmt(&mut code, format_args!("{space}{digits:04}"));
    }
    code
}

/// What stands between a device and its host.
// Without allocation there is no box to put a long variant into.
#[allow(clippy::large_enum_variant)]
enum Link {
    Closed,
    Opening(Handshake),
    Open { channel: Channel, paired: bool },
}

/// A device behind its channel.
pub struct Device<B: Board> {
    hsm: Hsm<B>,
    link: Link,
}

impl<B: Board> Device<B> {
    /// A device to which nobody is connected.
    pub const fn new(hsm: Hsm<B>) -> Self {
        Self { hsm, link: Link::Closed }
    }

    /// The board.
    pub const fn board(&mut self) -> &mut B {
        self.hsm.board()
    }

    /// Ends the channel and the session.
    pub fn disconnect(&mut self) {
        self.link = Link::Closed;
        self.hsm.disconnect();
    }

    /// Answers one frame, which it overwrites, and returns the length of the answer. An answer has at most [`MAX_FRAME`] bytes.
    pub fn answer(&mut self, frame: &mut [u8], answer: &mut [u8; MAX_FRAME]) -> usize {
        let (header, body) = answer.split_at_mut(HEADER);
        let (kind, len) = match self.respond(frame, body) {
            Ok(answered) => answered,
            Err(Refusal(number)) => {
                body.iter_mut().zip(number.to_le_bytes()).for_each(|(slot, byte)| *slot = byte);
                (kind::REFUSED, 2)
            }
        };
        header.iter_mut().zip([VERSION, kind]).for_each(|(slot, byte)| *slot = byte);
        len.saturating_add(HEADER)
    }

    fn respond(&mut self, frame: &mut [u8], answer: &mut [u8]) -> Result<(u8, usize), Refusal> {
        if frame.len() > MAX_FRAME {
            return Err(HsmError::FrameLength.into());
        }
        let [version, kind, body @ ..] = frame else { return Err(HsmError::FrameLength.into()) };
        if *version != VERSION {
            return Err(HsmError::FrameVersion.into());
        }
        match *kind {
            kind::OPEN => Ok((kind::OPEN, self.open(body, answer)?)),
            kind::CLOSE => Ok((kind::CLOSE, self.close(body, answer)?)),
            kind::SEALED => Ok((kind::SEALED, self.sealed(body, answer)?)),
            _ => Err(HsmError::FrameKind.into()),
        }
    }

    #[inline(never)] // a handshake is large, and must not lie below every command
    fn open(&mut self, body: &mut [u8], answer: &mut [u8]) -> Result<usize, Refusal> {
        self.disconnect();
        let static_key = device_seed(self.hsm.board(), b"channel");
        let ephemeral_key: Zeroizing<[u8; 32]> = self.hsm.random()?;
        let mut handshake = Handshake::new(Side::Responder, static_key, ephemeral_key);
        handshake.read(body)?;
        let len = handshake.write(answer)?;
        self.link = Link::Opening(handshake);
        Ok(len)
    }

    #[inline(never)] // a handshake is large, and must not lie below every command
    fn close(&mut self, body: &mut [u8], answer: &mut [u8]) -> Result<usize, Refusal> {
        let Link::Opening(mut handshake) = core::mem::replace(&mut self.link, Link::Closed) else {
            return Err(HsmError::ChannelClosed.into());
        };
        handshake.read(body)?;
        let channel = handshake.finish()?;
        let paired = self.hsm.is_paired(channel.their_static())?;
        answer.iter_mut().zip([u8::from(paired)]).for_each(|(slot, byte)| *slot = byte);
        self.link = Link::Open { channel, paired };
        Ok(1)
    }

    #[inline(never)]
    fn sealed(&mut self, body: &mut [u8], answer: &mut [u8]) -> Result<usize, Refusal> {
        let Link::Open { channel, paired } = &mut self.link else {
            return Err(HsmError::ChannelClosed.into());
        };
        let Ok(request) = channel.open(body) else {
            self.disconnect();
            return Err(super::noise::NoiseError::Message.into());
        };
        let command = request.first().copied().and_then(Command::from_number);
        let room = answer.len().saturating_sub(crate::crypto::aead::TAG_BYTES);
        let response = answer.get_mut(..room).unwrap_or_default();
        let len = match command {
            Some(Command::Pair) => {
                let code = pairing_code(channel.handshake_hash());
                let result = self.hsm.pair(channel.their_static(), &code);
                *paired |= result.is_ok();
                status(result, response)
            }
            Some(command) if !*paired && !command.is_for_strangers() => {
                status(Err(HsmError::HostUnpaired.into()), response)
            }
            _ => self.hsm.handle(request, response),
        };
        // The session ends where a channel's host is no longer trusted.
        Ok(channel.seal(answer, len)?)
    }
}

/// A response without a body.
fn status(result: Result<(), Refusal>, response: &mut [u8]) -> usize {
    let number = result.map_or_else(|Refusal(number)| number, |()| 0);
    response.iter_mut().zip(number.to_le_bytes()).for_each(|(slot, byte)| *slot = byte);
    2
}

const _: () = assert!(SECOND_BYTES + HEADER <= MAX_FRAME);
