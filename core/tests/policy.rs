//! Policies: their one form, what is no policy, and the counters of spans of time against every amount that ever left.
#![allow(clippy::unwrap_used)] // a test that meets what it does not expect should stop there

#[allow(dead_code)] // each test uses a part of it
mod num_common;
mod policy_lists;

use policy_lists::sorted;
use qenex_core::codec::{Encoded, Lent, encode};
use qenex_core::consensus::{Round, Vote};
use qenex_core::crypto::{Hash, KeyHash};
use qenex_core::id::{AccountId, AssetId, ChainId, NATIVE_ASSET, PoolId};
use qenex_core::ledger::Fetched;
use qenex_core::num::Amount;
use qenex_core::policy::{
    Approvals, AssetRule, Case, Hours, MAX_APPROVERS, MAX_ASSETS, MAX_POOLS, MAX_RECEIVER_LIST, OpKind,
    OpSet, Policy, PolicyError, PolicyRefusal, SLOTS, Sorted, Spent, Window, Windows, judge,
};
use qenex_core::tx::{
    Delegate, KycLevel, Leave, Op, Report, SignedVote, Stand, Transaction, Unbond, Withdraw,
};
use rand::RngExt;

fn asset(index: usize) -> AssetId {
    AssetId::new(&format!("ASSET_{index:018}")).unwrap()
}

fn rule(index: usize) -> AssetRule {
    AssetRule {
        asset: asset(index),
        max_per_transaction: Amount::MAX,
        window: Some(Window { span_ms: u64::MAX, max: Amount::MAX }),
        min_after: Amount::MAX,
        approve_above: Some(Amount::MAX),
        delay_above: Some(Amount::MAX),
    }
}

/// A policy with as much in it as there can be.
fn largest() -> Policy<'static> {
    let accounts = (0..MAX_RECEIVER_LIST).map(|i| AccountId::new(&format!("ACCOUNT_{i:016}")).unwrap());
    let pools = (0..MAX_POOLS).map(|i| PoolId::new(&format!("POOL_{i:019}")).unwrap());
    let approvers = (0..MAX_APPROVERS).map(|i| KeyHash(Hash([i as u8; 32])));
    Policy {
        account: AccountId::new("ACCOUNT_0000000000000000").unwrap(),
        operations: OpSet::of(OpKind::ALL),
        without_witness: OpSet::of(OpKind::ALL),
        max_fee: Amount::MAX,
        max_validity_blocks: u64::MAX,
        assets: sorted((0..MAX_ASSETS).map(rule)),
        receivers: Some(sorted(accounts)),
        min_receiver_kyc: KycLevel::Enhanced,
        pools: Some(sorted(pools)),
        max_price_impact_bps: Some(10_000),
        max_slippage_bps: Some(10_000),
        hours: Some(Hours { from_minute: 1_439, until_minute: 1_438 }),
        approvals: Some(Approvals {
            threshold: MAX_APPROVERS as u8,
            approvers: sorted(approvers),
            always: OpSet::of(OpKind::ALL),
        }),
        delay_ms: u64::MAX,
        max_risk: Some(10_000),
        confirm: true,
    }
}

fn bytes(policy: &Policy<'_>) -> Vec<u8> {
    let mut buffer = [0; <Policy<'_> as Encoded>::MAX_LEN];
    encode(policy, &mut buffer).unwrap().to_vec()
}

#[test]
fn a_policy_has_one_form() {
    let policy = largest();
    let encoded = bytes(&policy);
    assert_eq!(Policy::decode(&encoded), Ok(policy));
    for end in 0..encoded.len() {
        assert_eq!(Policy::decode(&encoded[..end]), Err(PolicyError::Encoding), "{end}");
    }
    assert_eq!(Policy::decode(&[&encoded[..], &[0]].concat()), Err(PolicyError::Encoding));
    // Whatever byte is changed: no policy, or one whose only encoding this is.
    for byte in 0..encoded.len() {
        for bit in 0..8 {
            let mut changed = encoded.clone();
            changed[byte] ^= 1 << bit;
            if let Ok(other) = Policy::decode(&changed) {
                assert_eq!(bytes(&other), changed);
            }
        }
    }
}

#[test]
fn what_is_out_of_range_is_no_policy() {
    let wrong = |change: &dyn Fn(&mut Policy<'_>), expected| {
        let mut policy = largest();
        change(&mut policy);
        assert_eq!(policy.check(), Err(expected));
        assert_eq!(Policy::decode(&bytes(&policy)), Err(expected));
    };
    let range = PolicyError::Range;
    wrong(&|p| p.operations = OpSet::default(), range);
    wrong(&|p| p.max_price_impact_bps = Some(10_001), range);
    wrong(&|p| p.max_slippage_bps = Some(10_001), range);
    wrong(&|p| p.max_risk = Some(10_001), range);
    wrong(&|p| p.hours = Some(Hours { from_minute: 1_440, until_minute: 0 }), range);
    wrong(&|p| p.hours = Some(Hours { from_minute: 0, until_minute: 1_440 }), range);
    wrong(&|p| p.hours = Some(Hours { from_minute: 7, until_minute: 7 }), range);
    wrong(&|p| p.approvals = None, range);
    wrong(&|p| p.approvals.as_mut().unwrap().threshold = 0, range);
    wrong(&|p| p.approvals.as_mut().unwrap().threshold = 9, range);
    wrong(&|p| p.delay_ms = 0, range);
    let short = |p: &mut Policy<'_>| {
        let mut rule = rule(0);
        rule.window = Some(Window { span_ms: SLOTS as u64 - 1, max: Amount::ZERO });
        p.assets = sorted([rule]);
    };
    wrong(&short, range);
    // Two rules for one asset.
    let twice = |p: &mut Policy<'_>| {
        let other = AssetRule { max_per_transaction: Amount::ZERO, ..rule(0) };
        p.assets = sorted([other, rule(0)]);
    };
    wrong(&twice, PolicyError::Order);
    let list = |items: &[u8]| Sorted::<u8, 3>::new(items.iter().copied(), &mut [0; 4]).map(|_| ());
    assert_eq!(list(&[2, 1]), Err(PolicyError::Order));
    assert_eq!(list(&[1, 1]), Err(PolicyError::Order));
    assert_eq!(list(&[1, 2, 3, 4]), Err(PolicyError::TooMany));
    assert_eq!(list(&[1, 2, 3]), Ok(()));
    let short = Sorted::<u8, 3>::new([1, 2, 3], &mut [0; 2]).map(|_| ());
    assert_eq!(short, Err(PolicyError::TooMany));
}

#[test]
fn hours_are_minutes_of_the_day() {
    let ms = |day: u64, minute: u64| (day * 1_440 + minute) * 60_000;
    let day = Hours { from_minute: 540, until_minute: 1_020 };
    let night = Hours { from_minute: 1_020, until_minute: 540 };
    for minute in 0..1_440 {
        let within = (540..1_020).contains(&minute);
        for offset in [0, 59_999] {
            assert_eq!(day.contain(ms(20_000, minute) + offset), within, "{minute}");
            assert_eq!(night.contain(ms(3, minute) + offset), !within, "{minute}");
        }
    }
}

/// Random spending over random times. The model keeps every amount with its time.
#[test]
fn no_span_of_time_sees_more_than_the_limit() {
    let mut rng = num_common::rng();
    let (mut allowed, mut refused) = (0u64, 0u64);
    let largest = largest();
    for _ in 0..num_common::cases() / 100 {
        let span_ms = rng.random_range(SLOTS as u64..5_000);
        let max = rng.random_range(1..1_000);
        let window = Window { span_ms, max: Amount::from_whole(max) };
        let (one, mut room) = (AssetRule { window: Some(window), ..rule(0) }, [0; 200]);
        let policy = Policy { assets: Sorted::new([one], &mut room).unwrap(), ..largest };
        let mut windows = Windows::default();
        let mut spent: Vec<(u64, u64)> = Vec::new();
        let mut now = rng.random_range(0..1 << 40);
        for _ in 0..100 {
            now += match rng.random_range(0..10) {
                0 => rng.random_range(0..3 * span_ms),
                1..5 => rng.random_range(0..span_ms / 4 + 1),
                _ => rng.random_range(0..3),
            };
            let sum = rng.random_range(0..=max / 2);
            let total = windows.total(&asset(0), &window, now);
            let within = |reach: u64| -> u64 {
                let since = now.saturating_sub(reach);
                spent.iter().filter(|(time, _)| *time > since).map(|(_, sum)| sum).sum()
            };
            // Never less than the span holds, never more than the span and two slots more do.
            let slot = span_ms.div_ceil(SLOTS as u64 - 1);
            assert!(total >= Amount::from_whole(within(span_ms)), "span {span_ms}");
            assert!(total <= Amount::from_whole(within(slot * (SLOTS as u64 + 1))), "span {span_ms}");
            if total.checked_add(Amount::from_whole(sum)).unwrap() <= window.max {
                let spend = [Spent { asset: asset(0), amount: Amount::from_whole(sum) }];
                let before = windows.totals(&policy, &spend, now);
                assert_eq!(windows.counted(&before, &policy, &spend, now), sum == 0);
                windows.add(&policy, &spend, now).unwrap();
                assert!(windows.counted(&before, &policy, &spend, now));
                spent.push((now, sum));
                assert!(within_span(&spent, now, span_ms) <= max);
                allowed += 1;
            } else {
                refused += 1;
            }
        }
        // The longest encoding of counters has room in its record.
        let mut buffer = [0; <Windows as Encoded>::MAX_LEN];
        encode(&windows, &mut buffer).unwrap();
    }
    assert!(allowed > 0 && refused > 0);
}

/// What left in the span that ends now.
fn within_span(spent: &[(u64, u64)], now: u64, span_ms: u64) -> u64 {
    let since = now.saturating_sub(span_ms);
    spent.iter().filter(|(time, _)| *time > since).map(|(_, sum)| sum).sum()
}

/// A span that officers change forgets nothing: what was counted counts as if it had just left.
#[test]
fn a_changed_span_forgets_nothing() {
    let window = |span_ms| Window { span_ms, max: Amount::from_whole(100) };
    let with = |span_ms| {
        let rule = AssetRule { window: Some(window(span_ms)), ..rule(0) };
        Policy { assets: sorted([rule]), ..largest() }
    };
    let spend = [Spent { asset: asset(0), amount: Amount::from_whole(60) }];
    let mut windows = Windows::default();
    windows.add(&with(7_000), &spend, 100_000).unwrap();
    assert_eq!(windows.total(&asset(0), &window(70_000), 100_500), Amount::from_whole(60));
    windows.add(&with(70_000), &[], 100_500).unwrap();
    let spend = [Spent { asset: asset(0), amount: Amount::from_whole(1) }];
    windows.add(&with(70_000), &spend, 100_500).unwrap();
    assert_eq!(windows.total(&asset(0), &window(70_000), 160_000), Amount::from_whole(61));
    assert_eq!(windows.total(&asset(0), &window(70_000), 190_000), Amount::ZERO);
    // Counters of assets without a window make room for others.
    let others = |from: usize| Policy { assets: sorted((from..from + MAX_ASSETS).map(rule)), ..largest() };
    for from in [10, 20, 30] {
        for index in from..from + MAX_ASSETS {
            let spend = [Spent { asset: asset(index), amount: Amount::from_whole(1) }];
            windows.add(&others(from), &spend, 200_000).unwrap();
        }
    }
}

/// Stake leaves an account like a payment, goes only behind validators that are named as receivers, and comes back without a limit.
#[test]
fn stake_is_spent_like_a_payment() {
    let id = |text: &str| AccountId::new(text).unwrap();
    let units = |units: u128| Amount::from_units(units).unwrap();
    let rule = AssetRule {
        asset: NATIVE_ASSET,
        max_per_transaction: units(110),
        window: None,
        min_after: Amount::ZERO,
        approve_above: None,
        delay_above: None,
    };
    let judged = |operations: &[OpKind], op: Op<'_>| {
        let policy = Policy {
            operations: OpSet::of(operations),
            without_witness: OpSet::of(operations),
            max_fee: units(10),
            max_validity_blocks: 100,
            assets: sorted([rule]),
            receivers: Some(sorted([id("NAMED")])),
            ..Policy::nothing(id("ALICE"))
        };
        let transaction = Transaction {
            chain_id: ChainId::new("TEST").unwrap(),
            sender: id("ALICE"),
            nonce: 0,
            last_valid_height: 9,
            fee: units(10),
            op,
        };
        let case: Case<'_, Fetched<'_, '_>> = Case {
            transaction: &transaction,
            height: 0,
            time_ms: 0,
            windows: &Windows::default(),
            executed: None,
            approvals: 0,
            requested_ms: 0,
            risk: None,
        };
        judge(&policy, &case)
            .map(|exposed| exposed.iter().map(|spent| spent.amount.units()).collect::<Vec<_>>())
    };
    let delegate = |to, amount| Op::Delegate(Delegate { validator: id(to), amount: units(amount) });
    let stand = |amount| {
        let [vote_key, peer_key, finality_key] = [&[1; 32], &[2; 32], &[3; 32]].map(Lent);
        let amount = units(amount);
        Op::Stand(Stand { slot: 0, vote_key, peer_key, finality_key, commission_bps: 0, amount })
    };
    let vote = Vote::Nullify(Round { epoch: 1, view: 1 });
    let signed = SignedVote { vote, signature: Lent(&[0; 64]) };
    let report = Report { validator: id("OTHER"), vote_key: Lent(&[1; 32]), first: signed, second: signed };
    assert_eq!(judged(OpKind::ALL, delegate("NAMED", 100)), Ok(vec![110]));
    assert_eq!(judged(OpKind::ALL, delegate("NAMED", 101)), Err(PolicyRefusal::Amount));
    assert_eq!(judged(OpKind::ALL, delegate("OTHER", 1)), Err(PolicyRefusal::Receiver));
    assert_eq!(judged(OpKind::ALL, stand(100)), Ok(vec![110]));
    assert_eq!(judged(OpKind::ALL, stand(101)), Err(PolicyRefusal::Amount));
    for (kind, op) in [
        (OpKind::Unbond, Op::Unbond(Unbond { validator: id("OTHER"), shares: units(1_000) })),
        (OpKind::Withdraw, Op::Withdraw(Withdraw { validator: id("OTHER") })),
        (OpKind::Leave, Op::Leave(Leave { slot: 0 })),
        (OpKind::Report, Op::Report(report)),
    ] {
        assert_eq!(judged(&[kind], op.clone()), Ok(vec![10]));
        let others: Vec<OpKind> = OpKind::ALL.iter().copied().filter(|other| *other != kind).collect();
        assert_eq!(judged(&others, op), Err(PolicyRefusal::Operation));
    }
}
