//! The ledger as consensus sees it: blocks are proposed, executed, finalized.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use qenex_core::codec::DecodeError;
use qenex_core::consensus::Header;
use qenex_core::crypto::Hash;
use qenex_core::ledger::{RecordId, Staking};
use qenex_node::block::{Batch, Block};
use qenex_node::chain::Seat;
use qenex_node::error::{NodeError, Refusal};
use qenex_node::node::Node;
use qenex_node::prepare::{Signatures, prepare};
use qenex_node::records::Records;
use qenex_node::sequencer::{BlockLimits, Screened, Sequencer, SubmitError, with_refused};

use crate::block::ChainBlock;

/// A node with the transactions that wait in it.
pub struct Ledger {
    node: Node,
    sequencer: Sequencer,
    limits: BlockLimits,
}

impl Ledger {
    /// A node whose blocks stay within these limits.
    pub fn new(node: Node, sequencer: Sequencer, limits: BlockLimits) -> Self {
        Self { node, sequencer, limits }
    }

    /// The node.
    pub const fn node(&self) -> &Node {
        &self.node
    }

    /// The newest final header.
    pub fn tip(&self) -> &Header {
        self.node.chain().tip()
    }

    /// Writes the newest final state, so that the next start has nothing to execute again.
    ///
    /// # Errors
    /// The store fails.
    pub fn checkpoint(&mut self) -> Result<(), NodeError> {
        self.node.checkpoint()
    }

    /// How many transactions may wait.
    pub fn room(&self) -> usize {
        self.sequencer.room()
    }

    /// How many transactions wait.
    pub fn waiting(&self) -> usize {
        self.sequencer.waiting()
    }

    /// Whether a block can follow this one: it is the newest final one, or pending.
    pub fn holds(&self, id: Hash) -> bool {
        id == self.node.chain().tip_id() || self.node.chain().pending(id).is_some()
    }

    /// Whether this is the final block of its height.
    ///
    /// # Errors
    /// The store fails.
    pub fn is_final(&self, id: Hash, height: u64) -> Result<bool, NodeError> {
        Ok(height <= self.tip().height && self.final_id(height)? == id)
    }

    /// The id of the final block of a height.
    ///
    /// # Errors
    /// There is none yet, or the store fails.
    pub fn final_id(&self, height: u64) -> Result<Hash, NodeError> {
        Ok(self.node.block(height)?.header.id())
    }

    /// Who decides on the block after the newest final one, and what leaders are drawn from.
    ///
    /// # Errors
    /// The chain has no validators, or its state is damaged.
    pub fn seats(&self) -> Result<(Staking, Vec<Seat>), NodeError> {
        let chain = self.node.chain();
        let none = || NodeError::Record(RecordId::Staking);
        Ok((chain.staking(chain.tip_id())?.ok_or_else(none)?, chain.seats(chain.tip_id())?))
    }

    /// What could be in the next block, best first.
    pub fn best(&self) -> Vec<&[u8]> {
        self.sequencer.best(&self.node, self.limits)
    }

    /// Makes a block of what waits, in a view that this node leads.
    ///
    /// # Errors
    /// The parent is unknown, or the proposer cannot receive the fees.
    pub fn propose(&mut self, parent: Hash, view: u64, time_ms: u64) -> Result<ChainBlock, NodeError> {
        let (id, refused) = self.sequencer.execute(&mut self.node, (parent, view), time_ms, self.limits)?;
        for (transaction, refusal) in refused {
            tracing::debug!(%transaction, "not put into a block: {refusal}");
        }
        let block = self.node.chain().pending(id).ok_or(NodeError::UnknownBlock(id))?;
        Ok(ChainBlock::new(block.clone()))
    }

    /// Executes a block over one that is held, whose signatures were verified, and keeps it as pending.
    fn execute(&mut self, block: &ChainBlock) -> Result<(), NodeError> {
        if self.holds(block.id().0) {
            return Ok(());
        }
        self.node.chain_mut().execute(block.header(), block.prepared()).map(|_| ())
    }

    /// Makes a block final that is durable.
    fn settle(&mut self, block: &ChainBlock) -> Result<(), NodeError> {
        self.node.settle(block.id().0)?;
        self.sequencer.settled(&self.node, &block.prepared().batch);
        Ok(())
    }
}

/// A ledger that several tasks use.
#[derive(Clone)]
pub struct Shared(Arc<Mutex<Ledger>>);

impl Shared {
    /// Shares a ledger.
    pub fn new(ledger: Ledger) -> Self {
        Self(Arc::new(Mutex::new(ledger)))
    }

    /// The ledger, which nobody else uses meanwhile. A task that panicked has left it between two calls, each of which is all or nothing.
    pub fn lock(&self) -> MutexGuard<'_, Ledger> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Checks a signed transaction and lets it wait. Returns its id.
    ///
    /// # Errors
    /// It can be in no block, or the pool does not take it.
    pub fn submit(&self, signed: &[u8]) -> Result<Hash, SubmitError> {
        let result = self.submit_all(&[signed].into_iter().collect()).pop();
        result.unwrap_or(Err(SubmitError::Refused(Refusal::Decode(DecodeError::Malformed))))
    }

    /// The same for those of several that neither wait nor were used up, which are verified together; a result for each of these.
    pub fn submit_new(&self, signed: &Batch) -> Vec<Result<Hash, SubmitError>> {
        let new = {
            let ledger = self.lock();
            ledger.sequencer.new_ones(&ledger.node, signed)
        };
        self.submit_all(&new)
    }

    /// The same for several, which are verified together; a result for each.
    pub fn submit_all(&self, signed: &Batch) -> Vec<Result<Hash, SubmitError>> {
        let (verifier, Screened { admitted, refused }) = {
            let ledger = self.lock();
            (Arc::clone(ledger.sequencer.verifier()), ledger.sequencer.screen(&ledger.node, signed))
        };
        let prepared = prepare(admitted, Signatures::Verify(&verifier));
        let Ledger { node, sequencer, .. } = &mut *self.lock();
        with_refused(refused, sequencer.insert_all(node, &prepared))
    }

    /// Executes a block over one that is held, and keeps it as pending.
    ///
    /// # Errors
    /// It is not what execution yields, or this node cannot execute it.
    pub fn execute(&self, block: &ChainBlock) -> Result<(), NodeError> {
        self.verify(block)?;
        self.lock().execute(block)
    }

    /// Makes a block final that consensus decided on, durably; does nothing if it is. Others use the ledger while the store writes, which takes its time where it is in a database.
    /// One task calls this, with one block after the other.
    ///
    /// # Errors
    /// It does not follow the newest final block, does not hold, or the store fails.
    pub fn finalize(&self, block: &ChainBlock) -> Result<(), NodeError> {
        if block.header().height <= self.lock().tip().height {
            return Ok(());
        }
        self.verify(block)?;
        let store = {
            let mut ledger = self.lock();
            if block.header().parent != ledger.node.chain().tip_id() {
                return Err(NodeError::UnknownParent(block.header().parent));
            }
            ledger.execute(block)?;
            Arc::clone(ledger.node.store())
        };
        store.append(block.header().height, block.bytes())?;
        store.sync()?;
        self.lock().settle(block)
    }

    /// Puts the state after a later final block in, which others executed.
    ///
    /// # Errors
    /// See [`Node::install`].
    pub fn install(&self, block: &ChainBlock, records: Records) -> Result<(), NodeError> {
        let block = Block::decode(block.bytes())?;
        self.lock().node.install(&block, records)
    }

    /// Verifies those signatures of a block that is not held which were not verified when its transactions came into the pool. Others use the
    /// ledger meanwhile.
    fn verify(&self, block: &ChainBlock) -> Result<(), NodeError> {
        let (verifier, unverified) = {
            let ledger = self.lock();
            if ledger.holds(block.id().0) {
                return Ok(());
            }
            (Arc::clone(ledger.sequencer.verifier()), ledger.sequencer.unverified(block.prepared()))
        };
        let refused = block.prepared().first_refused(&verifier, &unverified);
        refused.map_or(Ok(()), |(index, refusal)| Err(NodeError::Transaction { index, refusal }))
    }
}
