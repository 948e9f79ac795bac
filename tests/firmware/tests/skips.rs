//! A fault that skips one instruction turns no decision: a wrong PIN does not open the device, what the policy refuses and what contradicts a
//! vote is not signed, who may not give a command does not, and no header is trusted that a quorum of the known set did not sign.
//!
//! Each instruction that decides is skipped in a run of its own. `QENEX_SKIPS=1` skips each one, without it every so many-th;
//! `QENEX_SKIP_IN=all` those of all functions but cryptographic primitives.
#![allow(clippy::unwrap_used)] // a test that meets what it does not expect should stop there

use std::collections::BTreeMap;

use qenex_core::codec::{decode, encode};
use qenex_core::crypto::aead::TAG_BYTES;
use qenex_core::crypto::ed25519::SIGNATURE_BYTES;
use qenex_core::crypto::{Hash, Purpose};
use qenex_core::error::{
    CERTIFICATE_SIGNATURE, CERTIFICATE_SIGNERS, Code, HEADER_EPOCH, KEY_PURPOSE, PIN_WRONG, POLICY_AMOUNT,
    POLICY_WINDOW, ROLE, VOTE_CONTRADICTS,
};
use qenex_core::hsm::channel::HEADER;
use qenex_core::hsm::proto::{Command, Index, Login, Members, PieceAt, Rest, Status};
use qenex_device::{Client, DeviceError};
use qenex_firmware_tests::chain::{Certified, Chain};
use qenex_firmware_tests::device::{
    self, Session, TRANSACTIONS, begin_transfer, is_refusal, name, notarize, set_policy, set_policy_with,
    set_up, status, vote,
};
use qenex_firmware_tests::{Emulator, FlashFile, Skip, Skips};
use tempfile::TempDir;
use zeroize::Zeroizing;

/// Every so many-th instruction is skipped where `QENEX_SKIPS` does not say: of requests that decide with few instructions, and of others.
const OF_FEW: usize = 11;
/// See above.
const OF_MANY: usize = 101;

/// The functions that decide: of the service, of policies, of the guard, of the light client.
const DECIDE: &str = "hsm::service,hsm::users,hsm::keys,hsm::data,hsm::votes,hsm::sign::,hsm::signed,hsm::store,policy::,consensus::,crypto::scheme::verify";

/// A device that is set up, in the emulator that skips; `prepare` is done to it before.
fn attacked(prepare: impl FnOnce(&mut Session<'_>)) -> (TempDir, Skips) {
    let folder = TempDir::new().unwrap();
    let emulator = Emulator::start(FlashFile::create_the_same(folder.path()).unwrap()).unwrap();
    let mut session = device::connect(&emulator).unwrap();
    set_up(&mut session).unwrap();
    prepare(&mut session);
    drop(session);
    let skips = Skips::start(emulator.stop().unwrap()).unwrap();
    (folder, skips)
}

fn open(skips: &Skips) -> Session<'_> {
    Client::open(skips.line().unwrap(), &Zeroizing::new(device::HOST), None).unwrap()
}

/// Attacks one request that is refused, looks what came of it with the last of so many others, and returns what every skipped instruction led to.
fn attack<T>(
    skips: &Skips,
    session: &mut Session<'_>,
    every: usize,
    refusal: Code,
    request: impl FnOnce(&mut Session<'_>) -> Result<T, DeviceError>,
    others: (usize, impl FnOnce(&mut Session<'_>)),
) -> Vec<Skip> {
    let request = |session: &mut Session<'_>| {
        assert!(is_refusal(&request(session), refusal.number), "without a fault it is refused");
    };
    attack_any(skips, session, every, request, others)
}

/// Attacks one request, whatever comes of it without a fault.
fn attack_any(
    skips: &Skips,
    session: &mut Session<'_>,
    every: usize,
    request: impl FnOnce(&mut Session<'_>),
    (others, probe): (usize, impl FnOnce(&mut Session<'_>)),
) -> Vec<Skip> {
    let every = std::env::var("QENEX_SKIPS").map_or(every, |text| text.parse().unwrap());
    let functions = std::env::var("QENEX_SKIP_IN").unwrap_or(DECIDE.into());
    skips.attack(&functions, every, others).unwrap();
    std::thread::scope(|scope| {
        let report = scope.spawn(|| skips.report().unwrap());
        request(session);
        probe(session);
        report.join().unwrap()
    })
}

/// Fails if there is an instruction whose skipping did harm, and says which.
fn judge(what: &str, reports: &[Skip], harm: impl Fn(&Skip, &Skip) -> bool) {
    let (normal, skips) = reports.split_first().unwrap();
    let same = |skip: &&Skip| skip.attacked == normal.attacked && skip.probe == normal.probe;
    let silent = |skip: &&Skip| !skip.lost && (skip.attacked.is_none() || skip.probe.is_none());
    let count = |what: &dyn Fn(&&Skip) -> bool| skips.iter().filter(what).count();
    let lost = count(&|skip| skip.lost);
    println!(
        "{what}: {} skipped instructions; {} refused as without, {} without an answer, {lost} lost",
        skips.len(),
        count(&same),
        count(&silent),
    );
    assert!(100 * lost <= skips.len(), "the emulator is not to be trusted");
    let mut harmful = BTreeMap::<u64, usize>::new();
    skips
        .iter()
        .filter(|skip| harm(normal, skip))
        .for_each(|skip| *harmful.entry(skip.address).or_default() += 1);
    for (address, times) in &harmful {
        println!("{what}: harmful at {address:x}, {times} times");
    }
    assert!(harmful.is_empty(), "{what}: {} instructions", harmful.len());
}

/// What an answer that is sealed with the keys and the count of another one says, as far as that is known.
fn plain(sealed: &[u8], normal: &[u8], known: &[u8]) -> Vec<u8> {
    let both = sealed.iter().zip(normal).skip(HEADER).map(|(a, b)| a ^ b);
    both.zip(known).map(|(difference, byte)| difference ^ byte).collect()
}

/// The harm of a signature: an answer that is longer than the refusal by as much.
fn signature(normal: &Skip, skip: &Skip) -> bool {
    let longer = |answer: &Option<Vec<u8>>, normal: &Option<Vec<u8>>| {
        answer
            .as_ref()
            .zip(normal.as_ref())
            .is_some_and(|(answer, normal)| answer.len() >= normal.len() + SIGNATURE_BYTES)
    };
    longer(&skip.attacked, &normal.attacked) || longer(&skip.probe, &normal.probe)
}

fn wrong_pin(user: &str) {
    let (_folder, skips) = attacked(|_| {});
    let mut session = open(&skips);
    let mut known = Vec::new();
    let login = Login { user: name(user).unwrap(), pin: b"another pin" };
    let reports = attack(
        &skips,
        &mut session,
        OF_MANY,
        PIN_WRONG,
        |session| session.ask(Command::Login, &login),
        (1, |session| known.push(status(session).unwrap())),
    );
    let status = known.remove(0);
    assert_eq!((status.logged_in, status.unlocked), (0, false));
    judge(&format!("a wrong PIN of {user}"), &reports, |normal, skip| {
        says(normal, skip, &status, |said| said.logged_in != 0 || said.unlocked)
    });
}

/// The harm of a status: one that says this, or that cannot be read with what is known of the answer. A refusal says nothing; nor does
/// a status that differs only in the numbers at its end, of the audit log, which may become longer than what is known.
fn says(normal: &Skip, skip: &Skip, known: &Status, harm: impl Fn(&Status) -> bool) -> bool {
    let Some((sealed, normal)) = skip.probe.as_ref().zip(normal.probe.as_ref()) else { return false };
    let mut buffer = [0; 256];
    let answer = [&[0, 0], encode(known, &mut buffer).unwrap()].concat();
    let plain = plain(sealed, normal, &answer);
    let short = Status { audit_count: 0, audit_taken: 0, ..known.clone() };
    let short = [&[0, 0], encode(&short, &mut buffer).unwrap()].concat();
    let before_audit = short.get(..short.len() - 2).unwrap();
    match sealed.len().saturating_sub(HEADER + TAG_BYTES) {
        0..=2 => false,
        _ if plain.starts_with(before_audit) => false,
        len => plain.get(2..len).and_then(|status| decode(status).ok()).is_none_or(|status| harm(&status)),
    }
}

#[test]
fn a_wrong_pin_opens_nothing() {
    wrong_pin("OSCAR");
}

#[test]
fn a_wrong_pin_of_an_auditor_lets_nobody_in() {
    wrong_pin("AUDREY");
}

#[test]
fn what_contradicts_a_vote_is_not_signed() {
    let (_folder, skips) = attacked(|session| {
        vote(session, notarize(7, 1)).unwrap();
    });
    let mut session = open(&skips);
    device::login(&mut session, "OSCAR").unwrap();
    let reports = attack(
        &skips,
        &mut session,
        OF_FEW,
        VOTE_CONTRADICTS,
        |session| vote(session, notarize(7, 2)),
        (1, |session| drop(status(session))),
    );
    judge("a vote that contradicts", &reports, signature);
}

#[test]
fn what_the_policy_refuses_is_not_signed() {
    let (_folder, skips) = attacked(|session| {
        device::login(session, "ALICE").unwrap();
        set_policy(session).unwrap();
    });
    let mut session = open(&skips);
    device::login(&mut session, "OSCAR").unwrap();
    begin_transfer(&mut session, 0, 101).unwrap();
    let reports = attack(
        &skips,
        &mut session,
        OF_MANY,
        POLICY_AMOUNT,
        |session| session.sign(),
        (1, |session| drop(session.ask(Command::SignatureRest, &Rest { from: 0 }))),
    );
    judge("a transfer of too much", &reports, signature);
}

/// No fault lets a key of the ledger sign raw data, whose meaning no rule has judged.
#[test]
fn a_key_of_transactions_signs_no_raw_data() {
    let (_folder, skips) = attacked(|_| {});
    let mut session = open(&skips);
    device::login(&mut session, "OSCAR").unwrap();
    session.ask(Command::Data, &PieceAt { offset: 0, bytes: &[7; 32] }).unwrap();
    let reports = attack(
        &skips,
        &mut session,
        OF_FEW,
        KEY_PURPOSE,
        |session| session.ask(Command::SignData, &Index { index: TRANSACTIONS }),
        (1, |session| drop(session.ask(Command::SignatureRest, &Rest { from: 0 }))),
    );
    judge("raw data by a key of transactions", &reports, signature);
}

/// What is signed counts: of two transfers that together are more than a window allows, one is signed.
#[test]
fn what_is_signed_counts() {
    let (_folder, skips) = attacked(|session| {
        device::login(session, "ALICE").unwrap();
        set_policy_with(session, TRANSACTIONS, 150).unwrap();
    });
    let mut session = open(&skips);
    device::login(&mut session, "OSCAR").unwrap();
    begin_transfer(&mut session, 0, 100).unwrap();
    let reports = attack_any(
        &skips,
        &mut session,
        OF_MANY,
        |session| drop(session.sign().unwrap()),
        (2, |session| {
            begin_transfer(session, 1, 100).unwrap();
            assert!(is_refusal(&session.sign(), POLICY_WINDOW.number));
        }),
    );
    judge("two transfers of too much together", &reports, |normal, skip| {
        let first =
            skip.attacked.as_ref().zip(normal.attacked.as_ref()).is_some_and(|(a, b)| a.len() >= b.len());
        let second = skip
            .probe
            .as_ref()
            .zip(normal.probe.as_ref())
            .is_some_and(|(a, b)| a.len() >= b.len() + SIGNATURE_BYTES);
        first && second
    });
}

/// The requests that bring a header: its beginning, its members, its end.
fn bring(session: &mut Session<'_>, header: &Certified, request: usize) -> Result<(), DeviceError> {
    match request.checked_sub(1).map(|piece| header.members.get(piece)) {
        None => session.ask(Command::BeginHeader, &header.begin).map(drop),
        Some(Some(members)) => session.ask(Command::Members, &Members { members }).map(drop),
        Some(None) => session.tell(Command::FinishHeader).map(drop),
    }
}

/// Brings a header that is not to be trusted, attacks the request that is refused, and asks what is trusted.
fn untrusted(what: &str, request: usize, refusal: Code, forged: &Certified) {
    let (_folder, skips) = attacked(|_| {});
    let mut session = open(&skips);
    device::login(&mut session, "OSCAR").unwrap();
    let trusted = status(&mut session).unwrap().trusted;
    (0..request).for_each(|request| bring(&mut session, forged, request).unwrap());
    let others = request + 1..forged.members.len() + 2;
    let mut known = None;
    let reports = attack(
        &skips,
        &mut session,
        OF_FEW,
        refusal,
        |session| bring(session, forged, request),
        (others.len() + 1, |session| {
            others.for_each(|request| assert!(bring(session, forged, request).is_err()));
            known = Some(status(session).unwrap());
        }),
    );
    let status = known.unwrap();
    assert_eq!(status.trusted, trusted);
    let id = forged.begin.header.id();
    judge(what, &reports, |normal, skip| {
        says(normal, skip, &status, |said| said.trusted.is_some_and(|trust| trust.header == id))
    });
}

#[test]
fn a_header_that_too_few_signed_is_not_trusted() {
    let chain = device::chain().unwrap();
    let forged = chain.certified(11, chain.quorum() - 1).unwrap();
    untrusted("a header that too few signed", 2, CERTIFICATE_SIGNERS, &forged);
}

#[test]
fn a_header_with_a_wrong_signature_is_not_trusted() {
    let chain = device::chain().unwrap();
    let mut forged = chain.certified(11, chain.quorum()).unwrap();
    // The last signature's second half; the last member did not sign.
    let members = &mut forged.members[0];
    let at = members.len() - 65 - 1;
    members[at - 20] ^= 1;
    untrusted("a header with a wrong signature", 1, CERTIFICATE_SIGNATURE, &forged);
}

#[test]
fn a_header_of_another_set_is_not_trusted() {
    let others = Chain::with_validators(11..=14, Hash::default()).unwrap();
    let forged = others.certified(11, others.quorum()).unwrap();
    untrusted("a header of another set", 0, HEADER_EPOCH, &forged);
}

#[test]
fn who_may_not_give_a_command_does_not() {
    let (_folder, skips) = attacked(|_| {});
    let mut session = open(&skips);
    device::login(&mut session, "OSCAR").unwrap();
    let mut names = 0;
    let reports = attack(
        &skips,
        &mut session,
        OF_FEW,
        ROLE,
        |session| device::create_key(session, 5, Purpose::Transaction),
        (1, |session| {
            assert!(session.ask(Command::DescribeKey, &Index { index: 5 }).is_err());
            names += 1;
        }),
    );
    assert_eq!(names, 1);
    judge("an operator who creates a key", &reports, |normal, skip| {
        // The description of a key is longer than the refusal that there is none.
        let (Some(answer), Some(normal)) = (&skip.probe, &normal.probe) else { return false };
        answer.len() > normal.len() + 32
    });
}
