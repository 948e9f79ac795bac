//! The ends of epochs as a light client sees them that begins at the genesis: by checkpoints alone, and by certificates alone.

use qenex_core::consensus::{Anchor, Header, LightError, Trusted};
use qenex_validator::checkpoint::{Certified, Collected};
use qenex_validator::ledger::Shared;

use crate::plan::Plan;
use crate::world::{World, is_archive};

/// Every epoch that is over, but possibly the newest, has a checkpoint at each honest validator; and what is told of them leads a light client to
/// the end of the newest one. Returns how many epochs that are.
///
/// # Errors
/// It is not so.
pub fn check(world: &World, plan: &Plan) -> Result<u64, String> {
    let mut followed = 0;
    for index in (0..world.members.len()).filter(|index| plan.is_honest(*index)) {
        let Some(ledger) = world.ledger(index) else { continue };
        let failed = |what: &str| format!("validator {index}: {what}");
        let over = ledger.lock().tip().height / plan.epoch_blocks;
        for epoch in 1..over {
            if done(world, index, epoch)?.is_none() {
                return Err(failed(&format!("epoch {epoch} of {over} has no checkpoint")));
            }
        }
        // Checkpoints are the same everywhere but for who signed: one light client is enough.
        if followed > 0 || over < 2 {
            continue;
        }
        let header = |height| header(world, plan, height).ok_or_else(|| format!("nobody has block {height}"));
        let anchor = Anchor { header: header(0)?, trusting_period_ms: plan.duration_ms };
        let start = Trusted::new(&anchor).map_err(|error| failed(&format!("{error:?}")))?;
        let (mut by_checkpoints, mut by_certificates) = (start, start);
        for epoch in 1..over {
            let end = header(epoch * plan.epoch_blocks)?;
            let wrong =
                |what: &'static str| move |error: LightError| format!("epoch {epoch} by {what}: {error:?}");
            let collected = done(world, index, epoch)?.ok_or_else(|| failed("a checkpoint is gone"))?;
            if collected.header() != Some(&end) {
                return Err(failed(&format!("the checkpoint of epoch {epoch} is of another block")));
            }
            by_checkpoints = collected.follow(&by_checkpoints).map_err(wrong("checkpoint"))?;
            let certified = certified(world, plan, epoch, &end)?;
            let moved = collected.follow_certificate(&by_certificates, &certified);
            by_certificates = moved.map_err(wrong("certificate"))?;
            if by_checkpoints != by_certificates {
                return Err(failed(&format!("checkpoint and certificate of epoch {epoch} differ")));
            }
            followed += 1;
        }
    }
    Ok(followed)
}

/// A final header, from an honest validator that keeps all blocks.
fn header(world: &World, plan: &Plan, height: u64) -> Option<Header> {
    let archives = (0..world.members.len()).filter(|index| is_archive(*index) && plan.is_honest(*index));
    let block = |ledger: &Shared| ledger.lock().node().block(height).ok();
    archives.filter_map(|index| world.ledger(index)).find_map(block).map(|block| block.header)
}

fn done(world: &World, index: usize, epoch: u64) -> Result<Option<Collected>, String> {
    let Some(running) = world.running(index) else { return Ok(None) };
    running.checkpoints.done(epoch).map_err(|error| format!("validator {index}: {error}"))
}

/// The certificate of an epoch's last header, from whoever was there when it was made.
fn certified(world: &World, plan: &Plan, epoch: u64, end: &Header) -> Result<Certified, String> {
    let known = (0..world.members.len()).filter(|index| plan.is_honest(*index)).find_map(|index| {
        let certified = done(world, index, epoch).ok()??.certified?;
        (certified.proposal.header == end.id()).then_some(certified)
    });
    known.ok_or_else(|| format!("nobody has the certificate of the end of epoch {epoch}"))
}
