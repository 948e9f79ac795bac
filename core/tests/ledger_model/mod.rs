//! The rules of the ledger as a bookkeeper would write them: plain maps, changed in place on a copy that is thrown away
//! when a rule is broken. Market maker in big integers. It says with which code a transaction is refused, and what the whole
//! state is afterwards.

use std::collections::BTreeMap;

use num_bigint::BigUint;
use qenex_core::amm::Reserves;
use qenex_core::error::{self, Code};
use qenex_core::id::{AccountId, AssetId, ChainId, NATIVE_ASSET, PoolId};
use qenex_core::ledger::{Account, AccountStatus, Asset, Balance, Outcome, Pool, Record, RecordId, Shares};
use qenex_core::num::Amount;
use qenex_core::tx::{AccountKind, Authority, KeyRef, KycLevel, Op, Transaction};

/// Shares that the first deposit locks.
const LOCKED: u128 = 1_000;

#[derive(Clone, Debug)]
pub struct Holder {
    pub kind: AccountKind,
    pub status: AccountStatus,
    pub kyc: KycLevel,
    pub nonce: u64,
    pub authority: Authority<'static>,
}

#[derive(Clone, Debug)]
pub struct Currency {
    pub issuer: AccountId,
    pub supply: u128,
    pub max_supply: u128,
}

#[derive(Clone, Debug)]
pub struct Market {
    pub assets: [AssetId; 2],
    pub reserves: [u128; 2],
    pub shares: u128,
    pub fee_bps: u16,
}

#[derive(Clone, Debug, Default)]
pub struct Model {
    pub accounts: BTreeMap<AccountId, Holder>,
    pub assets: BTreeMap<AssetId, Currency>,
    pub pools: BTreeMap<PoolId, Market>,
    pub balances: BTreeMap<(AccountId, AssetId), u128>,
    pub shares: BTreeMap<(AccountId, PoolId), u128>,
    /// Fees paid in this block and not yet credited.
    pub fees: u128,
    pub chain: Option<ChainId>,
    pub height: u64,
    pub time_ms: u64,
}

type Result<T> = core::result::Result<T, Code>;

fn require(condition: bool, otherwise: Code) -> Result<()> {
    if condition { Ok(()) } else { Err(otherwise) }
}

fn units(amount: Amount) -> u128 {
    amount.units()
}

pub fn amount(units: u128) -> Amount {
    Amount::from_units(units).unwrap()
}

/// The number if it can be an amount.
fn small(number: &BigUint) -> Option<u128> {
    u128::try_from(number).ok().filter(|units| *units <= units_max())
}

pub fn units_max() -> u128 {
    Amount::MAX.units()
}

fn big(number: impl Into<BigUint>) -> BigUint {
    number.into()
}

/// Sets or, at zero, removes.
fn set<K: Ord>(map: &mut BTreeMap<K, u128>, key: K, value: u128) {
    if value == 0 {
        map.remove(&key);
    } else {
        map.insert(key, value);
    }
}

impl Model {
    pub fn balance(&self, account: AccountId, asset: AssetId) -> u128 {
        self.balances.get(&(account, asset)).copied().unwrap_or(0)
    }

    pub fn shares_of(&self, account: AccountId, pool: PoolId) -> u128 {
        self.shares.get(&(account, pool)).copied().unwrap_or(0)
    }

    /// The state as records.
    pub fn records(&self) -> BTreeMap<RecordId, Record<'static>> {
        let mut records = BTreeMap::new();
        for (id, holder) in &self.accounts {
            let Holder { kind, status, kyc, nonce, authority } = *holder;
            let holdings = self.balances.keys().filter(|key| key.0 == *id).count()
                + self.shares.keys().filter(|key| key.0 == *id).count();
            let account = Account { kind, status, kyc, nonce, holdings: holdings as u32, authority };
            records.insert(RecordId::Account(*id), Record::Account(account));
        }
        for (id, asset) in &self.assets {
            let Currency { issuer, supply, max_supply } = *asset;
            let asset = Asset { issuer, supply: amount(supply), max_supply: amount(max_supply) };
            records.insert(RecordId::Asset(*id), Record::Asset(asset));
        }
        for (id, pool) in &self.pools {
            let [a, b] = pool.reserves.map(amount);
            let reserves = Reserves::new(a, b, amount(pool.shares), pool.fee_bps).unwrap();
            let [asset_a, asset_b] = pool.assets;
            records.insert(RecordId::Pool(*id), Record::Pool(Pool { asset_a, asset_b, reserves }));
        }
        for ((account, asset), units) in &self.balances {
            let balance = Balance { amount: amount(*units) };
            records.insert(RecordId::Balance(*account, *asset), Record::Balance(balance));
        }
        for ((account, pool), units) in &self.shares {
            let shares = Shares { amount: amount(*units) };
            records.insert(RecordId::Shares(*account, *pool), Record::Shares(shares));
        }
        records
    }

    /// Executes, or leaves everything as it was.
    pub fn execute(&mut self, tx: &Transaction<'static>, signers: &[KeyRef]) -> Result<Outcome> {
        let mut after = self.clone();
        let outcome = after.apply(tx, signers)?;
        *self = after;
        Ok(outcome)
    }

    /// Ends the block.
    pub fn settle(&mut self, proposer: AccountId) -> Result<()> {
        let holder = self.accounts.get(&proposer).ok_or(error::ACCOUNT_UNKNOWN)?;
        require(holder.status != AccountStatus::Closed, error::ACCOUNT_NOT_ACTIVE)?;
        self.give(proposer, NATIVE_ASSET, self.fees);
        self.fees = 0;
        Ok(())
    }

    fn give(&mut self, account: AccountId, asset: AssetId, units: u128) {
        let after = self.balance(account, asset) + units;
        set(&mut self.balances, (account, asset), after);
    }

    fn take(&mut self, account: AccountId, asset: AssetId, units: u128, otherwise: Code) -> Result<()> {
        let after = self.balance(account, asset).checked_sub(units).ok_or(otherwise)?;
        set(&mut self.balances, (account, asset), after);
        Ok(())
    }

    fn active(&self, id: AccountId) -> Result<&Holder> {
        let holder = self.accounts.get(&id).ok_or(error::ACCOUNT_UNKNOWN)?;
        require(holder.status == AccountStatus::Active, error::ACCOUNT_NOT_ACTIVE)?;
        Ok(holder)
    }

    fn apply(&mut self, tx: &Transaction<'static>, signers: &[KeyRef]) -> Result<Outcome> {
        require(Some(tx.chain_id) == self.chain, error::WRONG_CHAIN)?;
        require(self.height <= tx.last_valid_height, error::EXPIRED)?;
        let holder = self.active(tx.sender)?.clone();
        require(tx.nonce >= holder.nonce, error::NONCE_USED)?;
        require(tx.nonce <= holder.nonce, error::NONCE_AHEAD)?;
        let different = signers.windows(2).all(|pair| pair[0] < pair[1]);
        let own = signers.iter().all(|key| holder.authority.keys().any(|own| own == *key));
        let enough = signers.len() == usize::from(holder.authority.threshold());
        require(different && own && enough, error::AUTHORITY_NOT_MET)?;
        self.accounts.get_mut(&tx.sender).unwrap().nonce += 1;
        self.take(tx.sender, NATIVE_ASSET, units(tx.fee), error::INSUFFICIENT_FOR_FEE)?;
        self.fees += units(tx.fee);
        self.operate(tx.sender, holder.kind, &tx.op)
    }

    fn operate(&mut self, sender: AccountId, kind: AccountKind, op: &Op<'static>) -> Result<Outcome> {
        use AccountKind::{Government, Individual, Institution, System};
        match op {
            Op::CreateAccount(op) => {
                let permitted = match kind {
                    System => true,
                    Government | Institution => [Individual, Institution].contains(&op.kind),
                    Individual => false,
                };
                require(permitted, error::NOT_PERMITTED)?;
                require(!self.accounts.contains_key(&op.account), error::ID_IN_USE)?;
                let (status, authority) = (AccountStatus::Active, op.authority);
                let holder = Holder { kind: op.kind, status, kyc: op.kyc, nonce: 0, authority };
                self.accounts.insert(op.account, holder);
            }
            Op::RotateAuthority(op) => {
                self.accounts.get_mut(&sender).unwrap().authority = op.authority;
            }
            Op::SetFrozen(op) => {
                require([Government, System].contains(&kind), error::NOT_PERMITTED)?;
                let holder = self.accounts.get_mut(&op.account).ok_or(error::ACCOUNT_UNKNOWN)?;
                require(op.account != sender && holder.kind != System, error::NOT_PERMITTED)?;
                require(holder.status != AccountStatus::Closed, error::ACCOUNT_NOT_ACTIVE)?;
                let status = if op.frozen { AccountStatus::Frozen } else { AccountStatus::Active };
                require(holder.status != status, error::NO_CHANGE)?;
                holder.status = status;
            }
            Op::CloseAccount => {
                let empty = self.balances.keys().all(|key| key.0 != sender)
                    && self.shares.keys().all(|key| key.0 != sender);
                require(empty, error::ACCOUNT_NOT_EMPTY)?;
                self.accounts.get_mut(&sender).unwrap().status = AccountStatus::Closed;
            }
            Op::CreateAsset(op) => {
                require(kind != Individual, error::NOT_PERMITTED)?;
                require(!self.assets.contains_key(&op.asset), error::ID_IN_USE)?;
                require(!op.max_supply.is_zero(), error::ZERO_AMOUNT)?;
                let max_supply = units(op.max_supply);
                self.assets.insert(op.asset, Currency { issuer: sender, supply: 0, max_supply });
            }
            Op::Issue(op) => {
                let asset = self.assets.get_mut(&op.asset).ok_or(error::ASSET_UNKNOWN)?;
                require(asset.issuer == sender, error::NOT_ISSUER)?;
                require(!op.amount.is_zero(), error::ZERO_AMOUNT)?;
                asset.supply += units(op.amount);
                require(asset.supply <= asset.max_supply, error::ABOVE_MAX_SUPPLY)?;
                self.active(op.to)?;
                self.give(op.to, op.asset, units(op.amount));
            }
            Op::Burn(op) => {
                let asset = self.assets.get(&op.asset).ok_or(error::ASSET_UNKNOWN)?;
                require(asset.issuer == sender, error::NOT_ISSUER)?;
                require(!op.amount.is_zero(), error::ZERO_AMOUNT)?;
                self.take(sender, op.asset, units(op.amount), error::INSUFFICIENT_BALANCE)?;
                self.assets.get_mut(&op.asset).unwrap().supply -= units(op.amount);
            }
            Op::Transfer(op) => {
                for leg in op.legs.iter() {
                    require(leg.to != sender, error::SELF_TRANSFER)?;
                    self.active(leg.to)?;
                    require(!leg.amount.is_zero(), error::ZERO_AMOUNT)?;
                    self.take(sender, op.asset, units(leg.amount), error::INSUFFICIENT_BALANCE)?;
                    self.give(leg.to, op.asset, units(leg.amount));
                }
            }
            Op::CreatePool(op) => {
                require(kind != Individual, error::NOT_PERMITTED)?;
                require(op.asset_a < op.asset_b, error::POOL_ASSETS)?;
                for asset in [op.asset_a, op.asset_b] {
                    require(self.assets.contains_key(&asset), error::ASSET_UNKNOWN)?;
                }
                require(!self.pools.contains_key(&op.pool), error::ID_IN_USE)?;
                require(op.fee_bps < 10_000, error::AMM_FEE_OUT_OF_RANGE)?;
                let (assets, fee_bps) = ([op.asset_a, op.asset_b], op.fee_bps);
                self.pools.insert(op.pool, Market { assets, reserves: [0, 0], shares: 0, fee_bps });
            }
            // There is no staking here; tests/stake.rs is about it.
            Op::Stand(_) | Op::Unbond(_) | Op::Withdraw(_) | Op::Report(_) => {
                return Err(error::STAKING_NONE);
            }
            Op::Leave(_) => return Err(error::VALIDATOR_UNKNOWN),
            Op::Delegate(op) => {
                require(!op.amount.is_zero(), error::ZERO_AMOUNT)?;
                self.take(sender, NATIVE_ASSET, units(op.amount), error::INSUFFICIENT_BALANCE)?;
                return Err(error::VALIDATOR_UNKNOWN);
            }
            Op::AddLiquidity(op) => {
                let mut pool = self.pool(op.pool)?;
                require(pool.assets == [op.asset_a, op.asset_b], error::NOT_IN_POOL)?;
                self.in_time(op.deadline_ms)?;
                let max = [units(op.max_a), units(op.max_b)];
                let (taken, minted, locked) = pool.deposit(max, units(op.min_shares))?;
                for (side, taken) in taken.iter().enumerate() {
                    self.take(sender, pool.assets[side], *taken, error::INSUFFICIENT_BALANCE)?;
                    pool.reserves[side] += taken;
                }
                pool.shares += minted + locked;
                let after = self.shares_of(sender, op.pool) + minted;
                set(&mut self.shares, (sender, op.pool), after);
                self.pools.insert(op.pool, pool);
                return Ok(Outcome::Deposited(amount(taken[0]), amount(taken[1]), amount(minted)));
            }
            Op::RemoveLiquidity(op) => {
                let mut pool = self.pool(op.pool)?;
                require(pool.assets == [op.asset_a, op.asset_b], error::NOT_IN_POOL)?;
                require(!op.shares.is_zero(), error::ZERO_AMOUNT)?;
                let left = self.shares_of(sender, op.pool).checked_sub(units(op.shares));
                set(&mut self.shares, (sender, op.pool), left.ok_or(error::INSUFFICIENT_SHARES)?);
                self.in_time(op.deadline_ms)?;
                // Whoever has shares has them of a pool that holds more shares than those.
                let given = pool
                    .reserves
                    .map(|reserve| small(&(big(units(op.shares)) * reserve / pool.shares)).unwrap());
                require(given[0] > 0 && given[1] > 0, error::AMM_ZERO_OUTPUT)?;
                let enough = given[0] >= units(op.min_a) && given[1] >= units(op.min_b);
                require(enough, error::AMM_OUTPUT_BELOW_MINIMUM)?;
                for (side, given) in given.iter().enumerate() {
                    pool.reserves[side] -= given;
                    self.give(sender, pool.assets[side], *given);
                }
                pool.shares -= units(op.shares);
                self.pools.insert(op.pool, pool);
                return Ok(Outcome::Withdrawn(amount(given[0]), amount(given[1])));
            }
            Op::SwapExactIn(op) => {
                let (pool, i) = self.side(op.pool, op.asset_in, op.asset_out)?;
                self.in_time(op.deadline_ms)?;
                let paid = units(op.amount_in);
                let bought = pool.exact_in(i, paid)?;
                require(bought >= units(op.min_out), error::AMM_OUTPUT_BELOW_MINIMUM)?;
                return self.swap(sender, op.pool, pool, i, paid, bought, op.max_price_impact_bps);
            }
            Op::SwapExactOut(op) => {
                let (pool, i) = self.side(op.pool, op.asset_in, op.asset_out)?;
                self.in_time(op.deadline_ms)?;
                let bought = units(op.amount_out);
                let paid = pool.exact_out(i, bought)?;
                require(paid <= units(op.max_in), error::AMM_INPUT_ABOVE_MAXIMUM)?;
                return self.swap(sender, op.pool, pool, i, paid, bought, op.max_price_impact_bps);
            }
        }
        Ok(Outcome::Done)
    }

    fn pool(&self, id: PoolId) -> Result<Market> {
        self.pools.get(&id).cloned().ok_or(error::POOL_UNKNOWN)
    }

    /// The pool, and which of its assets goes in.
    fn side(&self, id: PoolId, asset_in: AssetId, asset_out: AssetId) -> Result<(Market, usize)> {
        let pool = self.pool(id)?;
        let i = (0..2).find(|i| [pool.assets[*i], pool.assets[1 - i]] == [asset_in, asset_out]);
        Ok((pool, i.ok_or(error::NOT_IN_POOL)?))
    }

    fn in_time(&self, deadline_ms: Option<u64>) -> Result<()> {
        require(deadline_ms.is_none_or(|deadline_ms| self.time_ms <= deadline_ms), error::AMM_DEADLINE_PASSED)
    }

    #[allow(clippy::too_many_arguments)]
    fn swap(
        &mut self,
        sender: AccountId,
        id: PoolId,
        mut pool: Market,
        i: usize,
        paid: u128,
        bought: u128,
        max_impact_bps: Option<u16>,
    ) -> Result<Outcome> {
        if let Some(bps) = max_impact_bps {
            // out / in is at least (1 - limit) * reserve_out / reserve_in.
            let part = 10_000u16.saturating_sub(bps);
            let least = big(paid) * pool.reserves[1 - i] * part;
            let actual = big(bought) * pool.reserves[i] * 10_000u16;
            require(actual >= least, error::AMM_PRICE_IMPACT_ABOVE_LIMIT)?;
        }
        let product = big(pool.reserves[0]) * pool.reserves[1];
        pool.reserves[i] += paid;
        pool.reserves[1 - i] -= bought;
        assert!(big(pool.reserves[0]) * pool.reserves[1] >= product, "the product fell");
        self.take(sender, pool.assets[i], paid, error::INSUFFICIENT_BALANCE)?;
        self.give(sender, pool.assets[1 - i], bought);
        self.pools.insert(id, pool);
        Ok(Outcome::Swapped(amount(paid), amount(bought)))
    }
}

impl Market {
    /// What is taken of both assets, the shares for it, and the shares that are locked besides.
    fn deposit(&self, max: [u128; 2], min_shares: u128) -> Result<([u128; 2], u128, u128)> {
        require(max[0] > 0 && max[1] > 0, error::AMM_ZERO_AMOUNT)?;
        let (taken, minted, locked) = if self.shares == 0 {
            let root = small(&(big(max[0]) * max[1]).sqrt()).unwrap();
            require(root > LOCKED, error::AMM_FIRST_DEPOSIT_TOO_SMALL)?;
            (max, root - LOCKED, LOCKED)
        } else {
            let part = |i: usize| big(max[i]) * self.shares / self.reserves[i];
            let minted = part(0).min(part(1));
            require(minted > big(0u8), error::AMM_ZERO_OUTPUT)?;
            let total = small(&(&minted + self.shares));
            require(total.is_some(), error::AMM_POOL_OVERFLOW)?;
            let minted = small(&minted).unwrap();
            let up = |i: usize| {
                small(&((big(minted) * self.reserves[i] + (self.shares - 1)) / self.shares)).unwrap()
            };
            ([up(0), up(1)], minted, 0)
        };
        require(minted >= min_shares, error::AMM_SHARES_BELOW_MINIMUM)?;
        for (reserve, taken) in self.reserves.iter().zip(taken) {
            require(reserve + taken <= units_max(), error::AMM_POOL_OVERFLOW)?;
        }
        Ok((taken, minted, locked))
    }

    fn exact_in(&self, i: usize, paid: u128) -> Result<u128> {
        require(self.shares > 0, error::AMM_EMPTY_POOL)?;
        require(paid > 0, error::AMM_ZERO_AMOUNT)?;
        let trading = big(paid) * (10_000 - self.fee_bps);
        let bought = &trading * self.reserves[1 - i] / (big(self.reserves[i]) * 10_000u16 + &trading);
        require(bought > big(0u8), error::AMM_ZERO_OUTPUT)?;
        require(self.reserves[i] + paid <= units_max(), error::AMM_POOL_OVERFLOW)?;
        Ok(small(&bought).unwrap())
    }

    fn exact_out(&self, i: usize, bought: u128) -> Result<u128> {
        require(self.shares > 0, error::AMM_EMPTY_POOL)?;
        require(bought > 0, error::AMM_ZERO_AMOUNT)?;
        require(bought < self.reserves[1 - i], error::AMM_INSUFFICIENT_LIQUIDITY)?;
        let left = big(self.reserves[1 - i] - bought) * (10_000 - self.fee_bps);
        let paid = small(&(big(self.reserves[i]) * bought * 10_000u16 / left + 1u8));
        paid.filter(|paid| self.reserves[i] + paid <= units_max()).ok_or(error::AMM_POOL_OVERFLOW)
    }
}
