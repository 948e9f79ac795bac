//! Four permutations at once: 25 vectors of 256 bits. Needs AVX2.
#![allow(unsafe_code)]

use core::arch::x86_64::{
    __m256i, _mm256_andnot_si256, _mm256_loadu_si256, _mm256_or_si256, _mm256_set1_epi64x, _mm256_sllv_epi64,
    _mm256_srlv_epi64, _mm256_storeu_si256, _mm256_xor_si256,
};

use crate::permutation::rounds;
use crate::sponge::States;

/// Shows that the processor has AVX2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Avx2(());

impl Avx2 {
    pub fn detect() -> Option<Self> {
        std::is_x86_feature_detected!("avx2").then_some(Self(()))
    }

    /// Permutes all the states.
    pub fn permute(self, states: &mut States<4>) {
        // SAFETY: a `Self` exists only where `detect` has seen the feature that the kernel needs.
        unsafe { permute(states) }
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn xor(a: __m256i, b: __m256i) -> __m256i {
    _mm256_xor_si256(a, b)
}

#[inline]
#[target_feature(enable = "avx2")]
fn xor3(a: __m256i, b: __m256i, c: __m256i) -> __m256i {
    xor(xor(a, b), c)
}

#[inline]
#[target_feature(enable = "avx2")]
fn parity(b: __m256i, c: __m256i) -> __m256i {
    xor(b, c)
}

#[inline]
#[target_feature(enable = "avx2")]
fn add(a: __m256i, parity: __m256i) -> __m256i {
    xor(a, parity)
}

/// The counts are constants, for which the compiler uses the shifts by an immediate; a shift by 64 gives zero.
#[inline]
#[target_feature(enable = "avx2")]
fn rol<const BITS: i64>(a: __m256i) -> __m256i {
    let up = _mm256_sllv_epi64(a, _mm256_set1_epi64x(BITS));
    _mm256_or_si256(up, _mm256_srlv_epi64(a, _mm256_set1_epi64x(64 - BITS)))
}

#[inline]
#[target_feature(enable = "avx2")]
fn chi(a: __m256i, b: __m256i, c: __m256i) -> __m256i {
    xor(a, _mm256_andnot_si256(b, c))
}

#[inline]
#[target_feature(enable = "avx2")]
fn splat(a: u64) -> __m256i {
    _mm256_set1_epi64x(a.cast_signed())
}

#[target_feature(enable = "avx2")]
fn permute(states: &mut States<4>) {
    // SAFETY: each load reads 32 bytes behind a pointer to an array of four words.
    let mut a = states.0.each_ref().map(|words| unsafe { _mm256_loadu_si256(words.as_ptr().cast()) });
    rounds!(a);
    for (words, a) in states.0.iter_mut().zip(a) {
        // SAFETY: each store writes 32 bytes behind a pointer to an array of four words.
        unsafe { _mm256_storeu_si256(words.as_mut_ptr().cast(), a) };
    }
}
