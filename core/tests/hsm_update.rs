//! Updates: what a device takes, which image it starts, and that one can be started whenever the power fails.
#![allow(clippy::unwrap_used)] // a test that meets what it does not expect should stop there

#[allow(dead_code)] // each test uses a part of it
mod flash_disk;
#[allow(dead_code)]
mod hsm_board;

use std::sync::OnceLock;

use flash_disk::PAGE;
use hsm_board::{
    IMAGE, NOTHING, PIECE, SLOT_PAGES, TestBoard, VERSION, ask, begin_update, described, get, give, layout,
    name, power_on, refused, signed, signed_by, tell, update,
};
use qenex_core::crypto::secret::label_seed;
use qenex_core::crypto::{Hash, Purpose};
use qenex_core::error::{
    COMMAND_SEQUENCE, Code, IMAGE_BOARD, IMAGE_KEY, IMAGE_LENGTH, IMAGE_MEASUREMENT, IMAGE_PIECE,
    IMAGE_RETURNED, IMAGE_VERSION, NOT_CONFIRMED, SIGNATURE_MISMATCH,
};
use qenex_core::hsm::audit::{ENTRY_BYTES, Entry};
use qenex_core::hsm::boot::{Standing, order};
use qenex_core::hsm::image::{BoardName, Image, measure};
use qenex_core::hsm::proto::{AddUser, AuditFrom, Command, Initialise, Login, PieceAt, Status};
use qenex_core::hsm::{Hsm, Refusal, Role, SignWork};

type Device = Hsm<TestBoard>;

const NEW: &[u8] = &[4; 1_100];
const NEWER: &[u8] = b"an image that nobody logs in to";

fn login(hsm: &mut Device) -> Result<(), Refusal> {
    tell(hsm, Command::Login, &Login { user: name("ALICE"), pin: b"officer pin" })
}

/// A device whose first image is confirmed, its officer logged in.
fn device() -> Device {
    static BOARD: OnceLock<TestBoard> = OnceLock::new();
    let board = BOARD.get_or_init(|| {
        let mut hsm = power_on(TestBoard::new(17));
        let initialise =
            Initialise { name: name("HSM"), officers_needed: 1, officer: name("ALICE"), pin: b"officer pin" };
        tell(&mut hsm, Command::Initialise, &initialise).unwrap();
        login(&mut hsm).unwrap();
        let auditor = AddUser { user: name("AUDREY"), role: Role::Auditor, pin: b"auditor pin" };
        tell(&mut hsm, Command::AddUser, &auditor).unwrap();
        hsm.board().clone()
    });
    let mut hsm = power_on(board.clone());
    login(&mut hsm).unwrap();
    hsm
}

fn restart(hsm: &mut Device) -> Device {
    let mut board = hsm.board().clone();
    board.disk.restart();
    board.uptime_ms = 1 << 40;
    power_on(board)
}

fn version(hsm: &mut Device) -> u32 {
    get::<_, Status>(hsm, Command::Status, &NOTHING).unwrap().version
}

fn log(hsm: &mut Device) -> Vec<Entry> {
    let auditor = Login { user: name("AUDREY"), pin: b"auditor pin" };
    tell(hsm, Command::Login, &auditor).unwrap();
    let body = ask(hsm, Command::AuditRead, &AuditFrom { count: 0 }).unwrap();
    body.as_chunks::<ENTRY_BYTES>().0.iter().map(|bytes| Entry::from_bytes(bytes).unwrap()).collect()
}

#[test]
fn a_new_image_is_tried_at_the_next_start_and_confirmed_by_a_login() {
    let mut hsm = device();
    update(&mut hsm, 4, NEW).unwrap();
    assert!(hsm.board().shown.contains(&"Version: 4".into()), "{:?}", hsm.board().shown);
    assert_eq!(version(&mut hsm), VERSION);
    let mut hsm = restart(&mut hsm);
    assert_eq!(hsm.board().firmware.unwrap().measurement, measure(NEW));
    assert_eq!(version(&mut hsm), 4);
    login(&mut hsm).unwrap();
    // From then on it is the one that runs, and the other slot takes the next, which may be the same again.
    for image in [NEW, NEWER, NEW] {
        let mut again = restart(&mut hsm);
        login(&mut again).unwrap();
        let before = again.board().firmware.unwrap();
        update(&mut again, 4, image).unwrap();
        hsm = restart(&mut again);
        let after = hsm.board().firmware.unwrap();
        assert_eq!((after.version, after.measurement), (4, measure(image)));
        assert_ne!(after.slot, before.slot);
        login(&mut hsm).unwrap();
    }
    let mut hsm = restart(&mut hsm);
    let told: Vec<_> = log(&mut hsm).into_iter().filter(|entry| entry.about == measure(NEW)).collect();
    let commands: Vec<_> = told.iter().map(|entry| (entry.command, entry.refusal)).collect();
    let once = [(Command::BeginUpdate as u8, 0), (Command::FinishUpdate as u8, 0)];
    assert_eq!(commands, [once; 3].as_flattened());
}

#[test]
fn an_image_that_nobody_logs_in_to_is_given_up_and_the_log_tells() {
    let mut hsm = device();
    update(&mut hsm, 4, NEW).unwrap();
    let mut tried = restart(&mut hsm);
    assert_eq!(version(&mut tried), 4);
    let mut back = restart(&mut tried);
    for _ in 0..3 {
        assert_eq!(version(&mut back), VERSION);
        let told: Vec<_> =
            log(&mut back).into_iter().filter(|entry| entry.refusal == IMAGE_RETURNED.number).collect();
        assert_eq!(told.len(), 1, "it is told once");
        assert_eq!((told[0].command, told[0].about), (Command::FinishUpdate as u8, measure(NEW)));
        back = restart(&mut back);
    }
    // It may be brought again, and gets another chance.
    login(&mut back).unwrap();
    update(&mut back, 4, NEW).unwrap();
    let mut again = restart(&mut back);
    login(&mut again).unwrap();
    assert_eq!(version(&mut restart(&mut again)), 4);
}

#[test]
fn a_device_that_nobody_logged_in_to_yet_starts_all_the_same() {
    let mut hsm = power_on(TestBoard::new(3));
    for _ in 0..3 {
        hsm = restart(&mut hsm);
        assert_eq!(version(&mut hsm), VERSION);
    }
}

/// Whatever is refused leaves every byte of the flash as it was, and the person at the panel is not asked.
#[test]
fn what_the_vendor_did_not_sign_for_the_board_is_refused() {
    let mut hsm = device();
    let before = hsm.board().disk.bytes.clone();
    let image = described(4, NEW);
    let manifest = signed(image);
    let mut check = |what: &str, manifest: &[u8], codes: &[Code]| {
        let result = give(&mut hsm, Command::BeginUpdate as u8, manifest);
        let Err(Refusal(number)) = result else { panic!("{what} is taken") };
        assert!(codes.is_empty() || codes.iter().any(|code| code.number == number), "{what}: {number}");
        assert!(hsm.board().disk.bytes == before, "{what} changes something");
        assert_eq!(tell(&mut hsm, Command::FinishUpdate, &NOTHING), refused(COMMAND_SEQUENCE));
    };
    for index in 0..manifest.len() {
        for bit in 0..8 {
            let mut changed = manifest.clone();
            changed[index] ^= 1 << bit;
            check(&format!("bit {bit} of byte {index}"), &changed, &[]);
        }
        check(&format!("{index} bytes"), &manifest[..index], &[]);
    }
    check("a byte more", &[&manifest[..], &[0]].concat(), &[]);
    // Every field, where the rest is as the vendor signed it.
    let mutated = [
        Image { board: BoardName::new("TESU").unwrap(), ..image },
        Image { version: 5, ..image },
        Image { length: image.length - 1, ..image },
        Image { measurement: measure(b"another"), ..image },
    ];
    for changed in mutated {
        let mut bytes = signed(changed);
        let signature = bytes.len() - 64;
        bytes[signature..].copy_from_slice(&manifest[manifest.len() - 64..]);
        check(&format!("{changed:?}"), &bytes, &[SIGNATURE_MISMATCH]);
    }
    let vendor = label_seed("qenex-demo", "VENDOR");
    check("another key", &signed_by(&[1; 32], Purpose::Firmware, image), &[IMAGE_KEY]);
    check("another purpose", &signed_by(&vendor, Purpose::Approval, image), &[SIGNATURE_MISMATCH]);
    let slot = u32::from(SLOT_PAGES) * PAGE as u32;
    let too_much = [
        (Image { board: BoardName::new("OTHER").unwrap(), ..image }, IMAGE_BOARD),
        (Image { version: VERSION - 1, ..image }, IMAGE_VERSION),
        (Image { version: 0, ..image }, IMAGE_VERSION),
        (Image { length: 0, ..image }, IMAGE_LENGTH),
        (Image { length: slot + 1, ..image }, IMAGE_LENGTH),
        (Image { length: u32::MAX, ..image }, IMAGE_LENGTH),
    ];
    for (image, code) in too_much {
        check(&format!("{image:?}"), &signed(image), &[code]);
    }
    hsm.board().confirms = false;
    assert_eq!(begin_update(&mut hsm, image), refused(NOT_CONFIRMED));
    assert!(hsm.board().disk.bytes == before);
    hsm.board().confirms = true;
    begin_update(&mut hsm, Image { length: slot, ..image }).unwrap();
}

/// Once it was confirmed, a version is the lowest that is taken.
#[test]
fn a_version_that_was_confirmed_never_goes_back() {
    let mut hsm = device();
    update(&mut hsm, 7, NEW).unwrap();
    // It only counts once it is confirmed.
    update(&mut hsm, 5, NEW).unwrap();
    update(&mut hsm, 7, NEW).unwrap();
    let mut hsm = restart(&mut hsm);
    login(&mut hsm).unwrap();
    for version in 0..7 {
        assert_eq!(update(&mut hsm, version, NEWER), refused(IMAGE_VERSION));
    }
    // Nor is an older one started where the newer one is damaged; but the same one, if the other slot has it, is.
    let damage = |hsm: &mut Device| {
        let slot = layout().slots[usize::from(hsm.board().firmware.unwrap().slot)];
        hsm.board().disk.bytes[slot.start as usize + 1_099] ^= 1;
    };
    let mut damaged = restart(&mut hsm);
    damage(&mut damaged);
    assert_eq!(damaged.board().boot(), None);
    update(&mut hsm, 7, NEW).unwrap();
    let mut hsm = restart(&mut hsm);
    login(&mut hsm).unwrap();
    damage(&mut hsm);
    assert_eq!(version(&mut restart(&mut hsm)), 7);
}

#[test]
fn pieces_come_in_order_and_within_the_length() {
    let mut hsm = device();
    let piece =
        |hsm: &mut Device, offset, bytes: &[u8]| tell(hsm, Command::UpdatePiece, &PieceAt { offset, bytes });
    let finish = |hsm: &mut Device| tell(hsm, Command::FinishUpdate, &NOTHING);
    assert_eq!(piece(&mut hsm, 0, &NEW[..16]), refused(COMMAND_SEQUENCE));
    assert_eq!(finish(&mut hsm), refused(COMMAND_SEQUENCE));
    begin_update(&mut hsm, described(4, NEW)).unwrap();
    piece(&mut hsm, 0, &NEW[..PIECE]).unwrap();
    let before = hsm.board().disk.bytes.clone();
    let next = PIECE as u32;
    let wrong: [(u32, &[u8]); 9] = [
        (0, &NEW[..PIECE]),
        (next - 16, &NEW[..16]),
        (next + 16, &NEW[..16]),
        (u32::MAX, &NEW[..16]),
        (u32::MAX - 15, &NEW[..16]),
        (next, &[]),
        (next, &NEW[..17]),
        (next, &[4; 1_100 - PIECE + 1]),
        (next, &[4; 1_104 - PIECE]),
    ];
    for (offset, bytes) in wrong {
        assert_eq!(piece(&mut hsm, offset, bytes), refused(IMAGE_PIECE), "{} at {offset}", bytes.len());
    }
    assert!(hsm.board().disk.bytes == before);
    piece(&mut hsm, next, &NEW[PIECE..]).unwrap();
    assert_eq!(piece(&mut hsm, 1_100, &[4; 16]), refused(IMAGE_PIECE));
    assert_eq!(piece(&mut hsm, 1_100, &[]), refused(IMAGE_PIECE));
    finish(&mut hsm).unwrap();
    assert_eq!(finish(&mut hsm), refused(COMMAND_SEQUENCE));

    // What ends too early, or holds other bytes, is not taken, and must be begun again.
    for (bytes, code) in [(&NEW[..1_088], IMAGE_PIECE), (&[5; 1_100], IMAGE_MEASUREMENT)] {
        let mut hsm = device();
        begin_update(&mut hsm, described(4, NEW)).unwrap();
        piece(&mut hsm, 0, bytes).unwrap();
        assert_eq!(finish(&mut hsm), refused(code));
        assert_eq!(finish(&mut hsm), refused(COMMAND_SEQUENCE));
        assert_eq!(version(&mut restart(&mut hsm)), VERSION);
    }
    // Nor does what was begun outlive the session.
    begin_update(&mut hsm, described(4, NEW)).unwrap();
    tell(&mut hsm, Command::Logout, &NOTHING).unwrap();
    login(&mut hsm).unwrap();
    assert_eq!(piece(&mut hsm, 0, NEW), refused(COMMAND_SEQUENCE));
}

/// All that two records can be, against the rules as they would be told to a person.
#[test]
fn the_order_of_slots_is_the_rule() {
    let marks = [false, true];
    let each = || {
        let numbers = (0..3u32).flat_map(|sequence| (0..3u32).map(move |version| (sequence, version)));
        let all = numbers.flat_map(|(sequence, version)| {
            marks.into_iter().flat_map(move |tried| {
                marks.map(|confirmed| Some(Standing { sequence, version, tried, confirmed }))
            })
        });
        all.chain([None])
    };
    let mut cases = 0;
    for first in each() {
        for second in each().filter(|second| first.zip(*second).is_none_or(|(a, b)| a.sequence != b.sequence))
        {
            let slots = [first, second];
            let confirmed: Vec<Standing> =
                slots.iter().flatten().copied().filter(|slot| slot.confirmed).collect();
            // Nothing below a confirmed version is started, everything else may be.
            let may = |slot: &Standing| confirmed.iter().all(|other| other.version <= slot.version);
            let mut expected: Vec<(u8, Standing)> = (0..)
                .zip(slots)
                .filter_map(|(index, slot)| Some((index, slot?)))
                .filter(|(_, slot)| may(slot))
                .collect();
            let lost = |slot: &Standing| slot.tried && !slot.confirmed;
            if let [(_, a), (_, b)] = expected[..] {
                let swap = match (lost(&a), lost(&b)) {
                    (false, false) => b.sequence > a.sequence,
                    (true, true) => b.sequence < a.sequence,
                    (a_lost, _) => a_lost,
                };
                if swap {
                    expected.reverse();
                }
            }
            let found: Vec<u8> = order(&slots).into_iter().flatten().collect();
            let expected: Vec<u8> = expected.iter().map(|(index, _)| *index).collect();
            assert_eq!(found, expected, "{slots:?}");
            cases += 1;
        }
    }
    assert!(cases > 900, "{cases}");
}

/// What happens between two starts.
type Day = fn(&mut Device) -> Result<(), Refusal>;

/// An update that confirms itself, one that does not, and its return.
const DAYS: [Day; 5] = [
    |hsm| {
        login(hsm)?;
        update(hsm, 4, NEW)
    },
    |hsm| {
        login(hsm)?;
        update(hsm, 5, NEWER)
    },
    |_| Ok(()),
    login,
    |hsm| {
        login(hsm)?;
        update(hsm, 6, IMAGE)
    },
];

/// The image of a version.
fn image_of(version: u32) -> Hash {
    measure(match version {
        4 => NEW,
        5 => NEWER,
        _ => IMAGE,
    })
}

/// Lives through the days until the power fails: the board, and the highest version that was confirmed for certain.
fn live(mut board: TestBoard) -> (TestBoard, u32) {
    let mut confirmed = VERSION;
    for day in DAYS {
        let Some(firmware) = board.boot() else { break };
        assert_eq!(firmware.measurement, image_of(firmware.version));
        let Ok(mut hsm) = Hsm::start(board.clone(), Box::new(SignWork::new())) else { break };
        hsm.board().uptime_ms = 1 << 40;
        let result = day(&mut hsm);
        let logged_in = get::<_, Status>(&mut hsm, Command::Status, &NOTHING).is_ok_and(|s| s.logged_in != 0);
        if logged_in {
            confirmed = confirmed.max(firmware.version);
        }
        board = hsm.board().clone();
        if result.is_err() {
            break;
        }
    }
    (board, confirmed)
}

#[test]
fn whenever_the_power_fails_one_image_can_be_started_and_no_version_goes_back() {
    let mut cuts = 0;
    for seed in 0..20 {
        let mut start = device();
        let mut start = start.board().clone();
        start.disk.reseed(seed);
        let (whole, confirmed) = live(start.clone());
        assert_eq!((confirmed, whole.firmware.unwrap().version), (4, 4));
        for fuse in 1.. {
            let mut board = start.clone();
            board.disk.fuse = Some(fuse);
            let (mut board, confirmed) = live(board);
            if board.disk.fuse != Some(0) {
                break;
            }
            cuts += 1;
            // The power may fail again while the loader starts the next time.
            if fuse % 2 == 0 {
                board.disk.fuse = Some(1);
                board.boot();
            }
            board.disk.restart();
            let firmware = board.boot().unwrap_or_else(|| panic!("cut {fuse}: nothing can be started"));
            assert!(firmware.version >= confirmed, "cut {fuse}: {} after {confirmed}", firmware.version);
            assert_eq!(firmware.measurement, image_of(firmware.version));
            let mut hsm = power_on(board);
            hsm.board().uptime_ms = 1 << 40;
            // And it can be updated.
            login(&mut hsm).unwrap();
            update(&mut hsm, 6, IMAGE).unwrap();
            let mut hsm = restart(&mut hsm);
            login(&mut hsm).unwrap();
            assert_eq!(version(&mut restart(&mut hsm)), 6, "cut {fuse}");
            assert!(!hsm.board().disk.overwritten);
        }
    }
    assert!(cuts > 2_000, "{cuts}");
    println!("{cuts} cuts");
}
