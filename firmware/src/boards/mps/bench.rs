//! The page of the host's file that a real device does not have: little-endian words that tests set before a start.
//!
//! | offset | what |
//! |---|---|
//! | 0 | `QXE1` |
//! | 4 | the fuse: words and pages that may still be written and erased, the last of them torn; all ones: no fuse; zero: the power failed |
//! | 8 | from which the manner of the tear is drawn |
//! | 12 | how often the machine was started |
//! | 16 | 32 bytes, the seed of the entropy |
//! | 48 | 32 bytes, the unique secret |

use vcell::VolatileCell;

const MAGIC: u32 = u32::from_le_bytes(*b"QXE1");
const NO_FUSE: u32 = u32::MAX;

#[repr(C)]
struct Words {
    magic: VolatileCell<u32>,
    fuse: VolatileCell<u32>,
    tear: VolatileCell<u32>,
    starts: VolatileCell<u32>,
    seed: [VolatileCell<u32>; 8],
    unique_secret: [VolatileCell<u32>; 8],
}

/// The page.
#[derive(Clone, Copy)]
pub struct Bench(&'static Words);

impl Bench {
    /// The page that lies there.
    pub const fn at(address: usize) -> Self {
        // SAFETY: the maps name memory that their boards have, which nothing else uses.
        Self(unsafe { &*core::ptr::with_exposed_provenance(address) })
    }

    /// Counts a start. Without a page that the host made there is no secret, and nothing starts.
    pub fn start(self) {
        if self.0.magic.get() != MAGIC {
            power_fails();
        }
        self.0.starts.set(self.starts().wrapping_add(1));
    }

    /// How often the machine was started.
    pub fn starts(self) -> u32 {
        self.0.starts.get()
    }

    /// The seed of the entropy.
    pub fn seed(self) -> [u8; 32] {
        bytes(&self.0.seed)
    }

    /// The unique secret.
    pub fn unique_secret(self) -> [u8; 32] {
        bytes(&self.0.unique_secret)
    }

    /// Burns the fuse by one step: whether this one is to be torn.
    pub fn burn(self) -> bool {
        match self.0.fuse.get() {
            NO_FUSE => false,
            left => {
                self.0.fuse.set(left.saturating_sub(1));
                left <= 1
            }
        }
    }

    /// The next number of a sequence (Numerical Recipes' generator), for the manner of a tear.
    pub fn random(self) -> u32 {
        let next = self.0.tear.get().wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.0.tear.set(next);
        next >> 8
    }
}

/// Nothing happens any more.
pub fn power_fails() -> ! {
    loop {
        cortex_m::asm::wfi();
    }
}

fn bytes(words: &[VolatileCell<u32>; 8]) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (slot, word) in bytes.chunks_mut(4).zip(words) {
        slot.iter_mut().zip(word.get().to_le_bytes()).for_each(|(slot, byte)| *slot = byte);
    }
    bytes
}
