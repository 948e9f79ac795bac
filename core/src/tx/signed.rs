//! The signed form: a transaction and the signatures of its sender's keys.
//!
//! Encoding: tag, the transaction with its own tag, then the list of signatures (scheme, public key, signature).
//! Decoding borrows: public keys and signatures stay where they are. No signature has been verified by decoding.

use serde::{Deserialize, Serialize};

use super::{MAX_KEYS, Transaction};
use crate::codec::{self, DecodeError, EncodeError, Encoded, Tag, Tagging};
use crate::crypto::scheme::{MAX_PUBLIC_KEY_BYTES, MAX_SIGNATURE_BYTES};
use crate::crypto::{Domain, Hash, Scheme, hash};

/// The longest signed transaction, in bytes.
pub const MAX_SIGNED_LEN: usize = 2 + Transaction::MAX_LEN + Signatures::MAX_LEN;

/// One key's signature of a transaction's [signing digest](crate::crypto::signing_digest).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature<'a> {
    /// How the key signs.
    pub scheme: Scheme,
    /// The key, in its scheme's encoding.
    #[serde(serialize_with = "codec::bytes")]
    pub public_key: &'a [u8],
    /// The signature, in its scheme's encoding.
    #[serde(serialize_with = "codec::bytes")]
    pub signature: &'a [u8],
}

#[derive(Serialize, Deserialize)]
struct Signatures<'a>(#[serde(borrow)] heapless::Vec<Signature<'a>, MAX_KEYS>);

/// The list stands behind the transaction inside one envelope and shares its tag.
impl Encoded for Signatures<'_> {
    const TAGGING: Tagging = Tagging::None;
    const MAX_LEN: usize = 1 + MAX_KEYS * (1 + 2 + MAX_PUBLIC_KEY_BYTES + 2 + MAX_SIGNATURE_BYTES);
}

/// A decoded signed transaction, over the bytes that it was decoded from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedTransaction<'a> {
    /// What is asked.
    pub transaction: Transaction<'a>,
    /// The canonical bytes of the transaction: the input of its id.
    pub transaction_bytes: &'a [u8],
    /// The signatures, not verified.
    pub signatures: heapless::Vec<Signature<'a>, MAX_KEYS>,
    /// The canonical bytes of the signatures.
    pub signature_bytes: &'a [u8],
}

impl<'a> SignedTransaction<'a> {
    /// Reads exactly one signed transaction from all of `bytes`.
    ///
    /// # Errors
    /// The bytes are not the one canonical encoding of a signed transaction.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let body = bytes.strip_prefix(&Tag::SIGNED_TRANSACTION.0).ok_or(DecodeError::UnknownTag)?;
        let (transaction, signature_bytes) = codec::decode_front::<Transaction>(body)?;
        let transaction_bytes =
            body.get(..body.len().saturating_sub(signature_bytes.len())).unwrap_or_default();
        let Signatures(signatures) = codec::decode(signature_bytes)?;
        Ok(Self { transaction, transaction_bytes, signatures, signature_bytes })
    }

    /// The transaction's id, from its bytes.
    pub fn id(&self) -> Hash {
        hash(Domain::Transaction, &[self.transaction_bytes])
    }

    /// The leaf entry of the block's transaction tree: the id, then the hash of the signatures.
    pub fn log_entry(&self) -> [u8; 64] {
        let mut entry = [0; 64];
        let (id, signatures) = entry.split_at_mut(32);
        id.copy_from_slice(self.id().as_bytes());
        signatures.copy_from_slice(hash(Domain::Signatures, &[self.signature_bytes]).as_bytes());
        entry
    }
}

/// The length of the signed form, in bytes; nothing if there are more than [`MAX_KEYS`] signatures.
pub fn signed_len(transaction: &Transaction<'_>, signatures: &[Signature<'_>]) -> Option<usize> {
    let signatures = Signatures(heapless::Vec::from_slice(signatures).ok()?);
    let len = codec::encoded_len(transaction).checked_add(codec::encoded_len(&signatures))?;
    len.checked_add(Tag::SIGNED_TRANSACTION.0.len())
}

/// Writes the signed form to the front of `buffer` and returns that part.
///
/// # Errors
/// There are more than [`MAX_KEYS`] signatures, or the buffer is too small.
pub fn encode_signed<'b>(
    transaction: &Transaction<'_>,
    signatures: &[Signature<'_>],
    buffer: &'b mut [u8],
) -> Result<&'b [u8], EncodeError> {
    let too_small = EncodeError::BufferTooSmall;
    let signatures = Signatures(heapless::Vec::from_slice(signatures).map_err(|_| too_small)?);
    let (tag, body) = buffer.split_first_chunk_mut::<2>().ok_or(too_small)?;
    *tag = Tag::SIGNED_TRANSACTION.0;
    let transaction_len = codec::encode(transaction, body)?.len();
    let signatures_len = codec::encode(&signatures, body.get_mut(transaction_len..).ok_or(too_small)?)?.len();
    let len = transaction_len.saturating_add(signatures_len).saturating_add(2);
    buffer.get(..len).ok_or(too_small)
}
