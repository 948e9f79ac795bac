//! How much of each asset left within the last span of block time.
//!
//! A counter has a fixed size: [`SLOTS`] sums, each over a slot of a span divided by one less than their number. The newest slot is under
//! way, so the slots together always cover the whole span, and up to one slot more: no span of block time sees more than the limit.

use serde::{Deserialize, Serialize};

use super::exposure::{MAX_EXPOSED, Spent};
use super::model::{MAX_ASSETS, Policy, Window};
use crate::codec::{Encoded, Tag, Tagging};
use crate::id::AssetId;
use crate::num::Amount;

/// Sums of a counter.
pub const SLOTS: usize = 8;

/// What left of one asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counter {
    /// The asset.
    pub asset: AssetId,
    /// The span that the slots divide.
    span_ms: u64,
    /// The number of the newest slot since the Unix epoch.
    newest: u64,
    /// The newest slot's sum first.
    sums: [Amount; SLOTS],
}

impl Counter {
    const fn new(asset: AssetId, span_ms: u64) -> Self {
        Self { asset, span_ms, newest: 0, sums: [Amount::ZERO; SLOTS] }
    }

    const fn slot(span_ms: u64, time_ms: u64) -> u64 {
        const PARTS: u64 = SLOTS as u64 - 1;
        // A slot is rounded up, so that its parts are never shorter than the span.
        match time_ms.checked_div(span_ms.div_ceil(PARTS)) {
            Some(slot) => slot,
            None => 0,
        }
    }

    /// Moves on to the slot of this time; slots that left the span are forgotten.
    fn turn(&mut self, span_ms: u64, time_ms: u64) {
        if self.span_ms != span_ms {
            // Officers changed the span. What is remembered counts as if it had left just now: never too little.
            let all = self.total();
            *self = Self::new(self.asset, span_ms);
            self.newest = Self::slot(span_ms, time_ms);
            if let Some(first) = self.sums.first_mut() {
                *first = all;
            }
        }
        let now = Self::slot(span_ms, time_ms);
        let steps = usize::try_from(now.saturating_sub(self.newest)).unwrap_or(SLOTS).min(SLOTS);
        self.sums.rotate_right(steps);
        self.sums.iter_mut().take(steps).for_each(|sum| *sum = Amount::ZERO);
        self.newest = self.newest.max(now);
    }

    /// All that is remembered; at most what an amount can hold.
    fn total(&self) -> Amount {
        self.sums.iter().fold(Amount::ZERO, |total, sum| total.checked_add(*sum).unwrap_or(Amount::MAX))
    }
}

/// What left of the assets of a transaction, each within its span.
pub type Totals = heapless::Vec<Amount, MAX_EXPOSED>;

/// The counters of a key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Windows(heapless::Vec<Counter, MAX_ASSETS>);

impl Encoded for Windows {
    const TAGGING: Tagging = Tagging::Fixed(Tag::WINDOWS);
    const MAX_LEN: usize = 2 + 1 + MAX_ASSETS * (25 + 10 + 10 + SLOTS * 19);
}

impl Windows {
    /// What left of an asset within the span that ends now.
    pub fn total(&self, asset: &AssetId, window: &Window, time_ms: u64) -> Amount {
        let Some(mut counter) = self.0.iter().find(|counter| counter.asset == *asset).copied() else {
            return Amount::ZERO;
        };
        counter.turn(window.span_ms, time_ms);
        counter.total()
    }

    /// What left of the asset of each sum, in their order; zero where the policy has no window.
    pub fn totals(&self, policy: &Policy<'_>, spent: &[Spent], time_ms: u64) -> Totals {
        let window = |spent: &Spent| policy.asset(&spent.asset).and_then(|rule| rule.window);
        let total = |spent| window(spent).map(|window| self.total(&spent.asset, &window, time_ms));
        let mut totals = Totals::new();
        for spent in spent {
            // An exposure has no more.
            let _ = totals.push(total(spent).unwrap_or(Amount::ZERO));
        }
        totals
    }

    /// Whether all that a signature may take out was added since these totals.
    pub fn counted(&self, since: &Totals, policy: &Policy<'_>, spent: &[Spent], time_ms: u64) -> bool {
        let now = self.totals(policy, spent, time_ms);
        let windowed = |spent: &Spent| policy.asset(&spent.asset).is_some_and(|rule| rule.window.is_some());
        now.len() == spent.len()
            && spent.iter().zip(since).zip(&now).all(|((spent, since), now)| {
                !windowed(spent) || *now >= since.checked_add(spent.amount).unwrap_or(Amount::MAX)
            })
    }

    /// Adds what a signature may take out.
    ///
    /// # Errors
    /// Nothing is counted: there is no room for a counter of an asset that the policy names.
    #[allow(clippy::result_unit_err)] // the caller names the refusal
    pub fn add(&mut self, policy: &Policy<'_>, spent: &[Spent], time_ms: u64) -> Result<(), ()> {
        let mut next = self.clone();
        // Counters of assets that have no window any more make room.
        next.0.retain(|counter| policy.asset(&counter.asset).is_some_and(|rule| rule.window.is_some()));
        for spent in spent {
            let Some(window) = policy.asset(&spent.asset).and_then(|rule| rule.window) else { continue };
            if next.0.iter().all(|counter| counter.asset != spent.asset) {
                next.0.push(Counter::new(spent.asset, window.span_ms)).map_err(|_| ())?;
            }
            let counter = next.0.iter_mut().find(|counter| counter.asset == spent.asset).ok_or(())?;
            counter.turn(window.span_ms, time_ms);
            let newest = counter.sums.first_mut().ok_or(())?;
            *newest = newest.checked_add(spent.amount).unwrap_or(Amount::MAX);
        }
        *self = next;
        Ok(())
    }
}
