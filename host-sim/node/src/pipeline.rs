//! Many transactions, one after the other, into final blocks, with all stages at work at once.
//!
//! ```text
//! source ──▶ workers: make batches, decode, hash, verify ──in order──▶ execute, roots ──blocks──▶ log: append, sync
//!                                                                      ▲──────── settle ────────┘
//! ```
//! The order of the transactions is that of the source, so the blocks and their roots do not depend on the number of
//! workers or on timing. A block is final only after the log has made it durable; a few blocks may be executed ahead.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};
use qenex_core::crypto::Hash;
use qenex_core::id::AccountId;
use qenex_store::{Store, StoreError};

use crate::block::Batch;
use crate::clock::Stopwatch;
use crate::error::{NodeError, Refusal};
use crate::execution::Execution;
use crate::node::Node;
use crate::prepare::{Prepared, Signatures, Times, prepare};

/// Batches that may wait for a worker.
const WORK_BATCHES: usize = 4;

/// Prepared batches that may wait to be executed: about as many as the workers prepare while the roots of a block are
/// made and another is settled, so that they need not stop.
const READY_BATCHES: usize = 24;

/// Blocks that may be executed ahead of the newest durable one.
const BLOCKS_AHEAD: usize = 2;

/// How a pipeline runs.
#[derive(Clone, Copy, Debug)]
pub struct PipelineConfig {
    /// Transactions of a block.
    pub block_transactions: usize,
    /// Threads that decode and verify.
    pub workers: usize,
    /// Who proposes the blocks.
    pub proposer: AccountId,
    /// Time from one block to the next, in milliseconds.
    pub block_interval_ms: u64,
}

/// Processor time of each stage, over all its threads.
#[derive(Clone, Copy, Debug, Default)]
pub struct StageTimes {
    /// The source.
    pub read: Duration,
    /// Making batches of what the source yields.
    pub make: Duration,
    /// Decoding, hashing, signatures.
    pub prepare: Times,
    /// The rules of the ledger.
    pub execute: Duration,
    /// State root and the other roots of the headers.
    pub roots: Duration,
    /// Making durable blocks the final state.
    pub settle: Duration,
    /// Encoding blocks and appending them to the log.
    pub write: Duration,
}

/// What a pipeline did.
#[derive(Clone, Copy, Debug, Default)]
pub struct PipelineReport {
    /// Transactions in final blocks.
    pub transactions: u64,
    /// Transactions that were refused.
    pub refused: u64,
    /// Final blocks.
    pub blocks: u64,
    /// From start to the last final block.
    pub elapsed: Duration,
    /// Processor time by stage.
    pub stages: StageTimes,
}

/// What the caller does with a refused transaction.
pub trait Refused {
    /// The transaction at this place of the source was refused. Other transactions may be pushed in its place; how many
    /// were is returned.
    fn refused(&mut self, place: u64, refusal: Refusal, execution: &mut Execution<'_>) -> u64;

    /// A block is final; `done` transactions of the source have been dealt with so far.
    fn progress(&mut self, done: u64);
}

struct Written {
    id: Hash,
    height: u64,
    bytes: Vec<u8>,
}

/// Feeds everything that `source` yields into blocks over the node's tip. The workers turn it into batches of signed
/// transactions with `make`, whose signatures are verified, or were before.
///
/// # Errors
/// The store fails, or the proposer cannot receive the fees. What is final by then stays.
pub fn run<T: Send>(
    node: &mut Node,
    signatures: Signatures<'_>,
    config: PipelineConfig,
    mut source: impl FnMut() -> Option<T> + Send,
    make: impl Fn(T) -> Batch + Sync,
    caller: &mut impl Refused,
) -> Result<PipelineReport, NodeError> {
    let start = Instant::now();
    let (work_out, work_in) = bounded::<(u64, T)>(WORK_BATCHES);
    let (ready_out, ready_in) = bounded::<(u64, Prepared, Duration)>(READY_BATCHES);
    let (blocks_out, blocks_in) = bounded::<Written>(BLOCKS_AHEAD);
    let (durable_out, durable_in) = bounded::<Result<Hash, StoreError>>(2 * BLOCKS_AHEAD);
    let store = Arc::clone(node.store());
    std::thread::scope(|scope| {
        let reader = scope.spawn(move || {
            let mut time = Duration::ZERO;
            let mut watch = Stopwatch::start();
            for sequence in 0.. {
                let item = source();
                watch.lap(&mut time);
                let Some(item) = item else { break };
                if work_out.send((sequence, item)).is_err() {
                    break;
                }
                watch.skip();
            }
            time
        });
        for _ in 0..config.workers.max(1) {
            let (work_in, ready_out, make) = (work_in.clone(), ready_out.clone(), &make);
            scope.spawn(move || {
                for (sequence, item) in work_in {
                    let mut time = Duration::ZERO;
                    let mut watch = Stopwatch::start();
                    let batch = make(item);
                    watch.lap(&mut time);
                    let prepared = prepare(batch, signatures);
                    if ready_out.send((sequence, prepared, time)).is_err() {
                        break;
                    }
                }
            });
        }
        drop((work_in, ready_out));
        let writer = scope.spawn(move || write(&*store, &blocks_in, &durable_out));
        let mut executor = Executor {
            node,
            config,
            ready: Ordered { inbox: ready_in, early: BTreeMap::new(), next: 0 },
            current: None,
            place: 0,
            ahead: VecDeque::new(),
            report: PipelineReport::default(),
        };
        let result = executor.run(&blocks_out, &durable_in, caller);
        let Executor { mut report, ready, .. } = executor;
        // Hang up on both sides, so that every thread ends, whatever the result.
        drop((ready, blocks_out, durable_in));
        if let Ok(time) = reader.join() {
            report.stages.read = time;
        }
        if let Ok(time) = writer.join() {
            report.stages.write = time;
        }
        result?;
        report.elapsed = start.elapsed();
        Ok(report)
    })
}

/// Appends blocks and syncs once for all that wait.
fn write(
    store: &dyn Store,
    blocks: &Receiver<Written>,
    durable: &Sender<Result<Hash, StoreError>>,
) -> Duration {
    let mut time = Duration::ZERO;
    let mut watch = Stopwatch::start();
    while let Ok(first) = blocks.recv() {
        watch.skip();
        let mut ids = Vec::new();
        let mut result = Ok(());
        for block in std::iter::once(first).chain(blocks.try_iter()) {
            result = result.and_then(|()| store.append(block.height, &block.bytes));
            ids.push(block.id);
        }
        result = result.and_then(|()| store.sync());
        watch.lap(&mut time);
        match result {
            Ok(()) => {
                if ids.into_iter().any(|id| durable.send(Ok(id)).is_err()) {
                    break;
                }
            }
            Err(error) => {
                let _ = durable.send(Err(error));
                break;
            }
        }
        // The next segment of the log is made ready while blocks are executed.
        let _ = store.prepare();
    }
    time
}

/// Prepared batches in the order of the source.
struct Ordered {
    inbox: Receiver<(u64, Prepared, Duration)>,
    early: BTreeMap<u64, (Prepared, Duration)>,
    next: u64,
}

impl Ordered {
    fn next(&mut self) -> Option<(Prepared, Duration)> {
        loop {
            if let Some(prepared) = self.early.remove(&self.next) {
                self.next += 1;
                return Some(prepared);
            }
            let (sequence, prepared, time) = self.inbox.recv().ok()?;
            self.early.insert(sequence, (prepared, time));
        }
    }
}

struct Executor<'n> {
    node: &'n mut Node,
    config: PipelineConfig,
    ready: Ordered,
    /// The batch under way, and the next transaction in it.
    current: Option<(Prepared, usize)>,
    /// The next transaction's place in the source.
    place: u64,
    /// Blocks that the writer has, oldest first, and the place in the source after each.
    ahead: VecDeque<(Hash, u64, u64)>,
    report: PipelineReport,
}

impl Executor<'_> {
    fn run(
        &mut self,
        blocks: &Sender<Written>,
        durable: &Receiver<Result<Hash, StoreError>>,
        caller: &mut impl Refused,
    ) -> Result<(), NodeError> {
        let mut parent = self.node.chain().tip_id();
        let mut time_ms = self.node.chain().tip().time_ms;
        loop {
            time_ms += self.config.block_interval_ms;
            let mut watch = Stopwatch::start();
            let view = self.node.chain().next_view(parent, self.config.proposer)?;
            let mut execution = self.node.chain().begin(parent, time_ms, view)?;
            while execution.len() < self.config.block_transactions {
                let (prepared, index) = match &mut self.current {
                    Some((prepared, index)) if *index < prepared.len() => (prepared, index),
                    _ => {
                        watch.lap(&mut self.report.stages.execute);
                        let Some((prepared, make)) = self.ready.next() else { break };
                        watch.skip();
                        self.report.stages.make += make;
                        self.report.stages.prepare += prepared.times;
                        self.current = Some((prepared, 0));
                        continue;
                    }
                };
                let pushed = execution.push(prepared, *index);
                *index += 1;
                if let Err(refusal) = pushed {
                    let instead = caller.refused(self.place, refusal, &mut execution);
                    self.report.refused += u64::from(instead == 0);
                }
                self.place += 1;
            }
            let count = execution.len() as u64;
            if count == 0 {
                break;
            }
            let executed = execution.finish(self.config.proposer)?;
            watch.lap(&mut self.report.stages.execute);
            let id = self.node.chain_mut().seal(executed)?;
            watch.lap(&mut self.report.stages.roots);
            let block = self.node.chain().pending(id).ok_or(NodeError::UnknownBlock(id))?;
            let written = Written { id, height: block.header.height, bytes: block.encode() };
            watch.lap(&mut self.report.stages.write);
            self.ahead.push_back((id, count, self.place));
            parent = id;
            if blocks.send(written).is_err() {
                break;
            }
            while let Ok(result) = durable.try_recv() {
                self.settle(result?, caller)?;
            }
            while self.ahead.len() >= BLOCKS_AHEAD {
                let Ok(result) = durable.recv() else { break };
                self.settle(result?, caller)?;
            }
        }
        while !self.ahead.is_empty() {
            // A writer that is gone has sent its error before.
            let Ok(result) = durable.recv() else { break };
            self.settle(result?, caller)?;
        }
        Ok(())
    }

    fn settle(&mut self, id: Hash, caller: &mut impl Refused) -> Result<(), NodeError> {
        let mut watch = Stopwatch::start();
        let Some((_, count, place)) = self.ahead.pop_front() else { return Err(NodeError::UnknownBlock(id)) };
        self.node.settle(id)?;
        watch.lap(&mut self.report.stages.settle);
        self.report.transactions += count;
        self.report.blocks += 1;
        caller.progress(place);
        Ok(())
    }
}
