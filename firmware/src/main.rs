//! The device image: the device of [`qenex_core::hsm::channel`] behind a serial line.
//!
//! One frame in, one frame out, for ever. Nothing here knows of a board: see [`boards`].
#![no_std]
#![no_main]

mod frames;
mod log;

use cortex_m_rt::entry;
use qenex_core::hsm::channel::{Device, kind};
use qenex_core::hsm::proto::{MAX_FRAME, VERSION};
use qenex_core::hsm::{Hsm, Refusal};
use qenex_firmware::boards::{self, Line, Machine};
use static_cell::{ConstStaticCell, StaticCell};

use frames::Buffers;

/// The device behind its channel, or why it did not start: then that is the answer to everything.
type Service = Result<Device<Machine>, Refusal>;

#[entry]
fn main() -> ! {
    static BUFFERS: ConstStaticCell<Buffers> = ConstStaticCell::new(Buffers::new());
    let Some((mut line, service)) = start() else { sleep() };
    let Some(buffers) = BUFFERS.try_take() else { sleep() };
    loop {
        buffers.serve(&mut line, |frame, answer| respond(service, frame, answer));
    }
}

/// Starts the board and the service on it, once. The service lies in a static, not in the frame of `main`, which stays on the stack for ever.
#[inline(never)]
fn start() -> Option<(Line, &'static mut Service)> {
    static SERVICE: StaticCell<Service> = StaticCell::new();
    let (line, mut machine) = boards::start()?;
    let sign_work = machine.sign_work()?;
    let service = SERVICE.try_init_with(|| Hsm::start(machine, sign_work).map(Device::new))?;
    match &service {
        Ok(_) => defmt::info!("started after {=u64} ticks", boards::ticks()),
        Err(Refusal(code)) => defmt::error!("not started: {=u16}", *code),
    }
    Some((line, service))
}

/// Answers a frame.
fn respond(service: &mut Service, frame: &mut [u8], answer: &mut [u8; MAX_FRAME]) -> usize {
    let start = boards::ticks();
    let received = frame.len();
    let len = match service {
        Ok(device) => device.answer(frame, answer),
        Err(Refusal(code)) => {
            let [low, high] = code.to_le_bytes();
            let refused = [VERSION, kind::REFUSED, low, high];
            answer.iter_mut().zip(refused).for_each(|(slot, byte)| *slot = byte);
            refused.len()
        }
    };
    let ticks = boards::ticks().wrapping_sub(start);
    defmt::info!("frame of {=usize} bytes, answer of {=usize} after {=u64} ticks", received, len, ticks);
    len
}

/// Nothing can be done.
fn sleep() -> ! {
    loop {
        cortex_m::asm::wfi();
    }
}
