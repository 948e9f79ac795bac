//! The floor of the square root of a product of two numbers of up to 128 bits.

use std::cell::RefCell;

use qenex_core::num::sqrt_product;
use rug::{Assign, Integer};
use ruint::Uint;

use crate::harness::{Bench, Case};
use crate::inputs::{generate, number, words};

pub fn run(bench: &mut Bench) {
    let number_for_gmp = &RefCell::new(Integer::new());
    for (case, bits) in [("128 bits each", [128, 127]), ("amounts of 80 to 100 bits", [100, 80])] {
        let inputs = generate(|rng| bits.map(|bits| number(rng, bits)));
        let of = |to: fn(u128) -> Uint<128, 2>| inputs.iter().map(|pair| pair.map(to)).collect::<Vec<_>>();
        bench.run(
            Case::new("sqrt", case)
                .with("qenex", inputs.clone(), |&[a, b]| sqrt_product(a, b))
                .with(
                    "gmp (rug)",
                    inputs.iter().map(|pair| pair.map(Integer::from)).collect(),
                    move |[a, b]| {
                        // One number is used again and again, so that GMP does not allocate.
                        let number = &mut *number_for_gmp.borrow_mut();
                        number.assign(a * b);
                        number.sqrt_mut();
                        number.to_u128_wrapping()
                    },
                )
                .with("ruint", of(|n| Uint::from_limbs(words(n))), |&[a, b]| {
                    let product: Uint<256, 4> = a.widening_mul::<128, 2, 256, 4>(b);
                    let [low, high, ..] = *product.root(2).as_limbs();
                    u128::from(high) << 64 | u128::from(low)
                }),
        );
    }
}
