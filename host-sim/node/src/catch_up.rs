//! Committed blocks that are executed again at start, from the records of a checkpoint on.
//!
//! They change the records where they lie, and no root is computed on the way: [`Chain::restore`](crate::chain::Chain::restore) builds
//! the tree once, over the records after the last block, and checks it against that block's header. After an error the
//! records are of no use.

use qenex_core::consensus::Header;
use qenex_core::crypto::Hash;
use qenex_core::id::AccountId;
use qenex_core::ledger::{Env, RecordId};

use crate::chain::Final;
use crate::error::NodeError;
use crate::history;
use crate::machine::{Machine, State};
use crate::prepare::Prepared;
use crate::records::Records;

/// Records and the block that they are the state of.
pub struct CatchUp {
    pub(crate) tip: Header,
    pub(crate) tip_id: Hash,
    pub(crate) records: Records,
}

/// The records themselves as the state of a block.
struct InPlace<'r> {
    records: &'r mut Records,
    height: u64,
    /// For each account that a transaction touched, the height of the block that did so before.
    previous: Vec<u64>,
}

impl State for InPlace<'_> {
    fn read_ahead(&self, keys: &[Hash]) {
        self.records.read_ahead(keys.iter());
    }

    fn get(&self, id: &RecordId, key: &Hash) -> Option<&[u8]> {
        self.records.get(id, key)
    }

    fn put(&mut self, id: &RecordId, key: &Hash, value: Option<&[u8]>) {
        self.records.put(id, key, value, None);
    }

    fn touch(&mut self, account: AccountId, key: &Hash, written: Option<&[u8]>) {
        let (id, height) = (RecordId::Account(account), self.height);
        let previous = match written {
            Some(_) => self.records.put(&id, key, written, Some(height)),
            None => self.records.set_head(&id, key, height),
        };
        self.previous.push(previous.unwrap_or(0));
    }
}

impl CatchUp {
    /// The records after the block with this header.
    pub fn new(tip: Header, records: Records) -> Self {
        Self { tip_id: tip.id(), tip, records }
    }

    /// Executes the next block, which was committed before. Its transactions come in one or more batches.
    ///
    /// # Errors
    /// It does not follow the last one, or a transaction is refused; its place in the block is named.
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
        let state = InPlace { records: &mut self.records, height, previous: Vec::new() };
        let mut machine = Machine::new(state, env);
        for prepared in batches {
            for at in 0..prepared.len() {
                let index = machine.receipts.iter().len();
                let pushed = machine.push(&prepared, at);
                pushed.map_err(|refusal| NodeError::Transaction { index, refusal })?;
            }
        }
        machine.end(&self.tip, header.view, header.proposer)?;
        let record = history::encode(height, machine.receipts.iter(), &machine.state.previous);
        self.tip_id = header.id();
        self.tip = header;
        Ok(Final { height, record })
    }
}
