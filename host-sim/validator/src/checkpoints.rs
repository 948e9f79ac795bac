//! The checkpoints of a node's chain, durably: one file for each epoch.
//!
//! The file of an epoch is there before the epoch's engine: it says who decides, which the ledger has forgotten when the epoch is over. `open-N` is
//! written again when something changes that this node could not get from others; `done-N` has a quorum of signatures
//! and never goes away. A file is written beside its name and renamed, so it is whole or not there.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use qenex_consensus::Validators;
use qenex_core::consensus::Header;
use qenex_store::Disk;

use crate::checkpoint::{Certified, Collected, Signed, Unwanted};

/// The most epochs without a checkpoint that one is collected for: the newest.
const MAX_OPEN: usize = 1_024;

/// The name of a file while it is written.
const NEW: &str = "new";

/// The checkpoints of a node. Clones share them.
#[derive(Clone)]
pub struct Checkpoints(Arc<Mutex<Store>>);

struct Store {
    disk: Arc<dyn Disk>,
    open: BTreeMap<u64, Collected>,
}

impl Store {
    fn read(&self, name: &str) -> io::Result<Option<Collected>> {
        let Some(file) = self.disk.open(name)? else { return Ok(None) };
        let mut bytes = vec![0; usize::try_from(file.len()?).map_err(io::Error::other)?];
        file.read_at(0, &mut bytes)?;
        let damaged = || io::Error::other(format!("{} is no checkpoint", self.disk.describe(name)));
        Collected::decode(&bytes).map(Some).ok_or_else(damaged)
    }

    fn write(&self, name: &str, collected: &Collected) -> io::Result<()> {
        let file = self.disk.create(NEW)?;
        file.write_at(0, &collected.encode())?;
        file.sync()?;
        self.disk.rename(NEW, name)?;
        self.disk.sync_directory()
    }

    /// Writes an open one, under its other name if it is complete.
    fn keep(&mut self, epoch: u64) -> io::Result<()> {
        let Some(collected) = self.open.get(&epoch) else { return Ok(()) };
        if !collected.is_complete() {
            return self.write(&open_name(epoch), collected);
        }
        self.write(&done_name(epoch), collected)?;
        self.open.remove(&epoch);
        // There is none of what came complete.
        if self.disk.open(&open_name(epoch))?.is_some() {
            self.disk.remove(&open_name(epoch))
        } else {
            Ok(())
        }
    }
}

fn open_name(epoch: u64) -> String {
    format!("open-{epoch:020}")
}

fn done_name(epoch: u64) -> String {
    format!("done-{epoch:020}")
}

impl Checkpoints {
    /// What a disk of its own holds.
    ///
    /// # Errors
    /// The disk fails, or a file on it is damaged.
    pub fn load(disk: Arc<dyn Disk>) -> io::Result<Self> {
        let names = disk.list()?;
        // What was never renamed must not get a name by what is done next.
        if names.iter().any(|name| name == NEW) {
            disk.remove(NEW)?;
            disk.sync_directory()?;
        }
        let mut store = Store { disk, open: BTreeMap::new() };
        let open = |name: &String| name.strip_prefix("open-").and_then(|epoch| epoch.parse().ok());
        for epoch in names.iter().rev().filter_map(open).take(MAX_OPEN) {
            // The power may have gone between the two names.
            if names.contains(&done_name(epoch)) {
                store.disk.remove(&open_name(epoch))?;
            } else if let Some(collected) = store.read(&open_name(epoch))? {
                store.open.insert(epoch, collected);
            }
        }
        Ok(Self(Arc::new(Mutex::new(store))))
    }

    fn lock(&self) -> MutexGuard<'_, Store> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Before an epoch begins in which these decide.
    ///
    /// # Errors
    /// The disk fails.
    pub fn begin(&self, epoch: u64, validators: &Validators) -> io::Result<()> {
        let collected = Collected::new(validators);
        let mut store = self.lock();
        let known = store.open.contains_key(&epoch) || store.disk.open(&done_name(epoch))?.is_some();
        if known || !collected.is_possible() {
            return Ok(());
        }
        store.open.insert(epoch, collected);
        while store.open.len() > MAX_OPEN
            && let Some((epoch, _)) = store.open.pop_first()
        {
            tracing::warn!(epoch, "the epoch stays without a checkpoint");
        }
        store.keep(epoch)
    }

    /// The epochs without a checkpoint, over or not, in ascending order.
    pub fn open(&self) -> Vec<u64> {
        self.lock().open.keys().copied().collect()
    }

    /// Takes the last header of an epoch that is over and has no checkpoint, for when the block is forgotten.
    ///
    /// # Errors
    /// The disk fails.
    pub fn know(&self, header: &Header) -> io::Result<()> {
        let mut store = self.lock();
        let news = store.open.get_mut(&header.epoch).is_some_and(|open| open.know(header));
        if news { store.keep(header.epoch) } else { Ok(()) }
    }

    /// What is known of the checkpoint of an epoch.
    ///
    /// # Errors
    /// The disk fails, or the file is damaged.
    pub fn get(&self, epoch: u64) -> io::Result<Option<Collected>> {
        let store = self.lock();
        match store.open.get(&epoch) {
            Some(collected) => Ok(Some(collected.clone())),
            None => store.read(&done_name(epoch)),
        }
    }

    /// The complete checkpoint of an epoch.
    ///
    /// # Errors
    /// The disk fails, or the file is damaged.
    pub fn done(&self, epoch: u64) -> io::Result<Option<Collected>> {
        self.lock().read(&done_name(epoch))
    }

    /// Uses one that is open.
    pub fn with_open<R>(&self, epoch: u64, use_it: impl FnOnce(&Collected) -> R) -> Option<R> {
        self.lock().open.get(&epoch).map(use_it)
    }

    /// Takes a signature of the checkpoint of an epoch that is over; this node's own is durable when this returns, and so is a complete checkpoint.
    ///
    /// # Errors
    /// The disk fails.
    pub fn add(
        &self,
        header: &Header,
        place: u8,
        signed: Signed,
        own: bool,
    ) -> io::Result<Result<(), Unwanted>> {
        let mut store = self.lock();
        let Some(collected) = store.open.get_mut(&header.epoch) else { return Ok(Err(Unwanted::Known)) };
        let added = collected.add(header, place, signed);
        if added.is_ok() && (own || collected.is_complete()) {
            store.keep(header.epoch)?;
        }
        Ok(added)
    }

    /// Takes a complete one that another node had and that was verified, in place of what is known of it.
    ///
    /// # Errors
    /// The disk fails.
    pub fn put(&self, epoch: u64, collected: Collected) -> io::Result<()> {
        let mut store = self.lock();
        store.open.insert(epoch, collected);
        store.keep(epoch)
    }

    /// Takes the certificate of the last header of an epoch.
    ///
    /// # Errors
    /// The disk fails.
    pub fn certify(&self, header: &Header, certified: Certified) -> io::Result<()> {
        let (epoch, mut store) = (header.epoch, self.lock());
        if let Some(open) = store.open.get_mut(&epoch) {
            return if open.certify(header, certified) { store.keep(epoch) } else { Ok(()) };
        }
        let Some(mut done) = store.read(&done_name(epoch))? else { return Ok(()) };
        let news = done.certified.is_none() && done.certify(header, certified);
        if news { store.write(&done_name(epoch), &done) } else { Ok(()) }
    }
}
