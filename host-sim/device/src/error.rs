//! Why a device did not do what it was asked.

use std::{fmt, io};

use qenex_core::error::{
    CHANNEL_HANDSHAKE, CHANNEL_MESSAGE, Code, Coded, DEVICE_BUSY, DEVICE_FILE, DEVICE_LINE, DEVICE_STRANGER,
    FRAME_LENGTH, KEY_FILE, TABLE,
};
use qenex_core::hsm::Refusal;
use qenex_core::hsm::client::{ClientError, LinkError};

/// Why a device did not do what it was asked.
#[derive(Debug)]
pub enum DeviceError {
    /// The device refused.
    Refused(Refusal),
    /// The line to it is broken.
    Line(io::Error),
    /// The device does not answer a host that calls.
    Busy,
    /// The device is another than the one that the host knows.
    Stranger,
    /// A frame that is longer than the protocol allows, or no frame.
    Frame,
    /// The handshake did not succeed.
    Handshake,
    /// A message that the device did not seal.
    Message,
    /// A file of the simulated device or of a host.
    File(String, io::Error),
    /// A file of a host that is no key.
    Key(String),
}

impl Coded for DeviceError {
    fn code(&self) -> Code {
        match self {
            Self::Refused(Refusal(number)) => {
                // A device of a later version may know more codes.
                TABLE.iter().find(|code| code.number == *number).copied().unwrap_or(Code {
                    number: *number,
                    name: "UNKNOWN",
                    sentence: "The device gave a code that this version does not know.",
                })
            }
            Self::Line(_) => DEVICE_LINE,
            Self::Busy => DEVICE_BUSY,
            Self::Stranger => DEVICE_STRANGER,
            Self::Frame => FRAME_LENGTH,
            Self::Handshake => CHANNEL_HANDSHAKE,
            Self::Message => CHANNEL_MESSAGE,
            Self::File(..) => DEVICE_FILE,
            Self::Key(_) => KEY_FILE,
        }
    }
}

impl fmt::Display for DeviceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.code().fmt(f)?;
        match self {
            Self::Line(error) => write!(f, " {error}"),
            Self::File(path, error) => write!(f, " {path}: {error}"),
            Self::Key(path) => write!(f, " {path}: 64 hexadecimal digits were expected"),
            _ => Ok(()),
        }
    }
}

impl std::error::Error for DeviceError {}

impl From<Refusal> for DeviceError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<io::Error> for DeviceError {
    fn from(error: io::Error) -> Self {
        Self::Line(error)
    }
}

impl From<LinkError> for DeviceError {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::Stranger => Self::Stranger,
            LinkError::Frame => Self::Frame,
            LinkError::Handshake => Self::Handshake,
            LinkError::Message => Self::Message,
        }
    }
}

impl From<ClientError<Self>> for DeviceError {
    fn from(error: ClientError<Self>) -> Self {
        match error {
            ClientError::Refused(refusal) => Self::Refused(refusal),
            ClientError::Link(error) => error.into(),
            ClientError::Transport(error) => error,
        }
    }
}
