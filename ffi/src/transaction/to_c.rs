//! From a transaction of the core to one of C.

use qenex_core::policy::OpKind;
use qenex_core::tx::{Op, SwapExactIn, SwapExactOut, Transaction, Transfer};

use super::*;
use crate::amount::to_c;
use crate::flag::flagged;
use crate::memory::{Fallible, Plain, unknown_number};
use crate::record::authority_to_c;
use crate::text::Text;

/// The transaction, all that it does not say being zero.
pub(super) fn write(transaction: &Transaction<'_>) -> Fallible<qnx_transaction_t> {
    let mut out = qnx_transaction_t::zeroed();
    out.chain_id = transaction.chain_id.write();
    out.sender = transaction.sender.write();
    out.nonce = transaction.nonce;
    out.last_valid_height = transaction.last_valid_height;
    out.fee = to_c(transaction.fee);
    out.op = OpKind::of(&transaction.op) as u8;
    match &transaction.op {
        Op::CreateAccount(op) => {
            let mut body = qnx_create_account_t::zeroed();
            body.account = op.account.write();
            body.kind = op.kind as u8;
            body.kyc = op.kyc as u8;
            body.authority = authority_to_c(&op.authority);
            out.body.create_account = body;
        }
        Op::RotateAuthority(op) => {
            out.body.rotate_authority = qnx_rotate_authority_t { authority: authority_to_c(&op.authority) };
        }
        Op::SetFrozen(op) => {
            out.body.set_frozen =
                qnx_set_frozen_t { account: op.account.write(), frozen: u8::from(op.frozen) };
        }
        Op::CloseAccount => {}
        Op::CreateAsset(op) => {
            let mut body = qnx_create_asset_t::zeroed();
            body.max_supply = to_c(op.max_supply);
            body.asset = op.asset.write();
            out.body.create_asset = body;
        }
        Op::Issue(op) => {
            let mut body = qnx_issue_t::zeroed();
            body.amount = to_c(op.amount);
            body.asset = op.asset.write();
            body.to = op.to.write();
            out.body.issue = body;
        }
        Op::Burn(op) => {
            let mut body = qnx_burn_t::zeroed();
            body.amount = to_c(op.amount);
            body.asset = op.asset.write();
            out.body.burn = body;
        }
        Op::Transfer(op) => out.body.transfer = transfer(op),
        Op::CreatePool(op) => {
            let mut body = qnx_create_pool_t::zeroed();
            body.pool = op.pool.write();
            body.asset_a = op.asset_a.write();
            body.asset_b = op.asset_b.write();
            body.fee_bps = op.fee_bps;
            out.body.create_pool = body;
        }
        Op::AddLiquidity(op) => {
            let mut body = qnx_add_liquidity_t::zeroed();
            body.pool = op.pool.write();
            body.asset_a = op.asset_a.write();
            body.asset_b = op.asset_b.write();
            body.max_a = to_c(op.max_a);
            body.max_b = to_c(op.max_b);
            body.min_shares = to_c(op.min_shares);
            (body.has_deadline, body.deadline_ms) = flagged(op.deadline_ms);
            out.body.add_liquidity = body;
        }
        Op::RemoveLiquidity(op) => {
            let mut body = qnx_remove_liquidity_t::zeroed();
            body.pool = op.pool.write();
            body.asset_a = op.asset_a.write();
            body.asset_b = op.asset_b.write();
            body.shares = to_c(op.shares);
            body.min_a = to_c(op.min_a);
            body.min_b = to_c(op.min_b);
            (body.has_deadline, body.deadline_ms) = flagged(op.deadline_ms);
            out.body.remove_liquidity = body;
        }
        Op::SwapExactIn(op) => out.body.swap = swap_exact_in(op),
        Op::SwapExactOut(op) => out.body.swap = swap_exact_out(op),
        Op::Stand(_) | Op::Leave(_) | Op::Delegate(_) | Op::Unbond(_) | Op::Withdraw(_) | Op::Report(_) => {
            return Err(unknown_number().into());
        }
    }
    Ok(out)
}

fn transfer(op: &Transfer<'_>) -> qnx_transfer_t {
    let mut body = qnx_transfer_t::zeroed();
    body.asset = op.asset.write();
    body.leg_count = op.legs.count() as u8;
    for (slot, leg) in body.legs.iter_mut().zip(op.legs.iter()) {
        slot.to = leg.to.write();
        slot.amount = to_c(leg.amount);
        slot.reference = leg.reference.write();
    }
    body
}

fn swap_exact_in(op: &SwapExactIn) -> qnx_swap_t {
    let mut body = qnx_swap_t::zeroed();
    body.pool = op.pool.write();
    body.asset_in = op.asset_in.write();
    body.asset_out = op.asset_out.write();
    body.exact = to_c(op.amount_in);
    body.limit = to_c(op.min_out);
    (body.has_max_price_impact, body.max_price_impact_bps) = flagged(op.max_price_impact_bps);
    (body.has_deadline, body.deadline_ms) = flagged(op.deadline_ms);
    body
}

fn swap_exact_out(op: &SwapExactOut) -> qnx_swap_t {
    let mut body = qnx_swap_t::zeroed();
    body.pool = op.pool.write();
    body.asset_in = op.asset_in.write();
    body.asset_out = op.asset_out.write();
    body.exact = to_c(op.amount_out);
    body.limit = to_c(op.max_in);
    (body.has_max_price_impact, body.max_price_impact_bps) = flagged(op.max_price_impact_bps);
    (body.has_deadline, body.deadline_ms) = flagged(op.deadline_ms);
    body
}
