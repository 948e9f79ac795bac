//! What a caller was granted, and who the caller is.

use std::collections::BTreeSet;

use qenex_core::id::AccountId;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::scope::Scopes;

/// The accounts that a caller may act for and whose private matters it may see. As text: `*`, or a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accounts {
    /// Every account.
    All,
    /// These.
    Only(BTreeSet<AccountId>),
}

impl Accounts {
    /// No account.
    pub const NONE: Self = Self::Only(BTreeSet::new());

    /// Whether this account is among them.
    pub fn has(&self, account: AccountId) -> bool {
        match self {
            Self::All => true,
            Self::Only(accounts) => accounts.contains(&account),
        }
    }

    /// Whether all of these are among them.
    pub fn has_all(&self, others: &Self) -> bool {
        match (self, others) {
            (Self::All, _) => true,
            (Self::Only(_), Self::All) => false,
            (Self::Only(accounts), Self::Only(others)) => others.is_subset(accounts),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Text {
    Star(String),
    List(Vec<String>),
}

impl Serialize for Accounts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::All => serializer.serialize_str("*"),
            Self::Only(accounts) => serializer.collect_seq(accounts.iter().map(|account| account.as_str())),
        }
    }
}

impl<'de> Deserialize<'de> for Accounts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wrong = |text: &str| {
            serde::de::Error::custom(format_args!("{text:?}: \"*\" or a list of accounts was expected"))
        };
        match Text::deserialize(deserializer)? {
            Text::Star(text) if text == "*" => Ok(Self::All),
            Text::Star(text) => Err(wrong(&text)),
            Text::List(list) => {
                let accounts = list.iter().map(|text| text.parse().map_err(|_| wrong(text)));
                Ok(Self::Only(accounts.collect::<Result<_, _>>()?))
            }
        }
    }
}

/// What somebody may do, and for which accounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// What.
    pub scopes: Scopes,
    /// For which.
    pub accounts: Accounts,
}

impl Grant {
    /// Whether whoever has this may hand that on.
    pub fn covers(&self, other: &Self) -> bool {
        self.scopes.has_all(other.scopes) && self.accounts.has_all(&other.accounts)
    }
}

/// Who calls: a key, a token of the node's own, a token of a provider, or the public.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// Who, as the audit log and the limits know him: `key:ID`, `provider:ISSUER:SUBJECT`, `address:IP`.
    pub id: String,
    /// The session, where there is one.
    pub session: Option<String>,
    /// What is granted.
    pub grant: Grant,
    /// Requests in a minute, if they are other than the configuration's.
    pub requests_per_minute: Option<u32>,
    /// The id of the key, if it makes one other key and ends with that.
    pub once: Option<String>,
}
