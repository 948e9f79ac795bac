//! What a node begins with: a state, if it is far behind; the block from which the engine goes on; what the engine has kept.

use std::sync::Arc;

use commonware_codec::CodecShared;
use commonware_consensus::simplex::types::Finalization;
use commonware_cryptography::ed25519::PublicKey;
use commonware_p2p::{Blocker, Manager, Receiver, Sender, TrackedPeers};
use commonware_runtime::buffer::paged::CacheRef;
use commonware_runtime::{Clock, Handle, Metrics, Spawner, Storage};
use commonware_storage::archive::{self, Archive, Identifier, prunable};
use commonware_storage::translator::EightCap;
use commonware_utils::NZU64;
use commonware_utils::channel::oneshot;
use commonware_utils::ordered::Set;
use qenex_consensus::{HeaderId, Scheme, Validators, VoteSigner, proposal_of, simplex_proposal};

use crate::block::ChainBlock;
use crate::checkpoint::Certified;
use crate::checkpoints::Checkpoints;
use crate::engine::{BUFFER, Config};
use crate::epochs::{Epochs, Schemes};
use crate::ledger::Shared;
use crate::seats::validators;
use crate::state_sync::{Search, Station};

/// Whom the network connects to in an epoch.
pub fn track<M, B>(config: &mut Config<M, B>, epoch: u64, validators: &Validators)
where
    M: Manager<PublicKey = PublicKey>,
{
    let followers = Set::from_iter_dedup(config.followers.iter().cloned());
    config.manager.track(epoch, TrackedPeers { primary: validators.peers().clone(), secondary: followers });
}

/// Begins to answer others who ask for states, and gets one where this node is far behind. Returns the epoch for which the network was told whom to
/// connect to, if it was.
pub async fn get_state<E, M, B>(
    context: &E,
    config: &mut Config<M, B>,
    ledger: &Shared,
    channel: (impl Sender<PublicKey = PublicKey>, impl Receiver<PublicKey = PublicKey>),
) -> Result<(Handle<()>, Option<u64>), String>
where
    E: Clock + Spawner,
    M: Manager<PublicKey = PublicKey>,
    B: Blocker<PublicKey = PublicKey>,
{
    let (tip, seats, forgets) = {
        let ledger = ledger.lock();
        let seats = ledger.seats().map_err(|error| error.to_string())?.1;
        (ledger.tip().clone(), seats, ledger.node().forgets())
    };
    let enough = seats.len().saturating_sub(1) / 3 + 1;
    let station = Station {
        ledger: ledger.clone(),
        checkpoints: config.checkpoints.clone(),
        epochs: config.epochs,
        snapshots: config.snapshots.clone(),
        policy: config.state_sync,
        enough,
    };
    let now_ms = config.clock.now_ms(context);
    // What it was told to keep it does not give for a state.
    let policy = config.state_sync.filter(|_| forgets || tip.height == 0);
    let search = policy.and_then(|policy| Search::new(policy, config.epochs, &tip, enough, now_ms));
    let (context, blocker) = (context.child("states"), config.blocker.clone());
    let Some(search) = search else {
        return Ok((station.start(context, channel, blocker, None), None));
    };
    let epoch = config.epochs.of(tip.height.saturating_add(1));
    track(config, epoch, &validators(&seats).map_err(|error| error.to_string())?);
    let (over, wait) = oneshot::channel();
    let station = station.start(context, channel, blocker, Some((search, over)));
    wait.await.map_err(|_| "the search for a state ended".to_string())?;
    Ok((station, Some(epoch)))
}

/// A block where the engine begins, and what finalized it.
pub struct Floor {
    pub finalization: Finalization<Scheme, HeaderId>,
    pub block: ChainBlock,
}

/// Where the engine begins that does not have the blocks from the first one on, because the ledger has forgotten them or was brought back without the engine's
/// archive: at the end of the newest epoch that is over, with its block.
pub fn floor<M, B>(
    config: &Config<M, B>,
    ledger: &Shared,
    schemes: &Schemes,
    has_archive: bool,
) -> Result<Option<Floor>, String> {
    let ledger = ledger.lock();
    if ledger.node().first_height() == 0 && has_archive {
        return Ok(None);
    }
    let epoch = config.epochs.of(ledger.tip().height.saturating_add(1)).saturating_sub(1);
    let done = config.checkpoints.done(epoch).map_err(|error| format!("checkpoint {epoch}: {error}"))?;
    let Some((certified, done)) = done.and_then(|done| Some((done.certified.clone()?, done))) else {
        return Ok(None);
    };
    let validators = done.validators().map_err(|error| error.to_string())?;
    schemes.add(epoch, Arc::new(Scheme::verifier(config.identity.chain_id, validators)));
    let height = config.epochs.heights(epoch).map_or(0, |(_, last)| last);
    let block = ledger.node().block(height).map_err(|error| error.to_string())?;
    let Certified { proposal, certificate } = certified;
    let finalization = Finalization { proposal: simplex_proposal(&proposal), certificate };
    Ok(Some(Floor { finalization, block: ChainBlock::new(block) }))
}

/// Brings the ends of epochs to a device that has missed them: it votes in the epoch that it trusts and in the next one only. A node that was cut off
/// at the end of an epoch finds the certificate with what the engine has kept.
pub async fn bring_along(
    signer: &dyn VoteSigner,
    checkpoints: &Checkpoints,
    (epochs, epoch): (Epochs, u64),
    finalizations: &impl Archive<Key = HeaderId, Value = Finalization<Scheme, HeaderId>>,
) -> std::io::Result<()> {
    let trusted = match signer.trusted_height() {
        Ok(Some(height)) => height,
        Ok(None) => return Ok(()),
        Err(code) => {
            tracing::warn!("the device does not say what it trusts: {code}");
            return Ok(());
        }
    };
    for epoch in epochs.of(trusted.saturating_add(1))..epoch {
        let known = checkpoints.get(epoch)?;
        let Some((header, known)) = known.as_ref().and_then(|known| Some((known.header()?, known))) else {
            tracing::warn!(epoch, "the device has missed an epoch whose end is not known");
            return Ok(());
        };
        if known.certified.is_none()
            && let Ok(Some(finalization)) = finalizations.get(Identifier::Index(header.height)).await
            && let Some(proposal) = proposal_of(&finalization.proposal)
        {
            let certified = Certified { proposal, certificate: finalization.certificate };
            checkpoints.certify(header, certified)?;
        }
        let certified = checkpoints.get(epoch)?.and_then(|known| known.certified);
        let (Some(certified), Ok(validators)) = (certified, known.validators()) else {
            tracing::warn!(epoch, "the device has missed an epoch whose certificate is not known");
            return Ok(());
        };
        if let Err(code) = signer.follow(header, &certified.proposal, &validators, &certified.certificate) {
            tracing::warn!(epoch, "the device does not follow the chain: {code}");
            return Ok(());
        }
    }
    Ok(())
}

/// What marshal keeps under heights and ids of blocks.
pub async fn archive<E, V>(
    context: &E,
    partition: &str,
    name: &'static str,
    codec_config: V::Cfg,
    page_cache: &CacheRef,
) -> Result<prunable::Archive<EightCap, E, HeaderId, V>, archive::Error>
where
    E: Clock + Storage + Metrics,
    V: CodecShared,
{
    let part = |part: &str| format!("{partition}-{name}-{part}");
    let config = prunable::Config {
        translator: EightCap,
        metadata_partition: part("metadata"),
        key_partition: part("keys"),
        key_page_cache: page_cache.clone(),
        value_partition: part("values"),
        compression: None,
        codec_config,
        items_per_section: NZU64!(1_024),
        key_write_buffer: BUFFER,
        value_write_buffer: BUFFER,
        replay_buffer: BUFFER,
    };
    prunable::Archive::init(context.child(name), config).await
}
