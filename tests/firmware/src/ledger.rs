//! A large ledger, and proofs of what is in it.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use qenex_core::codec::{Encoded, decode, encode};
use qenex_core::crypto::Hash;
use qenex_core::id::{AccountId, AssetId, NATIVE_ASSET};
use qenex_core::ledger::{Account, AccountStatus, Balance, Record, RecordId, access};
use qenex_core::merkle::state::value_hash;
use qenex_core::num::Amount;
use qenex_core::tx::{AccountKind, AuthorityBuf, KeyRef, KycLevel, Transaction};
use qenex_device::client::Witness;
use qenex_keccak::Lanes;
use qenex_tree::Tree;

/// What all other records are: only their hashes stand in proofs.
const OTHERS: &[u8] = b"a record";

/// A ledger.
pub struct Ledger {
    tree: Tree,
    /// The records that tests use, by their keys.
    records: BTreeMap<Hash, Vec<u8>>,
}

impl Ledger {
    /// So many accounts, with a balance each, beside two that trade: one that this key acts for and that has sent `nonce` transactions,
    /// and a shop.
    pub fn new(accounts: usize, key: KeyRef, nonce: u64) -> Result<Self> {
        let mut records = BTreeMap::new();
        let mut put = |id: RecordId, record: Record<'_>| -> Result<()> {
            let mut buffer = [0; <Record<'_> as Encoded>::MAX_LEN];
            records.insert(id.key(), encode(&record, &mut buffer)?.to_vec());
            Ok(())
        };
        let authority = AuthorityBuf::single(key);
        for (id, holdings) in [(sender()?, 2), (shop()?, 0)] {
            let account = Account {
                kind: AccountKind::Institution,
                status: AccountStatus::Active,
                kyc: KycLevel::Verified,
                nonce,
                holdings,
                authority: authority.get(),
            };
            put(RecordId::Account(id), Record::Account(account))?;
        }
        for asset in [NATIVE_ASSET, usdc()?] {
            let balance = Balance { amount: Amount::from_whole(1_000) };
            put(RecordId::Balance(sender()?, asset), Record::Balance(balance))?;
        }
        let mut leaves: Vec<(Hash, Hash)> =
            records.iter().map(|(key, record)| (*key, value_hash(record))).collect();
        let other = value_hash(OTHERS);
        for index in 0..accounts {
            let id = AccountId::new(&format!("ACCOUNT_{index}"))?;
            leaves.push((RecordId::Account(id).key(), other));
            leaves.push((RecordId::Balance(id, NATIVE_ASSET).key(), other));
        }
        leaves.sort_unstable();
        Ok(Self { tree: Tree::build(Lanes::best(), leaves.len(), leaves), records })
    }

    /// Its root.
    pub fn root(&self) -> Hash {
        self.tree.root()
    }

    /// The records that a transaction may touch, and the proof that they are those of this ledger.
    pub fn witness(&self, transaction: &[u8]) -> Result<Witness> {
        let transaction: Transaction<'_> = decode(transaction).context("no transaction")?;
        let mut keys: Vec<Hash> = access(&transaction).iter().map(RecordId::key).collect();
        keys.sort_unstable();
        let records = keys.iter().map(|key| self.records.get(key).cloned().unwrap_or_default()).collect();
        let value_hash = |key: &Hash| value_hash(self.records.get(key).map_or(OTHERS, Vec::as_slice));
        Ok(Witness { records, proof: self.tree.state().prove(&keys, &value_hash) })
    }
}

/// Whom the device's key acts for.
pub fn sender() -> Result<AccountId> {
    Ok(AccountId::new("BANK_001")?)
}

/// Who receives.
pub fn shop() -> Result<AccountId> {
    Ok(AccountId::new("SHOP")?)
}

/// An asset that is not the one fees are paid in.
pub fn usdc() -> Result<AssetId> {
    Ok(AssetId::new("USDC")?)
}
