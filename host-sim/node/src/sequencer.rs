//! A local proposer: it takes transactions in, makes blocks of them and finalizes each at once. It stands where consensus
//! will stand, and uses the same calls.

use qenex_core::crypto::Hash;
use qenex_core::id::AccountId;
use qenex_core::ledger::Receipt;
use qenex_core::tx::Transaction;
use qenex_signatures::Verifier;

use crate::block::Batch;
use crate::error::{MempoolError, NodeError, Refusal};
use crate::history;
use crate::mempool::{Mempool, MempoolLimits};
use crate::node::Node;
use crate::prepare::{Signatures, prepare};

/// Why a transaction is not taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubmitError {
    /// It can be in no block.
    Refused(Refusal),
    /// The pool does not take it.
    Mempool(MempoolError),
}

/// A block that was made and finalized.
#[derive(Clone, Debug)]
pub struct Produced {
    /// Its id.
    pub id: Hash,
    /// Its height.
    pub height: u64,
    /// The state root after it.
    pub state_root: Hash,
    /// Its transactions in order, with what they yielded.
    pub receipts: Vec<(Hash, Receipt)>,
    /// Transactions that were taken out of the pool and are in no block.
    pub refused: Vec<(Hash, Refusal)>,
}

/// The proposer.
pub struct Sequencer {
    /// The account that receives the fees.
    pub proposer: AccountId,
    verifier: Verifier,
    mempool: Mempool,
}

impl Sequencer {
    /// A proposer with an empty pool.
    pub fn new(proposer: AccountId, limits: MempoolLimits) -> Self {
        Self { proposer, verifier: Verifier::default(), mempool: Mempool::new(limits) }
    }

    /// Checks a signed transaction and puts it into the pool. Returns its id.
    ///
    /// # Errors
    /// It is malformed, a signature is wrong, or the pool does not take it.
    pub fn submit(&mut self, node: &Node, signed: &[u8]) -> Result<Hash, SubmitError> {
        let mut batch = Batch::default();
        batch.push(signed);
        let prepared = prepare(batch, Signatures::Verify(&self.verifier));
        let Transaction { sender, nonce, fee, .. } = prepared.transaction(0).map_err(SubmitError::Refused)?;
        let next_nonce = node.chain().account(sender).map_or(0, |account| account.nonce);
        self.mempool.insert(sender, nonce, fee, signed.to_vec(), next_nonce).map_err(SubmitError::Mempool)?;
        Ok(prepared.id(0))
    }

    /// How many transactions wait.
    pub fn waiting(&self) -> usize {
        self.mempool.len()
    }

    /// Makes a block of waiting transactions over the tip and keeps it as pending. Returns its id and what was refused.
    ///
    /// # Errors
    /// The fees cannot be paid out.
    pub fn execute(
        &mut self,
        node: &mut Node,
        time_ms: u64,
        most: usize,
    ) -> Result<(Hash, Vec<(Hash, Refusal)>), NodeError> {
        let next_nonce = |account| node.chain().account(account).map_or(0, |account| account.nonce);
        let mut batch = Batch::default();
        for signed in self.mempool.take(most, next_nonce) {
            batch.push(&signed);
        }
        // Every one was verified when it was submitted.
        let prepared = prepare(batch, Signatures::Committed);
        let mut refused = Vec::new();
        let parent = node.chain().tip_id();
        let view = node.chain().next_view(parent, self.proposer)?;
        let mut execution = node.chain().begin(parent, time_ms, view)?;
        for index in 0..prepared.len() {
            if let Err(refusal) = execution.push(&prepared, index) {
                refused.push((prepared.id(index), refusal));
            }
        }
        let executed = execution.finish(self.proposer)?;
        Ok((node.chain_mut().seal(executed)?, refused))
    }

    /// Makes a block of waiting transactions and finalizes it.
    ///
    /// # Errors
    /// The store fails, or the fees cannot be paid out.
    pub fn produce(&mut self, node: &mut Node, time_ms: u64, most: usize) -> Result<Produced, NodeError> {
        let (id, refused) = self.execute(node, time_ms, most)?;
        node.finalize(id)?;
        let tip = node.chain().tip();
        let (height, state_root) = (tip.height, tip.state_root);
        let next_nonce = |account| node.chain().account(account).map_or(0, |account| account.nonce);
        self.mempool.drop_used(next_nonce);
        let damaged = || NodeError::HistoryDamaged { height };
        let record = node.block_record(height)?.ok_or_else(damaged)?;
        let prepared = prepare(node.block(height)?.transactions, Signatures::Committed);
        let receipts = (0..prepared.len()).map(|index| {
            Ok((prepared.id(index), history::receipt(&record, index as u32).ok_or_else(damaged)?))
        });
        let receipts = receipts.collect::<Result<_, NodeError>>()?;
        Ok(Produced { id, height, state_root, receipts, refused })
    }
}
