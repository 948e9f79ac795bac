//! Stake against a slow model: random transactions, blocks and epochs over a whole state, each refused or accepted as
//! the model says, with the same records of stake afterwards, and not a unit lost or made.
//!
//! The model keeps shares as whole numbers of any size and prices them as the rule says: one unit and one share more than there are. It draws
//! seats by sorting all candidates, and leaders by counting through all weights.
#![allow(clippy::unwrap_used)] // a test that meets what it does not expect should stop there

#[allow(dead_code)] // each test uses a part of it
mod num_common;
mod stake_world;

use std::collections::{BTreeMap, BTreeSet};

use num_bigint::BigUint;
use num_common::{cases, rng};
use qenex_core::codec::Lent;
use qenex_core::consensus::SetHasher;
use qenex_core::consensus::{Proposal, Round, Vote, leader};
use qenex_core::crypto::{Hash, Scheme};
use qenex_core::error::Coded;
use qenex_core::id::{AccountId, NATIVE_ASSET};
use qenex_core::ledger::{MAX_CANDIDATES, Outcome, Record, RecordId, StakePool, StakingRules};
use qenex_core::num::Amount;
use qenex_core::tx::{Delegate, Leave, Op, Report, SignedVote, Stand, Unbond, Withdraw};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};
use stake_world::{Keys, Ledger, account, units};

/// What a transaction on stake can be refused with, here.
const REFUSALS: &[u16] =
    &[305, 712, 714, 725, 726, 727, 728, 729, 730, 741, 742, 743, 744, 745, 746, 747, 748];

/// Steps on one ledger before the next one starts.
const SEQUENCE: u64 = 400;

fn big(amount: Amount) -> BigUint {
    BigUint::from(amount.units())
}

#[derive(Clone, Default, Debug)]
struct Pool {
    tokens: BigUint,
    shares: BigUint,
}

impl Pool {
    fn shares_for(&self, tokens: &BigUint) -> BigUint {
        tokens * (&self.shares + 1u8) / (&self.tokens + 1u8)
    }

    fn tokens_for(&self, shares: &BigUint) -> BigUint {
        shares * (&self.tokens + 1u8) / (&self.shares + 1u8)
    }

    fn put(&mut self, tokens: &BigUint) -> BigUint {
        let shares = self.shares_for(tokens);
        self.tokens += tokens;
        self.shares += &shares;
        shares
    }

    fn take(&mut self, shares: &BigUint) -> BigUint {
        let tokens = self.tokens_for(shares);
        self.tokens -= &tokens;
        self.shares -= shares;
        tokens
    }

    fn slash(&mut self, bps: u16) -> BigUint {
        let lost = (&self.tokens * bps + 9_999u16) / 10_000u16;
        self.tokens -= &lost;
        lost
    }

    fn is(&self, pool: &StakePool) -> bool {
        self.tokens == big(pool.tokens) && self.shares == big(pool.shares)
    }
}

/// A key is known by its number.
#[derive(Clone, Debug)]
struct Standing {
    vote_key: usize,
    former: Option<(usize, u64)>,
    peer_key: usize,
    slot: Option<u16>,
    commission_bps: u16,
    barred_until: u64,
    bonded: Pool,
    unbonding: Pool,
}

#[derive(Clone, Debug)]
struct SeatModel {
    account: AccountId,
    vote_key: usize,
    weight: BigUint,
    commission_bps: u16,
    made: u32,
    missed: u32,
}

struct Model {
    rules: StakingRules,
    epoch: u64,
    view: u64,
    supply: BigUint,
    max_supply: BigUint,
    balances: BTreeMap<AccountId, BigUint>,
    validators: BTreeMap<AccountId, Standing>,
    delegations: BTreeMap<(AccountId, AccountId), BigUint>,
    unbondings: BTreeMap<(AccountId, AccountId), (BigUint, u64)>,
    /// Whose each key is.
    owners: BTreeMap<usize, AccountId>,
    seats: Vec<SeatModel>,
}

impl Model {
    fn pay(&mut self, who: AccountId, amount: &BigUint) -> Result<(), u16> {
        let balance = self.balances.entry(who).or_default();
        if *balance < *amount {
            return Err(714);
        }
        *balance -= amount;
        Ok(())
    }

    fn bond(&mut self, who: AccountId, to: AccountId, amount: &BigUint) -> Result<BigUint, u16> {
        if *amount == BigUint::ZERO {
            return Err(712);
        }
        self.pay(who, amount)?;
        let validator = self.validators.get_mut(&to).ok_or(725u16)?;
        if validator.slot.is_none() || validator.barred_until > 0 {
            return Err(727);
        }
        let shares = validator.bonded.put(amount);
        if shares < BigUint::from(1_000_000u32) {
            return Err(730);
        }
        *self.delegations.entry((who, to)).or_default() += &shares;
        Ok(shares)
    }

    fn draw(&mut self) {
        let taken: Vec<AccountId> =
            self.validators.iter().filter(|(_, v)| v.slot.is_some()).map(|(id, _)| *id).collect();
        let mut qualified = Vec::new();
        for id in taken {
            let least = big(self.rules.min_stake);
            let validator = self.validators.get_mut(&id).unwrap();
            if validator.barred_until == 0 && validator.bonded.tokens >= least {
                qualified.push((validator.bonded.tokens.clone(), id));
            } else {
                validator.slot = None;
            }
        }
        qualified.sort_by(|(a, x), (b, y)| b.cmp(a).then(x.cmp(y)));
        qualified.truncate(self.rules.seats_max.into());
        match qualified.iter().map(|(tokens, _)| tokens.clone()).min() {
            Some(price) => {
                self.seats = qualified
                    .into_iter()
                    .map(|(tokens, account)| {
                        let validator = &self.validators[&account];
                        SeatModel {
                            account,
                            vote_key: validator.vote_key,
                            weight: tokens.min(&price * 2u8),
                            commission_bps: validator.commission_bps,
                            made: 0,
                            missed: 0,
                        }
                    })
                    .collect();
            }
            None => self.seats.iter_mut().for_each(|seat| (seat.made, seat.missed) = (0, 0)),
        }
        self.epoch += 1;
        self.view = 0;
    }
}

struct World {
    rng: StdRng,
    ledger: Ledger,
    keys: Keys,
    model: Model,
    people: Vec<AccountId>,
    refused: BTreeMap<u16, u64>,
    epochs: u64,
    slashed: u64,
    jailed: u64,
}

impl World {
    fn new(mut rng: StdRng) -> Self {
        let keys = Keys::new(40);
        let people: Vec<AccountId> = (0..8).map(|number| account(&format!("A{number}"))).collect();
        let bits = *[24u32, 40, 70, 90].choose(&mut rng).unwrap();
        let rich = units(1 << bits);
        let rules = StakingRules {
            epoch_blocks: rng.random_range(1..8),
            seats_max: rng.random_range(1..5),
            min_stake: units(*[1_000_000, 3_000_000, 1 << (bits - 3)].choose(&mut rng).unwrap()),
            unbonding_epochs: rng.random_range(0..4),
            jail_epochs: rng.random_range(0..3),
            missed_limit: rng.random_range(1..4),
            slash_bps: *[0, 1, 500, 5_000, 9_999, 10_000].choose(&mut rng).unwrap(),
            block_reward: units(rng.random_range(0..1 << (bits - 8))),
        };
        let supply = BigUint::from(rich.units()) * people.len();
        let max_supply = Amount::from_units((rich.units() * 8).saturating_add(rich.units())).unwrap();
        let mut ledger = Ledger::new(&people, rich, max_supply);
        let mut model = Model {
            rules,
            epoch: 0,
            view: 0,
            supply,
            max_supply: big(max_supply),
            balances: people.iter().map(|id| (*id, big(rich))).collect(),
            validators: BTreeMap::new(),
            delegations: BTreeMap::new(),
            unbondings: BTreeMap::new(),
            owners: BTreeMap::new(),
            seats: Vec::new(),
        };
        let first: Vec<_> = (0..rng.random_range(1..4usize))
            .map(|number| {
                let commission_bps = rng.random_range(0..=10_000);
                let amount = units(rules.min_stake.units() + rng.random_range(0..rich.units() / 2));
                let slot = Some(number as u16);
                let mut bonded = Pool::default();
                let shares = bonded.put(&big(amount));
                let validator = Standing {
                    vote_key: 2 * number,
                    former: None,
                    peer_key: 2 * number + 1,
                    slot,
                    commission_bps,
                    barred_until: 0,
                    bonded,
                    unbonding: Pool::default(),
                };
                *model.balances.get_mut(&people[number]).unwrap() -= big(amount);
                model.validators.insert(people[number], validator);
                model.delegations.insert((people[number], people[number]), shares);
                model.owners.extend([(2 * number, people[number]), (2 * number + 1, people[number])]);
                (
                    people[number],
                    stand(&keys, number as u16, (2 * number, 2 * number + 1), commission_bps, amount),
                )
            })
            .collect();
        let set = ledger.found(rules, &first).unwrap();
        model.draw();
        let world = Self {
            rng,
            ledger,
            keys,
            model,
            people,
            refused: BTreeMap::new(),
            epochs: 0,
            slashed: 0,
            jailed: 0,
        };
        assert_eq!(set, world.set());
        world.compare();
        world
    }

    /// The hash of the model's set.
    fn set(&self) -> Hash {
        let seats = self.model.seats.iter();
        let mut members: Vec<_> = seats
            .map(|seat| (self.keys.public(seat.vote_key), finality_key(&self.keys, seat.commission_bps)))
            .collect();
        members.sort();
        let mut set = SetHasher::new();
        members.iter().for_each(|(vote_key, other)| set.push(Scheme::Ed25519, vote_key, other).unwrap());
        set.finish().unwrap()
    }

    fn person(&mut self) -> AccountId {
        *self.people.choose(&mut self.rng).unwrap()
    }

    /// A validator, mostly.
    fn validator(&mut self) -> AccountId {
        let validators: Vec<AccountId> = self.model.validators.keys().copied().collect();
        if self.rng.random_range(0..8) == 0 {
            self.person()
        } else {
            *validators.choose(&mut self.rng).unwrap()
        }
    }

    /// A part of what somebody has, often all or too much.
    fn part_of(&mut self, whole: &BigUint) -> Amount {
        let whole = u128::try_from(whole.clone()).unwrap();
        let part = match self.rng.random_range(0..12) {
            0 => whole + 1,
            1 | 2 => whole,
            3 => 0,
            4 => self.rng.random_range(0..2_000_000).min(whole),
            _ => whole / self.rng.random_range(1..20),
        };
        units(part)
    }

    fn judge(&mut self, sender: AccountId, op: &Op<'static>, expected: Result<Outcome, u16>) {
        let found = self.ledger.execute(sender, op).map_err(|reject| reject.code().number);
        assert_eq!(found, expected, "{sender}: {op:?} in epoch {}", self.model.epoch);
        if let Err(code) = found {
            *self.refused.entry(code).or_default() += 1;
        }
    }

    fn stands(&mut self) {
        let sender = if self.rng.random() { self.validator() } else { self.person() };
        let own = self.model.validators.get(&sender).cloned();
        let number = self.keys.len();
        let key = |rng: &mut StdRng, own: Option<usize>| match own {
            Some(own) if rng.random_range(0..3) > 0 => own,
            _ => rng.random_range(0..number),
        };
        let vote_key = key(&mut self.rng, own.as_ref().map(|v| v.vote_key));
        let peer_key = key(&mut self.rng, own.as_ref().map(|v| v.peer_key));
        let slot = match own.as_ref().and_then(|v| v.slot) {
            Some(slot) if self.rng.random_range(0..8) > 0 => slot,
            _ => *[0, 1, 2, 3, 4, 5, 6, 7, MAX_CANDIDATES - 1, MAX_CANDIDATES].choose(&mut self.rng).unwrap(),
        };
        let commission_bps = *[0, 1, 500, 3_333, 10_000, 10_001].choose(&mut self.rng).unwrap();
        let amount = self.part_of(&self.model.balances[&sender].clone());
        let expected = self.model_stand(sender, slot, (vote_key, peer_key), commission_bps, amount);
        let op = stand(&self.keys, slot, (vote_key, peer_key), commission_bps, amount);
        self.judge(sender, &Op::Stand(op), expected);
    }

    fn model_stand(
        &mut self,
        sender: AccountId,
        slot: u16,
        (vote_key, peer_key): (usize, usize),
        commission_bps: u16,
        amount: Amount,
    ) -> Result<Outcome, u16> {
        let model = &self.model;
        if commission_bps > 10_000 {
            return Err(741);
        }
        if vote_key == peer_key {
            return Err(729);
        }
        for key in [vote_key, peer_key] {
            if !self.keys.is_valid(key) {
                return Err(305);
            }
            if model.owners.get(&key).is_some_and(|owner| *owner != sender) {
                return Err(729);
            }
        }
        let taken = model.validators.iter().any(|(id, v)| *id != sender && v.slot == Some(slot));
        if slot >= MAX_CANDIDATES || taken {
            return Err(728);
        }
        let mut validator = match model.validators.get(&sender).cloned() {
            None => Standing {
                vote_key,
                former: None,
                peer_key,
                slot: None,
                commission_bps,
                barred_until: 0,
                bonded: Pool::default(),
                unbonding: Pool::default(),
            },
            Some(validator) if validator.slot.is_some_and(|own| own != slot) => return Err(728),
            Some(validator) if validator.barred_until > model.epoch => return Err(726),
            Some(mut validator) => {
                if validator.vote_key != vote_key {
                    if validator.former.is_some_and(|(_, until)| until >= model.epoch) {
                        return Err(742);
                    }
                    let until = model.epoch + u64::from(model.rules.unbonding_epochs);
                    validator.former = Some((validator.vote_key, until));
                }
                validator
            }
        };
        validator.vote_key = vote_key;
        validator.peer_key = peer_key;
        validator.commission_bps = commission_bps;
        validator.slot = Some(slot);
        validator.barred_until = 0;
        // All or nothing.
        let before =
            (self.model.validators.clone(), self.model.balances.clone(), self.model.delegations.clone());
        self.model.validators.insert(sender, validator);
        let result =
            if amount.is_zero() { Ok(BigUint::ZERO) } else { self.model.bond(sender, sender, &big(amount)) };
        let enough = self.model.validators[&sender].bonded.tokens >= big(self.model.rules.min_stake);
        let result = result.and_then(|shares| if enough { Ok(shares) } else { Err(730) });
        match result {
            Ok(shares) => {
                self.model.owners.extend([(vote_key, sender), (peer_key, sender)]);
                Ok(Outcome::Delegated(units(shares.try_into().unwrap())))
            }
            Err(code) => {
                (self.model.validators, self.model.balances, self.model.delegations) = before;
                Err(code)
            }
        }
    }

    fn leaves(&mut self) {
        let sender = self.validator();
        let own = self.model.validators.get(&sender).map(|v| v.slot);
        let slot = own.flatten().unwrap_or(self.rng.random_range(0..4));
        let expected = match own {
            None => Err(725),
            Some(own) if own != Some(slot) => Err(727),
            Some(_) => {
                self.model.validators.get_mut(&sender).unwrap().slot = None;
                Ok(Outcome::Done)
            }
        };
        self.judge(sender, &Op::Leave(Leave { slot }), expected);
    }

    fn delegates(&mut self) {
        let (sender, validator) = (self.person(), self.validator());
        let amount = self.part_of(&self.model.balances[&sender].clone());
        let before = (self.model.balances.clone(), self.model.validators.clone());
        let result = self.model.bond(sender, validator, &big(amount));
        if result.is_err() {
            (self.model.balances, self.model.validators) = before;
        }
        let expected = result.map(|shares| Outcome::Delegated(units(shares.try_into().unwrap())));
        self.judge(sender, &Op::Delegate(Delegate { validator, amount }), expected);
    }

    fn unbonds(&mut self) {
        let pairs: Vec<_> = self.model.delegations.keys().copied().collect();
        let (sender, validator) = match pairs.choose(&mut self.rng) {
            Some(pair) if self.rng.random_range(0..10) > 0 => *pair,
            _ => (self.person(), self.validator()),
        };
        let held = self.model.delegations.get(&(sender, validator)).cloned().unwrap_or_default();
        let shares = self.part_of(&held);
        let expected = if shares.is_zero() {
            Err(712)
        } else if big(shares) > held {
            Err(744)
        } else {
            let release = self.model.epoch + u64::from(self.model.rules.unbonding_epochs) + 1;
            let pools = self.model.validators.get_mut(&validator).unwrap();
            let amount = pools.bonded.take(&big(shares));
            let bought = pools.unbonding.put(&amount);
            *self.model.delegations.get_mut(&(sender, validator)).unwrap() -= big(shares);
            if bought > BigUint::ZERO {
                let (all, until) = self.model.unbondings.entry((sender, validator)).or_default();
                *all += bought;
                *until = release;
            }
            Ok(Outcome::Unbonded(units(amount.try_into().unwrap()), release))
        };
        self.model.delegations.retain(|_, shares| *shares > BigUint::ZERO);
        self.judge(sender, &Op::Unbond(Unbond { validator, shares }), expected);
    }

    fn withdraws(&mut self) {
        let pairs: Vec<_> = self.model.unbondings.keys().copied().collect();
        let (sender, validator) = match pairs.choose(&mut self.rng) {
            Some(pair) if self.rng.random_range(0..10) > 0 => *pair,
            _ => (self.person(), self.validator()),
        };
        let expected = match self.model.unbondings.get(&(sender, validator)).cloned() {
            None => Err(744),
            Some((_, release)) if release > self.model.epoch => Err(743),
            Some((shares, _)) => {
                self.model.unbondings.remove(&(sender, validator));
                let amount = self.model.validators.get_mut(&validator).unwrap().unbonding.take(&shares);
                *self.model.balances.get_mut(&sender).unwrap() += &amount;
                Ok(Outcome::Released(units(amount.try_into().unwrap())))
            }
        };
        self.judge(sender, &Op::Withdraw(Withdraw { validator }), expected);
    }

    fn reports(&mut self) {
        let (sender, validator) = (self.person(), self.validator());
        let epoch = self.model.epoch.saturating_sub(self.rng.random_range(0..6));
        let (first, second) = (vote(&mut self.rng, epoch), vote(&mut self.rng, epoch));
        let own = self.model.validators.get(&validator).cloned();
        let key = match &own {
            Some(own) if self.rng.random_range(0..4) > 0 => match own.former {
                Some((former, _)) if self.rng.random() => former,
                _ => own.vote_key,
            },
            _ => self.rng.random_range(0..self.keys.len()),
        };
        let expected = match own {
            None => Err(725),
            Some(own) if own.barred_until == u64::MAX => Err(748),
            Some(own)
                if own.vote_key != key
                    && own.former.is_none_or(|(former, until)| former != key || until < self.model.epoch) =>
            {
                Err(745)
            }
            Some(_) if !contradicting(&first, &second) => Err(746),
            Some(_) if epoch + u64::from(self.model.rules.unbonding_epochs) < self.model.epoch => Err(747),
            Some(_) => {
                let bps = self.model.rules.slash_bps;
                let validator = self.model.validators.get_mut(&validator).unwrap();
                validator.barred_until = u64::MAX;
                let lost = validator.bonded.slash(bps) + validator.unbonding.slash(bps);
                self.model.supply -= &lost;
                self.slashed += 1;
                Ok(Outcome::Slashed(units(lost.try_into().unwrap())))
            }
        };
        let signed = |vote: Vote| SignedVote { vote, signature: Lent(&[0; 64]) };
        let vote_key = Lent(self.keys.lent(key));
        let op = Report { validator, vote_key, first: signed(first), second: signed(second) };
        self.judge(sender, &Op::Report(op), expected);
    }

    /// A block by the leader of a later view, at most a few views on.
    fn ends_block(&mut self) {
        let fees = self.part_of(&self.model.balances[&self.people[7]].clone()).units();
        let payer = self.people[7];
        let fees = units(if self.model.pay(payer, &BigUint::from(fees)).is_ok() { fees } else { 0 });
        self.ledger.take_fees(payer, fees);
        let skipped = [0, 0, 0, 1, 2, 5][self.rng.random_range(0..6)];
        let (parent, view) = (self.ledger.parent.clone(), self.model.view + 1 + skipped);
        let leads = |view| {
            let staking = self.ledger.staking();
            let mut seats: Vec<_> = self.model.seats.iter().collect();
            seats.sort_by_key(|seat| self.keys.public(seat.vote_key));
            let weights: Vec<BigUint> = seats.iter().map(|seat| seat.weight.clone()).collect();
            seats[counted_leader(&staking.seed, Round { epoch: staking.epoch, view }, &weights)].account
        };
        let proposer = leads(view);
        let absent: Vec<AccountId> = (self.model.view + 1..view).map(leads).collect();
        for other in self.people.clone() {
            let mut copy = self.ledger.clone();
            assert_eq!(other == proposer, copy.end_block(view, other, fees).is_ok());
        }
        let mut copy = self.ledger.clone();
        assert_eq!(copy.end_block(self.model.view, proposer, fees).unwrap_err().code().number, 749);
        let drawn = self.ledger.end_block(view, proposer, fees).unwrap();
        let model = &mut self.model;
        for account in absent {
            model.seats.iter_mut().find(|seat| seat.account == account).unwrap().missed += 1;
        }
        let seat = model.seats.iter_mut().find(|seat| seat.account == proposer).unwrap();
        seat.made += 1;
        let commission_bps = seat.commission_bps;
        model.view = view;
        let validator = model.validators.get_mut(&proposer).unwrap();
        if validator.barred_until == u64::MAX {
            model.supply -= big(fees);
        } else {
            let minted = big(model.rules.block_reward).min(&model.max_supply - &model.supply);
            model.supply += &minted;
            let earned = minted + big(fees);
            let own = if validator.bonded.shares == BigUint::ZERO {
                earned.clone()
            } else {
                &earned * commission_bps / 10_000u16
            };
            validator.bonded.tokens += &earned - &own;
            let shares = validator.bonded.put(&own);
            if shares > BigUint::ZERO {
                *model.delegations.entry((proposer, proposer)).or_default() += shares;
            }
        }
        let last = (parent.height + 1) % model.rules.epoch_blocks == 0;
        assert_eq!(drawn.is_some(), last);
        if let Some(set) = drawn {
            for seat in &model.seats {
                if seat.missed >= model.rules.missed_limit && seat.missed > seat.made {
                    let validator = model.validators.get_mut(&seat.account).unwrap();
                    let until = model.epoch + 1 + u64::from(model.rules.jail_epochs);
                    validator.barred_until = validator.barred_until.max(until);
                    self.jailed += 1;
                }
            }
            model.draw();
            self.epochs += 1;
            assert_eq!(set, self.set());
        }
    }

    /// The ledger says what the model says, and all there is adds up to the supply.
    fn compare(&self) {
        let (model, ledger) = (&self.model, &self.ledger);
        let staking = ledger.staking();
        assert_eq!((staking.epoch, usize::from(staking.seats)), (model.epoch, model.seats.len()));
        let mut sum = BigUint::ZERO;
        let mut seen = (0, 0, 0, 0);
        let mut holdings: BTreeMap<AccountId, u32> = BTreeMap::new();
        let mut slots = BTreeSet::new();
        for (id, bytes) in &ledger.records {
            let record: Record<'_> = qenex_core::codec::decode(bytes).unwrap();
            assert!(id.names(&record));
            match (*id, record) {
                (RecordId::Balance(account, NATIVE_ASSET), Record::Balance(balance)) => {
                    assert_eq!(big(balance.amount), model.balances[&account]);
                    sum += big(balance.amount);
                    *holdings.entry(account).or_default() += 1;
                }
                (RecordId::Validator(account), Record::Validator(found)) => {
                    let expected = &model.validators[&account];
                    assert!(expected.bonded.is(&found.bonded), "{found:?} {expected:?}");
                    assert!(expected.unbonding.is(&found.unbonding), "{found:?} {expected:?}");
                    assert_eq!(
                        (found.slot, found.barred_until, *found.vote_key.0, found.commission_bps),
                        (
                            expected.slot,
                            expected.barred_until,
                            self.keys.public(expected.vote_key),
                            expected.commission_bps
                        )
                    );
                    slots.extend(found.slot);
                    sum += big(found.bonded.tokens) + big(found.unbonding.tokens);
                    *holdings.entry(account).or_default() += 1;
                    seen.0 += 1;
                }
                (RecordId::Delegation(account, validator), Record::Shares(shares)) => {
                    assert_eq!(big(shares.amount), model.delegations[&(account, validator)]);
                    *holdings.entry(account).or_default() += 1;
                    seen.1 += 1;
                }
                (RecordId::Unbonding(account, validator), Record::Unbonding(found)) => {
                    let expected = (big(found.shares), found.release_epoch);
                    assert_eq!(expected, model.unbondings[&(account, validator)]);
                    *holdings.entry(account).or_default() += 1;
                    seen.2 += 1;
                }
                (RecordId::Seat(_), Record::Seat(found)) => {
                    let expected = model.seats.iter().find(|seat| seat.account == found.account).unwrap();
                    assert_eq!(
                        (big(found.weight), found.made, found.missed, found.commission_bps),
                        (expected.weight.clone(), expected.made, expected.missed, expected.commission_bps)
                    );
                    assert_eq!(found.finality_key.0, finality_key(&self.keys, expected.commission_bps));
                    seen.3 += 1;
                }
                (RecordId::Candidate(slot), Record::Holder(holder)) => {
                    assert_eq!(model.validators[&holder.account].slot, Some(slot));
                }
                _ => {}
            }
        }
        let expected =
            (model.validators.len(), model.delegations.len(), model.unbondings.len(), model.seats.len());
        assert_eq!(seen, expected);
        let candidates = ledger.records.keys().filter(|id| matches!(id, RecordId::Candidate(_))).count();
        assert_eq!(slots.len(), candidates);
        assert_eq!(sum, model.supply);
        assert_eq!(big(ledger.supply()), model.supply);
        for account in &self.people {
            let expected = holdings.get(account).copied().unwrap_or(0);
            assert_eq!(ledger.holdings(*account), expected, "{account}");
        }
    }
}

/// The key of checkpoints changes with the commission, so that the model need not remember both.
fn finality_key(keys: &Keys, commission_bps: u16) -> &'static [u8; 32] {
    keys.lent(usize::from(commission_bps) % keys.len())
}

fn stand(
    keys: &Keys,
    slot: u16,
    (vote_key, peer_key): (usize, usize),
    commission_bps: u16,
    amount: Amount,
) -> Stand<'static> {
    Stand {
        slot,
        vote_key: Lent(keys.lent(vote_key)),
        peer_key: Lent(keys.lent(peer_key)),
        finality_key: Lent(finality_key(keys, commission_bps)),
        commission_bps,
        amount,
    }
}

fn vote(rng: &mut StdRng, epoch: u64) -> Vote {
    let round = Round { epoch, view: rng.random_range(1..3) };
    let header = Hash([rng.random_range(0..2); 32]);
    let proposal = Proposal { round, parent_view: 0, header };
    match rng.next_u32() % 3 {
        0 => Vote::Notarize(proposal),
        1 => Vote::Nullify(round),
        _ => Vote::Finalize(proposal),
    }
}

/// As simplex says it.
fn contradicting(first: &Vote, second: &Vote) -> bool {
    if first.round() != second.round() {
        return false;
    }
    match (first, second) {
        (Vote::Nullify(_), Vote::Finalize(_)) | (Vote::Finalize(_), Vote::Nullify(_)) => true,
        (Vote::Nullify(_), _) | (_, Vote::Nullify(_)) => false,
        _ => first.proposal() != second.proposal(),
    }
}

/// The leader by the text of the rule: the hash as a fraction of 2^256, and the weights one after the other.
fn counted_leader(seed: &Hash, round: Round, weights: &[BigUint]) -> usize {
    let mut input = vec![0x34];
    input.extend(seed.0);
    input.extend(round.epoch.to_be_bytes());
    input.extend(round.view.to_be_bytes());
    let drawn = BigUint::from_bytes_be(&qenex_core::crypto::hash::sha3_256(&input));
    let total: BigUint = weights.iter().sum();
    let place = (drawn * total) >> 256u32;
    let mut end = BigUint::ZERO;
    for (index, weight) in weights.iter().enumerate() {
        end += weight;
        if place < end {
            return index;
        }
    }
    panic!("no weight");
}

#[test]
fn stake_is_as_the_model_says() {
    let mut random = rng();
    let mut refused: BTreeMap<u16, u64> = BTreeMap::new();
    let (mut epochs, mut slashed, mut jailed) = (0, 0, 0);
    for _ in 0..(cases() / 400).max(50) {
        let mut world = World::new(rand::SeedableRng::seed_from_u64(random.random()));
        for _ in 0..SEQUENCE {
            match world.rng.random_range(0..20) {
                0..3 => world.stands(),
                3 => world.leaves(),
                4..8 => world.delegates(),
                8..11 => world.unbonds(),
                11..13 => world.withdraws(),
                13 => world.reports(),
                _ => world.ends_block(),
            }
            world.compare();
        }
        world.refused.iter().for_each(|(code, times)| *refused.entry(*code).or_default() += times);
        epochs += world.epochs;
        slashed += world.slashed;
        jailed += world.jailed;
    }
    println!("{epochs} epochs, {slashed} slashed, {jailed} jailed, refused {refused:?}");
    let never: Vec<_> = REFUSALS.iter().filter(|code| !refused.contains_key(code)).collect();
    assert!(never.is_empty(), "codes that nothing was refused with: {never:?}");
    let unlisted: Vec<_> = refused.keys().filter(|code| !REFUSALS.contains(code)).collect();
    assert!(unlisted.is_empty(), "codes that nothing should be refused with: {unlisted:?}");
    assert!(epochs > 0 && slashed > 0 && jailed > 0);
}

/// A share is never worth more than its part of the tokens, in exact fractions; and what the rounding takes from a delegation is less than
/// a millionth, whatever has been done to the price.
#[test]
fn a_delegation_loses_less_than_a_millionth() {
    let mut rng = rng();
    let mut tried = 0u64;
    for _ in 0..cases() {
        // Somebody leaves few shares behind, and lets the pool earn much.
        let mut pool = Pool::default();
        pool.put(&BigUint::from(rng.random_range(1..1u64 << 40)));
        let most = u64::try_from(&pool.shares).unwrap();
        let leave = {
            let bits = rng.random_range(1..40);
            rng.random_range(0..most.min(1 << bits))
        };
        let out = &pool.shares - leave;
        pool.take(&out);
        pool.tokens += BigUint::from(rng.random_range(0..1u128 << 80));
        let bits = rng.random_range(1..90);
        let amount = BigUint::from(rng.random_range(1..1u128 << bits));
        let shares = pool.put(&amount);
        let worth = pool.tokens_for(&shares);
        assert!(&worth * (&pool.shares + 1u8) <= &shares * (&pool.tokens + 1u8));
        assert!(worth <= pool.tokens);
        if shares >= BigUint::from(1_000_000u32) {
            let lost = &amount - &worth;
            assert!(lost * 1_000_000u32 <= &amount + 1_000_000u32, "{amount} {worth}");
            tried += 1;
        }
    }
    assert!(tried > 100, "{tried}");
}

/// Leaders are drawn as the rule counts them, and as often as their weights say.
#[test]
fn leaders_are_drawn_by_weight() {
    let mut rng = rng();
    for _ in 0..(cases() / 500).max(50) {
        let count = rng.random_range(1..=255usize);
        let bits = rng.random_range(1..118);
        let weights: Vec<Amount> = (0..count).map(|_| units(rng.random_range(0..1u128 << bits))).collect();
        let seed = Hash(rng.random());
        for _ in 0..20 {
            let round = Round { epoch: rng.random(), view: rng.random() };
            let big_weights: Vec<BigUint> = weights.iter().map(|weight| big(*weight)).collect();
            if weights.iter().all(|weight| weight.is_zero()) {
                assert_eq!(leader(&seed, round, &weights), None);
            } else {
                assert_eq!(leader(&seed, round, &weights), Some(counted_leader(&seed, round, &big_weights)));
            }
        }
    }
    assert_eq!(leader(&Hash::default(), Round { epoch: 0, view: 0 }, &[]), None);
    assert_eq!(leader(&Hash::default(), Round { epoch: 0, view: 0 }, &[Amount::MAX, Amount::ONE]), None);
    // Chi squared over four seats: above 27.9 once in 250,000 runs.
    let weights = [1u64, 2, 2, 5].map(Amount::from_whole);
    let seed = Hash(rng.random());
    let views = 20_000;
    let mut led = [0f64; 4];
    (0..views).for_each(|view| led[leader(&seed, Round { epoch: 1, view }, &weights).unwrap()] += 1.0);
    let expected = [0.1, 0.2, 0.2, 0.5].map(|part| part * views as f64);
    let chi: f64 = led.iter().zip(expected).map(|(led, expected)| (led - expected).powi(2) / expected).sum();
    assert!(chi < 27.9, "{led:?}");
}

/// The first block of an epoch may skip views from one on; a block that skips very many costs no more than the bound, and a chain without
/// staking has no views.
#[test]
fn views_that_were_skipped_are_counted_up_to_a_bound() {
    let people = [account("A0")];
    let mut ledger = Ledger::new(&people, Amount::from_whole(100), Amount::MAX);
    let error = ledger.clone().end_block(1, people[0], Amount::ZERO).unwrap_err();
    assert_eq!(error.code().number, 749);
    ledger.clone().end_block(0, people[0], Amount::ONE).unwrap();
    let keys = Keys::new(2);
    let rules = StakingRules {
        epoch_blocks: 100,
        seats_max: 255,
        min_stake: Amount::ONE,
        unbonding_epochs: 3,
        jail_epochs: 1,
        missed_limit: 5,
        slash_bps: 500,
        block_reward: Amount::ZERO,
    };
    let first = [(people[0], stand(&keys, 0, (0, 1), 0, Amount::ONE))];
    ledger.found(rules, &first).unwrap();
    ledger.end_block(u64::MAX, people[0], Amount::ZERO).unwrap();
    let missed = match ledger.record(&RecordId::Seat(0)) {
        Some(Record::Seat(seat)) => (seat.made, seat.missed),
        other => panic!("{other:?}"),
    };
    assert_eq!(missed, (1, 1_024));
    // Rules that are none.
    for wrong in [
        StakingRules { epoch_blocks: 0, ..rules },
        StakingRules { seats_max: 0, ..rules },
        StakingRules { min_stake: units(999_999), ..rules },
        StakingRules { slash_bps: 10_001, ..rules },
        StakingRules { min_stake: Amount::from_whole(2), ..rules },
    ] {
        let mut ledger = Ledger::new(&people, Amount::from_whole(100), Amount::MAX);
        assert!(ledger.found(wrong, &first).is_err(), "{wrong:?}");
    }
    assert_eq!(
        Ledger::new(&people, Amount::ONE, Amount::MAX).found(rules, &[]).unwrap_err().code().number,
        751
    );
}

/// Two votes are evidence exactly if the guard of a validator that gave the one refuses the other.
#[test]
fn evidence_is_what_the_guard_refuses() {
    use qenex_core::consensus::{Guard, GuardError, contradict};
    let mut votes = Vec::new();
    for (epoch, view) in [(1, 1), (1, 2), (2, 1)] {
        let round = Round { epoch, view };
        votes.push(Vote::Nullify(round));
        for (parent_view, header) in [(0, 1), (0, 2), (1, 1)] {
            let proposal = Proposal { round, parent_view, header: Hash([header; 32]) };
            votes.extend([Vote::Notarize(proposal), Vote::Finalize(proposal)]);
        }
    }
    let mark =
        |vote: &Vote| vote.proposal().map_or([0; 11], |p| [1 + p.header.0[0] + 16 * p.parent_view as u8; 11]);
    let mut found = 0;
    for first in &votes {
        for second in &votes {
            let mut guard = Guard::new(first.round().epoch);
            guard.recall(first.round(), first.kind(), &mark(first));
            let refused = guard.judge(second, &mark(second)) == Err(GuardError::Contradicts);
            assert_eq!(contradict(first, second), refused, "{first:?} {second:?}");
            assert_eq!(contradict(first, second), contradict(second, first));
            assert_eq!(contradict(first, second), contradicting(first, second));
            found += usize::from(refused);
        }
    }
    // Of each round: 3 + 3 pairs of one kind both ways, 3 * 2 of two kinds both ways, 3 with nullify both ways.
    assert_eq!(found, 3 * 2 * (3 + 3 + 6 + 3));
}

/// Signatures of evidence verify over the chain's votes, and nothing else does.
#[test]
fn evidence_is_signed() {
    let keys = Keys::new(2);
    let chain = qenex_core::id::ChainId::new("TEST").unwrap();
    let round = Round { epoch: 1, view: 7 };
    let votes =
        [1, 2].map(|fill| Vote::Notarize(Proposal { round, parent_view: 6, header: Hash([fill; 32]) }));
    let signatures = votes.map(|vote| keys.sign(0, &vote.id(&chain)));
    let report = |key: usize, first: usize, second: usize| Report {
        validator: account("A0"),
        vote_key: Lent(keys.lent(key)),
        first: SignedVote { vote: votes[0], signature: Lent(Box::leak(Box::new(signatures[first]))) },
        second: SignedVote { vote: votes[1], signature: Lent(Box::leak(Box::new(signatures[second]))) },
    };
    assert!(report(0, 0, 1).verify(&chain).is_ok());
    assert!(report(0, 1, 1).verify(&chain).is_err());
    assert!(report(0, 0, 0).verify(&chain).is_err());
    assert!(report(1, 0, 1).verify(&chain).is_err());
    assert!(report(0, 0, 1).verify(&qenex_core::id::ChainId::new("OTHER").unwrap()).is_err());
}

/// The draw of many candidates is the head of the sorted list, whatever slots they stand in.
#[test]
fn seats_are_the_head_of_the_sorted_candidates() {
    let mut rng = rng();
    for seats_max in [1, 7, 254, 255] {
        let people: Vec<AccountId> = (0..300).map(|number| account(&format!("V{number}"))).collect();
        let keys = Keys::new(600);
        let mut ledger = Ledger::new(&people, Amount::from_whole(100), Amount::MAX);
        let rules = StakingRules {
            epoch_blocks: 1,
            seats_max,
            min_stake: Amount::ONE,
            unbonding_epochs: 3,
            jail_epochs: 1,
            missed_limit: 5,
            slash_bps: 500,
            block_reward: Amount::ZERO,
        };
        let mut stakes: Vec<(Amount, AccountId)> = Vec::new();
        let first: Vec<_> = people
            .iter()
            .enumerate()
            .map(|(number, id)| {
                let amount = Amount::from_whole(rng.random_range(1..20));
                stakes.push((amount, *id));
                let slot = (number * 3 % usize::from(MAX_CANDIDATES)) as u16;
                (*id, stand(&keys, slot, (2 * number, 2 * number + 1), 0, amount))
            })
            .collect();
        ledger.found(rules, &first).unwrap();
        stakes.sort_by(|(a, x), (b, y)| b.cmp(a).then(x.cmp(y)));
        stakes.truncate(seats_max.into());
        let price = stakes.last().unwrap().0;
        let mut found = Vec::new();
        let mut before = [0; 32];
        for place in 0..ledger.staking().seats {
            let Some(Record::Seat(seat)) = ledger.record(&RecordId::Seat(place)) else { panic!("{place}") };
            assert!(before < *seat.vote_key.0, "seats are in the order of their keys");
            before = *seat.vote_key.0;
            found.push((seat.weight, seat.account));
        }
        let mut expected: Vec<_> =
            stakes.iter().map(|(tokens, id)| ((*tokens).min(units(2 * price.units())), *id)).collect();
        found.sort();
        expected.sort();
        assert_eq!(found, expected);
    }
}
