//! The first state of a chain: records that no transaction made.

use std::collections::{HashMap, HashSet};

use qenex_core::codec::Lent;
use qenex_core::consensus::Header;
use qenex_core::consensus::work::{WorkError, WorkRules};
use qenex_core::crypto::Hash;
use qenex_core::id::{AccountId, AssetId, ChainId};
use qenex_core::ledger::{
    Account, AccountStatus, Asset, Balance, Record, RecordId, StakingRules, Store, found,
};
use qenex_core::merkle::log;
use qenex_core::num::Amount;
use qenex_core::tx::{AccountKind, AuthorityBuf, KycLevel, Stand};

use crate::error::NodeError;

/// An account at the beginning.
#[derive(Clone, Debug)]
pub struct GenesisAccount {
    /// Its id.
    pub id: AccountId,
    /// What it is.
    pub kind: AccountKind,
    /// How well its holder is known.
    pub kyc: KycLevel,
    /// Who may act for it.
    pub authority: AuthorityBuf,
    /// What it has; assets that nobody issues elsewhere belong to the first system account.
    pub balances: Vec<(AssetId, Amount)>,
}

/// A validator at the beginning.
#[derive(Clone, Debug)]
pub struct GenesisValidator {
    /// Its account.
    pub account: AccountId,
    /// The key that votes.
    pub vote_key: [u8; 32],
    /// The key of the network.
    pub peer_key: [u8; 32],
    /// The hash of the key that will sign checkpoints.
    pub finality_key: [u8; 32],
    /// What the operator keeps, in basis points.
    pub commission_bps: u16,
    /// How much of the account's balance of the native asset is its stake.
    pub stake: Amount,
}

/// The staking of a chain.
#[derive(Clone, Debug)]
pub struct GenesisStaking {
    /// The rules.
    pub rules: StakingRules,
    /// Who stands from the beginning, in the first slots. Those with the most stake have the first seats.
    pub validators: Vec<GenesisValidator>,
}

/// The first state.
#[derive(Clone, Debug)]
pub struct Genesis {
    /// The chain.
    pub chain_id: ChainId,
    /// When it begins, in milliseconds since the Unix epoch.
    pub time_ms: u64,
    /// The assets and who may issue them. Their supply is what the accounts have.
    pub assets: Vec<(AssetId, AccountId)>,
    /// The accounts. The first is the proposer of the genesis.
    pub accounts: Vec<GenesisAccount>,
    /// Who decides on blocks; nothing where nobody does, and whoever has the chain makes them.
    pub staking: Option<GenesisStaking>,
    /// How work decides, where no stake does.
    pub work: Option<WorkRules>,
}

impl Genesis {
    /// Its records but those of staking, in no particular order.
    ///
    /// # Errors
    /// Something is named twice or not at all, or amounts overflow.
    pub fn records(&self) -> Result<Vec<(RecordId, Record<'_>)>, NodeError> {
        let invalid = |detail: String| NodeError::Genesis(detail);
        let mut supply: HashMap<AssetId, Amount> = HashMap::new();
        let issuers: HashMap<AssetId, AccountId> = self.assets.iter().copied().collect();
        if issuers.len() != self.assets.len() {
            return Err(invalid("An asset is named twice.".into()));
        }
        let mut ids = HashSet::with_capacity(self.accounts.len());
        let mut records = Vec::with_capacity(2 * self.accounts.len() + self.assets.len());
        for account in &self.accounts {
            if !ids.insert(account.id) {
                return Err(invalid(format!("Account {} is named twice.", account.id)));
            }
            let mut seen: Vec<AssetId> = Vec::new();
            for (asset, amount) in &account.balances {
                if !issuers.contains_key(asset) || seen.contains(asset) || amount.is_zero() {
                    return Err(invalid(format!(
                        "Account {}: balance of {asset} is zero, twice or of no asset.",
                        account.id
                    )));
                }
                seen.push(*asset);
                let sum = supply.entry(*asset).or_insert(Amount::ZERO);
                *sum = sum
                    .checked_add(*amount)
                    .map_err(|_| invalid(format!("The supply of {asset} is above the largest amount.")))?;
                records.push((
                    RecordId::Balance(account.id, *asset),
                    Record::Balance(Balance { amount: *amount }),
                ));
            }
            let record = Account {
                kind: account.kind,
                status: AccountStatus::Active,
                kyc: account.kyc,
                nonce: 0,
                holdings: account.balances.len() as u32,
                authority: account.authority.get(),
            };
            records.push((RecordId::Account(account.id), Record::Account(record)));
        }
        for (asset, issuer) in &self.assets {
            if !ids.contains(issuer) {
                return Err(invalid(format!("The issuer {issuer} of {asset} is no account.")));
            }
            let record = Asset {
                issuer: *issuer,
                supply: supply.get(asset).copied().unwrap_or(Amount::ZERO),
                max_supply: Amount::MAX,
            };
            records.push((RecordId::Asset(*asset), Record::Asset(record)));
        }
        Ok(records)
    }

    /// Adds staking to its records. Returns the set that decides on the first block.
    ///
    /// # Errors
    /// The rules are out of range, a validator cannot stand, or none has the stake.
    pub(crate) fn found(&self, store: &mut impl Store) -> Result<Hash, NodeError> {
        let Some(staking) = &self.staking else { return Ok(Hash::default()) };
        let validators = staking.validators.iter().zip(0..).map(|(validator, slot)| {
            let op = Stand {
                slot,
                vote_key: Lent(&validator.vote_key),
                peer_key: Lent(&validator.peer_key),
                finality_key: Lent(&validator.finality_key),
                commission_bps: validator.commission_bps,
                amount: validator.stake,
            };
            (validator.account, op)
        });
        found(store, staking.rules, validators)
            .map_err(|reject| NodeError::Genesis(format!("The staking: {reject}")))
    }

    /// The header of block zero, over a state with this root, before blocks of this set.
    ///
    /// # Errors
    /// There is no account, or both stake and work would decide, or no chain can have the rules of work.
    pub fn header(&self, state_root: Hash, next_validators: Hash) -> Result<Header, NodeError> {
        let invalid = |detail: &str| NodeError::Genesis(detail.into());
        let first = self.accounts.first().ok_or_else(|| invalid("There is no account."))?;
        if self.work.is_some() && self.staking.is_some() {
            return Err(invalid("Either stake decides or work."));
        }
        let seal = self.work.map(|rules| Ok::<_, WorkError>(rules.check()?.seal())).transpose()?;
        Ok(Header {
            protocol: Header::PROTOCOL,
            chain_id: self.chain_id,
            epoch: 0,
            view: 0,
            height: 0,
            parent: Hash::default(),
            time_ms: self.time_ms,
            proposer: first.id,
            transaction_root: log::empty_root(),
            state_root,
            receipt_root: log::empty_root(),
            validators: Hash::default(),
            next_validators,
            seal: seal.unwrap_or_default(),
        })
    }
}
