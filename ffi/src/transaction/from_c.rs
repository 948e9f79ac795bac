//! From a transaction of C to one of the core.

use qenex_core::crypto::scheme::{KeyHash, Scheme};
use qenex_core::tx::{
    AccountKind, AddLiquidity, AuthorityBuf, AuthorityError, Burn, CreateAccount, CreateAsset, CreatePool,
    Issue, KeyRef, KycLevel, Leg, LegsBuf, LegsError, MAX_KEYS, Op, RemoveLiquidity, RotateAuthority,
    SetFrozen, SwapExactIn, SwapExactOut, Transaction, Transfer,
};

use super::*;
use crate::amount::amount;
use crate::flag::{is_set, optional};
use crate::hash::of_core;
use crate::memory::{Fallible, unknown_number};
use crate::text::Text;

/// Room for what a transaction of the core borrows.
#[derive(Default)]
pub(super) struct Borrowed {
    authority: Option<AuthorityBuf>,
    legs: Option<LegsBuf>,
}

/// The authority.
pub(super) fn read_authority(authority: &qnx_authority_t) -> Fallible<AuthorityBuf> {
    let keys = authority.keys.get(..usize::from(authority.key_count)).ok_or(AuthorityError::Keys)?;
    let mut list = heapless::Vec::<KeyRef, MAX_KEYS>::new();
    for key in keys {
        let scheme = Scheme::from_number(key.scheme)?;
        list.push(KeyRef { scheme, hash: KeyHash(of_core(&key.hash)) }).map_err(|_| AuthorityError::Keys)?;
    }
    Ok(AuthorityBuf::new(authority.threshold, &list)?)
}

fn read_legs(transfer: &qnx_transfer_t) -> Fallible<LegsBuf> {
    let legs = transfer.legs.get(..usize::from(transfer.leg_count)).ok_or(LegsError::Count)?;
    let mut list = heapless::Vec::<Leg, QNX_RECEIVERS_MAX>::new();
    for leg in legs {
        let leg = Leg {
            to: Text::read(&leg.to)?,
            amount: amount(leg.amount)?,
            reference: Text::read(&leg.reference)?,
        };
        list.push(leg).map_err(|_| LegsError::Count)?;
    }
    Ok(LegsBuf::new(&list)?)
}

/// The transaction, over what it borrows.
pub(super) fn read<'b>(from: &qnx_transaction_t, borrowed: &'b mut Borrowed) -> Fallible<Transaction<'b>> {
    Ok(Transaction {
        chain_id: Text::read(&from.chain_id)?,
        sender: Text::read(&from.sender)?,
        nonce: from.nonce,
        last_valid_height: from.last_valid_height,
        fee: amount(from.fee)?,
        op: read_op(from.op, &from.body, borrowed)?,
    })
}

fn read_op<'b>(op: qnx_op_t, body: &qnx_op_body_t, borrowed: &'b mut Borrowed) -> Fallible<Op<'b>> {
    // SAFETY: every pattern of bits is a value of every member.
    let body = unsafe {
        match op {
            QNX_OP_CREATE_ACCOUNT => Body::CreateAccount(&body.create_account),
            QNX_OP_ROTATE_AUTHORITY => Body::RotateAuthority(&body.rotate_authority),
            QNX_OP_SET_FROZEN => Body::SetFrozen(&body.set_frozen),
            QNX_OP_CLOSE_ACCOUNT => Body::CloseAccount,
            QNX_OP_CREATE_ASSET => Body::CreateAsset(&body.create_asset),
            QNX_OP_ISSUE => Body::Issue(&body.issue),
            QNX_OP_BURN => Body::Burn(&body.burn),
            QNX_OP_TRANSFER => Body::Transfer(&body.transfer),
            QNX_OP_CREATE_POOL => Body::CreatePool(&body.create_pool),
            QNX_OP_ADD_LIQUIDITY => Body::AddLiquidity(&body.add_liquidity),
            QNX_OP_REMOVE_LIQUIDITY => Body::RemoveLiquidity(&body.remove_liquidity),
            QNX_OP_SWAP_EXACT_IN => Body::SwapExactIn(&body.swap),
            QNX_OP_SWAP_EXACT_OUT => Body::SwapExactOut(&body.swap),
            _ => return Err(unknown_number().into()),
        }
    };
    Ok(match body {
        Body::CreateAccount(op) => Op::CreateAccount(CreateAccount {
            account: Text::read(&op.account)?,
            kind: AccountKind::from_number(op.kind).ok_or(unknown_number())?,
            kyc: KycLevel::from_number(op.kyc).ok_or(unknown_number())?,
            authority: borrowed.authority.insert(read_authority(&op.authority)?).get(),
        }),
        Body::RotateAuthority(op) => Op::RotateAuthority(RotateAuthority {
            authority: borrowed.authority.insert(read_authority(&op.authority)?).get(),
        }),
        Body::SetFrozen(op) => {
            Op::SetFrozen(SetFrozen { account: Text::read(&op.account)?, frozen: is_set(op.frozen)? })
        }
        Body::CloseAccount => Op::CloseAccount,
        Body::CreateAsset(op) => {
            Op::CreateAsset(CreateAsset { asset: Text::read(&op.asset)?, max_supply: amount(op.max_supply)? })
        }
        Body::Issue(op) => Op::Issue(Issue {
            asset: Text::read(&op.asset)?,
            to: Text::read(&op.to)?,
            amount: amount(op.amount)?,
        }),
        Body::Burn(op) => Op::Burn(Burn { asset: Text::read(&op.asset)?, amount: amount(op.amount)? }),
        Body::Transfer(op) => Op::Transfer(Transfer {
            asset: Text::read(&op.asset)?,
            legs: borrowed.legs.insert(read_legs(op)?).get(),
        }),
        Body::CreatePool(op) => Op::CreatePool(CreatePool {
            pool: Text::read(&op.pool)?,
            asset_a: Text::read(&op.asset_a)?,
            asset_b: Text::read(&op.asset_b)?,
            fee_bps: op.fee_bps,
        }),
        Body::AddLiquidity(op) => Op::AddLiquidity(AddLiquidity {
            pool: Text::read(&op.pool)?,
            asset_a: Text::read(&op.asset_a)?,
            asset_b: Text::read(&op.asset_b)?,
            max_a: amount(op.max_a)?,
            max_b: amount(op.max_b)?,
            min_shares: amount(op.min_shares)?,
            deadline_ms: optional(op.has_deadline, op.deadline_ms)?,
        }),
        Body::RemoveLiquidity(op) => Op::RemoveLiquidity(RemoveLiquidity {
            pool: Text::read(&op.pool)?,
            asset_a: Text::read(&op.asset_a)?,
            asset_b: Text::read(&op.asset_b)?,
            shares: amount(op.shares)?,
            min_a: amount(op.min_a)?,
            min_b: amount(op.min_b)?,
            deadline_ms: optional(op.has_deadline, op.deadline_ms)?,
        }),
        Body::SwapExactIn(op) => Op::SwapExactIn(SwapExactIn {
            pool: Text::read(&op.pool)?,
            asset_in: Text::read(&op.asset_in)?,
            asset_out: Text::read(&op.asset_out)?,
            amount_in: amount(op.exact)?,
            min_out: amount(op.limit)?,
            max_price_impact_bps: optional(op.has_max_price_impact, op.max_price_impact_bps)?,
            deadline_ms: optional(op.has_deadline, op.deadline_ms)?,
        }),
        Body::SwapExactOut(op) => Op::SwapExactOut(SwapExactOut {
            pool: Text::read(&op.pool)?,
            asset_in: Text::read(&op.asset_in)?,
            asset_out: Text::read(&op.asset_out)?,
            amount_out: amount(op.exact)?,
            max_in: amount(op.limit)?,
            max_price_impact_bps: optional(op.has_max_price_impact, op.max_price_impact_bps)?,
            deadline_ms: optional(op.has_deadline, op.deadline_ms)?,
        }),
    })
}

/// The member of the body that the operation names.
enum Body<'a> {
    CreateAccount(&'a qnx_create_account_t),
    RotateAuthority(&'a qnx_rotate_authority_t),
    SetFrozen(&'a qnx_set_frozen_t),
    CloseAccount,
    CreateAsset(&'a qnx_create_asset_t),
    Issue(&'a qnx_issue_t),
    Burn(&'a qnx_burn_t),
    Transfer(&'a qnx_transfer_t),
    CreatePool(&'a qnx_create_pool_t),
    AddLiquidity(&'a qnx_add_liquidity_t),
    RemoveLiquidity(&'a qnx_remove_liquidity_t),
    SwapExactIn(&'a qnx_swap_t),
    SwapExactOut(&'a qnx_swap_t),
}
