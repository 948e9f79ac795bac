//! The backup of a node's chain: while it runs, and brought back.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use qenex_api::ledger::Ledger;
pub use qenex_backup::BackupError;
pub use qenex_backup::place::Place;
pub use qenex_backup::restore::{At, Restored};
use qenex_backup::restore::{Options, restore};
use qenex_backup::verify;
pub use qenex_backup::verify::Contents;
use qenex_backup::write::{Settings, Writer};
use qenex_node::node::{Node, NodeConfig, Source};
use qenex_validator::checkpoints::Checkpoints;

use crate::config::{BackupConfig, Config, Overrides, backup_seconds, backup_state_blocks};
use crate::error::ServiceError;
use crate::genesis_file::GenesisFile;
use crate::ledger::{self, Opened};
use crate::run::open_checkpoints;

/// Bytes of blocks with which a run is full.
const RUN_BYTES: usize = 4 << 20;

fn writer(
    config: &Config,
    backup: &BackupConfig,
    checkpoints: Option<Checkpoints>,
) -> Result<Writer, ServiceError> {
    let description =
        std::fs::read(&config.genesis).map_err(|error| ServiceError::file(&config.genesis, error))?;
    let settings = Settings {
        every: Duration::from_secs(backup.every_seconds),
        run_bytes: RUN_BYTES,
        state_blocks: backup.state_blocks,
        folder: config.data.clone(),
        description,
    };
    Ok(Writer::new(Place::make(&backup.to)?, settings, checkpoints))
}

/// Copies the final blocks of a node that runs, on a thread of its own, if its configuration says where to.
pub(crate) fn follow(
    config: &Config,
    ledger: Arc<dyn Ledger>,
    checkpoints: Option<Checkpoints>,
    stop: &Arc<AtomicBool>,
) -> Result<(), ServiceError> {
    if let Some(backup) = &config.backup {
        let (writer, stop) = (writer(config, backup, checkpoints)?, Arc::clone(stop));
        std::thread::spawn(move || writer.run(&*ledger, &stop));
    }
    Ok(())
}

/// A node that does nothing else.
struct Stopped(Mutex<Node>);

impl Source for Stopped {
    fn look(&self, look: &mut dyn FnMut(&Node)) {
        look(&self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Copies what a backup lacks of the chain of a node that does not run. Returns the place and the height.
///
/// # Errors
/// The node runs, nothing says where to, or the place does not take it.
pub fn write(path: &Path, overrides: &Overrides, to: Option<&str>) -> Result<(String, u64), ServiceError> {
    let mut config = Config::read(path, overrides)?;
    let mut backup = match (to, config.backup.take()) {
        (_, Some(backup)) => backup,
        (Some(to), None) => BackupConfig {
            to: to.into(),
            every_seconds: backup_seconds(),
            state_blocks: backup_state_blocks(),
        },
        (None, None) => return Err(ServiceError::file(path, "`backup` was expected, or --to")),
    };
    if let Some(to) = to {
        backup.to = to.into();
    }
    if !config.data.is_dir() {
        return Err(ServiceError::file(&config.data, "the data of a node were expected"));
    }
    let file = GenesisFile::read(&config.genesis)?;
    let genesis = file.genesis().map_err(|error| ServiceError::file(&config.genesis, error))?;
    let Opened { node, _folder, .. } = ledger::open(&config, &genesis)?;
    let checkpoints = config.data.join("checkpoints");
    // A chain on which work decides has none.
    let checkpoints = match checkpoints.is_dir() {
        true => Some(open_checkpoints(&checkpoints)?),
        false => None,
    };
    let mut writer = writer(&config, &backup, checkpoints)?;
    let height = writer.step(&Stopped(Mutex::new(node)))?;
    Ok((backup.to, height))
}

/// Where to, and of which chain.
pub enum Target<'a> {
    /// The node of this configuration, whose genesis the backup must have.
    Node(&'a Path),
    /// A folder, with the genesis that is in the backup.
    Folder(&'a Path),
}

/// Brings a chain back. Returns the folder of its data, too.
///
/// # Errors
/// See [`restore`].
pub fn bring_back(
    place: &Place,
    target: &Target<'_>,
    (at, whole): (At, bool),
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(PathBuf, Restored), ServiceError> {
    let (data, file, named) = match target {
        Target::Node(path) => {
            let config = Config::read(path, &Overrides::default())?;
            (config.data, GenesisFile::read(&config.genesis)?, config.genesis)
        }
        Target::Folder(folder) => {
            let named = PathBuf::from(format!("{place}/genesis.json"));
            (folder.to_path_buf(), GenesisFile::parse(&place.description()?, &named)?, named)
        }
    };
    let genesis = file.genesis().map_err(|error| ServiceError::file(&named, error))?;
    let options = Options { at, whole, config: NodeConfig::default() };
    let restored = restore(place, &genesis, options, &data, progress)?;
    Ok((data, restored))
}

/// Reads all of a backup and says what is in it. States are read by way of a folder in this one.
///
/// # Errors
/// See [`verify::verify`].
pub fn examine(place: &Place, folder: &Path) -> Result<Contents, ServiceError> {
    Ok(verify::verify(place, folder)?)
}
