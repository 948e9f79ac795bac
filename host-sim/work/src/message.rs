//! What nodes say to each other about blocks.
//!
//! A message is one byte that says what it is, and then: the work in the heaviest chain (32 bytes) and its newest header; or steps (a height of eight
//! bytes, little-endian, and an id each); or blocks, each with its length (u32, little-endian) before it.

use qenex_core::codec::{self, DecodeError, Encoded};
use qenex_core::consensus::Header;
use qenex_core::consensus::work::Work;
use qenex_core::crypto::Hash;
use qenex_node::block::Batch;
use qenex_node::sequencer::BlockLimits;
use qenex_validator::block::ChainBlock;

const HEAD: u8 = 0;
const ASK: u8 = 1;
const BLOCKS: u8 = 2;

/// The most steps: ever longer ones over the deepest finality are twelve.
const MAX_STEPS: usize = 32;

/// A block that whoever asks has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its height.
    pub height: u64,
    /// Its id.
    pub id: Hash,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant)] // it is looked at once
pub enum Message {
    /// The heaviest chain that somebody knows.
    Head(Work, Header),
    /// Blocks after one of these are wanted, the first that is known.
    Ask(Vec<Step>),
    /// Blocks, each over the one before.
    Blocks(Batch),
}

/// The most bytes of blocks in a message.
pub const fn max_blocks_bytes(limits: BlockLimits) -> usize {
    4 + ChainBlock::max_bytes(limits)
}

/// A message of blocks that are packed.
pub fn blocks(packed: &[u8]) -> Vec<u8> {
    [&[BLOCKS], packed].concat()
}

/// A message that asks.
pub fn ask(steps: &[Step]) -> Vec<u8> {
    let mut message = vec![ASK];
    for step in steps {
        message.extend_from_slice(&step.height.to_le_bytes());
        message.extend_from_slice(&step.id.0);
    }
    message
}

/// A message that says how far somebody is.
pub fn head(work: Work, header: &Header) -> Vec<u8> {
    let mut buffer = [0; Header::MAX_LEN];
    // Cannot fail: the buffer has the greatest length.
    let header = codec::encode(header, &mut buffer).unwrap_or_default();
    [&[HEAD], &work.to_bytes()[..], header].concat()
}

impl Message {
    /// The message of these bytes.
    ///
    /// # Errors
    /// They are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (kind, body) = bytes.split_first().ok_or(DecodeError::Malformed)?;
        match *kind {
            HEAD => {
                let (work, header) = body.split_first_chunk().ok_or(DecodeError::Malformed)?;
                Ok(Self::Head(Work::from_bytes(*work), codec::decode(header)?))
            }
            ASK => {
                let (steps, []) = body.as_chunks::<40>() else { return Err(DecodeError::Malformed) };
                if steps.len() > MAX_STEPS {
                    return Err(DecodeError::TooLong);
                }
                let step = |bytes: &[u8; 40]| {
                    let (height, id) = bytes.split_first_chunk::<8>()?;
                    let id = Hash(id.try_into().ok()?);
                    Some(Step { height: u64::from_le_bytes(*height), id })
                };
                steps.iter().map(step).collect::<Option<_>>().map(Self::Ask).ok_or(DecodeError::Malformed)
            }
            BLOCKS => Batch::unpack(body).map(Self::Blocks).ok_or(DecodeError::Malformed),
            _ => Err(DecodeError::UnknownTag),
        }
    }
}
