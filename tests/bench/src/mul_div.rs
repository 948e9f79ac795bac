//! `a * b / c` over a 256-bit intermediate. The peers multiply and divide in 256 bits.

use bnum::cast::As;
use bnum::types::U256 as Bnum;
use crypto_bigint::{NonZero, U128 as Crypto, U256 as CryptoWide};
use ethnum::U256 as Ethnum;
use primitive_types::{U128 as Primitive, U256 as PrimitiveWide};
use qenex_core::num::{Rounding, SCALE, div_scaled, mul_div, mul_scaled};
use rand::RngExt;
use ruint::Uint;

use crate::harness::{Bench, Case};
use crate::inputs::{generate, number, words};

type Ruint = Uint<128, 2>;
type RuintWide = Uint<256, 4>;

pub fn run(bench: &mut Bench) {
    let full = generate(|rng| {
        // The product has about 250 bits, and the divisor is just large enough for the quotient to fit.
        let (a, b) = (number(rng, 126), number(rng, 124));
        let c = number(rng, 126);
        (a, b, c)
    });
    bench.run(compare("full width", full, |&(a, b, c)| mul_div(a, b, c, Rounding::Down).unwrap()));

    let amounts = generate(|rng| {
        let bits = [rng.random_range(60..100), rng.random_range(60..80)];
        (number(rng, bits[0]), number(rng, bits[1]), SCALE)
    });
    bench.run(compare("a * b / 10^18", amounts, |&(a, b, _)| mul_scaled(a, b, Rounding::Down).unwrap()));

    let amounts = generate(|rng| {
        let bits = [rng.random_range(80..110), rng.random_range(65..100)];
        (number(rng, bits[0]), SCALE, number(rng, bits[1]))
    });
    bench.run(compare("a * 10^18 / b", amounts, |&(a, _, b)| div_scaled(a, b, Rounding::Down).unwrap()));
}

fn compare<'a>(
    case: &'a str,
    inputs: Vec<(u128, u128, u128)>,
    ours: impl Fn(&(u128, u128, u128)) -> u128 + Copy + 'a,
) -> Case<'a, u128> {
    Case::new("mul_div", case)
        .with("qenex", inputs.clone(), ours)
        .with("ethnum", convert(&inputs, Ethnum::new), |&(a, b, c)| (a * b / c).as_u128())
        .with("ruint", convert(&inputs, |n| Ruint::from_limbs(words(n))), |&(a, b, c)| {
            let product: RuintWide = a.widening_mul::<128, 2, 256, 4>(b);
            let [low, high, ..] = *(product / RuintWide::from(c)).as_limbs();
            u128::from(high) << 64 | u128::from(low)
        })
        .with("bnum", convert(&inputs, |n| n.as_::<Bnum>()), |&(a, b, c)| (a * b / c).as_::<u128>())
        .with("primitive-types", convert(&inputs, Primitive::from), |&(a, b, c)| {
            (a.full_mul(b) / PrimitiveWide::from(c)).low_u128()
        })
        .with("crypto-bigint", convert(&inputs, Crypto::from_u128), |&(a, b, c)| {
            let product: CryptoWide = a.concatenating_mul(&b);
            let [low, high, ..] = product.wrapping_div_vartime(&NonZero::new(c).unwrap()).to_words();
            u128::from(high) << 64 | u128::from(low)
        })
}

fn convert<T>(inputs: &[(u128, u128, u128)], to: impl Fn(u128) -> T) -> Vec<(T, T, T)> {
    inputs.iter().map(|&(a, b, c)| (to(a), to(b), to(c))).collect()
}
