//! What the image takes of the device, against `firmware/budgets.toml`.
#![allow(clippy::unwrap_used)] // a test that meets what it does not expect should stop there

use std::collections::BTreeMap;

use qenex_core::crypto::Purpose;
use qenex_core::error::IMAGE_NONE;
use qenex_core::hsm::channel::kind;
use qenex_core::hsm::proto::{Command, Nonce, VERSION};
use qenex_device::line::Line;
use qenex_firmware_tests::device::{
    Session, connect, create_key, follow, login, notarize, set_policy, set_up, sign_transfer, status, vote,
};
use qenex_firmware_tests::image::Image;
use qenex_firmware_tests::{Emulator, FlashFile, layout};
use tempfile::TempDir;

/// The budgets of a kind.
fn budgets(of: &str) -> BTreeMap<String, u64> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../firmware/budgets.toml");
    let table: toml::Table = std::fs::read_to_string(path).unwrap().parse().unwrap();
    let rows = table[of].as_table().unwrap().iter();
    rows.map(|(name, value)| (name.clone(), u64::try_from(value.as_integer().unwrap()).unwrap())).collect()
}

/// Prints what was measured, and fails where it is more than its budget.
fn check(of: &str, measured: &[(&str, u64)]) {
    let budgets = budgets(of);
    let names: Vec<&str> = budgets.keys().map(String::as_str).collect();
    let mut measured_names: Vec<&str> = measured.iter().map(|(name, _)| *name).collect();
    measured_names.sort_unstable();
    assert_eq!(measured_names, names, "each budget of {of} has a measurement, and the other way round");
    for (name, value) in measured {
        println!("{of}: {name} {value} of {}", budgets[*name]);
    }
    for (name, value) in measured {
        assert!(*value <= budgets[*name], "{name}: {value} is more than the budget of {}", budgets[*name]);
    }
}

#[test]
fn the_image_fits() {
    let folder = TempDir::new().unwrap();
    let image = Image::chosen().unwrap();
    let (flash, statics) = image.sizes().unwrap();
    let mut emulator = Emulator::start(FlashFile::create(folder.path()).unwrap()).unwrap();
    let mut stack = 0;
    let mut step = |emulator: &mut Emulator, what: &str, act: &dyn Fn(&mut Session<'_>)| {
        act(&mut connect(emulator).unwrap());
        stack = emulator.stack_used().unwrap();
        println!("stack: {stack} after {what}");
    };
    step(&mut emulator, "the handshake", &|_| {});
    step(&mut emulator, "status", &|session| {
        status(session).unwrap();
    });
    step(&mut emulator, "pairing", &|session| session.tell(Command::Pair).unwrap());
    step(&mut emulator, "initialising, users, keys, anchor", &|session| set_up(session).unwrap());
    step(&mut emulator, "attesting", &|session| {
        session.ask(Command::Attest, &Nonce { nonce: [1; 32] }).unwrap();
    });
    step(&mut emulator, "voting", &|session| {
        login(session, "OSCAR").unwrap();
        vote(session, notarize(7, 1)).unwrap();
    });
    step(&mut emulator, "following a header", &|session| {
        login(session, "OSCAR").unwrap();
        follow(session, 11).unwrap();
    });
    step(&mut emulator, "signing a transaction", &|session| {
        login(session, "ALICE").unwrap();
        login(session, "OSCAR").unwrap();
        set_policy(session).unwrap();
        sign_transfer(session, 0).unwrap();
    });
    check("bytes", &[("flash", flash), ("statics", statics), ("stack", stack)]);
}

/// The loader, and what it does where there is nothing to start: then its stack is not used by an image afterwards.
#[test]
fn the_loader_fits_and_says_that_there_is_no_image() {
    let folder = TempDir::new().unwrap();
    let (flash, statics) = Image::loader().unwrap().sizes().unwrap();
    let file = FlashFile::create(folder.path()).unwrap();
    let image = Image::chosen().unwrap().bytes().unwrap();
    file.damage(layout().slots[0].start + image.len() as u32 - 1).unwrap();
    let mut emulator = Emulator::start(file).unwrap();
    let mut line = Line::new(emulator.line().unwrap());
    for _ in 0..3 {
        line.send(&[VERSION, kind::OPEN]).unwrap();
        let [low, high] = IMAGE_NONE.number.to_le_bytes();
        assert_eq!(line.receive().unwrap(), Some(vec![VERSION, kind::REFUSED, low, high]));
    }
    drop(line);
    assert!(emulator.panel().contains("No image can be started"), "{}", emulator.panel());
    let stack = emulator.stack_used().unwrap();
    check("loader", &[("flash", flash), ("statics", statics), ("stack", stack)]);
}

#[test]
fn commands_are_done_in_time() {
    let folder = TempDir::new().unwrap();
    let emulator = Emulator::start(FlashFile::create(folder.path()).unwrap()).unwrap();
    let (session, handshake) = emulator.measure(|| connect(&emulator).unwrap()).unwrap();
    let start = emulator.started_after().unwrap();
    let mut session = session;
    set_up(&mut session).unwrap();
    // Before anything is measured: time that passes while a person is waited for would count.
    set_policy(&mut session).unwrap();
    let mut measure = |act: &dyn Fn(&mut Session<'_>)| emulator.measure(|| act(&mut session)).unwrap().1;
    let status = measure(&|session| {
        status(session).unwrap();
    });
    let login = measure(&|session| login(session, "OSCAR").unwrap());
    let create_key = measure(&|session| drop(create_key(session, 5, Purpose::Transaction).unwrap()));
    let attest = measure(&|session| drop(session.ask(Command::Attest, &Nonce { nonce: [1; 32] }).unwrap()));
    let vote = measure(&|session| drop(vote(session, notarize(7, 1)).unwrap()));
    let header = measure(&|session| follow(session, 11).unwrap());
    let sign = measure(&|session| sign_transfer(session, 0).unwrap());
    check(
        "instructions",
        &[
            ("start", start),
            ("handshake", handshake),
            ("status", status),
            ("login", login),
            ("create_key", create_key),
            ("attest", attest),
            ("vote", vote),
            ("sign_without_witness", sign),
            ("header_with_three_signatures", header),
        ],
    );
}
