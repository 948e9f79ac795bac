//! Polynomials of 256 coefficients and their number-theoretic transform (FIPS 204, section 7.5).
//!
//! Two layers of butterflies are done at once, so that a coefficient is read and written four times in a transform.

use core::hint::black_box;

use super::field::{Q, mul, mul_modulo};

/// A polynomial, or its transform.
pub(super) type Poly = [i32; 256];

/// Powers of the root of unity 1753 in bit-reversed order, times 2^32, between -q/2 and q/2.
static ZETAS: [i32; 256] = zetas();

/// What the inverse transform multiplies with at its end: 2^64/256.
const SCALE: i32 = {
    let r = (1u64 << 32) % Q as u64;
    // 1/256 = -(q - 1)/256 modulo q.
    let inverse = Q as u64 - (Q as u64 - 1) / 256;
    (r * r % Q as u64 * inverse % Q as u64) as i32
};

#[expect(clippy::arithmetic_side_effects, reason = "evaluated by the compiler")]
const fn zetas() -> [i32; 256] {
    let (q, mut zetas) = (Q as i64, [0; 256]);
    let mut power = (1i64 << 32) % q;
    let mut i = 0u8;
    loop {
        zetas[i.reverse_bits() as usize] = if power > q / 2 { power - q } else { power } as i32;
        if i == 255 {
            return zetas;
        }
        power = power * 1753 % q;
        i += 1;
    }
}

/// One butterfly of the transform.
#[inline(always)]
fn forward(q: i32, a: &mut i32, b: &mut i32, zeta: i32) {
    let product = mul_modulo(q, zeta, *b);
    *b = a.wrapping_sub(product);
    *a = a.wrapping_add(product);
}

/// One butterfly of the inverse transform.
#[inline(always)]
fn backward(q: i32, a: &mut i32, b: &mut i32, zeta: i32) {
    let sum = a.wrapping_add(*b);
    *b = mul_modulo(q, zeta, b.wrapping_sub(*a));
    *a = sum;
}

/// The four quarters of a block.
#[inline(always)]
fn quarters<const BLOCK: usize>(
    block: &mut [i32; BLOCK],
) -> impl Iterator<Item = (((&mut i32, &mut i32), &mut i32), &mut i32)> {
    let (low, high) = block.split_at_mut(const { BLOCK / 2 });
    let (a, b) = low.split_at_mut(const { BLOCK / 4 });
    let (c, d) = high.split_at_mut(const { BLOCK / 4 });
    a.iter_mut().zip(b).zip(c).zip(d)
}

/// Two layers of the transform, of which the first has `first.len()` blocks.
#[inline(always)]
fn forward_layers<const BLOCK: usize>(q: i32, p: &mut Poly, first: &[i32], second: &[i32]) {
    let zetas = first.iter().zip(second.as_chunks().0);
    for (block, (&one, &[two, three])) in p.as_chunks_mut::<BLOCK>().0.iter_mut().zip(zetas) {
        for (((a, b), c), d) in quarters(block) {
            let mut x = [*a, *b, *c, *d];
            let [a0, b0, c0, d0] = &mut x;
            forward(q, a0, c0, one);
            forward(q, b0, d0, one);
            forward(q, a0, b0, two);
            forward(q, c0, d0, three);
            [*a, *b, *c, *d] = x;
        }
    }
}

/// Two layers of the inverse transform, of which the second has `second.len()` blocks.
#[inline(always)]
fn backward_layers<const BLOCK: usize>(q: i32, p: &mut Poly, first: &[i32], second: &[i32]) {
    let zetas = second.iter().zip(first.as_chunks().0).rev();
    for (block, (&one, &[three, two])) in p.as_chunks_mut::<BLOCK>().0.iter_mut().zip(zetas) {
        for (((a, b), c), d) in quarters(block) {
            let mut x = [*a, *b, *c, *d];
            let [a0, b0, c0, d0] = &mut x;
            backward(q, a0, b0, two);
            backward(q, c0, d0, three);
            backward(q, a0, c0, one);
            backward(q, b0, d0, one);
            [*a, *b, *c, *d] = x;
        }
    }
}

/// The transform. Each coefficient grows by less than 8q.
#[inline(never)]
pub(super) fn ntt(p: &mut Poly) {
    let q = black_box(Q);
    forward_layers::<256>(q, p, const { slice(1) }, const { slice(2) });
    forward_layers::<64>(q, p, const { slice(4) }, const { slice(8) });
    forward_layers::<16>(q, p, const { slice(16) }, const { slice(32) });
    forward_layers::<4>(q, p, const { slice(64) }, const { slice(128) });
}

/// The inverse transform times 2^32, of coefficients of at most q on either side of zero; the results are below q.
#[inline(never)]
pub(super) fn inverse_ntt(p: &mut Poly) {
    let q = black_box(Q);
    backward_layers::<4>(q, p, const { slice(128) }, const { slice(64) });
    backward_layers::<16>(q, p, const { slice(32) }, const { slice(16) });
    backward_layers::<64>(q, p, const { slice(8) }, const { slice(4) });
    backward_layers::<256>(q, p, const { slice(2) }, const { slice(1) });
    p.iter_mut().for_each(|a| *a = mul_modulo(q, *a, SCALE));
}

/// The powers of a layer of so many blocks.
const fn slice(blocks: usize) -> &'static [i32] {
    let (_, rest) = ZETAS.split_at(blocks);
    rest.split_at(blocks).0
}

/// p times c, divided by 2^32, coefficient by coefficient: of transforms, the product.
pub(super) fn multiply(p: &mut Poly, c: &Poly) {
    p.iter_mut().zip(c).for_each(|(a, b)| *a = mul(*a, *b));
}

#[cfg(test)]
mod tests {
    use super::super::field::canonical;
    use super::*;
    use rand::{RngExt, SeedableRng, rngs::StdRng};

    /// Products by the transform are products modulo X^256 + 1.
    #[test]
    fn products() {
        let mut rng = StdRng::seed_from_u64(3);
        for case in 0..50 {
            let bound = [1, 100, 1 << 19, Q - 1][case % 4];
            let [a, b]: [Poly; 2] =
                std::array::from_fn(|_| std::array::from_fn(|_| rng.random_range(-bound..=bound)));
            let mut expected = [0i64; 256];
            for (i, x) in a.iter().enumerate() {
                for (j, y) in b.iter().enumerate() {
                    let sign = if i + j < 256 { 1 } else { -1 };
                    let sum = &mut expected[(i + j) % 256];
                    *sum = (*sum + sign * i64::from(*x) * i64::from(*y)) % i64::from(Q);
                }
            }
            let (mut p, mut c) = (a, b);
            ntt(&mut p);
            ntt(&mut c);
            multiply(&mut p, &c);
            inverse_ntt(&mut p);
            for (got, expected) in p.iter().zip(expected) {
                assert_eq!(i64::from(canonical(*got)), expected.rem_euclid(i64::from(Q)));
            }
        }
    }

    /// The largest inputs do not overflow.
    #[test]
    fn bounds() {
        for value in [-Q, Q] {
            let mut p = [value; 256];
            inverse_ntt(&mut p);
            assert!(p.iter().all(|a| -Q < *a && *a < Q));
        }
    }
}
