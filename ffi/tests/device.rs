//! A device whose board is a table of C functions, and a host that talks to it, both through the C ABI.
#![allow(clippy::unwrap_used)] // a test that meets what it does not expect should stop there

#[allow(dead_code)] // each test uses a part of it
#[path = "../../core/tests/flash_disk/mod.rs"]
mod flash_disk;
#[allow(dead_code)]
#[path = "../../core/tests/hsm_bank/mod.rs"]
mod hsm_bank;
#[allow(dead_code)]
#[path = "../../core/tests/hsm_board/mod.rs"]
mod hsm_board;
#[allow(dead_code)]
#[path = "../../core/tests/merkle_model/mod.rs"]
mod merkle_model;
#[path = "../../core/tests/policy_lists/mod.rs"]
mod policy_lists;

use std::ffi::{CStr, c_char, c_void};
use std::mem::MaybeUninit;
use std::ptr::{from_mut, null};

use hsm_bank::{policy, transaction, transfer};
use qenex_core::codec::{Encoded, encode};
use qenex_core::crypto::{Purpose, Scheme, signing_digest, verify};
use qenex_core::error::{
    BUFFER_TOO_SMALL, Code, FLASH_GEOMETRY, FLASH_IO, NOT_CONFIRMED, NULL_POINTER, NUMBER_UNKNOWN,
    STATE_UNINITIALISED,
};
use qenex_ffi::client::*;
use qenex_ffi::client_chain::*;
use qenex_ffi::client_keys::*;
use qenex_ffi::client_sign::*;
use qenex_ffi::device::*;
use qenex_ffi::hash::qnx_hash_t;
use qenex_ffi::key::*;
use qenex_ffi::light::{qnx_header_decode, qnx_header_t};
use qenex_ffi::status::{QNX_OK, qnx_status_t};
use qenex_ffi::text::{QNX_ID_SIZE, qnx_id_t};
use qenex_ffi::transaction::qnx_line_t;

/// Pages of vault, audit log, votes, boot region and of each slot.
const PAGES: [u16; 6] = [4, 3, 3, 2, 1, 1];

/// What the board's functions are called with: memory that keeps the rules of a NOR flash, a panel, a device.
struct Hardware {
    flash: Vec<u8>,
    broken: bool,
    drawn: u8,
    shown: Vec<String>,
    confirms: u8,
    device: Box<qnx_device_t>,
    work: Box<qnx_sign_work_t>,
}

unsafe fn hardware<'a>(context: *mut c_void) -> &'a mut Hardware {
    // SAFETY: what `board` and `open` passed.
    unsafe { &mut *context.cast() }
}

unsafe extern "C" fn read(context: *mut c_void, offset: u32, bytes: *mut u8, len: usize) -> qnx_status_t {
    // SAFETY: the library lends the bytes.
    unsafe {
        let hardware = hardware(context);
        bytes.copy_from(hardware.flash[offset as usize..][..len].as_ptr(), len);
        hardware.broken.into()
    }
}

unsafe extern "C" fn program(
    context: *mut c_void,
    offset: u32,
    bytes: *const u8,
    len: usize,
) -> qnx_status_t {
    assert!((offset as usize).is_multiple_of(QNX_FLASH_WORD) && len.is_multiple_of(QNX_FLASH_WORD));
    // SAFETY: the library lends the bytes.
    unsafe {
        let words = &mut hardware(context).flash[offset as usize..][..len];
        assert!(words.iter().all(|byte| *byte == 0xff), "a word is programmed once");
        words.as_mut_ptr().copy_from(bytes, len);
    }
    QNX_OK
}

unsafe extern "C" fn erase(context: *mut c_void, offset: u32, len: u32) -> qnx_status_t {
    let (offset, len) = (offset as usize, len as usize);
    assert!(offset.is_multiple_of(QNX_FLASH_PAGE) && len.is_multiple_of(QNX_FLASH_PAGE));
    // SAFETY: as above.
    unsafe { hardware(context) }.flash[offset..][..len].fill(0xff);
    QNX_OK
}

unsafe extern "C" fn entropy(context: *mut c_void, bytes: *mut u8, len: usize) -> qnx_status_t {
    // SAFETY: as above.
    unsafe {
        let drawn = &mut hardware(context).drawn;
        *drawn = drawn.wrapping_add(1);
        bytes.write_bytes(*drawn, len);
    }
    QNX_OK
}

unsafe extern "C" fn uptime(_: *mut c_void) -> u64 {
    1 << 40
}

unsafe extern "C" fn show(context: *mut c_void, line: *const qnx_line_t) {
    // SAFETY: texts that end with a zero.
    unsafe {
        let text = |text: *const c_char| CStr::from_ptr(text).to_str().unwrap();
        let line = format!("{}: {}", text((*line).label.as_ptr()), text((*line).value.as_ptr()));
        hardware(context).shown.push(line);
    }
}

unsafe extern "C" fn confirm(context: *mut c_void) -> u8 {
    // SAFETY: as above.
    unsafe { hardware(context) }.confirms
}

fn zeroed<T: Copy>() -> T {
    // SAFETY: structs of C that hold numbers and functions that may be none.
    unsafe { MaybeUninit::zeroed().assume_init() }
}

fn id(text: &str) -> qnx_id_t {
    let mut id = qnx_id_t { text: [0; QNX_ID_SIZE] };
    id.text.iter_mut().zip(text.bytes()).for_each(|(slot, byte)| *slot = byte as c_char);
    id
}

fn code(code: Code) -> qnx_status_t {
    code.number.into()
}

fn bytes<T: Encoded>(value: &T) -> Vec<u8> {
    let mut buffer = vec![0; 4_096];
    encode(value, &mut buffer).unwrap().to_vec()
}

fn new() -> Box<Hardware> {
    let pages: u16 = PAGES.iter().sum();
    Box::new(Hardware {
        flash: vec![0xff; usize::from(pages) * QNX_FLASH_PAGE],
        broken: false,
        drawn: 0,
        shown: Vec::new(),
        confirms: 1,
        device: Box::new(zeroed()),
        work: Box::new(zeroed()),
    })
}

fn board(hardware: &mut Hardware) -> qnx_board_t {
    let mut offset = 0;
    let [vault, audit, votes, boot, first, second] = PAGES.map(|pages| {
        let region = qnx_region_t { offset, pages };
        offset += u32::from(pages) * QNX_FLASH_PAGE as u32;
        region
    });
    qnx_board_t {
        flash_size: offset,
        context: from_mut(hardware).cast(),
        read: Some(read),
        program: Some(program),
        erase: Some(erase),
        entropy: Some(entropy),
        uptime: Some(uptime),
        show: Some(show),
        confirm: Some(confirm),
        vault,
        audit,
        votes,
        boot,
        slots: [first, second],
        name: id("BOARD"),
        vendor_scheme: QNX_ED25519,
        vendor: qnx_hash_t { bytes: [9; 32] },
        unique_secret: [5; 32],
    }
}

fn firmware() -> qnx_firmware_t {
    qnx_firmware_t { version: 3, sequence: 1, measurement: qnx_hash_t { bytes: [8; 32] }, ..zeroed() }
}

fn start(hardware: &mut Hardware) -> qnx_status_t {
    let board = board(hardware);
    // SAFETY: device and work stay where they are, as the hardware does.
    unsafe { qnx_device_init(&raw mut *hardware.device, &raw mut *hardware.work, &board, &firmware()) }
}

/// The device is called straight from the transport.
unsafe extern "C" fn exchange(
    context: *mut c_void,
    frame: *const u8,
    len: usize,
    answer: *mut u8,
    capacity: usize,
    answer_len: *mut usize,
) -> qnx_status_t {
    // SAFETY: what `open` passed; the library lends frame and answer.
    unsafe {
        let device = &raw mut *hardware(context).device;
        let mut frame = std::slice::from_raw_parts(frame, len).to_vec();
        *answer_len = capacity;
        qnx_device_answer(device, frame.as_mut_ptr(), len, answer, answer_len)
    }
}

fn open(hardware: &mut Hardware) -> Box<qnx_client_t> {
    let mut client = Box::new(zeroed());
    let context = from_mut(hardware).cast();
    // SAFETY: valid arguments.
    let opened = unsafe {
        qnx_client_open(&raw mut *client, Some(exchange), context, [1; 32].as_ptr(), [2; 32].as_ptr(), null())
    };
    assert_eq!(opened, QNX_OK);
    client
}

#[test]
fn a_device_of_c_functions_signs_for_a_host_in_c() {
    let mut hardware = new();
    assert_eq!(start(&mut hardware), QNX_OK);
    let mut client = open(&mut hardware);
    let at = &raw mut *client;
    let pin = b"the officer's pin";
    let (name, user, label) = (id("HSM_C"), id("ALICE"), id("TREASURY"));
    let tx = transaction(7, transfer(&[("SHOP", "50")]));
    let (rules, tx_bytes) = (bytes(&policy()), bytes(&tx));
    let mut info = zeroed::<qnx_key_info_t>();
    let (mut signature, mut len) = ([0; QNX_MAX_SIGNATURE_SIZE], QNX_MAX_SIGNATURE_SIZE);
    let header = bytes(&hsm_board::header(10));
    let mut c_header = zeroed::<qnx_header_t>();
    // SAFETY: valid arguments.
    unsafe {
        assert_eq!(qnx_header_decode(header.as_ptr(), header.len(), &raw mut c_header), QNX_OK);
        hardware.confirms = 2;
        assert_eq!(qnx_client_pair(at), code(NOT_CONFIRMED));
        hardware.confirms = 1;
        assert_eq!(qnx_client_pair(at), QNX_OK);
        assert_eq!(qnx_client_initialise(at, &name, 1, &user, pin.as_ptr(), pin.len()), QNX_OK);
        assert_eq!(qnx_client_login(at, &user, pin.as_ptr(), pin.len()), QNX_OK);
        assert_eq!(qnx_client_add_user(at, &id("OSCAR"), QNX_ROLE_OPERATOR, pin.as_ptr(), pin.len()), QNX_OK);
        assert_eq!(qnx_client_login(at, &id("OSCAR"), pin.as_ptr(), pin.len()), QNX_OK);
        let purpose = QNX_PURPOSE_TRANSACTION;
        assert_eq!(qnx_client_create_key(at, 0, QNX_ED25519, purpose, 0, &label, &raw mut info), QNX_OK);
        assert_eq!(qnx_client_set_policy(at, 0, rules.as_ptr(), rules.len()), QNX_OK);
        assert_eq!(qnx_client_anchor(at, &c_header, 1_000_000), QNX_OK);
        hardware.shown.clear();
        assert_eq!(qnx_client_begin_sign(at, 0, 0, tx_bytes.as_ptr(), tx_bytes.len()), QNX_OK);
        assert_eq!(qnx_client_sign(at, signature.as_mut_ptr(), &raw mut len), QNX_OK);
    }
    let digest = signing_digest(Scheme::Ed25519, Purpose::Transaction, &tx.id());
    verify(Scheme::Ed25519, &info.public_key[..32], &digest, &signature[..len]).unwrap();
    let shown = hardware.shown.join("\n");
    for part in ["Transfer", "50 USDC", "SHOP"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }

    // Switched off and on: what it knew is in the flash.
    // SAFETY: valid arguments.
    unsafe {
        let mut attestation = zeroed::<qnx_attestation_t>();
        assert_eq!(qnx_device_clear(&raw mut *hardware.device), QNX_OK);
        assert_eq!(hardware.device.opaque, [0; 640]);
        let mut status = zeroed::<qnx_client_status_t>();
        assert_eq!(
            qnx_client_status(at, &raw mut status),
            code(STATE_UNINITIALISED),
            "the device's own answer"
        );
        assert_eq!(start(&mut hardware), QNX_OK);
        let mut client = open(&mut hardware);
        let at = &raw mut *client;
        assert_eq!(qnx_client_attest(at, [3; 32].as_ptr(), &raw mut attestation), QNX_OK);
        assert_eq!((attestation.version, attestation.trusted.height), (3, 10));
        assert_eq!(attestation.measurement.bytes, [8; 32]);
        assert_eq!(qnx_client_login(at, &id("OSCAR"), pin.as_ptr(), pin.len()), QNX_OK);
        let (mut again, mut len) = ([0; QNX_MAX_SIGNATURE_SIZE], QNX_MAX_SIGNATURE_SIZE);
        assert_eq!(qnx_client_begin_sign(at, 0, 0, tx_bytes.as_ptr(), tx_bytes.len()), QNX_OK);
        assert_eq!(qnx_client_sign(at, again.as_mut_ptr(), &raw mut len), QNX_OK);
        assert_eq!(again, signature);
        // The host hangs up: its channel is over.
        assert_eq!(qnx_device_disconnect(&raw mut *hardware.device), QNX_OK);
        assert_ne!(qnx_client_logout(at), QNX_OK);
    }
}

/// What is changed of a board and of what runs on it.
type Change = fn(&mut qnx_board_t, &mut qnx_firmware_t);

#[test]
fn boards_that_cannot_be_right_do_not_start() {
    let cases: [(Change, Code); 10] = [
        (|board, _| board.read = None, NULL_POINTER),
        (|board, _| board.program = None, NULL_POINTER),
        (|board, _| board.erase = None, NULL_POINTER),
        (|board, _| board.entropy = None, NULL_POINTER),
        (|board, _| board.confirm = None, NULL_POINTER),
        (|_, firmware| firmware.slot = 2, NUMBER_UNKNOWN),
        (|board, _| board.vault.offset = 16, FLASH_GEOMETRY),
        (|board, _| board.vault.pages = 3, FLASH_GEOMETRY),
        (|board, _| board.votes.pages = 1_000, FLASH_GEOMETRY),
        (|board, _| board.flash_size = 4 * QNX_FLASH_PAGE as u32, FLASH_GEOMETRY),
    ];
    for (index, (change, expected)) in cases.into_iter().enumerate() {
        let mut hardware = new();
        let (mut board, mut firmware) = (board(&mut hardware), firmware());
        change(&mut board, &mut firmware);
        // SAFETY: valid arguments.
        let status =
            unsafe { qnx_device_init(&raw mut *hardware.device, &raw mut *hardware.work, &board, &firmware) };
        assert_eq!(status, code(expected), "case {index}");
        // SAFETY: a device that was never made.
        assert_eq!(unsafe { qnx_device_disconnect(&raw mut *hardware.device) }, code(STATE_UNINITIALISED));
    }
    let mut hardware = new();
    hardware.broken = true;
    assert_eq!(start(&mut hardware), code(FLASH_IO));
    let mut hardware = new();
    assert_eq!(start(&mut hardware), QNX_OK);
    let (mut frame, mut answer, mut len) = ([1, 9], [0u8; QNX_FRAME_MAX], QNX_FRAME_MAX - 1);
    let device = &raw mut *hardware.device;
    // SAFETY: valid arguments.
    unsafe {
        let mut give = |len| qnx_device_answer(device, frame.as_mut_ptr(), 2, answer.as_mut_ptr(), len);
        assert_eq!(give(&raw mut len), code(BUFFER_TOO_SMALL));
        assert_eq!(len, QNX_FRAME_MAX);
        assert_eq!(give(&raw mut len), QNX_OK);
    }
    assert_eq!((&answer[..2], len), (&[QNX_FRAME_VERSION, QNX_FRAME_REFUSED][..], 4));
    assert!(
        qnx_device_size() <= size_of::<qnx_device_t>()
            && qnx_sign_work_size() <= size_of::<qnx_sign_work_t>()
    );
    println!("device {}, request {}", qnx_device_size(), qnx_sign_work_size());
}
