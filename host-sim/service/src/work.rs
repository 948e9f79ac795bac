//! A node of a chain on which work decides.

use std::sync::Arc;
use std::time::Instant;

use commonware_cryptography::Signer as _;
use commonware_p2p::{Manager, TrackedPeers};
use commonware_runtime::{Runner, Supervisor};
use commonware_utils::ordered::Set;
use qenex_api::ledger::{Found, Ledger as Asked};
use qenex_api::view::{Confirmed, Proof, Status, WorkStatus};
use qenex_core::codec::{Encoded, encode};
use qenex_core::crypto::Hash;
use qenex_core::ledger::{Record, RecordId};
use qenex_node::block::{Batch, Block};
use qenex_node::error::NodeError;
use qenex_node::mempool::MempoolLimits;
use qenex_node::node::{Node, Source};
use qenex_node::sequencer::{BlockLimits, Sequencer, SubmitError};
use qenex_store::RealDisk;
use qenex_work::engine::{self, Channels, Config, Running, Timing, max_message_bytes};
use qenex_work::ledger::{Ledger, Shared};
use qenex_work::miner::Threads;

use crate::error::ServiceError;
use crate::ledger::{self, Opened};
use crate::run::Start;

/// Messages of a channel that a peer may send in a second.
const QUOTAS: [u32; Channels::<(), ()>::COUNT as usize] = [16, 64];

/// Bytes of a segment of the journal.
const JOURNAL_BYTES: u64 = 8 << 20;

/// Runs the node.
pub(crate) fn run(start: Start) -> Result<(), ServiceError> {
    let data = &start.config.data;
    if start.config.device.is_some() {
        return Err(ServiceError::file(&start.path, "device: there are no votes where work decides"));
    }
    if start.config.interface.custody.is_some() {
        let detail = "custody: devices follow a chain by votes, and there are none where work decides";
        return Err(ServiceError::file(&start.path, detail));
    }
    if start.config.history_blocks.is_some() || start.config.state_sync.is_some() {
        let detail = "history_blocks and state_sync are for chains on which validators decide";
        return Err(ServiceError::file(&start.path, detail));
    }
    let Opened { node, books, _folder } = ledger::open(&start.config, &start.genesis)?;
    let limits = BlockLimits::default();
    let sequencer = Sequencer::new(start.account, MempoolLimits::default());
    let journal = RealDisk::open(&data.join("pending"))?;
    let ledger = Shared::new(Ledger::open(node, sequencer, limits, journal, JOURNAL_BYTES)?);
    let threads = start.config.mining_threads;
    let miner = (threads != Some(0)).then(|| Threads::new(threads));
    start.runtime().start(|context| async move {
        let peers: Vec<_> = start.peers().chain([&start.key.public_key()]).cloned().collect();
        let (network, mut oracle, channels) =
            start.connect(&context, peers.len(), max_message_bytes(limits), &QUOTAS);
        let followers = Set::from_iter_dedup(start.followers.iter().cloned());
        oracle.track(0, TrackedPeers { primary: Set::from_iter_dedup(peers), secondary: followers });
        let Ok([blocks, transactions]) = <[_; QUOTAS.len()]>::try_from(channels) else {
            return Err(ServiceError::Ended("the network has other channels".into()));
        };
        let config = Config { limits, timing: Timing::default(), miner: miner.clone(), blocker: oracle };
        let channels = Channels { blocks, transactions };
        let Running { ledger, submitted, handle } =
            engine::start(context.child("node"), config, ledger, channels);
        let mined = Arc::new(Mined { ledger, miner, since: Instant::now() });
        start.back_up(mined.clone(), None)?;
        start.keep_books(books, mined.clone());
        start.serve(mined.clone(), submitted, [network, handle]).await?;
        Ok(mined.ledger.lock().checkpoint()?)
    })
}

/// The ledger, and who mines on it, for programs.
struct Mined {
    ledger: Shared,
    miner: Option<Threads>,
    since: Instant,
}

/// What is final is confirmed by as many blocks as finality lies deep, at least.
fn confirmed(ledger: &Ledger, confirmations: Option<u64>) -> Confirmed {
    let depth = u64::from(ledger.chain().rules.depth);
    Confirmed { confirmations: Some(confirmations.unwrap_or(depth)), is_final: Some(confirmations.is_none()) }
}

impl Source for Mined {
    fn look(&self, look: &mut dyn FnMut(&Node)) {
        look(self.ledger.lock().node());
    }
}

impl Asked for Mined {
    fn submit(&self, signed: &[u8]) -> Result<Hash, SubmitError> {
        self.ledger.lock().submit(signed)
    }

    fn submit_all(&self, signed: &Batch) -> Vec<Result<Hash, SubmitError>> {
        self.ledger.lock().submit_all(signed)
    }

    fn status(&self) -> Status {
        let ledger = self.ledger.lock();
        let (_, root) = ledger.branches().root();
        let mining = WorkStatus {
            final_height: root.height,
            work: ledger.work().to_string(),
            hashes_per_block: ledger.chain().target_after(ledger.head()).work().hashes(),
            pending: ledger.branches().len(),
            mining_threads: self.miner.as_ref().map_or(0, Threads::count),
            hashes_per_second: self.miner.as_ref().map_or(0, Threads::hashes)
                / self.since.elapsed().as_secs().max(1),
        };
        Status { mining: Some(mining), ..Status::new(ledger.head(), ledger.waiting(), ledger.room()) }
    }

    fn record(&self, id: &RecordId) -> Result<Found, NodeError> {
        let ledger = self.ledger.lock();
        let mut buffer = [0; Record::MAX_LEN];
        let damaged = |_| NodeError::Record(*id);
        let record = ledger.record(id, &mut buffer).map_err(damaged)?;
        let mut bytes = [0; Record::MAX_LEN];
        let record = record.map(|record| encode(&record, &mut bytes).map(<[u8]>::to_vec)).transpose();
        let record = record.map_err(|_| NodeError::Record(*id))?;
        Ok(Found { record, confirmed: confirmed(&ledger, ledger.confirmations(id)) })
    }

    /// Of what is final.
    fn prove(&self, ids: &[RecordId]) -> Result<Proof, NodeError> {
        Ok(Proof::new(self.ledger.lock().node().chain(), ids))
    }

    fn block(&self, height: u64) -> Result<(Block, Confirmed), NodeError> {
        let ledger = self.ledger.lock();
        let (_, root) = ledger.branches().root();
        let above = ledger.head().height.saturating_sub(height) + 1;
        Ok((ledger.block(height)?, confirmed(&ledger, (height > root.height).then_some(above))))
    }
}
