//! A validator, or a node that only follows: the ledger, the engine that decides, and what they need of a network.
//!
//! Everything runs on the runtime that is handed in: a real one, or the deterministic one of the simulation. Each epoch has an engine of its own, whose
//! messages travel on channels of their own; blocks, their backfill and transactions have one channel for all epochs.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use commonware_broadcast::buffered;
use commonware_consensus::Reporters;
use commonware_consensus::marshal::core::Actor as Marshal;
use commonware_consensus::marshal::standard::{Inline, Standard};
use commonware_consensus::marshal::{self, Start, resolver};
use commonware_consensus::simplex::types::Finalization;
use commonware_consensus::simplex::{self, Engine, ForwardPolicy, SkipBudget, SkipPolicy};
use commonware_consensus::types::{Epoch, Height, ViewDelta};
use commonware_cryptography::ed25519::PublicKey;
use commonware_macros::select_loop;
use commonware_p2p::utils::mux::{Builder, Muxer};
use commonware_p2p::{Blocker, Manager, Receiver, Sender};
use commonware_parallel::Sequential;
use commonware_runtime::buffer::paged::CacheRef;
use commonware_runtime::{Clock, Handle, Metrics, Spawner, Storage};
use commonware_storage::archive::Archive;
use commonware_utils::channel::mpsc;
use commonware_utils::vec::NonEmptyVec;
use commonware_utils::{NZDuration, NZU16, NZU64, NZUsize};
use qenex_consensus::{CheckpointSigner, HeaderId, Scheme, Validators, VoteSigner, proposal_of};
use qenex_core::consensus::Header;
use qenex_core::id::ChainId;
use qenex_node::block::Batch;
use qenex_node::sequencer::BlockLimits;
use rand_core::CryptoRng;

use crate::application::Application;
use crate::beginning::{Floor, archive, bring_along, floor, get_state, track};
use crate::block::ChainBlock;
use crate::checkpoint::Certified;
use crate::checkpoints::Checkpoints;
use crate::clock::WallClock;
use crate::epochs::{Epochs, Schemes};
use crate::evidence::{self, Reporter, Watcher};
use crate::exchange::{self, Exchange, note_ends};
use crate::finalizer::Finalizer;
use crate::gossip;
use crate::ledger::Shared;
use crate::newest::{self, Newest, Publisher};
use crate::seats::{Leaders, validators};
use crate::snapshots::Snapshots;
use crate::state_sync::{self, Policy};

const MAILBOX: NonZeroUsize = NZUsize!(1_024);
pub(crate) const BUFFER: NonZeroUsize = NZUsize!(1 << 20);
/// Blocks of each peer that are kept until the engine asks for them.
const BLOCKS_PER_PEER: usize = 16;
/// Final blocks that may wait for the ledger.
const MAX_UNACKNOWLEDGED: NonZeroUsize = NZUsize!(16);
/// Missing blocks that are asked for at a time.
const MAX_REPAIR: NonZeroUsize = NZUsize!(32);
/// Views behind the newest final one for which the engine still answers.
const VIEW_RETENTION: ViewDelta = ViewDelta::new(16);

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// Between the times of two blocks, at least.
    pub block_interval: Duration,
    /// Until a leader has proposed.
    pub leader: Duration,
    /// Until a view has come to an end; longer than `leader`.
    pub certification: Duration,
    /// Until an answer of a peer is awaited no longer.
    pub fetch: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            block_interval: Duration::from_millis(200),
            leader: Duration::from_secs(1),
            certification: Duration::from_secs(2),
            fetch: Duration::from_secs(1),
        }
    }
}

/// Who a node is.
#[derive(Clone)]
pub struct Identity {
    /// The chain.
    pub chain_id: ChainId,
    /// Its key of the network.
    pub peer: PublicKey,
    /// Who signs its votes; nobody for a node that only follows.
    pub signer: Option<Arc<dyn VoteSigner>>,
    /// Who signs its checkpoints; nobody for a node that only follows.
    pub checkpoint_signer: Option<Arc<dyn CheckpointSigner>>,
}

/// What all nodes of a chain agree on, and what this one is.
pub struct Config<M, B> {
    /// Who it is.
    pub identity: Identity,
    /// How long epochs are.
    pub epochs: Epochs,
    /// What a block may hold.
    pub limits: BlockLimits,
    /// How long things may take.
    pub timing: Timing,
    /// By which blocks get their times.
    pub clock: WallClock,
    /// Nodes that follow without a vote.
    pub followers: Vec<PublicKey>,
    /// Where checkpoints are kept.
    pub checkpoints: Checkpoints,
    /// The states that it offers.
    pub snapshots: Snapshots,
    /// After how many epochs it offers another one; none if it is zero.
    pub snapshot_epochs: u64,
    /// When it asks others for a state; never where nothing is said.
    pub state_sync: Option<Policy>,
    /// Who reports validators that equivocate.
    pub reporter: Option<Reporter>,
    /// What its files are called.
    pub partition: String,
    /// Whom the network connects to.
    pub manager: M,
    /// Whom it does not hear any more.
    pub blocker: B,
}

/// The channels of a network.
pub struct Channels<S, R> {
    /// Votes.
    pub votes: (S, R),
    /// Certificates.
    pub certificates: (S, R),
    /// Certificates that are asked for.
    pub resolver: (S, R),
    /// Blocks.
    pub blocks: (S, R),
    /// Blocks that are asked for.
    pub backfill: (S, R),
    /// Transactions.
    pub transactions: (S, R),
    /// Checkpoints.
    pub checkpoints: (S, R),
    /// States.
    pub states: (S, R),
}

impl<S, R> Channels<S, R> {
    /// How many there are.
    pub const COUNT: u64 = 8;
}

/// The longest message of any channel.
pub fn max_message_bytes(limits: BlockLimits) -> u32 {
    let members = u32::try_from(qenex_core::consensus::MAX_VALIDATORS).unwrap_or(u32::MAX);
    let block = ChainBlock::max_bytes(limits);
    let votes = simplex::max_payload_size::<Scheme, HeaderId>(members);
    let blocks = marshal::max_payload_size::<Standard<ChainBlock>, Scheme>(members, &block);
    let prefixed = commonware_p2p::utils::mux::prefixed;
    commonware_p2p::max_message_size(&[
        prefixed(votes),
        prefixed(blocks),
        gossip::MAX_MESSAGE_BYTES,
        exchange::MAX_MESSAGE_BYTES,
        state_sync::max_message_bytes(block),
    ])
}

/// A node that runs.
pub struct Running {
    /// The ledger.
    pub ledger: Shared,
    /// Transactions for the others, which this node has taken.
    pub submitted: mpsc::Sender<Batch>,
    /// Its checkpoints.
    pub checkpoints: Checkpoints,
    /// The newest header with the votes that made it final.
    pub newest: Newest,
    /// Ends when a part of it does: none goes on without the others.
    pub handle: Handle<()>,
}

/// Starts a node over a ledger.
pub fn start<E, M, B, S, R>(
    context: E,
    config: Config<M, B>,
    ledger: Shared,
    genesis: ChainBlock,
    channels: Channels<S, R>,
) -> Running
where
    E: Clock + CryptoRng + Spawner + Storage + Metrics,
    M: Manager<PublicKey = PublicKey>,
    B: Blocker<PublicKey = PublicKey>,
    S: Sender<PublicKey = PublicKey>,
    R: Receiver<PublicKey = PublicKey>,
{
    let (submitted, to_send) = mpsc::channel(MAILBOX.get());
    let shared = ledger.clone();
    let checkpoints = config.checkpoints.clone();
    let local = (submitted.clone(), to_send);
    let (publisher, newest) = newest::channel();
    let handle =
        context.spawn(move |context| run(context, config, ledger, genesis, channels, local, publisher));
    Running { ledger: shared, submitted, checkpoints, newest, handle }
}

async fn run<E, M, B, S, R>(
    context: E,
    mut config: Config<M, B>,
    ledger: Shared,
    genesis: ChainBlock,
    channels: Channels<S, R>,
    (submitted, to_send): (mpsc::Sender<Batch>, mpsc::Receiver<Batch>),
    publisher: Publisher,
) where
    E: Clock + CryptoRng + Spawner + Storage + Metrics,
    M: Manager<PublicKey = PublicKey>,
    B: Blocker<PublicKey = PublicKey>,
    S: Sender<PublicKey = PublicKey>,
    R: Receiver<PublicKey = PublicKey>,
{
    let schemes = Schemes::default();
    let (station, tracked) = match get_state(&context, &mut config, &ledger, channels.states).await {
        Ok(station) => station,
        Err(reason) => {
            tracing::error!("{reason}");
            return;
        }
    };
    let page_cache = CacheRef::new(NZU16!(4_096), NZUsize!(2_048));
    let max_block_bytes = ChainBlock::max_bytes(config.limits);
    let genesis_id = genesis.id();

    let (mux, mut votes, mut ahead) =
        Muxer::builder(context.child("votes"), channels.votes.0, channels.votes.1).with_backup().build();
    mux.start();
    let (mux, mut certificates) =
        Muxer::builder(context.child("certificates"), channels.certificates.0, channels.certificates.1)
            .build();
    mux.start();
    let (mux, mut fetches) =
        Muxer::builder(context.child("fetches"), channels.resolver.0, channels.resolver.1).build();
    mux.start();

    let (buffer, buffer_mailbox) = buffered::Engine::new(
        context.child("blocks"),
        buffered::Config {
            public_key: config.identity.peer.clone(),
            mailbox_size: MAILBOX,
            deque_size: BLOCKS_PER_PEER,
            priority: true,
            codec_config: max_block_bytes,
            peer_provider: config.manager.clone(),
            strategy: Sequential,
        },
    );
    let finalizations = archive::<_, Finalization<Scheme, HeaderId>>(
        &context,
        &config.partition,
        "finalizations",
        usize::MAX,
        &page_cache,
    );
    let blocks =
        archive::<_, Arc<ChainBlock>>(&context, &config.partition, "finalized", max_block_bytes, &page_cache);
    let (finalizations, blocks) = (finalizations.await, blocks.await);
    let (finalizations, mut blocks) = match (finalizations, blocks) {
        (Ok(finalizations), Ok(blocks)) => (finalizations, blocks),
        (Err(error), _) | (_, Err(error)) => {
            tracing::error!("the engine's archive cannot be opened: {error}");
            return;
        }
    };
    let start = match floor(&config, &ledger, &schemes, blocks.first_index().is_some()) {
        Ok(None) => Start::Genesis(genesis.digested()),
        Ok(Some(Floor { finalization, block })) => {
            let (height, id) = (block.header().height, block.id());
            blocks = match Archive::put_sync(blocks, height, id, &Arc::new(block)).await {
                Ok(blocks) => blocks,
                Err(error) => {
                    tracing::error!("the engine's archive cannot be written: {error}");
                    return;
                }
            };
            Start::Floor(finalization)
        }
        Err(reason) => {
            tracing::error!("{reason}");
            return;
        }
    };
    // The engine checks certificates of the epoch that the ledger is in from its first message on.
    let mut epoch = config.epochs.of(ledger.lock().tip().height.saturating_add(1));
    let mut leaders = match begin(&config.identity, &ledger, &schemes, &config.checkpoints) {
        Ok(leaders) => leaders,
        Err(reason) => {
            tracing::error!(epoch, "{reason}");
            return;
        }
    };
    let mut brought = note_ends(&ledger, &config.checkpoints, config.epochs);
    if let (Ok(()), Some(signer)) = (&brought, config.identity.signer.clone()) {
        let (checkpoints, epochs) = (config.checkpoints.clone(), (config.epochs, epoch));
        brought = bring_along(&*signer, &checkpoints, epochs, &finalizations).await;
    }
    if let Err(error) = brought {
        tracing::error!("a checkpoint cannot be read or kept: {error}");
        return;
    }
    let (marshal, mailbox, _) = Marshal::init(
        context.child("marshal"),
        finalizations,
        blocks,
        marshal::Config {
            provider: schemes.clone(),
            epocher: config.epochs,
            start,
            partition_prefix: format!("{}-marshal", config.partition),
            mailbox_size: MAILBOX,
            view_retention: ViewDelta::new(10 * VIEW_RETENTION.get()),
            prunable_items_per_section: NZU64!(256),
            page_cache: page_cache.clone(),
            replay_buffer: BUFFER,
            key_write_buffer: BUFFER,
            value_write_buffer: BUFFER,
            block_codec_config: max_block_bytes,
            max_repair: MAX_REPAIR,
            max_pending_acks: MAX_UNACKNOWLEDGED,
            strategy: Sequential,
        },
    )
    .await;
    let backfill = resolver::p2p::init(
        context.child("backfill"),
        resolver::p2p::Config {
            public_key: config.identity.peer.clone(),
            peer_provider: config.manager.clone(),
            blocker: config.blocker.clone(),
            mailbox_size: MAILBOX,
            fetch_timeout: NZDuration!(config.timing.fetch),
            fetch_retry_delay: config.timing.fetch / 10,
            priority_requests: false,
            priority_responses: false,
        },
        channels.backfill,
    );
    let (finalized, to_finalize) = mpsc::unbounded_channel();
    let interval_ms = u64::try_from(config.timing.block_interval.as_millis()).unwrap_or(u64::MAX);
    let application = Application::new(ledger.clone(), config.clock.clone(), interval_ms, finalized);
    let automaton =
        Inline::new(context.child("application"), application.clone(), mailbox.clone(), config.epochs);

    let (found, evidence) = mpsc::unbounded_channel();
    let watcher = Watcher::new(config.identity.chain_id, schemes.clone(), found);
    let (tips, mut new_tips) = mpsc::unbounded_channel();
    let mut parts = vec![
        buffer.start(channels.blocks),
        marshal.start(application, buffer_mailbox, backfill),
        station,
        Finalizer {
            ledger: ledger.clone(),
            epochs: config.epochs,
            snapshots: config.snapshots.clone(),
            snapshot_epochs: config.snapshot_epochs,
        }
        .start(context.child("finalizer"), to_finalize, tips),
        evidence::start(
            context.child("evidence"),
            ledger.clone(),
            config.reporter.take(),
            evidence,
            submitted,
        ),
        gossip::start(
            context.child("transactions"),
            ledger.clone(),
            to_send,
            channels.transactions,
            config.blocker.clone(),
        ),
        Exchange {
            ledger: ledger.clone(),
            checkpoints: config.checkpoints.clone(),
            epochs: config.epochs,
            schemes: schemes.clone(),
            me: config.identity.peer.clone(),
            signer: config.identity.checkpoint_signer.take(),
        }
        .start(context.child("checkpoints"), channels.checkpoints, config.blocker.clone()),
    ];

    loop {
        let Some((first, last)) = config.epochs.heights(epoch) else { return };
        let Some(scheme) = schemes.newest() else { return };
        if tracked != Some(epoch) {
            track(&mut config, epoch, scheme.validators());
        }
        let start = match ledger.lock().final_id(first - 1) {
            Ok(id) => HeaderId(id),
            Err(error) => {
                tracing::error!("the block before epoch {epoch} cannot be read: {error}");
                return;
            }
        };
        debug_assert!(first > 1 || start == genesis_id);
        let registered =
            (votes.register(epoch).await, certificates.register(epoch).await, fetches.register(epoch).await);
        let (Ok(vote_channel), Ok(certificate_channel), Ok(fetch_channel)) = registered else { return };
        let engine = Engine::new(
            context.child("engine").with_attribute("epoch", epoch),
            simplex::Config {
                scheme: (*scheme).clone(),
                elector: leaders.clone(),
                blocker: config.blocker.clone(),
                automaton: automaton.clone(),
                relay: automaton.clone(),
                reporter: Reporters::from((automaton.clone(), watcher.clone())),
                track_historical_votes: true,
                strategy: Sequential,
                partition: format!("{}-epoch-{epoch}", config.partition),
                mailbox_size: MAILBOX,
                epoch: Epoch::new(epoch),
                floor: simplex::Floor::Genesis(start),
                replay_buffer: BUFFER,
                write_buffer: BUFFER,
                page_cache: page_cache.clone(),
                leader_timeout: config.timing.leader,
                certification_timeout: config.timing.certification,
                timeout_retry: 2 * config.timing.certification,
                view_retention: VIEW_RETENTION,
                skip: SkipPolicy::Enabled {
                    timeout: 5 * config.timing.certification,
                    budget: SkipBudget::Participants,
                },
                fetch_timeout: NZDuration!(config.timing.fetch),
                fetch_retry_delay: config.timing.fetch / 10,
                forward: ForwardPolicy::Disabled,
            },
        );
        tracing::info!(epoch, first, last, "an epoch begins");
        let mut engine = engine.start(vote_channel, certificate_channel, fetch_channel);
        let reached = until_final(
            &context,
            (epoch, last),
            (&mut engine, &mut parts),
            &mut new_tips,
            &mut ahead,
            &mailbox,
            (scheme.validators(), &publisher),
        );
        if !reached.await {
            return;
        }
        engine.abort();
        if let Some(finalization) = mailbox.get_finalization(Height::new(last)).await
            && let Err(error) = ended(&config, &ledger, &scheme, finalization)
        {
            tracing::error!(epoch, "the checkpoint cannot be kept: {error}");
            return;
        }
        // What the ledger has forgotten, the engine need not keep.
        mailbox.prune(Height::new(ledger.lock().node().first_height()));
        epoch += 1;
        leaders = match begin(&config.identity, &ledger, &schemes, &config.checkpoints) {
            Ok(leaders) => leaders,
            Err(reason) => {
                tracing::error!(epoch, "{reason}");
                return;
            }
        };
    }
}

/// Waits until the last height of an epoch is final; false if the node ends before.
async fn until_final<E: Clock + Spawner>(
    context: &E,
    (epoch, last): (u64, u64),
    (engine, parts): (&mut Handle<()>, &mut [Handle<()>]),
    tips: &mut mpsc::UnboundedReceiver<Header>,
    ahead: &mut mpsc::Receiver<(u64, commonware_p2p::Message<PublicKey>)>,
    mailbox: &marshal::core::Mailbox<Scheme, Standard<ChainBlock>>,
    (validators, publisher): (&Validators, &Publisher),
) -> bool {
    let mut reached = false;
    let mut asked_ms = 0;
    select_loop! {
        context,
        on_stopped => {},
        _ = &mut *engine => {
            tracing::error!("the engine ended");
            break;
        },
        _ = first_ended(parts) => {
            tracing::error!("a part of the node ended");
            break;
        },
        Some(tip) = tips.recv() else break => {
            if let Some(finalization) = mailbox.get_finalization(Height::new(tip.height)).await {
                publisher.publish(&tip, &finalization, validators);
            }
            reached = tip.height == last;
            if reached {
                break;
            }
        },
        // Who votes in a later epoch knows the end of this one.
        Some((channel, (peer, _))) = ahead.recv() else break => {
            let now_ms = WallClock::default().now_ms(context);
            if channel > epoch && now_ms >= asked_ms {
                mailbox.hint_finalized(Height::new(last), NonEmptyVec::new(peer));
                asked_ms = now_ms.saturating_add(500);
            }
        },
    }
    reached
}

/// Waits until one of these tasks has ended.
async fn first_ended(parts: &mut [Handle<()>]) {
    let _ = futures::future::select_all(parts.iter_mut()).await;
}

/// Brings the last header of an epoch to the device that votes, and its certificate to the checkpoint.
fn ended<M, B>(
    config: &Config<M, B>,
    ledger: &Shared,
    scheme: &Scheme,
    finalization: Finalization<Scheme, HeaderId>,
) -> std::io::Result<()> {
    let Some(proposal) = proposal_of(&finalization.proposal) else { return Ok(()) };
    let certificate = finalization.certificate;
    let header = ledger.lock().tip().clone();
    if header.id() != proposal.header {
        return Ok(());
    }
    if let Some(signer) = &config.identity.signer
        && let Err(code) = signer.follow(&header, &proposal, scheme.validators(), &certificate)
    {
        tracing::warn!(height = header.height, "the device does not follow the chain: {code}");
    }
    config.checkpoints.certify(&header, Certified { proposal, certificate })
}

/// The leaders of the epoch of the next block, whose scheme is added.
fn begin(
    identity: &Identity,
    ledger: &Shared,
    schemes: &Schemes,
    checkpoints: &Checkpoints,
) -> Result<Leaders, String> {
    let (staking, seats) = ledger.lock().seats().map_err(|error| error.to_string())?;
    let validators = validators(&seats).map_err(|error| error.to_string())?;
    // Before anything of the epoch can become final.
    checkpoints.begin(staking.epoch, &validators).map_err(|error| error.to_string())?;
    let votes =
        identity.signer.as_ref().filter(|signer| validators.participant(&signer.vote_key()).is_some());
    let scheme = match votes {
        Some(signer) => Scheme::signer(identity.chain_id, validators, Arc::clone(signer))
            .map_err(|error| error.to_string())?,
        None => Scheme::verifier(identity.chain_id, validators),
    };
    schemes.add(staking.epoch, Arc::new(scheme));
    Leaders::new(staking.seed, &seats).map_err(|error| error.to_string())
}
