//! The loader: verifies the chosen image, brings it to its place and starts it ([`qenex_core::hsm::boot`]). It is written once, at
//! manufacture, and never changes.
//!
//! Where there is no image to start it answers every frame on the line with `IMAGE_NONE`.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use qenex_core::error::IMAGE_NONE;
use qenex_core::hsm::channel::kind;
use qenex_core::hsm::proto::VERSION;
use qenex_firmware::boards;

#[entry]
fn main() -> ! {
    let mut line = boards::load();
    let [low, high] = IMAGE_NONE.number.to_le_bytes();
    let mut answer = [0; 8];
    let encoded = cobs::try_encode(&[VERSION, kind::REFUSED, low, high], &mut answer).unwrap_or_default();
    let answer = answer.get(..=encoded).unwrap_or_default();
    let mut begun = false;
    loop {
        // A frame ends with a zero; zeros between frames are silence.
        let ended = line.receive() == 0;
        if ended && begun {
            line.send(answer);
        }
        begun = !ended;
    }
}
