//! What policies allow a device to sign: each rule, windows, approvals, delays.
#![allow(clippy::unwrap_used)] // a test that meets what it does not expect should stop there

#[allow(dead_code)] // each test uses a part of it
mod flash_disk;
#[allow(dead_code)]
mod hsm_bank;
#[allow(dead_code)]
mod hsm_board;
#[allow(dead_code)]
mod merkle_model;
mod policy_lists;

use hsm_bank::{
    Bench, HOUR_MS, account, amount, eth, persons, policy, pool, rule, swap_in, transaction, transfer, usdc,
    usdc_rule,
};
use hsm_board::{refused, tell};
use policy_lists::sorted;
use qenex_core::codec::{Encoded, encode};
use qenex_core::crypto::ed25519::SecretKey;
use qenex_core::crypto::{Hash, KeyHash, Purpose, Scheme};
use qenex_core::error::{
    APPROVER_UNKNOWN, Code, EXPIRED, NOT_CONFIRMED, POLICY_ACCOUNT, POLICY_AMOUNT, POLICY_APPROVALS,
    POLICY_ASSET, POLICY_DELAY, POLICY_FEE, POLICY_HOURS, POLICY_OPERATION, POLICY_POOL, POLICY_PRICE_IMPACT,
    POLICY_RECEIVER, POLICY_RECEIVER_KYC, POLICY_REMAINDER, POLICY_RISK, POLICY_SLIPPAGE, POLICY_UNPROVEN,
    POLICY_VALIDITY, POLICY_WINDOW, SIGNATURE_MISMATCH, WRONG_CHAIN,
};
use qenex_core::hsm::approval_id;
use qenex_core::hsm::proto::{Approve, BeginSign, Command};
use qenex_core::id::{ChainId, NATIVE_ASSET};
use qenex_core::policy::{Approvals, Hours, OpKind, OpSet, Policy, Window};
use qenex_core::tx::{KycLevel, Op, SwapExactOut, Transaction};

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
        assert_eq!(bench.judge(&bad, &[]), refused(code), "{name}");
        assert_eq!(bench.sign(&bad, &[]), refused(code), "{name}");
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
    assert_eq!(bench.judge(&second, &[&first]), refused(POLICY_WINDOW));
    // Signing the same again counts once.
    bench.sign(&first, &[]).unwrap();
    let second = send(8, "400");
    bench.sign(&second, &[&first]).unwrap();
    bench.ledger.execute(&first, 11);
    bench.ledger.execute(&second, 11);
    for hours in 1..=7 {
        bench.advance(1, HOUR_MS);
        let result = bench.judge(&send(9, "0.000000000000000001"), &[]);
        assert_eq!(result, refused(POLICY_WINDOW), "after {hours} hours");
    }
    bench.advance(1, HOUR_MS);
    bench.judge(&send(9, "1000"), &[]).unwrap();
    assert_eq!(bench.judge(&send(9, "1000.000000000000000001"), &[]), refused(POLICY_AMOUNT));
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
    assert_eq!(bench.judge(&tx, &[]), refused(POLICY_APPROVALS));
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
        assert_eq!(approve(&mut bench, person, purpose, &id), refused(code));
    }
    approve(&mut bench, &persons[0], Purpose::Approval, &right).unwrap();
    assert_eq!(approve(&mut bench, &persons[0], Purpose::Approval, &right), refused(APPROVER_UNKNOWN));
    assert_eq!(bench.finish(&tx), refused(POLICY_APPROVALS));
    approve(&mut bench, &persons[2], Purpose::Approval, &right).unwrap();
    bench.finish(&tx).unwrap();

    // An operation that always needs approvals.
    bench.set(&Policy {
        approvals: Some(Approvals { always: OpSet::of(&[OpKind::Transfer]), ..approvals }),
        ..policy()
    });
    let next = transaction(8, transfer(&[("SHOP", "1")]));
    assert_eq!(bench.judge(&next, &[&tx]), refused(POLICY_APPROVALS));
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
    assert_eq!(bench.judge(&tx, &[]), refused(POLICY_DELAY));
    bench.advance(1, HOUR_MS);
    assert_eq!(bench.sign(&tx, &[]), refused(POLICY_DELAY));
    bench.advance(1, HOUR_MS - 1);
    assert_eq!(bench.sign(&tx, &[]), refused(POLICY_DELAY));
    bench.advance(1, 1);
    bench.sign(&tx, &[]).unwrap();
}

#[test]
fn a_person_confirms_on_the_panel() {
    let mut bench = Bench::new();
    bench.set(&Policy { confirm: true, ..policy() });
    let tx = transaction(7, transfer(&[("SHOP", "1")]));
    bench.hsm.board().confirms = false;
    assert_eq!(bench.sign(&tx, &[]), refused(NOT_CONFIRMED));
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
    assert_eq!(begin(&mut bench, &send(8, "1001")), refused(POLICY_AMOUNT));
    assert_eq!(begin(&mut bench, &transaction(8, swap_in("5", "0", None))), refused(POLICY_OPERATION));
    let expired = Transaction { last_valid_height: 10, ..send(8, "5") };
    assert_eq!(begin(&mut bench, &expired), refused(EXPIRED));
    let other = Transaction { chain_id: ChainId::new("OTHER").unwrap(), ..send(8, "5") };
    assert_eq!(begin(&mut bench, &other), refused(WRONG_CHAIN));
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
        assert_eq!(begin(&mut bench, &tx), refused(POLICY_UNPROVEN));
    }
}
