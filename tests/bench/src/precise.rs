//! The product of two decimals with 128 fractional digits in 768 bits: a product of 1,536 bits over `10^128`.

use qenex_core::num::{Precise, Rounding};
use rand::RngExt;
use rand::rngs::StdRng;
use ruint::Uint;

use crate::harness::{Bench, Case};
use crate::inputs::generate;

type Number = Uint<768, 12>;
type Wide = Uint<1536, 24>;

/// A number of exactly so many bits.
fn number(rng: &mut StdRng, bits: usize) -> Number {
    (Number::from_limbs(std::array::from_fn(|_| rng.random())) >> (768 - bits)) | Number::ONE << (bits - 1)
}

pub fn run(bench: &mut Bench) {
    let scale = Wide::from(10).pow(Wide::from(128));
    // 10^128 has 426 bits.
    for (case, bits) in [("factors near one", [427, 430]), ("factors up to the largest product", [590, 600])]
    {
        let inputs = generate(|rng| bits.map(|bits| number(rng, bits)));
        let ours = inputs.iter().map(|pair| pair.map(|n| Precise::from_be_bytes(n.to_be_bytes()))).collect();
        let product = |[a, b]: &[Precise; 2]| a.checked_mul(*b, Rounding::Down).unwrap();
        bench.run(
            Case::new("precise", case)
                .with("qenex", ours, move |pair: &[Precise; 2]| product(pair).to_be_bytes())
                .with("ruint", inputs, move |&[a, b]| {
                    let product: Wide = a.widening_mul::<768, 12, 1536, 24>(b);
                    Number::from(product / scale).to_be_bytes::<96>()
                }),
        );
    }
}
