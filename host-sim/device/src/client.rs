//! The host's side of the protocol ([`qenex_core::hsm::client`]) over sockets and serial lines, with answers that own their bytes.

use std::io::{ErrorKind, Read, Write};
use std::path::Path;
use std::time::Duration;

use qenex_core::codec::{self, Encoded};
use qenex_core::consensus::Header;
use qenex_core::crypto::Scheme;
use qenex_core::hsm::Refusal;
use qenex_core::hsm::channel::PairingCode;
use qenex_core::hsm::client::{self, Member, Transport};
use qenex_core::hsm::proto::{Approve, BeginHeader, Command, MAX_FRAME};
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::error::DeviceError;
use crate::line::Line;
use crate::port::Port;

/// How long a device may take to answer a host that calls: much longer than one that is free.
const PATIENCE: Duration = Duration::from_secs(10);

/// An open channel to a device.
pub struct Client<S>(client::Client<Line<S>>);

/// A transaction's witness: what the records are, and the proof that they are.
pub struct Witness {
    /// For each record in the order of the keys: its encoding, empty where there is none.
    pub records: Vec<Vec<u8>>,
    /// The multi-proof for all keys.
    pub proof: Vec<u8>,
}

/// A final header with the votes that made it final: what a device follows a chain by.
#[derive(Clone, Debug)]
pub struct CertifiedHeader {
    request: BeginHeader,
    members: Vec<OwnedMember>,
}

/// A member of the set, as [`Member`] lends it.
#[derive(Clone, Debug)]
struct OwnedMember {
    scheme: Scheme,
    public_key: Vec<u8>,
    finality_key: [u8; 32],
    signature: Option<Vec<u8>>,
}

impl OwnedMember {
    fn lend(&self) -> Member<'_> {
        Member {
            scheme: self.scheme,
            public_key: &self.public_key,
            finality_key: &self.finality_key,
            signature: self.signature.as_deref(),
        }
    }
}

impl CertifiedHeader {
    /// A header, and all members of its set in their order.
    pub fn new<'a>(request: BeginHeader, members: impl Iterator<Item = Member<'a>>) -> Self {
        let owned = |member: Member<'_>| OwnedMember {
            scheme: member.scheme,
            public_key: member.public_key.to_vec(),
            finality_key: *member.finality_key,
            signature: member.signature.map(<[u8]>::to_vec),
        };
        Self { request, members: members.map(owned).collect() }
    }

    /// The header.
    pub const fn header(&self) -> &Header {
        &self.request.header
    }
}

impl<S: Read + Write> Transport for Line<S> {
    type Error = DeviceError;

    fn exchange(&mut self, frame: &[u8], answer: &mut [u8; MAX_FRAME]) -> Result<usize, DeviceError> {
        self.send(frame)?;
        let hung_up = || DeviceError::Line(std::io::ErrorKind::UnexpectedEof.into());
        let received = self.receive()?.ok_or_else(hung_up)?;
        answer.get_mut(..received.len()).ok_or(DeviceError::Frame)?.copy_from_slice(&received);
        Ok(received.len())
    }
}

impl Client<Port> {
    /// Opens a channel to the device at a socket or a serial line.
    ///
    /// # Errors
    /// Nobody listens there or answers, or the handshake does not succeed.
    pub fn connect(
        path: &Path,
        static_key: &Zeroizing<[u8; 32]>,
        known: Option<&[u8; 32]>,
    ) -> Result<Self, DeviceError> {
        Self::connect_within(PATIENCE, path, static_key, known)
    }

    /// The same, where each answer to the handshake must come within so much time. What is asked later may wait for a person.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub fn connect_within(
        patience: Duration,
        path: &Path,
        static_key: &Zeroizing<[u8; 32]>,
        known: Option<&[u8; 32]>,
    ) -> Result<Self, DeviceError> {
        let failed = |error| DeviceError::File(path.display().to_string(), error);
        let mut port = Port::open(path).map_err(failed)?;
        port.wait(Some(patience));
        let mut client = Self::open(port, static_key, known).map_err(|error| match error {
            DeviceError::Line(error) if error.kind() == ErrorKind::TimedOut => DeviceError::Busy,
            error => error,
        })?;
        client.0.transport_mut().stream_mut().wait(None);
        Ok(client)
    }

    /// Ends the channel, whoever else has a copy of the port: a process that was forked off inherits one.
    pub fn hang_up(self) {
        self.0.into_transport().into_inner().hang_up();
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
        let mut ephemeral = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *ephemeral).map_err(|error| DeviceError::Line(std::io::Error::other(error)))?;
        Ok(Self(client::Client::open(Line::new(stream), static_key.clone(), ephemeral, known)?))
    }

    /// Whether the device knows this host.
    pub const fn is_paired(&self) -> bool {
        self.0.is_paired()
    }

    /// The device's static key, by which it is known again.
    pub const fn device_key(&self) -> &[u8; 32] {
        self.0.device_key()
    }

    /// The code that a person compares with the one on the device's panel.
    pub fn pairing_code(&self) -> PairingCode {
        self.0.pairing_code()
    }

    /// Gives a command and returns the body of the response.
    ///
    /// # Errors
    /// The device refused, or the channel is broken.
    pub fn ask<T: Encoded>(&mut self, command: Command, body: &T) -> Result<Vec<u8>, DeviceError> {
        Ok(self.0.ask(command, body)?.to_vec())
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
        codec::decode::<R>(self.0.ask(command, body)?).map_err(|_| DeviceError::Message)
    }

    /// Gives a command without body.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub fn tell(&mut self, command: Command) -> Result<(), DeviceError> {
        Ok(self.0.tell(command)?)
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
        let witness =
            witness.map(|Witness { records, proof }| client::Witness { records: records.as_slice(), proof });
        Ok(self.0.bring(slot, transaction, pending, witness.as_ref())?)
    }

    /// Begins to bring a transaction to be signed: itself, and those before it. For whoever has approvals, which may have to come before the witness.
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
        self.0.begin_sign(slot, witnessed, transaction)?;
        Ok(pending.iter().try_for_each(|bytes| self.0.pending(bytes))?)
    }

    /// Brings the witness of the transaction that was begun.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub fn prove(&mut self, witness: &Witness) -> Result<(), DeviceError> {
        self.0.records(&witness.records)?;
        Ok(self.0.proof(&witness.proof)?)
    }

    /// Brings the approval of a person. One that is longer than a request must come before the witness.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub fn approve(&mut self, approval: &Approve<'_>) -> Result<(), DeviceError> {
        Ok(self.0.approve(approval)?)
    }

    /// What the device would say of the transaction that was brought: nothing, or why not.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub fn judge(&mut self) -> Result<Option<Refusal>, DeviceError> {
        Ok(self.0.judge()?)
    }

    /// The signature of the transaction that was brought.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub fn sign(&mut self) -> Result<Vec<u8>, DeviceError> {
        Ok(self.0.sign()?.to_vec())
    }

    /// The signature of raw data by the key of plain use in a slot.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub fn sign_data(&mut self, slot: u8, data: &[u8]) -> Result<Vec<u8>, DeviceError> {
        Ok(self.0.sign_data(slot, data)?.to_vec())
    }

    /// The signature of the checkpoint of the header that the device trusts, by the key of checkpoints in a slot.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub fn checkpoint(&mut self, slot: u8) -> Result<Vec<u8>, DeviceError> {
        Ok(self.0.checkpoint(slot)?.to_vec())
    }

    /// Fills bytes from the device's source of entropy.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub fn random(&mut self, bytes: &mut [u8]) -> Result<(), DeviceError> {
        Ok(self.0.random(bytes)?)
    }

    /// Brings a header with its certificate: all members of the set, in its order.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub fn follow(&mut self, header: &BeginHeader, members: &[Member<'_>]) -> Result<(), DeviceError> {
        Ok(self.0.follow(header, members)?)
    }

    /// Brings a header with its certificate.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub fn follow_certified(&mut self, certified: &CertifiedHeader) -> Result<(), DeviceError> {
        let members: Vec<Member<'_>> = certified.members.iter().map(OwnedMember::lend).collect();
        self.follow(&certified.request, &members)
    }

    /// Brings a new image, which the device tries at its next start.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub fn update(&mut self, manifest: &[u8], image: &[u8]) -> Result<(), DeviceError> {
        Ok(self.0.update(manifest, image)?)
    }

    /// Restores a root from shares that are sealed to the device ([`qenex_core::hsm::shares`]), each with its manifest.
    ///
    /// # Errors
    /// As [`Self::ask`]; or these are no shares, or not of one backup.
    pub fn restore_shares(&mut self, shares: &[impl AsRef<[u8]>]) -> Result<(), DeviceError> {
        Ok(self.0.restore_shares(shares)?)
    }
}
