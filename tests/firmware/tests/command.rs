//! `qenex device` with the image in QEMU, as its user starts it: a device is made, set up, switched off and on again.
#![allow(clippy::unwrap_used)] // a test that meets what it does not expect should stop there

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use qenex_core::hsm::image::measure;
use qenex_firmware_tests::{Image, machine};
use serde_json::Value;
use tempfile::TempDir;

const OFFICER: &str = "--user ALICE --pin-file officer";

/// The command in a folder of its own.
struct User(TempDir);

/// A process that is killed when it is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl User {
    fn command(&self, args: &str) -> Command {
        let mut command = Command::new(std::env::var_os("QENEX_COMMAND").unwrap());
        command.args(args.split_whitespace()).arg("--json").current_dir(self.0.path());
        command
    }

    fn run(&self, args: &str) -> Output {
        self.command(args).output().unwrap()
    }

    fn json(&self, args: &str) -> Value {
        let output = self.run(args);
        assert!(output.status.success(), "{args}: {output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn refused(&self, args: &str) -> String {
        let output = self.run(args);
        assert!(!output.status.success(), "{args}: {output:?}");
        let said: Value = serde_json::from_slice(&output.stdout).unwrap();
        said["error"]["name"].as_str().unwrap().into()
    }

    /// Switches the device on, and waits until it can be reached.
    fn device(&self, args: &str) -> Running {
        let socket = self.0.path().join("device.qenex/socket");
        let _ = fs::remove_file(&socket);
        let mut command = self.command(&format!("device run --machine {} {args}", machine().name));
        let running = Running(command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap());
        let start = Instant::now();
        while !socket.exists() {
            assert!(start.elapsed() < Duration::from_secs(30), "the device did not start");
            thread::sleep(Duration::from_millis(5));
        }
        running
    }
}

fn linked(variable: &str) -> String {
    let path = std::env::var(variable).unwrap();
    Path::new(&path).canonicalize().unwrap().display().to_string()
}

#[test]
fn a_device_is_made_and_used() {
    let user = User(TempDir::new().unwrap());
    let file = |name: &str, content: &[u8]| fs::write(user.0.path().join(name), content).unwrap();
    file("officer", b"the officer's pin\n");
    file("wrong", b"another pin\n");
    let image = Image::chosen().unwrap().bytes().unwrap();
    file("image", &image);
    let (firmware, loader) = (linked("QENEX_IMAGE"), linked("QENEX_LOADER"));
    let make = format!("--image image --loader {loader}");
    let device = user.device(&format!("{make} --panel confirm"));

    // What the device logs is followed from another terminal.
    let mut follow = user.command(&format!("device log --follow {firmware}"));
    let mut follow = Running(follow.stdout(Stdio::piped()).spawn().unwrap());
    let lines = BufReader::new(follow.0.stdout.take().unwrap()).lines();
    let mut lines = lines.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());

    assert_eq!(user.refused(&format!("device init VAULT {OFFICER}")), "HOST_UNPAIRED");
    user.json("device pair");
    user.json(&format!("device init VAULT {OFFICER}"));
    let key = user.json(&format!("device key create TREASURY --slot 1 {OFFICER}"));
    assert_eq!(user.refused("device unlock --user ALICE --pin-file wrong"), "PIN_WRONG");
    let attested = user.json("device attest");
    assert_eq!((&attested["name"], &attested["version"]), (&"VAULT".into(), &1.into()));
    assert_eq!(attested["measurement"], measure(&image).to_string());
    // Frames of requests that the panel has confirmed, too.
    let answered = lines.find(|line| line["text"].as_str().unwrap().starts_with("frame of ")).unwrap();
    assert_eq!(answered["level"], "info");

    // Another image for a device that is there would be lost without a word.
    assert_eq!(user.refused(&format!("device run {make}")), "ARGUMENT");
    drop(device);
    // Its last frame may have been cut off; then the log ends, and so does who follows it.
    let _ = lines.count();
    assert!(follow.0.wait().unwrap().success());
    assert_eq!(user.refused("device status"), "DEVICE_FILE");

    // Nobody stands at the panel: what needs no confirmation is done.
    let _device = user.device("--panel absent");
    assert_eq!(user.json("device status")["name"], "VAULT");
    let shown = user.json(&format!("device key show --slot 1 {OFFICER}"));
    assert_eq!(shown["public_key"], key["public_key"]);
    assert_eq!(user.refused(&format!("device wipe {OFFICER}")), "NOT_CONFIRMED");
    assert_eq!(user.json("device attest")["measurement"], attested["measurement"]);
}
