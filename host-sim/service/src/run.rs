//! A node that runs: its ledger, its device, its network, its interface.

use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use commonware_codec::DecodeExt;
use commonware_cryptography::ed25519::{PrivateKey, PublicKey};
use commonware_cryptography::{ChaCha20Poly1305, Signer as _};
use commonware_p2p::authenticated::discovery::{self, Network};
use commonware_runtime::{Quota, Runner, Spawner, Supervisor, tokio};
use commonware_stream::cups::{self, Cups};
use commonware_stream::sake::{self, Sake};
use commonware_utils::NZUsize;
use qenex_consensus::{CheckpointSigner, KeyCheckpointSigner};
use qenex_core::consensus::namespace;
use qenex_core::crypto::ed25519::SecretKey;
use qenex_core::id::AccountId;
use qenex_node::genesis::Genesis;
use qenex_node::mempool::MempoolLimits;
use qenex_node::node::{Node, NodeConfig};
use qenex_node::sequencer::{BlockLimits, Sequencer};
use qenex_store::{Disk, RealDisk};
use qenex_validator::block::ChainBlock;
use qenex_validator::checkpoints::Checkpoints;
use qenex_validator::clock::WallClock;
use qenex_validator::engine::{self, Channels, Identity, Running, Timing, max_message_bytes};
use qenex_validator::epochs::Epochs;
use qenex_validator::evidence::Reporter;
use qenex_validator::ledger::{Ledger, Shared};
use zeroize::Zeroizing;

use crate::api::{Api, routes};
use crate::config::Config;
use crate::device;
use crate::error::ServiceError;
use crate::genesis_file::{GenesisFile, hex};

/// Messages of a channel that a peer may send in a second, in the order of the channels. What a channel may hold is this for all peers of several
/// epochs at once, and takes memory.
const QUOTAS: [u32; 7] = [256, 128, 128, 64, 64, 64, 32];

/// Room for nodes that follow and are not known yet.
const MORE_PEERS: usize = 16;

/// Reads the key of the network from its file.
///
/// # Errors
/// It is not there, or holds something else.
pub fn peer_key(path: &Path) -> Result<PrivateKey, ServiceError> {
    let text = std::fs::read_to_string(path).map_err(|error| ServiceError::file(path, error))?;
    let seed = hex(text.trim()).map_err(|error| ServiceError::file(path, error))?;
    PrivateKey::decode(seed.to_vec()).map_err(|error| ServiceError::file(path, error))
}

/// Reads the key of checkpoints from its file.
///
/// # Errors
/// It is not there, or holds something else.
pub fn checkpoint_signer(path: &Path) -> Result<KeyCheckpointSigner, ServiceError> {
    KeyCheckpointSigner::new(&*seed(path)?).map_err(|error| ServiceError::file(path, error))
}

/// Reads the seed of a secret key from its file.
fn seed(path: &Path) -> Result<Zeroizing<[u8; 32]>, ServiceError> {
    let text = std::fs::read_to_string(path).map(Zeroizing::new);
    let text = text.map_err(|error| ServiceError::file(path, error))?;
    hex(text.trim()).map(Zeroizing::new).map_err(|error| ServiceError::file(path, error))
}

/// Reads the key of an account from its file.
fn reporter(account: AccountId, path: &Path) -> Result<Reporter, ServiceError> {
    let key = SecretKey::from_seed(&*seed(path)?).map_err(|error| ServiceError::file(path, error))?;
    Ok(Reporter { account, key })
}

fn public_key(text: &str, path: &Path) -> Result<PublicKey, ServiceError> {
    let bytes = hex(text).map_err(|error| ServiceError::file(path, error))?;
    PublicKey::decode(bytes.to_vec()).map_err(|error| ServiceError::file(path, error))
}

/// Opens the ledger in a folder, or begins it.
fn open_ledger(folder: &Path, genesis: &Genesis) -> Result<Node, ServiceError> {
    let disk: Arc<dyn Disk> = RealDisk::open(folder)?;
    let begun = disk.list().is_ok_and(|names| names.iter().any(|name| name == "genesis"));
    if !begun {
        return Ok(Node::create(disk, genesis, NodeConfig::default())?);
    }
    let (node, recovery) = Node::open(disk, NodeConfig::default())?;
    tracing::info!(
        height = node.chain().tip().height,
        executed = recovery.blocks,
        seconds = recovery.elapsed.as_secs_f64(),
        "the ledger is open"
    );
    Ok(node)
}

/// Runs the node of a configuration until it fails or the process is told to stop.
///
/// # Errors
/// Something that it needs is not there, or a part of it ended.
pub fn run(path: &Path) -> Result<(), ServiceError> {
    let config = Config::read(path)?;
    let wrong = |detail: String| ServiceError::file(path, detail);
    let genesis = GenesisFile::read(&config.genesis)?;
    let genesis = genesis.genesis().map_err(|error| ServiceError::file(&config.genesis, error))?;
    let account: AccountId =
        config.account.parse().map_err(|error| wrong(format!("account {:?}: {error}", config.account)))?;
    let key = peer_key(&config.peer_key)?;
    let mut known = Vec::new();
    for peer in &config.peers {
        known.push((public_key(&peer.key, path)?, peer.address.into()));
    }
    let followers =
        config.followers.iter().map(|key| public_key(key, path)).collect::<Result<Vec<_>, _>>()?;
    let reporter = config.account_key.as_deref().map(|path| reporter(account, path)).transpose()?;
    let (signer, of_device) = config.device.as_ref().map(device::open).transpose()?.unzip();
    let checkpoint_signer = config.checkpoint_key.as_deref().map(checkpoint_signer).transpose()?;
    let checkpoint_signer = checkpoint_signer.map(|signer| Arc::new(signer) as Arc<dyn CheckpointSigner>);
    let checkpoint_signer = checkpoint_signer.or(of_device.flatten());
    let checkpoints = config.data.join("checkpoints");
    let opened = Checkpoints::load(RealDisk::open(&checkpoints)?);
    let checkpoints = opened.map_err(|error| ServiceError::file(&checkpoints, error))?;
    let node = open_ledger(&config.data.join("ledger"), &genesis)?;
    let Some(staking) = node.chain().staking(node.chain().tip_id())? else {
        return Err(ServiceError::file(&config.genesis, "the chain has no validators"));
    };
    let epochs = Epochs::new(NonZeroU64::new(staking.rules.epoch_blocks).unwrap_or(NonZeroU64::MIN));
    let limits = BlockLimits::default();
    let peers = usize::from(staking.rules.seats_max) + followers.len() + MORE_PEERS;
    let max_peers = NonZeroUsize::new(peers).unwrap_or(NonZeroUsize::MIN);
    let first = ChainBlock::new(node.block(0)?);
    let ledger = Shared::new(Ledger::new(node, Sequencer::new(account, MempoolLimits::default()), limits));

    let runtime = tokio::Config::default()
        .with_storage_directory(config.data.join("engine"))
        .with_tcp_nodelay(Some(true));
    tokio::Runner::new(runtime).start(|context| async move {
        let handshake = Cups::<_, ChaCha20Poly1305>::new(
            Sake {
                signer: key.clone(),
                synchrony_bound: Duration::from_secs(5),
                max_handshake_age: Duration::from_secs(10),
                version: sake::Version::V1,
            },
            cups::Version::V1,
        );
        // Nodes may share a machine or a private network; who they are is proven by their keys.
        let mut settings = discovery::Config::local(
            handshake,
            &namespace(&genesis.chain_id),
            config.listen,
            config.address,
            known,
            max_peers,
            max_message_bytes(limits),
            NZUsize!(1_024),
        );
        settings.dial_frequency = Duration::from_millis(200);
        let (mut network, oracle) = Network::new(context.child("network"), settings);
        let [votes, certificates, resolver, blocks, backfill, transactions, checkpoint] =
            std::array::from_fn(|index| {
                let quota = Quota::per_second(
                    QUOTAS.get(index).copied().and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN),
                );
                network.register(index as u64, quota)
            });
        let channels = Channels {
            votes,
            certificates,
            resolver,
            blocks,
            backfill,
            transactions,
            checkpoints: checkpoint,
        };
        let engine = engine::Config {
            identity: Identity {
                chain_id: genesis.chain_id,
                peer: key.public_key(),
                signer,
                checkpoint_signer,
            },
            epochs,
            limits,
            timing: Timing {
                block_interval: Duration::from_millis(config.block_interval_ms),
                ..Timing::default()
            },
            clock: WallClock::default(),
            followers,
            checkpoints,
            reporter,
            partition: "chain".into(),
            manager: oracle.clone(),
            blocker: oracle,
        };
        let network = network.start();
        let Running { ledger, submitted, checkpoints, handle } =
            engine::start(context.child("node"), engine, ledger, first, channels);
        let listener = ::tokio::net::TcpListener::bind(config.api).await;
        let listener = listener.map_err(|error| ServiceError::Ended(format!("{}: {error}", config.api)))?;
        tracing::info!(listen = %config.listen, api = %config.api, "the node runs");
        let api = context.child("api").spawn(move |_| async move {
            if let Err(error) =
                axum::serve(listener, routes(Api { ledger, epochs, submitted, checkpoints })).await
            {
                tracing::error!("the interface ended: {error}");
            }
        });
        let (ended, _, _) = futures::future::select_all([network, handle, api]).await;
        Err(ServiceError::Ended(match ended {
            Ok(()) => "a part of the node ended; the log says why".into(),
            Err(error) => error.to_string(),
        }))
    })
}
