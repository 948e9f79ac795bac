//! What the fuzz targets check.

pub mod device;
pub mod ledger;

// The board in memory of the core's tests.
#[allow(missing_docs, dead_code)]
#[path = "../../../core/tests/flash_disk/mod.rs"]
pub mod flash_disk;
#[allow(missing_docs, dead_code)]
#[path = "../../../core/tests/hsm_board/mod.rs"]
pub mod hsm_board;
#[allow(missing_docs, dead_code)]
#[path = "../../../core/tests/hsm_custodians/mod.rs"]
pub mod hsm_custodians;

use std::fmt::{Debug, Display};
use std::str::FromStr;

use qenex_core::codec::{Encoded, decode, decode_trusted, encode};

/// Bytes that decode to a value are its encoding, and nothing else is accepted.
pub fn canonical<'a, T: Encoded + serde::Deserialize<'a> + PartialEq + Debug>(data: &'a [u8]) {
    let Ok(value) = decode::<T>(data) else { return };
    let mut buffer = vec![0; T::MAX_LEN];
    assert_eq!(encode(&value, &mut buffer).expect("MAX_LEN is enough"), data);
    assert_eq!(decode_trusted::<T>(data).as_ref(), Ok(&value));
}

/// A text that is a number prints as a text that is the same number, and so does that one.
pub fn decimal<T: FromStr<Err: Debug> + Display + PartialEq + Debug>(data: &[u8]) {
    let Some(number) = str::from_utf8(data).ok().and_then(|text| text.parse::<T>().ok()) else { return };
    let text = number.to_string();
    let again: T = text.parse().expect("what is printed can be read");
    assert_eq!(again, number);
    assert_eq!(again.to_string(), text);
}
