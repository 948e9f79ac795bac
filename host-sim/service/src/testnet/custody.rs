//! The accounts of a new chain that are in custody: a device of their own, with a key and a policy for each.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use qenex_api::config::CustodyConfig;
use qenex_core::codec::Encoded;
use qenex_core::consensus::Header;
use qenex_core::crypto::{KeyHash, Purpose, Scheme};
use qenex_core::id::{AccountId, AssetId, NATIVE_ASSET};
use qenex_core::num::Amount;
use qenex_core::policy::{AssetRule, OpKind, OpSet, Policy, Sorted};
use qenex_device::commission::{OPERATOR, anchor, create_account_key, set_up};
use qenex_device::port::Port;
use qenex_device::{Client, DeviceError};

use super::{TRUSTING_PERIOD_MS, pair};
use crate::error::ServiceError;
use crate::genesis_file::AccountFile;

/// What each account begins with, in whole units of both assets.
const OPENING: u64 = 1_000_000;

/// For how many blocks the policies let a transaction be valid.
const MAX_VALIDITY_BLOCKS: u64 = 1_000;

/// The device while its chain is made.
pub(super) struct Vault {
    client: Client<Port>,
    /// Each account with the hash of its key.
    accounts: Vec<(AccountId, String)>,
}

fn account(number: u8) -> Result<AccountId, ServiceError> {
    format!("BANK_{number:03}").parse().map_err(|_| DeviceError::Message.into())
}

impl Vault {
    /// A simulated device in a folder of the node's, with so many accounts.
    pub(super) fn create(node: &Path, count: u8) -> Result<Self, ServiceError> {
        let folder = node.join("custody");
        std::fs::create_dir(&folder).map_err(|error| ServiceError::file(&folder, error))?;
        let (mut client, [officer, operator]) = pair(&folder, None)?;
        set_up(&mut client, "CUSTODY", officer.as_bytes(), operator.as_bytes())?;
        let mut accounts = Vec::new();
        for slot in 0..count {
            let account = account(slot + 1)?;
            let mut room = [0; <Policy<'_> as Encoded>::MAX_LEN];
            let public_key = create_account_key(&mut client, slot, &policy(account, slot == 0, &mut room)?)?;
            let hash = KeyHash::of(Scheme::Ed25519, Purpose::Transaction, &public_key);
            accounts.push((account, hash.0.to_string()));
        }
        Ok(Self { client, accounts })
    }

    /// The accounts of the genesis.
    pub(super) fn accounts(&self) -> impl Iterator<Item = AccountFile> {
        let balances: BTreeMap<String, String> =
            [NATIVE_ASSET.as_str(), "USDC"].map(|asset| (asset.to_string(), OPENING.to_string())).into();
        self.accounts.iter().map(move |(account, owner)| AccountFile {
            id: account.to_string(),
            kind: "institution".into(),
            owner: owner.clone(),
            balances: balances.clone(),
        })
    }

    /// The officer vouches for the genesis. Returns what the node's configuration says.
    pub(super) fn anchor(&mut self, genesis: &Header) -> Result<CustodyConfig, ServiceError> {
        anchor(&mut self.client, genesis, TRUSTING_PERIOD_MS)?;
        let file = |name: &str| PathBuf::from("custody").join(name);
        let slots = self.accounts.iter().map(|(account, _)| account.to_string()).zip(0..);
        Ok(CustodyConfig {
            soft: Some(file("device")),
            at: None,
            host: file("host"),
            user: OPERATOR.into(),
            pin_file: file("operator.pin"),
            accounts: slots.collect(),
            registrar: self.accounts.first().map(|(account, _)| account.to_string()),
            validity_blocks: 100,
            fee: "0".into(),
        })
    }
}

/// What a bank does on a chain for tests: all that moves money, in any amount.
fn policy<'r>(
    account: AccountId,
    opens_others: bool,
    room: &'r mut [u8],
) -> Result<Policy<'r>, ServiceError> {
    let wrong = |_| ServiceError::from(DeviceError::Message);
    let mut operations = vec![
        OpKind::Transfer,
        OpKind::CreatePool,
        OpKind::AddLiquidity,
        OpKind::RemoveLiquidity,
        OpKind::SwapExactIn,
        OpKind::SwapExactOut,
    ];
    if opens_others {
        operations.push(OpKind::CreateAccount);
    }
    let rule = |asset: AssetId| AssetRule {
        asset,
        max_per_transaction: Amount::MAX,
        window: None,
        min_after: Amount::ZERO,
        approve_above: None,
        delay_above: None,
    };
    let usdc = AssetId::new("USDC").map_err(|_| ServiceError::from(DeviceError::Message))?;
    let mut rules = [rule(NATIVE_ASSET), rule(usdc)];
    rules.sort();
    Ok(Policy {
        operations: OpSet::of(&operations),
        max_fee: Amount::ONE,
        max_validity_blocks: MAX_VALIDITY_BLOCKS,
        assets: Sorted::new(rules, room).map_err(wrong)?,
        ..Policy::nothing(account)
    })
}
