//! The channel: the handshake against another implementation of Noise, pairing, and frames that are not what they should be.
#![allow(clippy::unwrap_used)] // a test that meets what it does not expect should stop there

#[allow(dead_code)] // each test uses a part of it
mod flash_disk;
#[allow(dead_code)]
mod hsm_board;

use clatter::bytearray::{ByteArray, SensitiveByteArray};
use clatter::crypto::cipher::AesGcm;
use clatter::crypto::dh::X25519;
use clatter::crypto::hash::Sha512;
use clatter::handshakepattern::noise_xx;
use clatter::traits::{Dh, Handshaker};
use clatter::transportstate::TransportState;
use clatter::{KeyPair, NqHandshakeCore};
use hsm_board::{TestBoard, name, power_on};
use qenex_core::codec::{Encoded, decode, encode};
use qenex_core::crypto::x25519;
use qenex_core::error::{
    CHANNEL_CLOSED, CHANNEL_HANDSHAKE, CHANNEL_MESSAGE, Code, FRAME_KIND, FRAME_LENGTH, FRAME_VERSION,
    HOST_UNPAIRED, HOSTS_FULL, NOT_CONFIRMED,
};
use qenex_core::hsm::channel::{Device, kind, pairing_code};
use qenex_core::hsm::noise::{Handshake, NoiseError, Side};
use qenex_core::hsm::proto::{
    AddUser, Command, Initialise, Login, MAX_FRAME, MAX_MESSAGE, Nothing, Status, VERSION,
};
use qenex_core::hsm::{Refusal, Role};
use zeroize::Zeroizing;

/// A generator that the other implementation asks for: each key that it makes is another one.
#[derive(Clone, Default)]
struct Counter(u64);

impl rand_core::RngCore for Counter {
    fn next_u32(&mut self) -> u32 {
        self.next_u64() as u32
    }
    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(1);
        self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        bytes.chunks_mut(8).for_each(|chunk| {
            let word = self.next_u64().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        });
    }
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}
impl rand_core::CryptoRng for Counter {}

type Peer = NqHandshakeCore<X25519, AesGcm, Sha512, Counter>;
type Transport = TransportState<AesGcm, Sha512>;

fn peer(initiator: bool, secret: [u8; 32]) -> Peer {
    let secret = SensitiveByteArray::from_slice(&secret);
    let keys = KeyPair { public: X25519::pubkey(&secret), secret };
    Peer::new(noise_xx(), &[], initiator, Some(keys), None, None, None).unwrap()
}

fn own(side: Side) -> Handshake {
    Handshake::new(side, Zeroizing::new([3; 32]), Zeroizing::new([4; 32]))
}

/// Both ways, in both roles: the messages of one are those that the other expects.
#[test]
fn another_implementation_of_noise_agrees() {
    for initiator in [true, false] {
        let mut theirs = peer(initiator, [9; 32]);
        let mut ours = own(if initiator { Side::Responder } else { Side::Initiator });
        let mut buffer = [0; 256];
        let mut payload = [0; 256];
        for turn in 0..3 {
            if (turn % 2 == 0) == initiator {
                let len = theirs.write_message(&[], &mut buffer).unwrap();
                ours.read(&mut buffer[..len]).unwrap();
            } else {
                let len = ours.write(&mut buffer).unwrap();
                assert_eq!(theirs.read_message(&buffer[..len], &mut payload).unwrap(), 0);
            }
        }
        let mut theirs: Transport = theirs.finalize().unwrap();
        let mut ours = ours.finish().unwrap();
        assert_eq!(ours.handshake_hash().as_slice(), theirs.get_handshake_hash().as_slice());
        assert_eq!(*ours.their_static(), x25519::public_key(&[9; 32]));
        for round in 0..5u8 {
            let len = theirs.send(&[round; 100], &mut buffer).unwrap();
            assert_eq!(ours.open(&mut buffer[..len]).unwrap(), [round; 100]);
            buffer[..7].fill(round);
            let len = ours.seal(&mut buffer, 7).unwrap();
            assert_eq!(theirs.receive(&buffer[..len], &mut payload).unwrap(), 7);
            assert_eq!(payload[..7], [round; 7]);
        }
    }
}

#[test]
fn a_handshake_has_its_turns() {
    let mut buffer = [0; 256];
    assert_eq!(own(Side::Responder).write(&mut buffer), Err(NoiseError::Handshake));
    assert_eq!(own(Side::Initiator).read(&mut buffer[..32]), Err(NoiseError::Handshake));
    assert!(own(Side::Initiator).finish().is_err());
    assert_eq!(own(Side::Initiator).write(&mut buffer[..31]), Err(NoiseError::Handshake));
    for len in [0, 31, 33] {
        assert_eq!(own(Side::Responder).read(&mut buffer[..len]), Err(NoiseError::Handshake));
    }
    // A point of low order, and after it nothing more.
    let mut responder = own(Side::Responder);
    responder.read(&mut [0; 32]).unwrap();
    assert_eq!(responder.write(&mut buffer), Err(NoiseError::Handshake));
    assert_eq!(responder.write(&mut buffer), Err(NoiseError::Handshake));
}

/// A host on the other end of a line.
struct Host {
    device: Device<TestBoard>,
    transport: Option<Transport>,
    secret: [u8; 32],
}

fn refused(code: Code) -> Result<Vec<u8>, Refusal> {
    Err(Refusal(code.number))
}

impl Host {
    fn new() -> Self {
        let hsm = power_on(TestBoard::new(3));
        Self { device: Device::new(hsm), transport: None, secret: [8; 32] }
    }

    /// Sends a frame: its kind and body.
    fn frame(&mut self, frame: &[u8]) -> (u8, Vec<u8>) {
        let mut answer = [0; MAX_FRAME];
        let len = self.device.answer(&mut frame.to_vec(), &mut answer);
        assert_eq!(answer[0], VERSION);
        (answer[1], answer[2..len].to_vec())
    }

    /// Whether the device knows this host.
    fn connect(&mut self) -> bool {
        let mut handshake = peer(true, self.secret);
        let (mut buffer, mut payload) = ([0; 256], [0; 256]);
        let len = handshake.write_message(&[], &mut buffer).unwrap();
        let (answered, second) = self.frame(&[&[VERSION, kind::OPEN], &buffer[..len]].concat());
        assert_eq!(answered, kind::OPEN);
        handshake.read_message(&second, &mut payload).unwrap();
        let len = handshake.write_message(&[], &mut buffer).unwrap();
        let (answered, paired) = self.frame(&[&[VERSION, kind::CLOSE], &buffer[..len]].concat());
        assert_eq!((answered, paired.len()), (kind::CLOSE, 1));
        self.transport = Some(handshake.finalize().unwrap());
        paired == [1]
    }

    fn seal(&mut self, request: &[u8]) -> Vec<u8> {
        let mut buffer = vec![0; request.len() + 16];
        let len = self.transport.as_mut().unwrap().send(request, &mut buffer).unwrap();
        [&[VERSION, kind::SEALED], &buffer[..len]].concat()
    }

    fn tell<T: Encoded>(&mut self, command: Command, body: &T) -> Result<Vec<u8>, Refusal> {
        let mut buffer = [0; MAX_MESSAGE];
        let request = [&[command as u8], encode(body, &mut buffer).unwrap()].concat();
        let frame = self.seal(&request);
        let (answered, body) = self.frame(&frame);
        if answered == kind::REFUSED {
            return Err(Refusal(u16::from_le_bytes([body[0], body[1]])));
        }
        let mut response = [0; MAX_FRAME];
        let len = self.transport.as_mut().unwrap().receive(&body, &mut response).unwrap();
        match u16::from_le_bytes([response[0], response[1]]) {
            0 => Ok(response[2..len].to_vec()),
            refusal => Err(Refusal(refusal)),
        }
    }

    fn status(&mut self) -> Status {
        decode(&self.tell(Command::Status, &Nothing {}).unwrap()).unwrap()
    }
}

const INITIALISE: fn() -> Initialise<'static> =
    || Initialise { name: name("HSM"), officers_needed: 1, officer: name("ALICE"), pin: b"officer pin" };

#[test]
fn a_host_is_paired_by_comparing_a_code() {
    let mut host = Host::new();
    assert!(!host.connect());
    assert_eq!(host.status().name, None);
    // A stranger may not even initialise the device.
    assert_eq!(host.tell(Command::Initialise, &INITIALISE()), refused(HOST_UNPAIRED));
    host.device.board().confirms = false;
    assert_eq!(host.tell(Command::Pair, &Nothing {}), refused(NOT_CONFIRMED));
    host.device.board().confirms = true;
    host.tell(Command::Pair, &Nothing {}).unwrap();
    let hash = *host.transport.as_ref().unwrap().get_handshake_hash().as_slice().first_chunk().unwrap();
    let shown = host.device.board().shown.last().unwrap().clone();
    assert_eq!(shown, format!("Code: {}", pairing_code(&hash)));
    assert_eq!(pairing_code(&hash).len(), 24);
    host.tell(Command::Initialise, &INITIALISE()).unwrap();
    // The host stays known, the session does not outlive the channel.
    let login = Login { user: name("ALICE"), pin: b"officer pin" };
    host.tell(Command::Login, &login).unwrap();
    assert!(host.status().unlocked);
    assert!(host.connect());
    assert!(!host.status().unlocked);
    // Three more hosts, and no fifth.
    for secret in 20..23 {
        host.secret = [secret; 32];
        assert!(!host.connect());
        host.tell(Command::Pair, &Nothing {}).unwrap();
    }
    host.secret = [50; 32];
    host.connect();
    assert_eq!(host.tell(Command::Pair, &Nothing {}), refused(HOSTS_FULL));
}

/// Whatever is changed in a frame: an answer with a code, and no change of the flash.
#[test]
fn a_frame_that_was_changed_changes_nothing() {
    let mut host = Host::new();
    host.connect();
    host.tell(Command::Pair, &Nothing {}).unwrap();
    host.tell(Command::Initialise, &INITIALISE()).unwrap();
    host.tell(Command::Login, &Login { user: name("ALICE"), pin: b"officer pin" }).unwrap();
    let mut buffer = [0; 256];
    let add = AddUser { user: name("OSCAR"), role: Role::Operator, pin: b"operator pin" };
    let body = encode(&add, &mut buffer).unwrap().to_vec();
    let bytes = host.device.board().disk.bytes.clone();
    let mut board = host.device.board().clone();
    board.disk.restart();
    let frame = host.seal(&[&[Command::AddUser as u8], &body[..]].concat());
    for byte in 0..frame.len() {
        let mut host = Host { device: Device::new(power_on(board.clone())), ..Host::new() };
        assert!(host.connect());
        host.tell(Command::Login, &Login { user: name("ALICE"), pin: b"officer pin" }).unwrap();
        let before = host.device.board().disk.bytes.clone();
        let mut frame = host.seal(&[&[Command::AddUser as u8], &body[..]].concat());
        frame[byte] ^= 0x40;
        let (answered, code) = host.frame(&frame);
        let expected = match byte {
            0 => FRAME_VERSION,
            1 => FRAME_KIND,
            _ => CHANNEL_MESSAGE,
        };
        assert_eq!((answered, code), (kind::REFUSED, expected.number.to_le_bytes().to_vec()), "byte {byte}");
        assert_eq!(host.device.board().disk.bytes, before);
        // What did not open ended the channel; anything else did not.
        let closed = host.tell(Command::Status, &Nothing {}) == refused(CHANNEL_CLOSED);
        assert_eq!(closed, byte > 1);
    }
    // The same frame twice: the second is not the next one.
    assert_eq!(host.frame(&frame).0, kind::SEALED);
    let (answered, code) = host.frame(&frame);
    assert_eq!((answered, code), (kind::REFUSED, CHANNEL_MESSAGE.number.to_le_bytes().to_vec()));
    assert_ne!(host.device.board().disk.bytes, bytes);
}

#[test]
fn frames_out_of_place_are_refused() {
    let mut host = Host::new();
    let code = |code: Code| (kind::REFUSED, code.number.to_le_bytes().to_vec());
    assert_eq!(host.frame(&[]), code(FRAME_LENGTH));
    assert_eq!(host.frame(&[VERSION]), code(FRAME_LENGTH));
    assert_eq!(host.frame(&[0, kind::OPEN]), code(FRAME_VERSION));
    assert_eq!(host.frame(&[VERSION; MAX_FRAME + 1]), code(FRAME_LENGTH));
    assert_eq!(host.frame(&[VERSION, kind::SEALED, 1, 2, 3]), code(CHANNEL_CLOSED));
    assert_eq!(host.frame(&[VERSION, kind::CLOSE]), code(CHANNEL_CLOSED));
    for len in [0, 31, 33, 96] {
        let frame = [&[VERSION, kind::OPEN][..], &vec![7; len]].concat();
        assert_eq!(host.frame(&frame), code(CHANNEL_HANDSHAKE));
    }
    // A third message that is not the host's ends the handshake.
    let mut handshake = peer(true, host.secret);
    let mut buffer = [0; 256];
    let len = handshake.write_message(&[], &mut buffer).unwrap();
    host.frame(&[&[VERSION, kind::OPEN], &buffer[..len]].concat());
    assert_eq!(host.frame(&[&[VERSION, kind::CLOSE][..], &[1; 64]].concat()), code(CHANNEL_HANDSHAKE));
    assert_eq!(host.frame(&[&[VERSION, kind::CLOSE][..], &[1; 64]].concat()), code(CHANNEL_CLOSED));
    // Every kind that is none.
    for kind in 4..=255 {
        assert_eq!(host.frame(&[VERSION, kind, 0, 0]), code(FRAME_KIND));
    }
}
