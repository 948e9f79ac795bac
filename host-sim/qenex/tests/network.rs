//! Chains of four processes, by the command itself.
#![allow(clippy::unwrap_used)] // a test that meets what it does not expect should stop there

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

fn qenex(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_qenex")).args(arguments).output().unwrap()
}

/// A folder that is removed when the test is over.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("qenex-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Eight ports that are free now, one after the other, and others for each test.
fn free_ports(test: u16) -> u16 {
    let free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
    let start = 20_000 + (std::process::id() % 1_000) as u16 * 16 + 8 * test;
    (start..start + 8_000).step_by(16).find(|base| (*base..base + 8).all(free)).unwrap()
}

#[test]
fn four_validators_outlive_two_kills() {
    let folder = Folder::new("testnet");
    std::fs::create_dir(&folder.0).unwrap();
    let (data, base_port) = (folder.path("chain"), free_ports(0).to_string());
    let done = qenex(&["--json", "testnet", "run", "--data", &data, "--base-port", &base_port]);
    let text = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{text}\n{}", String::from_utf8_lossy(&done.stderr));
    let result: Value = serde_json::from_str(text.trim()).unwrap();
    assert!(result["height"].as_u64().unwrap() > 5 && result["epochs"].as_u64().unwrap() > 0, "{result}");
}

/// Three of them are killed, the fourth goes on, the others take its chain.
#[test]
fn four_miners_outlive_three_kills() {
    let folder = Folder::new("miners");
    std::fs::create_dir(&folder.0).unwrap();
    let (data, base_port) = (folder.path("chain"), free_ports(1).to_string());
    let run = ["--json", "testnet", "run", "--consensus", "pow", "--data", &data, "--base-port", &base_port];
    let done = qenex(&run);
    let text = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{text}\n{}", String::from_utf8_lossy(&done.stderr));
    let result: Value = serde_json::from_str(text.trim()).unwrap();
    assert!(result["height"].as_u64().unwrap() > 10, "{result}");
    assert!(result["block"]["confirmations"].as_u64().unwrap() >= 8, "{result}");
    assert!(result["status"]["mining"]["hashes_per_second"].as_u64().unwrap() > 0, "{result}");
}

/// What is wrong with a configuration is said, with the file and the place.
#[test]
fn wrong_configurations_are_refused() {
    let folder = Folder::new("config");
    let data = folder.path("");
    let made = qenex(&[
        "testnet",
        "new",
        "--data",
        data.trim_end_matches('/'),
        "--validators",
        "1",
        "--clients",
        "2",
    ]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let again = qenex(&["testnet", "new", "--data", data.trim_end_matches('/')]);
    assert_eq!(again.status.code(), Some(2));
    let other = folder.path("other");
    for (arguments, code, expected) in [
        (["--history-blocks", "1999", "--validators", "1"], 2, "two epochs of 1000"),
        (["--followers", "101", "--validators", "1"], 2, "101"),
        (["--followers", "1", "--consensus", "pow"], 2, "--followers"),
        (["--devices", "one,two", "--validators", "4"], 2, "2 devices for 4 validators"),
        (["--hosts", "10.0.0.1", "--validators", "2"], 2, "1 addresses for 2 nodes"),
        (["--devices", "nobody-listens-here", "--validators", "1"], 3, "nobody-listens-here"),
    ] {
        let refused = qenex(&[&["testnet", "new", "--data", &other][..], &arguments].concat());
        let text = String::from_utf8_lossy(&refused.stderr).to_string();
        assert_eq!(refused.status.code(), Some(code), "{text}");
        assert!(text.contains(expected), "{expected}: {text}");
        assert!(!std::path::Path::new(&other).exists(), "half a chain is left");
    }

    let path = folder.path("validator-1/config.json");
    let right = std::fs::read_to_string(&path).unwrap();
    let cases = [
        (right.replace("\"account\"", "\"acount\""), "acount"),
        (right.replace("\"VALIDATOR_1\"", "\"validator one\""), "account"),
        (right.replace("\"peer.key\"", "\"no.key\""), "no.key"),
        (right.replace("\"soft\": \"device\"", "\"soft\": \"device\", \"at\": \"socket\""), "either"),
        (right.replace("../genesis.json", "genesis.json"), "genesis.json"),
        (right.replace("\"data\": \"data\"", "\"data\": \"data\", \"mining_threads\": -1"), "`-1`"),
        // Epochs have a thousand blocks.
        (right.replace("\"data\": \"data\"", "\"data\": \"data\", \"history_blocks\": 1999"), "two epochs"),
        (
            right.replace(
                "\"behind_seconds\": 3600",
                "\"behind_seconds\": 3600, \"trusted\": {\"epoch\": 1, \"id\": \"12\"}",
            ),
            "the id of a block",
        ),
        (right.replace("\"behind_seconds\"", "\"behind_minutes\""), "behind_minutes"),
        ("{".into(), "line 1"),
    ];
    for (wrong, expected) in cases {
        assert_ne!(wrong, right);
        std::fs::write(&path, wrong).unwrap();
        let refused = qenex(&["node", "--config", &path]);
        let text = String::from_utf8_lossy(&refused.stderr).to_string();
        assert_eq!(refused.status.code(), Some(2), "{text}");
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert_eq!(qenex(&["node", "--config", &folder.path("none")]).status.code(), Some(2));

    std::fs::write(&path, &right).unwrap();
    let path_of_genesis = folder.path("genesis.json");
    let genesis = std::fs::read_to_string(&path_of_genesis).unwrap();
    let cases = [
        (genesis.replace("\"consensus\": \"stake\"", "\"consensus\": \"pow\""), "neither"),
        (genesis.replace("\"consensus\": \"stake\"", "\"consensus\": \"luck\""), "luck"),
        (genesis.replace("\"staking\"", "\"work\""), "epoch_blocks"),
    ];
    for (wrong, expected) in cases {
        assert_ne!(wrong, genesis);
        std::fs::write(&path_of_genesis, wrong).unwrap();
        let refused = qenex(&["node", "--config", &path]);
        let text = String::from_utf8_lossy(&refused.stderr).to_string();
        assert_eq!(refused.status.code(), Some(2), "{text}");
        assert!(text.contains(expected) && text.contains("genesis.json"), "{expected}: {text}");
    }
}
