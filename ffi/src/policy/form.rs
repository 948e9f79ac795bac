//! Between a policy of C and one of the core.

use qenex_core::crypto::KeyHash;
use qenex_core::id::{AccountId, PoolId};
use qenex_core::policy::{
    Approvals, AssetRule, Hours, MAX_APPROVERS, MAX_ASSETS, MAX_POOLS, MAX_RECEIVER_LIST, OpKind, OpSet,
    Policy, PolicyError, Sorted, Window,
};
use qenex_core::tx::KycLevel;

use super::{qnx_asset_rule_t, qnx_policy_t};
use crate::amount::{amount, to_c};
use crate::flag::{flagged, is_set, optional};
use crate::hash::{of_core, qnx_hash_t, to_c as hash_to_c};
use crate::memory::{Fallible, Plain, unknown_number};
use crate::text::{Text, qnx_id_t};

/// Room for the lists of a policy, which borrows them: an identifier takes 25 bytes, a rule its asset, five amounts and a span.
pub(super) struct Lists {
    assets: [u8; MAX_ASSETS * 133],
    receivers: [u8; MAX_RECEIVER_LIST * 25],
    pools: [u8; MAX_POOLS * 25],
    approvers: [u8; MAX_APPROVERS * 32],
}

impl Default for Lists {
    fn default() -> Self {
        Self {
            assets: [0; MAX_ASSETS * 133],
            receivers: [0; MAX_RECEIVER_LIST * 25],
            pools: [0; MAX_POOLS * 25],
            approvers: [0; MAX_APPROVERS * 32],
        }
    }
}

fn operations(bits: u32) -> Fallible<OpSet> {
    let mut kinds = heapless::Vec::<OpKind, 32>::new();
    for number in (0..32u8).filter(|number| bits.wrapping_shr((*number).into()) & 1 == 1) {
        kinds.push(OpKind::from_number(number).ok_or(PolicyError::Range)?).map_err(|_| PolicyError::Range)?;
    }
    Ok(OpSet::of(&kinds))
}

fn bits(set: OpSet) -> u32 {
    let kinds = OpKind::ALL.iter().filter(|kind| set.contains(**kind));
    kinds.fold(0, |bits, kind| bits | 1u32.wrapping_shl(*kind as u32))
}

fn rule(from: &qnx_asset_rule_t) -> Fallible<AssetRule> {
    Ok(AssetRule {
        asset: Text::read(&from.asset)?,
        max_per_transaction: amount(from.max_per_transaction)?,
        window: optional(
            from.has_window,
            Window { span_ms: from.window_span_ms, max: amount(from.window_max)? },
        )?,
        min_after: amount(from.min_after)?,
        approve_above: optional(from.has_approve_above, amount(from.approve_above)?)?,
        delay_above: optional(from.has_delay_above, amount(from.delay_above)?)?,
    })
}

/// The first `count` of them, each read.
fn list<C, T, const N: usize>(
    items: &[C; N],
    count: u8,
    read: impl Fn(&C) -> Fallible<T>,
) -> Fallible<heapless::Vec<T, N>> {
    let items = items.get(..usize::from(count)).ok_or(PolicyError::TooMany)?;
    let mut list = heapless::Vec::new();
    for item in items {
        list.push(read(item)?).map_err(|_| PolicyError::TooMany)?;
    }
    Ok(list)
}

/// The policy, over its lists.
pub(super) fn read<'l>(from: &qnx_policy_t, lists: &'l mut Lists) -> Fallible<Policy<'l>> {
    let assets = list(&from.assets, from.asset_count, rule)?;
    let receivers = list(&from.receivers, from.receiver_count, |id: &qnx_id_t| AccountId::read(id))?;
    let pools = list(&from.pools, from.pool_count, |id: &qnx_id_t| PoolId::read(id))?;
    let approvers =
        list(&from.approvers, from.approver_count, |hash: &qnx_hash_t| Ok(KeyHash(of_core(hash))))?;
    Ok(Policy {
        account: Text::read(&from.account)?,
        operations: operations(from.operations)?,
        without_witness: operations(from.without_witness)?,
        max_fee: amount(from.max_fee)?,
        max_validity_blocks: from.max_validity_blocks,
        assets: Sorted::new(assets.iter().copied(), &mut lists.assets)?,
        receivers: optional(
            from.has_receivers,
            Sorted::new(receivers.iter().copied(), &mut lists.receivers)?,
        )?,
        min_receiver_kyc: KycLevel::from_number(from.min_receiver_kyc).ok_or(unknown_number())?,
        pools: optional(from.has_pools, Sorted::new(pools.iter().copied(), &mut lists.pools)?)?,
        max_price_impact_bps: optional(from.has_max_price_impact, from.max_price_impact_bps)?,
        max_slippage_bps: optional(from.has_max_slippage, from.max_slippage_bps)?,
        hours: optional(
            from.has_hours,
            Hours { from_minute: from.from_minute, until_minute: from.until_minute },
        )?,
        approvals: optional(
            from.has_approvals,
            Approvals {
                threshold: from.approvals_threshold,
                approvers: Sorted::new(approvers.iter().copied(), &mut lists.approvers)?,
                always: operations(from.approve_always)?,
            },
        )?,
        delay_ms: from.delay_ms,
        max_risk: optional(from.has_max_risk, from.max_risk)?,
        confirm: is_set(from.confirm)?,
    })
}

fn rule_to_c(rule: &AssetRule) -> qnx_asset_rule_t {
    let mut out = qnx_asset_rule_t::zeroed();
    out.asset = rule.asset.write();
    out.max_per_transaction = to_c(rule.max_per_transaction);
    out.min_after = to_c(rule.min_after);
    if let Some(window) = rule.window {
        out.has_window = 1;
        out.window_span_ms = window.span_ms;
        out.window_max = to_c(window.max);
    }
    if let Some(above) = rule.approve_above {
        out.has_approve_above = 1;
        out.approve_above = to_c(above);
    }
    if let Some(above) = rule.delay_above {
        out.has_delay_above = 1;
        out.delay_above = to_c(above);
    }
    out
}

/// The policy, all that it does not say being zero.
pub(super) fn write(policy: &Policy<'_>) -> qnx_policy_t {
    let mut out = qnx_policy_t::zeroed();
    out.account = policy.account.write();
    out.operations = bits(policy.operations);
    out.without_witness = bits(policy.without_witness);
    out.max_fee = to_c(policy.max_fee);
    out.max_validity_blocks = policy.max_validity_blocks;
    out.delay_ms = policy.delay_ms;
    out.min_receiver_kyc = policy.min_receiver_kyc as u8;
    out.confirm = policy.confirm.into();
    out.asset_count = policy.assets.count() as u8;
    out.assets.iter_mut().zip(policy.assets.iter()).for_each(|(slot, rule)| *slot = rule_to_c(&rule));
    if let Some(receivers) = &policy.receivers {
        out.has_receivers = 1;
        out.receiver_count = receivers.count() as u8;
        out.receivers.iter_mut().zip(receivers.iter()).for_each(|(slot, id)| *slot = id.write());
    }
    if let Some(pools) = &policy.pools {
        out.has_pools = 1;
        out.pool_count = pools.count() as u8;
        out.pools.iter_mut().zip(pools.iter()).for_each(|(slot, id)| *slot = id.write());
    }
    if let Some(approvals) = &policy.approvals {
        out.has_approvals = 1;
        out.approvals_threshold = approvals.threshold;
        out.approve_always = bits(approvals.always);
        out.approver_count = approvals.approvers.count() as u8;
        out.approvers
            .iter_mut()
            .zip(approvals.approvers.iter())
            .for_each(|(slot, key)| *slot = hash_to_c(key.0));
    }
    if let Some(hours) = policy.hours {
        out.has_hours = 1;
        out.from_minute = hours.from_minute;
        out.until_minute = hours.until_minute;
    }
    (out.has_max_price_impact, out.max_price_impact_bps) = flagged(policy.max_price_impact_bps);
    (out.has_max_slippage, out.max_slippage_bps) = flagged(policy.max_slippage_bps);
    (out.has_max_risk, out.max_risk) = flagged(policy.max_risk);
    out
}
