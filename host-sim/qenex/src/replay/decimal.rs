//! Amounts as files write them.

use qenex_core::num::{Amount, NumError};

/// A decimal of a text file: digits with an optional point. A leading plus sign and an exponent (as tools write
/// doubles) are understood; nothing is rounded.
pub fn parse(text: &str) -> Result<Amount, NumError> {
    let text = text.trim();
    let text = text.strip_prefix('+').unwrap_or(text);
    match text.find(['e', 'E']) {
        None => text.parse(),
        Some(at) => {
            let (digits, exponent) = (&text[..at], &text[at + 1..]);
            let exponent: i32 = exponent.parse().map_err(|_| NumError::Syntax)?;
            scientific(digits, exponent)
        }
    }
}

/// A double as its shortest decimal that reads back as the same double.
pub fn from_double(value: f64) -> Result<Amount, NumError> {
    if !value.is_finite() {
        return Err(NumError::Syntax);
    }
    // Display of f64 is the shortest decimal that reads back, without an exponent.
    value.to_string().parse()
}

/// Digits with the point moved by the exponent.
fn scientific(digits: &str, exponent: i32) -> Result<Amount, NumError> {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() || exponent.unsigned_abs() > 64 {
        return Err(NumError::Syntax);
    }
    let all = format!("{whole}{fraction}");
    let point = whole.len() as i32 + exponent;
    let moved = if point <= 0 {
        format!("0.{}{all}", "0".repeat(point.unsigned_abs() as usize))
    } else if point as usize >= all.len() {
        format!("{all}{}", "0".repeat(point as usize - all.len()))
    } else {
        format!("{}.{}", &all[..point as usize], &all[point as usize..])
    };
    moved.parse()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_are_their_shortest_decimal() {
        for (value, text) in
            [(0.1, "0.1"), (15.85, "15.85"), (1e16, "10000000000000000"), (0.160516, "0.160516")]
        {
            assert_eq!(from_double(value).unwrap().to_string(), text);
        }
        for value in [-1.0, f64::NAN, f64::INFINITY, 1e-20, 1e21] {
            assert!(from_double(value).is_err(), "{value}");
        }
    }

    #[test]
    fn texts_are_exact() {
        for (text, amount) in
            [("1.5e3", "1500"), ("15E-3", "0.015"), ("+2.50", "2.5"), (" 7 ", "7"), ("1.25e1", "12.5")]
        {
            assert_eq!(parse(text).unwrap().to_string(), amount, "{text}");
        }
        for text in ["", "-1", "1e", "e5", "1,5", "1e99", "1e-19", "0x1"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
