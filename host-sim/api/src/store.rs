//! The interface's own database: keys, sessions, tokens' keys, the audit log. An embedded one (redb) beside the ledger's; nothing of it is consensus.
//!
//! Values are JSON, so that an operator can read what is there. What was written is durable when the call returns.

use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use qenex_core::error::{Code, Coded, STORE_DATABASE};
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, TableError, WriteTransaction};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// So many entries of a sequence are looked at for one question.
pub const MOST_LOOKED_AT: usize = 20_000;

/// The database did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {detail}")]
pub struct StoreError {
    path: PathBuf,
    detail: String,
}

impl Coded for StoreError {
    fn code(&self) -> Code {
        STORE_DATABASE
    }
}

type Result<T> = std::result::Result<T, StoreError>;

/// The database.
pub struct Store {
    path: PathBuf,
    database: Database,
}

/// Values with their numbers, and the number below which to go on if there are more.
pub type Page<T> = (Vec<(u64, T)>, Option<u64>);

/// Values of one kind under their names.
pub struct Table<T> {
    definition: TableDefinition<'static, &'static str, &'static [u8]>,
    kind: PhantomData<fn() -> T>,
}

/// Values of one kind, one after the other, from number zero on.
pub struct Sequence<T> {
    definition: TableDefinition<'static, u64, &'static [u8]>,
    kind: PhantomData<fn() -> T>,
}

impl Store {
    /// Opens the database of a file, or begins it.
    ///
    /// # Errors
    /// The file cannot be written, is damaged, or another process has it open.
    pub fn open(path: &Path) -> Result<Self> {
        let failed =
            |error: &dyn std::fmt::Display| StoreError { path: path.into(), detail: error.to_string() };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| failed(&error))?;
        }
        // Keys that sign tokens are in it.
        let mut options = std::fs::OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).map_err(|error| failed(&error))?;
        let database = Database::builder().create_file(file).map_err(|error| failed(&error))?;
        Ok(Self { path: path.into(), database })
    }

    pub(crate) fn failed(&self, error: impl std::fmt::Display) -> StoreError {
        StoreError { path: self.path.clone(), detail: error.to_string() }
    }

    /// A table, where something was written to it before.
    fn existing<T>(&self, table: std::result::Result<T, TableError>) -> Result<Option<T>> {
        match table {
            Ok(table) => Ok(Some(table)),
            Err(TableError::TableDoesNotExist(_)) => Ok(None),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// Does several things at once: all of them or none.
    pub(crate) fn write<R>(&self, change: impl FnOnce(&WriteTransaction) -> Result<R>) -> Result<R> {
        let transaction = self.database.begin_write().map_err(|error| self.failed(error))?;
        let done = change(&transaction)?;
        transaction.commit().map_err(|error| self.failed(error))?;
        Ok(done)
    }

    fn encode(&self, value: &impl Serialize) -> Result<Vec<u8>> {
        serde_json::to_vec(value).map_err(|error| self.failed(error))
    }

    fn decode<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T> {
        serde_json::from_slice(bytes).map_err(|error| self.failed(error))
    }
}

impl<T: Serialize + DeserializeOwned> Table<T> {
    pub(crate) const fn new(name: &'static str) -> Self {
        Self { definition: TableDefinition::new(name), kind: PhantomData }
    }

    /// The value under a name.
    pub(crate) fn get(&self, store: &Store, name: &str) -> Result<Option<T>> {
        let transaction = store.database.begin_read().map_err(|error| store.failed(error))?;
        let Some(table) = store.existing(transaction.open_table(self.definition))? else {
            return Ok(None);
        };
        let found = table.get(name).map_err(|error| store.failed(error))?;
        found.map(|found| store.decode(found.value())).transpose()
    }

    /// All values, in the order of their names.
    pub(crate) fn all(&self, store: &Store) -> Result<Vec<T>> {
        let transaction = store.database.begin_read().map_err(|error| store.failed(error))?;
        let Some(table) = store.existing(transaction.open_table(self.definition))? else {
            return Ok(Vec::new());
        };
        let entries = table.iter().map_err(|error| store.failed(error))?;
        entries
            .map(|entry| {
                let (_, value) = entry.map_err(|error| store.failed(error))?;
                store.decode(value.value())
            })
            .collect()
    }

    /// Puts a value under a name.
    pub(crate) fn put(&self, store: &Store, name: &str, value: &T) -> Result<()> {
        store.write(|transaction| self.put_in(store, transaction, name, value))
    }

    /// The same as a part of more.
    pub(crate) fn put_in(
        &self,
        store: &Store,
        transaction: &WriteTransaction,
        name: &str,
        value: &T,
    ) -> Result<()> {
        let bytes = store.encode(value)?;
        let mut table = transaction.open_table(self.definition).map_err(|error| store.failed(error))?;
        table.insert(name, bytes.as_slice()).map_err(|error| store.failed(error))?;
        Ok(())
    }

    /// The value under a name, as a part of more.
    pub(crate) fn get_in(
        &self,
        store: &Store,
        transaction: &WriteTransaction,
        name: &str,
    ) -> Result<Option<T>> {
        let table = transaction.open_table(self.definition).map_err(|error| store.failed(error))?;
        let found = table.get(name).map_err(|error| store.failed(error))?;
        found.map(|found| store.decode(found.value())).transpose()
    }

    /// Takes the value under a name away, as a part of more.
    pub(crate) fn remove_in(&self, store: &Store, transaction: &WriteTransaction, name: &str) -> Result<()> {
        let mut table = transaction.open_table(self.definition).map_err(|error| store.failed(error))?;
        table.remove(name).map_err(|error| store.failed(error))?;
        Ok(())
    }

    /// Keeps only those that this is true of, and what cannot be read.
    pub(crate) fn retain(&self, store: &Store, keep: impl Fn(&T) -> bool) -> Result<()> {
        store.write(|transaction| {
            let mut table = transaction.open_table(self.definition).map_err(|error| store.failed(error))?;
            let keep = |_: &str, bytes: &[u8]| store.decode(bytes).map_or(true, |value| keep(&value));
            table.retain(keep).map_err(|error| store.failed(error))
        })
    }
}

impl<T: Serialize + DeserializeOwned> Sequence<T> {
    pub(crate) const fn new(name: &'static str) -> Self {
        Self { definition: TableDefinition::new(name), kind: PhantomData }
    }

    /// The newest one and its number.
    pub(crate) fn last(&self, store: &Store) -> Result<Option<(u64, T)>> {
        Ok(self.before(store, u64::MAX, 1, |_| true)?.0.pop())
    }

    /// Up to `most` with numbers below this one that `wanted` is true of, the newest first, and the number below which to go on. One call looks at no more than
    /// [`MOST_LOOKED_AT`].
    pub(crate) fn before(
        &self,
        store: &Store,
        before: u64,
        most: usize,
        wanted: impl Fn(&T) -> bool,
    ) -> Result<Page<T>> {
        let transaction = store.database.begin_read().map_err(|error| store.failed(error))?;
        let mut found = Vec::new();
        let Some(table) = store.existing(transaction.open_table(self.definition))? else {
            return Ok((found, None));
        };
        let entries = table.range(..before).map_err(|error| store.failed(error))?.rev();
        for (looked_at, entry) in entries.enumerate() {
            let (number, bytes) = entry.map_err(|error| store.failed(error))?;
            if found.len() == most || looked_at == MOST_LOOKED_AT {
                return Ok((found, Some(number.value() + 1)));
            }
            let value = store.decode(bytes.value())?;
            if wanted(&value) {
                found.push((number.value(), value));
            }
        }
        Ok((found, None))
    }

    /// Appends these, which follow the number `first`, and forgets all but the newest `most`.
    pub(crate) fn append(&self, store: &Store, first: u64, values: &[T], most: u64) -> Result<()> {
        store.write(|transaction| {
            let mut table = transaction.open_table(self.definition).map_err(|error| store.failed(error))?;
            for (number, value) in (first..).zip(values) {
                let bytes = store.encode(value)?;
                table.insert(number, bytes.as_slice()).map_err(|error| store.failed(error))?;
            }
            let end = first + values.len() as u64;
            let old = ..end.saturating_sub(most);
            table.retain_in(old, |_, _| false).map_err(|error| store.failed(error))
        })
    }
}
