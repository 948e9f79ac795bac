//! The writes of a transaction while it is judged: reads see them before the view.

use super::effects::MAX_WRITES;
use super::record::{Account, AccountStatus, Asset, Balance, Pool, Record, RecordId, Shares};
use super::reject::{Reject, Rule};
use super::stake::{Unbonding, Validator};
use super::view::{View, ViewError};
use crate::id::{AccountId, AssetId, PoolId};
use crate::num::{Amount, NumError};

pub(super) type Writes<'a> = heapless::Vec<(RecordId, Option<Record<'a>>), MAX_WRITES>;

pub(super) struct Draft<'v, 'a, V> {
    view: &'v V,
    writes: &'v mut Writes<'a>,
}

/// A record as the one kind that can stand under its id.
macro_rules! as_kind {
    ($record:expr, $kind:ident) => {
        match $record {
            Some(Record::$kind(record)) => Ok::<_, Reject>(Some(record)),
            Some(_) => Err(ViewError::Damaged.into()),
            None => Ok(None),
        }
    };
}

/// Changes a record where it lies among the writes.
macro_rules! change {
    ($draft:expr, $id:expr, $kind:ident, $unknown:ident) => {
        as_kind!($draft.slot(&$id)?, $kind)?.ok_or_else(|| Rule::$unknown.into())
    };
}

impl<'v, 'a, V: View<'a>> Draft<'v, 'a, V> {
    pub(super) const fn new(view: &'v V, writes: &'v mut Writes<'a>) -> Self {
        Self { view, writes }
    }

    pub(super) fn record(&self, id: &RecordId) -> Result<Option<Record<'a>>, ViewError> {
        match self.writes.iter().find(|(written, _)| written == id) {
            Some((_, record)) => Ok(*record),
            None => self.view.record(id),
        }
    }

    /// The place of a record among the writes; a record that was not written yet is copied there.
    pub(super) fn slot(&mut self, id: &RecordId) -> Result<&mut Option<Record<'a>>, Reject> {
        let place = match self.writes.iter().position(|(written, _)| written == id) {
            Some(place) => place,
            None => {
                let place = self.writes.len();
                self.writes.push((*id, self.view.record(id)?)).map_err(|_| Rule::TooManyWrites)?;
                place
            }
        };
        let (_, slot) = self.writes.get_mut(place).ok_or(Rule::TooManyWrites)?;
        Ok(slot)
    }

    pub(super) fn account(&self, id: AccountId) -> Result<Option<Account<'a>>, Reject> {
        as_kind!(self.record(&RecordId::Account(id))?, Account)
    }

    /// Checks that the account is there and active.
    pub(super) fn must_be_active(&self, id: AccountId) -> Result<(), Reject> {
        self.account(id)?.ok_or(Rule::AccountUnknown)?.must_be_active()
    }

    pub(super) fn change_account(&mut self, id: AccountId) -> Result<&mut Account<'a>, Reject> {
        change!(self, RecordId::Account(id), Account, AccountUnknown)
    }

    pub(super) fn asset(&self, id: AssetId) -> Result<Option<Asset>, Reject> {
        as_kind!(self.record(&RecordId::Asset(id))?, Asset)
    }

    pub(super) fn change_asset(&mut self, id: AssetId) -> Result<&mut Asset, Reject> {
        change!(self, RecordId::Asset(id), Asset, AssetUnknown)
    }

    pub(super) fn pool(&self, id: PoolId) -> Result<Pool, Reject> {
        as_kind!(self.record(&RecordId::Pool(id))?, Pool)?.ok_or_else(|| Rule::PoolUnknown.into())
    }

    pub(super) fn change_pool(&mut self, id: PoolId) -> Result<&mut Pool, Reject> {
        change!(self, RecordId::Pool(id), Pool, PoolUnknown)
    }

    pub(super) fn change_validator(&mut self, id: AccountId) -> Result<&mut Validator<'a>, Reject> {
        change!(self, RecordId::Validator(id), Validator, ValidatorUnknown)
    }

    /// The validator, or a fresh one where there is none; and whether that was so.
    pub(super) fn validator_or(
        &mut self,
        id: AccountId,
        fresh: Validator<'a>,
    ) -> Result<(&mut Validator<'a>, bool), Reject> {
        let slot = self.slot(&RecordId::Validator(id))?;
        let is_new = slot.is_none();
        let record = slot.get_or_insert(Record::Validator(fresh));
        Ok((as_kind!(Some(record), Validator)?.ok_or(ViewError::Damaged)?, is_new))
    }

    pub(super) fn unbonding(&self, id: RecordId) -> Result<Option<Unbonding>, Reject> {
        as_kind!(self.record(&id)?, Unbonding)
    }

    /// Writes a new record under an id that no record has.
    pub(super) fn create(
        &mut self,
        id: RecordId,
        record: impl FnOnce() -> Result<Record<'a>, Reject>,
    ) -> Result<(), Reject> {
        let slot = self.slot(&id)?;
        match slot {
            None => *slot = Some(record()?),
            Some(record) if id.names(record) => return Err(Rule::IdInUse.into()),
            Some(_) => return Err(ViewError::Damaged.into()),
        }
        Ok(())
    }

    /// Adds to a balance or to shares, and makes them where there were none.
    pub(super) fn credit(&mut self, id: RecordId, amount: Amount) -> Result<(), Reject> {
        self.change_holding(id, amount, |before| Ok(before.checked_add(amount)?))
    }

    /// Takes from a balance or from shares, and deletes them at zero.
    pub(super) fn debit(&mut self, id: RecordId, amount: Amount, otherwise: Rule) -> Result<(), Reject> {
        self.change_holding(id, amount, |before| before.checked_sub(amount).map_err(|_| otherwise.into()))
    }

    /// Changes a balance or shares; a record exists only while it is not zero, and its account counts it.
    fn change_holding(
        &mut self,
        id: RecordId,
        amount: Amount,
        change: impl FnOnce(Amount) -> Result<Amount, Reject>,
    ) -> Result<(), Reject> {
        if amount.is_zero() {
            // Nothing is written, but a view that cannot answer is told of all the same.
            return holding(&id, &self.record(&id)?).map(|_| ());
        }
        let slot = self.slot(&id)?;
        let before = holding(&id, slot)?;
        let after = change(before)?;
        let (holder, record) = match id {
            RecordId::Balance(holder, _) => (holder, Record::Balance(Balance { amount: after })),
            RecordId::Shares(holder, _) | RecordId::Delegation(holder, _) => {
                (holder, Record::Shares(Shares { amount: after }))
            }
            _ => return Err(ViewError::Damaged.into()),
        };
        *slot = (!after.is_zero()).then_some(record);
        if before.is_zero() {
            self.add_holding(holder)?;
        } else if after.is_zero() {
            self.remove_holding(holder)?;
        }
        Ok(())
    }

    /// Counts one more record that keeps an account from being closed.
    pub(super) fn add_holding(&mut self, holder: AccountId) -> Result<(), Reject> {
        let holdings = &mut self.change_account(holder)?.holdings;
        *holdings = holdings.checked_add(1).ok_or(NumError::Overflow)?;
        Ok(())
    }

    /// Counts one record less.
    pub(super) fn remove_holding(&mut self, holder: AccountId) -> Result<(), Reject> {
        let holdings = &mut self.change_account(holder)?.holdings;
        *holdings = holdings.checked_sub(1).ok_or(NumError::Overflow)?;
        Ok(())
    }
}

/// How much a balance or shares are; nothing where there is no record.
fn holding(id: &RecordId, record: &Option<Record<'_>>) -> Result<Amount, Reject> {
    match (id, record) {
        (RecordId::Balance(..) | RecordId::Shares(..) | RecordId::Delegation(..), None) => Ok(Amount::ZERO),
        (RecordId::Balance(..), Some(Record::Balance(balance))) => Ok(balance.amount),
        (RecordId::Shares(..) | RecordId::Delegation(..), Some(Record::Shares(shares))) => Ok(shares.amount),
        _ => Err(ViewError::Damaged.into()),
    }
}

impl Account<'_> {
    /// Checks that it may act.
    pub(super) fn must_be_active(&self) -> Result<(), Reject> {
        if self.status == AccountStatus::Active { Ok(()) } else { Err(Rule::AccountNotActive.into()) }
    }
}
