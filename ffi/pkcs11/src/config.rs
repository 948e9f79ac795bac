//! The file that names the devices.
//!
//! ```json
//! {"slots": [{"at": "device.qenex/socket", "host": "host.qenex", "users": ["OSCAR"], "officers": ["ALICE"]}]}
//! ```
//! Each slot is a device: where it is reached, and the folder that `qenex device pair` made (`--at` and `--host` of the command). Paths are relative to the file. `users`
//! log in with `CKU_USER`, `officers` with `CKU_SO`: a PIN has one line for each of them. Where none are named, a line is `NAME:PIN`.

use std::path::{Path, PathBuf};

use qenex_core::hsm::UserName;
use serde::Deserialize;

/// The variable that names the file.
pub const VARIABLE: &str = "QENEX_PKCS11";
/// The file where the variable is not set.
pub const DEFAULT: &str = "/etc/qenex/pkcs11.json";

/// Where a device is and who logs in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// Its socket or serial line.
    pub at: PathBuf,
    /// The folder of the host's own key and of the device's.
    pub host: PathBuf,
    /// Who logs in as user.
    #[serde(default)]
    pub users: Vec<String>,
    /// Who logs in as security officer.
    #[serde(default)]
    pub officers: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    slots: Vec<Device>,
}

/// The devices of the file that is configured. Where none is, and there is none at [`DEFAULT`], there are no devices: a system may have the module
/// without using it.
///
/// # Errors
/// Why the file cannot be used.
pub fn read() -> Result<Vec<Device>, String> {
    match std::env::var_os(VARIABLE) {
        Some(path) => read_file(Path::new(&path)),
        None if Path::new(DEFAULT).exists() => read_file(Path::new(DEFAULT)),
        None => Ok(Vec::new()),
    }
}

fn read_file(path: &Path) -> Result<Vec<Device>, String> {
    let wrong = |error: String| format!("{}: {error}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    parse(&text, folder).map_err(wrong)
}

fn parse(text: &str, folder: &Path) -> Result<Vec<Device>, String> {
    let Config { slots } = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if let Some(name) = slots
        .iter()
        .flat_map(|slot| slot.users.iter().chain(&slot.officers))
        .find(|name| UserName::new(name).is_err())
    {
        return Err(format!("{name} is no name of a user"));
    }
    let slots = slots.into_iter().map(|slot| Device {
        at: folder.join(slot.at),
        host: folder.join(slot.host),
        ..slot
    });
    let slots: Vec<Device> = slots.collect();
    // The second channel to a device would wait for the end of the first.
    if let Some((_, slot)) = slots
        .iter()
        .enumerate()
        .find(|(index, slot)| slots.iter().take(*index).any(|before| before.at == slot.at))
    {
        return Err(format!("{} is named twice, and a device serves one host at a time", slot.at.display()));
    }
    Ok(slots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_names_devices() {
        let text =
            r#"{"slots": [{"at": "/run/a", "host": "host", "users": ["OSCAR"]}, {"at": "b", "host": "/h"}]}"#;
        let slots = parse(text, Path::new("/etc/qenex")).expect("a configuration");
        assert_eq!((slots[0].at.to_str(), slots[0].host.to_str()), (Some("/run/a"), Some("/etc/qenex/host")));
        assert_eq!((slots[0].users.as_slice(), slots[0].officers.len()), (&["OSCAR".to_string()][..], 0));
        assert_eq!((slots[1].at.to_str(), slots[1].host.to_str()), (Some("/etc/qenex/b"), Some("/h")));
    }

    #[test]
    fn what_is_no_configuration_is_refused() {
        for text in [
            "",
            "{}",
            "[]",
            r#"{"slots": [{"at": "a"}]}"#,
            r#"{"slots": [], "others": 1}"#,
            r#"{"slots": [{"at": "a", "host": "h", "user": "OSCAR"}]}"#,
            r#"{"slots": [{"at": "a", "host": "h", "users": ["oscar"]}]}"#,
            r#"{"slots": [{"at": "a", "host": "h"}, {"at": "b", "host": "h"}, {"at": "a", "host": "i"}]}"#,
        ] {
            assert!(parse(text, Path::new("")).is_err(), "{text}");
        }
    }
}
