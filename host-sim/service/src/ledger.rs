//! The ledger of a node: in files or in a database, and from one to the other.

use std::path::Path;
use std::sync::Arc;

use qenex_core::consensus::Header;
use qenex_core::error::STORE_HEIGHT;
use qenex_node::chain::Chain;
use qenex_node::genesis::Genesis;
use qenex_node::node::{Node, NodeConfig, Recovery, begin_store};
use qenex_postgres::books::Books;
use qenex_postgres::connection::Settings;
use qenex_postgres::{Postgres, look};
use qenex_store::copy::copy;
use qenex_store::{Disk, RealDisk, Store, StoreError};

use crate::config::{Config, DatabaseConfig, Overrides};
use crate::error::ServiceError;
use crate::genesis_file::GenesisFile;

/// The folder of the ledger in that of the data.
const LEDGER: &str = "ledger";

/// The file in that folder that says up to which block a database was told to have the ledger.
const IN_DATABASE: &str = "database";

/// What the folder is called once its ledger was copied to a database.
const MOVED: &str = "ledger-moved";

/// A ledger that is open, and its folder: no other process opens it while this is there.
pub(crate) struct Opened {
    pub(crate) node: Node,
    /// Whoever keeps the books in its database, if it has one.
    pub(crate) books: Option<Books>,
    pub(crate) _folder: Arc<dyn Disk>,
}

fn node_config(config: &Config) -> NodeConfig {
    NodeConfig { history_blocks: config.history_blocks, ..NodeConfig::default() }
}

/// Whether there is a ledger in files.
fn is_in_files(disk: &dyn Disk) -> bool {
    disk.list().is_ok_and(|names| names.iter().any(|name| name == "genesis"))
}

/// The block that a chain begins with.
fn first_block(genesis: &Genesis) -> Result<Header, ServiceError> {
    Ok(Chain::new(genesis, NodeConfig::default().state_bytes)?.tip().clone())
}

/// Opens the ledger of a node, or begins it.
pub(crate) fn open(config: &Config, genesis: &Genesis) -> Result<Opened, ServiceError> {
    let folder = config.data.join(LEDGER);
    let disk: Arc<dyn Disk> = RealDisk::open(&folder)?;
    if config.database.is_none() && !is_in_files(&*disk) && folder.join(IN_DATABASE).exists() {
        let detail = "the ledger of this node is in a database, and its configuration names none; `qenex store to-files` brings it back";
        return Err(ServiceError::file(&folder, detail));
    }
    let mut books = None;
    let node = match &config.database {
        Some(database) => {
            if is_in_files(&*disk) {
                let detail = "there is a ledger in this folder, and the configuration names a database: `qenex store to-database` copies it there; if it was copied from there, take the database out of the configuration";
                return Err(ServiceError::file(&folder, detail));
            }
            let first = first_block(genesis)?;
            let store = Arc::new(in_database(config, database, &first)?);
            books = Some(Books::new(Arc::clone(&store)));
            match store.last_height() {
                Some(_) => recovered(Node::open_in(store, first, node_config(config))?),
                None => Node::create_in(store, genesis, node_config(config))?,
            }
        }
        None if is_in_files(&*disk) => recovered(Node::open(Arc::clone(&disk), node_config(config))?),
        None => Node::create(Arc::clone(&disk), genesis, node_config(config))?,
    };
    Ok(Opened { node, books, _folder: disk })
}

/// A node that was there, and what opening it took, which is said.
fn recovered((node, recovery): (Node, Recovery)) -> Node {
    tracing::info!(
        height = node.chain().tip().height,
        executed = recovery.blocks,
        seconds = recovery.elapsed.as_secs_f64(),
        "the ledger is open"
    );
    node
}

/// Opens the database of a node, with the file beside it that says what was committed.
fn in_database(config: &Config, database: &DatabaseConfig, first: &Header) -> Result<Postgres, ServiceError> {
    let mark = Some(config.data.join(LEDGER).join(IN_DATABASE));
    Ok(Postgres::open(&Settings { mark, ..database.settings()? }, &first.id().0)?)
}

/// Where a ledger is copied to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    /// From files to the database.
    Database,
    /// From the database to files.
    Files,
}

/// What was copied.
#[derive(Clone, Debug)]
pub struct Copied {
    /// Where it is now.
    pub to: String,
    /// Its newest block. The state that was read anew has the root that it names.
    pub tip: Header,
}

/// Copies the ledger of a node that does not run from its files to its database, or back. `progress` is told the height that was copied, and the newest one.
///
/// # Errors
/// The node runs, its configuration names no database, there is nothing to copy or something already where it should be, or one of the two fails.
pub fn transfer(
    path: &Path,
    overrides: &Overrides,
    to: To,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Copied, ServiceError> {
    let config = Config::read(path, overrides)?;
    let missing = || ServiceError::file(path, "`database` was expected, or DATABASE_URL");
    let database = config.database.as_ref().ok_or_else(missing)?;
    let file = GenesisFile::read(&config.genesis)?;
    let genesis = file.genesis().map_err(|error| ServiceError::file(&config.genesis, error))?;
    let first = first_block(&genesis)?;
    let folder = config.data.join(LEDGER);
    let disk: Arc<dyn Disk> = RealDisk::open(&folder)?;
    let in_database = || in_database(&config, database, &first);
    let (name, node) = match to {
        To::Database => {
            if !is_in_files(&*disk) {
                return Err(ServiceError::file(&folder, "the ledger of a node was expected"));
            }
            let moved = config.data.join(MOVED);
            if moved.exists() {
                return Err(ServiceError::file(&moved, "it is there from another time: remove it"));
            }
            // Asked first: whoever opens it takes the right to write there from a node that has it.
            let found = look(&database.settings()?)?;
            if found.last_height.is_some() {
                let detail = format_args!("an empty database was expected: {found}");
                return Err(StoreError::new(STORE_HEIGHT, &found.database, detail).into());
            }
            // Its newest state becomes that of its newest block.
            Node::open(Arc::clone(&disk), node_config(&config))?.0.checkpoint()?;
            let files = begin_store(&disk, &first, node_config(&config))?;
            // Without a mark: what fails on the way is begun anew.
            let store = Postgres::open(&database.settings()?, &first.id().0)?;
            copy(&files, &store, progress)?;
            drop((store, files, disk));
            let failed = |error| StoreError::io(&folder.display().to_string(), "give it another name")(error);
            std::fs::rename(&folder, &moved).map_err(failed)?;
            let disk = RealDisk::open(&folder)?;
            let store = Arc::new(in_database()?);
            let name = store.name();
            let node = Node::open_in(store, first, node_config(&config))?.0;
            drop(disk);
            (name, node)
        }
        To::Files => {
            if is_in_files(&*disk) {
                return Err(ServiceError::file(&folder, "a folder without a ledger was expected"));
            }
            // Opened, it has a state of its newest block.
            let store = Arc::new(in_database()?);
            Node::open_in(Arc::clone(&store) as Arc<dyn Store>, first.clone(), node_config(&config))?
                .0
                .checkpoint()?;
            let files = begin_store(&disk, &first, node_config(&config))?;
            copy(&*store, &files, progress)?;
            drop((store, files));
            let mark = folder.join(IN_DATABASE);
            let failed = |error| StoreError::io(&mark.display().to_string(), "remove")(error);
            std::fs::remove_file(&mark).map_err(failed)?;
            (folder.display().to_string(), Node::open(disk, node_config(&config))?.0)
        }
    };
    Ok(Copied { to: name, tip: node.chain().tip().clone() })
}
