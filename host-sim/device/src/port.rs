//! Where a device is reached: a socket, or a serial line with [`BAUD`] baud, eight bits, no parity, one stop bit.
//!
//! Whoever calls a socket while the device serves another host is connected all the same, and hears nothing.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Result, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{OptionalActions, QueueSelector, ioctl_tiocexcl, tcflush, tcgetattr, tcsetattr};

/// The speed of a serial line.
pub const BAUD: u32 = 115_200;
/// Longer than a device takes to refuse the frame that an earlier host left unfinished.
const SILENCE: Duration = Duration::from_millis(50);

/// An open port.
#[derive(Debug)]
pub struct Port {
    stream: Stream,
    patience: Option<Duration>,
}

#[derive(Debug)]
enum Stream {
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
            return UnixStream::connect(path).map(Self::from);
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
        Ok(Stream::Serial(line).into())
    }

    /// How long each read waits for something to come; for ever, if nothing is said.
    pub const fn wait(&mut self, patience: Option<Duration>) {
        self.patience = patience;
    }

    /// Lets the other side know that nothing more comes, as far as a line can say so.
    pub fn hang_up(self) {
        if let Stream::Socket(stream) = self.stream {
            // One that has gone away knows it.
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
    }
}

impl From<UnixStream> for Port {
    fn from(socket: UnixStream) -> Self {
        Stream::Socket(socket).into()
    }
}

impl From<Stream> for Port {
    fn from(stream: Stream) -> Self {
        Self { stream, patience: None }
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Socket(stream) => stream.as_fd(),
            Self::Serial(line) => line.as_fd(),
        }
    }
}

impl Read for Port {
    fn read(&mut self, bytes: &mut [u8]) -> Result<usize> {
        if let Some(patience) = self.patience {
            let patience = Timespec::try_from(patience).map_err(std::io::Error::other)?;
            if poll(&mut [PollFd::new(&self.stream, PollFlags::IN)], Some(&patience))? == 0 {
                return Err(ErrorKind::TimedOut.into());
            }
        }
        match &mut self.stream {
            Stream::Socket(stream) => stream.read(bytes),
            Stream::Serial(line) => line.read(bytes),
        }
    }
}

impl Write for Port {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        match &mut self.stream {
            Stream::Socket(stream) => stream.write(bytes),
            Stream::Serial(line) => line.write(bytes),
        }
    }

    fn flush(&mut self) -> Result<()> {
        match &mut self.stream {
            Stream::Socket(stream) => stream.flush(),
            Stream::Serial(line) => line.flush(),
        }
    }
}
