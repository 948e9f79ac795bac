//! How often somebody may ask: so many requests a minute for each caller, as a token bucket (the generic cell rate algorithm of `governor`).

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};

type Buckets = RateLimiter<String, DefaultKeyedStateStore<String>, DefaultClock, StateInformationMiddleware>;

/// After so many requests, buckets that are full again are forgotten.
const TIDY_EVERY: u32 = 10_000;

/// What remains to a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Requests a minute.
    pub per_minute: u32,
    /// Of these, how many may be made now.
    pub remaining: u32,
    /// When more may be made.
    pub more_in: Duration,
}

/// The buckets of all callers.
#[derive(Default)]
pub struct Limits {
    /// By their size.
    buckets: RwLock<BTreeMap<u32, Arc<Buckets>>>,
    taken: AtomicU32,
}

impl Limits {
    /// Takes one request out of a caller's bucket. Zero a minute stands for no limit.
    ///
    /// # Errors
    /// It is empty.
    pub fn take(&self, caller: &str, per_minute: u32) -> Result<Option<Budget>, Budget> {
        let Some(rate) = NonZeroU32::new(per_minute) else { return Ok(None) };
        let buckets = self.of(rate);
        if self.taken.fetch_add(1, Ordering::Relaxed) % TIDY_EVERY == TIDY_EVERY - 1 {
            buckets.retain_recent();
        }
        let more_in = Duration::from_secs(60) / per_minute;
        match buckets.check_key(&caller.to_string()) {
            Ok(state) => {
                Ok(Some(Budget { per_minute, remaining: state.remaining_burst_capacity(), more_in }))
            }
            Err(until) => {
                let more_in = until.wait_time_from(DefaultClock::default().now());
                Err(Budget { per_minute, remaining: 0, more_in })
            }
        }
    }

    fn of(&self, rate: NonZeroU32) -> Arc<Buckets> {
        let found =
            self.buckets.read().unwrap_or_else(PoisonError::into_inner).get(&rate.get()).map(Arc::clone);
        found.unwrap_or_else(|| {
            let mut buckets = self.buckets.write().unwrap_or_else(PoisonError::into_inner);
            let new = || {
                let quota = Quota::per_minute(rate);
                Arc::new(RateLimiter::keyed(quota).with_middleware::<StateInformationMiddleware>())
            };
            Arc::clone(buckets.entry(rate.get()).or_insert_with(new))
        })
    }
}

/// Whom an address stands for: with IPv6, a customer has a whole network of 64 bits.
pub fn caller(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => format!("address:{address}"),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("address:{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_and_those_of_others_do_not() {
        let limits = Limits::default();
        for left in (0..3).rev() {
            let budget = limits.take("a", 3).expect("it is not empty").expect("it is limited");
            assert_eq!((budget.per_minute, budget.remaining), (3, left));
        }
        let empty = limits.take("a", 3).expect_err("it is empty");
        assert!(empty.more_in > Duration::from_secs(15) && empty.more_in <= Duration::from_secs(20));
        assert!(limits.take("b", 3).is_ok());
        assert!(limits.take("a", 4).is_ok());
        for _ in 0..100 {
            assert_eq!(limits.take("c", 0), Ok(None));
        }
    }

    #[test]
    fn addresses_of_one_customer_are_one_caller() {
        let caller = |text: &str| super::caller(text.parse().expect("an address"));
        assert_eq!(caller("2001:db8:1:2:3:4:5:6"), caller("2001:db8:1:2::1"));
        assert_ne!(caller("2001:db8:1:2::1"), caller("2001:db8:1:3::1"));
        assert_eq!(caller("::ffff:192.0.2.1"), caller("192.0.2.1"));
        assert_ne!(caller("192.0.2.1"), caller("192.0.2.2"));
    }
}
