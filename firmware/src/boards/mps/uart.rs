//! The CMSDK's serial port ("Cortex-M System Design Kit Technical Reference Manual", section 4.3): one byte each way, no queue.

use core::fmt;

use vcell::VolatileCell;

#[repr(C)]
struct Registers {
    data: VolatileCell<u32>,
    state: VolatileCell<u32>,
    control: VolatileCell<u32>,
    interrupt: VolatileCell<u32>,
    divider: VolatileCell<u32>,
}

/// In `state`: the last byte was not sent yet; a byte was received.
const SEND_FULL: u32 = 1 << 0;
const RECEIVE_FULL: u32 = 1 << 1;

/// In `control`: send, receive, and an interrupt for each received byte. In `interrupt`: that one.
const SEND: u32 = 1 << 0;
const RECEIVE: u32 = 1 << 1;
const RECEIVE_INTERRUPT: u32 = 1 << 3;
const RECEIVED: u32 = 1 << 1;

/// A serial port.
pub struct Uart(&'static Registers);

impl Uart {
    /// The port whose registers lie there.
    pub const fn at(address: usize) -> Self {
        // SAFETY: the maps name ports that their boards have; all accesses are volatile, and nothing runs beside this code.
        Self(unsafe { &*core::ptr::with_exposed_provenance(address) })
    }

    /// Switches it on.
    pub fn enable(&self) {
        // The smallest divider, for the highest rate.
        self.0.divider.set(16);
        self.0.control.set(SEND | RECEIVE | RECEIVE_INTERRUPT);
    }

    /// A byte, if one was received.
    pub fn read(&self) -> Option<u8> {
        if self.0.state.get() & RECEIVE_FULL == 0 {
            return None;
        }
        // Before the byte is taken, so that the next one raises it again.
        self.0.interrupt.set(RECEIVED);
        Some(self.0.data.get() as u8)
    }

    /// Sends bytes.
    pub fn send(&self, bytes: &[u8]) {
        for byte in bytes {
            while self.0.state.get() & SEND_FULL != 0 {}
            self.0.data.set(u32::from(*byte));
        }
    }
}

impl fmt::Write for Uart {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.send(text.as_bytes());
        Ok(())
    }
}
