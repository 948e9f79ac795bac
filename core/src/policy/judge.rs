//! The judgement of a transaction: the first rule that refuses it, or what its signature counts for.

use super::exposure::{Exposure, Spent, exposure};
use super::model::{OpKind, Policy};
use super::windows::Windows;
use crate::error::error_enum;
use crate::id::AccountId;
use crate::ledger::{Outcome, Record, RecordId, View};
use crate::num::{Amount, Rounding, mul_div};
use crate::tx::{KycLevel, Op, Transaction};

error_enum! {
    /// The rule that refuses.
    pub enum PolicyRefusal {
        Account => POLICY_ACCOUNT,
        Operation => POLICY_OPERATION,
        Fee => POLICY_FEE,
        Validity => POLICY_VALIDITY,
        Hours => POLICY_HOURS,
        Receiver => POLICY_RECEIVER,
        Pool => POLICY_POOL,
        Asset => POLICY_ASSET,
        Amount => POLICY_AMOUNT,
        Window => POLICY_WINDOW,
        PriceImpact => POLICY_PRICE_IMPACT,
        Unproven => POLICY_UNPROVEN,
        Slippage => POLICY_SLIPPAGE,
        Remainder => POLICY_REMAINDER,
        ReceiverKyc => POLICY_RECEIVER_KYC,
        Risk => POLICY_RISK,
        Approvals => POLICY_APPROVALS,
        Delay => POLICY_DELAY,
    }
}

/// What a transaction would do in a proven state.
pub struct Executed<'c, V> {
    /// The state before it.
    pub before: &'c V,
    /// What it yields.
    pub outcome: &'c Outcome,
}

/// All that is known of a request.
pub struct Case<'c, V> {
    /// What is to be signed.
    pub transaction: &'c Transaction<'c>,
    /// The trusted height.
    pub height: u64,
    /// The trusted time.
    pub time_ms: u64,
    /// What left before.
    pub windows: &'c Windows,
    /// What it would do; nothing if it came without a witness.
    pub executed: Option<Executed<'c, V>>,
    /// How many of the policy's persons approved.
    pub approvals: u8,
    /// The trusted time when it was first requested.
    pub requested_ms: u64,
    /// The risk score, if there is one.
    pub risk: Option<u16>,
}

/// Judges a transaction by every rule of the policy, cheap ones first. Returns what its signature counts for.
///
/// # Errors
/// The first rule that refuses.
pub fn judge<'a, V: View<'a>>(policy: &Policy<'_>, case: &Case<'_, V>) -> Result<Exposure, PolicyRefusal> {
    let transaction = case.transaction;
    let kind = OpKind::of(&transaction.op);
    require(transaction.sender == policy.account, PolicyRefusal::Account)?;
    let proven = case.executed.is_some();
    let operations = if proven { policy.operations } else { policy.without_witness };
    require(operations.contains(kind), PolicyRefusal::Operation)?;
    require(transaction.fee <= policy.max_fee, PolicyRefusal::Fee)?;
    let validity = transaction.last_valid_height.saturating_sub(case.height);
    require(validity <= policy.max_validity_blocks, PolicyRefusal::Validity)?;
    require(policy.hours.is_none_or(|hours| hours.contain(case.time_ms)), PolicyRefusal::Hours)?;
    counterparties(policy, &transaction.op)?;

    let exposed = exposure(transaction).map_err(|_| PolicyRefusal::Amount)?;
    let mut above_approval = false;
    let mut above_delay = false;
    for spent in &exposed {
        let rule = policy.asset(&spent.asset).ok_or(PolicyRefusal::Asset)?;
        require(spent.amount <= rule.max_per_transaction, PolicyRefusal::Amount)?;
        if let Some(window) = rule.window {
            let before = case.windows.total(&spent.asset, &window, case.time_ms);
            let after = before.checked_add(spent.amount).map_err(|_| PolicyRefusal::Window)?;
            require(after <= window.max, PolicyRefusal::Window)?;
        }
        above_approval |= rule.approve_above.is_some_and(|above| spent.amount > above);
        above_delay |= rule.delay_above.is_some_and(|above| spent.amount > above);
    }
    price_impact(policy, &transaction.op)?;

    match &case.executed {
        Some(executed) => {
            slippage(policy, &transaction.op, executed.outcome)?;
            for spent in &exposed {
                remainder(policy, transaction, spent, executed)?;
            }
            receivers_known(policy, &transaction.op, executed.before)?;
        }
        None => {
            // A rule that only an execution can answer is not skipped.
            let market = matches!(
                kind,
                OpKind::AddLiquidity | OpKind::RemoveLiquidity | OpKind::SwapExactIn | OpKind::SwapExactOut
            );
            let floor = |asset| policy.asset(asset).is_none_or(|rule| !rule.min_after.is_zero());
            let slippage = market && policy.max_slippage_bps.is_some();
            let remainder = exposed.iter().any(|spent| floor(&spent.asset));
            let kyc = policy.min_receiver_kyc > KycLevel::None
                && for_receivers(&transaction.op, |_| Err(PolicyRefusal::ReceiverKyc)).is_err();
            require(!(slippage || remainder || kyc), PolicyRefusal::Unproven)?;
        }
    }

    if let Some(max) = policy.max_risk {
        require(case.risk.is_some_and(|risk| risk <= max), PolicyRefusal::Risk)?;
    }
    if let Some(approvals) = &policy.approvals {
        let needed = above_approval || approvals.always.contains(kind);
        require(!needed || case.approvals >= approvals.threshold, PolicyRefusal::Approvals)?;
    }
    let waited_ms = case.time_ms.saturating_sub(case.requested_ms);
    require(!above_delay || waited_ms >= policy.delay_ms, PolicyRefusal::Delay)?;
    Ok(exposed)
}

fn require(condition: bool, otherwise: PolicyRefusal) -> Result<(), PolicyRefusal> {
    if condition { Ok(()) } else { Err(otherwise) }
}

/// Calls `each` with everybody who receives amounts or new units.
fn for_receivers(
    op: &Op<'_>,
    mut each: impl FnMut(AccountId) -> Result<(), PolicyRefusal>,
) -> Result<(), PolicyRefusal> {
    match op {
        Op::Transfer(op) => op.legs.iter().try_for_each(|leg| each(leg.to)),
        Op::Issue(op) => each(op.to),
        _ => Ok(()),
    }
}

/// The receivers and the pool must be ones that the policy names.
fn counterparties(policy: &Policy<'_>, op: &Op<'_>) -> Result<(), PolicyRefusal> {
    if let Some(allowed) = &policy.receivers {
        for_receivers(op, |to| require(allowed.contains(&to), PolicyRefusal::Receiver))?;
        // Whom stake is put behind is named like a receiver, though it remains the sender's.
        if let Op::Delegate(op) = op {
            require(allowed.contains(&op.validator), PolicyRefusal::Receiver)?;
        }
    }
    let pool = match op {
        Op::CreatePool(op) => Some(op.pool),
        Op::AddLiquidity(op) => Some(op.pool),
        Op::RemoveLiquidity(op) => Some(op.pool),
        Op::SwapExactIn(op) => Some(op.pool),
        Op::SwapExactOut(op) => Some(op.pool),
        _ => None,
    };
    match (&policy.pools, pool) {
        (Some(allowed), Some(pool)) => require(allowed.contains(&pool), PolicyRefusal::Pool),
        _ => Ok(()),
    }
}

/// The ledger enforces the limit that a swap itself names; so that limit is the worst case.
fn price_impact(policy: &Policy<'_>, op: &Op<'_>) -> Result<(), PolicyRefusal> {
    let accepted = match op {
        Op::SwapExactIn(op) => op.max_price_impact_bps,
        Op::SwapExactOut(op) => op.max_price_impact_bps,
        _ => return Ok(()),
    };
    let Some(max) = policy.max_price_impact_bps else { return Ok(()) };
    require(accepted.is_some_and(|accepted| accepted <= max), PolicyRefusal::PriceImpact)
}

/// How far the least that is accepted lies below what would be received, and the most that is offered above what would be
/// given.
fn slippage(policy: &Policy<'_>, op: &Op<'_>, outcome: &Outcome) -> Result<(), PolicyRefusal> {
    let Some(max_bps) = policy.max_slippage_bps else { return Ok(()) };
    let within = |worst: Amount, executed: Amount| {
        let kept_bps = u128::from(10_000u16.saturating_sub(max_bps));
        let least = mul_div(executed.units(), kept_bps, 10_000, Rounding::Up);
        require(least.is_ok_and(|least| worst.units() >= least), PolicyRefusal::Slippage)
    };
    match (op, outcome) {
        (Op::SwapExactIn(op), Outcome::Swapped(_, out)) => within(op.min_out, *out),
        // The most in against what goes in: the executed amount is the least of the two.
        (Op::SwapExactOut(op), Outcome::Swapped(amount_in, _)) => within(*amount_in, op.max_in),
        (Op::AddLiquidity(op), Outcome::Deposited(_, _, shares)) => within(op.min_shares, *shares),
        (Op::RemoveLiquidity(op), Outcome::Withdrawn(a, b)) => {
            within(op.min_a, *a)?;
            within(op.min_b, *b)
        }
        _ => Ok(()),
    }
}

/// What remains of an asset that has a floor, if all leaves that may. What comes in meanwhile is not counted.
fn remainder<'a, V: View<'a>>(
    policy: &Policy<'_>,
    transaction: &Transaction<'_>,
    spent: &Spent,
    executed: &Executed<'_, V>,
) -> Result<(), PolicyRefusal> {
    let floor = policy.asset(&spent.asset).ok_or(PolicyRefusal::Asset)?.min_after;
    // New units do not come from the issuer's balance.
    let from_balance = !matches!(&transaction.op, Op::Issue(op) if op.asset == spent.asset);
    if floor.is_zero() || !from_balance {
        return Ok(());
    }
    let before = match executed.before.record(&RecordId::Balance(transaction.sender, spent.asset)) {
        Ok(Some(Record::Balance(balance))) => balance.amount,
        _ => Amount::ZERO,
    };
    let after = before.checked_sub(spent.amount);
    require(after.is_ok_and(|after| after >= floor), PolicyRefusal::Remainder)
}

/// Receivers are active, or the ledger would have refused; they must also be known well enough.
fn receivers_known<'a, V: View<'a>>(
    policy: &Policy<'_>,
    op: &Op<'_>,
    before: &V,
) -> Result<(), PolicyRefusal> {
    if policy.min_receiver_kyc == KycLevel::None {
        return Ok(());
    }
    for_receivers(op, |to| match before.record(&RecordId::Account(to)) {
        Ok(Some(Record::Account(account))) => {
            require(account.kyc >= policy.min_receiver_kyc, PolicyRefusal::ReceiverKyc)
        }
        _ => Err(PolicyRefusal::ReceiverKyc),
    })
}
