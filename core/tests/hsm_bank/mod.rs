//! A bank's account whose key is in a device, beside a pool, a shop and a stranger: the ledger, its witnesses, and the device.

use std::collections::BTreeMap;

use qenex_core::amm::Reserves;
use qenex_core::codec::{Encoded, decode, encode};
use qenex_core::consensus::Header;
use qenex_core::crypto::ed25519::SecretKey;
use qenex_core::crypto::{Hash, Purpose, Scheme, signing_digest, verify};
use qenex_core::hsm::proto::{
    AddUser, Anchor, BeginSign, Command, CreateKey, Initialise, Judged, KeyInfo, Login, Piece, Records, Rest,
    SetPolicy, Signed,
};
use qenex_core::hsm::{Hsm, Refusal, Role, UserName};
use qenex_core::id::{AccountId, AssetId, ChainId, NATIVE_ASSET, PoolId, Reference};
use qenex_core::ledger::{
    Account, AccountStatus, Asset, Balance, Env, Fetched, Pool, Record, RecordId, Signers, access, transition,
};
use qenex_core::merkle::state::value_hash;
use qenex_core::num::Amount;
use qenex_core::policy::{AssetRule, OpKind, OpSet, Policy};
use qenex_core::tx::{
    AccountKind, Authority, AuthorityBuf, KeyRef, KycLevel, Leg, LegsBuf, Op, SwapExactIn, Transaction,
    Transfer,
};

use crate::hsm_board::{NOTHING, TestBoard, ask, get, header, power_on, tell};
use crate::merkle_model;
use crate::policy_lists::sorted;

pub const HOUR_MS: u64 = 3_600_000;
/// 10:00 UTC on some day.
pub const START_MS: u64 = 20_000 * 24 * HOUR_MS + 10 * HOUR_MS;

pub fn account(text: &str) -> AccountId {
    AccountId::new(text).unwrap()
}

pub fn amount(text: &str) -> Amount {
    text.parse().unwrap()
}

pub fn usdc() -> AssetId {
    AssetId::new("USDC").unwrap()
}

pub fn eth() -> AssetId {
    AssetId::new("ETH").unwrap()
}

pub fn pool() -> PoolId {
    PoolId::new("ETH-USDC").unwrap()
}

pub fn chain() -> ChainId {
    ChainId::new("QENEX-TEST").unwrap()
}

/// The ledger of the tests: encoded records, and the proofs of an obvious model.
#[derive(Clone)]
pub struct Ledger(pub BTreeMap<RecordId, Vec<u8>>);

impl Ledger {
    pub fn put(&mut self, id: RecordId, record: &Record<'_>) {
        let mut buffer = [0; 512];
        self.0.insert(id, encode(record, &mut buffer).unwrap().to_vec());
    }

    pub fn leaves(&self) -> BTreeMap<Hash, Hash> {
        self.0.iter().map(|(id, bytes)| (id.key(), value_hash(bytes))).collect()
    }

    pub fn root(&self) -> Hash {
        merkle_model::root(&self.leaves())
    }

    /// The records that these transactions may touch, in the order of their keys, and the proof.
    pub fn witness(&self, transactions: &[&Transaction<'_>]) -> (Vec<u8>, Vec<u8>) {
        let ids: BTreeMap<Hash, RecordId> =
            transactions.iter().flat_map(|tx| access(tx)).map(|id| (id.key(), id)).collect();
        let mut records = Vec::new();
        for id in ids.values() {
            let bytes = self.0.get(id).map_or(&[][..], |bytes| bytes);
            records.extend((bytes.len() as u16).to_le_bytes());
            records.extend(bytes);
        }
        let keys: Vec<_> = ids.keys().copied().collect();
        (records, merkle_model::prove(&self.leaves(), &keys))
    }

    /// Makes a transaction final.
    pub fn execute(&mut self, tx: &Transaction<'_>, height: u64) {
        let ids = access(tx);
        let before = self.clone();
        let records: Vec<Option<Record<'_>>> =
            ids.iter().map(|id| before.0.get(id).map(|bytes| decode(bytes).unwrap())).collect();
        let env = Env { chain_id: chain(), height, time_ms: START_MS };
        let view = Fetched { ids: &ids, records: &records };
        let effects = transition(&env, tx, Signers::Assumed, &view).unwrap();
        for (id, record) in &effects.writes {
            match record {
                Some(record) => self.put(*id, record),
                None => drop(self.0.remove(id)),
            }
        }
    }
}

pub struct Bench {
    pub hsm: Hsm<TestBoard>,
    pub scheme: Scheme,
    pub ledger: Ledger,
    pub public_key: Vec<u8>,
    pub height: u64,
    pub time_ms: u64,
}

pub fn persons() -> Vec<SecretKey> {
    let mut keys: Vec<_> = (60..63).map(|i| SecretKey::from_seed(&[i; 32]).unwrap()).collect();
    keys.sort_by_key(|key| key.key_hash(Purpose::Approval));
    keys
}

pub fn rule(asset: AssetId, max: &str) -> AssetRule {
    AssetRule {
        asset,
        max_per_transaction: amount(max),
        window: None,
        min_after: Amount::ZERO,
        approve_above: None,
        delay_above: None,
    }
}

pub fn policy() -> Policy<'static> {
    Policy {
        operations: OpSet::of(&[OpKind::Transfer, OpKind::SwapExactIn, OpKind::SwapExactOut]),
        without_witness: OpSet::of(&[OpKind::Transfer]),
        max_fee: amount("2"),
        max_validity_blocks: 100,
        assets: sorted([rule(NATIVE_ASSET, "50"), rule(usdc(), "1000")]),
        ..Policy::nothing(account("BANK_001"))
    }
}

pub fn usdc_rule(change: impl FnOnce(&mut AssetRule)) -> Policy<'static> {
    let mut usdc_rule = rule(usdc(), "1000");
    change(&mut usdc_rule);
    Policy { assets: sorted([rule(NATIVE_ASSET, "50"), usdc_rule]), ..policy() }
}

pub fn legs(to: &[(&str, &str)]) -> &'static LegsBuf {
    let legs: Vec<_> = to
        .iter()
        .map(|(to, sum)| Leg { to: account(to), amount: amount(sum), reference: Reference::new("").unwrap() })
        .collect();
    Box::leak(Box::new(LegsBuf::new(&legs).unwrap()))
}

pub fn transfer(to: &[(&str, &str)]) -> Op<'static> {
    Op::Transfer(Transfer { asset: usdc(), legs: legs(to).get() })
}

pub fn swap_in(amount_in: &str, min_out: &str, max_price_impact_bps: Option<u16>) -> Op<'static> {
    Op::SwapExactIn(SwapExactIn {
        pool: pool(),
        asset_in: usdc(),
        asset_out: eth(),
        amount_in: amount(amount_in),
        min_out: amount(min_out),
        max_price_impact_bps,
        deadline_ms: None,
    })
}

pub fn transaction(nonce: u64, op: Op<'static>) -> Transaction<'static> {
    Transaction {
        chain_id: chain(),
        sender: account("BANK_001"),
        nonce,
        last_valid_height: 60,
        fee: amount("1"),
        op,
    }
}

impl Bench {
    /// A device whose key acts for an account with 5,000 USDC and 100 QNX, beside a pool of 10,000 USDC and 5 ETH.
    pub fn new() -> Self {
        Self::with(Scheme::Ed25519)
    }

    pub fn with(scheme: Scheme) -> Self {
        let mut hsm = power_on(TestBoard::new(5));
        let name = |text: &str| UserName::new(text).unwrap();
        let initialise =
            Initialise { name: name("HSM"), officers_needed: 1, officer: name("ALICE"), pin: b"officer pin" };
        tell(&mut hsm, Command::Initialise, &initialise).unwrap();
        tell(&mut hsm, Command::Login, &Login { user: name("ALICE"), pin: b"officer pin" }).unwrap();
        let operator = AddUser { user: name("OSCAR"), role: Role::Operator, pin: b"operator pin" };
        tell(&mut hsm, Command::AddUser, &operator).unwrap();
        tell(&mut hsm, Command::Login, &Login { user: name("OSCAR"), pin: b"operator pin" }).unwrap();
        let create =
            CreateKey { slot: 0, scheme, purpose: Purpose::Transaction, path: 0, label: name("TREASURY") };
        let body = ask(&mut hsm, Command::CreateKey, &create).unwrap();
        let key = decode::<KeyInfo<'_>>(&body).unwrap().public_key.to_vec();

        let mut ledger = Ledger(BTreeMap::new());
        let own = AuthorityBuf::new(1, &[KeyRef::of(scheme, &key)]).unwrap();
        let other = AuthorityBuf::new(1, &[KeyRef::of(Scheme::Ed25519, &[1; 32])]).unwrap();
        let mut open = |id: &str, authority: Authority<'_>, kyc, holdings| {
            let account_record = Account {
                kind: AccountKind::Institution,
                status: AccountStatus::Active,
                kyc,
                nonce: 7,
                holdings,
                authority,
            };
            ledger.put(RecordId::Account(account(id)), &Record::Account(account_record));
        };
        open("BANK_001", own.get(), KycLevel::Verified, 2);
        open("BANK_002", other.get(), KycLevel::Verified, 0);
        open("SHOP", other.get(), KycLevel::Basic, 0);
        open("STRANGER", other.get(), KycLevel::None, 1);
        for (holder, asset, sum) in
            [("BANK_001", usdc(), "5000"), ("BANK_001", NATIVE_ASSET, "100"), ("STRANGER", usdc(), "10")]
        {
            let balance = Record::Balance(Balance { amount: amount(sum) });
            ledger.put(RecordId::Balance(account(holder), asset), &balance);
        }
        for asset in [usdc(), eth()] {
            let record = Asset {
                issuer: account("BANK_002"),
                supply: amount("100000"),
                max_supply: amount("1000000"),
            };
            ledger.put(RecordId::Asset(asset), &Record::Asset(record));
        }
        let reserves = Reserves::new(amount("5"), amount("10000"), amount("200"), 30).unwrap();
        let record = Pool { asset_a: eth(), asset_b: usdc(), reserves };
        ledger.put(RecordId::Pool(pool()), &Record::Pool(record));
        let mut bench = Self { hsm, scheme, ledger, public_key: key, height: 9, time_ms: START_MS };
        bench.set(&policy());
        bench.advance(1, 0);
        bench
    }

    pub fn set(&mut self, policy: &Policy<'_>) {
        policy.check().unwrap();
        let mut buffer = [0; <Policy<'_> as Encoded>::MAX_LEN];
        let bytes = encode(policy, &mut buffer).unwrap();
        tell(&mut self.hsm, Command::SetPolicy, &SetPolicy { slot: 0, policy: bytes }).unwrap();
    }

    /// Anchors the device some blocks and some time later.
    pub fn advance(&mut self, blocks: u64, ms: u64) {
        self.height += blocks;
        self.time_ms += ms;
        let header =
            Header { epoch: 1, time_ms: self.time_ms, state_root: self.ledger.root(), ..header(self.height) };
        tell(&mut self.hsm, Command::Anchor, &Anchor { trusting_period_ms: 1, header }).unwrap();
    }

    /// Brings a transaction and its witness.
    pub fn bring(&mut self, tx: &Transaction<'_>, pending: &[&Transaction<'_>]) -> Result<(), Refusal> {
        let mut buffer = [0; <Transaction<'_> as Encoded>::MAX_LEN];
        let bytes = encode(tx, &mut buffer).unwrap();
        let begin = BeginSign { slot: 0, witnessed: true, transaction: bytes };
        tell(&mut self.hsm, Command::BeginSign, &begin)?;
        for tx in pending {
            let mut buffer = [0; <Transaction<'_> as Encoded>::MAX_LEN];
            let bytes = encode(*tx, &mut buffer).unwrap();
            tell(&mut self.hsm, Command::Pending, &Piece { bytes })?;
        }
        let all: Vec<_> = [tx].into_iter().chain(pending.iter().copied()).collect();
        let (records, proof) = self.ledger.witness(&all);
        tell(&mut self.hsm, Command::Records, &Records { records: &records })?;
        for bytes in proof.chunks(500) {
            tell(&mut self.hsm, Command::Proof, &Piece { bytes })?;
        }
        Ok(())
    }

    /// What the device says of a transaction: nothing changes.
    pub fn judge(&mut self, tx: &Transaction<'_>, pending: &[&Transaction<'_>]) -> Result<(), Refusal> {
        let steps = self.hsm.board().disk.steps;
        self.bring(tx, pending)?;
        let judged: Judged = get(&mut self.hsm, Command::Judge, &NOTHING).unwrap();
        assert_eq!(self.hsm.board().disk.steps, steps, "a dry run writes nothing");
        assert_eq!(judged.id, tx.id());
        if judged.refusal == 0 { Ok(()) } else { Err(Refusal(judged.refusal)) }
    }

    pub fn finish(&mut self, tx: &Transaction<'_>) -> Result<Vec<u8>, Refusal> {
        let body = ask(&mut self.hsm, Command::Sign, &NOTHING)?;
        let mut signature = decode::<Signed<'_>>(&body).unwrap().signature.to_vec();
        while signature.len() < self.scheme.signature_bytes() {
            let body = ask(&mut self.hsm, Command::SignatureRest, &Rest { from: signature.len() as u16 })?;
            signature.extend(decode::<Signed<'_>>(&body).unwrap().signature);
        }
        let digest = signing_digest(self.scheme, Purpose::Transaction, &tx.id());
        verify(self.scheme, &self.public_key, &digest, &signature).unwrap();
        Ok(signature)
    }

    pub fn sign(&mut self, tx: &Transaction<'_>, pending: &[&Transaction<'_>]) -> Result<Vec<u8>, Refusal> {
        self.bring(tx, pending)?;
        self.finish(tx)
    }
}
