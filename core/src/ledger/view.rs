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

/// A state that can be read. Records are lent, not copied: an account has room for eight keys, and most rules read one
/// field of it.
pub trait View {
    /// The record, or nothing if the state has none under this id.
    ///
    /// # Errors
    /// The view cannot tell.
    fn record(&self, id: &RecordId) -> Result<Option<&Record>, ViewError>;
}

/// The records that one transaction may touch, fetched before it is judged: from a node's store, from a witness.
#[derive(Clone, Copy, Debug)]
pub struct Fetched<'a> {
    /// The ids, as [`super::access()`] names them.
    pub ids: &'a [RecordId],
    /// What the state has under each.
    pub records: &'a [Option<Record>],
}

impl View for Fetched<'_> {
    fn record(&self, id: &RecordId) -> Result<Option<&Record>, ViewError> {
        let index = self.ids.iter().position(|fetched| fetched == id);
        let record = index.and_then(|index| self.records.get(index)).ok_or(ViewError::Unproven)?;
        Ok(record.as_ref())
    }
}
