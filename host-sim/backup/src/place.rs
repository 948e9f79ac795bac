//! Where a backup lies: a folder, or a prefix of an object store.
//!
//! A folder is named by its path, an object store by a URL: `s3://BUCKET/PREFIX`, `gs://…`, `az://…`. Who may go there is said by the usual variables of the environment: `AWS_ACCESS_KEY_ID`,
//! `AWS_ENDPOINT`, `GOOGLE_SERVICE_ACCOUNT`, `AZURE_STORAGE_ACCOUNT_KEY` and so on. What a folder has taken is durable; what an object store has taken is as durable as it promises.

use std::fmt;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use object_store::local::LocalFileSystem;
use object_store::path::Path as Name;
use object_store::{Error, ObjectStore, ObjectStoreExt as _, PutPayload, WriteMultipart, parse_url_opts};
use tokio::runtime::Runtime;
use url::Url;

use crate::{BackupError, Result};

/// What variables of the environment begin with that say who may go to an object store.
const VARIABLES: [&str; 3] = ["AWS_", "AZURE_", "GOOGLE_"];

/// Parts in which a long object is sent, and how many at a time.
const PART_BYTES: usize = 8 << 20;
const PARTS: usize = 4;

/// The longest object that is read as a whole: a run of one block that is as long as blocks may be.
const MAX_BYTES: u64 = 384 << 20;

/// How many small objects are asked for at a time.
const AT_A_TIME: usize = 16;

/// How long one exchange with the place may take.
const TIMEOUT: Duration = Duration::from_secs(300);

/// Where a backup lies.
pub struct Place {
    runtime: Runtime,
    store: Box<dyn ObjectStore>,
    prefix: Name,
    shown: String,
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.shown)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.shown)
    }
}

/// A run or a state, by the height and the time of its (first) block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// The height.
    pub height: u64,
    /// The time, in milliseconds since 1970.
    pub time_ms: u64,
}

impl Mark {
    fn parse(name: &str) -> Option<Self> {
        let (height, time_ms) = name.split_once('-')?;
        Some(Self { height: height.parse().ok()?, time_ms: time_ms.parse().ok()? })
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:020}-{:020}", self.height, self.time_ms)
    }
}

/// The header of the chain's first block.
pub(crate) const GENESIS: &str = "genesis";
const DESCRIPTION: &str = "genesis.json";
const BLOCKS: &str = "blocks";
const STATES: &str = "states";
const CHECKPOINTS: &str = "checkpoints";

pub(crate) fn run_name(mark: Mark) -> String {
    format!("{BLOCKS}/{mark}")
}

pub(crate) fn state_name(mark: Mark) -> String {
    format!("{STATES}/{mark}")
}

pub(crate) fn end_name(epoch: u64) -> String {
    format!("{CHECKPOINTS}/{epoch:020}")
}

impl Place {
    /// Opens the place of this name, to write to it; a folder that is not there is made.
    ///
    /// # Errors
    /// As of [`Self::open`], or the folder cannot be made.
    pub fn make(name: &str) -> Result<Self> {
        if !name.contains("://") {
            let wrong =
                |error: std::io::Error| BackupError::Name { place: name.into(), detail: error.to_string() };
            std::fs::create_dir_all(name).map_err(wrong)?;
        }
        Self::open(name)
    }

    /// Opens the place of this name.
    ///
    /// # Errors
    /// The name is none, or there is no such folder. Whether an object store answers is found out when it is asked.
    pub fn open(name: &str) -> Result<Self> {
        let wrong = |detail: String| BackupError::Name { place: name.into(), detail };
        let (store, prefix): (Box<dyn ObjectStore>, Name) = if name.contains("://") {
            let url = Url::parse(name).map_err(|error| wrong(error.to_string()))?;
            let variables = std::env::vars_os()
                .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)))
                .filter(|(key, _)| VARIABLES.iter().any(|prefix| key.starts_with(prefix)));
            parse_url_opts(&url, variables).map_err(|error| wrong(error.to_string()))?
        } else {
            let store = LocalFileSystem::new_with_prefix(name).map_err(|error| wrong(error.to_string()))?;
            (Box::new(store.with_fsync(true)), Name::default())
        };
        // Last: it must not be dropped where others are waited for.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| wrong(error.to_string()))?;
        Ok(Self { runtime, store, prefix, shown: name.trim_end_matches('/').into() })
    }

    fn name(&self, name: &str) -> Name {
        name.split('/').fold(self.prefix.clone(), |path, part| path.join(part))
    }

    /// How a person finds what has this name.
    pub(crate) fn describe(&self, name: &str) -> String {
        format!("{self}/{name}")
    }

    fn failed(&self, name: &str) -> impl Fn(Error) -> BackupError {
        let place = self.describe(name);
        move |error| BackupError::Place { place: place.clone(), detail: error.to_string() }
    }

    /// Waits for an exchange with the place.
    fn wait<T>(&self, name: &str, exchange: impl Future<Output = object_store::Result<T>>) -> Result<T> {
        let waited = self.runtime.block_on(async { tokio::time::timeout(TIMEOUT, exchange).await });
        let late = || BackupError::Place {
            place: self.describe(name),
            detail: format!("no answer within {} seconds", TIMEOUT.as_secs()),
        };
        waited.map_err(|_| late())?.map_err(self.failed(name))
    }

    async fn ask(&self, name: &str) -> object_store::Result<Option<Vec<u8>>> {
        match self.store.get(&self.name(name)).await {
            Ok(found) if found.meta.size > MAX_BYTES => Err(Error::Generic {
                store: "backup",
                source: format!("{} bytes, where {MAX_BYTES} were expected at most", found.meta.size).into(),
            }),
            Ok(found) => Ok(Some(found.bytes().await?.into())),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What has this name; nothing if there is none.
    pub(crate) fn get(&self, name: &str) -> Result<Option<Vec<u8>>> {
        self.wait(name, self.ask(name))
    }

    /// What every backup has.
    pub(crate) fn expect(&self, name: &str) -> Result<Vec<u8>> {
        self.get(name)?.ok_or_else(|| BackupError::None { place: self.to_string() })
    }

    /// What has these names, in their order.
    pub(crate) fn get_all(&self, names: &[String]) -> Result<Vec<Option<Vec<u8>>>> {
        let exchange =
            stream::iter(names.iter().map(|name| self.ask(name))).buffered(AT_A_TIME).try_collect();
        self.wait(names.first().map_or("", String::as_str), exchange)
    }

    /// Puts something under a name in one step, in place of what was there.
    pub(crate) fn put(&self, name: &str, bytes: Vec<u8>) -> Result<()> {
        let path = self.name(name);
        self.wait(name, async { self.store.put(&path, PutPayload::from(bytes)).await.map(|_| ()) })
    }

    /// The same with what a file holds, which may be long.
    pub(crate) fn upload(&self, name: &str, from: &Path) -> Result<()> {
        let unreadable = |error: std::io::Error| BackupError::Place {
            place: from.display().to_string(),
            detail: error.to_string(),
        };
        let mut file = File::open(from).map_err(unreadable)?;
        let begun = self.wait(name, self.store.put_multipart_opts(&self.name(name), Default::default()))?;
        let mut parts = WriteMultipart::new_with_chunk_size(begun, PART_BYTES);
        let mut buffer = vec![0; PART_BYTES];
        loop {
            let length = file.read(&mut buffer).map_err(unreadable)?;
            if length == 0 {
                break;
            }
            let sent = self.wait(name, async {
                parts.wait_for_capacity(PARTS).await?;
                parts.write(&buffer[..length]);
                Ok(())
            });
            if let Err(error) = sent {
                // What has arrived takes room until it is given up.
                let _ = self.wait(name, parts.abort());
                return Err(error);
            }
        }
        self.wait(name, parts.finish()).map(|_| ())
    }

    /// Writes what has this name, which must be there, into a new file.
    pub(crate) fn download(&self, name: &str, to: &Path) -> Result<()> {
        let unwritable = |error: std::io::Error| BackupError::Place {
            place: to.display().to_string(),
            detail: error.to_string(),
        };
        let mut file = File::create(to).map_err(unwritable)?;
        let found = self.wait(name, self.store.get(&self.name(name)))?;
        let mut bytes = found.into_stream();
        while let Some(some) = self.wait(name, bytes.try_next())? {
            file.write_all(&some).map_err(unwritable)?;
        }
        Ok(())
    }

    /// The names below a folder, in ascending order.
    fn list(&self, folder: &str) -> Result<Vec<String>> {
        let prefix = self.name(folder);
        let found = self
            .store
            .list(Some(&prefix))
            .map(|found| found.map(|found| found.location.filename().unwrap_or_default().to_string()));
        let mut names: Vec<String> = self.wait(folder, found.try_collect())?;
        names.sort_unstable();
        Ok(names)
    }

    fn marks(&self, folder: &str) -> Result<Vec<Mark>> {
        let marks = self.list(folder)?.into_iter().map(|name| {
            let damaged = || BackupError::Damaged {
                object: self.describe(&format!("{folder}/{name}")),
                detail: "a name of height and time was expected".into(),
            };
            Mark::parse(&name).ok_or_else(damaged)
        });
        marks.collect()
    }

    /// The runs, in ascending order.
    ///
    /// # Errors
    /// The place does not answer, or holds something else there.
    pub fn runs(&self) -> Result<Vec<Mark>> {
        self.marks(BLOCKS)
    }

    /// The states, in ascending order.
    ///
    /// # Errors
    /// The place does not answer, or holds something else there.
    pub fn states(&self) -> Result<Vec<Mark>> {
        self.marks(STATES)
    }

    /// The epochs whose ends are there, in ascending order.
    pub(crate) fn ends(&self) -> Result<Vec<u64>> {
        Ok(self.list(CHECKPOINTS)?.iter().filter_map(|name| name.parse().ok()).collect())
    }

    /// The chain as whoever runs its nodes describes it.
    ///
    /// # Errors
    /// There is no backup, or the place does not answer.
    pub fn description(&self) -> Result<Vec<u8>> {
        self.expect(DESCRIPTION)
    }

    /// Writes it.
    pub(crate) fn describe_chain(&self, description: &[u8]) -> Result<()> {
        self.put(DESCRIPTION, description.to_vec())
    }
}
