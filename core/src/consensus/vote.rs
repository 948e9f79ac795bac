//! Votes of simplex consensus, and the bytes that are signed.
//!
//! A validator notarizes at most one proposal of a view, nullifies a view that did not come to an end in time, and
//! finalizes a notarized proposal of a view that it did not nullify. The payload of a proposal is the id of a block's
//! header.
//!
//! Simplex signs `varint(length) ‖ namespace ‖ message`, where the namespace is that of the chain with a suffix for the
//! kind of vote, and the message is the encoded proposal or round. The ledger hashes these bytes with the domain
//! of votes; the hash is the id of the vote, and its signing digest is what a key signs.

use serde::{Deserialize, Serialize};

use crate::codec::{Encoded, Tagging, encode, hash_encoded, tagged_enum};
use crate::crypto::{Domain, Hash};
use crate::id::{ChainId, MAX_ID_LEN};

/// A place in the order of attempts: views count from one within each epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Round {
    /// The epoch, during which the validators stay the same.
    pub epoch: u64,
    /// The attempt.
    pub view: u64,
}

/// What is voted on: this header in this round, after the one of the parent's view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Proposal {
    /// The round in which it was proposed.
    pub round: Round,
    /// The view of its parent, zero for the start of the epoch.
    pub parent_view: u64,
    /// The id of the header.
    pub header: Hash,
}

tagged_enum! {
    /// A vote without its signature.
    #[derive(Copy)]
    pub enum Vote (max_len = 2 + 3 * 10 + 32) {
        /// The proposal may become final.
        Notarize(proposal: Proposal) = NOTARIZE,
        /// The view shall end without a block.
        Nullify(round: Round) = NULLIFY,
        /// The proposal is final.
        Finalize(proposal: Proposal) = FINALIZE,
    }
}

/// The kinds of votes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum VoteKind {
    /// [`Vote::Notarize`].
    Notarize = 1,
    /// [`Vote::Nullify`].
    Nullify = 2,
    /// [`Vote::Finalize`].
    Finalize = 3,
}

impl VoteKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Notarize, Self::Nullify, Self::Finalize];

    /// The kind with this number.
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Notarize),
            2 => Some(Self::Nullify),
            3 => Some(Self::Finalize),
            _ => None,
        }
    }

    /// Its name as people read it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Notarize => "notarize",
            Self::Nullify => "nullify",
            Self::Finalize => "finalize",
        }
    }

    /// What simplex appends to the namespace.
    const fn suffix(self) -> &'static [u8] {
        match self {
            Self::Notarize => b"_NOTARIZE",
            Self::Nullify => b"_NULLIFY",
            Self::Finalize => b"_FINALIZE",
        }
    }
}

/// What every namespace starts with.
const NAMESPACE_PREFIX: &[u8] = b"QENEX:";

/// Prefix, chain and the longest suffix.
const MAX_NAMESPACE_LEN: usize = NAMESPACE_PREFIX.len() + MAX_ID_LEN + 9;

type Namespace = heapless::Vec<u8, MAX_NAMESPACE_LEN>;

/// The namespace that a chain's engine is configured with.
pub fn namespace(chain_id: &ChainId) -> Namespace {
    // There is room for the longest chain id.
    let mut namespace = Namespace::new();
    let _ = namespace.extend_from_slice(NAMESPACE_PREFIX);
    let _ = namespace.extend_from_slice(chain_id.as_str().as_bytes());
    namespace
}

/// The bytes that simplex signs: postcard's integers, lists and tuples are encoded like Commonware's.
#[derive(Serialize)]
struct Subject<'a> {
    #[serde(serialize_with = "crate::codec::bytes")]
    namespace: &'a [u8],
    message: Message<'a>,
}

enum Message<'a> {
    Proposal(&'a Proposal),
    Round(&'a Round),
}

impl Serialize for Message<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Proposal(proposal) => proposal.serialize(serializer),
            Self::Round(round) => round.serialize(serializer),
        }
    }
}

/// The longest bytes that simplex signs.
pub const MAX_SIMPLEX_BYTES: usize = 1 + MAX_NAMESPACE_LEN + 3 * 10 + 32;

impl Encoded for Subject<'_> {
    const TAGGING: Tagging = Tagging::None;
    const MAX_LEN: usize = MAX_SIMPLEX_BYTES;
}

impl Vote {
    /// Its kind.
    pub const fn kind(&self) -> VoteKind {
        match self {
            Self::Notarize(_) => VoteKind::Notarize,
            Self::Nullify(_) => VoteKind::Nullify,
            Self::Finalize(_) => VoteKind::Finalize,
        }
    }

    /// The round that it is about.
    pub const fn round(&self) -> Round {
        match self {
            Self::Notarize(proposal) | Self::Finalize(proposal) => proposal.round,
            Self::Nullify(round) => *round,
        }
    }

    /// What it is for, if it is for anything.
    pub const fn proposal(&self) -> Option<&Proposal> {
        match self {
            Self::Notarize(proposal) | Self::Finalize(proposal) => Some(proposal),
            Self::Nullify(_) => None,
        }
    }

    /// The bytes that simplex signs on this chain.
    pub fn simplex_bytes(&self, chain_id: &ChainId) -> heapless::Vec<u8, MAX_SIMPLEX_BYTES> {
        let mut buffer = [0; MAX_SIMPLEX_BYTES];
        // There is room for the longest.
        let bytes = self.with_subject(chain_id, |subject| encode(subject, &mut buffer).unwrap_or_default());
        heapless::Vec::from_slice(bytes).unwrap_or_default()
    }

    /// The hash of the bytes that simplex signs on this chain.
    pub fn id(&self, chain_id: &ChainId) -> Hash {
        self.with_subject(chain_id, |subject| hash_encoded(Domain::Vote, subject))
    }

    fn with_subject<R>(&self, chain_id: &ChainId, use_it: impl FnOnce(&Subject<'_>) -> R) -> R {
        let mut namespace = namespace(chain_id);
        // There is room for every suffix.
        let _ = namespace.extend_from_slice(self.kind().suffix());
        let message = match self {
            Self::Notarize(proposal) | Self::Finalize(proposal) => Message::Proposal(proposal),
            Self::Nullify(round) => Message::Round(round),
        };
        use_it(&Subject { namespace: &namespace, message })
    }
}
