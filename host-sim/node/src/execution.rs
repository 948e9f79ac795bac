//! The execution of a block: its transactions one after the other over a state, until [`Execution::finish`].
//!
//! The state is the final records, the writes of the pending blocks below, and the block's own writes. Nothing here
//! computes a root or changes the final state: see [`crate::chain`] and [`crate::settle`](mod@crate::settle).

use qenex_core::codec::{self, Encoded};
use qenex_core::crypto::Hash;
use qenex_core::id::AccountId;
use qenex_core::ledger::{
    Effects, Env, Fetched, Receipt, Record, RecordId, Reject, Signers, ViewError, access, settle_fees,
    transition, transition_into,
};
use qenex_core::num::Amount;
use qenex_core::tx::Transaction;

use crate::block::Batch;
use crate::error::{NodeError, Refusal};
use crate::overlay::Overlay;
use crate::prepare::Prepared;
use crate::records::Records;

/// Transactions whose records are read from memory before they are used.
const READ_AHEAD: usize = 64;

/// Encoded receipts, one after the other.
#[derive(Default)]
pub(crate) struct Receipts {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Receipts {
    fn push(&mut self, receipt: &Receipt) {
        let mut buffer = [0; Receipt::MAX_LEN];
        self.bytes.extend_from_slice(codec::encode(receipt, &mut buffer).unwrap_or_default());
        self.ends.push(self.bytes.len());
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        let mut start = 0;
        self.ends.iter().map(move |end| &self.bytes[std::mem::replace(&mut start, *end)..*end])
    }
}

/// A transaction of a block that touched an account.
pub(crate) struct Touched {
    pub(crate) account: AccountId,
    pub(crate) key: Hash,
    /// The transaction's place in the block.
    pub(crate) place: u32,
}

/// What a block did.
pub(crate) struct Done {
    pub(crate) writes: Overlay,
    pub(crate) receipts: Receipts,
    pub(crate) touched: Vec<Touched>,
}

/// A record that this node wrote and that the state root covers: read without encoding it again.
pub(crate) fn decode(value: Option<&[u8]>) -> Result<Option<Record>, ViewError> {
    match value.map(codec::decode_trusted) {
        None => Ok(None),
        Some(Ok(record)) => Ok(Some(record)),
        Some(Err(_)) => Err(ViewError::Damaged),
    }
}

/// The state that a block sees: its own writes, those of the pending blocks below it, the final records.
struct State<'c> {
    records: &'c Records,
    /// The nearest first.
    below: Vec<&'c Overlay>,
    writes: Overlay,
}

impl State<'_> {
    fn get(&self, id: &RecordId, key: &Hash) -> Option<&[u8]> {
        let overlays = std::iter::once(&self.writes).chain(self.below.iter().copied());
        overlays.filter_map(|writes| writes.get(key)).next().unwrap_or_else(|| self.records.get(id, key))
    }

    fn fetch(
        &self,
        ids: &[RecordId],
        keys: &[Hash],
        records: &mut Vec<Option<Record>>,
    ) -> Result<(), ViewError> {
        records.clear();
        for (id, key) in ids.iter().zip(keys) {
            records.push(decode(self.get(id, key))?);
        }
        Ok(())
    }
}

/// A block while its transactions are executed.
pub struct Execution<'c> {
    /// Used again for every transaction.
    effects: Box<Effects>,
    /// Likewise: what it may touch.
    fetched: Vec<Option<Record>>,
    parent: Hash,
    env: Env,
    state: State<'c>,
    fees: Amount,
    transactions: Batch,
    leaves: Vec<Hash>,
    receipts: Receipts,
    touched: Vec<Touched>,
}

/// A block whose transactions have been executed.
pub struct Executed {
    pub(crate) parent: Hash,
    pub(crate) env: Env,
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
        parent: Hash,
        env: Env,
        (transactions, writes): (usize, usize),
    ) -> Self {
        Self {
            effects: Box::default(),
            fetched: Vec::new(),
            parent,
            env,
            state: State { records, below, writes: Overlay::with_capacity(writes) },
            fees: Amount::ZERO,
            transactions: Batch::with_capacity(transactions, transactions * 192),
            leaves: Vec::with_capacity(transactions),
            receipts: Receipts::default(),
            touched: Vec::with_capacity(2 * transactions),
        }
    }

    /// Executes the transaction at `index` of a batch and adds it to the block.
    ///
    /// # Errors
    /// It can be in no block, or is rejected; the block is as it was.
    pub fn push(&mut self, prepared: &Prepared, index: usize) -> Result<(), Refusal> {
        if index.is_multiple_of(READ_AHEAD) {
            // What many transactions may touch at once: the processor then waits for many places in memory together.
            self.state.records.read_ahead(prepared.keys_of(index..index + READ_AHEAD).iter());
        }
        let transaction = prepared.transaction(index)?;
        let keys = prepared.keys(index);
        let ids = access(&transaction);
        self.state.fetch(&ids, keys, &mut self.fetched).map_err(Reject::from)?;
        let view = Fetched { ids: &ids, records: &self.fetched };
        let effects = &mut self.effects;
        let signers = Signers::Verified(prepared.signers(index));
        transition_into(&self.env, &transaction, signers, &view, effects)?;
        let fees = self.fees.checked_add(effects.receipt.fee).map_err(Reject::from)?;
        let place = self.transactions.len() as u32;
        self.receipts.push(&effects.receipt);
        for (id, key) in ids.iter().zip(keys) {
            if let RecordId::Account(account) = id {
                self.touched.push(Touched { account: *account, key: *key, place });
            }
        }
        for (id, record) in &effects.writes {
            if let Some(key) = ids.iter().position(|known| known == id).and_then(|index| keys.get(index)) {
                self.state.writes.put(key, id, record.as_ref());
            }
        }
        self.fees = fees;
        self.transactions.push(prepared.batch.get(index).unwrap_or_default());
        self.leaves.push(prepared.leaf(index));
        Ok(())
    }

    /// Executes all of a batch.
    ///
    /// # Errors
    /// One of them cannot be in the block, and names itself.
    pub fn push_all(&mut self, prepared: &Prepared) -> Result<(), NodeError> {
        (0..prepared.len()).try_for_each(|index| {
            self.push(prepared, index).map_err(|refusal| NodeError::Transaction { index, refusal })
        })
    }

    /// What the block's state has under each of these ids, whose keys are given, in place of what was in `records`.
    ///
    /// # Errors
    /// What is stored is no record.
    pub fn fetch(
        &self,
        ids: &[RecordId],
        keys: &[Hash],
        records: &mut Vec<Option<Record>>,
    ) -> Result<(), ViewError> {
        self.state.fetch(ids, keys, records)
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
        match decode(self.state.get(&id, &id.key())) {
            Ok(Some(Record::Account(account))) => account.nonce,
            _ => 0,
        }
    }

    /// What a transaction that nobody has signed yet would do now.
    ///
    /// # Errors
    /// It would be rejected.
    pub fn preview(&self, transaction: &Transaction) -> Result<Effects, Reject> {
        let ids = access(transaction);
        let keys: Vec<Hash> = ids.iter().map(RecordId::key).collect();
        let mut records = Vec::new();
        self.state.fetch(&ids, &keys, &mut records)?;
        let view = Fetched { ids: &ids, records: &records };
        transition(&self.env, transaction, Signers::Assumed, &view)
    }

    /// Ends the block: its fees go to the proposer.
    ///
    /// # Errors
    /// The proposer's account cannot receive them.
    pub fn finish(mut self, proposer: AccountId) -> Result<Executed, NodeError> {
        if !self.fees.is_zero() {
            let ids =
                [RecordId::Account(proposer), RecordId::Balance(proposer, qenex_core::id::NATIVE_ASSET)];
            let keys = ids.map(|id| id.key());
            self.state
                .fetch(&ids, &keys, &mut self.fetched)
                .map_err(|error| NodeError::Fees(error.into()))?;
            let view = Fetched { ids: &ids, records: &self.fetched };
            let effects = settle_fees(proposer, self.fees, &view).map_err(NodeError::Fees)?;
            for (id, record) in &effects.writes {
                self.state.writes.put(&id.key(), id, record.as_ref());
            }
        }
        Ok(Executed {
            parent: self.parent,
            env: self.env,
            proposer,
            transactions: self.transactions,
            leaves: self.leaves,
            done: Done { writes: self.state.writes, receipts: self.receipts, touched: self.touched },
        })
    }
}
