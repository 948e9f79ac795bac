//! Keys of plain use: raw data is signed as other implementations sign it, as a whole, in order, and by these keys only. Random bytes.
#![allow(clippy::unwrap_used)] // a test that meets what it does not expect should stop there

#[allow(dead_code)] // each test uses a part of it
mod flash_disk;
#[allow(dead_code)]
mod hsm_board;

use fips204::ml_dsa_87;
use fips204::traits::{SerDes, Verifier};
use hsm_board::{NOTHING, TestBoard, ask, get, give, name, power_on, refused, tell};
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use p256::ecdsa::{Signature, VerifyingKey};
use qenex_core::codec::decode;
use qenex_core::crypto::{Domain, Purpose, Scheme, hash};
use qenex_core::error::{
    COMMAND_SEQUENCE, DECODE_MALFORMED, DIGEST_LENGTH, KEY_PURPOSE, KEY_SCHEME, KEY_UNKNOWN,
    WITNESS_TOO_LARGE,
};
use qenex_core::hsm::audit::{ENTRY_BYTES, Entry};
use qenex_core::hsm::proto::{
    AddUser, AuditFrom, Command, CreateKey, Index, Initialise, KeyInfo, Login, PieceAt, RandomBytes, Rest,
    SIGNATURE_PIECE, Signed, Status,
};
use qenex_core::hsm::{Hsm, Refusal, Role};

type Device = Hsm<TestBoard>;

const PIN: &[u8] = b"everybody's pin";
/// The schemes of keys of plain use, and their slots.
const SCHEMES: [(u8, Scheme); 3] = [(0, Scheme::Ed25519), (1, Scheme::MlDsa87), (2, Scheme::P256)];
/// A slot whose key signs transactions.
const TRANSACTIONS: u8 = 3;
/// The longest data.
const LONGEST: usize = 8_192;

fn create(hsm: &mut Device, slot: u8, scheme: Scheme, purpose: Purpose) -> Result<Vec<u8>, Refusal> {
    let create = CreateKey { slot, scheme, purpose, path: slot.into(), label: name("KEY") };
    let body = ask(hsm, Command::CreateKey, &create)?;
    Ok(decode::<KeyInfo<'_>>(&body).unwrap().public_key.to_vec())
}

/// A device with everybody logged in, and the public keys of its keys of plain use.
fn device() -> (Device, Vec<Vec<u8>>) {
    let mut hsm = power_on(TestBoard::new(41));
    let initialise = Initialise { name: name("HSM"), officers_needed: 1, officer: name("ALICE"), pin: PIN };
    tell(&mut hsm, Command::Initialise, &initialise).unwrap();
    login(&mut hsm, "ALICE");
    for (user, role) in [("OSCAR", Role::Operator), ("AUDREY", Role::Auditor)] {
        tell(&mut hsm, Command::AddUser, &AddUser { user: name(user), role, pin: PIN }).unwrap();
        login(&mut hsm, user);
    }
    let keys = SCHEMES.map(|(slot, scheme)| create(&mut hsm, slot, scheme, Purpose::Plain).unwrap());
    create(&mut hsm, TRANSACTIONS, Scheme::Ed25519, Purpose::Transaction).unwrap();
    (hsm, keys.into())
}

fn login(hsm: &mut Device, user: &str) {
    tell(hsm, Command::Login, &Login { user: name(user), pin: PIN }).unwrap();
}

/// Brings data in pieces of this length.
fn bring(hsm: &mut Device, data: &[u8], piece: usize) -> Result<(), Refusal> {
    tell(hsm, Command::Data, &PieceAt { offset: 0, bytes: data.get(..piece).unwrap_or(data) })?;
    for (index, bytes) in data.chunks(piece).enumerate().skip(1) {
        tell(hsm, Command::Data, &PieceAt { offset: (index * piece) as u32, bytes })?;
    }
    Ok(())
}

/// The signature of the data that was brought.
fn finish(hsm: &mut Device, slot: u8) -> Result<Vec<u8>, Refusal> {
    let mut whole = Vec::new();
    let mut body = ask(hsm, Command::SignData, &Index { index: slot })?;
    loop {
        let piece = decode::<Signed<'_>>(&body).unwrap().signature.to_vec();
        whole.extend(&piece);
        if piece.len() < SIGNATURE_PIECE {
            return Ok(whole);
        }
        body = ask(hsm, Command::SignatureRest, &Rest { from: whole.len() as u16 })?;
    }
}

/// Whether another implementation takes the signature of these bytes themselves.
fn others_accept(scheme: Scheme, public_key: &[u8], data: &[u8], signature: &[u8]) -> bool {
    match scheme {
        Scheme::Ed25519 => ed25519_compact::PublicKey::from_slice(public_key)
            .unwrap()
            .verify(data, &ed25519_compact::Signature::from_slice(signature).unwrap())
            .is_ok(),
        Scheme::MlDsa87 => ml_dsa_87::PublicKey::try_from_bytes(public_key.try_into().unwrap())
            .unwrap()
            .verify(data, signature.try_into().unwrap(), &[]),
        Scheme::P256 => VerifyingKey::from_sec1_bytes(public_key)
            .unwrap()
            .verify_prehash(data, &Signature::from_slice(signature).unwrap())
            .is_ok(),
        Scheme::Hybrid => false,
    }
}

/// Bytes that differ from place to place.
fn data(length: usize) -> Vec<u8> {
    (0..length).map(|index| ((index * 31) >> 3) as u8 ^ index as u8).collect()
}

#[test]
fn others_accept_what_is_signed() {
    let (mut hsm, keys) = device();
    for ((slot, scheme), public_key) in SCHEMES.into_iter().zip(&keys) {
        let lengths = match scheme {
            Scheme::P256 => &[32][..],
            // Around the length of a signature, whose place the data has, and up to the longest.
            _ => &[0, 1, 32, 4_000, 4_626, 4_627, 4_628, LONGEST],
        };
        for &length in lengths {
            let data = data(length);
            let mut signatures = Vec::new();
            for piece in [1_000, 4_000] {
                bring(&mut hsm, &data, piece).unwrap();
                signatures.push(finish(&mut hsm, slot).unwrap());
            }
            assert_eq!(signatures[0], signatures[1], "{scheme}, {length} bytes: signing is deterministic");
            assert_eq!(signatures[0].len(), scheme.signature_bytes());
            assert!(others_accept(scheme, public_key, &data, &signatures[0]), "{scheme}, {length} bytes");
            if let Some(last) = length.checked_sub(1) {
                let mut other = data.clone();
                other[last] ^= 1;
                assert!(!others_accept(scheme, public_key, &other, &signatures[0]), "{scheme}");
            }
        }
    }
}

/// What is signed lay on the device as a whole; every other order of requests signs nothing.
#[test]
fn data_comes_whole_and_in_order() {
    let (mut hsm, keys) = device();
    let sequence = refused(COMMAND_SEQUENCE);
    let piece = |offset, bytes| PieceAt { offset, bytes };
    assert_eq!(finish(&mut hsm, 0), refused(COMMAND_SEQUENCE));
    assert_eq!(tell(&mut hsm, Command::Data, &piece(3, b"def")), sequence);
    tell(&mut hsm, Command::Data, &piece(0, b"abc")).unwrap();
    // A gap, a piece twice; what is there stays.
    for offset in [1, 2, 4, u32::MAX] {
        assert_eq!(tell(&mut hsm, Command::Data, &piece(offset, b"def")), sequence);
    }
    tell(&mut hsm, Command::Data, &piece(3, b"def")).unwrap();
    let signature = finish(&mut hsm, 0).unwrap();
    assert!(others_accept(Scheme::Ed25519, &keys[0], b"abcdef", &signature));
    // It is signed once; what is left is the signature.
    assert_eq!(finish(&mut hsm, 0), refused(COMMAND_SEQUENCE));
    assert_eq!(tell(&mut hsm, Command::Data, &piece(6, b"ghi")), sequence);
    let rest = ask(&mut hsm, Command::SignatureRest, &Rest { from: 60 }).unwrap();
    assert_eq!(decode::<Signed<'_>>(&rest).unwrap().signature, &signature[60..]);
    // From the beginning again.
    tell(&mut hsm, Command::Data, &piece(0, b"abc")).unwrap();
    tell(&mut hsm, Command::Data, &piece(0, b"xyz")).unwrap();
    let signature = finish(&mut hsm, 0).unwrap();
    assert!(others_accept(Scheme::Ed25519, &keys[0], b"xyz", &signature));
    // Requests that lie in the same place, and a logout, end it.
    for command in [Command::FinishUpdate, Command::Judge, Command::Sign] {
        tell(&mut hsm, Command::Data, &piece(0, b"abc")).unwrap();
        assert_eq!(tell(&mut hsm, command, &NOTHING), sequence, "{command:?}");
    }
    tell(&mut hsm, Command::Data, &piece(0, b"abc")).unwrap();
    tell(&mut hsm, Command::Logout, &NOTHING).unwrap();
    login(&mut hsm, "OSCAR");
    assert_eq!(finish(&mut hsm, 0), refused(COMMAND_SEQUENCE));
    // One byte more than there is room for.
    bring(&mut hsm, &data(LONGEST), 4_000).unwrap();
    assert_eq!(tell(&mut hsm, Command::Data, &piece(LONGEST as u32, b"x")), refused(WITNESS_TOO_LARGE));
    let signature = finish(&mut hsm, 0).unwrap();
    assert!(others_accept(Scheme::Ed25519, &keys[0], &data(LONGEST), &signature));
}

#[test]
fn what_a_key_does_not_sign_is_refused() {
    let (mut hsm, _) = device();
    assert_eq!(create(&mut hsm, 9, Scheme::Hybrid, Purpose::Plain), refused(KEY_SCHEME));
    let before = audit(&mut hsm).len();
    for length in [0, 20, 31, 33, 64, LONGEST] {
        bring(&mut hsm, &data(length), 4_000).unwrap();
        assert_eq!(finish(&mut hsm, 2), refused(DIGEST_LENGTH), "{length}");
        assert_eq!(finish(&mut hsm, 2), refused(COMMAND_SEQUENCE));
    }
    for (slot, code) in [(TRANSACTIONS, KEY_PURPOSE), (9, KEY_UNKNOWN), (255, KEY_UNKNOWN)] {
        bring(&mut hsm, &data(32), 4_000).unwrap();
        assert_eq!(finish(&mut hsm, slot), refused(code));
        // The data is still there: the host named a wrong slot.
        finish(&mut hsm, 2).unwrap();
    }
    // What was not signed is not in the log.
    assert_eq!(audit(&mut hsm).len(), before + 3);
}

fn audit(hsm: &mut Device) -> Vec<Entry> {
    let body = ask(hsm, Command::AuditRead, &AuditFrom { count: 0 }).unwrap();
    body.chunks(ENTRY_BYTES).map(|bytes| Entry::from_bytes(bytes.try_into().unwrap()).unwrap()).collect()
}

#[test]
fn the_log_names_what_was_signed() {
    let (mut hsm, _) = device();
    for (slot, scheme) in SCHEMES {
        bring(&mut hsm, &data(32), 4_000).unwrap();
        finish(&mut hsm, slot).unwrap();
        let entry = *audit(&mut hsm).last().unwrap();
        let about = hash(Domain::PlainData, &[&data(32)]);
        let found = (entry.command, entry.refusal, entry.key, entry.about);
        assert_eq!(found, (Command::SignData as u8, 0, slot, about), "{scheme}");
    }
}

/// Wherever the power fails: a signature that left the device is in the log.
#[test]
fn no_cut_lets_a_signature_out_of_the_log() {
    let (mut start, _) = device();
    let mut cuts = 0;
    for fuse in 1.. {
        let mut hsm = power_on(TestBoard { uptime_ms: 1 << 40, ..start.board().clone() });
        login(&mut hsm, "OSCAR");
        let before: Status = get(&mut hsm, Command::Status, &NOTHING).unwrap();
        bring(&mut hsm, b"data", 4_000).unwrap();
        hsm.board().disk.fuse = Some(fuse);
        let signed = finish(&mut hsm, 0).is_ok();
        let whole = hsm.board().disk.fuse != Some(0);
        let mut board = hsm.board().clone();
        board.disk.restart();
        let after: Status = get(&mut power_on(board), Command::Status, &NOTHING).unwrap();
        assert!(!signed || after.audit_count == before.audit_count + 1, "cut {fuse}");
        if whole {
            assert!(signed);
            break;
        }
        cuts += 1;
    }
    assert!(cuts > 0);
}

#[test]
fn random_bytes_of_every_number() {
    let (mut hsm, _) = device();
    tell(&mut hsm, Command::Logout, &NOTHING).unwrap();
    let mut heads = std::collections::HashSet::new();
    for count in 1..=u8::MAX {
        let request = RandomBytes { count: count.try_into().unwrap() };
        let bytes = ask(&mut hsm, Command::Random, &request).unwrap();
        assert_eq!(bytes.len(), usize::from(count));
        if let Some(head) = bytes.first_chunk::<16>() {
            assert!(heads.insert(*head), "the same bytes again");
        }
        for piece in bytes.as_chunks::<32>().0.iter().skip(1) {
            assert!(heads.insert(*piece.first_chunk().unwrap()), "the same bytes again");
        }
    }
    assert_eq!(give(&mut hsm, Command::Random as u8, &[0]), refused(DECODE_MALFORMED));
    assert_eq!(heads.len(), 240 + (2..=7).map(|pieces| 256 - 32 * pieces).sum::<usize>());
}
