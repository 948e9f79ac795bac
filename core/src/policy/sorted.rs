//! Bounded lists in strictly ascending order, so that every set has one encoding.

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::model::PolicyError;

/// At most `N` different items, ascending.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Sorted<T, const N: usize>(heapless::Vec<T, N>);

impl<T, const N: usize> Default for Sorted<T, N> {
    fn default() -> Self {
        Self(heapless::Vec::new())
    }
}

impl<T: Ord, const N: usize> Sorted<T, N> {
    /// The items, which must be in order.
    ///
    /// # Errors
    /// There are too many, or one is not above the one before it.
    pub fn new(items: impl IntoIterator<Item = T>) -> Result<Self, PolicyError> {
        let mut list = Self::default();
        items.into_iter().try_for_each(|item| list.push(item))?;
        Ok(list)
    }

    fn push(&mut self, item: T) -> Result<(), PolicyError> {
        if self.0.last().is_some_and(|last| *last >= item) {
            return Err(PolicyError::Order);
        }
        self.0.push(item).map_err(|_| PolicyError::TooMany)
    }

    /// The items.
    pub fn as_slice(&self) -> &[T] {
        &self.0
    }

    /// Whether the item is in the list.
    pub fn contains(&self, item: &T) -> bool {
        self.0.binary_search(item).is_ok()
    }
}

impl<'de, T: Ord + Deserialize<'de>, const N: usize> Deserialize<'de> for Sorted<T, N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List<T, const N: usize>(core::marker::PhantomData<T>);
        impl<'de, T: Ord + Deserialize<'de>, const N: usize> Visitor<'de> for List<T, N> {
            type Value = Sorted<T, N>;
            fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str("an ascending list")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut list = Sorted::default();
                while let Some(item) = seq.next_element()? {
                    list.push(item).map_err(A::Error::custom)?;
                }
                Ok(list)
            }
        }
        deserializer.deserialize_seq(List(core::marker::PhantomData))
    }
}
