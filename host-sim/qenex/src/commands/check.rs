//! `qenex check`: everything that is stored against everything that it must agree with.

use std::collections::{BTreeMap, HashMap};

use qenex_core::error::CHECK_FAILED;
use qenex_core::id::{AccountId, AssetId, NATIVE_ASSET, PoolId};
use qenex_core::ledger::{Record, RecordId};
use qenex_core::num::Amount;
use qenex_node::prepare::{Signatures, prepare};
use qenex_signatures::Verifier;
use serde_json::json;

use crate::args::Check;
use crate::local::Local;
use crate::output::{Failure, Output};

pub fn run(args: &Check, output: &Output) -> Result<(), Failure> {
    let wrong = |detail: String| Failure::refused(CHECK_FAILED, detail);
    Local::verify_store(&args.data.data)?;
    output.line("every block, bucket and receipt reads back as it was written");
    // Opening compares the root of the checkpoint's records, and of every block after it, with the headers.
    let local = Local::open(&args.data.data)?;
    let recovery = local.recovery.clone();
    output.line(format_args!(
        "checkpoint at height {}: {} records have the root of the header",
        recovery.checkpoint_height, recovery.records
    ));
    output.line(format_args!("{} blocks after it executed again", recovery.blocks));
    let verifier = Verifier::default();
    let tip = local.node.chain().tip().clone();
    let (mut parent, mut transactions) = (None, 0u64);
    for height in 0..=tip.height {
        let block = local.node.block(height)?;
        if block.header.height != height || parent.is_some_and(|parent| parent != block.header.parent) {
            return Err(wrong(format!("block {height} does not follow its parent")));
        }
        parent = Some(block.header.id());
        transactions += block.transactions.len() as u64;
        let root = block.header.transaction_root;
        let prepared = prepare(block.transactions, Signatures::Verify(&verifier));
        for index in 0..prepared.len() {
            prepared
                .transaction(index)
                .map_err(|refusal| wrong(format!("block {height}, transaction {index}: {refusal}")))?;
        }
        if prepared.transaction_root() != root {
            return Err(wrong(format!("block {height}: the transactions do not have the header's root")));
        }
    }
    output
        .line(format_args!("{} blocks, {transactions} transactions: all signatures verify", tip.height + 1));

    let mut held: BTreeMap<AssetId, Amount> = BTreeMap::new();
    let mut shares: BTreeMap<PoolId, Amount> = BTreeMap::new();
    let mut staked: BTreeMap<AccountId, [Amount; 2]> = BTreeMap::new();
    let mut holdings: HashMap<AccountId, u32> = HashMap::new();
    let add = |sum: &mut Amount, amount: Amount| {
        *sum = sum.checked_add(amount).map_err(|error| wrong(error.to_string()))?;
        Ok::<_, Failure>(())
    };
    for (id, record) in local.node.chain().records().decoded() {
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
    for (id, record) in local.node.chain().records().decoded() {
        match (id, record) {
            (RecordId::Asset(asset), Record::Asset(record)) => {
                let sum = held.get(&asset).copied().unwrap_or(Amount::ZERO);
                if sum != record.supply {
                    return Err(wrong(format!("{asset}: the supply is {}, held are {sum}", record.supply)));
                }
                assets += 1;
            }
            (RecordId::Account(account), Record::Account(record)) => {
                let count = holdings.get(&account).copied().unwrap_or(0);
                if count != record.holdings {
                    return Err(wrong(format!(
                        "{account} counts {} holdings and has {count}",
                        record.holdings
                    )));
                }
            }
            (RecordId::Pool(pool), Record::Pool(record)) => {
                let sum = shares.get(&pool).copied().unwrap_or(Amount::ZERO);
                if sum > record.reserves.shares() {
                    return Err(wrong(format!("{pool}: more shares are held than there are")));
                }
            }
            (RecordId::Validator(account), Record::Validator(record)) => {
                let sums = staked.get(&account).copied().unwrap_or_default();
                if sums != [record.bonded.shares, record.unbonding.shares] {
                    return Err(wrong(format!(
                        "{account}: the shares of its stake are not those that are held"
                    )));
                }
            }
            _ => {}
        }
    }
    output.line(format_args!("the supply of {assets} assets is what accounts, pools and stake hold"));
    output.line(format_args!("state root {} at height {}", tip.state_root, tip.height));
    output.result(&json!({
        "height": tip.height,
        "state_root": tip.state_root.to_string(),
        "transactions": transactions,
        "records": local.node.chain().records().len(),
        "assets": assets,
        "checkpoint_height": recovery.checkpoint_height,
        "cut": recovery.cut.map(|cut| json!({ "file": cut.file, "offset": cut.offset, "height": cut.height })),
    }));
    Ok(())
}
