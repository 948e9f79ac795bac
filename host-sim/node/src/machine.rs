//! Transactions executed one after the other over a state that can be read and changed.
//!
//! Two states use it: [`Layers`](crate::execution::Layers), the writes of pending blocks over the final records, and the final records
//! themselves while a start catches up.

use std::ops::Range;

use qenex_core::codec::{self, Encoded};
use qenex_core::consensus::Header;
use qenex_core::crypto::Hash;
use qenex_core::id::AccountId;
use qenex_core::ledger::{
    Buffer, Effects, Env, Receipt, Record, RecordId, Reject, Signers, Store, View, ViewError, access,
    end_block, transition_into,
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

    /// Writes an encoded record, or deletes it.
    fn put(&mut self, id: &RecordId, key: &Hash, value: Option<&[u8]>);

    /// Notes that a transaction touched an account, and writes its encoded record where that changed.
    fn touch(&mut self, account: AccountId, key: &Hash, written: Option<&[u8]>);
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
pub(crate) fn decode(value: Option<&[u8]>) -> Result<Option<Record<'_>>, ViewError> {
    value.map(codec::decode_trusted).transpose().map_err(|_| ViewError::Damaged)
}

/// The records of a state that one transaction may touch, decoded when the rules ask for them.
struct Lookup<'s, S> {
    state: &'s S,
    ids: &'s [RecordId],
    keys: &'s [Hash],
}

impl<'s, S: State> View<'s> for Lookup<'s, S> {
    fn record(&self, id: &RecordId) -> Result<Option<Record<'s>>, ViewError> {
        let place = self.ids.iter().position(|known| known == id);
        let key = place.and_then(|place| self.keys.get(place)).ok_or(ViewError::Unproven)?;
        decode(self.state.get(id, key))
    }
}

/// What a transaction did to one of the records that it might touch.
enum Change {
    None,
    Deleted,
    /// Where the new encoding lies.
    Written(Range<usize>),
}

/// The writes of a transaction, encoded, so that they no longer lend anything from the state that they are written to.
struct Writes {
    /// Room for one.
    buffer: [u8; Record::MAX_LEN],
    bytes: Vec<u8>,
    /// In the order of the ids.
    changes: Vec<Change>,
}

impl Writes {
    /// Takes up the effects of the transaction with these ids, in place of those of the one before.
    fn take(&mut self, ids: &[RecordId], effects: &Effects<'_>) {
        self.bytes.clear();
        self.changes.clear();
        for id in ids {
            let change = match effects.writes.iter().find(|(written, _)| written == id) {
                None => Change::None,
                Some((_, None)) => Change::Deleted,
                Some((_, Some(record))) => {
                    let start = self.bytes.len();
                    // Cannot fail: the buffer has the greatest length.
                    self.bytes.extend_from_slice(record.encode(&mut self.buffer).unwrap_or_default());
                    Change::Written(start..self.bytes.len())
                }
            };
            self.changes.push(change);
        }
    }

    /// What becomes of each record: nothing, or its new value, or its end.
    fn iter(&self) -> impl Iterator<Item = Option<Option<&[u8]>>> {
        self.changes.iter().map(|change| match change {
            Change::None => None,
            Change::Deleted => Some(None),
            Change::Written(range) => Some(self.bytes.get(range.clone())),
        })
    }
}

/// The transactions of one block over a state.
pub(crate) struct Machine<S> {
    pub(crate) state: S,
    pub(crate) env: Env,
    pub(crate) receipts: Receipts,
    fees: Amount,
    /// Used again for every transaction.
    writes: Writes,
}

impl<S: State> Machine<S> {
    pub(crate) fn new(state: S, env: Env) -> Self {
        let writes = Writes { buffer: [0; Record::MAX_LEN], bytes: Vec::new(), changes: Vec::new() };
        Self { state, env, receipts: Receipts::default(), fees: Amount::ZERO, writes }
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
        let touched = ids.iter().filter(|id| matches!(id, RecordId::Account(_))).count();
        {
            let view = Lookup { state: &self.state, ids: &ids, keys };
            let signers = Signers::Verified(prepared.signers(index));
            let mut effects = Effects::default();
            transition_into(&self.env, &transaction, signers, &view, &mut effects)?;
            self.fees = self.fees.checked_add(effects.receipt.fee).map_err(Reject::from)?;
            self.receipts.push(&effects.receipt, touched);
            self.writes.take(&ids, &effects);
        }
        for ((id, key), written) in ids.iter().zip(keys).zip(self.writes.iter()) {
            match (id, written) {
                (RecordId::Account(account), written) => {
                    // No rule deletes an account.
                    self.state.touch(*account, key, written.flatten());
                }
                (_, Some(value)) => self.state.put(id, key, value),
                (_, None) => {}
            }
        }
        Ok(())
    }

    /// Ends the block, by the ledger's rule. Returns the hash of the set that decides on the next block, where it was drawn.
    ///
    /// # Errors
    /// The block cannot be one of this proposer in this view, or an account cannot be paid.
    pub(crate) fn end(
        &mut self,
        parent: &Header,
        view: u64,
        proposer: AccountId,
    ) -> Result<Option<Hash>, NodeError> {
        end_block(&mut Whole(&mut self.state), parent, view, proposer, self.fees).map_err(NodeError::End)
    }
}

/// All of a state, for the rules at the end of a block.
pub(crate) struct Whole<'s, S>(pub(crate) &'s mut S);

impl<S: State> Store for Whole<'_, S> {
    fn read<'b>(&self, id: &RecordId, buffer: &'b mut Buffer) -> Result<Option<Record<'b>>, ViewError> {
        let Some(value) = self.0.get(id, &id.key()) else { return Ok(None) };
        let place = buffer.get_mut(..value.len()).ok_or(ViewError::Damaged)?;
        place.copy_from_slice(value);
        decode(Some(place))
    }

    fn write(&mut self, id: &RecordId, record: Option<&Record<'_>>) {
        let mut buffer: Buffer = [0; Record::MAX_LEN];
        // Cannot fail: the buffer has the greatest length.
        let value = record.map(|record| record.encode(&mut buffer).unwrap_or_default());
        self.0.put(id, &id.key(), value);
    }
}
