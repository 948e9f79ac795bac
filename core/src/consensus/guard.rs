//! The vote guard: which votes may be given after those that were.
//!
//! In each round a validator gives at most one vote to notarize, one to nullify and one to finalize. Nullify and
//! finalize exclude each other, and what is notarized and finalized is the same proposal. A vote that was given may be
//! given again within the last [`GUARDED_VIEWS`] views; what is older is refused, whatever it says.
//!
//! The guard decides; who holds it makes a new mark durable *before* the vote is signed, and after a restart gives it the
//! marks back with [`Guard::recall`]. Marks that were written but whose votes were never released do no harm: they
//! only refuse more.

use super::vote::{Round, Vote, VoteKind};
use crate::error::error_enum;

/// How many views back a vote may be repeated.
pub const GUARDED_VIEWS: usize = 16;

/// Length of a mark.
pub const MARK_BYTES: usize = 11;

/// What is remembered of a proposal: a keyed hash, so that nobody without the key can make two proposals with one mark.
pub type Mark = [u8; MARK_BYTES];

error_enum! {
    /// Why a vote is not given.
    pub enum GuardError {
        Contradicts => VOTE_CONTRADICTS,
        TooOld => VOTE_TOO_OLD,
    }
}

/// What a vote would change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// Nothing: it was given before.
    Before,
    /// It is new, and must be durable before it is given.
    New,
}

/// The votes of one round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Votes {
    view: u64,
    notarize: Option<Mark>,
    nullify: bool,
    finalize: Option<Mark>,
}

impl Votes {
    /// The votes of a view after the first one.
    fn one(view: u64, kind: VoteKind, mark: &Mark) -> Self {
        let mut votes = Self { view, ..Self::default() };
        votes.take(kind, mark);
        votes
    }

    /// Takes up a vote that was judged to be new.
    fn take(&mut self, kind: VoteKind, mark: &Mark) {
        match kind {
            VoteKind::Notarize => self.notarize = Some(*mark),
            VoteKind::Nullify => self.nullify = true,
            VoteKind::Finalize => self.finalize = Some(*mark),
        }
    }

    /// Whether a vote may be given after these.
    fn judge(&self, kind: VoteKind, mark: &Mark) -> Result<Recorded, GuardError> {
        let (given, allowed) = match kind {
            VoteKind::Notarize => (
                self.notarize.map(|given| given == *mark),
                self.finalize.is_none_or(|final_| final_ == *mark),
            ),
            VoteKind::Nullify => (self.nullify.then_some(true), self.finalize.is_none()),
            VoteKind::Finalize => (
                self.finalize.map(|given| given == *mark),
                !self.nullify && self.notarize.is_none_or(|notarized| notarized == *mark),
            ),
        };
        match given {
            Some(true) => Ok(Recorded::Before),
            None if allowed => Ok(Recorded::New),
            Some(false) | None => Err(GuardError::Contradicts),
        }
    }
}

/// The votes of the newest views of one epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guard {
    epoch: u64,
    /// The highest view with a vote.
    newest: u64,
    /// Each at the [`place`] of its view.
    votes: [Votes; GUARDED_VIEWS],
}

impl Guard {
    /// No votes yet, in this epoch.
    pub fn new(epoch: u64) -> Self {
        Self { epoch, newest: 0, votes: [Votes::default(); GUARDED_VIEWS] }
    }

    /// The newest round with a vote; view zero if there is none in the epoch.
    pub const fn newest(&self) -> Round {
        Round { epoch: self.epoch, view: self.newest }
    }

    /// Whether this vote may be given. `mark` stands for its proposal.
    ///
    /// # Errors
    /// It contradicts a vote that was given, or might.
    pub fn judge(&self, vote: &Vote, mark: &Mark) -> Result<Recorded, GuardError> {
        let Round { epoch, view } = vote.round();
        if epoch > self.epoch {
            return Ok(Recorded::New);
        }
        if epoch < self.epoch || self.newest.saturating_sub(view) >= GUARDED_VIEWS as u64 {
            return Err(GuardError::TooOld);
        }
        let votes = self.slot(view).filter(|votes| votes.view == view).copied().unwrap_or_default();
        votes.judge(vote.kind(), mark)
    }

    /// Takes up a vote that is durable; after a restart all of them, in the order in which they were written. What contradicts an earlier one was
    /// never given, and is not taken up: so only what did not can be found again.
    pub fn recall(&mut self, round: Round, kind: VoteKind, mark: &Mark) {
        if round.epoch > self.epoch {
            *self = Self::new(round.epoch);
        }
        if round.epoch < self.epoch {
            return;
        }
        self.newest = self.newest.max(round.view);
        let Some(votes) = self.slot_mut(round.view) else { return };
        if votes.view > round.view {
            return;
        }
        if votes.view < round.view {
            *votes = Votes { view: round.view, ..Votes::default() };
        }
        if votes.judge(kind, mark) != Ok(Recorded::New) {
            return;
        }
        votes.take(kind, mark);
    }

    fn slot(&self, view: u64) -> Option<&Votes> {
        self.votes.get(place(view))
    }

    fn slot_mut(&mut self, view: u64) -> Option<&mut Votes> {
        self.votes.get_mut(place(view))
    }
}

const _: () = assert!(GUARDED_VIEWS.is_power_of_two());

/// Where the votes of a view are kept: its lowest bits.
const fn place(view: u64) -> usize {
    const MASK: u64 = GUARDED_VIEWS as u64 - 1;
    (view & MASK) as usize
}

/// Whether no validator that keeps to the guard's rule gives both votes, in whichever order: they are of one round, and one is refused after the
/// other.
pub fn contradict(first: &Vote, second: &Vote) -> bool {
    // What the marks of two proposals are to the guard that has one: the same or different.
    const FIRST: Mark = [1; MARK_BYTES];
    const OTHER: Mark = [2; MARK_BYTES];
    let mark = if first.proposal() == second.proposal() { FIRST } else { OTHER };
    first.round() == second.round()
        && Votes::one(first.round().view, first.kind(), &FIRST).judge(second.kind(), &mark).is_err()
}
