//! Lists of policies, made where nothing would hold what they lend.

use qenex_core::codec::Encoded;
use qenex_core::policy::{Policy, Sorted};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A list that lasts for as long as the tests run.
pub fn sorted<T: Ord + Copy + Serialize + DeserializeOwned, const N: usize>(
    items: impl IntoIterator<Item = T>,
) -> Sorted<'static, T, N> {
    Sorted::new(items, Box::leak(Box::new([0; <Policy<'_> as Encoded>::MAX_LEN]))).unwrap()
}
