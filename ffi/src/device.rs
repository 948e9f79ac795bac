//! The device itself, for firmware in C: the whole service behind its channel, over a board of functions.
//!
//! Firmware feeds it one frame after the other from its line and sends what it answers. All that it remembers is in the flash, and survives a
//! loss of power at any byte. It verifies what it signs, and its critical decisions withstand a skipped instruction as those of the
//! image in `firmware` do, if the firmware around it is built with the same care.

use core::ffi::c_void;

use embedded_storage::nor_flash::{ErrorType, NorFlash, NorFlashErrorKind, ReadNorFlash};
use qenex_core::crypto::{Hash, KeyHash, Scheme};
use qenex_core::hsm::board::{Board, BoardError, Firmware, Layout};
use qenex_core::hsm::channel::{Device, kind};
use qenex_core::hsm::flash::{Region, WORD};
use qenex_core::hsm::image::Vendor;
use qenex_core::hsm::proto::{MAX_FRAME, VERSION};
use qenex_core::hsm::{Hsm, SignWork};
use qenex_core::tx::Line;
use zeroize::Zeroizing;

use crate::client::QNX_FRAME_MAX;
use crate::hash::{of_core, qnx_hash_t};
use crate::key::qnx_scheme_t;
use crate::memory::{ArgumentError, Fallible, Lent, plain, status, unknown_number};
use crate::state::{real_size, state};
use crate::status::{QNX_OK, qnx_status_t};
use crate::text::{Text, qnx_id_t};
use crate::transaction::{line_to_c, qnx_line_t};

/// Bytes of a flash's page. A chip whose pages are smaller erases several; one whose pages are larger cannot be used.
pub const QNX_FLASH_PAGE: usize = 8192;
/// Bytes of a flash's word: offset and length of whatever is programmed are multiples of it. A chip whose words are smaller programs several.
pub const QNX_FLASH_WORD: usize = 16;
/// The first byte of every frame.
pub const QNX_FRAME_VERSION: u8 = 1;
/// The second byte of a frame that says in the clear why there is no other answer: two bytes follow, the status, the lower one first.
pub const QNX_FRAME_REFUSED: u8 = 0;

/// Reads `len` bytes of the flash from `offset`.
pub type qnx_flash_read_t = Option<
    unsafe extern "C" fn(context: *mut c_void, offset: u32, bytes: *mut u8, len: usize) -> qnx_status_t,
>;
/// Programs `len` bytes at `offset`, whole words that were erased. They are durable when it returns.
pub type qnx_flash_program_t = Option<
    unsafe extern "C" fn(context: *mut c_void, offset: u32, bytes: *const u8, len: usize) -> qnx_status_t,
>;
/// Erases the pages from `offset` on, `len` bytes: they read as 0xff when it returns.
pub type qnx_flash_erase_t =
    Option<unsafe extern "C" fn(context: *mut c_void, offset: u32, len: u32) -> qnx_status_t>;
/// Fills bytes from the hardware's source of entropy.
pub type qnx_entropy_t =
    Option<unsafe extern "C" fn(context: *mut c_void, bytes: *mut u8, len: usize) -> qnx_status_t>;
/// Milliseconds since the start.
pub type qnx_uptime_t = Option<unsafe extern "C" fn(context: *mut c_void) -> u64>;
/// Shows a line on the panel. It is lent until the function returns.
pub type qnx_show_t = Option<unsafe extern "C" fn(context: *mut c_void, line: *const qnx_line_t)>;
/// Waits until a person confirms what the panel shows, 1, or does not, any other number.
pub type qnx_confirm_t = Option<unsafe extern "C" fn(context: *mut c_void) -> u8>;

/// A run of pages of the flash.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_region_t {
    /// Where it starts, a multiple of QNX_FLASH_PAGE.
    pub offset: u32,
    /// How many pages it has.
    pub pages: u16,
}

/// What a device needs of its hardware. Functions return zero, or any other number where the hardware does not do it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_board_t {
    /// What every function is called with.
    pub context: *mut c_void,
    /// Of the flash.
    pub read: qnx_flash_read_t,
    /// Of the flash.
    pub program: qnx_flash_program_t,
    /// Of the flash.
    pub erase: qnx_flash_erase_t,
    /// Different bytes each time.
    pub entropy: qnx_entropy_t,
    /// The clock.
    pub uptime: qnx_uptime_t,
    /// The panel.
    pub show: qnx_show_t,
    /// The button.
    pub confirm: qnx_confirm_t,
    /// Bytes of the flash.
    pub flash_size: u32,
    /// Named records: an even number of pages.
    pub vault: qnx_region_t,
    /// The audit log: at least three pages.
    pub audit: qnx_region_t,
    /// The votes that were given: at least three pages.
    pub votes: qnx_region_t,
    /// What the slots hold: one page for each.
    pub boot: qnx_region_t,
    /// Two places for images of the firmware.
    pub slots: [qnx_region_t; 2],
    /// The board's name, as images call it.
    pub name: qnx_id_t,
    /// How images must be signed: QNX_ED25519 or QNX_P256.
    pub vendor_scheme: qnx_scheme_t,
    /// By the key with this hash.
    pub vendor: qnx_hash_t,
    /// A secret that only this one device has, and that no host can read.
    pub unique_secret: [u8; 32],
}

/// What runs, as whoever started it has measured it: the loader of `firmware/loader` leaves it in the memory that `handover.rs` describes.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_firmware_t {
    /// Its version: a lower one is not installed.
    pub version: u32,
    /// The place of its record in the order in which they were written.
    pub sequence: u32,
    /// The slot that it was started from.
    pub slot: u8,
    /// The hash of its image.
    pub measurement: qnx_hash_t,
    /// The measurement of a newer image that was given up and of which the audit log must tell; zeros if there is none.
    pub given_up: qnx_hash_t,
}

/// A device. Wipe it with `qnx_device_clear`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_device_t {
    /// Only the library reads it.
    pub opaque: [u64; 640],
}

/// Where a device keeps the request that it is asked to sign.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_sign_work_t {
    /// Only the library reads it.
    pub opaque: [u64; 5376],
}
plain!(qnx_region_t, qnx_board_t, qnx_firmware_t, qnx_sign_work_t);
state!(qnx_device_t, Device<CBoard>, 8);

/// The flash of a board.
pub(crate) struct CFlash {
    context: *mut c_void,
    read: unsafe extern "C" fn(*mut c_void, u32, *mut u8, usize) -> qnx_status_t,
    program: unsafe extern "C" fn(*mut c_void, u32, *const u8, usize) -> qnx_status_t,
    erase: unsafe extern "C" fn(*mut c_void, u32, u32) -> qnx_status_t,
    size: u32,
}

/// Zero is done.
fn done(status: qnx_status_t) -> Result<(), NorFlashErrorKind> {
    if status == QNX_OK { Ok(()) } else { Err(NorFlashErrorKind::Other) }
}

impl ErrorType for CFlash {
    type Error = NorFlashErrorKind;
}

impl ReadNorFlash for CFlash {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), NorFlashErrorKind> {
        // SAFETY: the caller of `qnx_device_init` promised that its functions can be called so.
        done(unsafe { (self.read)(self.context, offset, bytes.as_mut_ptr(), bytes.len()) })
    }

    fn capacity(&self) -> usize {
        self.size as usize
    }
}

impl NorFlash for CFlash {
    const WRITE_SIZE: usize = QNX_FLASH_WORD;
    const ERASE_SIZE: usize = QNX_FLASH_PAGE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), NorFlashErrorKind> {
        // SAFETY: the caller of `qnx_device_init` promised that its functions can be called so.
        done(unsafe { (self.erase)(self.context, from, to.wrapping_sub(from)) })
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), NorFlashErrorKind> {
        // SAFETY: the caller of `qnx_device_init` promised that its functions can be called so.
        done(unsafe { (self.program)(self.context, offset, bytes.as_ptr(), bytes.len()) })
    }
}

/// The board.
pub(crate) struct CBoard {
    flash: CFlash,
    entropy: unsafe extern "C" fn(*mut c_void, *mut u8, usize) -> qnx_status_t,
    uptime: unsafe extern "C" fn(*mut c_void) -> u64,
    show: unsafe extern "C" fn(*mut c_void, *const qnx_line_t),
    confirm: unsafe extern "C" fn(*mut c_void) -> u8,
    layout: Layout,
    firmware: Firmware,
    vendor: Vendor,
    unique_secret: Zeroizing<[u8; 32]>,
}

impl CBoard {
    fn new(board: &qnx_board_t, firmware: &qnx_firmware_t) -> Fallible<Self> {
        let null = ArgumentError::Null;
        let region = |region: &qnx_region_t| Region { start: region.offset, pages: region.pages };
        let [first, second] = &board.slots;
        if !matches!(firmware.slot, 0 | 1) {
            return Err(unknown_number().into());
        }
        let given_up = of_core(&firmware.given_up);
        Ok(Self {
            flash: CFlash {
                context: board.context,
                read: board.read.ok_or(null)?,
                program: board.program.ok_or(null)?,
                erase: board.erase.ok_or(null)?,
                size: board.flash_size,
            },
            entropy: board.entropy.ok_or(null)?,
            uptime: board.uptime.ok_or(null)?,
            show: board.show.ok_or(null)?,
            confirm: board.confirm.ok_or(null)?,
            layout: Layout {
                vault: region(&board.vault),
                audit: region(&board.audit),
                votes: region(&board.votes),
                boot: region(&board.boot),
                slots: [region(first), region(second)],
            },
            firmware: Firmware {
                version: firmware.version,
                measurement: of_core(&firmware.measurement),
                slot: firmware.slot,
                sequence: firmware.sequence,
                given_up: (given_up != Hash::default()).then_some(given_up),
            },
            vendor: Vendor {
                board: Text::read(&board.name)?,
                scheme: Scheme::from_number(board.vendor_scheme)?,
                key: KeyHash(of_core(&board.vendor)),
            },
            unique_secret: Zeroizing::new(board.unique_secret),
        })
    }
}

impl Board for CBoard {
    type Flash = CFlash;
    type SignWork = &'static mut SignWork;

    fn flash(&mut self) -> &mut CFlash {
        &mut self.flash
    }

    fn layout(&self) -> Layout {
        self.layout
    }

    fn firmware(&self) -> &Firmware {
        &self.firmware
    }

    fn vendor(&self) -> Vendor {
        self.vendor
    }

    fn unique_secret(&self) -> &[u8; 32] {
        &self.unique_secret
    }

    fn entropy(&mut self, bytes: &mut [u8]) -> Result<(), BoardError> {
        // SAFETY: the caller of `qnx_device_init` promised that its functions can be called so.
        let status = unsafe { (self.entropy)(self.flash.context, bytes.as_mut_ptr(), bytes.len()) };
        if status == QNX_OK { Ok(()) } else { Err(BoardError::Entropy) }
    }

    fn uptime_ms(&mut self) -> u64 {
        // SAFETY: the caller of `qnx_device_init` promised that its functions can be called so.
        unsafe { (self.uptime)(self.flash.context) }
    }

    fn show(&mut self, line: &Line) {
        let line = line_to_c(line);
        // SAFETY: the caller of `qnx_device_init` promised that its functions can be called so.
        unsafe { (self.show)(self.flash.context, &raw const line) };
    }

    fn confirm(&mut self) -> bool {
        // SAFETY: the caller of `qnx_device_init` promised that its functions can be called so.
        unsafe { (self.confirm)(self.flash.context) == 1 }
    }
}

/// Starts a device on a board: reads its flash, and finishes what a loss of power left unfinished. The functions of the board, their
/// context and the memory of `work` are the device's until it is cleared. What it returns instead of zero is what firmware answers every
/// frame with.
///
/// Codes: ID_SYNTAX, SCHEME_UNKNOWN, FLASH_*, ENTROPY, DECODE_*.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_device_init(
    state: *mut qnx_device_t,
    work: *mut qnx_sign_work_t,
    board: *const qnx_board_t,
    firmware: *const qnx_firmware_t,
) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let board = unsafe { lent.value(board)? };
        // SAFETY: promised by the caller.
        let board = CBoard::new(board, unsafe { lent.value(firmware)? })?;
        // SAFETY: promised by the caller.
        let work = unsafe { lent.place(work)? }.as_mut_ptr().cast::<u8>();
        // C aligns it for words; there is room to go on from there.
        let work = work.wrapping_add(work.align_offset(align_of::<SignWork>())).cast::<SignWork>();
        // SAFETY: promised by the caller.
        unsafe { lent.place(state)? };
        // SAFETY: it is long enough and aligned, and the caller leaves it to the device until that is cleared.
        let work = unsafe {
            work.write(SignWork::new());
            &mut *work
        };
        let device = Device::new(Hsm::start(board, work)?);
        // SAFETY: promised by the caller.
        unsafe { Lent::new().init(state, device) }
    })())
}

/// Answers a frame, which is overwritten. `*answer_len` is the room of `answer` before, at least QNX_FRAME_MAX, and the length after.
///
/// Codes: BUFFER_TOO_SMALL, FRAME_LENGTH.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_device_answer(
    state: *mut qnx_device_t,
    frame: *mut u8,
    len: usize,
    answer: *mut u8,
    answer_len: *mut usize,
) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let device = unsafe { lent.state(state)? };
        // SAFETY: promised by the caller.
        let frame = unsafe { lent.values_mut(frame, len)? };
        // SAFETY: promised by the caller.
        let answer = unsafe { lent.buffer(answer, answer_len)? };
        answer.fill(QNX_FRAME_MAX, |room| {
            let room = room.first_chunk_mut::<MAX_FRAME>().ok_or(ArgumentError::BufferTooSmall)?;
            Ok(device.answer(frame, room))
        })
    })())
}

/// Ends the channel and the session: the host has hung up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_device_disconnect(state: *mut qnx_device_t) -> qnx_status_t {
    status((|| {
        // SAFETY: promised by the caller.
        unsafe { Lent::new().state(state)? }.disconnect();
        Ok(())
    })())
}

/// Forgets a device and overwrites its secrets. What it keeps in the flash stays.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_device_clear(state: *mut qnx_device_t) -> qnx_status_t {
    // SAFETY: promised by the caller.
    status(unsafe { Lent::new().clear(state) })
}

/// How many bytes of a `qnx_device_t` are used.
#[unsafe(no_mangle)]
pub extern "C" fn qnx_device_size() -> usize {
    real_size::<qnx_device_t>()
}

/// How many bytes of a `qnx_sign_work_t` are used.
#[unsafe(no_mangle)]
pub extern "C" fn qnx_sign_work_size() -> usize {
    SIGN_WORK
}

/// What a request to sign takes, wherever it begins.
const SIGN_WORK: usize = size_of::<SignWork>() + align_of::<SignWork>();

const _: () = assert!(
    size_of::<qnx_sign_work_t>() >= SIGN_WORK
        && QNX_FLASH_WORD == WORD
        && QNX_FRAME_VERSION == VERSION
        && QNX_FRAME_REFUSED == kind::REFUSED
);
