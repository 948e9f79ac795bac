//! What a validator has signed, over all of its lives: nothing may contradict anything.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use qenex_consensus::{Certificate, Signature, Validators, VoteKey, VoteSigner};
use qenex_core::consensus::{Guard, Header, MARK_BYTES, Mark, Proposal, Recorded, Round, Vote};
use qenex_core::error::{Code, Coded};
use qenex_core::id::ChainId;

/// The votes of one validator, for as long as a run takes.
#[derive(Clone, Debug, Default)]
pub struct Given(Arc<Mutex<Votes>>);

#[derive(Debug)]
struct Votes {
    /// What a device remembers.
    guard: Guard,
    by_round: BTreeMap<Round, Vec<Vote>>,
    contradiction: Option<(Vote, Vote)>,
}

impl Default for Votes {
    fn default() -> Self {
        Self { guard: Guard::new(0), by_round: BTreeMap::new(), contradiction: None }
    }
}

/// What a device remembers of a proposal, without its key.
fn mark(vote: &Vote) -> Mark {
    let mut mark = [0; MARK_BYTES];
    let proposal = vote.proposal().map(|proposal| proposal.header.0).unwrap_or_default();
    mark.iter_mut().zip(proposal).for_each(|(mark, byte)| *mark = byte);
    mark
}

impl Given {
    /// Two votes that contradict each other, if there are any.
    pub fn contradiction(&self) -> Option<(Vote, Vote)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contradiction
    }
}

/// A key whose votes are looked at.
#[derive(Debug)]
pub struct WatchedSigner {
    /// The key: in a device, or in memory.
    pub key: Arc<dyn VoteSigner>,
    /// What it has signed.
    pub given: Given,
    /// Whether it refuses what a device refuses, where the key is in memory.
    pub guarded: bool,
}

impl VoteSigner for WatchedSigner {
    fn vote_key(&self) -> VoteKey {
        self.key.vote_key()
    }

    fn sign(&self, chain_id: &ChainId, vote: &Vote) -> Result<Signature, Code> {
        let mut given = self.given.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mark = mark(vote);
        let judged = given.guard.judge(vote, &mark);
        if self.guarded {
            judged.map_err(|error| error.code())?;
        }
        if judged == Ok(Recorded::New) {
            given.guard.recall(vote.round(), vote.kind(), &mark);
        }
        let signature = self.key.sign(chain_id, vote)?;
        let in_round = given.by_round.entry(vote.round()).or_default();
        let against = in_round.iter().find(|other| contradict(other, vote)).copied();
        if !in_round.contains(vote) {
            in_round.push(*vote);
        }
        if let Some(other) = against {
            given.contradiction.get_or_insert((other, *vote));
        }
        Ok(signature)
    }

    fn trusted_height(&self) -> Result<Option<u64>, Code> {
        self.key.trusted_height()
    }

    fn follow(
        &self,
        header: &Header,
        proposal: &Proposal,
        validators: &Validators,
        certificate: &Certificate,
    ) -> Result<(), Code> {
        self.key.follow(header, proposal, validators, certificate)
    }
}

/// Whether an honest validator gives at most one of two votes of one round: written out, not taken from the rule that is tested.
fn contradict(one: &Vote, other: &Vote) -> bool {
    match (one, other) {
        (Vote::Nullify(_), Vote::Finalize(_)) | (Vote::Finalize(_), Vote::Nullify(_)) => true,
        (Vote::Nullify(_), _) | (_, Vote::Nullify(_)) => false,
        (Vote::Notarize(one) | Vote::Finalize(one), Vote::Notarize(other) | Vote::Finalize(other)) => {
            one != other
        }
    }
}
