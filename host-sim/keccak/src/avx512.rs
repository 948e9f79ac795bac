//! Eight permutations at once: 25 vectors of 512 bits. Needs AVX-512F, whose ternary logic and rotations do each step in
//! one instruction.
#![allow(unsafe_code)]

use core::arch::x86_64::{
    __m512i, _mm512_loadu_si512, _mm512_or_si512, _mm512_permutex2var_epi64, _mm512_rol_epi64,
    _mm512_set_epi64, _mm512_set1_epi64, _mm512_setzero_si512, _mm512_shuffle_i64x2, _mm512_slli_epi64,
    _mm512_srli_epi64, _mm512_storeu_si512, _mm512_ternarylogic_epi64, _mm512_unpackhi_epi64,
    _mm512_unpacklo_epi64, _mm512_xor_si512,
};

use qenex_core::crypto::Hash;
use qenex_core::crypto::hash::Domain;

use crate::permutation::rounds;
use crate::sponge::{RATE, States};

/// Shows that the processor has AVX-512F.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Avx512(());

impl Avx512 {
    pub fn detect() -> Option<Self> {
        std::is_x86_feature_detected!("avx512f").then_some(Self(()))
    }

    /// Takes a block into each state and permutes all of them.
    pub fn absorb_and_permute(self, states: &mut States<8>, blocks: &[[u8; RATE]; 8]) {
        // SAFETY: a `Self` exists only where `detect` has seen the feature that the kernel needs.
        unsafe { absorb_and_permute(states, blocks) }
    }

    /// Hashes eight pairs.
    pub fn pairs(self, domain: Domain, pairs: &[[Hash; 2]; 8], out: &mut [Hash; 8]) {
        // SAFETY: as above.
        unsafe { hash_pairs(domain, pairs, out) }
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn xor(a: __m512i, b: __m512i) -> __m512i {
    _mm512_xor_si512(a, b)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn xor3(a: __m512i, b: __m512i, c: __m512i) -> __m512i {
    _mm512_ternarylogic_epi64::<0x96>(a, b, c)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn parity(b: __m512i, c: __m512i) -> [__m512i; 2] {
    [b, c]
}

#[inline]
#[target_feature(enable = "avx512f")]
fn add(a: __m512i, [b, c]: [__m512i; 2]) -> __m512i {
    xor3(a, b, c)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn rol<const BITS: i32>(a: __m512i) -> __m512i {
    _mm512_rol_epi64::<BITS>(a)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn chi(a: __m512i, b: __m512i, c: __m512i) -> __m512i {
    _mm512_ternarylogic_epi64::<0xd2>(a, b, c)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn splat(a: u64) -> __m512i {
    _mm512_set1_epi64(a.cast_signed())
}

#[target_feature(enable = "avx512f")]
fn absorb_and_permute(states: &mut States<8>, blocks: &[[u8; RATE]; 8]) {
    // SAFETY: each load reads 64 bytes behind a pointer to an array of eight words.
    let mut a = states.0.each_ref().map(|words| unsafe { _mm512_loadu_si512(words.as_ptr().cast()) });
    // A block is twice eight words and one more.
    for part in 0..2 {
        let rows = blocks.each_ref().map(|block| {
            let (words, _) = block.as_chunks::<64>();
            // SAFETY: each load reads the 64 bytes of a chunk.
            unsafe { _mm512_loadu_si512(words[part].as_ptr().cast()) }
        });
        for (i, column) in transpose(rows).into_iter().enumerate() {
            a[8 * part + i] = xor(a[8 * part + i], column);
        }
    }
    let [b0, b1, b2, b3, b4, b5, b6, b7] =
        blocks.each_ref().map(|block| block.last_chunk().map_or(0, |word| i64::from_le_bytes(*word)));
    a[16] = xor(a[16], _mm512_set_epi64(b7, b6, b5, b4, b3, b2, b1, b0));
    rounds!(a);
    for (words, a) in states.0.iter_mut().zip(a) {
        // SAFETY: each store writes 64 bytes behind a pointer to an array of eight words.
        unsafe { _mm512_storeu_si512(words.as_mut_ptr().cast(), a) };
    }
}

/// Turns eight vectors of eight words into their columns.
#[inline]
#[target_feature(enable = "avx512f")]
fn transpose(rows: [__m512i; 8]) -> [__m512i; 8] {
    let two = |i| (_mm512_unpacklo_epi64(rows[i], rows[i + 1]), _mm512_unpackhi_epi64(rows[i], rows[i + 1]));
    let [(a, b), (c, d), (e, f), (g, h)] = [two(0), two(2), two(4), two(6)];
    // Quarters of even columns stand in a, c, e, g, those of odd ones in b, d, f, h.
    let columns = |a, c, e, g| {
        let (ac, eg) = (_mm512_shuffle_i64x2::<0x88>(a, c), _mm512_shuffle_i64x2::<0x88>(e, g));
        let (ca, ge) = (_mm512_shuffle_i64x2::<0xdd>(a, c), _mm512_shuffle_i64x2::<0xdd>(e, g));
        [
            _mm512_shuffle_i64x2::<0x88>(ac, eg),
            _mm512_shuffle_i64x2::<0x88>(ca, ge),
            _mm512_shuffle_i64x2::<0xdd>(ac, eg),
            _mm512_shuffle_i64x2::<0xdd>(ca, ge),
        ]
    };
    let (even, odd) = (columns(a, c, e, g), columns(b, d, f, h));
    [even[0], odd[0], even[1], odd[1], even[2], odd[2], even[3], odd[3]]
}

#[target_feature(enable = "avx512f")]
fn hash_pairs(domain: Domain, pairs: &[[Hash; 2]; 8], out: &mut [Hash; 8]) {
    // SAFETY: each load reads 64 bytes behind a pointer to two hashes of 32.
    let words = transpose(pairs.each_ref().map(|pair| unsafe { _mm512_loadu_si512(pair.as_ptr().cast()) }));
    // The domain byte shifts everything by one byte: each word starts with the last byte of the one before.
    let joined = |low, high| _mm512_or_si512(_mm512_srli_epi64::<56>(low), _mm512_slli_epi64::<8>(high));
    let mut a = [_mm512_setzero_si512(); 25];
    a[0] = joined(splat((domain as u64) << 56), words[0]);
    for i in 1..8 {
        a[i] = joined(words[i - 1], words[i]);
    }
    a[8] = joined(words[7], splat(0x06));
    a[16] = splat(0x80 << 56);
    rounds!(a);
    // Lanes 0, 2, 4, 6 of the first two words, lanes 1, 3, 5, 7, and the same of the last two.
    let (even, odd) = (_mm512_unpacklo_epi64(a[0], a[1]), _mm512_unpackhi_epi64(a[0], a[1]));
    let (even_last, odd_last) = (_mm512_unpacklo_epi64(a[2], a[3]), _mm512_unpackhi_epi64(a[2], a[3]));
    let low = _mm512_set_epi64(11, 10, 3, 2, 9, 8, 1, 0);
    let high = _mm512_set_epi64(15, 14, 7, 6, 13, 12, 5, 4);
    let (lanes02, lanes46) =
        (_mm512_permutex2var_epi64(even, low, even_last), _mm512_permutex2var_epi64(even, high, even_last));
    let (lanes13, lanes57) =
        (_mm512_permutex2var_epi64(odd, low, odd_last), _mm512_permutex2var_epi64(odd, high, odd_last));
    let hashes = [
        _mm512_shuffle_i64x2::<0x44>(lanes02, lanes13),
        _mm512_shuffle_i64x2::<0xee>(lanes02, lanes13),
        _mm512_shuffle_i64x2::<0x44>(lanes46, lanes57),
        _mm512_shuffle_i64x2::<0xee>(lanes46, lanes57),
    ];
    for (two, hashes) in out.as_chunks_mut::<2>().0.iter_mut().zip(hashes) {
        // SAFETY: each store writes 64 bytes behind a pointer to two hashes of 32.
        unsafe { _mm512_storeu_si512(two.as_mut_ptr().cast(), hashes) };
    }
}
