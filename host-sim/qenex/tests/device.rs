//! A device on a socket, and the commands of its users.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

#[allow(dead_code)] // each test uses a part of it
mod folder;

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};

use folder::Folder;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// A running device; it is killed, not stopped.
struct Running(Child);

impl Running {
    fn start(folder: &Folder, panel: &str) -> Self {
        let socket = folder.path().join("device.qenex/socket");
        let _ = std::fs::remove_file(&socket);
        let child = Command::new(env!("CARGO_BIN_EXE_qenex"))
            .args(["device", "run", "--soft", "--panel", panel])
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while !socket.exists() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        Self(child)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const OFFICER: &str = "--user ALICE --pin-file officer";
const OPERATOR: &str = "--user OSCAR --pin-file operator";
const AUDITOR: &str = "--user AUDREY --pin-file auditor";

fn initialised(folder: &Folder) {
    folder.json("device pair");
    folder.json(&format!("device init VAULT {OFFICER}"));
    for (name, role) in [("OSCAR", "operator"), ("AUDREY", "auditor")] {
        folder.json(&format!("device user add {name} --role {role} --new-pin-file {role} {OFFICER}"));
    }
}

fn folder(name: &str) -> Folder {
    let folder = Folder::new(name);
    for role in ["officer", "operator", "auditor"] {
        folder.file(role, &format!("the {role}'s pin\n"));
    }
    folder
}

#[test]
fn a_device_signs_within_its_policy_and_remembers() {
    let folder = folder("device");
    folder.json("demo");
    let running = Running::start(&folder, "confirm");
    folder.refused(&format!("device init VAULT {OFFICER}"), 1, "HOST_UNPAIRED");
    initialised(&folder);
    let key = folder.json(&format!("device key create TREASURY --slot 0 {OFFICER}"));
    let hash = key["key_hash"].as_str().unwrap();
    folder.json(&format!("account rotate ACC000001 --owner-hash {hash} --label qenex-demo"));
    folder.file(
        "policy.json",
        r#"{"account":"ACC000001","operations":["transfer"],"max_fee":"0","max_validity_blocks":1000,
            "assets":[{"asset":"USDC","max_per_transaction":"100","approve_above":"50",
                       "window":{"span_ms":86400000,"max":"120"}}],
            "approvals":{"threshold":1,"approvers":["HASH"]}}"#,
    );
    let wrong =
        folder.refused(&format!("device policy set policy.json --slot 0 {OFFICER}"), 2, "INPUT_VALUE");
    assert!(wrong["detail"].as_str().unwrap().contains("a key hash was expected"));
    folder.json("key new person.key");
    let send = |sum: &str, more: &str| {
        format!("send --from ACC000001 --asset USDC --to BANK_001={sum} --slot 0 {more} {OPERATOR}")
    };
    folder.refused(&send("1", ""), 1, "ANCHOR_MISSING");
    let anchor = format!("device anchor {OFFICER}");
    folder.json(&anchor);
    folder.refused(&send("1", ""), 1, "KEY_POLICY");

    // The person's key as approvals name it comes from a first approval.
    let dry = folder.run(&format!("{} --json", send("1", "--dry-run")));
    assert!(!dry.status.success() || String::from_utf8_lossy(&dry.stdout).contains("KEY_POLICY"));
    folder.json("send --from ACC000002 --asset USDC --to BANK_001=1 --key person.key --out any.tx");
    let approval =
        folder.json(&format!("device approve any.tx --key person.key --signer {hash} --out any.approval"));
    let person = approval["approver"].as_str().unwrap().to_string();
    let policy = std::fs::read_to_string(folder.path().join("policy.json")).unwrap();
    folder.file("policy.json", &policy.replace("HASH", &person));
    folder.json(&format!("device policy set policy.json --slot 0 {OFFICER}"));
    let shown = folder.json(&format!("device policy show --slot 0 {AUDITOR}"));
    assert_eq!(shown["approvals"]["approvers"][0], person.as_str());
    assert_eq!(shown["assets"][0]["window"]["max"], "120");

    assert_eq!(folder.json(&send("50", "--dry-run"))["would_sign"], true);
    assert_eq!(folder.json(&send("51", "--dry-run"))["name"], "POLICY_APPROVALS");
    folder.refused(&send("101", ""), 1, "POLICY_AMOUNT");
    folder.json(&send("50", ""));
    folder.refused(&send("1", ""), 1, "PROOF_ROOT");
    folder.json(&anchor);

    // With the person's approval, through a file.
    folder.json("send --from ACC000001 --asset USDC --to BANK_001=60 --key person.key --out large.tx");
    folder.json(&format!("device approve large.tx --key person.key --signer {hash} --out large.approval"));
    let sign = format!("device sign large.tx --slot 0 --out signed.tx {OPERATOR}");
    folder.refused(&sign, 1, "POLICY_APPROVALS");
    folder.refused(&format!("{sign} --approval any.approval"), 1, "SIGNATURE_MISMATCH");
    folder.json(&format!("{sign} --approval large.approval"));
    folder.json("tx submit signed.tx");

    // The device is killed and started again: what left still counts.
    drop(running);
    let _running = Running::start(&folder, "confirm");
    folder.json(&anchor);
    folder.refused(&send("11", ""), 1, "POLICY_WINDOW");
    folder.json(&send("10", ""));

    // The log leads to its signed head, is archived, and goes on.
    let read = folder.json(&format!("device log read {AUDITOR}"));
    assert_eq!(read[0]["command"], "pair");
    let taken = folder.json(&format!("device log take archive {AUDITOR}"));
    assert!(taken["taken"].as_u64().unwrap() > 20);
    folder.json(&format!("device log take archive {AUDITOR}"));
    let archive = std::fs::read_to_string(folder.path().join("archive")).unwrap();
    let entries = folder.json("device log verify archive");
    assert_eq!(entries.as_array().unwrap().len(), archive.lines().count());
    // An archive that was changed does not lead to the head.
    folder.file("archive", &archive.replacen('1', "2", 1));
    folder.refused(&format!("device log take archive {AUDITOR}"), 1, "AUDIT_HEAD");
}

#[test]
fn a_device_says_what_is_wrong() {
    let folder = folder("device-wrong");
    folder.refused("device status", 3, "DEVICE_FILE");
    {
        // Nobody stands at the panel.
        let _running = Running::start(&folder, "absent");
        folder.refused("device pair", 1, "NOT_CONFIRMED");
    }
    let _running = Running::start(&folder, "confirm");
    // Two devices cannot share one flash.
    folder.refused("device run --soft --socket other", 3, "DEVICE_FILE");
    initialised(&folder);
    folder.refused(&format!("device init VAULT {OFFICER}"), 1, "DEVICE_INITIALISED");
    folder.refused("device unlock", 2, "ARGUMENT");
    folder.refused("device unlock --user OSCAR --pin-file nowhere", 2, "INPUT_FILE");
    folder.refused("device unlock --user NOBODY --pin-file officer", 1, "USER_UNKNOWN");
    folder.refused("device unlock --user OSCAR --pin-file officer", 1, "PIN_WRONG");
    let users = folder.json(&format!("device user list {OFFICER}"));
    assert_eq!((&users[1]["user"], &users[1]["tries"]), (&"OSCAR".into(), &9.into()));
    folder.refused(&format!("device key create K --slot 1 {OPERATOR}"), 1, "ROLE");
    folder.refused(&format!("device key show --slot 1 {OPERATOR}"), 1, "KEY_UNKNOWN");
    assert_eq!(folder.json(&format!("device key list {OPERATOR}")).as_array().unwrap().len(), 0);
    folder.file("policy.json", r#"{"account":"A","operations":["teleport"]}"#);
    folder.refused(&format!("device policy set policy.json --slot 0 {OFFICER}"), 2, "INPUT_VALUE");

    // Another device under the same socket is a stranger.
    assert_eq!(folder.json("device attest")["name"], "VAULT");
    folder.json(&format!("device wipe {OFFICER}"));
    assert_eq!(folder.json("device status")["name"], serde_json::Value::Null);
    let other = Folder::new("device-other");
    std::fs::create_dir_all(other.path().join("host.qenex")).unwrap();
    for file in ["static-key", "device-key"] {
        let from = folder.path().join("host.qenex").join(file);
        std::fs::copy(from, other.path().join("host.qenex").join(file)).unwrap();
    }
    let _other = Running::start(&other, "confirm");
    other.refused("device status", 1, "DEVICE_STRANGER");
}

#[test]
fn a_backup_goes_to_another_device() {
    let (source, target) = (folder("device-source"), folder("device-target"));
    let _running = [Running::start(&source, "confirm"), Running::start(&target, "confirm")];
    initialised(&source);
    initialised(&target);
    let create = format!("device key create TREASURY --slot 0 {OFFICER}");
    let key = source.json(&create);
    let to = target.json(&format!("device backup-key {OFFICER}"))["public_key"].clone();
    let file = target.path().join("backup");
    let (to, out) = (to.as_str().unwrap(), file.display());
    source.json(&format!("device backup --to {to} --out {out} {OFFICER}"));
    let restore = format!("device restore {out} {OFFICER}");
    target.json(&restore);
    assert_eq!(target.json(&create)["key_hash"], key["key_hash"]);
    target.refused(&restore, 1, "KEY_EXISTS");
    source.refused(&format!("device backup --to 12 --out x {OFFICER}"), 2, "ARGUMENT");
    // A new storage key: the operator waits for a new PIN.
    source.json(&format!("device rotate-storage-key {OFFICER}"));
    assert_eq!(source.json(&format!("device unlock {OPERATOR}"))["unlocked"], false);
    source.json(&format!("device user set-pin OSCAR --new-pin-file operator {OFFICER}"));
    assert_eq!(source.json(&format!("device unlock {OPERATOR}"))["unlocked"], true);
}

/// A root goes to three custodians; two of them give it to a new device.
#[test]
fn custodians_restore_a_root_together() {
    let names = ["source", "target", "custodian-1", "custodian-2", "custodian-3"];
    let folders = names.map(|name| folder(&format!("device-shares-{name}")));
    let _running = folders.each_ref().map(|folder| Running::start(folder, "confirm"));
    for folder in &folders {
        folder.json("device pair");
        folder.json(&format!("device init VAULT {OFFICER}"));
    }
    let [source, target, custodians @ ..] = &folders;
    let key = |folder: &Folder| {
        let key = folder.json(&format!("device backup-key {OFFICER}"))["public_key"].clone();
        key.as_str().unwrap().to_string()
    };
    let keys: Vec<_> = custodians.iter().map(key).collect();
    let to: String = keys.iter().map(|key| format!("--to {key} ")).collect();
    let backup = |more: &str| format!("device backup {to} {OFFICER} {more}");

    let create = format!("device key create TREASURY --slot 0 {OFFICER}");
    let treasury = source.json(&create)["key_hash"].clone();
    source.refused(&backup("--out shares"), 2, "ARGUMENT");
    source.refused(&backup("--out shares --threshold 1"), 1, "SHARE_COUNT");
    source.refused(&backup("--out shares --threshold 4"), 1, "SHARE_COUNT");
    let twice = format!("--to {0} --to {0} --threshold 2", keys[0]);
    source.refused(&format!("device backup {twice} --out shares {OFFICER}"), 1, "SHARE_KEYS");
    let made = source.json(&backup("--out shares --threshold 2"));
    assert_eq!((&made["threshold"], &made["shares"][2]["number"]), (&2.into(), &3.into()));
    assert_eq!(made["shares"][1]["to"], *keys[1]);
    // What was written stays.
    let file = |number: usize| source.path().join(format!("shares/share-{number}")).display().to_string();
    let before = std::fs::read(file(3)).unwrap();
    source.refused(&backup("--out shares --threshold 2"), 2, "OUTPUT_FILE");
    assert_eq!(std::fs::read(file(3)).unwrap(), before);
    source.json(&backup("--out others --threshold 2"));
    let other = source.path().join("others/share-1").display().to_string();

    let to = key(target);
    let share = |file: &str, out: &str| format!("device share {file} --to {to} --out {out} {OFFICER}");
    let out = |name: &str| target.path().join(name).display().to_string();
    for (number, custodian) in (1..).zip(custodians) {
        let passed = custodian.json(&share(&file(number), &out(&format!("from-{number}"))));
        assert_eq!(passed["number"], number);
        // Neither the custodian's own share nor one that was passed is overwritten.
        custodian.refused(&share(&file(number), &file(number)), 2, "OUTPUT_FILE");
        custodian.refused(&share(&file(number), &out(&format!("from-{number}"))), 2, "OUTPUT_FILE");
    }
    custodians[0].refused(&share(&file(2), "x"), 1, "SHARE_DEVICE");
    custodians[0].refused(&share("officer", "x"), 2, "DECODE_UNKNOWN_TAG");
    custodians[0].json(&share(&other, &out("from-other")));

    // What is missing or wrong is said, and the device stays as it was.
    let restore = |files: &str| format!("device restore {files} {OFFICER}");
    let detail = |files: &str, name: &str| {
        target.refused(&restore(files), 1, name)["detail"].as_str().unwrap().to_string()
    };
    let few = "1 of the 2 that it takes; missing are some of the numbers 1, 3";
    assert_eq!(detail("from-2", "SHARES_TOO_FEW"), few);
    assert_eq!(detail("from-2 from-2", "SHARE_TWICE"), "share 2 is in from-2 and in from-2");
    let foreign = "from-other is not of the same backup as from-2";
    assert_eq!(detail("from-2 from-other", "SHARE_FOREIGN"), foreign);
    assert_eq!(detail(&format!("from-2 {}", file(1)), "SHARE_DEVICE"), file(1));
    let mut damaged = std::fs::read(out("from-1")).unwrap();
    *damaged.last_mut().unwrap() ^= 1;
    std::fs::write(out("damaged"), damaged).unwrap();
    assert_eq!(detail("from-2 damaged", "SHARE_FOREIGN"), "damaged");
    target.refused(&restore("from-1 officer"), 2, "DECODE_UNKNOWN_TAG");
    target.refused(&restore("from-1 nowhere"), 2, "INPUT_FILE");
    source.json(&format!("device backup --to {to} --out {} {OFFICER}", out("whole")));
    target.refused(&restore("from-1 whole"), 2, "ARGUMENT");
    let own = target.json(&create)["key_hash"].clone();
    assert_ne!(own, treasury);
    target.refused(&restore("from-3 from-1"), 1, "KEY_EXISTS");
    target.json(&format!("device key delete --slot 0 {OFFICER}"));
    target.json(&restore("from-3 from-1"));
    assert_eq!(target.json(&create)["key_hash"], treasury);
}

#[test]
fn a_new_image_is_tried_and_kept_once_somebody_logs_in() {
    let folder = folder("device-update");
    folder.file("image", &"an image of many words ".repeat(500));
    let start = || Running::start(&folder, "confirm");
    let attested = || folder.json("device attest");
    let sign = |version: u32, out: &str| {
        folder.json(&format!("device image sign image --board SOFT --version {version} --out {out}"))
    };
    let update = |manifest: &str| format!("device update --image image --manifest {manifest} {OFFICER}");
    let running = start();
    initialised(&folder);
    assert_eq!(attested()["version"], 1);
    let signed = sign(2, "two");
    folder.refused(&update("two").replace(OFFICER, OPERATOR), 1, "ROLE");
    folder.json("key new another.key");
    folder.json("device image sign image --board SOFT --version 2 --out other --key another.key");
    folder.refused(&update("other"), 1, "IMAGE_KEY");
    folder.json("device image sign image --board HARD --version 2 --out other");
    folder.refused(&update("other"), 1, "IMAGE_BOARD");
    assert_eq!(folder.json(&update("two"))["measurement"], signed["measurement"]);
    assert_eq!(attested()["version"], 1);
    drop(running);

    // Nobody logs in: the next start gives it up, and the log says so.
    let running = start();
    assert_eq!((&attested()["version"], &attested()["measurement"]), (&2.into(), &signed["measurement"]));
    drop(running);
    let running = start();
    assert_eq!(attested()["version"], 1);
    let log = folder.json(&format!("device log read {AUDITOR}"));
    let told: Vec<_> = log.as_array().unwrap().iter().filter(|entry| entry["code"] == 987).collect();
    assert_eq!((told.len(), &told[0]["about"]), (1, &signed["measurement"]), "{log}");

    // Somebody does: it stays, and nothing older is taken.
    folder.json(&update("two"));
    drop(running);
    let running = start();
    folder.json(&format!("device unlock {OFFICER}"));
    drop(running);
    let _running = start();
    assert_eq!(attested()["version"], 2);
    sign(1, "one");
    folder.refused(&update("one"), 1, "IMAGE_VERSION");
}

/// Copies until one side ends.
fn copy(mut from: impl Read + Send + 'static, mut to: impl Write + Send + 'static) {
    std::thread::spawn(move || std::io::copy(&mut from, &mut to));
}

#[test]
fn a_device_is_reached_over_a_serial_line() {
    let folder = folder("device-serial");
    let _running = Running::start(&folder, "confirm");
    // A serial line to the device: a terminal whose other end is its socket.
    let end = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&end).unwrap();
    unlockpt(&end).unwrap();
    let line = ptsname(&end, Vec::new()).unwrap().into_string().unwrap();
    let device = UnixStream::connect(folder.path().join("device.qenex/socket")).unwrap();
    // It stays open, so that what is written to it while no host has it is not lost with an error; and what an earlier host left is half a frame.
    let mut earlier = File::options().read(true).write(true).open(&line).unwrap();
    let end = File::from(end);
    copy(end.try_clone().unwrap(), device.try_clone().unwrap());
    copy(device, end);
    earlier.write_all(b"half a frame").unwrap();
    folder.json(&format!("device pair --at {line}"));
    folder.json(&format!("device init VAULT --at {line} {OFFICER}"));
    assert_eq!(folder.json(&format!("device status --at {line}"))["name"], "VAULT");
    folder.refused("device status --at /dev/null", 3, "DEVICE_FILE");
}

#[test]
fn what_is_no_image_is_not_taken_for_one() {
    let folder = folder("device-linked");
    folder.file("linked", "\x7fELF and so on");
    folder.file("image", "an image");
    let refused = |args: &str| folder.refused(args, 2, "INPUT_FILE")["detail"].to_string();
    assert!(refused("device run --image linked --loader linked").contains("the bytes of the image"));
    assert!(refused("device run --image image --loader image").contains("as it was linked"));
    assert!(
        refused("device image sign linked --board SOFT --version 2 --out x")
            .contains("the bytes of the image")
    );
    folder.refused("device run", 2, "ARGUMENT");
    assert!(!folder.path().join("device.qenex").exists());
    assert!(refused("device log --follow image").contains("as it was linked"));
    assert!(refused("device log --follow nothing").contains("nothing"));
}
