//! States: one file of sections for each, the list of its parts, its block, and then the parts ([`qenex_node::snapshot`]).

use std::fs;
use std::path::Path;

use qenex_node::block::Block;
use qenex_node::error::NodeError;
use qenex_node::prepare::{Signatures, prepare};
use qenex_node::records::Records;
use qenex_node::snapshot::{Arriving, Frozen};
use qenex_store::sections::{Magic, SectionWriter, Sections};
use qenex_store::{Disk, RealDisk, StoreError};
use tempfile::TempDir;

use crate::place::{Mark, Place, state_name};
use crate::{BackupError, Result};

const MAGIC: &Magic = b"QXSTATE1";

/// The file that is sent or has come, in a folder of its own.
const FILE: &str = "state";

/// What folders begin with that hold a state while it is written or read.
pub const SCRATCH: &str = ".qenex-state-";

/// Removes what a writer that was killed has left in this folder.
pub fn clean(folder: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(SCRATCH) {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// A folder in another one that nobody else knows, and that is removed with what is in it.
fn scratch(folder: &Path) -> Result<TempDir> {
    let made =
        fs::create_dir_all(folder).and_then(|()| tempfile::Builder::new().prefix(SCRATCH).tempdir_in(folder));
    Ok(made.map_err(StoreError::io(&folder.display().to_string(), "make a folder for a state"))?)
}

/// Writes the state after this block into a folder of its own in this one, and from there to the place.
///
/// # Errors
/// The disk or the place does not take it.
pub fn write(place: &Place, folder: &Path, frozen: &Frozen, block: &Block) -> Result<()> {
    let failed = |error| StoreError::io(&folder.display().to_string(), "write")(error);
    let scratch = scratch(folder)?;
    let disk = RealDisk::open(scratch.path())?;
    let file = disk.create(FILE).map_err(failed)?;
    let sections = || {
        let mut sections = SectionWriter::new(&*file);
        sections.put(&frozen.list())?;
        sections.put(&block.encode())?;
        (0..frozen.parts()).try_for_each(|index| sections.put(&frozen.part(index)))?;
        sections.finish(MAGIC)
    };
    sections().map_err(failed)?;
    let mark = Mark { height: block.header.height, time_ms: block.header.time_ms };
    place.upload(&state_name(mark), &scratch.path().join(FILE))
}

/// Reads a state by way of a folder of its own in this one, checks it against the root that its block names, and returns both.
///
/// # Errors
/// It is not there or not as it was written, or the disk fails.
pub fn read(place: &Place, mark: Mark, folder: &Path) -> Result<(Block, Records)> {
    let failed = |error| StoreError::io(&folder.display().to_string(), "read")(error);
    let object = place.describe(&state_name(mark));
    let damaged = |detail: String| BackupError::Damaged { object: object.clone(), detail };
    let scratch = scratch(folder)?;
    let disk = RealDisk::open(scratch.path())?;
    place.download(&state_name(mark), &scratch.path().join(FILE))?;
    let file = disk.open(FILE).map_err(failed)?;
    let sections = file.map(|file| Sections::open(file, MAGIC)).transpose().map_err(failed)?.flatten();
    let sections = sections.ok_or_else(|| damaged("a state was expected".into()))?;
    let section = |index| match sections.read(index) {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => Err(damaged(format!("section {index} was expected"))),
        Err(error) => Err(damaged(error.to_string())),
    };
    let wrong = |error: NodeError| damaged(error.to_string());
    let block = Block::decode(&section(1)?).map_err(|error| wrong(error.into()))?;
    if (block.header.height, block.header.time_ms) != (mark.height, mark.time_ms) {
        return Err(damaged("its block is another one than its name says".into()));
    }
    let transactions = prepare(block.transactions.clone(), Signatures::Committed);
    if transactions.transaction_root() != block.header.transaction_root {
        return Err(damaged("the transactions of its block are others than its header names".into()));
    }
    let mut arriving = Arriving::new(&block.header, &section(0)?).map_err(wrong)?;
    let missing: Vec<usize> = arriving.missing().collect();
    for index in missing {
        arriving.take(index, &section(index + 2)?).map_err(wrong)?;
    }
    let records = arriving.finish().ok_or_else(|| damaged("parts are missing".into()))?;
    Ok((block, records))
}
