//! A node that runs: its ledger, its device, its network, its interface.

use std::io;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ::tokio::signal::unix::{SignalKind, signal};
use commonware_codec::DecodeExt;
use commonware_cryptography::ChaCha20Poly1305;
use commonware_cryptography::Signer as _;
use commonware_cryptography::ed25519::{PrivateKey, PublicKey};
use commonware_macros::select;
use commonware_p2p::authenticated::discovery::{self, Network};
use commonware_p2p::{Blocker, Ingress, Manager, Receiver, Sender};
use commonware_runtime::{Handle, Quota, Supervisor, tokio};
use commonware_stream::cups::{self, Cups};
use commonware_stream::sake::{self, Sake};
use commonware_utils::NZUsize;
use commonware_utils::channel::{mpsc, oneshot};
use futures::future::select_all;
use qenex_api::access::Access;
use qenex_api::access::providers::Providers;
use qenex_api::custody::Desk;
use qenex_api::ledger::Ledger;
use qenex_api::monitoring::Watch;
use qenex_api::store::{Store, StoreError};
use qenex_api::{Interface, server};
use qenex_core::consensus::namespace;
use qenex_core::id::AccountId;
use qenex_index::Index;
use qenex_index::follow::Follower;
use qenex_node::block::Batch;
use qenex_node::genesis::Genesis;
use qenex_postgres::books::Books;
use qenex_store::RealDisk;
use qenex_validator::checkpoints::Checkpoints;

use crate::config::{Config, Overrides};
use crate::error::ServiceError;
use crate::genesis_file::{Consensus, GenesisFile, hex};
use crate::{backup, stake, work};

/// Room for nodes that follow and are not known yet.
const MORE_PEERS: usize = 16;

/// How often what waits in custody is handed in again.
const UPKEEP: Duration = Duration::from_secs(1);

/// Reads the key of the network from its file.
///
/// # Errors
/// It is not there, or holds something else.
pub fn peer_key(path: &Path) -> Result<PrivateKey, ServiceError> {
    let text = std::fs::read_to_string(path).map_err(|error| ServiceError::file(path, error))?;
    let seed = hex(text.trim()).map_err(|error| ServiceError::file(path, error))?;
    PrivateKey::decode(seed.to_vec()).map_err(|error| ServiceError::file(path, error))
}

fn public_key(text: &str, path: &Path) -> Result<PublicKey, ServiceError> {
    let bytes = hex(text).map_err(|error| ServiceError::file(path, error))?;
    PublicKey::decode(bytes.to_vec()).map_err(|error| ServiceError::file(path, error))
}

/// Opens the ends of epochs that a node keeps.
pub(crate) fn open_checkpoints(folder: &Path) -> Result<Checkpoints, ServiceError> {
    Checkpoints::load(RealDisk::open(folder)?).map_err(|error| ServiceError::file(folder, error))
}

/// Ends when the process is told to stop: by a service manager, or from the keyboard.
fn told_to_stop() -> io::Result<impl Future<Output = ()> + Send> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        ::tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// What a node starts with, whatever decides on its chain.
pub(crate) struct Start {
    /// The file of the configuration.
    pub(crate) path: PathBuf,
    pub(crate) config: Config,
    pub(crate) genesis: Genesis,
    pub(crate) account: AccountId,
    pub(crate) key: PrivateKey,
    known: Vec<(PublicKey, Ingress)>,
    pub(crate) followers: Vec<PublicKey>,
    consensus: Consensus,
    /// Whether it is told to stop.
    stop: Arc<AtomicBool>,
}

/// Runs the node of a configuration until it fails or the process is told to stop. When it stops, what has begun is answered, and the state is written so that the next
/// start has nothing to execute again.
///
/// # Errors
/// Something that it needs is not there, or a part of it ended.
pub fn run(path: &Path, overrides: &Overrides) -> Result<(), ServiceError> {
    start(path, overrides)?.run()
}

/// Reads the configuration of a node and the files that it names, and begins nothing.
///
/// # Errors
/// One of them is not there or wrong; it is named, and what was expected.
pub fn check(path: &Path, overrides: &Overrides) -> Result<(), ServiceError> {
    let start = start(path, overrides)?;
    let wrong = |detail: String| ServiceError::file(path, detail);
    qenex_monitor::rules::rules(&start.config.interface.alerts.rules).map_err(wrong)?;
    Providers::new(&start.config.interface).map_err(wrong)?;
    if let Some(tls) = &start.config.interface.tls {
        server::tls(tls).map_err(wrong)?;
    }
    Ok(())
}

fn start(path: &Path, overrides: &Overrides) -> Result<Start, ServiceError> {
    let config = Config::read(path, overrides)?;
    let file = GenesisFile::read(&config.genesis)?;
    let genesis = file.genesis().map_err(|error| ServiceError::file(&config.genesis, error))?;
    let wrong = |error| ServiceError::file(path, format_args!("account {:?}: {error}", config.account));
    let account: AccountId = config.account.parse().map_err(wrong)?;
    let key = peer_key(&config.peer_key)?;
    let mut known = Vec::new();
    for peer in &config.peers {
        known.push((public_key(&peer.key, path)?, peer.address.into()));
    }
    let followers =
        config.followers.iter().map(|key| public_key(key, path)).collect::<Result<Vec<_>, _>>()?;
    let consensus = file.consensus;
    Ok(Start {
        path: path.to_path_buf(),
        config,
        genesis,
        account,
        key,
        known,
        followers,
        consensus,
        stop: Arc::default(),
    })
}

impl Start {
    fn run(self) -> Result<(), ServiceError> {
        match self.consensus {
            Consensus::Stake => stake::run(self),
            Consensus::Pow => work::run(self),
        }
    }

    /// The other nodes that it knows from the beginning.
    pub(crate) fn peers(&self) -> impl Iterator<Item = &PublicKey> {
        self.known.iter().map(|(key, _)| key)
    }

    /// The runtime of its tasks.
    pub(crate) fn runtime(&self) -> tokio::Runner {
        tokio::Runner::new(
            tokio::Config::default()
                .with_storage_directory(self.config.data.join("engine"))
                .with_tcp_nodelay(Some(true)),
        )
    }

    /// Its network of so many other nodes, with a channel for each of these numbers of messages that a peer may send in a second.
    #[allow(clippy::type_complexity)] // the parts have no names that could be said
    pub(crate) fn connect(
        &self,
        context: &tokio::Context,
        peers: usize,
        max_message_bytes: u32,
        quotas: &[u32],
    ) -> (
        Handle<()>,
        impl Manager<PublicKey = PublicKey> + Blocker<PublicKey = PublicKey> + use<>,
        Vec<(impl Sender<PublicKey = PublicKey> + use<>, impl Receiver<PublicKey = PublicKey> + use<>)>,
    ) {
        let handshake = Cups::<_, ChaCha20Poly1305>::new(
            Sake {
                signer: self.key.clone(),
                synchrony_bound: Duration::from_secs(5),
                max_handshake_age: Duration::from_secs(10),
                version: sake::Version::V1,
            },
            cups::Version::V1,
        );
        // Nodes may share a machine or a private network; who they are is proven by their keys.
        let mut settings = discovery::Config::local(
            handshake,
            &namespace(&self.genesis.chain_id),
            self.config.listen,
            self.config.address,
            self.known.clone(),
            NonZeroUsize::new(peers + self.followers.len() + MORE_PEERS).unwrap_or(NonZeroUsize::MIN),
            max_message_bytes,
            NZUsize!(1_024),
        );
        settings.dial_frequency = Duration::from_millis(200);
        let (mut network, oracle) = Network::new(context.child("network"), settings);
        let channels = quotas.iter().zip(0..).map(|(quota, index)| {
            let quota = Quota::per_second(NonZeroU32::new(*quota).unwrap_or(NonZeroU32::MIN));
            network.register(index, quota)
        });
        let channels = channels.collect();
        (network.start(), oracle, channels)
    }

    /// Copies its chain elsewhere while it runs, if its configuration says so.
    pub(crate) fn back_up(
        &self,
        ledger: Arc<dyn Ledger>,
        checkpoints: Option<Checkpoints>,
    ) -> Result<(), ServiceError> {
        backup::follow(&self.config, ledger, checkpoints, &self.stop)
    }

    /// Keeps the books while it runs, on a thread of its own.
    pub(crate) fn keep_books(&self, books: Option<Books>, ledger: Arc<dyn Ledger>) {
        if let Some(books) = books {
            let stop = Arc::clone(&self.stop);
            std::thread::spawn(move || books.run(&*ledger, &stop));
        }
    }

    /// What answers programs. An administrator's first key is printed while there is no other.
    fn interface(
        &self,
        ledger: Arc<dyn Ledger>,
        submitted: mpsc::Sender<Batch>,
    ) -> Result<Interface, ServiceError> {
        let path = self.config.data.join("interface.redb");
        let failed = |error: StoreError| ServiceError::file(&path, error);
        let issuer = format!("qenex:{}:{}", self.genesis.chain_id, self.key.public_key());
        let store = Store::open(&path).map_err(failed)?;
        let config = self.config.interface.clone();
        let wrong = |detail| ServiceError::file(&self.path, format_args!("interface: {detail}"));
        let providers = Providers::new(&config).map_err(wrong)?;
        let access = Access::open(store, config, providers, &issuer).map_err(failed)?;
        if let Some(key) = access.first_key().map_err(failed)? {
            println!(
                "The first administrator's key, which makes one other key at POST /api/v1/keys: {}",
                &*key
            );
        }
        let open = |config| Desk::open(config, Arc::clone(&access.store), Arc::clone(&ledger));
        let desk = self.config.interface.custody.as_ref().map(open).transpose();
        let desk = desk.map_err(|detail| ServiceError::file(&self.path, detail))?.map(Arc::new);
        if let Some(desk) = &desk {
            let desk = Arc::downgrade(desk);
            std::thread::spawn(move || {
                while let Some(desk) = desk.upgrade() {
                    desk.upkeep();
                    drop(desk);
                    std::thread::sleep(UPKEEP);
                }
            });
        }
        let index = Index::open(&self.config.data.join("index.redb"));
        let index = Arc::new(index.map_err(|error| ServiceError::Ended(error.to_string()))?);
        let follower = Follower::new(Arc::clone(&index));
        let (source, stop) = (Arc::clone(&ledger), Arc::clone(&self.stop));
        std::thread::spawn(move || follower.run(&*source, &stop));
        let store = Arc::clone(&access.store);
        let watch = Watch::open(store, self.config.data.clone(), &self.config.interface.alerts);
        let watch = Arc::new(watch.map_err(|detail| ServiceError::file(&self.path, detail))?);
        let interface = Interface::new(ledger, submitted, access, desk, index, Arc::clone(&watch));
        let interface = interface.map_err(ServiceError::Ended)?;
        let (watched, stop) = (interface.clone(), Arc::clone(&self.stop));
        std::thread::spawn(move || watch.run(&watched, &stop));
        Ok(interface)
    }

    /// Answers programs on threads of their own, until the process is told to stop.
    ///
    /// # Errors
    /// A part of the node ended.
    pub(crate) async fn serve(
        &self,
        ledger: Arc<dyn Ledger>,
        submitted: mpsc::Sender<Batch>,
        parts: [Handle<()>; 2],
    ) -> Result<(), ServiceError> {
        let Config { interface: config, listen, .. } = &self.config;
        let api = config.listen;
        let failed = |error| ServiceError::Ended(format!("{api}: {error}"));
        let interface = self.interface(ledger, submitted)?;
        let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get).div_ceil(2);
        let answering = ::tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads)
            .enable_all()
            .build()
            .map_err(failed)?;
        let listener = ::tokio::net::TcpListener::bind(api).await.map_err(failed)?;
        let listener = listener.into_std().map_err(failed)?;
        tracing::info!(%listen, %api, "the node runs");
        let (end, answers) = oneshot::channel();
        let stop = Arc::clone(&self.stop);
        std::thread::spawn(move || {
            let ended = answering.block_on(async {
                let told = told_to_stop().map_err(|error| error.to_string())?;
                let serve = server::serve(interface, listener, async move {
                    told.await;
                    tracing::info!("the node stops");
                    stop.store(true, Ordering::Relaxed);
                });
                answering.spawn(serve).await.unwrap_or_else(|error| Err(error.to_string()))
            });
            // Whoever waited may have ended.
            let _ = end.send(ended);
        });
        let ended = select! {
            (ended, _, _) = select_all(parts) => ended.err().map(|error| error.to_string()),
            ended = answers => match ended {
                Ok(Err(error)) => Some(format!("the interface: {error}")),
                Ok(Ok(())) => return Ok(()),
                Err(_) => Some("the interface".to_string()),
            },
        };
        let reason = ended.unwrap_or_else(|| "a part of the node ended; the log says why".to_string());
        Err(ServiceError::Ended(reason))
    }
}
