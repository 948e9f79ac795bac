#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| qenex_fuzz::canonical::<qenex_core::ledger::Record<'_>>(data));
