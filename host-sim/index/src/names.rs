//! Which accounts, assets, pools, balances there are, in the order of their ids.
//!
//! A name is the kind of the record and its ids with slashes before them: no id holds one, so that a prefix that ends with one holds what it says and nothing
//! else. What was deleted keeps its name: whoever asks looks up what there is.

use std::collections::HashSet;

use qenex_core::id::{AccountId, AssetId, PoolId};
use qenex_core::ledger::RecordId;
use redb::{Table, WriteTransaction};

use crate::tables::{NAMES, existing};
use crate::{Index, Result};

/// So many names are remembered as written.
const REMEMBERED: usize = 1 << 18;

/// The name of a record; nothing for those that nobody lists.
fn name(id: &RecordId) -> Option<String> {
    match id {
        RecordId::Account(account) => Some(format!("account/{account}")),
        RecordId::Asset(asset) => Some(format!("asset/{asset}")),
        RecordId::Pool(pool) => Some(format!("pool/{pool}")),
        RecordId::Validator(account) => Some(format!("validator/{account}")),
        RecordId::Shares(account, pool) => Some(format!("shares/{account}/{pool}")),
        RecordId::Balance(account, asset) => Some(format!("balance/{account}/{asset}")),
        RecordId::Staking
        | RecordId::Delegation(..)
        | RecordId::Unbonding(..)
        | RecordId::Candidate(_)
        | RecordId::Key(_)
        | RecordId::Seat(_) => None,
    }
}

/// Writes names.
pub(crate) struct Namer<'t> {
    table: Table<'t, &'static str, ()>,
    /// What was written lately: most transactions touch what others touched.
    known: &'t mut HashSet<RecordId>,
}

impl<'t> Namer<'t> {
    pub(crate) fn new(
        write: &'t WriteTransaction,
        known: &'t mut HashSet<RecordId>,
    ) -> std::result::Result<Self, redb::Error> {
        Ok(Self { table: write.open_table(NAMES)?, known })
    }

    pub(crate) fn add(&mut self, id: RecordId) -> std::result::Result<(), redb::Error> {
        if self.known.len() >= REMEMBERED {
            self.known.clear();
        }
        if self.known.insert(id)
            && let Some(name) = name(&id)
        {
            self.table.insert(name.as_str(), ())?;
        }
        Ok(())
    }
}

impl Index {
    /// Up to `most` ids under a prefix after one of them.
    fn listed<T: std::str::FromStr>(&self, prefix: &str, after: Option<&str>, most: usize) -> Result<Vec<T>> {
        self.read(|read| {
            let Some(table) = existing(read, NAMES)? else { return Ok(Vec::new()) };
            // A zero: what follows the id itself.
            let from = after.map_or_else(|| prefix.to_string(), |after| format!("{prefix}{after}\0"));
            let mut found = Vec::new();
            for row in table.range(from.as_str()..)? {
                let (name, _) = row?;
                let Some(id) = name.value().strip_prefix(prefix).filter(|_| found.len() < most) else {
                    break;
                };
                found.extend(id.parse::<T>().ok());
            }
            Ok(found)
        })
    }

    /// Up to `most` accounts after one of them, in the order of their ids.
    ///
    /// # Errors
    /// The database fails.
    pub fn accounts(&self, after: Option<AccountId>, most: usize) -> Result<Vec<AccountId>> {
        self.listed("account/", after.as_ref().map(AccountId::as_str), most)
    }

    /// Up to `most` assets after one of them, in the order of their ids.
    ///
    /// # Errors
    /// The database fails.
    pub fn assets(&self, after: Option<AssetId>, most: usize) -> Result<Vec<AssetId>> {
        self.listed("asset/", after.as_ref().map(AssetId::as_str), most)
    }

    /// Up to `most` pools after one of them, in the order of their ids.
    ///
    /// # Errors
    /// The database fails.
    pub fn pools(&self, after: Option<PoolId>, most: usize) -> Result<Vec<PoolId>> {
        self.listed("pool/", after.as_ref().map(PoolId::as_str), most)
    }

    /// Up to `most` accounts that stood as validators, in the order of their ids.
    ///
    /// # Errors
    /// The database fails.
    pub fn validators(&self, after: Option<AccountId>, most: usize) -> Result<Vec<AccountId>> {
        self.listed("validator/", after.as_ref().map(AccountId::as_str), most)
    }

    /// Up to `most` assets of which an account has or had something, after one of them.
    ///
    /// # Errors
    /// The database fails.
    pub fn balances(&self, account: AccountId, after: Option<AssetId>, most: usize) -> Result<Vec<AssetId>> {
        self.listed(&format!("balance/{account}/"), after.as_ref().map(AssetId::as_str), most)
    }

    /// Up to `most` pools of which an account has or had shares, after one of them.
    ///
    /// # Errors
    /// The database fails.
    pub fn shares(&self, account: AccountId, after: Option<PoolId>, most: usize) -> Result<Vec<PoolId>> {
        self.listed(&format!("shares/{account}/"), after.as_ref().map(PoolId::as_str), most)
    }
}
