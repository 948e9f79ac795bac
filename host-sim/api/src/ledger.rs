//! A ledger that programs ask.

use qenex_core::crypto::Hash;
use qenex_core::id::AccountId;
use qenex_core::ledger::RecordId;
use qenex_node::block::{Batch, Block};
use qenex_node::error::NodeError;
use qenex_node::node::HistoryEntry;
use qenex_node::sequencer::SubmitError;

use crate::view::{Checkpoint, Confirmed, Proof, Status};

/// What a state holds under an identifier.
#[derive(Clone, Debug)]
pub struct Found {
    /// The record's canonical bytes; nothing if there is none.
    pub record: Option<Vec<u8>>,
    /// How far that is confirmed.
    pub confirmed: Confirmed,
}

/// What the node of a chain answers.
pub trait Ledger: Send + Sync + 'static {
    /// Checks a signed transaction and lets it wait. Returns its id.
    ///
    /// # Errors
    /// It can be in no block, or the pool does not take it.
    fn submit(&self, signed: &[u8]) -> Result<Hash, SubmitError>;

    /// The same for several, which are verified together; a result for each.
    fn submit_all(&self, signed: &Batch) -> Vec<Result<Hash, SubmitError>>;

    /// Where the chain is.
    fn status(&self) -> Status;

    /// What the state holds.
    ///
    /// # Errors
    /// It is damaged.
    fn record(&self, id: &RecordId) -> Result<Found, NodeError>;

    /// A block, and how far it is confirmed.
    ///
    /// # Errors
    /// There is none of this height, or the store fails.
    fn block(&self, height: u64) -> Result<(Block, Confirmed), NodeError>;

    /// Up to `most` of the newest final transactions that touched an account, the newest first.
    ///
    /// # Errors
    /// The store fails.
    fn history(&self, account: AccountId, most: usize) -> Result<Vec<HistoryEntry>, NodeError>;

    /// A proof of what the newest final state holds under these identifiers.
    ///
    /// # Errors
    /// The state is damaged.
    fn prove(&self, ids: &[RecordId]) -> Result<Proof, NodeError>;

    /// How a light client follows the end of an epoch; nothing if that is not known, as where work decides.
    ///
    /// # Errors
    /// The store fails.
    fn checkpoint(&self, _epoch: u64) -> Result<Option<Checkpoint>, NodeError> {
        Ok(None)
    }
}
