#![no_main]

use libfuzzer_sys::fuzz_target;
use qenex_core::policy::Policy;

fuzz_target!(|data: &[u8]| {
    qenex_fuzz::canonical::<Policy<'_>>(data);
    if let Ok(policy) = Policy::decode(data) {
        assert_eq!(policy.check(), Ok(()));
    }
});
