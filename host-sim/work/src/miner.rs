//! Who looks for nonces.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use commonware_runtime::Clock;
use commonware_utils::channel::oneshot;
use qenex_core::consensus::work::Seal;
use qenex_core::crypto::{Domain, Hash};
use qenex_keccak::Lanes;

use crate::ledger::Puzzle;

/// Somebody who looks for nonces.
pub trait Miner: Send + 'static {
    /// Looks for a nonce until there is one. Who waits no longer drops the future, and then nobody looks any more.
    fn mine(&mut self, puzzle: Puzzle) -> impl Future<Output = u64> + Send;
}

/// How many nonces are hashed between two looks whether anybody waits.
const BATCH: usize = 512;

/// Proofs for nonces that follow each other, as many at once as the processor's vectors hold.
struct Batch {
    lanes: Lanes,
    target: [u8; 32],
    inputs: Vec<[u8; 32 + Seal::LEN]>,
    proofs: Vec<Hash>,
}

impl Batch {
    fn new(puzzle: &Puzzle, size: usize) -> Self {
        let mut input = [0; 32 + Seal::LEN];
        let (unsealed, seal) = input.split_at_mut(32);
        unsealed.copy_from_slice(&puzzle.unsealed.0);
        seal.copy_from_slice(&Seal { target: puzzle.target, nonce: 0 }.bytes());
        Self {
            lanes: Lanes::best(),
            target: puzzle.target.to_bytes(),
            inputs: vec![input; size],
            proofs: vec![Hash::default(); size],
        }
    }

    /// The first nonce from this one on whose proof holds, among as many as the batch has.
    fn search(&mut self, from: u64) -> Option<u64> {
        for (input, step) in self.inputs.iter_mut().zip(0..) {
            input[24 + Seal::LEN..].copy_from_slice(&from.wrapping_add(step).to_be_bytes());
        }
        self.lanes.hash_each(Domain::Work, &self.inputs, &mut self.proofs);
        let found = self.proofs.iter().position(|proof| proof.0 <= self.target)?;
        Some(from.wrapping_add(found as u64))
    }
}

/// Threads that hash all the time.
#[derive(Clone, Debug)]
pub struct Threads {
    count: usize,
    hashes: Arc<AtomicU64>,
}

impl Threads {
    /// So many of them; one for each core where nothing is said.
    pub fn new(count: Option<usize>) -> Self {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        Self { count: count.unwrap_or_else(cores).max(1), hashes: Arc::default() }
    }

    /// How many there are.
    pub const fn count(&self) -> usize {
        self.count
    }

    /// How many hashes they have made.
    pub fn hashes(&self) -> u64 {
        self.hashes.load(Ordering::Relaxed)
    }
}

/// Stops the threads when nobody waits any more.
struct Stop(Arc<AtomicBool>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Miner for Threads {
    async fn mine(&mut self, puzzle: Puzzle) -> u64 {
        let stop = Stop(Arc::default());
        let (found, result) = oneshot::channel();
        let found = Arc::new(std::sync::Mutex::new(Some(found)));
        for thread in 0..self.count as u64 {
            let (stop, found, hashes) = (Arc::clone(&stop.0), Arc::clone(&found), Arc::clone(&self.hashes));
            // No two of them try the same.
            let part = u64::MAX / self.count as u64;
            std::thread::spawn(move || {
                let mut batch = Batch::new(&puzzle, BATCH);
                let mut nonce = thread * part;
                while !stop.load(Ordering::Relaxed) {
                    let result = batch.search(nonce);
                    hashes.fetch_add(BATCH as u64, Ordering::Relaxed);
                    if let Some(nonce) = result {
                        let first = found.lock().ok().and_then(|mut found| found.take());
                        let _ = first.map(|first| first.send(nonce));
                        return;
                    }
                    nonce = nonce.wrapping_add(BATCH as u64);
                }
            });
        }
        drop(found);
        match result.await {
            Ok(nonce) => nonce,
            // All of them died.
            Err(_) => futures::future::pending().await,
        }
    }
}

/// A miner of the simulation: so many hashes, then a pause.
#[derive(Clone, Debug)]
pub struct Paced<E> {
    /// What time is.
    pub clock: E,
    /// Hashes at a time.
    pub hashes: usize,
    /// Time between them.
    pub pause: Duration,
}

impl<E: Clock> Miner for Paced<E> {
    async fn mine(&mut self, puzzle: Puzzle) -> u64 {
        let mut batch = Batch::new(&puzzle, self.hashes);
        let mut nonce = 0u64;
        loop {
            self.clock.sleep(self.pause).await;
            match batch.search(nonce) {
                Some(nonce) => return nonce,
                None => nonce = nonce.wrapping_add(self.hashes as u64),
            }
        }
    }
}
