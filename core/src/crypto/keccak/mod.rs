//! Keccak (FIPS 202): the permutation in the form that suits the processor, and the sponges that the core uses.
//!
//! Input may arrive, and output be taken, in pieces. Lengths are bytes.

#[cfg(any(target_pointer_width = "32", test))]
mod interleaved;
#[cfg(any(not(target_pointer_width = "32"), test))]
mod lanes;

#[cfg(target_pointer_width = "32")]
use interleaved::State;
#[cfg(not(target_pointer_width = "32"))]
use lanes::State;

use zeroize::Zeroize;

/// Bytes that SHAKE128 takes or gives between two permutations.
const RATE_SHAKE128: usize = 168;
/// The same of SHA3-256 and SHAKE256.
const RATE_256: usize = 136;
/// The same of SHA3-512 and Keccak-512.
const RATE_512: usize = 72;

/// What follows the input: two bits of SHA3, four of SHAKE, none before FIPS 202; and the first bit of the padding.
const END_SHA3: u8 = 0b0000_0110;
const END_SHAKE: u8 = 0b0001_1111;
const END_KECCAK: u8 = 0b0000_0001;

/// Rho: by how many bits lane x + 5y is rotated (FIPS 202, section 3.2.2).
const RHO: [u32; 25] = rho();
/// Iota: what each round adds to lane 0 (FIPS 202, section 3.2.5).
const ROUND_CONSTANTS: [u64; 24] = round_constants();

#[expect(clippy::arithmetic_side_effects, reason = "evaluated by the compiler")]
const fn rho() -> [u32; 25] {
    let mut offsets = [0; 25];
    let (mut x, mut y, mut t) = (1, 0, 0);
    while t < 24 {
        offsets[x + 5 * y] = (t + 1) * (t + 2) / 2 % 64;
        (x, y) = (y, (2 * x + 3 * y) % 5);
        t += 1;
    }
    offsets
}

#[expect(clippy::arithmetic_side_effects, reason = "evaluated by the compiler")]
const fn round_constants() -> [u64; 24] {
    let mut constants = [0; 24];
    let (mut register, mut round) = (1u8, 0);
    while round < 24 {
        let mut j = 0;
        while j < 7 {
            constants[round] |= ((register & 1) as u64) << ((1 << j) - 1);
            register = (register << 1) ^ ((register >> 7) * 0x71);
            j += 1;
        }
        round += 1;
    }
    constants
}

/// SHA3-256 of input that arrives in pieces.
#[derive(Clone)]
pub(crate) struct Sha3_256(Sponge);

impl Sha3_256 {
    #[inline]
    pub const fn new() -> Self {
        Self(Sponge::new())
    }

    #[inline]
    pub fn absorb(&mut self, bytes: &[u8]) {
        self.0.absorb(RATE_256, bytes);
    }

    #[inline]
    pub fn finish(mut self) -> [u8; 32] {
        self.0.end(RATE_256, END_SHA3);
        self.0.output(RATE_256)
    }
}

/// SHA3-512 of bytes.
pub(crate) fn sha3_512(bytes: &[u8]) -> [u8; 64] {
    digest_512(bytes, END_SHA3)
}

/// Keccak-512 of bytes, with the padding from before FIPS 202.
pub(crate) fn keccak_512(bytes: &[u8]) -> [u8; 64] {
    digest_512(bytes, END_KECCAK)
}

fn digest_512(bytes: &[u8], end: u8) -> [u8; 64] {
    let mut sponge = Sponge::new();
    sponge.absorb(RATE_512, bytes);
    sponge.end(RATE_512, end);
    sponge.output(RATE_512)
}

/// SHAKE128 or SHAKE256: output of any length from input that arrives in pieces. One is started again and again, as either
/// of them, where memory is short.
pub(crate) struct Shake {
    sponge: Sponge,
    /// Whether it is SHAKE128. Unused it is all zero, as the memory that it stands in: a device's image holds no copy of that.
    short: bool,
}

impl Shake {
    /// SHAKE256 without input.
    pub const fn new() -> Self {
        Self { sponge: Sponge::new(), short: false }
    }

    /// Starts SHAKE128.
    pub fn start_128(&mut self) -> &mut Self {
        *self = Self { sponge: Sponge::new(), short: true };
        self
    }

    /// Starts SHAKE256.
    pub fn start_256(&mut self) -> &mut Self {
        *self = Self::new();
        self
    }

    const fn rate(&self) -> usize {
        if self.short { RATE_SHAKE128 } else { RATE_256 }
    }

    /// Takes more input.
    pub fn absorb(&mut self, bytes: &[u8]) -> &mut Self {
        self.sponge.absorb(self.rate(), bytes);
        self
    }

    /// Ends the input.
    pub fn end(&mut self) {
        self.sponge.end(self.rate(), END_SHAKE);
    }

    /// The next eight bytes of output, little end first. Output is taken in eights, but for its last bytes.
    pub fn lane(&mut self) -> u64 {
        self.sponge.lane(self.rate())
    }

    /// The next bytes of output, in eights and, if nothing else is taken afterwards, the last few.
    pub fn output<const N: usize>(&mut self) -> [u8; N] {
        self.sponge.output(self.rate())
    }
}

impl Zeroize for Shake {
    fn zeroize(&mut self) {
        self.sponge.state.zeroize();
    }
}

/// The state and how many bytes of its block are filled or used. Its user names the same rate each time.
#[derive(Clone)]
struct Sponge {
    state: State,
    position: usize,
}

impl Sponge {
    const fn new() -> Self {
        Self { state: State::new(), position: 0 }
    }

    #[inline]
    fn absorb(&mut self, rate: usize, bytes: &[u8]) {
        // First what completes a lane, so that the rest comes in whole lanes.
        let missing = self.position.wrapping_neg() % 8;
        let (head, mut bytes) = bytes.split_at_checked(missing).unwrap_or((bytes, &[]));
        if !head.is_empty() {
            self.absorb_part(rate, head);
        }
        while bytes.len() >= 8 {
            let room = rate.saturating_sub(self.position);
            let (now, rest) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
            let (lanes, part) = now.as_chunks();
            self.state.add(self.position / 8, lanes);
            self.advance(rate, now.len().wrapping_sub(part.len()));
            bytes = if rest.is_empty() { part } else { rest };
        }
        if !bytes.is_empty() {
            self.absorb_part(rate, bytes);
        }
    }

    /// At most the rest of a lane.
    #[inline]
    fn absorb_part(&mut self, rate: usize, bytes: &[u8]) {
        self.add_part(bytes);
        self.advance(rate, bytes.len());
    }

    #[inline]
    fn add_part(&mut self, bytes: &[u8]) {
        let lane = bytes.iter().rev().fold(0, |lane, byte| lane << 8 | u64::from(*byte));
        let lane = lane.wrapping_shl((self.position as u32 % 8).wrapping_mul(8));
        self.state.add(self.position / 8, &[lane.to_le_bytes()]);
    }

    #[inline]
    fn advance(&mut self, rate: usize, bytes: usize) {
        self.position = self.position.wrapping_add(bytes);
        if self.position >= rate {
            self.state.permute();
            self.position = 0;
        }
    }

    #[inline]
    fn end(&mut self, rate: usize, end: u8) {
        self.add_part(&[end]);
        self.state.add((rate / 8).wrapping_sub(1), &[[0, 0, 0, 0, 0, 0, 0, 0x80]]);
        self.position = rate;
    }

    #[inline]
    fn lane(&mut self, rate: usize) -> u64 {
        self.advance(rate, 0);
        let lane = self.state.lane(self.position / 8);
        self.position = self.position.wrapping_add(8);
        lane
    }

    #[inline]
    fn output<const N: usize>(&mut self, rate: usize) -> [u8; N] {
        let mut output = [0; N];
        for piece in output.chunks_mut(8) {
            let lane = self.lane(rate).to_le_bytes();
            piece.iter_mut().zip(lane).for_each(|(to, byte)| *to = byte);
        }
        output
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng, rngs::StdRng};
    use sha3::{Digest, Keccak512, Sha3_512};
    use shake::{ExtendableOutput, Update, XofReader};
    use std::vec::Vec;

    /// The first lane of the permuted zero state (KeccakF-1600-IntermediateValues.txt of the Keccak team), and both forms
    /// on the same states.
    #[test]
    fn both_forms_are_the_permutation() {
        let mut rng = StdRng::seed_from_u64(1);
        let (mut a, mut b) = (lanes::State::new(), interleaved::State::new());
        a.permute();
        b.permute();
        assert_eq!([a.lane(0), b.lane(0)], [0xf125_8f79_40e1_dde7; 2]);
        for round in 0..200 {
            let index = round % 25;
            let lane = rng.random::<[u8; 8]>();
            a.add(index, &[lane]);
            b.add(index, &[lane]);
            for i in 0..26 {
                assert_eq!(a.lane(i), b.lane(i), "round {round}, lane {i}");
            }
            a.permute();
            b.permute();
        }
        a.zeroize();
        b.zeroize();
        assert!((0..25).all(|i| a.lane(i) == 0 && b.lane(i) == 0));
    }

    fn pieces<'a>(rng: &mut StdRng, mut bytes: &'a [u8], mut take: impl FnMut(&'a [u8])) {
        while !bytes.is_empty() {
            let (piece, rest) = bytes.split_at(rng.random_range(0..=bytes.len().min(200)));
            take(piece);
            bytes = rest;
        }
    }

    /// Every length up to three blocks of the longest rate, in pieces, against the sha3 crate.
    #[test]
    fn same_as_sha3() {
        let mut rng = StdRng::seed_from_u64(2);
        for length in 0..520 {
            let input: Vec<u8> = (0..length).map(|_| rng.random()).collect();

            let mut ours = Sha3_256::new();
            pieces(&mut rng, &input, |piece| ours.absorb(piece));
            assert_eq!(ours.finish()[..], sha3::Sha3_256::digest(&input)[..], "length {length}");
            assert_eq!(sha3_512(&input)[..], Sha3_512::digest(&input)[..], "length {length}");
            assert_eq!(keccak_512(&input)[..], Keccak512::digest(&input)[..], "length {length}");

            let mut ours = Shake::new();
            ours.start_128();
            pieces(&mut rng, &input, |piece| {
                ours.absorb(piece);
            });
            ours.end();
            let mut theirs = [0; 408];
            shake::Shake128::default().chain(&input).finalize_xof().read(&mut theirs);
            assert_eq!(ours.lane().to_le_bytes(), theirs[..8], "length {length}");
            assert_eq!(ours.output::<400>(), theirs[8..], "length {length}");

            ours.start_256();
            pieces(&mut rng, &input, |piece| {
                ours.absorb(piece);
            });
            ours.end();
            let mut theirs = [0; 301];
            shake::Shake256::default().chain(&input).finalize_xof().read(&mut theirs);
            assert_eq!(ours.output::<301>(), theirs, "length {length}");
        }
    }
}
