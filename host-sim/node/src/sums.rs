//! What the records of a state must add up to: supplies, shares, holdings.

use std::collections::{BTreeMap, HashMap};

use qenex_core::id::{AccountId, AssetId, NATIVE_ASSET, PoolId};
use qenex_core::ledger::{Record, RecordId};
use qenex_core::num::Amount;

use crate::records::Records;

/// Goes over all records. Returns how many assets there are.
///
/// # Errors
/// What does not add up.
pub fn check_sums(records: &Records) -> Result<usize, String> {
    let mut held: BTreeMap<AssetId, Amount> = BTreeMap::new();
    let mut shares: BTreeMap<PoolId, Amount> = BTreeMap::new();
    let mut staked: BTreeMap<AccountId, [Amount; 2]> = BTreeMap::new();
    let mut holdings: HashMap<AccountId, u32> = HashMap::new();
    let add = |sum: &mut Amount, amount: Amount| {
        *sum = sum.checked_add(amount).map_err(|error| error.to_string())?;
        Ok::<_, String>(())
    };
    for (id, record) in records.decoded() {
        match (id, record) {
            (RecordId::Balance(account, asset), Record::Balance(balance)) => {
                add(held.entry(asset).or_default(), balance.amount)?;
                *holdings.entry(account).or_default() += 1;
            }
            (RecordId::Shares(account, pool), Record::Shares(record)) => {
                add(shares.entry(pool).or_default(), record.amount)?;
                *holdings.entry(account).or_default() += 1;
            }
            (RecordId::Delegation(account, validator), Record::Shares(record)) => {
                let [bonded, _] = staked.entry(validator).or_default();
                add(bonded, record.amount)?;
                *holdings.entry(account).or_default() += 1;
            }
            (RecordId::Unbonding(account, validator), Record::Unbonding(record)) => {
                let [_, unbonding] = staked.entry(validator).or_default();
                add(unbonding, record.shares)?;
                *holdings.entry(account).or_default() += 1;
            }
            (RecordId::Validator(account), Record::Validator(record)) => {
                add(held.entry(NATIVE_ASSET).or_default(), record.bonded.tokens)?;
                add(held.entry(NATIVE_ASSET).or_default(), record.unbonding.tokens)?;
                *holdings.entry(account).or_default() += 1;
            }
            (RecordId::Pool(_), Record::Pool(pool)) => {
                add(held.entry(pool.asset_a).or_default(), pool.reserves.a())?;
                add(held.entry(pool.asset_b).or_default(), pool.reserves.b())?;
            }
            _ => {}
        }
    }
    let mut assets = 0;
    for (id, record) in records.decoded() {
        match (id, record) {
            (RecordId::Asset(asset), Record::Asset(record)) => {
                let sum = held.get(&asset).copied().unwrap_or(Amount::ZERO);
                if sum != record.supply {
                    return Err(format!("{asset}: the supply is {}, held are {sum}", record.supply));
                }
                assets += 1;
            }
            (RecordId::Account(account), Record::Account(record)) => {
                let count = holdings.get(&account).copied().unwrap_or(0);
                if count != record.holdings {
                    return Err(format!("{account} counts {} holdings and has {count}", record.holdings));
                }
            }
            (RecordId::Pool(pool), Record::Pool(record)) => {
                let sum = shares.get(&pool).copied().unwrap_or(Amount::ZERO);
                if sum > record.reserves.shares() {
                    return Err(format!("{pool}: more shares are held than there are"));
                }
            }
            (RecordId::Validator(account), Record::Validator(record)) => {
                let sums = staked.get(&account).copied().unwrap_or_default();
                if sums != [record.bonded.shares, record.unbonding.shares] {
                    return Err(format!("{account}: the shares of its stake are not those that are held"));
                }
            }
            _ => {}
        }
    }
    Ok(assets)
}
