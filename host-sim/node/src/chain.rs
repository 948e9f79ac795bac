//! The newest final state and the blocks that are executed but not final.
//!
//! [`Chain::begin`] starts a block over the final state or over a pending block, [`Execution::push`] executes
//! transactions in order, [`Chain::seal`] computes the roots and keeps the block as pending. [`Chain::execute`] does all of it for a
//! block that somebody else made and checks its header. [`Chain::finalize`] makes a pending block the final state and
//! drops what contradicts it; [`Chain::discard`] drops a block. Nothing here touches a disk.

use hashbrown::HashMap;
use qenex_core::codec;
use qenex_core::consensus::Header;
use qenex_core::crypto::{Domain, Hash};
use qenex_core::id::AccountId;
use qenex_core::ledger::{Account, Env, Record, RecordId, ViewError};
use qenex_tree::{Change, Tree};

use crate::block::Block;
use crate::catch_up::CatchUp;
use crate::error::NodeError;
use crate::execution::{Done, Executed, Execution};
use crate::genesis::Genesis;
use crate::hashing::{hash_all, lanes, log_root};
use crate::machine::decode;
use crate::overlay::Overlay;
use crate::prepare::Prepared;
use crate::records::{Records, Snapshot};
use crate::settle::settle;

/// A block that is executed and not final.
struct Pending {
    block: Block,
    change: Change,
    done: Done,
}

/// What became final.
pub struct Final {
    /// The block's height.
    pub height: u64,
    /// What it did; see [`crate::history`].
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
        let records = Records::of(genesis)?;
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

    /// The chain at the last block that was committed.
    ///
    /// # Errors
    /// The records do not have the root in its header, or are larger than the limit.
    pub fn restore(genesis_id: Hash, last: CatchUp, limit_bytes: usize) -> Result<Self, NodeError> {
        let CatchUp { tip, tip_id, records, .. } = last;
        let tree = build_tree(&records);
        if tree.root() != tip.state_root {
            return Err(NodeError::RootMismatch {
                height: tip.height,
                found: tree.root(),
                expected: tip.state_root,
            });
        }
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
    pub fn record(&self, id: &RecordId) -> Result<Option<Record<'_>>, ViewError> {
        decode(self.records.get(id, &id.key()))
    }

    /// A final account; nothing if there is none.
    pub fn account(&self, id: AccountId) -> Option<Account<'_>> {
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
        let below = self.below(parent).map(|pending| &pending.done.writes).collect();
        Ok(Execution::over(&self.records, below, parent, env, self.last))
    }

    /// Computes the roots of an executed block and keeps it as pending.
    ///
    /// # Errors
    /// The parent is gone.
    pub fn seal(&mut self, executed: Executed) -> Result<Hash, NodeError> {
        let parent = self.header_of(executed.parent)?;
        let (chain_id, epoch, validators, next_validators) =
            (parent.chain_id, parent.epoch, parent.validators, parent.next_validators);
        let values: Vec<(Hash, Option<Hash>)> = hash_values(&executed.done.writes);
        let below = self.below(executed.parent).map(|pending| &pending.change).collect();
        let change = self.tree.through(below).update(&values);
        let receipt_leaves = hash_all(
            Domain::LogLeaf,
            &executed.done.receipts.iter().map(|(receipt, _)| receipt).collect::<Vec<_>>(),
        );
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
        let done = executed.done;
        self.last = (block.transactions.len(), done.writes.len());
        self.pending.insert(id, Pending { block, change, done });
        Ok(id)
    }

    /// Executes a block that was made elsewhere, and keeps it as pending if its header is right.
    ///
    /// # Errors
    /// The parent is unknown, a transaction is refused, or a field of the header is not what execution yields.
    pub fn execute(&mut self, header: &Header, prepared: &Prepared) -> Result<Hash, NodeError> {
        let mut execution = self.begin(header.parent, header.time_ms)?;
        execution.push_all(prepared)?;
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
        let Pending { block, change, mut done } = pending;
        let height = block.header.height;
        let record = settle(&mut self.records, &mut done, height);
        self.tree.commit(change, self.pending.values_mut().map(|pending| &mut pending.change));
        self.tip = block.header;
        self.tip_id = id;
        Ok(Final { height, record })
    }
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
