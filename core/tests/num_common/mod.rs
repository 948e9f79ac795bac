//! What the tests of numbers and of the market maker share: seeds, case counts, and numbers of all sizes.

use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};

/// Cases to try: QENEX_CASES, or a number that suits a debug run.
pub fn cases() -> u64 {
    std::env::var("QENEX_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(20_000)
}

/// A generator from QENEX_SEED, or from a new seed; it prints the seed, which replays the run.
pub fn rng() -> StdRng {
    let seed =
        std::env::var("QENEX_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or_else(rand::random);
    println!("replay with QENEX_SEED={seed}");
    StdRng::seed_from_u64(seed)
}

/// A number of at most so many bits. All lengths are equally likely, and every third number has long runs of equal
/// bits, where carries and borrows travel.
pub fn words<const N: usize>(rng: &mut StdRng, max_bits: u32) -> [u64; N] {
    let bits = rng.random_range(0..=max_bits);
    let mut words = [0u64; N];
    if rng.random_range(0..3) == 0 {
        let mut fill = rng.random::<bool>();
        let mut bit = 0;
        while bit < bits {
            let run = rng.random_range(1..100).min(bits - bit);
            if fill {
                (bit..bit + run).for_each(|bit| words[bit as usize / 64] |= 1 << (bit % 64));
            }
            bit += run;
            fill = !fill;
        }
    } else {
        words.iter_mut().for_each(|word| *word = rng.next_u64());
        for (i, word) in words.iter_mut().enumerate() {
            let from = i as u32 * 64;
            *word &= if bits >= from + 64 { u64::MAX } else { (1u64 << bits.saturating_sub(from)) - 1 };
        }
    }
    words
}

/// A number of at most so many bits.
pub fn number(rng: &mut StdRng, max_bits: u32) -> u128 {
    let [low, high] = words::<2>(rng, max_bits);
    u128::from(high) << 64 | u128::from(low)
}
