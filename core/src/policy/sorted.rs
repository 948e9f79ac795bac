//! Bounded lists in strictly ascending order, so that every set has one encoding.

use core::fmt;
use core::marker::PhantomData;

use serde::de::{DeserializeOwned, Error as _, SeqAccess, Visitor};
use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::model::PolicyError;
use crate::codec::{self, Unread};

/// At most `N` different items, ascending. They stay where they were decoded from, or in the buffer that they were written to, and are
/// decoded one by one.
pub struct Sorted<'a, T, const N: usize> {
    count: u8,
    /// The encoding of each item, without their number.
    bytes: &'a [u8],
    items: PhantomData<T>,
}

impl<T, const N: usize> Sorted<'_, T, N> {
    /// No items.
    pub const NONE: Self = Self { count: 0, bytes: &[], items: PhantomData };
}

impl<'a, T: Ord + Copy + Serialize + DeserializeOwned, const N: usize> Sorted<'a, T, N> {
    /// Writes the items, which must be in order, to a buffer.
    ///
    /// # Errors
    /// There are too many for the list or the buffer, or one is not above the one before it.
    pub fn new(items: impl IntoIterator<Item = T>, buffer: &'a mut [u8]) -> Result<Self, PolicyError> {
        let mut order = Order::<T, N>::default();
        let mut len = 0usize;
        for item in items {
            order.push(item)?;
            let rest = buffer.get_mut(len..).unwrap_or_default();
            let written = postcard::to_slice(&item, rest).map_err(|_| PolicyError::TooMany)?.len();
            len = len.saturating_add(written);
        }
        Ok(Self { count: order.count, bytes: buffer.get(..len).unwrap_or_default(), items: PhantomData })
    }

    /// How many there are.
    pub const fn count(&self) -> usize {
        self.count as usize
    }

    /// The items, ascending.
    pub fn iter(&self) -> impl Iterator<Item = T> + 'a {
        let mut rest = self.bytes;
        // They have been decoded before, so that each can be again.
        core::iter::from_fn(move || {
            let item;
            (item, rest) = codec::read_item(rest)?;
            Some(item)
        })
    }

    /// Whether the item is in the list.
    pub fn contains(&self, item: &T) -> bool {
        self.iter().any(|own| own == *item)
    }
}

/// What is known of a list while its items are taken.
struct Order<T, const N: usize> {
    count: u8,
    last: Option<T>,
}

impl<T, const N: usize> Default for Order<T, N> {
    fn default() -> Self {
        Self { count: 0, last: None }
    }
}

impl<T: Ord, const N: usize> Order<T, N> {
    fn push(&mut self, item: T) -> Result<(), PolicyError> {
        if self.last.as_ref().is_some_and(|last| *last >= item) {
            return Err(PolicyError::Order);
        }
        if usize::from(self.count) >= N {
            return Err(PolicyError::TooMany);
        }
        self.count = self.count.saturating_add(1);
        self.last = Some(item);
        Ok(())
    }
}

impl<T, const N: usize> Default for Sorted<'_, T, N> {
    fn default() -> Self {
        Self { count: 0, bytes: &[], items: PhantomData }
    }
}

impl<T, const N: usize> Clone for Sorted<'_, T, N> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, const N: usize> Copy for Sorted<'_, T, N> {}

impl<T, const N: usize> PartialEq for Sorted<'_, T, N> {
    fn eq(&self, other: &Self) -> bool {
        // A list has one encoding.
        self.bytes == other.bytes
    }
}

impl<T, const N: usize> Eq for Sorted<'_, T, N> {}

impl<T: Ord + Copy + Serialize + DeserializeOwned + fmt::Debug, const N: usize> fmt::Debug
    for Sorted<'_, T, N>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<T: Ord + Copy + Serialize + DeserializeOwned, const N: usize> Serialize for Sorted<'_, T, N> {
    // Item by item, not as the bytes that they are: so decoding, which encodes again and compares, finds an item that is not canonical.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.count()))?;
        self.iter().try_for_each(|item| list.serialize_element(&item))?;
        list.end()
    }
}

impl<'de: 'a, 'a, T: Ord + Copy + DeserializeOwned, const N: usize> Deserialize<'de> for Sorted<'a, T, N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List<'a, T, const N: usize>(PhantomData<(&'a (), T)>);
        impl<'de: 'a, 'a, T: Ord + Copy + DeserializeOwned, const N: usize> Visitor<'de> for List<'a, T, N> {
            type Value = Sorted<'a, T, N>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an ascending list")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut order = Order::<T, N>::default();
                let (mut all, mut rest) = (None, &[][..]);
                while let Some((Unread(before), item, Unread(after))) =
                    seq.next_element::<(Unread<'a>, T, Unread<'a>)>()?
                {
                    order.push(item).map_err(A::Error::custom)?;
                    all.get_or_insert(before);
                    rest = after;
                }
                let all = all.unwrap_or_default();
                let bytes = all.get(..all.len().saturating_sub(rest.len())).unwrap_or_default();
                Ok(Sorted { count: order.count, bytes, items: PhantomData })
            }
        }
        deserializer.deserialize_seq(List(PhantomData))
    }
}
