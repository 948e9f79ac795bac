//! What a device needs over the years, through the C ABI: users that go, an audit log that is archived, backups as shares, new firmware.
#![allow(clippy::unwrap_used)] // a test that meets what it does not expect should stop there

#[allow(dead_code)] // each test uses a part of it
mod c_client;
#[allow(dead_code)]
#[path = "../../core/tests/flash_disk/mod.rs"]
mod flash_disk;
#[allow(dead_code)]
#[path = "../../core/tests/hsm_board/mod.rs"]
mod hsm_board;

use std::ffi::{CStr, c_char};
use std::ptr::null;

use c_client::{Context, code, context, id, open, zeroed};
use hsm_board::{IMAGE, TestBoard, VERSION, described, power_on, signed};
use qenex_core::error::{
    AUDIT_HEAD, BUFFER_TOO_SMALL, Code, DECODE_MALFORMED, DECODE_UNKNOWN_TAG, IMAGE_MEASUREMENT, IMAGE_PIECE,
    IMAGE_VERSION, KEY_EXISTS, NULL_POINTER, NUMBER_UNKNOWN, POINTER_OVERLAP, ROLE, SHARE_COUNT,
    SHARE_DEVICE, SHARE_FOREIGN, SHARE_KEYS, SHARE_TWICE, SHARES_TOO_FEW, USER_LAST_OFFICER, USER_UNKNOWN,
};
use qenex_core::hsm::channel::Device;
use qenex_core::hsm::image::measure;
use qenex_ffi::client::*;
use qenex_ffi::client_audit::*;
use qenex_ffi::client_backup::*;
use qenex_ffi::client_chain::*;
use qenex_ffi::client_keys::*;
use qenex_ffi::client_update::*;
use qenex_ffi::hash::qnx_hash_t;
use qenex_ffi::key::*;
use qenex_ffi::policy::qnx_bytes_t;
use qenex_ffi::status::{QNX_OK, qnx_status_t};

const PIN: &[u8] = b"everybody's pin";

/// An initialised device with a unique secret of its own, its officer and its auditor logged in, and the channel to it.
fn device(number: u8) -> (Box<Context>, Box<qnx_client_t>) {
    let mut board = TestBoard::new(number.into());
    board.unique_secret = [number; 32];
    let mut context = context(Device::new(power_on(board)));
    let mut client = open(&mut context, None).unwrap();
    let at = &raw mut *client;
    // SAFETY: valid arguments.
    unsafe {
        assert_eq!(qnx_client_pair(at), QNX_OK);
        let made = qnx_client_initialise(at, &id("HSM"), 1, &id("ALICE"), PIN.as_ptr(), PIN.len());
        assert_eq!(made, QNX_OK);
        assert_eq!(login(at, "ALICE"), QNX_OK);
        let added = qnx_client_add_user(at, &id("AUDREY"), QNX_ROLE_AUDITOR, PIN.as_ptr(), PIN.len());
        assert_eq!(added, QNX_OK);
        assert_eq!(login(at, "AUDREY"), QNX_OK);
    }
    (context, client)
}

unsafe fn login(at: *mut qnx_client_t, user: &str) -> qnx_status_t {
    // SAFETY: promised by the caller.
    unsafe { qnx_client_login(at, &id(user), PIN.as_ptr(), PIN.len()) }
}

/// A call that fills a buffer with so much room: what it wrote, or its status.
fn filled(
    room: usize,
    call: impl FnOnce(*mut u8, *mut usize) -> qnx_status_t,
) -> Result<Vec<u8>, qnx_status_t> {
    let (mut out, mut len) = (vec![0; room], room);
    match call(out.as_mut_ptr(), &raw mut len) {
        QNX_OK => {
            out.truncate(len);
            Ok(out)
        }
        status => Err(status),
    }
}

fn refused<T>(refusal: Code) -> Result<T, qnx_status_t> {
    Err(code(refusal))
}

#[test]
fn users_go() {
    let (_context, mut client) = device(1);
    let at = &raw mut *client;
    // SAFETY: valid arguments, but for those that must be refused.
    unsafe {
        assert_eq!(qnx_client_remove_user(at, null()), code(NULL_POINTER));
        assert_eq!(qnx_client_remove_user(at, &id("NOBODY")), code(USER_UNKNOWN));
        assert_eq!(qnx_client_remove_user(at, &id("ALICE")), code(USER_LAST_OFFICER));
        assert_eq!(qnx_client_remove_user(at, &id("AUDREY")), QNX_OK);
        assert_eq!(login(at, "AUDREY"), code(USER_UNKNOWN));
        assert_eq!(qnx_client_logout(at), QNX_OK);
        assert_eq!(qnx_client_remove_user(at, &id("ALICE")), code(ROLE));
    }
}

const ENTRY: qnx_audit_entry_t = qnx_audit_entry_t { bytes: [0; QNX_AUDIT_ENTRY_SIZE] };

/// Reads all that comes behind a place, and moves it.
unsafe fn read_all(at: *mut qnx_client_t, place: &mut qnx_audit_place_t) -> Vec<qnx_audit_entry_t> {
    let mut all = Vec::new();
    loop {
        let (mut entries, mut count) = ([ENTRY; QNX_AUDIT_READ_MAX], QNX_AUDIT_READ_MAX);
        // SAFETY: promised by the caller.
        let status = unsafe { qnx_client_audit_read(at, place, entries.as_mut_ptr(), &raw mut count) };
        assert_eq!(status, QNX_OK);
        if count == 0 {
            return all;
        }
        all.extend_from_slice(&entries[..count]);
    }
}

#[test]
fn the_audit_log_is_archived() {
    let (_context, mut client) = device(1);
    let at = &raw mut *client;
    // SAFETY: valid arguments, but for those that must be refused.
    unsafe {
        let mut place = zeroed::<qnx_audit_place_t>();
        let (mut one, mut count) = ([ENTRY], 1);
        let short = qnx_client_audit_read(at, &mut place, one.as_mut_ptr(), &raw mut count);
        assert_eq!((short, count, place.count), (code(BUFFER_TOO_SMALL), 5, 0));
        assert_eq!((place.hash.bytes, one[0].bytes), ([0; 32], ENTRY.bytes), "nothing else was written");

        let mut entries = read_all(at, &mut place);
        assert_eq!(entries.len(), 5);
        let mut head = zeroed::<qnx_audit_head_t>();
        assert_eq!(qnx_client_audit_head(at, [4; 32].as_ptr(), &raw mut head), QNX_OK);
        assert_eq!((place.count, place.hash.bytes), (head.count, head.hash.bytes));
        // The archive says the same, and one that was changed, cut or turned around does not.
        let follow = |entries: &[qnx_audit_entry_t]| {
            let mut place = zeroed::<qnx_audit_place_t>();
            assert_eq!(qnx_audit_follow(&raw mut place, entries.as_ptr(), entries.len()), QNX_OK);
            (place.count, place.hash.bytes)
        };
        let signed = (head.count, head.hash.bytes);
        assert_eq!(follow(&entries), signed);
        assert_ne!(follow(&entries[1..]), signed);
        entries.swap(1, 2);
        assert_ne!(follow(&entries), signed);
        entries.swap(1, 2);
        entries[4].bytes[40] ^= 1;
        assert_ne!(follow(&entries), signed);
        entries[4].bytes[40] ^= 1;

        // What people read of it.
        let mut event = zeroed::<qnx_audit_event_t>();
        let events: Vec<_> = entries
            .iter()
            .map(|entry| {
                assert_eq!(qnx_audit_entry_read(entry, &raw mut event), QNX_OK);
                let (mut name, mut len) = ([0 as c_char; QNX_COMMAND_NAME_SIZE], QNX_COMMAND_NAME_SIZE);
                assert_eq!(qnx_command_name(event.command, name.as_mut_ptr(), &raw mut len), QNX_OK);
                (CStr::from_ptr(name.as_ptr()).to_str().unwrap().to_owned(), event.refusal, event.user)
            })
            .collect();
        assert!(events.contains(&("initialise".into(), QNX_OK, QNX_AUDIT_NOBODY)), "{events:?}");
        assert!(
            events.contains(&("add-user".into(), QNX_OK, 0)) && events.contains(&("login".into(), QNX_OK, 1))
        );
        assert_eq!(qnx_audit_entry_read(&ENTRY, &raw mut event), code(DECODE_MALFORMED));
        assert_eq!(filled(40, |out, len| qnx_command_name(0, out.cast(), len)), refused(NUMBER_UNKNOWN));
        assert_eq!(filled(5, |out, len| qnx_command_name(3, out.cast(), len)), refused(BUFFER_TOO_SMALL));
        assert_eq!(qnx_audit_follow(&raw mut place, (&raw const place).cast(), 1), code(POINTER_OVERLAP));

        // Once it is taken it is gone from the device.
        let wrong = qnx_audit_place_t { hash: qnx_hash_t { bytes: [1; 32] }, ..place };
        assert_eq!(qnx_client_audit_take(at, &wrong), code(AUDIT_HEAD));
        assert_eq!(qnx_client_audit_take(at, &place), QNX_OK);
        let mut status = zeroed::<qnx_client_status_t>();
        assert_eq!(qnx_client_status(at, &raw mut status), QNX_OK);
        assert_eq!(status.audit_taken, place.count);
        let mut start = zeroed::<qnx_audit_place_t>();
        count = 1;
        let gone = qnx_client_audit_read(at, &raw mut start, one.as_mut_ptr(), &raw mut count);
        assert_eq!((gone, start.count), (code(AUDIT_HEAD), 0));
        let taken = place.count;
        assert_eq!(login(at, "AUDREY"), QNX_OK);
        let after = read_all(at, &mut place);
        assert_eq!(place.count, taken + after.len() as u64);
        assert_eq!(qnx_client_audit_head(at, [4; 32].as_ptr(), &raw mut head), QNX_OK);
        assert_eq!((place.count, place.hash.bytes), (head.count, head.hash.bytes));
    }
}

/// The hash of the first key that a device's root gives, which is made in a slot of its own.
unsafe fn first_key(at: *mut qnx_client_t) -> [u8; 32] {
    let mut info = zeroed::<qnx_key_info_t>();
    // SAFETY: promised by the caller.
    let made = unsafe {
        qnx_client_create_key(at, 0, QNX_ED25519, QNX_PURPOSE_TRANSACTION, 0, &id("KEY"), &raw mut info)
    };
    assert_eq!(made, QNX_OK);
    info.hash.bytes
}

#[test]
fn a_root_goes_through_the_hands_of_custodians() {
    let (_source, mut client) = device(1);
    let mut custodians: Vec<_> = (2..5).map(device).collect();
    let (_target, mut new) = device(9);
    let (source, target) = (&raw mut *client, &raw mut *new);
    // SAFETY: valid arguments, but for those that must be refused.
    unsafe {
        let key = |at| {
            let mut key = [0; QNX_BACKUP_KEY_SIZE];
            assert_eq!(qnx_client_backup_key(at, key.as_mut_ptr()), QNX_OK);
            key
        };
        let keys: Vec<_> = custodians.iter_mut().map(|(_, client)| key(&raw mut **client)).collect();
        let cut = |threshold, keys: &[[u8; 32]], room| {
            let keys = keys.as_flattened();
            filled(room, |out, len| {
                qnx_client_backup_shares(source, threshold, keys.as_ptr(), keys.len(), out, len)
            })
        };
        assert_eq!(cut(2, &keys, QNX_SHARES_MAX - 1), refused(BUFFER_TOO_SMALL));
        assert_eq!(cut(4, &keys, QNX_SHARES_MAX), refused(SHARE_COUNT));
        assert_eq!(cut(2, &[keys[0]; 2], QNX_SHARES_MAX), refused(SHARE_KEYS));
        let (all, other) = (cut(2, &keys, QNX_SHARES_MAX).unwrap(), cut(2, &keys, QNX_SHARES_MAX).unwrap());

        let mut said = zeroed::<qnx_shares_t>();
        assert_eq!(qnx_shares_read(all.as_ptr(), all.len(), &raw mut said), QNX_OK);
        assert_eq!((said.made, said.threshold, said.here), (3, 2, 3));
        assert_eq!(qnx_shares_read(all.as_ptr(), all.len() - 1, &raw mut said), code(DECODE_MALFORMED));
        let share = |all: &[u8], index, room| {
            filled(room, |out, len| qnx_share_at(all.as_ptr(), all.len(), index, out, len))
        };
        assert_eq!(share(&all, 3, QNX_SHARE_MAX), refused(NUMBER_UNKNOWN));
        assert_eq!(share(&all, 0, 100), refused(BUFFER_TOO_SMALL));
        let shares: Vec<_> = (0..3).map(|index| share(&all, index, QNX_SHARE_MAX).unwrap()).collect();

        let to = key(target);
        let mut pass = |custodian: usize, share: &[u8], room| {
            let at = &raw mut *custodians[custodian].1;
            filled(room, |out, len| {
                qnx_client_pass_share(at, share.as_ptr(), share.len(), to.as_ptr(), out, len)
            })
        };
        assert_eq!(pass(0, &shares[1], QNX_SHARE_MAX), refused(SHARE_DEVICE));
        assert_eq!(pass(0, &shares[0], QNX_SHARE_MAX - 1), refused(BUFFER_TOO_SMALL));
        let passed = [0, 2].map(|index| pass(index, &shares[index], QNX_SHARE_MAX).unwrap());
        let foreign = pass(0, &share(&other, 0, QNX_SHARE_MAX).unwrap(), QNX_SHARE_MAX).unwrap();
        assert_eq!(qnx_shares_read(passed[1].as_ptr(), passed[1].len(), &raw mut said), QNX_OK);
        assert_eq!((said.made, said.threshold, said.here), (3, 2, 1));

        let restore = |shares: &[&[u8]]| {
            let lent = |share: &&[u8]| qnx_bytes_t { bytes: share.as_ptr(), len: share.len() };
            let shares: Vec<_> = shares.iter().map(lent).collect();
            qnx_client_restore_shares(target, shares.as_ptr(), shares.len())
        };
        let [first, second] = [&passed[0][..], &passed[1]];
        for (shares, expected) in [
            (&[][..], SHARES_TOO_FEW),
            (&[first], SHARES_TOO_FEW),
            (&[first, first], SHARE_TWICE),
            (&[&foreign, second], SHARE_FOREIGN),
            (&[&shares[0], second], SHARE_DEVICE),
            (&[first, b"no share"], DECODE_UNKNOWN_TAG),
            (&[first; QNX_CUSTODIANS_MAX + 1], SHARE_COUNT),
        ] {
            assert_eq!(restore(shares), code(expected));
        }
        assert_eq!(restore(&[second, first]), QNX_OK);
        assert_eq!(first_key(target), first_key(source), "the root is the same");
        assert_eq!(restore(&[first, second]), code(KEY_EXISTS));
    }
}

#[test]
fn an_image_is_brought_in_parts() {
    let (mut context, mut client) = device(1);
    let at = &raw mut *client;
    let image = [7; 2_001];
    let begin = |version, image: &[u8]| {
        let manifest = signed(described(version, image));
        // SAFETY: valid arguments.
        unsafe { qnx_client_begin_update(at, manifest.as_ptr(), manifest.len()) }
    };
    let push = |offset: usize, part: &[u8]| {
        // SAFETY: valid arguments.
        unsafe { qnx_client_push_image(at, offset as u32, part.as_ptr(), part.len()) }
    };
    // SAFETY: valid arguments.
    let finish = || unsafe { qnx_client_finish_update(at) };
    assert_eq!(begin(VERSION - 1, IMAGE), code(IMAGE_VERSION));
    for (bytes, expected) in [([8; 2_001], code(IMAGE_MEASUREMENT)), (image, QNX_OK)] {
        assert_eq!(begin(VERSION + 1, &image), QNX_OK);
        let (first, rest) = bytes.split_at(1_600);
        assert_eq!(push(0, first), QNX_OK);
        assert_eq!(push(0, first), code(IMAGE_PIECE), "it has come already");
        assert_eq!(push(first.len(), &rest[..100]), code(IMAGE_PIECE), "no whole words");
        assert_eq!(push(first.len(), rest), QNX_OK);
        assert_eq!(finish(), expected);
    }
    let mut board = context.device.board().clone();
    board.disk.restart();
    let firmware = board.boot().unwrap();
    assert_eq!((firmware.version, firmware.measurement), (VERSION + 1, measure(&image)));
}
