//! Sharing of secrets against the crate vsss-rs and the vectors of SLIP-39.
#![allow(clippy::unwrap_used)] // a test that meets what it does not expect should stop there

use hmac::{Hmac, KeyInit, Mac};
use qenex_core::crypto::Hash;
use qenex_core::crypto::shamir::{combine, share};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sha2::Sha256;
use vsss_rs::Gf256;
use zeroize::Zeroizing;

/// A generator from QENEX_SEED, or from a new seed; it prints the seed, which replays the run.
fn generator() -> StdRng {
    let seed =
        std::env::var("QENEX_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or_else(rand::random);
    println!("replay with QENEX_SEED={seed}");
    StdRng::seed_from_u64(seed)
}

type Shares = Vec<(u8, Zeroizing<[u8; 32]>)>;

/// As the crate writes it: place and bytes in one.
fn joined(shares: &Shares) -> Vec<Vec<u8>> {
    shares.iter().map(|(place, bytes)| [&[*place], &bytes[..]].concat()).collect()
}

#[test]
fn either_combines_what_the_other_has_cut() {
    let mut rng = generator();
    for count in 2..=16u8 {
        for threshold in 2..=count {
            let mut coefficients = vec![[0; 32]; threshold.into()];
            coefficients.iter_mut().for_each(|coefficient| rng.fill(coefficient));
            let secret = coefficients[0];
            let mut ours: Shares = (1..=count).map(|place| (place, share(&coefficients, place))).collect();
            let theirs = Gf256::split_bytes(threshold.into(), count.into(), secret, &mut rng).unwrap();
            let mut theirs: Shares = theirs
                .iter()
                .map(|share| (share[0], Zeroizing::new(share[1..].try_into().unwrap())))
                .collect();
            // Any of them, in any order.
            for shares in [&mut ours, &mut theirs] {
                for last in (1..shares.len()).rev() {
                    shares.swap(last, rng.random_range(0..=last));
                }
                for number in [threshold, count] {
                    let some = shares[..number.into()].to_vec();
                    assert_eq!(*combine(&some), secret, "{number} of {count}, threshold {threshold}");
                    assert_eq!(Gf256::combine_bytes(joined(&some)).unwrap(), secret);
                }
                // Both find the same wrong secret in too few.
                let few = shares[..usize::from(threshold) - 1].to_vec();
                assert_ne!(*combine(&few), secret);
                if few.len() > 1 {
                    assert_eq!(Gf256::combine_bytes(joined(&few)).unwrap(), *combine(&few));
                }
            }
        }
    }
}

/// One share less than the threshold goes with every secret: whatever is put at one more place gives another one.
#[test]
fn too_few_shares_go_with_every_secret() {
    let coefficients = [[7; 32], [1; 32], [2; 32]];
    let mut shares: Shares = (1..=2).map(|place| (place, share(&coefficients, place))).collect();
    shares.push((3, Zeroizing::new([0; 32])));
    let mut secrets: Vec<u8> = (0..=u8::MAX)
        .map(|byte| {
            *shares[2].1 = [byte; 32];
            combine(&shares)[0]
        })
        .collect();
    secrets.sort();
    assert_eq!(secrets, (0..=u8::MAX).collect::<Vec<_>>());
}

/// A member's or group's share: its index and its bytes.
type Vector = (u8, &'static str);

/// What the shares of SLIP-39 have at a place: there the secret is at 255 and its digest at 254. The places of our polynomials are those of SLIP-39
/// plus the place that is asked for, so that it becomes 0; sums are without carry.
fn at(place: u8, shares: &[(u8, [u8; 32])]) -> [u8; 32] {
    let moved: Shares = shares.iter().map(|(index, bytes)| (index ^ place, Zeroizing::new(*bytes))).collect();
    *combine(&moved)
}

/// Combines shares, and checks the secret against its digest (SLIP-39, "Sharing a secret").
fn slip_39(shares: &[(u8, [u8; 32])]) -> [u8; 32] {
    let (secret, digest) = (at(255, shares), at(254, shares));
    let mut mac = Hmac::<Sha256>::new_from_slice(&digest[4..]).unwrap();
    mac.update(&secret);
    assert_eq!(mac.finalize().into_bytes()[..4], digest[..4]);
    secret
}

fn bytes(hex: &str) -> [u8; 32] {
    Hash::from_hex(hex).unwrap().0
}

fn members(vectors: &[Vector]) -> Vec<(u8, [u8; 32])> {
    vectors.iter().map(|(index, hex)| (*index, bytes(hex))).collect()
}

/// The values of the shares in `vectors.json` of SLIP-39 (github.com/trezor/python-shamir-mnemonic) with 256 bits.
#[test]
fn vectors_of_slip_39() {
    // 23: two of three.
    let secret = slip_39(&members(&[
        (2, "81e5473f4b7f66094f888d2f98fe0ded6a692dc72c65dc498d6e28bee6ebdfcc"),
        (1, "19e366e9b2e34851e52132c31c2b2c957321bf5ce6c9c1410ea1ddf5fef92c27"),
    ]));
    assert_eq!(secret, bytes("0204622ff84267b5dae0ca4e0c1328d6611b96b92b11692e5a7542314f7a54ee"));

    // 36 to 38: two of four groups. 36: three members of group 2, two of group 3.
    let group_2 = slip_39(&members(&[
        (0, "82a363ed145a49a4e37311253c105846c0afb13b74e5ddda9cc25d7aae49bc89"),
        (1, "d127f1f9bc12e3856fb3983104783b71480d249d80101568def4a41100177dfb"),
        (4, "4bde8a604105f3a6c32f2f547131aafea756725a28e80a14d59d8f05c4adcca5"),
    ]));
    let member_of_3 = (1, "094ed0a7c9b50a3dcecc037bb4e34eb5b158a8ee3f8ea661e76521e07629e663");
    let group_3 = slip_39(&members(&[
        member_of_3,
        (2, "98091ab3396a2e9ab9d6889b6507fce1e3c12dd0a2676ee52bb1b389ec320a90"),
    ]));
    // 37: other members of group 3, and group 1, which is one share.
    let again = slip_39(&members(&[
        member_of_3,
        (4, "a187959bc2cf66cf57e28540dcd4834947e83cac83aee5f6a8028c5bc304c96d"),
    ]));
    assert_eq!(again, group_3);
    let group_1 = bytes("6b4b917c4263ba9978a28eee6c214dfa1ae31bacdf3d515516c6b508c3cb8204");
    // 38: groups 0 and 1.
    let group_0 = bytes("bc41d7aec90d616217e3d505413186c5a96f1b78aea3ef47f6da666337107b86");
    let secret = bytes("c41d5cf80fed71a008a3a0ae0458ff0c6d621b1a5522bccbfedbcfad87005c06");
    for groups in [[(2, group_2), (3, group_3)], [(3, group_3), (1, group_1)], [(1, group_1), (0, group_0)]] {
        assert_eq!(slip_39(&groups), secret);
    }
}
