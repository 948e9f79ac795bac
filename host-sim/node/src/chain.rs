//! The newest final state and the blocks that are executed but not final.
//!
//! [`Chain::begin`] starts a block over the final state or over a pending block, [`Execution::push`] executes
//! transactions in order, [`Chain::seal`] computes the roots and keeps the block as pending. [`Chain::execute`] does all of it for a
//! block that somebody else made and checks its header; where work decides, its proof comes first. [`Chain::finalize`] makes a pending block the final state and
//! drops what contradicts it; [`Chain::discard`] drops a block. Nothing here touches a disk.

use hashbrown::HashMap;
use qenex_core::codec::{self, Encoded};
use qenex_core::consensus::work::{Seal, WorkChain};
use qenex_core::consensus::{Header, Round, SealBytes, leader};
use qenex_core::crypto::{Domain, Hash};
use qenex_core::id::AccountId;
use qenex_core::ledger::{Account, Buffer, Env, MAX_SKIPPED, Record, RecordId, Rule, Staking, ViewError};
use qenex_core::num::Amount;
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
use crate::records::{Changed, Records};
use crate::settle::settle;
use crate::snapshot::Frozen;

/// A seat of the set that decides on a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seat {
    /// The validator.
    pub account: AccountId,
    /// The key that votes.
    pub vote_key: [u8; 32],
    /// The key of the network.
    pub peer_key: [u8; 32],
    /// The hash of the key that signs checkpoints.
    pub finality_key: [u8; 32],
    /// Its odds to lead a view, against the sum of all.
    pub weight: Amount,
}

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
    /// Where work decides.
    work: Option<WorkChain>,
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
        let (records, set) = Records::of(genesis)?;
        let tree = build_tree(&records);
        let header = genesis.header(tree.root(), set)?;
        let id = header.id();
        let chain = Self {
            genesis_id: id,
            tip_id: id,
            work: work_of(&header)?,
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
        let work = None;
        let chain = Self { genesis_id, tip_id, tip, work, records, tree, pending, last: (0, 0), limit_bytes };
        chain.check_size()?;
        Ok(chain)
    }

    /// Goes on as the genesis says: by work, if that has rules for it.
    ///
    /// # Errors
    /// Its seal has no rules.
    pub fn of_genesis(self, genesis: &Header) -> Result<Self, NodeError> {
        Ok(Self { work: work_of(genesis)?, ..self })
    }

    /// How work decides; nothing where it does not.
    pub fn work(&self) -> Option<&WorkChain> {
        self.work.as_ref()
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
    pub fn take_changed(&mut self) -> Changed {
        self.records.take_changed()
    }

    /// The newest final state as it is now, to be sent to others.
    pub fn freeze(&self) -> Frozen {
        Frozen::of(&self.records, &self.tree)
    }

    /// The header of a block that is the newest final one or pending.
    ///
    /// # Errors
    /// It is neither.
    pub fn header_of(&self, id: Hash) -> Result<&Header, NodeError> {
        if id == self.tip_id {
            return Ok(&self.tip);
        }
        self.pending.get(&id).map(|pending| &pending.block.header).ok_or(NodeError::UnknownParent(id))
    }

    /// The pending blocks from this one down to the tip.
    fn below(&self, id: Hash) -> impl Iterator<Item = &Pending> {
        std::iter::successors(self.pending.get(&id), |above| self.pending.get(&above.block.header.parent))
    }

    /// A record after a block that is the newest final one or pending, decoded from `buffer`.
    ///
    /// # Errors
    /// The block is neither, or its state is damaged.
    pub fn record_after<'b>(
        &self,
        id: Hash,
        record: &RecordId,
        buffer: &'b mut Buffer,
    ) -> Result<Option<Record<'b>>, NodeError> {
        self.header_of(id)?;
        let key = record.key();
        let written = self.below(id).find_map(|pending| pending.done.writes.get(&key));
        let damaged = NodeError::Record(*record);
        let Some(value) = written.unwrap_or_else(|| self.records.get(record, &key)) else { return Ok(None) };
        let Some(place) = buffer.get_mut(..value.len()) else { return Err(damaged) };
        place.copy_from_slice(value);
        decode(Some(place)).map_err(|_| damaged)
    }

    /// The height of the newest pending block that wrote a record, of those from this one down; nothing if all that was written is final.
    pub fn written_at(&self, id: Hash, record: &RecordId) -> Option<u64> {
        let key = record.key();
        let wrote = |pending: &&Pending| pending.done.writes.get(&key).is_some();
        self.below(id).find(wrote).map(|pending| pending.block.header.height)
    }

    /// The next nonce of an account after a block that is the newest final one or pending; zero where there is no such account.
    pub fn nonce_after(&self, id: Hash, account: AccountId) -> u64 {
        match self.record_after(id, &RecordId::Account(account), &mut [0; Record::MAX_LEN]) {
            Ok(Some(Record::Account(account))) => account.nonce,
            _ => 0,
        }
    }

    /// The staking after a block that is the newest final one or pending: the rules, and the epoch and seed of the block that comes next. Nothing
    /// on a chain without.
    ///
    /// # Errors
    /// The block is neither, or its state is damaged.
    pub fn staking(&self, id: Hash) -> Result<Option<Staking>, NodeError> {
        match self.record_after(id, &RecordId::Staking, &mut [0; Record::MAX_LEN])? {
            Some(Record::Staking(staking)) => Ok(Some(staking)),
            Some(_) => Err(NodeError::Record(RecordId::Staking)),
            None => Ok(None),
        }
    }

    /// The seats that decide on the block after this one, which is the newest final one or pending. They are in the order of their vote keys, which
    /// is that of their weights for [`qenex_core::consensus::leader`]. None on a chain without staking.
    ///
    /// # Errors
    /// The block is neither, or its state is damaged.
    pub fn seats(&self, id: Hash) -> Result<Vec<Seat>, NodeError> {
        let seats = self.staking(id)?.map_or(0, |staking| staking.seats);
        let seat = |place| match self.record_after(id, &RecordId::Seat(place), &mut [0; Record::MAX_LEN])? {
            Some(Record::Seat(seat)) => Ok(Seat {
                account: seat.account,
                vote_key: *seat.vote_key.0,
                peer_key: *seat.peer_key.0,
                finality_key: *seat.finality_key.0,
                weight: seat.weight,
            }),
            _ => Err(NodeError::Record(RecordId::Seat(place))),
        };
        (0..seats).map(seat).collect()
    }

    /// The next view over a block that this account leads: what a local proposer names. Zero on a chain without staking.
    ///
    /// # Errors
    /// The block is neither the newest final one nor pending, its state is damaged, or the account leads none of the next views.
    pub fn next_view(&self, id: Hash, proposer: AccountId) -> Result<u64, NodeError> {
        let Some(staking) = self.staking(id)? else { return Ok(0) };
        let parent = self.header_of(id)?;
        let after = if parent.epoch == staking.epoch { parent.view } else { 0 };
        let seats = self.seats(id)?;
        let weights: Vec<Amount> = seats.iter().map(|seat| seat.weight).collect();
        let mut views = (after..).skip(1).take(MAX_SKIPPED as usize);
        let own = views.find(|view| {
            let round = Round { epoch: staking.epoch, view: *view };
            let place = leader(&staking.seed, round, &weights);
            place.and_then(|place| seats.get(place)).is_some_and(|seat| seat.account == proposer)
        });
        own.ok_or(NodeError::End(Rule::BlockLeader.into()))
    }

    /// Starts a block over `parent` in this view of the epoch; zero on a chain without staking.
    ///
    /// # Errors
    /// The parent is neither the tip nor pending, or the state has outgrown its limit.
    pub fn begin(&self, parent: Hash, time_ms: u64, view: u64) -> Result<Execution<'_>, NodeError> {
        self.check_size()?;
        let header = self.header_of(parent)?;
        let env = Env {
            chain_id: header.chain_id,
            height: header.height + 1,
            time_ms: time_ms.max(header.time_ms),
        };
        let below = self.below(parent).map(|pending| &pending.done.writes).collect();
        Ok(Execution::over(&self.records, below, (parent, header), view, env, self.last))
    }

    /// Computes the roots of an executed block and keeps it as pending.
    ///
    /// # Errors
    /// The parent is gone.
    pub fn seal(&mut self, executed: Executed) -> Result<Hash, NodeError> {
        self.seal_with(executed, Default::default())
    }

    fn seal_with(&mut self, executed: Executed, seal: SealBytes) -> Result<Hash, NodeError> {
        let parent = self.header_of(executed.parent)?;
        let (chain_id, validators) = (parent.chain_id, parent.next_validators);
        let epoch = self.staking(executed.parent)?.map_or(parent.epoch, |staking| staking.epoch);
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
            view: executed.view,
            height: executed.env.height,
            parent: executed.parent,
            time_ms: executed.env.time_ms,
            proposer: executed.proposer,
            transaction_root: log_root(&executed.leaves),
            state_root: change.root(),
            receipt_root: log_root(&receipt_leaves),
            validators,
            next_validators: executed.drawn.unwrap_or(validators),
            seal,
        };
        let id = header.id();
        let block = Block { header, transactions: executed.transactions };
        let done = executed.done;
        self.last = (block.transactions.len(), done.writes.len());
        self.pending.insert(id, Pending { block, change, done });
        Ok(id)
    }

    /// Puts the seal into a pending block that was made here and that nothing stands on, for which it was found. Returns the block's new id.
    ///
    /// # Errors
    /// The block is not pending, or the proof does not hold.
    pub fn put_seal(&mut self, id: Hash, seal: &Seal) -> Result<Hash, NodeError> {
        let unknown = NodeError::UnknownBlock(id);
        let Some(Pending { block, .. }) = self.pending.get(&id) else { return Err(unknown) };
        let header = Header { seal: seal.bytes(), ..block.header.clone() };
        if let Some(work) = &self.work {
            work.follow(self.header_of(header.parent)?, &header)?;
        }
        let Some(mut pending) = self.pending.remove(&id) else { return Err(unknown) };
        let id = header.id();
        pending.block.header = header;
        self.pending.insert(id, pending);
        Ok(id)
    }

    /// Executes a block that was made elsewhere, and keeps it as pending if its header is right. Where work decides, nothing is executed before the
    /// proof holds.
    ///
    /// # Errors
    /// The parent is unknown, the proof does not hold, a transaction is refused, or a field of the header is not what execution yields.
    pub fn execute(&mut self, header: &Header, prepared: &Prepared) -> Result<Hash, NodeError> {
        let mut seal = Default::default();
        if let Some(work) = &self.work {
            work.follow(self.header_of(header.parent)?, header)?;
            seal = header.seal.clone();
        }
        let mut execution = self.begin(header.parent, header.time_ms, header.view)?;
        execution.push_all(prepared)?;
        let executed = execution.finish(header.proposer)?;
        let id = self.seal_with(executed, seal)?;
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

fn work_of(genesis: &Header) -> Result<Option<WorkChain>, NodeError> {
    Ok(if genesis.seal.is_empty() { None } else { Some(WorkChain::of(genesis)?) })
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
