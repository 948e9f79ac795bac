//! `mul_div`, its fixed-scale forms and the square root against arbitrary-precision integers.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod num_common;

use num_bigint::BigUint;
use num_common::{cases, number, rng};
use num_integer::Integer;
use qenex_core::num::{NumError, Rounding, SCALE, div_scaled, mul_div, mul_scaled, sqrt_product};
use rand::RngExt;

fn model(a: u128, b: u128, c: u128, rounding: Rounding) -> Result<u128, NumError> {
    if c == 0 {
        return Err(NumError::DivisionByZero);
    }
    let product = BigUint::from(a) * b;
    let quotient = match rounding {
        Rounding::Down => product / c,
        Rounding::Up => product.div_ceil(&BigUint::from(c)),
    };
    u128::try_from(quotient).map_err(|_| NumError::Overflow)
}

fn check(a: u128, b: u128, c: u128) {
    for rounding in [Rounding::Down, Rounding::Up] {
        assert_eq!(mul_div(a, b, c, rounding), model(a, b, c, rounding), "{a} * {b} / {c} {rounding:?}");
        assert_eq!(
            mul_scaled(a, b, rounding),
            model(a, b, SCALE, rounding),
            "{a} * {b} / 10^18 {rounding:?}"
        );
        assert_eq!(
            div_scaled(a, c, rounding),
            model(a, SCALE, c, rounding),
            "{a} * 10^18 / {c} {rounding:?}"
        );
    }
    let root = BigUint::from(sqrt_product(a, b));
    let product = BigUint::from(a) * b;
    assert!(&root * &root <= product && product < (&root + 1u8) * (&root + 1u8), "sqrt({a} * {b}) = {root}");
}

#[test]
fn random_numbers_of_all_sizes() {
    let mut rng = rng();
    for _ in 0..cases() {
        let (a, b) = (number(&mut rng, 128), number(&mut rng, 128));
        // Half the divisors stand near the smallest one that does not overflow.
        let c = if rng.random() {
            number(&mut rng, 128)
        } else {
            let least = u128::try_from((BigUint::from(a) * b) >> 128).unwrap();
            least
                .saturating_add(rng.random_range(0..4))
                .saturating_sub(1)
                .saturating_add(number(&mut rng, 20))
        };
        check(a, b, c);
    }
}

#[test]
fn near_exact_quotients() {
    let mut rng = rng();
    for _ in 0..cases() {
        // quotient * c + a small rest, split into two factors where it can be.
        let (q, c) = (number(&mut rng, 128), number(&mut rng, 128));
        for q in [q, q.saturating_sub(1), q.saturating_add(1)] {
            check(q, c, c);
            check(c, q, c.saturating_add(1));
            check(c, q, c.saturating_sub(1));
        }
        check(q, q, q);
    }
}

#[test]
fn squares_and_their_neighbours() {
    let mut rng = rng();
    for _ in 0..cases() {
        let root = number(&mut rng, 128);
        assert_eq!(sqrt_product(root, root), root);
        if root > 0 {
            // (r - 1) * (r + 1) is one below a square, r * (r - 1) lies between two.
            assert_eq!(sqrt_product(root - 1, root), root - 1);
            if let Some(above) = root.checked_add(1) {
                assert_eq!(sqrt_product(root - 1, above), root - 1);
            }
        }
    }
}

#[test]
fn borders_of_every_width() {
    let mut values = vec![0u128, u128::MAX, SCALE, SCALE - 1, SCALE + 1];
    for bit in (0..128).step_by(8).chain([1, 62, 63, 65, 126, 127]) {
        let power = 1u128 << bit;
        values.extend([power - 1, power, power + 1, u128::MAX - power, u128::MAX - power + 1]);
    }
    values.sort_unstable();
    values.dedup();
    for &a in &values {
        for &b in values.iter().step_by(if cfg!(debug_assertions) { 11 } else { 1 }) {
            for &c in &values {
                check(a, b, c);
            }
        }
    }
}
