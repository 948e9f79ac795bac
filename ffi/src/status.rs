//! Status codes, their texts, and versions.
//!
//! Every function that can fail returns a status: zero, or a number of the one table of QENEX, which the device
//! protocol, the API and the logs use as well. Numbers never change and are never used again.

use core::ffi::c_char;

use qenex_core::error::TABLE;

/// Zero, or why a call failed.
pub type qnx_status_t = i32;

/// The call did what it says.
pub const QNX_OK: qnx_status_t = 0;

/// The number of the ABI. It grows with every change that a program built against an older header would notice.
pub const QNX_ABI_VERSION: u32 = 1;

/// The version of this header.
pub const QNX_VERSION_MAJOR: u32 = 0;
/// The version of this header.
pub const QNX_VERSION_MINOR: u32 = 1;
/// The version of this header.
pub const QNX_VERSION_PATCH: u32 = 0;

/// Whether a package has the version of the header.
pub const fn is_version(major: &str, minor: &str, patch: &str) -> bool {
    matches!(u32::from_str_radix(major, 10), Ok(QNX_VERSION_MAJOR))
        && matches!(u32::from_str_radix(minor, 10), Ok(QNX_VERSION_MINOR))
        && matches!(u32::from_str_radix(patch, 10), Ok(QNX_VERSION_PATCH))
}
const _: () = assert!(is_version(
    env!("CARGO_PKG_VERSION_MAJOR"),
    env!("CARGO_PKG_VERSION_MINOR"),
    env!("CARGO_PKG_VERSION_PATCH")
));

/// The number of the ABI that the library has: the program was built for it if this equals QNX_ABI_VERSION.
#[unsafe(no_mangle)]
pub extern "C" fn qnx_abi_version() -> u32 {
    QNX_ABI_VERSION
}

/// The version of the library, such as "0.1.0". The text stays valid for ever.
#[unsafe(no_mangle)]
pub extern "C" fn qnx_version() -> *const c_char {
    const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    VERSION.as_ptr().cast()
}

/// The name of a status as this header spells it, such as "QNX_ERR_NUM_OVERFLOW", or "QNX_ERR_UNKNOWN". The text stays valid for
/// ever.
#[unsafe(no_mangle)]
pub extern "C" fn qnx_status_name(status: qnx_status_t) -> *const c_char {
    text(status, NAME)
}

/// A sentence that says what was expected. The text stays valid for ever.
#[unsafe(no_mangle)]
pub extern "C" fn qnx_status_text(status: qnx_status_t) -> *const c_char {
    text(status, SENTENCE)
}

/// Which text of a row.
const NAME: usize = 0;
const SENTENCE: usize = 1;

const PREFIX: &str = "QNX_ERR_";
const OK: [&str; 2] = ["QNX_OK", "The call did what it says."];
const UNKNOWN: [&str; 2] = ["QNX_ERR_UNKNOWN", "This version does not know the status."];

/// Rows of all texts: success, the table, what is not in it.
const ROWS: usize = TABLE.len() + 2;
const LEN: usize = {
    let mut len = 0;
    let mut row = 0;
    while row < ROWS {
        let (prefix, texts) = texts_of(row);
        len += prefix.len() + texts[NAME].len() + texts[SENTENCE].len() + 2;
        row += 1;
    }
    len
};

const fn texts_of(row: usize) -> (&'static str, [&'static str; 2]) {
    if row == 0 {
        ("", OK)
    } else if row <= TABLE.len() {
        let code = &TABLE[row - 1];
        (PREFIX, [code.name, code.sentence])
    } else {
        ("", UNKNOWN)
    }
}

/// All texts, each with a zero byte behind it, as C wants them; and where those of each row start.
struct Texts {
    bytes: [u8; LEN],
    starts: [[u16; 2]; ROWS],
}

const fn append(texts: &mut Texts, at: usize, text: &str) -> usize {
    let text = text.as_bytes();
    let mut i = 0;
    while i < text.len() {
        texts.bytes[at + i] = text[i];
        i += 1;
    }
    at + i
}

static TEXTS: Texts = {
    let mut all = Texts { bytes: [0; LEN], starts: [[0; 2]; ROWS] };
    let mut at = 0;
    let mut row = 0;
    while row < ROWS {
        let (prefix, texts) = texts_of(row);
        all.starts[row][NAME] = at as u16;
        at = append(&mut all, at, prefix);
        at = append(&mut all, at, texts[NAME]) + 1;
        all.starts[row][SENTENCE] = at as u16;
        at = append(&mut all, at, texts[SENTENCE]) + 1;
        row += 1;
    }
    all
};
const _: () = assert!(LEN <= u16::MAX as usize);

fn text(status: qnx_status_t, which: usize) -> *const c_char {
    let row = match status {
        QNX_OK => 0,
        _ => match TABLE.iter().position(|code| qnx_status_t::from(code.number) == status) {
            Some(row) => row.wrapping_add(1),
            None => ROWS.wrapping_sub(1),
        },
    };
    let start = TEXTS.starts.get(row).and_then(|starts| starts.get(which)).copied().unwrap_or_default();
    // An address within the texts, each of which ends with a zero.
    TEXTS.bytes.as_ptr().wrapping_add(usize::from(start)).cast()
}
