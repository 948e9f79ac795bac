//! What transactions do with stake.

use super::super::draft::Draft;
use super::super::effects::Outcome;
use super::super::record::{Record, RecordId};
use super::super::reject::{Reject, Rule};
use super::super::transition::{Sender, not_zero};
use super::super::view::View;
use super::record::{Holder, StakePool, Staking, Unbonding, Validator};
use super::{MAX_CANDIDATES, MIN_SHARES};
use crate::consensus::contradict;
use crate::crypto::{Hash, ed25519};
use crate::id::{AccountId, NATIVE_ASSET};
use crate::num::{Amount, NumError};
use crate::tx::{Delegate, Leave, Report, Stand, Unbond, Withdraw};

impl<'a, V: View<'a>> Draft<'_, 'a, V> {
    pub(super) fn staking(&self) -> Result<Staking, Reject> {
        match self.record(&RecordId::Staking)? {
            Some(Record::Staking(staking)) => Ok(staking),
            _ => Err(Rule::StakingNone.into()),
        }
    }

    /// Makes something the account's that is nobody else's.
    fn claim(&mut self, id: RecordId, account: AccountId, taken: Rule) -> Result<(), Reject> {
        match self.slot(&id)? {
            slot @ None => *slot = Some(Record::Holder(Holder { account })),
            Some(Record::Holder(holder)) if holder.account == account => {}
            Some(_) => return Err(taken.into()),
        }
        Ok(())
    }

    /// Lets the validator stand no more in its slot.
    pub(super) fn vacate(&mut self, account: AccountId, slot: u16) -> Result<(), Reject> {
        self.change_validator(account)?.slot = None;
        *self.slot(&RecordId::Candidate(slot))? = None;
        Ok(())
    }
}

impl<'a, V: View<'a>> Sender<'_, 'a, V> {
    pub(in crate::ledger) fn stand(&mut self, op: &Stand<'a>) -> Result<Outcome, Reject> {
        let staking = self.draft.staking()?;
        if op.commission_bps > 10_000 {
            return Err(Rule::CommissionRange.into());
        }
        if op.vote_key == op.peer_key {
            return Err(Rule::KeyInUse.into());
        }
        for key in [op.vote_key, op.peer_key] {
            ed25519::validate_public_key(key.0).map_err(|_| Rule::KeyInvalid)?;
            self.draft.claim(RecordId::Key(Hash(*key.0)), self.id, Rule::KeyInUse)?;
        }
        if op.slot >= MAX_CANDIDATES {
            return Err(Rule::SlotTaken.into());
        }
        self.draft.claim(RecordId::Candidate(op.slot), self.id, Rule::SlotTaken)?;
        let fresh = Validator {
            vote_key: op.vote_key,
            peer_key: op.peer_key,
            finality_key: op.finality_key,
            former_key: op.vote_key,
            former_until: 0,
            slot: None,
            commission_bps: op.commission_bps,
            barred_until: 0,
            bonded: StakePool::default(),
            unbonding: StakePool::default(),
        };
        let (validator, is_new) = self.draft.validator_or(self.id, fresh)?;
        if validator.slot.is_some_and(|slot| slot != op.slot) {
            return Err(Rule::SlotTaken.into());
        }
        if validator.barred_until > staking.epoch {
            return Err(Rule::ValidatorBarred.into());
        }
        if validator.vote_key != op.vote_key {
            if validator.former_until >= staking.epoch {
                return Err(Rule::KeyChanged.into());
            }
            validator.former_key = validator.vote_key;
            validator.former_until = liable_until(&staking)?;
        }
        *validator = Validator {
            vote_key: op.vote_key,
            peer_key: op.peer_key,
            finality_key: op.finality_key,
            commission_bps: op.commission_bps,
            slot: Some(op.slot),
            barred_until: 0,
            ..*validator
        };
        if is_new {
            // For ever: an account against which evidence is held cannot be closed.
            self.draft.add_holding(self.id)?;
        }
        let shares = if op.amount.is_zero() { Amount::ZERO } else { self.bond(self.id, op.amount)? };
        if self.draft.change_validator(self.id)?.bonded.tokens < staking.rules.min_stake {
            return Err(Rule::StakeTooSmall.into());
        }
        Ok(Outcome::Delegated(shares))
    }

    pub(in crate::ledger) fn leave(&mut self, op: &Leave) -> Result<Outcome, Reject> {
        if self.draft.change_validator(self.id)?.slot != Some(op.slot) {
            return Err(Rule::ValidatorNotStanding.into());
        }
        self.draft.vacate(self.id, op.slot)?;
        Ok(Outcome::Done)
    }

    pub(in crate::ledger) fn delegate(&mut self, op: &Delegate) -> Result<Outcome, Reject> {
        self.bond(op.validator, op.amount).map(Outcome::Delegated)
    }

    /// Puts an amount of the sender's behind a validator that stands. Returns the shares that it buys.
    fn bond(&mut self, validator: AccountId, amount: Amount) -> Result<Amount, Reject> {
        self.pay(NATIVE_ASSET, not_zero(amount)?)?;
        let record = self.draft.change_validator(validator)?;
        if !record.stands() {
            return Err(Rule::ValidatorNotStanding.into());
        }
        let shares = record.bonded.add(amount)?;
        if shares.units() < MIN_SHARES {
            return Err(Rule::StakeTooSmall.into());
        }
        self.draft.credit(RecordId::Delegation(self.id, validator), shares)?;
        Ok(shares)
    }

    pub(in crate::ledger) fn unbond(&mut self, op: &Unbond) -> Result<Outcome, Reject> {
        let release_epoch = liable_until(&self.draft.staking()?)?.checked_add(1).ok_or(NumError::Overflow)?;
        let delegation = RecordId::Delegation(self.id, op.validator);
        self.draft.debit(delegation, not_zero(op.shares)?, Rule::InsufficientStake)?;
        let validator = self.draft.change_validator(op.validator)?;
        let amount = validator.bonded.remove(op.shares)?;
        let shares = validator.unbonding.add(amount)?;
        let id = RecordId::Unbonding(self.id, op.validator);
        let before = self.draft.unbonding(id)?.map_or(Amount::ZERO, |unbonding| unbonding.shares);
        // What is worth nothing is given up.
        if !shares.is_zero() {
            if before.is_zero() {
                self.draft.add_holding(self.id)?;
            }
            let shares = before.checked_add(shares)?;
            *self.draft.slot(&id)? = Some(Record::Unbonding(Unbonding { shares, release_epoch }));
        }
        Ok(Outcome::Unbonded(amount, release_epoch))
    }

    pub(in crate::ledger) fn withdraw(&mut self, op: &Withdraw) -> Result<Outcome, Reject> {
        let staking = self.draft.staking()?;
        let id = RecordId::Unbonding(self.id, op.validator);
        let unbonding = self.draft.unbonding(id)?.ok_or(Rule::InsufficientStake)?;
        if unbonding.release_epoch > staking.epoch {
            return Err(Rule::StakeBonded.into());
        }
        let amount = self.draft.change_validator(op.validator)?.unbonding.remove(unbonding.shares)?;
        *self.draft.slot(&id)? = None;
        self.draft.remove_holding(self.id)?;
        self.receive(NATIVE_ASSET, amount)?;
        Ok(Outcome::Released(amount))
    }

    pub(in crate::ledger) fn report(&mut self, op: &Report<'a>) -> Result<Outcome, Reject> {
        let staking = self.draft.staking()?;
        let validator = self.draft.change_validator(op.validator)?;
        if validator.barred_until == Validator::BANNED {
            return Err(Rule::EvidenceKnown.into());
        }
        let former = validator.former_key == op.vote_key && staking.epoch <= validator.former_until;
        if validator.vote_key != op.vote_key && !former {
            return Err(Rule::EvidenceKey.into());
        }
        if !contradict(&op.first.vote, &op.second.vote) {
            return Err(Rule::EvidenceVotes.into());
        }
        let age = staking.epoch.saturating_sub(op.first.vote.round().epoch);
        if age > u64::from(staking.rules.unbonding_epochs) {
            return Err(Rule::EvidenceOld.into());
        }
        validator.barred_until = Validator::BANNED;
        let bonded = validator.bonded.slash(staking.rules.slash_bps)?;
        let burned = bonded.checked_add(validator.unbonding.slash(staking.rules.slash_bps)?)?;
        let asset = self.draft.change_asset(NATIVE_ASSET)?;
        asset.supply = asset.supply.checked_sub(burned)?;
        Ok(Outcome::Slashed(burned))
    }
}

/// The last epoch in which evidence counts of what is done in the present one.
fn liable_until(staking: &Staking) -> Result<u64, NumError> {
    staking.epoch.checked_add(u64::from(staking.rules.unbonding_epochs)).ok_or(NumError::Overflow)
}
