//! Who signs votes.

use std::fmt;
use std::io::{Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

use qenex_core::codec;
use qenex_core::consensus::{Header, Proposal, Vote};
use qenex_core::crypto::ed25519::SecretKey;
use qenex_core::crypto::{Purpose, Scheme, signing_digest, verify};
use qenex_core::error::{Code, Coded};
use qenex_core::hsm::proto::{BeginHeader, Command, GiveVote, Index, KeyInfo, Nothing, Signed, Status};
use qenex_core::id::ChainId;
use qenex_device::{Client, DeviceError};

use crate::certificate::{Certificate, Signature};
use crate::checkpoint::DeviceCheckpointSigner;
use crate::validators::{Validators, VoteKey};

/// Signs votes with one key. The same vote has the same signature whenever it is asked for.
pub trait VoteSigner: fmt::Debug + Send + Sync {
    /// The key.
    fn vote_key(&self) -> VoteKey;

    /// The signature of a vote on this chain.
    ///
    /// # Errors
    /// The code of why it is refused.
    fn sign(&self, chain_id: &ChainId, vote: &Vote) -> Result<Signature, Code>;

    /// The height of the newest header that a device believes; nothing for who believes none.
    ///
    /// # Errors
    /// The device cannot be asked.
    fn trusted_height(&self) -> Result<Option<u64>, Code>;

    /// Takes a final header: a device votes in the epoch that it trusts and in the next one only.
    ///
    /// # Errors
    /// The code of why it is not believed.
    fn follow(
        &self,
        header: &Header,
        proposal: &Proposal,
        validators: &Validators,
        certificate: &Certificate,
    ) -> Result<(), Code>;
}

/// A key in memory. It has no guard: whoever uses it for a validator that can be restarted relies on the engine's journal.
#[derive(Debug)]
pub struct KeySigner(pub SecretKey);

impl VoteSigner for KeySigner {
    fn vote_key(&self) -> VoteKey {
        self.0.public_key()
    }

    fn sign(&self, chain_id: &ChainId, vote: &Vote) -> Result<Signature, Code> {
        self.0.sign(Purpose::Vote, &vote.id(chain_id)).map_err(|error| error.code())
    }

    /// A key has nothing to believe.
    fn trusted_height(&self) -> Result<Option<u64>, Code> {
        Ok(None)
    }

    /// A key has nothing to believe.
    fn follow(&self, _: &Header, _: &Proposal, _: &Validators, _: &Certificate) -> Result<(), Code> {
        Ok(())
    }
}

/// A key in a device, behind its guard.
pub struct DeviceSigner<S> {
    client: Arc<Mutex<Client<S>>>,
    slot: u8,
    vote_key: VoteKey,
}

/// The public key in a slot.
fn public_key<S: Read + Write>(client: &mut Client<S>, slot: u8) -> Result<Vec<u8>, DeviceError> {
    let body = client.ask(Command::DescribeKey, &Index { index: slot })?;
    let info: KeyInfo<'_> = codec::decode(&body).map_err(|_| DeviceError::Message)?;
    Ok(info.public_key.to_vec())
}

impl<S: Read + Write> DeviceSigner<S> {
    /// The key in this slot of a device, on a channel where an operator is logged in.
    ///
    /// # Errors
    /// The device has no Ed25519 key there, or cannot be asked.
    pub fn new(mut client: Client<S>, slot: u8) -> Result<Self, DeviceError> {
        let vote_key = public_key(&mut client, slot)?.try_into().map_err(|_| DeviceError::Message)?;
        Ok(Self { client: Arc::new(Mutex::new(client)), slot, vote_key })
    }

    /// Who signs checkpoints with the key in another slot of the same device.
    ///
    /// # Errors
    /// The device has no key there, or cannot be asked.
    pub fn checkpoint_signer(&self, slot: u8) -> Result<DeviceCheckpointSigner<S>, DeviceError> {
        let public_key = public_key(&mut self.client(), slot)?;
        Ok(DeviceCheckpointSigner::new(Arc::clone(&self.client), slot, public_key))
    }

    /// A channel on which another thread panicked is as good as before: each request stands for itself.
    fn client(&self) -> std::sync::MutexGuard<'_, Client<S>> {
        self.client.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn vote(&self, vote: &Vote) -> Result<Signature, DeviceError> {
        let body = self.client().ask(Command::Vote, &GiveVote { slot: self.slot, vote: *vote })?;
        let signed: Signed<'_> = codec::decode(&body).map_err(|_| DeviceError::Message)?;
        signed.signature.try_into().map_err(|_| DeviceError::Message)
    }
}

impl<S: Read + Write + Send> VoteSigner for DeviceSigner<S> {
    fn vote_key(&self) -> VoteKey {
        self.vote_key
    }

    fn sign(&self, chain_id: &ChainId, vote: &Vote) -> Result<Signature, Code> {
        let signature = self.vote(vote).map_err(|error| error.code())?;
        // The device signs for the chain that it trusts.
        let digest = signing_digest(Scheme::Ed25519, Purpose::Vote, &vote.id(chain_id));
        verify(Scheme::Ed25519, &self.vote_key, &digest, &signature).map_err(|error| error.code())?;
        Ok(signature)
    }

    fn trusted_height(&self) -> Result<Option<u64>, Code> {
        let status: Status = self.client().get(Command::Status, &Nothing {}).map_err(|error| error.code())?;
        Ok(status.trusted.map(|trusted| trusted.height))
    }

    fn follow(
        &self,
        header: &Header,
        proposal: &Proposal,
        validators: &Validators,
        certificate: &Certificate,
    ) -> Result<(), Code> {
        let members: Vec<_> = validators.members(certificate).map_err(|error| error.code())?.collect();
        let (header, signers) = (header.clone(), certificate.signers().0);
        let request = BeginHeader { header, proposal: *proposal, signers };
        self.client().follow(&request, &members).map_err(|error| error.code())
    }
}

impl<S> fmt::Debug for DeviceSigner<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceSigner").field("slot", &self.slot).finish_non_exhaustive()
    }
}
