//! Proof of work: targets, work and retargeting against numbers without bounds.
#![allow(clippy::unwrap_used)] // a test that meets what it does not expect should stop there

#[allow(dead_code)] // each test uses a part of it
mod num_common;

use num_bigint::{BigInt, BigUint, Sign};
use num_common::{cases, rng};
use num_integer::Integer;
use qenex_core::codec::{Encoded, encode};
use qenex_core::consensus::work::{Seal, Target, Work, WorkChain, WorkError, WorkRules, proven, unsealed};
use qenex_core::consensus::{Header, SealBytes};
use qenex_core::crypto::{Domain, Hash, Hasher, hash};
use qenex_core::id::{AccountId, ChainId};
use rand::rngs::StdRng;
use rand::{Rng, RngExt};

fn header(chain: &str, height: u64, parent: Hash, time_ms: u64) -> Header {
    Header {
        protocol: Header::PROTOCOL,
        chain_id: ChainId::new(chain).unwrap(),
        epoch: 0,
        view: 0,
        height,
        parent,
        time_ms,
        proposer: AccountId::new("MINER").unwrap(),
        transaction_root: Hash([1; 32]),
        state_root: Hash([2; 32]),
        receipt_root: Hash([3; 32]),
        validators: Hash::default(),
        next_validators: Hash::default(),
        seal: Default::default(),
    }
}

fn rules(target: Target, interval_ms: u32, halving_ms: u32) -> WorkRules {
    WorkRules { target, interval_ms, halving_ms, depth: 100 }
}

fn genesis(rules: WorkRules, time_ms: u64) -> Header {
    Header { seal: rules.seal(), ..header("WORK", 0, Hash::default(), time_ms) }
}

fn target(rng: &mut StdRng) -> Target {
    let size = rng.random_range(3..=32u32);
    Target::from_compact(size << 24 | rng.random_range(0x8000..=0x7f_ffff)).unwrap()
}

/// The number that a compact form stands for: `mantissa * 256^(size - 3)`.
fn number(compact: u32) -> BigUint {
    BigUint::from(compact & 0xff_ffff) << (8 * ((compact >> 24) - 3))
}

/// The canonical form of the largest target that is not above a number, found by trying all sizes.
fn compact(number_: &BigUint) -> u32 {
    let fits = (3..=32u32).find_map(|size| {
        let mantissa = number_ >> (8 * (size - 3));
        let mantissa = u32::try_from(mantissa).ok()?;
        (0x8000..=0x7f_ffff).contains(&mantissa).then_some(size << 24 | mantissa)
    });
    fits.unwrap_or(if *number_ < BigUint::from(0x8000u32) { 0x0300_8000 } else { 0x207f_ffff })
}

fn bytes(number: &BigUint) -> [u8; 32] {
    let bytes = number.to_bytes_be();
    let mut all = [0; 32];
    all[32 - bytes.len()..].copy_from_slice(&bytes);
    all
}

#[test]
fn a_target_has_one_form() {
    let mut rng = rng();
    for compact in [0x0300_8000, 0x207f_ffff, 0x1d00_ffff, 0x1b04_04cb] {
        assert_eq!(Target::from_compact(compact).unwrap().compact(), compact);
    }
    // Room left in the mantissa, a sign, no value, too small, too large.
    for compact in [0x0400_7fff, 0x0480_0000, 0, 0x2000_0000, 0x0200_8000, 0x2100_8000, u32::MAX] {
        assert_eq!(Target::from_compact(compact), Err(WorkError::Seal), "{compact:08x}");
    }
    for _ in 0..cases() {
        let one = target(&mut rng);
        assert_eq!(one.to_bytes(), bytes(&number(one.compact())), "{one}");
        assert_eq!(compact(&number(one.compact())), one.compact());
    }
}

#[test]
fn work_is_the_quotient() {
    let mut rng = rng();
    let whole = BigUint::from(1u32) << 256;
    let mut sum = (Work::ZERO, BigUint::ZERO);
    for _ in 0..cases() {
        let target = target(&mut rng);
        let expected = &whole / (number(target.compact()) + 1u32);
        assert_eq!(target.work().to_bytes(), bytes(&expected), "{target}");
        assert_eq!(target.work().hashes(), u64::try_from(&expected).unwrap_or(u64::MAX));
        assert_eq!(Work::from_bytes(target.work().to_bytes()), target.work());
        let more = &sum.1 + &expected;
        match sum.0.checked_add(target.work()) {
            Some(work) => {
                assert_eq!((work.to_bytes(), work > sum.0), (bytes(&more), true));
                sum = (work, more);
            }
            None => {
                assert!(more >= whole);
                sum = Default::default();
            }
        }
    }
    // The difficulty of Bitcoin's genesis is 2^32 and a little.
    assert_eq!(Target::from_compact(0x1d00_ffff).unwrap().work().hashes(), 0x1_0001_0001);
    for _ in 0..cases() {
        let hashes = rng.next_u64() >> rng.random_range(0..64);
        let target = Target::of_hashes(hashes);
        let expected = &whole / BigUint::from(hashes.max(1));
        assert_eq!(target.compact(), compact(&expected), "{hashes}");
        // A power of two is not a target and one more, by less than a hash.
        assert!(target.work().hashes() >= hashes.saturating_sub(1), "{hashes}");
    }
}

/// What the rule says, with numbers without bounds: the first target times 2^(how late / halving), by the published polynomial.
fn model(rules: &WorkRules, start_ms: u64, parent: &Header) -> u32 {
    let late = BigInt::from(parent.time_ms)
        - BigInt::from(start_ms)
        - BigInt::from(rules.interval_ms) * BigInt::from(parent.height);
    let sixteenths = (late << 16u32).div_floor(&BigInt::from(rules.halving_ms));
    let (whole, fraction) = sixteenths.div_mod_floor(&BigInt::from(1 << 16));
    let fraction = fraction.to_biguint().unwrap();
    let factor: BigUint = BigUint::from(65_536u32)
        + ((BigUint::from(195_766_423_245_049u64) * &fraction
            + BigUint::from(971_821_376u64) * &fraction * &fraction
            + BigUint::from(5_127u64) * &fraction * &fraction * &fraction
            + (BigUint::from(1u64) << 47u32))
            >> 48u32);
    let product = number(rules.target.compact()) * factor;
    // No target is moved further than this.
    let whole = i64::try_from(&whole).unwrap_or(if whole.sign() == Sign::Minus { -1_000 } else { 1_000 });
    let shift = whole.clamp(-1_000, 1_000) - 16;
    compact(&if shift < 0 { product >> -shift } else { product << shift })
}

#[test]
fn targets_follow_the_schedule() {
    let mut rng = rng();
    for case in 0..cases() {
        let halving_ms = rng.random::<u32>() >> rng.random_range(0..32);
        let halving_ms = halving_ms.max(1);
        let rules = rules(target(&mut rng), rng.random_range(1..=halving_ms), halving_ms);
        let start_ms = rng.next_u64() >> rng.random_range(0..64);
        let chain = WorkChain::of(&genesis(rules, start_ms)).unwrap();
        let height = rng.next_u64() >> rng.random_range(0..64);
        // Near its schedule, or anywhere.
        let near = start_ms.saturating_add(height.saturating_mul(rules.interval_ms.into()));
        let far = u64::from(halving_ms).saturating_mul(40);
        let time_ms = match case % 3 {
            0 => rng.next_u64() >> rng.random_range(0..64),
            _ => rng.random_range(near.saturating_sub(far)..=near.saturating_add(far)),
        };
        let parent = header("WORK", height, Hash::default(), time_ms);
        let found = chain.target_after(&parent).compact();
        assert_eq!(found, model(&rules, start_ms, &parent), "{rules:?} {start_ms} {height} {time_ms}");
    }
}

/// Twice as easy for each halving that the chain is behind, twice as hard for each that it is ahead; as scheduled, the first target.
#[test]
fn targets_double_and_halve() {
    let first = Target::of_hashes(1 << 40);
    let chain = WorkChain::of(&genesis(rules(first, 1_000, 60_000), 5_000)).unwrap();
    let hashes = |height: u64, time_ms| {
        chain.target_after(&header("WORK", height, Hash::default(), time_ms)).work().hashes()
    };
    let at = |height: u64| 5_000 + 1_000 * height;
    assert_eq!(chain.target_after(&header("WORK", 70, Hash::default(), at(70))), first);
    for halvings in 0..20 {
        let (late, early) =
            (hashes(1_200, at(1_200) + halvings * 60_000), hashes(1_200, at(1_200) - halvings * 60_000));
        let near = |found: u64, expected: u64| found.abs_diff(expected) <= expected >> 14;
        assert!(
            near(late, 1 << (40 - halvings)) && near(early, 1 << (40 + halvings)),
            "{halvings}: {late} {early}"
        );
    }
}

/// A chain on which the hashing power jumps up and down keeps its schedule.
#[test]
fn a_chain_keeps_its_schedule() {
    let mut rng = rng();
    let chain = WorkChain::of(&genesis(rules(Target::of_hashes(1_000), 1_000, 100_000), 0)).unwrap();
    let (mut time_ms, mut per_ms) = (0f64, 1f64);
    let mut parent = header("WORK", 0, Hash::default(), 0);
    for height in 1..=20_000u64 {
        if height % 2_000 == 0 {
            per_ms = 10f64.powf(rng.random_range(0.0..2.0));
        }
        let hashes = chain.target_after(&parent).work().hashes() as f64;
        time_ms += -(1.0 - rng.random::<f64>()).ln() * hashes / per_ms;
        parent = header("WORK", height, Hash::default(), time_ms as u64);
    }
    // A hundredfold power is 6.6 halvings ahead, and chance is some blocks.
    assert!((time_ms - 20_000_000.0).abs() < 1_000_000.0, "{time_ms}");
}

fn mine(chain: &WorkChain, parent: &Header, mut header: Header) -> Header {
    let target = chain.target_after(parent);
    for nonce in 0.. {
        header.seal = Seal { target, nonce }.bytes();
        if proven(&header).is_ok() {
            break;
        }
    }
    header
}

#[test]
fn a_proof_covers_the_header_and_its_seal() {
    let first = genesis(rules(Target::of_hashes(300), 1_000, 60_000), 5_000);
    let chain = WorkChain::of(&first).unwrap();
    let good = mine(&chain, &first, header("WORK", 1, first.id(), 6_000));
    let work = chain.target_after(&first).work();
    assert_eq!(chain.follow(&first, &good), Ok(work));
    assert!(work.hashes() >= 300);
    // By hand: the id without the seal, then the seal.
    let plain = Header { seal: Default::default(), ..good.clone() };
    assert_eq!(unsealed(&good), plain.id());
    let mut buffer = [0; Header::MAX_LEN];
    let mut hasher = Hasher::new(Domain::Header);
    hasher.update(encode(&plain, &mut buffer).unwrap());
    let proof = hash(Domain::Work, &[&hasher.finish().0, &good.seal]);
    let below =
        |proof: Hash| BigUint::from_bytes_be(&proof.0) <= number(chain.target_after(&first).compact());
    assert!(below(proof));

    let refused = |change: &dyn Fn(&mut Header)| {
        let mut changed = good.clone();
        change(&mut changed);
        chain.follow(&first, &changed)
    };
    assert_eq!(refused(&|header| header.protocol += 1), Err(WorkError::Protocol));
    assert_eq!(refused(&|header| header.chain_id = ChainId::new("OTHER").unwrap()), Err(WorkError::Chain));
    assert_eq!(refused(&|header| header.height = 2), Err(WorkError::Parent));
    assert_eq!(refused(&|header| header.parent = Hash::default()), Err(WorkError::Parent));
    assert_eq!(refused(&|header| header.time_ms = 4_999), Err(WorkError::Time));
    assert_eq!(refused(&|header| header.seal.clear()), Err(WorkError::Seal));
    assert_eq!(refused(&|header| header.seal.push(0).unwrap()), Err(WorkError::Seal));
    let easier = Seal { target: Target::EASIEST, nonce: 0 }.bytes();
    assert_eq!(refused(&|header| header.seal = easier.clone()), Err(WorkError::Target));
    let harder = Seal { target: Target::HARDEST, nonce: 0 }.bytes();
    assert_eq!(refused(&|header| header.seal = harder.clone()), Err(WorkError::Target));
    // Another nonce, or a change of what it was looked for: one in three hundred is a proof by chance, so each is judged by hand, too.
    let mut wrong = 0;
    for byte in 0..=255 {
        let mut changed = good.clone();
        changed.state_root = Hash([byte; 32]);
        let right = below(hash(Domain::Work, &[&unsealed(&changed).0, &changed.seal]));
        let expected = if right { Ok(work) } else { Err(WorkError::Proof) };
        assert_eq!(chain.follow(&first, &changed), expected);
        wrong += usize::from(!right);
    }
    assert!(wrong > 200, "{wrong}");
}

#[test]
fn rules_stand_in_the_genesis() {
    let good = rules(Target::of_hashes(7), 1_000, 60_000);
    assert_eq!(WorkChain::of(&genesis(good, 0)).unwrap().rules, good);
    let cases = [
        WorkRules { interval_ms: 0, ..good },
        WorkRules { halving_ms: 999, ..good },
        WorkRules { depth: 0, ..good },
        WorkRules { depth: WorkRules::MAX_DEPTH + 1, ..good },
    ];
    for wrong in cases {
        assert_eq!(wrong.check(), Err(WorkError::Rules));
        assert_eq!(WorkChain::of(&genesis(wrong, 0)), Err(WorkError::Rules));
    }
    let sealed = |seal: &[u8]| {
        WorkChain::of(&Header { seal: SealBytes::from_slice(seal).unwrap(), ..genesis(good, 0) })
    };
    assert_eq!(sealed(&[]), Err(WorkError::Rules));
    assert_eq!(sealed(&good.seal()[..15]), Err(WorkError::Rules));
    assert_eq!(sealed(&[&good.seal()[..], &[0]].concat()), Err(WorkError::Rules));
    assert_eq!(sealed(&[&[0xff; 4][..], &good.seal()[4..]].concat()), Err(WorkError::Rules));
}
