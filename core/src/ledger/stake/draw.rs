//! The end of an epoch: who is jailed, and who gets the seats of the next one.

use super::super::record::{Record, RecordId};
use super::super::reject::{Reject, Rule};
use super::super::view::ViewError;
use super::MAX_CANDIDATES;
use super::block::{Buffer, Store, count, step, with_seat};
use super::record::{Seat, Staking, Validator};
use crate::codec::Encoded;
use crate::consensus::{MAX_VALIDATORS, SetHasher};
use crate::crypto::{Domain, Hash, Scheme, hash};
use crate::id::AccountId;
use crate::num::{Amount, NumError};

/// A candidate that may get a seat.
#[derive(Clone, Copy)]
struct Standing {
    account: AccountId,
    tokens: Amount,
    vote_key: [u8; 32],
}

type List = heapless::Vec<Standing, MAX_VALIDATORS>;

impl Standing {
    /// Whether it comes before another one: by stake, then by name.
    fn before(&self, other: &Self) -> bool {
        self.tokens > other.tokens || self.tokens == other.tokens && self.account < other.account
    }
}

/// Uses a validator's record.
fn with_validator<S: Store, R>(
    store: &S,
    account: AccountId,
    use_it: impl FnOnce(&Validator<'_>) -> R,
) -> Result<R, Reject> {
    match store.read(&RecordId::Validator(account), &mut [0; Record::MAX_LEN])? {
        Some(Record::Validator(validator)) => Ok(use_it(&validator)),
        _ => Err(ViewError::Damaged.into()),
    }
}

/// Bars the leaders that let so many views pass as the rules say, and more than they used.
pub(super) fn jail<S: Store>(store: &mut S, staking: &Staking) -> Result<(), Reject> {
    let absence =
        staking.epoch.checked_add(1).and_then(|next| next.checked_add(staking.rules.jail_epochs.into()));
    let until = absence.ok_or(NumError::Overflow)?;
    for place in 0..staking.seats {
        let (account, absent) = with_seat(store, place, |seat| {
            (seat.account, seat.missed >= staking.rules.missed_limit && seat.missed > seat.made)
        })?;
        if absent {
            step(store, [RecordId::Validator(account)], |draft| {
                let validator = draft.change_validator(account)?;
                validator.barred_until = validator.barred_until.max(until);
                Ok(())
            })?;
        }
    }
    Ok(())
}

/// Gives the seats of the next epoch to the candidates with the most stake, and the slots of those who cannot have one back. If nobody
/// can, the seats stay as they are. Returns the hash of the set.
pub(super) fn draw<S: Store>(store: &mut S, staking: &Staking, parent: &Hash) -> Result<Hash, Reject> {
    let mut drawn = List::new();
    for slot in 0..MAX_CANDIDATES {
        let account = match store.read(&RecordId::Candidate(slot), &mut [0; Record::MAX_LEN])? {
            Some(Record::Holder(holder)) => holder.account,
            Some(_) => return Err(ViewError::Damaged.into()),
            None => continue,
        };
        let (standing, stands) = with_validator(store, account, |validator| {
            let tokens = validator.bonded.tokens;
            let standing = Standing { account, tokens, vote_key: *validator.vote_key.0 };
            (standing, validator.stands() && tokens >= staking.rules.min_stake)
        })?;
        if stands {
            take_up(&mut drawn, standing, staking.rules.seats_max);
        } else {
            let ids = [RecordId::Validator(account), RecordId::Candidate(slot)];
            step(store, ids, |draft| draft.vacate(account, slot))?;
        }
    }
    let mut next = *staking;
    if let Some(last) = drawn.last() {
        let price = last.tokens;
        // In the order of their vote keys, in which the set is hashed.
        let mut ordered = List::new();
        for standing in &drawn {
            let _ = ordered.push(*standing);
            settle_last(&mut ordered, |a, b| a.vote_key < b.vote_key);
        }
        next.seats = ordered.len() as u8;
        for (standing, place) in ordered.iter().zip(0..) {
            take_seat(store, place, standing, price)?;
        }
        for place in next.seats..staking.seats {
            store.write(&RecordId::Seat(place), None);
        }
    } else {
        for place in 0..staking.seats {
            count(store, place, |seat| (seat.made, seat.missed) = (0, 0))?;
        }
    }
    next.epoch = staking.epoch.checked_add(1).ok_or(NumError::Overflow)?;
    next.seed = hash(Domain::LeaderSeed, &[&parent.0, &next.epoch.to_be_bytes()]);
    store.write(&RecordId::Staking, Some(&Record::Staking(next)));
    set_hash(store, next.seats)
}

/// Takes a candidate up while there are seats, or in place of the last one that has less.
fn take_up(list: &mut List, standing: Standing, seats_max: u8) {
    if list.len() < usize::from(seats_max) {
        let _ = list.push(standing);
    } else if let Some(last) = list.last_mut().filter(|last| standing.before(last)) {
        *last = standing;
    } else {
        return;
    }
    settle_last(list, Standing::before);
}

/// Moves the last one to its place among those before it, which are in order. The sorts of the standard library can panic.
fn settle_last(list: &mut [Standing], before: impl Fn(&Standing, &Standing) -> bool) {
    let mut rest = list;
    while let [front @ .., newest] = rest
        && let Some(last) = front.last_mut()
        && before(newest, last)
    {
        core::mem::swap(last, newest);
        rest = front;
    }
}

/// Writes a seat with the keys that its validator has now. It leads as often as its stake says, up to twice the price of a seat.
fn take_seat<S: Store>(store: &mut S, place: u8, standing: &Standing, price: Amount) -> Result<(), Reject> {
    let mut buffer: Buffer = [0; Record::MAX_LEN];
    let Some(Record::Validator(validator)) =
        store.read(&RecordId::Validator(standing.account), &mut buffer)?
    else {
        return Err(ViewError::Damaged.into());
    };
    let seat = Seat {
        account: standing.account,
        vote_key: validator.vote_key,
        peer_key: validator.peer_key,
        finality_key: validator.finality_key,
        weight: standing.tokens.min(price.checked_add(price).unwrap_or(Amount::MAX)),
        commission_bps: validator.commission_bps,
        made: 0,
        missed: 0,
    };
    store.write(&RecordId::Seat(place), Some(&Record::Seat(seat)));
    Ok(())
}

/// The hash of the set of so many seats.
fn set_hash<S: Store>(store: &S, seats: u8) -> Result<Hash, Reject> {
    let mut set = SetHasher::new();
    for place in 0..seats {
        let pushed =
            with_seat(store, place, |seat| set.push(Scheme::Ed25519, seat.vote_key.0, seat.finality_key.0))?;
        pushed.map_err(|_| ViewError::Damaged)?;
    }
    // A chain is not made without a seat, and never gives up its last set.
    Ok(set.finish().map_err(|_| Rule::StakingRange)?)
}
