//! The execution of a block over the final state or over pending blocks, until [`Execution::finish`].
//!
//! Nothing here computes a root or changes the final state: see [`crate::chain`].

use qenex_core::consensus::Header;
use qenex_core::crypto::Hash;
use qenex_core::id::AccountId;
use qenex_core::ledger::{
    Effects, Env, Fetched, Record, RecordId, Reject, Signers, ViewError, access, transition,
};
use qenex_core::tx::Transaction;

use crate::block::Batch;
use crate::error::{NodeError, Refusal};
use crate::machine::{Machine, Receipts, State, decode};
use crate::overlay::Overlay;
use crate::prepare::Prepared;
use crate::records::Records;

/// An account that a transaction touched.
pub(crate) struct Touched {
    pub(crate) account: AccountId,
    pub(crate) key: Hash,
    /// How many there were before in the block.
    pub(crate) order: u32,
}

/// What a block did.
pub(crate) struct Done {
    pub(crate) writes: Overlay,
    pub(crate) receipts: Receipts,
    pub(crate) touched: Vec<Touched>,
}

/// The state that a block sees: its own writes, those of the pending blocks below it, the final records.
pub(crate) struct Layers<'c> {
    records: &'c Records,
    /// The nearest first.
    below: Vec<&'c Overlay>,
    writes: Overlay,
    touched: Vec<Touched>,
}

impl State for Layers<'_> {
    fn read_ahead(&self, keys: &[Hash]) {
        self.records.read_ahead(keys.iter());
    }

    fn get(&self, id: &RecordId, key: &Hash) -> Option<&[u8]> {
        let overlays = std::iter::once(&self.writes).chain(self.below.iter().copied());
        overlays.filter_map(|writes| writes.get(key)).next().unwrap_or_else(|| self.records.get(id, key))
    }

    fn put(&mut self, id: &RecordId, key: &Hash, value: Option<&[u8]>) {
        self.writes.put(id, key, value);
    }

    fn touch(&mut self, account: AccountId, key: &Hash, written: Option<&[u8]>) {
        if written.is_some() {
            self.writes.put(&RecordId::Account(account), key, written);
        }
        self.touched.push(Touched { account, key: *key, order: self.touched.len() as u32 });
    }
}

/// A block while its transactions are executed.
pub struct Execution<'c> {
    machine: Machine<Layers<'c>>,
    parent: Hash,
    parent_header: &'c Header,
    view: u64,
    transactions: Batch,
    leaves: Vec<Hash>,
}

/// A block whose transactions have been executed.
pub struct Executed {
    pub(crate) parent: Hash,
    pub(crate) env: Env,
    pub(crate) view: u64,
    /// The set that decides on the next block, where it was drawn.
    pub(crate) drawn: Option<Hash>,
    pub(crate) proposer: AccountId,
    pub(crate) transactions: Batch,
    /// Of the transaction tree.
    pub(crate) leaves: Vec<Hash>,
    pub(crate) done: Done,
}

impl<'c> Execution<'c> {
    /// Starts a block over the final records and the writes of the pending blocks below, the nearest first. There is room for so many
    /// transactions and so many records.
    pub(crate) fn over(
        records: &'c Records,
        below: Vec<&'c Overlay>,
        (parent, parent_header): (Hash, &'c Header),
        view: u64,
        env: Env,
        (transactions, writes): (usize, usize),
    ) -> Self {
        let (writes, touched) = (Overlay::with_capacity(writes), Vec::with_capacity(2 * transactions));
        Self {
            machine: Machine::new(Layers { records, below, writes, touched }, env),
            parent,
            parent_header,
            view,
            transactions: Batch::with_capacity(transactions, transactions * 192),
            leaves: Vec::with_capacity(transactions),
        }
    }

    /// Executes the transaction at `index` of a batch and adds it to the block.
    ///
    /// # Errors
    /// It can be in no block, or is rejected; the block is as it was.
    pub fn push(&mut self, prepared: &Prepared, index: usize) -> Result<(), Refusal> {
        self.machine.push(prepared, index)?;
        self.transactions.push(prepared.batch.get(index).unwrap_or_default());
        self.leaves.push(prepared.leaf(index));
        Ok(())
    }

    /// Executes all of a batch.
    ///
    /// # Errors
    /// One of them cannot be in the block; its place there is named.
    pub fn push_all(&mut self, prepared: &Prepared) -> Result<(), NodeError> {
        (0..prepared.len()).try_for_each(|at| {
            let index = self.len();
            self.push(prepared, at).map_err(|refusal| NodeError::Transaction { index, refusal })
        })
    }

    /// What the block's state has under each of these ids, whose keys are given.
    ///
    /// # Errors
    /// What is stored is no record.
    pub fn fetch(&self, ids: &[RecordId], keys: &[Hash]) -> Result<Vec<Option<Record<'_>>>, ViewError> {
        ids.iter().zip(keys).map(|(id, key)| decode(self.machine.state.get(id, key))).collect()
    }

    /// How many transactions are in the block.
    pub fn len(&self) -> usize {
        self.transactions.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.transactions.is_empty()
    }

    /// The next nonce of an account in the block so far; zero where there is no such account.
    pub fn nonce(&self, account: AccountId) -> u64 {
        let id = RecordId::Account(account);
        match decode(self.machine.state.get(&id, &id.key())) {
            Ok(Some(Record::Account(account))) => account.nonce,
            _ => 0,
        }
    }

    /// What a transaction that nobody has signed yet would do now.
    ///
    /// # Errors
    /// It would be rejected.
    pub fn preview<'a>(&'a self, transaction: &Transaction<'a>) -> Result<Effects<'a>, Reject> {
        let ids = access(transaction);
        let keys: Vec<Hash> = ids.iter().map(RecordId::key).collect();
        let records = self.fetch(&ids, &keys)?;
        let view = Fetched { ids: &ids, records: &records };
        transition(&self.machine.env, transaction, Signers::Assumed, &view)
    }

    /// Ends the block, by the ledger's rule ([`qenex_core::ledger::end_block`]).
    ///
    /// # Errors
    /// It cannot be a block of this proposer in its view, or an account cannot be paid.
    pub fn finish(mut self, proposer: AccountId) -> Result<Executed, NodeError> {
        let drawn = self.machine.end(self.parent_header, self.view, proposer)?;
        let Machine { state: Layers { writes, touched, .. }, env, receipts, .. } = self.machine;
        Ok(Executed {
            parent: self.parent,
            env,
            view: self.view,
            drawn,
            proposer,
            transactions: self.transactions,
            leaves: self.leaves,
            done: Done { writes, receipts, touched },
        })
    }
}
