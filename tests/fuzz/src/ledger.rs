//! A ledger of few accounts, assets and pools, and a sequence of transactions, both read from bytes.
//!
//! Some have staking, and blocks end. Whatever is accepted stays within `access`, conserves every supply, and keeps the count of holdings.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use qenex_core::codec::{self, Encoded, Lent};
use qenex_core::consensus::{Header, Proposal, Round, Vote};
use qenex_core::crypto::ed25519::SecretKey;
use qenex_core::crypto::{Hash, Scheme};
use qenex_core::id::{AccountId, AssetId, ChainId, NATIVE_ASSET, PoolId, Reference};
use qenex_core::ledger::{
    Account, AccountStatus, Asset, Balance, Buffer, Effects, Env, Record, RecordId, Signers, StakingRules,
    Store, View, ViewError, access, end_block, found, transition,
};
use qenex_core::num::Amount;
use qenex_core::tx::{
    AccountKind, AddLiquidity, AuthorityBuf, Burn, CreateAccount, CreateAsset, CreatePool, Delegate, Issue,
    KeyRef, KycLevel, Leave, Leg, LegsBuf, Op, RemoveLiquidity, Report, RotateAuthority, SetFrozen,
    SignedVote, Stand, SwapExactIn, SwapExactOut, Transaction, Transfer, Unbond, Withdraw,
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

/// One of a few public keys.
fn key(input: &mut Unstructured<'_>) -> Result<Lent<'static, 32>> {
    static KEYS: LazyLock<[[u8; 32]; 8]> = LazyLock::new(|| {
        core::array::from_fn(|i| SecretKey::from_seed(&[i as u8 + 1; 32]).expect("a seed").public_key())
    });
    Ok(Lent(input.choose(&*KEYS)?))
}

fn vote(input: &mut Unstructured<'_>) -> Result<SignedVote<'static>> {
    let round = Round { epoch: input.int_in_range(0..=4)?, view: 1 };
    let proposal = Proposal { round, parent_view: 0, header: Hash([input.int_in_range(0..=1)?; 32]) };
    let vote = match input.int_in_range(0..=2)? {
        0 => Vote::Notarize(proposal),
        1 => Vote::Nullify(round),
        _ => Vote::Finalize(proposal),
    };
    Ok(SignedVote { vote, signature: Lent(&[0; 64]) })
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
    Ok(match input.int_in_range(0..=18)? {
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
        13 => Op::Stand(Stand {
            slot: input.int_in_range(0..=3)?,
            vote_key: key(input)?,
            peer_key: key(input)?,
            finality_key: key(input)?,
            commission_bps: input.arbitrary()?,
            amount: amount(input)?,
        }),
        14 => Op::Leave(Leave { slot: input.int_in_range(0..=3)? }),
        15 => Op::Delegate(Delegate { validator: account(input)?, amount: amount(input)? }),
        16 => Op::Unbond(Unbond { validator: account(input)?, shares: amount(input)? }),
        17 => Op::Withdraw(Withdraw { validator: account(input)? }),
        18 => Op::Report(Report {
            validator: account(input)?,
            vote_key: key(input)?,
            first: vote(input)?,
            second: vote(input)?,
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
            (RecordId::Delegation(account, _), Record::Shares(_))
            | (RecordId::Unbonding(account, _), Record::Unbonding(_)) => {
                *holdings.entry(*account).or_default() += 1;
            }
            (RecordId::Validator(account), Record::Validator(validator)) => {
                let staked = validator.bonded.tokens.units() + validator.unbonding.tokens.units();
                *held.entry(NATIVE_ASSET).or_default() += staked;
                *holdings.entry(*account).or_default() += 1;
            }
            (RecordId::Account(_), Record::Account(_)) | (RecordId::Asset(_), Record::Asset(_)) => {}
            (id, record) if id.names(&record) => {}
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

impl Store for State {
    fn read<'b>(
        &self,
        id: &RecordId,
        buffer: &'b mut Buffer,
    ) -> core::result::Result<Option<Record<'b>>, ViewError> {
        let Some(bytes) = self.records.get(id) else { return Ok(None) };
        let place = &mut buffer[..bytes.len()];
        place.copy_from_slice(bytes);
        Ok(Some(decoded(place)))
    }

    fn write(&mut self, id: &RecordId, record: Option<&Record<'_>>) {
        match record {
            Some(record) => self.put(*id, record),
            None => drop(self.records.remove(id)),
        }
    }
}

/// Makes the state one with staking, if that can be.
fn with_staking(input: &mut Unstructured<'_>, state: &mut State) -> Result<()> {
    let rules = StakingRules {
        epoch_blocks: input.int_in_range(0..=3)?,
        seats_max: input.int_in_range(0..=3)?,
        min_stake: amount(input)?,
        unbonding_epochs: input.int_in_range(0..=2)?,
        jail_epochs: input.int_in_range(0..=2)?,
        missed_limit: input.int_in_range(0..=3)?,
        slash_bps: input.int_in_range(0..=10_001)?,
        block_reward: amount(input)?,
    };
    let stake = amount(input)?;
    let op = Stand {
        slot: 0,
        vote_key: key(input)?,
        peer_key: key(input)?,
        finality_key: key(input)?,
        commission_bps: input.arbitrary()?,
        amount: stake,
    };
    let before = state.records.clone();
    if found(state, rules, [(account(input)?, op)].into_iter()).is_err() {
        state.records = before;
    }
    Ok(())
}

/// Executes transactions and ends blocks until the bytes end.
pub fn sequence(input: &mut Unstructured<'_>) -> Result<()> {
    let mut state = start(input)?;
    let chain_id = ChainId::new("TEST").expect("an identifier");
    let env = Env { chain_id, height: 1, time_ms: 1 };
    if input.arbitrary()? {
        with_staking(input, &mut state)?;
    }
    let staking = state.records.contains_key(&RecordId::Staking);
    let name = AccountId::new("A").expect("an identifier");
    let mut parent = Header {
        protocol: Header::PROTOCOL,
        chain_id,
        epoch: u64::from(staking),
        view: 0,
        height: 0,
        parent: Hash::default(),
        time_ms: 0,
        proposer: name,
        transaction_root: Hash::default(),
        state_root: Hash::default(),
        receipt_root: Hash::default(),
        validators: Hash::default(),
        next_validators: Hash::default(),
        seal: Default::default(),
    };
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
        if input.ratio(1, 4)? {
            let fees = Amount::from_units(state.fees).expect("part of a supply");
            let (proposer, view) = (account(input)?, parent.view + u64::from(staking));
            let before = state.records.clone();
            match end_block(&mut state, &parent, view, proposer, fees) {
                Ok(drawn) => {
                    parent.view = if drawn.is_some() { 0 } else { view };
                    parent.epoch += u64::from(drawn.is_some());
                    parent.height += 1;
                    state.fees = 0;
                    check(&state);
                }
                Err(_) => {
                    // Somebody else leads: the view passes.
                    parent.view += u64::from(staking);
                    state.records = before;
                }
            }
        }
    }
    Ok(())
}
