//! A host's folder: its own key, and the key of the device that it was paired with.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use qenex_core::crypto::Hash;
use zeroize::Zeroizing;

use crate::client::Client;
use crate::error::DeviceError;
use crate::port::Port;

/// The file of a host's own static key.
const HOST_KEY: &str = "static-key";
/// The file of the key of the device that a host was paired with.
const DEVICE_KEY: &str = "device-key";

/// A host. Both of its files hold 64 hexadecimal digits.
#[derive(Clone, Debug)]
pub struct Host(PathBuf);

impl Host {
    /// The host in a folder, which need not be there yet.
    pub fn new(folder: &Path) -> Self {
        Self(folder.to_path_buf())
    }

    /// Its static key; a new one where there is none.
    ///
    /// # Errors
    /// A file cannot be read or written, or is no key.
    pub fn static_key(&self) -> Result<Zeroizing<[u8; 32]>, DeviceError> {
        let path = self.0.join(HOST_KEY);
        if let Some(key) = read(&path)? {
            return Ok(Zeroizing::new(key));
        }
        let failed = |error| DeviceError::File(path.display().to_string(), error);
        let mut key = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *key).map_err(|error| failed(std::io::Error::other(error)))?;
        std::fs::create_dir_all(&self.0).map_err(failed)?;
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(failed)?;
        writeln!(file, "{}", Zeroizing::new(Hash(*key).to_string()).as_str()).map_err(failed)?;
        Ok(key)
    }

    /// The key of the device that it knows, if it knows one.
    ///
    /// # Errors
    /// The file cannot be read, or is no key.
    pub fn known_device(&self) -> Result<Option<[u8; 32]>, DeviceError> {
        read(&self.0.join(DEVICE_KEY))
    }

    /// Knows a device from now on, and none before it.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn remember(&self, device: &[u8; 32]) -> Result<(), DeviceError> {
        let path = self.0.join(DEVICE_KEY);
        let written = std::fs::write(&path, format!("{}\n", Hash(*device)));
        written.map_err(|error| DeviceError::File(path.display().to_string(), error))
    }

    /// Opens a channel to the device at a socket or a serial line, which must be the one that the host knows.
    ///
    /// # Errors
    /// As [`Client::connect`]; or a file cannot be read, or is no key.
    pub fn connect(&self, at: &Path) -> Result<Client<Port>, DeviceError> {
        Client::connect(at, &self.static_key()?, self.known_device()?.as_ref())
    }
}

/// The key in a file; nothing where there is no file.
fn read(path: &Path) -> Result<Option<[u8; 32]>, DeviceError> {
    match std::fs::read_to_string(path).map(Zeroizing::new) {
        Ok(text) => match Hash::from_hex(text.trim()) {
            Some(Hash(key)) => Ok(Some(key)),
            None => Err(DeviceError::Key(path.display().to_string())),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(DeviceError::File(path.display().to_string(), error)),
    }
}
