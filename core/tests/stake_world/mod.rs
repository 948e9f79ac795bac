//! A whole state in memory, and keys that stand in it.

use std::collections::BTreeMap;

use qenex_core::codec;
use qenex_core::consensus::Header;
use qenex_core::crypto::ed25519::SecretKey;
use qenex_core::crypto::{Hash, Purpose, Scheme};
use qenex_core::id::{AccountId, ChainId, NATIVE_ASSET};
use qenex_core::ledger::{
    Account, AccountStatus, Asset, Balance, Buffer, Effects, Env, Fetched, Outcome, Record, RecordId, Reject,
    Signers, Staking, StakingRules, Store, ViewError, access, end_block, found, transition,
};
use qenex_core::num::Amount;
use qenex_core::tx::{AccountKind, AuthorityBuf, KeyRef, KycLevel, Op, Stand, Transaction};

pub fn account(text: &str) -> AccountId {
    AccountId::new(text).unwrap()
}

pub fn units(units: u128) -> Amount {
    Amount::from_units(units).unwrap()
}

/// Keys by their numbers. Some are no public keys at all.
pub struct Keys {
    secret: Vec<SecretKey>,
    public: Vec<&'static [u8; 32]>,
}

impl Keys {
    pub fn new(count: usize) -> Self {
        let secret: Vec<SecretKey> = (0..count)
            .map(|number| {
                let mut seed = [9; 32];
                seed[..8].copy_from_slice(&(number as u64).to_le_bytes());
                SecretKey::from_seed(&seed).unwrap()
            })
            .collect();
        let public = secret
            .iter()
            .enumerate()
            .map(|(number, key)| {
                let mut bytes = key.public_key();
                if number % 20 == 19 && count == 40 {
                    // Not canonical, and each another.
                    bytes = [255; 32];
                    bytes[0] -= (number / 20) as u8;
                }
                &*Box::leak(Box::new(bytes))
            })
            .collect();
        Self { secret, public }
    }

    pub fn len(&self) -> usize {
        self.public.len()
    }

    pub fn public(&self, number: usize) -> [u8; 32] {
        *self.public[number]
    }

    pub fn lent(&self, number: usize) -> &'static [u8; 32] {
        self.public[number]
    }

    pub fn is_valid(&self, number: usize) -> bool {
        self.public(number) == self.secret[number].public_key()
    }

    pub fn sign(&self, number: usize, vote: &Hash) -> [u8; 64] {
        self.secret[number].sign(Purpose::Vote, vote).unwrap()
    }
}

pub fn header() -> Header {
    Header {
        protocol: Header::PROTOCOL,
        chain_id: ChainId::new("TEST").unwrap(),
        epoch: 0,
        view: 0,
        height: 0,
        parent: Hash::default(),
        time_ms: 0,
        proposer: account("A0"),
        transaction_root: Hash::default(),
        state_root: Hash::default(),
        receipt_root: Hash::default(),
        validators: Hash::default(),
        next_validators: Hash::default(),
        seal: Default::default(),
    }
}

/// Records in their encodings, and the newest block.
#[derive(Clone)]
pub struct Ledger {
    pub records: BTreeMap<RecordId, Vec<u8>>,
    pub parent: Header,
}

impl Store for Ledger {
    fn read<'b>(&self, id: &RecordId, buffer: &'b mut Buffer) -> Result<Option<Record<'b>>, ViewError> {
        let Some(bytes) = self.records.get(id) else { return Ok(None) };
        buffer[..bytes.len()].copy_from_slice(bytes);
        codec::decode(&buffer[..bytes.len()]).map(Some).map_err(|_| ViewError::Damaged)
    }

    fn write(&mut self, id: &RecordId, record: Option<&Record<'_>>) {
        match record {
            None => self.records.remove(id),
            Some(record) => {
                let mut buffer: Buffer = [0; <Record<'_> as codec::Encoded>::MAX_LEN];
                self.records.insert(*id, record.encode(&mut buffer).unwrap().to_vec())
            }
        };
    }
}

impl Ledger {
    /// People with so much each.
    pub fn new(people: &[AccountId], rich: Amount, max_supply: Amount) -> Self {
        let mut ledger = Self { records: BTreeMap::new(), parent: header() };
        let authority = AuthorityBuf::single(KeyRef::of(Scheme::Ed25519, &[1; 32]));
        for id in people {
            let account = Account {
                kind: AccountKind::Individual,
                status: AccountStatus::Active,
                kyc: KycLevel::None,
                nonce: 0,
                holdings: 1,
                authority: authority.get(),
            };
            ledger.write(&RecordId::Account(*id), Some(&Record::Account(account)));
            let balance = Record::Balance(Balance { amount: rich });
            ledger.write(&RecordId::Balance(*id, NATIVE_ASSET), Some(&balance));
        }
        let supply = units(rich.units() * people.len() as u128);
        let asset = Asset { issuer: people[0], supply, max_supply };
        ledger.write(&RecordId::Asset(NATIVE_ASSET), Some(&Record::Asset(asset)));
        ledger
    }

    pub fn found(
        &mut self,
        rules: StakingRules,
        validators: &[(AccountId, Stand<'static>)],
    ) -> Result<Hash, Reject> {
        found(self, rules, validators.iter().cloned())
    }

    pub fn record(&self, id: &RecordId) -> Option<Record<'static>> {
        let bytes: &'static [u8] = Box::leak(self.records.get(id)?.clone().into_boxed_slice());
        Some(codec::decode(bytes).unwrap())
    }

    pub fn staking(&self) -> Staking {
        match codec::decode(&self.records[&RecordId::Staking]).unwrap() {
            Record::Staking(staking) => staking,
            other => panic!("{other:?}"),
        }
    }

    pub fn supply(&self) -> Amount {
        match codec::decode(&self.records[&RecordId::Asset(NATIVE_ASSET)]).unwrap() {
            Record::Asset(asset) => asset.supply,
            other => panic!("{other:?}"),
        }
    }

    pub fn holdings(&self, id: AccountId) -> u32 {
        match codec::decode(&self.records[&RecordId::Account(id)]).unwrap() {
            Record::Account(account) => account.holdings,
            other => panic!("{other:?}"),
        }
    }

    /// Executes a transaction whose signatures are right.
    pub fn execute(&mut self, sender: AccountId, op: &Op<'_>) -> Result<Outcome, Reject> {
        let nonce = match self.record(&RecordId::Account(sender)) {
            Some(Record::Account(account)) => account.nonce,
            other => panic!("{other:?}"),
        };
        let transaction = Transaction {
            chain_id: self.parent.chain_id,
            sender,
            nonce,
            last_valid_height: u64::MAX,
            fee: Amount::ZERO,
            op: op.clone(),
        };
        let ids = access(&transaction);
        let read = ids.iter().map(|id| self.records.get(id).cloned()).collect::<Vec<_>>();
        let records: Vec<Option<Record<'_>>> =
            read.iter().map(|bytes| bytes.as_deref().map(|bytes| codec::decode(bytes).unwrap())).collect();
        let env = Env { chain_id: self.parent.chain_id, height: self.parent.height + 1, time_ms: 0 };
        let view = Fetched { ids: &ids, records: &records };
        let Effects { writes, receipt } = transition(&env, &transaction, Signers::Assumed, &view)?;
        for (id, record) in &writes {
            assert!(ids.contains(id), "{id:?} is not among those that {op:?} may touch");
            self.write(id, record.as_ref());
        }
        Ok(receipt.outcome)
    }

    /// Takes fees from a balance, as the transactions of a block do.
    pub fn take_fees(&mut self, from: AccountId, fees: Amount) {
        let id = RecordId::Balance(from, NATIVE_ASSET);
        if let Some(Record::Balance(balance)) = self.record(&id) {
            let amount = balance.amount.checked_sub(fees).unwrap();
            let left = Record::Balance(Balance { amount });
            self.write(&id, (!amount.is_zero()).then_some(&left));
            if amount.is_zero()
                && let Some(Record::Account(mut account)) = self.record(&RecordId::Account(from))
            {
                account.holdings -= 1;
                self.write(&RecordId::Account(from), Some(&Record::Account(account)));
            }
        }
    }

    /// Ends a block over the newest one.
    pub fn end_block(
        &mut self,
        view: u64,
        proposer: AccountId,
        fees: Amount,
    ) -> Result<Option<Hash>, Reject> {
        let epoch = match self.records.get(&RecordId::Staking) {
            Some(_) => self.staking().epoch,
            None => 0,
        };
        let parent = self.parent.clone();
        let drawn = end_block(self, &parent, view, proposer, fees)?;
        self.parent =
            Header { epoch, view, height: parent.height + 1, parent: parent.id(), proposer, ..parent };
        Ok(drawn)
    }
}
