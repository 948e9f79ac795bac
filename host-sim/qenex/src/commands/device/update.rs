//! `qenex device update` and `qenex device image`.

use std::path::Path;

use qenex_core::crypto::{Hash, Purpose};
use qenex_core::error::{INPUT_FILE, OUTPUT_FILE};
use qenex_core::hsm::image::measure;
use qenex_device::image;
use serde_json::json;

use super::session::login;
use crate::args::{Image, Session};
use crate::keys;
use crate::output::{Failure, Output};

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path)
        .map_err(|error| Failure::input(INPUT_FILE, format_args!("{}: {error}", path.display())))
}

/// Brings an image to the device.
pub fn run(session: &Session, image: &Path, manifest: &Path, output: &Output) -> Result<(), Failure> {
    let (bytes, manifest) = (read(image)?, read(manifest)?);
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
    let bytes = read(&path)?;
    let key = match key {
        Some(file) => keys::read(&file)?,
        None => keys::from_seed(&image::demonstration_seed())?,
    };
    let manifest = image::sign(&key, board, version, &bytes)?;
    std::fs::write(&out, manifest)
        .map_err(|error| Failure::input(OUTPUT_FILE, format_args!("{}: {error}", out.display())))?;
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
