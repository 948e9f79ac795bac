//! The block log: the chain as the write-ahead log.
//!
//! Blocks are appended at consecutive heights; [`BlockLog::sync`] makes all that was appended durable with one sync
//! and so commits it. Only committed blocks can be read. The log is a sequence of segments, files named by the
//! height of their first block. A segment is filled with zeros before it is used, because a sync that changes no
//! file length and no block map is two to three times as fast; [`BlockLog::prepare`] does that ahead of time on
//! another thread.
//!
//! ```text
//! segment = header (128 B), frames, zeros
//! header  = magic "QXBLOCKS", version u16, 0 (6 B), genesis (32 B), salt (32 B), first height u64,
//!           length u64, BLAKE3 of the 96 bytes before (32 B)
//! frame   = magic "QXFR", length u32, height u64, durable u64, check (16 B), block, zeros up to a multiple of 8
//! ```
//! `length` is that of the file when it was filled with zeros; it only grows (for a block that is longer), so that a
//! shorter file was truncated, and blocks may be gone without any trace of them.
//! `durable` is the height below which every block was durable when the frame was written: a block below it can be
//! missing only because of damage, one from it on also because of a power cut. `check` is BLAKE3, keyed with the salt, of the frame
//! without its check. BLAKE3 and not a CRC: it costs little beside the sync, and with a salt that is in no block
//! nobody can put bytes that look like a frame into a transaction.
//!
//! [`BlockLog::open`] reads the newest segment. It cuts a bad end (a frame that is incomplete or wrong, after which
//! nothing proves that it was committed) and reports the cut; everything else that is wrong is an error. A bit that
//! flipped in the very last block cannot be told from a torn write, so the caller compares the height of the log
//! with what it knows from elsewhere (the checkpoint, its peers).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use qenex_core::error::{
    STORE_BLOCK_TOO_LONG, STORE_FAILED, STORE_FOREIGN, STORE_FORMAT, STORE_HEIGHT, STORE_NOT_FOUND,
};

use crate::disk::{Disk, DiskFile};
use crate::error::StoreError;

/// Longest block.
pub const MAX_BLOCK_BYTES: usize = 1 << 28;

/// Longest segment, apart from one that holds a single longer block: offsets of frames fit 32 bits.
pub const MAX_SEGMENT_BYTES: u64 = 1 << 31;

const SEGMENT_MAGIC: &[u8; 8] = b"QXBLOCKS";
const FRAME_MAGIC: &[u8; 4] = b"QXFR";
const VERSION: u16 = 1;
const SEGMENT_HEADER_BYTES: u64 = 128;
const FRAME_HEADER_BYTES: usize = 40;
/// Part of the frame's header that its check covers.
const FRAME_CHECKED_BYTES: usize = 24;
const FRAME_ALIGN: u64 = 8;
const ZEROS_BYTES: usize = 1 << 20;
const SPARE: &str = "blocks-spare";
const PREFIX: &str = "blocks-";
const SUFFIX: &str = ".log";
/// Sealed segments whose offsets are kept in memory.
const MAX_INDEXED_SEGMENTS: usize = 64;

/// How a log is opened.
#[derive(Clone, Copy, Debug)]
pub struct LogConfig {
    /// Bytes of a segment; a longer block makes its segment longer.
    pub segment_bytes: u64,
    /// The chain: a log of another one is refused.
    pub genesis: [u8; 32],
}

/// What was cut off the end of the log when it was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The file.
    pub file: String,
    /// From this byte on.
    pub offset: u64,
    /// Height of the first block that was cut.
    pub height: u64,
}

/// The log. All methods take `&self`: one thread appends while others read.
#[derive(Debug)]
pub struct BlockLog {
    disk: Arc<dyn Disk>,
    config: LogConfig,
    writer: Mutex<Writer>,
    committed: RwLock<Committed>,
    spare: Mutex<Option<Arc<dyn DiskFile>>>,
}

#[derive(Debug, Default)]
struct Writer {
    segment: Option<Arc<Segment>>,
    /// Where the next frame goes.
    end: u64,
    next_height: u64,
    /// Every block below this height is durable.
    durable_below: u64,
    /// Offsets of frames that were appended and not yet synced.
    pending: Vec<u32>,
    buffer: Vec<u8>,
    failed: bool,
}

#[derive(Debug, Default)]
struct Committed {
    segments: BTreeMap<u64, Arc<Segment>>,
    /// Offsets of the frames of a segment; that of the newest segment is always there.
    offsets: BTreeMap<u64, Arc<Vec<u32>>>,
    last_height: Option<u64>,
}

#[derive(Debug)]
struct Segment {
    file: Arc<dyn DiskFile>,
    path: String,
    salt: [u8; 32],
    first_height: u64,
}

struct FrameHeader {
    length: usize,
    height: u64,
    durable_below: u64,
    check: [u8; 16],
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[at..at + N]);
    out
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn segment_name(first_height: u64) -> String {
    format!("{PREFIX}{first_height:020}{SUFFIX}")
}

fn first_height_of(name: &str) -> Option<u64> {
    let digits = name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
    if digits.len() == 20 { digits.parse().ok() } else { None }
}

/// Length of a frame in the file.
fn frame_bytes(length: usize) -> u64 {
    ((FRAME_HEADER_BYTES + length) as u64).next_multiple_of(FRAME_ALIGN)
}

fn check_of(salt: &[u8; 32], header: &[u8], block: &[u8]) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new_keyed(salt);
    hasher.update(header).update(block);
    array(hasher.finalize().as_bytes(), 0)
}

impl FrameHeader {
    /// Reads a header; `None` if the magic is not there or the length is out of bounds.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let length = u32::from_le_bytes(array(bytes.get(..FRAME_HEADER_BYTES)?, 4)) as usize;
        if !bytes.starts_with(FRAME_MAGIC) || length > MAX_BLOCK_BYTES {
            return None;
        }
        Some(Self {
            length,
            height: u64::from_le_bytes(array(bytes, 8)),
            durable_below: u64::from_le_bytes(array(bytes, 16)),
            check: array(bytes, FRAME_CHECKED_BYTES),
        })
    }
}

/// The frame at the start of the bytes if it is whole.
fn whole_frame(salt: &[u8; 32], bytes: &[u8]) -> Option<FrameHeader> {
    let header = FrameHeader::parse(bytes)?;
    let block = bytes.get(FRAME_HEADER_BYTES..FRAME_HEADER_BYTES + header.length)?;
    (check_of(salt, &bytes[..FRAME_CHECKED_BYTES], block) == header.check).then_some(header)
}

impl Segment {
    fn header(
        genesis: &[u8; 32],
        salt: &[u8; 32],
        first_height: u64,
        length: u64,
    ) -> [u8; SEGMENT_HEADER_BYTES as usize] {
        let mut header = [0; SEGMENT_HEADER_BYTES as usize];
        header[..8].copy_from_slice(SEGMENT_MAGIC);
        header[8..10].copy_from_slice(&VERSION.to_le_bytes());
        header[16..48].copy_from_slice(genesis);
        header[48..80].copy_from_slice(salt);
        header[80..88].copy_from_slice(&first_height.to_le_bytes());
        header[88..96].copy_from_slice(&length.to_le_bytes());
        let sum = blake3::hash(&header[..96]);
        header[96..].copy_from_slice(sum.as_bytes());
        header
    }

    /// Opens a segment and checks its header.
    fn open(disk: &dyn Disk, genesis: &[u8; 32], first_height: u64) -> Result<Self, StoreError> {
        let name = segment_name(first_height);
        let path = disk.describe(&name);
        let file = disk.open(&name).map_err(StoreError::io(&path, "open"))?;
        let file = file.ok_or_else(|| StoreError::damaged(&path, 0, "the file is gone"))?;
        let mut header = [0; SEGMENT_HEADER_BYTES as usize];
        file.read_at(0, &mut header).map_err(StoreError::io(&path, "read the header"))?;
        if blake3::hash(&header[..96]).as_bytes() != &header[96..] {
            return Err(StoreError::damaged(&path, 0, "the checksum of the segment's header is wrong"));
        }
        let version = u16::from_le_bytes(array(&header, 8));
        if !header.starts_with(SEGMENT_MAGIC) || version != VERSION {
            return Err(StoreError::new(
                STORE_FORMAT,
                &path,
                format_args!("block log version {VERSION} was expected, {version} found"),
            ));
        }
        if &header[16..48] != genesis {
            return Err(StoreError::new(STORE_FOREIGN, &path, "the genesis in the header is another one"));
        }
        if u64::from_le_bytes(array(&header, 80)) != first_height {
            return Err(StoreError::damaged(&path, 80, "the first height is not the one of the file's name"));
        }
        let length = u64::from_le_bytes(array(&header, 88));
        let found = file.len().map_err(StoreError::io(&path, "read the length"))?;
        if found < length {
            let detail = format_args!("the file is truncated, {length} bytes were expected");
            return Err(StoreError::damaged(&path, found, detail));
        }
        Ok(Self { file, path, salt: array(&header, 48), first_height })
    }

    /// Offsets of the frames of a sealed segment, from their headers.
    fn sealed_offsets(&self, next_segment: u64) -> Result<Vec<u32>, StoreError> {
        let mut offsets = Vec::with_capacity((next_segment - self.first_height).min(1 << 20) as usize);
        let mut offset = SEGMENT_HEADER_BYTES;
        for height in self.first_height..next_segment {
            let mut bytes = [0; FRAME_HEADER_BYTES];
            let header = match self.file.read_at(offset, &mut bytes) {
                Ok(()) => FrameHeader::parse(&bytes).filter(|header| header.height == height),
                Err(_) => None,
            };
            let header = header.ok_or_else(|| {
                StoreError::damaged(&self.path, offset, format_args!("no frame of height {height}"))
            })?;
            offsets.push(offset as u32);
            offset += frame_bytes(header.length);
        }
        Ok(offsets)
    }

    /// Reads the frame of a height at an offset.
    fn read(&self, offset: u64, height: u64) -> Result<Vec<u8>, StoreError> {
        let damaged =
            |detail: &str| StoreError::damaged(&self.path, offset, format_args!("block {height}: {detail}"));
        let mut header = [0; FRAME_HEADER_BYTES];
        let read = self.file.read_at(offset, &mut header);
        read.map_err(StoreError::io(&self.path, "read a frame's header"))?;
        let frame = FrameHeader::parse(&header).ok_or_else(|| damaged("no frame"))?;
        if frame.height != height {
            return Err(damaged("the frame is of another height"));
        }
        let mut block = vec![0; frame.length];
        let read = self.file.read_at(offset + FRAME_HEADER_BYTES as u64, &mut block);
        read.map_err(StoreError::io(&self.path, "read a block"))?;
        if check_of(&self.salt, &header[..FRAME_CHECKED_BYTES], &block) != frame.check {
            return Err(damaged("the checksum of the frame is wrong"));
        }
        Ok(block)
    }

    /// Walks the newest segment. Returns the offsets of its frames and where they end; the flag says that something
    /// which is not zero follows and has to be cut.
    fn scan(&self) -> Result<(Vec<u32>, u64, bool), StoreError> {
        let length = self.file.len().map_err(StoreError::io(&self.path, "read the length"))? as usize;
        let mut bytes = vec![0; length];
        self.file.read_at(0, &mut bytes).map_err(StoreError::io(&self.path, "read"))?;
        let mut offsets = Vec::new();
        let mut at = SEGMENT_HEADER_BYTES as usize;
        let mut height = self.first_height;
        while let Some(frame) = bytes.get(at..).and_then(|rest| whole_frame(&self.salt, rest)) {
            if frame.height != height {
                let found = frame.height;
                let detail = format_args!("block {height} was expected, block {found} found");
                return Err(StoreError::damaged(&self.path, at as u64, detail));
            }
            offsets.push(at as u32);
            at += frame_bytes(frame.length) as usize;
            height += 1;
        }
        let rest = bytes.get(at..).unwrap_or_default();
        if rest.iter().all(|&byte| byte == 0) {
            return Ok((offsets, at as u64, false));
        }
        let later = (0..rest.len()).step_by(FRAME_ALIGN as usize).find_map(|skipped| {
            let frame = whole_frame(&self.salt, &rest[skipped..])?;
            (frame.durable_below > height).then_some(frame.height)
        });
        match later {
            Some(later) => Err(StoreError::damaged(
                &self.path,
                at as u64,
                format_args!("the frame of block {height} is damaged; block {later} after it is whole"),
            )),
            None => Ok((offsets, at as u64, true)),
        }
    }
}

impl BlockLog {
    /// Opens the log of a disk. The second value says what was cut off its end.
    pub fn open(disk: Arc<dyn Disk>, mut config: LogConfig) -> Result<(Self, Option<Cut>), StoreError> {
        config.segment_bytes = config.segment_bytes.min(MAX_SEGMENT_BYTES);
        let names = disk.list().map_err(StoreError::io(&disk.describe(""), "list"))?;
        if names.iter().any(|name| name == SPARE) {
            let path = disk.describe(SPARE);
            disk.remove(SPARE).map_err(StoreError::io(&path, "remove an unused segment"))?;
        }
        let mut committed = Committed::default();
        for first_height in names.iter().filter_map(|name| first_height_of(name)) {
            let segment = Segment::open(disk.as_ref(), &config.genesis, first_height)?;
            committed.segments.insert(first_height, Arc::new(segment));
        }
        let mut writer = Writer::default();
        let mut cut = None;
        if let Some(segment) = committed.segments.values().next_back().cloned() {
            let (offsets, end, torn) = segment.scan()?;
            let next_height = segment.first_height + offsets.len() as u64;
            if torn {
                let file = segment.file.as_ref();
                file.len()
                    .and_then(|length| zero(file, end, length))
                    .and_then(|()| file.sync())
                    .map_err(StoreError::io(&segment.path, "cut the torn end"))?;
                cut = Some(Cut { file: segment.path.clone(), offset: end, height: next_height });
            }
            committed.offsets.insert(segment.first_height, Arc::new(offsets));
            let any = committed.segments.keys().next().is_some_and(|&first| first < next_height);
            committed.last_height = any.then(|| next_height.saturating_sub(1));
            writer.end = end;
            writer.next_height = next_height;
            writer.durable_below = next_height;
            writer.segment = Some(segment);
        }
        let log = Self {
            disk,
            config,
            writer: Mutex::new(writer),
            committed: RwLock::new(committed),
            spare: Mutex::new(None),
        };
        Ok((log, cut))
    }

    /// Makes the next segment ready, so that no append has to. May run on another thread than the appends.
    pub fn prepare(&self) -> Result<(), StoreError> {
        let mut spare = lock(&self.spare);
        if spare.is_none() {
            *spare = Some(self.new_spare()?);
        }
        Ok(())
    }

    fn new_spare(&self) -> Result<Arc<dyn DiskFile>, StoreError> {
        let path = self.disk.describe(SPARE);
        let file = self.disk.create(SPARE).map_err(StoreError::io(&path, "create a segment"))?;
        zero(file.as_ref(), 0, self.config.segment_bytes)
            .and_then(|()| file.sync())
            .map_err(StoreError::io(&path, "fill a segment with zeros"))?;
        Ok(file)
    }

    /// Begins a segment. Its header is durable before the file has the name of a segment, and the name before any
    /// frame is written.
    fn begin_segment(&self, first_height: u64) -> Result<Arc<Segment>, StoreError> {
        let mut spare = lock(&self.spare);
        let file = match spare.take() {
            Some(file) => file,
            None => self.new_spare()?,
        };
        let name = segment_name(first_height);
        let path = self.disk.describe(&name);
        let salt = self.disk.random().map_err(StoreError::io(&path, "draw a salt"))?;
        file.len()
            .and_then(|length| {
                file.write_at(0, &Segment::header(&self.config.genesis, &salt, first_height, length))
            })
            .and_then(|()| file.sync())
            .and_then(|()| self.disk.rename(SPARE, &name))
            .and_then(|()| self.disk.sync_directory())
            .map_err(StoreError::io(&path, "begin a segment"))?;
        Ok(Arc::new(Segment { file, path, salt, first_height }))
    }

    /// Appends a block at the next height; any height is the next one of an empty log. It is committed by the next
    /// [`BlockLog::sync`].
    pub fn append(&self, height: u64, block: &[u8]) -> Result<(), StoreError> {
        let mut writer = lock(&self.writer);
        let directory = self.disk.describe("");
        if writer.failed {
            return Err(StoreError::new(STORE_FAILED, &directory, "an earlier write failed"));
        }
        if writer.segment.is_some() && height != writer.next_height {
            let expected = writer.next_height;
            let detail = format_args!("block {expected} was expected, block {height} given");
            return Err(StoreError::new(STORE_HEIGHT, &directory, detail));
        }
        if block.len() > MAX_BLOCK_BYTES {
            let detail = format_args!("{} bytes, the bound is {MAX_BLOCK_BYTES}", block.len());
            return Err(StoreError::new(STORE_BLOCK_TOO_LONG, &directory, detail));
        }
        let result = self.append_frame(&mut writer, height, block);
        writer.failed |= result.is_err();
        result
    }

    fn append_frame(&self, writer: &mut Writer, height: u64, block: &[u8]) -> Result<(), StoreError> {
        let full = writer.end > SEGMENT_HEADER_BYTES
            && writer.end + frame_bytes(block.len()) > self.config.segment_bytes;
        if full {
            self.sync_pending(writer)?;
        }
        let segment = match writer.segment.clone().filter(|_| !full) {
            Some(segment) => segment,
            None => {
                let segment = self.begin_segment(height)?;
                let mut committed = self.committed.write().unwrap_or_else(PoisonError::into_inner);
                committed.segments.insert(height, Arc::clone(&segment));
                committed.offsets.insert(height, Arc::default());
                if writer.segment.is_none() {
                    writer.durable_below = height;
                }
                writer.segment = Some(Arc::clone(&segment));
                writer.end = SEGMENT_HEADER_BYTES;
                segment
            }
        };
        let mut buffer = std::mem::take(&mut writer.buffer);
        buffer.clear();
        buffer.extend_from_slice(FRAME_MAGIC);
        buffer.extend_from_slice(&(block.len() as u32).to_le_bytes());
        buffer.extend_from_slice(&height.to_le_bytes());
        buffer.extend_from_slice(&writer.durable_below.to_le_bytes());
        let check = check_of(&segment.salt, &buffer, block);
        buffer.extend_from_slice(&check);
        buffer.extend_from_slice(block);
        let written = segment.file.write_at(writer.end, &buffer);
        written.map_err(StoreError::io(&segment.path, "append a block"))?;
        writer.buffer = buffer;
        writer.pending.push(writer.end as u32);
        writer.end += frame_bytes(block.len());
        writer.next_height = height + 1;
        Ok(())
    }

    /// Commits all that was appended.
    pub fn sync(&self) -> Result<(), StoreError> {
        let mut writer = lock(&self.writer);
        if writer.failed {
            return Err(StoreError::new(STORE_FAILED, &self.disk.describe(""), "an earlier write failed"));
        }
        let result = self.sync_pending(&mut writer);
        writer.failed |= result.is_err();
        result
    }

    fn sync_pending(&self, writer: &mut Writer) -> Result<(), StoreError> {
        let Some(segment) = writer.segment.as_ref().filter(|_| !writer.pending.is_empty()) else {
            return Ok(());
        };
        segment.file.sync().map_err(StoreError::io(&segment.path, "make blocks durable"))?;
        writer.durable_below = writer.next_height;
        let mut committed = self.committed.write().unwrap_or_else(PoisonError::into_inner);
        committed.last_height = writer.next_height.checked_sub(1);
        let offsets = committed.offsets.entry(segment.first_height).or_default();
        Arc::make_mut(offsets).append(&mut writer.pending);
        Ok(())
    }

    /// Height of the first block that is kept.
    pub fn first_height(&self) -> Option<u64> {
        let committed = self.committed.read().unwrap_or_else(PoisonError::into_inner);
        committed.last_height.and_then(|_| committed.segments.keys().next().copied())
    }

    /// Height of the newest committed block.
    pub fn last_height(&self) -> Option<u64> {
        self.committed.read().unwrap_or_else(PoisonError::into_inner).last_height
    }

    /// A committed block.
    pub fn read(&self, height: u64) -> Result<Vec<u8>, StoreError> {
        let (segment, offset) = self.locate(height)?;
        segment.read(offset, height)
    }

    fn locate(&self, height: u64) -> Result<(Arc<Segment>, u64), StoreError> {
        let missing =
            || StoreError::new(STORE_NOT_FOUND, &self.disk.describe(""), format_args!("no block {height}"));
        let (segment, next_segment) = {
            let committed = self.committed.read().unwrap_or_else(PoisonError::into_inner);
            if committed.last_height.is_none_or(|last| height > last) {
                return Err(missing());
            }
            let (&first, segment) = committed.segments.range(..=height).next_back().ok_or_else(missing)?;
            if let Some(offsets) = committed.offsets.get(&first) {
                let offset = offsets.get((height - first) as usize).ok_or_else(missing)?;
                return Ok((Arc::clone(segment), u64::from(*offset)));
            }
            let next = committed.segments.range(height + 1..).next().map(|(&next, _)| next);
            (Arc::clone(segment), next.ok_or_else(missing)?)
        };
        let offsets = Arc::new(segment.sealed_offsets(next_segment)?);
        let offset = u64::from(offsets[(height - segment.first_height) as usize]);
        let mut committed = self.committed.write().unwrap_or_else(PoisonError::into_inner);
        while committed.offsets.len() >= MAX_INDEXED_SEGMENTS {
            committed.offsets.pop_first();
        }
        committed.offsets.insert(segment.first_height, offsets);
        Ok((segment, offset))
    }

    /// The committed blocks from a height on, in order.
    pub fn blocks_from(&self, height: u64) -> impl Iterator<Item = Result<(u64, Vec<u8>), StoreError>> + '_ {
        let end = self.last_height().map_or(height, |last| last + 1);
        (height..end).map(|height| Ok((height, self.read(height)?)))
    }

    /// Removes the segments whose blocks all lie below a height. The newest segment stays.
    pub fn forget(&self, below: u64) -> Result<(), StoreError> {
        // No segment begins meanwhile.
        let _writer = lock(&self.writer);
        let gone: Vec<u64> = {
            let committed = self.committed.read().unwrap_or_else(PoisonError::into_inner);
            let firsts = committed.segments.keys().zip(committed.segments.keys().skip(1));
            firsts.filter(|(_, next)| **next <= below).map(|(first, _)| *first).collect()
        };
        for first in gone {
            let mut committed = self.committed.write().unwrap_or_else(PoisonError::into_inner);
            committed.segments.remove(&first);
            committed.offsets.remove(&first);
            drop(committed);
            self.remove_segment(first)?;
        }
        Ok(())
    }

    /// Begins anew with one block, committed: all others are gone.
    pub fn restart(&self, height: u64, block: &[u8]) -> Result<(), StoreError> {
        {
            let mut writer = lock(&self.writer);
            let result = self.remove_all();
            *writer = Writer { failed: writer.failed || result.is_err(), ..Writer::default() };
            result?;
        }
        self.append(height, block)?;
        self.sync()
    }

    /// Removes all segments.
    fn remove_all(&self) -> Result<(), StoreError> {
        let mut committed = self.committed.write().unwrap_or_else(PoisonError::into_inner);
        committed.last_height = None;
        committed.offsets.clear();
        while let Some((first, _)) = committed.segments.pop_first() {
            self.remove_segment(first)?;
        }
        Ok(())
    }

    /// Removes a file: one after the other in ascending order, so that what is left has no gap.
    fn remove_segment(&self, first_height: u64) -> Result<(), StoreError> {
        let name = segment_name(first_height);
        let removed = self.disk.remove(&name).and_then(|()| self.disk.sync_directory());
        removed.map_err(StoreError::io(&self.disk.describe(&name), "remove a segment"))
    }

    /// Reads every block once and returns how many there are: damage anywhere is an error.
    pub fn verify(&self) -> Result<u64, StoreError> {
        let first = self.first_height().unwrap_or(0);
        self.blocks_from(first).try_fold(0, |count, block| block.map(|_| count + 1))
    }
}

/// Writes zeros from one offset up to another.
fn zero(file: &dyn DiskFile, from: u64, to: u64) -> std::io::Result<()> {
    let zeros = vec![0; ZEROS_BYTES.min(to.saturating_sub(from) as usize)];
    let mut at = from;
    while at < to {
        let count = zeros.len().min((to - at) as usize);
        file.write_at(at, &zeros[..count])?;
        at += count as u64;
    }
    Ok(())
}
