//! The host's side of the protocol: a channel to a device, and commands over it.
//!
//! The caller brings what carries frames ([`Transport`]), the host's static key, and 32 fresh random bytes for each channel; nothing else is
//! needed, and nothing is allocated. Answers are lent from the client's own buffer. What takes several requests is one call, too.
//!
//! A device that refuses leaves the channel as it was. After any other error the two sides may count their messages differently, and a
//! new channel must be opened.
//!
//! Requests are sealed where they were encoded, so that no PIN outlives its request; what could not be sealed is overwritten, and so are
//! all frames when the client is dropped.

mod tasks;

use serde::Deserialize;
use zeroize::{Zeroize, Zeroizing};

use super::channel::{HEADER, PairingCode, kind, pairing_code};
use super::noise::{Channel, Handshake, NoiseError, Side};
use super::proto::{Command, MAX_FRAME, MAX_MESSAGE, Nothing, VERSION};
use super::refusal::Refusal;
use crate::codec::{self, Encoded};
use crate::error::error_enum;

pub use tasks::{Member, Witness};

/// What carries frames to a device and its answers back: a serial line, a socket, a function of the caller's.
pub trait Transport {
    /// Why it could not.
    type Error;

    /// Sends a frame, waits for the one that answers it, and writes that to the front of `answer`: its length.
    ///
    /// # Errors
    /// There is no answer.
    fn exchange(&mut self, frame: &[u8], answer: &mut [u8; MAX_FRAME]) -> Result<usize, Self::Error>;
}

error_enum! {
    /// Why a client can do nothing with what it was given, by the caller or by the device.
    pub enum LinkError {
        Stranger => DEVICE_STRANGER,
        Frame => FRAME_LENGTH,
        Handshake => CHANNEL_HANDSHAKE,
        Message => CHANNEL_MESSAGE,
    }
}

/// Why a device did not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientError<E> {
    /// The device refused.
    Refused(Refusal),
    /// The device is another one, or what came is no answer, or what should be asked is too long.
    Link(LinkError),
    /// The transport failed.
    Transport(E),
}

impl<E> From<Refusal> for ClientError<E> {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl<E> From<LinkError> for ClientError<E> {
    fn from(error: LinkError) -> Self {
        Self::Link(error)
    }
}

impl<E> From<NoiseError> for ClientError<E> {
    fn from(error: NoiseError) -> Self {
        Self::Link(match error {
            NoiseError::Handshake => LinkError::Handshake,
            NoiseError::Message => LinkError::Message,
        })
    }
}

/// The number of a refusal is the device's, that of any other error its row's.
impl<E: Into<Self>> From<ClientError<E>> for Refusal {
    fn from(error: ClientError<E>) -> Self {
        match error {
            ClientError::Refused(refusal) => refusal,
            ClientError::Link(error) => error.into(),
            ClientError::Transport(error) => error.into(),
        }
    }
}

/// A result of a client over this transport.
type Answer<R, T> = Result<R, ClientError<<T as Transport>::Error>>;

/// Frames to a device and back.
struct Link<T> {
    transport: T,
    frame: Zeroizing<[u8; MAX_FRAME]>,
    answer: Zeroizing<[u8; MAX_FRAME]>,
}

impl<T: Transport> Link<T> {
    /// Where the body of the next frame is written.
    fn body(&mut self) -> &mut [u8] {
        self.frame.split_at_mut(HEADER).1
    }

    /// Sends a frame whose body has this length, and returns the body of the answer, which must be of the same kind.
    fn exchange(&mut self, of: u8, len: usize) -> Answer<&mut [u8], T> {
        self.frame.iter_mut().zip([VERSION, of]).for_each(|(slot, byte)| *slot = byte);
        let frame = self.frame.get(..len.saturating_add(HEADER)).ok_or(LinkError::Frame)?;
        let len = self.transport.exchange(frame, &mut self.answer).map_err(ClientError::Transport)?;
        let Some([VERSION, answered, body @ ..]) = self.answer.get_mut(..len) else {
            return Err(LinkError::Frame.into());
        };
        if *answered == of {
            return Ok(body);
        }
        match (*answered, body) {
            // Nobody can say in the clear that something was done.
            (kind::REFUSED, [0, 0]) => Err(LinkError::Frame.into()),
            (kind::REFUSED, [low, high]) => Err(Refusal(u16::from_le_bytes([*low, *high])).into()),
            _ => Err(LinkError::Frame.into()),
        }
    }
}

/// An open channel to a device.
pub struct Client<T> {
    link: Link<T>,
    channel: Channel,
    paired: bool,
}

impl<T: Transport> Client<T> {
    /// Opens a channel with the host's static secret key and an ephemeral one that is used only here: 32 random bytes. `known` is the
    /// device's key, if the host has met it.
    ///
    /// # Errors
    /// The handshake does not succeed, or the device is another one.
    pub fn open(
        transport: T,
        static_key: Zeroizing<[u8; 32]>,
        ephemeral_key: Zeroizing<[u8; 32]>,
        known: Option<&[u8; 32]>,
    ) -> Answer<Self, T> {
        let (frame, answer) = (Zeroizing::new([0; MAX_FRAME]), Zeroizing::new([0; MAX_FRAME]));
        let mut link = Link { transport, frame, answer };
        let mut handshake = Handshake::new(Side::Initiator, static_key, ephemeral_key);
        let len = handshake.write(link.body())?;
        handshake.read(link.exchange(kind::OPEN, len)?)?;
        let len = handshake.write(link.body())?;
        let channel = handshake.finish()?;
        // The device's key was in the second message: a stranger learns no key of the host.
        if known.is_some_and(|known| known != channel.their_static()) {
            return Err(LinkError::Stranger.into());
        }
        let paired = match link.exchange(kind::CLOSE, len)? {
            [paired @ (0 | 1)] => *paired == 1,
            _ => return Err(LinkError::Frame.into()),
        };
        Ok(Self { link, channel, paired })
    }

    /// Ends the channel on this side, and gives its transport back.
    pub fn into_transport(self) -> T {
        self.link.transport
    }

    /// What carries the frames of the channel.
    pub const fn transport_mut(&mut self) -> &mut T {
        &mut self.link.transport
    }

    /// Whether the device said that it knows this host when the channel was opened.
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
    /// The device refused, or the channel is broken, or the body is longer than a request.
    pub fn ask<B: Encoded>(&mut self, command: Command, body: &B) -> Answer<&[u8], T> {
        self.give(command, |room| codec::encode(body, room).ok().map(<[u8]>::len))
    }

    /// Gives a command whose body is already encoded: an image's manifest, shares.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub fn ask_encoded(&mut self, command: Command, body: &[u8]) -> Answer<&[u8], T> {
        self.ask_bytes(command, body.iter())
    }

    /// Gives a command whose body is these bytes.
    fn ask_bytes<'b>(
        &mut self,
        command: Command,
        body: impl Iterator<Item = &'b u8> + Clone,
    ) -> Answer<&[u8], T> {
        self.give(command, |room| {
            let mut slots = room.iter_mut();
            body.clone().try_for_each(|byte| slots.next().map(|slot| *slot = *byte))?;
            Some(body.count())
        })
    }

    /// Gives a command that answers with a value, which may lend from the client's buffer.
    ///
    /// # Errors
    /// As [`Self::ask`]; or the answer is not what the command answers with.
    pub fn get<'c, B: Encoded, R>(&'c mut self, command: Command, body: &B) -> Answer<R, T>
    where
        R: Encoded + Deserialize<'c>,
    {
        codec::decode(self.ask(command, body)?).map_err(|_| LinkError::Message.into())
    }

    /// Gives a command without body that answers with nothing.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub fn tell(&mut self, command: Command) -> Answer<(), T> {
        self.ask(command, &Nothing {}).map(drop)
    }

    /// Gives a command whose body `write` puts into the room for it; it returns the length, or nothing where it does not fit.
    fn give(&mut self, command: Command, write: impl FnOnce(&mut [u8]) -> Option<usize>) -> Answer<&[u8], T> {
        let len = match self.seal(command, write) {
            Ok(len) => len,
            Err(error) => {
                self.link.frame.zeroize();
                return Err(error.into());
            }
        };
        let answer = self.link.exchange(kind::SEALED, len)?;
        let response = self.channel.open(answer)?;
        let (status, body) = response.split_first_chunk::<2>().ok_or(LinkError::Message)?;
        match u16::from_le_bytes(*status) {
            0 => Ok(body),
            number => Err(Refusal(number).into()),
        }
    }

    /// Writes a request and seals it: the length of the frame's body.
    fn seal(
        &mut self,
        command: Command,
        write: impl FnOnce(&mut [u8]) -> Option<usize>,
    ) -> Result<usize, LinkError> {
        let message = self.link.body();
        let (number, room) =
            message.get_mut(..MAX_MESSAGE).and_then(<[u8]>::split_first_mut).ok_or(LinkError::Frame)?;
        *number = command as u8;
        let len = write(room).and_then(|len| len.checked_add(1)).ok_or(LinkError::Frame)?;
        self.channel.seal(message, len).map_err(|_| LinkError::Message)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test that meets what it does not expect should stop there
mod tests {
    use super::*;
    use crate::hsm::UserName;
    use crate::hsm::proto::{Login, SetPolicy};

    /// A device that does whatever it is asked.
    enum Willing {
        Opening(Handshake),
        Open(Channel),
        Done,
    }

    impl Transport for Willing {
        type Error = ();

        fn exchange(&mut self, frame: &[u8], answer: &mut [u8; MAX_FRAME]) -> Result<usize, ()> {
            let (header, request) = frame.split_at(HEADER);
            let mut request = request.to_vec();
            let (to, body) = answer.split_at_mut(HEADER);
            to.copy_from_slice(header);
            let len = match core::mem::replace(self, Self::Done) {
                Self::Opening(mut handshake) => {
                    handshake.read(&mut request).unwrap();
                    if header == [VERSION, kind::OPEN] {
                        let len = handshake.write(body).unwrap();
                        *self = Self::Opening(handshake);
                        len
                    } else {
                        *self = Self::Open(handshake.finish().unwrap());
                        body[0] = 1;
                        1
                    }
                }
                Self::Open(mut channel) => {
                    channel.open(&mut request).unwrap();
                    body[..2].fill(0);
                    let len = channel.seal(body, 2).unwrap();
                    *self = Self::Open(channel);
                    len
                }
                Self::Done => return Err(()),
            };
            Ok(HEADER + len)
        }
    }

    #[test]
    fn no_pin_outlives_its_request() {
        let key = |fill| Zeroizing::new([fill; 32]);
        let willing = Willing::Opening(Handshake::new(Side::Responder, key(1), key(2)));
        let mut client = Client::open(willing, key(3), key(4), None).unwrap();
        let pin = b"a PIN that must be gone";
        let holds = |client: &Client<Willing>| {
            let holds = |bytes: &[u8; MAX_FRAME]| bytes.windows(pin.len()).any(|window| window == pin);
            holds(&client.link.frame) || holds(&client.link.answer)
        };
        let user = UserName::new("ALICE").unwrap();
        client.ask(Command::Login, &Login { user, pin }).unwrap();
        assert!(!holds(&client), "it was sealed where it was written");
        // One that is written and then does not fit.
        let long = [&pin[..], &[0; MAX_MESSAGE]].concat();
        let refused = client.ask(Command::SetPolicy, &SetPolicy { slot: 0, policy: &long }).map(drop);
        assert_eq!(refused, Err(LinkError::Frame.into()));
        let refused = client.give(Command::Login, |room| {
            room[..pin.len()].copy_from_slice(pin);
            None
        });
        assert_eq!(refused.map(drop), Err(LinkError::Frame.into()));
        assert!(!holds(&client));
    }
}
