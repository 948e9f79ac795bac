//! What becomes of final blocks: they go into the ledger, and at the ends of epochs a state is taken for others.

use commonware_runtime::{Handle, Spawner};
use commonware_utils::acknowledgement::Acknowledgement;
use commonware_utils::channel::mpsc;
use qenex_core::consensus::Header;

use crate::application::FinalBlock;
use crate::block::ChainBlock;
use crate::epochs::Epochs;
use crate::ledger::Shared;
use crate::snapshots::Snapshots;

/// Who makes blocks final.
pub struct Finalizer {
    /// The ledger.
    pub ledger: Shared,
    /// Which heights an epoch has.
    pub epochs: Epochs,
    /// The states that the node offers.
    pub snapshots: Snapshots,
    /// After how many epochs there is another one; none if it is zero.
    pub snapshot_epochs: u64,
}

impl Finalizer {
    /// Makes blocks final in the ledger, in order, and acknowledges each when it is durable. Ends at the first one that the ledger does not take.
    pub fn start<E: Spawner>(
        self,
        context: E,
        mut blocks: mpsc::UnboundedReceiver<FinalBlock>,
        tips: mpsc::UnboundedSender<Header>,
    ) -> Handle<()> {
        context.spawn(move |context| async move {
            while let Some((block, acknowledgement)) = blocks.recv().await {
                let finalized = self.ledger.finalize(block.inner());
                if let Err(error) = finalized {
                    let height = block.inner().header().height;
                    tracing::error!(height, id = %block.inner().id(), "a final block is not taken: {error}");
                    return;
                }
                self.offer_state(&context, block.inner());
                acknowledgement.acknowledge();
                if tips.send(block.inner().header().clone()).is_err() {
                    return;
                }
            }
        })
    }

    /// Takes the state after the last block of an epoch, if one is due, and writes it beside all else.
    fn offer_state<E: Spawner>(&self, context: &E, block: &ChainBlock) {
        let Header { height, epoch, .. } = *block.header();
        let is_last = self.epochs.heights(epoch).is_some_and(|(_, last)| last == height);
        if !is_last || epoch.checked_rem(self.snapshot_epochs).is_none_or(|rest| rest != 0) {
            return;
        }
        let frozen = {
            let ledger = self.ledger.lock();
            // A block that comes again was left behind.
            if ledger.tip().height != height {
                return;
            }
            ledger.node().chain().freeze()
        };
        let (snapshots, bytes) = (self.snapshots.clone(), block.bytes().clone());
        // Whether it succeeds is no reason to wait: nothing depends on it.
        let context = context.child("state").with_attribute("epoch", epoch).shared(true);
        drop(context.spawn(move |_| async move {
            if let Err(error) = snapshots.write(epoch, &frozen, &bytes) {
                tracing::warn!(epoch, "the state cannot be offered: {error}");
            }
        }));
    }
}
