//! What the loader tells the image: which one it is, as the loader has verified and measured it. Little-endian words at a place in RAM that neither
//! of them uses for anything else.
//!
//! | offset | what |
//! |---|---|
//! | 0 | `QXH1` |
//! | 4 | the version, by the manifest |
//! | 8 | the slot that the image was started from |
//! | 12 | the sequence of its record |
//! | 16 | 32 bytes, the measurement |
//! | 48 | 32 bytes, the measurement of a newer image that was given up and of which the audit log must tell; zeros if there is none |

use qenex_core::crypto::Hash;
use qenex_core::hsm::board::Firmware;
use vcell::VolatileCell;

const MAGIC: u32 = u32::from_le_bytes(*b"QXH1");

#[repr(C)]
struct Words {
    magic: VolatileCell<u32>,
    version: VolatileCell<u32>,
    slot: VolatileCell<u32>,
    sequence: VolatileCell<u32>,
    measurement: [VolatileCell<u32>; 8],
    given_up: [VolatileCell<u32>; 8],
}

/// The place.
pub struct Handover(&'static Words);

impl Handover {
    /// The one that lies there.
    pub const fn at(address: usize) -> Self {
        // SAFETY: the boards name memory that they have and that their memory.x leaves free.
        Self(unsafe { &*core::ptr::with_exposed_provenance(address) })
    }

    /// Tells the image what it is.
    pub fn write(&self, firmware: &Firmware) {
        set(&self.0.measurement, &firmware.measurement);
        set(&self.0.given_up, &firmware.given_up.unwrap_or_default());
        self.0.sequence.set(firmware.sequence);
        self.0.version.set(firmware.version);
        self.0.slot.set(firmware.slot.into());
        self.0.magic.set(MAGIC);
    }

    /// What the loader told. Nothing if there was no loader.
    pub fn read(&self) -> Option<Firmware> {
        if self.0.magic.get() != MAGIC {
            return None;
        }
        let given_up = get(&self.0.given_up);
        Some(Firmware {
            version: self.0.version.get(),
            measurement: get(&self.0.measurement),
            slot: u8::try_from(self.0.slot.get()).ok()?,
            sequence: self.0.sequence.get(),
            given_up: (given_up != Hash::default()).then_some(given_up),
        })
    }
}

fn set(words: &[VolatileCell<u32>; 8], hash: &Hash) {
    words.iter().zip(hash.0.as_chunks::<4>().0).for_each(|(cell, word)| cell.set(u32::from_le_bytes(*word)));
}

fn get(words: &[VolatileCell<u32>; 8]) -> Hash {
    let mut hash = Hash::default();
    let slots = hash.0.as_chunks_mut::<4>().0;
    slots.iter_mut().zip(words).for_each(|(slot, cell)| *slot = cell.get().to_le_bytes());
    hash
}
