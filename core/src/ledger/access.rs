//! Which records a transaction may touch, known from the transaction alone: what a witness must prove, and what a host
//! can fetch ahead.

use super::record::RecordId;
use crate::crypto::Hash;
use crate::id::{AccountId, AssetId, NATIVE_ASSET};
use crate::tx::{MAX_RECEIVERS, Op, Stand, Transaction};

/// The most records that a transaction reads or writes: the sender's account and two balances, an account and a balance
/// of each receiver.
pub const MAX_ACCESS: usize = 3 + 2 * MAX_RECEIVERS;

type List = heapless::Vec<RecordId, MAX_ACCESS>;

/// Every record that [`super::transition()`] may read or write for this transaction, each once.
pub fn access(transaction: &Transaction<'_>) -> List {
    let mut list = List::new();
    let sender = transaction.sender;
    add(&mut list, RecordId::Account(sender));
    if !transaction.fee.is_zero() {
        add(&mut list, RecordId::Balance(sender, NATIVE_ASSET));
    }
    match &transaction.op {
        Op::CreateAccount(op) => add(&mut list, RecordId::Account(op.account)),
        Op::SetFrozen(op) => add(&mut list, RecordId::Account(op.account)),
        Op::RotateAuthority(_) | Op::CloseAccount => {}
        Op::CreateAsset(op) => add(&mut list, RecordId::Asset(op.asset)),
        Op::Issue(op) => {
            add(&mut list, RecordId::Asset(op.asset));
            receiver(&mut list, op.to, op.asset);
        }
        Op::Burn(op) => {
            add(&mut list, RecordId::Asset(op.asset));
            add(&mut list, RecordId::Balance(sender, op.asset));
        }
        Op::Transfer(op) => {
            add(&mut list, RecordId::Balance(sender, op.asset));
            for leg in op.legs.iter() {
                receiver(&mut list, leg.to, op.asset);
            }
        }
        Op::CreatePool(op) => {
            add(&mut list, RecordId::Pool(op.pool));
            add(&mut list, RecordId::Asset(op.asset_a));
            add(&mut list, RecordId::Asset(op.asset_b));
        }
        Op::AddLiquidity(op) => {
            add(&mut list, RecordId::Shares(sender, op.pool));
            pool(&mut list, RecordId::Pool(op.pool), sender, op.asset_a, op.asset_b);
        }
        Op::RemoveLiquidity(op) => {
            add(&mut list, RecordId::Shares(sender, op.pool));
            pool(&mut list, RecordId::Pool(op.pool), sender, op.asset_a, op.asset_b);
        }
        Op::SwapExactIn(op) => pool(&mut list, RecordId::Pool(op.pool), sender, op.asset_in, op.asset_out),
        Op::SwapExactOut(op) => pool(&mut list, RecordId::Pool(op.pool), sender, op.asset_in, op.asset_out),
        Op::Stand(op) => stand(sender, op).into_iter().for_each(|id| add(&mut list, id)),
        Op::Leave(op) => {
            add(&mut list, RecordId::Validator(sender));
            add(&mut list, RecordId::Candidate(op.slot));
        }
        Op::Delegate(op) => {
            add(&mut list, RecordId::Validator(op.validator));
            add(&mut list, RecordId::Delegation(sender, op.validator));
            add(&mut list, RecordId::Balance(sender, NATIVE_ASSET));
        }
        Op::Unbond(op) => {
            add(&mut list, RecordId::Staking);
            add(&mut list, RecordId::Validator(op.validator));
            add(&mut list, RecordId::Delegation(sender, op.validator));
            add(&mut list, RecordId::Unbonding(sender, op.validator));
        }
        Op::Withdraw(op) => {
            add(&mut list, RecordId::Staking);
            add(&mut list, RecordId::Validator(op.validator));
            add(&mut list, RecordId::Unbonding(sender, op.validator));
            add(&mut list, RecordId::Balance(sender, NATIVE_ASSET));
        }
        Op::Report(op) => {
            add(&mut list, RecordId::Staking);
            add(&mut list, RecordId::Validator(op.validator));
            add(&mut list, RecordId::Asset(NATIVE_ASSET));
        }
    }
    list
}

/// What whoever stands may touch.
pub(super) fn stand(sender: AccountId, op: &Stand<'_>) -> [RecordId; 8] {
    [
        RecordId::Account(sender),
        RecordId::Balance(sender, NATIVE_ASSET),
        RecordId::Staking,
        RecordId::Validator(sender),
        RecordId::Delegation(sender, sender),
        RecordId::Candidate(op.slot),
        RecordId::Key(Hash(*op.vote_key.0)),
        RecordId::Key(Hash(*op.peer_key.0)),
    ]
}

fn add(list: &mut List, id: RecordId) {
    if !list.contains(&id) {
        // Cannot be full: a transfer to the most receivers is the longest case and fits exactly.
        let _ = list.push(id);
    }
}

fn receiver(list: &mut List, account: AccountId, asset: AssetId) {
    add(list, RecordId::Account(account));
    add(list, RecordId::Balance(account, asset));
}

fn pool(list: &mut List, pool: RecordId, account: AccountId, first: AssetId, second: AssetId) {
    add(list, pool);
    add(list, RecordId::Balance(account, first));
    add(list, RecordId::Balance(account, second));
}
