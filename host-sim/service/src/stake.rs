//! A node of a chain on which validators decide.

use std::num::NonZeroU64;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use commonware_cryptography::Signer as _;
use commonware_runtime::{Runner, Supervisor};
use qenex_api::ledger::{Found, Ledger as Asked, Proven, witness};
use qenex_api::view::{self, Certificate, Confirmed, Proof, Status};
use qenex_consensus::{CheckpointSigner, KeyCheckpointSigner};
use qenex_core::codec::{Encoded as _, encode};
use qenex_core::consensus::Header;
use qenex_core::crypto::Hash;
use qenex_core::crypto::ed25519::SecretKey;
use qenex_core::hsm::proto::BeginHeader;
use qenex_core::id::AccountId;
use qenex_core::ledger::RecordId;
use qenex_device::client::CertifiedHeader;
use qenex_node::block::{Batch, Block};
use qenex_node::error::NodeError;
use qenex_node::mempool::MempoolLimits;
use qenex_node::node::{Node, Source};
use qenex_node::sequencer::{BlockLimits, Sequencer, SubmitError};
use qenex_store::{RealDisk, StoreError};
use qenex_validator::block::ChainBlock;
use qenex_validator::checkpoint::Member;
use qenex_validator::checkpoints::Checkpoints;
use qenex_validator::clock::WallClock;
use qenex_validator::engine::{self, Channels, Identity, Running, Timing, max_message_bytes};
use qenex_validator::epochs::Epochs;
use qenex_validator::evidence::Reporter;
use qenex_validator::ledger::{Ledger, Shared};
use qenex_validator::newest::Newest;
use qenex_validator::snapshots::Snapshots;
use qenex_validator::state_sync::Policy;
use zeroize::Zeroizing;

use crate::config::{StateSyncConfig, TrustedConfig};
use crate::device;
use crate::error::ServiceError;
use crate::genesis_file::hex;
use crate::ledger::{self, Opened};
use crate::run::{Start, open_checkpoints};

/// Messages of a channel that a peer may send in a second, in the order of the channels. What a channel may hold is this for all peers of several
/// epochs at once, and takes memory.
const QUOTAS: [u32; Channels::<(), ()>::COUNT as usize] = [256, 128, 128, 64, 64, 64, 32, 256];

/// Reads the key of checkpoints from its file.
///
/// # Errors
/// It is not there, or holds something else.
pub(crate) fn checkpoint_signer(path: &Path) -> Result<KeyCheckpointSigner, ServiceError> {
    KeyCheckpointSigner::new(&*seed(path)?).map_err(|error| ServiceError::file(path, error))
}

/// Reads the seed of a secret key from its file.
fn seed(path: &Path) -> Result<Zeroizing<[u8; 32]>, ServiceError> {
    let text = std::fs::read_to_string(path).map(Zeroizing::new);
    let text = text.map_err(|error| ServiceError::file(path, error))?;
    hex(text.trim()).map(Zeroizing::new).map_err(|error| ServiceError::file(path, error))
}

/// Reads the key of an account from its file.
fn reporter(account: AccountId, path: &Path) -> Result<Reporter, ServiceError> {
    let key = SecretKey::from_seed(&*seed(path)?).map_err(|error| ServiceError::file(path, error))?;
    Ok(Reporter { account, key })
}

/// When the node asks for a state, as its configuration says.
fn policy(sync: &StateSyncConfig, path: &Path) -> Result<Policy, ServiceError> {
    let trusted = |trusted: &TrustedConfig| {
        let id = Hash::from_hex(&trusted.id);
        let wrong = || ServiceError::file(path, "state_sync: the id of a block was expected");
        Ok::<_, ServiceError>((trusted.epoch, id.ok_or_else(wrong)?))
    };
    let trusted = sync.trusted.as_ref().map(trusted).transpose()?;
    Ok(Policy { behind: Duration::from_secs(sync.behind_seconds), trusted })
}

/// Runs the node.
pub(crate) fn run(start: Start) -> Result<(), ServiceError> {
    let config = &start.config;
    let account_key = config.account_key.as_deref();
    let reporter = account_key.map(|path| reporter(start.account, path)).transpose()?;
    let (signer, of_device) = config.device.as_ref().map(device::open).transpose()?.unzip();
    let checkpoint_signer = config.checkpoint_key.as_deref().map(checkpoint_signer).transpose()?;
    let checkpoint_signer = checkpoint_signer.map(|signer| Arc::new(signer) as Arc<dyn CheckpointSigner>);
    let checkpoint_signer = checkpoint_signer.or(of_device.flatten());
    let checkpoints = open_checkpoints(&config.data.join("checkpoints"))?;
    let snapshots = config.data.join("snapshots");
    let opened = Snapshots::load(RealDisk::open(&snapshots)?);
    let snapshots = opened.map_err(|error| ServiceError::file(&snapshots, error))?;
    let state_sync = config.state_sync.as_ref().map(|sync| policy(sync, &start.path)).transpose()?;
    let Opened { node, books, _folder } = ledger::open(config, &start.genesis)?;
    let Some(staking) = node.chain().staking(node.chain().tip_id())? else {
        return Err(ServiceError::file(&config.genesis, "the chain has no validators"));
    };
    if let Some(blocks) = config.history_blocks
        && blocks / 2 < staking.rules.epoch_blocks
    {
        let detail =
            format_args!("history_blocks: two epochs of {} blocks, at least", staking.rules.epoch_blocks);
        return Err(ServiceError::file(&start.path, detail));
    }
    let epochs = Epochs::new(NonZeroU64::new(staking.rules.epoch_blocks).unwrap_or(NonZeroU64::MIN));
    let limits = BlockLimits::default();
    let first = ChainBlock::new(node.block(0)?);
    let sequencer = Sequencer::new(start.account, MempoolLimits::default());
    let ledger = Shared::new(Ledger::new(node, sequencer, limits));
    let voter = config.device.as_ref().map(|_| start.account);
    start.runtime().start(|context| async move {
        let seats = usize::from(staking.rules.seats_max);
        let (network, oracle, channels) = start.connect(&context, seats, max_message_bytes(limits), &QUOTAS);
        let Ok([votes, certificates, resolver, blocks, backfill, transactions, checkpoint, states]) =
            <[_; QUOTAS.len()]>::try_from(channels)
        else {
            return Err(ServiceError::Ended("the network has other channels".into()));
        };
        let engine = engine::Config {
            identity: Identity {
                chain_id: start.genesis.chain_id,
                peer: start.key.public_key(),
                signer,
                checkpoint_signer,
            },
            epochs,
            limits,
            timing: Timing {
                block_interval: Duration::from_millis(start.config.block_interval_ms),
                ..Timing::default()
            },
            clock: WallClock::default(),
            followers: start.followers.clone(),
            checkpoints,
            snapshots,
            snapshot_epochs: start.config.snapshot_epochs,
            state_sync,
            reporter,
            partition: "chain".into(),
            manager: oracle.clone(),
            blocker: oracle,
        };
        let channels = Channels {
            votes,
            certificates,
            resolver,
            blocks,
            backfill,
            transactions,
            checkpoints: checkpoint,
            states,
        };
        let Running { ledger, submitted, checkpoints, newest, handle } =
            engine::start(context.child("node"), engine, ledger, first, channels);
        let staked = Arc::new(Staked { ledger, checkpoints, newest, epochs, voter });
        start.back_up(staked.clone(), Some(staked.checkpoints.clone()))?;
        start.keep_books(books, staked.clone());
        start.serve(staked.clone(), submitted, [network, handle]).await?;
        Ok(staked.ledger.lock().checkpoint()?)
    })
}

/// The ledger and the checkpoints, for programs.
struct Staked {
    ledger: Shared,
    checkpoints: Checkpoints,
    newest: Newest,
    epochs: Epochs,
    /// Whose votes this node signs.
    voter: Option<AccountId>,
}

impl Source for Staked {
    fn look(&self, look: &mut dyn FnMut(&Node)) {
        look(self.ledger.lock().node());
    }
}

impl Asked for Staked {
    fn submit(&self, signed: &[u8]) -> Result<Hash, SubmitError> {
        self.ledger.submit(signed)
    }

    fn submit_all(&self, signed: &Batch) -> Vec<Result<Hash, SubmitError>> {
        self.ledger.submit_all(signed)
    }

    fn status(&self) -> Status {
        let ledger = self.ledger.lock();
        let first_height = Some(ledger.node().first_height());
        Status { first_height, ..Status::new(ledger.tip(), ledger.waiting(), ledger.room()) }
    }

    fn record(&self, id: &RecordId) -> Result<Found, NodeError> {
        let ledger = self.ledger.lock();
        let record = ledger.node().chain().records().get(id, &id.key()).map(<[u8]>::to_vec);
        Ok(Found { record, confirmed: Confirmed::default() })
    }

    fn block(&self, height: u64) -> Result<(Block, Confirmed), NodeError> {
        Ok((self.ledger.lock().node().block(height)?, Confirmed::default()))
    }

    fn prove(&self, ids: &[RecordId]) -> Result<Proof, NodeError> {
        Ok(Proof::new(self.ledger.lock().node().chain(), ids))
    }

    fn voter(&self) -> Option<AccountId> {
        self.voter
    }

    fn proven(&self, ids: &[RecordId]) -> Result<Option<Proven>, NodeError> {
        let (tip, witness) = {
            let ledger = self.ledger.lock();
            (ledger.tip().clone(), witness(ledger.node().chain(), ids))
        };
        // After the ledger: what is published was final before.
        let certified = self.newest.borrow().clone();
        Ok(Some(Proven { tip, certified, witness }))
    }

    fn ends_from(&self, height: u64) -> Result<Vec<CertifiedHeader>, NodeError> {
        let failed = |error| NodeError::Store(StoreError::io("checkpoints", "read")(error));
        let now = self.epochs.of(self.ledger.lock().tip().height);
        let mut ends = Vec::new();
        for epoch in self.epochs.of(height)..now {
            let Some(collected) = self.checkpoints.get(epoch).map_err(failed)? else { break };
            let (Some(header), Some(certified)) = (collected.header(), &collected.certified) else { break };
            let Ok(validators) = collected.validators() else { break };
            let Ok(members) = validators.members(&certified.certificate) else { break };
            let signers = certified.certificate.signers().0;
            let request = BeginHeader { header: header.clone(), proposal: certified.proposal, signers };
            ends.push(CertifiedHeader::new(request, members));
        }
        Ok(ends)
    }

    /// The last header of an epoch in its canonical bytes, all that signed its checkpoint, and its certificate if the node has it.
    fn checkpoint(&self, epoch: u64) -> Result<Option<view::Checkpoint>, NodeError> {
        let failed = |error| NodeError::Store(StoreError::io("checkpoints", "read")(error));
        let Some(collected) = self.checkpoints.done(epoch).map_err(failed)? else { return Ok(None) };
        let Some(header) = collected.header() else { return Ok(None) };
        let mut buffer = [0; Header::MAX_LEN];
        let bytes = encode(header, &mut buffer).map(hex::encode).unwrap_or_default();
        let member = |member: &Member| view::Member {
            vote_key: hex::encode(member.vote_key),
            finality_key: hex::encode(member.finality_key),
            public_key: member.signed.as_ref().map(|signed| hex::encode(signed.public_key.as_slice())),
            signature: member.signed.as_ref().map(|signed| hex::encode(signed.signature.as_slice())),
        };
        let certificate = collected.certified.as_ref().map(|certified| Certificate {
            view: certified.proposal.round.view,
            parent_view: certified.proposal.parent_view,
            signers: hex::encode(certified.certificate.signers().0),
            signatures: certified.certificate.signatures().iter().map(hex::encode).collect(),
        });
        Ok(Some(view::Checkpoint {
            epoch,
            height: header.height,
            id: header.id().to_string(),
            header: bytes,
            members: collected.members().iter().map(member).collect(),
            certificate,
        }))
    }
}
