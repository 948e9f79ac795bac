//! The image in another emulator, which answers a frame again and again and leaves out one instruction each time: see `board.py`.

use std::io::{BufRead, BufReader, Write};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::bench::FlashFile;
use crate::emulator::Line;
use crate::unicorn::Unicorn;

/// How long a campaign may take: longer than any does.
const PATIENCE: Duration = Duration::from_secs(4 * 3_600);

/// What the emulator reports where it died.
const LOST: &str = "lost";

/// The machine.
pub struct Skips(Unicorn);

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
        Ok(Self(Unicorn::start("board.py", flash, PATIENCE)?))
    }

    /// The serial line.
    pub fn line(&self) -> Result<Line<'_>> {
        self.0.line()
    }

    /// The next frame is attacked in the functions whose names contain one of these (`all`: in all), at every so many-th instruction; the last of
    /// so many frames after it is the probe.
    pub fn attack(&self, functions: &str, every: usize, after: usize) -> Result<()> {
        Ok((&self.0.monitor).write_all(format!("sample {every} {after} {functions}\n").as_bytes())?)
    }

    /// What became of each instruction.
    pub fn report(&self) -> Result<Vec<Skip>> {
        let mut monitor = BufReader::new(&self.0.monitor);
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
