//! A device of the core in this process, and a client of the C ABI that talks to it.

use std::ffi::{CStr, c_char, c_void};
use std::mem::MaybeUninit;
use std::ptr::{from_mut, null};

use qenex_core::codec::{Encoded, encode};
use qenex_core::error::Code;
use qenex_core::hsm::channel::Device;
use qenex_core::hsm::proto::MAX_FRAME;
use qenex_ffi::client::*;
use qenex_ffi::status::{QNX_OK, qnx_status_t};
use qenex_ffi::text::{QNX_ID_SIZE, qnx_id_t};

use crate::hsm_board::TestBoard;

/// What the callback is given: a device, and what it answers instead of it.
pub struct Context {
    pub device: Device<TestBoard>,
    pub returns: qnx_status_t,
    /// Frames that came.
    pub frames: usize,
    pub forged: Option<Vec<u8>>,
}

pub unsafe extern "C" fn exchange(
    context: *mut c_void,
    frame: *const u8,
    len: usize,
    answer: *mut u8,
    capacity: usize,
    answer_len: *mut usize,
) -> qnx_status_t {
    // SAFETY: what `open` passed; the library lends frame and answer.
    unsafe {
        let context = &mut *context.cast::<Context>();
        assert_eq!(capacity, QNX_FRAME_MAX);
        context.frames += 1;
        let mut frame = std::slice::from_raw_parts(frame, len).to_vec();
        let answer = &mut *answer.cast::<[u8; MAX_FRAME]>();
        *answer_len = context.device.answer(&mut frame, answer);
        if let Some(forged) = &context.forged {
            answer[..forged.len()].copy_from_slice(forged);
            *answer_len = forged.len();
        }
        context.returns
    }
}

pub fn context(device: Device<TestBoard>) -> Box<Context> {
    Box::new(Context { device, returns: QNX_OK, frames: 0, forged: None })
}

pub fn id(text: &str) -> qnx_id_t {
    let mut id = qnx_id_t { text: [0; QNX_ID_SIZE] };
    id.text.iter_mut().zip(text.bytes()).for_each(|(slot, byte)| *slot = byte as c_char);
    id
}

pub fn text(id: &qnx_id_t) -> &str {
    // SAFETY: an identifier ends with a zero.
    unsafe { CStr::from_ptr(id.text.as_ptr()) }.to_str().unwrap()
}

pub fn code(code: Code) -> qnx_status_t {
    code.number.into()
}

pub fn zeroed<T: Copy>() -> T {
    // SAFETY: structs of C that hold numbers.
    unsafe { MaybeUninit::zeroed().assume_init() }
}

/// Opens a channel; the state is on the heap, as C would have it anywhere.
pub fn open(context: &mut Context, known: Option<&[u8; 32]>) -> Result<Box<qnx_client_t>, qnx_status_t> {
    let mut client = Box::new(zeroed::<qnx_client_t>());
    let known = known.map_or(null(), |known| known.as_ptr());
    let context = from_mut(context).cast();
    // SAFETY: all that it is given lives until the client is not used any more.
    let status = unsafe {
        qnx_client_open(&raw mut *client, Some(exchange), context, [7; 32].as_ptr(), [8; 32].as_ptr(), known)
    };
    if status == QNX_OK { Ok(client) } else { Err(status) }
}

pub fn bytes<T: Encoded>(value: &T) -> Vec<u8> {
    let mut buffer = vec![0; 4_096];
    encode(value, &mut buffer).unwrap().to_vec()
}
