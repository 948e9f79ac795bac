//! The transaction tree: the append-only tree of RFC 9162, section 2.1, with the ledger's hash.
//!
//! A leaf is the hash of an entry, an inner node the hash of its halves, where the left half holds the largest
//! power of two of leaves that is smaller than all. A tree without leaves has a hash of its own domain (RFC 9162
//! takes the hash of nothing). Receipts are kept in a tree of the same form.
//!
//! [`Builder`] makes the root from leaves that arrive one after the other and holds one node per level, so a
//! device can follow a block of any length. Proofs have at most [`PROOF_MAX`] hashes, from the leaf to the root.

use crate::crypto::hash::{Domain, Hash, hash};
use crate::error::error_enum;

/// Levels of the largest tree: sizes are counted in 64 bits.
pub const PROOF_MAX: usize = 64;

/// An inclusion or consistency proof.
pub type Proof = heapless::Vec<Hash, PROOF_MAX>;

error_enum! {
    /// Why a proof about a transaction tree was not made or not accepted.
    pub enum LogError {
        Index => LOG_INDEX,
        Sizes => LOG_SIZES,
        Proof => LOG_PROOF,
    }
}

/// The leaf of an entry.
pub fn leaf_hash(entry: &[u8]) -> Hash {
    hash(Domain::LogLeaf, &[entry])
}

/// The inner node over two halves.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    hash(Domain::LogNode, &[&left.0, &right.0])
}

/// The root of the tree without leaves.
pub fn empty_root() -> Hash {
    hash(Domain::LogEmpty, &[])
}

/// Makes the root of a tree from its leaves in order. Its state is 64 nodes and the number of leaves.
#[derive(Clone)]
pub struct Builder {
    /// `nodes[level]` is the root of a full subtree of `2^level` leaves wherever that bit of `len` is set.
    nodes: [Hash; PROOF_MAX],
    len: u64,
}

impl Builder {
    /// A tree without leaves.
    pub const fn new() -> Self {
        Self { nodes: [Hash([0; 32]); PROOF_MAX], len: 0 }
    }

    /// The number of leaves.
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Whether there is no leaf yet.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Appends a leaf, as [`leaf_hash`] made it.
    pub fn push(&mut self, leaf: Hash) {
        let mut carry = leaf;
        let mut rest = self.len;
        for node in &mut self.nodes {
            if rest & 1 == 0 {
                *node = carry;
                break;
            }
            carry = node_hash(node, &carry);
            rest >>= 1;
        }
        self.len = self.len.wrapping_add(1);
    }

    /// The root over all leaves so far.
    pub fn root(&self) -> Hash {
        let mut root = None;
        let mut rest = self.len;
        for node in &self.nodes {
            if rest & 1 == 1 {
                root = Some(root.map_or(*node, |right| node_hash(node, &right)));
            }
            rest >>= 1;
        }
        root.unwrap_or_else(empty_root)
    }
}

impl Default for Builder {
    fn default() -> Self {
        Self::new()
    }
}

/// The root over leaves that are all at hand.
pub fn root(leaves: &[Hash]) -> Hash {
    let mut builder = Builder::new();
    leaves.iter().for_each(|leaf| builder.push(*leaf));
    builder.root()
}

/// Accepts that `leaf` is leaf number `index` of the tree of `size` leaves with this root.
pub fn verify_inclusion(
    root: &Hash,
    size: u64,
    index: u64,
    leaf: &Hash,
    proof: &[Hash],
) -> Result<(), LogError> {
    if index >= size {
        return Err(LogError::Index);
    }
    // Positions, on the level reached so far, of the node and of the last node of the tree.
    let mut at = index;
    let mut last = size.wrapping_sub(1);
    let mut node = *leaf;
    for sibling in proof {
        if last == 0 {
            return Err(LogError::Proof);
        }
        if at & 1 == 1 || at == last {
            node = node_hash(sibling, &node);
            skip_lone_levels(&mut at, &mut last);
        } else {
            node = node_hash(&node, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    if last == 0 && node == *root { Ok(()) } else { Err(LogError::Proof) }
}

/// Accepts that the tree of `first` leaves is the beginning of the tree of `second` leaves.
pub fn verify_consistency(
    first: u64,
    first_root: &Hash,
    second: u64,
    second_root: &Hash,
    proof: &[Hash],
) -> Result<(), LogError> {
    let accept = |condition| if condition { Ok(()) } else { Err(LogError::Proof) };
    if first > second {
        return Err(LogError::Sizes);
    }
    if first == second {
        return accept(proof.is_empty() && first_root == second_root);
    }
    if first == 0 {
        return accept(proof.is_empty() && *first_root == empty_root());
    }
    // A full first tree is itself the first node, and the proof leaves it out.
    let (start, rest) = match proof {
        _ if first.is_power_of_two() => (*first_root, proof),
        [start, rest @ ..] => (*start, rest),
        [] => return Err(LogError::Proof),
    };
    let full_levels = first.trailing_zeros();
    let mut at = first.wrapping_sub(1).wrapping_shr(full_levels);
    let mut last = second.wrapping_sub(1).wrapping_shr(full_levels);
    let mut old = start;
    let mut new = start;
    for sibling in rest {
        if last == 0 {
            return Err(LogError::Proof);
        }
        if at & 1 == 1 || at == last {
            old = node_hash(sibling, &old);
            new = node_hash(sibling, &new);
            skip_lone_levels(&mut at, &mut last);
        } else {
            new = node_hash(&new, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    accept(last == 0 && old == *first_root && new == *second_root)
}

/// Climbs the levels on which the last node of the tree has no sibling and is carried up as it is.
fn skip_lone_levels(at: &mut u64, last: &mut u64) {
    while *at & 1 == 0 && *at != 0 {
        *at >>= 1;
        *last >>= 1;
    }
}

/// The proof that `leaves[index]` is in the tree over `leaves`. Hashes the whole tree once.
pub fn inclusion_proof(leaves: &[Hash], index: usize) -> Result<Proof, LogError> {
    if index >= leaves.len() {
        return Err(LogError::Index);
    }
    let mut proof = Proof::new();
    let mut part = leaves;
    let mut at = index;
    while let Some((left, right)) = halves(part) {
        let sibling = if at < left.len() {
            part = left;
            right
        } else {
            part = right;
            at = at.wrapping_sub(left.len());
            left
        };
        proof.push(root(sibling)).map_err(|_| LogError::Proof)?;
    }
    proof.reverse();
    Ok(proof)
}

/// The proof that the tree over the first `first` leaves is the beginning of the tree over all.
pub fn consistency_proof(leaves: &[Hash], first: usize) -> Result<Proof, LogError> {
    if first > leaves.len() {
        return Err(LogError::Sizes);
    }
    let mut proof = Proof::new();
    if first == 0 {
        return Ok(proof);
    }
    let mut part = leaves;
    let mut at = first;
    while at != part.len()
        && let Some((left, right)) = halves(part)
    {
        let sibling = if at <= left.len() {
            part = left;
            right
        } else {
            part = right;
            at = at.wrapping_sub(left.len());
            left
        };
        proof.push(root(sibling)).map_err(|_| LogError::Proof)?;
    }
    // Where the walk never went right, the part left is the first tree itself.
    if at != first {
        proof.push(root(part)).map_err(|_| LogError::Proof)?;
    }
    proof.reverse();
    Ok(proof)
}

/// Cuts more than one leaf at the largest power of two that is smaller than their number.
fn halves(leaves: &[Hash]) -> Option<(&[Hash], &[Hash])> {
    let most = leaves.len().checked_sub(1)?.checked_ilog2()?;
    leaves.split_at_checked(1usize.wrapping_shl(most))
}
