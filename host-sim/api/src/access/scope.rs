//! What a caller may do: scopes, and the roles that are bundles of them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! scopes {
    ($($(#[doc = $doc:literal])* $name:ident = $text:literal;)*) => {
        /// One thing that a caller may do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Scope {
            $($(#[doc = $doc])* $name,)*
        }

        impl Scope {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Its name in tokens and in the OpenAPI document.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// What it allows, as one sentence.
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),*).trim_ascii(),)* }
            }
        }
    };
}

scopes! {
    /// Reads the ledger: accounts, assets, pools, blocks, proofs, events.
    Read = "read";
    /// Hands in transactions that their owners signed.
    Submit = "submit";
    /// Opens accounts that are in the node's custody.
    Account = "account";
    /// Transfers from accounts in custody.
    Transfer = "transfer";
    /// Swaps for accounts in custody.
    Swap = "swap";
    /// Adds and removes liquidity for accounts in custody.
    Liquidity = "liquidity";
    /// Issues and burns assets of accounts in custody.
    Issue = "issue";
    /// Reads who did what, and what was refused.
    Audit = "audit";
    /// Reads metrics, alerts, and the figures of the economy.
    Metrics = "metrics";
    /// Acknowledges and silences alerts.
    Operate = "operate";
    /// Makes and revokes keys and sessions.
    Admin = "admin";
}

/// That is no scope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?}: no scope; there are {all}", all = Scopes::all())]
pub struct UnknownScope(pub String);

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        let found = Self::ALL.iter().find(|scope| scope.as_str() == text);
        found.copied().ok_or_else(|| UnknownScope(text.into()))
    }
}

/// A set of scopes. As text: their names with spaces between them, as in RFC 6749, section 3.3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scopes(u16);

impl Scopes {
    /// All that there are.
    pub fn all() -> Self {
        Scope::ALL.iter().copied().collect()
    }

    /// Whether this one is among them.
    pub const fn has(self, scope: Scope) -> bool {
        self.0 & (1 << scope as u8) != 0
    }

    /// Whether all of these are among them.
    pub const fn has_all(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }

    /// Those that are in one or the other.
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.iter().copied().filter(move |scope| self.has(*scope))
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | 1 << scope as u8))
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.iter().map(Scope::as_str).collect();
        f.write_str(&names.join(" "))
    }
}

impl FromStr for Scopes {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        text.split_ascii_whitespace().map(Scope::from_str).collect()
    }
}

impl Serialize for Scopes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(Scope::as_str))
    }
}

impl<'de> Deserialize<'de> for Scopes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let names = Vec::<String>::deserialize(deserializer)?;
        names.iter().map(|name| name.parse()).collect::<Result<_, _>>().map_err(serde::de::Error::custom)
    }
}

/// What an organisation is to the ledger: a bundle of scopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Reads, and hands in what others signed.
    Participant,
    /// Opens accounts and transfers.
    Bank,
    /// Transfers, swaps and provides liquidity.
    Fund,
    /// Issues, provides liquidity, and reads the figures of the economy.
    CentralBank,
    /// Reads everything and changes nothing.
    Regulator,
    /// Watches the node, and says so where something is amiss.
    Operator,
    /// Everything.
    Admin,
}

impl Role {
    /// The scopes of the role.
    pub fn scopes(self) -> Scopes {
        use Scope::{Account, Audit, Issue, Liquidity, Metrics, Operate, Read, Submit, Swap, Transfer};
        let scopes: &[Scope] = match self {
            Self::Participant => &[Read, Submit],
            Self::Bank => &[Read, Submit, Account, Transfer, Swap],
            Self::Fund => &[Read, Submit, Transfer, Swap, Liquidity],
            Self::CentralBank => &[Read, Submit, Account, Transfer, Issue, Liquidity, Metrics],
            Self::Regulator => &[Read, Audit, Metrics],
            Self::Operator => &[Read, Metrics, Operate],
            Self::Admin => Scope::ALL,
        };
        scopes.iter().copied().collect()
    }
}
