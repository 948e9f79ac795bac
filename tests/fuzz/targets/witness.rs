#![no_main]

use libfuzzer_sys::fuzz_target;
use qenex_core::crypto::Hash;
use qenex_core::merkle::proof::MAX_WITNESS_KEYS;
use qenex_core::merkle::witness::{Access, Witness, root_after, verify};

// A number of keys and what becomes of each, the length of pieces, then the proof. Keys are short, so that a proof
// of few bytes can be about them. In pieces or at once, the verdict is the same.
fuzz_target!(|data: &[u8]| {
    let [count, piece, data @ ..] = data else { return };
    let count = usize::from(*count) % (MAX_WITNESS_KEYS + 1);
    let Some((short_keys, proof)) = data.split_at_checked(2 * count) else { return };
    let keys: Vec<_> = short_keys
        .as_chunks::<2>()
        .0
        .iter()
        .map(|[first, what]| {
            let mut key = [0; 32];
            key[0] = *first;
            let access = match what % 3 {
                0 => Access::Read,
                1 => Access::Write(Hash([*what; 32])),
                _ => Access::Delete,
            };
            (Hash(key), access)
        })
        .collect();
    let Ok(mut whole) = Witness::new(keys.iter().copied()) else { return };
    let mut pieces = whole.clone();
    let at_once = whole.push(proof);
    let in_pieces = proof.chunks(usize::from(*piece).max(1)).try_for_each(|part| pieces.push(part));
    assert_eq!(at_once, in_pieces);
    assert_eq!(whole.finish(&Hash([0; 32])), pieces.finish(&Hash([0; 32])));

    let names: Vec<_> = keys.iter().map(|(key, _)| *key).collect();
    let reads: Vec<_> = names.iter().map(|key| (*key, Access::Read)).collect();
    for root in proof.windows(32).take(4).map(|bytes| Hash(bytes.try_into().expect("32 bytes"))) {
        let read = root_after(&root, proof, &reads);
        assert!(read.is_err() || read == Ok(root), "reading changes nothing");
        assert_eq!(read.is_ok(), verify(&root, proof, &names).is_ok());
    }
});
