//! A simulated device on a socket: one host at a time, as on a serial line.

use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use qenex_core::error::Coded;
use qenex_core::hsm::board::Board;
use qenex_core::hsm::channel::{Device, kind};
use qenex_core::hsm::proto::{MAX_FRAME, VERSION};

use crate::error::DeviceError;
use crate::line::Line;

/// A socket that a device listens on. The file of one that is gone is replaced.
///
/// # Errors
/// Somebody listens there already, or the file cannot be made.
pub fn listen(socket: &Path) -> Result<UnixListener, DeviceError> {
    let failed = |error| DeviceError::File(socket.display().to_string(), error);
    match UnixListener::bind(socket) {
        Err(error)
            if error.kind() == std::io::ErrorKind::AddrInUse && UnixStream::connect(socket).is_err() =>
        {
            std::fs::remove_file(socket).map_err(failed)?;
            UnixListener::bind(socket).map_err(failed)
        }
        result => result.map_err(failed),
    }
}

/// A board that is served.
pub trait Settle: Board {
    /// Makes durable what the device has written.
    ///
    /// # Errors
    /// It cannot be.
    fn settle(&mut self) -> Result<(), DeviceError>;
}

/// Answers one host until it hangs up.
///
/// # Errors
/// The line is broken, or the file of the flash.
pub fn serve<B: Settle>(device: &mut Device<B>, stream: UnixStream) -> Result<(), DeviceError> {
    device.disconnect();
    let mut line = Line::new(stream);
    loop {
        let mut answer = [0; MAX_FRAME];
        match line.receive() {
            Ok(None) => return Ok(()),
            Ok(Some(mut frame)) => {
                let len = device.answer(&mut frame, &mut answer);
                // What is answered is durable.
                device.board().settle()?;
                line.send(answer.get(..len).unwrap_or_default())?;
            }
            Err(error @ DeviceError::Frame) => {
                let [low, high] = error.code().number.to_le_bytes();
                line.send(&[VERSION, kind::REFUSED, low, high])?;
            }
            Err(error) => return Err(error),
        }
    }
}
