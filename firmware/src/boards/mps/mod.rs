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
use cortex_m::peripheral::SCB;
use embedded_storage::nor_flash::ReadNorFlash;
use qenex_core::crypto::{Domain, hash};
use qenex_core::hsm::board::{Board, BoardError, Firmware, Layout};
use qenex_core::hsm::flash::{FlashError, Region};
use qenex_core::hsm::image::{BoardName, Vendor, measure};
use qenex_core::hsm::{SignWork, boot};
use qenex_core::tx;
use static_cell::StaticCell;

use bench::Bench;
use flash::{Flash, PAGE};
use uart::Uart;

use crate::handover::Handover;

pub use clock::ticks;

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
    /// Where an image runs: memory of its own, into which the loader copies it.
    pub image: usize,
    /// Where the loader tells the image what it is.
    pub handover: usize,
    /// Whose images it takes.
    pub vendor: Vendor,
}

/// The name of a board; a wrong one does not compile.
pub const fn name(text: &str) -> BoardName {
    match BoardName::new(text) {
        Ok(name) => name,
        Err(_) => panic!("no name"),
    }
}

const VAULT_PAGES: u16 = 16;
const AUDIT_PAGES: u16 = 8;
const VOTE_PAGES: u16 = 40;
const BOOT_PAGES: u16 = 2;
const SLOT_PAGES: u16 = 32;
/// 1,040 KB.
const PAGES: u16 = VAULT_PAGES + AUDIT_PAGES + VOTE_PAGES + BOOT_PAGES + 2 * SLOT_PAGES;

const LAYOUT: Layout = {
    const fn region(after: u16, pages: u16) -> Region {
        Region { start: (after as u32).wrapping_mul(PAGE as u32), pages }
    }
    const BOOT: u16 = VAULT_PAGES + AUDIT_PAGES + VOTE_PAGES;
    const SLOTS: u16 = BOOT + BOOT_PAGES;
    Layout {
        vault: region(0, VAULT_PAGES),
        audit: region(VAULT_PAGES, AUDIT_PAGES),
        votes: region(VAULT_PAGES + AUDIT_PAGES, VOTE_PAGES),
        boot: region(BOOT, BOOT_PAGES),
        slots: [region(SLOTS, SLOT_PAGES), region(SLOTS + SLOT_PAGES, SLOT_PAGES)],
    }
};

#[derive(Clone, Copy)]
struct Interrupt(u16);

// SAFETY: the maps name interrupts that their boards have.
unsafe impl InterruptNumber for Interrupt {
    fn number(self) -> u16 {
        self.0
    }
}

/// The part of the flash's file that only the emulator has.
fn bench(map: &Map) -> Bench {
    Bench::at(map.flash.saturating_add(usize::from(PAGES).saturating_mul(PAGE)))
}

/// Sets up what loader and image both use: the clock, which goes on when it runs already, and the line.
fn start_line(map: &'static Map) -> Line {
    interrupt::disable();
    for number in [map.line_interrupt, map.panel_interrupt, map.timer_interrupt] {
        // SAFETY: interrupts are disabled for good; this one only ends a sleep.
        unsafe { NVIC::unmask(Interrupt(number)) };
    }
    clock::start(map);
    let uart = Uart::at(map.line);
    uart.enable();
    Line { map, uart }
}

/// Sets up the hardware, once.
pub fn start(map: &'static Map) -> Option<(Line, Machine)> {
    static SIGN_WORK: StaticCell<SignWork> = StaticCell::new();
    let sign_work = SIGN_WORK.try_init_with(SignWork::new)?;
    let firmware = Handover::at(map.handover).read()?;
    let line = start_line(map);
    Uart::at(map.log).enable();
    let panel = Uart::at(map.panel);
    panel.enable();
    let bench = bench(map);
    bench.start();
    let machine = Machine {
        map,
        unique_secret: bench.unique_secret(),
        flash: Flash::at(map.flash, bench),
        bench,
        drawn: 0,
        panel,
        firmware,
        sign_work: Some(sign_work),
    };
    Some((line, machine))
}

/// Copies an image to its place, where it is measured, and starts it; or returns the line, where there is none to start.
pub fn load(map: &'static Map) -> Line {
    let line = start_line(map);
    let mut flash = Flash::at(map.flash, bench(map));
    let place = core::ptr::with_exposed_provenance_mut::<u8>(map.image);
    // SAFETY: the maps name memory that their boards have, which nothing else uses while the loader runs.
    let place = unsafe { slice::from_raw_parts_mut(place, usize::from(SLOT_PAGES).saturating_mul(PAGE)) };
    let firmware = boot::start(&mut flash, &LAYOUT, &map.vendor, |flash, slot, length| {
        let image = place.get_mut(..length as usize).ok_or(FlashError::Geometry)?;
        flash.read(slot.start, image).map_err(|_| FlashError::Io)?;
        Ok(measure(image))
    });
    if let Some(firmware) = firmware {
        Handover::at(map.handover).write(&firmware);
        // SAFETY: an image that its vendor signed begins with a vector table for this place; no interrupt is taken.
        unsafe {
            (*SCB::PTR).vtor.write(map.image as u32);
            cortex_m::asm::bootload(core::ptr::with_exposed_provenance(map.image));
        }
    }
    let mut panel = Uart::at(map.panel);
    panel.enable();
    let _ = write!(panel, "No image can be started\r\n");
    line
}

/// Sends a part of an encoded log frame.
pub fn log(map: &Map, bytes: &[u8]) {
    Uart::at(map.log).send(bytes);
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
    firmware: Firmware,
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
        LAYOUT
    }

    fn firmware(&self) -> &Firmware {
        &self.firmware
    }

    fn vendor(&self) -> Vendor {
        self.map.vendor
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
