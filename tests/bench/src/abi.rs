//! What a call through the C ABI costs: the same operation called in Rust and by the function of the library, found at run time as a linker finds
//! it.

use core::hint::black_box;
use core::mem::MaybeUninit;

use qenex_core::amm::amount_out;
use qenex_core::num::{Amount, Rounding};
use qenex_ffi::amm::qnx_amm_amount_out;
use qenex_ffi::amount::{QNX_ROUND_DOWN, qnx_amount_mul_div, qnx_amount_t};
use rand::RngExt;

use crate::harness::{Bench, Case};
use crate::inputs::{generate, number};

fn of_c(units: u128) -> qnx_amount_t {
    qnx_amount_t { high: (units >> 64) as u64, low: units as u64 }
}

/// What a function of the library writes.
fn written(call: impl FnOnce(*mut qnx_amount_t) -> i32) -> u128 {
    let mut out = MaybeUninit::uninit();
    assert_eq!(call(out.as_mut_ptr()), 0);
    // SAFETY: a call that returns zero has written its result.
    let out: qnx_amount_t = unsafe { out.assume_init() };
    u128::from(out.high) << 64 | u128::from(out.low)
}

pub fn run(bench: &mut Bench) {
    let amount = |units| Amount::from_units(units).unwrap();
    let inputs = generate(|rng| {
        let bits = [rng.random_range(70..90), rng.random_range(70..90)];
        let [x, y] = bits.map(|bits| number(rng, bits));
        (x, y, x.min(y) >> rng.random_range(2..20))
    });
    let in_rust = |&(x, y, z): &(u128, u128, u128)| [x, y, z].map(amount);
    let in_c = |&(x, y, z): &(u128, u128, u128)| [x, y, z].map(of_c);

    let mul_div: unsafe extern "C" fn(_, _, _, _, _) -> i32 = black_box(qnx_amount_mul_div);
    bench.run(
        Case::new("abi", "mul_div")
            .with("qenex", inputs.iter().map(in_rust).collect(), |[x, y, z]| {
                z.mul_div(*y, *x, Rounding::Down).unwrap().units()
            })
            .with("qnx_amount_mul_div", inputs.iter().map(in_c).collect(), move |&[x, y, z]| {
                // SAFETY: the pointer is to memory of its type.
                written(|out| unsafe { mul_div(z, y, x, QNX_ROUND_DOWN, out) })
            }),
    );
    let quote: unsafe extern "C" fn(_, _, _, _, _) -> i32 = black_box(qnx_amm_amount_out);
    bench.run(
        Case::new("abi", "quote")
            .with("qenex", inputs.iter().map(in_rust).collect(), |[x, y, z]| {
                amount_out(*z, *x, *y, 30).unwrap().units()
            })
            .with("qnx_amm_amount_out", inputs.iter().map(in_c).collect(), move |&[x, y, z]| {
                // SAFETY: the pointer is to memory of its type.
                written(|out| unsafe { quote(z, x, y, 30, out) })
            }),
    );
}
