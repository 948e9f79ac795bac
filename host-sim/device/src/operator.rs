//! How an operator reaches a device: where it is, who he is.

use std::io;
use std::path::Path;

use zeroize::Zeroizing;

use crate::client::Client;
use crate::commission::log_in;
use crate::error::DeviceError;
use crate::host::Host;
use crate::port::Port;
use crate::soft::{Person, SoftBoard};

/// Where a device is, and who logs in.
#[derive(Clone, Copy, Debug)]
pub struct Operator<'a> {
    /// The folder of a simulated device, which runs in this process.
    pub soft: Option<&'a Path>,
    /// The socket or the serial line of a device: either this or the folder.
    pub at: Option<&'a Path>,
    /// The folder that pairing made.
    pub host: &'a Path,
    /// The operator.
    pub user: &'a str,
    /// The file of his PIN.
    pub pin_file: &'a Path,
}

impl Operator<'_> {
    /// Opens a channel to the device and logs in.
    ///
    /// # Errors
    /// The device is not there, is not the one that the host was paired with, or refuses; or a file cannot be read.
    pub fn connect(&self) -> Result<Client<Port>, DeviceError> {
        let host = Host::new(self.host);
        let mut client = match (self.soft, self.at) {
            (Some(folder), None) => {
                let board = SoftBoard::open(folder, Person::Absent)?;
                board.connect(&host.static_key()?, host.known_device()?.as_ref())?
            }
            (None, Some(at)) => host.connect(at)?,
            _ => {
                let error = io::Error::other("either `soft` or `at` was expected");
                return Err(DeviceError::File("the place of the device".into(), error));
            }
        };
        let pin = std::fs::read_to_string(self.pin_file).map(Zeroizing::new);
        let pin = pin.map_err(|error| DeviceError::File(self.pin_file.display().to_string(), error))?;
        log_in(&mut client, self.user, pin.trim().as_bytes())?;
        Ok(client)
    }
}
