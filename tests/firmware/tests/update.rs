//! Updates on an emulated board: the loader starts what is to be started, whatever happens.
//!
//! A quarter of `QENEX_CUTS` is how many power cuts are made here; a failure prints the `QENEX_SEED` that replays it.
#![allow(clippy::unwrap_used)] // a test that meets what it does not expect should stop there

use std::thread;
use std::time::{Duration, Instant};

use qenex_core::error::{IMAGE_RETURNED, IMAGE_VERSION, NOT_CONFIRMED};
use qenex_core::hsm::audit::{ENTRY_BYTES, Entry};
use qenex_core::hsm::image::measure;
use qenex_core::hsm::proto::{AuditFrom, Command};
use qenex_firmware_tests::device::{
    Session, attested, connect, is_refusal, log_in, login, set_up, status, update,
};
use qenex_firmware_tests::{Emulator, FlashFile, VERSION, layout};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tempfile::TempDir;

fn number(variable: &str, or: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(or)
}

fn restart(emulator: Emulator) -> Emulator {
    Emulator::start(emulator.stop().unwrap()).unwrap()
}

/// A device that was set up, its officer logged in.
fn device(folder: &TempDir) -> Emulator {
    let emulator = Emulator::start(FlashFile::create(folder.path()).unwrap()).unwrap();
    set_up(&mut connect(&emulator).unwrap()).unwrap();
    emulator
}

/// The image of a version: the same code, and another word behind it.
fn image(emulator: &Emulator, version: u32) -> Vec<u8> {
    [emulator.image().bytes().unwrap(), version.to_le_bytes().to_vec()].concat()
}

/// How often the audit log tells of an image that was given up.
fn returns(session: &mut Session<'_>) -> usize {
    login(session, "AUDREY").unwrap();
    let body = session.ask(Command::AuditRead, &AuditFrom { count: 0 }).unwrap();
    let entries = body.as_chunks::<ENTRY_BYTES>().0.iter().map(|bytes| Entry::from_bytes(bytes).unwrap());
    entries.filter(|entry| entry.refusal == IMAGE_RETURNED.number).count()
}

#[test]
fn a_new_image_runs_after_the_next_start_and_stays_once_somebody_logs_in() {
    let folder = TempDir::new().unwrap();
    let emulator = device(&folder);
    let two = image(&emulator, 2);
    let mut session = log_in(&emulator).unwrap();
    assert_eq!(attested(&mut session).unwrap().0, VERSION);
    update(&mut session, 2, &two).unwrap();
    assert_eq!(attested(&mut session).unwrap().0, VERSION);
    emulator.shows("Version: 2\r\n").unwrap();
    drop(session);

    let emulator = restart(emulator);
    let mut session = connect(&emulator).unwrap();
    assert_eq!(attested(&mut session).unwrap(), (2, measure(&two)));
    login(&mut session, "ALICE").unwrap();
    drop(session);
    let emulator = restart(emulator);
    let mut session = log_in(&emulator).unwrap();
    assert_eq!(attested(&mut session).unwrap(), (2, measure(&two)));
    assert_eq!(returns(&mut session), 0);
    let lower = update(&mut session, 1, &image(&emulator, 1));
    assert!(is_refusal(&lower, IMAGE_VERSION.number), "{lower:?}");
}

/// A vector table of two words and code behind it, linked by hand for the place of images.
fn by_hand(code: &[u16]) -> Vec<u8> {
    let table = [0x3800_8000u32, 0x1001_0009].map(u32::to_le_bytes).concat();
    [table, code.iter().flat_map(|half| half.to_le_bytes()).collect()].concat()
}

/// Writes SYSRESETREQ with its key to AIRCR ("Armv8-M Architecture Reference Manual", D1.2.3), which resets the machine.
const RESETS: [u16; 8] = [0x4801, 0x4902, 0x6001, 0xe7fe, 0xed0c, 0xe000, 0x0004, 0x05fa];

/// `b .`
const HANGS: [u16; 1] = [0xe7fe];

#[test]
fn an_image_that_resets_the_device_is_given_up() {
    let folder = TempDir::new().unwrap();
    let emulator = device(&folder);
    let mut session = log_in(&emulator).unwrap();
    update(&mut session, 2, &by_hand(&RESETS)).unwrap();
    drop(session);
    // It resets the machine by itself, and the loader starts the one before it.
    let emulator = restart(emulator);
    // What is sent while the machine resets is lost.
    emulator.started_after().unwrap();
    let mut session = connect(&emulator).unwrap();
    assert_eq!(attested(&mut session).unwrap().0, VERSION);
    assert_eq!(returns(&mut session), 1);
    let two = image(&emulator, 2);
    login(&mut session, "ALICE").unwrap();
    update(&mut session, 2, &two).unwrap();
    drop(session);
    let emulator = restart(emulator);
    assert_eq!(attested(&mut connect(&emulator).unwrap()).unwrap(), (2, measure(&two)));
}

#[test]
fn an_image_that_hangs_is_given_up_at_the_next_start() {
    let folder = TempDir::new().unwrap();
    let emulator = device(&folder);
    let mut session = log_in(&emulator).unwrap();
    update(&mut session, 2, &by_hand(&HANGS)).unwrap();
    drop(session);
    let emulator = restart(emulator);
    // The loader notes that it tries the second slot; then nothing happens any more.
    let tried = layout().boot.start + 8_192 + 256;
    let start = Instant::now();
    loop {
        let mut word = [0xff; 16];
        emulator.flash().read(tried, &mut word).unwrap();
        if word == [0; 16] {
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(30), "the loader tries nothing");
        thread::sleep(Duration::from_millis(20));
    }
    let emulator = restart(emulator);
    let mut session = connect(&emulator).unwrap();
    assert_eq!(attested(&mut session).unwrap().0, VERSION);
    assert_eq!(returns(&mut session), 1);
}

/// The power fails at random during an update, and sometimes again at the next start.
#[test]
fn whenever_the_power_fails_the_device_starts_and_can_be_updated() {
    let cuts = number("QENEX_CUTS", 20).div_ceil(4);
    let seed = number("QENEX_SEED", rand::rng().random());
    println!("QENEX_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let folder = TempDir::new().unwrap();
    let mut emulator = device(&folder);
    let mut confirmed = VERSION;
    for cut in 0..cuts {
        let mut session = log_in(&emulator).unwrap();
        let next = image(&emulator, confirmed + 1);
        // A step for each word, and for each page that is erased; some cuts near the end, or after it.
        let steps = next.len() as u32 / 16 + 60;
        let fuse =
            if cut % 2 == 0 { random.random_range(1..steps) } else { steps - random.random_range(0..60) };
        emulator.flash().arm(fuse, random.random()).unwrap();
        let result = update(&mut session, confirmed + 1, &next);
        assert_eq!(result.is_ok(), !emulator.flash().is_burnt().unwrap(), "cut {cut}: {result:?}");
        assert!(!is_refusal(&result, NOT_CONFIRMED.number));
        drop(session);
        emulator = restart(emulator);
        if random.random_range(0..2) == 0 {
            emulator.flash().arm(1, random.random()).unwrap();
            let _ = log_in(&emulator);
            emulator = restart(emulator);
        }
        let mut session = log_in(&emulator).unwrap();
        let (version, measurement) = attested(&mut session).unwrap();
        assert_eq!(version, status(&mut session).unwrap().version);
        assert!(version >= confirmed, "cut {cut}: {version} after {confirmed}");
        if version > VERSION {
            assert_eq!(measurement, measure(&image(&emulator, version)));
        }
        confirmed = version;
        println!("cut {cut} at {fuse}: version {version}");
    }
    // Without a cut the next one is taken.
    let next = image(&emulator, confirmed + 1);
    update(&mut log_in(&emulator).unwrap(), confirmed + 1, &next).unwrap();
    let emulator = restart(emulator);
    assert_eq!(attested(&mut log_in(&emulator).unwrap()).unwrap(), (confirmed + 1, measure(&next)));
}
