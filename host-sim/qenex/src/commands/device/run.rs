//! `qenex device run`: a device in this process, or the firmware image in QEMU.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use qenex_core::error::{ARGUMENT, INPUT_FILE};
use qenex_device::emulated::Machine;
use qenex_device::soft::{Person, SoftBoard};
use qenex_device::{DeviceError, serve};
use serde_json::json;

use super::nonce;
use super::update::{check_linked, read_image};
use crate::args::Panel;
use crate::files::unwritable;
use crate::output::{Failure, Output};

/// How long the panel of a device that starts may be missing.
const PATIENCE: Duration = Duration::from_secs(10);

/// The service in this process.
pub fn soft(dir: &Path, socket: &Path, panel: Panel, output: &Output) -> Result<(), Failure> {
    let person = match panel {
        Panel::Ask => Person::Asked,
        Panel::Confirm => Person::Confirms,
        Panel::Absent => Person::Absent,
    };
    let mut device = SoftBoard::open(dir, person)?.start()?;
    let listener = serve::listen(socket)?;
    started(dir, socket, output);
    for stream in listener.incoming() {
        // A host that breaks off does not stop the device.
        if let Err(error) = serve::serve(&mut device, stream.map_err(DeviceError::Line)?) {
            output.line(format_args!("a host broke off: {error}"));
        }
    }
    Ok(())
}

fn started(dir: &Path, socket: &Path, output: &Output) {
    output.line(format_args!("device in {}, listening on {}", dir.display(), socket.display()));
    output.result(&json!({ "socket": socket.display().to_string() }));
}

/// The firmware image: this process becomes QEMU. A new device needs an image and a loader.
pub fn emulated(
    dir: &Path,
    socket: &Path,
    panel: Panel,
    machine: &str,
    new: Option<(&Path, &Path)>,
    output: &Output,
) -> Result<(), Failure> {
    let machine =
        Machine::named(machine).ok_or_else(|| Failure::input(ARGUMENT, "--machine: no such board"))?;
    let (flash, loader) = (dir.join("emulated-flash"), dir.join("loader"));
    match new {
        Some((image, source)) if !flash.exists() => {
            let image = read_image(image)?;
            check_linked(source)?;
            std::fs::create_dir_all(dir).map_err(unwritable(dir))?;
            std::fs::copy(source, &loader).map_err(unwritable(&loader))?;
            machine.make(&flash, &image, &nonce()?, &nonce()?)?;
        }
        Some(_) => {
            let text = format_args!(
                "{}: there is a device already; another image comes with `device update`",
                dir.display()
            );
            return Err(Failure::input(ARGUMENT, text));
        }
        None if flash.exists() => {}
        None => {
            let text =
                "--image and --loader: those of a new device were expected (firmware/README.md), or --soft";
            return Err(Failure::input(ARGUMENT, text));
        }
    }
    let listen = |name: &Path| format!("unix:{},server=on,wait=off", name.display());
    let mut qemu = machine.qemu(&flash, &loader);
    qemu.args(["-serial", &listen(socket)]);
    let place = dir.join("panel");
    match panel {
        Panel::Ask => qemu.args(["-chardev", "stdio,id=panel", "-serial", "chardev:panel"]),
        Panel::Confirm | Panel::Absent => {
            // A panel of before would be taken for this one's.
            let _ = std::fs::remove_file(&place);
            let answer = if matches!(panel, Panel::Confirm) { "confirm" } else { "absent" };
            let person = std::env::current_exe().map_err(DeviceError::Line)?;
            let person =
                Command::new(person).args(["device", "panel", "--panel", answer, "--at"]).arg(&place).spawn();
            person.map_err(DeviceError::Line)?;
            qemu.args(["-serial", &listen(&place)])
        }
    };
    qemu.args(["-serial", &listen(&dir.join("log"))]);
    started(dir, socket, output);
    let error = qemu.exec();
    let text = format_args!("qemu-system-arm: {error}; Debian has it in the package of this name");
    Err(Failure::input(INPUT_FILE, text))
}

/// Shows a panel, and answers its questions.
pub fn panel(at: &Path, panel: Panel) -> Result<(), Failure> {
    let failed = |error| DeviceError::File(at.display().to_string(), error);
    let start = Instant::now();
    let mut stream = loop {
        match UnixStream::connect(at) {
            Ok(stream) => break stream,
            Err(error) if start.elapsed() > PATIENCE => return Err(failed(error).into()),
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    let mut lines = BufReader::new(stream.try_clone().map_err(failed)?);
    let mut line = Vec::new();
    while lines.by_ref().take(1_024).read_until(b'\n', &mut line).is_ok_and(|len| len > 0) {
        let text = String::from_utf8_lossy(&line);
        println!("  | {}", text.trim_end());
        if text.starts_with("Confirm?") {
            let mut answer = String::from(if matches!(panel, Panel::Absent) { "n" } else { "y" });
            if matches!(panel, Panel::Ask) {
                answer.clear();
                std::io::stdin().read_line(&mut answer).map_err(DeviceError::Line)?;
            }
            let yes = answer.trim().eq_ignore_ascii_case("y");
            stream.write_all(if yes { b"y" } else { b"n" }).map_err(failed)?;
        }
        line.clear();
    }
    Ok(())
}
