//! Several of the ledger's hashes (SHA3-256 with a domain byte, [`mod@qenex_core::crypto::hash`]) at once.
//!
//! One SHA3-256 cannot use the width of the processor's vectors, but independent ones can: each takes one 64-bit
//! lane of 25 vectors. [`Lanes`] says how many: eight with AVX-512, four with AVX2, one through the core's hash where
//! neither is there. The hashes are the same whichever does the work.
//!
//! This crate holds the only `unsafe` of the host's ledger: calls of the two vector kernels, their loads and their
//! stores, each with its reason.
#![deny(unsafe_op_in_unsafe_fn)]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod permutation;
#[cfg(target_arch = "x86_64")]
mod sponge;

use qenex_core::crypto::Hash;
use qenex_core::crypto::hash::{Domain, hash};

/// The ways to hash, from the slowest to the fastest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// One after the other, on any processor.
    Portable,
    /// Four at once.
    Avx2,
    /// Eight at once.
    Avx512,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Portable, Self::Avx2, Self::Avx512];
}

/// A way to hash that this machine can go: a value exists only where the processor has what its kind needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lanes(Way);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2(avx2::Avx2),
    #[cfg(target_arch = "x86_64")]
    Avx512(avx512::Avx512),
}

impl Lanes {
    /// The fastest way on this machine.
    pub fn best() -> Self {
        Kind::ALL.into_iter().rev().find_map(Self::of).unwrap_or(Self(Way::Portable))
    }

    /// A given way, where the machine has it.
    pub fn of(kind: Kind) -> Option<Self> {
        match kind {
            Kind::Portable => Some(Self(Way::Portable)),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => avx2::Avx2::detect().map(|avx2| Self(Way::Avx2(avx2))),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => avx512::Avx512::detect().map(|avx512| Self(Way::Avx512(avx512))),
            #[cfg(not(target_arch = "x86_64"))]
            Kind::Avx2 | Kind::Avx512 => None,
        }
    }

    /// Which way it is.
    pub const fn kind(self) -> Kind {
        match self.0 {
            Way::Portable => Kind::Portable,
            #[cfg(target_arch = "x86_64")]
            Way::Avx2(_) => Kind::Avx2,
            #[cfg(target_arch = "x86_64")]
            Way::Avx512(_) => Kind::Avx512,
        }
    }

    /// `out[i]` becomes the hash of `inputs[i]`, which may differ in length.
    ///
    /// # Panics
    /// If there are not as many places as inputs.
    pub fn hash_each<T: AsRef<[u8]>>(self, domain: Domain, inputs: &[T], out: &mut [Hash]) {
        assert_eq!(inputs.len(), out.len(), "one place for each input");
        match self.0 {
            Way::Portable => {
                for (input, out) in inputs.iter().zip(out) {
                    *out = hash(domain, &[input.as_ref()]);
                }
            }
            #[cfg(target_arch = "x86_64")]
            Way::Avx2(avx2) => sponge::each(domain, inputs, out, |states, blocks| {
                states.absorb(blocks);
                avx2.permute(states);
            }),
            #[cfg(target_arch = "x86_64")]
            Way::Avx512(avx512) => {
                sponge::each(domain, inputs, out, |states, blocks| avx512.absorb_and_permute(states, blocks))
            }
        }
    }

    /// `out[i]` becomes the hash of the two hashes `pairs[i]`: a node of a tree over its halves, or a leaf of the state
    /// tree over key and value hash.
    ///
    /// # Panics
    /// If there are not as many places as pairs.
    pub fn hash_pairs(self, domain: Domain, pairs: &[[Hash; 2]], out: &mut [Hash]) {
        assert_eq!(pairs.len(), out.len(), "one place for each pair");
        match self.0 {
            Way::Portable => {
                for ([left, right], out) in pairs.iter().zip(out) {
                    *out = hash(domain, &[&left.0, &right.0]);
                }
            }
            #[cfg(target_arch = "x86_64")]
            Way::Avx2(avx2) => sponge::pairs(domain, pairs, out, |states| avx2.permute(states)),
            #[cfg(target_arch = "x86_64")]
            Way::Avx512(avx512) => {
                let (eights, rest) = pairs.as_chunks();
                let (out_eights, out_rest) = out.as_chunks_mut();
                for (pairs, out) in eights.iter().zip(out_eights) {
                    avx512.pairs(domain, pairs, out);
                }
                if !rest.is_empty() {
                    let (mut padded, mut padded_out) = ([[Hash::default(); 2]; 8], [Hash::default(); 8]);
                    padded[..rest.len()].copy_from_slice(rest);
                    avx512.pairs(domain, &padded, &mut padded_out);
                    out_rest.copy_from_slice(&padded_out[..rest.len()]);
                }
            }
        }
    }
}
