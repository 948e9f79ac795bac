//! Keys of the command line: from a file, or derived from a public label for demonstrations and measurements.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use qenex_core::crypto::ed25519::SecretKey;
pub use qenex_core::crypto::secret::label_seed;
use qenex_core::crypto::{Hash, Purpose, Scheme};
use qenex_core::error::KEY_FILE;
use qenex_core::tx::{KeyRef, MAX_SIGNED_LEN, Signature, Transaction, encode_signed};

use crate::files::unwritable;
use crate::output::Failure;

/// The key of a seed.
pub fn from_seed(seed: &[u8; 32]) -> Result<SecretKey, Failure> {
    SecretKey::from_seed(seed).map_err(|error| Failure::input(KEY_FILE, error))
}

/// Reads a key file.
pub fn read(path: &Path) -> Result<SecretKey, Failure> {
    let wrong = |detail: String| Failure::input(KEY_FILE, format_args!("{}: {detail}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    let seed = Hash::from_hex(text.trim()).ok_or_else(|| wrong("it holds something else".into()))?;
    from_seed(seed.as_bytes())
}

/// Writes a new key file that only its owner can read. An existing file is never overwritten.
pub fn write(path: &Path, seed: &[u8; 32]) -> Result<(), Failure> {
    let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file = file.map_err(unwritable(path))?;
    writeln!(file, "{}", Hash(*seed)).map_err(unwritable(path))
}

/// How records name the key.
pub fn key_ref(key: &SecretKey) -> KeyRef {
    KeyRef::of(Scheme::Ed25519, &key.public_key())
}

/// Signs a transaction with keys, in the order of their hashes.
pub fn sign(transaction: &Transaction<'_>, keys: &[&SecretKey]) -> Result<Vec<u8>, Failure> {
    let id = transaction.id();
    let mut signed = Vec::new();
    for key in keys {
        let signature =
            key.sign(Purpose::Transaction, &id).map_err(|error| Failure::input(KEY_FILE, error))?;
        signed.push((key_ref(key), key.public_key(), signature));
    }
    signed.sort_by_key(|(key, ..)| *key);
    let signatures: Vec<Signature<'_>> = signed
        .iter()
        .map(|(_, public_key, signature)| Signature { scheme: Scheme::Ed25519, public_key, signature })
        .collect();
    let mut buffer = vec![0; MAX_SIGNED_LEN];
    Ok(encode_signed(transaction, &signatures, &mut buffer)?.to_vec())
}
