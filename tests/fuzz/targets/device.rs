#![no_main]

use libfuzzer_sys::arbitrary::Unstructured;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    // Running out of bytes ends the sequence.
    let _ = qenex_fuzz::device::sequence(&mut Unstructured::new(data));
});
