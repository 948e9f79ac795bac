//! The nodes of a chain as processes, and what clients do with them.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use qenex_core::error::{CHECK_FAILED, INPUT_FILE};
use qenex_core::id::AccountId;
use qenex_core::num::Amount;
use qenex_core::tx::{Leg, LegsBuf, Op, Transaction, Transfer};
use qenex_service::testnet::{LABEL, client_account, config_of};
use serde_json::Value;

use crate::files::unwritable;
use crate::keys;
use crate::output::Failure;

pub const NODES: u16 = 4;
pub const CLIENTS: u32 = 100;

/// How long a story waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// The processes of a chain.
pub struct Network<'a> {
    data: &'a Path,
    base_port: u16,
    children: Vec<Option<Child>>,
    agent: ureq::Agent,
    /// The next one of every client.
    nonce: u64,
}

impl<'a> Network<'a> {
    /// The nodes of a chain in this folder, none of which runs yet.
    pub fn new(data: &'a Path, base_port: u16) -> Self {
        let timeout = Some(Duration::from_secs(5));
        let agent = ureq::Agent::config_builder().timeout_global(timeout).http_status_as_error(true).build();
        let children = (0..NODES).map(|_| None).collect();
        Self { data, base_port, children, agent: agent.into(), nonce: 0 }
    }

    pub fn start(&mut self, index: u16) -> Result<(), Failure> {
        let config = config_of(&self.data.join("chain"), index);
        let log = config.with_file_name("log");
        let log = File::options().create(true).append(true).open(&log).map_err(unwritable(&log))?;
        let program = std::env::current_exe().map_err(unwritable(self.data))?;
        let child = Command::new(program)
            .args(["node", "--config"])
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(unwritable(self.data))?;
        self.children[usize::from(index)] = Some(child);
        Ok(())
    }

    /// SIGKILL: nothing in the process runs any more.
    pub fn kill(&mut self, index: u16) -> Result<(), Failure> {
        if let Some(mut child) = self.children[usize::from(index)].take() {
            child.kill().map_err(unwritable(self.data))?;
            child.wait().map_err(unwritable(self.data))?;
        }
        Ok(())
    }

    pub fn url(&self, index: u16, path: &str) -> String {
        format!("http://127.0.0.1:{}/api/{path}", self.base_port + 2 * index + 1)
    }

    /// What a node answers; nothing if it does not.
    pub fn get(&self, index: u16, path: &str) -> Option<Value> {
        self.agent.get(self.url(index, path)).call().ok()?.body_mut().read_json().ok()
    }

    pub fn height(&self, index: u16) -> Option<u64> {
        self.get(index, "status")?.get("height")?.as_u64()
    }

    /// Waits until all of these nodes have this height. Returns how long it took.
    pub fn wait_for(&mut self, nodes: &[u16], height: u64) -> Result<Duration, Failure> {
        let start = Instant::now();
        loop {
            for index in nodes {
                if let Some(child) = &mut self.children[usize::from(*index)]
                    && let Ok(Some(status)) = child.try_wait()
                {
                    let log = config_of(&self.data.join("chain"), *index).with_file_name("log");
                    let detail = format!("node {} ended ({status}); see {}", index + 1, log.display());
                    return Err(Failure::refused(CHECK_FAILED, detail));
                }
            }
            if nodes.iter().all(|index| self.height(*index).is_some_and(|found| found >= height)) {
                return Ok(start.elapsed());
            }
            if start.elapsed() > PATIENCE {
                let heights: Vec<Option<u64>> = nodes.iter().map(|index| self.height(*index)).collect();
                let detail = format!("height {height} was not reached in {PATIENCE:?}: {heights:?}");
                return Err(Failure::refused(CHECK_FAILED, detail));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn submit(&self, index: u16, signed: &[u8]) -> Result<(), Failure> {
        let sent = self.agent.post(self.url(index, "tx")).send(hex::encode(signed));
        sent.map(|_| ()).map_err(|error| Failure::refused(INPUT_FILE, format_args!("a transfer: {error}")))
    }

    /// Each client sends one transfer to one of these nodes. Returns how long it took until the first of them has all in its chain.
    pub fn transfers(&mut self, nodes: &[u16]) -> Result<Duration, Failure> {
        let start = Instant::now();
        let chain = self.chain_id();
        for from in 0..CLIENTS {
            let to = nodes[from as usize % nodes.len()];
            self.submit(to, &transfer(&chain, from, self.nonce)?)?;
        }
        self.nonce += 1;
        let has_all = || {
            (0..CLIENTS).all(|client| {
                let account = self.get(nodes[0], &format!("account/{}", client_account(client)));
                account
                    .and_then(|account| account.get("nonce")?.as_u64())
                    .is_some_and(|found| found >= self.nonce)
            })
        };
        while !has_all() {
            if start.elapsed() > PATIENCE {
                return Err(Failure::refused(CHECK_FAILED, "transfers do not get into the chain"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(start.elapsed())
    }

    /// What the first node calls its chain.
    pub fn chain_id(&self) -> String {
        let status = self.get(0, "status").unwrap_or_default();
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

    /// Waits until all have ended.
    pub fn wait(&mut self) {
        for child in self.children.iter_mut().flatten() {
            let _ = child.wait();
        }
    }
}

impl Drop for Network<'_> {
    fn drop(&mut self) {
        for child in self.children.iter_mut().flatten() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A transfer of one USDC from one client to the next.
fn transfer(chain: &str, from: u32, nonce: u64) -> Result<Vec<u8>, Failure> {
    fn parse<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, Failure> {
        text.parse().map_err(|error| Failure::argument(text, error))
    }
    let sender: AccountId = parse(&client_account(from))?;
    let leg =
        Leg { to: parse(&client_account((from + 1) % CLIENTS))?, amount: Amount::ONE, reference: parse("")? };
    let legs = LegsBuf::new(&[leg]).map_err(|error| Failure::argument("legs", error))?;
    let transaction = Transaction {
        chain_id: parse(chain)?,
        sender,
        nonce,
        last_valid_height: u64::MAX,
        fee: Amount::ZERO,
        op: Op::Transfer(Transfer { asset: parse("USDC")?, legs: legs.get() }),
    };
    let key = keys::from_seed(&keys::label_seed(LABEL, sender.as_str()))?;
    keys::sign(&transaction, &[&key])
}
