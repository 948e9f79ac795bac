//! Durable appends of blocks of transfers of 200 bytes: the block log beside SQLite (WAL, synchronous=FULL), each
//! with one commit a block, on the file system of the temporary directory. One operation is a block.

use std::cell::Cell;
use std::path::{Path, PathBuf};

use qenex_store::{BlockLog, LogConfig, RealDisk};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rusqlite::{Connection, params};

use crate::harness::{Bench, Case};

const TRANSFER_BYTES: usize = 200;
/// Blocks of an input, so that the commits of a round outlast the clock's noise.
const BLOCKS: usize = 4;

/// A directory that is removed at the end.
pub struct Directory(PathBuf);

impl Directory {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("qenex-bench-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a temporary directory");
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // What is left behind in a temporary directory harms nobody.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A database with a table of transfers.
pub fn sqlite(directory: &Directory) -> rusqlite::Result<Connection> {
    let connection = Connection::open(directory.0.join("ledger.sqlite"))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.execute("CREATE TABLE transfers (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL)", [])?;
    Ok(connection)
}

fn insert(connection: &Connection, block: &[u8]) -> rusqlite::Result<()> {
    let transaction = connection.unchecked_transaction()?;
    {
        let mut statement = transaction.prepare_cached("INSERT INTO transfers (bytes) VALUES (?1)")?;
        for transfer in block.chunks_exact(TRANSFER_BYTES) {
            statement.execute(params![transfer])?;
        }
    }
    transaction.commit()
}

pub fn run(bench: &mut Bench) {
    let mut rng = StdRng::seed_from_u64(2);
    for (case, transfers) in [("block of 1,000 transfers", 1_000), ("block of 8,190 transfers", 8_190)] {
        let blocks: Vec<Vec<u8>> = (0..BLOCKS)
            .map(|_| {
                let mut block = vec![0; transfers * TRANSFER_BYTES];
                rng.fill_bytes(&mut block);
                block
            })
            .collect();
        let (ours, theirs) = (Directory::new("log"), Directory::new("sqlite"));
        let config = LogConfig { segment_bytes: 64 << 20, genesis: [1; 32] };
        let disk = RealDisk::open(&ours.0).expect("a directory of our own");
        let log = &BlockLog::open(disk, config).expect("an empty log").0;
        let height = &Cell::new(0);
        let connection = &sqlite(&theirs).expect("an empty database");
        bench.run(
            Case::new("stores", case)
                .with("qenex block log", blocks.clone(), move |block| {
                    height.set(height.get() + 1);
                    log.append(height.get(), block).and_then(|()| log.sync()).is_ok()
                })
                .with("sqlite", blocks, move |block| insert(connection, block).is_ok()),
        );
    }
}
