//! The validators of a run: each with its disk, its vote key, its place in the network.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use commonware_cryptography::Signer as _;
use commonware_cryptography::ed25519::PublicKey;
use commonware_runtime::{Handle, Supervisor, deterministic};
use qenex_consensus::{KeyCheckpointSigner, KeySigner};
use qenex_node::error::NodeError;
use qenex_node::genesis::Genesis;
use qenex_node::mempool::MempoolLimits;
use qenex_node::node::{Node, NodeConfig};
use qenex_node::sequencer::{BlockLimits, Sequencer};
use qenex_store::StoreError;
use qenex_store::disk::{Loss, SimDisk};
use qenex_validator::block::ChainBlock;
use qenex_validator::checkpoints::Checkpoints;
use qenex_validator::clock::WallClock;
use qenex_validator::engine::{self, Channels, Config, Identity, Running, Timing};
use qenex_validator::epochs::Epochs;
use qenex_validator::evidence::Reporter;
use qenex_validator::ledger::{Ledger, Shared};

use crate::byzantine::{Carries, Lie, Lies};
use crate::keys;
use crate::network::{Link, Network};
use crate::plan::Plan;
use crate::votes::{Given, WatchedSigner};

/// What a block may hold in a run.
pub const LIMITS: BlockLimits = BlockLimits { transactions: 256, bytes: 64 << 10 };

/// No checkpoint is written in the background, so that a run replays exactly.
const NODE: NodeConfig = NodeConfig {
    state_bytes: 64 << 20,
    cache_bytes: 1 << 20,
    segment_bytes: 1 << 20,
    checkpoint_transactions: u64::MAX,
    checkpoint_blocks: u64::MAX,
};

/// What links are like when nothing fails.
const LATENCY: Duration = Duration::from_millis(20);

/// A validator.
pub struct Member {
    disk: Arc<SimDisk>,
    /// The disk of its checkpoints.
    checkpoints: Arc<SimDisk>,
    checkpoint_signer: Arc<KeyCheckpointSigner>,
    clock: WallClock,
    /// How often it was started.
    starts: u64,
    lies: Lies,
    /// What it has signed in all its lives.
    pub given: Given,
    running: Option<Running>,
}

/// The validators and the network.
pub struct World {
    context: deterministic::Context,
    /// What connects them.
    pub network: Network,
    genesis: Genesis,
    epochs: Epochs,
    /// The validators, running or not.
    pub members: Vec<Member>,
    _delivery: Handle<()>,
}

impl World {
    /// A world in which nobody runs yet.
    pub fn new(context: deterministic::Context, plan: &Plan) -> Self {
        let count = usize::from(plan.validators);
        let peers: Vec<PublicKey> = (0..count).map(|index| keys::peer_key(index).public_key()).collect();
        let (network, delivery) = Network::new(context.child("network"), plan.seed, peers);
        let members = (0..count)
            .map(|index| Member {
                disk: SimDisk::new(plan.seed ^ (index as u64 + 1)),
                checkpoints: SimDisk::new(plan.seed ^ (index as u64 + 0x1_0000)),
                checkpoint_signer: keys::checkpoint_signer(index),
                clock: WallClock::default(),
                starts: 0,
                lies: Lies::new(index, lies_of(plan, index), plan.seed),
                given: Given::default(),
                running: None,
            })
            .collect();
        let epoch_blocks = NonZeroU64::new(plan.epoch_blocks).unwrap_or(NonZeroU64::MIN);
        Self {
            _delivery: delivery,
            context,
            network,
            genesis: keys::genesis(count, plan.clients.into(), plan.epoch_blocks),
            epochs: Epochs::new(epoch_blocks),
            members,
        }
    }

    /// The ledger of a validator that runs.
    pub fn ledger(&self, index: usize) -> Option<&Shared> {
        self.members.get(index)?.running.as_ref().map(|running| &running.ledger)
    }

    /// A validator that runs.
    pub fn running(&self, index: usize) -> Option<&Running> {
        self.members.get(index)?.running.as_ref()
    }

    /// Starts a validator from what its disk holds.
    ///
    /// # Errors
    /// The disk is damaged: no power cut does that.
    pub async fn start(&mut self, index: usize) -> Result<(), NodeError> {
        let member = &mut self.members[index];
        let disk = Arc::clone(&member.disk);
        let node = match Node::open(disk.clone(), NODE) {
            Ok((node, _)) => node,
            // Cut off before the chain was begun.
            Err(_) if member.starts == 0 => Node::create(disk, &self.genesis, NODE)?,
            Err(error) => return Err(error),
        };
        member.starts += 1;
        let genesis = ChainBlock::new(node.block(0)?);
        let sequencer = Sequencer::new(keys::validator_account(index), MempoolLimits::default());
        let ledger = Shared::new(Ledger::new(node, sequencer, LIMITS));
        let peer = keys::peer_key(index).public_key();
        let port = self.network.begin(self.context.child("port"), index);
        let mut channels = 0..Channels::<(), ()>::COUNT;
        let mut next = |carries| {
            let channel = channels.next().unwrap_or_else(|| unreachable!("as many as there are"));
            let (sender, receiver) = port.register(channel);
            (member.lies.over(sender, carries), receiver)
        };
        let channels = Channels {
            votes: next(Carries::Votes),
            certificates: next(Carries::Other),
            resolver: next(Carries::Other),
            blocks: next(Carries::Blocks),
            backfill: next(Carries::Other),
            transactions: next(Carries::Transactions),
            checkpoints: next(Carries::Other),
        };
        let checkpoints =
            Checkpoints::load(member.checkpoints.clone()).map_err(StoreError::io("checkpoints", "open"))?;
        let context = self
            .context
            .child("validator")
            .with_attribute("index", index)
            .with_attribute("start", member.starts);
        let config = Config {
            identity: Identity {
                chain_id: keys::chain_id(),
                peer,
                signer: Some(Arc::new(WatchedSigner {
                    key: KeySigner(keys::vote_key(index)),
                    given: member.given.clone(),
                })),
                checkpoint_signer: Some(member.checkpoint_signer.clone()),
            },
            epochs: self.epochs,
            limits: LIMITS,
            timing: Timing::default(),
            clock: member.clock.clone(),
            followers: Vec::new(),
            checkpoints,
            reporter: Some(Reporter {
                account: keys::validator_account(index),
                key: keys::validator_key(index),
            }),
            partition: format!("validator-{index}"),
            manager: port.clone(),
            blocker: port.clone(),
        };
        member.running = Some(engine::start(context, config, ledger, genesis, channels));
        Ok(())
    }

    /// Sets how far the clock of a validator is ahead.
    pub fn set_clock(&self, index: usize, ahead_ms: i64) {
        self.members[index].clock.set_ahead_ms(ahead_ms);
    }

    /// Fills the disk of a validator, or makes room. Its process has ended then, if it wrote anything.
    pub fn set_full(&self, index: usize, full: bool) {
        self.members[index].disk.set_full(full);
    }

    /// Cuts the power of a validator.
    pub async fn crash(&mut self, index: usize, loss: Loss) {
        let member = &mut self.members[index];
        if let Some(running) = member.running.take() {
            running.handle.abort();
            let _ = running.handle.await;
        }
        member.disk = member.disk.restart(loss);
        member.checkpoints = member.checkpoints.restart(loss);
    }
}

fn lies_of(plan: &Plan, index: usize) -> Vec<Lie> {
    let of = plan.liars.iter().find(|(liar, _)| usize::from(*liar) == index);
    of.map(|(_, lies)| lies.clone()).unwrap_or_default()
}

/// A link as it is when nothing fails.
pub const GOOD_LINK: Link = Link { latency: LATENCY, jitter: Duration::from_millis(5), loss_percent: 0 };
