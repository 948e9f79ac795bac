//! The chain of the tests: its validators, and headers that they sign.

use anyhow::Result;
use qenex_core::consensus::{Header, Proposal, Round, SetHasher, SignerSet, Vote, quorum};
use qenex_core::crypto::ed25519::SecretKey;
use qenex_core::crypto::{Hash, Purpose, Scheme};
use qenex_core::hsm::proto::{Anchor, BeginHeader, Command, Members};
use qenex_core::id::{AccountId, ChainId};

use crate::device::Session;

/// The epoch of the chain.
pub const EPOCH: u64 = 4;

/// Bytes of members in one request.
const PIECE: usize = 3_072;

/// Its id.
pub fn chain_id() -> Result<ChainId> {
    Ok(ChainId::new("QENEX-TEST")?)
}

/// A chain.
pub struct Chain {
    /// Its validators, in the order of their set.
    validators: Vec<SecretKey>,
    state_root: Hash,
}

impl Chain {
    /// With so many validators, and this state after every header.
    pub fn new(validators: u8, state_root: Hash) -> Result<Self> {
        let keys = (1..=validators).map(|seed| SecretKey::from_seed(&[seed; 32]));
        let mut validators = keys.collect::<Result<Vec<_>, _>>()?;
        validators.sort_by_key(SecretKey::public_key);
        Ok(Self { validators, state_root })
    }

    /// A header.
    fn header(&self, height: u64) -> Result<Header> {
        let mut set = SetHasher::new();
        for key in &self.validators {
            set.push(Scheme::Ed25519, &key.public_key())?;
        }
        let set = set.finish()?;
        Ok(Header {
            protocol: Header::PROTOCOL,
            chain_id: chain_id()?,
            epoch: EPOCH,
            height,
            parent: Hash([1; 32]),
            time_ms: height * 1_000,
            proposer: AccountId::new("VALIDATOR_1")?,
            transaction_root: Hash([2; 32]),
            state_root: self.state_root,
            receipt_root: Hash([4; 32]),
            validators: set,
            next_validators: set,
            seal: Default::default(),
        })
    }

    /// How many of the validators sign a header.
    pub fn quorum(&self) -> u8 {
        quorum(self.validators.len() as u8)
    }

    /// Anchors a device at a height.
    pub fn anchor(&self, session: &mut Session<'_>, height: u64) -> Result<()> {
        let anchor = Anchor { trusting_period_ms: 1_000_000, header: self.header(height)? };
        session.ask(Command::Anchor, &anchor)?;
        Ok(())
    }

    /// Brings a header with the signatures of a quorum.
    pub fn follow(&self, session: &mut Session<'_>, height: u64) -> Result<()> {
        let header = self.header(height)?;
        let round = Round { epoch: EPOCH, view: height };
        let proposal = Proposal { round, parent_view: 1, header: header.id() };
        let mut signers = SignerSet::default();
        (0..self.quorum()).for_each(|index| signers.insert(index));
        let vote = Vote::Finalize(proposal).id(&header.chain_id);
        session.ask(Command::BeginHeader, &BeginHeader { header, proposal, signers: signers.0 })?;
        let mut members = Vec::new();
        for (index, key) in (0..).zip(&self.validators) {
            if members.len() + 1 + 32 + 64 > PIECE {
                session.ask(Command::Members, &Members { members: &members })?;
                members.clear();
            }
            members.push(Scheme::Ed25519.number());
            members.extend(key.public_key());
            if signers.contains(index) {
                members.extend(key.sign(Purpose::Vote, &vote)?);
            }
        }
        session.ask(Command::Members, &Members { members: &members })?;
        session.tell(Command::FinishHeader)?;
        Ok(())
    }
}
