#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| qenex_fuzz::decimal::<qenex_core::num::Precise>(data));
