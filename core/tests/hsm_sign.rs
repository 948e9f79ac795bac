//! Witnessed signing: what is executed, what the policy says of it, and what is signed.
#![allow(clippy::unwrap_used)] // a test that meets what it does not expect should stop there

#[allow(dead_code)] // each test uses a part of it
mod flash_disk;
#[allow(dead_code)]
mod hsm_board;
#[allow(dead_code)]
mod merkle_model;
mod policy_lists;

use std::collections::BTreeMap;

use hsm_board::{NOTHING, TestBoard, ask, get, power_on, tell};
use policy_lists::sorted;
use qenex_core::amm::Reserves;
use qenex_core::codec::{Encoded, decode, encode};
use qenex_core::consensus::Header;
use qenex_core::crypto::ed25519::SecretKey;
use qenex_core::crypto::{Hash, KeyHash, Purpose, Scheme, signing_digest, verify};
use qenex_core::error::{
    APPROVER_UNKNOWN, COMMAND_SEQUENCE, Code, EXPIRED, INSUFFICIENT_BALANCE, KEY_NOT_AUTHORISED, KEY_POLICY,
    NONCE_AHEAD, NONCE_SIGNED, NOT_CONFIRMED, PENDING_FULL, PENDING_UNKNOWN, POLICY_ACCOUNT, POLICY_AMOUNT,
    POLICY_APPROVALS, POLICY_ASSET, POLICY_DELAY, POLICY_FEE, POLICY_HOURS, POLICY_OPERATION, POLICY_POOL,
    POLICY_PRICE_IMPACT, POLICY_RECEIVER, POLICY_RECEIVER_KYC, POLICY_REMAINDER, POLICY_RISK,
    POLICY_SLIPPAGE, POLICY_UNPROVEN, POLICY_VALIDITY, POLICY_WINDOW, PROOF_ROOT, ROLE, SIGNATURE_MISMATCH,
    WITNESS_MISSING, WITNESS_RECORD, WRONG_CHAIN,
};
use qenex_core::hsm::proto::{
    AddUser, Anchor, Approve, BeginSign, Command, CreateKey, Initialise, Judged, KeyInfo, Login, Piece,
    Records, Rest, SIGNATURE_PIECE, SetPolicy, Signed,
};
use qenex_core::hsm::{Hsm, MAX_PENDING, Refusal, Role, UserName, approval_id};
use qenex_core::id::{AccountId, AssetId, ChainId, NATIVE_ASSET, PoolId, Reference};
use qenex_core::ledger::{
    Account, AccountStatus, Asset, Balance, Env, Fetched, Pool, Record, RecordId, Reject, Rule, Signers,
    access, transition,
};
use qenex_core::merkle::state::value_hash;
use qenex_core::num::Amount;
use qenex_core::policy::{Approvals, AssetRule, Hours, OpKind, OpSet, Policy, Window};
use qenex_core::tx::{
    AccountKind, Authority, AuthorityBuf, KeyRef, KycLevel, Leg, LegsBuf, MAX_SIGNED_LEN, Op, Signature,
    SignedTransaction, SwapExactIn, SwapExactOut, Transaction, Transfer, encode_signed,
};

const HOUR_MS: u64 = 3_600_000;
/// 10:00 UTC on some day.
const START_MS: u64 = 20_000 * 24 * HOUR_MS + 10 * HOUR_MS;

fn account(text: &str) -> AccountId {
    AccountId::new(text).unwrap()
}

fn amount(text: &str) -> Amount {
    text.parse().unwrap()
}

fn usdc() -> AssetId {
    AssetId::new("USDC").unwrap()
}

fn eth() -> AssetId {
    AssetId::new("ETH").unwrap()
}

fn pool() -> PoolId {
    PoolId::new("ETH-USDC").unwrap()
}

fn chain() -> ChainId {
    ChainId::new("QENEX-TEST").unwrap()
}

fn refused(code: Code) -> Refusal {
    Refusal(code.number)
}

/// The ledger of the tests: encoded records, and the proofs of an obvious model.
#[derive(Clone)]
struct Ledger(BTreeMap<RecordId, Vec<u8>>);

impl Ledger {
    fn put(&mut self, id: RecordId, record: &Record<'_>) {
        let mut buffer = [0; 512];
        self.0.insert(id, encode(record, &mut buffer).unwrap().to_vec());
    }

    fn leaves(&self) -> BTreeMap<Hash, Hash> {
        self.0.iter().map(|(id, bytes)| (id.key(), value_hash(bytes))).collect()
    }

    fn root(&self) -> Hash {
        merkle_model::root(&self.leaves())
    }

    /// The records that these transactions may touch, in the order of their keys, and the proof.
    fn witness(&self, transactions: &[&Transaction<'_>]) -> (Vec<u8>, Vec<u8>) {
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
    fn execute(&mut self, tx: &Transaction<'_>, height: u64) {
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

struct Bench {
    hsm: Hsm<TestBoard>,
    scheme: Scheme,
    ledger: Ledger,
    public_key: Vec<u8>,
    height: u64,
    time_ms: u64,
}

fn persons() -> Vec<SecretKey> {
    let mut keys: Vec<_> = (60..63).map(|i| SecretKey::from_seed(&[i; 32]).unwrap()).collect();
    keys.sort_by_key(|key| key.key_hash(Purpose::Approval));
    keys
}

fn rule(asset: AssetId, max: &str) -> AssetRule {
    AssetRule {
        asset,
        max_per_transaction: amount(max),
        window: None,
        min_after: Amount::ZERO,
        approve_above: None,
        delay_above: None,
    }
}

fn policy() -> Policy<'static> {
    Policy {
        account: account("BANK_001"),
        operations: OpSet::of(&[OpKind::Transfer, OpKind::SwapExactIn, OpKind::SwapExactOut]),
        without_witness: OpSet::of(&[OpKind::Transfer]),
        max_fee: amount("2"),
        max_validity_blocks: 100,
        assets: sorted([rule(NATIVE_ASSET, "50"), rule(usdc(), "1000")]),
        receivers: None,
        min_receiver_kyc: KycLevel::None,
        pools: None,
        max_price_impact_bps: None,
        max_slippage_bps: None,
        hours: None,
        approvals: None,
        delay_ms: 0,
        max_risk: None,
        confirm: false,
    }
}

fn usdc_rule(change: impl FnOnce(&mut AssetRule)) -> Policy<'static> {
    let mut usdc_rule = rule(usdc(), "1000");
    change(&mut usdc_rule);
    Policy { assets: sorted([rule(NATIVE_ASSET, "50"), usdc_rule]), ..policy() }
}

fn legs(to: &[(&str, &str)]) -> &'static LegsBuf {
    let legs: Vec<_> = to
        .iter()
        .map(|(to, sum)| Leg { to: account(to), amount: amount(sum), reference: Reference::new("").unwrap() })
        .collect();
    Box::leak(Box::new(LegsBuf::new(&legs).unwrap()))
}

fn transfer(to: &[(&str, &str)]) -> Op<'static> {
    Op::Transfer(Transfer { asset: usdc(), legs: legs(to).get() })
}

fn swap_in(amount_in: &str, min_out: &str, max_price_impact_bps: Option<u16>) -> Op<'static> {
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

fn transaction(nonce: u64, op: Op<'static>) -> Transaction<'static> {
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
    fn new() -> Self {
        Self::with(Scheme::Ed25519)
    }

    fn with(scheme: Scheme) -> Self {
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

    fn set(&mut self, policy: &Policy<'_>) {
        policy.check().unwrap();
        let mut buffer = [0; <Policy<'_> as Encoded>::MAX_LEN];
        let bytes = encode(policy, &mut buffer).unwrap();
        tell(&mut self.hsm, Command::SetPolicy, &SetPolicy { slot: 0, policy: bytes }).unwrap();
    }

    /// Anchors the device some blocks and some time later.
    fn advance(&mut self, blocks: u64, ms: u64) {
        self.height += blocks;
        self.time_ms += ms;
        let header = Header {
            protocol: Header::PROTOCOL,
            chain_id: chain(),
            epoch: 1,
            height: self.height,
            parent: Hash([1; 32]),
            time_ms: self.time_ms,
            proposer: account("VALIDATOR_1"),
            transaction_root: Hash([2; 32]),
            state_root: self.ledger.root(),
            receipt_root: Hash([4; 32]),
            validators: Hash([5; 32]),
            next_validators: Hash([5; 32]),
            seal: Default::default(),
        };
        tell(&mut self.hsm, Command::Anchor, &Anchor { trusting_period_ms: 1, header }).unwrap();
    }

    /// Brings a transaction and its witness.
    fn bring(&mut self, tx: &Transaction<'_>, pending: &[&Transaction<'_>]) -> Result<(), Refusal> {
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
    fn judge(&mut self, tx: &Transaction<'_>, pending: &[&Transaction<'_>]) -> Result<(), Refusal> {
        let steps = self.hsm.board().disk.steps;
        self.bring(tx, pending)?;
        let judged: Judged = get(&mut self.hsm, Command::Judge, &NOTHING).unwrap();
        assert_eq!(self.hsm.board().disk.steps, steps, "a dry run writes nothing");
        assert_eq!(judged.id, tx.id());
        if judged.refusal == 0 { Ok(()) } else { Err(Refusal(judged.refusal)) }
    }

    fn finish(&mut self, tx: &Transaction<'_>) -> Result<Vec<u8>, Refusal> {
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

    fn sign(&mut self, tx: &Transaction<'_>, pending: &[&Transaction<'_>]) -> Result<Vec<u8>, Refusal> {
        self.bring(tx, pending)?;
        self.finish(tx)
    }
}

#[test]
fn a_proven_transfer_is_shown_and_signed() {
    let mut bench = Bench::new();
    let tx = transaction(7, transfer(&[("BANK_002", "100"), ("SHOP", "50")]));
    bench.judge(&tx, &[]).unwrap();
    bench.hsm.board().shown.clear();
    let signature = bench.sign(&tx, &[]).unwrap();
    let shown = bench.hsm.board().shown.join("\n");
    for part in ["Transfer", "100 USDC", "BANK_002", "50 USDC", "SHOP", "1 QNX", "QENEX-TEST"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    // The same again, with or without its witness: a host may have lost it.
    assert_eq!(bench.sign(&tx, &[]).unwrap(), signature);
    // Another one with the same nonce is not signed while the first may become final.
    let other = transaction(7, transfer(&[("SHOP", "51")]));
    assert_eq!(bench.sign(&other, &[]), Err(refused(NONCE_SIGNED)));
    bench.advance(50, 1_000);
    let later = Transaction { last_valid_height: 70, ..other };
    bench.sign(&later, &[]).unwrap();
}

/// In every scheme, in as many pieces as it takes; and the ledger takes what comes out.
#[test]
fn keys_of_every_scheme_sign_transactions() {
    let rest = |bench: &mut Bench, from: usize| {
        let body = ask(&mut bench.hsm, Command::SignatureRest, &Rest { from: from as u16 })?;
        Ok(decode::<Signed<'_>>(&body).unwrap().signature.to_vec())
    };
    for scheme in Scheme::ALL {
        let mut bench = Bench::with(scheme);
        let tx = transaction(7, transfer(&[("BANK_002", "100"), ("SHOP", "50")]));
        assert_eq!(rest(&mut bench, 0), Err(refused(COMMAND_SEQUENCE)));
        bench.bring(&tx, &[]).unwrap();
        assert_eq!(rest(&mut bench, 0), Err(refused(COMMAND_SEQUENCE)), "nothing is signed yet");
        let signature = bench.finish(&tx).unwrap();
        // From any place, as often as one likes, and nothing past the end.
        for from in [0, 1, 63, signature.len() - 1, signature.len(), usize::from(u16::MAX)] {
            let expected = signature.get(from..).unwrap_or_default();
            let expected = &expected[..expected.len().min(SIGNATURE_PIECE)];
            assert_eq!(rest(&mut bench, from).unwrap(), expected, "{scheme} from {from}");
        }
        // A request that was signed is over; the next one ends what can be read of it.
        let again: Result<Judged, _> = get(&mut bench.hsm, Command::Judge, &NOTHING);
        assert_eq!(again, Err(refused(COMMAND_SEQUENCE)));
        assert_eq!(bench.sign(&tx, &[]).unwrap(), signature);
        let next = transaction(8, transfer(&[("SHOP", "1")]));
        bench.bring(&next, &[&tx]).unwrap();
        assert_eq!(rest(&mut bench, 0), Err(refused(COMMAND_SEQUENCE)));
        assert_ne!(bench.finish(&next).unwrap(), signature);
        bench.hsm.disconnect();
        assert_eq!(rest(&mut bench, 0), Err(refused(ROLE)));

        // Signed, encoded and decoded, it meets the authority.
        let signed = Signature { scheme, public_key: &bench.public_key, signature: &signature };
        let mut buffer = [0; MAX_SIGNED_LEN];
        let bytes = encode_signed(&tx, &[signed], &mut buffer).unwrap();
        let decoded = SignedTransaction::decode(bytes).unwrap();
        assert_eq!((decoded.id(), &decoded.signatures[..]), (tx.id(), &[signed][..]));
        let digest = signing_digest(scheme, Purpose::Transaction, &decoded.id());
        verify(scheme, decoded.signatures[0].public_key, &digest, decoded.signatures[0].signature).unwrap();
        let ids = access(&tx);
        let records: Vec<Option<Record<'_>>> =
            ids.iter().map(|id| bench.ledger.0.get(id).map(|bytes| decode(bytes).unwrap())).collect();
        let env = Env { chain_id: chain(), height: bench.height + 1, time_ms: START_MS };
        let view = Fetched { ids: &ids, records: &records };
        let key = KeyRef::of(scheme, decoded.signatures[0].public_key);
        transition(&env, &tx, Signers::Verified(&[key]), &view).unwrap();
        // The same bytes as a key of another scheme are another key.
        for other in Scheme::ALL.into_iter().filter(|other| *other != scheme) {
            let key = KeyRef { scheme: other, ..key };
            let refused = transition(&env, &tx, Signers::Verified(&[key]), &view);
            assert_eq!(refused.map(drop), Err(Reject::Rule(Rule::AuthorityNotMet)));
        }
    }
}

#[test]
fn what_the_ledger_would_refuse_is_not_signed() {
    let mut bench = Bench::new();
    let good = transaction(7, transfer(&[("SHOP", "50")]));
    for (tx, code) in [
        (Transaction { nonce: 8, ..good.clone() }, NONCE_AHEAD),
        (Transaction { last_valid_height: 10, ..good.clone() }, EXPIRED),
        (Transaction { chain_id: ChainId::new("OTHER").unwrap(), ..good.clone() }, WRONG_CHAIN),
        (transaction(7, transfer(&[("SHOP", "5001")])), INSUFFICIENT_BALANCE),
        (Transaction { sender: account("STRANGER"), ..good.clone() }, KEY_NOT_AUTHORISED),
        (
            Transaction { op: Op::CloseAccount, fee: amount("1"), ..good.clone() },
            qenex_core::error::ACCOUNT_NOT_EMPTY,
        ),
    ] {
        assert_eq!(bench.judge(&tx, &[]), Err(refused(code)), "{tx:?}");
        assert_eq!(bench.sign(&tx, &[]), Err(refused(code)));
    }
    bench.judge(&good, &[]).unwrap();
}

/// Each rule of the policy, one that refuses and one that just allows.
#[test]
fn every_rule_of_the_policy_refuses() {
    let send = |sum: &str| transaction(7, transfer(&[("SHOP", sum)]));
    let with = |change: &dyn Fn(&mut Policy<'_>)| {
        let mut policy = policy();
        change(&mut policy);
        policy
    };
    let list = |ids: &[&str]| Some(sorted(ids.iter().map(|id| account(id))));
    let hours = |from_minute, until_minute| Some(Hours { from_minute, until_minute });
    // 1,000 USDC into the pool gives 0.45330 ETH: price impact with the fee 934 basis points.
    let swap = |min_out: &str, impact| transaction(7, swap_in("1000", min_out, impact));
    let exact_out = |max_in: &str| {
        transaction(
            7,
            Op::SwapExactOut(SwapExactOut {
                pool: pool(),
                asset_in: usdc(),
                asset_out: eth(),
                amount_out: amount("0.1"),
                max_in: amount(max_in),
                max_price_impact_bps: None,
                deadline_ms: None,
            }),
        )
    };
    type Case =
        (&'static str, Code, Policy<'static>, Transaction<'static>, Policy<'static>, Transaction<'static>);
    let same =
        |name, code, refuses: Policy<'static>, allows: Policy<'static>, tx: Transaction<'static>| -> Case {
            (name, code, refuses, tx.clone(), allows, tx)
        };
    let cases: Vec<Case> = vec![
        same("account", POLICY_ACCOUNT, with(&|p| p.account = account("SHOP")), policy(), send("5")),
        same(
            "operation",
            POLICY_OPERATION,
            with(&|p| {
                p.operations = OpSet::of(&[OpKind::SwapExactIn]);
                p.without_witness = OpSet::default();
            }),
            policy(),
            send("5"),
        ),
        same(
            "fee",
            POLICY_FEE,
            with(&|p| p.max_fee = amount("0.99")),
            with(&|p| p.max_fee = amount("1")),
            send("5"),
        ),
        same(
            "validity",
            POLICY_VALIDITY,
            with(&|p| p.max_validity_blocks = 49),
            with(&|p| p.max_validity_blocks = 50),
            send("5"),
        ),
        same(
            "hours",
            POLICY_HOURS,
            with(&|p| p.hours = hours(601, 700)),
            with(&|p| p.hours = hours(600, 601)),
            send("5"),
        ),
        same(
            "night",
            POLICY_HOURS,
            with(&|p| p.hours = hours(1_300, 600)),
            with(&|p| p.hours = hours(1_300, 601)),
            send("5"),
        ),
        same(
            "receiver",
            POLICY_RECEIVER,
            with(&|p| p.receivers = list(&["BANK_002"])),
            with(&|p| p.receivers = list(&["BANK_002", "SHOP"])),
            send("5"),
        ),
        same(
            "kyc",
            POLICY_RECEIVER_KYC,
            with(&|p| p.min_receiver_kyc = KycLevel::Verified),
            with(&|p| p.min_receiver_kyc = KycLevel::Basic),
            send("5"),
        ),
        same(
            "pool",
            POLICY_POOL,
            with(&|p| p.pools = Some(sorted([]))),
            with(&|p| p.pools = Some(sorted([pool()]))),
            swap("0", None),
        ),
        same(
            "asset",
            POLICY_ASSET,
            with(&|p| p.assets = sorted([rule(NATIVE_ASSET, "50")])),
            policy(),
            send("5"),
        ),
        same(
            "fee's asset",
            POLICY_ASSET,
            with(&|p| p.assets = sorted([rule(usdc(), "50")])),
            policy(),
            send("5"),
        ),
        ("amount", POLICY_AMOUNT, policy(), send("1000.000000000000000001"), policy(), send("1000")),
        (
            "amount of all legs",
            POLICY_AMOUNT,
            policy(),
            transaction(7, transfer(&[("SHOP", "600"), ("BANK_002", "401")])),
            policy(),
            transaction(7, transfer(&[("SHOP", "600"), ("BANK_002", "400")])),
        ),
        ("most in", POLICY_AMOUNT, policy(), exact_out("1001"), policy(), exact_out("1000")),
        same(
            "price impact",
            POLICY_PRICE_IMPACT,
            with(&|p| p.max_price_impact_bps = Some(999)),
            with(&|p| p.max_price_impact_bps = Some(1_000)),
            swap("0", Some(1_000)),
        ),
        (
            "no price impact",
            POLICY_PRICE_IMPACT,
            with(&|p| p.max_price_impact_bps = Some(10_000)),
            swap("0", None),
            policy(),
            swap("0", None),
        ),
        (
            "slippage in",
            POLICY_SLIPPAGE,
            with(&|p| p.max_slippage_bps = Some(100)),
            swap("0.448", None),
            with(&|p| p.max_slippage_bps = Some(100)),
            swap("0.449", None),
        ),
        (
            "slippage out",
            POLICY_SLIPPAGE,
            with(&|p| p.max_slippage_bps = Some(100)),
            exact_out("208"),
            with(&|p| p.max_slippage_bps = Some(100)),
            exact_out("206"),
        ),
        same(
            "remainder",
            POLICY_REMAINDER,
            usdc_rule(|r| r.min_after = amount("4995.000000000000000001")),
            usdc_rule(|r| r.min_after = amount("4995")),
            send("5"),
        ),
        same("risk", POLICY_RISK, with(&|p| p.max_risk = Some(10_000)), policy(), send("5")),
    ];
    for (name, code, refuses, bad, allows, good) in cases {
        let mut bench = Bench::new();
        bench.set(&refuses);
        assert_eq!(bench.judge(&bad, &[]), Err(refused(code)), "{name}");
        assert_eq!(bench.sign(&bad, &[]), Err(refused(code)), "{name}");
        bench.set(&allows);
        assert_eq!(bench.judge(&good, &[]), Ok(()), "{name}");
        bench.sign(&good, &[]).unwrap();
    }
}

#[test]
fn a_window_counts_what_was_signed_until_its_span_has_passed() {
    let mut bench = Bench::new();
    let window = Some(Window { span_ms: 7 * HOUR_MS, max: amount("1000") });
    bench.set(&usdc_rule(|rule| rule.window = window));
    let send = |nonce, sum: &str| transaction(nonce, transfer(&[("SHOP", sum)]));
    let first = send(7, "600");
    bench.sign(&first, &[]).unwrap();
    // It counts even while it is not final, and even if it never becomes final.
    let second = send(8, "400.000000000000000001");
    assert_eq!(bench.judge(&second, &[&first]), Err(refused(POLICY_WINDOW)));
    // Signing the same again counts once.
    bench.sign(&first, &[]).unwrap();
    let second = send(8, "400");
    bench.sign(&second, &[&first]).unwrap();
    bench.ledger.execute(&first, 11);
    bench.ledger.execute(&second, 11);
    for hours in 1..=7 {
        bench.advance(1, HOUR_MS);
        let result = bench.judge(&send(9, "0.000000000000000001"), &[]);
        assert_eq!(result, Err(refused(POLICY_WINDOW)), "after {hours} hours");
    }
    bench.advance(1, HOUR_MS);
    bench.judge(&send(9, "1000"), &[]).unwrap();
    assert_eq!(bench.judge(&send(9, "1000.000000000000000001"), &[]), Err(refused(POLICY_AMOUNT)));
}

#[test]
fn what_is_not_final_is_replayed() {
    let mut bench = Bench::new();
    let txs: Vec<_> = (7..12).map(|nonce| transaction(nonce, transfer(&[("SHOP", "1000")]))).collect();
    bench.sign(&txs[0], &[]).unwrap();
    // The second needs the first, in its place.
    assert_eq!(bench.judge(&txs[1], &[]), Err(refused(NONCE_AHEAD)));
    let stranger = transaction(7, transfer(&[("STRANGER", "1")]));
    assert_eq!(bench.judge(&txs[1], &[&stranger]), Err(refused(PENDING_UNKNOWN)));
    bench.sign(&txs[1], &[&txs[0]]).unwrap();
    bench.sign(&txs[2], &[&txs[0], &txs[1]]).unwrap();
    assert_eq!(bench.judge(&txs[3], &[&txs[1], &txs[0], &txs[2]]), Err(refused(NONCE_AHEAD)));
    bench.sign(&txs[3], &[&txs[0], &txs[1], &txs[2]]).unwrap();
    assert_eq!(MAX_PENDING, 4);
    let all: Vec<_> = txs[..4].iter().collect();
    assert_eq!(bench.judge(&txs[4], &all), Err(refused(PENDING_FULL)));
    // When the first two are final there is room; the balance is what remains after all of them.
    bench.ledger.execute(&txs[0], 11);
    bench.ledger.execute(&txs[1], 11);
    bench.advance(1, 1_000);
    let poor = transaction(11, transfer(&[("SHOP", "1000.5")]));
    assert_eq!(bench.judge(&poor, &[&txs[2], &txs[3]]), Err(refused(INSUFFICIENT_BALANCE)));
    bench.sign(&txs[4], &[&txs[2], &txs[3]]).unwrap();
}

#[test]
fn persons_approve_what_is_large() {
    let mut bench = Bench::new();
    let persons = persons();
    let hashes = persons.iter().map(|key| key.key_hash(Purpose::Approval));
    let approvals = Approvals { threshold: 2, approvers: sorted(hashes), always: OpSet::default() };
    bench.set(&Policy {
        approvals: Some(approvals),
        ..usdc_rule(|rule| rule.approve_above = Some(amount("100")))
    });
    bench.judge(&transaction(7, transfer(&[("SHOP", "100")])), &[]).unwrap();
    let tx = transaction(7, transfer(&[("SHOP", "101")]));
    assert_eq!(bench.judge(&tx, &[]), Err(refused(POLICY_APPROVALS)));
    let key = KeyHash::of(Scheme::Ed25519, Purpose::Transaction, &bench.public_key);
    let approve = |bench: &mut Bench, person: &SecretKey, purpose, id: &Hash| {
        let signature = person.sign(purpose, id).unwrap();
        let public_key = person.public_key();
        let approve = Approve { scheme: Scheme::Ed25519, public_key: &public_key, signature: &signature };
        tell(&mut bench.hsm, Command::Approve, &approve)
    };
    let right = approval_id(&key, &tx.id());
    for (person, purpose, id, code) in [
        (&persons[0], Purpose::Approval, approval_id(&key, &Hash([0; 32])), SIGNATURE_MISMATCH),
        (&persons[0], Purpose::Approval, approval_id(&KeyHash(Hash([1; 32])), &tx.id()), SIGNATURE_MISMATCH),
        (&persons[0], Purpose::Transaction, right, SIGNATURE_MISMATCH),
        (&SecretKey::from_seed(&[9; 32]).unwrap(), Purpose::Approval, right, APPROVER_UNKNOWN),
    ] {
        assert_eq!(approve(&mut bench, person, purpose, &id), Err(refused(code)));
    }
    approve(&mut bench, &persons[0], Purpose::Approval, &right).unwrap();
    assert_eq!(approve(&mut bench, &persons[0], Purpose::Approval, &right), Err(refused(APPROVER_UNKNOWN)));
    assert_eq!(bench.finish(&tx), Err(refused(POLICY_APPROVALS)));
    approve(&mut bench, &persons[2], Purpose::Approval, &right).unwrap();
    bench.finish(&tx).unwrap();

    // An operation that always needs approvals.
    bench.set(&Policy {
        approvals: Some(Approvals { always: OpSet::of(&[OpKind::Transfer]), ..approvals }),
        ..policy()
    });
    let next = transaction(8, transfer(&[("SHOP", "1")]));
    assert_eq!(bench.judge(&next, &[&tx]), Err(refused(POLICY_APPROVALS)));
}

#[test]
fn what_is_large_waits() {
    let mut bench = Bench::new();
    bench.set(&Policy { delay_ms: HOUR_MS, ..usdc_rule(|rule| rule.delay_above = Some(amount("100"))) });
    bench.sign(&transaction(7, transfer(&[("BANK_002", "100")])), &[]).unwrap();
    let mut bench = Bench::new();
    bench.set(&Policy { delay_ms: HOUR_MS, ..usdc_rule(|rule| rule.delay_above = Some(amount("100"))) });
    let tx = transaction(7, transfer(&[("SHOP", "101")]));
    // A dry run is not a request.
    assert_eq!(bench.judge(&tx, &[]), Err(refused(POLICY_DELAY)));
    bench.advance(1, HOUR_MS);
    assert_eq!(bench.sign(&tx, &[]), Err(refused(POLICY_DELAY)));
    bench.advance(1, HOUR_MS - 1);
    assert_eq!(bench.sign(&tx, &[]), Err(refused(POLICY_DELAY)));
    bench.advance(1, 1);
    bench.sign(&tx, &[]).unwrap();
}

#[test]
fn a_person_confirms_on_the_panel() {
    let mut bench = Bench::new();
    bench.set(&Policy { confirm: true, ..policy() });
    let tx = transaction(7, transfer(&[("SHOP", "1")]));
    bench.hsm.board().confirms = false;
    assert_eq!(bench.sign(&tx, &[]), Err(refused(NOT_CONFIRMED)));
    bench.hsm.board().confirms = true;
    bench.sign(&tx, &[]).unwrap();
}

#[test]
fn without_a_witness_only_what_the_policy_says_is_signed() {
    let mut bench = Bench::new();
    let begin = |bench: &mut Bench, tx: &Transaction<'_>| {
        let mut buffer = [0; <Transaction<'_> as Encoded>::MAX_LEN];
        let begin = BeginSign { slot: 0, witnessed: false, transaction: encode(tx, &mut buffer).unwrap() };
        tell(&mut bench.hsm, Command::BeginSign, &begin).unwrap();
        bench.finish(tx)
    };
    let send = |nonce, sum: &str| transaction(nonce, transfer(&[("SHOP", sum)]));
    begin(&mut bench, &send(7, "5")).unwrap();
    assert_eq!(begin(&mut bench, &send(8, "1001")), Err(refused(POLICY_AMOUNT)));
    assert_eq!(begin(&mut bench, &transaction(8, swap_in("5", "0", None))), Err(refused(POLICY_OPERATION)));
    let expired = Transaction { last_valid_height: 10, ..send(8, "5") };
    assert_eq!(begin(&mut bench, &expired), Err(refused(EXPIRED)));
    let other = Transaction { chain_id: ChainId::new("OTHER").unwrap(), ..send(8, "5") };
    assert_eq!(begin(&mut bench, &other), Err(refused(WRONG_CHAIN)));
    for policy in [
        usdc_rule(|rule| rule.min_after = amount("1")),
        Policy { min_receiver_kyc: KycLevel::Basic, ..policy() },
        Policy {
            max_slippage_bps: Some(10),
            operations: OpSet::of(OpKind::ALL),
            without_witness: OpSet::of(OpKind::ALL),
            ..policy()
        },
    ] {
        bench.set(&policy);
        let tx = if policy.max_slippage_bps.is_some() {
            transaction(8, swap_in("5", "0", None))
        } else {
            send(8, "5")
        };
        assert_eq!(begin(&mut bench, &tx), Err(refused(POLICY_UNPROVEN)));
    }
}

#[test]
fn a_witness_that_does_not_hold_proves_nothing() {
    let mut bench = Bench::new();
    let tx = transaction(7, transfer(&[("SHOP", "1")]));
    let (records, proof) = bench.ledger.witness(&[&tx]);
    let mut buffer = [0; <Transaction<'_> as Encoded>::MAX_LEN];
    let bytes = encode(&tx, &mut buffer).unwrap().to_vec();
    let run = |bench: &mut Bench, records: &[u8], proof: &[u8]| {
        let begin = BeginSign { slot: 0, witnessed: true, transaction: &bytes };
        tell(&mut bench.hsm, Command::BeginSign, &begin)?;
        tell(&mut bench.hsm, Command::Records, &Records { records })?;
        tell(&mut bench.hsm, Command::Proof, &Piece { bytes: proof })?;
        bench.finish(&tx)
    };
    // Not even a byte of a record or of the proof may differ.
    let mut refusals = 0;
    for byte in 0..records.len() {
        let mut wrong = records.clone();
        wrong[byte] ^= 1;
        assert!(run(&mut bench, &wrong, &proof).is_err(), "record byte {byte}");
        refusals += 1;
    }
    for byte in (0..proof.len()).step_by(3) {
        let mut wrong = proof.clone();
        wrong[byte] ^= 1;
        assert!(run(&mut bench, &records, &wrong).is_err(), "proof byte {byte}");
        refusals += 1;
    }
    assert!(refusals > 200);
    // A record of a richer account in the place of the own one: the value that was proven is another.
    let mut rich = bench.ledger.clone();
    let id = RecordId::Balance(account("BANK_001"), usdc());
    rich.put(id, &Record::Balance(Balance { amount: amount("9000") }));
    let (rich_records, rich_proof) = rich.witness(&[&tx]);
    assert_eq!(run(&mut bench, &rich_records, &proof), Err(refused(WITNESS_RECORD)));
    assert_eq!(run(&mut bench, &rich_records, &rich_proof), Err(refused(PROOF_ROOT)));
    // Nothing, too little, nothing at all.
    let begin = BeginSign { slot: 0, witnessed: true, transaction: &bytes };
    tell(&mut bench.hsm, Command::BeginSign, &begin).unwrap();
    assert_eq!(bench.finish(&tx), Err(refused(WITNESS_MISSING)));
    let early = tell(&mut bench.hsm, Command::Proof, &Piece { bytes: &proof });
    assert_eq!(early, Err(refused(qenex_core::error::COMMAND_SEQUENCE)));
    tell(&mut bench.hsm, Command::Records, &Records { records: &records[..2] }).unwrap_err();
    run(&mut bench, &records, &proof).unwrap();
}

#[test]
fn a_key_without_policy_and_a_locked_device_sign_nothing() {
    let mut bench = Bench::new();
    let tx = transaction(7, transfer(&[("SHOP", "1")]));
    let create = CreateKey {
        slot: 1,
        scheme: Scheme::Ed25519,
        purpose: Purpose::Transaction,
        path: 1,
        label: UserName::new("SECOND").unwrap(),
    };
    ask(&mut bench.hsm, Command::CreateKey, &create).unwrap();
    let mut buffer = [0; <Transaction<'_> as Encoded>::MAX_LEN];
    let bytes = encode(&tx, &mut buffer).unwrap();
    let begin = BeginSign { slot: 1, witnessed: false, transaction: bytes };
    tell(&mut bench.hsm, Command::BeginSign, &begin).unwrap();
    assert_eq!(bench.finish(&tx), Err(refused(KEY_POLICY)));
    // Bytes that are not a transaction.
    for wrong in [&bytes[1..], &bytes[..bytes.len() - 1], &[0; 32], &[]] {
        let begin = BeginSign { slot: 0, witnessed: false, transaction: wrong };
        assert!(tell(&mut bench.hsm, Command::BeginSign, &begin).is_err());
        assert!(ask(&mut bench.hsm, Command::Sign, &NOTHING).is_err());
    }
}
