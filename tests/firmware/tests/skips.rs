//! A fault that skips one instruction turns no decision: a wrong PIN does not open the device, what the policy refuses and what contradicts a
//! vote is not signed, and who may not give a command does not.
//!
//! Each instruction that decides is skipped in a run of its own. `QENEX_SKIPS=1` skips each one, without it every so many-th;
//! `QENEX_SKIP_IN=all` those of all functions but cryptographic primitives.
#![allow(clippy::unwrap_used)] // a test that meets what it does not expect should stop there

use std::collections::BTreeMap;

use qenex_core::codec::encode;
use qenex_core::crypto::ed25519::SIGNATURE_BYTES;
use qenex_core::error::{Code, PIN_WRONG, POLICY_AMOUNT, VOTE_CONTRADICTS};
use qenex_core::hsm::channel::HEADER;
use qenex_core::hsm::proto::{Command, Login, Rest, Status};
use qenex_device::{Client, DeviceError};
use qenex_firmware_tests::device::{
    self, Session, begin_transfer, is_refusal, name, notarize, set_policy, set_up, status, vote,
};
use qenex_firmware_tests::{Emulator, FlashFile, Skip, Skips};
use tempfile::TempDir;
use zeroize::Zeroizing;

/// Every so many-th instruction is skipped where `QENEX_SKIPS` does not say.
const EVERY: usize = 101;

/// The functions that decide: of the service, of policies, of the guard.
const DECIDE: &str = "hsm::service,hsm::users,hsm::keys,hsm::votes,hsm::sign::,hsm::signed,hsm::store,policy::,consensus::guard";

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

/// Attacks one request, looks what came of it with another one, and returns what every skipped instruction led to.
fn attack<T>(
    skips: &Skips,
    session: &mut Session<'_>,
    refusal: Code,
    request: impl FnOnce(&mut Session<'_>) -> Result<T, DeviceError>,
    probe: impl FnOnce(&mut Session<'_>),
) -> Vec<Skip> {
    let every = std::env::var("QENEX_SKIPS").map_or(EVERY, |text| text.parse().unwrap());
    let functions = std::env::var("QENEX_SKIP_IN").unwrap_or(DECIDE.into());
    skips.attack(&functions, every).unwrap();
    std::thread::scope(|scope| {
        let report = scope.spawn(|| skips.report().unwrap());
        assert!(is_refusal(&request(session), refusal.number), "without a fault it is refused");
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
        PIN_WRONG,
        |session| session.ask(Command::Login, &login),
        |session| known.push(status(session).unwrap()),
    );
    let status = known.remove(0);
    let encoded = |status: &Status| {
        let mut buffer = [0; 256];
        [&[0, 0], encode(status, &mut buffer).unwrap()].concat()
    };
    let known = encoded(&status);
    // Of the answer, what says who is logged in and whether secrets can be opened.
    let other =
        encoded(&Status { logged_in: !status.logged_in, unlocked: !status.unlocked, ..status.clone() });
    let places: Vec<usize> = (0..known.len()).filter(|at| known[*at] != other[*at]).collect();
    assert_eq!((status.logged_in, status.unlocked, places.len()), (0, false, 2));
    judge(&format!("a wrong PIN of {user}"), &reports, |normal, skip| {
        let (Some(sealed), Some(normal)) = (&skip.probe, &normal.probe) else { return false };
        let plain = plain(sealed, normal, &known);
        // A refusal says nothing; every other answer says who is logged in.
        plain.len() > 18 && places.iter().any(|at| plain.get(*at) != known.get(*at))
    });
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
        VOTE_CONTRADICTS,
        |session| vote(session, notarize(7, 2)),
        |session| drop(status(session)),
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
        POLICY_AMOUNT,
        |session| session.sign(),
        |session| drop(session.ask(Command::SignatureRest, &Rest { from: 0 })),
    );
    judge("a transfer of too much", &reports, signature);
}
