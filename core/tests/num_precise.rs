//! Numbers with 128 fractional digits against arbitrary-precision integers.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod num_common;

use std::cmp::Ordering;

use num_bigint::BigUint;
use num_common::{cases, number, rng, words};
use num_integer::Integer;
use qenex_core::num::{Amount, NumError, Precise, Rounding};
use rand::{RngExt, rngs::StdRng};

const ROUNDINGS: [Rounding; 2] = [Rounding::Down, Rounding::Up];

fn scale() -> BigUint {
    BigUint::from(10u8).pow(128)
}

fn from_big(value: &BigUint) -> Result<Precise, NumError> {
    if value.bits() > 768 {
        return Err(NumError::Overflow);
    }
    let mut bytes = [0; 96];
    let digits = value.to_bytes_be();
    bytes[96 - digits.len()..].copy_from_slice(&digits);
    Ok(Precise::from_be_bytes(bytes))
}

/// Words, least significant first.
fn big(words: &[u64]) -> BigUint {
    words.iter().rev().fold(BigUint::ZERO, |sum, word| (sum << 64) + *word)
}

fn to_big(value: Precise) -> BigUint {
    BigUint::from_bytes_be(&value.to_be_bytes())
}

fn divide(dividend: BigUint, divisor: &BigUint, rounding: Rounding) -> BigUint {
    match rounding {
        Rounding::Down => dividend / divisor,
        Rounding::Up => dividend.div_ceil(divisor),
    }
}

fn any(rng: &mut StdRng) -> BigUint {
    big(&words::<12>(rng, 768))
}

fn check_product(a: &BigUint, b: &BigUint) {
    let (x, y) = (from_big(a).unwrap(), from_big(b).unwrap());
    for rounding in ROUNDINGS {
        let expected = from_big(&divide(a * b, &scale(), rounding));
        assert_eq!(x.checked_mul(y, rounding), expected, "{a} * {b} {rounding:?}");
    }
}

#[test]
fn sums_differences_and_order() {
    let mut rng = rng();
    for _ in 0..cases().div_ceil(8) {
        let (a, b) = (any(&mut rng), any(&mut rng));
        let (x, y) = (from_big(&a).unwrap(), from_big(&b).unwrap());
        assert_eq!(x.checked_add(y), from_big(&(&a + &b)));
        match a.cmp(&b) {
            Ordering::Less => assert_eq!(x.checked_sub(y), Err(NumError::Underflow)),
            _ => assert_eq!(x.checked_sub(y), from_big(&(&a - &b))),
        }
        assert_eq!(x.cmp(&y), a.cmp(&b));
    }
    assert_eq!(Precise::MAX.checked_add(Precise::ZERO), Ok(Precise::MAX));
    assert_eq!(Precise::MAX.checked_sub(Precise::MAX), Ok(Precise::ZERO));
}

#[test]
fn products() {
    let mut rng = rng();
    for _ in 0..cases().div_ceil(8) {
        check_product(&any(&mut rng), &any(&mut rng));
        // Factors whose product just fits or just does not.
        let a = any(&mut rng) + 1u8;
        let limit: BigUint = ((BigUint::from(1u8) << 768) * scale() - 1u8) / &a;
        if limit.bits() <= 767 {
            for near in 0..3u8 {
                check_product(&a, &(&limit + near));
                check_product(&a, &(&limit - BigUint::from(near).min(limit.clone())));
            }
        }
    }
}

#[test]
fn products_next_to_a_multiple_of_the_scale() {
    // The quotient is estimated and corrected by one: the borders are where the remainder is nothing or nearly all.
    let mut rng = rng();
    let fives = BigUint::from(5u8).pow(128);
    for _ in 0..cases().div_ceil(8) {
        let unit = BigUint::from(10u8).pow(rng.random_range(0..=128));
        let rest = scale() / &unit;
        let a = &rest * number(&mut rng, 100);
        let b = &unit * number(&mut rng, 100);
        for (near_a, near_b) in [(0u8, 0u8), (1, 0), (0, 1), (1, 1)] {
            check_product(&(&a + near_a), &(&b + near_b));
            let below = |value: &BigUint, near: u8| {
                if *value == BigUint::ZERO { value.clone() } else { value - near }
            };
            check_product(&below(&a, near_a), &below(&b, near_b));
        }
        check_product(&(&fives * number(&mut rng, 128)), &(&fives * number(&mut rng, 128)));
        check_product(&(&fives * number(&mut rng, 128)), &any(&mut rng));
    }
}

#[test]
fn quotients() {
    let mut rng = rng();
    let check = |a: &BigUint, b: &BigUint| {
        let (x, y) = (from_big(a).unwrap(), from_big(b).unwrap());
        for rounding in ROUNDINGS {
            let expected = match *b == BigUint::ZERO {
                true => Err(NumError::DivisionByZero),
                false => from_big(&divide(a * scale(), b, rounding)),
            };
            assert_eq!(x.checked_div(y, rounding), expected, "{a} / {b} {rounding:?}");
        }
    };
    for _ in 0..cases().div_ceil(8) {
        let (a, b) = (any(&mut rng), any(&mut rng));
        check(&a, &b);
        check(&a, &big(&words::<2>(&mut rng, 128)));
        // Quotients that are whole, or one unit of the dividend beside it.
        let whole = BigUint::from(number(&mut rng, 64)) * big(&words::<10>(&mut rng, 600));
        let part = big(&words::<10>(&mut rng, 600));
        check(&whole, &part);
        let product = &part * number(&mut rng, 128);
        check(&product, &part);
        check(&(product + 1u8), &part);
    }
}

#[test]
fn amounts_go_in_exactly_and_come_out_rounded_once() {
    let mut rng = rng();
    let unit = BigUint::from(10u8).pow(110);
    for _ in 0..cases().div_ceil(8) {
        let amount = Amount::from_units(number(&mut rng, 127)).unwrap_or(Amount::MAX);
        let precise = Precise::from_amount(amount);
        assert_eq!(to_big(precise), &unit * amount.units());
        assert_eq!(precise.to_string(), amount.to_string());
        for rounding in ROUNDINGS {
            assert_eq!(precise.to_amount(rounding), Ok(amount));
        }
        let bits = if rng.random() { 500 } else { 768 };
        let value = big(&words::<12>(&mut rng, bits));
        for near in [value.clone(), &unit * amount.units() + 1u8, &unit * (amount.units() + 1) - 1u8] {
            for rounding in ROUNDINGS {
                let units = divide(near.clone(), &unit, rounding);
                let expected = match u128::try_from(units) {
                    Ok(units) => Amount::from_units(units),
                    Err(_) => Err(NumError::Overflow),
                };
                assert_eq!(from_big(&near).unwrap().to_amount(rounding), expected, "{near} {rounding:?}");
            }
        }
    }
}

#[test]
fn prints_the_shortest_form_and_reads_it_back() {
    let mut rng = rng();
    for _ in 0..cases() / 40 {
        let mut value = any(&mut rng);
        if rng.random() {
            let power = BigUint::from(10u8).pow(rng.random_range(0..230));
            value = &value / &power * &power;
        }
        let precise = from_big(&value).unwrap();
        let text = precise.to_string();
        assert_eq!(text.parse(), Ok(precise));
        let digits = format!("{:0>129}", value.to_string());
        let (whole, fraction) = digits.split_at(digits.len() - 128);
        assert_eq!(text, format!("{whole}.{fraction}").trim_end_matches('0').trim_end_matches('.'));
    }
    assert_eq!(Precise::ONE.to_string(), "1");
    assert_eq!(Precise::ZERO.to_string(), "0");
    let max = Precise::MAX.to_string();
    assert_eq!(max.len(), 104 + 1 + 128);
    assert_eq!(max.parse(), Ok(Precise::MAX));
    // One unit more, and one digit more.
    let above = (to_big(Precise::MAX) + 1u8).to_string();
    let above = format!("{}.{}", &above[..104], &above[104..]);
    assert_eq!(above.parse::<Precise>(), Err(NumError::Overflow));
    assert_eq!(format!("0.{}1", "0".repeat(127)).parse(), from_big(&1u8.into()));
    assert_eq!(format!("0.{}1", "0".repeat(128)).parse::<Precise>(), Err(NumError::TooManyDigits));
    assert_eq!("9".repeat(300).parse::<Precise>(), Err(NumError::Overflow));
}

#[test]
fn encoding_is_96_bytes_and_keeps_the_order() {
    let mut rng = rng();
    let mut buffer = [0; 128];
    for _ in 0..cases().div_ceil(8) {
        let value = from_big(&any(&mut rng)).unwrap();
        let bytes = postcard::to_slice(&value, &mut buffer).unwrap();
        assert_eq!(bytes, value.to_be_bytes());
        assert_eq!(postcard::from_bytes::<Precise>(bytes), Ok(value));
        let other = from_big(&any(&mut rng)).unwrap();
        assert_eq!(value.cmp(&other), value.to_be_bytes().cmp(&other.to_be_bytes()));
    }
}
