//! Random values of everything that is encoded. Limits are met often: shortest and longest texts, empty and full lists,
//! numbers of every length.

use qenex_core::amm::{MAX_FEE_BPS, Reserves};
use qenex_core::codec::Lent;
use qenex_core::consensus::{Header, MAX_SEAL_LEN, Proposal, Round, Vote};
use qenex_core::crypto::{Hash, KeyHash, Scheme};
use qenex_core::id::{AccountId, AssetId, ChainId, PoolId, Reference};
use qenex_core::ledger::{
    Account, AccountStatus, Asset, Balance, Holder, Outcome, Pool, Receipt, Record, RecordId, Seat, Shares,
    StakePool, Staking, StakingRules, Unbonding, Validator,
};
use qenex_core::num::Amount;
use qenex_core::tx::{
    AccountKind, AddLiquidity, Authority, AuthorityBuf, Burn, CreateAccount, CreateAsset, CreatePool,
    Delegate, Issue, KeyRef, KycLevel, Leave, Leg, Legs, LegsBuf, MAX_KEYS, MAX_RECEIVERS, Op,
    RemoveLiquidity, Report, RotateAuthority, SetFrozen, SignedVote, Stand, SwapExactIn, SwapExactOut,
    Transaction, Transfer, Unbond, Withdraw,
};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};

use crate::kept::kept;
use crate::num_common::number;

/// The number of operations.
pub const OPS: usize = 19;

/// A length from `least` to `most`, often one of the two.
fn length(rng: &mut StdRng, least: usize, most: usize) -> usize {
    match rng.random_range(0..4) {
        0 => least,
        1 => most,
        _ => rng.random_range(least..=most),
    }
}

fn text(rng: &mut StdRng, characters: &[u8], least: usize, most: usize) -> String {
    (0..length(rng, least, most)).map(|_| *characters.choose(rng).unwrap() as char).collect()
}

macro_rules! ids {
    ($($name:ident: $type:ident),*) => {
        $( pub fn $name(rng: &mut StdRng) -> $type {
            $type::new(&text(rng, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.", 1, 24)).unwrap()
        } )*
    };
}
ids!(account: AccountId, asset: AssetId, pool: PoolId, chain: ChainId);

pub fn reference(rng: &mut StdRng) -> Reference {
    let printable: Vec<u8> = (b' '..=b'~').collect();
    Reference::new(&text(rng, &printable, 0, 35)).unwrap()
}

pub fn amount(rng: &mut StdRng) -> Amount {
    match rng.random_range(0..8) {
        0 => Amount::MAX,
        _ => Amount::from_units(number(rng, 127) % (Amount::MAX.units() + 1)).unwrap(),
    }
}

pub fn integer(rng: &mut StdRng) -> u64 {
    number(rng, 64) as u64
}

fn optional<T>(rng: &mut StdRng, value: impl Fn(&mut StdRng) -> T) -> Option<T> {
    rng.random::<bool>().then(|| value(rng))
}

fn small(rng: &mut StdRng) -> u16 {
    number(rng, 16) as u16
}

pub fn hash(rng: &mut StdRng) -> Hash {
    let mut bytes = [0; 32];
    rng.fill_bytes(&mut bytes);
    Hash(bytes)
}

pub fn authority(rng: &mut StdRng) -> Authority<'static> {
    let mut keys: Vec<_> = (0..length(rng, 1, MAX_KEYS))
        .map(|_| KeyRef { scheme: *Scheme::ALL.choose(rng).unwrap(), hash: KeyHash(hash(rng)) })
        .collect();
    keys.sort();
    kept(AuthorityBuf::new(rng.random_range(1..=keys.len()) as u8, &keys).unwrap()).get()
}

fn kind(rng: &mut StdRng) -> AccountKind {
    *AccountKind::ALL.choose(rng).unwrap()
}

fn kyc(rng: &mut StdRng) -> KycLevel {
    *KycLevel::ALL.choose(rng).unwrap()
}

pub fn legs(rng: &mut StdRng) -> Legs<'static> {
    let mut legs: Vec<Leg> = Vec::new();
    for _ in 0..length(rng, 1, MAX_RECEIVERS) {
        let leg = Leg { to: account(rng), amount: amount(rng), reference: reference(rng) };
        if legs.iter().all(|other| other.to != leg.to) {
            legs.push(leg);
        }
    }
    kept(LegsBuf::new(&legs).unwrap()).get()
}

/// The operation of this number, below [`OPS`].
pub fn op(rng: &mut StdRng, number: usize) -> Op<'static> {
    match number {
        0 => Op::CreateAccount(CreateAccount {
            account: account(rng),
            kind: kind(rng),
            kyc: kyc(rng),
            authority: authority(rng),
        }),
        1 => Op::RotateAuthority(RotateAuthority { authority: authority(rng) }),
        2 => Op::SetFrozen(SetFrozen { account: account(rng), frozen: rng.random() }),
        3 => Op::CloseAccount,
        4 => Op::CreateAsset(CreateAsset { asset: asset(rng), max_supply: amount(rng) }),
        5 => Op::Issue(Issue { asset: asset(rng), to: account(rng), amount: amount(rng) }),
        6 => Op::Burn(Burn { asset: asset(rng), amount: amount(rng) }),
        7 => Op::Transfer(Transfer { asset: asset(rng), legs: legs(rng) }),
        8 => Op::CreatePool(CreatePool {
            pool: pool(rng),
            asset_a: asset(rng),
            asset_b: asset(rng),
            fee_bps: small(rng),
        }),
        9 => Op::AddLiquidity(AddLiquidity {
            pool: pool(rng),
            asset_a: asset(rng),
            asset_b: asset(rng),
            max_a: amount(rng),
            max_b: amount(rng),
            min_shares: amount(rng),
            deadline_ms: optional(rng, integer),
        }),
        10 => Op::RemoveLiquidity(RemoveLiquidity {
            pool: pool(rng),
            asset_a: asset(rng),
            asset_b: asset(rng),
            shares: amount(rng),
            min_a: amount(rng),
            min_b: amount(rng),
            deadline_ms: optional(rng, integer),
        }),
        11 => Op::SwapExactIn(SwapExactIn {
            pool: pool(rng),
            asset_in: asset(rng),
            asset_out: asset(rng),
            amount_in: amount(rng),
            min_out: amount(rng),
            max_price_impact_bps: optional(rng, small),
            deadline_ms: optional(rng, integer),
        }),
        12 => Op::SwapExactOut(SwapExactOut {
            pool: pool(rng),
            asset_in: asset(rng),
            asset_out: asset(rng),
            amount_out: amount(rng),
            max_in: amount(rng),
            max_price_impact_bps: optional(rng, small),
            deadline_ms: optional(rng, integer),
        }),
        13 => Op::Stand(Stand {
            slot: small(rng),
            vote_key: lent(rng),
            peer_key: lent(rng),
            finality_key: lent(rng),
            commission_bps: small(rng),
            amount: amount(rng),
        }),
        14 => Op::Leave(Leave { slot: small(rng) }),
        15 => Op::Delegate(Delegate { validator: account(rng), amount: amount(rng) }),
        16 => Op::Unbond(Unbond { validator: account(rng), shares: amount(rng) }),
        17 => Op::Withdraw(Withdraw { validator: account(rng) }),
        _ => Op::Report(Report {
            validator: account(rng),
            vote_key: lent(rng),
            first: SignedVote { vote: vote(rng), signature: lent(rng) },
            second: SignedVote { vote: vote(rng), signature: lent(rng) },
        }),
    }
}

fn lent<const N: usize>(rng: &mut StdRng) -> Lent<'static, N> {
    let mut bytes = [0; N];
    rng.fill_bytes(&mut bytes);
    Lent(kept(bytes))
}

fn vote(rng: &mut StdRng) -> Vote {
    let round = Round { epoch: integer(rng), view: integer(rng) };
    let proposal = Proposal { round, parent_view: integer(rng), header: hash(rng) };
    match rng.random_range(0..3) {
        0 => Vote::Notarize(proposal),
        1 => Vote::Nullify(round),
        _ => Vote::Finalize(proposal),
    }
}

pub fn transaction(rng: &mut StdRng, op_number: usize) -> Transaction<'static> {
    Transaction {
        chain_id: chain(rng),
        sender: account(rng),
        nonce: integer(rng),
        last_valid_height: integer(rng),
        fee: amount(rng),
        op: op(rng, op_number),
    }
}

/// Keys and signatures of any bytes: decoding does not verify.
pub fn signatures(rng: &mut StdRng) -> Vec<(Vec<u8>, Vec<u8>)> {
    let bytes = |rng: &mut StdRng, len| (0..len).map(|_| rng.random()).collect();
    (0..length(rng, 0, MAX_KEYS)).map(|_| (bytes(rng, 32), bytes(rng, 64))).collect()
}

pub fn header(rng: &mut StdRng) -> Header {
    Header {
        protocol: small(rng),
        chain_id: chain(rng),
        epoch: integer(rng),
        view: integer(rng),
        height: integer(rng),
        parent: hash(rng),
        time_ms: integer(rng),
        proposer: account(rng),
        transaction_root: hash(rng),
        state_root: hash(rng),
        receipt_root: hash(rng),
        validators: hash(rng),
        next_validators: hash(rng),
        seal: (0..length(rng, 0, MAX_SEAL_LEN)).map(|_| rng.random::<u8>()).collect(),
    }
}

pub fn receipt(rng: &mut StdRng) -> Receipt {
    let outcome = match rng.random_range(0..8) {
        0 => Outcome::Done,
        1 => Outcome::Swapped(amount(rng), amount(rng)),
        2 => Outcome::Deposited(amount(rng), amount(rng), amount(rng)),
        3 => Outcome::Withdrawn(amount(rng), amount(rng)),
        4 => Outcome::Delegated(amount(rng)),
        5 => Outcome::Unbonded(amount(rng), integer(rng)),
        6 => Outcome::Released(amount(rng)),
        _ => Outcome::Slashed(amount(rng)),
    };
    Receipt { fee: amount(rng), outcome }
}

fn reserves(rng: &mut StdRng) -> Reserves {
    let fee_bps = rng.random_range(0..=MAX_FEE_BPS);
    Reserves::new(amount(rng), amount(rng), amount(rng), fee_bps).unwrap_or(Reserves::empty(fee_bps).unwrap())
}

pub fn record(rng: &mut StdRng) -> Record<'static> {
    match rng.random_range(0..10) {
        0 => Record::Account(Account {
            kind: kind(rng),
            status: *AccountStatus::ALL.choose(rng).unwrap(),
            kyc: kyc(rng),
            nonce: integer(rng),
            holdings: number(rng, 32) as u32,
            authority: authority(rng),
        }),
        1 => Record::Asset(Asset { issuer: account(rng), supply: amount(rng), max_supply: amount(rng) }),
        2 => Record::Balance(Balance { amount: amount(rng) }),
        3 => Record::Pool(Pool { asset_a: asset(rng), asset_b: asset(rng), reserves: reserves(rng) }),
        4 => Record::Shares(Shares { amount: amount(rng) }),
        5 => Record::Staking(Staking {
            rules: StakingRules {
                epoch_blocks: integer(rng),
                seats_max: rng.random(),
                min_stake: amount(rng),
                unbonding_epochs: number(rng, 32) as u32,
                jail_epochs: number(rng, 32) as u32,
                missed_limit: number(rng, 32) as u32,
                slash_bps: small(rng),
                block_reward: amount(rng),
            },
            epoch: integer(rng),
            seats: rng.random(),
            seed: hash(rng),
        }),
        6 => Record::Validator(Validator {
            vote_key: lent(rng),
            peer_key: lent(rng),
            finality_key: lent(rng),
            former_key: lent(rng),
            former_until: integer(rng),
            slot: optional(rng, small),
            commission_bps: small(rng),
            barred_until: integer(rng),
            bonded: StakePool { tokens: amount(rng), shares: amount(rng) },
            unbonding: StakePool { tokens: amount(rng), shares: amount(rng) },
        }),
        7 => Record::Unbonding(Unbonding { shares: amount(rng), release_epoch: integer(rng) }),
        8 => Record::Holder(Holder { account: account(rng) }),
        _ => Record::Seat(Seat {
            account: account(rng),
            vote_key: lent(rng),
            peer_key: lent(rng),
            finality_key: lent(rng),
            weight: amount(rng),
            commission_bps: small(rng),
            made: number(rng, 32) as u32,
            missed: number(rng, 32) as u32,
        }),
    }
}

pub fn record_id(rng: &mut StdRng) -> RecordId {
    match rng.random_range(0..12) {
        0 => RecordId::Account(account(rng)),
        1 => RecordId::Asset(asset(rng)),
        2 => RecordId::Balance(account(rng), asset(rng)),
        3 => RecordId::Pool(pool(rng)),
        4 => RecordId::Shares(account(rng), pool(rng)),
        5 => RecordId::Staking,
        6 => RecordId::Validator(account(rng)),
        7 => RecordId::Delegation(account(rng), account(rng)),
        8 => RecordId::Unbonding(account(rng), account(rng)),
        9 => RecordId::Candidate(small(rng)),
        10 => RecordId::Key(hash(rng)),
        _ => RecordId::Seat(rng.random()),
    }
}
