//! The image on an emulated board, over its serial line.
#![allow(clippy::unwrap_used)] // a test that meets what it does not expect should stop there

use std::io::Write;

use qenex_core::crypto::Purpose;
use qenex_core::error::{FRAME_LENGTH, FRAME_VERSION, KEY_EXISTS, ROLE, VOTE_CONTRADICTS};
use qenex_core::hsm::channel::kind;
use qenex_core::hsm::image::measure;
use qenex_core::hsm::proto::{self, Command, Index, MAX_FRAME};
use qenex_device::line::Line;
use qenex_firmware_tests::device::{
    NOTHING, TRANSACTIONS, VOTES, attested, connect, create_key, is_refusal, key_info, login, name, notarize,
    set_up, status, verify_vote, vote,
};
use qenex_firmware_tests::{Emulator, FlashFile, VERSION};
use tempfile::TempDir;

#[test]
fn what_was_acknowledged_survives_a_restart() {
    let folder = TempDir::new().unwrap();
    let emulator = Emulator::start(FlashFile::create(folder.path()).unwrap()).unwrap();
    let mut session = connect(&emulator).unwrap();
    assert_eq!(status(&mut session).unwrap().name, None);
    let code = session.pairing_code();
    set_up(&mut session).unwrap();
    emulator.shows(&format!("Code: {code}\r\n")).unwrap();
    let describe = |session: &mut qenex_firmware_tests::device::Session<'_>| {
        key_info(&session.ask(Command::DescribeKey, &Index { index: VOTES }).unwrap()).unwrap()
    };
    let key = describe(&mut session);
    let signature = vote(&mut session, notarize(7, 1)).unwrap();
    verify_vote(&key.1, &notarize(7, 1), &signature).unwrap();
    let before = status(&mut session).unwrap();
    drop(session);

    let emulator = Emulator::start(emulator.stop().unwrap()).unwrap();
    let mut session = connect(&emulator).unwrap();
    assert!(session.is_paired());
    let after = status(&mut session).unwrap();
    assert_eq!(after.name, Some(name("HSM_1").unwrap()));
    assert_eq!((after.trusted, after.audit_count), (before.trusted, before.audit_count));
    assert!(is_refusal(&vote(&mut session, notarize(7, 1)), ROLE.number));
    login(&mut session, "ALICE").unwrap();
    login(&mut session, "OSCAR").unwrap();
    assert_eq!(describe(&mut session), key);
    assert!(is_refusal(&create_key(&mut session, TRANSACTIONS, Purpose::Transaction), KEY_EXISTS.number));
    assert!(is_refusal(&vote(&mut session, notarize(7, 2)), VOTE_CONTRADICTS.number));
    assert_eq!(vote(&mut session, notarize(7, 1)).unwrap(), signature);
}

/// The device says what runs on it, as the loader has measured it.
#[test]
fn an_attestation_names_the_image() {
    let folder = TempDir::new().unwrap();
    let emulator = Emulator::start(FlashFile::create(folder.path()).unwrap()).unwrap();
    let mut session = connect(&emulator).unwrap();
    let image = emulator.image().bytes().unwrap();
    assert_eq!(attested(&mut session).unwrap(), (VERSION, measure(&image)));
}

/// Whatever comes on the line is answered, one frame for one frame, and the device goes on.
#[test]
fn frames_that_are_none_are_refused() {
    let folder = TempDir::new().unwrap();
    let emulator = Emulator::start(FlashFile::create(folder.path()).unwrap()).unwrap();
    let mut line = Line::new(emulator.line().unwrap());
    let refused = |code: u16| {
        let [low, high] = code.to_le_bytes();
        Some(vec![proto::VERSION, kind::REFUSED, low, high])
    };
    let mut raw = emulator.line().unwrap();
    for broken in [&[5, 1, 0][..], &[1, 0], &[2, 1, 0], &[255; 10_000][..], &[7; 4_200]] {
        raw.write_all(broken).unwrap();
        if broken.last() != Some(&0) {
            raw.write_all(&[0]).unwrap();
        }
        assert_eq!(line.receive().unwrap(), refused(FRAME_LENGTH.number), "{} bytes", broken.len());
    }
    // Zeros between frames are silence.
    raw.write_all(&[0; 100]).unwrap();
    for (len, code) in [(MAX_FRAME, FRAME_VERSION), (MAX_FRAME + 1, FRAME_LENGTH), (2, FRAME_VERSION)] {
        line.send(&vec![0xee; len]).unwrap();
        assert_eq!(line.receive().unwrap(), refused(code.number), "{len} bytes");
    }
    // Half a frame, and then a host that starts anew: one refusal, and the channel opens.
    raw.write_all(&[9, 9, 9, 0]).unwrap();
    assert_eq!(line.receive().unwrap(), refused(FRAME_LENGTH.number));
    let mut session = connect(&emulator).unwrap();
    assert_eq!(status(&mut session).unwrap().name, None);
}

/// No secret and no content is in the log, and every line of it can be read.
#[test]
fn the_log_says_how_long_and_nothing_else() {
    let folder = TempDir::new().unwrap();
    let emulator = Emulator::start(FlashFile::create(folder.path()).unwrap()).unwrap();
    let mut session = connect(&emulator).unwrap();
    set_up(&mut session).unwrap();
    session.ask(Command::Status, &NOTHING).unwrap();
    drop(session);
    emulator.caught_up().unwrap();
    let log = emulator.log();
    assert!(log.len() > 10, "{log:?}");
    for line in log {
        let words: String = line.chars().map(|c| if c.is_ascii_digit() { '#' } else { c }).collect();
        let words = words.split('#').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("#");
        let known = ["started after # ticks", "frame of # bytes, answer of # after # ticks"];
        assert!(known.contains(&words.as_str()), "{line}");
    }
}
