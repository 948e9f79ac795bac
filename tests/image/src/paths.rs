//! The core's main paths, over input and into results that the compiler knows nothing about.

use core::hint::black_box;

use qenex_core::amm::{self, Direction, Limits, Reserves};
use qenex_core::codec;
use qenex_core::consensus::Header;
use qenex_core::crypto::scheme::MAX_SIGNATURE_BYTES;
use qenex_core::crypto::secret::SecretKey;
use qenex_core::crypto::{self, Hash, Purpose, Scheme, aead, ed25519, hash as digests, ml_dsa};
use qenex_core::id::{AccountId, Reference};
use qenex_core::ledger::{self, Buffer, Env, Fetched, Receipt, Record, RecordId, Signers, Store, ViewError};
use qenex_core::merkle::witness::{Access, Witness};
use qenex_core::merkle::{log, proof, state, witness};
use qenex_core::num::{Amount, Precise, Ratio, Rounding, sqrt_product};
use qenex_core::tx::{self, KeyRef, SignedTransaction, Summary};

use crate::unknown::{hash_of, input, keep, print, round_trip, word};

fn amount_of(bytes: &[u8]) -> Amount {
    Amount::from_units(u128::from_be_bytes(input(bytes))).unwrap_or_default()
}

/// Every decoder, encoder and id, and the summary.
pub fn codec(bytes: &[u8]) {
    round_trip::<tx::Transaction<'_>>(bytes);
    round_trip::<tx::Op<'_>>(bytes);
    round_trip::<Header>(bytes);
    round_trip::<Record<'_>>(bytes);
    round_trip::<RecordId>(bytes);
    round_trip::<Receipt>(bytes);
    if let Some(header) = keep(codec::decode::<Header>(bytes)) {
        black_box(header.id());
    }
    if let Some(id) = keep(codec::decode::<RecordId>(bytes)) {
        black_box(id.key());
    }
    if let Some(record) = keep(codec::decode::<Record<'_>>(bytes)) {
        black_box(record.value_hash());
    }
    let text = black_box(core::str::from_utf8(bytes).unwrap_or_default());
    keep(AccountId::new(text)).into_iter().for_each(print);
    keep(Reference::new(text)).into_iter().for_each(print);
    let Some(signed) = keep(SignedTransaction::decode(black_box(bytes))) else { return };
    black_box((signed.id(), signed.transaction.id(), signed.log_entry()));
    let mut buffer = [0; 2048];
    black_box(keep(tx::encode_signed(&signed.transaction, &signed.signatures, &mut buffer)));
    let summary = Summary::new(&signed.transaction);
    black_box(summary.len());
    for line in summary.lines() {
        line.rows().for_each(print);
        print(line);
    }
}

/// Signing, verifying, and what is signed.
pub fn sign_and_verify(bytes: &[u8]) {
    let id = hash_of(bytes);
    let Some(scheme) = keep(Scheme::from_number(word(bytes) as u8)) else { return };
    let digest = crypto::signing_digest(scheme, Purpose::Transaction, &id);
    keep(crypto::verify(scheme, black_box(bytes), &digest, black_box(bytes)));
    black_box(KeyRef::of(scheme, bytes));
    if let Some(key) = keep(SecretKey::from_seed(scheme, &input(bytes))) {
        let mut buffer = [0; MAX_SIGNATURE_BYTES];
        black_box(keep(key.sign(Purpose::Transaction, &id, &mut buffer)));
        black_box(keep(key.sign_message(word(bytes) as usize, &mut buffer)));
        black_box(keep(key.public_key(&mut buffer)));
        black_box(keep(key.key_hash(Purpose::Vote)));
    }
    if let Some(key) = keep(ed25519::SecretKey::from_seed(&input(bytes))) {
        black_box(keep(key.sign(Purpose::Attestation, &id)));
        black_box((key.public_key(), key.key_hash(Purpose::Vote)));
    }
}

/// Sealing and opening.
pub fn seal(bytes: &[u8]) {
    let (key, nonce, mut sealed): ([u8; 32], _, [u8; 32]) = (input(bytes), input(bytes), input(bytes));
    let Some(sealed) = sealed.get_mut(..word(bytes) as usize) else { return };
    if let Some(tag) = keep(aead::seal(&key, &nonce, bytes, sealed)) {
        black_box(keep(aead::open(&key, &nonce, bytes, sealed, &black_box(tag))));
    }
}

/// Keys, signatures and verification in pieces under ML-DSA-87.
pub fn lattice(bytes: &[u8]) {
    let key = ml_dsa::SecretKey::from_seed(&input(bytes));
    let mut public_key = [0; ml_dsa::PUBLIC_KEY_BYTES];
    key.public_key(black_box(&mut public_key));
    let mut signature = [0; ml_dsa::SIGNATURE_BYTES];
    black_box(keep(key.sign(black_box(bytes), black_box(bytes), &mut signature)));
    black_box(keep(ml_dsa::verify(black_box(bytes), black_box(bytes), black_box(bytes), &signature)));
    let mut verifier = black_box(ml_dsa::Verifier::new());
    black_box(keep(verifier.public_key(&public_key)));
    black_box(keep(verifier.context(black_box(bytes))));
    black_box(keep(verifier.message(black_box(bytes))));
    black_box(keep(verifier.signature(black_box(bytes))));
    black_box(keep(verifier.finish()));
}

/// Both trees and their proofs.
pub fn trees(bytes: &[u8]) {
    let root = hash_of(bytes);
    let (hashes, _) = bytes.as_chunks::<32>();
    let mut builder = log::Builder::new();
    let mut leaves = [root; 16];
    for (leaf, bytes) in leaves.iter_mut().zip(black_box(hashes)) {
        *leaf = log::leaf_hash(bytes);
        builder.push(*leaf);
    }
    black_box(builder.root());
    let (first, second) = (word(bytes), word(bytes));
    keep(log::verify_inclusion(&root, first, second, &root, black_box(&leaves)));
    keep(log::verify_consistency(first, &root, second, &root, black_box(&leaves)));
    black_box(keep(log::inclusion_proof(&leaves, first as usize)));
    black_box(keep(log::consistency_proof(&leaves, first as usize)));

    let keys = leaves.map(|key| match word(bytes) % 3 {
        0 => (key, Access::Read),
        1 => (key, Access::Write(root)),
        _ => (key, Access::Delete),
    });
    black_box(keep(witness::root_after(&root, black_box(bytes), &keys)));
    black_box(keep(witness::verify(&root, black_box(bytes), &leaves)));
    if let Some(mut streamed) = keep(Witness::new(keys)) {
        bytes.chunks(word(bytes) as usize | 1).for_each(|piece| {
            keep(streamed.push(piece));
        });
        black_box(keep(streamed.finish(&root)));
    }
    if let Some(node) = keep(proof::Node::decode(bytes)) {
        black_box(node.encode());
    }
    black_box(state::Subtree::join(state::Subtree::Leaf(root), state::Subtree::Inner(root)));
}

/// The rules, with every record that they write.
pub fn ledger(bytes: &[u8]) {
    let Some(signed) = keep(SignedTransaction::decode(black_box(bytes))) else { return };
    let transaction = &signed.transaction;
    let ids = black_box(ledger::access(transaction));
    let env = black_box(Env { chain_id: transaction.chain_id, height: word(bytes), time_ms: word(bytes) });
    let keys = [KeyRef::of(Scheme::Ed25519, bytes)];
    // The state: every record is decoded from the input.
    let mut records = [const { None }; ledger::MAX_ACCESS];
    for (record, id) in records.iter_mut().zip(&ids) {
        let key = black_box(id.key());
        *record = keep(codec::decode(bytes.get(usize::from(key.0[0])..).unwrap_or_default()));
    }
    let view = black_box(Fetched { ids: &ids, records: &records });
    let results = [
        keep(ledger::transition(&env, transaction, Signers::Verified(&keys), &view)),
        keep(ledger::transition(&env, transaction, Signers::Assumed, &view)),
        keep(ledger::settle_fees(transaction.sender, transaction.fee, &view)),
    ];
    for effects in results.into_iter().flatten() {
        let mut buffer = [0; 1024];
        black_box(keep(codec::encode(&effects.receipt, &mut buffer)));
        for (id, record) in &effects.writes {
            black_box((id.key(), record.as_ref().map(Record::value_hash)));
        }
    }
}

/// A state whose every record is decoded from the input.
struct Unknown<'i>(&'i [u8]);

impl Store for Unknown<'_> {
    fn read<'b>(&self, id: &RecordId, buffer: &'b mut Buffer) -> Result<Option<Record<'b>>, ViewError> {
        let from = usize::from(black_box(id.key()).0[0]);
        buffer.iter_mut().zip(self.0.iter().skip(from)).for_each(|(slot, byte)| *slot = *byte);
        Ok(keep(codec::decode_front(buffer)).map(|(record, _)| record))
    }

    fn write(&mut self, id: &RecordId, record: Option<&Record<'_>>) {
        black_box((id.key(), record.map(Record::value_hash)));
    }
}

/// The end of a block, and of an epoch.
pub fn stake(bytes: &[u8]) {
    let mut state = black_box(Unknown(bytes));
    let Some(parent) = keep(codec::decode::<Header>(bytes)) else { return };
    keep(ledger::end_block(&mut state, &parent, word(bytes), parent.proposer, amount_of(bytes)));
    if let (Some(Record::Staking(staking)), Some(tx::Op::Stand(op))) =
        (keep(codec::decode::<Record<'_>>(bytes)), keep(codec::decode::<tx::Op<'_>>(bytes)))
    {
        let validators = core::iter::once((parent.proposer, op));
        keep(ledger::found(&mut state, staking.rules, validators));
    }
    if let Some(tx::Op::Report(report)) = keep(codec::decode::<tx::Op<'_>>(bytes)) {
        keep(report.verify(&parent.chain_id));
    }
}

/// Quotes, swaps and liquidity.
pub fn market(bytes: &[u8]) {
    let [a, b, c] = [amount_of(bytes), amount_of(bytes), amount_of(bytes)];
    let Some(pool) = keep(Reserves::new(a, b, c, word(bytes) as u16)) else { return };
    for direction in black_box([Direction::AToB, Direction::BToA]) {
        keep(pool.spot_price(direction)).into_iter().for_each(print);
        for quote in [amm::quote_exact_in(&pool, direction, a), amm::quote_exact_out(&pool, direction, b)] {
            if let Some(quote) = keep(quote) {
                print(quote.fee());
                print(quote.price_impact());
                print(quote.price_impact_without_fee());
            }
        }
        let limits = black_box(Limits { max_price_impact_bps: Some(50), deadline_ms: Some(word(bytes)) });
        black_box(keep(amm::swap_exact_in(&pool, direction, a, b, limits, word(bytes))));
        black_box(keep(amm::swap_exact_out(&pool, direction, a, b, limits, word(bytes))));
    }
    black_box(keep(amm::add_liquidity(&pool, a, b, c, black_box(None), word(bytes))));
    black_box(keep(amm::remove_liquidity(&pool, a, b, c, black_box(None), word(bytes))));
}

/// Every operation on numbers.
pub fn numbers(bytes: &[u8]) {
    let text = black_box(core::str::from_utf8(bytes).unwrap_or_default());
    let (a, b) = (keep(text.parse::<Amount>()).unwrap_or_default(), amount_of(bytes));
    for rounding in black_box([Rounding::Up, Rounding::Down]) {
        let results = [a.checked_mul(b, rounding), a.checked_div(b, rounding), a.mul_div(b, a, rounding)];
        results.into_iter().filter_map(keep).for_each(print);
    }
    [a.checked_add(b), a.checked_sub(b)].into_iter().filter_map(keep).for_each(print);
    black_box(sqrt_product(a.units(), b.units()));
    keep(Ratio::new(a, b)).into_iter().for_each(print);

    let (p, q) = (keep(text.parse::<Precise>()).unwrap_or_default(), Precise::from_amount(b));
    for rounding in black_box([Rounding::Up, Rounding::Down]) {
        let results = [p.checked_mul(q, rounding), p.checked_div(q, rounding)];
        results.into_iter().filter_map(keep).for_each(print);
        keep(p.to_amount(rounding)).into_iter().for_each(print);
    }
    [p.checked_add(q), p.checked_sub(q)].into_iter().filter_map(keep).for_each(print);
    black_box(Precise::from_be_bytes(p.to_be_bytes()));
}

/// The hashes that the ledger itself does not use.
pub fn hashes(bytes: &[u8]) {
    let bytes = black_box(bytes);
    black_box((digests::sha3_512(bytes), digests::keccak_512(bytes)));
    print(Hash::from_hex(core::str::from_utf8(bytes).unwrap_or_default()).unwrap_or_default());
}
