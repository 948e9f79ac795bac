//! The device image: the service of [`qenex_core::hsm`] behind a serial line.
//!
//! One frame in, one frame out, for ever. Nothing here knows of a board: see [`boards`]. A panic that can be reached does not link.
#![no_std]
#![no_main]

mod boards;
mod frames;
mod log;

use core::panic::PanicInfo;

use cortex_m_rt::entry;
use qenex_core::error::FRAME_LENGTH;
use qenex_core::hsm::{Hsm, Refusal};
use static_cell::ConstStaticCell;

use boards::Machine;
use frames::Buffers;

/// The service, or why it did not start: then that is the answer to everything.
type Service = Result<Hsm<Machine>, Refusal>;

#[entry]
fn main() -> ! {
    static BUFFERS: ConstStaticCell<Buffers> = ConstStaticCell::new(Buffers::new());
    let started = boards::start().zip(BUFFERS.try_take());
    let Some(((mut line, mut machine), buffers)) = started else { sleep() };
    let Some(sign_work) = machine.sign_work() else { sleep() };
    let mut service = Hsm::start(machine, sign_work);
    match &service {
        Ok(_) => defmt::info!("started after {=u64} ticks", boards::ticks()),
        Err(Refusal(code)) => defmt::error!("not started: {=u16}", *code),
    }
    loop {
        buffers.serve(
            &mut line,
            |request, response| answer(&mut service, request, response),
            |response| {
                defmt::warn!("broken frame");
                refuse(Refusal(FRAME_LENGTH.number), response)
            },
        );
    }
}

/// Answers a frame.
fn answer(service: &mut Service, request: &mut [u8], response: &mut [u8]) -> usize {
    let command = request.first().copied().unwrap_or_default();
    let start = boards::ticks();
    let len = match service {
        Ok(hsm) => hsm.handle(request, response),
        Err(refusal) => refuse(*refusal, response),
    };
    let code = response.first_chunk().map_or(0, |code| u16::from_le_bytes(*code));
    let ticks = boards::ticks().wrapping_sub(start);
    defmt::info!("command {=u8}: {=u16} after {=u64} ticks", command, code, ticks);
    len
}

/// A response that is a refusal.
fn refuse(Refusal(code): Refusal, response: &mut [u8]) -> usize {
    response.first_chunk_mut().map_or(0, |slot| {
        *slot = code.to_le_bytes();
        slot.len()
    })
}

/// Nothing can be done.
fn sleep() -> ! {
    loop {
        cortex_m::asm::wfi();
    }
}

/// Calls what does not exist: an image in which a panic can be reached does not link.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    unsafe extern "C" {
        fn a_panic_can_be_reached() -> !;
    }
    // SAFETY: it is never linked, so it is never called.
    unsafe { a_panic_can_be_reached() }
}
