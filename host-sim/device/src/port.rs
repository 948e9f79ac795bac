//! Where a device is reached: a socket, or a serial line with [`BAUD`] baud, eight bits, no parity, one stop bit.

use std::fs::{File, OpenOptions};
use std::io::{Read, Result, Write};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use rustix::termios::{OptionalActions, QueueSelector, ioctl_tiocexcl, tcflush, tcgetattr, tcsetattr};

/// The speed of a serial line.
pub const BAUD: u32 = 115_200;
/// Longer than a device takes to refuse the frame that an earlier host left unfinished.
const SILENCE: Duration = Duration::from_millis(50);

/// An open port.
#[derive(Debug)]
pub enum Port {
    /// A socket.
    Socket(UnixStream),
    /// A serial line, this process's alone.
    Serial(File),
}

impl Port {
    /// Opens what lies at a path.
    ///
    /// # Errors
    /// Nobody listens there, or somebody else has the line.
    pub fn open(path: &Path) -> Result<Self> {
        if !std::fs::metadata(path)?.file_type().is_char_device() {
            return UnixStream::connect(path).map(Self::Socket);
        }
        let mut line = OpenOptions::new().read(true).write(true).open(path)?;
        ioctl_tiocexcl(&line)?;
        let mut settings = tcgetattr(&line)?;
        settings.make_raw();
        settings.set_speed(BAUD)?;
        tcsetattr(&line, OptionalActions::Flush, &settings)?;
        // An earlier host may have left half a frame: a zero ends it, and what the device says to it is nobody's answer.
        line.write_all(&[0])?;
        std::thread::sleep(SILENCE);
        tcflush(&line, QueueSelector::IFlush)?;
        Ok(Self::Serial(line))
    }

    /// Lets the other side know that nothing more comes, as far as a line can say so.
    pub fn hang_up(self) {
        if let Self::Socket(stream) = self {
            // One that has gone away knows it.
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
    }
}

impl Read for Port {
    fn read(&mut self, bytes: &mut [u8]) -> Result<usize> {
        match self {
            Self::Socket(stream) => stream.read(bytes),
            Self::Serial(line) => line.read(bytes),
        }
    }
}

impl Write for Port {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        match self {
            Self::Socket(stream) => stream.write(bytes),
            Self::Serial(line) => line.write(bytes),
        }
    }

    fn flush(&mut self) -> Result<()> {
        match self {
            Self::Socket(stream) => stream.flush(),
            Self::Serial(line) => line.flush(),
        }
    }
}
