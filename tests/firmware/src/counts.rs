//! The image in another emulator, which follows the instructions of an answer: see `counts.py`.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::bench::FlashFile;
use crate::emulator::{Line, connect};
use crate::image::Image;

/// How long the device may take for anything: only one that hangs takes so long.
const PATIENCE: Duration = Duration::from_secs(300);

/// The machine. It is switched off when it is dropped.
pub struct Counts {
    process: Child,
    line: UnixStream,
    monitor: UnixStream,
    flash: FlashFile,
    _folder: TempDir,
}

/// What an answer, or a call of a function in it, executed.
#[derive(Debug)]
pub struct Count {
    /// The answer's name or the function's.
    pub name: String,
    /// How many instructions.
    pub instructions: u64,
    /// A hash of which ones, in their order.
    pub digest: String,
}

impl Counts {
    /// Switches a machine on.
    pub fn start() -> Result<Self> {
        let image = Image::chosen()?;
        let folder = TempDir::new()?;
        let flash = FlashFile::create_the_same(folder.path())?;
        let (line, monitor) = (folder.path().join("line"), folder.path().join("monitor"));
        // Debian's interpreter, which has the emulator's bindings.
        let process = Command::new("/usr/bin/python3")
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("counts.py"))
            .args([&image.path, &flash.path, &line, &monitor])
            .stdin(Stdio::null())
            .spawn()
            .context("python3")?;
        let (line, monitor) = (connect(&line)?, connect(&monitor)?);
        line.set_read_timeout(Some(Duration::from_millis(5)))?;
        Ok(Self { process, line, monitor, flash, _folder: folder })
    }

    /// Makes it another, fresh device, before the next frame: with this seed of the entropy and this unique secret.
    pub fn make_device(&self, entropy: &[u8; 32], unique_secret: &[u8; 32]) -> Result<()> {
        let secrets: String = entropy.iter().chain(unique_secret).map(|byte| format!("{byte:02x}")).collect();
        Ok(writeln!(&self.monitor, "device {secrets}")?)
    }

    /// The serial line.
    pub fn line(&self) -> Result<Line<'_>> {
        Ok(Line {
            stream: self.line.try_clone()?,
            received: Arc::default(),
            flash: &self.flash,
            patience: PATIENCE,
        })
    }

    /// What the answers to so many frames execute, which `with` waits for, and in them each call of the functions that are watched.
    pub fn follow<T>(&self, name: &str, frames: u8, with: impl FnOnce() -> T) -> Result<(T, Vec<Count>)> {
        writeln!(&self.monitor, "count {frames} {name}")?;
        let result = with();
        Ok((result, self.report()?))
    }

    fn report(&self) -> Result<Vec<Count>> {
        let mut monitor = BufReader::new(&self.monitor);
        let mut counts = Vec::new();
        loop {
            let mut line = String::new();
            ensure!(monitor.read_line(&mut line)? > 0, "the emulator stopped");
            let Some((count, rest)) = line.trim_end().split_once(' ') else { return Ok(counts) };
            let (digest, name) = rest.split_once(' ').context("no name")?;
            counts.push(Count { name: name.into(), instructions: count.parse()?, digest: digest.into() });
        }
    }
}

impl Drop for Counts {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
