#![no_main]

use libfuzzer_sys::fuzz_target;
use qenex_core::hsm::shares::{MAX_SHARES, Manifest, Share};

// What is read is all that there is, in its order.
fuzz_target!(|data: &[u8]| {
    let Ok((manifest, shares)) = Manifest::read(data) else { return };
    let count = manifest.hashes.len();
    assert!(count <= MAX_SHARES && (2..=count).contains(&usize::from(manifest.threshold)));
    let start =
        [&data[..2], &[count as u8, manifest.threshold], &manifest.root.0, manifest.hashes.as_flattened()];
    assert_eq!(manifest.bytes, start.concat());
    let mut bytes = manifest.bytes.to_vec();
    for share in shares {
        let Share { number, to, sealed } = Share::read(share).expect("as long as it must be");
        bytes.extend([&[number], &to[..], sealed].concat());
    }
    assert_eq!(bytes, data);
});
