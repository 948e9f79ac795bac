//! What the image takes of the device, against `firmware/budgets.toml`.
#![allow(clippy::unwrap_used)] // a test that meets what it does not expect should stop there

use std::collections::BTreeMap;

use qenex_core::crypto::{Hash, Purpose, Scheme, ed25519, ml_dsa};
use qenex_core::error::IMAGE_NONE;
use qenex_core::hsm::channel::kind;
use qenex_core::hsm::proto::{Command, Index, Nonce, VERSION};
use qenex_core::tx::KeyRef;
use qenex_device::line::Line;
use qenex_firmware_tests::chain::Chain;
use qenex_firmware_tests::device::{
    Session, TRANSACTIONS, chain, connect, create_key, create_key_of, key_info, login, notarize, set_policy,
    set_policy_of, set_up, sign_transfer, sign_transfer_with, status, transfer, verify_transaction, vote,
};
use qenex_firmware_tests::image::Image;
use qenex_firmware_tests::ledger::Ledger;
use qenex_firmware_tests::{Emulator, FlashFile, layout};
use tempfile::TempDir;

/// Accounts of a large ledger.
const MILLION: usize = 1_000_000;

/// The slot of a key of plain use.
const RAW: u8 = 14;

/// The slot of a key of checkpoints.
const CHECKPOINTS: u8 = 13;

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

/// The slots of keys of other schemes than Ed25519.
const OTHERS: [(u8, Scheme); 3] = [(6, Scheme::MlDsa87), (7, Scheme::Hybrid), (8, Scheme::P256)];

#[test]
fn the_image_fits() {
    let folder = TempDir::new().unwrap();
    let image = Image::chosen().unwrap();
    let (flash, statics) = image.sizes().unwrap();
    let mut emulator = Emulator::start(FlashFile::create(folder.path()).unwrap()).unwrap();
    let mut painted = 0;
    let mut step = |emulator: &mut Emulator, what: &str, act: &dyn Fn(&mut Session<'_>)| {
        act(&mut connect(emulator).unwrap());
        painted = emulator.stack_used(&image).unwrap();
        println!("stack: {painted} after {what}");
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
        chain().unwrap().follow(session, 11).unwrap();
    });
    step(&mut emulator, "signing a transaction", &|session| {
        login(session, "ALICE").unwrap();
        login(session, "OSCAR").unwrap();
        set_policy(session).unwrap();
        sign_transfer(session, 0).unwrap();
    });
    step(&mut emulator, "signing with a witness", &|session| {
        login(session, "ALICE").unwrap();
        let public_key = public_key(session, TRANSACTIONS);
        let ledger = Ledger::new(100, KeyRef::of(Scheme::Ed25519, &public_key), 0).unwrap();
        Chain::new(4, ledger.root()).unwrap().anchor(session, 12).unwrap();
        login(session, "OSCAR").unwrap();
        let pending = transfer(0, 5).unwrap();
        let next = transfer(1, 5).unwrap();
        let witness = ledger.witness(&next).unwrap();
        session.bring(TRANSACTIONS, &next, &[pending], Some(&witness)).unwrap();
        session.sign().unwrap();
    });
    for (slot, scheme) in OTHERS {
        step(&mut emulator, &format!("signing with {scheme}"), &|session| {
            login(session, "ALICE").unwrap();
            login(session, "OSCAR").unwrap();
            sign_with_another(session, slot, scheme, |session| sign_transfer_with(session, slot, 0).unwrap());
        });
    }
    step(&mut emulator, "signing raw data", &|session| {
        login(session, "ALICE").unwrap();
        login(session, "OSCAR").unwrap();
        let (_, public_key) = create_key_of(session, RAW, Purpose::Plain, Scheme::MlDsa87).unwrap();
        let signature = session.sign_data(RAW, &[5; 8_192]).unwrap();
        ml_dsa::verify(&public_key, &[5; 8_192], &[], &signature).unwrap();
    });
    step(&mut emulator, "signing a checkpoint", &|session| {
        login(session, "ALICE").unwrap();
        login(session, "OSCAR").unwrap();
        let (_, public_key) =
            create_key_of(session, CHECKPOINTS, Purpose::Checkpoint, Scheme::Hybrid).unwrap();
        let trusted = Chain::new(4, Hash::default()).unwrap();
        trusted.anchor(session, 14).unwrap();
        trusted.verify_checkpoint(&public_key, 14, &session.checkpoint(CHECKPOINTS).unwrap()).unwrap();
    });
    // No run goes deeper than the call graph says, and none that is left out of this test can.
    let bound = image.stack_bound().unwrap();
    assert!(painted <= bound, "{painted} bytes of stack were used, which the call graph bounds with {bound}");
    let ram = statics + image.symbol("_stack_start").unwrap() - image.symbol("_stack_end").unwrap();
    check("bytes", &[("flash", flash), ("statics", statics), ("stack", bound), ("ram", ram)]);
}

/// The public key of a slot.
fn public_key(session: &mut Session<'_>, slot: u8) -> Vec<u8> {
    key_info(&session.ask(Command::DescribeKey, &Index { index: slot }).unwrap()).unwrap().1
}

/// Makes a key of another scheme, signs a transaction with it, and verifies the signature.
fn sign_with_another(
    session: &mut Session<'_>,
    slot: u8,
    scheme: Scheme,
    sign: impl FnOnce(&mut Session<'_>) -> (Vec<u8>, Vec<u8>),
) {
    let (_, public_key) = create_key_of(session, slot, Purpose::Transaction, scheme).unwrap();
    set_policy_of(session, slot).unwrap();
    let (transaction, signature) = sign(session);
    verify_transaction(scheme, &public_key, &transaction, &signature).unwrap();
}

/// The loader, and what it does where there is nothing to start: then its stack is not used by an image afterwards.
#[test]
fn the_loader_fits_and_says_that_there_is_no_image() {
    let folder = TempDir::new().unwrap();
    let loader = Image::loader().unwrap();
    let (flash, statics) = loader.sizes().unwrap();
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
    emulator.shows("No image can be started").unwrap();
    let stack = emulator.stack_used(&loader).unwrap();
    check("loader", &[("flash", flash), ("statics", statics), ("stack", stack)]);
}

#[test]
fn commands_are_done_in_time() {
    let folder = TempDir::new().unwrap();
    let emulator = Emulator::start(FlashFile::create_the_same(folder.path()).unwrap()).unwrap();
    let (session, handshake) = emulator.measure(|| connect(&emulator).unwrap()).unwrap();
    let start = emulator.started_after().unwrap();
    let mut session = session;
    set_up(&mut session).unwrap();
    // Before anything is measured: time that passes while a person is waited for would count.
    set_policy(&mut session).unwrap();
    let public_key = public_key(&mut session, TRANSACTIONS);
    let mut measure =
        |act: &mut dyn FnMut(&mut Session<'_>)| emulator.measure(|| act(&mut session)).unwrap().1;
    let status = measure(&mut |session| {
        status(session).unwrap();
    });
    let login = measure(&mut |session| login(session, "OSCAR").unwrap());
    let create_key = measure(&mut |session| drop(create_key(session, 5, Purpose::Transaction).unwrap()));
    let attest =
        measure(&mut |session| drop(session.ask(Command::Attest, &Nonce { nonce: [1; 32] }).unwrap()));
    let vote = measure(&mut |session| drop(vote(session, notarize(7, 1)).unwrap()));
    let sign = measure(&mut |session| sign_transfer(session, 0).unwrap());

    // What a certificate costs for each signature: three against eleven.
    let small = chain().unwrap();
    let header = measure(&mut |session| small.follow(session, 11).unwrap());
    let large = Chain::new(15, Hash::default()).unwrap();
    measure(&mut |session| large.anchor(session, 11).unwrap());
    let larger = measure(&mut |session| large.follow(session, 12).unwrap());
    let signatures = u64::from(large.quorum() - small.quorum());
    assert_eq!(signatures, 8);
    let signature = (larger - header) / signatures;

    let ledger = Ledger::new(MILLION, KeyRef::of(Scheme::Ed25519, &public_key), 1).unwrap();
    let proven = Chain::new(4, ledger.root()).unwrap();
    measure(&mut |session| proven.anchor(session, 13).unwrap());
    let transaction = transfer(1, 5).unwrap();
    let witness = ledger.witness(&transaction).unwrap();
    println!("the proof has {} bytes", witness.proof.len());
    let mut signed = Vec::new();
    let witnessed = measure(&mut |session| {
        session.bring(TRANSACTIONS, &transaction, &[], Some(&witness)).unwrap();
        signed = session.sign().unwrap();
    });
    verify_transaction(Scheme::Ed25519, &public_key, &transaction, &signed).unwrap();

    let [ml_dsa, hybrid, p256] = OTHERS.map(|(slot, scheme)| {
        let mut taken = 0;
        sign_with_another(&mut session, slot, scheme, |session| {
            let (signed, instructions) =
                emulator.measure(|| sign_transfer_with(session, slot, 0).unwrap()).unwrap();
            taken = instructions;
            signed
        });
        taken
    });
    let (_, public_key) = create_key_of(&mut session, RAW, Purpose::Plain, Scheme::Ed25519).unwrap();
    let mut signed = Vec::new();
    let (_, data) = emulator.measure(|| signed = session.sign_data(RAW, &[5; 32]).unwrap()).unwrap();
    ed25519::verify(&public_key, &[5; 32], &signed).unwrap();
    proven.anchor(&mut session, 14).unwrap();
    let (_, public_key) =
        create_key_of(&mut session, CHECKPOINTS, Purpose::Checkpoint, Scheme::Hybrid).unwrap();
    let (endorsement, checkpoint) = emulator.measure(|| session.checkpoint(CHECKPOINTS).unwrap()).unwrap();
    proven.verify_checkpoint(&public_key, 14, &endorsement).unwrap();
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
            ("sign_with_witness", witnessed),
            ("sign_ml_dsa_87", ml_dsa),
            ("sign_hybrid", hybrid),
            ("checkpoint", checkpoint),
            ("sign_p256", p256),
            ("sign_data", data),
            ("header_with_three_signatures", header),
            ("header_for_each_signature", signature),
        ],
    );
}
