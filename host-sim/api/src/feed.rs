//! What becomes final, told while it does: to programs that listen by server-sent events or over a WebSocket.
//!
//! Nobody holds anybody up. A listener has a height from which on it wants to hear, and takes block after block at its own pace; who is too far behind is told so, and
//! goes on with the newest blocks. What a block is told as is made once for all listeners.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use metrics::gauge;
use qenex_core::id::AccountId;
use qenex_core::ledger::{RecordId, access};
use qenex_core::tx::SignedTransaction;
use qenex_monitor::alerts::Alert;
use qenex_node::history::receipts;
use serde::Serialize;
use serde_json::json;
use tokio::sync::{broadcast, watch};
use tokio::time::Instant;

use crate::Interface;
use crate::problem::Problem;
use crate::routes::alerts::AlertView;
use crate::routes::history::read_block;
use crate::view::{BlockView, Confirmed, TransactionView};

/// So many of the newest blocks are kept as they are told.
const REMEMBERED: usize = 32;

/// So many transactions of a block are told of, at most.
const MOST_TOLD: usize = 1_000;

/// So many blocks a listener may be behind.
const MOST_BEHIND: u64 = 1_000;

/// After so long without a height a listener is told of one, if there is a newer one.
const QUIET: Duration = Duration::from_secs(15);

/// One thing that is told.
#[derive(Clone, Debug)]
pub struct Told {
    /// What it is: `block`, `transaction`, `alert`, `behind`, `omitted`, `heard`.
    pub event: &'static str,
    /// The height of the block whose last event it is: whoever names it hears of what comes behind it.
    pub id: Option<u64>,
    /// JSON.
    pub data: Arc<str>,
}

/// A block as it is told.
struct Block {
    height: u64,
    block: Arc<str>,
    transactions: Vec<(Vec<AccountId>, Arc<str>)>,
    omitted: usize,
}

/// The newest blocks as they are told.
#[derive(Default)]
pub struct Feed(Mutex<VecDeque<Arc<Block>>>);

fn text(value: &impl Serialize) -> Arc<str> {
    // Views have no maps with other keys than texts.
    serde_json::to_string(value).unwrap_or_default().into()
}

impl Feed {
    /// A block. Who asks first makes it, the others wait for him.
    fn block(&self, interface: &Interface, height: u64) -> Result<Arc<Block>, Problem> {
        let mut blocks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(block) = blocks.iter().find(|block| block.height == height) {
            return Ok(Arc::clone(block));
        }
        let executed = read_block(interface, height)?;
        let (header, batch) = (&executed.block.header, &executed.block.transactions);
        let mut transactions = Vec::new();
        for ((signed, receipt), place) in
            batch.iter().zip(receipts(&executed.record)).zip(0..).take(MOST_TOLD)
        {
            let (Ok(decoded), Some(view)) =
                (SignedTransaction::decode(signed), TransactionView::new(header, place, signed, &receipt))
            else {
                continue;
            };
            let accounts = access(&decoded.transaction).into_iter().filter_map(|id| match id {
                RecordId::Account(account) => Some(account),
                _ => None,
            });
            transactions.push((accounts.collect(), text(&view)));
        }
        let block = Arc::new(Block {
            height,
            block: text(&BlockView::new(&executed.block, Confirmed::default())),
            transactions,
            omitted: batch.len().saturating_sub(MOST_TOLD),
        });
        blocks.push_back(Arc::clone(&block));
        if blocks.len() > REMEMBERED {
            blocks.pop_front();
        }
        Ok(block)
    }
}

/// What somebody wants to hear.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Blocks.
    pub blocks: bool,
    /// Transactions.
    pub transactions: bool,
    /// Alerts, as they begin, end, and are changed.
    pub alerts: bool,
    /// Only transactions that touched this account.
    pub account: Option<AccountId>,
}

/// Somebody who listens.
pub struct Listener {
    interface: Interface,
    wanted: Wanted,
    /// The height of which it hears next.
    next: u64,
    heights: watch::Receiver<u64>,
    stopping: watch::Receiver<bool>,
    alerts: broadcast::Receiver<Arc<Alert>>,
    told: VecDeque<Told>,
    /// The height that it was told last, and by when it is told of one again.
    said: u64,
    quiet: Instant,
    /// When it is to ask anew: by then it may no longer be allowed to.
    until: Instant,
}

impl Listener {
    /// Somebody who has heard of everything up to a height, or of what comes from now on.
    pub fn new(interface: Interface, wanted: Wanted, heard: Option<u64>) -> Self {
        let heights = interface.index().height();
        let next = heard.unwrap_or_else(|| *heights.borrow()).saturating_add(1);
        let until = Instant::now() + Duration::from_secs(interface.access().config.token_seconds);
        gauge!("qenex_event_streams").increment(1.0);
        let (stopping, alerts) = (interface.stopping(), interface.watch().news());
        Self {
            interface,
            wanted,
            next,
            heights,
            stopping,
            alerts,
            told: VecDeque::new(),
            said: next - 1,
            quiet: Instant::now() + QUIET,
            until,
        }
    }

    /// What it hears next; nothing when it is to ask anew, or the node stops.
    pub async fn next(&mut self) -> Option<Told> {
        while self.told.is_empty() {
            let next = self.next;
            let newest = tokio::select! {
                newest = self.heights.wait_for(|height| *height >= next) => *newest.ok()?,
                _ = self.stopping.wait_for(|stopping| *stopping) => return None,
                () = tokio::time::sleep_until(self.until) => return None,
                // Nothing that it wants to hear happened: it learns from where to go on.
                () = tokio::time::sleep_until(self.quiet), if self.said < next - 1 => {
                    self.told.push_back(heard(next - 1));
                    continue;
                }
                news = self.alerts.recv(), if self.wanted.alerts => {
                    if let Ok(alert) = news {
                        let data = text(&AlertView::from(&*alert));
                        self.told.push_back(Told { event: "alert", id: None, data });
                    }
                    continue;
                }
            };
            if newest - next >= MOST_BEHIND {
                self.told.push_back(behind(next, newest - 1));
                self.next = newest;
                continue;
            }
            let block =
                self.interface.blocking(move |interface| interface.feed().block(interface, next)).await;
            match block {
                Ok(block) => self.tell(&block),
                // The node forgot it meanwhile.
                Err(problem) if problem.is_unknown() => self.told.push_back(behind(next, next)),
                Err(_) => return None,
            }
            self.next = next + 1;
        }
        let told = self.told.pop_front()?;
        if let Some(id) = told.id {
            (self.said, self.quiet) = (id, Instant::now() + QUIET);
        }
        Some(told)
    }

    fn tell(&mut self, block: &Block) {
        if self.wanted.blocks {
            self.told.push_back(Told { event: "block", id: None, data: Arc::clone(&block.block) });
        }
        if self.wanted.transactions {
            for (accounts, data) in &block.transactions {
                if self.wanted.account.is_none_or(|account| accounts.contains(&account)) {
                    self.told.push_back(Told { event: "transaction", id: None, data: Arc::clone(data) });
                }
            }
            if block.omitted > 0 {
                let data = text(&json!({ "height": block.height, "omitted": block.omitted }));
                self.told.push_back(Told { event: "omitted", id: None, data });
            }
        }
        if let Some(last) = self.told.back_mut() {
            last.id = Some(block.height);
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        gauge!("qenex_event_streams").decrement(1.0);
    }
}

/// Up to which height there was nothing that the listener wanted to hear.
fn heard(height: u64) -> Told {
    Told { event: "heard", id: Some(height), data: text(&json!({ "height": height })) }
}

/// Blocks of which the listener does not hear.
fn behind(from: u64, to: u64) -> Told {
    Told { event: "behind", id: Some(to), data: text(&json!({ "from_height": from, "to_height": to })) }
}
