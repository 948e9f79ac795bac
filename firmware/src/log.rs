//! The log: defmt frames on the board's log port, which `qenex device log --follow IMAGE` turns into text. It says how long frames were and how long
//! their answers took; never what was in them.

use defmt::{Encoder, Logger, global_logger};

use qenex_firmware::boards;

#[global_logger]
struct Log;

static mut ENCODER: Encoder = Encoder::new();

/// Encodes a part of a frame.
fn encode(with: impl FnOnce(&mut Encoder, fn(&[u8]))) {
    let encoder = &raw mut ENCODER;
    // SAFETY: no interrupt is ever taken, so nothing runs beside this; `with` does not log.
    let encoder = unsafe { &mut *encoder };
    with(encoder, boards::log);
}

// SAFETY: no interrupt is ever taken, so nothing runs beside this, and no frame is begun within another.
unsafe impl Logger for Log {
    fn acquire() {
        encode(|encoder, write| encoder.start_frame(write));
    }

    unsafe fn flush() {}

    unsafe fn release() {
        encode(|encoder, write| encoder.end_frame(write));
    }

    unsafe fn write(bytes: &[u8]) {
        encode(|encoder, write| encoder.write(bytes, write));
    }
}
