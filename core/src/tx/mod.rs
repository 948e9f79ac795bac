//! The transaction model: operations, authorities, ids, signing digests, the signed form, and the clear-signing summary.
//!
//! A transaction names its chain and its sender, carries the sender's next nonce, the last block height at which it
//! is valid, a fee in the native asset, and one operation. Its id is the hash of its canonical bytes; what a key
//! signs is that id together with the key's scheme and purpose ([`crate::crypto::signing_digest`]).

mod authority;
mod op;
mod signed;
mod summary;

pub use authority::{Authority, AuthorityBuf, AuthorityError, KeyRef, MAX_KEYS};
pub use op::{
    AccountKind, AddLiquidity, Burn, CreateAccount, CreateAsset, CreatePool, Delegate, Issue, KycLevel,
    Leave, Leg, Legs, LegsBuf, LegsError, MAX_RECEIVERS, Op, RemoveLiquidity, Report, RotateAuthority,
    SetFrozen, SignedVote, Stand, SwapExactIn, SwapExactOut, Transfer, Unbond, Withdraw,
};
pub use signed::{MAX_SIGNED_LEN, Signature, SignedTransaction, encode_signed, signed_len};
pub use summary::{DISPLAY_COLUMNS, DISPLAY_ROWS, Line, MAX_SUMMARY_LINES, MAX_VALUE_LEN, Summary};

use serde::{Deserialize, Serialize};

use crate::codec::{Encoded, Tag, Tagging, hash_encoded};
use crate::crypto::{Domain, Hash};
use crate::id::{AccountId, ChainId};
use crate::num::Amount;

/// What a sender asks the ledger to do. Keys and receivers stay where they were decoded from. Encoded, it is at most [`Encoded::MAX_LEN`] bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Transaction<'a> {
    /// The chain that it is for.
    pub chain_id: ChainId,
    /// The account that asks and pays.
    pub sender: AccountId,
    /// How many transactions of the sender came before it.
    pub nonce: u64,
    /// The last block height at which it may be executed.
    pub last_valid_height: u64,
    /// What the sender pays to the block's proposer, in the native asset.
    pub fee: Amount,
    /// What is to be done.
    #[serde(borrow)]
    pub op: Op<'a>,
}

impl Encoded for Transaction<'_> {
    const TAGGING: Tagging = Tagging::Fixed(Tag::TRANSACTION);
    // Tag, two texts, two integers, the fee, the longest operation.
    const MAX_LEN: usize = 2 + 25 + 25 + 10 + 10 + 19 + Op::MAX_LEN;
}

impl Transaction<'_> {
    /// The hash of its canonical bytes.
    pub fn id(&self) -> Hash {
        hash_encoded(Domain::Transaction, self)
    }
}
