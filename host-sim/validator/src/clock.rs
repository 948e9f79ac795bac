//! The clock by which blocks get their times.
//!
//! It is the runtime's, and may be wrong: then the node proposes blocks of a wrong time, and waits too long or too short with its votes. Nothing else
//! depends on it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use commonware_runtime::Clock;

/// A clock that is right, or wrong by a number of milliseconds; copies are one clock.
#[derive(Clone, Debug, Default)]
pub struct WallClock {
    ahead_ms: Arc<AtomicI64>,
}

impl WallClock {
    /// Makes it wrong.
    pub fn set_ahead_ms(&self, ahead_ms: i64) {
        self.ahead_ms.store(ahead_ms, Ordering::Relaxed);
    }

    /// Milliseconds since the Unix epoch.
    pub fn now_ms(&self, clock: &impl Clock) -> u64 {
        let since = clock.current().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now_ms = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        now_ms.saturating_add_signed(self.ahead_ms.load(Ordering::Relaxed))
    }

    /// Waits until it shows this time.
    pub async fn sleep_until(&self, clock: &impl Clock, time_ms: u64) {
        loop {
            let left_ms = time_ms.saturating_sub(self.now_ms(clock));
            if left_ms == 0 {
                return;
            }
            // It may be put right meanwhile.
            clock.sleep(Duration::from_millis(left_ms.min(1_000))).await;
        }
    }
}
