//! Identifiers and short texts that people read on a device's display.
//!
//! Identifiers of chains, accounts, assets and pools are 1 to 24 characters of `A-Z 0-9 _ - .`. They are chosen,
//! never parsed for their parts. Their encoding is the text with its length; their order is that of the text.

use core::fmt;
use core::str::FromStr;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::error_enum;

/// The longest identifier, in characters.
pub const MAX_ID_LEN: usize = 24;

/// The longest payment reference, in characters (ISO 20022 Max35Text).
pub const MAX_REFERENCE_LEN: usize = 35;

error_enum! {
    /// Why a text is not an identifier or a reference.
    pub enum TextError {
        Id => ID_SYNTAX,
        Reference => TEXT_SYNTAX,
    }
}

/// Copies `text` into `N` bytes padded with zeros if it fits and `identifier` allows each character.
const fn padded<const N: usize>(text: &[u8], identifier: bool) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let mut rest = text;
    let mut slots: &mut [u8] = &mut bytes;
    let mut all_allowed = true;
    while let [c, tail @ ..] = rest {
        let allowed = match *c {
            b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' | b'.' => true,
            b' '..=b'~' => !identifier,
            _ => false,
        };
        let [slot, others @ ..] = slots else { return None };
        all_allowed &= allowed;
        *slot = *c;
        slots = others;
        rest = tail;
    }
    if all_allowed { Some(bytes) } else { None }
}

/// The text in zero-padded bytes.
fn unpadded<const N: usize>(bytes: &[u8; N]) -> &[u8] {
    // No text holds a zero, and none is longer than 255: to count the others needs no branch.
    let len = bytes.iter().fold(0u8, |len, c| len.wrapping_add(u8::from(*c != 0)));
    bytes.get(..usize::from(len)).unwrap_or_default()
}

macro_rules! text_type {
    ($(#[$meta:meta])* $name:ident, $len:expr, $identifier:literal, $error:ident) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $len]);

        impl $name {
            /// Takes a valid text, at compile time too.
            ///
            /// # Errors
            /// The text is too long or holds other characters.
            pub const fn new(text: &str) -> Result<Self, TextError> {
                Self::from_bytes(text.as_bytes())
            }

            const fn from_bytes(text: &[u8]) -> Result<Self, TextError> {
                match padded(text, $identifier) {
                    Some(_) if $identifier && text.is_empty() => Err(TextError::$error),
                    Some(bytes) => Ok(Self(bytes)),
                    None => Err(TextError::$error),
                }
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                // ASCII by construction.
                core::str::from_utf8(unpadded(&self.0)).unwrap_or_default()
            }

            /// The text padded with zero bytes to its full width.
            pub const fn padded(&self) -> &[u8; $len] {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = TextError;
            fn from_str(text: &str) -> Result<Self, TextError> {
                Self::new(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self.as_str(), f)
            }
        }

        // In postcard a text and its bytes are the same; as bytes it is not searched for invalid UTF-8.
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_bytes(unpadded(&self.0))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct TextVisitor;
                impl Visitor<'_> for TextVisitor {
                    type Value = $name;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        fmt::Display::fmt(&TextError::$error, f)
                    }
                    fn visit_bytes<E: de::Error>(self, text: &[u8]) -> Result<$name, E> {
                        $name::from_bytes(text).map_err(E::custom)
                    }
                }
                deserializer.deserialize_bytes(TextVisitor)
            }
        }
    };
}

text_type!(
    /// Names a chain, so that a transaction for one can never be used on another.
    ChainId, MAX_ID_LEN, true, Id
);
text_type!(
    /// Names an account.
    AccountId, MAX_ID_LEN, true, Id
);
text_type!(
    /// Names an asset.
    AssetId, MAX_ID_LEN, true, Id
);
text_type!(
    /// Names a pool.
    PoolId, MAX_ID_LEN, true, Id
);
text_type!(
    /// What a payment is for, in the payer's words; may be empty.
    Reference, MAX_REFERENCE_LEN, false, Reference
);

/// The asset of the chain itself: fees are paid in it.
pub const NATIVE_ASSET: AssetId = match AssetId::new("QNX") {
    Ok(id) => id,
    Err(_) => AssetId([0; MAX_ID_LEN]),
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_the_charset_and_refuses_all_else() {
        for c in 0..=127u8 {
            let text = std::format!("A{}", c as char);
            let allowed = c.is_ascii_uppercase() || c.is_ascii_digit() || b"_-.".contains(&c);
            assert_eq!(AccountId::new(&text).is_ok(), allowed, "{text:?}");
            assert_eq!(Reference::new(&text).is_ok(), (b' '..=b'~').contains(&c), "{text:?}");
        }
        assert_eq!(AccountId::new(""), Err(TextError::Id));
        assert!(AccountId::new("ABCDEFGHIJKLMNOPQRSTUVWX").is_ok());
        assert_eq!(AccountId::new("ABCDEFGHIJKLMNOPQRSTUVWXY"), Err(TextError::Id));
        assert_eq!(Reference::new("").unwrap().as_str(), "");
        assert_eq!(NATIVE_ASSET.as_str(), "QNX");
    }

    #[test]
    fn order_is_that_of_the_text() {
        let texts = ["A", "A-", "A.B", "A0", "AB", "B"];
        for a in texts {
            for b in texts {
                assert_eq!(AssetId::new(a).unwrap().cmp(&AssetId::new(b).unwrap()), a.cmp(b));
            }
        }
    }
}
