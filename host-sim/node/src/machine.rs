//! Transactions executed one after the other over a state that can be read and changed.
//!
//! Two states use it: [`Layers`](crate::execution::Layers), the writes of pending blocks over the final records, and the final records
//! themselves while a start catches up.

use qenex_core::codec::{self, Encoded};
use qenex_core::crypto::Hash;
use qenex_core::id::{AccountId, NATIVE_ASSET};
use qenex_core::ledger::{
    Effects, Env, Fetched, Receipt, Record, RecordId, Reject, Signers, ViewError, access, settle_fees,
    transition_into,
};
use qenex_core::num::Amount;

use crate::error::{NodeError, Refusal};
use crate::prepare::Prepared;

/// Transactions whose records are read from memory before they are used.
const READ_AHEAD: usize = 64;

/// A state.
pub(crate) trait State {
    /// Reads the records of these keys without using them: the processor then waits for many places in memory together.
    fn read_ahead(&self, keys: &[Hash]);

    /// The encoded record under an id, whose key is given.
    fn get(&self, id: &RecordId, key: &Hash) -> Option<&[u8]>;

    /// Writes a record, or deletes it.
    fn put(&mut self, id: &RecordId, key: &Hash, record: Option<&Record>);

    /// Notes that a transaction touched an account, and writes its record where that changed.
    fn touch(&mut self, account: AccountId, key: &Hash, written: Option<&Record>);
}

/// Encoded receipts, one after the other, each with the number of accounts that its transaction touched.
#[derive(Default)]
pub(crate) struct Receipts {
    bytes: Vec<u8>,
    ends: Vec<(usize, usize)>,
}

impl Receipts {
    fn push(&mut self, receipt: &Receipt, touched: usize) {
        let mut buffer = [0; Receipt::MAX_LEN];
        self.bytes.extend_from_slice(codec::encode(receipt, &mut buffer).unwrap_or_default());
        self.ends.push((self.bytes.len(), touched));
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = (&[u8], usize)> {
        let mut start = 0;
        self.ends.iter().map(move |(end, touched)| {
            (self.bytes.get(std::mem::replace(&mut start, *end)..*end).unwrap_or_default(), *touched)
        })
    }
}

/// A record that this node wrote and that the state root covers: read without encoding it again.
pub(crate) fn decode(value: Option<&[u8]>) -> Result<Option<Record>, ViewError> {
    value.map(codec::decode_trusted).transpose().map_err(|_| ViewError::Damaged)
}

/// What the state has under each of these ids, whose keys are given, in place of what was in `records`.
pub(crate) fn fetch(
    state: &impl State,
    ids: &[RecordId],
    keys: &[Hash],
    records: &mut Vec<Option<Record>>,
) -> Result<(), ViewError> {
    records.clear();
    for (id, key) in ids.iter().zip(keys) {
        records.push(decode(state.get(id, key))?);
    }
    Ok(())
}

/// The transactions of one block over a state.
pub(crate) struct Machine<S> {
    pub(crate) state: S,
    pub(crate) env: Env,
    pub(crate) receipts: Receipts,
    fees: Amount,
    /// Used again for every transaction.
    effects: Box<Effects>,
    /// Likewise: what it may touch.
    fetched: Vec<Option<Record>>,
}

impl<S: State> Machine<S> {
    pub(crate) fn new(state: S, env: Env) -> Self {
        let (effects, fetched) = Default::default();
        Self { state, env, receipts: Receipts::default(), fees: Amount::ZERO, effects, fetched }
    }

    /// Executes the transaction at `index` of a batch.
    ///
    /// # Errors
    /// It can be in no block, or is rejected; the state is as it was.
    pub(crate) fn push(&mut self, prepared: &Prepared, index: usize) -> Result<(), Refusal> {
        if index.is_multiple_of(READ_AHEAD) {
            self.state.read_ahead(prepared.keys_of(index..index + READ_AHEAD));
        }
        let transaction = prepared.transaction(index)?;
        let ids = access(&transaction);
        let keys = prepared.keys(index);
        fetch(&self.state, &ids, keys, &mut self.fetched).map_err(Reject::from)?;
        let view = Fetched { ids: &ids, records: &self.fetched };
        let signers = Signers::Verified(prepared.signers(index));
        transition_into(&self.env, &transaction, signers, &view, &mut self.effects)?;
        self.fees = self.fees.checked_add(self.effects.receipt.fee).map_err(Reject::from)?;
        let mut touched = 0;
        for (id, key) in ids.iter().zip(keys) {
            let written = self.effects.writes.iter().find(|(written, _)| written == id);
            match (id, written) {
                (RecordId::Account(account), written) => {
                    // No rule deletes an account.
                    self.state.touch(*account, key, written.and_then(|(_, record)| record.as_ref()));
                    touched += 1;
                }
                (_, Some((_, record))) => self.state.put(id, key, record.as_ref()),
                (_, None) => {}
            }
        }
        self.receipts.push(&self.effects.receipt, touched);
        Ok(())
    }

    /// Gives the fees of the block to its proposer.
    ///
    /// # Errors
    /// The proposer's account cannot receive them.
    pub(crate) fn settle_fees(&mut self, proposer: AccountId) -> Result<(), NodeError> {
        if self.fees.is_zero() {
            return Ok(());
        }
        let ids = [RecordId::Account(proposer), RecordId::Balance(proposer, NATIVE_ASSET)];
        let keys = ids.map(|id| id.key());
        fetch(&self.state, &ids, &keys, &mut self.fetched).map_err(|error| NodeError::Fees(error.into()))?;
        let view = Fetched { ids: &ids, records: &self.fetched };
        let effects = settle_fees(proposer, self.fees, &view).map_err(NodeError::Fees)?;
        for (id, record) in &effects.writes {
            self.state.put(id, &id.key(), record.as_ref());
        }
        Ok(())
    }
}
