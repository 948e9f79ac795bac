//! Every encoding against one written by hand, and the refusal of every other form.
//!
//! The property behind most of it: whatever bytes decode to a value are exactly the bytes of that value. So each way of damaging
//! an encoding either is refused or has become the one encoding of another value.
#![allow(clippy::unwrap_used)] // a test that meets what it does not expect should stop there

mod codec_plain;
mod codec_values;
mod kept;
mod num_common;

use codec_plain::{self as plain, Plain};
use codec_values::{self as values, OPS};
use num_common::{cases, rng};
use qenex_core::codec::{DecodeError, Encoded, decode, decode_front, decode_trusted, encode, hash_encoded};
use qenex_core::consensus::Header;
use qenex_core::crypto::{Domain, Scheme, hash};
use qenex_core::ledger::{Receipt, Record, RecordId};
use qenex_core::tx::{KeyRef, MAX_SIGNED_LEN, Op, Signature, SignedTransaction, Transaction, encode_signed};
use rand::rngs::StdRng;
use rand::{Rng, RngExt};

/// One kind of thing that is encoded, whether it borrows or not.
trait Kind {
    /// Decodes and encodes again; nothing if the bytes are refused.
    fn again(bytes: &[u8]) -> Result<Vec<u8>, DecodeError>;
    const MAX_LEN: usize;
}

macro_rules! kinds {
    ($($kind:ty),*) => {
        $( impl Kind for $kind {
            fn again(bytes: &[u8]) -> Result<Vec<u8>, DecodeError> {
                decode::<$kind>(bytes).map(|value| bytes_of(&value))
            }
            const MAX_LEN: usize = <$kind as Encoded>::MAX_LEN;
        } )*
    };
}
kinds!(Transaction<'_>, Op<'_>, Header, Receipt, Record<'_>, RecordId);

struct Signed;

impl Kind for Signed {
    fn again(bytes: &[u8]) -> Result<Vec<u8>, DecodeError> {
        let signed = SignedTransaction::decode(bytes)?;
        let mut buffer = vec![0; MAX_SIGNED_LEN];
        Ok(encode_signed(&signed.transaction, &signed.signatures, &mut buffer).unwrap().to_vec())
    }
    const MAX_LEN: usize = MAX_SIGNED_LEN;
}

fn bytes_of<T: Encoded>(value: &T) -> Vec<u8> {
    let mut buffer = vec![0; T::MAX_LEN];
    encode(value, &mut buffer).unwrap().to_vec()
}

/// Whatever is accepted is the one encoding of its value.
fn accepts_only_canonical<K: Kind>(bytes: &[u8]) {
    if let Ok(again) = K::again(bytes) {
        assert_eq!(again, bytes, "accepted a second encoding");
    }
}

/// Damages an encoding in every place: cuts, additions, changed bytes (so many in all, but at least one in each place, at
/// most all 255 others), over-long integers.
fn damage<K: Kind>(bytes: &[u8], changes: usize, rng: &mut StdRng) {
    let changes = (changes / bytes.len()).clamp(1, 255);
    assert!(bytes.len() <= K::MAX_LEN);
    assert_eq!(K::again(bytes).as_deref(), Ok(bytes));
    for len in 0..bytes.len() {
        assert!(K::again(&bytes[..len]).is_err(), "accepted {len} of {} bytes", bytes.len());
    }
    for more in [0x00, 0x01, 0x80, 0xff] {
        assert!(K::again(&[bytes, &[more]].concat()).is_err(), "accepted {more:#04x} at the end");
    }
    let first = rng.random_range(0..255);
    for i in 0..bytes.len() {
        let mut changed = bytes.to_vec();
        for n in 0..changes {
            changed[i] = bytes[i] ^ ((first + i * 7 + n) % 255 + 1) as u8;
            accepts_only_canonical::<K>(&changed);
        }
        // The last byte of an integer with a zero group added: the same number, one byte longer.
        let mut longer = bytes.to_vec();
        longer[i] |= 0x80;
        longer.insert(i + 1, 0x00);
        accepts_only_canonical::<K>(&longer);
        let mut missing = bytes.to_vec();
        missing.remove(i);
        accepts_only_canonical::<K>(&missing);
    }
}

/// Round trip, equality with the hand-written encoding, hash without a buffer, then damage.
fn check<T>(value: &T, plain: Plain, domain: Domain, changes: usize, rng: &mut StdRng)
where
    T: Encoded + serde::Deserialize<'static> + Kind + PartialEq + std::fmt::Debug,
{
    let bytes: &[u8] = bytes_of(value).leak();
    assert_eq!(bytes, plain.0, "{value:?}");
    assert_eq!(decode::<T>(bytes).as_ref(), Ok(value));
    assert_eq!(decode_trusted::<T>(bytes).as_ref(), Ok(value));
    assert_eq!(decode_front::<T>([bytes, &[7]].concat().leak()), Ok((decode(bytes).unwrap(), &[7][..])));
    assert_eq!(hash_encoded(domain, value), hash(domain, &[bytes]));
    let mut short = vec![0; bytes.len() - 1];
    assert!(encode(value, &mut short).is_err());
    damage::<T>(bytes, changes, rng);
}

fn check_signed(tx: &Transaction<'_>, changes: usize, rng: &mut StdRng) {
    let parts = values::signatures(rng);
    let signatures: Vec<_> = parts
        .iter()
        .map(|(public_key, signature)| Signature { scheme: Scheme::Ed25519, public_key, signature })
        .collect();
    let mut buffer = vec![0; MAX_SIGNED_LEN];
    let bytes = encode_signed(tx, &signatures, &mut buffer).unwrap();
    assert_eq!(bytes, plain::signed(tx, &parts).0);
    let signed = SignedTransaction::decode(bytes).unwrap();
    assert_eq!((&signed.transaction, &signed.signatures[..]), (tx, &signatures[..]));
    assert_eq!(signed.transaction_bytes, plain::transaction(tx).0);
    assert_eq!(signed.id(), tx.id());
    assert_eq!(signed.id(), hash(Domain::Transaction, &[signed.transaction_bytes]));
    let entry = [signed.id().0, hash(Domain::Signatures, &[signed.signature_bytes]).0].concat();
    assert_eq!(signed.log_entry()[..], entry);
    damage::<Signed>(bytes, changes, rng);
}

fn check_round(number: u64, changes: usize, rng: &mut StdRng) {
    let tx = values::transaction(rng, number as usize % OPS);
    check(&tx.op, plain::op(&tx.op), Domain::Transaction, changes, rng);
    check(&tx, plain::transaction(&tx), Domain::Transaction, changes, rng);
    check_signed(&tx, changes, rng);
    let header = values::header(rng);
    check(&header, plain::header(&header), Domain::Header, changes, rng);
    assert_eq!(header.id(), hash(Domain::Header, &[&bytes_of(&header)]));
    let receipt = values::receipt(rng);
    check(&receipt, plain::receipt(&receipt), Domain::LogLeaf, changes, rng);
    let record = values::record(rng);
    check(&record, plain::record(&record), Domain::RecordValue, changes, rng);
    assert_eq!(record.value_hash(), hash(Domain::RecordValue, &[&bytes_of(&record)]));
    let id = values::record_id(rng);
    check(&id, plain::record_id(&id), Domain::RecordKey, changes, rng);
    let mut padded = bytes_of(&id)[..2].to_vec();
    let pad = |text: String| text.into_bytes().into_iter().chain(std::iter::repeat(0)).take(24);
    padded.extend(match &id {
        RecordId::Account(first) | RecordId::Validator(first) => pad(first.to_string()).collect(),
        RecordId::Asset(first) => pad(first.to_string()).collect(),
        RecordId::Pool(first) => pad(first.to_string()).collect(),
        RecordId::Balance(first, second) => pad(first.to_string()).chain(pad(second.to_string())).collect(),
        RecordId::Shares(first, second) => pad(first.to_string()).chain(pad(second.to_string())).collect(),
        RecordId::Delegation(first, second) | RecordId::Unbonding(first, second) => {
            pad(first.to_string()).chain(pad(second.to_string())).collect()
        }
        RecordId::Staking => vec![],
        RecordId::Candidate(slot) => slot.to_be_bytes().to_vec(),
        RecordId::Key(key) => key.0.to_vec(),
        RecordId::Seat(place) => vec![*place],
    });
    padded.resize(RecordId::KEY_INPUT_LEN, 0);
    assert_eq!(id.key(), hash(Domain::RecordKey, &[&padded]));
}

#[test]
fn encodings_are_as_written_by_hand_and_damaged_ones_are_refused() {
    let mut rng = rng();
    for number in 0..cases() / 200 {
        check_round(number, 1, &mut rng);
    }
}

#[test]
fn every_other_byte_in_every_place() {
    let mut rng = rng();
    for number in 0..OPS as u64 {
        check_round(number, 255 * 100, &mut rng);
    }
}

#[test]
fn noise_is_refused_or_canonical() {
    let mut rng = rng();
    let tags = qenex_core::codec::Tag::ALL;
    for _ in 0..cases() {
        let mut bytes = vec![0; rng.random_range(2..200)];
        rng.fill_bytes(&mut bytes);
        if rng.random() {
            // Small numbers make plausible lengths and tags.
            bytes.iter_mut().for_each(|byte| *byte %= 5);
        }
        let (_, tag) = tags[rng.random_range(0..tags.len())];
        bytes[..2].copy_from_slice(&tag.to_be_bytes());
        accepts_only_canonical::<Transaction<'_>>(&bytes);
        accepts_only_canonical::<Op<'_>>(&bytes);
        accepts_only_canonical::<Signed>(&bytes);
        accepts_only_canonical::<Header>(&bytes);
        accepts_only_canonical::<Receipt>(&bytes);
        accepts_only_canonical::<Record<'_>>(&bytes);
        accepts_only_canonical::<RecordId>(&bytes);
    }
}

/// An operation behind the front of some transaction.
fn in_transaction(op: Plain) -> Vec<u8> {
    let tx = values::transaction(&mut rng(), 3);
    plain::transaction_front(&tx).raw(&op.0).0
}

#[test]
fn tags_are_those_of_their_kind() {
    let mut rng = rng();
    let header = plain::header(&values::header(&mut rng)).0;
    let known = |tag: u16, kind: &[&str]| {
        qenex_core::codec::Tag::ALL
            .iter()
            .any(|(name, number)| *number == tag && kind.iter().any(|kind| name == kind))
    };
    let records = [
        "ACCOUNT",
        "ASSET",
        "BALANCE",
        "POOL",
        "SHARES",
        "STAKING",
        "VALIDATOR",
        "UNBONDING",
        "HOLDER",
        "SEAT",
    ];
    let ids = [
        "ACCOUNT_ID",
        "ASSET_ID",
        "BALANCE_ID",
        "POOL_ID",
        "SHARES_ID",
        "STAKING_ID",
        "VALIDATOR_ID",
        "DELEGATION_ID",
        "UNBONDING_ID",
        "CANDIDATE_ID",
        "KEY_ID",
        "SEAT_ID",
    ];
    for tag in 0..=u16::MAX {
        let bytes = [&tag.to_be_bytes()[..], &header[2..]].concat();
        let refused = |kind: &[&str], result: Result<Vec<u8>, DecodeError>| {
            assert_eq!(result == Err(DecodeError::UnknownTag), !known(tag, kind), "{tag:#06x} {kind:?}");
        };
        refused(&["HEADER"], Header::again(&bytes));
        refused(&["TRANSACTION"], Transaction::again(&bytes));
        refused(
            &["SIGNED_TRANSACTION"],
            Signed::again(&bytes).or_else(|error| {
                // The envelope's tag is right, and the transaction in it has none.
                if known(tag, &["SIGNED_TRANSACTION"]) { Ok(vec![]) } else { Err(error) }
            }),
        );
        refused(&["RECEIPT"], Receipt::again(&bytes));
        refused(&records, Record::again(&bytes));
        refused(&ids, RecordId::again(&bytes));
    }
    assert_eq!(Header::again(&[]), Err(DecodeError::UnknownTag));
    assert_eq!(Header::again(&[1]), Err(DecodeError::UnknownTag));
    // A known kind where another belongs, and an unknown operation inside a transaction.
    let of_record = in_transaction(Plain::tag(0x0300));
    assert_eq!(decode::<Transaction>(&of_record), Err(DecodeError::Malformed));
    assert_eq!(decode::<Transaction>(&in_transaction(Plain::tag(0x0217))), Err(DecodeError::Malformed));
    assert!(decode::<Transaction>(&in_transaction(Plain::tag(0x0218))).is_ok());
}

#[test]
fn named_forms_that_are_not_canonical() {
    let op = |plain: Plain| decode::<Op>(&plain.0).map(|_| ());
    let malformed = Err(DecodeError::Malformed);
    let other_form = Err(DecodeError::NotCanonical);

    // Integers in more bytes than needed, and beyond their type.
    let burn = |amount: &[u8]| op(Plain::tag(0x0230).text("A").raw(amount));
    assert_eq!(burn(&[5]), Ok(()));
    assert_eq!(burn(&[0x85, 0x00]), other_form);
    assert_eq!(burn(&[0x85, 0x80, 0x00]), other_form);
    assert_eq!(burn(&[0x80, 0x00]), other_form);
    assert_eq!(burn(&[0xff; 19]), malformed);
    assert_eq!(op(Plain::tag(0x0230).text("A").integer(10u128.pow(38) - 1)), Ok(()));
    assert_eq!(op(Plain::tag(0x0230).text("A").integer(10u128.pow(38))), malformed);
    assert_eq!(op(Plain::tag(0x0230).text("A").integer(u128::MAX)), malformed);
    let fee = |fee: &[u8]| op(Plain::tag(0x0260).text("P").text("A").text("B").raw(fee));
    assert_eq!(fee(&[0xff, 0xff, 0x03]), Ok(()));
    assert_eq!(fee(&[0xff, 0xff, 0x04]), malformed);
    assert_eq!(fee(&[0x9e, 0x80, 0x00]), other_form);

    // Lengths in more bytes than needed.
    assert_eq!(op(Plain::tag(0x0230).raw(&[0x81, 0x00]).raw(b"A").raw(&[5])), other_form);

    // Booleans and options of other bytes.
    for byte in 0..=u8::MAX {
        let expected = if byte < 2 { Ok(()) } else { malformed };
        assert_eq!(op(Plain::tag(0x0210).text("A").raw(&[byte])), expected, "{byte}");
        let swap = Plain::tag(0x0278).text("P").text("A").text("B").raw(&[1, 0, 0, byte]);
        assert_eq!(op(if byte == 1 { swap.raw(&[9]) } else { swap }), expected, "{byte}");
    }

    // Identifiers: empty, too long, other characters, not UTF-8.
    for (id, expected) in [
        (&b"ABCDEFGHIJKLMNOPQRSTUVWX"[..], Ok(())),
        (b"", malformed),
        (b"ABCDEFGHIJKLMNOPQRSTUVWXY", malformed),
        (b"a", malformed),
        (b"A B", malformed),
        (b"A\0", malformed),
        (b"\xc3\x84", malformed),
        (b"\xff", malformed),
    ] {
        let plain = Plain::tag(0x0230).integer(id.len() as u64).raw(id).raw(&[5]);
        assert_eq!(op(plain), expected, "{id:?}");
    }

    // Account kinds and KYC levels that are not in their tables.
    for byte in 0..=u8::MAX {
        let create = |kind, kyc| op(Plain::tag(0x0200).text("A").raw(&[kind, kyc, 1, 33, 1]).raw(&[7; 32]));
        assert_eq!(create(byte, 0), if (1..=4).contains(&byte) { Ok(()) } else { malformed }, "{byte}");
        assert_eq!(create(1, byte), if byte <= 3 { Ok(()) } else { malformed }, "{byte}");
    }
}

#[test]
fn authorities_and_receivers_that_are_none() {
    let malformed = Err(DecodeError::Malformed);
    let rotate = |threshold: u8, keys: &[(u8, u8)]| {
        let start = Plain::tag(0x0208).raw(&[threshold]).integer(33 * keys.len() as u64);
        let plain = keys.iter().fold(start, |out, (scheme, fill)| out.raw(&[*scheme]).raw(&[*fill; 32]));
        decode::<Op>(&plain.0).map(|_| ())
    };
    assert_eq!(rotate(2, &[(1, 3), (1, 4)]), Ok(()));
    assert_eq!(rotate(2, &[(1, 4), (1, 3)]), malformed);
    assert_eq!(rotate(1, &[(1, 4), (1, 4)]), malformed);
    assert_eq!(rotate(0, &[(1, 3), (1, 4)]), malformed);
    assert_eq!(rotate(3, &[(1, 3), (1, 4)]), malformed);
    assert_eq!(rotate(0, &[]), malformed);
    for scheme in 0..=u8::MAX {
        let expected = if (1..=4).contains(&scheme) { Ok(()) } else { malformed };
        assert_eq!(rotate(1, &[(scheme, 3)]), expected, "{scheme}");
    }
    // Of every scheme at once: the order is that of the schemes first.
    assert_eq!(rotate(3, &[(1, 9), (2, 3), (2, 4), (3, 1), (4, 1)]), Ok(()));
    assert_eq!(rotate(3, &[(2, 3), (1, 9)]), malformed);
    let keys: Vec<_> = (0..9).map(|fill| (1, fill)).collect();
    assert_eq!(rotate(8, &keys[..8]), Ok(()));
    assert_eq!(rotate(8, &keys), malformed);
    for bytes in [0u8, 1, 32, 34, 65, 66, 67] {
        let fill = (0..bytes).map(|at| if at % 33 == 0 { 1 } else { at }).collect::<Vec<_>>();
        let plain = Plain::tag(0x0208).raw(&[1, bytes]).raw(&fill);
        let expected = if bytes == 66 { Ok(()) } else { malformed };
        assert_eq!(decode::<Op>(&plain.0).map(|_| ()), expected, "{bytes}");
    }

    let transfer = |receivers: &[&str]| {
        let start = Plain::tag(0x0240).text("A").integer(receivers.len() as u64);
        let plain = receivers.iter().fold(start, |out, to| out.text(to).raw(&[5]).text("rent"));
        decode::<Op>(&plain.0).map(|_| ())
    };
    assert_eq!(transfer(&["B", "A"]), Ok(()));
    assert_eq!(transfer(&["B", "A", "B"]), malformed);
    assert_eq!(transfer(&["B", "B"]), malformed);
    assert_eq!(transfer(&[]), malformed);
    let many: Vec<_> = (0..17).map(|i| format!("R{i}")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    assert_eq!(transfer(&many[..16]), Ok(()));
    assert_eq!(transfer(&many), malformed);
    let reference = |text: &str| {
        decode::<Op>(&Plain::tag(0x0240).text("A").raw(&[1]).text("B").raw(&[5]).text(text).0).map(|_| ())
    };
    assert_eq!(reference(""), Ok(()));
    assert_eq!(reference(&"x".repeat(35)), Ok(()));
    assert_eq!(reference(&"x".repeat(36)), malformed);
    assert_eq!(reference("tab\t"), malformed);
    assert_eq!(reference("\u{e9}"), malformed);
}

#[test]
fn pools_that_cannot_be_are_no_records() {
    let pool = |a: u64, b: u64, shares: u64, fee: u64| {
        let plain = Plain::tag(0x0330).text("A").text("B");
        decode::<Record>(&plain.integer(a).integer(b).integer(shares).integer(fee).0).map(|_| ())
    };
    assert_eq!(pool(0, 0, 0, 30), Ok(()));
    assert_eq!(pool(1, 1, 1_000, 9_999), Ok(()));
    for (a, b, shares, fee) in
        [(1, 0, 0, 30), (0, 1, 0, 30), (0, 0, 1_000, 30), (1, 1, 999, 30), (1, 1, 0, 30), (0, 0, 0, 10_000)]
    {
        assert_eq!(pool(a, b, shares, fee), Err(DecodeError::Malformed), "{a} {b} {shares} {fee}");
    }
}

#[test]
fn signatures_are_bounded() {
    let mut rng = rng();
    let tx = values::transaction(&mut rng, 6);
    let decode = |parts: &[(Vec<u8>, Vec<u8>)]| {
        let bytes = plain::signed(&tx, parts).0;
        SignedTransaction::decode(&bytes).map(|_| ())
    };
    let one = (vec![3; 32], vec![4; 64]);
    assert_eq!(decode(&[]), Ok(()));
    assert_eq!(decode(&vec![one.clone(); 8]), Ok(()));
    assert_eq!(decode(&vec![one.clone(); 9]), Err(DecodeError::Malformed));
    assert_eq!(decode(&[(vec![3; 32], vec![4; 70_000])]), Err(DecodeError::TooLong));
    assert_eq!(decode(&[(vec![3; 70_000], vec![4; 64])]), Err(DecodeError::TooLong));

    let signature = Signature { scheme: Scheme::Ed25519, public_key: &one.0, signature: &one.1 };
    let mut buffer = vec![0; MAX_SIGNED_LEN];
    assert!(encode_signed(&tx, &[signature; 9], &mut buffer).is_err());
    let len = encode_signed(&tx, &[signature; 8], &mut buffer).unwrap().len();
    for short in 0..len {
        assert!(encode_signed(&tx, &[signature; 8], &mut buffer[..short]).is_err(), "{short} of {len}");
    }
    assert_eq!(KeyRef::of(Scheme::Ed25519, &one.0), KeyRef::of(Scheme::Ed25519, &[3; 32]));
}
