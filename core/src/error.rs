//! The one table of error codes.
//!
//! Each operation has its own enum, whose variants say what can go wrong there; every variant maps to one row of
//! this table. A row is a number that never changes and is never used again, a name, and a sentence that says
//! what was expected. The same numbers appear in the device protocol, the C header, the API and the logs.
//! Retired rows stay here as comments.

use core::fmt;

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Code {
    /// The stable number, never zero.
    pub number: u16,
    /// The name, in the spelling of the C header without its prefix.
    pub name: &'static str,
    /// What was expected, as one sentence.
    pub sentence: &'static str,
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.number, self.name, self.sentence)
    }
}

/// An error that has a row in the table.
pub trait Coded {
    /// Its row.
    fn code(&self) -> Code;
}

macro_rules! codes {
    ($( $number:literal $name:ident $sentence:literal; )*) => {
        $(
            #[doc = $sentence]
            pub const $name: Code = Code { number: $number, name: stringify!($name), sentence: $sentence };
        )*
        /// All rows, in ascending order of their numbers.
        pub const TABLE: &[Code] = &[$($name),*];
    };
}

// 1xx numbers, 2xx identifiers and encoding, 3xx cryptography, 4xx trees, 5xx market makers,
// 6xx transactions, 7xx ledger, 8xx policy, 9xx device, 10xx host store and node, 11xx host interface.
codes! {
    101 NUM_OVERFLOW "The result is larger than its type can hold.";
    102 NUM_UNDERFLOW "The result would be below zero.";
    103 NUM_DIVISION_BY_ZERO "The divisor must not be zero.";
    104 NUM_SYNTAX "A decimal is digits, optionally followed by a point and more digits.";
    105 NUM_TOO_MANY_DIGITS "An amount has at most 18 digits after the point.";
}

const fn ascending(rows: &[Code]) -> bool {
    let mut last = 0;
    let mut rest = rows;
    while let [row, tail @ ..] = rest {
        if row.number <= last {
            return false;
        }
        last = row.number;
        rest = tail;
    }
    true
}
const _: () = assert!(ascending(TABLE), "codes must be unique, non-zero and in order");

/// Declares the error enum of one operation, each variant bound to its row of the table.
macro_rules! error_enum {
    ($(#[$meta:meta])* pub enum $name:ident { $( $variant:ident => $code:ident ),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $(
                #[doc = $crate::error::$code.sentence]
                $variant,
            )*
        }
        impl $crate::error::Coded for $name {
            fn code(&self) -> $crate::error::Code {
                match self { $( Self::$variant => $crate::error::$code, )* }
            }
        }
        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                core::fmt::Display::fmt(&$crate::error::Coded::code(self), f)
            }
        }
        impl core::error::Error for $name {}
    };
}
pub(crate) use error_enum;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_sentences_end() {
        for (i, row) in TABLE.iter().enumerate() {
            assert!(TABLE.iter().skip(i + 1).all(|other| other.name != row.name), "{}", row.name);
            assert!(row.sentence.ends_with('.'), "{}", row.name);
        }
    }
}
