//! Pure batch verification: the same signatures in the same batches as in `qenex bench replay`, and nothing else. In a process of
//! its own, so that its memory does not count.

use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use qenex_core::crypto::{Hash, Purpose, Scheme, signing_digest};
use qenex_core::error::OUTPUT_FILE;
use qenex_core::tx::SignedTransaction;
use qenex_node::block::Batch;
use qenex_node::clock::process_time;
use qenex_signatures::{Item, Verifier};
use serde_json::{Value, json};

use super::load::Prepared;
use crate::args::Load;
use crate::output::{Failure, Output};

/// What was verified.
#[derive(Clone, Copy, Default)]
pub struct Verified {
    count: f64,
    seconds: f64,
    processor_seconds: f64,
}

impl Verified {
    /// Signatures a second, on all threads.
    pub fn per_second(&self) -> f64 {
        self.count / self.seconds.max(1e-9)
    }

    /// Processor time of one signature, in microseconds.
    pub fn processor_us(&self) -> f64 {
        1e6 * self.processor_seconds / self.count.max(1.0)
    }
}

impl std::ops::AddAssign for Verified {
    fn add_assign(&mut self, other: Self) {
        self.count += other.count;
        self.seconds += other.seconds;
        self.processor_seconds += other.processor_seconds;
    }
}

/// Verifies one half of the signatures in another process.
pub fn in_a_process(
    prepared: &Prepared,
    load: &Load,
    workers: usize,
    second: bool,
) -> Result<Verified, Failure> {
    let failed = |error| Failure::input(OUTPUT_FILE, format_args!("verification: {error}"));
    let program = std::env::current_exe().map_err(failed)?;
    let mut command = Command::new(program);
    command.args(["bench", "verify", "--json", "--workers", &workers.to_string()]);
    command.args(["--accounts", &load.accounts.to_string(), "--data"]).arg(prepared.path());
    if second {
        command.arg("--second");
    }
    let said: Value = serde_json::from_slice(&command.output().map_err(failed)?.stdout).unwrap_or_default();
    let number = |name: &str| {
        let detail = "the process that verifies failed";
        said[name].as_f64().ok_or_else(|| Failure::input(OUTPUT_FILE, detail))
    };
    Ok(Verified {
        count: number("count")?,
        seconds: number("seconds")?,
        processor_seconds: number("processor_seconds")?,
    })
}

/// Digest, public key, signature.
type Signed = (Hash, [u8; 32], [u8; 64]);

fn signed(bytes: &[u8]) -> Option<Signed> {
    let signed = SignedTransaction::decode(bytes).ok()?;
    let signature = signed.signatures.first()?;
    let digest = signing_digest(Scheme::Ed25519, Purpose::Transaction, &signed.id());
    Some((digest, signature.public_key.try_into().ok()?, signature.signature.try_into().ok()?))
}

pub fn run(load: &Load, workers: usize, second: bool, output: &Output) -> Result<(), Failure> {
    let all = Prepared::made(load)?.transfers()?.count();
    let half = if second { all / 2..all } else { 0..all / 2 };
    let batches = Prepared::made(load)?.transfers()?.skip(half.start).take(half.len());
    let batches: Vec<Vec<Signed>> =
        batches.map(|batch: Batch| batch.iter().filter_map(signed).collect()).collect();
    let verifier = Verifier::default();
    let next = AtomicUsize::new(0);
    let verify = || {
        let mut count = 0;
        while let Some(batch) = batches.get(next.fetch_add(1, Ordering::Relaxed)) {
            let items: Vec<Item<'_>> = batch
                .iter()
                .map(|(digest, public_key, signature)| Item {
                    scheme: Scheme::Ed25519,
                    public_key,
                    digest,
                    signature,
                })
                .collect();
            count += verifier.verify_batch(&items).iter().filter(|result| result.is_ok()).count();
        }
        count
    };
    let (start, processor_start) = (Instant::now(), process_time());
    let count: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(verify)).collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).sum()
    });
    output.result(&json!({
        "count": count,
        "seconds": start.elapsed().as_secs_f64(),
        "processor_seconds": process_time().saturating_sub(processor_start).as_secs_f64(),
    }));
    Ok(())
}
