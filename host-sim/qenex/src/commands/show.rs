//! How records and outcomes are shown.

use qenex_core::id::{AccountId, AssetId, PoolId};
use qenex_core::ledger::{Account, Outcome, Record, RecordId};
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
