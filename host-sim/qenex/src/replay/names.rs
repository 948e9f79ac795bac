//! Names of a file to identifiers of the ledger, never two to one.
//!
//! A name that is an identifier already stands for itself. Parts (bank and account) are joined by a point when none of them holds
//! one. Everything else becomes `X.` and 22 characters of a hash: at 110 bits two names of one file never meet, and if
//! they did the replay would stop. Currencies of AMLworld are known by their ISO 4217 code, or the code in common use.

use std::collections::HashMap;

use qenex_core::crypto::{Domain, hash::hash};
use qenex_core::error::ID_COLLISION;
use qenex_core::id::{AccountId, AssetId};

use crate::output::Failure;

const CURRENCIES: &[(&str, &str)] = &[
    ("Australian Dollar", "AUD"),
    ("Bitcoin", "BTC"),
    ("Brazil Real", "BRL"),
    ("Canadian Dollar", "CAD"),
    ("Euro", "EUR"),
    ("Mexican Peso", "MXN"),
    ("Ruble", "RUB"),
    ("Rupee", "INR"),
    ("Saudi Riyal", "SAR"),
    ("Shekel", "ILS"),
    ("Swiss Franc", "CHF"),
    ("UK Pound", "GBP"),
    ("US Dollar", "USD"),
    ("Yen", "JPY"),
    ("Yuan", "CNY"),
];

/// The prefix of hashed names; a name that begins with it is hashed too.
const HASHED: &str = "X.";

fn hashed(parts: &[&str]) -> String {
    const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let mut input = Vec::new();
    for part in parts {
        input.extend_from_slice(&(part.len() as u64).to_be_bytes());
        input.extend_from_slice(part.as_bytes());
    }
    let digest = hash(Domain::LabelSeed, &[b"name", &input]);
    let bits = digest.as_bytes().iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1));
    let bits: Vec<u8> = bits.take(110).collect();
    let digit =
        |five: &[u8]| DIGITS[five.iter().fold(0usize, |sum, bit| sum << 1 | usize::from(*bit))] as char;
    std::iter::once(HASHED.to_string()).chain(bits.chunks(5).map(|five| digit(five).to_string())).collect()
}

/// The identifier's text for a name of one or several parts.
fn identifier(parts: &[&str]) -> String {
    let plain = match parts {
        [name] => (*name).to_string(),
        parts if parts.iter().all(|part| !part.is_empty() && !part.contains('.')) => parts.join("."),
        _ => String::new(),
    };
    // One column with a point in it could be two columns joined; a file uses one form throughout, so they never meet.
    let taken = plain.starts_with(HASHED);
    if AccountId::new(&plain).is_ok() && !taken { plain } else { hashed(parts) }
}

/// Accounts and assets of one file. Accounts are numbered in the order in which they first appear.
#[derive(Default)]
pub struct Names {
    accounts: HashMap<Vec<String>, u32>,
    ids: Vec<AccountId>,
    by_id: HashMap<AccountId, u32>,
    assets: HashMap<String, AssetId>,
    asset_names: HashMap<AssetId, String>,
}

impl Names {
    /// The number of an account.
    pub fn account(&mut self, parts: &[&str]) -> Result<u32, Failure> {
        let name: Vec<String> = parts.iter().map(|part| (*part).to_string()).collect();
        if let Some(number) = self.accounts.get(&name) {
            return Ok(*number);
        }
        let text = identifier(parts);
        let id = AccountId::new(&text).map_err(|error| Failure::argument(&text, error))?;
        let number = self.ids.len() as u32;
        if self.by_id.insert(id, number).is_some() {
            return Err(Failure::input(ID_COLLISION, format_args!("{name:?} maps to {id}, which is taken")));
        }
        self.ids.push(id);
        self.accounts.insert(name, number);
        Ok(number)
    }

    /// All accounts in the order of their numbers.
    pub fn ids(&self) -> &[AccountId] {
        &self.ids
    }

    /// The asset of a name.
    pub fn asset(&mut self, name: &str) -> Result<AssetId, Failure> {
        if let Some(asset) = self.assets.get(name) {
            return Ok(*asset);
        }
        let code = CURRENCIES.iter().find(|(known, _)| *known == name).map(|(_, code)| (*code).to_string());
        let text = code.unwrap_or_else(|| identifier(&[name]));
        let asset = AssetId::new(&text).map_err(|error| Failure::argument(&text, error))?;
        if let Some(other) = self.asset_names.insert(asset, name.to_string()) {
            let detail = format_args!("{name:?} and {other:?} both map to {asset}");
            return Err(Failure::input(ID_COLLISION, detail));
        }
        self.assets.insert(name.to_string(), asset);
        Ok(asset)
    }

    /// All assets, ascending.
    pub fn assets(&self) -> Vec<AssetId> {
        let mut assets: Vec<AssetId> = self.asset_names.keys().copied().collect();
        assets.sort();
        assets
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn different_names_have_different_identifiers() {
        let names: &[&[&str]] = &[
            &["280"],
            &["a"],
            &["A"],
            &["a "],
            &["4242", "8040FFB30"],
            &["42428040FFB30"],
            &["4242.8040FFB30", ""],
            &["4242", "8040.FFB30"],
            &["4242.8040", "FFB30"],
            &["", ""],
            &[""],
            &["X.A"],
            &["X", "A"],
            &["ABCDEFGHIJKLMNOPQRSTUVWXYZ"],
            &["ABCDEFGHIJKLMNOPQRSTUVWX"],
            &["é"],
        ];
        let mut seen = HashSet::new();
        for parts in names {
            let id = identifier(parts);
            assert!(AccountId::new(&id).is_ok(), "{parts:?} {id}");
            assert!(seen.insert(id), "{parts:?}");
        }
        assert_eq!(identifier(&["4242", "8040FFB30"]), "4242.8040FFB30");
        // What a hashed name looks like cannot be claimed by another name.
        assert_ne!(identifier(&[&hashed(&["a"])]), hashed(&["a"]));
    }

    #[test]
    fn a_collision_of_assets_is_told() {
        let mut names = Names::default();
        assert_eq!(names.asset("US Dollar").unwrap().as_str(), "USD");
        assert_eq!(names.asset("USD").unwrap_err().code, ID_COLLISION);
    }
}
