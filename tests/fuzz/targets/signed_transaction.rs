#![no_main]

use libfuzzer_sys::fuzz_target;
use qenex_core::crypto::{Purpose, signing_digest, verify};
use qenex_core::tx::{MAX_SIGNED_LEN, SignedTransaction, encode_signed};

fuzz_target!(|data: &[u8]| {
    let Ok(signed) = SignedTransaction::decode(data) else { return };
    let mut buffer = vec![0; MAX_SIGNED_LEN];
    let bytes = encode_signed(&signed.transaction, &signed.signatures, &mut buffer);
    assert_eq!(bytes.expect("MAX_SIGNED_LEN is enough"), data);
    assert_eq!(signed.id(), signed.transaction.id());
    for signature in &signed.signatures {
        let digest = signing_digest(signature.scheme, Purpose::Transaction, &signed.id());
        let _ = verify(signature.scheme, signature.public_key, &digest, signature.signature);
    }
});
