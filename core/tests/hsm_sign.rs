//! Witnessed signing: what is executed, what is proven, and what is signed.
#![allow(clippy::unwrap_used)] // a test that meets what it does not expect should stop there

#[allow(dead_code)] // each test uses a part of it
mod flash_disk;
#[allow(dead_code)]
mod hsm_bank;
#[allow(dead_code)]
mod hsm_board;
#[allow(dead_code)]
mod merkle_model;
mod policy_lists;

use hsm_bank::{Bench, START_MS, account, amount, chain, transaction, transfer, usdc};
use hsm_board::{NOTHING, ask, get, refused, tell};
use qenex_core::codec::{Encoded, decode, encode};
use qenex_core::crypto::{Purpose, Scheme, signing_digest, verify};
use qenex_core::error::{
    COMMAND_SEQUENCE, EXPIRED, INSUFFICIENT_BALANCE, KEY_NOT_AUTHORISED, KEY_POLICY, NONCE_AHEAD,
    NONCE_SIGNED, PENDING_FULL, PENDING_UNKNOWN, PROOF_ROOT, ROLE, WITNESS_MISSING, WITNESS_RECORD,
    WRONG_CHAIN,
};
use qenex_core::hsm::proto::{
    BeginSign, Command, CreateKey, Judged, Piece, Records, Rest, SIGNATURE_PIECE, Signed,
};
use qenex_core::hsm::{MAX_PENDING, UserName};
use qenex_core::id::ChainId;
use qenex_core::ledger::{
    Balance, Env, Fetched, Record, RecordId, Reject, Rule, Signers, access, transition,
};
use qenex_core::tx::{KeyRef, MAX_SIGNED_LEN, Op, Signature, SignedTransaction, Transaction, encode_signed};

#[test]
fn a_proven_transfer_is_shown_and_signed() {
    let mut bench = Bench::new();
    let tx = transaction(7, transfer(&[("BANK_002", "100"), ("SHOP", "50")]));
    bench.judge(&tx, &[]).unwrap();
    bench.hsm.board().shown.clear();
    let signature = bench.sign(&tx, &[]).unwrap();
    let shown = bench.hsm.board().shown.join("\n");
    for part in ["Transfer", "100 USDC", "BANK_002", "50 USDC", "SHOP", "1 QNX", "QENEX-TEST"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    // The same again, with or without its witness: a host may have lost it.
    assert_eq!(bench.sign(&tx, &[]).unwrap(), signature);
    // Another one with the same nonce is not signed while the first may become final.
    let other = transaction(7, transfer(&[("SHOP", "51")]));
    assert_eq!(bench.sign(&other, &[]), refused(NONCE_SIGNED));
    bench.advance(50, 1_000);
    let later = Transaction { last_valid_height: 70, ..other };
    bench.sign(&later, &[]).unwrap();
}

/// In every scheme, in as many pieces as it takes; and the ledger takes what comes out.
#[test]
fn keys_of_every_scheme_sign_transactions() {
    let rest = |bench: &mut Bench, from: usize| {
        let body = ask(&mut bench.hsm, Command::SignatureRest, &Rest { from: from as u16 })?;
        Ok(decode::<Signed<'_>>(&body).unwrap().signature.to_vec())
    };
    for scheme in Scheme::ALL {
        let mut bench = Bench::with(scheme);
        let tx = transaction(7, transfer(&[("BANK_002", "100"), ("SHOP", "50")]));
        assert_eq!(rest(&mut bench, 0), refused(COMMAND_SEQUENCE));
        bench.bring(&tx, &[]).unwrap();
        assert_eq!(rest(&mut bench, 0), refused(COMMAND_SEQUENCE), "nothing is signed yet");
        let signature = bench.finish(&tx).unwrap();
        // From any place, as often as one likes, and nothing past the end.
        for from in [0, 1, 63, signature.len() - 1, signature.len(), usize::from(u16::MAX)] {
            let expected = signature.get(from..).unwrap_or_default();
            let expected = &expected[..expected.len().min(SIGNATURE_PIECE)];
            assert_eq!(rest(&mut bench, from).unwrap(), expected, "{scheme} from {from}");
        }
        // A request that was signed is over; the next one ends what can be read of it.
        let again: Result<Judged, _> = get(&mut bench.hsm, Command::Judge, &NOTHING);
        assert_eq!(again, refused(COMMAND_SEQUENCE));
        assert_eq!(bench.sign(&tx, &[]).unwrap(), signature);
        let next = transaction(8, transfer(&[("SHOP", "1")]));
        bench.bring(&next, &[&tx]).unwrap();
        assert_eq!(rest(&mut bench, 0), refused(COMMAND_SEQUENCE));
        assert_ne!(bench.finish(&next).unwrap(), signature);
        bench.hsm.disconnect();
        assert_eq!(rest(&mut bench, 0), refused(ROLE));

        // Signed, encoded and decoded, it meets the authority.
        let signed = Signature { scheme, public_key: &bench.public_key, signature: &signature };
        let mut buffer = [0; MAX_SIGNED_LEN];
        let bytes = encode_signed(&tx, &[signed], &mut buffer).unwrap();
        let decoded = SignedTransaction::decode(bytes).unwrap();
        assert_eq!((decoded.id(), &decoded.signatures[..]), (tx.id(), &[signed][..]));
        let digest = signing_digest(scheme, Purpose::Transaction, &decoded.id());
        verify(scheme, decoded.signatures[0].public_key, &digest, decoded.signatures[0].signature).unwrap();
        let ids = access(&tx);
        let records: Vec<Option<Record<'_>>> =
            ids.iter().map(|id| bench.ledger.0.get(id).map(|bytes| decode(bytes).unwrap())).collect();
        let env = Env { chain_id: chain(), height: bench.height + 1, time_ms: START_MS };
        let view = Fetched { ids: &ids, records: &records };
        let key = KeyRef::of(scheme, decoded.signatures[0].public_key);
        transition(&env, &tx, Signers::Verified(&[key]), &view).unwrap();
        // The same bytes as a key of another scheme are another key.
        for other in Scheme::ALL.into_iter().filter(|other| *other != scheme) {
            let key = KeyRef { scheme: other, ..key };
            let refused = transition(&env, &tx, Signers::Verified(&[key]), &view);
            assert_eq!(refused.map(drop), Err(Reject::Rule(Rule::AuthorityNotMet)));
        }
    }
}

#[test]
fn what_the_ledger_would_refuse_is_not_signed() {
    let mut bench = Bench::new();
    let good = transaction(7, transfer(&[("SHOP", "50")]));
    for (tx, code) in [
        (Transaction { nonce: 8, ..good.clone() }, NONCE_AHEAD),
        (Transaction { last_valid_height: 10, ..good.clone() }, EXPIRED),
        (Transaction { chain_id: ChainId::new("OTHER").unwrap(), ..good.clone() }, WRONG_CHAIN),
        (transaction(7, transfer(&[("SHOP", "5001")])), INSUFFICIENT_BALANCE),
        (Transaction { sender: account("STRANGER"), ..good.clone() }, KEY_NOT_AUTHORISED),
        (
            Transaction { op: Op::CloseAccount, fee: amount("1"), ..good.clone() },
            qenex_core::error::ACCOUNT_NOT_EMPTY,
        ),
    ] {
        assert_eq!(bench.judge(&tx, &[]), refused(code), "{tx:?}");
        assert_eq!(bench.sign(&tx, &[]), refused(code));
    }
    bench.judge(&good, &[]).unwrap();
}

/// Each rule of the policy, one that refuses and one that just allows.
#[test]
fn what_is_not_final_is_replayed() {
    let mut bench = Bench::new();
    let txs: Vec<_> = (7..12).map(|nonce| transaction(nonce, transfer(&[("SHOP", "1000")]))).collect();
    bench.sign(&txs[0], &[]).unwrap();
    // The second needs the first, in its place.
    assert_eq!(bench.judge(&txs[1], &[]), refused(NONCE_AHEAD));
    let stranger = transaction(7, transfer(&[("STRANGER", "1")]));
    assert_eq!(bench.judge(&txs[1], &[&stranger]), refused(PENDING_UNKNOWN));
    bench.sign(&txs[1], &[&txs[0]]).unwrap();
    bench.sign(&txs[2], &[&txs[0], &txs[1]]).unwrap();
    assert_eq!(bench.judge(&txs[3], &[&txs[1], &txs[0], &txs[2]]), refused(NONCE_AHEAD));
    bench.sign(&txs[3], &[&txs[0], &txs[1], &txs[2]]).unwrap();
    assert_eq!(MAX_PENDING, 4);
    let all: Vec<_> = txs[..4].iter().collect();
    assert_eq!(bench.judge(&txs[4], &all), refused(PENDING_FULL));
    // When the first two are final there is room; the balance is what remains after all of them.
    bench.ledger.execute(&txs[0], 11);
    bench.ledger.execute(&txs[1], 11);
    bench.advance(1, 1_000);
    let poor = transaction(11, transfer(&[("SHOP", "1000.5")]));
    assert_eq!(bench.judge(&poor, &[&txs[2], &txs[3]]), refused(INSUFFICIENT_BALANCE));
    bench.sign(&txs[4], &[&txs[2], &txs[3]]).unwrap();
}

#[test]
fn a_witness_that_does_not_hold_proves_nothing() {
    let mut bench = Bench::new();
    let tx = transaction(7, transfer(&[("SHOP", "1")]));
    let (records, proof) = bench.ledger.witness(&[&tx]);
    let mut buffer = [0; <Transaction<'_> as Encoded>::MAX_LEN];
    let bytes = encode(&tx, &mut buffer).unwrap().to_vec();
    let run = |bench: &mut Bench, records: &[u8], proof: &[u8]| {
        let begin = BeginSign { slot: 0, witnessed: true, transaction: &bytes };
        tell(&mut bench.hsm, Command::BeginSign, &begin)?;
        tell(&mut bench.hsm, Command::Records, &Records { records })?;
        tell(&mut bench.hsm, Command::Proof, &Piece { bytes: proof })?;
        bench.finish(&tx)
    };
    // Not even a byte of a record or of the proof may differ.
    let mut refusals = 0;
    for byte in 0..records.len() {
        let mut wrong = records.clone();
        wrong[byte] ^= 1;
        assert!(run(&mut bench, &wrong, &proof).is_err(), "record byte {byte}");
        refusals += 1;
    }
    for byte in (0..proof.len()).step_by(3) {
        let mut wrong = proof.clone();
        wrong[byte] ^= 1;
        assert!(run(&mut bench, &records, &wrong).is_err(), "proof byte {byte}");
        refusals += 1;
    }
    assert!(refusals > 200);
    // A record of a richer account in the place of the own one: the value that was proven is another.
    let mut rich = bench.ledger.clone();
    let id = RecordId::Balance(account("BANK_001"), usdc());
    rich.put(id, &Record::Balance(Balance { amount: amount("9000") }));
    let (rich_records, rich_proof) = rich.witness(&[&tx]);
    assert_eq!(run(&mut bench, &rich_records, &proof), refused(WITNESS_RECORD));
    assert_eq!(run(&mut bench, &rich_records, &rich_proof), refused(PROOF_ROOT));
    // Nothing, too little, nothing at all.
    let begin = BeginSign { slot: 0, witnessed: true, transaction: &bytes };
    tell(&mut bench.hsm, Command::BeginSign, &begin).unwrap();
    assert_eq!(bench.finish(&tx), refused(WITNESS_MISSING));
    let early = tell(&mut bench.hsm, Command::Proof, &Piece { bytes: &proof });
    assert_eq!(early, refused(COMMAND_SEQUENCE));
    tell(&mut bench.hsm, Command::Records, &Records { records: &records[..2] }).unwrap_err();
    run(&mut bench, &records, &proof).unwrap();
}

#[test]
fn a_key_without_policy_and_a_locked_device_sign_nothing() {
    let mut bench = Bench::new();
    let tx = transaction(7, transfer(&[("SHOP", "1")]));
    let create = CreateKey {
        slot: 1,
        scheme: Scheme::Ed25519,
        purpose: Purpose::Transaction,
        path: 1,
        label: UserName::new("SECOND").unwrap(),
    };
    ask(&mut bench.hsm, Command::CreateKey, &create).unwrap();
    let mut buffer = [0; <Transaction<'_> as Encoded>::MAX_LEN];
    let bytes = encode(&tx, &mut buffer).unwrap();
    let begin = BeginSign { slot: 1, witnessed: false, transaction: bytes };
    tell(&mut bench.hsm, Command::BeginSign, &begin).unwrap();
    assert_eq!(bench.finish(&tx), refused(KEY_POLICY));
    // Bytes that are not a transaction.
    for wrong in [&bytes[1..], &bytes[..bytes.len() - 1], &[0; 32], &[]] {
        let begin = BeginSign { slot: 0, witnessed: false, transaction: wrong };
        assert!(tell(&mut bench.hsm, Command::BeginSign, &begin).is_err());
        assert!(ask(&mut bench.hsm, Command::Sign, &NOTHING).is_err());
    }
}
