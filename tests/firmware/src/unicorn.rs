//! The image in Unicorn: a script runs it between two sockets, the device's serial line and a monitor that takes orders.

use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::bench::FlashFile;
use crate::emulator::{Line, connect};
use crate::image::Image;

/// The machine. It is switched off when it is dropped.
pub struct Unicorn {
    process: Child,
    line: UnixStream,
    /// Takes orders, and says what came of them.
    pub monitor: UnixStream,
    flash: FlashFile,
    patience: Duration,
    _sockets: TempDir,
}

impl Unicorn {
    /// Switches a machine on, with a script of this folder and this flash. The device may take so long for an answer.
    pub fn start(script: &str, flash: FlashFile, patience: Duration) -> Result<Self> {
        let image = Image::chosen()?;
        let sockets = TempDir::new()?;
        let (line, monitor) = (sockets.path().join("line"), sockets.path().join("monitor"));
        // Debian's interpreter, which has the emulator's bindings.
        let process = Command::new("/usr/bin/python3")
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(script))
            .args([&image.path, &flash.path, &line, &monitor])
            .stdin(Stdio::null())
            .spawn()
            .context("python3")?;
        let (line, monitor) = (connect(&line)?, connect(&monitor)?);
        line.set_read_timeout(Some(Duration::from_millis(5)))?;
        Ok(Self { process, line, monitor, flash, patience, _sockets: sockets })
    }

    /// The serial line.
    pub fn line(&self) -> Result<Line<'_>> {
        Ok(Line {
            stream: self.line.try_clone()?,
            received: Arc::default(),
            flash: &self.flash,
            patience: self.patience,
        })
    }
}

impl Drop for Unicorn {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
