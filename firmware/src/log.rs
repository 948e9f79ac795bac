//! The log: defmt frames on the board's log port, which `defmt-print -e IMAGE` turns into text. It says how long frames were and how long
//! their answers took; never what was in them.

use core::sync::atomic::{AtomicBool, Ordering};

use defmt::{Encoder, Logger, global_logger};

use crate::boards;

#[global_logger]
struct Log;

static mut ENCODER: Encoder = Encoder::new();
static ACQUIRED: AtomicBool = AtomicBool::new(false);

/// Encodes a part of a frame.
fn encode(with: impl FnOnce(&mut Encoder, fn(&[u8]))) {
    // SAFETY: no interrupt is ever taken, so nothing runs beside this; `with` does not log.
    let encoder = unsafe { &mut *&raw mut ENCODER };
    with(encoder, boards::log);
}

// SAFETY: no interrupt is ever taken, so nothing runs beside this. A frame within a frame is left out.
unsafe impl Logger for Log {
    fn acquire() {
        ACQUIRED.store(true, Ordering::Relaxed);
        encode(|encoder, write| encoder.start_frame(write));
    }

    unsafe fn flush() {}

    unsafe fn release() {
        encode(|encoder, write| encoder.end_frame(write));
        ACQUIRED.store(false, Ordering::Relaxed);
    }

    unsafe fn write(bytes: &[u8]) {
        encode(|encoder, write| encoder.write(bytes, write));
    }
}
