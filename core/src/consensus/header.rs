//! The block header.

use serde::{Deserialize, Serialize};

use crate::codec::{Encoded, Tag, Tagging, hash_encoded};
use crate::crypto::{Domain, Hash};
use crate::id::{AccountId, ChainId};

/// The longest seal, in bytes: room for a proof of work.
pub const MAX_SEAL_LEN: usize = 64;

/// The bytes of a seal.
pub type SealBytes = heapless::Vec<u8, MAX_SEAL_LEN>;

/// What a block commits to. The state root is the one after the block, so that a device can check a transaction
/// against the newest final header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the protocol whose rules the block follows.
    pub protocol: u16,
    /// The chain.
    pub chain_id: ChainId,
    /// The epoch, during which the validators stay the same.
    pub epoch: u64,
    /// The attempt of the epoch in which it was first proposed; zero on a chain without validators.
    pub view: u64,
    /// How many blocks came before it; zero is the genesis.
    pub height: u64,
    /// The id of the block before; zeros at the genesis.
    pub parent: Hash,
    /// When it was proposed, in milliseconds since the Unix epoch; never before its parent's.
    pub time_ms: u64,
    /// The account that the block's fees go to.
    pub proposer: AccountId,
    /// Root of the transaction tree.
    pub transaction_root: Hash,
    /// Root of the state tree after the block.
    pub state_root: Hash,
    /// Root of the receipt tree, whose leaves are the receipts in the order of the transactions.
    pub receipt_root: Hash,
    /// Hash of the set of validators that decides on this block.
    pub validators: Hash,
    /// Hash of the set that decides on the next block.
    pub next_validators: Hash,
    /// What a chain without validators puts its proof into; else empty.
    pub seal: SealBytes,
}

impl Encoded for Header {
    const TAGGING: Tagging = Tagging::Fixed(Tag::HEADER);
    const MAX_LEN: usize = 2 + 3 + 25 + 10 + 10 + 10 + 32 + 10 + 25 + 5 * 32 + 1 + MAX_SEAL_LEN;
}

impl Header {
    /// The version of the rules in this crate.
    pub const PROTOCOL: u16 = 1;

    /// The hash of its canonical bytes: the block's id.
    pub fn id(&self) -> Hash {
        hash_encoded(Domain::Header, self)
    }
}
