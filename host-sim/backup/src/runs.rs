//! Runs of final blocks.
//!
//! ```text
//! run = magic "QXRUN001", height of the first block u64, number of blocks u32, bytes of the body u64, BLAKE3 of the 28 bytes before and of all that follows (32 B),
//!       the body, compressed by Zstandard (RFC 8878): for each block its length u32 and its encoding
//! ```
//! Integers are little-endian.

use qenex_core::consensus::Header;
use qenex_node::block::Block;
use qenex_store::block_log::MAX_BLOCK_BYTES;

use crate::place::{Mark, Place, run_name};
use crate::{BackupError, Result};

/// The most bytes of blocks with which a run may take another one.
pub const MAX_FULL_BYTES: usize = 64 << 20;

const MAGIC: &[u8; 8] = b"QXRUN001";
const FRONT_BYTES: usize = 8 + 8 + 4 + 8;
const CHECK_BYTES: usize = 32;

/// The longest body: one that was almost full, and the longest block.
const MAX_BODY_BYTES: u64 = (MAX_FULL_BYTES + MAX_BLOCK_BYTES + 4) as u64;

/// How hard it is tried to make a run short: signatures, which are most of it, do not get shorter.
const LEVEL: i32 = 3;

/// Blocks of consecutive heights, as they are encoded.
#[derive(Debug, PartialEq, Eq)]
pub struct Run {
    /// The height of the first one.
    pub first: u64,
    /// The blocks.
    pub blocks: Vec<Vec<u8>>,
}

impl Run {
    /// One that has no block yet.
    pub const fn new(first: u64) -> Self {
        Self { first, blocks: Vec::new() }
    }

    /// The height after its last block.
    pub fn next(&self) -> u64 {
        self.first + self.blocks.len() as u64
    }

    /// Whether it takes no more blocks, where so many bytes are enough.
    pub fn is_full(&self, enough: usize) -> bool {
        let bytes: usize = self.blocks.iter().map(|block| 4 + block.len()).sum();
        bytes >= enough.min(MAX_FULL_BYTES)
    }

    /// A block by its height.
    pub fn block(&self, height: u64) -> Option<&[u8]> {
        let place = usize::try_from(height.checked_sub(self.first)?).ok()?;
        self.blocks.get(place).map(Vec::as_slice)
    }

    /// Its name; nothing if it has no block, or its first one is none.
    pub fn mark(&self) -> Option<Mark> {
        let header = Block::decode_header(self.blocks.first()?).ok()?;
        Some(Mark { height: self.first, time_ms: header.time_ms })
    }

    /// Its bytes.
    pub fn encode(&self) -> std::io::Result<Vec<u8>> {
        let mut body = Vec::new();
        for block in &self.blocks {
            body.extend_from_slice(&(block.len() as u32).to_le_bytes());
            body.extend_from_slice(block);
        }
        let packed = zstd::bulk::compress(&body, LEVEL)?;
        let mut out = Vec::with_capacity(FRONT_BYTES + CHECK_BYTES + packed.len());
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&self.first.to_le_bytes());
        out.extend_from_slice(&(self.blocks.len() as u32).to_le_bytes());
        out.extend_from_slice(&(body.len() as u64).to_le_bytes());
        let check = check(&out, &packed);
        out.extend_from_slice(&check);
        out.extend_from_slice(&packed);
        Ok(out)
    }

    /// From its bytes; otherwise what was expected.
    pub fn decode(bytes: &[u8]) -> std::result::Result<Self, &'static str> {
        let short = "a run of blocks was expected; it is too short";
        let (front, rest) = bytes.split_at_checked(FRONT_BYTES).ok_or(short)?;
        let (found, packed) = rest.split_first_chunk::<CHECK_BYTES>().ok_or(short)?;
        let front_fields = front.strip_prefix(MAGIC).ok_or("a run of blocks was expected")?;
        if check(front, packed) != *found {
            return Err("it is not as it was written: its check does not fit");
        }
        let (first, rest) = front_fields.split_first_chunk().ok_or(short)?;
        let (count, rest) = rest.split_first_chunk().ok_or(short)?;
        let length = u64::from_le_bytes(rest.try_into().map_err(|_| short)?);
        let (first, count) = (u64::from_le_bytes(*first), u32::from_le_bytes(*count) as usize);
        if length > MAX_BODY_BYTES {
            return Err("it is longer than any run");
        }
        let length = usize::try_from(length).map_err(|_| "it is longer than memory")?;
        let body = zstd::bulk::decompress(packed, length).map_err(|_| "it cannot be unpacked")?;
        let mut blocks = Vec::new();
        let mut rest = body.as_slice();
        while blocks.len() < count
            && let Some((length, tail)) = rest.split_first_chunk()
        {
            let cut = tail.split_at_checked(u32::from_le_bytes(*length) as usize);
            let (block, tail) = cut.ok_or("its last block is cut")?;
            blocks.push(block.to_vec());
            rest = tail;
        }
        let whole = rest.is_empty() && blocks.len() == count && body.len() == length;
        if whole { Ok(Self { first, blocks }) } else { Err("it has another number of blocks") }
    }

    /// Reads the run of this name.
    ///
    /// # Errors
    /// It is not there, or not as it was written.
    pub fn read(place: &Place, mark: Mark) -> Result<Self> {
        let name = run_name(mark);
        let damaged =
            |detail: &str| BackupError::Damaged { object: place.describe(&name), detail: detail.into() };
        let run = Self::decode(&place.expect(&name)?).map_err(damaged)?;
        let fits = run.mark() == Some(mark);
        if fits { Ok(run) } else { Err(damaged("its first block is another one than its name says")) }
    }

    /// Writes it under its name.
    ///
    /// # Errors
    /// The place does not take it.
    pub fn write(&self, place: &Place) -> Result<()> {
        let Some(mark) = self.mark() else { return Ok(()) };
        let name = run_name(mark);
        let failed = |error: std::io::Error| BackupError::Place {
            place: place.describe(&name),
            detail: error.to_string(),
        };
        place.put(&name, self.encode().map_err(failed)?)
    }
}

fn check(front: &[u8], packed: &[u8]) -> [u8; CHECK_BYTES] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(front).update(packed);
    *hasher.finalize().as_bytes()
}

/// The header of a block of a run, which must have this height.
///
/// # Errors
/// It has another one, or is no block.
pub fn header(place: &Place, mark: Mark, height: u64, block: &[u8]) -> Result<Header> {
    let header = Block::decode_header(block).ok().filter(|header| header.height == height);
    header.ok_or_else(|| BackupError::Damaged {
        object: place.describe(&run_name(mark)),
        detail: format!("a block of height {height} was expected"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_nothing_else() {
        let run = Run { first: 7, blocks: vec![vec![1; 300], Vec::new(), (0..=255).collect()] };
        let bytes = run.encode().expect("memory takes it");
        assert_eq!(Run::decode(&bytes), Ok(run));
        for place in 0..bytes.len() {
            assert!(Run::decode(&bytes[..place]).is_err(), "cut at {place}");
            let mut wrong = bytes.clone();
            wrong[place] ^= 1;
            assert!(Run::decode(&wrong).is_err(), "a bit flipped at {place}");
        }
    }
}
