//! A vector of eight polynomials at 24 bits a coefficient, the memory in which A times a vector is added up.

use super::field::{Q, canonical, mul, nearer};
use super::ntt::Poly;
use crate::crypto::keccak::Shake;

/// One polynomial: four coefficients in three words, at least -q and below q.
pub(super) type Row = [u32; 192];
/// The vector.
pub(super) type Rows = [Row; super::K];

#[inline(always)]
const fn spread([a, b, c]: [u32; 3]) -> [i32; 4] {
    [
        (a << 8) as i32 >> 8,
        (b << 16 | a >> 24 << 8) as i32 >> 8,
        (c << 24 | b >> 16 << 8) as i32 >> 8,
        c as i32 >> 8,
    ]
}

#[inline(always)]
const fn squeeze([a, b, c, d]: [i32; 4]) -> [u32; 3] {
    let [a, b, c, d] = [a as u32, b as u32, c as u32, d as u32];
    [a & 0xff_ffff | b << 24, b >> 8 & 0xffff | c << 16, c >> 16 & 0xff | d << 8]
}

/// Four coefficients after the other four, for each four of a row and of a polynomial.
#[inline(always)]
pub(super) fn update(row: &mut Row, p: &Poly, mut with: impl FnMut(i32, i32) -> i32) {
    for (row, p) in row.as_chunks_mut().0.iter_mut().zip(p.as_chunks::<4>().0) {
        let [a, b, c, d] = spread(*row);
        let [e, f, g, h] = *p;
        *row = squeeze([with(a, e), with(b, f), with(c, g), with(d, h)]);
    }
}

/// Makes a row a polynomial.
pub(super) fn load(p: &mut Poly, row: &Row) {
    for (p, row) in p.as_chunks_mut::<4>().0.iter_mut().zip(row.as_chunks().0) {
        *p = spread(*row);
    }
}

/// Makes a polynomial, between -2q and 2q, a row of canonical numbers.
pub(super) fn store(row: &mut Row, p: &Poly) {
    update(row, p, |_, new| canonical(new));
}

/// Adds to the rows the product of a column of A with a transform, divided by 2^32. A is sampled from the seed rho
/// (FIPS 204, ExpandA) as it is used; it is public.
pub(super) fn add_column(rows: &mut Rows, xof: &mut Shake, rho: &[u8; 32], column: u8, p: &Poly) {
    for (row, index) in rows.iter_mut().zip(0..) {
        xof.start_128().absorb(rho).absorb(&[column, index]).end();
        add_product(row, xof, p);
    }
}

/// RejNTTPoly, each four coefficients multiplied and added when they are there.
fn add_product(row: &mut Row, xof: &mut Shake, p: &Poly) {
    let mut places = row.as_chunks_mut().0.iter_mut().zip(p.as_chunks().0);
    // Candidates that wait for others since one was refused, one of a thousand.
    let mut waiting = [0; 4];
    let mut count = 0;
    loop {
        let [x, y, z] = [xof.lane(), xof.lane(), xof.lane()];
        let words = [x as u32, (x >> 32) as u32, y as u32, (y >> 32) as u32, z as u32, (z >> 32) as u32];
        for [x, y, z] in words.as_chunks().0 {
            let low = |n: u32| (n & 0x7f_ffff) as i32;
            let candidates = [low(*x), low(x >> 24 | y << 8), low(y >> 16 | z << 16), low(z >> 8)];
            let [a, b, c, d] = candidates;
            let below = |n: i32| n.wrapping_sub(Q);
            if count == 0 && below(a) & below(b) & below(c) & below(d) < 0 {
                let Some((row, p)) = places.next() else { return };
                add_four(row, &candidates, p);
                continue;
            }
            for candidate in candidates.into_iter().filter(|candidate| *candidate < Q) {
                if let Some(place) = waiting.get_mut(count) {
                    *place = candidate;
                }
                count = (count.wrapping_add(1)) % 4;
                if count == 0 {
                    let Some((row, p)) = places.next() else { return };
                    add_four(row, &waiting, p);
                }
            }
        }
    }
}

/// Adds four products.
fn add_four(row: &mut [u32; 3], a: &[i32; 4], p: &[i32; 4]) {
    let sums = spread(*row);
    let add = |i: usize| nearer(sums[i].wrapping_add(mul(a[i], p[i])));
    *row = squeeze([add(0), add(1), add(2), add(3)]);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every place keeps its number beside neighbours of all ones and of all zeros.
    #[test]
    fn four_numbers_in_three_words() {
        for number in [0, 1, -1, Q - 1, -Q, 0x12_3456, -0x12_3456] {
            for other in [0, -1, Q - 1, -Q] {
                for place in 0..4 {
                    let mut four = [other; 4];
                    four[place] = number;
                    assert_eq!(spread(squeeze(four)), four);
                }
            }
        }
    }

    #[test]
    fn what_is_stored_is_loaded_canonical() {
        let p: Poly = std::array::from_fn(|i| (i as i32 - 128) * 130_000);
        let (mut row, mut loaded) = ([0; 192], [0; 256]);
        store(&mut row, &p);
        load(&mut loaded, &row);
        assert_eq!(loaded, p.map(|a| a.rem_euclid(Q)));
    }
}
