//! Follows the final blocks of a node and copies them.
//!
//! Blocks are read beside the node, which goes on meanwhile; for a state it is asked once, and what it hands over does not change any more. What fails is tried again, and nothing is left out: the
//! writer remembers what the place has taken, and begins with what it finds there.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use metrics::{counter, gauge};
use qenex_core::codec::{Encoded as _, decode, encode};
use qenex_core::consensus::Header;
use qenex_node::block::Block;
use qenex_node::node::Source;
use qenex_node::snapshot::Frozen;
use qenex_store::Store;
use qenex_validator::checkpoints::Checkpoints;

use crate::ends::Ends;
use crate::place::{GENESIS, Place};
use crate::runs::Run;
use crate::{BackupError, Result, states};

/// How often it is looked whether the writer shall stop.
const LOOK: Duration = Duration::from_millis(100);

/// What a node has.
struct Kept {
    genesis: Header,
    tip: Header,
    first: u64,
    store: Arc<dyn Store>,
    /// Whether its state alone is enough to go on with: where work decides, every block counts.
    stands_alone: bool,
}

/// How a chain is copied.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How often.
    pub every: Duration,
    /// Bytes of blocks with which a run is full, of at most 64 MiB: the newest one is sent anew whenever it has grown.
    pub run_bytes: usize,
    /// After how many blocks a state is copied, so that restoring need not execute all blocks; zero for never.
    pub state_blocks: u64,
    /// A folder in which a state lies, in one of its own, until it has been sent.
    pub folder: PathBuf,
    /// The chain as whoever runs its nodes describes it.
    pub description: Vec<u8>,
}

/// What is under way.
struct Begun {
    /// The newest run, which may not be full.
    run: Run,
    /// The run before it, until it was seen to be whole: another writer may have replaced it by a shorter one.
    full: Option<Run>,
    /// Up to which height blocks are copied.
    height: u64,
    /// The height of the newest state.
    state: Option<u64>,
    /// Whether blocks are missing before the newest run that no state makes up for.
    gap: bool,
}

/// Whoever copies.
pub struct Writer {
    place: Place,
    settings: Settings,
    ends: Option<Ends>,
    begun: Option<Begun>,
}

fn kept(source: &dyn Source) -> Option<Kept> {
    let mut kept = None;
    source.look(&mut |node| {
        kept = Some(Kept {
            genesis: node.genesis().header,
            tip: node.chain().tip().clone(),
            first: node.first_height(),
            store: Arc::clone(node.store()),
            stands_alone: node.chain().work().is_none(),
        });
    });
    kept
}

impl Writer {
    /// Whoever copies to a place. With checkpoints, the ends of epochs are copied, too.
    pub fn new(place: Place, settings: Settings, checkpoints: Option<Checkpoints>) -> Self {
        Self { place, settings, ends: checkpoints.map(Ends::new), begun: None }
    }

    /// Copies until it is told to stop. What fails is tried again.
    pub fn run(mut self, source: &dyn Source, stop: &AtomicBool) {
        let mut failing = false;
        // The folder is the node's, and one node has it: what lies there was left by one that was killed.
        if let Err(error) = states::clean(&self.settings.folder) {
            tracing::warn!("what an earlier copy of a state left cannot be removed: {error}");
        }
        gauge!("qenex_backup_height").set(0);
        while !stop.load(Ordering::Relaxed) {
            match self.step(source) {
                Ok(height) => {
                    gauge!("qenex_backup_height").set(height as f64);
                    if std::mem::take(&mut failing) {
                        tracing::info!(height, "the backup goes on");
                    }
                }
                Err(error) => {
                    counter!("qenex_backup_failures_total").increment(1);
                    if !std::mem::replace(&mut failing, true) {
                        tracing::error!("the backup does not go on: {error}");
                    }
                }
            }
            let mut waited = Duration::ZERO;
            while waited < self.settings.every && !stop.load(Ordering::Relaxed) {
                std::thread::sleep(LOOK);
                waited += LOOK;
            }
        }
    }

    /// Copies what there is. Returns up to which height blocks are in the backup.
    ///
    /// # Errors
    /// The backup is one of another chain, the node's blocks cannot be read, or the place does not take them. What was copied stays.
    pub fn step(&mut self, source: &dyn Source) -> Result<u64> {
        let Some(kept) = kept(source) else { return Ok(0) };
        let mut begun = match self.begun.take() {
            Some(begun) => begun,
            None => match self.begin(&kept)? {
                Some(begun) => begun,
                // The backup is ahead of this node, which may have been brought back.
                None => return Ok(kept.tip.height),
            },
        };
        let done = self.copy(&mut begun, &kept, source);
        let height = begun.height;
        // What has failed begins with what the place has.
        if done.is_ok() {
            self.begun = Some(begun);
        }
        done.map(|()| height)
    }

    /// Finds out where to go on. Nothing while the backup has blocks that this node does not have yet.
    fn begin(&self, kept: &Kept) -> Result<Option<Begun>> {
        let place = &self.place;
        let foreign = |detail: String| BackupError::Foreign { place: place.to_string(), detail };
        match place.get(GENESIS)? {
            Some(found) => {
                let found: Option<Header> = decode(&found).ok();
                if found.as_ref() != Some(&kept.genesis) {
                    let found = found.map_or("none".into(), |found| found.id().to_string());
                    return Err(foreign(format!("its genesis is {found}, not {}", kept.genesis.id())));
                }
            }
            None => {
                place.describe_chain(&self.settings.description)?;
                let mut buffer = [0; Header::MAX_LEN];
                // Cannot fail: the buffer has the greatest length.
                place.put(GENESIS, encode(&kept.genesis, &mut buffer).unwrap_or_default().to_vec())?;
            }
        }
        let state = place.states()?.last().map(|mark| mark.height);
        let marks = place.runs()?;
        let Some(newest) = marks.last() else {
            let first = kept.first.max(1);
            let begun = Begun { run: Run::new(first), full: None, height: first - 1, state, gap: first > 1 };
            return Ok(Some(begun));
        };
        let mut run = Run::read(place, *newest)?;
        let mut last = run.next().saturating_sub(1);
        // Where another writer replaced the run before by a shorter one, that is where to go on.
        if let [.., before, _] = &marks[..] {
            let before = Run::read(place, *before)?;
            if before.next() < newest.height && before.next() >= kept.first {
                (last, run) = (before.next() - 1, before);
            }
        }
        if last > kept.tip.height {
            return Ok(None);
        }
        // A block that both have: the newest of the backup, unless the node has forgotten it.
        if last >= kept.first.max(1) && run.block(last) != Some(&*kept.store.read(last)?) {
            return Err(foreign(format!("its block {last} is not the one of this node")));
        }
        let run = if run.is_full(self.settings.run_bytes) { Run::new(last + 1) } else { run };
        Ok(Some(Begun { run, full: None, height: last, state, gap: false }))
    }

    fn copy(&mut self, begun: &mut Begun, kept: &Kept, source: &dyn Source) -> Result<()> {
        if begun.height + 1 < kept.first {
            tracing::warn!(
                from = begun.height + 1,
                to = kept.first - 1,
                "the node has forgotten blocks that are not in the backup"
            );
            (begun.run, begun.height, begun.gap) = (Run::new(kept.first), kept.first - 1, true);
        }
        if let Some(full) = begun.full.take() {
            let mark = full.mark().map(|mark| Run::read(&self.place, mark)).transpose()?;
            if mark.is_none_or(|found| found.next() < full.next()) {
                full.write(&self.place)?;
            }
        }
        while begun.height < kept.tip.height {
            while !begun.run.is_full(self.settings.run_bytes) && begun.run.next() <= kept.tip.height {
                let block = kept.store.read(begun.run.next())?;
                begun.run.blocks.push(block);
            }
            begun.run.write(&self.place)?;
            begun.height = begun.run.next() - 1;
            if begun.run.is_full(self.settings.run_bytes) {
                begun.full = Some(std::mem::replace(&mut begun.run, Run::new(begun.height + 1)));
            }
        }
        if let Some(ends) = &mut self.ends {
            ends.copy(&self.place, kept.tip.epoch)?;
        }
        // Last: blocks and ends are copied whether a state can be or not.
        let is_due = |state: u64| kept.tip.height >= state.saturating_add(self.settings.state_blocks);
        let wanted = self.settings.state_blocks > 0 && begun.state.map_or_else(|| is_due(0), is_due);
        if kept.stands_alone && (begun.gap || wanted) {
            begun.state = Some(self.copy_state(source)?);
            begun.gap = false;
        }
        Ok(())
    }

    /// Copies the newest state. Returns its height.
    fn copy_state(&self, source: &dyn Source) -> Result<u64> {
        let mut taken: Option<(Frozen, u64, Arc<dyn Store>, Block)> = None;
        source.look(&mut |node| {
            let height = node.chain().tip().height;
            taken = Some((node.chain().freeze(), height, Arc::clone(node.store()), node.genesis()));
        });
        let Some((frozen, height, store, genesis)) = taken else { return Ok(0) };
        let block = match height {
            0 => genesis,
            _ => Block::decode(&store.read(height)?).map_err(qenex_node::error::NodeError::from)?,
        };
        states::write(&self.place, &self.settings.folder, &frozen, &block)?;
        Ok(height)
    }
}
