//! What is measured of a node.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

macro_rules! measures {
    ($($(#[doc = $doc:literal])* $name:ident = $text:literal, $unit:literal;)*) => {
        /// Something that is measured.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Measure {
            $($(#[doc = $doc])* $name,)*
        }

        impl Measure {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Its name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// Its unit.
            pub const fn unit(self) -> &'static str {
                match self { $(Self::$name => $unit,)* }
            }

            /// What it is, as one sentence.
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),*).trim_ascii(),)* }
            }
        }
    };
}

measures! {
    /// How old the newest final block is.
    BlockAge = "block-age", "seconds";
    /// How many transactions become final.
    Transactions = "transactions", "per second";
    /// How much of the pool of waiting transactions is taken.
    PoolTaken = "pool-taken", "of 1";
    /// How many final blocks are not in the index.
    IndexLag = "index-lag", "blocks";
    /// How many bytes the disk of the data has left.
    DiskFree = "disk-free", "bytes";
    /// How much of the disk of the data is left.
    DiskFreePart = "disk-free-part", "of 1";
    /// How many requests showed something that does not count.
    LoginsRefused = "logins-refused", "per minute";
    /// How many requests asked for routes that are not there.
    RoutesUnknown = "routes-unknown", "per minute";
    /// How many tokens and sessions were shown by another client than theirs.
    TokensMisused = "tokens-misused", "per minute";
    /// How many requests the node could not answer.
    ServerErrors = "server-errors", "per minute";
    /// How long an answer took on average.
    AnswerTime = "answer-time", "seconds";
    /// How many transactions the device of the custody did not sign.
    CustodyRefused = "custody-refused", "per minute";
}

/// What was measured at a time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sample {
    /// When.
    pub at_ms: u64,
    values: BTreeMap<Measure, f64>,
}

impl Sample {
    /// Nothing, measured at a time.
    pub fn at(at_ms: u64) -> Self {
        Self { at_ms, values: BTreeMap::new() }
    }

    /// The same with a value. What is no number was not measured.
    pub fn with(mut self, measure: Measure, value: f64) -> Self {
        if value.is_finite() {
            self.values.insert(measure, value);
        }
        self
    }

    /// What was measured of something.
    pub fn get(&self, measure: Measure) -> Option<f64> {
        self.values.get(&measure).copied()
    }

    /// All that was measured.
    pub fn values(&self) -> impl Iterator<Item = (Measure, f64)> {
        self.values.iter().map(|(measure, value)| (*measure, *value))
    }
}
