//! How the rules read the state.

use super::record::{Record, RecordId};
use crate::error::error_enum;

error_enum! {
    /// Why a view cannot answer. The rules then reject the transaction: they never guess.
    pub enum ViewError {
        Unproven => VIEW_UNPROVEN,
        Damaged => VIEW_DAMAGED,
    }
}

/// A state that can be read: a node's store, a pending block over it, or a witness.
pub trait View {
    /// The record, or nothing if the state has none under this id.
    ///
    /// # Errors
    /// The view cannot tell.
    fn record(&self, id: &RecordId) -> Result<Option<Record>, ViewError>;
}
