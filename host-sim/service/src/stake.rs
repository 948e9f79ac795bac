//! A node of a chain on which validators decide.

use std::num::NonZeroU64;
use std::path::Path;
use std::time::Duration;

use commonware_cryptography::Signer as _;
use commonware_runtime::{Runner, Supervisor};
use qenex_core::crypto::ed25519::SecretKey;
use qenex_core::id::AccountId;
use qenex_node::mempool::MempoolLimits;
use qenex_node::sequencer::{BlockLimits, Sequencer};
use qenex_validator::block::ChainBlock;
use qenex_validator::clock::WallClock;
use qenex_validator::engine::{self, Channels, Identity, Running, Timing, max_message_bytes};
use qenex_validator::epochs::Epochs;
use qenex_validator::evidence::Reporter;
use qenex_validator::ledger::{Ledger, Shared};
use zeroize::Zeroizing;

use crate::device;
use crate::error::ServiceError;
use crate::genesis_file::hex;
use crate::run::{Start, open_ledger};

/// Messages of a channel that a peer may send in a second, in the order of the channels. What a channel may hold is this for all peers of several
/// epochs at once, and takes memory.
const QUOTAS: [u32; Channels::<(), ()>::COUNT as usize] = [256, 128, 128, 64, 64, 64];

/// Reads the key of an account from its file.
fn reporter(account: AccountId, path: &Path) -> Result<Reporter, ServiceError> {
    let text = std::fs::read_to_string(path).map(Zeroizing::new);
    let text = text.map_err(|error| ServiceError::file(path, error))?;
    let seed = Zeroizing::new(hex(text.trim()).map_err(|error| ServiceError::file(path, error))?);
    let key = SecretKey::from_seed(&seed).map_err(|error| ServiceError::file(path, error))?;
    Ok(Reporter { account, key })
}

/// Runs the node.
pub(crate) fn run(start: Start) -> Result<(), ServiceError> {
    let config = &start.config;
    let account_key = config.account_key.as_deref();
    let reporter = account_key.map(|path| reporter(start.account, path)).transpose()?;
    let signer = config.device.as_ref().map(device::open).transpose()?;
    let node = open_ledger(&config.data.join("ledger"), &start.genesis)?;
    let Some(staking) = node.chain().staking(node.chain().tip_id())? else {
        return Err(ServiceError::file(&config.genesis, "the chain has no validators"));
    };
    let epochs = Epochs::new(NonZeroU64::new(staking.rules.epoch_blocks).unwrap_or(NonZeroU64::MIN));
    let limits = BlockLimits::default();
    let first = ChainBlock::new(node.block(0)?);
    let sequencer = Sequencer::new(start.account, MempoolLimits::default());
    let ledger = Shared::new(Ledger::new(node, sequencer, limits));
    start.runtime().start(|context| async move {
        let seats = usize::from(staking.rules.seats_max);
        let (network, oracle, channels) = start.connect(&context, seats, max_message_bytes(limits), &QUOTAS);
        let Ok([votes, certificates, resolver, blocks, backfill, transactions]) =
            <[_; QUOTAS.len()]>::try_from(channels)
        else {
            return Err(ServiceError::Ended("the network has other channels".into()));
        };
        let engine = engine::Config {
            identity: Identity { chain_id: start.genesis.chain_id, peer: start.key.public_key(), signer },
            epochs,
            limits,
            timing: Timing {
                block_interval: Duration::from_millis(start.config.block_interval_ms),
                ..Timing::default()
            },
            clock: WallClock::default(),
            followers: start.followers.clone(),
            reporter,
            partition: "chain".into(),
            manager: oracle.clone(),
            blocker: oracle,
        };
        let channels = Channels { votes, certificates, resolver, blocks, backfill, transactions };
        let Running { ledger, submitted, handle } =
            engine::start(context.child("node"), engine, ledger, first, channels);
        start.serve(&context, ledger, submitted, [network, handle]).await
    })
}
