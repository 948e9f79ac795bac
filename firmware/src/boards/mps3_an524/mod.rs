//! Arm's MPS3 with the AN524 image: one Cortex-M33 of it, emulated by QEMU. See [`super::mps`] for what is emulated of a device.

use qenex_core::hsm::image::Vendor;

use super::mps::{self, Map};

pub use super::mps::{Line, Machine};

const MAP: Map = Map {
    line: 0x5130_3000,
    line_interrupt: 32,
    panel: 0x5130_4000,
    panel_interrupt: 34,
    log: 0x5130_5000,
    timer: 0x5000_0000,
    timer_interrupt: 3,
    ticks_per_ms: 32_000,
    // Its DDR memory, at its secure address.
    flash: 0x7000_0000,
    image: 0x1001_0000,
    handover: 0x3000_0000,
    vendor: Vendor::demonstration(mps::name("MPS3-AN524")),
};

/// Sets up the hardware, once.
pub fn start() -> Option<(Line, Machine)> {
    mps::start(&MAP)
}

/// Brings an image to where it runs and starts it; or nothing can be started, and every frame on the line is told so.
pub fn load() -> Line {
    mps::load(&MAP)
}

/// Sends a part of an encoded log frame.
pub fn log(bytes: &[u8]) {
    mps::log(&MAP, bytes);
}

/// Ticks of the clock since the start.
pub fn ticks() -> u64 {
    mps::ticks(&MAP)
}
