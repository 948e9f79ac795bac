//! What Arm's MPS boards have in common, and how the rest of a device is emulated on them.
//!
//! QEMU keeps the memory that stands for the flash in a file of the host. Its data part follows the rules of a NOR flash
//! ([`flash`]). Behind that lies a page that only the emulator has ([`bench`]): the unique secret, the seed of the entropy and a fuse
//! that cuts the power. **None of this protects anything: whoever has the file has the secrets.**
//!
//! Interrupts are never taken. They only end the processor's sleep, and the code that waits looks what happened: so nothing runs beside
//! anything else. The line is half duplex: a host waits for the response, so no byte is missed while the device computes.

mod bench;
mod clock;
mod flash;
mod uart;

use core::fmt::Write as _;
use core::slice;

use cortex_m::asm::wfi;
use cortex_m::interrupt::{self, InterruptNumber};
use cortex_m::peripheral::NVIC;
use qenex_core::crypto::{Domain, Hash, hash, hash::sha3_256};
use qenex_core::hsm::SignWork;
use qenex_core::hsm::board::{Board, BoardError, Firmware, Layout};
use qenex_core::hsm::flash::Region;
use qenex_core::tx;
use static_cell::StaticCell;

use bench::Bench;
use flash::{Flash, PAGE};
use uart::Uart;

pub use clock::ticks;

/// The version of the firmware: a lower one is not installed.
const VERSION: u32 = 1;

/// Where a board has what.
pub struct Map {
    /// UART to the host.
    pub line: usize,
    /// Its interrupt of received bytes.
    pub line_interrupt: u16,
    /// UART of the panel.
    pub panel: usize,
    /// Its interrupt of received bytes.
    pub panel_interrupt: u16,
    /// UART of the log.
    pub log: usize,
    /// CMSDK timer.
    pub timer: usize,
    /// Its interrupt.
    pub timer_interrupt: u16,
    /// How fast it counts.
    pub ticks_per_ms: u32,
    /// Memory that stands for the flash.
    pub flash: usize,
}

const VAULT_PAGES: u16 = 16;
const AUDIT_PAGES: u16 = 8;
const VOTE_PAGES: u16 = 40;
/// 512 KB.
const PAGES: u16 = VAULT_PAGES + AUDIT_PAGES + VOTE_PAGES;

#[derive(Clone, Copy)]
struct Interrupt(u16);

// SAFETY: the maps name interrupts that their boards have.
unsafe impl InterruptNumber for Interrupt {
    fn number(self) -> u16 {
        self.0
    }
}

/// Sets up the hardware, once.
pub fn start(map: &'static Map) -> Option<(Line, Machine)> {
    static SIGN_WORK: StaticCell<SignWork> = StaticCell::new();
    let sign_work = SIGN_WORK.try_init_with(SignWork::new)?;
    interrupt::disable();
    for number in [map.line_interrupt, map.panel_interrupt, map.timer_interrupt] {
        // SAFETY: interrupts are disabled for good; this one only ends a sleep.
        unsafe { NVIC::unmask(Interrupt(number)) };
    }
    clock::start(map);
    Uart::at(map.log).enable();
    let line = Uart::at(map.line);
    let panel = Uart::at(map.panel);
    line.enable();
    panel.enable();
    let bench = Bench::at(map.flash.saturating_add(usize::from(PAGES).saturating_mul(PAGE)));
    bench.start();
    let machine = Machine {
        map,
        unique_secret: bench.unique_secret(),
        flash: Flash::at(map.flash, bench),
        bench,
        drawn: 0,
        panel,
        measurement: Hash(sha3_256(image())),
        sign_work: Some(sign_work),
    };
    Some((Line { map, uart: line }, machine))
}

/// Sends a part of an encoded log frame.
pub fn log(map: &Map, bytes: &[u8]) {
    Uart::at(map.log).send(bytes);
}

/// The image in the flash, from the vector table to the initial values of variables.
fn image() -> &'static [u8] {
    unsafe extern "C" {
        static __vector_table: u8;
        static __sidata: u8;
        static __sdata: u8;
        static __edata: u8;
    }
    let start = &raw const __vector_table;
    let variables = (&raw const __edata).addr().wrapping_sub((&raw const __sdata).addr());
    let len = (&raw const __sidata).addr().wrapping_add(variables).wrapping_sub(start.addr());
    // SAFETY: the linker places all of it in the flash, one section behind the other, and nobody writes there.
    unsafe { slice::from_raw_parts(start, len) }
}

/// Sleeps until a byte arrived somewhere or the clock went round.
fn sleep(map: &Map) {
    wfi();
    // The clock counts its rounds when it is read.
    ticks(map);
    for number in [map.line_interrupt, map.panel_interrupt, map.timer_interrupt] {
        NVIC::unpend(Interrupt(number));
    }
}

/// The serial line to the host.
pub struct Line {
    map: &'static Map,
    uart: Uart,
}

impl Line {
    /// Sleeps until a byte is there.
    pub fn receive(&mut self) -> u8 {
        receive(self.map, &self.uart)
    }

    /// Sends bytes.
    pub fn send(&mut self, bytes: &[u8]) {
        self.uart.send(bytes);
    }
}

fn receive(map: &Map, uart: &Uart) -> u8 {
    loop {
        if let Some(byte) = uart.read() {
            return byte;
        }
        sleep(map);
    }
}

/// The board.
pub struct Machine {
    map: &'static Map,
    flash: Flash,
    bench: Bench,
    unique_secret: [u8; 32],
    /// How often entropy was drawn since the start.
    drawn: u32,
    panel: Uart,
    measurement: Hash,
    sign_work: Option<&'static mut SignWork>,
}

impl Machine {
    /// Where requests to sign lie, once.
    pub const fn sign_work(&mut self) -> Option<&'static mut SignWork> {
        self.sign_work.take()
    }
}

impl Board for Machine {
    type Flash = Flash;
    type SignWork = &'static mut SignWork;

    fn flash(&mut self) -> &mut Flash {
        &mut self.flash
    }

    fn layout(&self) -> Layout {
        const fn after(pages: u16) -> u32 {
            (pages as u32).wrapping_mul(PAGE as u32)
        }
        Layout {
            vault: Region { start: 0, pages: VAULT_PAGES },
            audit: Region { start: after(VAULT_PAGES), pages: AUDIT_PAGES },
            votes: Region { start: after(VAULT_PAGES + AUDIT_PAGES), pages: VOTE_PAGES },
        }
    }

    fn firmware(&self) -> Firmware {
        Firmware { version: VERSION, measurement: self.measurement }
    }

    fn unique_secret(&self) -> &[u8; 32] {
        &self.unique_secret
    }

    /// Emulated: the seed of the host's file, how often the machine was started, and a counter, hashed.
    fn entropy(&mut self, bytes: &mut [u8]) -> Result<(), BoardError> {
        for chunk in bytes.chunks_mut(32) {
            self.drawn = self.drawn.checked_add(1).ok_or(BoardError::Entropy)?;
            let (seed, starts) = (self.bench.seed(), self.bench.starts());
            let block = hash(Domain::Entropy, &[&seed, &starts.to_le_bytes(), &self.drawn.to_le_bytes()]);
            chunk.iter_mut().zip(block.0).for_each(|(slot, byte)| *slot = byte);
        }
        Ok(())
    }

    fn uptime_ms(&mut self) -> u64 {
        ticks(self.map).checked_div(self.map.ticks_per_ms.into()).unwrap_or_default()
    }

    fn show(&mut self, line: &tx::Line) {
        let _ = write!(self.panel, "{line}\r\n");
    }

    /// The button: `y` confirms, `n` does not. What was typed before the question does not count.
    fn confirm(&mut self) -> bool {
        while self.panel.read().is_some() {}
        self.panel.send(b"Confirm? y/n\r\n");
        loop {
            match receive(self.map, &self.panel) {
                b'y' => return true,
                b'n' => return false,
                _ => {}
            }
        }
    }
}
