//! The ledger as this consensus sees it: blocks from anywhere, the heaviest chain, what becomes final.
//!
//! A block is judged in the order of what it costs whoever sent it: header, proof, time, then all the rest. It is pending until it lies
//! `depth` blocks below the head; then it goes to the block log, as on every other chain. Pending blocks are overlays over the final state, so that the
//! head goes from one branch to another by being named: nothing has to be undone.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use qenex_core::consensus::Header;
use qenex_core::consensus::work::{Seal, Target, Work, WorkChain, proven};
use qenex_core::crypto::Hash;
use qenex_core::ledger::{Buffer, Record, RecordId};
use qenex_node::block::{Batch, Block};
use qenex_node::error::NodeError;
use qenex_node::node::Node;
use qenex_node::prepare::{Signatures, prepare};
use qenex_node::sequencer::{BlockLimits, Sequencer, SubmitError};
use qenex_store::Disk;
use qenex_validator::block::ChainBlock;
use qenex_validator::gossip::{MAX_MESSAGE_BYTES, Pool, pack};

use crate::branches::{Branch, Branches};
use crate::error::Refusal;
use crate::journal::Journal;
use crate::message::Step;

/// How far a block's time may be ahead of the clock of whoever takes it.
pub const MAX_AHEAD_MS: u64 = 10_000;

/// So many blocks may be pending beside twice the depth of finality.
const MORE_PENDING: usize = 64;

/// What a miner looks for a nonce for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Puzzle {
    /// The id of the block without a seal.
    pub unsealed: Hash,
    /// What its proof must not be above.
    pub target: Target,
}

/// A node on the heaviest chain that it knows, with the transactions that wait in it.
pub struct Ledger {
    node: Node,
    sequencer: Sequencer,
    limits: BlockLimits,
    chain: WorkChain,
    branches: Branches,
    journal: Journal,
    /// The block that is mined, pending under the id that it has without a seal.
    template: Option<Hash>,
    /// How many transactions waited when it was made.
    waited: usize,
}

impl Ledger {
    /// A node with the pending blocks of its journal, whose disk holds nothing else.
    ///
    /// # Errors
    /// The chain does not go by work, the disk fails, or what it holds is damaged.
    pub fn open(
        node: Node,
        sequencer: Sequencer,
        limits: BlockLimits,
        disk: Arc<dyn Disk>,
        segment_bytes: u64,
    ) -> Result<Self, NodeError> {
        let not_by_work = || NodeError::Genesis("The chain does not go by work.".into());
        let chain = *node.chain().work().ok_or_else(not_by_work)?;
        let journal = Journal::open(disk, node.chain().genesis_id(), segment_bytes)?;
        let entries = journal.entries().collect::<Result<Vec<_>, _>>()?;
        let (root, header) = (node.chain().tip_id(), node.chain().tip());
        // The newest final block was pending once.
        let own = entries
            .iter()
            .find(|entry| Block::decode_header(&entry.block).is_ok_and(|found| found == *header));
        let (work, entry) = match own {
            Some(entry) => (entry.work, entry.place),
            None => (work_up_to(&node)?, journal.next()),
        };
        let branch = Branch { parent: header.parent, height: header.height, work, entry };
        let branches = Branches::new(root, branch);
        let mut ledger =
            Self { node, sequencer, limits, chain, branches, journal, template: None, waited: 0 };
        for entry in entries {
            let block = Block::decode(&entry.block)?;
            // What was left behind stays there.
            if ledger.branches.get(block.header.parent).is_some() {
                let prepared = prepare(block.transactions, Signatures::Committed);
                let id = ledger.node.chain_mut().execute(&block.header, &prepared)?;
                ledger.keep(id, &block.header, entry.place)?;
            }
        }
        ledger.sequencer.follow(ledger.branches.head());
        ledger.settle()?;
        Ok(ledger)
    }

    /// The node.
    pub const fn node(&self) -> &Node {
        &self.node
    }

    /// The rules.
    pub const fn chain(&self) -> &WorkChain {
        &self.chain
    }

    /// The pending blocks.
    pub const fn branches(&self) -> &Branches {
        &self.branches
    }

    /// The id of the newest block of the heaviest chain.
    pub const fn head_id(&self) -> Hash {
        self.branches.head()
    }

    /// Its header.
    pub fn head(&self) -> &Header {
        let chain = self.node.chain();
        chain.header_of(self.head_id()).unwrap_or_else(|_| chain.tip())
    }

    /// The work in the heaviest chain.
    pub fn work(&self) -> Work {
        self.branches.work()
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

    /// A record on the heaviest chain, decoded from `buffer`.
    ///
    /// # Errors
    /// The state is damaged.
    pub fn record<'b>(&self, id: &RecordId, buffer: &'b mut Buffer) -> Result<Option<Record<'b>>, NodeError> {
        self.node.chain().record_after(self.head_id(), id, buffer)
    }

    /// How many blocks of the heaviest chain confirm what a record holds, the one that wrote it included; nothing if it is final.
    pub fn confirmations(&self, id: &RecordId) -> Option<u64> {
        let written = self.node.chain().written_at(self.head_id(), id)?;
        Some(self.head().height.saturating_sub(written) + 1)
    }

    /// The block of a height on the heaviest chain.
    ///
    /// # Errors
    /// There is none, or the store fails.
    pub fn block(&self, height: u64) -> Result<Block, NodeError> {
        if height <= self.node.chain().tip().height {
            return self.node.block(height);
        }
        let mut down = self.branches.down(self.head_id());
        let id = down.find(|(_, branch)| branch.height == height).map_or(Hash::default(), |(id, _)| id);
        self.node.chain().pending(id).cloned().ok_or(NodeError::UnknownBlock(id))
    }

    /// Checks a signed transaction and lets it wait. Returns its id.
    ///
    /// # Errors
    /// It can be in no block, or the pool does not take it.
    pub fn submit(&mut self, signed: &[u8]) -> Result<Hash, SubmitError> {
        self.sequencer.submit(&self.node, signed)
    }

    /// The same for those of several that neither wait nor were used up; a result for each of these.
    pub fn submit_new(&mut self, signed: &Batch) -> Vec<Result<Hash, SubmitError>> {
        self.submit_all(&self.sequencer.new_ones(&self.node, signed))
    }

    /// The same for several, which are verified together; a result for each.
    pub fn submit_all(&mut self, signed: &Batch) -> Vec<Result<Hash, SubmitError>> {
        self.sequencer.submit_all(&self.node, signed)
    }

    /// What could be in the next block, best first.
    pub fn best(&self) -> Vec<&[u8]> {
        self.sequencer.best(&self.node, self.limits)
    }

    /// Whether a block is pending, or the final one of its height.
    ///
    /// # Errors
    /// The store fails.
    pub fn knows(&self, id: Hash, height: u64) -> Result<bool, NodeError> {
        if self.branches.get(id).is_some() {
            return Ok(true);
        }
        let is_old = height <= self.node.chain().tip().height;
        Ok(is_old && Block::decode_header(&self.node.store().read(height)?)?.id() == id)
    }

    /// Whether a header that is not known could be one of this chain: by its parent, or where that is not known, by itself.
    ///
    /// # Errors
    /// It could not be, for everybody or for this node.
    pub fn judge(&self, header: &Header) -> Result<Work, Refusal> {
        if self.branches.get(header.parent).is_some() {
            let parent = self.node.chain().header_of(header.parent)?;
            return Ok(self.chain.follow(parent, header)?);
        }
        proven(header)?;
        let known = header.height > 0 && self.knows(header.parent, header.height - 1)?;
        Err(if known || header.height <= self.node.chain().tip().height {
            Refusal::TooDeep
        } else {
            Refusal::Orphan
        })
    }

    /// Takes a block as bytes. It is pending then, and may be the new head. Returns whether it was new.
    ///
    /// # Errors
    /// It is not taken.
    pub fn take(&mut self, bytes: &Bytes, now_ms: u64) -> Result<bool, Refusal> {
        let header = Block::decode_header(bytes)?;
        if self.knows(header.id(), header.height)? {
            return Ok(false);
        }
        self.judge(&header)?;
        if header.time_ms > now_ms.saturating_add(MAX_AHEAD_MS) {
            return Err(Refusal::Early);
        }
        let block = ChainBlock::decode(bytes.clone())?;
        let unverified = self.sequencer.unverified(block.prepared());
        let refused = block.prepared().first_refused(self.sequencer.verifier(), &unverified);
        if let Some((index, refusal)) = refused {
            return Err(NodeError::Transaction { index, refusal }.into());
        }
        let id = self.node.chain_mut().execute(&header, block.prepared())?;
        self.add(id, &header, bytes)?;
        Ok(true)
    }

    /// Adds an executed block to the tree and the journal.
    fn add(&mut self, id: Hash, header: &Header, bytes: &[u8]) -> Result<(), Refusal> {
        let before = self.head_id();
        self.keep(id, header, self.journal.next())?;
        let Some(branch) = self.branches.get(id) else { return Err(Refusal::Full) };
        self.journal.append(branch.work, bytes)?;
        if self.head_id() != before {
            self.switch(before);
        }
        Ok(())
    }

    /// Adds an executed block to the tree, in which it may take the place of another one.
    fn keep(&mut self, id: Hash, header: &Header, entry: u64) -> Result<(), NodeError> {
        let work = Seal::of_bytes(&header.seal)?.target.work();
        self.branches.insert(id, header.parent, work, entry);
        let most = 2 * self.chain.rules.depth as usize + MORE_PENDING;
        for gone in self.branches.shrink(most) {
            self.node.chain_mut().discard(gone)?;
        }
        Ok(())
    }

    /// The pool goes by the new head: what its branch used up leaves, what only the old one had comes back.
    fn switch(&mut self, before: Hash) {
        let head = self.head_id();
        let (left, joined) = self.branches.switch(before, head);
        if !left.is_empty() {
            tracing::info!(left = left.len(), joined = joined.len(), %head, "another branch is heavier");
        }
        self.sequencer.follow(head);
        let transactions = |id: &Hash| self.node.chain().pending(*id).map(|block| block.transactions.clone());
        let (left, joined): (Vec<Batch>, Vec<Batch>) = (
            left.iter().filter_map(transactions).collect(),
            joined.iter().filter_map(transactions).collect(),
        );
        joined.iter().for_each(|batch| self.sequencer.settled(&self.node, batch));
        for batch in left {
            // What the new branch has as well is refused, as are transactions for which there is no room.
            self.submit_new(&batch);
        }
    }

    /// Makes durable what was taken, and final what lies deep enough.
    ///
    /// # Errors
    /// The store fails.
    pub fn settle(&mut self) -> Result<(), NodeError> {
        self.journal.sync()?;
        let due = self.branches.due(self.chain.rules.depth.into());
        if due.is_empty() {
            return Ok(());
        }
        for id in &due {
            let block = self.node.chain().pending(*id).ok_or(NodeError::UnknownBlock(*id))?;
            self.node.store().append(block.header.height, &block.encode())?;
        }
        self.node.store().sync()?;
        for id in due {
            self.node.settle(id)?;
            self.branches.settle(id);
        }
        Ok(self.journal.forget(self.branches.first_entry())?)
    }

    /// Makes a block of what waits over the head, to be mined.
    ///
    /// # Errors
    /// The proposer cannot receive the fees, or the state is damaged or too large.
    pub fn template(&mut self, now_ms: u64) -> Result<Puzzle, NodeError> {
        if let Some(old) = self.template.take() {
            // With a branch that was left behind it is gone already.
            let _ = self.node.chain_mut().discard(old);
        }
        let head = self.head_id();
        let (unsealed, refused) = self.sequencer.execute(&mut self.node, (head, 0), now_ms, self.limits)?;
        for (transaction, refusal) in refused {
            tracing::debug!(%transaction, "not put into a block: {refusal}");
        }
        (self.template, self.waited) = (Some(unsealed), self.waiting());
        Ok(Puzzle { unsealed, target: self.chain.target_after(self.head()) })
    }

    /// Whether what waits has changed since the template was made.
    pub fn is_outdated(&self) -> bool {
        self.waited != self.waiting()
    }

    /// Takes a nonce for the template. Returns the block, which is durable; nothing if the template is another one by now.
    ///
    /// # Errors
    /// The nonce is none, or the store fails.
    pub fn solved(&mut self, puzzle: &Puzzle, nonce: u64) -> Result<Option<Bytes>, Refusal> {
        // It is gone with its branch where that was left behind for good.
        if self.template != Some(puzzle.unsealed) || self.node.chain().pending(puzzle.unsealed).is_none() {
            return Ok(None);
        }
        self.template = None;
        let id = self.node.chain_mut().put_seal(puzzle.unsealed, &Seal { target: puzzle.target, nonce })?;
        let block = self.node.chain().pending(id).ok_or(NodeError::UnknownBlock(id))?;
        let (header, bytes) = (block.header.clone(), Bytes::from(block.encode()));
        self.add(id, &header, &bytes)?;
        self.settle()?;
        Ok(Some(bytes))
    }

    /// Steps down the heaviest chain, ever longer ones, to the newest final block: whoever is asked with them finds where the chains part.
    pub fn steps(&self) -> Vec<Step> {
        let (root, branch) = self.branches.root();
        let head = self.head().height;
        let is_step = |height: u64| (head - height).is_power_of_two() || head == height;
        let down = self.branches.down(self.head_id()).filter(|(_, branch)| is_step(branch.height));
        let mut steps: Vec<Step> = down.map(|(id, branch)| Step { height: branch.height, id }).collect();
        steps.push(Step { height: branch.height, id: root });
        steps
    }

    /// The blocks of the heaviest chain after the first of these steps that it has, as one message of so many bytes at most. Empty where it has none.
    ///
    /// # Errors
    /// The store fails.
    pub fn blocks_after(&self, steps: &[Step], max_bytes: usize) -> Result<Vec<u8>, NodeError> {
        let path: Vec<Hash> = self.branches.down(self.head_id()).map(|(id, _)| id).collect();
        let root = self.branches.root().1.height;
        let mut from = None;
        for step in steps {
            let pending = (step.height > root).then(|| path.contains(&step.id));
            if pending.map_or_else(|| self.knows(step.id, step.height), Ok)? {
                from = Some(step.height + 1);
                break;
            }
        }
        let (mut blocks, mut bytes) = (Vec::new(), 0);
        for height in from.unwrap_or(u64::MAX)..=self.head().height {
            let block = match height.checked_sub(root + 1) {
                None => self.node.store().read(height)?,
                Some(above) => {
                    let id = path.iter().rev().nth(above as usize).copied().unwrap_or_default();
                    self.node.chain().pending(id).ok_or(NodeError::UnknownBlock(id))?.encode()
                }
            };
            bytes += 4 + block.len();
            if bytes > max_bytes {
                break;
            }
            blocks.push(block);
        }
        Ok(pack(&mut blocks.iter().map(Vec::as_slice).peekable(), max_bytes))
    }
}

/// The work in a chain up to its newest final block, block by block.
fn work_up_to(node: &Node) -> Result<Work, NodeError> {
    (1..=node.chain().tip().height).try_fold(Work::ZERO, |sum, height| {
        let header = Block::decode_header(&node.store().read(height)?)?;
        let work = Seal::of_bytes(&header.seal)?.target.work();
        Ok(sum.checked_add(work).unwrap_or(sum))
    })
}

/// A ledger that several tasks use.
#[derive(Clone)]
pub struct Shared(Arc<Mutex<Ledger>>);

impl Shared {
    /// Shares a ledger.
    pub fn new(ledger: Ledger) -> Self {
        Self(Arc::new(Mutex::new(ledger)))
    }

    /// The ledger, which nobody else uses meanwhile.
    pub fn lock(&self) -> MutexGuard<'_, Ledger> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pool for Shared {
    fn submit_new(&self, signed: &Batch) -> Vec<Result<Hash, SubmitError>> {
        self.lock().submit_new(signed)
    }

    fn message(&self) -> Vec<u8> {
        pack(&mut self.lock().best().into_iter().peekable(), MAX_MESSAGE_BYTES)
    }
}
