//! The constant-product formulas at 0.30%, exact input and exact output.
//!
//! Ours computes with products of up to five words, for every amount that there is. ethnum computes the same formulas
//! in 256 bits without any check, which is exact for the inputs here (at most 90 + 14 + 90 bits) but overflows for larger ones.

use ethnum::U256;
use qenex_core::amm::{Direction, Reserves, quote_exact_in, quote_exact_out};
use qenex_core::num::Amount;
use rand::RngExt;

use crate::harness::{Bench, Case};
use crate::inputs::{generate, number};

pub fn run(bench: &mut Bench) {
    // Reserves of about a thousand to a billion wholes, amounts of up to a quarter of them.
    let inputs = generate(|rng| {
        let bits = [rng.random_range(70..90), rng.random_range(70..90)];
        let [x, y] = bits.map(|bits| number(rng, bits));
        let less = rng.random_range(2..20);
        (x, y, (if rng.random() { x.min(y) } else { x.min(y) - 1 }) >> less)
    });
    let amount = |units| Amount::from_units(units).unwrap();
    let ours = |&(x, y, z): &(u128, u128, u128)| {
        (Reserves::new(amount(x), amount(y), Amount::ONE, 30).unwrap(), amount(z))
    };
    let theirs = |&(x, y, z): &(u128, u128, u128)| [x, y, z].map(U256::new);
    let (kept, whole) = (U256::new(9_970), U256::new(10_000));
    bench.run(
        Case::new("swap", "exact input")
            .with("qenex", inputs.iter().map(ours).collect(), |(pool, given)| {
                quote_exact_in(pool, Direction::AToB, *given).unwrap().amount_out.units()
            })
            .with("ethnum", inputs.iter().map(theirs).collect(), move |&[x, y, given]| {
                let trading = given * kept;
                (trading * y / (x * whole + trading)).as_u128()
            }),
    );
    bench.run(
        Case::new("swap", "exact output")
            .with("qenex", inputs.iter().map(ours).collect(), |(pool, asked)| {
                quote_exact_out(pool, Direction::AToB, *asked).unwrap().amount_in.units()
            })
            .with("ethnum", inputs.iter().map(theirs).collect(), move |&[x, y, asked]| {
                (x * asked * whole / ((y - asked) * kept) + U256::ONE).as_u128()
            }),
    );
}
