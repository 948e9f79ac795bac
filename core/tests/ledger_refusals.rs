//! Each rule by itself: one transaction that breaks it, refused with its code, and the same one accepted once it is
//! mended. Views that cannot answer, and the bounds of what a transaction touches.
#![allow(clippy::unwrap_used)] // a test that meets what it does not expect should stop there

mod kept;

use std::collections::BTreeMap;

use kept::kept;
use qenex_core::amm::Reserves;
use qenex_core::crypto::Scheme;
use qenex_core::error::{self, Code, Coded};
use qenex_core::id::{AccountId, AssetId, ChainId, NATIVE_ASSET, PoolId, Reference};
use qenex_core::ledger::{
    Account, AccountStatus, Asset, Balance, Effects, Env, MAX_ACCESS, MAX_WRITES, Pool, Record, RecordId,
    Reject, Rule, Shares, Signers, View, ViewError, access, settle_fees, transition,
};
use qenex_core::num::Amount;
use qenex_core::tx::{
    AccountKind, AddLiquidity, Authority, AuthorityBuf, Burn, CreateAccount, CreateAsset, CreatePool, Issue,
    KeyRef, KycLevel, Leg, LegsBuf, MAX_RECEIVERS, Op, RemoveLiquidity, SetFrozen, SwapExactIn, SwapExactOut,
    Transaction, Transfer,
};

/// A state, and records that it cannot answer for.
#[derive(Clone, Default)]
struct State {
    records: BTreeMap<RecordId, Record<'static>>,
    failing: BTreeMap<RecordId, ViewError>,
}

impl View<'static> for State {
    fn record(&self, id: &RecordId) -> Result<Option<Record<'static>>, ViewError> {
        self.failing.get(id).map_or_else(|| Ok(self.records.get(id).copied()), |error| Err(*error))
    }
}

fn account(text: &str) -> AccountId {
    AccountId::new(text).unwrap()
}

fn asset(text: &str) -> AssetId {
    AssetId::new(text).unwrap()
}

fn pool() -> PoolId {
    PoolId::new("EUR-USD").unwrap()
}

fn units(units: u64) -> Amount {
    Amount::from_units(units.into()).unwrap()
}

fn key(number: u8) -> KeyRef {
    KeyRef::of(Scheme::Ed25519, &[number; 32])
}

fn sorted<const N: usize>(mut keys: [KeyRef; N]) -> [KeyRef; N] {
    keys.sort();
    keys
}

/// Keys 1, 2 and 3, of which two must sign.
fn authority() -> Authority<'static> {
    kept(AuthorityBuf::new(2, &sorted([key(1), key(2), key(3)])).unwrap()).get()
}

fn holder(kind: AccountKind, nonce: u64, holdings: u32) -> Record<'static> {
    let (status, kyc) = (AccountStatus::Active, KycLevel::None);
    Record::Account(Account { kind, status, kyc, nonce, holdings, authority: authority() })
}

const ENV: Env = Env {
    chain_id: match ChainId::new("TEST") {
        Ok(id) => id,
        Err(_) => panic!(),
    },
    height: 100,
    time_ms: 5_000,
};

/// A system, an institution with 1,000 of three assets and 5,000 shares, a person with nothing, and a pool.
fn state() -> State {
    let mut state = State::default();
    let mut put = |id, record| state.records.insert(id, record);
    put(RecordId::Account(account("SYSTEM")), holder(AccountKind::System, 0, 0));
    put(RecordId::Account(account("BANK")), holder(AccountKind::Institution, 7, 4));
    put(RecordId::Account(account("ALICE")), holder(AccountKind::Individual, 0, 0));
    for name in ["QNX", "EUR", "USD"] {
        let (issuer, supply) = (account("BANK"), units(101_000));
        let record = Asset { issuer, supply, max_supply: units(102_000) };
        put(RecordId::Asset(asset(name)), Record::Asset(record));
        put(
            RecordId::Balance(account("BANK"), asset(name)),
            Record::Balance(Balance { amount: units(1_000) }),
        );
    }
    let reserves = Reserves::new(units(100_000), units(100_000), units(6_000), 30).unwrap();
    let (asset_a, asset_b) = (asset("EUR"), asset("USD"));
    put(RecordId::Pool(pool()), Record::Pool(Pool { asset_a, asset_b, reserves }));
    put(RecordId::Shares(account("BANK"), pool()), Record::Shares(Shares { amount: units(5_000) }));
    state
}

fn transaction(op: Op<'static>) -> Transaction<'static> {
    let (chain_id, sender) = (ENV.chain_id, account("BANK"));
    Transaction { chain_id, sender, nonce: 7, last_valid_height: 100, fee: units(3), op }
}

fn leg(to: &str, amount: u64) -> Leg {
    Leg { to: account(to), amount: units(amount), reference: Reference::new("").unwrap() }
}

fn transfer(name: &str, legs: &[Leg]) -> Op<'static> {
    Op::Transfer(Transfer { asset: asset(name), legs: kept(LegsBuf::new(legs).unwrap()).get() })
}

fn execute(state: &State, tx: &Transaction<'static>) -> Result<Effects<'static>, Reject> {
    transition(&ENV, tx, Signers::Verified(&sorted([key(1), key(3)])), state)
}

fn refused(state: &State, tx: &Transaction<'static>, code: Code) {
    assert_eq!(execute(state, tx).map_err(|reject| reject.code()), Err(code), "{tx:?}");
}

#[test]
fn the_envelope() {
    let state = state();
    let good = transaction(transfer("USD", &[leg("ALICE", 10)]));
    assert!(execute(&state, &good).is_ok());
    let change = |change: fn(&mut Transaction<'static>), code| {
        let mut tx = good.clone();
        change(&mut tx);
        refused(&state, &tx, code);
    };
    change(|tx| tx.chain_id = ChainId::new("TEST2").unwrap(), error::WRONG_CHAIN);
    change(|tx| tx.last_valid_height = 99, error::EXPIRED);
    change(|tx| tx.nonce = 6, error::NONCE_USED);
    change(|tx| tx.nonce = 0, error::NONCE_USED);
    change(|tx| tx.nonce = 8, error::NONCE_AHEAD);
    change(|tx| tx.nonce = u64::MAX, error::NONCE_AHEAD);
    change(|tx| tx.sender = account("NOBODY"), error::ACCOUNT_UNKNOWN);
    change(|tx| tx.fee = units(1_001), error::INSUFFICIENT_FOR_FEE);
    let mut later = good.clone();
    later.last_valid_height = u64::MAX;
    assert!(execute(&state, &later).is_ok());
}

#[test]
fn a_replay_is_refused() {
    let mut state = state();
    let tx = transaction(transfer("USD", &[leg("ALICE", 10)]));
    for (id, record) in execute(&state, &tx).unwrap().writes {
        state.records.insert(id, record.unwrap());
    }
    refused(&state, &tx, error::NONCE_USED);
}

#[test]
fn the_last_nonce_is_never_used() {
    let mut state = state();
    state.records.insert(RecordId::Account(account("BANK")), holder(AccountKind::Institution, u64::MAX, 4));
    let tx = Transaction { nonce: u64::MAX, ..transaction(transfer("USD", &[leg("ALICE", 10)])) };
    refused(&state, &tx, error::NONCE_USED);
}

#[test]
fn exactly_the_threshold_of_own_keys_in_order() {
    let state = state();
    let tx = transaction(transfer("USD", &[leg("ALICE", 10)]));
    let verdict = |keys: &[KeyRef]| {
        transition(&ENV, &tx, Signers::Verified(keys), &state).map(|_| ()).map_err(|reject| reject.code())
    };
    let [low, middle, high] = sorted([key(1), key(2), key(3)]);
    for pair in [[low, middle], [low, high], [middle, high]] {
        assert_eq!(verdict(&pair), Ok(()));
    }
    let foreign = sorted([key(1), key(4)]);
    let refusals: [&[KeyRef]; 7] =
        [&[], &[low], &[low, middle, high], &[middle, low], &[low, low], &foreign, &sorted([key(4), key(5)])];
    for keys in refusals {
        assert_eq!(verdict(keys), Err(error::AUTHORITY_NOT_MET), "{keys:?}");
    }
    assert!(transition(&ENV, &tx, Signers::Assumed, &state).is_ok());
}

#[test]
fn frozen_and_closed_accounts_neither_send_nor_receive() {
    for status in [AccountStatus::Frozen, AccountStatus::Closed] {
        for name in ["BANK", "ALICE"] {
            let mut state = state();
            if let Some(Record::Account(account)) = state.records.get_mut(&RecordId::Account(account(name))) {
                account.status = status;
            }
            refused(&state, &transaction(transfer("USD", &[leg("ALICE", 10)])), error::ACCOUNT_NOT_ACTIVE);
            let issue = Issue { asset: asset("USD"), to: account("ALICE"), amount: units(1) };
            refused(&state, &transaction(Op::Issue(issue)), error::ACCOUNT_NOT_ACTIVE);
        }
    }
}

/// Transactions of every operation that the state accepts.
fn accepted() -> Vec<Transaction<'static>> {
    let (asset_a, asset_b) = (asset("EUR"), asset("USD"));
    let mut list: Vec<_> = [
        Op::CreateAccount(CreateAccount {
            account: account("BOB"),
            kind: AccountKind::Individual,
            kyc: KycLevel::Basic,
            authority: authority(),
        }),
        Op::RotateAuthority(qenex_core::tx::RotateAuthority {
            authority: kept(AuthorityBuf::single(key(9))).get(),
        }),
        Op::CreateAsset(CreateAsset { asset: asset("GOLD"), max_supply: units(5) }),
        Op::Issue(Issue { asset: asset_b, to: account("ALICE"), amount: units(1_000) }),
        Op::Burn(Burn { asset: asset_b, amount: units(1_000) }),
        transfer("USD", &[leg("ALICE", 600), leg("SYSTEM", 400)]),
        Op::CreatePool(CreatePool { pool: PoolId::new("NEW").unwrap(), asset_a, asset_b, fee_bps: 30 }),
        Op::AddLiquidity(AddLiquidity {
            pool: pool(),
            asset_a,
            asset_b,
            max_a: units(500),
            max_b: units(500),
            min_shares: units(30),
            deadline_ms: Some(5_000),
        }),
        Op::RemoveLiquidity(RemoveLiquidity {
            pool: pool(),
            asset_a,
            asset_b,
            shares: units(5_000),
            min_a: units(83_333),
            min_b: units(83_333),
            deadline_ms: Some(5_000),
        }),
        Op::SwapExactIn(SwapExactIn {
            pool: pool(),
            asset_in: asset_b,
            asset_out: asset_a,
            amount_in: units(1_000),
            min_out: units(987),
            max_price_impact_bps: Some(130),
            deadline_ms: Some(5_000),
        }),
        Op::SwapExactOut(SwapExactOut {
            pool: pool(),
            asset_in: asset_a,
            asset_out: asset_b,
            amount_out: units(500),
            max_in: units(505),
            max_price_impact_bps: Some(100),
            deadline_ms: Some(5_000),
        }),
    ]
    .map(transaction)
    .to_vec();
    let of_system =
        |op| Transaction { sender: account("SYSTEM"), nonce: 0, fee: Amount::ZERO, ..transaction(op) };
    list.push(of_system(Op::SetFrozen(SetFrozen { account: account("ALICE"), frozen: true })));
    list.push(of_system(Op::CloseAccount));
    list
}

#[test]
fn views_that_cannot_answer_are_never_guessed_at() {
    let state = state();
    for tx in accepted() {
        assert!(execute(&state, &tx).is_ok(), "{tx:?}: {:?}", execute(&state, &tx));
        for id in access(&tx) {
            let mut blind = state.clone();
            blind.failing.insert(id, ViewError::Unproven);
            refused(&blind, &tx, error::VIEW_UNPROVEN);
            blind.failing.insert(id, ViewError::Damaged);
            refused(&blind, &tx, error::VIEW_DAMAGED);
            // A record of another kind under this id.
            let mut other = state.clone();
            let wrong = match id {
                RecordId::Account(_) => Record::Balance(Balance { amount: units(1) }),
                _ => holder(AccountKind::Individual, 0, 0),
            };
            other.records.insert(id, wrong);
            refused(&other, &tx, error::VIEW_DAMAGED);
        }
    }
}

#[test]
fn limits_bind_exactly() {
    let state = state();
    for tx in accepted() {
        let tighter: Vec<(Op<'_>, Code)> = match tx.op.clone() {
            Op::SwapExactIn(swap) => vec![
                (
                    Op::SwapExactIn(SwapExactIn { min_out: units(988), ..swap.clone() }),
                    error::AMM_OUTPUT_BELOW_MINIMUM,
                ),
                (
                    Op::SwapExactIn(SwapExactIn { max_price_impact_bps: Some(129), ..swap.clone() }),
                    error::AMM_PRICE_IMPACT_ABOVE_LIMIT,
                ),
                (
                    Op::SwapExactIn(SwapExactIn { deadline_ms: Some(4_999), ..swap.clone() }),
                    error::AMM_DEADLINE_PASSED,
                ),
                (
                    Op::SwapExactIn(SwapExactIn { amount_in: units(1_001), ..swap }),
                    error::INSUFFICIENT_BALANCE,
                ),
            ],
            Op::SwapExactOut(swap) => vec![
                (
                    Op::SwapExactOut(SwapExactOut { max_in: units(504), ..swap.clone() }),
                    error::AMM_INPUT_ABOVE_MAXIMUM,
                ),
                (
                    Op::SwapExactOut(SwapExactOut { deadline_ms: Some(4_999), ..swap }),
                    error::AMM_DEADLINE_PASSED,
                ),
            ],
            Op::AddLiquidity(add) => vec![
                (
                    Op::AddLiquidity(AddLiquidity { min_shares: units(31), ..add.clone() }),
                    error::AMM_SHARES_BELOW_MINIMUM,
                ),
                (
                    Op::AddLiquidity(AddLiquidity { deadline_ms: Some(4_999), ..add }),
                    error::AMM_DEADLINE_PASSED,
                ),
            ],
            Op::RemoveLiquidity(remove) => vec![
                (
                    Op::RemoveLiquidity(RemoveLiquidity { min_b: units(83_334), ..remove.clone() }),
                    error::AMM_OUTPUT_BELOW_MINIMUM,
                ),
                (
                    Op::RemoveLiquidity(RemoveLiquidity { shares: units(5_001), ..remove }),
                    error::INSUFFICIENT_SHARES,
                ),
            ],
            Op::Issue(issue) => vec![
                (Op::Issue(Issue { amount: units(1_001), ..issue.clone() }), error::ABOVE_MAX_SUPPLY),
                (Op::Issue(Issue { amount: Amount::MAX, ..issue }), error::ABOVE_MAX_SUPPLY),
            ],
            Op::Burn(burn) => {
                vec![(Op::Burn(Burn { amount: units(1_001), ..burn }), error::INSUFFICIENT_BALANCE)]
            }
            Op::Transfer(_) => {
                vec![(transfer("USD", &[leg("ALICE", 600), leg("SYSTEM", 401)]), error::INSUFFICIENT_BALANCE)]
            }
            _ => vec![],
        };
        for (op, code) in tighter {
            refused(&state, &Transaction { op, ..tx.clone() }, code);
        }
    }
}

#[test]
fn who_may_open_and_freeze() {
    use AccountKind::{Government, Individual, Institution, System};
    for &sender in AccountKind::ALL {
        let mut state = state();
        state.records.insert(RecordId::Account(account("BANK")), holder(sender, 7, 4));
        for &kind in AccountKind::ALL {
            let (account, kyc) = (account("NEW"), KycLevel::None);
            let create = CreateAccount { account, kind, kyc, authority: authority() };
            let permitted = sender == System
                || [Institution, Government].contains(&sender) && [Individual, Institution].contains(&kind);
            let result = execute(&state, &transaction(Op::CreateAccount(create)));
            assert_eq!(result.is_ok(), permitted, "{sender} opens {kind}");
            let mut target = state.clone();
            target.records.insert(RecordId::Account(account), holder(kind, 0, 0));
            let result = execute(&target, &transaction(Op::SetFrozen(SetFrozen { account, frozen: true })));
            let permitted = [System, Government].contains(&sender) && kind != System;
            assert_eq!(result.is_ok(), permitted, "{sender} freezes {kind}");
        }
        let own = SetFrozen { account: account("BANK"), frozen: true };
        refused(&state, &transaction(Op::SetFrozen(own)), error::NOT_PERMITTED);
        let create = CreateAsset { asset: asset("NEW"), max_supply: units(1) };
        let result = execute(&state, &transaction(Op::CreateAsset(create)));
        assert_eq!(result.is_ok(), sender != Individual);
    }
}

#[test]
fn the_longest_transfer_writes_as_many_records_as_there_is_room_for() {
    let mut state = state();
    let names: Vec<_> = (0..MAX_RECEIVERS).map(|i| format!("R{i}")).collect();
    for name in &names {
        state.records.insert(RecordId::Account(account(name)), holder(AccountKind::Individual, 0, 0));
    }
    let legs: Vec<_> = names.iter().map(|name| leg(name, 1)).collect();
    let tx = transaction(transfer("USD", &legs));
    let effects = execute(&state, &tx).unwrap();
    assert_eq!((effects.writes.len(), access(&tx).len()), (MAX_WRITES, MAX_ACCESS));
    // So no transaction is refused for this; the code stands for a bound that was set too low.
    assert_eq!(Reject::from(Rule::TooManyWrites).code(), error::TOO_MANY_WRITES);
}

#[test]
fn fees_go_to_an_account_that_is_not_closed() {
    let mut state = state();
    let settle = |state: &State, fees| settle_fees(account("ALICE"), units(fees), state);
    let effects = settle(&state, 5).unwrap();
    let balance = RecordId::Balance(account("ALICE"), NATIVE_ASSET);
    assert!(effects.writes.contains(&(balance, Some(Record::Balance(Balance { amount: units(5) })))));
    assert!(settle(&state, 0).unwrap().writes.is_empty());
    for (status, accepted) in [(AccountStatus::Frozen, true), (AccountStatus::Closed, false)] {
        if let Some(Record::Account(account)) = state.records.get_mut(&RecordId::Account(account("ALICE"))) {
            account.status = status;
        }
        assert_eq!(settle(&state, 5).is_ok(), accepted);
    }
    let result = settle_fees(account("NOBODY"), units(5), &state);
    assert_eq!(result.map_err(|reject| reject.code()), Err(error::ACCOUNT_UNKNOWN));
}
