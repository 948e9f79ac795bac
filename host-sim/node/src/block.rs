//! Blocks as they are stored and exchanged: the header and the signed transactions.
//!
//! Encoding: tag, header in its canonical encoding, number of transactions (u32), then each with its length (u32) before
//! it. Integers are little-endian.

use qenex_core::codec::{self, DecodeError, Encoded, Tag};
use qenex_core::consensus::Header;

/// Signed transactions, one after the other. Nothing about them has been checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Batch {
    /// Room for `count` transactions of `bytes` in all.
    pub fn with_capacity(count: usize, bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes), ends: Vec::with_capacity(count) }
    }

    /// Adds one.
    pub fn push(&mut self, signed: &[u8]) {
        self.bytes.extend_from_slice(signed);
        self.ends.push(self.bytes.len());
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The one at `index`; nothing past the end.
    pub fn get(&self, index: usize) -> Option<&[u8]> {
        let end = *self.ends.get(index)?;
        let start = index.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        self.bytes.get(start..end)
    }

    /// Those of a message: each with its length (u32, little-endian) before it; nothing if it is none.
    pub fn unpack(mut message: &[u8]) -> Option<Self> {
        let mut batch = Self::default();
        while let Some((length, rest)) = message.split_first_chunk::<4>() {
            let (signed, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            batch.push(signed);
            message = rest;
        }
        message.is_empty().then_some(batch)
    }

    /// All of them in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map_while(|index| self.get(index))
    }
}

impl<T: AsRef<[u8]>> FromIterator<T> for Batch {
    fn from_iter<I: IntoIterator<Item = T>>(transactions: I) -> Self {
        let mut batch = Self::default();
        transactions.into_iter().for_each(|signed| batch.push(signed.as_ref()));
        batch
    }
}

/// A block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// What it commits to.
    pub header: Header,
    /// Its transactions in order.
    pub transactions: Batch,
}

impl Block {
    /// Its encoding.
    pub fn encode(&self) -> Vec<u8> {
        let mut header = [0; <Header as Encoded>::MAX_LEN];
        // Cannot fail: the buffer has the greatest length.
        let header = codec::encode(&self.header, &mut header).unwrap_or_default();
        let count = self.transactions.len();
        let mut out = Vec::with_capacity(6 + header.len() + 4 * count + self.transactions.bytes.len());
        out.extend_from_slice(&Tag::BLOCK.0);
        out.extend_from_slice(header);
        out.extend_from_slice(&(count as u32).to_le_bytes());
        for signed in self.transactions.iter() {
            out.extend_from_slice(&(signed.len() as u32).to_le_bytes());
            out.extend_from_slice(signed);
        }
        out
    }

    /// Reads the header of a block and nothing after it.
    ///
    /// # Errors
    /// The bytes do not begin as a block does.
    pub fn decode_header(bytes: &[u8]) -> Result<Header, DecodeError> {
        let body = bytes.strip_prefix(&Tag::BLOCK.0).ok_or(DecodeError::UnknownTag)?;
        Ok(codec::decode_front(body)?.0)
    }

    /// Reads exactly one block from all of `bytes`.
    ///
    /// # Errors
    /// The bytes are not the encoding of a block.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let body = bytes.strip_prefix(&Tag::BLOCK.0).ok_or(DecodeError::UnknownTag)?;
        let (header, rest) = codec::decode_front::<Header>(body)?;
        let (count, mut rest) = take_u32(rest)?;
        // Every transaction takes at least its length, so that a false count reserves no memory.
        if count > rest.len() / 4 {
            return Err(DecodeError::Malformed);
        }
        let mut transactions = Batch::with_capacity(count, rest.len());
        for _ in 0..count {
            let (len, tail) = take_u32(rest)?;
            let (signed, tail) = tail.split_at_checked(len).ok_or(DecodeError::Malformed)?;
            transactions.push(signed);
            rest = tail;
        }
        if rest.is_empty() { Ok(Self { header, transactions }) } else { Err(DecodeError::Trailing) }
    }
}

fn take_u32(bytes: &[u8]) -> Result<(usize, &[u8]), DecodeError> {
    let (number, rest) = bytes.split_first_chunk::<4>().ok_or(DecodeError::Malformed)?;
    Ok((u32::from_le_bytes(*number) as usize, rest))
}
