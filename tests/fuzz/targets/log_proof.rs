#![no_main]

use libfuzzer_sys::fuzz_target;
use qenex_core::crypto::Hash;
use qenex_core::merkle::log::{
    consistency_proof, inclusion_proof, root, verify_consistency, verify_inclusion,
};

// Sizes, then hashes: a proof of noise for any sizes; and for small trees made of the hashes, the proofs that are made
// are accepted, and the noise only if it is one of them.
fuzz_target!(|data: &[u8]| {
    let Some((sizes, data)) = data.split_first_chunk::<16>() else { return };
    let (first, second) = sizes.split_at(8);
    let size = |bytes: &[u8]| bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    let (first, second) = (size(first), size(second));
    let hashes: Vec<_> = data.as_chunks::<32>().0.iter().map(|bytes| Hash(*bytes)).collect();
    let Some((leaf, proof)) = hashes.split_first() else { return };
    let _ = verify_inclusion(leaf, second, first, leaf, proof);
    let _ = verify_consistency(first, leaf, second, leaf, proof);

    let count = hashes.len() as u64;
    let whole = root(&hashes);
    let at = first % count;
    let made = inclusion_proof(&hashes, at as usize).expect("the leaf is there");
    assert_eq!(verify_inclusion(&whole, count, at, &hashes[at as usize], &made), Ok(()));
    let accepted = verify_inclusion(&whole, count, at, &hashes[at as usize], proof).is_ok();
    assert!(!accepted || proof == &made[..]);
    let beginning = root(&hashes[..at as usize]);
    let made = consistency_proof(&hashes, at as usize).expect("the tree is not larger");
    assert_eq!(verify_consistency(at, &beginning, count, &whole, &made), Ok(()));
    let accepted = verify_consistency(at, &beginning, count, &whole, proof).is_ok();
    assert!(!accepted || proof == &made[..]);
});
