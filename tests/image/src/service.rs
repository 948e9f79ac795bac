//! The device service behind its channel, over a board in memory whose flash holds what the compiler does not know.

use core::hint::black_box;

use embedded_storage::nor_flash::{ErrorType, NorFlash, NorFlashErrorKind, ReadNorFlash};
use qenex_core::codec;
use qenex_core::consensus::{Anchor, Guard, Header, Proposal, Recorded, SignerSet, Trusted, Vote};
use qenex_core::crypto::{Hash, Scheme};
use qenex_core::hsm::Hsm;
use qenex_core::hsm::board::{Board, BoardError, Firmware, Layout};
use qenex_core::hsm::channel::Device;
use qenex_core::hsm::flash::Region;
use qenex_core::hsm::proto::MAX_FRAME;
use qenex_core::ledger::{Fetched, MAX_ACCESS, Outcome, access};
use qenex_core::policy::{Case, Executed, Policy, Windows, judge};
use qenex_core::tx::{Line, Transaction};

use crate::unknown::{hash_of, input, keep, print, round_trip, word};

/// Bytes of a page.
const PAGE: usize = 2048;
/// Pages for each of the three regions.
const PAGES: u16 = 4;

/// A flash that reads as anything.
struct Flash([u8; 16]);

impl ErrorType for Flash {
    type Error = NorFlashErrorKind;
}

impl ReadNorFlash for Flash {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), NorFlashErrorKind> {
        bytes.iter_mut().zip(black_box(&self.0)).for_each(|(slot, byte)| *slot = *byte);
        black_box(bytes);
        if black_box(offset) > 0 { Ok(()) } else { Err(NorFlashErrorKind::Other) }
    }

    fn capacity(&self) -> usize {
        PAGE * 3 * usize::from(PAGES)
    }
}

impl NorFlash for Flash {
    const WRITE_SIZE: usize = 16;
    const ERASE_SIZE: usize = PAGE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), NorFlashErrorKind> {
        if black_box(from) < to { Ok(()) } else { Err(NorFlashErrorKind::OutOfBounds) }
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), NorFlashErrorKind> {
        self.0.iter_mut().zip(bytes).for_each(|(slot, byte)| *slot = *byte);
        if black_box(offset) > 0 { Ok(()) } else { Err(NorFlashErrorKind::NotAligned) }
    }
}

struct Memory {
    flash: Flash,
    unique_secret: [u8; 32],
}

impl Board for Memory {
    type Flash = Flash;

    fn flash(&mut self) -> &mut Flash {
        &mut self.flash
    }

    fn layout(&self) -> Layout {
        let region =
            |number: u16| Region { start: u32::from(number) * u32::from(PAGES) * PAGE as u32, pages: PAGES };
        black_box(Layout { vault: region(0), audit: region(1), votes: region(2) })
    }

    fn firmware(&self) -> Firmware {
        black_box(Firmware { version: 1, measurement: Hash(self.unique_secret) })
    }

    fn unique_secret(&self) -> &[u8; 32] {
        &self.unique_secret
    }

    fn entropy(&mut self, bytes: &mut [u8]) -> Result<(), BoardError> {
        black_box(bytes).is_empty().then_some(()).ok_or(BoardError::Entropy)
    }

    fn uptime_ms(&mut self) -> u64 {
        black_box(0)
    }

    fn show(&mut self, line: &Line) {
        line.rows().for_each(print);
        print(line);
    }

    fn confirm(&mut self) -> bool {
        black_box(true)
    }
}

fn board(bytes: &[u8]) -> Memory {
    Memory { flash: Flash(input(bytes)), unique_secret: input(bytes) }
}

/// Every frame, and every request as if its frame had been sealed.
pub fn frames(bytes: &[u8]) {
    let mut answer = [0; MAX_FRAME];
    if let Ok(hsm) = Hsm::start(board(bytes)) {
        let mut device = Device::new(hsm);
        let mut frame = [0; MAX_FRAME];
        for bytes in bytes.chunks(word(bytes) as usize | 1) {
            let frame = frame.get_mut(..bytes.len()).unwrap_or_default();
            frame.iter_mut().zip(bytes).for_each(|(slot, byte)| *slot = *byte);
            black_box(device.answer(black_box(frame), &mut answer));
        }
    }
    if let Ok(mut hsm) = Hsm::start(board(bytes)) {
        for request in bytes.chunks(word(bytes) as usize | 1) {
            black_box(hsm.handle(black_box(request), black_box(&mut answer)));
        }
        hsm.disconnect();
    }
}

/// A policy and its judgement, with and without an execution.
pub fn policy(bytes: &[u8]) {
    round_trip::<Windows>(bytes);
    let (Some(policy), Some(transaction)) =
        (keep(Policy::decode(black_box(bytes))), keep(codec::decode::<Transaction<'_>>(black_box(bytes))))
    else {
        return;
    };
    let mut windows = keep(codec::decode::<Windows>(black_box(bytes))).unwrap_or_default();
    let ids = access(&transaction);
    let records = [const { None }; MAX_ACCESS];
    let view = black_box(Fetched { ids: &ids, records: &records });
    let outcome = black_box(Outcome::Done);
    for executed in [None, Some(Executed { before: &view, outcome: &outcome })] {
        let case = Case {
            transaction: &transaction,
            height: word(bytes),
            time_ms: word(bytes),
            windows: &windows,
            executed,
            approvals: black_box(1),
            requested_ms: word(bytes),
            risk: black_box(Some(1)),
        };
        if let Some(exposure) = keep(judge(&policy, &case)) {
            black_box(windows.add(&policy, &exposure, word(bytes)).is_ok());
        }
    }
}

/// Headers that follow each other, and the guard of votes.
pub fn consensus(bytes: &[u8]) {
    round_trip::<Vote>(bytes);
    let Some(header) = keep(codec::decode::<Header>(black_box(bytes))) else { return };
    let anchor = Anchor { header: header.clone(), trusting_period_ms: word(bytes) };
    let Some(trusted) = keep(Trusted::new(&anchor)) else { return };
    let Some(vote) = keep(codec::decode::<Vote>(black_box(bytes))) else { return };
    let proposal: Option<Proposal> = vote.proposal().copied();
    if let Some(mut following) = proposal.and_then(|proposal| keep(trusted.follow(&header, &proposal))) {
        let mut signers = SignerSet::default();
        for (index, member) in (0..).zip(bytes.chunks(word(bytes) as usize | 1)) {
            signers.insert(index);
            let signature = signers.contains(black_box(index)).then_some(member);
            black_box(keep(following.certificate.push(Scheme::Ed25519, black_box(member), signature)));
        }
        black_box(keep(following.finish()));
    }
    black_box(vote.id(&trusted.chain_id));
    let mut guard = Guard::new(word(bytes));
    let mark = input(hash_of(bytes).as_bytes());
    if keep(guard.judge(&vote, &mark)) == Some(Recorded::New) {
        guard.record(&vote, &mark);
        guard.recall(vote.round(), vote.kind(), &mark);
    }
    black_box(guard.newest());
}
