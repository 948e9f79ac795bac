//! A block as the engine orders, stores and sends it.
//!
//! Its digest is the id of its header, so bytes are taken for a block only if the header commits to the transactions, signatures
//! included: one id has one body.

use std::sync::Arc;

use bytes::{BufMut, Bytes};
use commonware_codec::{Buf, EncodeSize, Error, RangeCfg, Read, Write};
use commonware_consensus::types::Height;
use commonware_consensus::{Block as EngineBlock, BoundedBlock, Heightable};
use commonware_cryptography::{Digested, Digestible};
use commonware_utils::Widen;
use qenex_consensus::HeaderId;
use qenex_core::codec::{DecodeError, Encoded};
use qenex_core::consensus::Header;
use qenex_node::block::Block;
use qenex_node::prepare::{Prepared, Signatures, prepare};
use qenex_node::sequencer::BlockLimits;

/// A block whose header commits to its transactions. Nothing else about it has been checked. Copies share the content.
#[derive(Clone, Debug)]
pub struct ChainBlock {
    id: HeaderId,
    header: Header,
    prepared: Arc<Prepared>,
    bytes: Bytes,
}

/// Blocks with one id have one content.
impl PartialEq for ChainBlock {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for ChainBlock {}

impl ChainBlock {
    /// A block that this node made or has executed.
    pub fn new(block: Block) -> Self {
        let bytes = Bytes::from(block.encode());
        Self::of(block, bytes)
    }

    /// The block of these bytes.
    ///
    /// # Errors
    /// They are not the encoding of a block, or the header does not commit to the transactions.
    pub fn decode(bytes: Bytes) -> Result<Self, DecodeError> {
        let block = Self::of(Block::decode(&bytes)?, bytes);
        let committed = block.prepared.transaction_root() == block.header.transaction_root;
        if committed { Ok(block) } else { Err(DecodeError::Malformed) }
    }

    fn of(block: Block, bytes: Bytes) -> Self {
        let Block { header, transactions } = block;
        let prepared = Arc::new(prepare(transactions, Signatures::Committed));
        Self { id: HeaderId(header.id()), header, prepared, bytes }
    }

    /// Its id.
    pub const fn id(&self) -> HeaderId {
        self.id
    }

    /// What it commits to.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Its transactions with all that can be known without the state, but for whether their signatures are right.
    pub fn prepared(&self) -> &Prepared {
        &self.prepared
    }

    /// Its encoding.
    pub const fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Paired with its id.
    pub fn digested(self) -> Digested<Self> {
        let id = self.id;
        Digested::precomputed(self, id)
    }

    /// The most bytes of a block within these limits.
    pub const fn max_bytes(limits: BlockLimits) -> usize {
        // Tag and count, the header, each transaction's length.
        2 + 4 + <Header as Encoded>::MAX_LEN + 4 * limits.transactions + limits.bytes
    }
}

impl Write for ChainBlock {
    fn write(&self, buffer: &mut impl BufMut) {
        self.bytes.write(buffer);
    }
}

impl EncodeSize for ChainBlock {
    fn encode_size(&self) -> usize {
        self.bytes.encode_size()
    }
}

impl Read for ChainBlock {
    /// The most bytes.
    type Cfg = usize;

    fn read_cfg(buffer: &mut impl Buf, max_bytes: &usize) -> Result<Self, Error> {
        let bytes = Bytes::read_cfg(buffer, &RangeCfg::new(..=*max_bytes))?;
        Self::decode(bytes).map_err(|error| Error::Wrapped("block", Box::new(error)))
    }
}

impl Digestible for ChainBlock {
    type Digest = HeaderId;

    fn digest(&self) -> HeaderId {
        self.id
    }
}

impl Heightable for ChainBlock {
    fn height(&self) -> Height {
        Height::new(self.header.height)
    }
}

impl EngineBlock for ChainBlock {
    fn parent(&self) -> HeaderId {
        HeaderId(self.header.parent)
    }
}

impl BoundedBlock for ChainBlock {
    fn max_encode_size(max_bytes: &usize) -> usize {
        let bytes: u64 = Widen::widen(*max_bytes);
        commonware_codec::varint::UInt(bytes).encode_size() + max_bytes
    }
}
