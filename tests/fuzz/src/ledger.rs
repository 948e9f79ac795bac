//! A ledger of few accounts, assets and pools, and a sequence of transactions, both read from bytes.
//!
//! Whatever is accepted stays within `access`, conserves every supply, and keeps the count of holdings.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use qenex_core::codec::{self, Encoded};
use qenex_core::crypto::Scheme;
use qenex_core::id::{AccountId, AssetId, ChainId, NATIVE_ASSET, PoolId, Reference};
use qenex_core::ledger::{
    Account, AccountStatus, Asset, Balance, Effects, Env, Record, RecordId, Signers, View, ViewError, access,
    settle_fees, transition,
};
use qenex_core::num::Amount;
use qenex_core::tx::{
    AccountKind, AddLiquidity, AuthorityBuf, Burn, CreateAccount, CreateAsset, CreatePool, Issue, KeyRef,
    KycLevel, Leg, LegsBuf, Op, RemoveLiquidity, RotateAuthority, SetFrozen, SwapExactIn, SwapExactOut,
    Transaction, Transfer,
};

struct State {
    /// Encoded.
    records: BTreeMap<RecordId, Vec<u8>>,
    reads: RefCell<BTreeSet<RecordId>>,
    fees: u128,
}

/// What an encoded record says.
fn decoded(bytes: &[u8]) -> Record<'_> {
    codec::decode(bytes).expect("a record")
}

impl<'s> View<'s> for &'s State {
    fn record(&self, id: &RecordId) -> core::result::Result<Option<Record<'s>>, ViewError> {
        let state: &'s State = self;
        state.reads.borrow_mut().insert(*id);
        Ok(state.records.get(id).map(|bytes| decoded(bytes)))
    }
}

impl State {
    fn put(&mut self, id: RecordId, record: &Record<'_>) {
        self.records.insert(id, encoded(record));
    }
}

fn encoded(record: &Record<'_>) -> Vec<u8> {
    record.encode(&mut [0; Record::MAX_LEN]).expect("room").to_vec()
}

fn account(input: &mut Unstructured<'_>) -> Result<AccountId> {
    Ok(AccountId::new(input.choose(&["A", "B", "C", "D", "E", "F"])?).expect("an identifier"))
}

fn asset(input: &mut Unstructured<'_>) -> Result<AssetId> {
    Ok(AssetId::new(input.choose(&["QNX", "EUR", "USD", "XAU"])?).expect("an identifier"))
}

fn pool(input: &mut Unstructured<'_>) -> Result<PoolId> {
    Ok(PoolId::new(input.choose(&["P", "Q"])?).expect("an identifier"))
}

/// Of any length in bits.
fn amount(input: &mut Unstructured<'_>) -> Result<Amount> {
    let bits: u8 = input.int_in_range(0..=127)?;
    let units = input.arbitrary::<u128>()? >> (127 - bits) >> 1;
    Ok(Amount::from_units(units).unwrap_or(Amount::MAX))
}

fn kind(input: &mut Unstructured<'_>) -> Result<AccountKind> {
    input.choose(AccountKind::ALL).copied()
}

fn authority() -> AuthorityBuf {
    AuthorityBuf::single(KeyRef::of(Scheme::Ed25519, &[1; 32]))
}

/// What an operation borrows.
struct Room {
    authority: AuthorityBuf,
    legs: Option<LegsBuf>,
}

fn op<'a>(input: &mut Unstructured<'_>, room: &'a mut Room) -> Result<Op<'a>> {
    Ok(match input.int_in_range(0..=12)? {
        0 => Op::CreateAccount(CreateAccount {
            account: account(input)?,
            kind: kind(input)?,
            kyc: KycLevel::None,
            authority: room.authority.get(),
        }),
        1 => Op::RotateAuthority(RotateAuthority { authority: room.authority.get() }),
        2 => Op::SetFrozen(SetFrozen { account: account(input)?, frozen: input.arbitrary()? }),
        3 => Op::CloseAccount,
        4 => Op::CreateAsset(CreateAsset { asset: asset(input)?, max_supply: amount(input)? }),
        5 => Op::Issue(Issue { asset: asset(input)?, to: account(input)?, amount: amount(input)? }),
        6 => Op::Burn(Burn { asset: asset(input)?, amount: amount(input)? }),
        7 => {
            let mut legs: Vec<Leg> = Vec::new();
            for _ in 0..input.int_in_range(1..=5)? {
                let reference = Reference::new("").expect("may be empty");
                let leg = Leg { to: account(input)?, amount: amount(input)?, reference };
                if legs.iter().all(|other| other.to != leg.to) {
                    legs.push(leg);
                }
            }
            let legs = room.legs.insert(LegsBuf::new(&legs).expect("different")).get();
            Op::Transfer(Transfer { asset: asset(input)?, legs })
        }
        8 => Op::CreatePool(CreatePool {
            pool: pool(input)?,
            asset_a: asset(input)?,
            asset_b: asset(input)?,
            fee_bps: input.arbitrary()?,
        }),
        9 => Op::AddLiquidity(AddLiquidity {
            pool: pool(input)?,
            asset_a: asset(input)?,
            asset_b: asset(input)?,
            max_a: amount(input)?,
            max_b: amount(input)?,
            min_shares: Amount::ZERO,
            deadline_ms: None,
        }),
        10 => Op::RemoveLiquidity(RemoveLiquidity {
            pool: pool(input)?,
            asset_a: asset(input)?,
            asset_b: asset(input)?,
            shares: amount(input)?,
            min_a: Amount::ZERO,
            min_b: Amount::ZERO,
            deadline_ms: None,
        }),
        11 => Op::SwapExactIn(SwapExactIn {
            pool: pool(input)?,
            asset_in: asset(input)?,
            asset_out: asset(input)?,
            amount_in: amount(input)?,
            min_out: Amount::ZERO,
            max_price_impact_bps: input.arbitrary()?,
            deadline_ms: None,
        }),
        _ => Op::SwapExactOut(SwapExactOut {
            pool: pool(input)?,
            asset_in: asset(input)?,
            asset_out: asset(input)?,
            amount_out: amount(input)?,
            max_in: Amount::MAX,
            max_price_impact_bps: input.arbitrary()?,
            deadline_ms: None,
        }),
    })
}

/// Five accounts, all with balances of three assets.
fn start(input: &mut Unstructured<'_>) -> Result<State> {
    let mut state = State { records: BTreeMap::new(), reads: RefCell::default(), fees: 0 };
    let mut supplies = [0u128; 3];
    let names = ["QNX", "EUR", "USD"].map(|name| AssetId::new(name).expect("an identifier"));
    for name in ["A", "B", "C", "D", "E"] {
        let holder = AccountId::new(name).expect("an identifier");
        let mut holdings = 0;
        for (asset, supply) in names.iter().zip(&mut supplies) {
            let amount = Amount::from_units(amount(input)?.units() / 8).expect("smaller");
            if !amount.is_zero() {
                holdings += 1;
                *supply += amount.units();
                state.put(RecordId::Balance(holder, *asset), &Record::Balance(Balance { amount }));
            }
        }
        let (kind, status, kyc) = (kind(input)?, AccountStatus::Active, KycLevel::None);
        let authority = authority();
        let account = Account { kind, status, kyc, nonce: 0, holdings, authority: authority.get() };
        state.put(RecordId::Account(holder), &Record::Account(account));
    }
    for (asset, supply) in names.iter().zip(supplies) {
        let (issuer, supply) = (account(input)?, Amount::from_units(supply).expect("five eighths"));
        let record = Asset { issuer, supply, max_supply: Amount::MAX };
        state.put(RecordId::Asset(*asset), &Record::Asset(record));
    }
    Ok(state)
}

fn check(state: &State) {
    let mut held: BTreeMap<AssetId, u128> = BTreeMap::from([(NATIVE_ASSET, state.fees)]);
    let mut holdings: BTreeMap<AccountId, u32> = BTreeMap::new();
    for (id, record) in &state.records {
        match (id, decoded(record)) {
            (RecordId::Balance(account, asset), Record::Balance(balance)) => {
                *held.entry(*asset).or_default() += balance.amount.units();
                *holdings.entry(*account).or_default() += 1;
            }
            (RecordId::Shares(account, _), Record::Shares(_)) => {
                *holdings.entry(*account).or_default() += 1;
            }
            (RecordId::Pool(_), Record::Pool(pool)) => {
                *held.entry(pool.asset_a).or_default() += pool.reserves.a().units();
                *held.entry(pool.asset_b).or_default() += pool.reserves.b().units();
            }
            (RecordId::Account(_), Record::Account(_)) | (RecordId::Asset(_), Record::Asset(_)) => {}
            other => panic!("a record of another kind: {other:?}"),
        }
    }
    for (id, record) in &state.records {
        match (id, decoded(record)) {
            (RecordId::Asset(id), Record::Asset(asset)) => {
                assert_eq!(asset.supply.units(), held.get(id).copied().unwrap_or(0), "supply of {id}");
                assert!(asset.supply <= asset.max_supply);
            }
            (RecordId::Account(id), Record::Account(account)) => {
                assert_eq!(account.holdings, holdings.get(id).copied().unwrap_or(0), "holdings of {id}");
            }
            _ => {}
        }
    }
}

/// Writes as they are kept.
fn kept(effects: &Effects<'_>) -> Vec<(RecordId, Option<Vec<u8>>)> {
    effects.writes.iter().map(|(id, record)| (*id, record.as_ref().map(encoded))).collect()
}

fn apply(state: &mut State, writes: Vec<(RecordId, Option<Vec<u8>>)>) {
    let mut written = BTreeSet::new();
    for (id, record) in writes {
        assert!(written.insert(id), "{id:?} written twice");
        match record {
            Some(record) => state.records.insert(id, record),
            None => state.records.remove(&id),
        };
    }
}

/// Executes transactions until the bytes end.
pub fn sequence(input: &mut Unstructured<'_>) -> Result<()> {
    let mut state = start(input)?;
    let chain_id = ChainId::new("TEST").expect("an identifier");
    let env = Env { chain_id, height: 1, time_ms: 1 };
    check(&state);
    while !input.is_empty() {
        let sender = account(input)?;
        let nonce = match state.records.get(&RecordId::Account(sender)).map(|bytes| decoded(bytes)) {
            Some(Record::Account(account)) => account.nonce,
            _ => 0,
        };
        let fee = if input.arbitrary()? { amount(input)? } else { Amount::ZERO };
        let mut room = Room { authority: authority(), legs: None };
        let op = op(input, &mut room)?;
        let tx = Transaction { chain_id, sender, nonce, last_valid_height: 1, fee, op };
        state.reads.borrow_mut().clear();
        let result = transition(&env, &tx, Signers::Assumed, &&state).map(|effects| kept(&effects));
        let allowed: BTreeSet<_> = access(&tx).iter().copied().collect();
        assert!(state.reads.borrow().is_subset(&allowed), "read outside of access: {tx:?}");
        if let Ok(writes) = result {
            assert!(writes.iter().all(|(id, _)| allowed.contains(id)), "{tx:?}");
            apply(&mut state, writes);
            state.fees += fee.units();
            check(&state);
        }
        if input.ratio(1, 8)? {
            let fees = Amount::from_units(state.fees).expect("part of a supply");
            let settled = settle_fees(account(input)?, fees, &&state).map(|effects| kept(&effects));
            if let Ok(writes) = settled {
                apply(&mut state, writes);
                state.fees = 0;
                check(&state);
            }
        }
    }
    Ok(())
}
