//! Watches the node: measures it every few seconds, and tells whoever is to know when something is amiss.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use metrics::gauge;
use qenex_monitor::Monitor;
use qenex_monitor::alerts::Alert;
use qenex_monitor::health::Health;
use qenex_monitor::measure::{Measure, Sample};
use qenex_monitor::rules::{Rule, Severity, rules};
use tokio::sync::broadcast;

use crate::Interface;
use crate::access::now_ms;
use crate::config::AlertsConfig;
use crate::send::Sender;
use crate::store::{Store, StoreError, Table};

const KEPT: Table<Monitor> = Table::new("monitor");

/// The name under which it is kept.
const NAME: &str = "monitor";

/// How often the node is measured.
const EVERY: Duration = Duration::from_secs(5);

/// How often what is known is kept; after a crash less is known.
const KEEP: Duration = Duration::from_secs(300);

/// So many alerts a listener may be behind.
const MOST_BEHIND: usize = 64;

/// What is counted since the start, by whoever answers.
#[derive(Debug, Default)]
pub struct Counts {
    /// Answers.
    pub answers: AtomicU64,
    /// How long they took together, in microseconds.
    pub micros: AtomicU64,
    /// Those that said that the node cannot.
    pub server_errors: AtomicU64,
    /// What was shown does not count.
    pub logins_refused: AtomicU64,
    /// Routes that are not there.
    pub routes_unknown: AtomicU64,
    /// Tokens of another client.
    pub tokens_misused: AtomicU64,
    /// What the device of the custody did not sign.
    pub custody_refused: AtomicU64,
}

impl Counts {
    fn all(&self) -> [u64; 7] {
        let Self {
            answers,
            micros,
            server_errors,
            logins_refused,
            routes_unknown,
            tokens_misused,
            custody_refused,
        } = self;
        [answers, micros, server_errors, logins_refused, routes_unknown, tokens_misused, custody_refused]
            .map(|count| count.load(Ordering::Relaxed))
    }
}

/// Counts one more.
pub fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// Watches a node.
pub struct Watch {
    store: Arc<Store>,
    /// The folder whose disk is looked at.
    data: PathBuf,
    rules: Vec<Rule>,
    sender: Sender,
    monitor: Mutex<Monitor>,
    /// What is counted since the start.
    pub counts: Counts,
    news: broadcast::Sender<Arc<Alert>>,
}

/// What was there at the last measurement, to know what came since.
struct Before {
    at: Instant,
    counts: [u64; 7],
    height: u64,
}

impl Watch {
    /// Goes on with what is kept.
    ///
    /// # Errors
    /// The configuration is wrong, or the database fails.
    pub fn open(store: Arc<Store>, data: PathBuf, config: &AlertsConfig) -> Result<Self, String> {
        let rules = rules(&config.rules)?;
        let sender = Sender::new(&config.send)?;
        let kept = KEPT.get(&store, NAME).map_err(|error| error.to_string())?;
        Ok(Self {
            store,
            data,
            rules,
            sender,
            monitor: Mutex::new(kept.unwrap_or_default()),
            counts: Counts::default(),
            news: broadcast::Sender::new(MOST_BEHIND),
        })
    }

    fn monitor(&self) -> MutexGuard<'_, Monitor> {
        self.monitor.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How the node is; nothing before it was measured.
    pub fn health(&self) -> Option<Health> {
        self.monitor().health()
    }

    /// Alerts as they begin, end, and are changed.
    pub fn news(&self) -> broadcast::Receiver<Arc<Alert>> {
        self.news.subscribe()
    }

    /// The alerts that go on, and then those that are over if these are asked for.
    pub fn alerts(&self, all: bool) -> Vec<Alert> {
        let monitor = self.monitor();
        let over = monitor.book.over().take(if all { usize::MAX } else { 0 });
        monitor.book.open().chain(over).cloned().collect()
    }

    /// Somebody knows of an alert; nothing if there is none.
    ///
    /// # Errors
    /// The database fails.
    pub fn acknowledge(&self, id: u64, by: &str) -> Result<Option<Alert>, StoreError> {
        self.change(|monitor| monitor.book.acknowledge(id, by))
    }

    /// Nobody is told of an alert or others of its rule until a time; nothing if there is none.
    ///
    /// # Errors
    /// The database fails.
    pub fn silence(&self, id: u64, until_ms: u64) -> Result<Option<Alert>, StoreError> {
        self.change(|monitor| monitor.book.silence(id, until_ms))
    }

    fn change(
        &self,
        change: impl FnOnce(&mut Monitor) -> Option<Alert>,
    ) -> Result<Option<Alert>, StoreError> {
        let changed = {
            let mut monitor = self.monitor();
            let changed = change(&mut monitor);
            KEPT.put(&self.store, NAME, &monitor)?;
            changed
        };
        if let Some(alert) = &changed {
            // Whether somebody listens does not matter.
            let _ = self.news.send(Arc::new(alert.clone()));
        }
        Ok(changed)
    }

    /// How many alerts go on, by how urgent they are.
    pub fn show(&self) {
        let monitor = self.monitor();
        for severity in [Severity::Info, Severity::Warning, Severity::Critical] {
            let open = monitor.book.open().filter(|alert| alert.severity == severity).count();
            gauge!("qenex_alerts_open", "severity" => severity.as_str()).set(open as f64);
        }
        let Some(health) = monitor.health() else { return };
        gauge!("qenex_health_score").set(health.score);
        for factor in health.factors {
            gauge!("qenex_health_factor_score", "factor" => factor.measure.as_str()).set(factor.score);
        }
    }

    /// Measures the node until it is told to stop.
    pub fn run(&self, interface: &Interface, stop: &AtomicBool) {
        let mut before = Before {
            at: Instant::now(),
            counts: self.counts.all(),
            height: *interface.index().height().borrow(),
        };
        let mut kept = Instant::now();
        while !stop.load(Ordering::Relaxed) {
            // Short sleeps, so that it ends soon.
            if before.at.elapsed() < EVERY {
                std::thread::sleep(EVERY / 50);
                continue;
            }
            let sample = self.sample(interface, &mut before);
            let news = self.monitor().take(&sample, &self.rules);
            for alert in news {
                self.tell(alert);
            }
            if kept.elapsed() >= KEEP {
                kept = Instant::now();
                self.keep();
            }
        }
        self.keep();
    }

    fn keep(&self) {
        let monitor = self.monitor().clone();
        if let Err(error) = KEPT.put(&self.store, NAME, &monitor) {
            tracing::warn!("what is known of the node's health is not kept: {error}");
        }
    }

    fn tell(&self, alert: Alert) {
        let (rule, detail) = (&alert.rule, &alert.detail);
        match alert.ended_ms {
            None => tracing::warn!(%rule, "{}: {detail}", alert.summary),
            Some(_) => tracing::info!(%rule, "is over"),
        }
        let alert = Arc::new(alert);
        let _ = self.news.send(Arc::clone(&alert));
        if alert.silenced_until_ms.is_none_or(|until_ms| until_ms <= now_ms()) {
            self.sender.send(alert);
        }
    }

    fn sample(&self, interface: &Interface, before: &mut Before) -> Sample {
        let at_ms = now_ms();
        let status = interface.ledger().status();
        let height = *interface.index().height().borrow();
        let seconds = before.at.elapsed().as_secs_f64();
        let counts = self.counts.all();
        let since = |place: usize| {
            let (now, then) = (counts.get(place), before.counts.get(place));
            now.zip(then).map_or(0, |(now, then)| now.saturating_sub(*then)) as f64
        };
        let per_minute = |place| since(place) * 60.0 / seconds;
        // Where work decides, blocks become final long after they are made: their number is no lag.
        let lag = match &status.mining {
            Some(mining) => mining.final_height.saturating_sub(height),
            None => status.height.saturating_sub(height),
        };
        let moved = height.saturating_sub(before.height).min(1_000);
        let blocks = interface.index().blocks(None, usize::try_from(moved).unwrap_or(0)).unwrap_or_default();
        let transactions: u64 = blocks.iter().map(|block| u64::from(block.transactions)).sum();
        let mut sample = Sample::at(at_ms)
            .with(Measure::BlockAge, at_ms.saturating_sub(status.time_ms) as f64 / 1_000.0)
            .with(Measure::Transactions, transactions as f64 / seconds)
            .with(Measure::PoolTaken, status.waiting as f64 / status.room as f64)
            .with(Measure::IndexLag, lag as f64)
            .with(Measure::AnswerTime, since(1) / 1e6 / since(0).max(1.0))
            .with(Measure::ServerErrors, per_minute(2))
            .with(Measure::LoginsRefused, per_minute(3))
            .with(Measure::RoutesUnknown, per_minute(4))
            .with(Measure::TokensMisused, per_minute(5))
            .with(Measure::CustodyRefused, per_minute(6));
        if let Ok(disk) = rustix::fs::statvfs(&self.data) {
            let (free, all) =
                (disk.f_bavail as f64 * disk.f_frsize as f64, disk.f_blocks as f64 * disk.f_frsize as f64);
            gauge!("qenex_disk_free_bytes").set(free);
            gauge!("qenex_disk_total_bytes").set(all);
            sample = sample.with(Measure::DiskFree, free).with(Measure::DiskFreePart, free / all);
        }
        *before = Before { at: Instant::now(), counts, height };
        sample
    }
}
