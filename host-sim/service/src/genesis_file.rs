//! The genesis as a file: JSON, the same on every node of a chain.

use std::collections::BTreeMap;
use std::path::Path;

use qenex_core::crypto::{Hash, KeyHash, Scheme};
use qenex_core::id::{AccountId, AssetId};
use qenex_core::ledger::StakingRules;
use qenex_core::num::Amount;
use qenex_core::tx::{AccountKind, AuthorityBuf, KeyRef, KycLevel};
use qenex_node::genesis::{Genesis, GenesisAccount, GenesisStaking, GenesisValidator};
use serde::{Deserialize, Serialize};

use crate::error::ServiceError;

/// The first state of a chain. Amounts are decimals in strings, keys and hashes 64 hexadecimal digits.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenesisFile {
    /// The chain.
    pub chain_id: String,
    /// When it begins, in milliseconds since the Unix epoch.
    pub time_ms: u64,
    /// For each asset who may issue it.
    pub assets: BTreeMap<String, String>,
    /// The accounts.
    pub accounts: Vec<AccountFile>,
    /// How stake decides.
    pub staking: StakingFile,
    /// Who stands from the beginning.
    pub validators: Vec<ValidatorFile>,
}

/// An account whose one key is Ed25519.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountFile {
    /// Its id.
    pub id: String,
    /// What it is: `individual`, `institution`, `government`, `system`.
    pub kind: String,
    /// The hash of its key.
    pub owner: String,
    /// What it has.
    pub balances: BTreeMap<String, String>,
}

/// See [`StakingRules`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // the names are those of the rules
pub struct StakingFile {
    pub epoch_blocks: u64,
    pub seats_max: u8,
    pub min_stake: String,
    pub unbonding_epochs: u32,
    pub jail_epochs: u32,
    pub missed_limit: u32,
    pub slash_bps: u16,
    pub block_reward: String,
}

/// A validator.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValidatorFile {
    /// Its account.
    pub account: String,
    /// The key that votes.
    pub vote_key: String,
    /// The key of the network.
    pub peer_key: String,
    /// The hash of the hybrid key that signs checkpoints; zeros for none.
    pub finality_key: String,
    /// What the operator keeps, in basis points.
    pub commission_bps: u16,
    /// How much of the account's native asset is its stake.
    pub stake: String,
}

impl GenesisFile {
    /// Reads a file.
    ///
    /// # Errors
    /// It is not there or no genesis; the field at fault is named.
    pub fn read(path: &Path) -> Result<Self, ServiceError> {
        let text = std::fs::read(path).map_err(|error| ServiceError::file(path, error))?;
        serde_json::from_slice(&text).map_err(|error| ServiceError::file(path, error))
    }

    /// The genesis.
    ///
    /// # Errors
    /// A field is not of its form; it is named.
    pub fn genesis(&self) -> Result<Genesis, String> {
        let assets = self.assets.iter().map(|(asset, issuer)| Ok((id(asset)?, id(issuer)?)));
        Ok(Genesis {
            chain_id: id(&self.chain_id)?,
            time_ms: self.time_ms,
            assets: assets.collect::<Result<_, String>>()?,
            accounts: self.accounts.iter().map(AccountFile::account).collect::<Result<_, _>>()?,
            staking: Some(GenesisStaking {
                rules: self.staking.rules()?,
                validators: self.validators.iter().map(ValidatorFile::validator).collect::<Result<_, _>>()?,
            }),
        })
    }
}

/// A value of a field, with the text in the error.
fn id<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error| format!("{text:?}: {error}"))
}

/// 32 bytes of a field.
pub fn hex(text: &str) -> Result<[u8; 32], String> {
    Hash::from_hex(text)
        .map(|hash| hash.0)
        .ok_or_else(|| format!("{text:?}: 64 hexadecimal digits were expected"))
}

impl AccountFile {
    fn account(&self) -> Result<GenesisAccount, String> {
        let kind = AccountKind::ALL.iter().copied().find(|kind| kind.as_str() == self.kind);
        let kind = kind.ok_or_else(|| format!("{:?}: no kind of account", self.kind))?;
        let owner = KeyRef { scheme: Scheme::Ed25519, hash: KeyHash(Hash(hex(&self.owner)?)) };
        let balances =
            self.balances.iter().map(|(asset, amount)| Ok((id::<AssetId>(asset)?, id::<Amount>(amount)?)));
        Ok(GenesisAccount {
            id: id::<AccountId>(&self.id)?,
            kind,
            kyc: KycLevel::Verified,
            authority: AuthorityBuf::single(owner),
            balances: balances.collect::<Result<_, String>>()?,
        })
    }
}

impl StakingFile {
    fn rules(&self) -> Result<StakingRules, String> {
        Ok(StakingRules {
            epoch_blocks: self.epoch_blocks,
            seats_max: self.seats_max,
            min_stake: id(&self.min_stake)?,
            unbonding_epochs: self.unbonding_epochs,
            jail_epochs: self.jail_epochs,
            missed_limit: self.missed_limit,
            slash_bps: self.slash_bps,
            block_reward: id(&self.block_reward)?,
        })
    }
}

impl ValidatorFile {
    fn validator(&self) -> Result<GenesisValidator, String> {
        Ok(GenesisValidator {
            account: id(&self.account)?,
            vote_key: hex(&self.vote_key)?,
            peer_key: hex(&self.peer_key)?,
            finality_key: hex(&self.finality_key)?,
            commission_bps: self.commission_bps,
            stake: id(&self.stake)?,
        })
    }
}
