//! Backups as shares: `qenex device backup --threshold`, `share`, and `restore` with shares.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use qenex_core::crypto::Hash;
use qenex_core::error::{
    Coded, DECODE_MALFORMED, SHARE_DEVICE, SHARE_FOREIGN, SHARE_TWICE, SHARE_WRONG, SHARES_TOO_FEW,
};
use qenex_core::hsm::proto::{Command, Custodians, PassShare};
use qenex_core::hsm::shares::{Manifest, SHARE_BYTES};
use qenex_device::DeviceError;
use serde_json::json;

use super::Client;
use super::backup::parse_key;
use super::session::login;
use crate::args::Session;
use crate::files::{self, unwritable};
use crate::output::{Failure, Output};

/// Cuts the root of a device, and writes a file for each custodian into a folder.
pub fn make(
    session: &Session,
    to: &[Hash],
    threshold: u8,
    folder: &Path,
    output: &Output,
) -> Result<(), Failure> {
    let files: Vec<PathBuf> = (1..=to.len()).map(|number| folder.join(format!("share-{number}"))).collect();
    files.iter().try_for_each(|file| must_be_new(file))?;
    std::fs::create_dir_all(folder).map_err(unwritable(folder))?;
    let keys: Vec<[u8; 32]> = to.iter().map(|key| key.0).collect();
    let request = Custodians { threshold, public_keys: keys.as_flattened() };
    let answer = login(session)?.ask(Command::BackupShares, &request)?;
    let (manifest, shares) = Manifest::read(&answer).map_err(|_| DeviceError::Message)?;
    let mut list = Vec::new();
    for (((number, key), file), share) in (1..).zip(to).zip(&files).zip(shares) {
        write_new(file, &[manifest.bytes, share].concat())?;
        output.line(format_args!("share {number}: sealed to {key}, written to {}", file.display()));
        list.push(json!({ "number": number, "to": key.to_string(), "file": file.display().to_string() }));
    }
    output.line(format_args!("{threshold} of the {} shares restore the root", list.len()));
    output.result(&json!({ "threshold": threshold, "manifest": manifest.id().to_string(), "shares": list }));
    Ok(())
}

/// Lets a custodian's device check its share and seal it to another device.
pub fn pass(session: &Session, to: &str, file: &Path, out: &Path, output: &Output) -> Result<(), Failure> {
    let to = parse_key(to)?;
    let bytes = files::read(file)?;
    let (manifest, shares) = parse(file, &bytes)?;
    let [[number, ..]] = shares else {
        return Err(Failure::input(
            DECODE_MALFORMED,
            format_args!("{}: one share was expected", file.display()),
        ));
    };
    must_be_new(out)?;
    let passed = login(session)?.ask(Command::PassShare, &PassShare { to: to.0, share: &bytes })?;
    write_new(out, &passed)?;
    let count = manifest.hashes.len();
    output.line(format_args!(
        "share {number} of {count} is good; sealed to {to}, written to {}",
        out.display()
    ));
    output.result(&json!({ "number": number, "to": to.to_string(), "file": out.display().to_string() }));
    Ok(())
}

/// Restores the root that the shares in these files give.
pub fn restore(client: &mut Client, files: &[(&Path, &[u8])]) -> Result<(), Failure> {
    let mut read = Vec::new();
    for (file, bytes) in files {
        let (manifest, shares) = parse(file, bytes)?;
        read.push((*file, manifest, shares));
    }
    let Some((first, manifest, _)) = read.first() else { return Ok(()) };
    let mut numbers = BTreeMap::new();
    for (file, other, shares) in &read {
        if other != manifest {
            let text = format!("{} is not of the same backup as {}", file.display(), first.display());
            return Err(Failure::refused(SHARE_FOREIGN, text));
        }
        for [number, ..] in *shares {
            if let Some(before) = numbers.insert(*number, *file) {
                let text = format!("share {number} is in {} and in {}", before.display(), file.display());
                return Err(Failure::refused(SHARE_TWICE, text));
            }
        }
    }
    let (count, threshold) = (numbers.len(), manifest.threshold);
    if count < usize::from(threshold) {
        let missing = (1..).take(manifest.hashes.len()).filter(|number| !numbers.contains_key(number));
        let missing = missing.map(|number| number.to_string()).collect::<Vec<_>>().join(", ");
        let text =
            format!("{count} of the {threshold} that it takes; missing are some of the numbers {missing}");
        return Err(Failure::refused(SHARES_TOO_FEW, text));
    }
    let all: Vec<_> = files.iter().map(|(_, bytes)| *bytes).collect();
    let Err(refused) = client.restore_shares(&all) else { return Ok(()) };
    // What is wrong with all may be wrong with one of them. A good share alone is too few, and nothing more.
    let code = refused.code();
    if [SHARE_DEVICE, SHARE_FOREIGN, SHARE_WRONG].contains(&code) {
        for (file, manifest, shares) in &read {
            for share in *shares {
                let alone = client.restore_shares(&[[manifest.bytes, share].concat()]);
                if alone.is_err_and(|error| error.code() == code) {
                    return Err(Failure::refused(code, file.display()));
                }
            }
        }
    }
    Err(refused.into())
}

/// What a file holds.
fn parse<'a>(file: &Path, bytes: &'a [u8]) -> Result<(Manifest<'a>, &'a [[u8; SHARE_BYTES]]), Failure> {
    Manifest::read(bytes).map_err(|refusal| {
        let code = DeviceError::Refused(refusal).code();
        Failure::input(code, format_args!("{}: a share was expected", file.display()))
    })
}

fn must_be_new(file: &Path) -> Result<(), Failure> {
    if file.exists() { Err(unwritable(file)("there is such a file")) } else { Ok(()) }
}

fn write_new(file: &Path, bytes: &[u8]) -> Result<(), Failure> {
    std::fs::File::create_new(file).and_then(|mut opened| opened.write_all(bytes)).map_err(unwritable(file))
}
