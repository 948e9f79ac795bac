//! QEMU with the image and a flash, and somebody at its panel.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use defmt_decoder::{DecodeError, Table};
use tempfile::TempDir;

use crate::bench::FlashFile;
use crate::image::Image;

/// How long the emulator may take for anything: only a device that hangs takes so long.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running machine. It is switched off when it is dropped.
pub struct Emulator {
    process: Child,
    monitor: BufReader<UnixStream>,
    line: UnixStream,
    received: Arc<AtomicUsize>,
    panel: Arc<Mutex<String>>,
    log: Arc<Mutex<Vec<String>>>,
    image: Image,
    flash: FlashFile,
    sockets: TempDir,
}

impl Emulator {
    /// Switches a machine on. Somebody is there who confirms everything.
    pub fn start(flash: FlashFile) -> Result<Self> {
        let image = Image::chosen()?;
        let sockets = TempDir::new()?;
        let socket = |name: &str| format!("unix:{},server=on,wait=off", sockets.path().join(name).display());
        let machine = flash.machine;
        let process = machine
            .qemu(&flash.path, &Image::loader()?.path)
            .arg("-S")
            .args(["-serial", &socket("line"), "-serial", &socket("panel"), "-serial", &socket("log")])
            .args(["-qmp", &socket("monitor")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .context("qemu-system-arm")?;
        let connect = |name: &str| connect(&sockets.path().join(name));
        let monitor = BufReader::new(connect("monitor")?);
        let (line, panel, log) = (connect("line")?, connect("panel")?, connect("log")?);
        line.set_read_timeout(Some(Duration::from_millis(5)))?;
        let table = Table::parse(&image.elf)?.context("an image without log texts")?;
        let (shown, logged) = (Arc::default(), Arc::default());
        let person = Arc::clone(&shown);
        thread::spawn(move || watch_panel(panel, &person));
        let reader = Arc::clone(&logged);
        thread::spawn(move || read_log(log, &table, &reader));
        let mut emulator = Self {
            process,
            monitor,
            line,
            received: Arc::default(),
            panel: shown,
            log: logged,
            image,
            flash,
            sockets,
        };
        emulator.order("{\"execute\":\"qmp_capabilities\"}")?;
        emulator.order("{\"execute\":\"cont\"}")?;
        Ok(emulator)
    }

    /// Gives the monitor an order.
    fn order(&mut self, order: &str) -> Result<()> {
        self.monitor.get_mut().write_all(order.as_bytes())?;
        loop {
            let mut answer = String::new();
            self.monitor.read_line(&mut answer)?;
            if answer.contains("\"return\"") {
                return Ok(());
            }
            if answer.is_empty() || answer.contains("\"error\"") {
                bail!("the monitor says {answer:?} to {order}");
            }
        }
    }

    /// The serial line: it ends where the power fails.
    pub fn line(&self) -> Result<Line<'_>> {
        let received = Arc::clone(&self.received);
        Ok(Line { stream: self.line.try_clone()?, received, flash: &self.flash, patience: PATIENCE })
    }

    /// The flash.
    pub fn flash(&self) -> &FlashFile {
        &self.flash
    }

    /// The image.
    pub fn image(&self) -> &Image {
        &self.image
    }

    /// Waits until the panel has shown these lines: the device writes them before it answers, but they are read beside the answer.
    pub fn shows(&self, lines: &str) -> Result<()> {
        let start = Instant::now();
        loop {
            let shown = self.panel.lock().map(|text| text.clone()).unwrap_or_default();
            if shown.contains(lines) {
                return Ok(());
            }
            if start.elapsed() > PATIENCE {
                bail!("the panel does not show {lines:?} but {shown:?}");
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// What was logged so far.
    pub fn log(&self) -> Vec<String> {
        self.log.lock().map(|lines| lines.clone()).unwrap_or_default()
    }

    /// Waits for the first start of an image that logs, and says how long it took, that of the loader included: in instructions.
    pub fn started_after(&self) -> Result<u64> {
        let start = Instant::now();
        let log = loop {
            match self.log().first() {
                Some(line) => break line.clone(),
                None if start.elapsed() > PATIENCE => bail!("nothing was started"),
                None => thread::sleep(Duration::from_millis(5)),
            }
        };
        let ticks = log.strip_prefix("started after ").and_then(|rest| rest.strip_suffix(" ticks"));
        Ok(ticks.context("another line")?.parse::<u64>()? * 1_000 / self.flash.machine.ticks_per_us)
    }

    /// How long each answer so far took, by the log: in instructions.
    pub fn answers(&self) -> Vec<u64> {
        let ticks = |text: &String| {
            text.strip_suffix(" ticks")?.strip_prefix("frame ")?.rsplit_once(' ')?.1.parse::<u64>().ok()
        };
        self.log()
            .iter()
            .filter_map(ticks)
            .map(|ticks| ticks * 1_000 / self.flash.machine.ticks_per_us)
            .collect()
    }

    /// How long the answers took that `with` waits for: in instructions.
    pub fn measure<T>(&self, with: impl FnOnce() -> T) -> Result<(T, u64)> {
        let before = self.caught_up()?;
        let result = with();
        self.caught_up()?;
        Ok((result, self.answers().iter().skip(before).sum()))
    }

    /// Waits until the log tells of every answer so far, and says how many they are: the device logs before it answers, but the log is read
    /// beside the line.
    pub fn caught_up(&self) -> Result<usize> {
        let start = Instant::now();
        loop {
            let (received, logged) = (self.received.load(Ordering::SeqCst), self.answers().len());
            if logged == received {
                return Ok(logged);
            }
            if start.elapsed() > PATIENCE {
                bail!("the log tells of {logged} answers, {received} came");
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// How many bytes of the stack an image, or the loader, has used at some time.
    pub fn stack_used(&mut self, by: &Image) -> Result<u64> {
        /// What the start-up code paints the stack with.
        const PAINT: [u8; 4] = 0xcccc_ccccu32.to_le_bytes();
        let end = by.symbol("_stack_end")?;
        let size = by.symbol("_stack_start")? - end;
        let file = self.sockets.path().join("stack");
        let arguments = format!("\"val\":{end},\"size\":{size},\"filename\":\"{}\"", file.display());
        self.order(&format!("{{\"execute\":\"memsave\",\"arguments\":{{{arguments}}}}}"))?;
        let stack = std::fs::read(file)?;
        let untouched = stack.chunks(4).take_while(|word| *word == PAINT).count();
        Ok(size - 4 * untouched as u64)
    }

    /// Switches it off; the flash stays.
    pub fn stop(mut self) -> Result<FlashFile> {
        self.kill();
        let path = self.flash.path.clone();
        Ok(FlashFile::open(path)?)
    }

    fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The device's serial line.
pub struct Line<'e> {
    pub(crate) stream: UnixStream,
    /// Answers that came, by the zeros that they end with.
    pub(crate) received: Arc<AtomicUsize>,
    pub(crate) flash: &'e FlashFile,
    /// How long the device may take for an answer.
    pub(crate) patience: Duration,
}

impl Read for Line<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let start = Instant::now();
        loop {
            match self.stream.read(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Ok(read) => {
                    let ends = bytes.iter().take(read).filter(|byte| **byte == 0).count();
                    self.received.fetch_add(ends, Ordering::SeqCst);
                    return Ok(read);
                }
                Err(error) => return Err(error),
            }
            if self.flash.is_burnt()? {
                return Ok(0);
            }
            if start.elapsed() > self.patience {
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
    }
}

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// The socket appears once the emulator runs.
pub(crate) fn connect(path: &Path) -> Result<UnixStream> {
    let start = Instant::now();
    loop {
        match UnixStream::connect(path) {
            Ok(stream) => return Ok(stream),
            Err(error) if start.elapsed() > PATIENCE => {
                return Err(error).context("the emulator did not start");
            }
            Err(_) => thread::sleep(Duration::from_millis(5)),
        }
    }
}

fn watch_panel(mut panel: UnixStream, shown: &Mutex<String>) {
    let mut byte = [0];
    let mut line = String::new();
    while matches!(panel.read(&mut byte), Ok(1)) {
        line.push(char::from(byte[0]));
        if byte == *b"\n" {
            if line.starts_with("Confirm?") {
                let _ = panel.write_all(b"y");
            }
            if let Ok(mut shown) = shown.lock() {
                shown.push_str(&line);
            }
            line.clear();
        }
    }
}

fn read_log(mut port: UnixStream, table: &Table, log: &Mutex<Vec<String>>) {
    let mut decoder = table.new_stream_decoder();
    let mut bytes = [0; 256];
    while let Ok(len @ 1..) = port.read(&mut bytes) {
        decoder.received(bytes.get(..len).unwrap_or_default());
        loop {
            let text = match decoder.decode() {
                Ok(frame) => frame.display_message().to_string(),
                Err(DecodeError::Malformed) => "a broken log frame".into(),
                Err(DecodeError::UnexpectedEof) => break,
            };
            if let Ok(mut log) = log.lock() {
                log.push(text);
            }
        }
    }
}
