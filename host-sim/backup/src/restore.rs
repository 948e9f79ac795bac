//! Makes a ledger of a backup, as it was after some block.
//!
//! The newest state that is not above that block is put into a new ledger, and the blocks after it are executed, while the next ones are fetched and prepared. What comes of it
//! is written beside its place and gets its name at the end: a folder with a ledger in it is whole.

use std::fs::{self, File};
use std::path::Path;
use std::str::FromStr;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::{Duration, Instant, UNIX_EPOCH};

use qenex_core::consensus::Header;
use qenex_core::crypto::Hash;
use qenex_node::block::Block;
use qenex_node::error::NodeError;
use qenex_node::genesis::Genesis;
use qenex_node::node::{Node, NodeConfig};
use qenex_node::prepare::{Prepared, Signatures, prepare};
use qenex_signatures::Verifier;
use qenex_store::{RealDisk, StoreError};
use qenex_validator::checkpoints::Checkpoints;

use crate::ends::{self, Followed};
use crate::place::{GENESIS, Mark, Place};
use crate::runs::{self, Run};
use crate::{BackupError, Result, states};

/// So many blocks become durable together.
const TOGETHER: usize = 64;

/// Blocks that are ready to be executed, at most.
const READY: usize = 64;

/// Keys whose preparation is remembered while signatures are verified.
const CACHED_KEYS: usize = 10_000;

/// So many of the newest runs are looked into, where several nodes write.
const OVERLAPPING: usize = 4;

/// The folder of the ledger below that of a node's data, and of the ends of epochs.
const LEDGER: &str = "ledger";
const CHECKPOINTS: &str = "checkpoints";

/// What of a node's data would contradict a ledger that was brought back.
const OTHERS: [&str; 3] = ["engine", "snapshots", "pending"];

/// While it is written.
const NEW: &str = "restoring";

/// Up to which block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// The newest one that is in the backup.
    Newest,
    /// The one of this height.
    Height(u64),
    /// The last one that is not later than this, in milliseconds since 1970.
    TimeMs(u64),
}

impl FromStr for At {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        if text == "newest" {
            return Ok(Self::Newest);
        }
        if let Ok(height) = text.parse() {
            return Ok(Self::Height(height));
        }
        let expected =
            || format!("{text:?}: `newest`, a height or a time such as 2026-11-22T15:04:05Z was expected");
        let time = humantime::parse_rfc3339_weak(text).map_err(|_| expected())?;
        let since = time.duration_since(UNIX_EPOCH).map_err(|_| expected())?;
        Ok(Self::TimeMs(u64::try_from(since.as_millis()).map_err(|_| expected())?))
    }
}

/// How.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Up to which block.
    pub at: At,
    /// Whether all blocks are executed from the first one on, so that the ledger has all blocks and histories, and not only those since the state that it was begun with.
    pub whole: bool,
    /// The bounds of the ledger while it is made.
    pub config: NodeConfig,
}

/// What was brought back.
#[derive(Clone, Debug)]
pub struct Restored {
    /// The id of the first block: it says which chain this is.
    pub genesis: Hash,
    /// The header of the newest block.
    pub header: Header,
    /// The height of the state that was begun with; zero for the genesis.
    pub state_height: u64,
    /// Blocks that were executed.
    pub blocks: u64,
    /// Their transactions.
    pub transactions: u64,
    /// Up to which height the signatures of validators say that these are the chain's blocks.
    pub confirmed_height: u64,
    /// How long it took.
    pub elapsed: Duration,
}

/// A block that is ready to be executed.
struct Ready {
    bytes: Vec<u8>,
    header: Header,
    prepared: Prepared,
}

/// Finds the run of a block: among those that do not begin above it, the newest one that has it.
struct Runs<'p> {
    place: &'p Place,
    marks: Vec<Mark>,
}

impl Runs<'_> {
    fn with(&self, height: u64) -> Result<(Mark, Run)> {
        let below = self.marks.partition_point(|mark| mark.height <= height);
        // Where several nodes write, a run may have been replaced by a shorter one, and the one before it reaches further.
        for mark in self.marks[..below].iter().rev().take(OVERLAPPING) {
            let run = Run::read(self.place, *mark)?;
            if run.block(height).is_some() {
                return Ok((*mark, run));
            }
        }
        let hint = match (self.marks.get(below), self.marks.first()) {
            (Some(next), _) => format!("; the next one that is has height {}", next.height),
            (None, Some(_)) => "; it ends before".to_string(),
            (None, None) => "; there are no blocks in it".to_string(),
        };
        Err(BackupError::Missing { place: self.place.to_string(), what: format!("block {height}"), hint })
    }

    /// The height that is meant.
    fn height(&self, at: At, genesis: &Header) -> Result<u64> {
        let last = |mark: &Mark| Run::read(self.place, *mark).map(|run| run.next().saturating_sub(1));
        match at {
            At::Height(height) => Ok(height),
            // Where several nodes write, an earlier run may reach further.
            At::Newest => {
                let mut recent = self.marks.iter().rev().take(OVERLAPPING).map(last);
                recent.try_fold(0, |most, reach| Ok(most.max(reach?)))
            }
            At::TimeMs(time_ms) if time_ms < genesis.time_ms => Err(BackupError::Missing {
                place: self.place.to_string(),
                what: "a block as early as this".into(),
                hint: format!("; the chain begins at {}", shown(genesis.time_ms)),
            }),
            At::TimeMs(time_ms) => {
                let below = self.marks.partition_point(|mark| mark.time_ms <= time_ms);
                let Some(mark) = self.marks[..below].last() else {
                    return match self.marks.first() {
                        Some(first) if first.height > 1 => Err(BackupError::Missing {
                            place: self.place.to_string(),
                            what: format!("the block of {}", shown(time_ms)),
                            hint: format!("; the first one that is has height {}", first.height),
                        }),
                        _ => Ok(0),
                    };
                };
                let run = Run::read(self.place, *mark)?;
                let mut found = mark.height;
                for (block, height) in run.blocks.iter().zip(run.first..) {
                    if runs::header(self.place, *mark, height, block)?.time_ms > time_ms {
                        break;
                    }
                    found = height;
                }
                Ok(found)
            }
        }
    }
}

/// A time as people read it.
fn shown(time_ms: u64) -> String {
    humantime::format_rfc3339_millis(UNIX_EPOCH + Duration::from_millis(time_ms)).to_string()
}

/// Makes the ledger of a node whose data are in this folder. `progress` is told the height after some blocks, and the one that it comes to.
///
/// # Errors
/// The backup is one of another chain, lacks something or is damaged, or there is a ledger already: the folder is then as it was before.
pub fn restore(
    place: &Place,
    genesis: &Genesis,
    options: Options,
    data: &Path,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Restored> {
    let start = Instant::now();
    let failed = |path: &Path, error| StoreError::io(&path.display().to_string(), "write")(error);
    for name in [LEDGER, CHECKPOINTS].iter().chain(&OTHERS) {
        let path = data.join(name);
        if path.exists() {
            return Err(BackupError::Occupied { path: path.display().to_string() });
        }
    }
    let new = data.join(NEW);
    if new.exists() {
        fs::remove_dir_all(&new).map_err(|error| failed(&new, error))?;
    }
    let made = make(place, genesis, options, &new, progress);
    if made.is_err() {
        // What is not whole takes no room.
        let _ = fs::remove_dir_all(&new);
    }
    let mut restored = made?;
    // The ledger last: with it all is there.
    for name in [CHECKPOINTS, LEDGER] {
        let path = data.join(name);
        fs::rename(new.join(name), &path).map_err(|error| failed(&path, error))?;
    }
    fs::remove_dir_all(&new).map_err(|error| failed(&new, error))?;
    let sync = File::open(data).and_then(|data| data.sync_all());
    sync.map_err(|error| failed(data, error))?;
    restored.elapsed = start.elapsed();
    Ok(restored)
}

/// Makes the ledger in a folder that is not there.
fn make(
    place: &Place,
    genesis: &Genesis,
    options: Options,
    folder: &Path,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Restored> {
    let ledger = folder.join(LEDGER);
    let mut node = Node::create(RealDisk::open(&ledger)?, genesis, options.config)?;
    let first = node.genesis().header;
    let found = place.expect(GENESIS)?;
    if qenex_core::codec::decode::<Header>(&found).ok().as_ref() != Some(&first) {
        return Err(BackupError::Foreign {
            place: place.to_string(),
            detail: format!("its genesis is not {}", first.id()),
        });
    }
    let runs = Runs { place, marks: place.runs()? };
    let until = runs.height(options.at, &first)?;
    let followed = ends::follow(place, &first, until)?;
    let confirmed = followed.height();
    let mut state_height = 0;
    // A validator begins at the end of an epoch, whose block it must have.
    let below = if confirmed > 0 { confirmed } else { until };
    let stands_alone = node.chain().work().is_none();
    if !options.whole
        && stands_alone
        && let Some(mark) = place.states()?.into_iter().rev().find(|mark| mark.height <= below)
        && mark.height > 0
    {
        let (block, records) = states::read(place, mark, folder)?;
        check_end(place, &followed, &block.header)?;
        node.install(&block, records)?;
        state_height = mark.height;
    }
    let mut transactions = 0;
    std::thread::scope(|scope| {
        let (out, ready) = sync_channel::<Result<Ready>>(READY);
        let runs = &runs;
        scope.spawn(move || fetch(runs, state_height + 1, until, confirmed, &out));
        let mut pending = Vec::with_capacity(TOGETHER);
        for next in ready {
            let Ready { bytes, header, prepared } = next?;
            check_end(place, &followed, &header)?;
            let id = node.chain_mut().execute(&header, &prepared)?;
            node.store().append(header.height, &bytes)?;
            transactions += prepared.len() as u64;
            pending.push(id);
            if pending.len() == TOGETHER {
                settle(&mut node, &mut pending)?;
                progress(header.height, until);
            }
        }
        settle(&mut node, &mut pending)
    })?;
    node.checkpoint()?;
    let header = node.chain().tip().clone();
    drop(node);
    // What was written is read: opening computes the root of the state anew.
    let (node, _) = Node::open(RealDisk::open(&ledger)?, options.config)?;
    if node.chain().tip() != &header || header.height != until {
        return Err(NodeError::Header { field: "height", height: header.height }.into());
    }
    let checkpoints = folder.join(CHECKPOINTS);
    let failed = |error| StoreError::io(&checkpoints.display().to_string(), "write")(error);
    let kept = Checkpoints::load(RealDisk::open(&checkpoints)?).map_err(failed)?;
    for (epoch, end) in followed.ends {
        kept.put(epoch, end).map_err(failed)?;
    }
    Ok(Restored {
        genesis: first.id(),
        header,
        state_height,
        blocks: until - state_height,
        transactions,
        confirmed_height: confirmed,
        elapsed: Duration::ZERO,
    })
}

fn settle(node: &mut Node, pending: &mut Vec<Hash>) -> Result<()> {
    node.store().sync()?;
    pending.drain(..).try_for_each(|id| node.settle(id))?;
    Ok(())
}

/// A block at the end of an epoch must be the one that the validators signed.
fn check_end(place: &Place, followed: &Followed, header: &Header) -> Result<()> {
    let right = followed.ids.get(&header.height).is_none_or(|id| *id == header.id());
    let detail = || format!("its block {} is not the one that the validators signed", header.height);
    if right { Ok(()) } else { Err(BackupError::Foreign { place: place.to_string(), detail: detail() }) }
}

/// Fetches and prepares blocks. Signatures of transactions are verified where nothing else says that the block is the chain's.
fn fetch(runs: &Runs<'_>, from: u64, until: u64, confirmed: u64, out: &SyncSender<Result<Ready>>) {
    let verifier = Verifier::new(CACHED_KEYS);
    let mut height = from;
    while height <= until {
        let (mark, run) = match runs.with(height) {
            Ok(found) => found,
            Err(error) => {
                // Whoever executes may have stopped at an error of his own.
                let _ = out.send(Err(error));
                return;
            }
        };
        while height <= until
            && let Some(bytes) = run.block(height)
        {
            let ready = runs::header(runs.place, mark, height, bytes).and_then(|header| {
                let block = Block::decode(bytes).map_err(NodeError::from)?;
                let committed = header.height <= confirmed;
                let signatures =
                    if committed { Signatures::Committed } else { Signatures::Verify(&verifier) };
                Ok(Ready { bytes: bytes.to_vec(), header, prepared: prepare(block.transactions, signatures) })
            });
            let failed = ready.is_err();
            if out.send(ready).is_err() || failed {
                return;
            }
            height += 1;
        }
    }
}
