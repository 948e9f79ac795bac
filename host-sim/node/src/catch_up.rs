//! Committed blocks that are executed again at start, from the records of a checkpoint on.
//!
//! No root is computed on the way: [`Chain::restore`](crate::chain::Chain::restore) builds the tree once, over the records after the last block,
//! and checks it against that block's header.

use qenex_core::consensus::Header;
use qenex_core::crypto::Hash;
use qenex_core::ledger::Env;

use crate::chain::Final;
use crate::error::NodeError;
use crate::execution::Execution;
use crate::prepare::Prepared;
use crate::records::Records;
use crate::settle::settle;

/// Records and the block that they are the state of.
pub struct CatchUp {
    pub(crate) tip: Header,
    pub(crate) tip_id: Hash,
    pub(crate) records: Records,
    /// Transactions of the last block, and records that it wrote.
    last: (usize, usize),
}

impl CatchUp {
    /// The records after the block with this header.
    pub fn new(tip: Header, records: Records) -> Self {
        Self { tip_id: tip.id(), tip, records, last: (0, 0) }
    }

    /// Executes the next block, which was committed before. Its transactions come in one or more batches.
    ///
    /// # Errors
    /// It does not follow the last one, or a transaction is refused.
    pub fn execute(
        &mut self,
        header: Header,
        batches: impl IntoIterator<Item = Prepared>,
    ) -> Result<Final, NodeError> {
        let height = header.height;
        if header.parent != self.tip_id {
            return Err(NodeError::UnknownParent(header.parent));
        }
        if self.tip.height.checked_add(1) != Some(height) {
            return Err(NodeError::Header { field: "height", height });
        }
        let env = Env { chain_id: header.chain_id, height, time_ms: header.time_ms };
        let mut execution = Execution::over(&self.records, Vec::new(), self.tip_id, env, self.last);
        for prepared in batches {
            execution.push_all(&prepared)?;
        }
        let mut executed = execution.finish(header.proposer)?;
        self.last = (executed.transactions.len(), executed.done.writes.len());
        let record = settle(&mut self.records, &mut executed.done, height);
        self.tip_id = header.id();
        self.tip = header;
        Ok(Final { height, record })
    }
}
