//! The expanded secret key and how it is made (FIPS 204, algorithm 6).

use zeroize::Zeroize;

use super::bits;
use super::field::{D, canonical, power_2_round};
use super::ntt::{Poly, inverse_ntt, ntt};
use super::rows::{self, Rows};
use super::sample::{SHORT_BYTES, pack_short, short};
use super::{K, L, SEED_BYTES, T1_BITS};
use crate::crypto::keccak::Shake;

/// Bytes of a packed polynomial of t0.
const T0_BYTES: usize = 416;

/// Memory to work in.
pub(super) struct Work {
    /// A vector of polynomials.
    pub rows: Rows,
    /// A polynomial.
    pub poly: Poly,
    /// The hash that is in use.
    pub xof: Shake,
}

impl Work {
    /// Unused. A constant, so that it is made where it stands.
    pub const EMPTY: Self = Self { rows: [[0; 192]; K], poly: [0; 256], xof: Shake::new() };
}

impl Zeroize for Work {
    fn zeroize(&mut self) {
        self.rows.zeroize();
        self.poly.zeroize();
        self.xof.zeroize();
    }
}

/// The secret key as signing needs it: the fields of FIPS 204, algorithm 24, packed. It is overwritten when it is dropped. The rows of t0
/// are only kept to sign: for the public key alone, `T0` is zero.
pub(super) struct Expanded<const T0: usize = K> {
    /// Seed of A.
    pub rho: [u8; 32],
    /// Seed of the masks.
    pub key: [u8; 32],
    /// Hash of the public key.
    pub tr: [u8; 64],
    /// The secret vectors.
    pub s1: [[u8; SHORT_BYTES]; L],
    /// The secret vectors.
    pub s2: [[u8; SHORT_BYTES]; K],
    /// What the public key leaves out of t.
    pub t0: [[u8; T0_BYTES]; T0],
}

impl<const T0: usize> Expanded<T0> {
    /// All zero.
    pub const EMPTY: Self = Self {
        rho: [0; 32],
        key: [0; 32],
        tr: [0; 64],
        s1: [[0; SHORT_BYTES]; L],
        s2: [[0; SHORT_BYTES]; K],
        t0: [[0; T0_BYTES]; T0],
    };

    /// Makes it the key of a seed, and gives the public key away, piece by piece.
    pub fn fill(&mut self, seed: &[u8; SEED_BYTES], work: &mut Work, mut public_key: impl FnMut(&[u8])) {
        let Work { rows, poly, xof } = work;
        xof.start_256().absorb(seed).absorb(&[K as u8, L as u8]).end();
        self.rho = xof.output();
        let mut short_seed: [u8; 64] = xof.output();
        self.key = xof.output();

        for (packed, nonce) in self.s1.iter_mut().chain(&mut self.s2).zip(0..) {
            pack_short(packed, xof, &short_seed, nonce);
        }
        short_seed.zeroize();

        rows.as_flattened_mut().fill(0);
        for (s1, column) in self.s1.iter().zip(0..) {
            short(poly, s1);
            ntt(poly);
            rows::add_column(rows, xof, &self.rho, column, poly);
        }

        xof.start_256().absorb(&self.rho);
        public_key(&self.rho);
        let mut kept = self.t0.iter_mut();
        for (row, s2) in rows.iter_mut().zip(&self.s2) {
            rows::load(poly, row);
            inverse_ntt(poly);
            rows::store(row, poly);
            short(poly, s2);
            rows::update(row, poly, |a, s2| canonical(a.wrapping_add(s2)));
            rows::load(poly, row);

            let low = poly.iter().map(|t| const { 1i32 << (D - 1) }.wrapping_sub(power_2_round(*t).1));
            if let Some(t0) = kept.next() {
                bits::pack::<D>(low, t0);
            }
            for t in poly.as_chunks::<32>().0 {
                let mut packed = [0; 32 * T1_BITS as usize / 8];
                bits::pack::<T1_BITS>(t.iter().map(|t| power_2_round(*t).0), &mut packed);
                xof.absorb(&packed);
                public_key(&packed);
            }
        }
        xof.end();
        self.tr = xof.output();
    }
}

impl Expanded {
    /// Unpacks a polynomial of t0.
    pub fn t0(poly: &mut Poly, packed: &[u8; T0_BYTES]) {
        let numbers = bits::unpack::<D>(packed);
        poly.iter_mut().zip(numbers).for_each(|(a, n)| *a = const { 1i32 << (D - 1) }.wrapping_sub(n));
    }
}

impl<const T0: usize> Drop for Expanded<T0> {
    fn drop(&mut self) {
        self.rho.zeroize();
        self.key.zeroize();
        self.tr.zeroize();
        self.s1.zeroize();
        self.s2.zeroize();
        self.t0.zeroize();
    }
}
