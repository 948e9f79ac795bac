//! The block cipher AES-256 (FIPS 197), encryption only, two blocks at a time.
//!
//! The state is cut into slices: word `i` holds bit `i` of every byte of both blocks, so that the cipher is a run of logic operations on
//! eight words, without tables and branches, and takes the same time for all keys and blocks. The arrangement is that of Thomas
//! Pornin's BearSSL, the S-box the circuit of Boyar and Peralta (<https://eprint.iacr.org/2011/332>).
//!
//! Of the crate aes only single rounds can be had without its key schedule, which can panic; slices made and unmade in every round cost a
//! Cortex-M33 six times what these do.

#![allow(clippy::many_single_char_names, reason = "the names of the circuit's description")]

use aes_gcm::aead::consts::{U2, U16};
use aes_gcm::aead::inout::InOut;
use cipher::{
    Block, BlockCipherEncBackend, BlockCipherEncClosure, BlockCipherEncrypt, BlockSizeUser, ParBlocks,
    ParBlocksSizeUser,
};
use zeroize::Zeroize;

/// Both blocks in slices.
type Slices = [u32; 8];

/// A key, expanded to what each round adds to both blocks.
pub struct Aes256 {
    round_keys: [Slices; 15],
}

impl Aes256 {
    /// Expands a key (FIPS 197, section 5.2). Words are little-endian.
    pub fn new(key: &[u8; 32]) -> Self {
        let mut words = [0; 8];
        for (word, bytes) in words.iter_mut().zip(key.as_chunks().0) {
            *word = u32::from_le_bytes(*bytes);
        }
        let mut round_keys = [[0; 8]; 15];
        let mut constant = 1;
        // Eight words of the expansion at a time are two round keys; of the last eight, only one is needed.
        for pair in round_keys.chunks_mut(2) {
            for (round_key, words) in pair.iter_mut().zip(words.as_chunks::<4>().0) {
                *round_key = slice(words, words);
            }
            let [a, b, c, d, e, f, g, h] = &mut words;
            *a ^= substitute_word(h.rotate_right(8)) ^ constant;
            *b ^= *a;
            *c ^= *b;
            *d ^= *c;
            *e ^= substitute_word(*d);
            *f ^= *e;
            *g ^= *f;
            *h ^= *g;
            constant <<= 1;
        }
        words.zeroize();
        Self { round_keys }
    }

    /// Encrypts two blocks.
    fn encrypt(&self, first: &mut Block<Self>, second: &mut Block<Self>) {
        let mut state = slice(&words(first), &words(second));
        let [start, middle @ .., last] = &self.round_keys;
        add(&mut state, start);
        for round_key in middle {
            substitute(&mut state);
            shift_rows(&mut state);
            mix_columns(&mut state);
            add(&mut state, round_key);
        }
        substitute(&mut state);
        shift_rows(&mut state);
        add(&mut state, last);
        transpose(&mut state);
        let [a, e, b, f, c, g, d, h] = state;
        write(first, [a, b, c, d]);
        write(second, [e, f, g, h]);
    }
}

impl Drop for Aes256 {
    fn drop(&mut self) {
        self.round_keys.as_flattened_mut().zeroize();
    }
}

/// The columns of a block.
fn words(block: &Block<Aes256>) -> [u32; 4] {
    let mut words = [0; 4];
    for (word, bytes) in words.iter_mut().zip(block.as_chunks().0) {
        *word = u32::from_le_bytes(*bytes);
    }
    words
}

fn write(block: &mut Block<Aes256>, words: [u32; 4]) {
    for (bytes, word) in block.as_chunks_mut().0.iter_mut().zip(words) {
        *bytes = word.to_le_bytes();
    }
}

/// Two blocks in slices.
fn slice([a, b, c, d]: &[u32; 4], [e, f, g, h]: &[u32; 4]) -> Slices {
    let mut state = [*a, *e, *b, *f, *c, *g, *d, *h];
    transpose(&mut state);
    state
}

/// Exchanges the bits of `x` under the mask, moved up, with those of `y`.
const fn swap(x: &mut u32, y: &mut u32, mask: u32, shift: u32) {
    let changed = (x.wrapping_shr(shift) ^ *y) & mask;
    *y ^= changed;
    *x ^= changed.wrapping_shl(shift);
}

/// Exchanges bits and words within each byte: its own inverse.
#[inline(never)]
fn transpose([a, b, c, d, e, f, g, h]: &mut Slices) {
    for (x, y) in [(&mut *a, &mut *b), (&mut *c, &mut *d), (&mut *e, &mut *f), (&mut *g, &mut *h)] {
        swap(x, y, 0x5555_5555, 1);
    }
    for (x, y) in [(&mut *a, &mut *c), (&mut *b, &mut *d), (&mut *e, &mut *g), (&mut *f, &mut *h)] {
        swap(x, y, 0x3333_3333, 2);
    }
    for (x, y) in [(a, e), (b, f), (c, g), (d, h)] {
        swap(x, y, 0x0f0f_0f0f, 4);
    }
}

fn add(state: &mut Slices, round_key: &Slices) {
    state.iter_mut().zip(round_key).for_each(|(word, key)| *word ^= key);
}

/// Exchanges the bits of a word under the mask with those above them.
const fn swap_within(x: &mut u32, mask: u32, shift: u32) {
    let changed = (*x ^ x.wrapping_shr(shift)) & mask;
    *x ^= changed ^ changed.wrapping_shl(shift);
}

/// Row `n` of each column moves on by `n` columns: a byte of a slice is a row, two bits of it are a column.
fn shift_rows(state: &mut Slices) {
    for word in state {
        swap_within(word, 0x0c0f_0300, 4);
        swap_within(word, 0x3300_3300, 2);
    }
}

fn mix_columns(state: &mut Slices) {
    // Each byte twice, thrice the next one, and the two after these; twice moves bits up, and folds the highest one back.
    let [q0, q1, q2, q3, q4, q5, q6, q7] = *state;
    let next = |word: u32| word.rotate_right(8);
    let [r0, r1, r2, r3] = [next(q0), next(q1), next(q2), next(q3)];
    let [r4, r5, r6, r7] = [next(q4), next(q5), next(q6), next(q7)];
    let high = q7 ^ r7;
    let rest = |q: u32, r: u32| r ^ (q ^ r).rotate_right(16);
    *state = [
        high ^ rest(q0, r0),
        q0 ^ r0 ^ high ^ rest(q1, r1),
        q1 ^ r1 ^ rest(q2, r2),
        q2 ^ r2 ^ high ^ rest(q3, r3),
        q3 ^ r3 ^ high ^ rest(q4, r4),
        q4 ^ r4 ^ rest(q5, r5),
        q5 ^ r5 ^ rest(q6, r6),
        q6 ^ r6 ^ rest(q7, r7),
    ];
}

/// The S-box on each byte of a word.
fn substitute_word(word: u32) -> u32 {
    let mut state = [word, 0, 0, 0, 0, 0, 0, 0];
    transpose(&mut state);
    substitute(&mut state);
    transpose(&mut state);
    let [word, ..] = state;
    state.zeroize();
    word
}

/// The S-box on every byte.
#[inline(never)]
fn substitute(state: &mut Slices) {
    let [x7, x6, x5, x4, x3, x2, x1, x0] = *state;

    // The linear layer at the top.
    let y14 = x3 ^ x5;
    let y13 = x0 ^ x6;
    let y9 = x0 ^ x3;
    let y8 = x0 ^ x5;
    let t0 = x1 ^ x2;
    let y1 = t0 ^ x7;
    let y4 = y1 ^ x3;
    let y12 = y13 ^ y14;
    let y2 = y1 ^ x0;
    let y5 = y1 ^ x6;
    let y3 = y5 ^ y8;
    let t1 = x4 ^ y12;
    let y15 = t1 ^ x5;
    let y20 = t1 ^ x1;
    let y6 = y15 ^ x7;
    let y10 = y15 ^ t0;
    let y11 = y20 ^ y9;
    let y7 = x7 ^ y11;
    let y17 = y10 ^ y11;
    let y19 = y10 ^ y8;
    let y16 = t0 ^ y11;
    let y21 = y13 ^ y16;
    let y18 = x0 ^ y16;

    // The part that is not linear.
    let t2 = y12 & y15;
    let t4 = (y3 & y6) ^ t2;
    let t6 = (y4 & x7) ^ t2;
    let t7 = y13 & y16;
    let t9 = (y5 & y1) ^ t7;
    let t11 = (y2 & y7) ^ t7;
    let t12 = y9 & y11;
    let t14 = (y14 & y17) ^ t12;
    let t16 = (y8 & y10) ^ t12;
    let t21 = t4 ^ t14 ^ y20;
    let t22 = t6 ^ t16 ^ y19;
    let t23 = t9 ^ t14 ^ y21;
    let t24 = t11 ^ t16 ^ y18;
    let t25 = t21 ^ t22;
    let t26 = t21 & t23;
    let t27 = t24 ^ t26;
    let t29 = (t25 & t27) ^ t22;
    let t30 = t23 ^ t24;
    let t31 = t22 ^ t26;
    let t33 = (t31 & t30) ^ t24;
    let t34 = t23 ^ t33;
    let t35 = t27 ^ t33;
    let t36 = t24 & t35;
    let t37 = t36 ^ t34;
    let t38 = t27 ^ t36;
    let t40 = t25 ^ (t29 & t38);
    let t41 = t40 ^ t37;
    let t42 = t29 ^ t33;
    let t43 = t29 ^ t40;
    let t44 = t33 ^ t37;
    let t45 = t42 ^ t41;
    let z0 = t44 & y15;
    let z1 = t37 & y6;
    let z2 = t33 & x7;
    let z3 = t43 & y16;
    let z4 = t40 & y1;
    let z5 = t29 & y7;
    let z6 = t42 & y11;
    let z7 = t45 & y17;
    let z8 = t41 & y10;
    let z9 = t44 & y12;
    let z10 = t37 & y3;
    let z11 = t33 & y4;
    let z12 = t43 & y13;
    let z13 = t40 & y5;
    let z14 = t29 & y2;
    let z15 = t42 & y9;
    let z16 = t45 & y14;
    let z17 = t41 & y8;

    // The linear layer at the bottom.
    let t46 = z15 ^ z16;
    let t47 = z10 ^ z11;
    let t48 = z5 ^ z13;
    let t49 = z9 ^ z10;
    let t50 = z2 ^ z12;
    let t51 = z2 ^ z5;
    let t52 = z7 ^ z8;
    let t53 = z0 ^ z3;
    let t54 = z6 ^ z7;
    let t55 = z16 ^ z17;
    let t56 = z12 ^ t48;
    let t57 = t50 ^ t53;
    let t58 = z4 ^ t46;
    let t59 = z3 ^ t54;
    let t60 = t46 ^ t57;
    let t61 = z14 ^ t57;
    let t62 = t52 ^ t58;
    let t63 = t49 ^ t58;
    let t64 = z4 ^ t59;
    let t65 = t61 ^ t62;
    let t66 = z1 ^ t63;
    let s3 = t53 ^ t66;
    let t67 = t64 ^ t65;
    *state = [t48 ^ !t60, t56 ^ !t62, t47 ^ t65, t51 ^ t66, s3, t55 ^ !t67, t64 ^ !s3, t59 ^ t63];
}

impl BlockSizeUser for Aes256 {
    type BlockSize = U16;
}

impl ParBlocksSizeUser for Aes256 {
    type ParBlocksSize = U2;
}

impl BlockCipherEncrypt for Aes256 {
    #[inline]
    fn encrypt_with_backend(&self, f: impl BlockCipherEncClosure<BlockSize = U16>) {
        f.call(self);
    }
}

impl BlockCipherEncBackend for Aes256 {
    #[inline]
    fn encrypt_block(&self, mut block: InOut<'_, '_, Block<Self>>) {
        let (mut first, mut second) = (block.clone_in(), Block::<Self>::default());
        self.encrypt(&mut first, &mut second);
        *block.get_out() = first;
    }

    #[inline]
    fn encrypt_par_blocks(&self, mut blocks: InOut<'_, '_, ParBlocks<Self>>) {
        let mut pair = blocks.clone_in();
        let [first, second] = &mut pair.0;
        self.encrypt(first, second);
        *blocks.get_out() = pair;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 197, appendix C.3, in either place.
    #[test]
    fn fips_197() {
        let key = core::array::from_fn(|i| i as u8);
        let plain = Block::<Aes256>::from(core::array::from_fn(|i| i as u8 * 0x11));
        let cipher = Aes256::new(&key);
        let expected = 0x8ea2b7ca_516745bf_eafc4990_4b496089u128.to_be_bytes();
        for other in [0, 0x5a, 0xff] {
            let (mut first, mut second) = (plain, Block::<Aes256>::from([other; 16]));
            cipher.encrypt(&mut first, &mut second);
            assert_eq!(<[u8; 16]>::from(first), expected);
            let (mut again, mut right) = (Block::<Aes256>::from([other; 16]), plain);
            cipher.encrypt(&mut again, &mut right);
            assert_eq!(<[u8; 16]>::from(right), expected);
            assert_eq!(again, second);
        }
    }

    /// Against the definition of FIPS 197, section 5.1.1: the inverse in GF(2^8), then an affine map.
    #[test]
    fn the_s_box_is_its_definition() {
        let double = |a: u8| a << 1 ^ if a & 0x80 == 0 { 0 } else { 0x1b };
        let multiply = |a: u8, b: u8| {
            (0..8).rev().fold(0, |product, bit| double(product) ^ if b >> bit & 1 == 1 { a } else { 0 })
        };
        for byte in 0..=255u8 {
            let inverse = (0..=255).find(|other| multiply(byte, *other) == 1).unwrap_or(0);
            let box_ = (1..5).fold(inverse, |sum, turn| sum ^ inverse.rotate_left(turn)) ^ 0x63;
            assert_eq!(substitute_word(u32::from_le_bytes([byte, 0, 1, byte])).to_le_bytes()[3], box_);
            assert_eq!(substitute_word(u32::from(byte)).to_le_bytes()[0], box_);
        }
    }
}
