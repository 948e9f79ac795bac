//! Devices as a host sees them.
//!
//! - [`commission`]: a new device becomes a validator's.
//! - [`client`]: opens a channel to a device and gives it commands.
//! - [`host`]: a host's own key, and the device that it knows.
//! - [`image`]: manifests of firmware, and devices that are made with one.
//! - [`mod@line`]: frames on a serial line or a socket: COBS, with a zero byte behind each.
//! - [`port`]: a socket or a serial line, opened by its path.
//! - [`soft`]: the simulated device, the same service as in the firmware, with its flash in a file or in memory.
//! - [`emulated`]: the device image in QEMU.
//! - [`serve`]: puts a simulated device on a socket.
#![forbid(unsafe_code)]

pub mod client;
pub mod commission;
pub mod emulated;
pub mod error;
pub mod flash_file;
pub mod host;
pub mod image;
pub mod line;
pub mod operator;
pub mod port;
pub mod serve;
pub mod soft;

pub use client::Client;
pub use error::DeviceError;
pub use flash_file::FileFlash;
pub use host::Host;
