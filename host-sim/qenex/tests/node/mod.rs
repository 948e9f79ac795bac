//! A node with accounts in custody, as a process, and who asks it.
#![allow(dead_code, reason = "each test uses some of it")]

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How long anything may take.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A folder that is removed when the test is over.
pub struct Folder(pub PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A node of its own chain.
pub struct Node {
    pub folder: Folder,
    pub port: u16,
    child: Option<Child>,
    pub agent: ureq::Agent,
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Node {
    pub fn new(name: &str, test: u16, custody: &str) -> Self {
        let path = std::env::temp_dir().join(format!("qenex-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        let folder = Folder(path);
        let first = 30_000 + (std::process::id() % 1_000) as u16 * 8 + 2 * test;
        let free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
        let base = (first..first + 8_000).step_by(8).find(|base| free(*base) && free(base + 1)).unwrap();
        let made = Command::new(env!("CARGO_BIN_EXE_qenex"))
            .args(["testnet", "new", "--validators", "1", "--clients", "2", "--epoch-blocks", "20"])
            .args(["--custody", custody, "--base-port", &base.to_string(), "--data"])
            .arg(&folder.0)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(10)))
            .http_status_as_error(false)
            .build();
        Self { folder, port: base + 1, child: None, agent: agent.into() }
    }

    /// Starts it. Returns what it prints: the key of the first administrator.
    pub fn start(&mut self) -> String {
        let log = std::fs::File::options().create(true).append(true).open(self.folder.0.join("log")).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_qenex"))
            .args(["node", "--config"])
            .arg(self.folder.0.join("validator-1/config.json"))
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let printed = child.stdout.take().unwrap();
        self.child = Some(child);
        let start = Instant::now();
        while self.get("status").is_none_or(|status| status["height"] == 0) {
            assert!(start.elapsed() < PATIENCE, "{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        let mut line = String::new();
        let administered = self.folder.0.join("administered").exists();
        if !administered {
            BufReader::new(printed).read_line(&mut line).unwrap();
        }
        line.trim().rsplit(' ').next().unwrap_or_default().to_string()
    }

    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Tells it to stop, and waits until it has.
    pub fn stop(&mut self) -> ExitStatus {
        let mut child = self.child.take().unwrap();
        let told = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
        assert!(told.success());
        child.wait().unwrap()
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.0.join("log")).unwrap_or_default()
    }

    pub fn get(&self, path: &str) -> Option<Value> {
        let url = format!("http://127.0.0.1:{}/api/{path}", self.port);
        self.agent.get(url).call().ok()?.body_mut().read_json().ok()
    }

    pub fn balance(&self, account: &str) -> String {
        let balance = self.get(&format!("account/{account}/USDC")).unwrap();
        balance["amount"].as_str().unwrap().to_string()
    }

    /// An administrator's key, in exchange for the first one.
    pub fn administrator(&self, first: &str) -> String {
        let request = json!({ "name": "root", "role": "admin", "accounts": "*" });
        let (status, body) = post(&self.agent, self.port, "keys", first, None, &request).unwrap();
        assert_eq!(status, 201, "{body}");
        std::fs::write(self.folder.0.join("administered"), "").unwrap();
        body["key"].as_str().unwrap().to_string()
    }

    /// Waits until something is so.
    pub fn wait_for(&self, mut is_so: impl FnMut(&Self) -> bool) {
        let start = Instant::now();
        while !is_so(self) {
            assert!(start.elapsed() < PATIENCE, "{}", self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Asks for something; nothing if there is no answer.
pub fn post(
    agent: &ureq::Agent,
    port: u16,
    route: &str,
    key: &str,
    idempotency: Option<&str>,
    body: &Value,
) -> Option<(u16, Value)> {
    let mut request = agent
        .post(format!("http://127.0.0.1:{port}/api/v1/{route}"))
        .header("authorization", format!("Bearer {key}"));
    if let Some(idempotency) = idempotency {
        request = request.header("idempotency-key", idempotency);
    }
    let mut answer = request.send_json(body).ok()?;
    Some((answer.status().as_u16(), answer.body_mut().read_json().ok()?))
}
