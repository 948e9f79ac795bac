//! A ledger that programs ask.

use std::sync::Arc;

use qenex_core::consensus::Header;
use qenex_core::crypto::Hash;
use qenex_core::id::AccountId;
use qenex_core::ledger::RecordId;
use qenex_device::client::{CertifiedHeader, Witness};
use qenex_node::block::{Batch, Block};
use qenex_node::chain::Chain;
use qenex_node::error::NodeError;
use qenex_node::node::Source;
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

/// What a device needs to sign.
pub struct Proven {
    /// The newest final header.
    pub tip: Header,
    /// The same with the votes that made it final; an earlier one if the node does not have them yet.
    pub certified: Option<Arc<CertifiedHeader>>,
    /// What the state after the newest final block holds.
    pub witness: Witness,
}

/// The records of the newest final state under these identifiers, and their proof.
pub fn witness(chain: &Chain, ids: &[RecordId]) -> Witness {
    let mut ids: Vec<(Hash, RecordId)> = ids.iter().map(|id| (id.key(), *id)).collect();
    ids.sort();
    ids.dedup();
    let keys: Vec<Hash> = ids.iter().map(|(key, _)| *key).collect();
    let record = |(key, id): &(Hash, RecordId)| chain.records().get(id, key).unwrap_or_default().to_vec();
    Witness { records: ids.iter().map(record).collect(), proof: chain.prove(&keys) }
}

/// What the node of a chain answers.
pub trait Ledger: Source + 'static {
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

    /// A proof of what the newest final state holds under these identifiers.
    ///
    /// # Errors
    /// The state is damaged.
    fn prove(&self, ids: &[RecordId]) -> Result<Proof, NodeError>;

    /// The validator whose votes this node signs.
    fn voter(&self) -> Option<AccountId> {
        None
    }

    /// What a device needs to sign; nothing where work decides.
    ///
    /// # Errors
    /// The state is damaged.
    fn proven(&self, _ids: &[RecordId]) -> Result<Option<Proven>, NodeError> {
        Ok(None)
    }

    /// The ends of the epochs that began at this height or later and are over, with the votes that made them final: a device that has missed them follows the chain by
    /// these.
    ///
    /// # Errors
    /// The store fails.
    fn ends_from(&self, _height: u64) -> Result<Vec<CertifiedHeader>, NodeError> {
        Ok(Vec::new())
    }

    /// How a light client follows the end of an epoch; nothing if that is not known, as where work decides.
    ///
    /// # Errors
    /// The store fails.
    fn checkpoint(&self, _epoch: u64) -> Result<Option<Checkpoint>, NodeError> {
        Ok(None)
    }
}
