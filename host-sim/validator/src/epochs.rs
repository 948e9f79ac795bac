//! Epochs: which heights they have, and who decides in them.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::sync::{Arc, Mutex, PoisonError};

use commonware_consensus::types::{Epoch, EpochInfo, Epocher, Height};
use commonware_cryptography::certificate;
use qenex_consensus::Scheme;

/// Epoch zero is the genesis alone; every other one has so many blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epochs {
    blocks: NonZeroU64,
}

impl Epochs {
    /// Epochs of so many blocks.
    pub const fn new(blocks: NonZeroU64) -> Self {
        Self { blocks }
    }

    /// The epoch of a height.
    pub const fn of(&self, height: u64) -> u64 {
        height.div_ceil(self.blocks.get())
    }

    /// The first and the last height of an epoch; nothing if heights do not reach so far.
    pub const fn heights(&self, epoch: u64) -> Option<(u64, u64)> {
        let Some(last) = epoch.checked_mul(self.blocks.get()) else { return None };
        if epoch == 0 { Some((0, 0)) } else { Some((last - self.blocks.get() + 1, last)) }
    }
}

impl Epocher for Epochs {
    fn containing(&self, height: Height) -> Option<EpochInfo> {
        let epoch = self.of(height.get());
        let (first, last) = self.heights(epoch)?;
        Some(EpochInfo::new(Epoch::new(epoch), height, Height::new(first), Height::new(last)))
    }

    fn first(&self, epoch: Epoch) -> Option<Height> {
        Some(Height::new(self.heights(epoch.get())?.0))
    }

    fn last(&self, epoch: Epoch) -> Option<Height> {
        Some(Height::new(self.heights(epoch.get())?.1))
    }
}

/// The schemes of the newest epochs, whose certificates can be checked. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Schemes(Arc<Mutex<BTreeMap<u64, Arc<Scheme>>>>);

impl Schemes {
    /// How many epochs are kept: certificates of an older one are asked for by nobody who checks them by these.
    const KEPT: usize = 8;

    /// Adds the scheme of an epoch.
    pub fn add(&self, epoch: u64, scheme: Arc<Scheme>) {
        let mut schemes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        schemes.insert(epoch, scheme);
        while schemes.len() > Self::KEPT {
            schemes.pop_first();
        }
    }
}

impl Schemes {
    /// The scheme of an epoch.
    pub fn of(&self, epoch: u64) -> Option<Arc<Scheme>> {
        let schemes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        schemes.get(&epoch).cloned()
    }

    /// The scheme of the newest epoch.
    pub fn newest(&self) -> Option<Arc<Scheme>> {
        let schemes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        schemes.last_key_value().map(|(_, scheme)| Arc::clone(scheme))
    }
}

impl certificate::Provider for Schemes {
    type Scope = Epoch;
    type Scheme = Scheme;

    fn scoped(&self, epoch: Epoch) -> Option<certificate::Scoped<Scheme>> {
        let scheme = self.of(epoch.get())?;
        let votes = certificate::Scheme::me(&*scheme).is_some();
        let scoped = if votes { certificate::Scoped::scheme } else { certificate::Scoped::verifier };
        Some(scoped(scheme))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heights_belong_to_one_epoch() {
        for blocks in [1, 2, 5, 100] {
            let epochs = Epochs::new(NonZeroU64::new(blocks).unwrap());
            assert_eq!((epochs.of(0), epochs.heights(0)), (0, Some((0, 0))));
            let mut next = 1;
            for epoch in 1..20 {
                let (first, last) = epochs.heights(epoch).unwrap();
                assert_eq!((first, last), (next, next + blocks - 1));
                assert!((first..=last).all(|height| epochs.of(height) == epoch));
                next = last + 1;
            }
            assert_eq!(epochs.heights(u64::MAX).is_none(), blocks > 1);
        }
    }
}
