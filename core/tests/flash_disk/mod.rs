//! A NOR flash in memory that keeps its rules and loses power where it is told to.

use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash, check_erase, check_read, check_write,
};
/// Bytes of a page.
pub const PAGE: usize = 1024;
/// Bytes of a word.
pub const WORD: usize = 16;

/// Why the flash did not do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The power is off.
    PowerCut,
    /// A word was written twice without an erasure.
    Overwritten,
    /// Outside of the flash or not aligned.
    Bounds,
}

impl NorFlashError for Failure {
    fn kind(&self) -> NorFlashErrorKind {
        NorFlashErrorKind::Other
    }
}

/// The flash.
#[derive(Clone)]
pub struct Disk {
    pub bytes: Vec<u8>,
    written: Vec<bool>,
    /// Words and pages that may still be written or erased; the last one of them is torn.
    pub fuse: Option<u64>,
    /// How many words and pages were written and erased.
    pub steps: u64,
    /// Erasures of each page.
    pub erasures: Vec<u32>,
    pub overwritten: bool,
    random: u64,
}

impl Disk {
    pub fn new(pages: usize, seed: u64) -> Self {
        Self {
            bytes: vec![0xff; pages * PAGE],
            written: vec![false; pages * PAGE / WORD],
            fuse: None,
            steps: 0,
            erasures: vec![0; pages],
            overwritten: false,
            random: seed,
        }
    }

    /// SplitMix64 (Steele, Lea, Flood 2014): a generator that can be copied with the flash.
    fn random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Tears in another manner.
    pub fn reseed(&mut self, seed: u64) {
        self.random = seed;
    }

    /// Gives power again.
    pub fn restart(&mut self) {
        self.fuse = None;
    }

    /// Burns the fuse: `Ok(true)` where this step is to be torn.
    fn step(&mut self) -> Result<bool, Failure> {
        match &mut self.fuse {
            Some(0) => return Err(Failure::PowerCut),
            Some(left) => {
                *left -= 1;
                if *left == 0 {
                    return Ok(true);
                }
            }
            None => {}
        }
        self.steps += 1;
        Ok(false)
    }
}

impl ErrorType for Disk {
    type Error = Failure;
}

impl ReadNorFlash for Disk {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Failure> {
        check_read(self, offset, bytes.len()).map_err(|_| Failure::Bounds)?;
        if self.fuse == Some(0) {
            return Err(Failure::PowerCut);
        }
        let at = offset as usize;
        bytes.copy_from_slice(&self.bytes[at..at + bytes.len()]);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.bytes.len()
    }
}

impl NorFlash for Disk {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = PAGE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Failure> {
        check_erase(self, from, to).map_err(|_| Failure::Bounds)?;
        for page in from as usize / PAGE..to as usize / PAGE {
            let torn = self.step()?;
            self.erasures[page] += 1;
            // A torn page reads as anything between what it held and blank, or as it was, or as if all had been done.
            let keep = self.random() % 3;
            for byte in page * PAGE..(page + 1) * PAGE {
                let change = match (torn, keep) {
                    (false, _) | (true, 2) => 0xff,
                    (true, 1) => self.random() as u8,
                    (true, _) => 0,
                };
                self.bytes[byte] |= change;
            }
            if torn {
                return Err(Failure::PowerCut);
            }
            self.written[page * PAGE / WORD..(page + 1) * PAGE / WORD].fill(false);
        }
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Failure> {
        check_write(self, offset, bytes.len()).map_err(|_| Failure::Bounds)?;
        for (index, word) in bytes.chunks(WORD).enumerate() {
            let at = offset as usize + index * WORD;
            if std::mem::replace(&mut self.written[at / WORD], true) {
                // A word that a torn write left blank may be written: nothing tells it from one that was never begun.
                if self.bytes[at..at + WORD] != [0xff; WORD] {
                    self.overwritten = true;
                    return Err(Failure::Overwritten);
                }
            }
            let torn = self.step()?;
            let keep = self.random() % 3;
            for (slot, byte) in (at..at + WORD).zip(word) {
                let written = match (torn, keep) {
                    (false, _) | (true, 2) => *byte,
                    (true, 1) => *byte | self.random() as u8,
                    (true, _) => 0xff,
                };
                self.bytes[slot] &= written;
            }
            if torn {
                return Err(Failure::PowerCut);
            }
        }
        Ok(())
    }
}
