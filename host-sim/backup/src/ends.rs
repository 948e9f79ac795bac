//! The ends of epochs, with what the validators signed: they say whose the blocks before them are, and a validator that is brought back begins at one.

use std::collections::BTreeMap;

use qenex_core::consensus::{Anchor, Header, Trusted};
use qenex_core::crypto::Hash;
use qenex_validator::checkpoint::Collected;
use qenex_validator::checkpoints::Checkpoints;

use crate::place::{Place, end_name};
use crate::{BackupError, Result};

/// So many of the newest are copied again after a start, in case they have a certificate by now.
const RECENT: usize = 16;

/// So many are read at a time.
const AT_A_TIME: usize = 256;

/// The genesis is the end of epoch zero.
const FIRST: u64 = 1;

/// Copies those that a node has collected.
pub struct Ends {
    checkpoints: Checkpoints,
    /// Which are in the backup, and whether with a certificate.
    copied: Option<BTreeMap<u64, bool>>,
}

impl Ends {
    /// Those of a node.
    pub const fn new(checkpoints: Checkpoints) -> Self {
        Self { checkpoints, copied: None }
    }

    /// Copies what is missing of the epochs before this one.
    ///
    /// # Errors
    /// The node's own cannot be read, or the place does not take them.
    pub fn copy(&mut self, place: &Place, epoch: u64) -> Result<()> {
        let copied = match &mut self.copied {
            Some(copied) => copied,
            // What another process has copied is asked for once. The newest may have come without their certificates.
            none => {
                let there = place.ends()?;
                let recent = there.len().saturating_sub(RECENT);
                let ends = there.into_iter().enumerate().map(|(place, epoch)| (epoch, place < recent));
                none.insert(ends.collect())
            }
        };
        for epoch in FIRST..epoch {
            if copied.get(&epoch) == Some(&true) {
                continue;
            }
            let failed = |error: std::io::Error| BackupError::Damaged {
                object: format!("checkpoint {epoch} of the node"),
                detail: error.to_string(),
            };
            let Some(end) = self.checkpoints.done(epoch).map_err(failed)? else { continue };
            let certified = end.certified.is_some();
            if certified || !copied.contains_key(&epoch) {
                place.put(&end_name(epoch), end.encode())?;
                copied.insert(epoch, certified);
            }
        }
        Ok(())
    }
}

/// The ends of epochs that follow from the genesis.
pub struct Followed {
    /// All of them in order, each with its epoch.
    pub ends: Vec<(u64, Collected)>,
    /// The ids of their blocks by height.
    pub ids: BTreeMap<u64, Hash>,
}

impl Followed {
    /// The height of the newest one; zero where there is none.
    pub fn height(&self) -> u64 {
        self.ids.last_key_value().map_or(0, |(height, _)| *height)
    }
}

/// Follows the ends of epochs of a chain, as far as they are there, up to a height.
///
/// # Errors
/// The place does not answer, or one of them is not signed by those whom the one before it names.
pub fn follow(place: &Place, genesis: &Header, until: u64) -> Result<Followed> {
    let mut followed = Followed { ends: Vec::new(), ids: BTreeMap::new() };
    let anchor = Anchor { header: genesis.clone(), trusting_period_ms: u64::MAX };
    // A chain on which nobody decides has none.
    let Ok(mut trusted) = Trusted::new(&anchor) else { return Ok(followed) };
    let known = place.ends()?;
    let consecutive = known.iter().zip(FIRST..).take_while(|(epoch, expected)| *epoch == expected);
    let epochs: Vec<u64> = consecutive.map(|(epoch, _)| *epoch).collect();
    for epochs in epochs.chunks(AT_A_TIME) {
        let names: Vec<String> = epochs.iter().map(|epoch| end_name(*epoch)).collect();
        for ((bytes, name), epoch) in place.get_all(&names)?.into_iter().zip(&names).zip(epochs) {
            let damaged = |detail: String| BackupError::Damaged { object: place.describe(name), detail };
            let Some(bytes) = bytes else { return Ok(followed) };
            let end = Collected::decode(&bytes).ok_or_else(|| damaged("a checkpoint was expected".into()))?;
            let Some(header) = end.header() else { return Err(damaged("its header is missing".into())) };
            if header.height > until {
                return Ok(followed);
            }
            // The certificate is what a validator begins with, and shows devices.
            if let Some(certified) = &end.certified {
                let right = end.follow_certificate(&trusted, certified);
                right.map_err(|error| damaged(format!("its certificate does not hold: {error:?}")))?;
            }
            trusted = end.follow(&trusted).map_err(|error| {
                damaged(format!("it does not follow from the epochs before it: {error:?}"))
            })?;
            followed.ids.insert(header.height, header.id());
            followed.ends.push((*epoch, end));
        }
    }
    Ok(followed)
}
