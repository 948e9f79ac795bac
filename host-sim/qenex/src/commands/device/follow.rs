//! `qenex device log --follow`: the technical log, which a device writes to a port of its own as defmt frames.

use std::io::Read;
use std::path::Path;

use defmt_decoder::{DecodeError, StreamDecoder, Table};
use qenex_device::DeviceError;
use qenex_device::port::Port;
use serde_json::json;

use crate::files::{self, unreadable};
use crate::output::{Failure, Output};

/// Prints what comes until the device is switched off.
pub fn run(at: &Path, elf: &Path, output: &Output) -> Result<(), Failure> {
    let expected = |found: &str| unreadable(elf)(format!("firmware as it was linked was expected: {found}"));
    let bytes = files::read(elf)?;
    let table = Table::parse(&bytes).map_err(|error| expected(&error.to_string()))?;
    let table = table.ok_or_else(|| expected("no log texts"))?;
    let mut port = Port::open(at).map_err(|error| DeviceError::File(at.display().to_string(), error))?;
    let mut decoder = table.new_stream_decoder();
    let mut bytes = [0; 256];
    loop {
        let read = port.read(&mut bytes).map_err(DeviceError::Line)?;
        let Some(bytes @ [_, ..]) = bytes.get(..read) else { return Ok(()) };
        decoder.received(bytes);
        while show(decoder.as_mut(), output) {}
    }
}

/// Prints the next line of the log, if there is a whole one.
fn show(decoder: &mut dyn StreamDecoder, output: &Output) -> bool {
    let (level, text) = match decoder.decode() {
        Ok(frame) => (frame.level().map_or("", |level| level.as_str()), frame.display_message().to_string()),
        // The first one may have begun before anybody listened; or the device runs other firmware.
        Err(DecodeError::Malformed) => ("", "not understood".into()),
        Err(DecodeError::UnexpectedEof) => return false,
    };
    output.line(format_args!("{level:<5} {text}"));
    output.result(&json!({ "level": level, "text": text }));
    true
}
