//! The records of stake.

use serde::{Deserialize, Serialize};

use super::super::reject::{Reject, Rule};
use super::MIN_SHARES;
use crate::codec::Lent;
use crate::consensus::MAX_VALIDATORS;
use crate::crypto::Hash;
use crate::id::AccountId;
use crate::num::{Amount, NumError, Rounding, mul_div};

/// What a chain with staking was made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct StakingRules {
    /// Blocks of an epoch: the last one has a height that this number divides.
    pub epoch_blocks: u64,
    /// The most seats.
    pub seats_max: u8,
    /// The least bonded stake of whoever stands.
    pub min_stake: Amount,
    /// How many epochs after the present one stake stays liable that is unbonded, and votes can be held against a validator.
    pub unbonding_epochs: u32,
    /// How many epochs a jailed validator is left out of.
    pub jail_epochs: u32,
    /// How many views of an epoch a leader lets pass to be jailed, if they are also more than half of those that it had.
    pub missed_limit: u32,
    /// What equivocation costs of all stake behind a validator, in basis points.
    pub slash_bps: u16,
    /// What is minted for each block.
    pub block_reward: Amount,
}

impl StakingRules {
    /// Accepts rules under which an epoch ends, somebody can have a seat and stake can be priced.
    pub(super) fn check(&self) -> Result<(), Reject> {
        let fits = self.epoch_blocks > 0
            && self.seats_max > 0
            && self.min_stake.units() >= MIN_SHARES
            && self.slash_bps <= 10_000;
        if fits { Ok(()) } else { Err(Rule::StakingRange.into()) }
    }
}

/// The staking of a chain: its rules, and the epoch under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Staking {
    /// The rules.
    pub rules: StakingRules,
    /// The epoch of the next block.
    pub epoch: u64,
    /// How many seats it has.
    pub seats: u8,
    /// What its leaders are drawn from.
    pub seed: Hash,
}

/// Tokens that many own together, by shares.
///
/// A share is priced as if there were one unit more of both: so the first shares cost one each, and no division is by
/// zero. Rounding is in favour of the pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct StakePool {
    /// What is owned.
    pub tokens: Amount,
    /// All shares.
    pub shares: Amount,
}

impl StakePool {
    /// `amount` converted at the price of one for the other, rounded down.
    fn convert(amount: Amount, to: Amount, from: Amount) -> Result<Amount, NumError> {
        let one_more = |amount: Amount| amount.units().checked_add(1).ok_or(NumError::Overflow);
        Amount::from_units(mul_div(amount.units(), one_more(to)?, one_more(from)?, Rounding::Down)?)
    }

    /// What so many of the shares are worth; never more than there is.
    ///
    /// # Errors
    /// There are not so many shares.
    pub fn worth(&self, shares: Amount) -> Result<Amount, NumError> {
        self.shares.checked_sub(shares)?;
        Self::convert(shares, self.tokens, self.shares)
    }

    /// Puts tokens in. Returns the shares that they buy.
    pub(super) fn add(&mut self, tokens: Amount) -> Result<Amount, NumError> {
        let shares = Self::convert(tokens, self.shares, self.tokens)?;
        self.tokens = self.tokens.checked_add(tokens)?;
        self.shares = self.shares.checked_add(shares)?;
        Ok(shares)
    }

    /// Takes what so many shares are worth out, and the shares with it.
    pub(super) fn remove(&mut self, shares: Amount) -> Result<Amount, NumError> {
        let tokens = self.worth(shares)?;
        self.tokens = self.tokens.checked_sub(tokens)?;
        self.shares = self.shares.checked_sub(shares)?;
        Ok(tokens)
    }

    /// Takes so many basis points of the tokens, rounded up. Returns how much that was.
    pub(super) fn slash(&mut self, bps: u16) -> Result<Amount, NumError> {
        let lost = self.tokens.basis_points(bps, Rounding::Up)?;
        self.tokens = self.tokens.checked_sub(lost)?;
        Ok(lost)
    }
}

/// Who stands, or has stood, for a seat. The record stays for ever: evidence is held against it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Validator<'a> {
    /// The key that votes, from the next draw on.
    #[serde(borrow)]
    pub vote_key: Lent<'a, 32>,
    /// The key of the network, from the next draw on.
    #[serde(borrow)]
    pub peer_key: Lent<'a, 32>,
    /// The hash of the key that signs checkpoints ([`crate::consensus::finality_key`]), from the next draw on.
    #[serde(borrow)]
    pub finality_key: Lent<'a, 32>,
    /// The key that voted before; the present one if there was none.
    #[serde(borrow)]
    pub former_key: Lent<'a, 32>,
    /// The last epoch in which evidence against the former key counts.
    pub former_until: u64,
    /// The slot in which it stands.
    pub slot: Option<u16>,
    /// What the operator keeps, in basis points, from the next draw on.
    pub commission_bps: u16,
    /// The first epoch in which it may stand again; zero if it need not wait, [`Self::BANNED`] if it never may.
    pub barred_until: u64,
    /// The stake behind it.
    pub bonded: StakePool,
    /// The stake that is on its way out, and liable until it is withdrawn.
    pub unbonding: StakePool,
}

impl Validator<'_> {
    /// The end of a bar that never ends.
    pub const BANNED: u64 = u64::MAX;

    /// Whether it stands.
    pub const fn stands(&self) -> bool {
        self.slot.is_some() && self.barred_until == 0
    }
}

/// Stake that somebody has unbonded from a validator, and not withdrawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Unbonding {
    /// Shares of the validator's unbonding stake, never zero.
    pub shares: Amount,
    /// The first epoch in which it can be withdrawn.
    pub release_epoch: u64,
}

/// Whose something is: a slot of candidates, a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Holder {
    /// The validator.
    pub account: AccountId,
}

/// A seat of the set that decides on the next block. Seats are in ascending order of their vote keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Seat<'a> {
    /// The validator.
    pub account: AccountId,
    /// The key that votes.
    #[serde(borrow)]
    pub vote_key: Lent<'a, 32>,
    /// The key of the network.
    #[serde(borrow)]
    pub peer_key: Lent<'a, 32>,
    /// The hash of the key that signs checkpoints.
    #[serde(borrow)]
    pub finality_key: Lent<'a, 32>,
    /// Its odds to lead a view, against the sum of all.
    pub weight: Amount,
    /// What the operator keeps, in basis points.
    pub commission_bps: u16,
    /// How many blocks it has made in the epoch.
    pub made: u32,
    /// How many views it was to lead that passed without its block.
    pub missed: u32,
}

const _: () = assert!(MAX_VALIDATORS == u8::MAX as usize, "a seat's place fits a byte");
