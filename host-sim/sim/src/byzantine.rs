//! Validators that lie.
//!
//! A liar runs the same node as everybody, and what it sends is changed on its way out: so its lies are always in the right round, over the block
//! under way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use commonware_actor::{Feedback, Unreliable};
use commonware_codec::{Decode, DecodeExt, Encode};
use commonware_consensus::simplex::types::{Finalize, Notarize, Nullify, Proposal, Vote};
use commonware_consensus::{Epochable, Viewable};
use commonware_cryptography::certificate::Attestation;
use commonware_cryptography::ed25519::PublicKey;
use commonware_p2p::utils::mux::parse;
use commonware_p2p::{CheckedSender, LimitedSender, Recipients, Sender};
use commonware_runtime::{IoBuf, IoBufs};
use qenex_consensus::{HeaderId, KeySigner, Scheme, VoteSigner, proposal_of};
use qenex_core::consensus::{self, Round};
use qenex_core::crypto::Hash;
use qenex_node::block::{Batch, Block};
use qenex_validator::block::ChainBlock;
use qenex_validator::gossip::{MAX_MESSAGE_BYTES, pack};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::keys;
use crate::world::LIMITS;

/// How a validator lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lie {
    /// It votes for what it votes for and for something else.
    Equivocate,
    /// It makes two blocks that are both right, for one half of the others each, and votes accordingly.
    Split,
    /// Its blocks reach nobody, or only some.
    Withhold,
    /// Its blocks have a wrong field: a root, the proposer, the view.
    FalseBlock,
    /// It sends bytes that mean nothing.
    Garbage,
    /// It sends again what it sent before.
    Replay,
    /// It makes transfers of others of those that it has seen, with the signatures that these had.
    Forge,
    /// It reports others for votes that they never gave.
    Accuse,
    /// It sends certificates of earlier views, beside the right ones or in their place.
    OldCertificates,
    /// States and checkpoints that it is asked for are wrong in one bit, and it offers what it does not have.
    FalseState,
}

impl Lie {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Equivocate,
        Self::Split,
        Self::Withhold,
        Self::FalseBlock,
        Self::Garbage,
        Self::Replay,
        Self::Forge,
        Self::Accuse,
        Self::OldCertificates,
        Self::FalseState,
    ];

    /// Whether somebody hears two votes that contradict each other. Who splits the others shows each of them one of the two.
    pub const fn is_heard(self) -> bool {
        matches!(self, Self::Equivocate)
    }
}

/// What a channel carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carries {
    /// Votes.
    Votes,
    /// Certificates.
    Certificates,
    /// Certificates that were asked for.
    Fetched,
    /// Blocks.
    Blocks,
    /// Blocks that were asked for.
    Backfill,
    /// Transactions.
    Transactions,
    /// Checkpoints.
    Checkpoints,
    /// States.
    States,
}

/// How many messages are kept to be sent again.
const KEPT: usize = 256;

struct State {
    index: usize,
    lies: Vec<Lie>,
    signer: KeySigner,
    rng: StdRng,
    /// For each own block the false one that was sent in its place.
    false_blocks: HashMap<HeaderId, HeaderId>,
    /// For each own block the other one, and who was sent that.
    splits: HashMap<HeaderId, (HeaderId, Vec<PublicKey>)>,
    sent: HashMap<u8, Vec<Vec<u8>>>,
}

/// The lies of one validator, for all of its channels.
#[derive(Clone)]
pub struct Lies(Option<Arc<Mutex<State>>>);

impl Lies {
    /// Those of a validator; an honest one has none.
    pub fn new(index: usize, lies: Vec<Lie>, seed: u64) -> Self {
        let honest = lies.is_empty();
        let state = State {
            index,
            lies,
            signer: KeySigner(keys::vote_key(index)),
            rng: StdRng::seed_from_u64(seed),
            false_blocks: HashMap::new(),
            splits: HashMap::new(),
            sent: HashMap::new(),
        };
        Self((!honest).then(|| Arc::new(Mutex::new(state))))
    }

    /// The sender of a channel.
    pub fn over<S>(&self, inner: S, carries: Carries) -> Liar<S> {
        Liar { inner, carries, state: self.0.clone() }
    }
}

/// A sender that lies, if its validator does.
#[derive(Clone)]
pub struct Liar<S> {
    inner: S,
    carries: Carries,
    state: Option<Arc<Mutex<State>>>,
}

/// A sender that has looked whom it may send to.
pub struct Checked<'a, S: Sender<PublicKey = PublicKey> + 'a> {
    checked: S::Checked<'a>,
    more: Option<Liar<S>>,
}

impl<S: Sender<PublicKey = PublicKey>> LimitedSender for Liar<S> {
    type PublicKey = PublicKey;
    type Checked<'a> = Checked<'a, S>;

    fn check(&mut self, recipients: Recipients<PublicKey>) -> Result<Checked<'_, S>, SystemTime> {
        let more = self.state.is_some().then(|| self.clone());
        Ok(Checked { checked: self.inner.check(recipients)?, more })
    }
}

impl<S: Sender<PublicKey = PublicKey>> CheckedSender for Checked<'_, S> {
    type PublicKey = PublicKey;

    fn recipients(&self) -> Vec<PublicKey> {
        self.checked.recipients()
    }

    fn send(self, message: impl Into<IoBufs> + Send, priority: bool) -> Unreliable<Feedback> {
        let Some(mut liar) = self.more else { return self.checked.send(message, priority) };
        let Some(state) = liar.state.clone() else { return self.checked.send(message, priority) };
        let recipients = self.checked.recipients();
        let message: IoBufs = message.into();
        let message = message.coalesce();
        let told = {
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            state.tell(liar.carries, message.as_ref(), &recipients)
        };
        for (to, lie) in told.more {
            liar.inner.send(Recipients::Some(to), IoBuf::from(lie), priority);
        }
        match told.instead {
            Some(instead) => self.checked.send(IoBuf::from(instead), priority),
            None => Unreliable::new(Feedback::Ok),
        }
    }
}

/// What is sent where a message was to be.
struct Told {
    /// To those that the message was for; nothing is sent to them otherwise.
    instead: Option<Vec<u8>>,
    /// To others of them.
    more: Vec<(Vec<PublicKey>, Vec<u8>)>,
}

impl State {
    fn has(&self, lie: Lie) -> bool {
        self.lies.contains(&lie)
    }

    /// Some of the recipients.
    fn some_of(&mut self, recipients: &[PublicKey]) -> Vec<PublicKey> {
        recipients.iter().filter(|_| self.rng.random()).cloned().collect()
    }

    fn tell(&mut self, carries: Carries, message: &[u8], recipients: &[PublicKey]) -> Told {
        let mut told = Told { instead: Some(message.to_vec()), more: Vec::new() };
        match carries {
            Carries::Votes => self.about_vote(message, recipients, &mut told),
            Carries::Blocks => self.about_block(message, recipients, &mut told),
            Carries::Transactions => self.about_transactions(message, recipients, &mut told),
            Carries::Certificates if self.has(Lie::OldCertificates) => {
                let old = self.old(carries, message);
                if self.rng.random_range(0..4) == 0 {
                    told.instead = None;
                }
                told.more.push((self.some_of(recipients), old));
            }
            Carries::States if self.has(Lie::FalseState) => told.instead = Some(self.false_state(message)),
            Carries::Certificates
            | Carries::Fetched
            | Carries::Backfill
            | Carries::Checkpoints
            | Carries::States => {}
        }
        if self.has(Lie::Garbage) && self.rng.random_range(0..8) == 0 {
            let mut garbage = message.to_vec();
            match self.rng.random_range(0..3) {
                0 => garbage.iter_mut().for_each(|byte| *byte = self.rng.random()),
                1 => garbage.truncate(self.rng.random_range(0..=message.len())),
                _ => {
                    let at = self.rng.random_range(0..message.len().max(1));
                    garbage
                        .iter_mut()
                        .skip(at)
                        .take(1)
                        .for_each(|byte| *byte ^= 1 << self.rng.random_range(0..8));
                }
            }
            told.more.push((self.some_of(recipients), garbage));
        }
        if self.has(Lie::Replay) {
            let old = self.old(carries, message);
            if self.rng.random_range(0..4) == 0 {
                told.more.push((self.some_of(recipients), old));
            }
        }
        told
    }

    /// A message of the same channel that was to be sent before, or is now.
    fn old(&mut self, carries: Carries, message: &[u8]) -> Vec<u8> {
        let sent = self.sent.entry(carries as u8).or_default();
        if sent.len() < KEPT {
            sent.push(message.to_vec());
        }
        sent[self.rng.random_range(0..sent.len())].clone()
    }

    /// A message about states with a bit that is wrong, behind what it is about.
    fn false_state(&mut self, message: &[u8]) -> Vec<u8> {
        let mut wrong = message.to_vec();
        let from = match message.first() {
            // An offer: the epoch itself.
            Some(1) => 1,
            Some(3) => 9,
            Some(5) => 13,
            _ => return wrong,
        };
        if from < wrong.len() && self.rng.random_range(0..4) != 0 {
            let at = self.rng.random_range(from..wrong.len());
            wrong[at] ^= 1 << self.rng.random_range(0..8);
        }
        wrong
    }

    /// Transactions that nobody signed.
    fn about_transactions(&mut self, message: &[u8], recipients: &[PublicKey], told: &mut Told) {
        let mut lies = Vec::new();
        if self.has(Lie::Forge)
            && let Some(batch) = Batch::unpack(message)
        {
            lies.extend(batch.get(0).and_then(keys::forged));
        }
        if self.has(Lie::Accuse) {
            let other = usize::from(self.index == 0);
            lies.push(keys::accusation(self.index, other));
        }
        for lie in lies {
            let message = pack(&mut [lie.as_slice()].into_iter().peekable(), MAX_MESSAGE_BYTES);
            told.more.push((self.some_of(recipients), message));
        }
    }

    /// A vote of the liar's for something else; `None` where the message is no vote of its own.
    fn about_vote(&mut self, message: &[u8], recipients: &[PublicKey], told: &mut Told) {
        let Ok((epoch, vote)) = parse(IoBuf::from(message.to_vec())) else { return };
        let prefix = message[..message.len() - vote.len()].to_vec();
        let Ok(vote) = Vote::<Scheme, HeaderId>::decode(vote) else { return };
        debug_assert_eq!(epoch, vote.epoch().get());
        let round = Round { epoch, view: vote.view().get() };
        let framed = |vote: Vote<Scheme, HeaderId>| [prefix.as_slice(), &vote.encode()].concat();
        if let Vote::Notarize(Notarize { proposal, attestation })
        | Vote::Finalize(Finalize { proposal, attestation }) = &vote
            && let Some((other, those)) = self.splits.get(&proposal.payload).cloned()
        {
            let proposal = Proposal { payload: other, ..proposal.clone() };
            let lie = if matches!(vote, Vote::Notarize(_)) {
                self.notarize(proposal, attestation)
            } else {
                self.finalize(proposal, attestation)
            };
            let rest = recipients.iter().filter(|peer| !those.contains(peer)).cloned().collect();
            told.instead = None;
            told.more.push((rest, message.to_vec()));
            told.more.extend(lie.map(|lie| (those, framed(lie))));
            return;
        }
        match vote {
            Vote::Notarize(given) => {
                if let Some(payload) = self.false_blocks.get(&given.proposal.payload) {
                    let proposal = Proposal { payload: *payload, ..given.proposal.clone() };
                    if let Some(vote) = self.notarize(proposal, &given.attestation) {
                        told.instead = Some(framed(vote));
                    }
                } else if self.has(Lie::Equivocate) {
                    let payload = HeaderId(Hash(self.rng.random()));
                    let proposal = Proposal { payload, ..given.proposal.clone() };
                    if let Some(vote) = self.notarize(proposal, &given.attestation) {
                        told.more.push((self.some_of(recipients), framed(vote)));
                    }
                }
            }
            Vote::Finalize(given) if self.has(Lie::Equivocate) => {
                let nullify = consensus::Vote::Nullify(round);
                if let Some(attestation) = self.sign(&nullify, &given.attestation) {
                    let vote = Vote::Nullify(Nullify { round: given.proposal.round, attestation });
                    told.more.push((self.some_of(recipients), framed(vote)));
                }
                let proposal = Proposal { payload: HeaderId(Hash(self.rng.random())), ..given.proposal };
                if let Some(vote) = self.finalize(proposal, &given.attestation) {
                    told.more.push((self.some_of(recipients), framed(vote)));
                }
            }
            Vote::Finalize(_) | Vote::Nullify(_) => {}
        }
    }

    fn notarize(
        &self,
        proposal: Proposal<HeaderId>,
        as_in: &Attestation<Scheme>,
    ) -> Option<Vote<Scheme, HeaderId>> {
        let attestation = self.sign(&consensus::Vote::Notarize(proposal_of(&proposal)?), as_in)?;
        Some(Vote::Notarize(Notarize { proposal, attestation }))
    }

    fn finalize(
        &self,
        proposal: Proposal<HeaderId>,
        as_in: &Attestation<Scheme>,
    ) -> Option<Vote<Scheme, HeaderId>> {
        let attestation = self.sign(&consensus::Vote::Finalize(proposal_of(&proposal)?), as_in)?;
        Some(Vote::Finalize(Finalize { proposal, attestation }))
    }

    fn sign(&self, vote: &consensus::Vote, as_in: &Attestation<Scheme>) -> Option<Attestation<Scheme>> {
        let signature = self.signer.sign(&keys::chain_id(), vote).ok()?;
        Some(Attestation { signer: as_in.signer, signature: signature.into() })
    }

    fn about_block(&mut self, message: &[u8], recipients: &[PublicKey], told: &mut Told) {
        if self.has(Lie::Withhold) && self.rng.random_range(0..3) != 0 {
            told.instead = None;
            if self.rng.random() {
                told.more.push((self.some_of(recipients), message.to_vec()));
            }
            return;
        }
        if !self.has(Lie::FalseBlock) && !self.has(Lie::Split) {
            return;
        }
        let Ok(block) = ChainBlock::decode_cfg(message.to_vec(), &ChainBlock::max_bytes(LIMITS)) else {
            return;
        };
        let mut header = block.header().clone();
        let transactions = block.prepared().batch.clone();
        if self.has(Lie::Split) {
            // The time is in no record: the roots stay what they were.
            header.time_ms += 1;
            let other = ChainBlock::new(Block { header, transactions });
            let those = self.some_of(recipients);
            let rest = recipients.iter().filter(|peer| !those.contains(peer)).cloned().collect();
            told.instead = None;
            told.more.push((rest, message.to_vec()));
            told.more.push((those.clone(), other.encode().to_vec()));
            self.splits.insert(block.id(), (other.id(), those));
            return;
        }
        match self.rng.random_range(0..6) {
            0 => header.state_root = Hash(self.rng.random()),
            1 => header.receipt_root = Hash(self.rng.random()),
            2 => header.proposer = keys::client_account(0),
            3 => header.next_validators = Hash(self.rng.random()),
            4 => header.view += 1,
            _ => header.height += 1,
        }
        let lie = ChainBlock::new(Block { header, transactions });
        self.false_blocks.insert(block.id(), lie.id());
        told.instead = Some(lie.encode().to_vec());
    }
}
