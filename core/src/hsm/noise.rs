//! The handshake `Noise_XX_25519_AESGCM_SHA512` and the channel that it opens (<https://noiseprotocol.org/noise.html>, revision 34).
//!
//! Both sides have a static key and learn the other's; whether to believe it is for the caller to say, by its hash
//! ([`Channel::handshake_hash`]). Messages carry no payload during the handshake. After a failure a handshake is over.
//!
//! The kept libraries of Noise panic in more places than a device may have; the tests hold this one against one of them, in both
//! roles.

use hkdf::Hkdf;
use sha2::{Digest, Sha512};
use zeroize::{Zeroize, Zeroizing};

use crate::crypto::aead::{self, TAG_BYTES};
use crate::crypto::x25519::{KEY_BYTES, exchange, public_key};
use crate::error::error_enum;

/// The protocol's name, which is shorter than a hash.
const NAME: &[u8] = b"Noise_XX_25519_AESGCM_SHA512";

/// Bytes of a hash.
const HASH_BYTES: usize = 64;

/// Length of the first message: e.
pub const FIRST_BYTES: usize = KEY_BYTES;
/// Length of the second message: e, ee, s, es.
pub const SECOND_BYTES: usize = KEY_BYTES + KEY_BYTES + TAG_BYTES + TAG_BYTES;
/// Length of the third message: s, se.
pub const THIRD_BYTES: usize = KEY_BYTES + TAG_BYTES + TAG_BYTES;

error_enum! {
    /// Why there is no channel, or no message.
    pub enum NoiseError {
        Handshake => CHANNEL_HANDSHAKE,
        Message => CHANNEL_MESSAGE,
    }
}

type Key = Zeroizing<[u8; 32]>;

/// A key and the number of messages under it.
struct Cipher {
    key: Key,
    count: u64,
}

impl Cipher {
    const fn new(key: Key) -> Self {
        Self { key, count: 0 }
    }

    /// Four zero bytes and the number, big-endian (Noise, section 12.4).
    fn nonce(&self) -> [u8; 12] {
        let mut nonce = [0; 12];
        nonce.iter_mut().skip(4).zip(self.count.to_be_bytes()).for_each(|(slot, byte)| *slot = byte);
        nonce
    }

    fn next(&mut self) -> Result<(), NoiseError> {
        // The last number is reserved (Noise, section 5.1); no device lives to see it.
        self.count = self.count.checked_add(1).ok_or(NoiseError::Message)?;
        Ok(())
    }

    /// Seals the first `len` bytes of a buffer in place, and returns the length with the tag.
    fn seal(&mut self, context: &[u8], buffer: &mut [u8], len: usize) -> Result<usize, NoiseError> {
        let (message, rest) = buffer.split_at_mut_checked(len).ok_or(NoiseError::Message)?;
        let (target, _) = rest.split_first_chunk_mut::<TAG_BYTES>().ok_or(NoiseError::Message)?;
        *target = aead::seal(&self.key, &self.nonce(), context, message).map_err(|_| NoiseError::Message)?;
        self.next()?;
        len.checked_add(TAG_BYTES).ok_or(NoiseError::Message)
    }

    /// Opens a message in place.
    fn open<'m>(&mut self, context: &[u8], message: &'m mut [u8]) -> Result<&'m mut [u8], NoiseError> {
        let (bytes, tag) = message.split_last_chunk_mut::<TAG_BYTES>().ok_or(NoiseError::Message)?;
        aead::open(&self.key, &self.nonce(), context, bytes, tag).map_err(|_| NoiseError::Message)?;
        self.next()?;
        Ok(bytes)
    }
}

/// Who begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The host: it sends the first message.
    Initiator,
    /// The device.
    Responder,
}

/// A handshake under way.
pub struct Handshake {
    side: Side,
    /// How many messages have passed.
    passed: u8,
    chaining_key: Zeroizing<[u8; HASH_BYTES]>,
    hash: [u8; HASH_BYTES],
    cipher: Option<Cipher>,
    static_key: Key,
    ephemeral_key: Key,
    their_static: [u8; KEY_BYTES],
    their_ephemeral: [u8; KEY_BYTES],
}

impl Handshake {
    /// Starts with one's static secret key and a fresh random one that is used only here.
    pub fn new(side: Side, static_key: Key, ephemeral_key: Key) -> Self {
        let mut hash = [0; HASH_BYTES];
        hash.iter_mut().zip(NAME).for_each(|(slot, byte)| *slot = *byte);
        let mut handshake = Self {
            side,
            passed: 0,
            chaining_key: Zeroizing::new(hash),
            hash,
            cipher: None,
            static_key,
            ephemeral_key,
            their_static: [0; KEY_BYTES],
            their_ephemeral: [0; KEY_BYTES],
        };
        // The prologue is empty.
        handshake.mix_hash(&[]);
        handshake
    }

    /// Writes one's next message and returns its length.
    ///
    /// # Errors
    /// It is not one's turn, or the buffer is shorter than the message.
    pub fn write(&mut self, buffer: &mut [u8]) -> Result<usize, NoiseError> {
        let turn = (self.side, self.passed);
        let result = match turn {
            (Side::Initiator, 0) => self.write_first(buffer),
            (Side::Responder, 1) => self.write_second(buffer),
            (Side::Initiator, 2) => self.write_third(buffer),
            _ => Err(NoiseError::Handshake),
        };
        self.pass(result)
    }

    /// Reads the other side's next message.
    ///
    /// # Errors
    /// It is not their turn, or the message is not theirs.
    pub fn read(&mut self, message: &mut [u8]) -> Result<(), NoiseError> {
        let turn = (self.side, self.passed);
        let result = match turn {
            (Side::Responder, 0) => self.read_first(message),
            (Side::Initiator, 1) => self.read_second(message),
            (Side::Responder, 2) => self.read_third(message),
            _ => Err(NoiseError::Handshake),
        };
        self.pass(result)
    }

    /// The channel, once all three messages have passed.
    ///
    /// # Errors
    /// They have not.
    pub fn finish(self) -> Result<Channel, NoiseError> {
        if self.passed != 3 {
            return Err(NoiseError::Handshake);
        }
        let [first, second] = expand(&self.chaining_key, &[])?;
        let (first, second) = (Cipher::new(half(&first)), Cipher::new(half(&second)));
        let (send, receive) = match self.side {
            Side::Initiator => (first, second),
            Side::Responder => (second, first),
        };
        Ok(Channel { send, receive, their_static: self.their_static, handshake_hash: self.hash })
    }

    fn pass<R>(&mut self, result: Result<R, NoiseError>) -> Result<R, NoiseError> {
        // A handshake that failed has no further turn.
        self.passed = if result.is_ok() { self.passed.saturating_add(1) } else { u8::MAX };
        result.map_err(|_| NoiseError::Handshake)
    }

    fn write_first(&mut self, buffer: &mut [u8]) -> Result<usize, NoiseError> {
        self.write_ephemeral(buffer)?;
        self.mix_hash(&[]);
        Ok(FIRST_BYTES)
    }

    fn read_first(&mut self, message: &mut [u8]) -> Result<(), NoiseError> {
        let message: &[u8; FIRST_BYTES] = (&*message).try_into().map_err(|_| NoiseError::Handshake)?;
        self.their_ephemeral = *message;
        self.mix_hash(message);
        self.mix_hash(&[]);
        Ok(())
    }

    fn write_second(&mut self, buffer: &mut [u8]) -> Result<usize, NoiseError> {
        let buffer = buffer.get_mut(..SECOND_BYTES).ok_or(NoiseError::Handshake)?;
        let (ephemeral, rest) = buffer.split_at_mut(KEY_BYTES);
        self.write_ephemeral(ephemeral)?;
        self.mix_exchange(Mine::Ephemeral, Theirs::Ephemeral)?;
        let rest = self.write_static(rest)?;
        self.mix_exchange(Mine::Static, Theirs::Ephemeral)?;
        self.seal_and_hash(rest, 0)?;
        Ok(SECOND_BYTES)
    }

    fn read_second(&mut self, message: &mut [u8]) -> Result<(), NoiseError> {
        let (ephemeral, rest) = message.split_first_chunk_mut::<KEY_BYTES>().ok_or(NoiseError::Handshake)?;
        self.their_ephemeral = *ephemeral;
        self.mix_hash(ephemeral);
        self.mix_exchange(Mine::Ephemeral, Theirs::Ephemeral)?;
        let rest = self.read_static(rest)?;
        self.mix_exchange(Mine::Ephemeral, Theirs::Static)?;
        self.read_end(rest)
    }

    fn write_third(&mut self, buffer: &mut [u8]) -> Result<usize, NoiseError> {
        let buffer = buffer.get_mut(..THIRD_BYTES).ok_or(NoiseError::Handshake)?;
        let rest = self.write_static(buffer)?;
        self.mix_exchange(Mine::Static, Theirs::Ephemeral)?;
        self.seal_and_hash(rest, 0)?;
        Ok(THIRD_BYTES)
    }

    fn read_third(&mut self, message: &mut [u8]) -> Result<(), NoiseError> {
        let rest = self.read_static(message)?;
        self.mix_exchange(Mine::Ephemeral, Theirs::Static)?;
        self.read_end(rest)
    }

    fn write_ephemeral(&mut self, buffer: &mut [u8]) -> Result<(), NoiseError> {
        let public = public_key(&self.ephemeral_key);
        *buffer.first_chunk_mut().ok_or(NoiseError::Handshake)? = public;
        self.mix_hash(&public);
        Ok(())
    }

    /// Writes one's static key, sealed, and returns what follows it.
    fn write_static<'b>(&mut self, buffer: &'b mut [u8]) -> Result<&'b mut [u8], NoiseError> {
        let split = buffer.split_at_mut_checked(KEY_BYTES.wrapping_add(TAG_BYTES));
        let (sealed, rest) = split.ok_or(NoiseError::Handshake)?;
        *sealed.first_chunk_mut().ok_or(NoiseError::Handshake)? = public_key(&self.static_key);
        self.seal_and_hash(sealed, KEY_BYTES)?;
        Ok(rest)
    }

    /// Reads their static key, sealed, and returns what follows it.
    fn read_static<'m>(&mut self, message: &'m mut [u8]) -> Result<&'m mut [u8], NoiseError> {
        let split = message.split_at_mut_checked(KEY_BYTES.wrapping_add(TAG_BYTES));
        let (sealed, rest) = split.ok_or(NoiseError::Handshake)?;
        let opened = self.hash_and_open(sealed)?;
        self.their_static = *opened.first_chunk().ok_or(NoiseError::Handshake)?;
        Ok(rest)
    }

    /// Reads the sealed payload at the end, which is empty.
    fn read_end(&mut self, message: &mut [u8]) -> Result<(), NoiseError> {
        if self.hash_and_open(message)?.is_empty() { Ok(()) } else { Err(NoiseError::Handshake) }
    }

    fn mix_hash(&mut self, bytes: &[u8]) {
        self.hash = Sha512::new().chain_update(self.hash).chain_update(bytes).finalize().into();
    }

    fn mix_exchange(&mut self, mine: Mine, theirs: Theirs) -> Result<(), NoiseError> {
        let secret = match mine {
            Mine::Static => &self.static_key,
            Mine::Ephemeral => &self.ephemeral_key,
        };
        let public = match theirs {
            Theirs::Static => &self.their_static,
            Theirs::Ephemeral => &self.their_ephemeral,
        };
        let shared = exchange(secret, public).map_err(|_| NoiseError::Handshake)?;
        let [chaining_key, key] = expand(&self.chaining_key, &*shared)?;
        self.chaining_key = chaining_key;
        self.cipher = Some(Cipher::new(half(&key)));
        Ok(())
    }

    /// Seals the first `len` bytes, with the hash so far as context, and hashes what comes out.
    fn seal_and_hash(&mut self, buffer: &mut [u8], len: usize) -> Result<(), NoiseError> {
        let cipher = self.cipher.as_mut().ok_or(NoiseError::Handshake)?;
        let sealed = cipher.seal(&self.hash, buffer, len)?;
        self.mix_hash(buffer.get(..sealed).ok_or(NoiseError::Handshake)?);
        Ok(())
    }

    fn hash_and_open<'m>(&mut self, message: &'m mut [u8]) -> Result<&'m mut [u8], NoiseError> {
        let context = self.hash;
        self.mix_hash(message);
        self.cipher.as_mut().ok_or(NoiseError::Handshake)?.open(&context, message)
    }
}

impl Drop for Handshake {
    fn drop(&mut self) {
        self.hash.zeroize();
    }
}

enum Mine {
    Static,
    Ephemeral,
}

enum Theirs {
    Static,
    Ephemeral,
}

/// The HKDF of Noise (section 4.3) with two outputs: RFC 5869 with an empty context.
fn expand(
    chaining_key: &[u8; HASH_BYTES],
    input: &[u8],
) -> Result<[Zeroizing<[u8; HASH_BYTES]>; 2], NoiseError> {
    let mut output = Zeroizing::new([0u8; 2 * HASH_BYTES]);
    Hkdf::<Sha512>::new(Some(chaining_key), input)
        .expand(&[], &mut *output)
        .map_err(|_| NoiseError::Handshake)?;
    let (first, second) = output.split_first_chunk().ok_or(NoiseError::Handshake)?;
    let second = second.first_chunk().ok_or(NoiseError::Handshake)?;
    Ok([Zeroizing::new(*first), Zeroizing::new(*second)])
}

/// The first 32 bytes: where the hash is longer than the cipher's key it is cut (Noise, section 5.2).
fn half(bytes: &Zeroizing<[u8; HASH_BYTES]>) -> Key {
    let mut key = Key::default();
    key.iter_mut().zip(bytes.iter()).for_each(|(slot, byte)| *slot = *byte);
    key
}

/// An open channel. Messages arrive in the order in which they were sealed, each once.
pub struct Channel {
    send: Cipher,
    receive: Cipher,
    their_static: [u8; KEY_BYTES],
    handshake_hash: [u8; HASH_BYTES],
}

impl Channel {
    /// Seals the first `len` bytes of a buffer in place and returns the length with the tag.
    ///
    /// # Errors
    /// The buffer has no room for the tag.
    pub fn seal(&mut self, buffer: &mut [u8], len: usize) -> Result<usize, NoiseError> {
        self.send.seal(&[], buffer, len)
    }

    /// Opens the next message in place.
    ///
    /// # Errors
    /// It is not the next message that the other side sealed.
    pub fn open<'m>(&mut self, message: &'m mut [u8]) -> Result<&'m mut [u8], NoiseError> {
        self.receive.open(&[], message)
    }

    /// The static key of the other side.
    pub const fn their_static(&self) -> &[u8; KEY_BYTES] {
        &self.their_static
    }

    /// A hash that both sides have, and that nobody between them can have on both sides.
    pub const fn handshake_hash(&self) -> &[u8; HASH_BYTES] {
        &self.handshake_hash
    }
}
