//! What the engine asks of the ledger: to propose a block, to check one, to take a final one.
//!
//! A block is executed before anybody votes for it. A validator that computes something else votes no and says so; one that cannot
//! execute a block (its store fails, its parent is missing) does not vote.

use commonware_actor::Feedback;
use commonware_consensus::marshal::Update;
use commonware_consensus::marshal::ancestry::Ancestry;
use commonware_consensus::simplex::types::Context;
use commonware_consensus::{Epochable, Heightable, Reporter, Viewable};
use commonware_cryptography::ed25519::PublicKey;
use commonware_cryptography::{Digested, Digestible};
use commonware_runtime::Clock;
use commonware_utils::acknowledgement::Exact;
use commonware_utils::channel::mpsc;
use futures::StreamExt;
use qenex_consensus::{HeaderId, Scheme};
use qenex_node::error::NodeError;

use crate::block::ChainBlock;
use crate::clock::WallClock;
use crate::ledger::Shared;

/// How far a block's time may be ahead of a validator's clock before it waits with its vote.
pub const MAX_AHEAD_MS: u64 = 500;

/// A final block, to be acknowledged when it is durable.
pub type FinalBlock = (Digested<ChainBlock>, Exact);

/// The ledger behind the engine.
#[derive(Clone)]
pub struct Application {
    ledger: Shared,
    clock: WallClock,
    block_interval_ms: u64,
    finalized: mpsc::UnboundedSender<FinalBlock>,
}

/// What became of the blocks up to one.
enum Executed {
    Done,
    /// One of them can never be final.
    Invalid,
    /// This node cannot tell.
    Unknown,
}

impl Application {
    /// A ledger whose blocks are at least so far apart. Final blocks go to the channel, which holds no more than the engine lets be
    /// unacknowledged.
    pub const fn new(
        ledger: Shared,
        clock: WallClock,
        block_interval_ms: u64,
        finalized: mpsc::UnboundedSender<FinalBlock>,
    ) -> Self {
        Self { ledger, clock, block_interval_ms, finalized }
    }

    /// Executes a block and those of its ancestors that have not been.
    async fn execute(
        &self,
        block: Digested<ChainBlock>,
        ancestry: &mut impl Ancestry<ChainBlock>,
    ) -> Executed {
        let mut path = vec![block];
        while let Some(next) = path.last() {
            {
                let ledger = self.ledger.lock();
                if ledger.holds(next.digest().0) {
                    path.pop();
                    break;
                }
                match ledger.is_final(next.digest().0, next.height().get()) {
                    // All that stand on it are decided by what was final after it.
                    Ok(true) if path.len() == 1 => return Executed::Done,
                    Ok(_) if next.height().get() <= ledger.tip().height => return Executed::Invalid,
                    Ok(_) => {}
                    Err(error) => {
                        tracing::error!("a final block cannot be read: {error}");
                        return Executed::Unknown;
                    }
                }
            }
            match ancestry.next().await {
                Some(parent) => path.push(parent),
                None => return Executed::Unknown,
            }
        }
        for block in path.iter().rev() {
            let executed = self.ledger.execute(block.inner());
            let (height, id) = (block.height(), block.digest());
            match executed {
                Ok(()) => {}
                Err(
                    error @ (NodeError::Header { .. } | NodeError::Transaction { .. } | NodeError::End(_)),
                ) => {
                    tracing::error!(%height, %id, "a proposed block does not hold: {error}");
                    return Executed::Invalid;
                }
                Err(error) => {
                    tracing::error!(%height, %id, "a proposed block cannot be executed: {error}");
                    return Executed::Unknown;
                }
            }
        }
        Executed::Done
    }
}

impl<E: Clock> commonware_consensus::Application<E> for Application {
    type SigningScheme = Scheme;
    type Context = Context<HeaderId, PublicKey>;
    type Block = ChainBlock;
    type Input = ();

    async fn propose(
        &mut self,
        (clock, context): (E, Self::Context),
        mut ancestry: impl Ancestry<ChainBlock>,
        (): (),
    ) -> Option<Digested<ChainBlock>> {
        let parent = ancestry.next().await?;
        let (parent_id, parent_ms) = (parent.digest(), parent.inner().header().time_ms);
        if !matches!(self.execute(parent, &mut ancestry).await, Executed::Done) {
            return None;
        }
        self.clock.sleep_until(&clock, parent_ms.saturating_add(self.block_interval_ms)).await;
        let now_ms = self.clock.now_ms(&clock);
        match self.ledger.lock().propose(parent_id.0, context.view().get(), now_ms) {
            Ok(block) => Some(block.digested()),
            Err(error) => {
                tracing::error!("no block can be proposed: {error}");
                None
            }
        }
    }

    async fn verify(
        &mut self,
        (clock, context): (E, Self::Context),
        mut ancestry: impl Ancestry<ChainBlock>,
    ) -> bool {
        let Some(block) = ancestry.next().await else { return false };
        let (epoch, view, time_ms) = {
            let header = block.inner().header();
            (header.epoch, header.view, header.time_ms)
        };
        // That its proposer is the leader of the view follows from the ledger's rules.
        if (epoch, view) != (context.epoch().get(), context.view().get()) {
            tracing::error!(id = %block.digest(), epoch, view, "a block names another round than its proposal");
            return false;
        }
        // Its time is no reason against a block, only one to wait: all validators must come to the same answer.
        self.clock.sleep_until(&clock, time_ms.saturating_sub(MAX_AHEAD_MS)).await;
        match self.execute(block, &mut ancestry).await {
            Executed::Done => true,
            Executed::Invalid => false,
            Executed::Unknown => futures::future::pending().await,
        }
    }
}

impl Reporter for Application {
    type Activity = Update<ChainBlock>;

    fn report(&mut self, activity: Self::Activity) -> Feedback {
        match activity {
            Update::Tip(..) => Feedback::Ok,
            Update::Block(block, acknowledgement) => match self.finalized.send((block, acknowledgement)) {
                Ok(()) => Feedback::Ok,
                Err(_) => Feedback::Closed,
            },
        }
    }
}
