//! Seats: who decides, and who leads.

use qenex_consensus::Validator;
use qenex_core::id::AccountId;

/// A seat of the set that decides on a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
    /// The account of the validator, which receives what its blocks earn.
    pub account: AccountId,
    /// Its keys.
    pub validator: Validator,
}
