//! The newest final state and the blocks that are executed but not final.
//!
//! [`Chain::begin`] starts a block over the final state or over a pending block, [`Execution::push`] executes
//! transactions in order, [`Chain::seal`] computes the roots and keeps the block as pending. [`Chain::execute`] does all of it for a
//! block that somebody else made and checks its header. [`Chain::finalize`] makes a pending block the final state and
//! drops what contradicts it; [`Chain::discard`] drops a block. Nothing here touches a disk.

use std::cmp::Ordering;

use hashbrown::HashMap;
use qenex_core::codec::{self, Encoded};
use qenex_core::consensus::Header;
use qenex_core::crypto::{Domain, Hash};
use qenex_core::id::AccountId;
use qenex_core::ledger::{
    Account, Effects, Env, Fetched, Receipt, Record, RecordId, Reject, Signers, ViewError, access,
    settle_fees, transition, transition_into,
};
use qenex_core::num::Amount;
use qenex_core::tx::Transaction;
use qenex_tree::{Change, Tree};

use crate::block::{Batch, Block};
use crate::error::NodeError;
use crate::genesis::Genesis;
use crate::hashing::{hash_all, lanes, log_root};
use crate::history::{self, Touch};
use crate::overlay::{Overlay, Written};
use crate::prepare::{Prepared, Ready};
use crate::records::{Records, Snapshot};

/// Transactions, or records, whose places in memory are read before they are used.
const READ_AHEAD: usize = 64;

/// A block that is executed and not final.
struct Pending {
    block: Block,
    writes: Overlay,
    change: Change,
    receipts: Receipts,
    touched: Vec<Touched>,
}

/// Encoded receipts, one after the other.
#[derive(Default)]
struct Receipts {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Receipts {
    fn push(&mut self, receipt: &Receipt) {
        let mut buffer = [0; Receipt::MAX_LEN];
        self.bytes.extend_from_slice(codec::encode(receipt, &mut buffer).unwrap_or_default());
        self.ends.push(self.bytes.len());
    }

    fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        let mut start = 0;
        self.ends.iter().map(move |end| &self.bytes[std::mem::replace(&mut start, *end)..*end])
    }
}

/// What became final.
pub struct Final {
    /// The block's height.
    pub height: u64,
    /// What it did; see [`history`].
    pub record: Vec<u8>,
}

/// The newest final state and its pending blocks.
pub struct Chain {
    genesis_id: Hash,
    tip_id: Hash,
    tip: Header,
    records: Records,
    tree: Tree,
    pending: HashMap<Hash, Pending>,
    /// Transactions of the newest block, and records that it wrote: the next one will have about as many.
    last: (usize, usize),
    /// Above this many bytes of records and tree, no block is executed.
    limit_bytes: usize,
}

impl Chain {
    /// A new chain.
    ///
    /// # Errors
    /// The genesis contradicts itself or is larger than the limit.
    pub fn new(genesis: &Genesis, limit_bytes: usize) -> Result<Self, NodeError> {
        let list = genesis.records()?;
        let mut records = Records::with_room_for(list.len());
        for chunk in list.chunks(4_096) {
            let inputs: Vec<_> = chunk.iter().map(|(id, _)| id.key_input()).collect();
            let mut written = Overlay::with_capacity(chunk.len());
            for ((id, record), key) in chunk.iter().zip(hash_all(Domain::RecordKey, &inputs)) {
                written.put(&key, id, Some(record));
            }
            written.iter().for_each(|Written { key, id, value }| records.set(key, id, value));
        }
        drop(list);
        let tree = build_tree(&records);
        let header = genesis.header(tree.root())?;
        let id = header.id();
        let chain = Self {
            genesis_id: id,
            tip_id: id,
            tip: header,
            records,
            tree,
            pending: HashMap::new(),
            last: (0, 0),
            limit_bytes,
        };
        chain.check_size()?;
        Ok(chain)
    }

    /// The chain at a checkpoint: the header of its height, and its records, whose root is checked.
    ///
    /// # Errors
    /// The records do not have the header's root, or are larger than the limit.
    pub fn restore(
        genesis_id: Hash,
        tip: Header,
        records: Records,
        limit_bytes: usize,
    ) -> Result<Self, NodeError> {
        let tree = build_tree(&records);
        if tree.root() != tip.state_root {
            return Err(NodeError::RootMismatch {
                height: tip.height,
                found: tree.root(),
                expected: tip.state_root,
            });
        }
        let tip_id = tip.id();
        let pending = HashMap::new();
        let chain = Self { genesis_id, tip_id, tip, records, tree, pending, last: (0, 0), limit_bytes };
        chain.check_size()?;
        Ok(chain)
    }

    fn check_size(&self) -> Result<(), NodeError> {
        let bytes = self.bytes();
        let limit_bytes = self.limit_bytes;
        if bytes > limit_bytes { Err(NodeError::StateTooLarge { bytes, limit_bytes }) } else { Ok(()) }
    }

    /// What records and tree take in memory.
    pub fn bytes(&self) -> usize {
        self.records.bytes() + self.tree.bytes()
    }

    /// The id of block zero.
    pub fn genesis_id(&self) -> Hash {
        self.genesis_id
    }

    /// The newest final header.
    pub fn tip(&self) -> &Header {
        &self.tip
    }

    /// Its id.
    pub fn tip_id(&self) -> Hash {
        self.tip_id
    }

    /// All final records.
    pub fn records(&self) -> &Records {
        &self.records
    }

    /// A final record.
    ///
    /// # Errors
    /// What is stored is no record.
    pub fn record(&self, id: &RecordId) -> Result<Option<Record>, ViewError> {
        decode(self.records.get(id, &id.key()))
    }

    /// A final account; nothing if there is none.
    pub fn account(&self, id: AccountId) -> Option<Account> {
        match self.record(&RecordId::Account(id)) {
            Ok(Some(Record::Account(account))) => Some(account),
            _ => None,
        }
    }

    /// The height of the newest block that touched an account.
    pub fn head(&self, id: AccountId) -> Option<u64> {
        let id = RecordId::Account(id);
        self.records.head(&id, &id.key())
    }

    /// A proof of what the final state holds, or does not hold, under each key.
    pub fn prove(&self, keys: &[Hash]) -> Vec<u8> {
        self.tree.state().prove(keys, &|key| self.records.value_hash(key))
    }

    /// What changed since the last call, for a checkpoint at the tip.
    pub fn take_changed(&mut self) -> Snapshot {
        self.records.take_changed()
    }

    fn header_of(&self, id: Hash) -> Result<&Header, NodeError> {
        if id == self.tip_id {
            return Ok(&self.tip);
        }
        self.pending.get(&id).map(|pending| &pending.block.header).ok_or(NodeError::UnknownParent(id))
    }

    /// The pending blocks from this one down to the tip.
    fn below(&self, id: Hash) -> impl Iterator<Item = &Pending> {
        std::iter::successors(self.pending.get(&id), |above| self.pending.get(&above.block.header.parent))
    }

    /// Starts a block over `parent`.
    ///
    /// # Errors
    /// The parent is neither the tip nor pending, or the state has outgrown its limit.
    pub fn begin(&self, parent: Hash, time_ms: u64) -> Result<Execution<'_>, NodeError> {
        self.check_size()?;
        let header = self.header_of(parent)?;
        let env = Env {
            chain_id: header.chain_id,
            height: header.height + 1,
            time_ms: time_ms.max(header.time_ms),
        };
        let below = self.below(parent).map(|pending| &pending.writes).collect();
        let (transactions, writes) = self.last;
        Ok(Execution {
            effects: Box::default(),
            parent,
            env,
            state: State { records: &self.records, below, writes: Overlay::with_capacity(writes) },
            fetched: Vec::new(),
            fees: Amount::ZERO,
            transactions: Batch::with_capacity(transactions, transactions * 192),
            leaves: Vec::with_capacity(transactions),
            receipts: Receipts::default(),
            touched: Vec::with_capacity(2 * transactions),
        })
    }

    /// Computes the roots of an executed block and keeps it as pending.
    ///
    /// # Errors
    /// The parent is gone.
    pub fn seal(&mut self, executed: Executed) -> Result<Hash, NodeError> {
        let parent = self.header_of(executed.parent)?;
        let (chain_id, epoch, validators, next_validators) =
            (parent.chain_id, parent.epoch, parent.validators, parent.next_validators);
        let values: Vec<(Hash, Option<Hash>)> = hash_values(&executed.writes);
        let below = self.below(executed.parent).map(|pending| &pending.change).collect();
        let change = self.tree.through(below).update(&values);
        let receipt_leaves = hash_all(Domain::LogLeaf, &executed.receipts.iter().collect::<Vec<_>>());
        let header = Header {
            protocol: Header::PROTOCOL,
            chain_id,
            epoch,
            height: executed.env.height,
            parent: executed.parent,
            time_ms: executed.env.time_ms,
            proposer: executed.proposer,
            transaction_root: log_root(&executed.leaves),
            state_root: change.root(),
            receipt_root: log_root(&receipt_leaves),
            validators,
            next_validators,
            seal: Default::default(),
        };
        let id = header.id();
        let block = Block { header, transactions: executed.transactions };
        let Executed { writes, receipts, touched, .. } = executed;
        self.last = (block.transactions.len(), writes.len());
        self.pending.insert(id, Pending { block, writes, change, receipts, touched });
        Ok(id)
    }

    /// Executes a block that was made elsewhere, and keeps it as pending if its header is right.
    ///
    /// # Errors
    /// The parent is unknown, a transaction is refused, or a field of the header is not what execution yields.
    pub fn execute(&mut self, header: &Header, prepared: &Prepared) -> Result<Hash, NodeError> {
        let mut execution = self.begin(header.parent, header.time_ms)?;
        for index in 0..prepared.len() {
            execution.read_ahead(prepared, index);
            let pushed = prepared.get(index).and_then(|ready| execution.push(&ready).map_err(Into::into));
            pushed.map_err(|refusal| NodeError::Transaction { index, refusal })?;
        }
        let executed = execution.finish(header.proposer)?;
        let id = self.seal(executed)?;
        let made = self.header_of(id)?;
        if id == header.id() {
            return Ok(id);
        }
        let checks = [
            ("protocol", made.protocol == header.protocol),
            ("chain_id", made.chain_id == header.chain_id),
            ("epoch", made.epoch == header.epoch),
            ("height", made.height == header.height),
            ("time_ms", made.time_ms == header.time_ms),
            ("transaction_root", made.transaction_root == header.transaction_root),
            ("state_root", made.state_root == header.state_root),
            ("receipt_root", made.receipt_root == header.receipt_root),
            ("validators", made.validators == header.validators),
            ("next_validators", made.next_validators == header.next_validators),
        ];
        let field = checks.iter().find(|(_, same)| !same).map_or("seal", |(field, _)| field);
        let height = header.height;
        self.discard(id)?;
        Err(NodeError::Header { field, height })
    }

    /// A pending block.
    pub fn pending(&self, id: Hash) -> Option<&Block> {
        self.pending.get(&id).map(|pending| &pending.block)
    }

    /// Drops a pending block and all over it.
    ///
    /// # Errors
    /// It is not pending.
    pub fn discard(&mut self, id: Hash) -> Result<(), NodeError> {
        if !self.pending.contains_key(&id) {
            return Err(NodeError::UnknownBlock(id));
        }
        self.drop_from(id);
        Ok(())
    }

    fn drop_from(&mut self, id: Hash) {
        let above: Vec<Hash> =
            self.pending.iter().filter(|(_, p)| p.block.header.parent == id).map(|(id, _)| *id).collect();
        for above in above {
            self.drop_from(above);
        }
        self.pending.remove(&id);
    }

    /// Makes a pending block over the tip final, and drops all pending blocks that do not stand on it.
    ///
    /// # Errors
    /// It is not pending, or does not stand on the tip.
    pub fn finalize(&mut self, id: Hash) -> Result<Final, NodeError> {
        match self.pending.get(&id) {
            None => return Err(NodeError::UnknownBlock(id)),
            Some(pending) if pending.block.header.parent != self.tip_id => {
                return Err(NodeError::UnknownParent(pending.block.header.parent));
            }
            Some(_) => {}
        }
        let rivals: Vec<Hash> = self
            .pending
            .iter()
            .filter(|(other, p)| **other != id && p.block.header.parent == self.tip_id)
            .map(|(other, _)| *other)
            .collect();
        for rival in rivals {
            self.drop_from(rival);
        }
        let Some(pending) = self.pending.remove(&id) else { return Err(NodeError::UnknownBlock(id)) };
        let Pending { block, writes, change, receipts, mut touched } = pending;
        let height = block.header.height;
        let touches = self.settle(&writes, &mut touched, height);
        self.tree.commit(change, self.pending.values_mut().map(|pending| &mut pending.change));
        self.tip = block.header;
        self.tip_id = id;
        Ok(Final { height, record: history::encode(receipts.iter(), &touches) })
    }

    /// Writes a block's records and notes it in the accounts that it touched. Goes through the keys in ascending order, so
    /// that the same parts of memory are needed one after the other, and can be read ahead.
    fn settle(&mut self, writes: &Overlay, touched: &mut [Touched], height: u64) -> Vec<Touch> {
        let mut writes: Vec<Written<'_>> = writes.iter().collect();
        writes.sort_unstable_by(|a, b| by_key(a.key, b.key));
        touched.sort_unstable_by(|a, b| by_key(&a.key, &b.key).then(a.place.cmp(&b.place)));
        let mut groups = touched.chunk_by(|a, b| a.key == b.key).peekable();
        let mut touches = Vec::with_capacity(touched.len());
        for batch in writes.chunks(READ_AHEAD) {
            self.records.read_ahead(batch.iter().map(|written| written.key));
            for Written { key, id, value } in batch {
                self.records.set(key, id, *value);
                while let Some(group) = groups.next_if(|group| group.first().is_some_and(|t| t.key <= **key))
                {
                    touches.extend(self.touch(group, height));
                }
            }
        }
        touches.extend(groups.filter_map(|group| self.touch(group, height)));
        touches
    }

    fn touch(&mut self, group: &[Touched], height: u64) -> Option<Touch> {
        let Touched { account, key, .. } = group.first()?;
        let previous = self.records.set_head(&RecordId::Account(*account), key, height).unwrap_or(0);
        Some(Touch {
            account: *account,
            previous,
            places: group.iter().map(|touched| touched.place).collect(),
        })
    }
}

/// The order of keys. The first eight bytes of two keys nearly always decide.
fn by_key(a: &Hash, b: &Hash) -> Ordering {
    a.prefix().cmp(&b.prefix()).then_with(|| a.cmp(b))
}

/// A transaction of a block that touched an account.
struct Touched {
    account: AccountId,
    key: Hash,
    /// The transaction's place in the block.
    place: u32,
}

fn build_tree(records: &Records) -> Tree {
    let mut items = records.iter();
    // The buckets are in the order of the keys, which is the order that the tree is built in fastest.
    let chunks = std::iter::from_fn(|| {
        let chunk: Vec<_> = items.by_ref().take(4_096).collect();
        let decoded = chunk.iter().filter_map(|item| codec::decode_trusted::<RecordId>(item.id).ok());
        let inputs: Vec<_> = decoded.map(|id| id.key_input()).collect();
        let values: Vec<_> = chunk.iter().map(|item| item.value).collect();
        let hashes =
            hash_all(Domain::RecordKey, &inputs).into_iter().zip(hash_all(Domain::RecordValue, &values));
        (!chunk.is_empty()).then_some(hashes)
    });
    Tree::build(lanes(), records.len(), chunks.flatten())
}

/// The keys and value hashes of a block's writes.
fn hash_values(writes: &Overlay) -> Vec<(Hash, Option<Hash>)> {
    let inputs: Vec<&[u8]> = writes.iter().map(|written| written.value.unwrap_or_default()).collect();
    let hashes = hash_all(Domain::RecordValue, &inputs);
    let values = writes.iter().zip(hashes);
    values.map(|(written, hash)| (*written.key, written.value.is_some().then_some(hash))).collect()
}

/// A record that this node wrote and that the state root covers: read without encoding it again.
fn decode(value: Option<&[u8]>) -> Result<Option<Record>, ViewError> {
    value.map(|value| codec::decode_trusted(value).map_err(|_| ViewError::Damaged)).transpose()
}

/// The state that a block sees: its own writes, those of the pending blocks below it, the final records.
struct State<'c> {
    records: &'c Records,
    /// The nearest first.
    below: Vec<&'c Overlay>,
    writes: Overlay,
}

impl State<'_> {
    fn get(&self, id: &RecordId, key: &Hash) -> Result<Option<Record>, ViewError> {
        let overlays = std::iter::once(&self.writes).chain(self.below.iter().copied());
        decode(
            overlays.filter_map(|writes| writes.get(key)).next().unwrap_or_else(|| self.records.get(id, key)),
        )
    }

    fn fetch(
        &self,
        ids: &[RecordId],
        keys: &[Hash],
        records: &mut Vec<Option<Record>>,
    ) -> Result<(), ViewError> {
        records.clear();
        for (id, key) in ids.iter().zip(keys) {
            records.push(self.get(id, key)?);
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
    parent: Hash,
    env: Env,
    proposer: AccountId,
    writes: Overlay,
    transactions: Batch,
    leaves: Vec<Hash>,
    receipts: Receipts,
    touched: Vec<Touched>,
}

impl Execution<'_> {
    /// Executes the next transaction and adds it to the block.
    ///
    /// # Errors
    /// It is rejected; the block is as it was.
    pub fn push(&mut self, ready: &Ready<'_>) -> Result<(), Reject> {
        let ids = access(&ready.transaction);
        self.state.fetch(&ids, ready.keys, &mut self.fetched)?;
        let view = Fetched { ids: &ids, records: &self.fetched };
        let effects = &mut self.effects;
        transition_into(&self.env, &ready.transaction, Signers::Verified(ready.signers), &view, effects)?;
        let fees = self.fees.checked_add(effects.receipt.fee)?;
        let place = self.transactions.len() as u32;
        self.receipts.push(&effects.receipt);
        for (id, key) in ids.iter().zip(ready.keys) {
            if let RecordId::Account(account) = id {
                self.touched.push(Touched { account: *account, key: *key, place });
            }
        }
        for (id, record) in &effects.writes {
            if let Some(key) =
                ids.iter().position(|known| known == id).and_then(|index| ready.keys.get(index))
            {
                self.state.writes.put(key, id, record.as_ref());
            }
        }
        self.fees = fees;
        self.transactions.push(ready.signed);
        self.leaves.push(ready.leaf);
        Ok(())
    }

    /// Reads what the next transactions of a batch may touch without using it, once for many transactions: the processor
    /// then waits for many places in memory at once.
    pub fn read_ahead(&self, prepared: &Prepared, index: usize) {
        if index.is_multiple_of(READ_AHEAD) {
            self.state.records.read_ahead(prepared.keys_of(index..index + READ_AHEAD).iter());
        }
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
        match self.state.get(&id, &id.key()) {
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
            writes: self.state.writes,
            transactions: self.transactions,
            leaves: self.leaves,
            receipts: self.receipts,
            touched: self.touched,
        })
    }
}
