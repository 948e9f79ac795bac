//! The end of a block, which no transaction asks for.

use super::super::access;
use super::super::draft::{Draft, Writes};
use super::super::record::{Record, RecordId};
use super::super::reject::{Reject, Rule};
use super::super::transition::{Sender, pay_fees};
use super::super::view::{Fetched, ViewError};
use super::record::{Seat, Staking, StakingRules, Validator};
use super::{MAX_SKIPPED, draw};
use crate::codec::Encoded;
use crate::consensus::{Header, MAX_VALIDATORS, Round, leader};
use crate::crypto::Hash;
use crate::id::{AccountId, NATIVE_ASSET};
use crate::num::{Amount, Rounding};
use crate::tx::Stand;

/// Room for an encoded record.
pub type Buffer = [u8; Record::MAX_LEN];

/// A whole state, for rules that read and write more of it than one transaction may.
pub trait Store {
    /// The record under an id, decoded from `buffer`, or nothing if there is none.
    ///
    /// # Errors
    /// The state cannot tell.
    fn read<'b>(&self, id: &RecordId, buffer: &'b mut Buffer) -> Result<Option<Record<'b>>, ViewError>;

    /// Writes a record, or deletes it.
    fn write(&mut self, id: &RecordId, record: Option<&Record<'_>>);
}

/// Runs a rule over so many records of a state, and writes what it changes.
pub(super) fn step<S: Store, R, const N: usize>(
    store: &mut S,
    ids: [RecordId; N],
    rule: impl for<'a> FnOnce(&mut Draft<'_, 'a, Fetched<'_, 'a>>) -> Result<R, Reject>,
) -> Result<R, Reject> {
    let mut buffers = [[0; Record::MAX_LEN]; N];
    let records = fetch(store, &ids, &mut buffers)?;
    let view = Fetched { ids: &ids, records: &records };
    let mut writes = Writes::new();
    let result = rule(&mut Draft::new(&view, &mut writes))?;
    write(store, &writes);
    Ok(result)
}

fn fetch<'b, S: Store, const N: usize>(
    store: &S,
    ids: &[RecordId; N],
    buffers: &'b mut [Buffer; N],
) -> Result<[Option<Record<'b>>; N], ViewError> {
    let mut records = [None; N];
    for ((id, buffer), record) in ids.iter().zip(buffers).zip(&mut records) {
        *record = store.read(id, buffer)?;
    }
    Ok(records)
}

fn write<S: Store>(store: &mut S, writes: &Writes<'_>) {
    writes.iter().for_each(|(id, record)| store.write(id, record.as_ref()));
}

/// The staking of a state, if it has any.
pub(super) fn staking<S: Store>(store: &S) -> Result<Option<Staking>, Reject> {
    match store.read(&RecordId::Staking, &mut [0; Record::MAX_LEN])? {
        Some(Record::Staking(staking)) => Ok(Some(staking)),
        Some(_) => Err(ViewError::Damaged.into()),
        None => Ok(None),
    }
}

/// Uses a seat.
pub(super) fn with_seat<S: Store, R>(
    store: &S,
    place: u8,
    use_it: impl FnOnce(&Seat<'_>) -> R,
) -> Result<R, Reject> {
    match store.read(&RecordId::Seat(place), &mut [0; Record::MAX_LEN])? {
        Some(Record::Seat(seat)) => Ok(use_it(&seat)),
        _ => Err(ViewError::Damaged.into()),
    }
}

/// Ends a block: its fees, and what is minted for it, go to the proposer; views without a block are counted; the last block of an epoch
/// draws the seats of the next one. Returns the hash of the set that was drawn.
///
/// On a chain without staking the proposer's account receives the fees, and there is nothing else.
///
/// # Errors
/// The block cannot be one of this proposer in this view, or an account cannot be paid. The state is then of no use.
pub fn end_block<S: Store>(
    store: &mut S,
    parent: &Header,
    view: u64,
    proposer: AccountId,
    fees: Amount,
) -> Result<Option<Hash>, Reject> {
    let Some(staking) = staking(store)? else {
        if view != 0 {
            return Err(Rule::BlockView.into());
        }
        if !fees.is_zero() {
            let ids = [RecordId::Account(proposer), RecordId::Balance(proposer, NATIVE_ASSET)];
            step(store, ids, |draft| pay_fees(draft, proposer, fees))?;
        }
        return Ok(None);
    };
    let parent_view = if parent.epoch == staking.epoch { parent.view } else { 0 };
    if view <= parent_view {
        return Err(Rule::BlockView.into());
    }
    let mut weights = heapless::Vec::<Amount, MAX_VALIDATORS>::new();
    for place in 0..staking.seats {
        let weight = with_seat(store, place, |seat| seat.weight)?;
        weights.push(weight).map_err(|_| ViewError::Damaged)?;
    }
    let place = |view| {
        let place = leader(&staking.seed, Round { epoch: staking.epoch, view }, &weights);
        place.and_then(|place| u8::try_from(place).ok()).ok_or(ViewError::Damaged)
    };
    let own = place(view)?;
    let (leads, commission_bps) =
        with_seat(store, own, |seat| (seat.account == proposer, seat.commission_bps))?;
    if !leads {
        return Err(Rule::BlockLeader.into());
    }
    count(store, own, |seat| seat.made = seat.made.saturating_add(1))?;
    let first = parent_view.saturating_add(1).max(view.saturating_sub(MAX_SKIPPED));
    for skipped in first..view {
        count(store, place(skipped)?, |seat| seat.missed = seat.missed.saturating_add(1))?;
    }
    let ids = [
        RecordId::Account(proposer),
        RecordId::Validator(proposer),
        RecordId::Delegation(proposer, proposer),
        RecordId::Asset(NATIVE_ASSET),
    ];
    step(store, ids, |draft| earn(draft, proposer, commission_bps, fees, staking.rules.block_reward))?;
    let height = parent.height.saturating_add(1);
    if !height.is_multiple_of(staking.rules.epoch_blocks) {
        return Ok(None);
    }
    draw::jail(store, &staking)?;
    draw::draw(store, &staking, &parent.id()).map(Some)
}

/// Changes what is counted in a seat.
pub(super) fn count<S: Store>(
    store: &mut S,
    place: u8,
    change: impl FnOnce(&mut Seat<'_>),
) -> Result<(), Reject> {
    let id = RecordId::Seat(place);
    let mut buffer = [0; Record::MAX_LEN];
    let Some(Record::Seat(mut seat)) = store.read(&id, &mut buffer)? else {
        return Err(ViewError::Damaged.into());
    };
    change(&mut seat);
    store.write(&id, Some(&Record::Seat(seat)));
    Ok(())
}

/// The stake behind a validator earns the fees of its block, and what is minted for it as far as the asset's largest supply allows. Whoever is
/// barred for ever earns nothing: the fees are burned.
fn earn<'a>(
    draft: &mut Draft<'_, 'a, Fetched<'_, 'a>>,
    operator: AccountId,
    commission_bps: u16,
    fees: Amount,
    block_reward: Amount,
) -> Result<(), Reject> {
    let banned = draft.change_validator(operator)?.barred_until == Validator::BANNED;
    let asset = draft.change_asset(NATIVE_ASSET)?;
    if banned {
        asset.supply = asset.supply.checked_sub(fees)?;
        return Ok(());
    }
    let minted = block_reward.min(asset.max_supply.checked_sub(asset.supply)?);
    asset.supply = asset.supply.checked_add(minted)?;
    let earned = fees.checked_add(minted)?;
    let pool = &mut draft.change_validator(operator)?.bonded;
    // Where nobody has a share, all is the operator's.
    let own =
        if pool.shares.is_zero() { earned } else { earned.basis_points(commission_bps, Rounding::Down)? };
    pool.tokens = pool.tokens.checked_add(earned.checked_sub(own)?)?;
    let shares = pool.add(own)?;
    draft.credit(RecordId::Delegation(operator, operator), shares)
}

/// Makes a state one with staking, and draws the first seats among the validators that stand from the beginning.
///
/// # Errors
/// The rules are out of range, a validator cannot stand, or none has the stake.
pub fn found<'a, S: Store>(
    store: &mut S,
    rules: StakingRules,
    validators: impl Iterator<Item = (AccountId, Stand<'a>)>,
) -> Result<Hash, Reject> {
    rules.check()?;
    let staking = Staking { rules, epoch: 0, seats: 0, seed: Hash::default() };
    store.write(&RecordId::Staking, Some(&Record::Staking(staking)));
    for (id, op) in validators {
        let ids = access::stand(id, &op);
        let mut buffers = [[0; Record::MAX_LEN]; _];
        let records = fetch(store, &ids, &mut buffers)?;
        let view = Fetched { ids: &ids, records: &records };
        let mut writes = Writes::new();
        let draft = Draft::new(&view, &mut writes);
        let kind = draft.account(id)?.ok_or(Rule::AccountUnknown)?.kind;
        Sender { id, kind, draft, time_ms: 0 }.stand(&op)?;
        write(store, &writes);
    }
    draw::draw(store, &staking, &Hash::default())
}
