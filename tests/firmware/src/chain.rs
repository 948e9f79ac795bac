//! The chain of the tests: its validators, and headers that they sign.

use anyhow::Result;
use qenex_core::consensus::{Checkpoint, Header, Proposal, Round, SetHasher, SignerSet, Vote, quorum};
use qenex_core::crypto::ed25519::SecretKey;
use qenex_core::crypto::{self, Hash, Purpose, Scheme};
use qenex_core::hsm::proto::{Anchor, BeginHeader, Command, Members};
use qenex_core::id::{AccountId, ChainId};

use crate::device::Session;

/// The epoch of the chain.
pub const EPOCH: u64 = 4;

/// The hash of every validator's key of checkpoints.
const FINALITY_KEY: [u8; 32] = [7; 32];

/// Bytes of members in one request.
const PIECE: usize = 3_072;

/// Its id.
pub fn chain_id() -> Result<ChainId> {
    Ok(ChainId::new("QENEX-TEST")?)
}

/// A header and its certificate, as a device takes them.
pub struct Certified {
    /// The header.
    pub begin: BeginHeader,
    /// The validators with their signatures, in as many requests.
    pub members: Vec<Vec<u8>>,
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
        Self::with_validators(1..=validators, state_root)
    }

    /// With the validators of these seeds.
    pub fn with_validators(seeds: impl Iterator<Item = u8>, state_root: Hash) -> Result<Self> {
        let keys = seeds.map(|seed| SecretKey::from_seed(&[seed; 32]));
        let mut validators = keys.collect::<Result<Vec<_>, _>>()?;
        validators.sort_by_key(SecretKey::public_key);
        Ok(Self { validators, state_root })
    }

    /// A header.
    fn header(&self, height: u64) -> Result<Header> {
        let mut set = SetHasher::new();
        for key in &self.validators {
            set.push(Scheme::Ed25519, &key.public_key(), &FINALITY_KEY)?;
        }
        let set = set.finish()?;
        Ok(Header {
            protocol: Header::PROTOCOL,
            chain_id: chain_id()?,
            epoch: EPOCH,
            view: 0,
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

    /// Checks the signature of the checkpoint of a height.
    pub fn verify_checkpoint(&self, public_key: &[u8], height: u64, signature: &[u8]) -> Result<()> {
        let checkpoint = Checkpoint::of(&self.header(height)?);
        Ok(crypto::verify(Scheme::Hybrid, public_key, &checkpoint.digest(), signature)?)
    }

    /// Brings a header with the signatures of a quorum.
    pub fn follow(&self, session: &mut Session<'_>, height: u64) -> Result<()> {
        let final_ = self.certified(height, self.quorum())?;
        session.ask(Command::BeginHeader, &final_.begin)?;
        for members in &final_.members {
            session.ask(Command::Members, &Members { members })?;
        }
        session.tell(Command::FinishHeader)?;
        Ok(())
    }

    /// A header and its certificate, which so many of the validators signed.
    pub fn certified(&self, height: u64, signatures: u8) -> Result<Certified> {
        let header = self.header(height)?;
        let round = Round { epoch: EPOCH, view: height };
        let proposal = Proposal { round, parent_view: 1, header: header.id() };
        let mut signers = SignerSet::default();
        (0..signatures).for_each(|index| signers.insert(index));
        let vote = Vote::Finalize(proposal).id(&header.chain_id);
        let mut members = vec![Vec::new()];
        for (index, key) in (0..).zip(&self.validators) {
            let mut member = vec![Scheme::Ed25519.number()];
            member.extend(key.public_key());
            member.extend(FINALITY_KEY);
            if signers.contains(index) {
                member.extend(key.sign(Purpose::Vote, &vote)?);
            }
            match members.last_mut() {
                Some(piece) if piece.len() + member.len() <= PIECE => piece.extend(member),
                _ => members.push(member),
            }
        }
        Ok(Certified { begin: BeginHeader { header, proposal, signers: signers.0 }, members })
    }
}
