//! `qenex device update` and `qenex device image`.

use std::path::Path;

use qenex_core::crypto::{Hash, Purpose};
use qenex_core::hsm::image::measure;
use qenex_device::image;
use serde_json::json;

use super::session::login;
use crate::args::{Image, Session};
use crate::files::{self, unreadable};
use crate::keys;
use crate::output::{Failure, Output};

/// What a linked file begins with (ELF, System V ABI).
const LINKED: &[u8] = b"\x7fELF";

/// Reads an image as a device runs it. A device that was given a linked file would not start.
pub fn read_image(path: &Path) -> Result<Vec<u8>, Failure> {
    let bytes = files::read(path)?;
    if bytes.starts_with(LINKED) {
        let expected =
            "the bytes of the image were expected (objcopy -O binary), not the file as it was linked";
        return Err(unreadable(path)(expected));
    }
    Ok(bytes)
}

/// Checks that a file is firmware as it was linked.
pub fn check_linked(path: &Path) -> Result<(), Failure> {
    if !files::read(path)?.starts_with(LINKED) {
        return Err(unreadable(path)("the loader was expected as it was linked"));
    }
    Ok(())
}

/// Brings an image to the device.
pub fn run(session: &Session, image: &Path, manifest: &Path, output: &Output) -> Result<(), Failure> {
    let (bytes, manifest) = (read_image(image)?, files::read(manifest)?);
    let mut client = login(session)?;
    client.update(&manifest, &bytes)?;
    let measurement = measure(&bytes);
    output.line(format_args!("{} bytes with measurement {measurement} are in the device", bytes.len()));
    output.line("its next start tries them; a login then confirms them");
    output.result(&json!({ "length": bytes.len(), "measurement": measurement.to_string() }));
    Ok(())
}

pub fn image(args: Image, output: &Output) -> Result<(), Failure> {
    let Image::Sign { key, board, version, image: path, out } = args;
    let bytes = read_image(&path)?;
    let key = match key {
        Some(file) => keys::read(&file)?,
        None => keys::from_seed(&image::demonstration_seed())?,
    };
    let manifest = image::sign(&key, board, version, &bytes)?;
    files::write(&out, manifest)?;
    let (measurement, vendor) = (measure(&bytes), key.key_hash(Purpose::Firmware));
    output.line(format_args!("version {version} for {board}, measurement {measurement}"));
    output.line(format_args!("signed by {}, whose key hash is {vendor}", Hash(key.public_key())));
    output.result(&json!({
        "board": board.as_str(),
        "version": version,
        "length": bytes.len(),
        "measurement": measurement.to_string(),
        "public_key": Hash(key.public_key()).to_string(),
        "key_hash": vendor.to_string(),
    }));
    Ok(())
}
