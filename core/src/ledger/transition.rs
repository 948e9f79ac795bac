//! The rules of the ledger.

use super::draft::Draft;
use super::effects::{Effects, Outcome, Receipt};
use super::record::{Account, AccountStatus, Asset, Pool, Record, RecordId};
use super::reject::{Reject, Rule};
use super::view::View;
use crate::amm::{self, Direction, Limits, Reserves};
use crate::id::{AccountId, AssetId, ChainId, NATIVE_ASSET, PoolId};
use crate::num::Amount;
use crate::tx::{AccountKind, KeyRef, Op, Transaction};

/// The block in which a transaction is executed, as far as the rules may know it. The proposer is not in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Env {
    /// The chain.
    pub chain_id: ChainId,
    /// The block's height.
    pub height: u64,
    /// The block's time, in milliseconds since the Unix epoch.
    pub time_ms: u64,
}

/// Whose signatures a transaction carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signers<'a> {
    /// These keys, strictly ascending, whose signatures of this transaction have been verified; and where it reports votes, their signatures too
    /// ([`crate::tx::Report::verify`]).
    Verified(&'a [KeyRef]),
    /// Nobody has signed yet: a device judges a transaction before it signs. Never use it to accept one.
    Assumed,
}

/// What `transaction` would change in the state that `view` shows.
///
/// # Errors
/// The transaction is rejected and changes nothing.
pub fn transition<'a, V: View<'a>>(
    env: &Env,
    transaction: &Transaction<'a>,
    signers: Signers<'_>,
    view: &V,
) -> Result<Effects<'a>, Reject> {
    let mut effects = Effects::default();
    transition_into(env, transaction, signers, view, &mut effects)?;
    Ok(effects)
}

/// [`transition`] into effects that the caller keeps, whatever they held before.
///
/// # Errors
/// The transaction is rejected; the effects are then empty.
pub fn transition_into<'a, V: View<'a>>(
    env: &Env,
    transaction: &Transaction<'a>,
    signers: Signers<'_>,
    view: &V,
    effects: &mut Effects<'a>,
) -> Result<(), Reject> {
    effects.writes.clear();
    let result = judge(env, transaction, signers, Draft::new(view, &mut effects.writes));
    match &result {
        Ok(outcome) => effects.receipt = Receipt { fee: transaction.fee, outcome: outcome.clone() },
        Err(_) => effects.writes.clear(),
    }
    result.map(|_| ())
}

fn judge<'a, V: View<'a>>(
    env: &Env,
    transaction: &Transaction<'a>,
    signers: Signers<'_>,
    mut draft: Draft<'_, 'a, V>,
) -> Result<Outcome, Reject> {
    if transaction.chain_id != env.chain_id {
        return Err(Rule::WrongChain.into());
    }
    if env.height > transaction.last_valid_height {
        return Err(Rule::Expired.into());
    }
    let account = draft.change_account(transaction.sender)?;
    account.must_be_active()?;
    if transaction.nonce < account.nonce {
        return Err(Rule::NonceUsed.into());
    }
    if transaction.nonce > account.nonce {
        return Err(Rule::NonceAhead.into());
    }
    if let Signers::Verified(keys) = signers
        && !account.authority.is_met_by(keys)
    {
        return Err(Rule::AuthorityNotMet.into());
    }
    let kind = account.kind;
    account.nonce = account.nonce.checked_add(1).ok_or(Rule::NonceUsed)?;
    if !transaction.fee.is_zero() {
        let balance = RecordId::Balance(transaction.sender, NATIVE_ASSET);
        draft.debit(balance, transaction.fee, Rule::InsufficientForFee)?;
    }
    Sender { id: transaction.sender, kind, draft, time_ms: env.time_ms }.execute(&transaction.op)
}

/// Ends a block of a chain without staking: credits the fees of its transactions to the proposer, once.
///
/// # Errors
/// There is no account of the proposer, or it is closed.
pub fn settle_fees<'a, V: View<'a>>(
    proposer: AccountId,
    fees: Amount,
    view: &V,
) -> Result<Effects<'a>, Reject> {
    let mut effects = Effects::default();
    pay_fees(&mut Draft::new(view, &mut effects.writes), proposer, fees)?;
    Ok(effects)
}

pub(super) fn pay_fees<'a, V: View<'a>>(
    draft: &mut Draft<'_, 'a, V>,
    proposer: AccountId,
    fees: Amount,
) -> Result<(), Reject> {
    let account = draft.account(proposer)?.ok_or(Rule::AccountUnknown)?;
    if account.status == AccountStatus::Closed {
        return Err(Rule::AccountNotActive.into());
    }
    draft.credit(RecordId::Balance(proposer, NATIVE_ASSET), fees)
}

/// The sender of a transaction, who has passed all checks that do not depend on the operation.
pub(super) struct Sender<'v, 'a, V> {
    pub(super) id: AccountId,
    pub(super) kind: AccountKind,
    pub(super) draft: Draft<'v, 'a, V>,
    pub(super) time_ms: u64,
}

pub(super) fn not_zero(amount: Amount) -> Result<Amount, Reject> {
    if amount.is_zero() { Err(Rule::ZeroAmount.into()) } else { Ok(amount) }
}

impl<'a, V: View<'a>> Sender<'_, 'a, V> {
    fn execute(&mut self, op: &Op<'a>) -> Result<Outcome, Reject> {
        match op {
            Op::CreateAccount(op) => self.create_account(
                op.account,
                Account {
                    kind: op.kind,
                    status: AccountStatus::Active,
                    kyc: op.kyc,
                    nonce: 0,
                    holdings: 0,
                    authority: op.authority,
                },
            ),
            Op::RotateAuthority(op) => {
                self.draft.change_account(self.id)?.authority = op.authority;
                Ok(Outcome::Done)
            }
            Op::SetFrozen(op) => self.set_frozen(op.account, op.frozen),
            Op::CloseAccount => {
                let account = self.draft.change_account(self.id)?;
                if account.holdings != 0 {
                    return Err(Rule::AccountNotEmpty.into());
                }
                account.status = AccountStatus::Closed;
                Ok(Outcome::Done)
            }
            Op::CreateAsset(op) => self.create_asset(op.asset, op.max_supply),
            Op::Issue(op) => self.issue(op.asset, op.to, op.amount),
            Op::Burn(op) => self.burn(op.asset, op.amount),
            Op::Transfer(op) => {
                for leg in op.legs.iter() {
                    self.transfer(op.asset, leg.to, leg.amount)?;
                }
                Ok(Outcome::Done)
            }
            Op::CreatePool(op) => self.create_pool(op.pool, op.asset_a, op.asset_b, op.fee_bps),
            Op::AddLiquidity(op) => {
                let pool = self.draft.pool(op.pool)?;
                own_assets(&pool, op.asset_a, op.asset_b)?;
                let deposit = amm::add_liquidity(
                    &pool.reserves,
                    op.max_a,
                    op.max_b,
                    op.min_shares,
                    op.deadline_ms,
                    self.time_ms,
                )?;
                self.pay(op.asset_a, deposit.amount_a)?;
                self.pay(op.asset_b, deposit.amount_b)?;
                self.draft.credit(RecordId::Shares(self.id, op.pool), deposit.shares)?;
                self.draft.change_pool(op.pool)?.reserves = deposit.reserves;
                Ok(Outcome::Deposited(deposit.amount_a, deposit.amount_b, deposit.shares))
            }
            Op::RemoveLiquidity(op) => {
                let pool = self.draft.pool(op.pool)?;
                own_assets(&pool, op.asset_a, op.asset_b)?;
                let reserves = pool.reserves;
                let shares = RecordId::Shares(self.id, op.pool);
                self.draft.debit(shares, not_zero(op.shares)?, Rule::InsufficientShares)?;
                let withdrawal = amm::remove_liquidity(
                    &reserves,
                    op.shares,
                    op.min_a,
                    op.min_b,
                    op.deadline_ms,
                    self.time_ms,
                )?;
                self.receive(op.asset_a, withdrawal.amount_a)?;
                self.receive(op.asset_b, withdrawal.amount_b)?;
                self.draft.change_pool(op.pool)?.reserves = withdrawal.reserves;
                Ok(Outcome::Withdrawn(withdrawal.amount_a, withdrawal.amount_b))
            }
            Op::SwapExactIn(op) => {
                let pool = self.draft.pool(op.pool)?;
                let direction = direction(&pool, op.asset_in, op.asset_out)?;
                let limits =
                    Limits { max_price_impact_bps: op.max_price_impact_bps, deadline_ms: op.deadline_ms };
                let swap = amm::swap_exact_in(
                    &pool.reserves,
                    direction,
                    op.amount_in,
                    op.min_out,
                    limits,
                    self.time_ms,
                )?;
                self.swapped(op.pool, (op.asset_in, op.asset_out), swap)
            }
            Op::SwapExactOut(op) => {
                let pool = self.draft.pool(op.pool)?;
                let direction = direction(&pool, op.asset_in, op.asset_out)?;
                let limits =
                    Limits { max_price_impact_bps: op.max_price_impact_bps, deadline_ms: op.deadline_ms };
                let swap = amm::swap_exact_out(
                    &pool.reserves,
                    direction,
                    op.amount_out,
                    op.max_in,
                    limits,
                    self.time_ms,
                )?;
                self.swapped(op.pool, (op.asset_in, op.asset_out), swap)
            }
            Op::Stand(op) => self.stand(op),
            Op::Leave(op) => self.leave(op),
            Op::Delegate(op) => self.delegate(op),
            Op::Unbond(op) => self.unbond(op),
            Op::Withdraw(op) => self.withdraw(op),
            Op::Report(op) => self.report(op),
        }
    }

    /// Takes from the sender.
    pub(super) fn pay(&mut self, asset: AssetId, amount: Amount) -> Result<(), Reject> {
        self.draft.debit(RecordId::Balance(self.id, asset), amount, Rule::InsufficientBalance)
    }

    /// Gives to the sender.
    pub(super) fn receive(&mut self, asset: AssetId, amount: Amount) -> Result<(), Reject> {
        self.draft.credit(RecordId::Balance(self.id, asset), amount)
    }

    fn create(
        &mut self,
        id: RecordId,
        record: impl FnOnce() -> Result<Record<'a>, Reject>,
    ) -> Result<Outcome, Reject> {
        self.draft.create(id, record).map(|()| Outcome::Done)
    }

    /// The system opens accounts of every kind; institutions and authorities open those of people and institutions.
    fn create_account(&mut self, id: AccountId, account: Account<'a>) -> Result<Outcome, Reject> {
        let permitted = match self.kind {
            AccountKind::System => true,
            AccountKind::Institution | AccountKind::Government => {
                matches!(account.kind, AccountKind::Individual | AccountKind::Institution)
            }
            AccountKind::Individual => false,
        };
        if !permitted {
            return Err(Rule::NotPermitted.into());
        }
        self.create(RecordId::Account(id), || Ok(Record::Account(account)))
    }

    /// Authorities and the system freeze; nobody freezes the system or themselves.
    fn set_frozen(&mut self, id: AccountId, frozen: bool) -> Result<Outcome, Reject> {
        if !matches!(self.kind, AccountKind::Government | AccountKind::System) {
            return Err(Rule::NotPermitted.into());
        }
        let account = self.draft.account(id)?.ok_or(Rule::AccountUnknown)?;
        if id == self.id || account.kind == AccountKind::System {
            return Err(Rule::NotPermitted.into());
        }
        let status = match (account.status, frozen) {
            (AccountStatus::Active, true) => AccountStatus::Frozen,
            (AccountStatus::Frozen, false) => AccountStatus::Active,
            (AccountStatus::Closed, _) => return Err(Rule::AccountNotActive.into()),
            (AccountStatus::Active, false) | (AccountStatus::Frozen, true) => {
                return Err(Rule::NoChange.into());
            }
        };
        self.draft.change_account(id)?.status = status;
        Ok(Outcome::Done)
    }

    fn create_asset(&mut self, id: AssetId, max_supply: Amount) -> Result<Outcome, Reject> {
        if self.kind == AccountKind::Individual {
            return Err(Rule::NotPermitted.into());
        }
        let issuer = self.id;
        self.create(RecordId::Asset(id), || {
            Ok(Record::Asset(Asset { issuer, supply: Amount::ZERO, max_supply: not_zero(max_supply)? }))
        })
    }

    /// The asset, which the sender must have created.
    fn own_asset(&mut self, id: AssetId) -> Result<&mut Asset, Reject> {
        let asset = self.draft.change_asset(id)?;
        if asset.issuer == self.id { Ok(asset) } else { Err(Rule::NotIssuer.into()) }
    }

    fn issue(&mut self, id: AssetId, to: AccountId, amount: Amount) -> Result<Outcome, Reject> {
        let asset = self.own_asset(id)?;
        let supply = asset.supply.checked_add(not_zero(amount)?).map_err(|_| Rule::AboveMaxSupply)?;
        if supply > asset.max_supply {
            return Err(Rule::AboveMaxSupply.into());
        }
        asset.supply = supply;
        self.draft.must_be_active(to)?;
        self.draft.credit(RecordId::Balance(to, id), amount)?;
        Ok(Outcome::Done)
    }

    fn burn(&mut self, id: AssetId, amount: Amount) -> Result<Outcome, Reject> {
        self.own_asset(id)?;
        self.pay(id, not_zero(amount)?)?;
        let asset = self.own_asset(id)?;
        asset.supply = asset.supply.checked_sub(amount)?;
        Ok(Outcome::Done)
    }

    fn transfer(&mut self, asset: AssetId, to: AccountId, amount: Amount) -> Result<(), Reject> {
        if to == self.id {
            return Err(Rule::SelfTransfer.into());
        }
        self.draft.must_be_active(to)?;
        self.pay(asset, not_zero(amount)?)?;
        self.draft.credit(RecordId::Balance(to, asset), amount)
    }

    fn create_pool(
        &mut self,
        id: PoolId,
        asset_a: AssetId,
        asset_b: AssetId,
        fee_bps: u16,
    ) -> Result<Outcome, Reject> {
        if self.kind == AccountKind::Individual {
            return Err(Rule::NotPermitted.into());
        }
        if asset_a >= asset_b {
            return Err(Rule::PoolAssets.into());
        }
        if self.draft.asset(asset_a)?.is_none() || self.draft.asset(asset_b)?.is_none() {
            return Err(Rule::AssetUnknown.into());
        }
        self.create(RecordId::Pool(id), || {
            Ok(Record::Pool(Pool { asset_a, asset_b, reserves: Reserves::empty(fee_bps)? }))
        })
    }

    fn swapped(
        &mut self,
        id: PoolId,
        (asset_in, asset_out): (AssetId, AssetId),
        swap: amm::Swap,
    ) -> Result<Outcome, Reject> {
        self.pay(asset_in, swap.quote.amount_in)?;
        self.receive(asset_out, swap.quote.amount_out)?;
        self.draft.change_pool(id)?.reserves = swap.reserves;
        Ok(Outcome::Swapped(swap.quote.amount_in, swap.quote.amount_out))
    }
}

fn own_assets(pool: &Pool, asset_a: AssetId, asset_b: AssetId) -> Result<(), Reject> {
    if (asset_a, asset_b) == (pool.asset_a, pool.asset_b) { Ok(()) } else { Err(Rule::NotInPool.into()) }
}

fn direction(pool: &Pool, asset_in: AssetId, asset_out: AssetId) -> Result<Direction, Reject> {
    if (asset_in, asset_out) == (pool.asset_a, pool.asset_b) {
        Ok(Direction::AToB)
    } else if (asset_in, asset_out) == (pool.asset_b, pool.asset_a) {
        Ok(Direction::BToA)
    } else {
        Err(Rule::NotInPool.into())
    }
}
