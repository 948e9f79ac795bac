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
pub(crate) struct Sha3_256(Sponge<RATE_256>);

impl Sha3_256 {
    #[inline]
    pub const fn new() -> Self {
        Self(Sponge::new())
    }

    #[inline]
    pub fn absorb(&mut self, bytes: &[u8]) {
        self.0.absorb(bytes);
    }

    #[inline]
    pub fn finish(mut self) -> [u8; 32] {
        self.0.end(END_SHA3);
        self.0.output()
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
    let mut sponge = Sponge::<RATE_512>::new();
    sponge.absorb(bytes);
    sponge.end(end);
    sponge.output()
}

/// SHAKE128: SHAKE with its rate.
pub(crate) type Shake128 = Shake<RATE_SHAKE128>;
/// SHAKE256: SHAKE with its rate.
pub(crate) type Shake256 = Shake<RATE_256>;

/// Output of any length from input that arrived in pieces.
#[derive(Clone)]
pub(crate) struct Shake<const RATE: usize>(Sponge<RATE>);

impl<const RATE: usize> Shake<RATE> {
    pub const fn new() -> Self {
        Self(Sponge::new())
    }

    pub fn absorb(&mut self, bytes: &[u8]) {
        self.0.absorb(bytes);
    }

    /// Ends the input.
    pub fn end(&mut self) {
        self.0.end(END_SHAKE);
    }

    /// The next eight bytes of output. Output is taken in eights, but for its last bytes.
    pub fn lane(&mut self) -> u64 {
        self.0.lane()
    }

    /// The next bytes of output: as many eights and, if nothing else is taken afterwards, the last few bytes.
    pub fn output<const N: usize>(&mut self) -> [u8; N] {
        self.0.output()
    }
}

impl<const RATE: usize> Zeroize for Shake<RATE> {
    fn zeroize(&mut self) {
        self.0.state.zeroize();
        self.0.position = 0;
    }
}

/// The state and how far its block is filled or used.
#[derive(Clone)]
struct Sponge<const RATE: usize> {
    state: State,
    position: usize,
}

impl<const RATE: usize> Sponge<RATE> {
    const fn new() -> Self {
        Self { state: State::new(), position: 0 }
    }

    #[inline]
    fn absorb(&mut self, bytes: &[u8]) {
        // First what completes a lane, so that the rest comes in whole lanes.
        let missing = self.position.wrapping_neg() % 8;
        let (head, mut bytes) = bytes.split_at_checked(missing).unwrap_or((bytes, &[]));
        if !head.is_empty() {
            self.absorb_part(head);
        }
        while bytes.len() >= 8 {
            let room = RATE.saturating_sub(self.position);
            let (now, rest) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
            let (lanes, part) = now.as_chunks();
            self.state.add(self.position / 8, lanes);
            self.advance(now.len().wrapping_sub(part.len()));
            bytes = if rest.is_empty() { part } else { rest };
        }
        if !bytes.is_empty() {
            self.absorb_part(bytes);
        }
    }

    /// At most the rest of a lane.
    #[inline]
    fn absorb_part(&mut self, bytes: &[u8]) {
        self.add_part(bytes);
        self.advance(bytes.len());
    }

    #[inline]
    fn add_part(&mut self, bytes: &[u8]) {
        let mut lane = [0; 8];
        lane.iter_mut().skip(self.position % 8).zip(bytes).for_each(|(to, byte)| *to = *byte);
        self.state.add(self.position / 8, &[lane]);
    }

    #[inline]
    fn advance(&mut self, bytes: usize) {
        self.position = self.position.wrapping_add(bytes);
        if self.position >= RATE {
            self.state.permute();
            self.position = 0;
        }
    }

    #[inline]
    fn end(&mut self, end: u8) {
        self.add_part(&[end]);
        self.state.add(const { RATE / 8 - 1 }, &[[0, 0, 0, 0, 0, 0, 0, 0x80]]);
        self.position = RATE;
    }

    #[inline]
    fn lane(&mut self) -> u64 {
        self.advance(0);
        let lane = self.state.lane(self.position / 8);
        self.position = self.position.wrapping_add(8);
        lane
    }

    #[inline]
    fn output<const N: usize>(&mut self) -> [u8; N] {
        let mut output = [0; N];
        for piece in output.chunks_mut(8) {
            let lane = self.lane().to_le_bytes();
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

            let mut ours = Shake128::new();
            pieces(&mut rng, &input, |piece| ours.absorb(piece));
            ours.end();
            let mut theirs = [0; 408];
            shake::Shake128::default().chain(&input).finalize_xof().read(&mut theirs);
            assert_eq!(ours.lane().to_le_bytes(), theirs[..8], "length {length}");
            assert_eq!(ours.output::<400>(), theirs[8..], "length {length}");

            let mut ours = Shake256::new();
            pieces(&mut rng, &input, |piece| ours.absorb(piece));
            ours.end();
            let mut theirs = [0; 301];
            shake::Shake256::default().chain(&input).finalize_xof().read(&mut theirs);
            assert_eq!(ours.output::<301>(), theirs, "length {length}");
        }
    }
}
