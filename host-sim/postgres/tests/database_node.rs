//! A node whose ledger is in a database: its primary is killed while clients send, and its ledger goes to files and back.
//! `QENEX_COMMAND` is the `qenex` command.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod cluster;

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cluster::Cluster;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(60);
const PORT: &str = "7950";

/// A chain of one validator, and the database that its ledger is in.
struct Chain {
    folder: TempDir,
    database: String,
}

impl Chain {
    fn command(&self) -> Command {
        let mut command = Command::new(std::env::var("QENEX_COMMAND").expect("QENEX_COMMAND"));
        command.env("DATABASE_URL", &self.database).arg("--json").stdin(Stdio::null());
        command
    }

    fn validator(&self) -> PathBuf {
        self.folder.path().join("chain/validator-1")
    }

    /// What a command says; if it must fail, the name of its error.
    fn run(&self, arguments: &[&str], fails: Option<&str>) -> Value {
        let mut command = self.command();
        command.args(arguments);
        if ["store", "doctor"].contains(&arguments[0]) {
            command.arg("--config").arg(self.validator().join("config.json"));
        }
        let output = command.output().unwrap();
        let (said, log) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let value: Value = serde_json::from_str(&said).unwrap_or_default();
        assert_eq!(value["error"]["name"].as_str(), fails, "{arguments:?}: {said}{log}{}", self.log());
        assert_eq!(output.status.success(), fails.is_none(), "{arguments:?}: {said}{log}");
        value
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Starts the node, and waits until it answers.
    fn started(&self) -> Child {
        let mut node = self.start();
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", PORT.parse::<u16>().unwrap() + 1)).is_err() {
            assert!(node.try_wait().unwrap().is_none(), "{}", self.log());
            assert!(begun.elapsed() < PATIENCE, "{}", self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
        node
    }

    fn start(&self) -> Child {
        let log = fs::File::options().create(true).append(true).open(self.folder.path().join("log")).unwrap();
        let mut command = self.command();
        command.arg("node").arg("--config").arg(self.validator().join("config.json"));
        command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap()
    }

    /// Every client sends, and all of it is final.
    fn send(&self) -> Command {
        let mut command = self.command();
        command.args(["testnet", "send", "--clients", "20", "--validators", "1", "--base-port", PORT]);
        command
    }
}

fn stop(mut node: Child) {
    kill_process(Pid::from_child(&node), Signal::TERM).unwrap();
    let begun = Instant::now();
    while node.try_wait().unwrap().is_none() {
        assert!(begun.elapsed() < PATIENCE, "the node does not stop");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(node.wait().unwrap().success());
}

fn exists(path: &Path) -> bool {
    path.try_exists().unwrap()
}

#[test]
fn a_node_outlives_its_primary_and_moves() {
    let mut cluster = Cluster::synchronous();
    let mut chain = Chain { folder: TempDir::new().unwrap(), database: cluster.url() };
    let data = chain.folder.path().join("chain");
    let new = ["testnet", "new", "--validators", "1", "--clients", "20", "--base-port", PORT, "--data"];
    chain.run(&[&new[..], &[data.to_str().unwrap()]].concat(), None);
    let node = chain.started();
    assert!(chain.send().status().unwrap().success(), "{}", chain.log());
    let found = chain.run(&["doctor"], None);
    let database = found["findings"].as_array().unwrap().iter().find(|finding| finding["what"] == "database");
    assert_eq!(database.unwrap()["state"], "well", "{found}");
    // A second one of the same folder does not even ask the database.
    assert!(!chain.start().wait().unwrap().success());
    chain.run(&["store", "to-files"], Some("STORE_IN_USE"));

    // Clients send all the time, while it dies and while there is none.
    let (sent, promoted) = (AtomicU64::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let sending = scope.spawn(|| {
            loop {
                let last = promoted.load(Ordering::Relaxed);
                assert!(chain.send().status().unwrap().success(), "{}", chain.log());
                sent.fetch_add(20, Ordering::Relaxed);
                if last {
                    break;
                }
            }
        });
        while sent.load(Ordering::Relaxed) < 60 && !sending.is_finished() {
            std::thread::sleep(Duration::from_millis(10));
        }
        cluster.primary.kill();
        std::thread::sleep(Duration::from_millis(700));
        cluster.standby.as_ref().unwrap().promote();
        promoted.store(true, Ordering::Relaxed);
    });
    let sent = 20 + sent.into_inner();
    println!("{sent} transfers");
    // The books follow.
    let standby = cluster.standby.as_ref().unwrap();
    let begun = Instant::now();
    while standby.sql("SELECT COUNT(*) FROM books.transfers") != sent.to_string() {
        assert!(begun.elapsed() < PATIENCE, "{}", chain.log());
        std::thread::sleep(Duration::from_millis(50));
    }
    stop(node);

    let ledger = chain.validator().join("data/ledger");
    assert!(!exists(&ledger.join("genesis")), "the ledger is in the database only");
    let moved = chain.run(&["store", "to-files"], None);
    let checked = chain.run(&["check", "--data", ledger.to_str().unwrap()], None);
    assert_eq!(checked["height"], moved["height"]);
    // All that clients were told is there, and nothing was done twice.
    assert_eq!(checked["transactions"], sent, "{checked}");
    chain.run(&["store", "to-files"], Some("INPUT_FILE"));
    chain.run(&["store", "to-database"], Some("STORE_HEIGHT"));

    standby.sql("ALTER SYSTEM RESET synchronous_standby_names");
    standby.sql("SELECT pg_reload_conf()");
    standby.sql("CREATE DATABASE another");
    chain.database = chain.database.replace("/postgres", "/another");
    // An empty database beside a ledger in files is nobody's wish.
    assert!(!chain.start().wait().unwrap().success());
    assert!(chain.log().contains("qenex store to-database"), "{}", chain.log());
    let back = chain.run(&["store", "to-database"], None);
    assert_eq!((&back["height"], &back["state_root"]), (&moved["height"], &moved["state_root"]));
    assert!(exists(&chain.validator().join("data/ledger-moved/genesis")));
    // Without the database it does not begin another chain.
    let database = std::mem::take(&mut chain.database);
    assert!(!chain.start().wait().unwrap().success());
    assert!(chain.log().contains("the ledger of this node is in a database"), "{}", chain.log());
    chain.database = database;
    let node = chain.started();
    assert!(chain.send().status().unwrap().success(), "{}", chain.log());
    stop(node);
}
