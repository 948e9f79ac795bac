//! Pre-generated inputs, the same in every run.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Inputs of a case.
pub const COUNT: usize = 2_048;

/// Makes so many inputs from a fixed seed.
pub fn generate<I>(mut make: impl FnMut(&mut StdRng) -> I) -> Vec<I> {
    let mut rng = StdRng::seed_from_u64(2);
    (0..COUNT).map(|_| make(&mut rng)).collect()
}

/// A number of exactly so many bits.
pub fn number(rng: &mut StdRng, bits: u32) -> u128 {
    (rng.random::<u128>() | 1 << 127) >> (128 - bits)
}

/// The two words of a number, least significant first.
pub fn words(value: u128) -> [u64; 2] {
    [value as u64, (value >> 64) as u64]
}
