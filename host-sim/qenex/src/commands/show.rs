//! How records and outcomes are shown.

use qenex_core::amm::Direction;
use qenex_core::id::{AccountId, AssetId, PoolId};
use qenex_core::ledger::{Account, Outcome, Pool, Record, RecordId};
use qenex_core::num::Amount;
use qenex_node::chain::Chain;
use serde_json::{Value, json};

/// One line.
pub fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Done => "done".into(),
        Outcome::Swapped(amount_in, amount_out) => format!("swapped {amount_in} for {amount_out}"),
        Outcome::Deposited(a, b, shares) => format!("deposited {a} and {b} for {shares} shares"),
        Outcome::Withdrawn(a, b) => format!("withdrew {a} and {b}"),
        Outcome::Delegated(shares) => format!("delegated for {shares} shares"),
        Outcome::Unbonded(amount, epoch) => format!("unbonded {amount}, released in epoch {epoch}"),
        Outcome::Released(amount) => format!("received {amount} of stake"),
        Outcome::Slashed(amount) => format!("burned {amount} of stake"),
    }
}

/// Its JSON.
pub fn outcome_json(outcome: &Outcome) -> Value {
    match outcome {
        Outcome::Done => json!({ "kind": "done" }),
        Outcome::Swapped(amount_in, amount_out) => {
            json!({ "kind": "swapped", "amount_in": text(amount_in), "amount_out": text(amount_out) })
        }
        Outcome::Deposited(a, b, shares) => {
            json!({ "kind": "deposited", "amount_a": text(a), "amount_b": text(b), "shares": text(shares) })
        }
        Outcome::Withdrawn(a, b) => json!({ "kind": "withdrawn", "amount_a": text(a), "amount_b": text(b) }),
        Outcome::Delegated(shares) => json!({ "kind": "delegated", "shares": text(shares) }),
        Outcome::Unbonded(amount, epoch) => {
            json!({ "kind": "unbonded", "amount": text(amount), "release_epoch": epoch })
        }
        Outcome::Released(amount) => json!({ "kind": "released", "amount": text(amount) }),
        Outcome::Slashed(amount) => json!({ "kind": "slashed", "amount": text(amount) }),
    }
}

fn text(amount: &Amount) -> String {
    amount.to_string()
}

/// What an account has.
pub type Holdings = (Vec<(AssetId, Amount)>, Vec<(PoolId, Amount)>);

/// What an account has: assets, then shares.
pub fn holdings(chain: &Chain, account: AccountId) -> Holdings {
    let mut balances = Vec::new();
    let mut shares = Vec::new();
    for (id, record) in chain.records().decoded() {
        match (id, record) {
            (RecordId::Balance(holder, asset), Record::Balance(balance)) if holder == account => {
                balances.push((asset, balance.amount));
            }
            (RecordId::Shares(holder, pool), Record::Shares(record)) if holder == account => {
                shares.push((pool, record.amount));
            }
            _ => {}
        }
    }
    balances.sort();
    shares.sort();
    (balances, shares)
}

/// An account's JSON.
pub fn account_json(chain: &Chain, id: AccountId, account: &Account<'_>) -> Value {
    let (balances, shares) = holdings(chain, id);
    let keys: Vec<Value> = account
        .authority
        .keys()
        .map(|key| json!({ "scheme": key.scheme.to_string(), "hash": key.hash.to_string() }))
        .collect();
    let list = |pairs: Vec<(String, Amount)>| -> Value {
        pairs.into_iter().map(|(name, amount)| (name, Value::String(amount.to_string()))).collect()
    };
    json!({
        "account": id.to_string(),
        "kind": account.kind.as_str(),
        "status": account.status.as_str(),
        "kyc": account.kyc.as_str(),
        "nonce": account.nonce,
        "threshold": account.authority.threshold(),
        "keys": keys,
        "balances": list(balances.into_iter().map(|(asset, amount)| (asset.to_string(), amount)).collect()),
        "shares": list(shares.into_iter().map(|(pool, amount)| (pool.to_string(), amount)).collect()),
    })
}

/// A pool's JSON.
pub fn pool_json(id: PoolId, pool: &Pool) -> Value {
    let reserves = &pool.reserves;
    let price = |direction| reserves.spot_price(direction).ok().map(|price| price.to_string());
    json!({
        "pool": id.to_string(),
        "asset_a": pool.asset_a.to_string(),
        "asset_b": pool.asset_b.to_string(),
        "reserve_a": reserves.a().to_string(),
        "reserve_b": reserves.b().to_string(),
        "shares": reserves.shares().to_string(),
        "fee_bps": reserves.fee_bps(),
        "price_a_in_b": price(Direction::AToB),
        "price_b_in_a": price(Direction::BToA),
    })
}
