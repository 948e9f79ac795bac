//! A file of sections, each with a check of its own: written from front to back, read in any order.
//!
//! ```text
//! file    = sections, for each its offset u64, its length u32 and a check (16 B), trailer
//! trailer = magic (8 B), number of sections u32, BLAKE3 of all checks and both (32 B)
//! ```
//! Integers are little-endian. A check is BLAKE3 of the section: what rots on a disk or on its way is not taken for what was written.

use std::io;
use std::sync::Arc;

use crate::disk::DiskFile;

const CHECK_BYTES: usize = 16;
const ENTRY_BYTES: usize = 8 + 4 + CHECK_BYTES;
const TRAILER_BYTES: usize = 8 + 4 + 32;

/// What the sections of a file are: the first bytes of its trailer.
pub type Magic = [u8; 8];

#[derive(Clone, Copy, Debug)]
struct Section {
    offset: u64,
    length: u32,
    check: [u8; CHECK_BYTES],
}

fn check(bytes: &[u8]) -> [u8; CHECK_BYTES] {
    let mut out = [0; CHECK_BYTES];
    out.copy_from_slice(&blake3::hash(bytes).as_bytes()[..CHECK_BYTES]);
    out
}

impl Section {
    fn encode(&self) -> Vec<u8> {
        [&self.offset.to_le_bytes()[..], &self.length.to_le_bytes(), &self.check].concat()
    }

    fn decode(bytes: &[u8; ENTRY_BYTES]) -> Option<Self> {
        let (offset, rest) = bytes.split_first_chunk()?;
        let (length, check) = rest.split_first_chunk()?;
        let (offset, length) = (u64::from_le_bytes(*offset), u32::from_le_bytes(*length));
        Some(Self { offset, length, check: check.try_into().ok()? })
    }
}

/// A file that is written.
pub struct SectionWriter<'f> {
    file: &'f dyn DiskFile,
    offset: u64,
    table: Vec<u8>,
    count: u32,
}

impl<'f> SectionWriter<'f> {
    /// Begins an empty file.
    pub const fn new(file: &'f dyn DiskFile) -> Self {
        Self { file, offset: 0, table: Vec::new(), count: 0 }
    }

    /// Writes the next section.
    ///
    /// # Errors
    /// The disk fails.
    pub fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
        self.table.extend(Section { offset: self.offset, length, check: check(bytes) }.encode());
        self.file.write_at(self.offset, bytes)?;
        self.offset += u64::from(length);
        self.count += 1;
        Ok(())
    }

    /// Writes the trailer and makes all of it durable.
    ///
    /// # Errors
    /// The disk fails.
    pub fn finish(mut self, magic: &Magic) -> io::Result<()> {
        self.table.extend([&magic[..], &self.count.to_le_bytes()].concat());
        let sum = blake3::hash(&self.table);
        self.table.extend(sum.as_bytes());
        self.file.write_at(self.offset, &self.table)?;
        self.file.sync()
    }
}

/// A file that is whole.
#[derive(Clone, Debug)]
pub struct Sections {
    file: Arc<dyn DiskFile>,
    sections: Arc<Vec<Section>>,
}

impl Sections {
    /// Opens a file; nothing if it is none of these.
    ///
    /// # Errors
    /// The disk fails.
    pub fn open(file: Arc<dyn DiskFile>, magic: &Magic) -> io::Result<Option<Self>> {
        let sections = table(&*file, magic)?;
        Ok(sections.map(|sections| Self { file, sections: Arc::new(sections) }))
    }

    /// How many sections there are.
    pub fn len(&self) -> usize {
        self.sections.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.sections.is_empty()
    }

    /// A section; nothing if there is none at this place.
    ///
    /// # Errors
    /// The disk fails, or the section is not what was written ([`io::ErrorKind::InvalidData`]).
    pub fn read(&self, index: usize) -> io::Result<Option<Vec<u8>>> {
        let Some(section) = self.sections.get(index) else { return Ok(None) };
        let mut bytes = vec![0; section.length as usize];
        self.file.read_at(section.offset, &mut bytes)?;
        if check(&bytes) == section.check {
            return Ok(Some(bytes));
        }
        Err(io::Error::new(io::ErrorKind::InvalidData, format!("section {index} is damaged")))
    }
}

/// Where the sections of a file are.
fn table(file: &dyn DiskFile, magic: &Magic) -> io::Result<Option<Vec<Section>>> {
    let Some(end) = file.len()?.checked_sub(TRAILER_BYTES as u64) else { return Ok(None) };
    let mut trailer = [0; TRAILER_BYTES];
    file.read_at(end, &mut trailer)?;
    let (front, sum) = trailer.split_at(12);
    let Some(count) = front.strip_prefix(magic).and_then(|count| count.try_into().ok()) else {
        return Ok(None);
    };
    let bytes = ENTRY_BYTES * u32::from_le_bytes(count) as usize;
    let Some(start) = end.checked_sub(bytes as u64) else { return Ok(None) };
    let mut table = vec![0; bytes];
    file.read_at(start, &mut table)?;
    if blake3::hash(&[&table[..], front].concat()).as_bytes() != sum {
        return Ok(None);
    }
    let (entries, _) = table.as_chunks();
    Ok(entries.iter().map(Section::decode).collect())
}
