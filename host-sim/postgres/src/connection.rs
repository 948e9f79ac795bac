//! Connections to a primary or to replicas, and what is tried again.
//!
//! A host that does not answer, a primary that has become a standby and a transaction that conflicts with another are passing: the work is done again, on another connection
//! where that one may be lost, until it succeeds or has taken as long as the settings allow. All else is an error at once.

use std::error::Error as _;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use deadpool_postgres::{
    Client, Hook, HookError, Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod,
};
use metrics::counter;
use qenex_core::error::{STORE_DATABASE, STORE_IO};
use qenex_node::error::in_full;
use qenex_store::StoreError;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio::runtime::Runtime;
use tokio_postgres::config::{Host, LoadBalanceHosts, SslMode, TargetSessionAttrs};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Config, IsolationLevel, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

/// How long one try may take: what hangs for longer is given up, and its connection with it.
const TRY: Duration = Duration::from_secs(30);

/// The same for what writes a whole state, or changes tables. A host that is gone is noticed sooner, by its silence.
const LONG_TRY: Duration = Duration::from_secs(3_600);

/// How long a replica may take, and how long one that does not answer is not asked.
const REPLICA_TRY: Duration = Duration::from_secs(1);
const LEFT_ALONE: Duration = Duration::from_secs(30);

/// How long a host may take to be connected to. Which of several is first is drawn each time: one that takes connections and says nothing does not hide the others.
const CONNECT: Duration = Duration::from_secs(5);

/// How long it may take until a connection can be used.
const READY: Duration = Duration::from_secs(8);

/// How long sent bytes may stay without an answer of the network.
const SILENCE: Duration = Duration::from_secs(10);

/// Between two tries, at first and at most.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(5), Duration::from_secs(1));

/// Whatever else the server says, what is committed is on its disk. A server that was set up to wait for more keeps to that.
const DURABLE: &str = "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') IN ('off', 'local')";

/// Which database, and how.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The primary: `postgresql://USER@HOST/DATABASE`. Where several hosts are named (`HOST1,HOST2`), it is the one that can be written to.
    pub url: String,
    /// Standbys that are asked for old blocks, if there are some.
    pub replicas: Option<String>,
    /// The user's password, if it is not in the URL.
    pub password: Option<String>,
    /// A file of the certificates that servers' certificates are signed with: with it nothing is sent without TLS.
    pub ca: Option<PathBuf>,
    /// How many connections may be open to each.
    pub connections: usize,
    /// How long something is tried again while no primary answers: a standby should have taken over by then.
    pub patience: Duration,
    /// A file beside the database that says what was committed: a database that lacks it is not opened. Without one only this process knows.
    pub mark: Option<PathBuf>,
}

/// Why a try failed.
#[derive(Debug)]
pub enum Failure {
    /// The database, or the way to it.
    Database(tokio_postgres::Error),
    /// No connection.
    Pool(PoolError),
    /// The migrations.
    Migration(refinery::Error),
    /// It took too long.
    Late,
    /// Something that another try does not change.
    Final(StoreError),
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(error)
    }
}

impl From<PoolError> for Failure {
    fn from(error: PoolError) -> Self {
        Self::Pool(error)
    }
}

impl From<refinery::Error> for Failure {
    fn from(error: refinery::Error) -> Self {
        Self::Migration(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Final(error)
    }
}

/// Whether another try may succeed.
fn is_passing(error: &tokio_postgres::Error) -> bool {
    const PASSING: [SqlState; 9] = [
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
        SqlState::TOO_MANY_CONNECTIONS,
        // A primary that has become a standby.
        SqlState::READ_ONLY_SQL_TRANSACTION,
        SqlState::QUERY_CANCELED,
        // What an earlier try has committed meanwhile: the next one finds it.
        SqlState::UNIQUE_VIOLATION,
    ];
    match error.code() {
        Some(code) => PASSING.contains(code) || code.code().starts_with("08"),
        // A certificate that does not count will not count in a moment.
        None => {
            let source = error.source().and_then(|source| source.downcast_ref::<std::io::Error>());
            error.is_closed() || source.is_some_and(|error| error.kind() != ErrorKind::InvalidData)
        }
    }
}

impl Failure {
    fn is_passing(&self) -> bool {
        match self {
            Self::Database(error)
            | Self::Pool(PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error))) => {
                is_passing(error)
            }
            Self::Pool(PoolError::Timeout(_)) | Self::Late => true,
            Self::Pool(_) | Self::Migration(_) | Self::Final(_) => false,
        }
    }

    /// Whether the connection is as it was, with nothing under way.
    fn is_conflict(&self) -> bool {
        matches!(self, Self::Database(error) if error.code() == Some(&SqlState::T_R_SERIALIZATION_FAILURE))
    }

    fn into_error(self, name: &str) -> StoreError {
        let passing = self.is_passing();
        let detail = match self {
            Self::Final(error) => return error,
            Self::Database(error) | Self::Pool(PoolError::Backend(error)) => in_full(&error),
            Self::Pool(error) => in_full(&error),
            Self::Migration(error) => format!("migrations: {}", in_full(&error)),
            Self::Late => "it does not answer".into(),
        };
        StoreError::new(if passing { STORE_IO } else { STORE_DATABASE }, name, detail)
    }
}

/// A pool of connections, and who waits for what goes over them.
#[derive(Debug)]
pub struct Connections {
    pool: Pool,
    /// There until the value is dropped.
    runtime: Option<Runtime>,
    name: String,
    patience: Duration,
    /// How long one try may take.
    within: Duration,
    /// Until when nobody is asked.
    alone_until: Mutex<Option<Instant>>,
}

impl Connections {
    /// Prepares connections to the hosts of a URL; if something is to be written, to the one that takes it. None is made yet.
    pub(crate) fn open(url: &str, settings: &Settings, writes: bool) -> Result<Self, StoreError> {
        let wrong = |detail: String| StoreError::new(STORE_DATABASE, "DATABASE_URL", detail);
        // Otherwise it is read as words, which an error repeats: one of them may be a password.
        if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
            return Err(wrong("postgresql://USER@HOST/DATABASE was expected".into()));
        }
        let mut config: Config = url.parse().map_err(|error| wrong(in_full(&error)))?;
        if config.get_hosts().is_empty() || config.get_dbname().is_none() {
            return Err(wrong("postgresql://USER@HOST/DATABASE was expected".into()));
        }
        let name = described(&config);
        config.connect_timeout(CONNECT).tcp_user_timeout(SILENCE).keepalives_idle(SILENCE);
        config.keepalives_interval(SILENCE / 5).keepalives_retries(3);
        config.load_balance_hosts(LoadBalanceHosts::Random);
        config.application_name("qenex");
        if let Some(password) = settings.password.as_ref().filter(|_| config.get_password().is_none()) {
            config.password(password);
        }
        if writes {
            config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        }
        let how = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = match &settings.ca {
            None if config.get_ssl_mode() == SslMode::Require => {
                let detail = "sslmode=require: a file of certificates was expected";
                return Err(StoreError::new(STORE_DATABASE, &name, detail));
            }
            None => Manager::from_config(config, NoTls, how),
            Some(path) => {
                let tls = trusting(path)
                    .map_err(|detail| StoreError::new(STORE_DATABASE, &path.display().to_string(), detail))?;
                config.ssl_mode(SslMode::Require);
                Manager::from_config(config, MakeRustlsConnect::new(tls), how)
            }
        };
        let pool = Pool::builder(manager)
            .max_size(settings.connections.max(1))
            .wait_timeout(Some(TRY))
            .create_timeout(Some(READY))
            .runtime(deadpool_postgres::Runtime::Tokio1)
            .post_create(Hook::async_fn(|client, _| {
                Box::pin(async move { client.batch_execute(DURABLE).await.map_err(HookError::Backend) })
            }))
            .build()
            .map_err(|error| wrong(error.to_string()))?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|error| wrong(error.to_string()))?;
        // Whoever asks replicas asks the primary next.
        let (patience, within) =
            if writes { (settings.patience, TRY) } else { (Duration::ZERO, REPLICA_TRY) };
        Ok(Self { pool, runtime: Some(runtime), name, patience, within, alone_until: Mutex::default() })
    }

    /// Which database, without what is secret.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Does some work on a connection, again and again while what is wrong may pass.
    pub(crate) fn with<T: Send>(
        &self,
        work: impl AsyncFn(&mut Client) -> Result<T, Failure> + Send + Sync,
    ) -> Result<T, StoreError> {
        self.wait(self.within, work)
    }

    /// The same for work that takes long where there is much.
    pub(crate) fn with_long<T: Send>(
        &self,
        work: impl AsyncFn(&mut Client) -> Result<T, Failure> + Send + Sync,
    ) -> Result<T, StoreError> {
        self.wait(LONG_TRY, work)
    }

    /// Whether they are asked: not for a while after they did not answer.
    pub(crate) fn answer(&self) -> bool {
        let alone = self.alone_until.lock().unwrap_or_else(PoisonError::into_inner);
        alone.is_none_or(|until| Instant::now() >= until)
    }

    /// Asks them nothing for a while.
    pub(crate) fn leave_alone(&self) {
        let until = Instant::now() + LEFT_ALONE;
        *self.alone_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
    }

    fn wait<T: Send>(
        &self,
        within: Duration,
        work: impl AsyncFn(&mut Client) -> Result<T, Failure> + Send + Sync,
    ) -> Result<T, StoreError> {
        let Some(runtime) = &self.runtime else {
            return Err(StoreError::new(STORE_DATABASE, &self.name, "it is closed"));
        };
        // On a thread of its own: whoever calls may be part of another runtime, where waiting is forbidden.
        std::thread::scope(|scope| {
            let wait = || runtime.block_on(self.try_again(within, &work));
            let thread = std::thread::Builder::new().name("database".into()).spawn_scoped(scope, wait);
            let thread = thread.map_err(StoreError::io(&self.name, "begin a thread"))?;
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    async fn try_again<T>(
        &self,
        within: Duration,
        work: &impl AsyncFn(&mut Client) -> Result<T, Failure>,
    ) -> Result<T, StoreError> {
        let (begun, mut wait, mut said) = (Instant::now(), BACK_OFF.0, false);
        loop {
            let failure = match self.try_once(within, work).await {
                Ok(done) => return Ok(done),
                Err(failure) => failure,
            };
            if !failure.is_passing() || begun.elapsed() + wait > self.patience {
                return Err(failure.into_error(&self.name));
            }
            counter!("qenex_database_retries_total").increment(1);
            if !failure.is_conflict() && !std::mem::replace(&mut said, true) {
                let seconds = self.patience.as_secs();
                tracing::warn!(
                    database = self.name,
                    "it does not do what it was asked, which is tried again for {seconds} s: {}",
                    failure.into_error(&self.name)
                );
            }
            tokio::time::sleep(wait).await;
            wait = (2 * wait).min(BACK_OFF.1);
        }
    }

    async fn try_once<T>(
        &self,
        within: Duration,
        work: &impl AsyncFn(&mut Client) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut client = tokio::time::timeout(within, self.pool.get()).await.map_err(|_| Failure::Late)??;
        let done = tokio::time::timeout(within, work(&mut client)).await.unwrap_or(Err(Failure::Late));
        if done.as_ref().is_err_and(|failure| !failure.is_conflict()) {
            // Something may be under way on it, or it leads to nobody.
            drop(Object::take(client));
            if done.as_ref().is_err_and(Failure::is_passing) {
                // So may the others be, and each would take its time to be found out.
                self.pool.retain(|_, _| false);
            }
        }
        done
    }

    /// Does some work in a SERIALIZABLE transaction.
    pub(crate) fn transact<T: Send>(
        &self,
        work: impl AsyncFn(&deadpool_postgres::Transaction<'_>) -> Result<T, Failure> + Send + Sync,
    ) -> Result<T, StoreError> {
        self.transact_within(self.within, work)
    }

    /// The same for work that takes long where there is much.
    pub(crate) fn transact_long<T: Send>(
        &self,
        work: impl AsyncFn(&deadpool_postgres::Transaction<'_>) -> Result<T, Failure> + Send + Sync,
    ) -> Result<T, StoreError> {
        self.transact_within(LONG_TRY, work)
    }

    fn transact_within<T: Send>(
        &self,
        within: Duration,
        work: impl AsyncFn(&deadpool_postgres::Transaction<'_>) -> Result<T, Failure> + Send + Sync,
    ) -> Result<T, StoreError> {
        self.wait(within, async |client| {
            let begun = client.build_transaction().isolation_level(IsolationLevel::Serializable);
            let transaction = begun.start().await?;
            let done = work(&transaction).await?;
            transaction.commit().await?;
            Ok(done)
        })
    }
}

impl Drop for Connections {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The hosts and the database of a configuration.
fn described(config: &Config) -> String {
    let ports = config.get_ports();
    let hosts = config.get_hosts().iter().enumerate().map(|(place, host)| {
        let host = match host {
            Host::Tcp(host) => host.clone(),
            Host::Unix(path) => path.display().to_string(),
        };
        let port = ports.get(place).or(ports.first()).copied().unwrap_or(5432);
        format!("{host}:{port}")
    });
    let hosts: Vec<String> = hosts.collect();
    format!("postgresql://{}/{}", hosts.join(","), config.get_dbname().unwrap_or_default())
}

/// TLS to servers whose certificates are signed with those of a file.
fn trusting(path: &std::path::Path) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| error.to_string())? {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    if roots.is_empty() {
        return Err("certificates were expected".into());
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| error.to_string())?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// Whether a database is on this machine, so that nobody listens in.
pub fn is_local(url: &str) -> bool {
    let Ok(config) = url.parse::<Config>() else { return false };
    config.get_hosts().iter().all(|host| match host {
        Host::Tcp(host) => {
            host == "localhost" || host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
        }
        Host::Unix(_) => true,
    })
}
