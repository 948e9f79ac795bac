//! Amounts against arbitrary-precision integers and against their own printed and encoded forms.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod num_common;

use num_bigint::BigUint;
use num_common::{cases, number, rng};
use qenex_core::num::{Amount, NumError, Precise, Ratio, Rounding, SCALE};
use rand::RngExt;

fn amount(text: &str) -> Amount {
    text.parse().unwrap()
}

/// An amount of any size.
fn any(rng: &mut rand::rngs::StdRng) -> Amount {
    Amount::from_units(number(rng, 127)).unwrap_or(Amount::MAX)
}

/// What a result over big integers is as an amount.
fn model(units: Option<BigUint>, below: NumError) -> Result<Amount, NumError> {
    let units = units.ok_or(below)?;
    if units > BigUint::from(Amount::MAX.units()) {
        return Err(NumError::Overflow);
    }
    Amount::from_units(u128::try_from(units).unwrap())
}

#[test]
fn bounds_are_those_of_decimal_38_18() {
    assert_eq!(Amount::MAX.units(), 99_999_999_999_999_999_999_999_999_999_999_999_999);
    assert_eq!(Amount::MAX.to_string(), "99999999999999999999.999999999999999999");
    assert_eq!(Amount::from_units(Amount::MAX.units() + 1), Err(NumError::Overflow));
    assert_eq!(Amount::from_units(u128::MAX), Err(NumError::Overflow));
    assert_eq!(Amount::from_whole(u64::MAX).to_string(), u64::MAX.to_string());
    assert_eq!(Amount::MAX.checked_add(Amount::from_units(1).unwrap()), Err(NumError::Overflow));
    assert_eq!(Amount::MAX.checked_add(Amount::MAX), Err(NumError::Overflow));
    assert_eq!(Amount::ZERO.checked_sub(Amount::from_units(1).unwrap()), Err(NumError::Underflow));
    assert_eq!(Amount::default(), Amount::ZERO);
    assert_eq!(Amount::ONE.units(), SCALE);
}

#[test]
fn reads_exact_decimals() {
    for (text, units) in [
        ("0", 0),
        ("0.0", 0),
        ("1000", 1000 * SCALE),
        ("0.5", SCALE / 2),
        ("007.50", 7 * SCALE + SCALE / 2),
        ("0.000000000000000001", 1),
        ("00000000000000000000000000000000000000000000000001", SCALE),
        ("99999999999999999999.999999999999999999", Amount::MAX.units()),
    ] {
        assert_eq!(text.parse::<Amount>().map(Amount::units), Ok(units), "{text}");
    }
}

#[test]
fn refuses_all_else() {
    for text in [
        "",
        ".",
        "1.",
        ".5",
        "+1",
        "-1",
        "1e3",
        "1E3",
        "0x1",
        " 1",
        "1 ",
        "1,5",
        "1_000",
        "1.2.3",
        "1..2",
        "\u{0661}",
        "NaN",
        "inf",
        "1.\u{0662}",
        "--1",
        "1.-2",
        "\0",
    ] {
        assert_eq!(text.parse::<Amount>(), Err(NumError::Syntax), "{text:?}");
        assert_eq!(text.parse::<Precise>(), Err(NumError::Syntax), "{text:?}");
    }
    assert_eq!("0.0000000000000000001".parse::<Amount>(), Err(NumError::TooManyDigits));
    assert_eq!("0.0000000000000000000".parse::<Amount>(), Err(NumError::TooManyDigits));
    for text in ["100000000000000000000", "99999999999999999999999999999999999999999", &"9".repeat(400)] {
        assert_eq!(text.parse::<Amount>(), Err(NumError::Overflow), "{text}");
    }
}

#[test]
fn prints_the_shortest_form_and_reads_it_back() {
    let mut rng = rng();
    for _ in 0..cases() {
        let mut value = any(&mut rng);
        if rng.random() {
            // Zeros at the end.
            let power = 10u128.pow(rng.random_range(0..38));
            value = Amount::from_units(value.units() / power * power).unwrap();
        }
        let text = value.to_string();
        assert_eq!(text.parse(), Ok(value));
        // The obvious form, cut by hand.
        let digits = format!("{:019}", value.units());
        let (whole, fraction) = digits.split_at(digits.len() - 18);
        let obvious = format!("{whole}.{fraction}");
        assert_eq!(text, obvious.trim_end_matches('0').trim_end_matches('.'));
    }
    assert_eq!(
        format!("[{:>6}|{:<6}|{:6}]", amount("0.5"), amount("0.5"), amount("0.5")),
        "[   0.5|0.5   |   0.5]"
    );
    assert_eq!(format!("{:.1}", amount("0.25")), "0.25", "a precision does not cut digits off");
}

#[test]
fn operations_match_big_integers() {
    let mut rng = rng();
    for _ in 0..cases() {
        let (a, b, c) = (any(&mut rng), any(&mut rng), any(&mut rng));
        let [big_a, big_b, big_c] = [a, b, c].map(|amount| BigUint::from(amount.units()));
        assert_eq!(a.checked_add(b), model(Some(&big_a + &big_b), NumError::Overflow));
        let difference = (big_a >= big_b).then(|| &big_a - &big_b);
        assert_eq!(a.checked_sub(b), model(difference, NumError::Underflow));
        assert_eq!(a.cmp(&b), big_a.cmp(&big_b));
        for rounding in [Rounding::Down, Rounding::Up] {
            let divide = |dividend: BigUint, divisor: &BigUint| {
                let up = if rounding == Rounding::Up { divisor - 1u8 } else { BigUint::ZERO };
                (dividend + up) / divisor
            };
            let scale = BigUint::from(SCALE);
            assert_eq!(
                a.checked_mul(b, rounding),
                model(Some(divide(&big_a * &big_b, &scale)), NumError::Overflow)
            );
            if c.is_zero() {
                assert_eq!(a.checked_div(c, rounding), Err(NumError::DivisionByZero));
                assert_eq!(a.mul_div(b, c, rounding), Err(NumError::DivisionByZero));
            } else {
                let quotient = divide(&big_a * &scale, &big_c);
                assert_eq!(a.checked_div(c, rounding), model(Some(quotient), NumError::Overflow));
                let quotient = divide(&big_a * &big_b, &big_c);
                assert_eq!(a.mul_div(b, c, rounding), model(Some(quotient), NumError::Overflow));
            }
        }
    }
}

#[test]
fn encoding_is_a_bounded_varint() {
    let mut rng = rng();
    let mut buffer = [0; 32];
    for _ in 0..cases() {
        let value = any(&mut rng);
        let bytes = postcard::to_slice(&value, &mut buffer).unwrap();
        assert_eq!(bytes.len(), (128 - value.units().leading_zeros()).div_ceil(7).max(1) as usize);
        assert_eq!(postcard::from_bytes::<Amount>(bytes), Ok(value));
        let beyond = Amount::MAX.units() + 1 + number(&mut rng, 127);
        assert!(postcard::from_bytes::<Amount>(postcard::to_slice(&beyond, &mut buffer).unwrap()).is_err());
    }
}

#[test]
fn ratios_round_down_and_print_to_the_nearest() {
    let mut rng = rng();
    for _ in 0..cases() {
        let (a, b) = (any(&mut rng), any(&mut rng));
        if b.is_zero() {
            assert_eq!(Ratio::new(a, b), Err(NumError::DivisionByZero));
            continue;
        }
        let bits = (BigUint::from(a.units()) << 64) / b.units();
        match Ratio::new(a, b) {
            Ok(ratio) => {
                assert_eq!(BigUint::from(ratio.0.to_bits()), bits);
                // Nearest unit of 10^-18: floor(bits * 10^18 / 2^64 + 1/2).
                let nearest = (((bits * SCALE) << 1u8) + (BigUint::from(1u8) << 64)) >> 65;
                assert_eq!(ratio.to_string().parse::<Amount>().map(|a| a.units().into()), Ok(nearest));
            }
            Err(error) => assert!(error == NumError::Overflow && bits.bits() > 128),
        }
    }
    assert_eq!(Ratio::new(amount("10000"), amount("5")).unwrap().to_string(), "2000");
    assert_eq!(Ratio::new(amount("3"), amount("1000")).unwrap().to_string(), "0.003");
    assert_eq!(Ratio::new(amount("2"), amount("3")).unwrap().to_string(), "0.666666666666666667");
}
