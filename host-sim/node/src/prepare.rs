//! What can be known of transactions without the state: decoding, ids, keys of records, signatures.
//!
//! This is most of the work, and it runs on all cores; hashes are made several at once and signatures are verified in
//! batches. Execution then reads a [`Prepared`] batch in order.

use std::time::Duration;

use qenex_core::codec;
use qenex_core::crypto::{Domain, Hash, KeyHash, Purpose, Scheme, SignatureError};
use qenex_core::id::ChainId;
use qenex_core::ledger::{RecordId, access};
use qenex_core::tx::{KeyRef, Op, Report, Signature, SignedTransaction, Transaction};
use qenex_signatures::{Item, Verifier};

use crate::block::Batch;
use crate::clock::Stopwatch;
use crate::error::Refusal;
use crate::hashing::{hash_all, log_root};

/// Whether signatures are checked.
#[derive(Clone, Copy)]
pub enum Signatures<'a> {
    /// All of them.
    Verify(&'a Verifier),
    /// None: they were verified before, when the block was committed or the transactions came.
    Committed,
}

/// Processor time of preparing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Times {
    /// Decoding and finding what to hash.
    pub decode: Duration,
    /// Hashing.
    pub hash: Duration,
    /// Verifying signatures.
    pub verify: Duration,
}

impl std::ops::AddAssign for Times {
    fn add_assign(&mut self, other: Self) {
        self.decode += other.decode;
        self.hash += other.hash;
        self.verify += other.verify;
    }
}

/// A batch with all that can be known without the state.
#[derive(Clone, Debug, Default)]
pub struct Prepared {
    /// The transactions.
    pub batch: Batch,
    refused: Vec<Option<Refusal>>,
    /// Length of the unsigned transaction behind the tag of the envelope.
    transaction_lens: Vec<u32>,
    leaves: Vec<Hash>,
    ids: Vec<Hash>,
    signers: Groups<KeyRef>,
    keys: Groups<Hash>,
    /// What preparing it took.
    pub times: Times,
}

/// Lists of different lengths in one.
#[derive(Clone, Debug)]
struct Groups<T> {
    items: Vec<T>,
    ends: Vec<u32>,
}

impl<T> Default for Groups<T> {
    fn default() -> Self {
        Self { items: Vec::new(), ends: Vec::new() }
    }
}

impl<T> Groups<T> {
    fn close(&mut self) {
        self.ends.push(self.items.len() as u32);
    }

    fn get(&self, index: usize) -> &[T] {
        self.items.get(self.start(index)..self.start(index + 1)).unwrap_or_default()
    }

    fn start(&self, index: usize) -> usize {
        let before = index.min(self.ends.len()).checked_sub(1);
        before.and_then(|before| self.ends.get(before)).map_or(0, |end| *end as usize)
    }
}

impl Prepared {
    /// How many transactions there are.
    pub fn len(&self) -> usize {
        self.batch.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.batch.is_empty()
    }

    /// What the transaction at `index` asks, or why it can be in no block.
    ///
    /// # Errors
    /// Its bytes or a signature are wrong.
    pub fn transaction(&self, index: usize) -> Result<Transaction<'_>, Refusal> {
        if let Some(refusal) = self.refused.get(index).copied().flatten() {
            return Err(refusal);
        }
        let len = self.transaction_lens.get(index).map_or(0, |len| *len as usize);
        let bytes = self.batch.get(index).and_then(|signed| signed.get(2..2 + len)).unwrap_or_default();
        codec::decode_trusted(bytes).map_err(Refusal::Decode)
    }

    /// The id of a transaction that can be in a block.
    pub fn id(&self, index: usize) -> Hash {
        self.ids.get(index).copied().unwrap_or_default()
    }

    /// Its leaf of the block's transaction tree.
    pub fn leaf(&self, index: usize) -> Hash {
        self.leaves.get(index).copied().unwrap_or_default()
    }

    /// Whose signatures of it have been verified.
    pub fn signers(&self, index: usize) -> &[KeyRef] {
        self.signers.get(index)
    }

    /// The keys of its records, in the order of [`access`].
    pub fn keys(&self, index: usize) -> &[Hash] {
        self.keys.get(index)
    }

    /// The keys of the records that these transactions may touch, as far as there are so many.
    pub fn keys_of(&self, range: std::ops::Range<usize>) -> &[Hash] {
        let keys = &self.keys;
        keys.items.get(keys.start(range.start)..keys.start(range.end)).unwrap_or_default()
    }

    /// The first transaction that can be in no block. Signatures are looked at where `unverified` is not false: the others were verified before. For
    /// a batch that was prepared without its signatures.
    pub fn first_refused(&self, verifier: &Verifier, unverified: &[bool]) -> Option<(usize, Refusal)> {
        let (mut signed_by, mut reports) = (Vec::new(), Vec::new());
        let mut first = None;
        for (index, signed) in self.batch.iter().enumerate() {
            if let Some(refusal) = self.refused.get(index).copied().flatten() {
                first = Some((index, refusal));
                break;
            }
            if unverified.get(index) == Some(&false) {
                continue;
            }
            let Ok(decoded) = SignedTransaction::decode(signed) else { continue };
            signed_by.extend(decoded.signatures.iter().map(|signature| (index, *signature)));
            if let Op::Report(report) = decoded.transaction.op {
                reports.push((index, decoded.transaction.chain_id, report));
            }
        }
        let wrong = verify(verifier, &self.ids, &signed_by, &reports);
        let wrong = wrong.into_iter().map(|(index, error)| (index, Refusal::Signature(error)));
        wrong.chain(first).min_by_key(|(index, _)| *index)
    }

    /// The root of the transaction tree over all of them.
    pub fn transaction_root(&self) -> Hash {
        log_root(&self.leaves)
    }
}

/// Prepares a batch.
pub fn prepare(batch: Batch, signatures: Signatures<'_>) -> Prepared {
    let mut watch = Stopwatch::start();
    let mut times = Times::default();
    let count = batch.len();
    let mut prepared = Prepared { refused: vec![None; count], ..Prepared::default() };
    let mut transactions: Vec<&[u8]> = Vec::with_capacity(count);
    let mut signature_lists: Vec<&[u8]> = Vec::with_capacity(count);
    let mut public_keys: Vec<[u8; 2 + 32]> = Vec::with_capacity(count);
    let mut signed_by: Vec<(usize, Signature<'_>)> = Vec::with_capacity(count);
    let mut reports: Vec<(usize, ChainId, Report<'_>)> = Vec::new();
    let mut key_inputs: Vec<[u8; RecordId::KEY_INPUT_LEN]> = Vec::with_capacity(5 * count);
    for (index, signed) in batch.iter().enumerate() {
        match SignedTransaction::decode(signed) {
            Ok(decoded) => {
                transactions.push(decoded.transaction_bytes);
                signature_lists.push(decoded.signature_bytes);
                prepared.transaction_lens.push(decoded.transaction_bytes.len() as u32);
                key_inputs.extend(access(&decoded.transaction).iter().map(RecordId::key_input));
                prepared.keys.ends.push(key_inputs.len() as u32);
                for signature in &decoded.signatures {
                    public_keys.extend(short_key(signature));
                    signed_by.push((index, *signature));
                }
                if let Op::Report(report) = decoded.transaction.op {
                    reports.push((index, decoded.transaction.chain_id, report));
                }
            }
            Err(error) => {
                transactions.push(&[]);
                signature_lists.push(&[]);
                prepared.transaction_lens.push(0);
                prepared.keys.ends.push(key_inputs.len() as u32);
                prepared.refused[index] = Some(Refusal::Decode(error));
            }
        }
    }
    watch.lap(&mut times.decode);
    prepared.ids = hash_all(Domain::Transaction, &transactions);
    let signature_hashes = hash_all(Domain::Signatures, &signature_lists);
    let entries: Vec<[u8; 64]> =
        prepared.ids.iter().zip(&signature_hashes).map(|(id, signatures)| pair(id, signatures)).collect();
    prepared.leaves = hash_all(Domain::LogLeaf, &entries);
    prepared.keys.items = hash_all(Domain::RecordKey, &key_inputs);

    let mut key_hashes = hash_all(Domain::PublicKey, &public_keys).into_iter();
    let mut signers = signed_by.iter().peekable();
    for index in 0..count {
        while let Some((_, signature)) = signers.next_if(|(owner, _)| *owner == index) {
            let Signature { scheme, public_key, .. } = *signature;
            let hashed = short_key(signature).and_then(|_| key_hashes.next());
            let single = || KeyHash::of(scheme, Purpose::Transaction, public_key);
            let hash = hashed.map_or_else(single, KeyHash);
            prepared.signers.items.push(KeyRef { scheme, hash });
        }
        prepared.signers.close();
    }
    if let Signatures::Verify(verifier) = signatures {
        watch.lap(&mut times.hash);
        let wrong = verify(verifier, &prepared.ids, &signed_by, &reports);
        for (index, error) in wrong {
            // The first reason stays.
            prepared.refused[index].get_or_insert(Refusal::Signature(error));
        }
        watch.lap(&mut times.verify);
    }
    watch.lap(&mut times.hash);
    prepared.times = times;
    prepared.batch = batch;
    prepared
}

/// Verifies signatures of transactions, with the ids of all, and what they report. Returns the places of those that are wrong.
fn verify(
    verifier: &Verifier,
    ids: &[Hash],
    signed_by: &[(usize, Signature<'_>)],
    reports: &[(usize, ChainId, Report<'_>)],
) -> Vec<(usize, SignatureError)> {
    let digest_inputs: Vec<[u8; 34]> = signed_by
        .iter()
        .map(|(index, signature)| for_transactions(signature.scheme, ids[*index].as_bytes()))
        .collect();
    let digests = hash_all(Domain::Signing, &digest_inputs);
    let items: Vec<Item<'_>> = signed_by
        .iter()
        .zip(&digests)
        .map(|((_, Signature { scheme, public_key, signature }), digest)| Item {
            scheme: *scheme,
            public_key,
            digest,
            signature,
        })
        .collect();
    let signatures = signed_by.iter().zip(verifier.verify_batch(&items));
    let signatures = signatures.filter_map(|((index, _), result)| Some((*index, result.err()?)));
    let reports = reports.iter();
    let reports =
        reports.filter_map(|(index, chain_id, report)| Some((*index, report.verify(chain_id).err()?)));
    signatures.chain(reports).collect()
}

/// Scheme and purpose, then a short key or an id: what a key's hash and a signing digest are made of.
fn for_transactions(scheme: Scheme, bytes: &[u8; 32]) -> [u8; 34] {
    let mut input = [0; 34];
    input[..2].copy_from_slice(&[scheme.number(), Purpose::Transaction.number()]);
    input[2..].copy_from_slice(bytes);
    input
}

/// What the hash of a key is made of, if it is as long as most keys are: several of one length are hashed at once.
fn short_key(signature: &Signature<'_>) -> Option<[u8; 34]> {
    Some(for_transactions(signature.scheme, signature.public_key.try_into().ok()?))
}

fn pair(first: &Hash, second: &Hash) -> [u8; 64] {
    let mut both = [0; 64];
    both[..32].copy_from_slice(first.as_bytes());
    both[32..].copy_from_slice(second.as_bytes());
    both
}

#[cfg(test)]
mod tests {
    use super::*;
    use qenex_core::crypto::scheme::{MAX_PUBLIC_KEY_BYTES, MAX_SIGNATURE_BYTES};
    use qenex_core::crypto::secret::SecretKey;
    use qenex_core::id::AccountId;
    use qenex_core::num::Amount;
    use qenex_core::tx::{MAX_SIGNED_LEN, encode_signed};

    /// Transactions by keys of all schemes and lengths, each with two signers: every signer is found, in order, and a signature that is
    /// wrong or as long as another scheme's is refused.
    #[test]
    fn signers_of_every_scheme() {
        let mut batch = Batch::default();
        let mut expected = Vec::new();
        for nonce in 0..12u64 {
            let transaction = Transaction {
                chain_id: ChainId::new("TEST").unwrap(),
                sender: AccountId::new("ALICE").unwrap(),
                nonce,
                last_valid_height: 9,
                fee: Amount::ZERO,
                op: Op::CloseAccount,
            };
            let id = transaction.id();
            let sign = |number: u64| {
                let scheme = Scheme::ALL[(number % 4) as usize];
                let key = SecretKey::from_seed(scheme, &[number as u8 + 1; 32]).unwrap();
                let (mut public_key, mut signature) = ([0; MAX_PUBLIC_KEY_BYTES], [0; MAX_SIGNATURE_BYTES]);
                let public_key = key.public_key(&mut public_key).unwrap().to_vec();
                (scheme, public_key, key.sign(Purpose::Transaction, &id, &mut signature).unwrap().to_vec())
            };
            let mut signers = [sign(nonce), sign(nonce + 1)];
            let error = match nonce / 4 {
                0 => None,
                1 => {
                    signers[0].2[40] ^= 1;
                    Some(SignatureError::Mismatch)
                }
                _ => {
                    signers[1].2.push(0);
                    Some(SignatureError::Length)
                }
            };
            let signatures = signers.each_ref().map(|(scheme, public_key, signature)| Signature {
                scheme: *scheme,
                public_key,
                signature,
            });
            let mut buffer = vec![0; MAX_SIGNED_LEN];
            batch.push(encode_signed(&transaction, &signatures, &mut buffer).unwrap());
            let keys = signers.map(|(scheme, public_key, _)| KeyRef::of(scheme, &public_key));
            expected.push((keys, error));
        }
        let verifier = Verifier::default();
        let prepared = prepare(batch, Signatures::Verify(&verifier));
        // The same, one step later, and without those that are known to be right or were looked at before.
        let unsigned = prepare(prepared.batch.clone(), Signatures::Committed);
        for known in 0..=12 {
            let unverified: Vec<bool> = (0..12).map(|index| index >= known).collect();
            let first = (known..12).find_map(|index| Some((index, prepared.transaction(index).err()?)));
            assert_eq!(unsigned.first_refused(&verifier, &unverified), first);
        }
        for (index, (keys, error)) in expected.into_iter().enumerate() {
            assert_eq!(prepared.signers(index), keys);
            match (prepared.transaction(index), error) {
                (Ok(transaction), None) => assert_eq!(transaction.nonce, index as u64),
                (Err(Refusal::Signature(refused)), Some(SignatureError::Length)) => {
                    assert_eq!(refused, SignatureError::Length)
                }
                // Which step notices a bit in the middle depends on the scheme.
                (Err(Refusal::Signature(refused)), Some(_)) => {
                    assert!(matches!(refused, SignatureError::Mismatch | SignatureError::Malformed))
                }
                (other, error) => panic!("{index}: {other:?}, expected {error:?}"),
            }
        }
    }
}
