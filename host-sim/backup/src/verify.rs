//! Reads all of a backup, and says what can be brought back of it.
//!
//! It is read as it is, without a ledger: every object is as it was written, every block names the one before it, every state has the root that its block names, and the ends of epochs
//! are signed. That blocks do what their headers say is seen by executing them ([`crate::restore`]).

use std::collections::BTreeMap;
use std::path::Path;

use qenex_core::codec::decode;
use qenex_core::consensus::Header;
use qenex_core::crypto::Hash;

use crate::place::{GENESIS, Mark, Place, run_name};
use crate::runs::{self, Run};
use crate::{BackupError, Result, ends, states};

/// The ids of so many blocks are compared where runs overlap.
const REMEMBERED: usize = 100_000;

/// Blocks of consecutive heights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// The height of the first one.
    pub from: u64,
    /// The height of the last one.
    pub to: u64,
    /// Its time, in milliseconds since 1970.
    pub time_ms: u64,
}

/// What is in a backup.
#[derive(Clone, Debug)]
pub struct Contents {
    /// The id of the first block.
    pub genesis: Hash,
    /// Its chain.
    pub chain_id: String,
    /// Blocks, in ascending order; more than one stretch where some are missing.
    pub blocks: Vec<Stretch>,
    /// The heights of the states.
    pub states: Vec<u64>,
    /// The height of the newest block of which the signatures of validators say that it is the chain's, and so that those are before which it follows without a gap.
    pub confirmed_height: u64,
}

/// Reads all of it, states by way of a folder of their own in this one.
///
/// # Errors
/// Something is not as it was written, or contradicts something else: it is named.
pub fn verify(place: &Place, folder: &Path) -> Result<Contents> {
    let damaged = |object: &str, detail: &str| BackupError::Damaged {
        object: place.describe(object),
        detail: detail.into(),
    };
    let genesis: Header = decode(&place.expect(GENESIS)?)
        .map_err(|_| damaged(GENESIS, "the header of a first block was expected"))?;
    let followed = ends::follow(place, &genesis, u64::MAX)?;
    let states = place.states()?;
    let mut named = followed.ids.clone();
    for mark in &states {
        let (block, _) = states::read(place, *mark, folder)?;
        agrees(place, &named, &block.header)?;
        named.insert(mark.height, block.header.id());
    }
    let mut blocks: Vec<Stretch> = Vec::new();
    let mut before = genesis.id();
    let mut recent: BTreeMap<u64, Hash> = BTreeMap::new();
    let mut confirmed_height = 0;
    for mark in place.runs()? {
        let run = Run::read(place, mark)?;
        for (bytes, height) in run.blocks.iter().zip(run.first..) {
            let header = runs::header(place, mark, height, bytes)?;
            let last = blocks.last().map_or(0, |stretch| stretch.to);
            if height <= last {
                // Several nodes write: this one was read in a run before, or is where nothing was.
                if recent.get(&height).is_some_and(|id| *id != header.id()) {
                    let detail = format!("its block {height} is another one than in the run before");
                    return Err(damaged(&run_name(mark), &detail));
                }
                continue;
            }
            recent.insert(height, header.id());
            if recent.len() > REMEMBERED {
                recent.pop_first();
            }
            if followed.ids.contains_key(&height) {
                confirmed_height = height;
            }
            if height == last + 1 {
                if header.parent != before {
                    let detail = format!("block {height} does not follow the one before it");
                    return Err(damaged(&run_name(mark), &detail));
                }
                match blocks.last_mut() {
                    Some(stretch) => (stretch.to, stretch.time_ms) = (height, header.time_ms),
                    None => blocks.push(Stretch { from: height, to: height, time_ms: header.time_ms }),
                }
            } else {
                blocks.push(Stretch { from: height, to: height, time_ms: header.time_ms });
            }
            agrees(place, &named, &header)?;
            before = header.id();
        }
    }
    Ok(Contents {
        genesis: genesis.id(),
        chain_id: genesis.chain_id.to_string(),
        blocks,
        states: states.iter().map(|mark: &Mark| mark.height).collect(),
        confirmed_height,
    })
}

/// A block that something else names, too, must be that one.
fn agrees(place: &Place, named: &BTreeMap<u64, Hash>, header: &Header) -> Result<()> {
    if named.get(&header.height).is_none_or(|id| *id == header.id()) {
        return Ok(());
    }
    let detail = format!("there are two blocks of height {}", header.height);
    Err(BackupError::Foreign { place: place.to_string(), detail })
}
