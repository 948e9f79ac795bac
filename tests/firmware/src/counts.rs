//! The image in another emulator, which follows the instructions of an answer: see `counts.py`.

use std::io::{BufRead, BufReader, Write};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::bench::FlashFile;
use crate::emulator::Line;
use crate::unicorn::Unicorn;

/// How long the device may take for anything: only one that hangs takes so long.
const PATIENCE: Duration = Duration::from_secs(300);

/// The machine, and the folder of its flash.
pub struct Counts {
    machine: Unicorn,
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
        let folder = TempDir::new()?;
        let flash = FlashFile::create_the_same(folder.path())?;
        Ok(Self { machine: Unicorn::start("counts.py", flash, PATIENCE)?, _folder: folder })
    }

    /// Makes it another, fresh device, before the next frame: with this seed of the entropy and this unique secret.
    pub fn make_device(&self, entropy: &[u8; 32], unique_secret: &[u8; 32]) -> Result<()> {
        let secrets: String = entropy.iter().chain(unique_secret).map(|byte| format!("{byte:02x}")).collect();
        Ok(writeln!(&self.machine.monitor, "device {secrets}")?)
    }

    /// The serial line.
    pub fn line(&self) -> Result<Line<'_>> {
        self.machine.line()
    }

    /// What the answers to so many frames execute, which `with` waits for, and in them each call of the functions that are watched.
    pub fn follow<T>(&self, name: &str, frames: u8, with: impl FnOnce() -> T) -> Result<(T, Vec<Count>)> {
        writeln!(&self.machine.monitor, "count {frames} {name}")?;
        let result = with();
        Ok((result, self.report()?))
    }

    fn report(&self) -> Result<Vec<Count>> {
        let mut monitor = BufReader::new(&self.machine.monitor);
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
