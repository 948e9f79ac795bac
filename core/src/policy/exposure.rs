//! The worst case of a transaction: what its signature allows to leave, whatever happens until it expires.

use crate::error::error_enum;
use crate::id::{AssetId, NATIVE_ASSET};
use crate::num::Amount;
use crate::tx::{Op, Transaction};

/// The most assets that one transaction can take out: two of a pool, and the fee.
pub const MAX_EXPOSED: usize = 3;

/// So much of an asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent {
    /// The asset.
    pub asset: AssetId,
    /// How much.
    pub amount: Amount,
}

/// What can leave, each asset once.
pub type Exposure = heapless::Vec<Spent, MAX_EXPOSED>;

error_enum! {
    /// Why a worst case cannot be stated.
    pub enum ExposureError {
        Overflow => NUM_OVERFLOW,
    }
}

/// What the signature of this transaction allows to leave the account: amounts sent, issued, burnt or staked, the most of a swap's or a
/// deposit's input, and the fee.
///
/// # Errors
/// The sum is more than an amount can hold. The ledger would refuse it too.
pub fn exposure(transaction: &Transaction<'_>) -> Result<Exposure, ExposureError> {
    let mut list = Exposure::new();
    add(&mut list, NATIVE_ASSET, transaction.fee)?;
    match &transaction.op {
        Op::Transfer(op) => {
            op.legs.iter().try_for_each(|leg| add(&mut list, op.asset, leg.amount))?;
        }
        Op::Issue(op) => add(&mut list, op.asset, op.amount)?,
        Op::Burn(op) => add(&mut list, op.asset, op.amount)?,
        Op::AddLiquidity(op) => {
            add(&mut list, op.asset_a, op.max_a)?;
            add(&mut list, op.asset_b, op.max_b)?;
        }
        Op::SwapExactIn(op) => add(&mut list, op.asset_in, op.amount_in)?,
        Op::SwapExactOut(op) => add(&mut list, op.asset_in, op.max_in)?,
        Op::Stand(op) => add(&mut list, NATIVE_ASSET, op.amount)?,
        Op::Delegate(op) => add(&mut list, NATIVE_ASSET, op.amount)?,
        Op::CreateAccount(_)
        | Op::RotateAuthority(_)
        | Op::SetFrozen(_)
        | Op::CloseAccount
        | Op::CreateAsset(_)
        | Op::CreatePool(_)
        | Op::RemoveLiquidity(_)
        | Op::Leave(_)
        | Op::Unbond(_)
        | Op::Withdraw(_)
        | Op::Report(_) => {}
    }
    Ok(list)
}

fn add(list: &mut Exposure, asset: AssetId, amount: Amount) -> Result<(), ExposureError> {
    if amount.is_zero() {
        return Ok(());
    }
    let overflow = ExposureError::Overflow;
    match list.iter_mut().find(|spent| spent.asset == asset) {
        Some(spent) => spent.amount = spent.amount.checked_add(amount).map_err(|_| overflow)?,
        None => list.push(Spent { asset, amount }).map_err(|_| overflow)?,
    }
    Ok(())
}
