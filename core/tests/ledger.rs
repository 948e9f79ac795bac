//! Random transactions, good and bad, against the model: same outcome or same code, same records afterwards.
//!
//! After each one: every read and every write lies in `access`, each record is written once, the supply of every
//! asset is what accounts, pools and unpaid fees hold together. At the end, every code that a transaction can
//! be refused with has been met.
#![allow(clippy::unwrap_used)] // a test that meets what it does not expect should stop there

mod kept;
mod ledger_model;
mod num_common;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use kept::kept;
use ledger_model::{Currency, Holder, Model, amount, units_max};
use num_common::{cases, number, rng};
use qenex_core::crypto::Scheme;
use qenex_core::error::Coded;
use qenex_core::id::{AccountId, AssetId, ChainId, NATIVE_ASSET, PoolId, Reference};
use qenex_core::ledger::{
    AccountStatus, Effects, Env, Record, RecordId, Signers, View, ViewError, access, settle_fees, transition,
};
use qenex_core::num::Amount;
use qenex_core::tx::{
    AccountKind, AddLiquidity, Authority, AuthorityBuf, Burn, CreateAccount, CreateAsset, CreatePool,
    Delegate, Issue, KeyRef, KycLevel, Leave, Leg, LegsBuf, Op, RemoveLiquidity, RotateAuthority, SetFrozen,
    SwapExactIn, SwapExactOut, Transaction, Transfer, Unbond, Withdraw,
};
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, IteratorRandom};
use rand::{RngExt, SeedableRng};

/// What a transaction can be refused with. Not among them, because no consistent state leads there: TOO_MANY_WRITES,
/// AMM_SHARES_LOCKED, AMM_POOL_INVALID and numbers that overflow; views that fail are tested by themselves.
const REFUSALS: &[u16] = &[
    501, 502, 503, 504, 505, 506, 507, 508, 509, 510, 511, 513, 701, 702, 703, 704, 705, 706, 707, 708, 709,
    710, 711, 712, 713, 714, 715, 716, 717, 718, 719, 720, 721, 722, 724, 725,
];

/// Transactions on one ledger before the next one starts.
const SEQUENCE: u64 = 400;

type State = BTreeMap<RecordId, Record<'static>>;

/// A view that notes what is read.
struct Noted<'a> {
    state: &'a State,
    reads: RefCell<BTreeSet<RecordId>>,
}

impl View<'static> for Noted<'_> {
    fn record(&self, id: &RecordId) -> Result<Option<Record<'static>>, ViewError> {
        self.reads.borrow_mut().insert(*id);
        Ok(self.state.get(id).copied())
    }
}

fn id(text: &str) -> AccountId {
    AccountId::new(text).unwrap()
}

struct World {
    rng: StdRng,
    model: Model,
    state: State,
    keys: Vec<KeyRef>,
    /// Bits of the largest amounts here: small worlds meet rounding, large ones the limits.
    bits: u32,
}

impl World {
    fn new(mut rng: StdRng) -> Self {
        let mut keys: Vec<_> = (0..20u8).map(|i| KeyRef::of(Scheme::Ed25519, &[i; 32])).collect();
        keys.sort();
        let bits = *[8, 13, 40, 90, 127].choose(&mut rng).unwrap();
        let model = Model {
            chain: Some(ChainId::new("TEST").unwrap()),
            height: 5,
            time_ms: 1_000,
            ..Model::default()
        };
        let mut world = Self { rng, model, state: State::new(), keys, bits };
        for (name, kind) in [
            ("SYSTEM", AccountKind::System),
            ("GOVERNMENT", AccountKind::Government),
            ("BANK_1", AccountKind::Institution),
            ("BANK_2", AccountKind::Institution),
            ("ALICE", AccountKind::Individual),
            ("BOB", AccountKind::Individual),
        ] {
            let authority = world.authority();
            let (status, kyc) = (AccountStatus::Active, KycLevel::Basic);
            world.model.accounts.insert(id(name), Holder { kind, status, kyc, nonce: 0, authority });
        }
        let accounts: Vec<_> = world.model.accounts.keys().copied().collect();
        for (asset, issuer) in [("QNX", "SYSTEM"), ("USD", "BANK_1"), ("EUR", "BANK_2")] {
            let (asset, issuer) = (AssetId::new(asset).unwrap(), id(issuer));
            let mut supply = 0;
            for account in &accounts {
                let part = world.any_amount().units() / 8 + 1;
                world.model.balances.insert((*account, asset), part);
                supply += part;
            }
            world.model.assets.insert(asset, Currency { issuer, supply, max_supply: units_max() });
        }
        world.state = world.model.records();
        world
    }

    fn chance(&mut self, of: u32) -> bool {
        self.rng.random_range(0..of) == 0
    }

    fn authority(&mut self) -> Authority<'static> {
        let number = self.rng.random_range(1..=3);
        let mut keys: Vec<_> = self.keys.sample(&mut self.rng, number).copied().collect();
        keys.sort();
        kept(AuthorityBuf::new(self.rng.random_range(1..=number) as u8, &keys).unwrap()).get()
    }

    fn account(&mut self) -> AccountId {
        if self.chance(40) {
            return id("NOBODY");
        }
        *self.model.accounts.keys().choose(&mut self.rng).unwrap()
    }

    /// An active account of which this is true, mostly.
    fn sender(&mut self, suits: impl Fn(&Model, AccountId) -> bool) -> AccountId {
        if self.chance(20) {
            return self.account();
        }
        let model = &self.model;
        let active = model.accounts.iter().filter(|(_, holder)| holder.status == AccountStatus::Active);
        let suitable = active.map(|(id, _)| *id).filter(|id| suits(model, *id));
        suitable.choose(&mut self.rng).unwrap_or_else(|| id("SYSTEM"))
    }

    fn sender_of_kind(&mut self, kinds: &[AccountKind]) -> AccountId {
        self.sender(|model, id| kinds.contains(&model.accounts[&id].kind))
    }

    fn new_account(&mut self) -> AccountId {
        id(&format!("A{}", self.rng.random_range(0..30)))
    }

    fn asset(&mut self) -> AssetId {
        if self.chance(40) {
            return AssetId::new("NOTHING").unwrap();
        }
        *self.model.assets.keys().choose(&mut self.rng).unwrap()
    }

    fn any_amount(&mut self) -> Amount {
        amount(number(&mut self.rng, self.bits) % (units_max() + 1))
    }

    /// A part of what there is, mostly; else all, one too much, nothing, or anything.
    fn part_of(&mut self, there: u128) -> Amount {
        match self.rng.random_range(0..24) {
            0 => amount(there),
            1 => amount((there + 1).min(units_max())),
            2 => Amount::ZERO,
            3 => self.any_amount(),
            4 => amount(units_max()),
            5 => amount(1),
            _ => amount((number(&mut self.rng, 127) % (there / 2 + 1)).max(1)),
        }
    }

    /// No bound, mostly.
    fn least(&mut self) -> Amount {
        if self.chance(4) { self.any_amount() } else { Amount::ZERO }
    }

    fn most(&mut self) -> Amount {
        if self.chance(4) { self.any_amount() } else { Amount::MAX }
    }

    fn deadline(&mut self) -> Option<u64> {
        match self.rng.random_range(0..20) {
            0 => Some(self.model.time_ms - 1),
            1..6 => Some(self.model.time_ms),
            _ => None,
        }
    }

    fn impact(&mut self) -> Option<u16> {
        let bps = if self.chance(4) { self.rng.random_range(0..11_000) } else { 9_000 };
        self.rng.random::<bool>().then_some(bps)
    }

    /// A pool, one that holds something in most cases, and its assets.
    fn pool(&mut self) -> (PoolId, [AssetId; 2]) {
        let filled = !self.chance(4) && self.model.pools.values().any(|pool| pool.shares > 0);
        let pools = self.model.pools.iter().filter(|(_, pool)| !filled || pool.shares > 0);
        let known = pools.map(|(id, pool)| (*id, pool.assets)).choose(&mut self.rng);
        let (id, mut assets) = match known {
            Some(known) if !self.chance(40) => known,
            _ => (PoolId::new("NO-POOL").unwrap(), [self.asset(), self.asset()]),
        };
        if self.chance(40) {
            assets[1] = self.asset();
        }
        (id, assets)
    }

    fn op(&mut self) -> (AccountId, Op<'static>) {
        use AccountKind::{Government, Institution, System};
        const OFFICIAL: &[AccountKind] = &[Institution, Government, System];
        match self.rng.random_range(0..49) {
            0 | 1 => {
                let create = CreateAccount {
                    account: if self.chance(6) { self.account() } else { self.new_account() },
                    kind: *AccountKind::ALL.choose(&mut self.rng).unwrap(),
                    kyc: *KycLevel::ALL.choose(&mut self.rng).unwrap(),
                    authority: self.authority(),
                };
                (self.sender_of_kind(OFFICIAL), Op::CreateAccount(create))
            }
            2 => {
                let authority = self.authority();
                (self.sender(|_, _| true), Op::RotateAuthority(RotateAuthority { authority }))
            }
            3 => {
                let account = self.account();
                let frozen = SetFrozen { account, frozen: !self.chance(4) };
                (self.sender_of_kind(&[Government, System]), Op::SetFrozen(frozen))
            }
            4 | 5 => {
                // Whoever is frozen is released again, so that the ledger does not come to rest.
                let frozen = self.model.accounts.iter().filter(|(_, h)| h.status == AccountStatus::Frozen);
                let account = frozen.map(|(id, _)| *id).choose(&mut self.rng);
                let account = account.unwrap_or_else(|| self.account());
                (id("SYSTEM"), Op::SetFrozen(SetFrozen { account, frozen: false }))
            }
            6 => {
                // The system stays, so that nobody else can be left alone.
                let empty = |model: &Model, id| model.balances.keys().all(|key| key.0 != id);
                match self.sender(empty) {
                    system if system == id("SYSTEM") => self.transfer(),
                    sender => (sender, Op::CloseAccount),
                }
            }
            7 => {
                let name = format!("C{}", self.rng.random_range(0..8));
                let asset = AssetId::new(&name).unwrap();
                let create = CreateAsset { asset, max_supply: self.any_amount() };
                (self.sender_of_kind(OFFICIAL), Op::CreateAsset(create))
            }
            8..12 => {
                let asset = self.asset();
                let room = self.model.assets.get(&asset).map_or(0, |asset| asset.max_supply - asset.supply);
                let issue =
                    Issue { asset, to: self.account(), amount: self.part_of(room.min(1 << self.bits)) };
                (self.issuer(asset), Op::Issue(issue))
            }
            12 => {
                let asset = self.asset();
                let sender = self.issuer(asset);
                let there = self.model.balance(sender, asset);
                (sender, Op::Burn(Burn { asset, amount: self.part_of(there) }))
            }
            13..24 => self.transfer(),
            24..26 => {
                let mut assets = [self.asset(), self.asset()];
                if !self.chance(10) {
                    assets.sort();
                }
                let [asset_a, asset_b] = assets;
                let pool = PoolId::new(&format!("P{}", self.rng.random_range(0..6))).unwrap();
                let fee_bps = *[0, 1, 30, 30, 100, 9_999, 10_000].choose(&mut self.rng).unwrap();
                let create = CreatePool { pool, asset_a, asset_b, fee_bps };
                (self.sender_of_kind(OFFICIAL), Op::CreatePool(create))
            }
            26..32 => {
                let (pool, [asset_a, asset_b]) = self.pool();
                let sender =
                    self.sender(|model, id| model.balance(id, asset_a) > 0 && model.balance(id, asset_b) > 0);
                let [max_a, max_b] = [asset_a, asset_b].map(|asset| {
                    let there = self.model.balance(sender, asset);
                    self.part_of(there)
                });
                let (min_shares, deadline_ms) = (self.least(), self.deadline());
                let add = AddLiquidity { pool, asset_a, asset_b, max_a, max_b, min_shares, deadline_ms };
                (sender, Op::AddLiquidity(add))
            }
            32..36 => {
                let (pool, [asset_a, asset_b]) = self.pool();
                let sender = self.sender(|model, id| model.shares_of(id, pool) > 0);
                let there = self.model.shares_of(sender, pool);
                let (shares, min_a, min_b) = (self.part_of(there), self.least(), self.least());
                let deadline_ms = self.deadline();
                let remove = RemoveLiquidity { pool, asset_a, asset_b, shares, min_a, min_b, deadline_ms };
                (sender, Op::RemoveLiquidity(remove))
            }
            36..42 => {
                let (pool, assets) = self.pool();
                let [asset_in, asset_out] = if self.chance(2) { assets } else { [assets[1], assets[0]] };
                let sender = self.sender(|model, id| model.balance(id, asset_in) > 0);
                let there = self.model.balance(sender, asset_in);
                let swap = SwapExactIn {
                    pool,
                    asset_in,
                    asset_out,
                    amount_in: self.part_of(there),
                    min_out: self.least(),
                    max_price_impact_bps: self.impact(),
                    deadline_ms: self.deadline(),
                };
                (sender, Op::SwapExactIn(swap))
            }
            48 => {
                let (validator, sender) = (self.account(), self.sender(|_, _| true));
                let amount = self.part_of(self.model.balance(sender, NATIVE_ASSET));
                let op = match self.rng.random_range(0..4) {
                    0 => Op::Leave(Leave { slot: 0 }),
                    1 => Op::Unbond(Unbond { validator, shares: amount }),
                    2 => Op::Withdraw(Withdraw { validator }),
                    _ => Op::Delegate(Delegate { validator, amount }),
                };
                (sender, op)
            }
            _ => {
                let (pool, assets) = self.pool();
                let i = usize::from(self.chance(2));
                let [asset_in, asset_out] = [assets[i], assets[1 - i]];
                let sender = self.sender(|model, id| model.balance(id, asset_in) > 0);
                let there = self.model.pools.get(&pool).map_or(0, |pool| pool.reserves[1 - i]);
                let swap = SwapExactOut {
                    pool,
                    asset_in,
                    asset_out,
                    amount_out: self.part_of(there),
                    max_in: self.most(),
                    max_price_impact_bps: self.impact(),
                    deadline_ms: self.deadline(),
                };
                (sender, Op::SwapExactOut(swap))
            }
        }
    }

    fn issuer(&mut self, asset: AssetId) -> AccountId {
        self.sender(|model, id| model.assets.get(&asset).is_some_and(|asset| asset.issuer == id))
    }

    fn transfer(&mut self) -> (AccountId, Op<'static>) {
        let sender = self.sender(|model, id| model.balances.keys().any(|key| key.0 == id));
        let own = self.model.balances.keys().filter(|key| key.0 == sender).map(|key| key.1);
        let asset = own.choose(&mut self.rng).unwrap_or(NATIVE_ASSET);
        let there = self.model.balance(sender, asset);
        let count = if self.chance(5) { self.rng.random_range(2..=16) } else { 1 };
        let mut legs: Vec<Leg> = Vec::new();
        for _ in 0..count {
            let to = match self.account() {
                to if to == sender && !self.chance(20) => self.account(),
                to => to,
            };
            if legs.iter().all(|leg| leg.to != to) {
                let amount = self.part_of(there / count);
                legs.push(Leg { to, amount, reference: Reference::new("").unwrap() });
            }
        }
        (sender, Op::Transfer(Transfer { asset, legs: kept(LegsBuf::new(&legs).unwrap()).get() }))
    }

    /// A transaction and who signs it; one field in some is wrong.
    fn transaction(&mut self) -> (Transaction<'static>, Vec<KeyRef>) {
        let (sender, op) = self.op();
        let closing = op == Op::CloseAccount;
        let there = self.model.balance(sender, NATIVE_ASSET);
        let fee = match self.rng.random_range(0..20) {
            // All that the sender has, or one unit too much.
            _ if closing && !self.chance(3) => amount(there),
            0 => amount((there + 1).min(units_max())),
            1..8 => Amount::ZERO,
            _ => amount(there.min(self.rng.random_range(0..1_000))),
        };
        let holder = self.model.accounts.get(&sender);
        let nonce = holder.map_or(0, |holder| holder.nonce);
        let mut signers = holder.map_or(vec![], |holder| {
            let threshold = usize::from(holder.authority.threshold());
            holder.authority.keys().sample(&mut self.rng, threshold)
        });
        signers.sort();
        let mut tx = Transaction {
            chain_id: self.model.chain.unwrap(),
            sender,
            nonce,
            last_valid_height: self.model.height + self.rng.random_range(0..3),
            fee,
            op,
        };
        match self.rng.random_range(0..100) {
            0 => tx.chain_id = ChainId::new("OTHER").unwrap(),
            1 => tx.last_valid_height = self.model.height - 1,
            2 => tx.nonce = nonce.saturating_sub(1),
            3 => tx.nonce += 1,
            4 => drop(signers.pop()),
            5 => signers.reverse(),
            6 => {
                signers.push(self.keys[0]);
                signers.sort();
            }
            _ => {}
        }
        (tx, signers)
    }

    fn env(&self) -> Env {
        Env { chain_id: self.model.chain.unwrap(), height: self.model.height, time_ms: self.model.time_ms }
    }

    /// One transaction on both sides; the code if it was refused.
    fn step(&mut self) -> Option<u16> {
        let (tx, signers) = self.transaction();
        let allowed = access(&tx);
        let unique: BTreeSet<_> = allowed.iter().copied().collect();
        assert_eq!(unique.len(), allowed.len(), "access names a record twice: {tx:?}");

        let view = Noted { state: &self.state, reads: RefCell::default() };
        let result = transition(&self.env(), &tx, Signers::Verified(&signers), &view);
        assert!(view.reads.borrow().is_subset(&unique), "read outside of access: {tx:?}");
        assert_eq!(result, transition(&self.env(), &tx, Signers::Verified(&signers), &view));

        let expected = self.model.execute(&tx, &signers);
        let code = match (result, expected) {
            (Ok(effects), Ok(outcome)) => {
                assert_eq!((effects.receipt.fee, &effects.receipt.outcome), (tx.fee, &outcome), "{tx:?}");
                assert_eq!(Ok(&effects), transition(&self.env(), &tx, Signers::Assumed, &view).as_ref());
                assert!(effects.writes.iter().all(|(id, _)| unique.contains(id)), "{tx:?}");
                self.write(effects);
                None
            }
            (Err(reject), Err(code)) => {
                assert_eq!(reject.code(), code, "{tx:?}");
                Some(code.number)
            }
            (result, expected) => panic!("{tx:?}\ncore: {result:?}\nmodel: {expected:?}"),
        };
        assert_eq!(self.state, self.model.records(), "{tx:?}");
        self.conserved();
        code
    }

    fn write(&mut self, effects: Effects<'static>) {
        let mut written = BTreeSet::new();
        for (id, record) in effects.writes {
            assert!(written.insert(id), "{id:?} written twice");
            match record {
                Some(record) => self.state.insert(id, record),
                None => self.state.remove(&id),
            };
        }
    }

    /// The supply of every asset is what accounts, pools and unpaid fees hold, read from the records.
    fn conserved(&self) {
        let mut held: BTreeMap<AssetId, u128> = BTreeMap::from([(NATIVE_ASSET, self.model.fees)]);
        let mut supplies = BTreeMap::new();
        let mut shares: BTreeMap<PoolId, u128> = BTreeMap::new();
        for (id, record) in &self.state {
            match (id, record) {
                (RecordId::Balance(_, asset), Record::Balance(balance)) => {
                    assert!(!balance.amount.is_zero());
                    *held.entry(*asset).or_default() += balance.amount.units();
                }
                (RecordId::Pool(_), Record::Pool(pool)) => {
                    *held.entry(pool.asset_a).or_default() += pool.reserves.a().units();
                    *held.entry(pool.asset_b).or_default() += pool.reserves.b().units();
                }
                (RecordId::Asset(id), Record::Asset(asset)) => {
                    assert!(asset.supply <= asset.max_supply);
                    supplies.insert(*id, asset.supply.units());
                }
                (RecordId::Shares(_, pool), Record::Shares(part)) => {
                    *shares.entry(*pool).or_default() += part.amount.units();
                }
                (RecordId::Account(_), Record::Account(_)) => {}
                other => panic!("a record of another kind: {other:?}"),
            }
        }
        supplies.iter().for_each(|(asset, supply)| {
            assert_eq!(*supply, held.remove(asset).unwrap_or(0), "supply of {asset}");
        });
        assert!(held.values().all(|units| *units == 0), "held without an asset: {held:?}");
        for (id, pool) in &self.model.pools {
            let locked = if pool.shares == 0 { 0 } else { 1_000 };
            assert_eq!(pool.shares, shares.get(id).copied().unwrap_or(0) + locked, "shares of {id}");
        }
    }

    /// Ends the block and starts the next one.
    fn settle(&mut self) {
        let proposer = self.account();
        let view = Noted { state: &self.state, reads: RefCell::default() };
        let result = settle_fees(proposer, amount(self.model.fees), &view);
        match (result, self.model.settle(proposer)) {
            (Ok(effects), Ok(())) => self.write(effects),
            (Err(reject), Err(code)) => assert_eq!(reject.code(), code),
            (result, expected) => panic!("{proposer}\ncore: {result:?}\nmodel: {expected:?}"),
        }
        assert_eq!(self.state, self.model.records());
        self.conserved();
        self.model.height += 1;
        self.model.time_ms += self.rng.random_range(0..100);
    }
}

#[test]
fn random_transactions_agree_with_the_model() {
    let mut rng = rng();
    let mut refused: BTreeMap<u16, u64> = BTreeMap::new();
    let (mut done, mut accepted) = (0, 0u64);
    while done < cases() {
        let mut world = World::new(StdRng::seed_from_u64(rng.random()));
        for _ in 0..SEQUENCE {
            match world.step() {
                Some(code) => *refused.entry(code).or_default() += 1,
                None => accepted += 1,
            }
            if world.chance(10) {
                world.settle();
            }
        }
        done += SEQUENCE;
    }
    println!("{done} transactions, {accepted} accepted, refused by code: {refused:?}");
    let never: Vec<_> = REFUSALS.iter().filter(|code| !refused.contains_key(code)).collect();
    assert!(never.is_empty(), "codes that no transaction was refused with: {never:?}");
    let unlisted: Vec<_> = refused.keys().filter(|code| !REFUSALS.contains(code)).collect();
    assert!(unlisted.is_empty(), "codes that no transaction should be refused with: {unlisted:?}");
    assert!(accepted > done / 4, "too few transactions were accepted to mean anything: {accepted}");
}
