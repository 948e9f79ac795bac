//! The vote guard's memory: one word of flash for each vote.
//!
//! A page's base is a number of this module: the epoch in the upper half, a view in the lower one; each entry counts its view from there. An entry is
//! durable before its vote is signed; the guard of [`crate::consensus`] decides by what is found again.

use core::hint::black_box;

use embedded_storage::nor_flash::NorFlash;

use super::flash::Region;
use super::flash::ring::{Page, Ring};
use super::refusal::{HsmError, Refusal};
use super::store::Secret;
use crate::consensus::{Guard, MARK_BYTES, Mark, Recorded, Round, Vote, VoteKind};
use crate::crypto::{Domain, hash};

/// Bytes of an entry with its check.
const SLOT: usize = 16;

/// The largest offset of a view from its page's base.
const MAX_OFFSET: u64 = (1 << 22) - 1;

const _: () = assert!(MARK_BYTES + 3 + super::flash::ring::CHECK == SLOT);

/// Pages that hold all that the guard remembers: a page has room for more votes than it does, and one may have just begun.
const PAGES: u16 = 2;

/// The guard of a device's vote key, and its memory.
pub(super) struct Votes {
    ring: Ring<SLOT>,
    guard: Guard,
}

impl Votes {
    /// Finds the votes of the last views.
    pub(super) fn open<F: NorFlash>(flash: &mut F, region: Region) -> Result<Self, Refusal> {
        let ring = Ring::open(flash, region)?;
        let mut guard = Guard::new(0);
        ring.for_each(flash, PAGES, |page, _, slot| recall(&mut guard, page, slot))?;
        Ok(Self { ring, guard })
    }

    /// Allows a vote once what forbids its contradiction is durable. Returns its mark, with which [`Self::holds`] is asked before the vote is
    /// signed.
    pub(super) fn allow<F: NorFlash>(
        &mut self,
        flash: &mut F,
        key: &Secret,
        vote: &Vote,
    ) -> Result<Mark, Refusal> {
        let mark = mark(key, vote);
        // Twice, as all critical decisions: see the service.
        let recorded = self.guard.judge(vote, &mark)?;
        let again = self.guard.judge(black_box(vote), black_box(&mark))?;
        if recorded == Recorded::Before && again == Recorded::Before {
            return Ok(mark);
        }
        let Round { epoch, view } = vote.round();
        let place = |ring: &Ring<SLOT>| {
            let (page_epoch, base) = split(ring.newest()?.base);
            let offset = view.checked_sub(base)?;
            (page_epoch == epoch && offset <= MAX_OFFSET).then_some(offset)
        };
        let offset = match place(&self.ring).filter(|_| self.ring.has_room::<F>()) {
            Some(offset) => offset,
            None => {
                // Older views may still follow within the guard's reach.
                let base = view.saturating_sub(crate::consensus::GUARDED_VIEWS as u64);
                self.ring.start_page(flash, join(epoch, base)?)?;
                place(&self.ring).ok_or(HsmError::KeyEpoch)?
            }
        };
        self.ring.append(flash, &write(vote.kind(), offset, &mark))?;
        // What the flash says is what counts.
        if let Some((page, slot)) = self.ring.last(flash)? {
            recall(&mut self.guard, &page, &slot);
        }
        Ok(mark)
    }

    /// Whether a vote with this mark was allowed and is durable.
    pub(super) fn holds(&self, vote: &Vote, mark: &Mark) -> bool {
        self.guard.judge(vote, mark) == Ok(Recorded::Before)
    }
}

/// Tells the guard of an entry.
fn recall(guard: &mut Guard, page: &Page, slot: &[u8; SLOT]) {
    let (epoch, base) = split(page.base);
    if let Some((kind, offset, mark)) = read(slot) {
        guard.recall(Round { epoch, view: base.saturating_add(offset) }, kind, &mark);
    }
}

/// What is remembered of a vote's proposal.
fn mark(key: &Secret, vote: &Vote) -> Mark {
    let mut mark = [0; MARK_BYTES];
    if let Some(proposal) = vote.proposal() {
        let parent = proposal.parent_view.to_le_bytes();
        let whole = hash(Domain::VoteMark, &[&**key, &parent, &proposal.header.0]);
        mark.iter_mut().zip(whole.0).for_each(|(slot, byte)| *slot = byte);
    }
    mark
}

fn join(epoch: u64, view: u64) -> Result<u64, HsmError> {
    let (epoch, view) = (u32::try_from(epoch), u32::try_from(view));
    match (epoch, view) {
        (Ok(epoch), Ok(view)) => Ok(u64::from(epoch).wrapping_shl(32) | u64::from(view)),
        _ => Err(HsmError::KeyEpoch),
    }
}

const fn split(base: u64) -> (u64, u64) {
    (base >> 32, base & 0xffff_ffff)
}

/// An entry: the mark, then the kind in the upper two bits and the offset in the others.
fn write(kind: VoteKind, offset: u64, mark: &Mark) -> [u8; MARK_BYTES + 3] {
    let place = (kind as u32).wrapping_shl(22) | offset as u32;
    let [a, b, c, _] = place.to_le_bytes();
    let mut bytes = [0; MARK_BYTES + 3];
    bytes.iter_mut().zip(mark.iter().copied().chain([a, b, c])).for_each(|(slot, byte)| *slot = byte);
    bytes
}

fn read(slot: &[u8; SLOT]) -> Option<(VoteKind, u64, Mark)> {
    let (mark, rest) = slot.split_first_chunk::<MARK_BYTES>()?;
    let [a, b, c, ..] = rest else { return None };
    let place = u32::from_le_bytes([*a, *b, *c, 0]);
    let kind = VoteKind::from_number((place >> 22) as u8)?;
    Some((kind, u64::from(place) & MAX_OFFSET, *mark))
}
