//! A clock from the CMSDK's timer, which counts 32 bits down and starts again.

use core::sync::atomic::{AtomicU32, Ordering};

use vcell::VolatileCell;

use super::Map;

#[repr(C)]
struct Registers {
    control: VolatileCell<u32>,
    value: VolatileCell<u32>,
    reload: VolatileCell<u32>,
    interrupt: VolatileCell<u32>,
}

/// In `control`: count, and raise an interrupt at zero. In `interrupt`: it was raised.
const ENABLE: u32 = 1 << 0;
const INTERRUPT: u32 = 1 << 3;
const RAISED: u32 = 1 << 0;

/// How often the timer went round.
static ROUNDS: AtomicU32 = AtomicU32::new(0);

fn timer(map: &Map) -> &'static Registers {
    // SAFETY: the maps name timers that their boards have; all accesses are volatile, and nothing runs beside this code.
    unsafe { &*core::ptr::with_exposed_provenance(map.timer) }
}

/// Starts the clock. Where the loader has started it, it goes on: ticks count from there.
pub fn start(map: &Map) {
    let timer = timer(map);
    if timer.control.get() & ENABLE != 0 {
        return;
    }
    timer.reload.set(u32::MAX);
    timer.value.set(u32::MAX);
    timer.control.set(ENABLE | INTERRUPT);
}

/// Ticks since the start. Must be asked for at least once a round: the timer's interrupt ends every sleep in time.
pub fn ticks(map: &Map) -> u64 {
    let timer = timer(map);
    let before = timer.value.get();
    if timer.interrupt.get() & RAISED != 0 {
        timer.interrupt.set(RAISED);
        ROUNDS.store(ROUNDS.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        return since(timer.value.get());
    }
    since(before)
}

fn since(value: u32) -> u64 {
    u64::from(ROUNDS.load(Ordering::Relaxed)) << 32 | u64::from(!value)
}
