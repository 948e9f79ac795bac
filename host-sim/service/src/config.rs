//! The configuration of a node: JSON, with paths that are relative to the file.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use qenex_api::config::InterfaceConfig;
use qenex_device::operator::Operator;
use qenex_postgres::connection::{Settings, is_local};
use serde::{Deserialize, Serialize};

use crate::error::ServiceError;

/// A node.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The genesis of the chain.
    pub genesis: PathBuf,
    /// The folder of the ledger and of the engine's journals.
    pub data: PathBuf,
    /// The file of the secret key of the network: 64 hexadecimal digits.
    pub peer_key: PathBuf,
    /// The account that the node's blocks name as their proposer.
    pub account: String,
    /// The file of the account's secret key: with it the node reports validators that equivocate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_key: Option<PathBuf>,
    /// Who signs its votes; a node without one follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceConfig>,
    /// The file of the seed of its key of checkpoints: 64 hexadecimal digits. A node without one collects what others sign.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint_key: Option<PathBuf>,
    /// Where it listens for other nodes.
    pub listen: SocketAddr,
    /// Where other nodes reach it.
    pub address: SocketAddr,
    /// Nodes that it knows from the beginning.
    pub peers: Vec<PeerConfig>,
    /// Nodes that follow without a vote, by their keys: the others let them in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub followers: Vec<String>,
    /// The database of the ledger; it is in files where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<DatabaseConfig>,
    /// Where its chain is copied to while it runs; nowhere where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup: Option<BackupConfig>,
    /// How it answers programs.
    #[serde(default)]
    pub interface: InterfaceConfig,
    /// Where work decides, how many threads mine: one for each core where nothing is said, zero for a node that only follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mining_threads: Option<usize>,
    /// Between the times of two blocks, at least, where validators decide.
    #[serde(default = "block_interval_ms")]
    pub block_interval_ms: u64,
    /// How many of the newest blocks it keeps, with what they did; all where nothing is said. At least those of two epochs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history_blocks: Option<u64>,
    /// After how many epochs it offers the state at the end of one to others; zero for never.
    #[serde(default = "snapshot_epochs")]
    pub snapshot_epochs: u64,
    /// When it asks others for a state; never where nothing is said: then it executes all blocks. A node that keeps all blocks asks only while it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_sync: Option<StateSyncConfig>,
}

/// What it is where a configuration does not say.
pub const fn block_interval_ms() -> u64 {
    200
}

/// What it is where a configuration does not say.
pub const fn snapshot_epochs() -> u64 {
    8
}

/// A database for the ledger.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseConfig {
    /// The primary: `postgresql://USER@HOST/DATABASE`. Of several hosts (`HOST1,HOST2`) it is the one that can be written to.
    pub url: String,
    /// The file of the user's password, if it is not in the URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// Standbys that are asked for old blocks, as a URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<String>,
    /// A file of the certificates that those of the servers are signed with: with it nothing is sent without TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
    /// How many connections may be open to each.
    #[serde(default = "database_connections")]
    pub connections: usize,
    /// How long something is tried again while no primary answers.
    #[serde(default = "database_patience_seconds")]
    pub patience_seconds: u64,
}

/// What it is where a configuration does not say.
pub const fn database_connections() -> usize {
    8
}

/// What it is where a configuration does not say.
pub const fn database_patience_seconds() -> u64 {
    60
}

impl DatabaseConfig {
    /// The database of a URL, and for the rest what it is where a configuration does not say.
    pub fn of(url: &str) -> Self {
        Self {
            url: url.into(),
            password_file: None,
            replicas: None,
            ca: None,
            connections: database_connections(),
            patience_seconds: database_patience_seconds(),
        }
    }

    /// How it is reached.
    ///
    /// # Errors
    /// The password cannot be read.
    pub fn settings(&self) -> Result<Settings, ServiceError> {
        let password = self.password_file.as_ref().map(|path| {
            let text = std::fs::read_to_string(path).map_err(|error| ServiceError::file(path, error));
            text.map(|text| text.trim().to_string())
        });
        Ok(Settings {
            url: self.url.clone(),
            replicas: self.replicas.clone(),
            password: password.transpose()?,
            ca: self.ca.clone(),
            connections: self.connections,
            patience: Duration::from_secs(self.patience_seconds),
            mark: None,
        })
    }
}

/// Where a chain is copied to.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupConfig {
    /// A folder, or a URL such as `s3://BUCKET/PREFIX`.
    pub to: String,
    /// How often: what is lost with the node is not older.
    #[serde(default = "backup_seconds")]
    pub every_seconds: u64,
    /// After how many blocks the state is copied, too, so that it comes back sooner; zero for never.
    #[serde(default = "backup_state_blocks")]
    pub state_blocks: u64,
}

/// What it is where a configuration does not say.
pub const fn backup_seconds() -> u64 {
    10
}

/// What it is where a configuration does not say.
pub const fn backup_state_blocks() -> u64 {
    100_000
}

/// When a node asks others for a state.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateSyncConfig {
    /// It starts, and its newest block is older than this.
    pub behind_seconds: u64,
    /// The end of an epoch that the operator has from somebody whom he believes. Whoever was away for longer than stake is bound should have one: those
    /// who have long taken their stake back could show another chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trusted: Option<TrustedConfig>,
}

/// The end of an epoch.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustedConfig {
    /// The epoch.
    pub epoch: u64,
    /// The id of its last block.
    pub id: String,
}

/// The device that votes.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceConfig {
    /// The folder of a simulated device, which runs in the node's process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub soft: Option<PathBuf>,
    /// The socket or the serial line of a device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<PathBuf>,
    /// The folder that pairing made.
    pub host: PathBuf,
    /// The operator who lets it vote.
    pub user: String,
    /// The file of the operator's PIN.
    pub pin_file: PathBuf,
    /// The slot of the key of votes.
    pub slot: u8,
    /// The slot of the key of checkpoints, if the device has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint_slot: Option<u8>,
}

impl DeviceConfig {
    /// How its operator reaches the device.
    pub fn operator(&self) -> Operator<'_> {
        let Self { soft, at, host, user, pin_file, .. } = self;
        Operator { soft: soft.as_deref(), at: at.as_deref(), host, user, pin_file }
    }
}

/// Another node.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeerConfig {
    /// Its key of the network.
    pub key: String,
    /// Where it listens.
    pub address: SocketAddr,
}

/// What is said beside the file: it counts more.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// Where the interface listens.
    pub listen: Option<SocketAddr>,
    /// How many connections the interface has open at a time.
    pub max_connections: Option<usize>,
    /// The folder of the data.
    pub data: Option<PathBuf>,
    /// The URL of the database.
    pub database: Option<String>,
    /// The file of the password for it.
    pub database_password_file: Option<PathBuf>,
    /// Whether what is only for tests is refused.
    pub production: bool,
}

impl Config {
    /// Reads a file. Paths in it are made absolute.
    ///
    /// # Errors
    /// It is not there or no configuration; the line at fault is named.
    pub fn read(path: &Path, overrides: &Overrides) -> Result<Self, ServiceError> {
        let text = std::fs::read(path).map_err(|error| ServiceError::file(path, error))?;
        let mut config: Self =
            serde_json::from_slice(&text).map_err(|error| ServiceError::file(path, error))?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let has_checkpoint_key = config.checkpoint_key.is_some();
        let mut paths = vec![&mut config.genesis, &mut config.data, &mut config.peer_key];
        paths.extend(config.account_key.as_mut());
        paths.extend(config.checkpoint_key.as_mut());
        if let Some(device) = &mut config.device {
            if device.soft.is_some() == device.at.is_some() {
                return Err(ServiceError::file(path, "device: either `soft` or `at` was expected"));
            }
            if has_checkpoint_key && device.checkpoint_slot.is_some() {
                return Err(ServiceError::file(path, "one key of checkpoints was expected"));
            }
            paths.extend([&mut device.host, &mut device.pin_file]);
            paths.extend(device.soft.as_mut());
            paths.extend(device.at.as_mut());
        }
        paths.extend(config.interface.paths());
        if let Some(database) = &mut config.database {
            paths.extend(database.password_file.iter_mut().chain(&mut database.ca));
        }
        for path in paths {
            *path = folder.join(&*path);
        }
        if let Some(backup) = &mut config.backup
            && !backup.to.contains("://")
        {
            backup.to = folder.join(&backup.to).display().to_string();
        }
        // Of the process' own folder, as all that is said beside the file.
        config.data = overrides.data.clone().unwrap_or(config.data);
        if let Some(url) = overrides.database.as_ref().filter(|url| !url.is_empty()) {
            // Password, certificates and standbys of the configuration belong to its own database.
            let mut database = DatabaseConfig::of(url);
            if let Some(named) = &config.database {
                (database.connections, database.patience_seconds) =
                    (named.connections, named.patience_seconds);
            }
            config.database = Some(database);
        }
        if let Some(database) = &mut config.database
            && overrides.database_password_file.is_some()
        {
            database.password_file.clone_from(&overrides.database_password_file);
        }
        config.interface.listen = overrides.listen.unwrap_or(config.interface.listen);
        config.interface.max_connections =
            overrides.max_connections.unwrap_or(config.interface.max_connections);
        if overrides.production {
            config.is_for_production().map_err(|detail| ServiceError::file(path, detail))?;
        }
        Ok(config)
    }

    /// Whether it has nothing that is only for tests.
    ///
    /// # Errors
    /// It has: a sentence that says what was expected.
    fn is_for_production(&self) -> Result<(), &'static str> {
        let Self { device, interface, .. } = self;
        if device.as_ref().is_some_and(|device| device.soft.is_some()) {
            return Err("device: in production a device `at` a line was expected, not a simulated one");
        }
        if interface.custody.as_ref().is_some_and(|custody| custody.soft.is_some()) {
            return Err("custody: in production a device `at` a line was expected, not a simulated one");
        }
        let database = self.database.as_ref();
        if database.is_some_and(|database| database.ca.is_none() && !is_local(&database.url)) {
            return Err("database: in production `ca` was expected where the database is on another machine");
        }
        let is_open = !interface.listen.ip().is_loopback();
        if is_open && interface.tls.is_none() && interface.trusted_proxies.is_empty() {
            return Err(
                "interface: in production `tls` or `trusted_proxies` was expected where others can reach it",
            );
        }
        Ok(())
    }
}
