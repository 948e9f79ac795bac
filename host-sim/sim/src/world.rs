//! The validators of a run: each with its disk, its vote key, its place in the network.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use commonware_cryptography::Signer as _;
use commonware_cryptography::ed25519::PublicKey;
use commonware_p2p::simulated::{self, Link, Network, Oracle};
use commonware_runtime::{Handle, Quota, Supervisor, deterministic};
use commonware_utils::{NZU32, NZUsize, Probability};
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
use qenex_validator::engine::{self, Channels, Config, Identity, Running, Timing, max_message_bytes};
use qenex_validator::epochs::Epochs;
use qenex_validator::evidence::Reporter;
use qenex_validator::ledger::{Ledger, Shared};

use crate::byzantine::{Carries, Lie, Lies};
use crate::keys;
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
pub const LATENCY: Duration = Duration::from_millis(20);

/// A validator.
pub struct Member {
    disk: Arc<SimDisk>,
    /// The disk of its checkpoints.
    checkpoints: Arc<SimDisk>,
    checkpoint_signer: Arc<KeyCheckpointSigner>,
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
    oracle: Oracle<PublicKey, deterministic::Context>,
    genesis: Genesis,
    peers: Vec<PublicKey>,
    epochs: Epochs,
    /// The validators, running or not.
    pub members: Vec<Member>,
    _network: Handle<()>,
}

impl World {
    /// A world in which nobody runs yet.
    pub async fn new(context: deterministic::Context, plan: &Plan) -> Self {
        let count = usize::from(plan.validators);
        let config = simulated::Config {
            max_size: max_message_bytes(LIMITS),
            max_peers_per_set: NZUsize!(256),
            disconnect_on_block: true,
            tracked_peer_sets: NZUsize!(4),
        };
        let peers: Vec<PublicKey> = (0..count).map(|index| keys::peer_key(index).public_key()).collect();
        let (network, oracle) =
            Network::new_with_peers(context.child("network"), config, peers.clone()).await;
        let members = (0..count)
            .map(|index| Member {
                disk: SimDisk::new(plan.seed ^ (index as u64 + 1)),
                checkpoints: SimDisk::new(plan.seed ^ (index as u64 + 0x1_0000)),
                checkpoint_signer: keys::checkpoint_signer(index),
                starts: 0,
                lies: Lies::new(index, lies_of(plan, index), plan.seed),
                given: Given::default(),
                running: None,
            })
            .collect();
        let epoch_blocks = NonZeroU64::new(plan.epoch_blocks).unwrap_or(NonZeroU64::MIN);
        Self {
            _network: network.start(),
            context,
            oracle,
            genesis: keys::genesis(count, plan.clients.into(), plan.epoch_blocks),
            peers,
            epochs: Epochs::new(epoch_blocks),
            members,
        }
    }

    /// Connects or disconnects each pair as `link` says.
    pub async fn connect(&self, link: impl Fn(usize, usize) -> Option<Link>) {
        for (from, sender) in self.peers.iter().enumerate() {
            for (to, receiver) in self.peers.iter().enumerate().filter(|(to, _)| *to != from) {
                let (sender, receiver) = (sender.clone(), receiver.clone());
                // A link that is there is not changed, only replaced; one that is not there need not be taken away.
                let _ = self.oracle.remove_link(sender.clone(), receiver.clone()).await;
                if let Some(link) = link(from, to)
                    && let Err(error) = self.oracle.add_link(sender, receiver, link).await
                {
                    unreachable!("a simulated network takes a link that was not there: {error}");
                }
            }
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
        let control = self.oracle.control(peer.clone());
        let quota = Quota::per_second(NZU32!(1_024));
        let mut channels = Vec::new();
        for channel in 0..Channels::<(), ()>::COUNT {
            match control.register(channel, quota).await {
                Ok(pair) => channels.push(pair),
                Err(error) => unreachable!("a simulated network has every channel: {error}"),
            }
        }
        let mut channels = channels.into_iter();
        let mut next = |carries| {
            let (sender, receiver) =
                channels.next().unwrap_or_else(|| unreachable!("as many as were registered"));
            (member.lies.over(sender, carries), receiver)
        };
        let channels = Channels {
            votes: next(Carries::Votes),
            certificates: next(Carries::Other),
            resolver: next(Carries::Other),
            blocks: next(Carries::Blocks),
            backfill: next(Carries::Other),
            transactions: next(Carries::Other),
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
            followers: Vec::new(),
            checkpoints,
            reporter: Some(Reporter {
                account: keys::validator_account(index),
                key: keys::validator_key(index),
            }),
            partition: format!("validator-{index}"),
            manager: self.oracle.manager(),
            blocker: control,
        };
        member.running = Some(engine::start(context, config, ledger, genesis, channels));
        Ok(())
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
pub fn good_link() -> Link {
    link(LATENCY, Duration::from_millis(5), 0)
}

/// A link of this latency, give or take, that loses so many percent.
pub fn link(latency: Duration, jitter: Duration, loss_percent: u8) -> Link {
    let delivered = 100 - u64::from(loss_percent.min(100));
    let success_rate =
        Probability::new(delivered, 100).unwrap_or_else(|| unreachable!("at most all of them"));
    Link { latency, jitter, success_rate }
}
