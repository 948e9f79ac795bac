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

/// A state that can be read. The keys of accounts are lent by it for `'a`; all else is small and copied.
pub trait View<'a> {
    /// The record, or nothing if the state has none under this id.
    ///
    /// # Errors
    /// The view cannot tell.
    fn record(&self, id: &RecordId) -> Result<Option<Record<'a>>, ViewError>;
}

/// The records that one transaction may touch, fetched before it is judged: from a node's store, from a witness.
#[derive(Clone, Copy, Debug)]
pub struct Fetched<'f, 'a> {
    /// The ids, as [`super::access()`] names them.
    pub ids: &'f [RecordId],
    /// What the state has under each.
    pub records: &'f [Option<Record<'a>>],
}

impl<'a> View<'a> for Fetched<'_, 'a> {
    fn record(&self, id: &RecordId) -> Result<Option<Record<'a>>, ViewError> {
        let index = self.ids.iter().position(|fetched| fetched == id);
        index.and_then(|index| self.records.get(index)).copied().ok_or(ViewError::Unproven)
    }
}
