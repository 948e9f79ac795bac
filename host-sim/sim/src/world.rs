//! The validators of a run: each with its disk, its vote key, its place in the network.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use commonware_cryptography::Signer as _;
use commonware_cryptography::ed25519::PublicKey;
use commonware_runtime::{Handle, Supervisor, deterministic};
use qenex_consensus::{KeyCheckpointSigner, KeySigner, VoteSigner};
use qenex_node::chain::Chain;
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
use qenex_validator::snapshots::Snapshots;
use qenex_validator::state_sync::Policy;

use crate::byzantine::{Carries, Lie, Lies};
use crate::devices::Device;
use crate::keys;
use crate::network::{Link, Network};
use crate::plan::Plan;
use crate::votes::{Given, WatchedSigner};

/// What a block may hold in a run.
pub const LIMITS: BlockLimits = BlockLimits { transactions: 256, bytes: 64 << 10 };

/// Nothing is written in the background, so that a run replays exactly. Some keep all blocks.
fn node_config(plan: &Plan, index: usize) -> NodeConfig {
    NodeConfig {
        state_bytes: 64 << 20,
        cache_bytes: 1 << 20,
        segment_bytes: 32 << 10,
        checkpoint_transactions: u64::MAX,
        checkpoint_blocks: 32,
        background: false,
        history_blocks: (!is_archive(index)).then_some(60 + 3 * plan.epoch_blocks),
    }
}

/// Whether a validator keeps all blocks: one honest validator does, at least.
pub const fn is_archive(index: usize) -> bool {
    index.is_multiple_of(3)
}

/// A validator whose newest block is older than this asks for a state.
const BEHIND: Duration = Duration::from_secs(8);

/// What links are like when nothing fails.
const LATENCY: Duration = Duration::from_millis(20);

/// A validator.
pub struct Member {
    disk: Arc<SimDisk>,
    /// The disk of its checkpoints.
    checkpoints: Arc<SimDisk>,
    checkpoint_signer: Arc<KeyCheckpointSigner>,
    clock: WallClock,
    /// What holds its key of votes, if that is not in memory.
    device: Option<Device>,
    /// The disk of the states that it offers.
    snapshots: Arc<SimDisk>,
    /// How often it was started.
    starts: u64,
    /// How often it has lost all that it had.
    pub wipes: u64,
    /// Its disk is empty.
    is_new: bool,
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
    plan: Plan,
    genesis: Genesis,
    epochs: Epochs,
    /// The validators, running or not.
    pub members: Vec<Member>,
    _delivery: Handle<()>,
}

impl World {
    /// A world in which nobody runs yet.
    ///
    /// # Errors
    /// A device refuses to be a validator's, or the genesis contradicts itself.
    pub fn new(context: deterministic::Context, plan: &Plan) -> Result<Self, String> {
        let count = usize::from(plan.validators);
        let peers: Vec<PublicKey> = (0..count).map(|index| keys::peer_key(index).public_key()).collect();
        let (network, delivery) = Network::new(context.child("network"), plan.seed, peers);
        let mut devices = (0..count)
            .map(|index| {
                let has = plan.devices && plan.is_honest(index);
                has.then(|| Device::new(plan.seed ^ ((index as u64) << 48))).transpose()
            })
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| format!("a new device: {error}"))?;
        let vote_key = |(index, device): (usize, &Option<Device>)| {
            device.as_ref().map_or_else(|| keys::vote_key(index).public_key(), |device| device.vote_key)
        };
        let vote_keys: Vec<_> = devices.iter().enumerate().map(vote_key).collect();
        let genesis = keys::genesis(&vote_keys, plan.clients.into(), plan.epoch_blocks);
        let first = Chain::new(&genesis, usize::MAX).map_err(|error| error.to_string())?;
        for device in devices.iter_mut().flatten() {
            device.anchor(first.tip()).map_err(|error| format!("a new device: {error}"))?;
        }
        let members = devices
            .into_iter()
            .enumerate()
            .map(|(index, device)| Member {
                device,
                disk: SimDisk::new(plan.seed ^ (index as u64 + 1)),
                checkpoints: SimDisk::new(plan.seed ^ (index as u64 + 0x1_0000)),
                snapshots: SimDisk::new(plan.seed ^ (index as u64 + 0x2_0000)),
                checkpoint_signer: keys::checkpoint_signer(index),
                clock: WallClock::default(),
                starts: 0,
                wipes: 0,
                is_new: true,
                lies: Lies::new(index, lies_of(plan, index), plan.seed),
                given: Given::default(),
                running: None,
            })
            .collect();
        let epoch_blocks = NonZeroU64::new(plan.epoch_blocks).unwrap_or(NonZeroU64::MIN);
        Ok(Self {
            _delivery: delivery,
            context,
            network,
            plan: plan.clone(),
            genesis,
            epochs: Epochs::new(epoch_blocks),
            members,
        })
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
    /// The disk is damaged: no power cut does that. Or the device does not start.
    pub async fn start(&mut self, index: usize) -> Result<(), String> {
        let key: Arc<dyn VoteSigner> = match &mut self.members[index].device {
            Some(device) => device.start().map_err(|error| format!("the device: {error}"))?,
            None => Arc::new(KeySigner(keys::vote_key(index))),
        };
        self.start_with(index, key).map_err(|error| error.to_string())
    }

    fn start_with(&mut self, index: usize, key: Arc<dyn VoteSigner>) -> Result<(), NodeError> {
        let member = &mut self.members[index];
        let disk = Arc::clone(&member.disk);
        let config = node_config(&self.plan, index);
        let node = match Node::open(disk.clone(), config) {
            Ok((node, _)) => node,
            // There was never a chain.
            Err(_) if member.is_new => Node::create(disk, &self.genesis, config)?,
            Err(error) => return Err(error),
        };
        member.is_new = false;
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
            certificates: next(Carries::Certificates),
            resolver: next(Carries::Fetched),
            blocks: next(Carries::Blocks),
            backfill: next(Carries::Backfill),
            transactions: next(Carries::Transactions),
            checkpoints: next(Carries::Checkpoints),
            states: next(Carries::States),
        };
        let checkpoints =
            Checkpoints::load(member.checkpoints.clone()).map_err(StoreError::io("checkpoints", "open"))?;
        let snapshots =
            Snapshots::load(member.snapshots.clone()).map_err(StoreError::io("snapshots", "open"))?;
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
                    key,
                    given: member.given.clone(),
                    // The engine's own journal is enough, unless that is gone.
                    guarded: member.device.is_none() && member.wipes > 0,
                })),
                checkpoint_signer: Some(member.checkpoint_signer.clone()),
            },
            epochs: self.epochs,
            limits: LIMITS,
            timing: Timing::default(),
            clock: member.clock.clone(),
            followers: Vec::new(),
            checkpoints,
            snapshots,
            snapshot_epochs: 1,
            state_sync: Some(Policy { behind: BEHIND, trusted: None }),
            reporter: Some(Reporter {
                account: keys::validator_account(index),
                key: keys::validator_key(index),
            }),
            partition: format!("validator-{index}-{}", member.wipes),
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
        member.snapshots = member.snapshots.restart(loss);
    }

    /// Takes all that a validator which does not run has on its disks. What it has signed stays with its device.
    pub fn wipe(&mut self, index: usize) {
        let member = &mut self.members[index];
        member.wipes += 1;
        member.is_new = true;
        let seed = self.plan.seed ^ (index as u64 + 1) ^ (member.wipes << 32);
        member.disk = SimDisk::new(seed);
        member.checkpoints = SimDisk::new(seed ^ 0x1_0000);
        member.snapshots = SimDisk::new(seed ^ 0x2_0000);
    }
}

fn lies_of(plan: &Plan, index: usize) -> Vec<Lie> {
    let of = plan.liars.iter().find(|(liar, _)| usize::from(*liar) == index);
    of.map(|(_, lies)| lies.clone()).unwrap_or_default()
}

/// A link as it is when nothing fails.
pub const GOOD_LINK: Link = Link { latency: LATENCY, jitter: Duration::from_millis(5), loss_percent: 0 };
