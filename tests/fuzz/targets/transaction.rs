#![no_main]

use libfuzzer_sys::fuzz_target;
use qenex_core::codec::decode;
use qenex_core::ledger::{MAX_ACCESS, access};
use qenex_core::tx::{MAX_SUMMARY_LINES, MAX_VALUE_LEN, Summary, Transaction};

fuzz_target!(|data: &[u8]| {
    qenex_fuzz::canonical::<Transaction<'_>>(data);
    let Ok(tx) = decode::<Transaction<'_>>(data) else { return };
    let lines: Vec<_> = Summary::new(&tx).lines().collect();
    assert!(lines.len() == Summary::new(&tx).len() && lines.len() <= MAX_SUMMARY_LINES);
    assert!(lines.iter().all(|line| line.value.len() <= MAX_VALUE_LEN));
    assert!(access(&tx).len() <= MAX_ACCESS);
});
