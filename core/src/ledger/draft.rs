//! The writes of a transaction while it is judged: reads see them before the view.

use super::effects::MAX_WRITES;
use super::record::{Account, AccountStatus, Asset, Balance, Pool, Record, RecordId, Shares};
use super::reject::{Reject, Rule};
use super::view::{View, ViewError};
use crate::id::{AccountId, AssetId, PoolId};
use crate::num::{Amount, NumError};

pub(super) struct Draft<'v, V> {
    view: &'v V,
    writes: &'v mut heapless::Vec<(RecordId, Option<Record>), MAX_WRITES>,
}

/// Reads the record under an id as the one kind that can stand there.
macro_rules! read {
    ($draft:expr, $id:expr, $kind:ident) => {
        match $draft.record(&$id)? {
            Some(Record::$kind(record)) => Ok::<_, Reject>(Some(record)),
            Some(_) => Err(ViewError::Damaged.into()),
            None => Ok(None),
        }
    };
}

impl<'v, V: View> Draft<'v, V> {
    pub(super) const fn new(
        view: &'v V,
        writes: &'v mut heapless::Vec<(RecordId, Option<Record>), MAX_WRITES>,
    ) -> Self {
        Self { view, writes }
    }

    fn record(&self, id: &RecordId) -> Result<Option<Record>, ViewError> {
        match self.writes.iter().find(|(written, _)| written == id) {
            Some((_, record)) => Ok(record.clone()),
            None => self.view.record(id),
        }
    }

    fn write(&mut self, id: RecordId, record: Option<Record>) -> Result<(), Reject> {
        if let Some((_, slot)) = self.writes.iter_mut().find(|(written, _)| *written == id) {
            *slot = record;
            return Ok(());
        }
        self.writes.push((id, record)).map_err(|_| Rule::TooManyWrites.into())
    }

    pub(super) fn account(&self, id: AccountId) -> Result<Option<Account>, Reject> {
        read!(self, RecordId::Account(id), Account)
    }

    /// The account, which must be there and active.
    pub(super) fn active_account(&self, id: AccountId) -> Result<Account, Reject> {
        let account = self.account(id)?.ok_or(Rule::AccountUnknown)?;
        if account.status == AccountStatus::Active { Ok(account) } else { Err(Rule::AccountNotActive.into()) }
    }

    pub(super) fn set_account(&mut self, id: AccountId, account: Account) -> Result<(), Reject> {
        self.write(RecordId::Account(id), Some(Record::Account(account)))
    }

    pub(super) fn asset(&self, id: AssetId) -> Result<Option<Asset>, Reject> {
        read!(self, RecordId::Asset(id), Asset)
    }

    pub(super) fn set_asset(&mut self, id: AssetId, asset: Asset) -> Result<(), Reject> {
        self.write(RecordId::Asset(id), Some(Record::Asset(asset)))
    }

    pub(super) fn pool(&self, id: PoolId) -> Result<Option<Pool>, Reject> {
        read!(self, RecordId::Pool(id), Pool)
    }

    pub(super) fn set_pool(&mut self, id: PoolId, pool: Pool) -> Result<(), Reject> {
        self.write(RecordId::Pool(id), Some(Record::Pool(pool)))
    }

    /// Adds to a balance and makes it where there was none.
    pub(super) fn credit(
        &mut self,
        account: AccountId,
        asset: AssetId,
        amount: Amount,
    ) -> Result<(), Reject> {
        let id = RecordId::Balance(account, asset);
        let before = read!(self, id, Balance)?.map_or(Amount::ZERO, |balance| balance.amount);
        self.set_holding(id, account, before, before.checked_add(amount)?)
    }

    /// Takes from a balance and deletes it at zero.
    pub(super) fn debit(
        &mut self,
        account: AccountId,
        asset: AssetId,
        amount: Amount,
        otherwise: Rule,
    ) -> Result<(), Reject> {
        let id = RecordId::Balance(account, asset);
        let before = read!(self, id, Balance)?.map_or(Amount::ZERO, |balance| balance.amount);
        self.set_holding(id, account, before, before.checked_sub(amount).map_err(|_| otherwise)?)
    }

    /// Adds to an account's shares of a pool.
    pub(super) fn credit_shares(
        &mut self,
        account: AccountId,
        pool: PoolId,
        amount: Amount,
    ) -> Result<(), Reject> {
        let id = RecordId::Shares(account, pool);
        let before = read!(self, id, Shares)?.map_or(Amount::ZERO, |shares| shares.amount);
        self.set_holding(id, account, before, before.checked_add(amount)?)
    }

    /// Takes from an account's shares of a pool.
    pub(super) fn debit_shares(
        &mut self,
        account: AccountId,
        pool: PoolId,
        amount: Amount,
    ) -> Result<(), Reject> {
        let id = RecordId::Shares(account, pool);
        let before = read!(self, id, Shares)?.map_or(Amount::ZERO, |shares| shares.amount);
        let after = before.checked_sub(amount).map_err(|_| Rule::InsufficientShares)?;
        self.set_holding(id, account, before, after)
    }

    /// Writes a balance or shares; a record exists only while it is not zero, and its account counts it.
    fn set_holding(
        &mut self,
        id: RecordId,
        account: AccountId,
        before: Amount,
        after: Amount,
    ) -> Result<(), Reject> {
        if before.is_zero() != after.is_zero() {
            let mut holder = self.account(account)?.ok_or(Rule::AccountUnknown)?;
            let count = if before.is_zero() {
                holder.holdings.checked_add(1)
            } else {
                holder.holdings.checked_sub(1)
            };
            holder.holdings = count.ok_or(NumError::Overflow)?;
            self.set_account(account, holder)?;
        }
        let record = match id {
            _ if after.is_zero() => None,
            RecordId::Shares(..) => Some(Record::Shares(Shares { amount: after })),
            _ => Some(Record::Balance(Balance { amount: after })),
        };
        if before == after { Ok(()) } else { self.write(id, record) }
    }
}
