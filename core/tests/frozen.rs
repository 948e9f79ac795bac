//! Encodings, ids, roots and signing digests that never change: `tests/vectors/frozen.txt`, one name and its bytes in
//! hexadecimal a line. Nodes and devices of different versions agree on these bytes, and accounts are bound to them.
//!
//! A new format has a new tag and new lines; the old ones stay. `QENEX_FREEZE=1 cargo test -p qenex-core --test frozen`
//! writes the file anew.
#![allow(clippy::unwrap_used)] // a test that meets what it does not expect should stop there

mod policy_lists;

use std::collections::BTreeMap;
use std::path::Path;

use policy_lists::sorted;
use qenex_core::amm::Reserves;
use qenex_core::codec::{Encoded, Lent, Tag, encode};
use qenex_core::consensus::work::{Seal, Target, WorkChain, WorkRules, unsealed};
use qenex_core::consensus::{Checkpoint, Header, Proposal, Round, SetHasher, Vote, finality_key, leader};
use qenex_core::crypto::ed25519::SecretKey;
use qenex_core::crypto::{Domain, Hash, Purpose, Scheme, hash, shamir, signing_digest};
use qenex_core::hsm::approval_id;
use qenex_core::hsm::audit::{Entry, Head};
use qenex_core::hsm::channel::pairing_code;
use qenex_core::hsm::shares::Manifest;
use qenex_core::id::{AccountId, AssetId, ChainId, PoolId, Reference};
use qenex_core::ledger::{
    Account, AccountStatus, Asset, Balance, Holder, Outcome, Pool, Receipt, Record, RecordId, Seat, Shares,
    StakePool, Staking, StakingRules, Unbonding, Validator,
};
use qenex_core::merkle::witness::{Access, root_after};
use qenex_core::merkle::{log, state};
use qenex_core::num::{Amount, Precise};
use qenex_core::policy::{Approvals, AssetRule, Hours, OpKind, OpSet, Policy, Window};
use qenex_core::tx::{
    AccountKind, AddLiquidity, AuthorityBuf, Burn, CreateAccount, CreateAsset, CreatePool, Delegate, Issue,
    KeyRef, KycLevel, Leave, Leg, LegsBuf, MAX_SIGNED_LEN, Op, RemoveLiquidity, Report, RotateAuthority,
    SetFrozen, Signature, SignedTransaction, SignedVote, Stand, SwapExactIn, SwapExactOut, Transaction,
    Transfer, Unbond, Withdraw, encode_signed,
};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn account(text: &str) -> AccountId {
    AccountId::new(text).unwrap()
}

fn asset(text: &str) -> AssetId {
    AssetId::new(text).unwrap()
}

fn pool() -> PoolId {
    PoolId::new("ETH-USDC").unwrap()
}

fn amount(text: &str) -> Amount {
    text.parse().unwrap()
}

/// The secret key whose seed is this byte 32 times.
fn key(fill: u8) -> SecretKey {
    SecretKey::from_seed(&[fill; 32]).unwrap()
}

fn key_ref(fill: u8) -> KeyRef {
    KeyRef::of(Scheme::Ed25519, &key(fill).public_key())
}

fn authority() -> AuthorityBuf {
    let mut keys = [key_ref(1), key_ref(2), key_ref(3)];
    keys.sort();
    AuthorityBuf::new(2, &keys).unwrap()
}

fn leg(to: &str, text: &str, reference: &str) -> Leg {
    Leg { to: account(to), amount: amount(text), reference: Reference::new(reference).unwrap() }
}

fn ops<'a>(keys: &'a AuthorityBuf, legs: &'a LegsBuf) -> Vec<(&'static str, Op<'a>)> {
    let (authority, legs) = (keys.get(), legs.get());
    let (asset_a, asset_b) = (asset("ETH"), asset("USDC"));
    vec![
        (
            "create_account",
            Op::CreateAccount(CreateAccount {
                account: account("ACC000001"),
                kind: AccountKind::Individual,
                kyc: KycLevel::Verified,
                authority,
            }),
        ),
        ("rotate_authority", Op::RotateAuthority(RotateAuthority { authority })),
        ("set_frozen", Op::SetFrozen(SetFrozen { account: account("ACC000002"), frozen: true })),
        ("close_account", Op::CloseAccount),
        ("create_asset", Op::CreateAsset(CreateAsset { asset: asset_b, max_supply: Amount::MAX })),
        ("issue", Op::Issue(Issue { asset: asset_b, to: account("BANK_001"), amount: amount("1000000") })),
        ("burn", Op::Burn(Burn { asset: asset_b, amount: amount("0.25") })),
        ("transfer", Op::Transfer(Transfer { asset: asset_b, legs })),
        ("create_pool", Op::CreatePool(CreatePool { pool: pool(), asset_a, asset_b, fee_bps: 30 })),
        (
            "add_liquidity",
            Op::AddLiquidity(AddLiquidity {
                pool: pool(),
                asset_a,
                asset_b,
                max_a: amount("5"),
                max_b: amount("10000"),
                min_shares: amount("223.6"),
                deadline_ms: None,
            }),
        ),
        (
            "remove_liquidity",
            Op::RemoveLiquidity(RemoveLiquidity {
                pool: pool(),
                asset_a,
                asset_b,
                shares: amount("100"),
                min_a: amount("2"),
                min_b: amount("4000"),
                deadline_ms: Some(1_795_215_307_123),
            }),
        ),
        (
            "swap_exact_in",
            Op::SwapExactIn(SwapExactIn {
                pool: pool(),
                asset_in: asset_b,
                asset_out: asset_a,
                amount_in: amount("1000"),
                min_out: amount("0.45"),
                max_price_impact_bps: Some(1_000),
                deadline_ms: Some(1_795_215_307_123),
            }),
        ),
        (
            "swap_exact_out",
            Op::SwapExactOut(SwapExactOut {
                pool: pool(),
                asset_in: asset_a,
                asset_out: asset_b,
                amount_out: amount("500"),
                max_in: amount("0.3"),
                max_price_impact_bps: None,
                deadline_ms: None,
            }),
        ),
        (
            "stand",
            Op::Stand(Stand {
                slot: 300,
                vote_key: Lent(&[11; 32]),
                peer_key: Lent(&[12; 32]),
                finality_key: Lent(&[13; 32]),
                commission_bps: 500,
                amount: amount("250000"),
            }),
        ),
        ("leave", Op::Leave(Leave { slot: 300 })),
        ("delegate", Op::Delegate(Delegate { validator: account("VALIDATOR_1"), amount: amount("1000.5") })),
        ("unbond", Op::Unbond(Unbond { validator: account("VALIDATOR_1"), shares: amount("999.25") })),
        ("withdraw", Op::Withdraw(Withdraw { validator: account("VALIDATOR_1") })),
        (
            "report",
            Op::Report(Report {
                validator: account("VALIDATOR_1"),
                vote_key: Lent(&[11; 32]),
                first: SignedVote { vote: Vote::Nullify(ROUND), signature: Lent(&[14; 64]) },
                second: SignedVote {
                    vote: Vote::Finalize(Proposal { round: ROUND, parent_view: 299, header: Hash([7; 32]) }),
                    signature: Lent(&[15; 64]),
                },
            }),
        ),
    ]
}

const ROUND: Round = Round { epoch: 3, view: 300 };

fn stake(lines: &mut Lines) {
    let validator = account("VALIDATOR_1");
    let pool = |tokens, shares| StakePool { tokens: amount(tokens), shares: amount(shares) };
    let rules = StakingRules {
        epoch_blocks: 43_200,
        seats_max: 200,
        min_stake: amount("100000"),
        unbonding_epochs: 21,
        jail_epochs: 2,
        missed_limit: 100,
        slash_bps: 1_000,
        block_reward: amount("0.5"),
    };
    let record = Validator {
        vote_key: Lent(&[11; 32]),
        peer_key: Lent(&[12; 32]),
        finality_key: Lent(&[13; 32]),
        former_key: Lent(&[10; 32]),
        former_until: 24,
        slot: Some(300),
        commission_bps: 500,
        barred_until: 0,
        bonded: pool("250100", "250000"),
        unbonding: pool("10", "11"),
    };
    let seat = Seat {
        account: validator,
        vote_key: Lent(&[11; 32]),
        peer_key: Lent(&[12; 32]),
        finality_key: Lent(&[13; 32]),
        weight: amount("200000"),
        commission_bps: 500,
        made: 200,
        missed: 3,
    };
    let unbonding = Unbonding { shares: amount("11"), release_epoch: 25 };
    let shares = Record::Shares(Shares { amount: amount("250000") });
    let holder = Record::Holder(Holder { account: validator });
    let staking = Staking { rules, epoch: 3, seats: 150, seed: Hash([16; 32]) };
    for (name, id, record) in [
        ("staking", RecordId::Staking, Record::Staking(staking)),
        ("validator", RecordId::Validator(validator), Record::Validator(record)),
        ("delegation", RecordId::Delegation(account("BANK_001"), validator), shares),
        ("unbonding", RecordId::Unbonding(account("BANK_001"), validator), Record::Unbonding(unbonding)),
        ("candidate", RecordId::Candidate(300), holder),
        ("key", RecordId::Key(Hash([11; 32])), holder),
        ("seat", RecordId::Seat(149), Record::Seat(seat)),
    ] {
        lines.encoding(&format!("record.{name}"), &record);
        lines.encoding(&format!("record_id.{name}"), &id);
        lines.hash(&format!("record_id.{name}.key"), id.key());
    }
    for (name, outcome) in [
        ("delegated", Outcome::Delegated(amount("999.25"))),
        ("unbonded", Outcome::Unbonded(amount("1000.5"), 25)),
        ("released", Outcome::Released(amount("1000.5"))),
        ("slashed", Outcome::Slashed(amount("25011"))),
    ] {
        lines.encoding(&format!("receipt.{name}"), &Receipt { fee: amount("0.01"), outcome });
    }
    let weights = ["100000", "200000", "150000"].map(amount);
    let leaders = [1, 2, 300, u64::MAX].map(|view| {
        let round = Round { epoch: 3, view };
        leader(&Hash([16; 32]), round, &weights).unwrap() as u8
    });
    lines.bytes("leaders.of_three_seats", &leaders);
}

fn records(keys: &AuthorityBuf) -> Vec<(&'static str, RecordId, Record<'_>)> {
    let (asset_a, asset_b) = (asset("ETH"), asset("USDC"));
    let reserves = Reserves::new(amount("5"), amount("10000"), amount("223.606797749978969640"), 30).unwrap();
    let account_record = Account {
        kind: AccountKind::Institution,
        status: AccountStatus::Active,
        kyc: KycLevel::Enhanced,
        nonce: 300,
        holdings: 2,
        authority: keys.get(),
    };
    let asset_record =
        Asset { issuer: account("BANK_001"), supply: amount("21000000"), max_supply: Amount::MAX };
    vec![
        ("account", RecordId::Account(account("BANK_001")), Record::Account(account_record)),
        ("asset", RecordId::Asset(asset_b), Record::Asset(asset_record)),
        (
            "balance",
            RecordId::Balance(account("BANK_001"), asset_b),
            Record::Balance(Balance { amount: amount("12345.678901234567890123") }),
        ),
        ("pool", RecordId::Pool(pool()), Record::Pool(Pool { asset_a, asset_b, reserves })),
        (
            "shares",
            RecordId::Shares(account("BANK_001"), pool()),
            Record::Shares(Shares { amount: amount("223.606797749978968640") }),
        ),
    ]
}

#[derive(Default)]
struct Lines(BTreeMap<String, String>);

impl Lines {
    fn bytes(&mut self, name: &str, bytes: &[u8]) {
        assert!(self.0.insert(name.to_string(), hex(bytes)).is_none(), "{name} stands twice");
    }

    fn hash(&mut self, name: &str, hash: Hash) {
        self.bytes(name, hash.as_bytes());
    }

    fn encoding<T: Encoded>(&mut self, name: &str, value: &T) {
        let mut buffer = vec![0; T::MAX_LEN];
        self.bytes(&format!("{name}.encoding"), encode(value, &mut buffer).unwrap());
    }
}

fn transactions(lines: &mut Lines) {
    let legs = [leg("ACC000002", "1250.5", "Invoice 2026/117"), leg("BANK_001", "0.000000000000000001", "")];
    for (nonce, (name, op)) in ops(&authority(), &LegsBuf::new(&legs).unwrap()).into_iter().enumerate() {
        let tx = Transaction {
            chain_id: ChainId::new("QENEX-TEST").unwrap(),
            sender: account("ACC000001"),
            nonce: nonce as u64 * 100,
            last_valid_height: 1_000_000,
            fee: amount("0.01"),
            op,
        };
        let name = &format!("transaction.{name}");
        lines.encoding(name, &tx);
        lines.hash(&format!("{name}.id"), tx.id());
        let digest = signing_digest(Scheme::Ed25519, Purpose::Transaction, &tx.id());
        lines.hash(&format!("{name}.signing_digest"), digest);

        let public_keys = [key(1).public_key(), key(2).public_key()];
        let signed = [key(1), key(2)].map(|key| key.sign(Purpose::Transaction, &tx.id()).unwrap());
        let signatures = [0, 1].map(|i| Signature {
            scheme: Scheme::Ed25519,
            public_key: &public_keys[i],
            signature: &signed[i],
        });
        let mut buffer = vec![0; MAX_SIGNED_LEN];
        let bytes = encode_signed(&tx, &signatures, &mut buffer).unwrap();
        lines.hash(&format!("{name}.signed.hash"), hash(Domain::LogLeaf, &[bytes]));
        lines.bytes(&format!("{name}.log_entry"), &SignedTransaction::decode(bytes).unwrap().log_entry());
    }
}

fn headers_and_receipts(lines: &mut Lines) {
    let header = Header {
        protocol: Header::PROTOCOL,
        chain_id: ChainId::new("QENEX-TEST").unwrap(),
        epoch: 3,
        view: 4,
        height: 1_000,
        parent: Hash([1; 32]),
        time_ms: 1_795_215_307_123,
        proposer: account("VALIDATOR_1"),
        transaction_root: Hash([2; 32]),
        state_root: Hash([3; 32]),
        receipt_root: Hash([4; 32]),
        validators: Hash([5; 32]),
        next_validators: Hash([6; 32]),
        seal: heapless::Vec::from_slice(&[7, 8, 9]).unwrap(),
    };
    lines.encoding("header", &header);
    lines.hash("header.id", header.id());
    let rules =
        WorkRules { target: Target::of_hashes(1 << 20), interval_ms: 1_000, halving_ms: 60_000, depth: 100 };
    let genesis = Header { height: 0, seal: rules.seal(), time_ms: 1_795_214_000_000, ..header.clone() };
    let target = WorkChain::of(&genesis).unwrap().target_after(&header);
    let sealed = Header { seal: Seal { target, nonce: 0x0102_0304_0506_0708 }.bytes(), ..header };
    lines.bytes("work.rules", &genesis.seal);
    lines.bytes("work.seal", &sealed.seal);
    lines.hash("work.unsealed", unsealed(&sealed));
    lines.hash("work.proof", Seal::of_bytes(&sealed.seal).unwrap().proof(&unsealed(&sealed)));
    lines.bytes("work.work", &target.work().to_bytes());
    let (a, b, c) = (amount("1000"), amount("0.453305446940074565"), amount("223.6"));
    for (name, outcome) in [
        ("done", Outcome::Done),
        ("swapped", Outcome::Swapped(a, b)),
        ("deposited", Outcome::Deposited(a, b, c)),
        ("withdrawn", Outcome::Withdrawn(a, b)),
    ] {
        lines.encoding(&format!("receipt.{name}"), &Receipt { fee: amount("0.01"), outcome });
    }
}

fn trees(lines: &mut Lines) {
    let mut keys = Vec::new();
    for (name, id, record) in records(&authority()) {
        lines.encoding(&format!("record.{name}"), &record);
        lines.hash(&format!("record.{name}.value_hash"), record.value_hash());
        lines.encoding(&format!("record_id.{name}"), &id);
        lines.hash(&format!("record_id.{name}.key"), id.key());
        keys.push((id.key(), Access::Write(record.value_hash())));
    }
    keys.sort_by_key(|(key, _)| *key);
    lines.hash("state_root.empty", state::EMPTY);
    for count in 1..=keys.len() {
        // The proof of the empty tree is its one empty node.
        let root = root_after(&state::EMPTY, &[0], &keys[..count]).unwrap();
        lines.hash(&format!("state_root.first_{count}_by_key"), root);
    }
    let leaves: Vec<_> = (0..9u8).map(|i| log::leaf_hash(&[i; 64])).collect();
    for size in 0..=leaves.len() {
        lines.hash(&format!("log_root.{size}"), log::root(&leaves[..size]));
    }
    let flat = |proof: &log::Proof| proof.iter().flat_map(|hash| hash.0).collect::<Vec<_>>();
    lines.bytes("log_inclusion.5_of_9", &flat(&log::inclusion_proof(&leaves, 5).unwrap()));
    lines.bytes("log_consistency.6_to_9", &flat(&log::consistency_proof(&leaves, 6).unwrap()));
}

fn keys_and_numbers(lines: &mut Lines) {
    for number in 1..=5 {
        let purpose = Purpose::from_number(number).unwrap();
        lines.hash(&format!("key_hash.purpose_{number}"), key(1).key_hash(purpose).0);
        let digest = signing_digest(Scheme::Ed25519, purpose, &Hash([9; 32]));
        lines.hash(&format!("signing_digest.purpose_{number}"), digest);
        lines.bytes(&format!("signature.purpose_{number}"), &key(1).sign(purpose, &Hash([9; 32])).unwrap());
    }
    lines.bytes("precise.one", &Precise::ONE.to_be_bytes());
    lines.bytes("precise.amount", &Precise::from_amount(amount("12345.678901234567890123")).to_be_bytes());
}

/// What a chain and a device agree on: votes, sets, policies, the audit log.
fn agreement_and_devices(lines: &mut Lines) {
    let chain = ChainId::new("QENEX-TEST").unwrap();
    let round = Round { epoch: 3, view: 300 };
    let proposal = Proposal { round, parent_view: 299, header: Hash([7; 32]) };
    for (name, vote) in [
        ("notarize", Vote::Notarize(proposal)),
        ("nullify", Vote::Nullify(round)),
        ("finalize", Vote::Finalize(proposal)),
    ] {
        lines.encoding(&format!("vote.{name}"), &vote);
        lines.hash(&format!("vote.{name}.id"), vote.id(&chain));
    }
    let mut set = SetHasher::new();
    let mut members = [key(1).public_key(), key(2).public_key(), key(3).public_key()];
    members.sort();
    let mut member = |key: &[u8; 32], number| set.push(Scheme::Ed25519, key, &[number; 32]).unwrap();
    members.iter().zip(21..).for_each(|(key, number)| member(key, number));
    lines.hash("validator_set", set.finish().unwrap());
    let checkpoint = Checkpoint { chain_id: chain, epoch: 3, height: 300, header: Hash([7; 32]) };
    lines.encoding("checkpoint", &checkpoint);
    lines.hash("checkpoint.id", checkpoint.id());
    lines.hash("checkpoint.key", finality_key(&[9; Scheme::Hybrid.public_key_bytes()]).0);

    let rule = AssetRule {
        asset: asset("USDC"),
        max_per_transaction: amount("1000"),
        window: Some(Window { span_ms: 86_400_000, max: amount("5000") }),
        min_after: amount("10.5"),
        approve_above: Some(amount("500")),
        delay_above: None,
    };
    let policy = Policy {
        account: account("BANK_001"),
        operations: OpSet::of(&[OpKind::Transfer, OpKind::SwapExactIn]),
        without_witness: OpSet::of(&[OpKind::Transfer]),
        max_fee: amount("1"),
        max_validity_blocks: 1_000,
        assets: sorted([rule]),
        receivers: Some(sorted([account("ACC000001"), account("ACC000002")])),
        min_receiver_kyc: KycLevel::Basic,
        pools: Some(sorted([pool()])),
        max_price_impact_bps: Some(100),
        max_slippage_bps: Some(50),
        hours: Some(Hours { from_minute: 480, until_minute: 1_080 }),
        approvals: Some(Approvals {
            threshold: 1,
            approvers: sorted([key(1).key_hash(Purpose::Approval)]),
            always: OpSet::of(&[OpKind::RotateAuthority]),
        }),
        delay_ms: 3_600_000,
        max_risk: Some(800),
        confirm: true,
    };
    lines.encoding("policy", &policy);
    lines.hash("approval", approval_id(&key(1).key_hash(Purpose::Transaction), &Hash([9; 32])));
    let entry = Entry {
        time_ms: 1_795_215_307_123,
        command: 56,
        refusal: 826,
        user: 1,
        key: 2,
        about: Hash([8; 32]),
    };
    lines.bytes("audit_entry", &entry.to_bytes());
    let head = Head::default().after(&entry.to_bytes());
    lines.hash("audit_head.after_one", head.hash);
    lines.hash("audit_head.signed", head.id(&[5; 32]));
    lines.bytes("pairing_code", pairing_code(&[6; 64]).as_bytes());
    shares(lines);
}

/// A root in shares, two of which restore it.
fn shares(lines: &mut Lines) {
    let coefficients = [[0x35; 32], [0x8a; 32]];
    let shares = [1, 2, 3].map(|place| shamir::share(&coefficients, place));
    let root = hash(Domain::BackupRoot, &[&coefficients[0]]);
    let mut bytes = [&Tag::BACKUP_SHARES.0[..], &[3, 2], root.as_bytes()].concat();
    for (number, share) in (1..).zip(&shares) {
        lines.bytes(&format!("share.{number}_of_3"), &**share);
        bytes.extend(hash(Domain::BackupShare, &[&[number], &**share]).0);
    }
    lines.bytes("share.manifest", &bytes);
    lines.hash("share.manifest.id", Manifest::read(&bytes).unwrap().0.id());
}

#[test]
fn encodings_ids_roots_and_digests_are_frozen() {
    let mut lines = Lines::default();
    transactions(&mut lines);
    headers_and_receipts(&mut lines);
    trees(&mut lines);
    keys_and_numbers(&mut lines);
    agreement_and_devices(&mut lines);
    stake(&mut lines);

    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/frozen.txt");
    if std::env::var("QENEX_FREEZE").is_ok_and(|value| value == "1") {
        let text: String = lines.0.iter().map(|(name, value)| format!("{name} {value}\n")).collect();
        std::fs::write(&path, text).unwrap();
        return;
    }
    let text = std::fs::read_to_string(&path).unwrap();
    let frozen: BTreeMap<_, _> = text.lines().filter_map(|line| line.split_once(' ')).collect();
    for (name, value) in &lines.0 {
        assert_eq!(frozen.get(name.as_str()), Some(&value.as_str()), "{name} has changed or is new");
    }
    let gone: Vec<_> = frozen.keys().filter(|name| !lines.0.contains_key(**name)).collect();
    assert!(gone.is_empty(), "no longer made: {gone:?}");
}
