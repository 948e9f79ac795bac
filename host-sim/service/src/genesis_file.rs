//! The genesis as a file: JSON, the same on every node of a chain.

use std::collections::BTreeMap;
use std::path::Path;

use qenex_core::consensus::work::{Target, WorkRules};
use qenex_core::crypto::{Hash, KeyHash, Scheme};
use qenex_core::id::{AccountId, AssetId};
use qenex_core::ledger::StakingRules;
use qenex_core::num::Amount;
use qenex_core::tx::{AccountKind, AuthorityBuf, KeyRef, KycLevel};
use qenex_node::genesis::{Genesis, GenesisAccount, GenesisStaking, GenesisValidator};
use serde::{Deserialize, Serialize};

use crate::error::ServiceError;

/// What decides on the blocks of a chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Consensus {
    /// Validators with stake.
    #[default]
    Stake,
    /// Proof of work, for open test chains.
    Pow,
}

/// The first state of a chain. Amounts are decimals in strings, keys and hashes 64 hexadecimal digits.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenesisFile {
    /// The chain.
    pub chain_id: String,
    /// What decides: stake, where nothing is said.
    #[serde(default)]
    pub consensus: Consensus,
    /// When it begins, in milliseconds since the Unix epoch.
    pub time_ms: u64,
    /// For each asset who may issue it.
    pub assets: BTreeMap<String, String>,
    /// The accounts.
    pub accounts: Vec<AccountFile>,
    /// How stake decides, where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staking: Option<StakingFile>,
    /// Who stands from the beginning, where stake decides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub validators: Vec<ValidatorFile>,
    /// How work decides, where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work: Option<WorkFile>,
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

/// See [`WorkRules`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkFile {
    /// How many hashes the first block takes on average.
    pub hashes: u64,
    /// How long a block should take.
    pub interval_ms: u32,
    /// By how much time blocks must come too early that the work doubles, and too late that it halves.
    pub halving_ms: u32,
    /// How many blocks lie over one that is final.
    pub depth: u32,
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
        Self::parse(&std::fs::read(path).map_err(|error| ServiceError::file(path, error))?, path)
    }

    /// From its text, which was found at this path.
    ///
    /// # Errors
    /// It is no genesis; the line at fault is named.
    pub fn parse(text: &[u8], path: &Path) -> Result<Self, ServiceError> {
        serde_json::from_slice(text).map_err(|error| ServiceError::file(path, error))
    }

    /// The genesis.
    ///
    /// # Errors
    /// A field is not of its form; it is named.
    pub fn genesis(&self) -> Result<Genesis, String> {
        let (staking, work) = match (self.consensus, &self.staking, &self.work) {
            (Consensus::Stake, Some(staking), None) => (Some(self.staking(staking)?), None),
            (Consensus::Pow, None, Some(work)) if self.validators.is_empty() => (None, Some(work.rules()?)),
            (Consensus::Stake, ..) => return Err("consensus: `staking` and no `work` was expected".into()),
            (Consensus::Pow, ..) => {
                return Err("consensus: `work` and neither `staking` nor `validators` was expected".into());
            }
        };
        let assets = self.assets.iter().map(|(asset, issuer)| Ok((id(asset)?, id(issuer)?)));
        Ok(Genesis {
            chain_id: id(&self.chain_id)?,
            time_ms: self.time_ms,
            assets: assets.collect::<Result<_, String>>()?,
            accounts: self.accounts.iter().map(AccountFile::account).collect::<Result<_, _>>()?,
            staking,
            work,
        })
    }

    fn staking(&self, file: &StakingFile) -> Result<GenesisStaking, String> {
        let validators = self.validators.iter().map(ValidatorFile::validator).collect::<Result<_, _>>()?;
        Ok(GenesisStaking { rules: file.rules()?, validators })
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

impl WorkFile {
    fn rules(&self) -> Result<WorkRules, String> {
        let Self { hashes, interval_ms, halving_ms, depth } = *self;
        let rules = WorkRules { target: Target::of_hashes(hashes), interval_ms, halving_ms, depth };
        rules.check().map_err(|error| format!("work: {error}"))
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
