//! Proof of work: what decides on a chain that nobody has a stake in.
//!
//! A header's seal is a target and a nonce. The proof is the hash of the header's id without its seal, and of the seal; as a number it must not be
//! above the target. Which target a block needs follows from the rules, which are the seal of the genesis, and from its parent: so whoever has the
//! headers of a chain, and nothing else, knows how much work is in it. Of all chains of a genesis the one with the most work counts.
//!
//! The targets are those of aserti3-2d (Mark Lundeberg and others, the upgrade of Bitcoin Cash of November 2020,
//! <https://upgradespecs.bitcoincashnode.org/2020-11-15-asert/>): a chain that is ahead of its schedule by `halving_ms` needs twice the work, one that is
//! as much behind half of it. Nothing is averaged over a window, so that nobody gains by mining for a while and then not, and no rounding adds up.

mod target;

pub use target::{Target, Work};

use super::header::{Header, SealBytes};
use crate::codec::hash_encoded;
use crate::crypto::{Domain, Hash, hash};
use crate::error::error_enum;
use crate::id::ChainId;

error_enum! {
    /// Why a header is none of a chain with proof of work, or cannot follow another one.
    pub enum WorkError {
        Rules => WORK_RULES,
        Protocol => HEADER_PROTOCOL,
        Chain => HEADER_CHAIN,
        Parent => WORK_PARENT,
        Time => WORK_TIME,
        Seal => WORK_SEAL,
        Target => WORK_TARGET,
        Proof => WORK_PROOF,
    }
}

/// The rules of a chain. They are the seal of its genesis: all four numbers of 32 bits, the most significant byte first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkRules {
    /// The target of the first block.
    pub target: Target,
    /// How long a block should take.
    pub interval_ms: u32,
    /// By how much time blocks must come too early that the work doubles, and too late that it halves.
    pub halving_ms: u32,
    /// A block that lies so many blocks below the newest one of the heaviest chain is final: nodes refuse what contradicts it, however heavy.
    pub depth: u32,
}

impl WorkRules {
    /// The deepest that finality may lie, so that what is not final yet fits into the memory of a node.
    pub const MAX_DEPTH: u32 = 1_000;

    /// The seal of the genesis.
    pub fn seal(&self) -> SealBytes {
        let mut seal = SealBytes::new();
        for number in [self.target.compact(), self.interval_ms, self.halving_ms, self.depth] {
            // Cannot fail: it is shorter than any seal may be.
            let _ = seal.extend_from_slice(&number.to_be_bytes());
        }
        seal
    }

    fn of_seal(seal: &[u8]) -> Result<Self, WorkError> {
        let ([target, interval, halving, depth], []) = seal.as_chunks::<4>() else {
            return Err(WorkError::Rules);
        };
        let target = Target::from_compact(u32::from_be_bytes(*target)).map_err(|_| WorkError::Rules)?;
        let [interval_ms, halving_ms, depth] =
            [interval, halving, depth].map(|bytes| u32::from_be_bytes(*bytes));
        Self { target, interval_ms, halving_ms, depth }.check()
    }

    /// These rules, if a chain can have them.
    ///
    /// # Errors
    /// A time is zero, blocks take longer than a halving, or the depth is zero or above [`MAX_DEPTH`](Self::MAX_DEPTH).
    pub fn check(self) -> Result<Self, WorkError> {
        let times = self.interval_ms > 0 && self.interval_ms <= self.halving_ms;
        let depth = self.depth > 0 && self.depth <= Self::MAX_DEPTH;
        if times && depth { Ok(self) } else { Err(WorkError::Rules) }
    }
}

/// What a header is sealed with: the target, and a number that was looked for. Its bytes are both, the most significant byte first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seal {
    /// The target that the block says it meets.
    pub target: Target,
    /// What makes it meet it.
    pub nonce: u64,
}

impl Seal {
    /// How many bytes it has.
    pub const LEN: usize = 12;

    /// The seal of these bytes.
    ///
    /// # Errors
    /// They are none.
    pub fn of_bytes(bytes: &[u8]) -> Result<Self, WorkError> {
        let Some((target, nonce)) = bytes.split_first_chunk::<4>() else { return Err(WorkError::Seal) };
        let nonce = <[u8; 8]>::try_from(nonce).map_err(|_| WorkError::Seal)?;
        let target = Target::from_compact(u32::from_be_bytes(*target))?;
        Ok(Self { target, nonce: u64::from_be_bytes(nonce) })
    }

    /// The proof: what must not be above the target.
    pub fn proof(&self, unsealed: &Hash) -> Hash {
        hash(Domain::Work, &[&unsealed.0, &self.bytes()])
    }

    /// Its bytes.
    pub fn bytes(&self) -> SealBytes {
        let mut seal = SealBytes::new();
        // Cannot fail: it is shorter than any seal may be.
        let _ = seal.extend_from_slice(&self.target.compact().to_be_bytes());
        let _ = seal.extend_from_slice(&self.nonce.to_be_bytes());
        seal
    }
}

/// The header's id without its seal: what is looked for a seal for. It is hashed once, whatever the number of nonces.
pub fn unsealed(header: &Header) -> Hash {
    hash_encoded(Domain::Header, &Header { seal: SealBytes::new(), ..header.clone() })
}

/// The seal of a header, if the proof meets the target that the header itself names. Whether it is the right target only its parent tells: this is
/// what a header that nobody knows the parent of must have.
///
/// # Errors
/// The seal has another form, or the proof is above its target.
pub fn proven(header: &Header) -> Result<Seal, WorkError> {
    let seal = Seal::of_bytes(&header.seal)?;
    if seal.proof(&unsealed(header)).0 <= seal.target.to_bytes() { Ok(seal) } else { Err(WorkError::Proof) }
}

/// A chain with proof of work: what its genesis says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkChain {
    /// The rules.
    pub rules: WorkRules,
    chain_id: ChainId,
    start_ms: u64,
}

impl WorkChain {
    /// The chain of a genesis.
    ///
    /// # Errors
    /// Its seal has no rules.
    pub fn of(genesis: &Header) -> Result<Self, WorkError> {
        let rules = WorkRules::of_seal(&genesis.seal)?;
        Ok(Self { rules, chain_id: genesis.chain_id, start_ms: genesis.time_ms })
    }

    /// The target of a block over this one.
    ///
    /// By the schedule the block at height h has the time of the genesis and h intervals. Where the parent is behind it by x halvings, the target is the first one times
    /// 2^x; the part of x that is not whole goes through a polynomial, which is at most 0.013% wrong.
    pub fn target_after(&self, parent: &Header) -> Target {
        let (interval, halving) = (i128::from(self.rules.interval_ms), i128::from(self.rules.halving_ms));
        // Times and heights have 64 bits, and the interval 32: nothing here reaches 127.
        let elapsed = i128::from(parent.time_ms).wrapping_sub(self.start_ms.into());
        let late = elapsed.wrapping_sub(interval.wrapping_mul(parent.height.into()));
        let halvings = late.wrapping_mul(1 << 16).checked_div_euclid(halving).unwrap_or(0);
        let fraction = (halvings as u16).into();
        // More than 2^63 of them are as good as that many.
        let whole = i64::try_from(halvings >> 16).unwrap_or(if late < 0 { i64::MIN } else { i64::MAX });
        self.rules.target.scaled(power(fraction), whole)
    }

    /// Whether a header can follow another one, whatever is in its block. Returns the work in it.
    ///
    /// # Errors
    /// It cannot.
    pub fn follow(&self, parent: &Header, header: &Header) -> Result<Work, WorkError> {
        if header.protocol != Header::PROTOCOL {
            return Err(WorkError::Protocol);
        }
        if header.chain_id != self.chain_id {
            return Err(WorkError::Chain);
        }
        if parent.height.checked_add(1) != Some(header.height) || header.parent != parent.id() {
            return Err(WorkError::Parent);
        }
        if header.time_ms < parent.time_ms {
            return Err(WorkError::Time);
        }
        if Seal::of_bytes(&header.seal)?.target != self.target_after(parent) {
            return Err(WorkError::Target);
        }
        Ok(proven(header)?.target.work())
    }
}

/// `2^(fraction / 2^16)` times 2^16, by the polynomial of aserti3-2d.
fn power(fraction: u64) -> u32 {
    let term = |factor: u128, power: u32| u128::from(fraction).wrapping_pow(power).wrapping_mul(factor);
    // Below 2^65, for a fraction below 2^16.
    let sum = term(195_766_423_245_049, 1).wrapping_add(term(971_821_376, 2)).wrapping_add(term(5_127, 3));
    ((sum.wrapping_add(1 << 47) >> 48) as u32).wrapping_add(1 << 16)
}
