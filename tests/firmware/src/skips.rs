//! The image in another emulator, which answers a frame again and again and leaves out one instruction each time: see `board.py`.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

use crate::bench::FlashFile;
use crate::emulator::{Line, connect};
use crate::image::Image;

/// How long a campaign may take: longer than any does.
const PATIENCE: Duration = Duration::from_secs(4 * 3_600);

/// What the emulator reports where it died.
const LOST: &str = "lost";

/// The machine. It is switched off when it is dropped.
pub struct Skips {
    process: Child,
    line: UnixStream,
    monitor: BufReader<UnixStream>,
    flash: FlashFile,
    _sockets: TempDir,
}

/// What became of one skipped instruction. Answers are sealed; nothing where the device did not answer.
#[derive(Debug)]
pub struct Skip {
    /// Whether the emulator itself died of it, so that nobody knows the answers.
    pub lost: bool,
    /// Where the instruction lies.
    pub address: u64,
    /// The answer to the attacked frame.
    pub attacked: Option<Vec<u8>>,
    /// The answer to the frame after it.
    pub probe: Option<Vec<u8>>,
}

impl Skips {
    /// Switches the machine on, with a flash that was used before.
    pub fn start(flash: FlashFile) -> Result<Self> {
        let image = Image::chosen()?;
        let sockets = TempDir::new()?;
        let (line, monitor) = (sockets.path().join("line"), sockets.path().join("monitor"));
        // Debian's interpreter, which has the emulator's bindings.
        let process = Command::new("/usr/bin/python3")
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("board.py"))
            .args([&image.path, &flash.path, &line, &monitor])
            .stdin(Stdio::null())
            .spawn()
            .context("python3")?;
        let (line, monitor) = (connect(&line)?, connect(&monitor)?);
        line.set_read_timeout(Some(Duration::from_millis(5)))?;
        Ok(Self { process, line, monitor: BufReader::new(monitor), flash, _sockets: sockets })
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

    /// The next frame is attacked in the functions whose names contain one of these (`all`: in all), at every so many-th instruction; the last of
    /// so many frames after it is the probe.
    pub fn attack(&self, functions: &str, every: usize, after: usize) -> Result<()> {
        Ok(self.monitor.get_ref().write_all(format!("sample {every} {after} {functions}\n").as_bytes())?)
    }

    /// What became of each instruction.
    pub fn report(&self) -> Result<Vec<Skip>> {
        let mut monitor = BufReader::new(self.monitor.get_ref());
        let mut skips = Vec::new();
        loop {
            let mut line = String::new();
            ensure!(monitor.read_line(&mut line)? > 0, "the emulator stopped");
            let words: Vec<&str> = line.split_whitespace().collect();
            match *words {
                [] => return Ok(skips),
                [address, attacked, probe] => skips.push(Skip {
                    lost: attacked == LOST,
                    address: u64::from_str_radix(address, 16)?,
                    attacked: bytes(attacked)?,
                    probe: bytes(probe)?,
                }),
                _ => bail!("the emulator says {line:?}"),
            }
        }
    }
}

fn bytes(hex: &str) -> Result<Option<Vec<u8>>> {
    if hex == "-" || hex == LOST {
        return Ok(None);
    }
    let pairs = (0..hex.len()).step_by(2).map(|at| hex.get(at..at + 2).context("an odd number of digits"));
    pairs.map(|pair| Ok(u8::from_str_radix(pair?, 16)?)).collect::<Result<_>>().map(Some)
}

impl Drop for Skips {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
