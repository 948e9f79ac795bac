//! What is measured of the node, for Prometheus.
//!
//! Names follow the conventions of Prometheus: `qenex_` before, the unit behind, `_total` for what only grows. Where something is counted the macros of `metrics` are used; what is
//! looked up when somebody asks stands in [`Gauges`].

use std::sync::OnceLock;
use std::time::Duration;

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use metrics_process::Collector;
use qenex_core::error::{RATE_LIMITED, ROUTE_UNKNOWN, SCOPE_MISSING, UNAUTHENTICATED};

/// The bounds of how long answers take, in seconds.
const SECONDS: [f64; 14] =
    [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// What is measured in this process.
static MEASURES: OnceLock<Measures> = OnceLock::new();

/// All measures of a process.
pub struct Measures {
    handle: PrometheusHandle,
    process: Collector,
}

/// What is looked up when somebody asks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gauges {
    /// The height of the newest final block.
    pub height: u64,
    /// Its epoch.
    pub epoch: u64,
    /// Its time.
    pub time_ms: u64,
    /// Up to which height blocks are in the index.
    pub index_height: u64,
    /// How many transactions wait.
    pub waiting: usize,
}

/// The measures of this process, which begin with the first call.
///
/// # Errors
/// Another recorder of measures is there, which this program never makes.
pub fn measures() -> Result<&'static Measures, String> {
    if let Some(measures) = MEASURES.get() {
        return Ok(measures);
    }
    let failed = |error: BuildError| error.to_string();
    let duration = Matcher::Suffix("_duration_seconds".into());
    let builder = PrometheusBuilder::new().set_buckets_for_metric(duration, &SECONDS).map_err(failed)?;
    let recorder = builder.build_recorder();
    let made = Measures { handle: recorder.handle(), process: Collector::default() };
    let measures = MEASURES.get_or_init(|| made);
    if metrics::set_global_recorder(recorder).is_ok() {
        describe();
        measures.process.describe();
    }
    Ok(measures)
}

fn describe() {
    describe_gauge!("qenex_chain_height", "Height of the newest final block");
    describe_gauge!("qenex_chain_epoch", "Epoch of the newest final block");
    describe_gauge!("qenex_chain_block_timestamp_seconds", Unit::Seconds, "Time of the newest final block");
    describe_gauge!("qenex_index_height", "Height up to which blocks are in the index");
    describe_gauge!("qenex_backup_height", "Height up to which blocks are in the backup");
    describe_counter!("qenex_backup_failures_total", "Attempts to copy blocks to the backup that failed");
    describe_gauge!("qenex_transactions_waiting", "Transactions that wait for a block");
    describe_counter!("qenex_blocks_final_total", "Blocks that became final since the start");
    describe_counter!("qenex_transactions_final_total", "Transactions that became final since the start");
    describe_counter!("qenex_http_requests_total", "Requests that were answered");
    describe_histogram!(
        "qenex_http_request_duration_seconds",
        Unit::Seconds,
        "Time from the head of a request to the head of its answer"
    );
    describe_gauge!("qenex_http_connections", "Connections that are open");
    describe_gauge!("qenex_event_streams", "Programs that listen to events");
    describe_counter!("qenex_refusals_total", "Requests that were refused, by the name of the code");
    describe_gauge!("qenex_disk_free_bytes", Unit::Bytes, "Bytes that the disk of the data has left");
    describe_gauge!("qenex_disk_total_bytes", Unit::Bytes, "Bytes of the disk of the data");
    describe_gauge!("qenex_health_score", "Health of the node, 0 to 100: the lowest factor");
    describe_gauge!("qenex_health_factor_score", "What health is made of, 0 to 100");
    describe_gauge!("qenex_alerts_open", "Alerts that go on");
    describe_counter!("qenex_custody_signed_total", "Transactions that the device of the custody signed");
    describe_counter!(
        "qenex_custody_refused_total",
        "Transactions that were not signed, by the name of the code"
    );
    // Those that rules look at are there from the beginning: the first burst would be no increase otherwise.
    for code in [UNAUTHENTICATED, SCOPE_MISSING, RATE_LIMITED, ROUTE_UNKNOWN] {
        counter!("qenex_refusals_total", "name" => code.name).increment(0);
    }
    counter!("qenex_custody_signed_total").increment(0);
}

/// Counts an answer.
pub fn answered(method: &'static str, route: &str, status: u16, took: Duration) {
    let route = route.to_string();
    let labels = [("method", method.to_string()), ("route", route), ("status", status.to_string())];
    histogram!("qenex_http_request_duration_seconds", &labels[..2]).record(took.as_secs_f64());
    counter!("qenex_http_requests_total", &labels[..]).increment(1);
}

impl Measures {
    /// All of them as a text for Prometheus.
    pub fn render(&self, gauges: &Gauges) -> String {
        let Gauges { height, epoch, time_ms, index_height, waiting } = *gauges;
        gauge!("qenex_chain_height").set(height as f64);
        gauge!("qenex_chain_epoch").set(epoch as f64);
        gauge!("qenex_chain_block_timestamp_seconds").set(time_ms as f64 / 1_000.0);
        gauge!("qenex_index_height").set(index_height as f64);
        gauge!("qenex_transactions_waiting").set(waiting as f64);
        self.process.collect();
        self.handle.run_upkeep();
        self.handle.render()
    }
}
