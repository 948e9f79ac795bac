//! The node: the chain's state over a durable store.
//!
//! The store's blocks are the write-ahead log: a block is committed when it is durable there. Every some transactions a
//! checkpoint of the records is written on another thread. [`Node::open`] loads the newest checkpoint, checks its root, and
//! executes the blocks after it again, so the time to recover is bounded by twice the interval between checkpoints.
//!
//! A node may forget blocks that are older than some number, and what they did; the newest checkpoint and all after it stay. [`Node::install`] puts a
//! state in that others executed.

use std::collections::BTreeMap;
use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use qenex_core::codec::{self, Encoded};
use qenex_core::consensus::Header;
use qenex_core::crypto::Hash;
use qenex_core::error::STORE_FAILED;
use qenex_core::id::AccountId;
use qenex_core::ledger::Receipt;
use qenex_store::{Cut, Disk, Embedded, EmbeddedConfig, State, Store, StoreError};

use crate::block::Block;
use crate::bucket::Blob;
use crate::catch_up::CatchUp;
use crate::chain::Chain;
use crate::error::NodeError;
use crate::genesis::Genesis;
use crate::history;
use crate::prepare::{Signatures, prepare};
use crate::records::{Changed, Records};

const GENESIS_FILE: &str = "genesis";

/// The bounds of a node.
#[derive(Clone, Copy, Debug)]
pub struct NodeConfig {
    /// Bytes that records and tree may take in memory.
    pub state_bytes: usize,
    /// Bytes that the embedded database may cache.
    pub cache_bytes: usize,
    /// Bytes of a segment of the block log.
    pub segment_bytes: u64,
    /// A checkpoint is due after so many transactions.
    pub checkpoint_transactions: u64,
    /// A checkpoint is due after so many blocks.
    pub checkpoint_blocks: u64,
    /// Whether execution goes on while a checkpoint is written.
    pub background: bool,
    /// How many of the newest blocks are kept; all where nothing is said.
    pub history_blocks: Option<u64>,
}

impl Default for NodeConfig {
    fn default() -> Self {
        Self {
            state_bytes: 4 << 30,
            cache_bytes: 16 << 20,
            segment_bytes: 64 << 20,
            checkpoint_transactions: 500_000,
            checkpoint_blocks: 10_000,
            background: true,
            history_blocks: None,
        }
    }
}

impl NodeConfig {
    /// The lowest block that is kept when a checkpoint of this height is there.
    const fn keep_from(&self, height: u64) -> u64 {
        match self.history_blocks {
            Some(blocks) => (height + 1).saturating_sub(blocks),
            None => 0,
        }
    }
}

/// Where a node can be looked at: by who follows its final blocks.
pub trait Source: Send + Sync {
    /// Shows the node, which executes nothing meanwhile.
    fn look(&self, look: &mut dyn FnMut(&Node));
}

/// What opening a node found and did.
#[derive(Clone, Debug, Default)]
pub struct Recovery {
    /// The height of the checkpoint.
    pub checkpoint_height: u64,
    /// Records in it.
    pub records: usize,
    /// Blocks executed again.
    pub blocks: u64,
    /// Their transactions.
    pub transactions: u64,
    /// What was cut off the end of the log.
    pub cut: Option<Cut>,
    /// How long all of it took.
    pub elapsed: Duration,
}

/// One transaction of an account's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryEntry {
    /// The height of the block.
    pub height: u64,
    /// The place in the block.
    pub place: u32,
    /// The signed transaction.
    pub signed: Vec<u8>,
    /// What it yielded.
    pub receipt: Receipt,
}

type Recent = Arc<Mutex<BTreeMap<u64, Arc<Vec<u8>>>>>;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Job {
    height: u64,
    state_root: Hash,
    changed: Changed,
    records: Vec<(u64, Arc<Vec<u8>>)>,
    /// The lowest block that is kept afterwards.
    keep_from: u64,
}

/// Writes checkpoints on a thread of its own, one at a time.
struct Checkpointer {
    jobs: Option<SyncSender<Job>>,
    done: Receiver<Result<u64, StoreError>>,
    busy: bool,
    thread: Option<JoinHandle<()>>,
}

impl Checkpointer {
    fn start(store: Arc<dyn Store>, recent: Recent) -> Self {
        let (jobs, inbox) = sync_channel::<Job>(1);
        let (report, done) = sync_channel(1);
        let thread = std::thread::spawn(move || {
            for job in inbox {
                let keep_from = job.keep_from;
                let saved = save(&*store, job);
                let result = saved.and_then(|saved| store.forget(keep_from).map(|()| saved));
                if let Ok(saved) = result {
                    lock(&recent).retain(|height, _| *height > saved);
                }
                if report.send(result).is_err() {
                    break;
                }
            }
        });
        Self { jobs: Some(jobs), done, busy: false, thread: Some(thread) }
    }

    /// Waits until the last job is done.
    ///
    /// # Errors
    /// It failed.
    fn wait(&mut self) -> Result<(), StoreError> {
        if !std::mem::take(&mut self.busy) {
            return Ok(());
        }
        let ended = || StoreError::new(STORE_FAILED, "checkpoints", "the thread that writes them has ended");
        self.done.recv().map_err(|_| ended())?.map(|_| ())
    }

    fn submit(&mut self, job: Job) {
        if let Some(jobs) = &self.jobs {
            // Where nobody takes it, whoever waits finds that out.
            self.busy = true;
            let _ = jobs.send(job);
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.jobs = None;
        let _ = self.done.try_recv();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Writes a checkpoint and returns its height. A bucket that is written is let go, so that execution need not copy it to change it.
fn save(store: &dyn Store, job: Job) -> Result<u64, StoreError> {
    let Job { height, state_root, changed: Changed { bits, buckets }, records, keep_from } = job;
    let mut buckets = buckets.into_iter();
    let state = State { height, root: *state_root.as_bytes(), bits: bits as u8, buckets: &mut buckets };
    store.write(state, &mut records.into_iter(), keep_from).map(|_| height)
}

/// A node.
pub struct Node {
    chain: Chain,
    genesis: Header,
    store: Arc<dyn Store>,
    checkpointer: Checkpointer,
    recent: Recent,
    config: NodeConfig,
    blocks_since: u64,
    transactions_since: u64,
}

/// The header of the chain's first block: the chain is known by it, whatever else is forgotten.
fn read_genesis(disk: &dyn Disk) -> Result<Option<Header>, NodeError> {
    let path = disk.describe(GENESIS_FILE);
    let io = |error: io::Error| NodeError::Directory { path: path.clone(), detail: error.to_string() };
    let Some(file) = disk.open(GENESIS_FILE).map_err(io)? else { return Ok(None) };
    let mut bytes = vec![0; usize::try_from(file.len().map_err(io)?).unwrap_or(0).min(Header::MAX_LEN)];
    file.read_at(0, &mut bytes).map_err(io)?;
    let detail = || "the header of a first block was expected".to_string();
    let header = codec::decode::<Header>(&bytes);
    header.map(Some).map_err(|_| NodeError::Directory { path: path.clone(), detail: detail() })
}

fn write_genesis(disk: &dyn Disk, header: &Header) -> Result<(), NodeError> {
    let path = disk.describe(GENESIS_FILE);
    let write = || {
        let file = disk.create(GENESIS_FILE)?;
        // Cannot fail: the buffer has the greatest length.
        file.write_at(0, codec::encode(header, &mut [0; Header::MAX_LEN]).unwrap_or_default())?;
        file.sync()?;
        disk.sync_directory()
    };
    write().map_err(|error| NodeError::Directory { path, detail: error.to_string() })
}

impl Node {
    /// Starts a new chain on an empty disk.
    ///
    /// # Errors
    /// The genesis is invalid, the disk already holds a chain, or it fails.
    pub fn create(disk: Arc<dyn Disk>, genesis: &Genesis, config: NodeConfig) -> Result<Self, NodeError> {
        let chain = Chain::new(genesis, config.state_bytes)?;
        let store = begin_store(&disk, chain.tip(), config)?;
        Self::begin(Arc::new(store), chain, config)
    }

    /// Starts a new chain in an empty store.
    ///
    /// # Errors
    /// The genesis is invalid, the store already holds a chain, or it fails.
    pub fn create_in(
        store: Arc<dyn Store>,
        genesis: &Genesis,
        config: NodeConfig,
    ) -> Result<Self, NodeError> {
        Self::begin(store, Chain::new(genesis, config.state_bytes)?, config)
    }

    fn begin(store: Arc<dyn Store>, mut chain: Chain, config: NodeConfig) -> Result<Self, NodeError> {
        let begun = store.latest()?.is_some_and(|meta| meta.height > 0);
        if begun || store.last_height().is_some() {
            let detail = "an empty one was expected; it already holds a chain, or a part of one".into();
            return Err(NodeError::Directory { path: store.name(), detail });
        }
        // The records first: the block is the commit of all of it.
        let tip = chain.tip().clone();
        let job = Job {
            height: 0,
            state_root: tip.state_root,
            changed: chain.take_changed(),
            records: Vec::new(),
            keep_from: 0,
        };
        save(&*store, job)?;
        store.append(0, &Block { header: tip, transactions: Default::default() }.encode())?;
        store.sync()?;
        let genesis = chain.tip().clone();
        Ok(Self::assemble(chain, genesis, store, config))
    }

    /// Opens the chain of a disk and recovers its newest committed state.
    ///
    /// # Errors
    /// There is none, something is damaged (the error names it), or the state does not have its root.
    pub fn open(disk: Arc<dyn Disk>, config: NodeConfig) -> Result<(Self, Recovery), NodeError> {
        let start = Instant::now();
        let missing = || NodeError::Directory { path: disk.describe(""), detail: "it holds no chain".into() };
        let genesis = read_genesis(&*disk)?.ok_or_else(missing)?;
        let (store, cut) = open_store(&disk, genesis.id(), config)?;
        let (node, recovery) = Self::open_in(Arc::new(store), genesis, config)?;
        Ok((node, Recovery { cut, elapsed: start.elapsed(), ..recovery }))
    }

    /// Opens the chain of a store that begins with this block, and recovers its newest committed state.
    ///
    /// # Errors
    /// There is none, something is damaged (the error names it), or the state does not have its root.
    pub fn open_in(
        store: Arc<dyn Store>,
        genesis: Header,
        config: NodeConfig,
    ) -> Result<(Self, Recovery), NodeError> {
        let start = Instant::now();
        let missing = || NodeError::Directory { path: store.name(), detail: "it holds no chain".into() };
        let last = store.last_height().ok_or_else(missing)?;
        let mut blobs: Vec<(u32, Blob)> = Vec::new();
        let loaded = store.load(&mut |index, bytes| blobs.push((index, Arc::from(bytes))))?;
        let meta = loaded.ok_or_else(missing)?;
        if meta.height > last {
            // A checkpoint is only taken of committed blocks: the log has lost some.
            return Err(NodeError::LogBehind { log: last, checkpoint: meta.height });
        }
        let records = Records::load(u32::from(meta.bits), blobs.into_iter()).map_err(NodeError::Bucket)?;
        let header = Block::decode(&store.read(meta.height)?)?.header;
        let count = records.len();
        let mut last_block = CatchUp::new(header, records);
        let mut recovery = Recovery {
            checkpoint_height: meta.height,
            records: count,
            blocks: 0,
            transactions: 0,
            cut: None,
            elapsed: Duration::ZERO,
        };
        let mut recent = BTreeMap::new();
        std::thread::scope(|scope| {
            // The next blocks are read and prepared while one is executed.
            let (prepared_out, prepared_in) = sync_channel(2);
            let (store, after) = (&store, meta.height + 1);
            scope.spawn(move || {
                for height in after..=last {
                    let block = store.read(height).map_err(NodeError::from).and_then(|bytes| {
                        let Block { header, transactions } = Block::decode(&bytes)?;
                        Ok((header, prepare(transactions, Signatures::Committed)))
                    });
                    if prepared_out.send(block).is_err() {
                        break;
                    }
                }
            });
            for block in prepared_in {
                let (header, prepared) = block?;
                recovery.blocks += 1;
                recovery.transactions += prepared.len() as u64;
                let done = last_block.execute(header, [prepared])?;
                recent.insert(done.height, Arc::new(done.record));
            }
            Ok::<_, NodeError>(())
        })?;
        let chain = Chain::restore(genesis.id(), last_block, config.state_bytes)?.of_genesis(&genesis)?;
        let mut node = Self::assemble(chain, genesis, store, config);
        lock(&node.recent).extend(recent);
        (node.blocks_since, node.transactions_since) = (recovery.blocks, recovery.transactions);
        // Written before anything new is committed, so that the next start has no more to do than this one.
        node.checkpoint_if_due()?;
        node.checkpointer.wait()?;
        recovery.elapsed = start.elapsed();
        Ok((node, recovery))
    }

    /// Reads the whole store of a disk once: damage anywhere is an error that names it.
    ///
    /// # Errors
    /// There is no chain, or something is damaged.
    pub fn verify_store(disk: &Arc<dyn Disk>, config: NodeConfig) -> Result<(), NodeError> {
        let missing = || NodeError::Directory { path: disk.describe(""), detail: "it holds no chain".into() };
        let id = read_genesis(&**disk)?.ok_or_else(missing)?.id();
        Ok(open_store(disk, id, config)?.0.verify()?)
    }

    fn assemble(chain: Chain, genesis: Header, store: Arc<dyn Store>, config: NodeConfig) -> Self {
        let recent = Recent::default();
        let checkpointer = Checkpointer::start(Arc::clone(&store), Arc::clone(&recent));
        Self { chain, genesis, store, checkpointer, recent, config, blocks_since: 0, transactions_since: 0 }
    }

    /// The state.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// The state, to execute blocks on.
    pub fn chain_mut(&mut self) -> &mut Chain {
        &mut self.chain
    }

    /// The block that the chain begins with.
    pub fn genesis(&self) -> Block {
        Block { header: self.genesis.clone(), transactions: Default::default() }
    }

    /// Whether it may forget old blocks.
    pub fn forgets(&self) -> bool {
        self.config.history_blocks.is_some()
    }

    /// The lowest block that is kept.
    pub fn first_height(&self) -> u64 {
        self.store.first_height().unwrap_or(0)
    }

    /// Puts the state of a later block in, in place of this node's own and of all blocks that it has. The block must be final.
    ///
    /// # Errors
    /// It is no later block, the state does not have its root, or the store fails: the node is then as it was before, or of no more use until it is
    /// opened again.
    pub fn install(&mut self, block: &Block, records: Records) -> Result<(), NodeError> {
        let (header, tip) = (&block.header, self.chain.tip());
        if header.chain_id != tip.chain_id || header.height <= tip.height {
            return Err(NodeError::Header { field: "height", height: header.height });
        }
        let state = CatchUp::new(header.clone(), records);
        let chain = Chain::restore(self.chain.genesis_id(), state, self.config.state_bytes)?;
        let mut chain = chain.of_genesis(&self.genesis)?;
        let Changed { bits, buckets } = chain.take_changed();
        self.checkpointer.wait()?;
        let mut buckets = buckets.into_iter();
        let (height, root) = (header.height, header.state_root.0);
        let state = State { height, root, bits: bits as u8, buckets: &mut buckets };
        self.store.replace(&block.encode(), state)?;
        lock(&self.recent).clear();
        (self.chain, self.blocks_since, self.transactions_since) = (chain, 0, 0);
        Ok(())
    }

    /// The store, to append blocks to and to read them from another thread.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Commits a pending block: makes it durable, then final.
    ///
    /// # Errors
    /// It is not pending over the tip, lacks its proof where work decides, or the store fails; it is then not final.
    pub fn finalize(&mut self, id: Hash) -> Result<(), NodeError> {
        let block = self.chain.pending(id).ok_or(NodeError::UnknownBlock(id))?;
        if block.header.parent != self.chain.tip_id() {
            return Err(NodeError::UnknownParent(block.header.parent));
        }
        if let Some(work) = self.chain.work() {
            work.follow(self.chain.tip(), &block.header)?;
        }
        self.store.append(block.header.height, &block.encode())?;
        self.store.sync()?;
        self.settle(id)
    }

    /// Makes a pending block final that is durable in the log already.
    ///
    /// # Errors
    /// It is not pending over the tip or not durable, or a checkpoint failed.
    pub fn settle(&mut self, id: Hash) -> Result<(), NodeError> {
        let block = self.chain.pending(id).ok_or(NodeError::UnknownBlock(id))?;
        let (height, transactions) = (block.header.height, block.transactions.len() as u64);
        if self.store.last_height().is_none_or(|last| last < height) {
            return Err(NodeError::UnknownBlock(id));
        }
        let done = self.chain.finalize(id)?;
        lock(&self.recent).insert(done.height, Arc::new(done.record));
        self.blocks_since += 1;
        self.transactions_since += transactions;
        self.checkpoint_if_due()
    }

    fn checkpoint_if_due(&mut self) -> Result<(), NodeError> {
        let (blocks, transactions) = (self.config.checkpoint_blocks, self.config.checkpoint_transactions);
        if self.blocks_since < blocks && self.transactions_since < transactions {
            return Ok(());
        }
        // If the checkpoint before is not done by now, execution waits for it. So a start finds the checkpoint before the one
        // that was under way, at the worst, and has at most twice the interval to execute again.
        self.checkpointer.wait()?;
        self.begin_checkpoint();
        if !self.config.background {
            self.checkpointer.wait()?;
        }
        Ok(())
    }

    fn begin_checkpoint(&mut self) {
        let (height, state_root) = (self.chain.tip().height, self.chain.tip().state_root);
        let records =
            lock(&self.recent).range(..=height).map(|(h, record)| (*h, Arc::clone(record))).collect();
        let (changed, keep_from) = (self.chain.take_changed(), self.config.keep_from(height));
        self.checkpointer.submit(Job { height, state_root, changed, records, keep_from });
        self.blocks_since = 0;
        self.transactions_since = 0;
    }

    /// Writes a checkpoint of the tip and waits for it, so that the next start has nothing to execute again.
    ///
    /// # Errors
    /// The store fails.
    pub fn checkpoint(&mut self) -> Result<(), NodeError> {
        self.checkpointer.wait()?;
        if self.blocks_since > 0 {
            self.begin_checkpoint();
            self.checkpointer.wait()?;
        }
        Ok(())
    }

    /// The lowest block of which it knows what it did.
    ///
    /// # Errors
    /// The store fails.
    pub fn first_record(&self) -> Result<u64, NodeError> {
        Ok(self.store.latest()?.map_or(1, |meta| meta.receipts_from))
    }

    /// What the final block at a height did; see [`history`]. Nothing for the genesis.
    ///
    /// # Errors
    /// The store fails.
    pub fn block_record(&self, height: u64) -> Result<Option<Arc<Vec<u8>>>, NodeError> {
        match self.recent_record(height) {
            Some(record) => Ok(Some(record)),
            None => Ok(self.store.receipts(height)?.map(Arc::new)),
        }
    }

    /// The same without asking the store: nothing where the newest state covers it.
    pub fn recent_record(&self, height: u64) -> Option<Arc<Vec<u8>>> {
        lock(&self.recent).get(&height).cloned()
    }

    /// A final block.
    ///
    /// # Errors
    /// There is none at this height, or it was forgotten, or the store fails.
    pub fn block(&self, height: u64) -> Result<Block, NodeError> {
        Ok(Block::decode(&self.block_bytes(height)?)?)
    }

    /// The encoding of a final block. The first one is always there.
    ///
    /// # Errors
    /// There is none at this height, or it was forgotten, or the store fails.
    pub fn block_bytes(&self, height: u64) -> Result<Vec<u8>, NodeError> {
        if height == 0 { Ok(self.genesis().encode()) } else { Ok(self.store.read(height)?) }
    }

    /// The newest transactions that touched an account, newest first, as far back as blocks are kept.
    ///
    /// # Errors
    /// The store fails.
    pub fn history(&self, account: AccountId, most: usize) -> Result<Vec<HistoryEntry>, NodeError> {
        let mut entries = Vec::new();
        let mut height = self.chain.head(account).unwrap_or(0);
        let first = self.first_record()?;
        while height >= first && entries.len() < most {
            let damaged = NodeError::HistoryDamaged { height };
            let Some(record) = self.block_record(height)? else { return Err(damaged) };
            let block = self.block(height)?;
            let touch = history::touch(&record, height, &block.transactions, account);
            let Some(touch) = touch.filter(|touch| touch.previous < height) else { return Err(damaged) };
            for place in touch.places.iter().rev().take(most - entries.len()) {
                let signed = block.transactions.get(*place as usize).map(<[u8]>::to_vec);
                let (Some(signed), Some(receipt)) = (signed, history::receipt(&record, *place)) else {
                    return Err(damaged);
                };
                entries.push(HistoryEntry { height, place: *place, signed, receipt });
            }
            height = touch.previous;
        }
        Ok(entries)
    }
}

/// Opens the store of a disk for the chain that begins with this block, and begins it if there is none.
///
/// # Errors
/// The disk holds another chain, or fails.
pub fn begin_store(
    disk: &Arc<dyn Disk>,
    genesis: &Header,
    config: NodeConfig,
) -> Result<Embedded, NodeError> {
    let id = genesis.id();
    let existing = read_genesis(&**disk)?.map(|header| header.id());
    if let Some(found) = existing.filter(|found| *found != id) {
        return Err(NodeError::OtherGenesis { found, expected: id });
    }
    write_genesis(&**disk, genesis)?;
    Ok(open_store(disk, id, config)?.0)
}

fn open_store(
    disk: &Arc<dyn Disk>,
    genesis: Hash,
    config: NodeConfig,
) -> Result<(Embedded, Option<Cut>), StoreError> {
    let NodeConfig { segment_bytes, cache_bytes, .. } = config;
    Embedded::open(disk, EmbeddedConfig { segment_bytes, cache_bytes, genesis: *genesis.as_bytes() })
}
