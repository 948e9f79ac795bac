//! A chain on this machine, for one command: its node and a local proposer.

use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use qenex_core::error::DIRECTORY;
use qenex_core::id::AccountId;
use qenex_core::num::Amount;
use qenex_core::tx::{Op, Transaction};
use qenex_node::mempool::MempoolLimits;
use qenex_node::node::{Node, NodeConfig, Recovery};
use qenex_node::sequencer::{BlockLimits, Produced, Sequencer};
use qenex_store::{Disk, RealDisk};

use crate::output::Failure;

/// Blocks above the tip at which a transaction of the command line expires.
pub const VALID_BLOCKS: u64 = 100;

/// A node with its proposer.
pub struct Local {
    /// The node.
    pub node: Node,
    /// What recovery found.
    pub recovery: Recovery,
    sequencer: Sequencer,
}

impl Local {
    fn disk(data: &Path) -> Result<Arc<dyn Disk>, Failure> {
        if !data.is_dir() {
            let detail = format!("{} is no directory; `qenex demo` makes one", data.display());
            return Err(Failure::input(DIRECTORY, detail));
        }
        Ok(RealDisk::open(data)?)
    }

    /// Reads the whole store of a directory once.
    pub fn verify_store(data: &Path) -> Result<(), Failure> {
        Ok(Node::verify_store(&Self::disk(data)?, NodeConfig::default())?)
    }

    /// Opens the chain in a directory.
    pub fn open(data: &Path) -> Result<Self, Failure> {
        let (node, recovery) = Node::open(Self::disk(data)?, NodeConfig::default())?;
        Ok(Self::over(node, recovery))
    }

    /// Over an open node.
    pub fn over(node: Node, recovery: Recovery) -> Self {
        let sequencer = Sequencer::new(node.chain().tip().proposer, MempoolLimits::default());
        Self { node, recovery, sequencer }
    }

    /// A transaction of this sender with its next nonce.
    pub fn transaction<'a>(&self, sender: AccountId, fee: Amount, op: Op<'a>) -> Transaction<'a> {
        let tip = self.node.chain().tip();
        Transaction {
            chain_id: tip.chain_id,
            sender,
            nonce: self.node.chain().account(sender).map_or(0, |account| account.nonce),
            last_valid_height: tip.height + VALID_BLOCKS,
            fee,
            op,
        }
    }

    /// Takes a signed transaction into the pool.
    pub fn submit(&mut self, signed: &[u8]) -> Result<(), Failure> {
        self.sequencer.submit(&self.node, signed)?;
        Ok(())
    }

    /// Makes a final block of what waits.
    pub fn produce(&mut self, time_ms: u64) -> Result<Produced, Failure> {
        Ok(self.sequencer.produce(&mut self.node, time_ms, BlockLimits::default())?)
    }

    /// Executes what waits as a pending block and goes no further.
    pub fn execute_only(&mut self, time_ms: u64) -> Result<qenex_core::crypto::Hash, Failure> {
        let next = self.sequencer.next(&self.node)?;
        Ok(self.sequencer.execute(&mut self.node, next, time_ms, BlockLimits::default())?.0)
    }

    /// Puts one transaction into a block of its own; a refusal is a failure.
    pub fn commit(&mut self, signed: &[u8]) -> Result<Produced, Failure> {
        self.submit(signed)?;
        let produced = self.produce(now_ms())?;
        match produced.refused.first() {
            Some((_, refusal)) => Err((*refusal).into()),
            None => Ok(produced),
        }
    }
}

/// Milliseconds since the Unix epoch.
pub fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis() as u64)
}
