//! The nodes of a chain on this machine: their processes, and what they answer.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use qenex_core::error::{CHECK_FAILED, INPUT_FILE};
use serde_json::Value;

use crate::files::unwritable;
use crate::output::Failure;

/// How long the chain may take for what must happen.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The nodes of a chain that `qenex testnet new` made, by their interfaces.
pub struct Nodes {
    base_port: u16,
    agent: ureq::Agent,
}

impl Nodes {
    /// Those whose first port this is.
    pub fn new(base_port: u16) -> Self {
        let timeout = Some(Duration::from_secs(10));
        let agent = ureq::Agent::config_builder().timeout_global(timeout).http_status_as_error(true).build();
        Self { base_port, agent: agent.into() }
    }

    /// Where a node answers.
    pub fn url(&self, index: u16, path: &str) -> String {
        format!("http://127.0.0.1:{}/api/{path}", self.base_port + 2 * index + 1)
    }

    /// What a node answers; nothing if it does not.
    pub fn get(&self, index: u16, path: &str) -> Option<Value> {
        self.agent.get(self.url(index, path)).call().ok()?.body_mut().read_json().ok()
    }

    /// The same in bytes.
    pub fn get_bytes(&self, index: u16, path: &str) -> Option<Vec<u8>> {
        let mut answer = self.agent.get(self.url(index, path)).call().ok()?;
        answer.body_mut().with_config().limit(1 << 26).read_to_vec().ok()
    }

    /// The newest final height of a node.
    pub fn height(&self, index: u16) -> Option<u64> {
        self.get(index, "status")?.get("height")?.as_u64()
    }

    /// What the chain is called, as the first node says that answers.
    pub fn chain_id(&self) -> String {
        let status = (0..4).find_map(|index| self.get(index, "status")).unwrap_or_default();
        status.get("chain_id").and_then(Value::as_str).unwrap_or_default().to_string()
    }

    /// The block of a height, which must be the same at these nodes.
    pub fn same_block(&self, nodes: &[u16], height: u64) -> Result<Value, Failure> {
        let blocks: Vec<Option<Value>> =
            nodes.iter().map(|index| self.get(*index, &format!("block/{height}"))).collect();
        let id = |block: &Option<Value>| block.as_ref().map(|block| block["id"].clone());
        let block = blocks.first().cloned().flatten().unwrap_or_default();
        if blocks.iter().any(|other| id(other) != id(&blocks[0])) || block.is_null() {
            let detail = format_args!("block {height} is not the same everywhere");
            return Err(Failure::refused(CHECK_FAILED, detail));
        }
        Ok(block)
    }

    /// Gives a node a signed transaction. Returns whether the node takes it: one with its nonce may wait there, or be in the chain.
    pub fn submit(&self, index: u16, signed: &[u8]) -> Result<bool, Failure> {
        match self.agent.post(self.url(index, "tx")).send(hex::encode(signed)) {
            Ok(_) => Ok(true),
            Err(ureq::Error::StatusCode(409)) => Ok(false),
            Err(error) => Err(Failure::refused(INPUT_FILE, format_args!("a transfer: {error}"))),
        }
    }

    /// Gives a node several, each with its length before it. Returns its answer; nothing if there is none.
    pub fn submit_several(&self, index: u16, message: &[u8]) -> Option<Value> {
        let mut answer = self.agent.post(self.url(index, "txs")).send(message).ok()?;
        answer.body_mut().read_json().ok()
    }
}

/// The nodes with their processes, which end with the value.
pub struct Processes {
    /// What they answer.
    pub nodes: Nodes,
    configs: Vec<PathBuf>,
    children: Vec<Option<Child>>,
}

impl Processes {
    /// Those with these configurations, of which none runs yet.
    pub fn new(configs: Vec<PathBuf>, base_port: u16) -> Self {
        let children = configs.iter().map(|_| None).collect();
        Self { nodes: Nodes::new(base_port), configs, children }
    }

    fn config(&self, index: u16) -> &Path {
        &self.configs[usize::from(index)]
    }

    fn log(&self, index: u16) -> PathBuf {
        self.config(index).with_file_name("log")
    }

    /// Starts a node.
    pub fn start(&mut self, index: u16) -> Result<(), Failure> {
        let path = self.log(index);
        let log = File::options().create(true).append(true).open(&path).map_err(unwritable(&path))?;
        let program = std::env::current_exe().map_err(unwritable(&path))?;
        let child = Command::new(program)
            .args(["node", "--config"])
            .arg(self.config(index))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(unwritable(&path))?;
        self.children[usize::from(index)] = Some(child);
        Ok(())
    }

    /// SIGKILL: nothing in the process runs any more.
    pub fn kill(&mut self, index: u16) -> Result<(), Failure> {
        if let Some(mut child) = self.children[usize::from(index)].take() {
            child.kill().and_then(|()| child.wait()).map_err(unwritable(self.config(index)))?;
        }
        Ok(())
    }

    /// The ids of the processes that run.
    pub fn ids(&self) -> impl Iterator<Item = u32> {
        self.children.iter().flatten().map(Child::id)
    }

    /// Says so if a process ended by itself.
    pub fn check(&mut self) -> Result<(), Failure> {
        let ended = self.children.iter_mut().enumerate().find_map(|(index, child)| {
            let status = child.as_mut()?.try_wait().ok()??;
            Some((index as u16, status))
        });
        let Some((index, status)) = ended else { return Ok(()) };
        let detail = format!("node {} ended ({status}); see {}", index + 1, self.log(index).display());
        Err(Failure::refused(CHECK_FAILED, detail))
    }

    /// Waits until all of these nodes have this height. Returns how long it took.
    pub fn wait_for(&mut self, nodes: &[u16], height: u64) -> Result<Duration, Failure> {
        let start = Instant::now();
        loop {
            self.check()?;
            if nodes.iter().all(|index| self.nodes.height(*index).is_some_and(|found| found >= height)) {
                return Ok(start.elapsed());
            }
            if start.elapsed() > PATIENCE {
                let heights: Vec<Option<u64>> = nodes.iter().map(|index| self.nodes.height(*index)).collect();
                let detail = format!("height {height} was not reached in {PATIENCE:?}: {heights:?}");
                return Err(Failure::refused(CHECK_FAILED, detail));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until all processes end by themselves.
    pub fn wait(&mut self) {
        for child in self.children.iter_mut().flatten() {
            let _ = child.wait();
        }
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        for child in self.children.iter_mut().flatten() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
